//! Single things by name, as the writer finds them within its transaction.

use rusqlite::{CachedStatement, Connection, Params, Row};
use serde_json::Value;

use super::error::{malformed, sqlite};
use super::read::{moment, optional_text, quota, text, user_kind, user_state, visibility};
use crate::model::{
    DomainRecord, GrantedRole, Kind, MemberRecord, Moment, ObjectRef, PolicyKey, PrincipalRecord, ResourceRecord,
    RoleRecord, TeamRecord, UserRecord,
};
use crate::targets::TargetError;

pub(super) type Result<T> = std::result::Result<T, TargetError>;

/// A statement from the connection's cache.
pub(super) fn prepare<'c>(conn: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    conn.prepare_cached(sql).map_err(|e| sqlite(&e))
}

/// What `f` makes of every row.
pub(super) fn rows<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut f: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = prepare(conn, sql)?;
    let mut rows = statement.query(params).map_err(|e| sqlite(&e))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(|e| sqlite(&e))? {
        found.push(f(row)?);
    }
    Ok(found)
}

/// What `f` makes of the first row, if there is one.
pub(super) fn row<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    f: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = prepare(conn, sql)?;
    let mut rows = statement.query(params).map_err(|e| sqlite(&e))?;
    rows.next().map_err(|e| sqlite(&e))?.map(f).transpose()
}

fn strings(conn: &Connection, sql: &str, id: i64) -> Result<Vec<String>> {
    rows(conn, sql, [id], |row| Ok(text(row, 0)?.to_owned()))
}

fn owned(row: &Row<'_>, column: usize) -> Result<Option<String>> {
    Ok(optional_text(row, column)?.map(str::to_owned))
}

fn number(row: &Row<'_>) -> Result<i64> {
    super::read::int(row, 0)
}

/// The row of a thing that has a name of its own.
pub(super) fn id(conn: &Connection, kind: Kind, name: &str) -> Result<Option<i64>> {
    let sql = match kind {
        Kind::Role => "SELECT id FROM roles WHERE name = ?1",
        Kind::User => "SELECT id FROM users WHERE email = ?1",
        Kind::Team => "SELECT id FROM teams WHERE name = ?1",
        Kind::Resource => "SELECT id FROM resources WHERE name = ?1",
        Kind::Domain => "SELECT id FROM domains WHERE name = ?1",
        Kind::Member | Kind::Grant | Kind::Policy => return Ok(None),
    };
    row(conn, sql, [name], number)
}

/// The row of a thing that must be there because `by` names it.
pub(super) fn named(conn: &Connection, kind: Kind, name: &str, by: &ObjectRef) -> Result<i64> {
    id(conn, kind, name)?.ok_or_else(|| TargetError::Gone(format!("there is no {kind} {name}, which {by} names")))
}

/// As [`named`], for a name that can be missing.
pub(super) fn maybe_named(conn: &Connection, kind: Kind, name: Option<&str>, by: &ObjectRef) -> Result<Option<i64>> {
    name.map(|name| named(conn, kind, name, by)).transpose()
}

/// A role.
pub(super) fn role(conn: &Connection, name: &str) -> Result<Option<(i64, RoleRecord)>> {
    let sql = "SELECT id, name, description, administers FROM roles WHERE name = ?1";
    let found = row(conn, sql, [name], |row| {
        let administers = super::read::int(row, 3)? != 0;
        let name = text(row, 1)?.to_owned();
        Ok((number(row)?, RoleRecord { name, description: owned(row, 2)?, permissions: Vec::new(), administers }))
    })?;
    let Some((id, mut role)) = found else { return Ok(None) };
    let sql = "SELECT p.name FROM role_permissions AS h JOIN permissions AS p ON p.id = h.permission_id \
               WHERE h.role_id = ?1 ORDER BY p.name";
    role.permissions = strings(conn, sql, id)?;
    Ok(Some((id, role)))
}

/// A user.
pub(super) fn user(conn: &Connection, email: &str, now: Moment) -> Result<Option<(i64, UserRecord)>> {
    let sql = "SELECT u.id, u.email, u.name, u.kind, r.name, u.state, u.invited_until, u.until, u.timezone, u.owner \
               FROM users AS u LEFT JOIN roles AS r ON r.id = u.role_id WHERE u.email = ?1";
    let found = row(conn, sql, [email], |row| {
        let bad = |what| malformed(format!("user {email}"), what);
        let user = UserRecord {
            email: text(row, 1)?.to_owned(),
            name: owned(row, 2)?,
            kind: user_kind(text(row, 3)?).ok_or_else(|| bad("unknown kind of account"))?,
            role: owned(row, 4)?,
            state: user_state(text(row, 5)?, moment(row, 6)?, now).ok_or_else(|| bad("unknown state"))?,
            until: moment(row, 7)?,
            timezone: owned(row, 8)?,
            owner: owned(row, 9)?,
            ..UserRecord::default()
        };
        Ok((number(row)?, user))
    })?;
    let Some((id, mut user)) = found else { return Ok(None) };
    let pair = |row: &Row<'_>| Ok((text(row, 0)?.to_owned(), text(row, 1)?.to_owned()));
    let sql = "SELECT name, value FROM user_attributes WHERE user_id = ?1";
    user.attributes = rows(conn, sql, [id], pair)?.into_iter().collect();
    let sql = "SELECT system, handle FROM user_handles WHERE user_id = ?1";
    user.handles = rows(conn, sql, [id], pair)?.into_iter().collect();
    Ok(Some((id, user)))
}

/// A team with its leads.
pub(super) fn team(conn: &Connection, name: &str) -> Result<Option<(i64, TeamRecord)>> {
    let sql = "SELECT t.id, t.name, t.description, r.name, o.name, t.quota_cpu, t.quota_memory, t.quota_storage, \
               t.quota_apps, t.quota_workflows, t.quota_workspaces \
               FROM teams AS t LEFT JOIN roles AS r ON r.id = t.role_id LEFT JOIN teams AS o ON o.id = t.outer_id \
               WHERE t.name = ?1";
    let found = row(conn, sql, [name], |row| {
        let team = TeamRecord {
            name: text(row, 1)?.to_owned(),
            description: owned(row, 2)?,
            role: owned(row, 3)?,
            outer: owned(row, 4)?,
            quota: quota(row, 5)?,
            leads: Vec::new(),
        };
        Ok((number(row)?, team))
    })?;
    let Some((id, mut team)) = found else { return Ok(None) };
    team.leads = leads(conn, id)?;
    Ok(Some((id, team)))
}

/// The leads of a team, sorted.
pub(super) fn leads(conn: &Connection, team: i64) -> Result<Vec<String>> {
    let sql = "SELECT u.email FROM team_leads AS l JOIN users AS u ON u.id = l.user_id WHERE l.team_id = ?1 \
               ORDER BY u.email";
    strings(conn, sql, team)
}

/// A membership, with the rows of its team and its user.
pub(super) fn member(conn: &Connection, team: &str, user: &str) -> Result<Option<(i64, i64, MemberRecord)>> {
    let sql = "SELECT m.team_id, m.user_id, r.name, m.until, m.because FROM memberships AS m \
               LEFT JOIN roles AS r ON r.id = m.role_id \
               WHERE m.team_id = (SELECT id FROM teams WHERE name = ?1) \
               AND m.user_id = (SELECT id FROM users WHERE email = ?2)";
    row(conn, sql, [team, user], |row| {
        let member = MemberRecord {
            team: team.to_owned(),
            user: user.to_owned(),
            role: owned(row, 2)?,
            until: moment(row, 3)?,
            because: owned(row, 4)?,
        };
        Ok((number(row)?, super::read::int(row, 1)?, member))
    })
}

/// A resource.
pub(super) fn resource(conn: &Connection, name: &str) -> Result<Option<(i64, ResourceRecord)>> {
    let sql = "SELECT s.id, s.name, s.description, p.name, s.visibility, u.email FROM resources AS s \
               LEFT JOIN resources AS p ON p.id = s.parent_id LEFT JOIN users AS u ON u.id = s.owner_id \
               WHERE s.name = ?1";
    row(conn, sql, [name], |row| {
        let seen = optional_text(row, 4)?
            .map(|w| visibility(w).ok_or_else(|| malformed(format!("resource {name}"), "unknown visibility")))
            .transpose()?;
        let resource = ResourceRecord {
            name: text(row, 1)?.to_owned(),
            description: owned(row, 2)?,
            parent: owned(row, 3)?,
            visibility: seen,
            owner: owned(row, 5)?,
        };
        Ok((number(row)?, resource))
    })
}

/// The columns of a grant that say who holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) user: Option<i64>,
    pub(super) team: Option<i64>,
}

/// Who holds a grant that `by` names; `None` where there is no such user or team.
pub(super) fn holder(conn: &Connection, to: &PrincipalRecord) -> Result<Option<Holder>> {
    Ok(match to {
        PrincipalRecord::User(email) => id(conn, Kind::User, email)?.map(|id| Holder { user: Some(id), team: None }),
        PrincipalRecord::Team(name) => id(conn, Kind::Team, name)?.map(|id| Holder { user: None, team: Some(id) }),
        PrincipalRecord::Everyone => Some(Holder { user: None, team: None }),
    })
}

/// The roles that a principal has on a resource by direct grants, sorted.
pub(super) fn granted(conn: &Connection, resource: i64, holder: Holder) -> Result<Vec<GrantedRole>> {
    let get = |row: &Row<'_>| {
        Ok(GrantedRole { role: text(row, 0)?.to_owned(), until: moment(row, 1)?, because: owned(row, 2)? })
    };
    let select = "SELECT r.name, g.until, g.because FROM grants AS g JOIN roles AS r ON r.id = g.role_id";
    let mut found = match (holder.user, holder.team) {
        (Some(user), _) => {
            rows(conn, &format!("{select} WHERE g.user_id = ?1 AND g.resource_id = ?2"), [user, resource], get)?
        }
        (None, Some(team)) => {
            rows(conn, &format!("{select} WHERE g.team_id = ?1 AND g.resource_id = ?2"), [team, resource], get)?
        }
        (None, None) => rows(conn, &format!("{select} WHERE g.everyone = 1 AND g.resource_id = ?1"), [resource], get)?,
    };
    found.sort();
    Ok(found)
}

/// An auto-join domain.
pub(super) fn domain(conn: &Connection, name: &str) -> Result<Option<(i64, DomainRecord)>> {
    let sql = "SELECT d.id, d.name, r.name FROM domains AS d LEFT JOIN roles AS r ON r.id = d.role_id \
               WHERE d.name = ?1";
    let found = row(conn, sql, [name], |row| {
        Ok((number(row)?, DomainRecord { name: text(row, 1)?.to_owned(), role: owned(row, 2)?, teams: Vec::new() }))
    })?;
    let Some((id, mut domain)) = found else { return Ok(None) };
    let sql = "SELECT t.name FROM domain_teams AS d JOIN teams AS t ON t.id = d.team_id WHERE d.domain_id = ?1 \
               ORDER BY t.name";
    domain.teams = strings(conn, sql, id)?;
    Ok(Some((id, domain)))
}

/// A policy document.
pub(super) fn policy(conn: &Connection, key: PolicyKey) -> Result<Option<Value>> {
    row(conn, "SELECT value FROM policies WHERE key = ?1", [key.name()], |row| {
        serde_json::from_str(text(row, 0)?).map_err(|e| malformed(format!("policy {}", key.name()), e))
    })
}
