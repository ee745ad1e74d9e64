//! What the rules say of a plan for one target, beside those that its order keeps: what is new in the
//! state that it leads to, and what its changes do.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::end::end_state;
use super::types::Note;
use crate::diagnostic::{Code, Severity};
use crate::invariants::{self, Answer, Breach, RuleInfo, Subject, Verdict, some_of};
use crate::model::{Change, Desired, Directory, Rules, Setting};

/// What the rules say, as far as it is to be said.
pub(super) struct Said<'r> {
    rules: &'r Rules,
    /// What stops a plan, what holds, and what cannot be known.
    pub guards: Vec<Verdict>,
    /// What only is said.
    pub notes: Vec<Note>,
}

impl<'r> Said<'r> {
    pub fn new(rules: &'r Rules) -> Self {
        Self { rules, guards: Vec::new(), notes: Vec::new() }
    }

    /// Takes what a rule says, as strictly as it is set.
    pub fn verdict(&mut self, verdict: Verdict) {
        let severity = match invariants::rule(&verdict.rule) {
            Some(rule) => rule.severity_under(self.rules),
            None => Some(Severity::Error),
        };
        match (severity, verdict.answer) {
            (None, _) => {}
            (Some(Severity::Warning | Severity::Note), Answer::Violated) | (Some(Severity::Note), Answer::Unknown) => {
                self.note(verdict.rule, verdict.message, verdict.help)
            }
            (Some(_), _) => self.guards.push(verdict),
        }
    }

    /// Takes a finding of a rule that is an error only where somebody wants it so.
    fn say(&mut self, code: Code, message: String, help: &str) {
        self.verdict(Verdict::new(code.name(), Answer::Violated, message).help(help));
    }

    fn note(&mut self, rule: String, message: String, help: Option<String>) {
        self.notes.push(Note { rule: Some(rule), message, help, declared: None });
    }
}

/// Judges the changes of one target.
pub(super) fn judge<O: Copy>(
    said: &mut Said<'_>,
    desired: &Desired<O>,
    live: &Directory,
    changes: &[&Change],
    context: &Context<'_, O>,
) {
    let all = || changes.iter().copied();
    let rules = &desired.rules;
    if let Some(verdict) = invariants::unreachable_is_manual(all(), context.kinds) {
        said.verdict(verdict);
    }
    if let Some(verdict) = invariants::invite_once(live, all()) {
        said.verdict(verdict);
    }
    if let Some(verdict) = invariants::no_escalation(live, &desired.catalogue, context.applier, all()) {
        said.verdict(verdict);
    }
    if let Some(message) = invariants::gives_more_than_own(live, &desired.catalogue, context.applier, all()) {
        said.note(Code::NoEscalation.name().to_owned(), message, None);
    }
    if let Some(verdict) = invariants::mfa_enforced(rules) {
        said.verdict(verdict);
    }
    if let Some(message) = invariants::join_removal_known(live, all()) {
        said.say(Code::JoinRemovalKnown, message, "keep one declared if people are to join by themselves");
    }
    for message in invariants::return_restores(all(), context.enables) {
        let help = "leave what they hold declared while they are away: it is inert";
        said.say(Code::ReturnRestores, message, help);
    }
    for message in invariants::lowered_quotas(all()) {
        said.say(Code::QuotaFits, message, "look at what is in use before it is applied");
    }
    let domains = domains_at_the_end(live, changes);
    let leavers = invariants::leavers_that_can_return(all(), &domains, context.enables);
    if !leavers.is_empty() {
        let message = format!("who goes for good may join again: {}", some_of(&leavers));
        said.say(Code::LeaverStaysOut, message, "disable them instead, or end their address first");
    }
    if let Some(message) = invariants::review_is_due(live, rules, context.options.now) {
        said.say(Code::ReviewIsDue, message, "ask whether they are still needed");
    }
    states(said, desired, live, changes, context);
}

/// The names of the auto-join domains when a plan is done.
fn domains_at_the_end(live: &Directory, changes: &[&Change]) -> BTreeSet<String> {
    let mut domains: BTreeSet<String> = live.domains().iter().map(|d| d.name.to_string()).collect();
    for change in changes {
        match change {
            Change::AddDomain { domain } => drop(domains.insert(domain.name.clone())),
            Change::RemoveDomain { domain, .. } => drop(domains.remove(&domain.name)),
            _ => {}
        }
    }
    domains
}

/// Compares what is wrong at the end with what is wrong now: what is new stops the plan, what was there
/// before is said. Only rules whose breach is an error are looked at; what files say besides is shown by
/// `validate`.
fn states<O: Copy>(
    said: &mut Said<'_>,
    desired: &Desired<O>,
    live: &Directory,
    changes: &[&Change],
    context: &Context<'_, O>,
) {
    let now = context.options.now;
    if !something_to_judge(desired, live) {
        return;
    }
    let before = invariants::errors(&Subject::whole(live, desired, now));
    let mut known: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for breach in &before {
        let amount = known.entry((breach.rule.name(), &breach.key)).or_default();
        *amount = (*amount).max(breach.amount);
    }
    let end;
    let after: &[Breach] = if changes.is_empty() {
        &before
    } else {
        end = invariants::errors(&Subject::whole(&end_state(live, changes.iter().copied()), desired, now));
        &end
    };
    let (mut new, mut old): (Vec<&Breach>, Vec<&Breach>) = (Vec::new(), Vec::new());
    for breach in after {
        let was = known.get(&(breach.rule.name(), breach.key.as_str()));
        if was.is_some_and(|was| breach.amount <= *was) { old.push(breach) } else { new.push(breach) }
    }
    for (rule, found) in by_rule(&new) {
        said.verdict(Verdict::new(rule.name(), Answer::Violated, together(&found)).help(found[0].help.clone()));
    }
    for (rule, found) in by_rule(&old) {
        let message = format!("{} (it was so before)", together(&found));
        said.note(rule.name().to_owned(), message, Some(found[0].help.clone()));
    }
    let broken = |code: Code| after.iter().any(|b| b.rule.code == code);
    if !desired.rules.exclusive.is_empty() && !broken(Code::RolesExclusive) {
        said.verdict(Verdict::new(
            Code::RolesExclusive.name(),
            Answer::Holds,
            "nobody holds roles that exclude others",
        ));
    }
    if !desired.rules.seats.is_empty() && !broken(Code::SeatsFit) {
        said.verdict(Verdict::new(Code::SeatsFit.name(), Answer::Holds, "there are seats for everybody"));
    }
}

/// Whether any rule whose breach is an error has something to look at: most declarations need no state at
/// the end to be built for this.
fn something_to_judge<O>(desired: &Desired<O>, live: &Directory) -> bool {
    let rules = &desired.rules;
    !rules.exclusive.is_empty()
        || !rules.seats.is_empty()
        || !rules.admins_required.is_empty()
        || !live.domains().is_empty()
        || !desired.directory.domains().is_empty()
        || rules.settings.values().any(|s| *s == Setting::Error)
}

/// Breaches by their rule, in the order of the rules.
fn by_rule<'b>(breaches: &[&'b Breach]) -> Vec<(&'static RuleInfo, Vec<&'b Breach>)> {
    let mut found: BTreeMap<&str, (&'static RuleInfo, Vec<&Breach>)> = BTreeMap::new();
    for breach in breaches {
        found.entry(breach.rule.name()).or_insert_with(|| (breach.rule, Vec::new())).1.push(breach);
    }
    found.into_values().collect()
}

/// Several breaches of a rule in one message.
fn together(breaches: &[&Breach]) -> String {
    const SHOWN: usize = 5;
    let first: Vec<&str> = breaches.iter().take(SHOWN).map(|b| b.message.as_str()).collect();
    match breaches.len().saturating_sub(SHOWN) {
        0 => first.join("; "),
        more => format!("{}; and {more} more", first.join("; ")),
    }
}
