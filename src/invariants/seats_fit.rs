//! `seats-fit`: no more paid seats are needed than there are.

use std::collections::BTreeMap;

use super::{Breach, Place, RuleInfo, Scope, Subject, some_of};
use crate::diagnostic::Code;
use crate::model::UserId;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::SeatsFit,
    statement: "no state needs more paid seats of a class than `policies.seats` says there are; who is invited takes \
                one as well",
    source: "Paradime, users and licences: seats by class, of which some are paid",
    optional: true,
    scope: Scope::State,
    example: "policies: {seats: {active: 1}}\n\
              users:\n\
              \x20 ada@acme.com: {role: DEVELOPER}\n\
              \x20 bob@acme.com: {role: DEVELOPER}     # two seats of the class `active`",
    fix: "Buy seats and raise the number, or give somebody a role that takes no seat of that class.",
};

/// Counts the seats by class, and finds the classes of which there are not enough.
#[must_use]
pub(super) fn seats_fit(subject: &Subject<'_>) -> Vec<Breach> {
    if subject.rules.seats.is_empty() {
        return Vec::new();
    }
    let directory = subject.directory;
    let mut taken: BTreeMap<&str, Vec<UserId>> = BTreeMap::new();
    for (index, user) in directory.users().iter().enumerate() {
        let seat = user.role.value().and_then(|r| subject.catalogue_role(*r)).and_then(|r| r.seat.as_deref());
        if let (Some(seat), true) = (seat, subject.may_come(UserId(index as u32))) {
            taken.entry(seat).or_default().push(UserId(index as u32));
        }
    }
    let mut breaches = Vec::new();
    for (class, there) in &subject.rules.seats {
        let users = taken.get(class.as_str()).map_or(&[][..], Vec::as_slice);
        let needed = users.len() as u64;
        if needed > u64::from(*there) {
            let names: Vec<String> = users.iter().map(|u| subject.email(*u).to_owned()).collect();
            let (need, are) =
                (if needed == 1 { "user needs" } else { "users need" }, if *there == 1 { "is" } else { "are" });
            let message =
                format!("{needed} {need} a seat of the class `{class}`, and there {are} {there}: {}", some_of(&names));
            breaches.push(
                Breach::new(&RULE, Place::Rule(format!("seats {class}")), message)
                    .labelled("so many there are")
                    .help("raise the number when there are more seats, or give somebody a role without such a seat")
                    .keyed(class.clone(), needed),
            );
        }
    }
    breaches
}
