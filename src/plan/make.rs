//! Making plans: of one target from its two directories, and of a whole run from those of its targets.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::types::{FORMAT, Judged, Limit, Note, Observed, Plan, Promise, TargetPlan};
use super::{Consent, Options, Subject, difference, order, saved, touched};
use crate::access::{self, Asker, At, Files, World};
use crate::diagnostic::{Code, Location};
use crate::invariants::{self, Answer, RULES, Verdict};
use crate::model::{Change, Claim, Desired, Directory, Kind, Ownership};

/// What a plan for one target needs to know besides the two states.
pub struct Context<'a, O> {
    /// What kind of system the target is.
    pub provider: &'a str,
    /// How far the promise about every moment reaches in it.
    pub level: Promise,
    /// The time, and what the target can do.
    pub options: Options,
    /// What was removable when rolecall last applied to the target; `None` where it never has.
    pub ownership: Option<&'a Ownership>,
    /// Says where something is declared.
    pub locate: &'a dyn Fn(O) -> Location,
    /// The access tests: those for this target hold of what the plan leads to, or stop it.
    pub tests: &'a [Claim<O>],
}

/// Plans one target. `blast-radius` and `ownership-is-said` are judged by [`Plan::new`], because
/// consents hold for all targets together.
#[must_use]
pub fn plan<O: Copy>(desired: &Desired<O>, live: &Directory, context: &Context<'_, O>) -> TargetPlan {
    let found = difference(desired, live, context.options, context.ownership.map_or(&BTreeSet::new(), |o| &o.renamed));
    let locate = |origin: Option<O>| origin.map(|o| (context.locate)(o));
    let (mut notes, mut guards) = (Vec::new(), Vec::new());
    for remark in found.remarks {
        let declared = locate(remark.origin);
        match remark.code {
            Some(code @ (Code::RenameBothLive | Code::BlockBeatsAll)) => {
                let at = declared.map(|l| format!("{l}: ")).unwrap_or_default();
                let mut verdict = Verdict::new(code.name(), Answer::Violated, format!("{at}{}", remark.message));
                verdict.help = remark.help;
                guards.push(verdict);
            }
            code => notes.push(Note {
                rule: code.map(|c| c.name().to_owned()),
                message: remark.message,
                help: remark.help,
                declared,
            }),
        }
    }
    say_swaps(&found.changes.iter().map(|p| &p.change).collect::<Vec<_>>(), &mut notes);

    let changes = found.changes.into_iter().map(|p| (p.change, locate(p.origin))).collect();
    let ordered = order(live, changes, &desired.rules);
    if !ordered.conflicts.is_empty() {
        let message = format!("there is no order for these changes: {}", ordered.conflicts.join(", "));
        let verdict = Verdict::new(Code::Cycle.name(), Answer::Violated, message);
        guards.push(verdict.help("apply them in two parts: first those that take away, then those that give"));
    }
    let steps = ordered.steps;
    let moments: Vec<(u32, &Change, invariants::Part)> =
        steps.iter().zip(&ordered.parts).map(|(s, part)| (s.wave, &s.change, *part)).collect();
    let (verdict, advice) = invariants::admin_remains(live, &moments, &desired.rules);
    if let Some(message) = advice {
        notes.push(Note { rule: Some(verdict.rule.clone()), message, help: None, declared: None });
    }
    guards.push(verdict);
    guards.push(invariants::change_in_place(steps.iter().map(|s| &s.change)));
    guards.extend(judge_tests(desired, live, context, steps.iter().map(|s| &s.change)));

    let all: Vec<&Change> = steps.iter().map(|s| &s.change).collect();
    let old_names = old_names(&all);
    let taken = invariants::newly_managed(&all, context.ownership, |kind, name| {
        old_names.get(&(kind, name)).map(|old| (*old).to_owned())
    });
    let chosen = |which: bool| all.iter().zip(&taken).filter(move |(_, t)| **t == which).map(|(c, _)| *c);
    let removals = invariants::count_removals(live, chosen(false), &desired.rules.removal);
    let takeovers = invariants::takeover_names(chosen(true));
    let touched = touched::touched(live, all.iter().copied());
    let observed: Vec<Observed> =
        found.observed.into_iter().map(|p| Observed { change: p.change, declared: locate(p.origin) }).collect();
    TargetPlan {
        target: desired.target.clone(),
        provider: context.provider.to_owned(),
        level: context.level,
        observed,
        pending: found.pending,
        expired_invitations: found.expired_invitations,
        notes,
        removals,
        takeovers,
        left_alone: found.left_alone,
        guards,
        live: counts(live),
        desired: counts(&desired.directory),
        touched,
        judged: judged(&desired.rules),
        steps,
    }
}

/// Judges the access tests on what the changes lead to; one verdict that they hold, or one for each
/// that does not.
fn judge_tests<'c, O: Copy>(
    desired: &Desired<O>,
    live: &Directory,
    context: &Context<'_, O>,
    changes: impl Iterator<Item = &'c Change> + Clone,
) -> Vec<Verdict> {
    let tests: Vec<&Claim<O>> = context.tests.iter().filter(|t| t.target == desired.target).collect();
    if tests.is_empty() {
        return Vec::new();
    }
    let files = Files { desired, locate: context.locate };
    let world = World::with(live, &desired.catalogue, context.options.now, changes);
    let asker = Asker::new(&world, At::After, Some(&files));
    let mut verdicts = Vec::new();
    for test in tests {
        let judgement = access::judge(&asker, test);
        let at = (context.locate)(test.origin);
        for failed in judgement.failures {
            let mut verdict =
                Verdict::new(Code::AccessTest.name(), Answer::Violated, format!("{at}: {}", failed.message));
            verdict.help = failed.help;
            verdicts.push(verdict);
        }
        if judgement.more > 0 {
            let message = format!("{at}: {} more like these", judgement.more);
            verdicts.push(Verdict::new(Code::AccessTest.name(), Answer::Violated, message));
        }
    }
    if verdicts.is_empty() {
        verdicts.push(Verdict::new(Code::AccessTest.name(), Answer::Holds, "every access test holds"));
    }
    verdicts
}

/// Two things that change names look the same before and after: only the files can tell.
fn say_swaps(changes: &[&Change], notes: &mut Vec<Note>) {
    for change in changes {
        let (Change::RenameUser { from, to } | Change::RenameTeam { from, to } | Change::RenameResource { from, to }) =
            change
        else {
            continue;
        };
        let last = to.rsplit_once('/').map_or(to.as_str(), |(_, name)| name);
        if last.starts_with("~rolecall-swap~") || last.starts_with("rolecall-swap-") {
            let message =
                format!("{} `{from}` changes names with others: remove their `was:` after this apply", change.kind());
            notes.push(Note { rule: None, message, help: None, declared: None });
        }
    }
}

/// The names that renamed things have now, by the names that they get.
fn old_names<'c>(changes: &[&'c Change]) -> FxHashMap<(Kind, &'c str), &'c str> {
    let mut old: FxHashMap<(Kind, &str), &str> = FxHashMap::default();
    for change in changes {
        let (Change::RenameUser { from, to } | Change::RenameTeam { from, to } | Change::RenameResource { from, to }) =
            change
        else {
            continue;
        };
        let first = old.remove(&(change.kind(), from.as_str())).unwrap_or(from);
        old.insert((change.kind(), to), first);
    }
    old
}

fn counts(directory: &Directory) -> BTreeMap<Kind, usize> {
    let pairs = directory.grants().chunk_by(|a, b| (a.resource, a.principal) == (b.resource, b.principal));
    BTreeMap::from([
        (Kind::Role, directory.roles().len()),
        (Kind::User, directory.users().len()),
        (Kind::Team, directory.teams().len()),
        (Kind::Member, directory.memberships().len()),
        (Kind::Resource, directory.resources().len()),
        (Kind::Grant, pairs.count()),
        (Kind::Domain, directory.domains().len()),
        (Kind::Policy, directory.policies().len()),
    ])
}

fn judged(rules: &crate::model::Rules) -> Judged {
    let limit = |kind: Kind| {
        let limits = rules.removal.limits(kind);
        (kind, Limit { count: limits.count, share: limits.share })
    };
    Judged {
        rules: RULES.iter().filter(|r| r.scope != invariants::Scope::File).map(|r| r.name.to_owned()).collect(),
        admins_at_least: rules.admins_at_least,
        undeclared_users: rules.removal.users,
        limits: Kind::ALL.into_iter().map(limit).collect(),
    }
}

impl Plan {
    /// Puts the plans of all targets together, judges what needs a consent, and seals it with its
    /// digest. Consents name the number of the whole plan.
    #[must_use]
    pub fn new(mut targets: Vec<TargetPlan>, mut consents: Vec<Consent>, commit: Option<String>) -> Self {
        targets.sort_by(|a, b| a.target.cmp(&b.target));
        consents.sort_unstable();
        consents.dedup();
        let mut totals: BTreeMap<(Subject, Option<Kind>), usize> = BTreeMap::new();
        for target in &targets {
            for (kind, tally) in &target.removals {
                *totals.entry((Subject::Removal, Some(*kind))).or_default() += tally.removed;
            }
            for (kind, names) in &target.takeovers {
                *totals.entry((Subject::Takeover, Some(*kind))).or_default() += names.len();
            }
        }
        let total = |what: Subject, kind: Option<Kind>| totals.get(&(what, kind)).copied().unwrap_or_default();
        let fits = |what: Subject, kind: Kind| {
            let wanted = Consent { what, kind: Some(kind), number: total(what, Some(kind)) };
            consents.contains(&wanted)
        };
        for target in &mut targets {
            let removals = invariants::judge_removals(
                &target.removals,
                |kind| fits(Subject::Removal, kind),
                |kind| total(Subject::Removal, Some(kind)),
            );
            let takeovers = invariants::judge_takeovers(
                &target.takeovers,
                |kind| fits(Subject::Takeover, kind),
                |kind| total(Subject::Takeover, Some(kind)),
            );
            target.guards.extend(removals);
            target.guards.extend(takeovers);
        }
        let mut guards = Vec::new();
        for consent in &consents {
            let number = total(consent.what, consent.kind);
            if number == consent.number && number > 0 {
                continue;
            }
            let right = Consent { number, ..*consent };
            let name = Code::ConsentMismatch.name();
            guards.push(if number == 0 {
                let message = format!("`--accept {consent}` agrees to something that is not in this plan");
                Verdict::new(name, Answer::Violated, message).help("leave it out")
            } else {
                let message = format!("`--accept {consent}` does not name the number of this plan, which is {number}");
                Verdict::new(name, Answer::Violated, message)
                    .help(format!("look at the plan once more; if it is right, say --accept {right}"))
            });
        }
        let mut plan = Self {
            format: FORMAT.to_owned(),
            digest: String::new(),
            rolecall: env!("CARGO_PKG_VERSION").to_owned(),
            commit,
            consents,
            guards,
            targets,
        };
        plan.digest = saved::digest(&plan);
        plan
    }
}
