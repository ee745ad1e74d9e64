//! Changes of roles.

use rusqlite::Connection;
use rusqlite::types::Value as Cell;

use super::super::lookup::{self, Result};
use super::super::read::int;
use super::expect::{self, Columns, changes, not_there, refused, run, same, there};
use crate::model::{ObjectRef, PERMISSIONS_MAX, RoleRecord};

/// A role with its permissions in rising order, each once.
pub(super) fn sorted(role: &RoleRecord) -> RoleRecord {
    let mut role = role.clone();
    role.permissions.sort();
    role.permissions.dedup();
    role
}

pub(super) fn create(conn: &Connection, role: &RoleRecord) -> Result<()> {
    let object = ObjectRef::role(&role.name);
    not_there(&object, lookup::role(conn, &role.name)?)?;
    let sql = "INSERT INTO roles (name, description, administers) VALUES (?1, ?2, ?3)";
    run(conn, &object, sql, &[role.name.clone().into(), role.description.clone().into(), role.administers.into()])?;
    let id = conn.last_insert_rowid();
    permit(conn, &object, id, &[], &sorted(role).permissions)
}

pub(super) fn update(conn: &Connection, before: &RoleRecord, after: &RoleRecord) -> Result<()> {
    let object = ObjectRef::role(&before.name);
    if before.name != after.name {
        return Err(refused(&object, "a role cannot be renamed"));
    }
    let (before, after) = (sorted(before), sorted(after));
    let (id, found) = there(&object, lookup::role(conn, &before.name)?)?;
    same(&object, &before, &found)?;
    changes(&object, &before, &after)?;
    let mut columns = Columns::default();
    columns.add("description", &before.description, &after.description, after.description.clone());
    columns.add("administers", &before.administers, &after.administers, after.administers);
    columns.write(conn, &object, "roles", id)?;
    permit(conn, &object, id, &before.permissions, &after.permissions)
}

pub(super) fn delete(conn: &Connection, role: &RoleRecord) -> Result<()> {
    let object = ObjectRef::role(&role.name);
    let (id, found) = there(&object, lookup::role(conn, &role.name)?)?;
    same(&object, &sorted(role), &found)?;
    let users = [
        "SELECT 'user ' || email FROM users WHERE role_id = ?1",
        "SELECT 'team ' || name FROM teams WHERE role_id = ?1",
        "SELECT 'member ' || t.name || ' ' || u.email FROM memberships AS m JOIN teams AS t ON t.id = m.team_id \
         JOIN users AS u ON u.id = m.user_id WHERE m.role_id = ?1",
        "SELECT 'a grant on ' || s.name FROM grants AS g JOIN resources AS s ON s.id = g.resource_id \
         WHERE g.role_id = ?1",
        "SELECT 'domain ' || name FROM domains WHERE role_id = ?1",
    ];
    expect::delete(conn, &object, "DELETE FROM roles WHERE id = ?1", id, &users)?;
    forget_unused(conn, &object, &found.permissions)
}

/// Gives a role the permissions that are new and takes those that go.
fn permit(conn: &Connection, object: &ObjectRef, role: i64, before: &[String], after: &[String]) -> Result<()> {
    for name in after.iter().filter(|p| !before.contains(p)) {
        let name = Cell::from(name.clone());
        let sql = "INSERT INTO permissions (name) VALUES (?1) ON CONFLICT DO NOTHING";
        if run(conn, object, sql, std::slice::from_ref(&name))? > 0 {
            let count = lookup::row(conn, "SELECT count(*) FROM permissions", [], |row| int(row, 0))?;
            // More could be written than read back.
            if count.is_some_and(|n| usize::try_from(n).is_ok_and(|n| n > PERMISSIONS_MAX)) {
                return Err(refused(
                    object,
                    format!("a directory keeps at most {PERMISSIONS_MAX} different permissions"),
                ));
            }
        }
        let sql =
            "INSERT INTO role_permissions (role_id, permission_id) SELECT ?1, id FROM permissions WHERE name = ?2";
        run(conn, object, sql, &[role.into(), name])?;
    }
    let gone: Vec<String> = before.iter().filter(|p| !after.contains(p)).cloned().collect();
    for name in &gone {
        let sql = "DELETE FROM role_permissions WHERE role_id = ?1 \
                   AND permission_id = (SELECT id FROM permissions WHERE name = ?2)";
        run(conn, object, sql, &[role.into(), name.clone().into()])?;
    }
    forget_unused(conn, object, &gone)
}

/// Removes those of the permissions that no role has any more.
fn forget_unused(conn: &Connection, object: &ObjectRef, names: &[String]) -> Result<()> {
    for name in names {
        let sql = "DELETE FROM permissions WHERE name = ?1 \
                   AND NOT EXISTS (SELECT 1 FROM role_permissions WHERE permission_id = permissions.id)";
        run(conn, object, sql, &[name.clone().into()])?;
    }
    Ok(())
}
