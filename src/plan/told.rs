//! What a change brings with it that no other change of the plan says: what somebody comes back to, and
//! who holds a role that changes.

use super::work::Work;
use crate::model::{Change, Kind, Principal, UserState};

/// So many names stand in one sentence.
const NAMES_MAX: usize = 8;

/// Adds a note for every account that is enabled again and for every role that changes.
pub(super) fn tell<O: Copy>(work: &mut Work<'_, O>) {
    let mut notes = Vec::new();
    for planned in &work.out.changes {
        match &planned.change {
            Change::EnableUser { user } => notes.extend(comes_back(work, &user.email)),
            Change::UpdateRole { before, after } => {
                let same = before.permissions == after.permissions && before.administers == after.administers;
                notes.extend(if same { None } else { holders(work, &before.name) });
            }
            _ => {}
        }
    }
    for note in notes {
        work.out.note(note);
    }
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What an account that was disabled has kept.
fn comes_back<O: Copy>(work: &Work<'_, O>, email: &str) -> Option<String> {
    let live = work.live;
    let id = work.users.live_of.get(work.desired.directory.find_user(email)?.index()).copied().flatten()?;
    let id = crate::model::UserId(id);
    let mut kept: Vec<String> = Vec::new();
    for member in live.memberships().iter().filter(|m| m.user == id) {
        let team = live.team(member.team);
        let leads = team.leads.value().is_some_and(|l| l.contains(&id));
        kept.push(format!("team {}{}", team.name, if leads { " (lead)" } else { "" }));
    }
    for grant in live.grants().iter().filter(|g| g.principal == Principal::User(id)) {
        kept.push(format!("{} on {}", live.role(grant.role).name, live.resource(grant.resource).name));
    }
    let owned = live.resources().iter().filter(|r| r.owner.value() == Some(&id));
    kept.extend(owned.map(|r| format!("owner of {}", r.name)));
    (!kept.is_empty()).then(|| format!("user {email} comes back to what they held: {}", some(&kept)))
}

/// Who holds a role now.
fn holders<O: Copy>(work: &Work<'_, O>, role: &str) -> Option<String> {
    let live = work.live;
    let id = live.find_role(role)?;
    let active = live.users().iter().filter(|u| u.state != UserState::Disabled);
    let users: Vec<String> = active.filter(|u| u.role.value() == Some(&id)).map(|u| u.email.to_string()).collect();
    let teams = live.teams().iter().filter(|t| t.role.value() == Some(&id));
    let teams: Vec<String> = teams.map(|t| format!("team {}", t.name)).collect();
    let members = live.memberships().iter().filter(|m| m.role.value() == Some(&id)).count();
    let grants = live.grants().iter().filter(|g| g.role == id).count();
    let mut parts = Vec::new();
    if !users.is_empty() {
        parts.push(format!("{} ({})", Kind::User.count(users.len()), some(&users)));
    }
    if !teams.is_empty() {
        parts.push(some(&teams));
    }
    if members > 0 {
        parts.push(Kind::Member.count(members));
    }
    if grants > 0 {
        parts.push(Kind::Grant.count(grants));
    }
    let by = if parts.is_empty() { "nobody".to_owned() } else { parts.join(", ") };
    Some(format!("role {role} changes and is held by {by}"))
}
