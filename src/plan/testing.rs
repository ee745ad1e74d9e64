//! Small directories from a few words, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Location;
use crate::model::*;
use crate::plan::{Context, Hands, Options, Plan, Promise, Renaming, Step, TargetPlan, plan};

/// A day on which every test takes place.
pub(crate) fn today() -> Moment {
    Moment::parse("2026-06-01T12:00:00Z").unwrap()
}

/// Reads lines of words: `role admin! a,b`, `user ada role=admin`, `team t in=o leads=ada,bob`,
/// `member t ada role=x`, `res project/x owner=ada`, `grant project/x team/t use,edit until=...`,
/// `domain acme.com teams=t`, `policy mfa "x"`. Attributes that are not given are empty where `full`,
/// and unsaid otherwise. The roles `admin!`, `viewer`, `use` and `edit` are always there, as
/// given or else with these permissions.
pub(crate) fn read(text: &str, full: bool) -> (Directory, Origins<()>) {
    let mut b = Builder::new();
    let (mut roles, mut users) = (BTreeMap::new(), BTreeMap::new());
    let (mut teams, mut resources) = (BTreeMap::new(), BTreeMap::new());
    let own = |line: &str| text.lines().any(|l| l.split_whitespace().take(2).eq(line.split_whitespace().take(2)));
    let basic = ["role admin! use,edit,rule\n", "role viewer\n", "role use use\n", "role edit use,edit\n"];
    let basic: String = basic.into_iter().filter(|line| !own(line)).collect();
    let rows: Vec<(String, Vec<String>, BTreeMap<String, String>)> = (basic + text)
        .lines()
        .filter(|l| !l.trim().is_empty())
        .map(|line| {
            let (plain, keyed): (Vec<&str>, Vec<&str>) = line.split_whitespace().partition(|w| !w.contains('='));
            let keyed = keyed.into_iter().filter_map(|w| w.split_once('='));
            let mut plain = plain.into_iter().map(str::to_owned);
            (plain.next().unwrap(), plain.collect(), keyed.map(|(k, v)| (k.into(), v.into())).collect())
        })
        .collect();
    fn said<T>(full: bool, keys: &BTreeMap<String, String>, key: &str, read: impl Fn(&str) -> T) -> Said<T> {
        match keys.get(key).map(String::as_str) {
            Some("-") => Said::Nothing,
            Some(value) => Said::Is(read(value)),
            None if full => Said::Nothing,
            None => Said::Unsaid,
        }
    }
    for (what, words, _) in &rows {
        if what == "role" {
            let name = words[0].trim_end_matches('!');
            let permissions = words.get(1).map(|w| w.split(',').map(|p| b.permission(p)).collect());
            let permissions = permissions.unwrap_or_default();
            let administers = words[0].ends_with('!');
            let role = Role { name: name.into(), description: Said::Nothing, permissions, administers };
            roles.insert(name.to_owned(), b.role(role, ()));
        }
    }
    for (what, words, keys) in &rows {
        let said_text = |key: &str| said(full, keys, key, |t| t.into());
        let was = keys.get("was").map(|w| w.as_str().into());
        match what.as_str() {
            "user" => {
                let mut user = User::new(&words[0]);
                user.name = said_text("name");
                user.role = said(full, keys, "role", |r| roles[r]);
                user.kind = match keys.get("kind").map(String::as_str) {
                    Some("service") => Said::Is(UserKind::Service),
                    Some("break-glass") => Said::Is(UserKind::BreakGlass),
                    _ => Said::Is(UserKind::Person),
                };
                user.state = match keys.get("state").map(String::as_str) {
                    Some("disabled") => UserState::Disabled,
                    Some("invited") => UserState::Invited,
                    Some("expired") => UserState::InvitationExpired,
                    _ => UserState::Active,
                };
                user.until = said(full, keys, "until", |t| Moment::parse(t).unwrap());
                user.owner = said_text("owner");
                user.last_seen = keys.get("seen").map(|t| Moment::parse(t).unwrap());
                if let Some(region) = keys.get("region") {
                    let region = if region == "-" { Said::Nothing } else { Said::Is(region.as_str().into()) };
                    user.attributes.push(("region".into(), region));
                }
                if let Some(github) = keys.get("github") {
                    user.handles.push(("github".into(), Said::Is(github.as_str().into())));
                }
                user.was = was;
                users.insert(words[0].clone(), b.user(user, ()));
            }
            "team" => {
                let mut team = Team::new(&words[0]);
                team.description = said_text("description");
                team.role = said(full, keys, "role", |r| roles[r]);
                team.was = was;
                teams.insert(words[0].clone(), b.team(team, ()));
            }
            "res" => {
                let mut resource = Resource::new(&words[0]);
                resource.description = said_text("description");
                resource.visibility = said(full, keys, "vis", |v| match v {
                    "private" => Visibility::Private,
                    "everyone" => Visibility::Everyone,
                    _ => Visibility::Restricted,
                });
                resource.was = was;
                resources.insert(words[0].clone(), b.resource(resource, ()));
            }
            _ => {}
        }
    }
    for (what, words, keys) in &rows {
        let role = || said(full, keys, "role", |r| roles[r]);
        let until = said(full, keys, "until", |t| Moment::parse(t).unwrap());
        match what.as_str() {
            "team" => {
                let team = b.team_mut(teams[&words[0]]).unwrap();
                team.outer = said(full, keys, "in", |t| teams[t]);
                team.leads = said(full, keys, "leads", |l| l.split(',').map(|u| users[u]).collect());
                if team.leads == Said::Nothing {
                    team.leads = Said::Is(Vec::new());
                }
            }
            "res" => {
                let resource = b.resource_mut(resources[&words[0]]).unwrap();
                resource.parent = said(full, keys, "in", |r| resources[r]);
                resource.owner = said(full, keys, "owner", |u| users[u]);
            }
            "member" => {
                let because = keys.get("because").map(|t| b.reason(t));
                let (team, user) = (teams[&words[0]], users[&words[1]]);
                b.membership(Membership { team, user, role: role(), until, because }, ());
            }
            "grant" => {
                let principal = match words[1].strip_prefix("team/") {
                    Some(team) => Principal::Team(teams[team]),
                    None if words[1] == "everyone" => Principal::Everyone,
                    None => Principal::User(users[&words[1]]),
                };
                let because = keys.get("because").map(|t| b.reason(t));
                for role in words[2].split(',') {
                    let (resource, role) = (resources[&words[0]], roles[role]);
                    b.grant(Grant { resource, principal, role, until: until.value().copied(), because }, ());
                }
            }
            "domain" => {
                let teams = said(full, keys, "teams", |t| t.split(',').map(|t| teams[t]).collect());
                b.domain(Domain { name: words[0].as_str().into(), role: role(), teams }, ());
            }
            "policy" => {
                let key = PolicyKey::ALL.into_iter().find(|k| k.name() == words[0]).unwrap();
                b.policy(key, serde_json::from_str(&words[1]).unwrap(), ());
            }
            _ => {}
        }
    }
    let (directory, origins, _) = b.finish().unwrap();
    (directory, origins)
}

/// A live directory.
pub(crate) fn live(text: &str) -> Directory {
    read(text, true).0
}

/// A desired directory with every kind authoritative, every team and resource listed.
pub(crate) fn desired(text: &str) -> Desired<()> {
    everything(read(text, false))
}

pub(crate) fn everything((directory, origins): (Directory, Origins<()>)) -> Desired<()> {
    let mut manage = Manage::default();
    for kind in Kind::ALL {
        *manage.rule_mut(kind) = Rule { mode: Mode::Authoritative, scope: Vec::new(), mentioned: true };
    }
    manage.listed_members = (0..directory.teams().len() as u32).map(TeamId).collect();
    manage.listed_access = (0..directory.resources().len() as u32).map(ResourceId).collect();
    Desired {
        target: "home".into(),
        directory,
        origins,
        manage,
        rules: Rules { admins_declared: true, ..Rules::default() },
        blocks: BTreeMap::new(),
        blocked_leavers: BTreeSet::new(),
        ended_grants: Vec::new(),
        ended_members: Vec::new(),
        catalogue: Arc::new(Catalogue::default()),
    }
}

pub(crate) fn options() -> Options {
    Options { now: today(), renames: true, invites: false, kept: Kept::ALL }
}

/// The plan for one target that has been managed as a whole before.
pub(crate) fn planned(desired: &Desired<()>, live: &Directory) -> TargetPlan {
    let ownership = desired.manage.ownership(&desired.directory);
    // What is deleted was listed as well.
    let listed_members = live.teams().iter().map(|t| t.name.to_string()).chain(ownership.listed_members).collect();
    let ownership = Ownership { listed_members, ..ownership };
    planned_after(desired, live, Some(&ownership))
}

pub(crate) fn planned_after(desired: &Desired<()>, live: &Directory, ownership: Option<&Ownership>) -> TargetPlan {
    made(desired, live, ownership, Hands::default(), None)
}

/// The plan of one target that has been managed as a whole before, of everything or of what changed since other
/// files; with the renamings that were made before.
pub(crate) fn planned_since(
    desired: &Desired<()>,
    live: &Directory,
    since: Option<&Desired<()>>,
    renamed: BTreeSet<Renaming>,
) -> TargetPlan {
    let ownership = desired.manage.ownership(&desired.directory);
    let listed_members = live.teams().iter().map(|t| t.name.to_string()).chain(ownership.listed_members).collect();
    let ownership = Ownership { listed_members, renamed, ..ownership };
    made(desired, live, Some(&ownership), Hands::default(), since)
}

/// The plan for one target that cannot make everything.
pub(crate) fn planned_with(desired: &Desired<()>, live: &Directory, hands: Hands<'_>) -> TargetPlan {
    made(desired, live, Some(&desired.manage.ownership(&desired.directory)), hands, None)
}

fn made(
    desired: &Desired<()>,
    live: &Directory,
    ownership: Option<&Ownership>,
    hands: Hands<'_>,
    since: Option<&Desired<()>>,
) -> TargetPlan {
    let locate = |()| Location { file: "rolecall.yaml".into(), line: 1 };
    let context = Context {
        provider: "directory",
        level: Promise::Enforced,
        options: options(),
        ownership,
        kinds: &Kind::ALL,
        enables: true,
        hands,
        applier: crate::invariants::Applier::Anyone,
        locate: &locate,
        tests: &[],
        since,
        rules_before: None,
        only_over: false,
    };
    plan(desired, live, &context)
}

/// A whole plan of one target with consents.
pub(crate) fn whole(target: TargetPlan, consents: &[&str]) -> Plan {
    Plan::new(vec![target], consents.iter().map(|c| c.parse().unwrap()).collect(), None)
}

/// One line for each step: its wave, its kind and its object.
pub(crate) fn lines(plan: &TargetPlan) -> Vec<String> {
    plan.steps.iter().map(line).collect()
}

/// One step: its wave, its kind and its object.
pub(crate) fn line(step: &Step) -> String {
    let value = serde_json::to_value(&step.change).unwrap();
    format!("{} {} {}", step.wave, value["change"].as_str().unwrap(), step.change.object().name)
}
