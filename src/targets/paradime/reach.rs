//! What Paradime's API can do, change by change (fact sheet paradime, section c), and where the rest is done:
//! the places are those of Paradime's guide to managing users.

use super::read::TEAM;
use super::session::Session;
use crate::model::{Change, UserRecord, UserState, Why};
use crate::plan::{ByHand, Reach};

/// Where a user is edited.
const EDIT: &str = "in Paradime: Account Settings > Team, the three dots beside the user, Edit";

/// Where an account that is disabled comes back.
pub const ENABLE: &str = "in Paradime: Account Settings > Team, the tab Disabled, Edit, Enable user";

/// Where an invitation is sent again.
pub const RESEND: &str = "ask whether they want to come; to send it again, in Paradime: Account Settings > Team, \
                          the tab of pending users, resend";

/// Where an invitation is.
const PENDING: &str = "in Paradime: Account Settings > Team, the tab of pending users; if it is accepted before, \
                       the next apply sees to it";

/// Where people are let in by their domain.
const DOMAIN: &str = "in Paradime: Account Settings > Team, type the domain, Add a Domain";

/// The role of everybody who joins by a domain (section d, life cycle).
const JOINS_AS: &str = "BUSINESS";

/// What Paradime makes of a change.
pub fn reach(session: &Session, change: &Change) -> Reach {
    match change {
        Change::InviteUser { user } | Change::CreateUser { user } => invite(session, user),
        Change::UpdateUser { before, after } => update(session, before, after),
        Change::DisableUser { user, reason } => disable(session, user, reason, None),
        // Disabling is what there is (section c).
        Change::DeleteUser { user, reason } => {
            let change = Change::DisableUser { user: user.clone(), reason: reason.clone() };
            disable(session, user, reason, Some(change))
        }
        Change::EnableUser { user } => by_hand(format!("enable {}", user.email), ENABLE),
        Change::RenameUser { from, to } => Reach::Never {
            what: format!("Paradime knows people by their address, and cannot make {to} of {from}"),
            help: "take `was:` away: the new address is invited, and the old account is disabled".to_owned(),
        },
        Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => {
            let other = domain.role.as_deref().filter(|r| *r != JOINS_AS);
            let but = other.map(|r| format!(", and not {r} as the files say")).unwrap_or_default();
            let what = format!(
                "let people of {} join by themselves, or see that they may, which the API does not show: they become \
                 {JOINS_AS}{but}",
                domain.name
            );
            by_hand(what, DOMAIN)
        }
        Change::RemoveDomain { domain, .. } => by_hand(
            format!("keep people of {} from joining by themselves", domain.name),
            "in Paradime: Account Settings > Team, the three dots beside the domain, Remove",
        ),
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } | Change::DeleteRole { role, .. } => {
            Reach::Never {
                what: format!("the roles of Paradime are its own, and {} cannot be made or changed", role.name),
                help: "take it away".to_owned(),
            }
        }
        Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => Reach::Nothing,
        // Nothing else is declared of it: it has no teams, resources and grants.
        _ => Reach::Nothing,
    }
}

fn by_hand_of(what: String, place: &str) -> ByHand {
    ByHand { what, place: place.to_owned() }
}

fn by_hand(what: String, place: &str) -> Reach {
    Reach::ByHand(by_hand_of(what, place))
}

/// The step for the team label, which is free text beside the user and gives nothing.
fn label(before: Option<&UserRecord>, after: &UserRecord) -> Option<String> {
    let team = after.attributes.get(TEAM)?;
    let same = before.is_some_and(|b| b.attributes.get(TEAM) == Some(team));
    (!same).then(|| {
        format!("give {} the team label `{team}`, or see that they have it, which the API does not show", after.email)
    })
}

fn invite(session: &Session, user: &UserRecord) -> Reach {
    if session.index().twice.contains(&user.email) {
        return Reach::Never {
            what: format!("several accounts of Paradime have the address {}", user.email),
            help: "disable all but one of them on the screen first".to_owned(),
        };
    }
    if session.index().unidentified.contains(&user.email) {
        return Reach::Never {
            what: format!("{} has an account of Paradime already, which shows no identifier", user.email),
            help: "see to it on the screen, or take them out of the files until it shows one".to_owned(),
        };
    }
    if user.role.is_none() {
        return no_role(user);
    }
    // An invitation holds an address and a role; people name themselves.
    let mut made = user.clone();
    made.name = None;
    made.attributes.clear();
    let step = label(None, user).map(|what| by_hand_of(format!("when they have come, {what}"), EDIT));
    if made == *user { Reach::Writes } else { Reach::Part(Box::new(Change::InviteUser { user: made }), step) }
}

fn no_role(user: &UserRecord) -> Reach {
    Reach::Never {
        what: format!("{} is to have no role, and everybody in Paradime has one", user.email),
        help: "give them a `role:` for this target".to_owned(),
    }
}

fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Reach {
    let email = &after.email;
    let here = before.state == UserState::Active;
    let mut made = before.clone();
    let mut steps = Vec::new();
    if before.role != after.role {
        let strange = session.index().strange.get(email).cloned();
        match (&after.role, strange) {
            (None, _) => return no_role(after),
            (Some(role), Some(strange)) => {
                let what = format!("make {email} {role}, who is {strange}: rolecall does not know that, and leaves it");
                steps.push((what, EDIT));
            }
            (Some(_), None) if here => made.role.clone_from(&after.role),
            (Some(role), None) if before.state != UserState::Disabled => {
                let was = before.role.as_deref().unwrap_or("something else");
                steps.push((format!("invite {email} as {role}: the invitation that there is says {was}"), PENDING));
            }
            _ => {}
        }
    }
    if here && before.name != after.name && after.name.is_some() {
        let (is, to) = (before.name.as_deref().unwrap_or("none"), after.name.as_deref().unwrap_or_default());
        let what = format!("the name of {email} is `{is}`, and `{to}` in the files: only they can change it");
        steps.push((what, "in Paradime: they themselves, in their profile; or say it otherwise in the files"));
    }
    if before.state != UserState::Disabled
        && let Some(what) = label(Some(before), after)
    {
        let what = if here { what } else { format!("when they have come, {what}") };
        steps.push((what, EDIT));
    }
    let step = together(steps);
    match (made == *before, step) {
        (true, None) => Reach::Nothing,
        (true, Some(step)) => Reach::ByHand(step),
        (false, None) if made == *after => Reach::Writes,
        (false, step) => Reach::Part(Box::new(Change::UpdateUser { before: before.clone(), after: made }), step),
    }
}

/// Several steps as one.
fn together(steps: Vec<(String, &str)>) -> Option<ByHand> {
    let mut steps = steps.into_iter();
    let (what, place) = steps.next()?;
    Some(steps.fold(by_hand_of(what, place), |all, (what, place)| ByHand {
        what: format!("{}; and {what}", all.what),
        place: if all.place == place { all.place } else { format!("{}; {place}", all.place) },
    }))
}

/// `instead` is what is made in the place of the change, where that is another one.
fn disable(session: &Session, user: &UserRecord, reason: &Why, instead: Option<Change>) -> Reach {
    match user.state {
        // It opens nothing, and is gone from the list when somebody takes it away there.
        UserState::InvitationExpired => return Reach::Left,
        UserState::Invited => {
            return by_hand(format!("withdraw the invitation of {}, which the API cannot", user.email), PENDING);
        }
        UserState::Active | UserState::Disabled => {}
    }
    // Who has a role that nobody knows goes when the files name them, and not because they do not.
    if *reason == Why::Undeclared && session.index().strange.contains_key(&user.email) {
        return Reach::Left;
    }
    instead.map_or(Reach::Writes, |change| Reach::Part(Box::new(change), None))
}
