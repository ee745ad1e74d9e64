//! The live objects that a plan touches or refers to, as they were when it was made: when one of them
//! moves, the plan is another.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde_json::{Value, json};

use super::mentions::mentions;
use crate::model::{Change, Directory, Kind, ObjectRef, Principal, PrincipalRecord};

/// The objects by reference, each with its live record; `null` for what is not there (yet).
pub(super) fn touched<'c>(live: &Directory, changes: impl Iterator<Item = &'c Change>) -> BTreeMap<String, Value> {
    let mut seen: FxHashSet<(Kind, &str)> = FxHashSet::default();
    let mut found = BTreeMap::new();
    for change in changes {
        let renamed: [(Kind, &str); 2] = match change {
            Change::RenameUser { from, to } => [(Kind::User, from), (Kind::User, to)],
            Change::RenameTeam { from, to } => [(Kind::Team, from), (Kind::Team, to)],
            Change::RenameResource { from, to } => [(Kind::Resource, from), (Kind::Resource, to)],
            change => {
                edge(live, change, &mut found);
                for key in mentions(change) {
                    if seen.insert(key) {
                        found.insert(ObjectRef::new(key.0, key.1).to_string(), node(live, key.0, key.1));
                    }
                }
                continue;
            }
        };
        for key in renamed {
            if seen.insert(key) {
                found.insert(ObjectRef::new(key.0, key.1).to_string(), node(live, key.0, key.1));
            }
        }
    }
    found
}

fn node(live: &Directory, kind: Kind, name: &str) -> Value {
    match kind {
        Kind::Role => live.find_role(name).map(|id| json!(live.role_record(id))),
        Kind::User => live.find_user(name).map(|id| json!(live.user_record(id))),
        Kind::Team => live.find_team(name).map(|id| json!(live.team_record(id))),
        Kind::Resource => live.find_resource(name).map(|id| json!(live.resource_record(id))),
        Kind::Domain => live.find_domain(name).map(|id| json!(live.domain_record(id))),
        Kind::Member | Kind::Grant | Kind::Policy => None,
    }
    .unwrap_or(Value::Null)
}

/// Memberships, grants, domains and policies that a change is about.
fn edge(live: &Directory, change: &Change, found: &mut BTreeMap<String, Value>) {
    let record = match change {
        Change::AddMember { member: m }
        | Change::RemoveMember { member: m, .. }
        | Change::ChangeMember { before: m, .. } => live
            .find_team(&m.team)
            .zip(live.find_user(&m.user))
            .and_then(|(team, user)| live.find_membership(team, user))
            .map(|m| json!(live.member_record(m))),
        Change::GiveGrant { to, resource, .. }
        | Change::ChangeGrant { to, resource, .. }
        | Change::RevokeGrant { to, resource, .. } => grants(live, to, resource),
        Change::AddDomain { domain }
        | Change::RemoveDomain { domain, .. }
        | Change::ChangeDomain { before: domain, .. } => Some(node(live, Kind::Domain, &domain.name)),
        Change::SetPolicy { policy, .. } | Change::UnsetPolicy { policy, .. } => live.policies().get(policy).cloned(),
        _ => return,
    };
    found.insert(change.object().to_string(), record.unwrap_or(Value::Null));
}

fn grants(live: &Directory, to: &PrincipalRecord, resource: &str) -> Option<Value> {
    let resource = live.find_resource(resource)?;
    let principal = match to {
        PrincipalRecord::User(email) => Principal::User(live.find_user(email)?),
        PrincipalRecord::Team(name) => Principal::Team(live.find_team(name)?),
        PrincipalRecord::Everyone => Principal::Everyone,
    };
    let on = live.grants_on(resource);
    let from = on.partition_point(|g| g.principal < principal);
    let to = on.partition_point(|g| g.principal <= principal);
    (from < to).then(|| json!(super::work::granted(live, &on[from..to])))
}
