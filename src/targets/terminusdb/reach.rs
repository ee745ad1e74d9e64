//! What TerminusDB's API can do, change by change (fact sheet terminusdb, sections 4 and 9), and where the
//! rest is done.

use super::parts;
use super::session::{ADMIN, ANONYMOUS, Session};
use super::{HANDLE, KIND};
use crate::model::{Change, GrantedRole, PrincipalRecord, RoleRecord, UserRecord};
use crate::plan::{ByHand, Reach};

/// Where somebody is given a password, which rolecall does not keep.
fn password(user: &str) -> ByHand {
    ByHand {
        what: format!("give the account `{user}` a password, without which it can come in by a token only"),
        place: format!("PUT /api/users {{\"name\": \"{user}\", \"password\": ...}} as admin"),
    }
}

/// What TerminusDB makes of a change.
pub fn reach(session: &Session, change: &Change) -> Reach {
    match change {
        Change::CreateUser { user } | Change::InviteUser { user } => create(session, user),
        Change::UpdateUser { before, after } => update(session, before, after),
        Change::EnableUser { .. } => Reach::Nothing,
        Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => match session.user(&user.email) {
            Ok((id, name)) if id == ADMIN || id == ANONYMOUS => never(
                format!("the account `{name}` of {} belongs to the server and stays", user.email),
                "put them under `protected:`, or take the handle away",
            ),
            _ => Reach::Writes,
        },
        // That of `admin` is there without a document.
        Change::CreateRole { role } if administers(session, &role.name) => Reach::Nothing,
        Change::CreateRole { role } => role_reach(session, role, None),
        Change::UpdateRole { before, after } => role_reach(session, after, Some(before)),
        // What stood for several roles goes with the last who holds them.
        Change::DeleteRole { role, .. } if session.index().together.contains_key(&role.name) => Reach::Nothing,
        Change::DeleteRole { role, .. } => {
            if is_built_in(session, &role.name) {
                Reach::Left
            } else {
                Reach::Writes
            }
        }
        Change::CreateTeam { team } if team.outer.is_some() => nested(&team.name),
        Change::UpdateTeam { before, after } if before.outer != after.outer => nested(&after.name),
        Change::UpdateTeam { .. } | Change::SetLeads { .. } => Reach::Nothing,
        Change::CreateTeam { team } if team.name == "admin" => {
            never("the organization `admin` belongs to the server".to_owned(), "choose another name")
        }
        Change::DeleteTeam { team, .. } => delete_team(session, &team.name),
        // It keeps neither the end nor the reason: what is past is not declared any more.
        Change::ChangeMember { before, after } if before.role == after.role => Reach::Nothing,
        Change::CreateResource { resource } => match parts(&resource.name) {
            Some((home, name)) if !home.is_empty() && !name.is_empty() && !name.contains('|') => Reach::Writes,
            _ => never(
                format!("{} names no data product", resource.name),
                &format!("call it {KIND}/ORGANIZATION/NAME, without `|` in the name"),
            ),
        },
        Change::UpdateResource { before, after } if before.description == after.description => Reach::Nothing,
        Change::DeleteResource { .. } if !session.settings.delete_databases => Reach::Left,
        Change::RenameUser { from, to } | Change::RenameTeam { from, to } | Change::RenameResource { from, to } => {
            never(format!("TerminusDB cannot make `{to}` of `{from}`"), "take `was:` away")
        }
        Change::GiveGrant { to, resource, roles } => grant(to, resource, roles),
        Change::ChangeGrant { before, after, .. }
            if before.iter().map(|r| &r.role).eq(after.iter().map(|r| &r.role)) =>
        {
            Reach::Nothing
        }
        Change::AddDomain { .. }
        | Change::ChangeDomain { .. }
        | Change::RemoveDomain { .. }
        | Change::SetPolicy { .. }
        | Change::UnsetPolicy { .. } => Reach::Nothing,
        Change::CreateTeam { .. }
        | Change::AddMember { .. }
        | Change::ChangeMember { .. }
        | Change::RemoveMember { .. }
        | Change::UpdateResource { .. }
        | Change::DeleteResource { .. }
        | Change::ChangeGrant { .. }
        | Change::RevokeGrant { .. } => Reach::Writes,
    }
}

fn never(what: String, help: &str) -> Reach {
    Reach::Never { what, help: help.to_owned() }
}

fn nested(name: &str) -> Reach {
    never(
        format!("the organization `{name}` cannot be put into another: the access API has no call for it"),
        "declare it by itself, and give roles in each organization",
    )
}

/// The role that only `admin` has.
fn administers(session: &Session, role: &str) -> bool {
    session.catalogue.role(role).is_some_and(|(_, r)| r.administers)
}

fn is_built_in(session: &Session, role: &str) -> bool {
    administers(session, role)
        || session.index().roles.get(role).is_some_and(|id| super::session::BUILT_IN.contains(&id.as_str()))
}

fn create(session: &Session, user: &UserRecord) -> Reach {
    if let Some(role) = user.role.as_deref().filter(|r| administers(session, r)) {
        return never(
            format!("{} cannot be made {role}: only the account `admin` is", user.email),
            "where they use that account, say `handles: {terminusdb: admin}`",
        );
    }
    let name = user.handles.get(HANDLE).unwrap_or(&user.email);
    if matches!(name.as_str(), "admin" | "anonymous") {
        return never(format!("`{name}` is an account of the server, and is not made"), "choose another handle");
    }
    // Nothing but the name of the account is kept.
    let mut made =
        UserRecord { email: user.email.clone(), kind: user.kind, state: user.state, ..UserRecord::default() };
    made.handles.extend(user.handles.get_key_value(HANDLE).map(|(k, v)| (k.clone(), v.clone())));
    Reach::Part(Box::new(Change::CreateUser { user: made }), Some(password(name)))
}

fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Reach {
    let was = before.role.as_deref().is_some_and(|r| administers(session, r));
    let is = after.role.as_deref().is_some_and(|r| administers(session, r));
    if was != is {
        let what = if is {
            format!("{} cannot be made administrator: only the account `admin` is", after.email)
        } else {
            format!("{} has the account `admin`, which stays administrator", after.email)
        };
        return never(what, "where they use that account, say `handles: {terminusdb: admin}` and its role");
    }
    let (old, new) = (before.handles.get(HANDLE), after.handles.get(HANDLE));
    if let Some(new) = new.filter(|n| Some(*n) != old && **n != after.email) {
        return never(
            format!(
                "the account of {} is called `{}`, and no account can be renamed to `{new}`",
                after.email,
                old.unwrap_or(&after.email)
            ),
            "declare the handle as it is",
        );
    }
    Reach::Nothing
}

fn role_reach(session: &Session, role: &RoleRecord, before: Option<&RoleRecord>) -> Reach {
    // Descriptions are not kept.
    if before.is_some_and(|b| b.permissions == role.permissions && b.administers == role.administers) {
        return Reach::Nothing;
    }
    if session.index().together.contains_key(&role.name) {
        return never(
            format!("`{}` stands for several roles that somebody holds together, and cannot be changed", role.name),
            "declare a role of another name, or give one of them",
        );
    }
    if role.administers || is_built_in(session, &role.name) {
        return never(
            format!("the role `{}` belongs to the server and cannot be made or changed", role.name),
            "declare a role of another name with the actions that it is to have",
        );
    }
    let known = session.catalogue.permissions();
    if let Some(action) = role.permissions.iter().find(|p| !known.contains(&p.as_str())) {
        let near = crate::config::nearest(action, known.iter().copied());
        let near = near.map_or_else(|| known.join(", "), |n| format!("did you mean `{n}`?"));
        return never(format!("TerminusDB has no action `{action}`, which the role `{}` is to have", role.name), &near);
    }
    Reach::Writes
}

fn delete_team(session: &Session, name: &str) -> Reach {
    let left: Vec<String> = {
        let index = session.index();
        let of = |resource: &&String| parts(resource).is_some_and(|(home, _)| home == name);
        let mut left: Vec<String> = index.databases.keys().filter(of).cloned().collect();
        left.sort();
        left
    };
    if left.is_empty() || session.settings.delete_databases {
        return Reach::Writes;
    }
    Reach::ByHand(ByHand {
        what: format!("delete the organization `{name}` with its data products: {}", super::notes::some(&left)),
        place: "the data in them goes with them: DELETE /api/db/ORGANIZATION/NAME for each, then plan again; or set \
                `settings: {delete_databases: \"true\"}`"
            .to_owned(),
    })
}

fn grant(to: &PrincipalRecord, resource: &str, roles: &[GrantedRole]) -> Reach {
    if let PrincipalRecord::Team(team) = to {
        let role = roles.first().map_or("a role", |r| r.role.as_str());
        return never(
            format!("the team `{team}` cannot be given {role} on {resource}: roles on data products go to accounts"),
            "give it to its members one by one, or as their role in the organization",
        );
    }
    Reach::Writes
}
