//! Changes of resources.

use rusqlite::Connection;

use super::super::lookup::{self, Result};
use super::super::read::int;
use super::expect::{self, Columns, changes, not_there, refused, run, same, there};
use crate::model::{Kind, ObjectRef, ResourceRecord, Visibility};

pub(super) fn create(conn: &Connection, resource: &ResourceRecord) -> Result<()> {
    let object = ObjectRef::resource(&resource.name);
    named_by_kind(&object, &resource.name)?;
    not_there(&object, lookup::id(conn, Kind::Resource, &resource.name)?)?;
    run(conn, &object, "INSERT INTO resources (name) VALUES (?1)", &[resource.name.clone().into()])?;
    let empty = ResourceRecord { name: resource.name.clone(), ..ResourceRecord::default() };
    write(conn, &object, conn.last_insert_rowid(), &empty, resource)
}

pub(super) fn update(conn: &Connection, before: &ResourceRecord, after: &ResourceRecord) -> Result<()> {
    let object = ObjectRef::resource(&before.name);
    if before.name != after.name {
        return Err(refused(&object, "an update does not change the name"));
    }
    let (id, found) = there(&object, lookup::resource(conn, &before.name)?)?;
    same(&object, before, &found)?;
    changes(&object, before, after)?;
    write(conn, &object, id, before, after)
}

fn write(
    conn: &Connection,
    object: &ObjectRef,
    id: i64,
    before: &ResourceRecord,
    after: &ResourceRecord,
) -> Result<()> {
    let parent = lookup::maybe_named(conn, Kind::Resource, after.parent.as_deref(), object)?;
    if before.parent != after.parent
        && let Some(parent) = parent
    {
        let sql = "WITH RECURSIVE up (id) AS (SELECT ?2 UNION SELECT s.parent_id FROM up JOIN resources AS s ON s.id = up.id) \
                   SELECT count(*) FROM up WHERE id = ?1";
        if lookup::row(conn, sql, [id, parent], |row| int(row, 0))? != Some(0) {
            let parent = after.parent.as_deref().unwrap_or_default();
            return Err(refused(object, format!("in resource {parent} it would lie in itself")));
        }
    }
    let owner = lookup::maybe_named(conn, Kind::User, after.owner.as_deref(), object)?;
    let seen = after.visibility.map(Visibility::word).map(str::to_owned);
    let mut columns = Columns::default();
    columns.add("description", &before.description, &after.description, after.description.clone());
    columns.add("parent_id", &before.parent, &after.parent, parent);
    columns.add("visibility", &before.visibility, &after.visibility, seen);
    columns.add("owner_id", &before.owner, &after.owner, owner);
    columns.write(conn, object, "resources", id)
}

pub(super) fn rename(conn: &Connection, from: &str, to: &str) -> Result<()> {
    let object = ObjectRef::resource(from);
    let id = there(&object, lookup::id(conn, Kind::Resource, from)?)?;
    not_there(&ObjectRef::resource(to), lookup::id(conn, Kind::Resource, to)?)?;
    named_by_kind(&object, to)?;
    run(conn, &object, "UPDATE resources SET name = ?1 WHERE id = ?2", &[to.to_owned().into(), id.into()])?;
    Ok(())
}

pub(super) fn delete(conn: &Connection, resource: &ResourceRecord) -> Result<()> {
    let object = ObjectRef::resource(&resource.name);
    let (id, found) = there(&object, lookup::resource(conn, &resource.name)?)?;
    same(&object, resource, &found)?;
    let users = [
        "SELECT 'resource ' || name || ' in it' FROM resources WHERE parent_id = ?1",
        "SELECT 'the grant to ' || coalesce(u.email, 'team/' || t.name, 'everyone') FROM grants AS g \
         LEFT JOIN users AS u ON u.id = g.user_id LEFT JOIN teams AS t ON t.id = g.team_id WHERE g.resource_id = ?1",
    ];
    expect::delete(conn, &object, "DELETE FROM resources WHERE id = ?1", id, &users)
}

fn named_by_kind(object: &ObjectRef, name: &str) -> Result<()> {
    match name.split_once('/') {
        Some((kind, rest)) if !kind.is_empty() && !rest.is_empty() => Ok(()),
        _ => Err(refused(object, format!("`{name}` is not of the form kind/name"))),
    }
}
