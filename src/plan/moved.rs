//! What moved between the plan that was reviewed and the plan as it is now, in words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::types::{Plan, TargetPlan};
use crate::access::{AccessDifference, AccessEffect};
use crate::model::Change;
use crate::render::plural;

/// What moved between two plans: live objects, changes that appeared or vanished, rules and consents.
/// Empty if and only if the digests are the same. Sorted by target, then object.
#[must_use]
pub fn moved(reviewed: &Plan, now: &Plan) -> Vec<String> {
    if reviewed.digest == now.digest {
        return Vec::new();
    }
    let mut said = Vec::new();
    let several = reviewed.targets.len() > 1 || now.targets.len() > 1;
    let old: BTreeMap<&str, &TargetPlan> = reviewed.targets.iter().map(|t| (t.target.as_str(), t)).collect();
    let new: BTreeMap<&str, &TargetPlan> = now.targets.iter().map(|t| (t.target.as_str(), t)).collect();
    for (name, before) in &old {
        match new.get(name) {
            Some(after) => {
                let prefix = if several { format!("{name}: ") } else { String::new() };
                said.extend(of_target(before, after).into_iter().map(|text| format!("{prefix}{text}")));
            }
            None => said.push(format!("target {name} is no longer in the plan")),
        }
    }
    said.extend(new.keys().filter(|n| !old.contains_key(*n)).map(|n| format!("target {n} is new in the plan")));
    for consent in reviewed.consents.iter().filter(|c| !now.consents.contains(c)) {
        said.push(format!("consent {consent} is missing"));
    }
    for consent in now.consents.iter().filter(|c| !reviewed.consents.contains(c)) {
        said.push(format!("consent {consent} is new"));
    }
    if said.is_empty() {
        said.push("the order of the changes is another".to_owned());
    }
    said
}

/// Who gains or loses by a plan what they do not by the one that was reviewed, in words. The same changes can do
/// more than they did when something else around them is another.
#[must_use]
pub fn farther(reviewed: &Plan, now: &Plan) -> Vec<String> {
    let mut said = Vec::new();
    for target in &now.targets {
        let (before, after) = (reviewed.targets.iter().find(|t| t.target == target.target), &target.access);
        let shown = before.map(|t| effects(&t.access)).unwrap_or_default();
        for (who, effect, what, on) in effects(after).difference(&shown) {
            said.push(format!("{who} {effect} {what} {on}, which was not shown"));
        }
        let (gain, lose) = before.map_or((0, 0), |t| (t.access.gain, t.access.lose));
        if said.is_empty() && (after.gain > gain || after.lose > lose) {
            let (now, then) = (plural(after.gain + after.lose, "person"), gain + lose);
            said.push(format!("{now} of {} gain or lose, and {then} were shown", target.target));
        }
    }
    said
}

/// Each effect on somebody's access that the lines of a plan tell, by itself: however they are put together.
fn effects(access: &AccessDifference) -> BTreeSet<(&str, &'static str, &str, String)> {
    let mut all = BTreeSet::new();
    for line in &access.lines {
        let effect = match line.effect {
            AccessEffect::Gains => "gains",
            AccessEffect::Loses => "loses",
            AccessEffect::Path => continue,
        };
        let mut what: Vec<&str> = line.permissions.iter().chain(&line.unpublished).map(String::as_str).collect();
        if line.administrator {
            what.push("everything");
        }
        let mut places: Vec<String> = line.on.iter().map(|on| format!("on {on}")).collect();
        if places.is_empty() {
            places.push("everywhere".to_owned());
        }
        for who in &line.who {
            for what in &what {
                all.extend(places.iter().map(|on| (who.as_str(), effect, *what, on.clone())));
            }
        }
    }
    all
}

fn of_target(reviewed: &TargetPlan, now: &TargetPlan) -> Vec<String> {
    let mut said = Vec::new();
    let mut explained: BTreeSet<&str> = BTreeSet::new();
    let mut objects: Vec<&String> = reviewed.touched.keys().chain(now.touched.keys()).collect();
    objects.sort_unstable();
    objects.dedup();
    for object in objects {
        match (reviewed.touched.get(object), now.touched.get(object)) {
            (Some(Value::Null), Some(after)) if !after.is_null() => said.push(format!("{object} is live now")),
            (Some(before), Some(Value::Null)) if !before.is_null() => said.push(format!("{object} is no longer live")),
            (Some(before), Some(after)) if before != after => {
                explained.insert(object);
                said.push(format!("{object}: {}", fields(before, after).join(", ")));
            }
            // What is touched by one plan only shows in its changes.
            _ => {}
        }
    }
    let by_name = |plan: &TargetPlan| -> BTreeMap<(String, String), Change> {
        plan.steps.iter().map(|s| (name(&s.change), s.change.clone())).collect()
    };
    let (old, new) = (by_name(reviewed), by_name(now));
    for ((what, object), before) in &old {
        match new.get(&(what.clone(), object.clone())) {
            None => said.push(format!("{object}: `{what}` is no longer in the plan")),
            Some(after) if before != after && !explained.contains(object.as_str()) => {
                said.push(format!("{object}: `{what}` does something else now"));
            }
            Some(_) => {}
        }
    }
    for (what, object) in new.keys().filter(|key| !old.contains_key(*key)) {
        said.push(format!("{object}: `{what}` is new in the plan"));
    }
    if reviewed.judged != now.judged {
        let before = serde_json::to_value(&reviewed.judged).unwrap_or_default();
        let after = serde_json::to_value(&now.judged).unwrap_or_default();
        said.push(format!("the rules that judge: {}", fields(&before, &after).join(", ")));
    }
    said
}

/// The kind of a change and its object.
fn name(change: &Change) -> (String, String) {
    let tag = serde_json::to_value(change).ok().and_then(|v| Some(v.get("change")?.as_str()?.to_owned()));
    (tag.unwrap_or_default(), change.object().to_string())
}

/// The fields that differ, as `name "Grace" -> "G. Hopper"`.
fn fields(before: &Value, after: &Value) -> Vec<String> {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return vec![format!("{before} -> {after}")];
    };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let text = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differing.map(|key| format!("{key} {} -> {}", text(old.get(key)), text(new.get(key)))).collect()
}
