//! Changing the directory: each change is one transaction that checks what it starts from.

mod domain;
pub(super) mod expect;
mod grant;
mod policy;
mod resource;
mod role;
mod team;
mod user;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use super::error::{commit, sqlite};
use super::lookup::Result;
use super::{audit, schema};
use crate::model::{Change, Moment};
use crate::targets::{Stamp, TargetError, Task, Writer};

/// Changes the directory. Every change is checked and made in one transaction, together with its row
/// in the audit trail.
#[derive(Debug)]
pub struct DirectoryWriter {
    conn: Mutex<Connection>,
    now: Moment,
    invitation_days: u32,
}

impl DirectoryWriter {
    /// Opens the file at `path` for writing and makes it, with its folder, where it is missing. `now`
    /// decides which invitations have run out; a new one stays open for `invitation_days` days.
    ///
    /// # Errors
    /// When the file cannot be opened, is no directory, or was made by a newer rolecall.
    pub fn open(path: impl AsRef<Path>, now: Moment, invitation_days: u32) -> Result<Self> {
        let conn = schema::open_to_write(path.as_ref())?;
        Ok(Self { conn: Mutex::new(conn), now, invitation_days })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut off was rolled back when it was dropped.
        self.conn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_now(&self, change: &Change, stamp: &Stamp) -> Result<()> {
        let mut conn = self.connection();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| sqlite(&e))?;
        self.make(&tx, change, stamp)?;
        audit::write(&tx, change, stamp)?;
        tx.commit().map_err(|e| commit(&e))
    }

    /// Makes many changes in one transaction, with whatever `beside` writes into tables of its own. A
    /// change that is refused is left out and handed back, and the others are made all the same: this is
    /// for sandboxes, which tell what was done, not for an apply.
    ///
    /// # Errors
    /// When the transaction as a whole fails; then nothing of it is kept.
    pub(crate) fn write_together(
        &self,
        changes: &[(&Change, Stamp)],
        beside: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Vec<TargetError>> {
        let mut conn = self.connection();
        let mut tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| sqlite(&e))?;
        let mut refused = Vec::new();
        for (change, stamp) in changes {
            let one = tx.savepoint().map_err(|e| sqlite(&e))?;
            match self.make(&one, change, stamp).and_then(|()| audit::write(&one, change, stamp)) {
                Ok(()) => one.commit().map_err(|e| sqlite(&e))?,
                Err(error) => refused.push(error),
            }
        }
        beside(&tx).map_err(|e| sqlite(&e))?;
        tx.commit().map_err(|e| commit(&e))?;
        Ok(refused)
    }

    /// Does something with tables that lie beside the directory's own, in one transaction.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub(crate) fn beside<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut conn = self.connection();
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|e| sqlite(&e))?;
        let found = work(&tx).map_err(|e| sqlite(&e))?;
        tx.commit().map_err(|e| commit(&e))?;
        Ok(found)
    }

    fn make(&self, tx: &Connection, change: &Change, stamp: &Stamp) -> Result<()> {
        match change {
            Change::CreateRole { role } => role::create(tx, role),
            Change::UpdateRole { before, after } => role::update(tx, before, after),
            Change::DeleteRole { role, .. } => role::delete(tx, role),
            Change::CreateUser { user } => user::create(tx, user),
            Change::InviteUser { user } => {
                user::invite(tx, user, stamp.at, stamp.at.plus_days(i64::from(self.invitation_days)))
            }
            Change::UpdateUser { before, after } => user::update(tx, before, after, self.now),
            Change::RenameUser { from, to } => user::rename(tx, from, to),
            Change::EnableUser { user } => user::enable(tx, user, self.now),
            Change::DisableUser { user, .. } => user::disable(tx, user, self.now),
            Change::DeleteUser { user, .. } => user::delete(tx, user, self.now),
            Change::CreateTeam { team } => team::create(tx, team),
            Change::UpdateTeam { before, after } => team::update(tx, before, after),
            Change::RenameTeam { from, to } => team::rename(tx, from, to),
            Change::DeleteTeam { team, .. } => team::delete(tx, team),
            Change::SetLeads { team, before, after } => team::set_leads(tx, team, before, after),
            Change::AddMember { member } => team::add_member(tx, member),
            Change::ChangeMember { before, after } => team::change_member(tx, before, after),
            Change::RemoveMember { member, .. } => team::remove_member(tx, member),
            Change::CreateResource { resource } => resource::create(tx, resource),
            Change::UpdateResource { before, after } => resource::update(tx, before, after),
            Change::RenameResource { from, to } => resource::rename(tx, from, to),
            Change::DeleteResource { resource, .. } => resource::delete(tx, resource),
            Change::GiveGrant { to, resource, roles } => grant::set(tx, to, resource, &[], roles),
            Change::ChangeGrant { to, resource, before, after } => grant::set(tx, to, resource, before, after),
            Change::RevokeGrant { to, resource, roles, .. } => grant::set(tx, to, resource, roles, &[]),
            Change::AddDomain { domain } => domain::add(tx, domain),
            Change::ChangeDomain { before, after } => domain::change(tx, before, after),
            Change::RemoveDomain { domain, .. } => domain::remove(tx, domain),
            Change::SetPolicy { policy, before, after } => policy::set(tx, *policy, before.as_ref(), Some(after)),
            Change::UnsetPolicy { policy, before } => policy::set(tx, *policy, Some(before), None),
        }
    }

    fn verify_now(&self, change: &Change) -> Result<bool> {
        let mut conn = self.connection();
        let tx = conn.transaction().map_err(|e| sqlite(&e))?;
        expect::holds(&tx, change, self.now)
    }
}

impl Writer for DirectoryWriter {
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, std::result::Result<(), TargetError>> {
        Box::pin(async move { self.write_now(change, stamp) })
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, std::result::Result<bool, TargetError>> {
        Box::pin(async move { self.verify_now(change) })
    }
}
