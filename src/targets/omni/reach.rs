//! What Omni's API can do, change by change (fact sheet omni, section d), and where the rest is done.

use super::session::Session;
use super::shape::{SYSTEM, Thing};
use crate::model::{Change, GrantedRole, PrincipalRecord, UserRecord};
use crate::plan::{ByHand, Reach};

/// The role that every account made through the API has.
const GIVEN: &str = "MEMBER";

/// How long the name of a group may be (section b.2).
const GROUP_NAME_MAX: usize = 64;

/// Where the organization role of somebody is given.
const ROLE_PLACE: &str = "in Omni: Settings > Users, Manage beside the user, Organization role";

/// Where the time zone of somebody's queries is set.
const TIMEZONE_PLACE: &str = "in Omni: Settings > Users, Manage beside the user, Query timezone";

/// What Omni makes of a change.
pub fn reach(session: &Session, change: &Change) -> Reach {
    let revoked = |email: &String| session.index().inactive.contains(email);
    match change {
        // What the files give them still is for the day on which they are somebody new.
        Change::AddMember { member } if revoked(&member.user) => Reach::Nothing,
        Change::UpdateUser { after, .. } if revoked(&after.email) => Reach::Nothing,
        Change::GiveGrant { to: PrincipalRecord::User(email), .. }
        | Change::ChangeGrant { to: PrincipalRecord::User(email), .. }
            if revoked(email) =>
        {
            Reach::Nothing
        }
        Change::CreateUser { user } | Change::InviteUser { user } => create(session, user),
        Change::UpdateUser { before, after } => update(session, before, after),
        Change::EnableUser { user } => never(
            format!("{} is revoked, and Omni brings no account back", user.email),
            "remove the revoked account first; a new one has nothing of what the old one had",
        ),
        Change::RenameUser { from, to } => never(
            format!("Omni knows people by their address, and cannot make {to} of {from}"),
            "take `was:` away: the new address is somebody new, and the old one goes with what it has",
        ),
        Change::CreateTeam { team } if team.name.chars().count() > GROUP_NAME_MAX => never(
            format!("the name of group `{}` is longer than {GROUP_NAME_MAX} characters", team.name),
            "give it a shorter name",
        ),
        Change::RenameTeam { to, .. } if to.chars().count() > GROUP_NAME_MAX => never(
            format!("the name of group `{to}` is longer than {GROUP_NAME_MAX} characters"),
            "give it a shorter one",
        ),
        Change::UpdateTeam { .. } | Change::SetLeads { .. } | Change::ChangeMember { .. } => Reach::Nothing,
        Change::CreateResource { resource } => match resource.name.split_once('/') {
            Some(("folder", path)) if plain_path(path) => Reach::Writes,
            Some((kind, _)) => by_hand(
                format!("make {}", resource.name),
                match kind {
                    "connection" => "in Omni: Settings > Connections, Add connection",
                    "model" => "in Omni: Develop, on the connection",
                    _ => "in Omni: Content hub; then name it here as the API does",
                },
            ),
            None => Reach::Nothing,
        },
        Change::UpdateResource { before, after } => {
            let document = after.name.starts_with("document/");
            let moved = before.parent != after.parent && after.parent.is_some();
            let place = by_hand_of(format!("move {}", after.name), "in Omni: Content hub, Move");
            // Who goes hands over what they own, and gets nothing back by files that still name them.
            let goes = |email: &String| session.wanted.disabled.contains(email);
            let owned = document && before.owner != after.owner && after.owner.as_ref().is_some_and(|o| !goes(o));
            let mut part = before.clone();
            part.owner.clone_from(&after.owner);
            match (owned, moved) {
                (true, false) => {
                    Reach::Part(Box::new(Change::UpdateResource { before: before.clone(), after: part }), None)
                }
                (true, true) => {
                    Reach::Part(Box::new(Change::UpdateResource { before: before.clone(), after: part }), Some(place))
                }
                (false, true) => Reach::ByHand(place),
                // Whoever owned it goes, and hands it over then.
                (false, false) => Reach::Nothing,
            }
        }
        Change::RenameResource { from, to } => {
            by_hand(format!("rename {from} to {to}"), "in Omni: where it is shown, Settings; then take `was:` away")
        }
        // Content and connections are not rolecall's to delete.
        Change::DeleteResource { .. } => Reach::Left,
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } | Change::DeleteRole { role, .. } => {
            by_hand(format!("see to the role {}", role.name), "in Omni: Settings > Custom roles")
        }
        Change::GiveGrant { to, resource, roles } => grant(session, to, resource, roles),
        // Omni keeps neither the end nor the reason of a grant: what is past is not declared any more.
        Change::ChangeGrant { before, after, .. }
            if before.iter().map(|r| &r.role).eq(after.iter().map(|r| &r.role)) =>
        {
            Reach::Nothing
        }
        Change::ChangeGrant { to, resource, after, .. } => grant(session, to, resource, after),
        Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => by_hand(
            format!("let people of {} join by themselves", domain.name),
            "Omni has no list of domains: whom your identity provider lets sign in joins at the first time \
             (Settings > Authentication). Invitations: Settings > Users, Invite",
        ),
        Change::RemoveDomain { domain, .. } => by_hand(
            format!("keep people of {} from joining", domain.name),
            "at your identity provider; in Omni: Settings > Authentication",
        ),
        Change::SetPolicy { .. } | Change::UnsetPolicy { .. } => Reach::Nothing,
        Change::DisableUser { .. }
        | Change::DeleteUser { .. }
        | Change::CreateTeam { .. }
        | Change::RenameTeam { .. }
        | Change::DeleteTeam { .. }
        | Change::AddMember { .. }
        | Change::RemoveMember { .. }
        | Change::RevokeGrant { .. } => Reach::Writes,
    }
}

fn never(what: String, help: &str) -> Reach {
    Reach::Never { what, help: help.to_owned() }
}

fn by_hand_of(what: String, place: &str) -> ByHand {
    ByHand { what, place: place.to_owned() }
}

fn by_hand(what: String, place: &str) -> Reach {
    Reach::ByHand(by_hand_of(what, place))
}

/// Whether Omni makes this very path of a folder with such a name: it makes its own of any other.
fn plain_path(path: &str) -> bool {
    let segment =
        |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    path.split('/').all(segment)
}

fn create(session: &Session, user: &UserRecord) -> Reach {
    if let Some(never) = undefined(session, user, None) {
        return never;
    }
    let mut made = user.clone();
    let mut steps = Vec::new();
    if let Some(role) = user.role.as_deref().filter(|r| *r != GIVEN) {
        made.role = Some(GIVEN.to_owned());
        steps.push(by_hand_of(format!("make {} {role}", user.email), ROLE_PLACE));
    }
    if !session.index().shows_system
        && let Some(zone) = made.timezone.take()
    {
        steps.push(by_hand_of(format!("set the query time zone of {} to {zone}", user.email), TIMEZONE_PLACE));
    }
    if steps.is_empty() && made == *user {
        return Reach::Writes;
    }
    Reach::Part(Box::new(Change::CreateUser { user: made }), together(steps))
}

/// Several steps as one.
fn together(steps: Vec<ByHand>) -> Option<ByHand> {
    let mut steps = steps.into_iter();
    let first = steps.next()?;
    Some(steps.fold(first, |all, next| ByHand {
        what: format!("{}, and {}", all.what, next.what),
        place: if all.place == next.place { all.place } else { format!("{}; {}", all.place, next.place) },
    }))
}

fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Reach {
    if let Some(never) = undefined(session, after, Some(before)) {
        return never;
    }
    if after.name.is_none() && before.name.is_some() {
        return never(format!("Omni has no account without a name: {}", after.email), "give them a `name:`");
    }
    let mut made = after.clone();
    let mut steps = Vec::new();
    if before.role != after.role {
        made.role.clone_from(&before.role);
        match (before.role.as_deref(), after.role.as_deref()) {
            // Nobody can see it, and it is what an account has by itself.
            (None, Some(GIVEN)) | (_, None) => {}
            (None, Some(role)) => steps.push(by_hand_of(
                format!("see that {} is {role}, which the API does not show", after.email),
                ROLE_PLACE,
            )),
            (Some(_), Some(role)) => steps.push(by_hand_of(format!("make {} {role}", after.email), ROLE_PLACE)),
        }
    }
    if before.timezone != after.timezone && !session.index().shows_system {
        made.timezone.clone_from(&before.timezone);
        if let Some(zone) = &after.timezone {
            let what =
                format!("see that the query time zone of {} is {zone}, which the API does not show", after.email);
            steps.push(by_hand_of(what, TIMEZONE_PLACE));
        }
    }
    if made == *before {
        return together(steps).map_or(Reach::Nothing, Reach::ByHand);
    }
    if made == *after {
        return Reach::Writes;
    }
    Reach::Part(Box::new(Change::UpdateUser { before: before.clone(), after: made }), together(steps))
}

/// What stops a plan that gives somebody an attribute that Omni does not know: it would take the value and
/// lose it (section b.1).
fn undefined(session: &Session, after: &UserRecord, before: Option<&UserRecord>) -> Option<Reach> {
    let index = session.index();
    let given =
        after.attributes.iter().filter(|(name, value)| before.and_then(|b| b.attributes.get(*name)) != Some(*value));
    for (name, _) in given {
        match index.definitions.get(name) {
            Some(definition) if !definition.system && !name.starts_with(SYSTEM) => {}
            Some(_) => {
                let what =
                    format!("attribute `{name}` of {} is one of Omni's own, which nobody can write", after.email);
                return Some(never(what, "take it away"));
            }
            None => {
                let known: Vec<&str> =
                    index.definitions.iter().filter(|(_, d)| !d.system).map(|(name, _)| name.as_str()).collect();
                let near = crate::config::nearest(name, known.iter().copied());
                let near = near.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
                let what = format!("Omni has no user attribute `{name}`, which {} is to have", after.email);
                return Some(never(what, &format!("{near}Define it first in Omni: Settings > User attributes")));
            }
        }
    }
    None
}

fn grant(session: &Session, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) -> Reach {
    let kind = resource.split_once('/').map_or("", |(kind, _)| kind);
    if let [first, second, ..] = roles {
        let what =
            format!("{to} is to have {} and {} on {resource}, where Omni keeps one role", first.role, second.role);
        return never(what, "keep the higher one");
    }
    let role = roles.first().map_or("", |r| r.role.as_str());
    match (kind, to) {
        // More than any role, and no permit is shown of an owner, nor can one be written.
        ("folder" | "document", PrincipalRecord::User(email))
            if session.index().owners.get(resource) == Some(email) =>
        {
            let place = "in Omni: Content hub, its Permissions. Or take the grant away from the files";
            by_hand(format!("{email} owns {resource}, which is more than {role}: name another owner"), place)
        }
        ("model", PrincipalRecord::Everyone) => never(
            format!("nobody can give everyone {role} on {resource}: Omni has base roles of connections only"),
            "give it on the connection, or to a group",
        ),
        ("connection", PrincipalRecord::User(_) | PrincipalRecord::Team(_)) if role != "CONNECTION_ADMIN" => never(
            format!("{to} can hold CONNECTION_ADMIN only on {resource}, and not {role}"),
            "give the role on the models of the connection, or to everyone",
        ),
        _ if role == "NO_ACCESS" && *to != PrincipalRecord::Everyone => never(
            format!("NO_ACCESS for {to} on {resource} denies nothing: it is the same as no grant"),
            "take the grant away",
        ),
        ("folder" | "document", PrincipalRecord::Everyone)
            if matches!(session.thing(resource), Ok(Thing::Document(_))) && role == "EXPLORER" =>
        {
            never(format!("everyone cannot have EXPLORER on {resource}"), "Omni has VIEWER, EDITOR and MANAGER there")
        }
        _ => Reach::Writes,
    }
}
