//! Changes of grants: the roles of one principal on one resource are changed together.

use rusqlite::Connection;
use rusqlite::types::Value as Cell;

use super::super::lookup::{self, Holder, Result};
use super::expect::{changes, refused, run, same, sorted, time};
use crate::model::{GrantedRole, Kind, ObjectRef, PrincipalRecord};
use crate::targets::TargetError;

/// From the roles `before` to the roles `after`; either can be empty.
pub(super) fn set(
    conn: &Connection,
    to: &PrincipalRecord,
    resource: &str,
    before: &[GrantedRole],
    after: &[GrantedRole],
) -> Result<()> {
    let object = ObjectRef::grant(resource, &to.to_string());
    let resource = lookup::named(conn, Kind::Resource, resource, &object)?;
    let holder = lookup::holder(conn, to)?
        .ok_or_else(|| TargetError::Gone(format!("there is no {to}, which {object} names")))?;
    let (before, after) = (sorted(before), sorted(after));
    if let Some(twice) = after.windows(2).find(|w| w[0].role == w[1].role) {
        return Err(refused(&object, format!("it names the role {} twice", twice[0].role)));
    }
    let found = lookup::granted(conn, resource, holder)?;
    if found.is_empty() && !before.is_empty() {
        return Err(TargetError::Gone(format!("{object} is not there")));
    }
    same(&object, &before, &found)?;
    changes(&object, &before, &after)?;
    let of = |roles: &[GrantedRole], role: &str| roles.iter().find(|r| r.role == role).cloned();
    for old in before.iter().filter(|old| of(&after, &old.role).is_none()) {
        let role = lookup::named(conn, Kind::Role, &old.role, &object)?;
        let cells = key(resource, holder, role);
        run(conn, &object, &format!("DELETE FROM grants {}", key_of(holder)), &cells)?;
    }
    for new in &after {
        let old = of(&before, &new.role);
        if old.as_ref() == Some(new) {
            continue;
        }
        let role = lookup::named(conn, Kind::Role, &new.role, &object)?;
        let mut cells = key(resource, holder, role);
        cells.extend([Cell::from(time(new.until)), Cell::from(new.because.clone())]);
        let update = || format!("UPDATE grants SET until = ?5, because = ?6 {}", key_of(holder));
        run(conn, &object, &old.map_or_else(|| INSERT.to_owned(), |_| update()), &cells)?;
    }
    Ok(())
}

const INSERT: &str = "INSERT INTO grants (resource_id, user_id, team_id, role_id, everyone, until, because) \
                      VALUES (?1, ?2, ?3, ?4, ?2 IS NULL AND ?3 IS NULL, ?5, ?6)";

/// One row. Each principal has an index of its own, which `user_id IS NULL` would not use.
fn key_of(holder: Holder) -> &'static str {
    match (holder.user, holder.team) {
        (Some(_), _) => "WHERE resource_id = ?1 AND user_id = ?2 AND role_id = ?4",
        (None, Some(_)) => "WHERE resource_id = ?1 AND team_id = ?3 AND role_id = ?4",
        (None, None) => "WHERE resource_id = ?1 AND everyone = 1 AND role_id = ?4",
    }
}

fn key(resource: i64, holder: Holder, role: i64) -> Vec<Cell> {
    vec![resource.into(), holder.user.into(), holder.team.into(), role.into()]
}
