//! Changes of accounts.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::super::lookup::{self, Result};
use super::expect::{self, Columns, changes, not_there, refused, run, same, there, time};
use crate::model::{Kind, Moment, ObjectRef, UserRecord, UserState};
use crate::targets::TargetError;

pub(super) fn create(conn: &Connection, user: &UserRecord) -> Result<()> {
    let object = ObjectRef::user(&user.email);
    match user.state {
        UserState::Active | UserState::Disabled => {}
        UserState::Invited | UserState::InvitationExpired => {
            return Err(refused(&object, "an account is invited, or created as active or disabled"));
        }
    }
    not_there(&object, lookup::id(conn, Kind::User, &user.email)?)?;
    insert(conn, &object, user, user.state.word(), None)
}

/// Invites somebody new, or once more somebody whose invitation has run out.
pub(super) fn invite(conn: &Connection, user: &UserRecord, now: Moment, until: Moment) -> Result<()> {
    let object = ObjectRef::user(&user.email);
    let Some((id, found)) = lookup::user(conn, &user.email, now)? else {
        return insert(conn, &object, user, UserState::Invited.word(), Some(until));
    };
    if found.state != UserState::InvitationExpired {
        return Err(TargetError::Conflict(format!("{object} is already there, {}", found.state.word())));
    }
    same(&object, &UserRecord { state: found.state, ..user.clone() }, &found)?;
    let sql = "UPDATE users SET invited_until = ?1 WHERE id = ?2";
    run(conn, &object, sql, &[until.to_string().into(), id.into()])?;
    Ok(())
}

fn insert(
    conn: &Connection,
    object: &ObjectRef,
    user: &UserRecord,
    state: &str,
    invited_until: Option<Moment>,
) -> Result<()> {
    lower_case(object, &user.email)?;
    let role = lookup::maybe_named(conn, Kind::Role, user.role.as_deref(), object)?;
    let sql = "INSERT INTO users (email, name, kind, role_id, state, invited_until, until, timezone, owner) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let cells = [
        user.email.clone().into(),
        user.name.clone().into(),
        user.kind.word().to_owned().into(),
        role.into(),
        state.to_owned().into(),
        time(invited_until).into(),
        time(user.until).into(),
        user.timezone.clone().into(),
        user.owner.clone().into(),
    ];
    run(conn, object, sql, &cells)?;
    let id = conn.last_insert_rowid();
    pairs(conn, object, ATTRIBUTES, id, &BTreeMap::new(), &user.attributes)?;
    pairs(conn, object, HANDLES, id, &BTreeMap::new(), &user.handles)
}

pub(super) fn update(conn: &Connection, before: &UserRecord, after: &UserRecord, now: Moment) -> Result<()> {
    let object = ObjectRef::user(&before.email);
    if before.email != after.email {
        return Err(refused(&object, "an update does not change the address"));
    }
    let (id, found) = there(&object, lookup::user(conn, &before.email, now)?)?;
    // An update never touches the state, so another state is none of its business.
    let state = found.state;
    let alone = |user: &UserRecord| UserRecord { state, ..user.clone() };
    let (before, after) = (alone(before), alone(after));
    same(&object, &before, &found)?;
    changes(&object, &before, &after)?;
    let role = lookup::maybe_named(conn, Kind::Role, after.role.as_deref(), &object)?;
    let mut columns = Columns::default();
    columns.add("name", &before.name, &after.name, after.name.clone());
    columns.add("kind", &before.kind, &after.kind, after.kind.word().to_owned());
    columns.add("role_id", &before.role, &after.role, role);
    columns.add("until", &before.until, &after.until, time(after.until));
    columns.add("timezone", &before.timezone, &after.timezone, after.timezone.clone());
    columns.add("owner", &before.owner, &after.owner, after.owner.clone());
    columns.write(conn, &object, "users", id)?;
    pairs(conn, &object, ATTRIBUTES, id, &before.attributes, &after.attributes)?;
    pairs(conn, &object, HANDLES, id, &before.handles, &after.handles)
}

pub(super) fn rename(conn: &Connection, from: &str, to: &str) -> Result<()> {
    let object = ObjectRef::user(from);
    let id = there(&object, lookup::id(conn, Kind::User, from)?)?;
    not_there(&ObjectRef::user(to), lookup::id(conn, Kind::User, to)?)?;
    lower_case(&object, to)?;
    run(conn, &object, "UPDATE users SET email = ?1 WHERE id = ?2", &[to.to_owned().into(), id.into()])?;
    Ok(())
}

pub(super) fn enable(conn: &Connection, user: &UserRecord, now: Moment) -> Result<()> {
    set_state(conn, user, UserState::Active, now)
}

pub(super) fn disable(conn: &Connection, user: &UserRecord, now: Moment) -> Result<()> {
    set_state(conn, user, UserState::Disabled, now)
}

fn set_state(conn: &Connection, user: &UserRecord, state: UserState, now: Moment) -> Result<()> {
    let object = ObjectRef::user(&user.email);
    let (id, found) = there(&object, lookup::user(conn, &user.email, now)?)?;
    same(&object, &expect::user(user), &expect::user(&found))?;
    changes(&object, &found.state, &state)?;
    if state == UserState::Active && found.state != UserState::Disabled {
        return Err(refused(&object, "who is invited becomes active by accepting"));
    }
    let sql = "UPDATE users SET state = ?1, invited_until = NULL WHERE id = ?2";
    run(conn, &object, sql, &[state.word().to_owned().into(), id.into()])?;
    Ok(())
}

pub(super) fn delete(conn: &Connection, user: &UserRecord, now: Moment) -> Result<()> {
    let object = ObjectRef::user(&user.email);
    let (id, found) = there(&object, lookup::user(conn, &user.email, now)?)?;
    same(&object, &expect::user(user), &expect::user(&found))?;
    let users = [
        "SELECT 'member ' || t.name FROM memberships AS m JOIN teams AS t ON t.id = m.team_id WHERE m.user_id = ?1",
        "SELECT 'lead of ' || t.name FROM team_leads AS l JOIN teams AS t ON t.id = l.team_id WHERE l.user_id = ?1",
        "SELECT 'a grant on ' || s.name FROM grants AS g JOIN resources AS s ON s.id = g.resource_id \
         WHERE g.user_id = ?1",
        "SELECT 'owner of ' || name FROM resources WHERE owner_id = ?1",
    ];
    expect::delete(conn, &object, "DELETE FROM users WHERE id = ?1", id, &users)
}

fn lower_case(object: &ObjectRef, email: &str) -> Result<()> {
    if email.is_empty() || email.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(refused(object, format!("`{email}` is not in lower case, and addresses are kept so")));
    }
    Ok(())
}

/// A table of names and values of a user.
#[derive(Clone, Copy)]
struct Pairs {
    put: &'static str,
    drop: &'static str,
}

const ATTRIBUTES: Pairs = Pairs {
    put: "INSERT INTO user_attributes (user_id, name, value) VALUES (?1, ?2, ?3) \
          ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value",
    drop: "DELETE FROM user_attributes WHERE user_id = ?1 AND name = ?2",
};

const HANDLES: Pairs = Pairs {
    put: "INSERT INTO user_handles (user_id, system, handle) VALUES (?1, ?2, ?3) \
          ON CONFLICT (user_id, system) DO UPDATE SET handle = excluded.handle",
    drop: "DELETE FROM user_handles WHERE user_id = ?1 AND system = ?2",
};

fn pairs(
    conn: &Connection,
    object: &ObjectRef,
    table: Pairs,
    user: i64,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<()> {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        run(conn, object, table.drop, &[user.into(), name.clone().into()])?;
    }
    for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(*value)) {
        run(conn, object, table.put, &[user.into(), name.clone().into(), value.clone().into()])?;
    }
    Ok(())
}
