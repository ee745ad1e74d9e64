//! `rolecall blame`

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::asking::{self, AnswerFormat, StateArgs};
use super::planning::declaration;
use super::{Exit, Failure, Global, Ui, load};
use crate::access::Explanation;
use crate::config::TargetDeclaration;
use crate::diagnostic::{Location, Span};
use crate::git::{Blame, Repository};
use crate::model::{DomainId, Kind};
use crate::render::blame_json::{Declared, TargetBlame};
use crate::render::{blame_json, blame_terminal};

/// Show who declared it: commit, author, date and pull request.
///
/// Of a user, and a resource if one is named, every step on every way in which they have access, as
/// `explain` tells it. Without a user, everything in a target that gives access, the oldest first. Only
/// the files are asked. Commits listed in .git-blame-ignore-revs are passed over.
#[derive(Debug, Args)]
pub struct BlameArgs {
    /// The user: an e-mail, or the short name of the files
    user: Option<String>,
    /// The resource, as [TARGET:]KIND/NAME
    resource: Option<String>,
    /// Only what gives this permission, or all that this role gives
    #[arg(long, value_name = "PERMISSION", requires = "user")]
    can: Option<String>,
    /// Only this target, or the targets with this label; can be given several times
    #[arg(short, long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// How the answer is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: AnswerFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the user, the resource or the target is not known, or there is no repository or no `git`.
pub fn blame(ui: &mut Ui, global: &Global, args: &BlameArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let (answers, mut targets) = match &args.user {
        Some(user) => (explained(global, &ready, args, user)?, Vec::new()),
        None => {
            super::planning::check_targets(&ready, &args.targets)?;
            let selected = ready.declaration.select(&args.targets).into_iter();
            (Vec::new(), selected.map(|t| declared(&ready, t)).collect())
        }
    };
    let mut places = blame_json::places(&answers);
    places.extend(targets.iter().flat_map(|t| &t.declared).map(|d| d.declared.clone()));
    let found = find(&ready, places)?;
    for target in &mut targets {
        age(global, target, &found);
    }
    if args.json || args.format == AnswerFormat::Json {
        ui.out(&super::validate::json(&blame_json::document(answers, targets, &found))?);
    } else if args.user.is_some() {
        ui.out(&blame_terminal::explained(&answers, &found, ui.out_style()));
    } else {
        ui.out(&blame_terminal::tables(&targets, &found, ui.out_style()));
    }
    Ok(Exit::Done)
}

fn explained(global: &Global, ready: &load::Ready, args: &BlameArgs, user: &str) -> Result<Vec<Explanation>, Failure> {
    let state =
        StateArgs { live: false, plan: None, targets: args.targets.clone(), format: args.format, json: args.json };
    let resource = args.resource.as_deref();
    let scenes = asking::scenes(global, ready, &state, resource)?;
    asking::ask(global, ready, &scenes, |stages| {
        super::explain::answers(ready, stages, user, resource, args.can.as_deref())
    })
}

/// Asks Git about places.
fn find(ready: &load::Ready, places: Vec<Location>) -> Result<Blame, Failure> {
    let mut wanted: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for place in places {
        wanted.entry(place.file).or_default().insert(place.line);
    }
    if wanted.is_empty() {
        return Ok(Blame::default());
    }
    Ok(Repository::find(&ready.declaration.root)?.blame(&wanted)?)
}

/// What is declared of a target and gives access: roles of users, memberships, grants and domains.
fn declared(ready: &load::Ready, target: &TargetDeclaration) -> TargetBlame {
    let (directory, origins) = (&target.desired.directory, &target.desired.origins);
    let mut found: BTreeSet<(Location, Kind, String)> = BTreeSet::new();
    let mut say = |kind: Kind, what: String, span: Option<&Span>| {
        if let Some(span) = span {
            found.insert((ready.sources.location(*span), kind, what));
        }
    };
    for (index, user) in directory.users().iter().enumerate() {
        let role = user.role.value().map(|r| format!(" has the role {}", directory.role(*r).name));
        let what = format!("{}{}", user.email, role.unwrap_or_else(|| " has an account".to_owned()));
        say(Kind::User, what, origins.users.get(index));
    }
    for (member, span) in directory.memberships().iter().zip(&origins.memberships) {
        let (user, team) = (&directory.user(member.user).email, &directory.team(member.team).name);
        let role = member.role.value().map(|r| format!(" as {}", directory.role(*r).name)).unwrap_or_default();
        say(Kind::Member, format!("{user} is a member of team/{team}{role}"), Some(span));
    }
    for (grant, span) in directory.grants().iter().zip(&origins.grants) {
        let (to, role) = (directory.principal_record(grant.principal), &directory.role(grant.role).name);
        let on = &directory.resource(grant.resource).name;
        say(Kind::Grant, format!("{to} has {role} on {on}"), Some(span));
    }
    for (index, span) in origins.domains.iter().enumerate() {
        let record = directory.domain_record(DomainId(index as u32));
        let role = record.role.map(|r| format!(" get the role {r}")).unwrap_or_else(|| " may join".to_owned());
        say(Kind::Domain, format!("who joins by {}{role}", record.name), Some(span));
    }
    let declared =
        found.into_iter().map(|(declared, kind, what)| Declared { kind, what, declared, days: None }).collect();
    TargetBlame { target: target.name.clone(), declared }
}

/// Puts the oldest first; what is not known comes last.
fn age(global: &Global, target: &mut TargetBlame, blame: &Blame) {
    let mut dated: Vec<(Option<i64>, Declared)> = Vec::new();
    for one in target.declared.drain(..) {
        let origin = blame.of(&one.declared.file, one.declared.line).filter(|o| o.commit.is_some());
        let second = origin.map(|o| o.date.second());
        let days = second.map(|s| (global.now().second() - s).max(0) / 86_400);
        dated.push((second, Declared { days, ..one }));
    }
    dated.sort_by(|(a, x), (b, y)| {
        a.is_none().cmp(&b.is_none()).then(a.cmp(b)).then_with(|| (x.kind, &x.what).cmp(&(y.kind, &y.what)))
    });
    target.declared = dated.into_iter().map(|(_, one)| one).collect();
}
