//! Policy documents: each is set as a whole.

use serde_json::Value;

use super::work::Work;
use crate::model::{Change, Kind, Mode};

pub(super) fn compare<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    for (&policy, after) in desired.directory.policies() {
        let mode = desired.manage.mode_of(Kind::Policy, policy.name());
        let origin = desired.origins.policies.get(&policy).copied();
        let before = work.live.policies().get(&policy).cloned();
        match before {
            Some(before) if before == *after => {}
            Some(before) if after.is_null() => work.put(mode, Change::UnsetPolicy { policy, before }, origin),
            None if after.is_null() => {}
            before => work.put(mode, Change::SetPolicy { policy, before, after: after.clone() }, origin),
        }
    }
    for (&policy, before) in work.live.policies() {
        if desired.directory.policies().contains_key(&policy) || *before == Value::Null {
            continue;
        }
        match work.mode_of_undeclared(Kind::Policy, policy.name()) {
            mode @ (Mode::Authoritative | Mode::Observe) => {
                work.put(mode, Change::UnsetPolicy { policy, before: before.clone() }, None);
            }
            _ => work.out.leave(Kind::Policy),
        }
    }
}
