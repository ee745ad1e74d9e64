//! What the calls of the hosted product can do, change by change, and where the rest is done.

use super::calls::Session;
use super::{offered, role_id, role_name};
use crate::model::{Change, GrantedRole, MemberRecord, PrincipalRecord, UserRecord, Why};
use crate::plan::{ByHand, Reach};
use crate::targets::terminusdb::parts;

/// Where people see to what the calls cannot do.
pub const SCREEN: &str = "the dashboard of the product, page of the team";

/// What comes of a change.
pub fn reach(session: &Session, change: &Change) -> Reach {
    match change {
        Change::InviteUser { user } | Change::CreateUser { user } => invite(session, user),
        Change::UpdateUser { before, after } if before.role != after.role => never(
            format!("{} cannot be given a role by itself: roles are given in the organization", after.email),
            "say the role where the organization lists them: `teams: {ORGANIZATION: {members: [{user, role}]}}`",
        ),
        // Names and the like are the person's own.
        Change::UpdateUser { .. } | Change::EnableUser { .. } => Reach::Nothing,
        Change::DisableUser { .. } | Change::DeleteUser { .. } => Reach::Writes,
        Change::CreateRole { role } => never(
            format!("the role `{}` cannot be made: the hosted product has its own", role.name),
            &format!("use one of these: {}", offered()),
        ),
        Change::UpdateRole { after: role, .. } => {
            never(format!("the role `{}` cannot be changed", role.name), "declare it as it is, or not at all")
        }
        Change::DeleteRole { .. } | Change::DeleteResource { .. } | Change::DeleteTeam { .. } => Reach::Left,
        Change::CreateTeam { team } => never(
            format!("the organization `{}` cannot be made: a target is the one that `organization:` names", team.name),
            "make it in the dashboard, and declare a target of its own for it",
        ),
        Change::UpdateTeam { .. } | Change::SetLeads { .. } | Change::UpdateResource { .. } => Reach::Nothing,
        Change::AddMember { member } => add(session, member),
        // It keeps neither the end nor the reason.
        Change::ChangeMember { before, after } if before.role == after.role => Reach::Nothing,
        Change::ChangeMember { after, .. } => change_member(session, after),
        Change::RemoveMember { member, reason } => remove(session, member, reason),
        Change::CreateResource { resource } => match parts(&resource.name) {
            Some((home, name)) if home == session.organization && !name.is_empty() => by_hand(
                format!("make the data product `{name}`"),
                "the dashboard of the product, or any client of it: POST /api/db/ORGANIZATION/NAME",
            ),
            _ => never(
                format!("{} is no data product of the organization `{}`", resource.name, session.organization),
                &format!("call it data-product/{}/NAME, or declare it in another target", session.organization),
            ),
        },
        Change::RenameUser { from, to } | Change::RenameTeam { from, to } | Change::RenameResource { from, to } => {
            never(format!("TerminusDB cannot make `{to}` of `{from}`"), "take `was:` away")
        }
        Change::GiveGrant { to, resource, roles } => grant(session, to, resource, roles),
        Change::ChangeGrant { before, after, .. }
            if before.iter().map(|r| &r.role).eq(after.iter().map(|r| &r.role)) =>
        {
            Reach::Nothing
        }
        Change::ChangeGrant { to, resource, before, after } => match before.as_slice() {
            [_] => grant(session, to, resource, after),
            _ => by_hand(
                format!("leave {to} one role on {resource}: there are several, which no call tells apart"),
                SCREEN,
            ),
        },
        // With the account or the organization everything goes.
        Change::RevokeGrant { reason: Why::Goes { .. }, .. } => Reach::Writes,
        Change::RevokeGrant { to, resource, roles, .. } => {
            let roles: Vec<&str> = roles.iter().map(|r| r.role.as_str()).collect();
            by_hand(
                format!(
                    "take {} on {resource} from {to}: the calls put another role in its place, and take nothing alone",
                    roles.join(", ")
                ),
                SCREEN,
            )
        }
        Change::AddDomain { .. }
        | Change::ChangeDomain { .. }
        | Change::RemoveDomain { .. }
        | Change::SetPolicy { .. }
        | Change::UnsetPolicy { .. } => Reach::Nothing,
    }
}

fn never(what: String, help: &str) -> Reach {
    Reach::Never { what, help: help.to_owned() }
}

fn by_hand(what: String, place: &str) -> Reach {
    Reach::ByHand(ByHand { what, place: place.to_owned() })
}

/// An invitation says a role in the organization: without one nobody can be invited.
fn invite(session: &Session, user: &UserRecord) -> Reach {
    let organization = &session.organization;
    if user.role.is_some() {
        return never(
            format!("{} cannot be given a role by itself: roles are given in the organization", user.email),
            "say the role where the organization lists them: `teams: {ORGANIZATION: {members: [{user, role}]}}`",
        );
    }
    match session.wanted.members.get(&(organization.clone(), user.email.clone())) {
        Some(Some(role)) => match unknown(role) {
            Some(reach) => reach,
            // An invitation holds an address and a role.
            None => Reach::Part(
                Box::new(Change::InviteUser {
                    user: UserRecord {
                        email: user.email.clone(),
                        kind: user.kind,
                        state: user.state,
                        ..UserRecord::default()
                    },
                }),
                None,
            ),
        },
        _ => never(
            format!("{} cannot be invited without a role in the organization `{organization}`", user.email),
            &format!("say it: `teams: {{{organization}: {{members: [{{user: {}, role: Info Reader}}]}}}}`", user.email),
        ),
    }
}

/// What is said of a role that is none of the five.
fn unknown(role: &str) -> Option<Reach> {
    role_id(role).is_none().then(|| {
        never(
            format!("the hosted product does not give the role `{role}`"),
            &format!("use one of these: {}", offered()),
        )
    })
}

fn roleless(session: &Session, member: &MemberRecord) -> Reach {
    never(
        format!(
            "{} is to be in the organization `{}` without a role, which cannot be",
            member.user, session.organization
        ),
        &format!("give one of these: {}", offered()),
    )
}

fn add(session: &Session, member: &MemberRecord) -> Reach {
    match &member.role {
        None => roleless(session, member),
        Some(role) => unknown(role).unwrap_or(Reach::Writes),
    }
}

fn change_member(session: &Session, after: &MemberRecord) -> Reach {
    let Some(role) = &after.role else { return roleless(session, after) };
    if let Some(reach) = unknown(role) {
        return reach;
    }
    if session.index().several.contains(&after.user) {
        let role = after.role.as_deref().unwrap_or_default();
        return by_hand(
            format!("leave {} the role {role} alone: there are several, of which no call takes one away", after.user),
            SCREEN,
        );
    }
    match session.index().invited.get(&after.user) {
        // A new one would be a second letter.
        Some(was) => by_hand(
            format!(
                "withdraw the invitation of {} as {}, so that the next apply invites them as {role}",
                after.user,
                role_name(was).unwrap_or(was)
            ),
            SCREEN,
        ),
        None => Reach::Writes,
    }
}

/// There is one call that takes somebody out, with all that they have in the organization.
fn remove(session: &Session, member: &MemberRecord, reason: &Why) -> Reach {
    let wanted = &session.wanted;
    if matches!(reason, Why::Blocked { .. } | Why::Goes { .. }) || wanted.disabled.contains(&member.user) {
        return Reach::Writes;
    }
    let holder = PrincipalRecord::User(member.user.clone());
    let stays = wanted.holders.iter().find(|(_, to)| *to == holder).map(|(resource, _)| resource.clone());
    match stays {
        Some(resource) => never(
            format!(
                "{} cannot leave the organization and keep a role on {resource}: all roles go together",
                member.user
            ),
            "take their roles on data products away as well, or let them stay with a low role",
        ),
        None if wanted.users.contains(&member.user) => never(
            format!("{} cannot be an account of the organization without a role in it", member.user),
            "take them out of this target as well (`at:`), or give them a role in the organization",
        ),
        None => Reach::Writes,
    }
}

fn grant(session: &Session, to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) -> Reach {
    let user = match to {
        PrincipalRecord::User(user) => user,
        PrincipalRecord::Team(_) | PrincipalRecord::Everyone => {
            return never(
                format!("{to} cannot be given a role on {resource}: roles on data products go to accounts"),
                "give it to people one by one, or as their role in the organization",
            );
        }
    };
    let [one] = roles else {
        let names: Vec<&str> = roles.iter().map(|r| r.role.as_str()).collect();
        return never(
            format!("{user} is to have {} roles on {resource} ({}), which holds one", roles.len(), names.join(", ")),
            "declare one of them alone, the highest that is meant",
        );
    };
    if let Some(reach) = unknown(&one.role) {
        return reach;
    }
    if session.index().people.contains_key(user) {
        return Reach::Writes;
    }
    by_hand(
        format!("wait until {user} has accepted the invitation: {} on {resource} is given after that", one.role),
        "plan again when they have",
    )
}
