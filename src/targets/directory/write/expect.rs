//! Whether reality is what a change starts from, or what it ends in.

use std::fmt::Debug;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use serde::Serialize;
use serde_json::Value;

use super::super::error::sqlite;
use super::super::lookup::{self, Result, prepare, rows};
use super::super::read::{int, text};
use crate::model::{Change, Kind, Moment, ObjectRef, QuotaRecord, TeamRecord, UserRecord, UserState};
use crate::targets::TargetError;

/// Fails with a conflict that names the first field in which the two differ.
pub(super) fn same<T: PartialEq + Serialize + Debug>(object: &ObjectRef, expected: &T, found: &T) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let show = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let (Ok(expected), Ok(found)) = (serde_json::to_value(expected), serde_json::to_value(found)) else {
        return Err(TargetError::Conflict(format!("{object} is not as expected")));
    };
    let text = match (&expected, &found) {
        (Value::Object(a), Value::Object(b)) => {
            let differs = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key));
            let field = differs.map_or("", String::as_str);
            format!("{object}: {field} is {}, expected {}", show(b.get(field)), show(a.get(field)))
        }
        _ => format!("{object} is {found}, expected {expected}"),
    };
    Err(TargetError::Conflict(text))
}

/// The thing that a change starts from.
pub(super) fn there<T>(object: &ObjectRef, found: Option<T>) -> Result<T> {
    found.ok_or_else(|| TargetError::Gone(format!("{object} is not there")))
}

/// Fails where the thing to be created exists.
pub(super) fn not_there<T>(object: &ObjectRef, found: Option<T>) -> Result<()> {
    match found {
        None => Ok(()),
        Some(_) => Err(TargetError::Conflict(format!("{object} is already there"))),
    }
}

/// A change that speaks of two different things, or leaves everything as it is.
pub(super) fn refused(object: &ObjectRef, why: impl std::fmt::Display) -> TargetError {
    TargetError::Refused(format!("{object}: {why}"))
}

/// Fails where the end state of a change is its beginning.
pub(super) fn changes<T: PartialEq>(object: &ObjectRef, before: &T, after: &T) -> Result<()> {
    if before == after { Err(TargetError::Conflict(format!("{object} is already as it becomes"))) } else { Ok(()) }
}

/// Runs a statement that writes.
pub(super) fn run(conn: &Connection, object: &ObjectRef, sql: &str, cells: &[Cell]) -> Result<usize> {
    prepare(conn, sql)?.execute(params_from_iter(cells)).map_err(|e| match sqlite(&e) {
        TargetError::Refused(text) => refused(object, text),
        other => other,
    })
}

/// Deletes one row; `users` are the queries that name what may still refer to it.
pub(super) fn delete(conn: &Connection, object: &ObjectRef, sql: &str, id: i64, users: &[&str]) -> Result<()> {
    match prepare(conn, sql)?.execute([id]) {
        Ok(_) => Ok(()),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            let (mut names, mut more) = (Vec::new(), 0);
            for query in users {
                let count = lookup::row(conn, &format!("SELECT count(*) FROM ({query})"), [id], |row| int(row, 0))?;
                let some = rows(conn, &format!("{query} LIMIT 3"), [id], |row| Ok(text(row, 0)?.to_owned()))?;
                more += count.unwrap_or(0) - i64::try_from(some.len()).unwrap_or(0);
                names.extend(some);
            }
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Err(refused(object, format!("still named by {}{more}", names.join(", "))))
        }
        Err(e) => Err(sqlite(&e)),
    }
}

/// The columns to be written: only those that differ.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<&'static str>,
    cells: Vec<Cell>,
}

impl Columns {
    /// Adds a column if it becomes another.
    pub(super) fn add<T: PartialEq>(&mut self, name: &'static str, before: &T, after: &T, cell: impl Into<Cell>) {
        if before != after {
            self.names.push(name);
            self.cells.push(cell.into());
        }
    }

    /// Writes them, if there are any.
    pub(super) fn write(mut self, conn: &Connection, object: &ObjectRef, table: &str, id: i64) -> Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let sets: Vec<String> = self.names.iter().map(|name| format!("{name} = ?")).collect();
        self.cells.push(Cell::Integer(id));
        run(conn, object, &format!("UPDATE {table} SET {} WHERE id = ?", sets.join(", ")), &self.cells)?;
        Ok(())
    }
}

/// A time as it is kept.
pub(super) fn time(moment: Option<Moment>) -> Option<String> {
    moment.map(|m| m.to_string())
}

/// A user as they are compared: an open invitation and one that has run out are the same state, since
/// nobody changed anything between the two.
pub(super) fn user(record: &UserRecord) -> UserRecord {
    let state = if record.state == UserState::InvitationExpired { UserState::Invited } else { record.state };
    UserRecord { state, ..record.clone() }
}

/// A team as it is compared: quotas that limit nothing are none.
pub(super) fn team(record: &TeamRecord) -> TeamRecord {
    TeamRecord { quota: record.quota.filter(|q| *q != QuotaRecord::default()), ..record.clone() }
}

/// A team without its leads, which are changed apart.
pub(super) fn team_alone(record: &TeamRecord) -> TeamRecord {
    TeamRecord { leads: Vec::new(), ..team(record) }
}

/// The same list in rising order.
pub(super) fn sorted<T: Clone + Ord>(list: &[T]) -> Vec<T> {
    let mut list = list.to_vec();
    list.sort();
    list
}

/// Whether the end state of a change is there.
pub(in crate::targets::directory) fn holds(conn: &Connection, change: &Change, now: Moment) -> Result<bool> {
    let find_user = |email: &str| lookup::user(conn, email, now).map(|u| u.map(|(_, u)| user(&u)));
    let gone = |kind, name: &str| lookup::id(conn, kind, name).map(|id| id.is_none());
    let renamed = |kind, from: &str, to: &str| Ok(gone(kind, from)? && !gone(kind, to)?);
    let granted = |to, resource: &str| -> Result<_> {
        let (Some(holder), Some(resource)) = (lookup::holder(conn, to)?, lookup::id(conn, Kind::Resource, resource)?)
        else {
            return Ok(None);
        };
        lookup::granted(conn, resource, holder).map(Some)
    };
    Ok(match change {
        Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
            let role = super::role::sorted(role);
            lookup::role(conn, &role.name)?.is_some_and(|(_, found)| found == role)
        }
        Change::DeleteRole { role, .. } => gone(Kind::Role, &role.name)?,
        Change::CreateUser { user: wanted } => find_user(&wanted.email)?.is_some_and(|found| found == user(wanted)),
        // Who has accepted meanwhile was invited.
        Change::InviteUser { user: wanted } => lookup::user(conn, &wanted.email, now)?.is_some_and(|(_, found)| {
            let open = matches!(found.state, UserState::Invited | UserState::Active);
            open && UserRecord { state: wanted.state, ..found } == *wanted
        }),
        Change::UpdateUser { after, .. } => {
            find_user(&after.email)?.is_some_and(|found| UserRecord { state: after.state, ..found } == *after)
        }
        Change::RenameUser { from, to } => renamed(Kind::User, from, to)?,
        Change::EnableUser { user } => find_user(&user.email)?.is_some_and(|found| found.state == UserState::Active),
        Change::DisableUser { user, .. } => {
            find_user(&user.email)?.is_some_and(|found| found.state == UserState::Disabled)
        }
        Change::DeleteUser { user, .. } => gone(Kind::User, &user.email)?,
        Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => {
            lookup::team(conn, &team.name)?.is_some_and(|(_, found)| team_alone(&found) == team_alone(team))
        }
        Change::RenameTeam { from, to } => renamed(Kind::Team, from, to)?,
        Change::DeleteTeam { team, .. } => gone(Kind::Team, &team.name)?,
        Change::SetLeads { team, after, .. } => {
            lookup::team(conn, team)?.is_some_and(|(_, found)| found.leads == sorted(after))
        }
        Change::AddMember { member } | Change::ChangeMember { after: member, .. } => {
            lookup::member(conn, &member.team, &member.user)?.is_some_and(|(_, _, found)| found == *member)
        }
        Change::RemoveMember { member, .. } => lookup::member(conn, &member.team, &member.user)?.is_none(),
        Change::CreateResource { resource } | Change::UpdateResource { after: resource, .. } => {
            lookup::resource(conn, &resource.name)?.is_some_and(|(_, found)| found == *resource)
        }
        Change::RenameResource { from, to } => renamed(Kind::Resource, from, to)?,
        Change::DeleteResource { resource, .. } => gone(Kind::Resource, &resource.name)?,
        Change::GiveGrant { to, resource, roles } | Change::ChangeGrant { to, resource, after: roles, .. } => {
            granted(to, resource)? == Some(sorted(roles))
        }
        Change::RevokeGrant { to, resource, .. } => granted(to, resource)?.is_none_or(|roles| roles.is_empty()),
        Change::AddDomain { domain } | Change::ChangeDomain { after: domain, .. } => {
            let domain = super::domain::sorted(domain);
            lookup::domain(conn, &domain.name)?.is_some_and(|(_, found)| found == domain)
        }
        Change::RemoveDomain { domain, .. } => gone(Kind::Domain, &domain.name)?,
        Change::SetPolicy { policy, after, .. } => lookup::policy(conn, *policy)?.as_ref() == Some(after),
        Change::UnsetPolicy { policy, .. } => lookup::policy(conn, *policy)?.is_none(),
    })
}
