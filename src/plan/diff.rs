//! The difference of a desired and a live directory, as typed changes. Linear: sorted lists are
//! joined, and names are spelled out only for what changes.

use std::collections::{BTreeMap, BTreeSet};

use super::renames::Renaming;
use super::work::{Fate, Work};
use super::{domains, edges, policies, resources, roles, teams, told, users};
use crate::diagnostic::Code;
use crate::invariants::{expected_joiners, some_of};
use crate::model::{
    Change, Desired, Directory, Kept, Kind, Mode, Moment, ResourceId, TeamId, UserId, UserRemoval, UserState,
};

/// What a comparison needs to know besides the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The time: what ends at or before it has ended.
    pub now: Moment,
    /// Whether the target can rename users, teams and resources in place.
    pub renames: bool,
    /// Whether the target invites users rather than creating them.
    pub invites: bool,
    /// Which attributes the target keeps: others are not compared.
    pub kept: Kept,
}

/// A change, and the declaration that asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned<O> {
    /// The change.
    pub change: Change,
    /// Where that is declared; what is removed is declared nowhere.
    pub origin: Option<O>,
}

/// Something to be said about a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark<O> {
    /// The kind of finding; none for plain information.
    pub code: Option<Code>,
    /// What it is.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The declaration it is about.
    pub origin: Option<O>,
}

/// What separates the live from the desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<O> {
    /// What has to change, in no order that matters yet except that renamings stand in theirs.
    pub changes: Vec<Planned<O>>,
    /// Differences that are reported and not written.
    pub observed: Vec<Planned<O>>,
    /// Users who are invited and have not come yet, by e-mail.
    pub pending: Vec<String>,
    /// Users whose invitation has run out, by e-mail.
    pub expired_invitations: Vec<String>,
    /// How many live things of each kind are not declared and left as they are.
    pub left_alone: BTreeMap<Kind, usize>,
    /// What is to be said.
    pub remarks: Vec<Remark<O>>,
}

impl<O> Default for Difference<O> {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
            observed: Vec::new(),
            pending: Vec::new(),
            expired_invitations: Vec::new(),
            left_alone: BTreeMap::new(),
            remarks: Vec::new(),
        }
    }
}

impl<O> Difference<O> {
    pub(super) fn leave(&mut self, kind: Kind) {
        *self.left_alone.entry(kind).or_default() += 1;
    }
}

/// Compares what the files want with what is live.
///
/// Records in the changes name things as they are called after the renamings of the same difference.
/// `renamed` are declared renamings that have been made before: where things change names, nothing else
/// tells.
/// Cost is linear in both directories, apart from look-ups by binary search.
#[must_use]
pub fn difference<O: Copy>(
    desired: &Desired<O>,
    live: &Directory,
    options: Options,
    renamed: &BTreeSet<Renaming>,
) -> Difference<O> {
    let mut work = Work::new(desired, live, options, renamed);
    decide_fates(&mut work);
    roles::create_and_update(&mut work);
    users::compare(&mut work);
    teams::compare(&mut work);
    resources::compare(&mut work);
    teams::leads(&mut work);
    edges::members(&mut work);
    edges::grants(&mut work);
    domains::compare(&mut work);
    policies::compare(&mut work);
    roles::delete(&mut work);
    say_who_came_in(&mut work);
    say_what_is_missing(&mut work);
    told::tell(&mut work);
    work.out
}

/// Which live things go, before anything is compared: what refers to them has to let go of them.
fn decide_fates<O: Copy>(work: &mut Work<'_, O>) {
    let (live, manage, removal) = (work.live, &work.desired.manage, &work.desired.rules.removal);
    work.joiners = expected_joiners(work.desired, live, |user| work.users.desired_of[user].is_some());
    for index in 0..live.users().len() {
        if work.users.desired_of[index].is_some() || work.joiners[index] {
            continue;
        }
        let user = live.user(UserId(index as u32));
        let managed =
            manage.mode_of(Kind::User, &user.email) == Mode::Authoritative && !manage.is_protected(&user.email);
        work.fates[index] = match removal.users {
            UserRemoval::Delete if managed => Fate::Goes,
            UserRemoval::Disable if managed => Fate::Rests,
            // Somebody else has disabled them: what they hold stays as well.
            _ if user.state == UserState::Disabled => Fate::Rests,
            _ => Fate::Stays,
        };
    }
    let goes = |kind, declared: Option<u32>, name: &str| {
        declared.is_none() && manage.mode_of(kind, name) == Mode::Authoritative
    };
    for (index, team) in live.teams().iter().enumerate() {
        work.team_goes[index] = goes(Kind::Team, work.teams.desired_of[index], &team.name);
    }
    for (index, resource) in live.resources().iter().enumerate() {
        work.resource_goes[index] = goes(Kind::Resource, work.resources.desired_of[index], &resource.name);
    }
    // What something lies in that is out of our hands has to stay.
    let mut kept: Vec<(Kind, &str, String)> = Vec::new();
    for (index, domain) in live.domains().iter().enumerate() {
        let ours = match work.domains.desired_of[index] {
            Some(_) => manage.mode_of(Kind::Domain, &domain.name).writes(),
            None => manage.mode_of(Kind::Domain, &domain.name) == Mode::Authoritative,
        };
        for team in domain.teams.value().into_iter().flatten().filter(|_| !ours) {
            if std::mem::take(&mut work.team_goes[team.index()]) {
                kept.push((Kind::Team, &live.team(*team).name, format!("domain {}", domain.name)));
            }
        }
    }
    for (index, inner) in live.teams().iter().enumerate() {
        if work.team_goes[index] {
            continue;
        }
        let declared = work.teams.desired_of[index];
        let ours = declared.is_some() && manage.mode_of(Kind::Team, work.team_name(TeamId(index as u32))).writes();
        if ours {
            continue;
        }
        for outer in live.team_and_outer(TeamId(index as u32)).skip(1) {
            if !std::mem::take(&mut work.team_goes[outer.index()]) {
                break;
            }
            kept.push((Kind::Team, &live.team(outer).name, format!("team {}", inner.name)));
        }
    }
    for (index, inner) in live.resources().iter().enumerate() {
        if work.resource_goes[index] {
            continue;
        }
        let declared = work.resources.desired_of[index];
        let name = work.resource_name(ResourceId(index as u32));
        if declared.is_some() && manage.mode_of(Kind::Resource, name).writes() {
            continue;
        }
        let mut at = inner.parent.value().copied();
        while let Some(parent) = at.filter(|p| std::mem::take(&mut work.resource_goes[p.index()])) {
            kept.push((Kind::Resource, &live.resource(parent).name, format!("resource {}", inner.name)));
            at = live.resource(parent).parent.value().copied();
        }
    }
    for (kind, name, because) in kept {
        work.out.leave(kind);
        work.out.note(format!("{kind} `{name}` is not declared and stays: {because} needs it and is not managed"));
    }
}

/// Who came in by an auto-join domain is expected, and listed.
fn say_who_came_in<O: Copy>(work: &mut Work<'_, O>) {
    let names = std::mem::take(&mut work.came_in);
    if names.is_empty() {
        return;
    }
    let (is, they) = if names.len() == 1 { ("is", "stays as it is") } else { ("are", "stay as they are") };
    work.out.remarks.push(Remark {
        code: Some(Code::JoinerIsExpected),
        message: format!("{} came in by an auto-join domain, {is} not declared, and {they}", some_of(&names)),
        help: Some("declare who is to have more; to keep somebody out, declare them with `state: disabled`".to_owned()),
        origin: None,
    });
}

fn say_what_is_missing<O: Copy>(work: &mut Work<'_, O>) {
    let desired = &work.desired.directory;
    for (what, count) in std::mem::take(&mut work.missing) {
        // Who is disabled and has no account is said already; what they would hold goes without saying.
        let user = desired.find_user(&what.name).filter(|_| what.kind == Kind::User);
        if user.is_some_and(|id| desired.user(id).state == UserState::Disabled) {
            continue;
        }
        let (these, are) = if count == 1 { ("declaration", "is") } else { ("declarations", "are") };
        work.out
            .note(format!("{count} {these} {are} not written: {what} is not there, and this plan does not make it"));
    }
    for (kind, names) in std::mem::take(&mut work.outside) {
        let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
        let more = names.len().saturating_sub(first.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        work.out.note(format!(
            "{} declared outside what is managed, and not written: {}{more}",
            kind.count(names.len()),
            first.join(", ")
        ));
    }
}
