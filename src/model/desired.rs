//! What the files want of one target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Catalogue, Directory, GrantRecord, Manage, MemberRecord, Origins, Rules};

/// What the files want of one target: the state itself, and what else a plan must know to reach it.
/// `O` is where a thing is declared.
#[derive(Debug, Clone)]
pub struct Desired<O> {
    /// The target's name.
    pub target: String,
    /// The state. A user who is blocked or past their last day is disabled in it; what is past its
    /// `until` is not in it.
    pub directory: Directory,
    /// Where each thing of the state is declared.
    pub origins: Origins<O>,
    /// What of the target is managed, and how.
    pub manage: Manage,
    /// What rolecall holds to.
    pub rules: Rules,
    /// The blocked users by e-mail, with the reason. All of them are declared users of the state.
    pub blocks: BTreeMap<String, Option<String>>,
    /// Those of the blocked who go besides: declared as disabled, or past their last day.
    pub blocked_leavers: BTreeSet<String>,
    /// Declared grants whose end is past: revoked where they are still live, whatever the mode.
    pub ended_grants: Vec<GrantRecord>,
    /// Declared memberships whose end is past: removed where they are still live, whatever the mode.
    pub ended_members: Vec<MemberRecord>,
    /// The target's catalogue.
    pub catalogue: Arc<Catalogue>,
}
