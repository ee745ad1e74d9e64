//! `admin-remains`: at least N active administrators at every moment.

use super::{Answer, Breach, Place, RuleInfo, Scope, Subject, Verdict};
use crate::diagnostic::Code;
use crate::model::{Directory, Rules, User, UserState};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::AdminRemains,
    statement: "at least N active administrators remain at every moment (1 is required, 2 are advised), and those who \
                are required stay; pending invitations, services and break-glass accounts are not counted",
    source: "every system can be locked for good by removing its last administrator",
    optional: false,
    scope: Scope::State,
    example: "policies: {admins: {at_least: 2, required: [ada@acme.com]}}\n\
              users: {ada@acme.com: {role: viewer}}     # required, and administers nothing",
    fix: "Keep or declare another active person with a role that administers; then the plan passes. No consent \
          replaces it.",
};

const NAME: &str = RULE.name();

/// Finds the people who must stay administrators (`policies.admins.required`) and are none. Who says
/// nothing of their role keeps the one that they have, which is not known here.
#[must_use]
pub(super) fn required_administrators(subject: &Subject<'_>) -> Vec<Breach> {
    if subject.rules.admins_required.is_empty() {
        return Vec::new();
    }
    let directory = subject.directory;
    let there = directory.administrators();
    let mut breaches = Vec::new();
    for email in &subject.rules.admins_required {
        let Some(id) = directory.find_user(email).filter(|id| there.binary_search(id).is_err()) else { continue };
        let user = directory.user(id);
        let why = if subject.blocks.is_some_and(|b| b.contains_key(&**email)) {
            "is blocked".to_owned()
        } else if user.state != UserState::Active {
            "cannot come in".to_owned()
        } else if !user.kind().counts_as_admin() {
            "is no person".to_owned()
        } else if let Some(role) = user.role.value() {
            format!("has the role {}, which does not administer", directory.role(*role).name)
        } else if user.role.is_unsaid() {
            continue;
        } else {
            "has no role".to_owned()
        };
        let place = Place::Rule(format!("admins {email}"));
        breaches.push(
            Breach::new(&RULE, place, format!("{email} must stay administrator and {why}"))
                .labelled("required here")
                .also(Place::User(id), "the user")
                .help(
                    "take them out of `required:`, or let them administer; for one target alone say `policies:` there",
                ),
        );
    }
    breaches
}

/// How many active people administer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Administrators {
    /// Whether any role of the target administers: where none does, nobody can tell.
    pub known: bool,
    /// Before all changes.
    pub before: usize,
    /// At the worst moment.
    pub lowest: usize,
    /// After all changes.
    pub after: usize,
    /// After all changes and when everybody who is invited has come.
    pub with_invited: usize,
    /// Active people of whom the target does not tell whether they administer.
    pub untold: usize,
}

/// How many active people there are of whom a target does not tell which role they have.
#[must_use]
pub fn untold(live: &Directory) -> usize {
    let counts = |u: &&User| u.state == UserState::Active && u.role.is_unsaid() && u.kind().counts_as_admin();
    live.users().iter().filter(counts).count()
}

/// Judges a plan, which has changes or not.
///
/// A target that has too few administrators before may not get fewer at any moment, and must have
/// enough at the end. The second part is a piece of advice, where one is due.
#[must_use]
pub fn admin_remains(of: Administrators, changes: bool, rules: &Rules) -> (Verdict, Option<String>) {
    let needed = rules.admins_at_least.max(1);
    let Administrators { known, before, lowest, after: end, with_invited: invited, untold } = of;
    let floor = needed.min(before);
    if !changes {
        let answer = if before >= needed { Answer::Holds } else { Answer::Unknown };
        let message = format!("{} now, nothing changes", administrators(before));
        return (Verdict::new(NAME, answer, message), advice(before, rules));
    }
    if !known {
        let message = "who administers this target cannot be known: no role of it is marked as administering";
        let verdict = Verdict::new(NAME, Answer::Unknown, message)
            .help("mark the role of its administrators with `administers: true`, or see to it yourself");
        return (verdict, None);
    }
    if end < needed {
        if before < needed && end >= before && invited >= needed {
            let message =
                format!("{} until an invitation is accepted; {} then", administrators(end), administrators(invited));
            return (Verdict::new(NAME, Answer::Unknown, message), None);
        }
        if untold > 0 && end >= floor {
            let more = if untold == 1 { "1 more person".to_owned() } else { format!("{untold} more people") };
            let message = format!("{} at the end; of {more} this target does not tell", administrators(end));
            let help = "look in the system who administers it: at least {N} must remain";
            return (Verdict::new(NAME, Answer::Unknown, message).help(help.replace("{N}", &needed.to_string())), None);
        }
        let message = format!("{} would be left at the end; at least {needed} must remain", administrators(end));
        let verdict = Verdict::new(NAME, Answer::Violated, message).help(
            "keep or declare another active person with an administering role; services, break-glass accounts and \
             pending invitations are not counted",
        );
        return (verdict, None);
    }
    if lowest < floor {
        let message = format!("{} would be left for a moment; at least {needed} must remain", administrators(lowest));
        let verdict = Verdict::new(NAME, Answer::Violated, message)
            .help("apply in two parts: first what makes the new administrators, then the rest");
        return (verdict, None);
    }
    let message = if lowest == end && end == before {
        format!("{} at every moment", administrators(end))
    } else {
        format!("{} at the end, never fewer than {lowest}", administrators(end))
    };
    (Verdict::new(NAME, Answer::Holds, message), advice(end, rules))
}

fn administrators(n: usize) -> String {
    match n {
        0 => "no active administrator".to_owned(),
        1 => "1 active administrator".to_owned(),
        n => format!("{n} active administrators"),
    }
}

fn advice(end: usize, rules: &Rules) -> Option<String> {
    (end == 1 && !rules.admins_declared).then(|| {
        "there is only one active administrator: two are advised, so that one can help the other \
         (`policies: {admins: {at_least: 2}}`)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_told_may_administer() {
        let rules = Rules { admins_at_least: 2, ..Rules::default() };
        let of = Administrators { known: true, before: 1, lowest: 1, after: 1, with_invited: 1, untold: 3 };
        let judged = |of| admin_remains(of, true, &rules).0;
        let verdict = judged(of);
        assert_eq!(verdict.answer, Answer::Unknown);
        assert!(verdict.message.contains("of 3 more people this target does not tell"), "{}", verdict.message);
        assert_eq!(judged(Administrators { untold: 0, ..of }).answer, Answer::Violated);
        // Of those who are told, nobody goes because others may be there.
        assert_eq!(judged(Administrators { lowest: 0, after: 0, ..of }).answer, Answer::Violated);
    }
}
