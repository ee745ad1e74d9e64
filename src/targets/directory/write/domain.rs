//! Changes of auto-join domains.

use rusqlite::Connection;

use super::super::lookup::{self, Result};
use super::expect::{self, Columns, changes, not_there, refused, run, same, there};
use crate::model::{DomainRecord, Kind, ObjectRef};

/// A domain with its teams in rising order, each once.
pub(super) fn sorted(domain: &DomainRecord) -> DomainRecord {
    let mut domain = domain.clone();
    domain.teams.sort();
    domain.teams.dedup();
    domain
}

pub(super) fn add(conn: &Connection, domain: &DomainRecord) -> Result<()> {
    let object = ObjectRef::domain(&domain.name);
    not_there(&object, lookup::id(conn, Kind::Domain, &domain.name)?)?;
    run(conn, &object, "INSERT INTO domains (name) VALUES (?1)", &[domain.name.clone().into()])?;
    let empty = DomainRecord { name: domain.name.clone(), ..DomainRecord::default() };
    write(conn, &object, conn.last_insert_rowid(), &empty, &sorted(domain))
}

pub(super) fn change(conn: &Connection, before: &DomainRecord, after: &DomainRecord) -> Result<()> {
    let object = ObjectRef::domain(&before.name);
    if before.name != after.name {
        return Err(refused(&object, "a domain cannot be renamed"));
    }
    let (before, after) = (sorted(before), sorted(after));
    let (id, found) = there(&object, lookup::domain(conn, &before.name)?)?;
    same(&object, &before, &found)?;
    changes(&object, &before, &after)?;
    write(conn, &object, id, &before, &after)
}

fn write(conn: &Connection, object: &ObjectRef, id: i64, before: &DomainRecord, after: &DomainRecord) -> Result<()> {
    let role = lookup::maybe_named(conn, Kind::Role, after.role.as_deref(), object)?;
    let mut columns = Columns::default();
    columns.add("role_id", &before.role, &after.role, role);
    columns.write(conn, object, "domains", id)?;
    for team in before.teams.iter().filter(|team| !after.teams.contains(team)) {
        let team = lookup::named(conn, Kind::Team, team, object)?;
        let sql = "DELETE FROM domain_teams WHERE domain_id = ?1 AND team_id = ?2";
        run(conn, object, sql, &[id.into(), team.into()])?;
    }
    for team in after.teams.iter().filter(|team| !before.teams.contains(team)) {
        let team = lookup::named(conn, Kind::Team, team, object)?;
        let sql = "INSERT INTO domain_teams (domain_id, team_id) VALUES (?1, ?2)";
        run(conn, object, sql, &[id.into(), team.into()])?;
    }
    Ok(())
}

pub(super) fn remove(conn: &Connection, domain: &DomainRecord) -> Result<()> {
    let object = ObjectRef::domain(&domain.name);
    let (id, found) = there(&object, lookup::domain(conn, &domain.name)?)?;
    same(&object, &sorted(domain), &found)?;
    expect::delete(conn, &object, "DELETE FROM domains WHERE id = ?1", id, &[])
}
