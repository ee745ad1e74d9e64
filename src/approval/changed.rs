//! Changes of who must agree: without a look at them, one change could take a rule away and the next one do
//! what it forbade.

use std::collections::BTreeMap;

use super::{People, Requirement, fixed, or_required};
use crate::config::Declaration;
use crate::model::{ApprovalRule, Approver};

/// The agreements that a change of the rules themselves needs: those of the base that the head does not have
/// in the same or a stricter form, and those for which somebody becomes an approver who was none. They are
/// given by whom the base's rule names; where it names an owner or a lead only, by those of
/// `policies.admins.required`.
#[must_use]
pub fn changed(base: &Declaration, head: &Declaration) -> Vec<Requirement> {
    let (before, after) = (People::of(base), People::of(head));
    let mut all: BTreeMap<(String, Vec<Approver>), Requirement> = BTreeMap::new();
    for target in &base.targets {
        let now = head.targets.iter().find(|t| t.name == target.name);
        for rule in &target.desired.rules.approval {
            let mut why = Vec::new();
            let kept = now.is_none_or(|t| t.desired.rules.approval.iter().any(|r| is_as_strict(r, rule)));
            if !kept {
                why.push("the rule itself is taken away or made weaker".to_owned());
            }
            let mut could = before.meant(&rule.by);
            let mut can = after.meant(&rule.by);
            let open = rule.by.iter().any(|by| matches!(by, Approver::Owner | Approver::Lead));
            if open {
                // Whoever owns or leads can be asked, and who must stay administrator where nobody does.
                could.extend(target.desired.rules.admins_required.iter().map(ToString::to_string));
                can.extend(now.iter().flat_map(|t| &t.desired.rules.admins_required).map(ToString::to_string));
            }
            for email in can.difference(&could) {
                why.push(format!("{email} becomes one who can agree"));
            }
            for (handle, emails) in &after.emails {
                for email in emails.iter().filter(|e| could.contains(*e) || open && before.known.contains(*e)) {
                    if before.emails.get(handle).is_none_or(|e| !e.contains(email)) {
                        why.push(format!("@{handle} becomes a handle of {email}, who can agree"));
                    }
                }
            }
            if why.is_empty() {
                continue;
            }
            let by = or_required(fixed(rule), &target.desired.rules);
            let requirement = all.entry((rule.said.clone(), by.clone())).or_insert_with(|| Requirement {
                rule: rule.said.clone(),
                by,
                at_least: rule.at_least,
                to: Vec::new(),
                more: 0,
                gaining: Vec::new(),
            });
            requirement.at_least = requirement.at_least.max(rule.at_least);
            requirement.to.extend(why);
            requirement.to.sort();
            requirement.to.dedup();
        }
    }
    let rules = base.targets.iter().find(|t| !t.desired.rules.approval.is_empty()).map(|t| &t.desired.rules);
    if let Some(rules) = rules {
        // What opens a system goes to where the files say: that is not left to one person.
        for target in &head.targets {
            let was = base.targets.iter().find(|t| t.name == target.name);
            let why = match was {
                None => format!("the target {} is new, and is given its credentials", target.name),
                Some(was) if !was.is_reached_like(target) => {
                    format!("the target {} is reached in another place or by other credentials", target.name)
                }
                Some(_) => continue,
            };
            let requirement = Requirement {
                rule: "targets".to_owned(),
                by: or_required(Vec::new(), rules),
                at_least: 1,
                to: vec![why],
                more: 0,
                gaining: Vec::new(),
            };
            all.insert((format!("targets {}", target.name), Vec::new()), requirement);
        }
    }
    all.into_values().collect()
}

/// Whether a rule asks at least what another one asks.
fn is_as_strict(rule: &ApprovalRule, than: &ApprovalRule) -> bool {
    let covers = rule.gains.is_none() || rule.gains == than.gains;
    covers && rule.at_least >= than.at_least && rule.by.iter().all(|by| than.by.contains(by))
}
