//! The sentences of a plan that every drawing of it says in the same words.

use super::text::{name, prose, thousands};
use crate::approval::Requirement;
use crate::diagnostic::Code;
use crate::invariants::{Answer, Verdict};
use crate::model::{Approver, Kind};
use crate::plan::{Plan, Promise, Revision, TargetPlan};

/// How many names of a list are shown.
const NAMES: usize = 5;

/// How far the promise about every moment reaches.
#[must_use]
pub fn promise(level: Promise) -> &'static str {
    match level {
        Promise::Enforced => "enforced",
        Promise::Observed => "observed",
        Promise::BestEffort => "best effort",
    }
}

/// The first few names, and how many more there are.
#[must_use]
pub fn some(names: &[String]) -> String {
    let first = names.iter().take(NAMES).map(|n| name(n)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => first,
        more => format!("{first} and {} more", thousands(more)),
    }
}

fn of_kind(kind: Kind, n: usize) -> String {
    format!("{} {}", thousands(n), if n == 1 { kind.singular() } else { kind.plural() })
}

/// What the plan begins to manage and removes there.
#[must_use]
pub fn takeovers(plan: &TargetPlan) -> Vec<String> {
    // Where a guard objects to it, the guard says the same.
    let objected = failing(&plan.guards).iter().any(|g| g.rule == Code::OwnershipIsSaid.name());
    let filled = plan.takeovers.iter().filter(|(_, names)| !names.is_empty() && !objected);
    let line = |(kind, names): (&Kind, &Vec<String>)| {
        format!(
            "rolecall begins to manage {} here, and removes {} that {} not declared: {}",
            kind.plural(),
            of_kind(*kind, names.len()),
            if names.len() == 1 { "is" } else { "are" },
            some(names)
        )
    };
    filled.map(line).collect()
}

/// What is said of people who have been invited, and of what is left alone.
#[must_use]
pub fn remarks(plan: &TargetPlan) -> Vec<String> {
    let mut out = Vec::new();
    let along: Vec<String> =
        plan.steps.iter().filter(|s| plan.along.contains(&s.id)).map(|s| s.change.object().to_string()).collect();
    if !along.is_empty() {
        let (had, goes) = if along.len() == 1 { ("change makes", "goes") } else { ("changes make", "go") };
        out.push(format!(
            "{} {had} good what had drifted before, and {goes} along because others need it: {}",
            thousands(along.len()),
            some(&along)
        ));
    }
    if !plan.pending.is_empty() {
        out.push(format!("invited and not here yet ({}): {}", thousands(plan.pending.len()), some(&plan.pending)));
    }
    let expired = &plan.expired_invitations;
    // The rule says it, with what to do.
    let said = plan.notes.iter().any(|n| n.rule.as_deref() == Some(Code::InviteOnce.name()));
    if !expired.is_empty() && !said {
        out.push(format!("the invitation has run out ({}): {}", thousands(expired.len()), some(expired)));
    }
    let left: Vec<String> =
        plan.left_alone.iter().filter(|(_, n)| **n > 0).map(|(kind, n)| of_kind(*kind, *n)).collect();
    let all: usize = plan.left_alone.values().sum();
    if all > 0 {
        let (things, are) =
            if all == 1 { ("live thing is", "left as it is") } else { ("live things are", "left as they are") };
        out.push(format!("{} {things} not declared and {are}: {}", thousands(all), left.join(", ")));
    }
    out
}

/// The rules that hold, each once.
#[must_use]
pub fn holding(guards: &[Verdict]) -> Vec<String> {
    let fails = |rule: &str| guards.iter().any(|g| g.rule == rule && g.answer != Answer::Holds);
    let mut rules: Vec<String> = guards.iter().map(|g| g.rule.clone()).filter(|r| !fails(r)).collect();
    rules.sort_unstable();
    rules.dedup();
    rules.iter().map(|r| name(r)).collect()
}

/// The rules that do not hold, or of which that cannot be known: what stops a plan first.
#[must_use]
pub fn failing(guards: &[Verdict]) -> Vec<&Verdict> {
    let mut found: Vec<&Verdict> = guards.iter().filter(|g| g.answer != Answer::Holds).collect();
    found.sort_by_key(|g| g.answer != Answer::Violated);
    found
}

/// The word for an answer.
#[must_use]
pub fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Holds => "holds",
        Answer::Violated => "does not hold",
        Answer::Unknown => "cannot be known",
    }
}

/// The rules that stop a plan.
#[must_use]
pub fn blocking(plan: &Plan) -> Vec<String> {
    let all = plan.targets.iter().flat_map(|t| &t.guards).chain(&plan.guards);
    let mut rules: Vec<String> = all.filter(|g| g.answer == Answer::Violated).map(|g| name(&g.rule)).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// What a plan compares with, where that is a revision: each a sentence or two.
#[must_use]
pub fn revisions(plan: &Plan) -> Vec<String> {
    let called = |r: &Revision| {
        let short = name(r.commit.get(..7).unwrap_or(&r.commit));
        if r.commit.starts_with(&r.named) { short } else { format!("{} ({short})", name(&r.named)) }
    };
    let mut out = Vec::new();
    if let Some(between) = &plan.between {
        let head = between.head.as_ref().map_or_else(|| "the files as they are".to_owned(), called);
        let base = called(&between.base);
        out.push(format!("Between {base} and {head}. Nothing live was read: this cannot be applied."));
        out.extend(between.base.notes.iter().map(|n| sentence(&prose(n))));
        out.extend(between.notes.iter().map(|n| sentence(&prose(n))));
    }
    if let Some(since) = &plan.since {
        let base = called(since);
        out.push(format!("Only what the files changed since {base}; drift is left alone."));
        out.extend(since.notes.iter().map(|n| sentence(&prose(n))));
    }
    out
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

/// The digest of a plan, and the commit that it is of where that is known.
#[must_use]
pub fn seal(plan: &Plan) -> (String, Option<String>) {
    let of = plan.commit.as_deref().map(|commit| match commit.strip_suffix("-dirty") {
        Some(commit) => format!("{} and files that are not committed", name(commit.get(..7).unwrap_or(commit))),
        None => name(commit.get(..7).unwrap_or(commit)),
    });
    (super::text::short_digest(&plan.digest), of)
}

/// The title of what had drifted before.
#[must_use]
pub fn drift(plan: &TargetPlan) -> String {
    format!("Drift found outside this change ({}, not touched by this plan)", thousands(plan.drift.len()))
}

/// That nothing changes in a target between two revisions.
#[must_use]
pub fn nothing_between(plan: &TargetPlan) -> String {
    match plan.observed.len() {
        0 => format!("No changes in {}.", name(&plan.target)),
        n => format!("No changes in {} that are written; {} that are not.", name(&plan.target), thousands(n)),
    }
}

/// That nothing is to be done to a target.
#[must_use]
pub fn nothing(plan: &TargetPlan) -> String {
    let target = name(&plan.target);
    if !plan.drift.is_empty() && !plan.is_blocked() {
        let things =
            if plan.drift.len() == 1 { "one thing" } else { &format!("{} things", thousands(plan.drift.len())) };
        return format!("No changes. {target} had drifted before in {things} that this plan does not touch.");
    }
    match plan.observed.len() {
        // A block that cannot be carried out is no change, and not as declared either.
        0 if plan.is_blocked() => format!("No changes. {target} is not as it has to be."),
        0 => format!("No changes. {target} is as declared."),
        1 => format!("No changes. {target} differs in one thing that is not written."),
        n => format!("No changes. {target} differs in {} things that are not written.", thousands(n)),
    }
}

/// Whose agreement a plan needs, a line each.
#[must_use]
pub fn approvals(plan: &TargetPlan) -> Vec<String> {
    let one = |r: &Requirement| {
        let more = if r.more > 0 { format!("; and {} more", thousands(r.more)) } else { String::new() };
        let who = approvers(&r.by);
        let number = if r.at_least > 1 { format!("{} of {who}", r.at_least) } else { who };
        format!("{number}, because {}{more}", r.to.join("; "))
    };
    plan.approvals.iter().map(one).collect()
}

/// Who can agree, in words.
#[must_use]
pub fn approvers(by: &[Approver]) -> String {
    let names: Vec<String> = by
        .iter()
        .map(|by| match by {
            Approver::User(email) => email.clone(),
            Approver::Team(team) => format!("team/{team}"),
            Approver::Owner => "the owner".to_owned(),
            Approver::Lead => "the lead".to_owned(),
        })
        .collect();
    match names.split_last() {
        None => "nobody who is named: add somebody to the rule, or to `policies.admins.required`".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// What the apply will take, where that is in requests.
#[must_use]
pub fn forecast(plan: &TargetPlan) -> Option<String> {
    let forecast = plan.forecast?;
    let requests = thousands(usize::try_from(forecast.requests).unwrap_or(usize::MAX));
    let word = if forecast.requests == 1 { "request" } else { "requests" };
    Some(match (forecast.seconds(), forecast.per_minute) {
        (Some(seconds), Some(limit)) => {
            let time = if seconds < 120 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) };
            format!("To apply this takes about {requests} {word}, {time} at {limit} a minute.")
        }
        _ => format!("To apply this takes about {requests} {word}."),
    })
}

/// The consents of a plan as one would say them.
#[must_use]
pub fn consents(plan: &Plan) -> Option<String> {
    let all: Vec<String> = plan.consents.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| format!("Agreed to: {}", all.join(", ")))
}

/// The message of a verdict in one line.
#[must_use]
pub fn message(verdict: &Verdict) -> String {
    prose(&verdict.message)
}
/// The targets that could not be read: `a`, `a and b`, `a, b and c`.
pub fn unread(plan: &Plan) -> String {
    let names: Vec<String> = plan.unread.iter().map(|u| name(&u.target)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
