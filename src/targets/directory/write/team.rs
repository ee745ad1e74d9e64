//! Changes of teams, their leads and their members.

use rusqlite::Connection;

use super::super::lookup::{self, Result};
use super::super::read::int;
use super::expect::{self, Columns, changes, not_there, refused, run, same, sorted, there, time};
use crate::model::{Bytes, Kind, MemberRecord, ObjectRef, QuotaRecord, TeamRecord};

pub(super) fn create(conn: &Connection, team: &TeamRecord) -> Result<()> {
    let object = ObjectRef::team(&team.name);
    if !team.leads.is_empty() {
        return Err(refused(&object, "a team is created without leads, which are set when they are there"));
    }
    not_there(&object, lookup::id(conn, Kind::Team, &team.name)?)?;
    run(conn, &object, "INSERT INTO teams (name) VALUES (?1)", &[team.name.clone().into()])?;
    let empty = TeamRecord { name: team.name.clone(), ..TeamRecord::default() };
    write(conn, &object, conn.last_insert_rowid(), &empty, team)
}

pub(super) fn update(conn: &Connection, before: &TeamRecord, after: &TeamRecord) -> Result<()> {
    let object = ObjectRef::team(&before.name);
    if before.name != after.name {
        return Err(refused(&object, "an update does not change the name"));
    }
    let (id, found) = there(&object, lookup::team(conn, &before.name)?)?;
    let (before, after) = (expect::team_alone(before), expect::team_alone(after));
    same(&object, &before, &expect::team_alone(&found))?;
    changes(&object, &before, &after)?;
    write(conn, &object, id, &before, &after)
}

fn write(conn: &Connection, object: &ObjectRef, id: i64, before: &TeamRecord, after: &TeamRecord) -> Result<()> {
    let role = lookup::maybe_named(conn, Kind::Role, after.role.as_deref(), object)?;
    let outer = lookup::maybe_named(conn, Kind::Team, after.outer.as_deref(), object)?;
    if before.outer != after.outer
        && let Some(outer) = outer
    {
        let sql = "WITH RECURSIVE up (id) AS (SELECT ?2 UNION SELECT t.outer_id FROM up JOIN teams AS t ON t.id = up.id) \
                   SELECT count(*) FROM up WHERE id = ?1";
        if lookup::row(conn, sql, [id, outer], |row| int(row, 0))? != Some(0) {
            let outer = after.outer.as_deref().unwrap_or_default();
            return Err(refused(object, format!("in team {outer} it would lie in itself")));
        }
    }
    let number = |n: Option<u64>| {
        n.map(|n| i64::try_from(n).map_err(|_| refused(object, format!("a quota of {n} is too large to keep"))))
            .transpose()
    };
    let size = |n: Option<Bytes>| number(n.map(|b| b.0));
    let (old, new): (QuotaRecord, QuotaRecord) = (before.quota.unwrap_or_default(), after.quota.unwrap_or_default());
    let mut columns = Columns::default();
    columns.add("description", &before.description, &after.description, after.description.clone());
    columns.add("role_id", &before.role, &after.role, role);
    columns.add("outer_id", &before.outer, &after.outer, outer);
    columns.add("quota_cpu", &old.cpu, &new.cpu, number(new.cpu)?);
    columns.add("quota_memory", &old.memory, &new.memory, size(new.memory)?);
    columns.add("quota_storage", &old.storage, &new.storage, size(new.storage)?);
    columns.add("quota_apps", &old.apps, &new.apps, number(new.apps)?);
    columns.add("quota_workflows", &old.workflows, &new.workflows, number(new.workflows)?);
    columns.add("quota_workspaces", &old.workspaces, &new.workspaces, number(new.workspaces)?);
    columns.write(conn, object, "teams", id)
}

pub(super) fn rename(conn: &Connection, from: &str, to: &str) -> Result<()> {
    let object = ObjectRef::team(from);
    let id = there(&object, lookup::id(conn, Kind::Team, from)?)?;
    not_there(&ObjectRef::team(to), lookup::id(conn, Kind::Team, to)?)?;
    run(conn, &object, "UPDATE teams SET name = ?1 WHERE id = ?2", &[to.to_owned().into(), id.into()])?;
    Ok(())
}

pub(super) fn delete(conn: &Connection, team: &TeamRecord) -> Result<()> {
    let object = ObjectRef::team(&team.name);
    let (id, found) = there(&object, lookup::team(conn, &team.name)?)?;
    same(&object, &expect::team_alone(team), &expect::team_alone(&found))?;
    // The same plan may have taken leads away before; a lead that it does not know of is a conflict.
    if found.leads.iter().any(|lead| !team.leads.contains(lead)) {
        same(&object, &expect::team(team), &found)?;
    }
    let users = [
        "SELECT 'member ' || u.email FROM memberships AS m JOIN users AS u ON u.id = m.user_id WHERE m.team_id = ?1",
        "SELECT 'a grant on ' || s.name FROM grants AS g JOIN resources AS s ON s.id = g.resource_id \
         WHERE g.team_id = ?1",
        "SELECT 'team ' || name || ' in it' FROM teams WHERE outer_id = ?1",
        "SELECT 'domain ' || d.name FROM domain_teams AS t JOIN domains AS d ON d.id = t.domain_id \
         WHERE t.team_id = ?1",
    ];
    expect::delete(conn, &object, "DELETE FROM teams WHERE id = ?1", id, &users)
}

pub(super) fn set_leads(conn: &Connection, team: &str, before: &[String], after: &[String]) -> Result<()> {
    let object = ObjectRef::team(team);
    let id = there(&object, lookup::id(conn, Kind::Team, team)?)?;
    let (before, after) = (sorted(before), sorted(after));
    let found = lookup::leads(conn, id)?;
    if before != found {
        let list = |leads: &[String]| if leads.is_empty() { "nobody".to_owned() } else { leads.join(", ") };
        let text = format!("{object}: its leads are {}, expected {}", list(&found), list(&before));
        return Err(crate::targets::TargetError::Conflict(text));
    }
    changes(&object, &before, &after)?;
    for lead in before.iter().filter(|lead| !after.contains(lead)) {
        let user = lookup::named(conn, Kind::User, lead, &object)?;
        run(conn, &object, "DELETE FROM team_leads WHERE team_id = ?1 AND user_id = ?2", &[id.into(), user.into()])?;
    }
    for lead in after.iter().filter(|lead| !before.contains(lead)) {
        let user = lookup::named(conn, Kind::User, lead, &object)?;
        run(conn, &object, "INSERT INTO team_leads (team_id, user_id) VALUES (?1, ?2)", &[id.into(), user.into()])?;
    }
    Ok(())
}

pub(super) fn add_member(conn: &Connection, member: &MemberRecord) -> Result<()> {
    let object = ObjectRef::member(&member.team, &member.user);
    not_there(&object, lookup::member(conn, &member.team, &member.user)?)?;
    let team = lookup::named(conn, Kind::Team, &member.team, &object)?;
    let user = lookup::named(conn, Kind::User, &member.user, &object)?;
    let role = lookup::maybe_named(conn, Kind::Role, member.role.as_deref(), &object)?;
    let sql = "INSERT INTO memberships (team_id, user_id, role_id, until, because) VALUES (?1, ?2, ?3, ?4, ?5)";
    let cells = [team.into(), user.into(), role.into(), time(member.until).into(), member.because.clone().into()];
    run(conn, &object, sql, &cells)?;
    Ok(())
}

pub(super) fn change_member(conn: &Connection, before: &MemberRecord, after: &MemberRecord) -> Result<()> {
    let object = ObjectRef::member(&before.team, &before.user);
    if (&before.team, &before.user) != (&after.team, &after.user) {
        return Err(refused(&object, "a membership stays with its team and user"));
    }
    let (team, user, found) = there(&object, lookup::member(conn, &before.team, &before.user)?)?;
    same(&object, before, &found)?;
    changes(&object, before, after)?;
    let role = lookup::maybe_named(conn, Kind::Role, after.role.as_deref(), &object)?;
    let sql = "UPDATE memberships SET role_id = ?3, until = ?4, because = ?5 WHERE team_id = ?1 AND user_id = ?2";
    let cells = [team.into(), user.into(), role.into(), time(after.until).into(), after.because.clone().into()];
    run(conn, &object, sql, &cells)?;
    Ok(())
}

pub(super) fn remove_member(conn: &Connection, member: &MemberRecord) -> Result<()> {
    let object = ObjectRef::member(&member.team, &member.user);
    let (team, user, found) = there(&object, lookup::member(conn, &member.team, &member.user)?)?;
    same(&object, member, &found)?;
    run(conn, &object, "DELETE FROM memberships WHERE team_id = ?1 AND user_id = ?2", &[team.into(), user.into()])?;
    Ok(())
}
