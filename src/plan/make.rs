//! Making plans: of one target from its two directories, and of a whole run from those of its targets.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::apart::{Apart, apart};
use super::judge::{Said, judge};
use super::search::STATES_MAX;
use super::types::{FORMAT, Judged, Limit, Note, Observed, Plan, Promise, TargetPlan};
use super::{
    Conflict, Consent, Difference, Hands, Loss, Options, Reason, Remark, Situation, Step, Subject, difference, order,
    saved, touched, whole,
};
use crate::access::{self, Asker, At, Files, World};
use crate::approval;
use crate::diagnostic::{Code, Location, thousands};
use crate::invariants::{self, Administrators, Answer, Applier, RULES, Verdict};
use crate::model::{Change, Claim, Desired, Directory, GrantedRole, Kind, Moment, Ownership, Rules};

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
    /// The kinds that the target has.
    pub kinds: &'a [Kind],
    /// Whether a disabled account can be enabled again.
    pub enables: bool,
    /// Who applies.
    pub applier: Applier<'a>,
    /// What the target's interface can do.
    pub hands: Hands<'a>,
    /// Says where something is declared.
    pub locate: &'a dyn Fn(O) -> Location,
    /// The access tests: those for this target hold of what the plan leads to, or stop it.
    pub tests: &'a [Claim<O>],
    /// The files as they were at a revision, where only what changed since is to be done: what a plan of them
    /// would do as well is drift, and left as it is. Of a target that they did not have, nothing is.
    pub since: Option<&'a Desired<O>>,
    /// What rolecall held to before the files changed: a change needs the agreements that its base asks for.
    pub rules_before: Option<&'a Rules>,
    /// Whether only what is over is taken away: blocks, and what is past its last moment.
    pub only_over: bool,
}

/// Plans one target. `blast-radius` and `ownership-is-said` are judged by [`Plan::new`], because
/// consents hold for all targets together.
#[must_use]
pub fn plan<O: Copy>(desired: &Desired<O>, live: &Directory, context: &Context<'_, O>) -> TargetPlan {
    let (mut found, never) = found(desired, live, context);
    if context.only_over {
        found.changes.retain(|p| is_over(&p.change, context.options.now));
        found.observed.clear();
    }
    let locate = |origin: Option<O>| origin.map(|o| (context.locate)(o));
    let (mut notes, mut guards) = (Vec::new(), Vec::new());
    let before = context.since.map(|base| self::found(base, live, context));
    let (drift, along) = match &before {
        None => (Vec::new(), Vec::new()),
        Some((before, _)) => {
            let before: Vec<Change> = before.changes.iter().map(|p| p.change.clone()).collect();
            let Apart { caused, drift, along } = apart(live, std::mem::take(&mut found.changes), &before);
            found.changes = caused;
            (drift, along)
        }
    };
    // What stood in the way before is said, and does not stop what has nothing to do with it.
    let was_so = |code: &str, message: &str| {
        before.as_ref().is_some_and(|(found, never)| {
            let said = |r: &Remark<O>| r.code.is_some_and(|c| c.name() == code) && r.message == message;
            found.remarks.iter().any(said) || never.iter().any(|v| v.rule == code && v.message == message)
        })
    };
    for remark in found.remarks {
        let declared = locate(remark.origin);
        match remark.code {
            Some(code @ (Code::RenameBothLive | Code::BlockBeatsAll)) if !was_so(code.name(), &remark.message) => {
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
    for verdict in never {
        if was_so(&verdict.rule, &verdict.message) {
            notes.push(so_before(verdict));
        } else {
            guards.push(verdict);
        }
    }
    say_circles(live, &mut notes);
    say_swaps(&found.changes.iter().map(|p| &p.change).collect::<Vec<_>>(), &mut notes);

    let changes = found.changes.into_iter().map(|p| (p.change, locate(p.origin))).collect();
    let situation = Situation {
        live,
        catalogue: &desired.catalogue,
        rules: &desired.rules,
        now: context.options.now,
        identity: match context.applier {
            Applier::Named(email) => Some(email),
            Applier::Anyone | Applier::Unknown => None,
        },
    };
    let ordered = order(&situation, changes);
    let steps = ordered.steps;
    guards.extend(ordered.conflict.as_ref().map(conflict));
    let (verdict, advice) = invariants::admin_remains(
        Administrators { untold: invariants::untold(live), ..ordered.administrators },
        !steps.is_empty(),
        &desired.rules,
    );
    if let Some(message) = advice {
        notes.push(Note { rule: Some(verdict.rule.clone()), message, help: None, declared: None });
    }
    guards.push(verdict);
    if !steps.is_empty() {
        let all = steps.iter().map(|s| &s.change);
        guards.extend(invariants::no_self_lockout(live, context.applier, &ordered.after_lockout, all));
    }
    guards.push(invariants::change_in_place(steps.iter().map(|s| &s.change)));
    // A test that fails as things are stops no change that has nothing to do with it, and no end of anything.
    let failed_before = if context.since.is_some() || context.only_over {
        judge_tests(desired, live, context, std::iter::empty())
    } else {
        Vec::new()
    };
    for verdict in judge_tests(desired, live, context, steps.iter().map(|s| &s.change)) {
        if verdict.answer == Answer::Violated && failed_before.contains(&verdict) {
            notes.push(so_before(verdict));
        } else {
            guards.push(verdict);
        }
    }

    let all: Vec<&Change> = steps.iter().map(|s| &s.change).collect();
    let mut said = Said::new(&desired.rules);
    judge(&mut said, desired, live, &all, context);
    guards.extend(said.guards);
    notes.extend(said.notes);
    if let Some((message, help)) = invariants::not_invited_again(&found.expired_invitations, &desired.rules) {
        let rule = Some(Code::InviteOnce.name().to_owned());
        let help = context.hands.resends.map_or(help, str::to_owned);
        notes.push(Note { rule, message, help: Some(help), declared: None });
    }
    let irreversible = invariants::count_irreversible(all.iter().copied(), context.enables);
    let old_names = old_names(&all);
    let taken = invariants::newly_managed(&all, context.ownership, |kind, name| {
        old_names.get(&(kind, name)).map(|old| (*old).to_owned())
    });
    let chosen = |which: bool| all.iter().zip(&taken).filter(move |(_, t)| **t == which).map(|(c, _)| *c);
    let removals = invariants::count_removals(live, chosen(false), &desired.rules.removal);
    let takeovers = invariants::takeover_names(chosen(true));
    let world = World::with(live, &desired.catalogue, context.options.now, all.iter().copied());
    let differences = access::differences(&world);
    let access = access::told(&world, &differences, all.len());
    // A change cannot do without the agreement that it takes out of the files.
    let rules: Vec<&Rules> = context.rules_before.into_iter().chain([&desired.rules]).collect();
    let approvals = approval::requirements(&world, &differences, &all, &rules);
    let touched = touched::touched(live, all.iter().copied());
    let observed: Vec<Observed> =
        found.observed.into_iter().map(|p| Observed { change: p.change, declared: locate(p.origin) }).collect();
    TargetPlan {
        target: desired.target.clone(),
        provider: context.provider.to_owned(),
        level: context.level,
        access,
        approvals,
        observed,
        drift: drift.into_iter().map(|p| Observed { change: p.change, declared: locate(p.origin) }).collect(),
        along: along_with(&steps, &along),
        losses: ordered.losses,
        why_lost: ordered.without_loss.as_ref().map(why_lost),
        pending: found.pending,
        expired_invitations: found.expired_invitations,
        notes,
        removals,
        takeovers,
        irreversible,
        left_alone: found.left_alone,
        guards,
        live: counts(live),
        desired: counts(&desired.directory),
        touched,
        judged: judged(&desired.rules),
        steps,
        doubts: Vec::new(),
        shrunk: BTreeMap::new(),
        forecast: None,
    }
}

/// What separates the files from what is live, as far as the target can make it, and what stops a plan of that.
fn found<O: Copy>(desired: &Desired<O>, live: &Directory, context: &Context<'_, O>) -> (Difference<O>, Vec<Verdict>) {
    let renamed = context.ownership.map(|o| &o.renamed);
    let mut found = difference(desired, live, context.options, renamed.unwrap_or(&BTreeSet::new()));
    let never = context.hands.sort_out(&mut found, live, &desired.blocked_leavers);
    (found, never)
}

/// Whether a change only ends what is over: of a person who is blocked or past their last day, or of what is past
/// its own, be it beside a role that stays.
fn is_over(change: &Change, now: Moment) -> bool {
    match change {
        Change::ChangeGrant { before, after, .. } => {
            let ended = |role: &GrantedRole| role.until.is_some_and(|until| until.is_past(now));
            after.iter().all(|a| before.contains(a)) && before.iter().all(|b| after.contains(b) || ended(b))
        }
        _ => change.reason().is_some_and(|why| !why.counts()),
    }
}

/// What a rule says of something that was so before.
fn so_before(verdict: Verdict) -> Note {
    let message = format!("{} (it was so before)", verdict.message);
    Note { rule: Some(verdict.rule), message, help: verdict.help, declared: None }
}

/// The numbers of the steps that make what goes along.
fn along_with(steps: &[Step], along: &[Change]) -> Vec<u32> {
    if along.is_empty() {
        return Vec::new();
    }
    let of = |change: &Change| (change.object(), change.effect());
    let all: Vec<_> = along.iter().map(of).collect();
    steps.iter().filter(|s| all.contains(&of(&s.change))).map(|s| s.id).collect()
}

/// Who lacks something for a moment, each with what it is.
fn losers(target: &TargetPlan) -> Vec<String> {
    let of = |all: &[Loss]| {
        let on: Vec<&str> = all.iter().map(|l| l.resource.as_deref().unwrap_or("everything")).collect();
        let more = if on.len() > 3 { format!(" and {} more", on.len() - 3) } else { String::new() };
        format!("{} ({}{more})", all[0].user, on.iter().take(3).copied().collect::<Vec<_>>().join(", "))
    };
    target.losses.chunk_by(|a, b| a.user == b.user).map(of).collect()
}

/// The first few of the changes that stand against each other.
fn between(of: &Conflict) -> String {
    const SHOWN: usize = 8;
    let first = of.changes.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match of.changes.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {} more", thousands(more)),
    }
}

/// Rules in words: ` that keeps to seats-fit (a seat has to be free before somebody takes it)`.
fn that_keeps_to(rules: &[Reason]) -> String {
    let named: Vec<String> = rules.iter().map(|r| format!("{} ({r})", r.name())).collect();
    if named.is_empty() { String::new() } else { format!(" that keeps to {}", named.join(" and ")) }
}

/// Why somebody lacks something for a moment.
fn why_lost(of: &Conflict) -> String {
    let others: Vec<Reason> = of.rules.iter().copied().filter(|r| *r != Reason::NothingLostBetween).collect();
    let that = that_keeps_to(&others);
    let order = match of.exhausted {
        true => format!("no order{that} avoids it"),
        false => {
            let and = if others.is_empty() { "that" } else { "and" };
            format!("a search of {} steps found no order{that} {and} avoids it", thousands(STATES_MAX))
        }
    };
    format!("{order}, for these changes: {}", between(of))
}

/// What is said where there is no order.
fn conflict(of: &Conflict) -> Verdict {
    let rule = match of.rules.first() {
        Some(rule) if invariants::rule(rule.name()).is_some() => rule.name(),
        _ => Code::Cycle.name(),
    };
    let rules = that_keeps_to(&of.rules);
    let changes = between(of);
    if !of.exhausted {
        let message = format!(
            "the search for an order{rules} gave up after {} steps, so whether there is one is not known; it was stuck \
             at these changes: {changes}",
            thousands(STATES_MAX)
        );
        return Verdict::new(rule, Answer::Violated, message)
            .help("apply fewer changes at a time: what is named here in an apply of its own, then the rest");
    }
    let message = format!("there is no order{rules} for these changes: {changes}");
    let seats = of.rules.contains(&Reason::SeatsFit);
    let help = if of.rules.contains(&Reason::AdminRemains) && seats {
        "add a seat for a while (`policies: {seats: ...}`): then who comes has one before who goes gives theirs back; \
         or let an administrator stay who needs no such seat"
    } else if of.rules.contains(&Reason::AdminRemains) {
        "make an interim administrator first, in an apply of its own, and take them back afterwards"
    } else if seats {
        "free a seat, or add one, in an apply of its own before this one"
    } else if of.rules.contains(&Reason::NoSelfLockout) {
        "let another administrator apply this"
    } else {
        "apply it in two parts: first what takes away, then what gives"
    };
    Verdict::new(rule, Answer::Violated, message).help(help)
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

/// Teams or resources that lie in each other in a target: what is given to one of them reaches all.
fn say_circles(live: &Directory, notes: &mut Vec<Note>) {
    let outer: Vec<Option<usize>> = live.teams().iter().map(|t| t.outer.value().map(|o| o.index())).collect();
    let parent: Vec<Option<usize>> = live.resources().iter().map(|r| r.parent.value().map(|p| p.index())).collect();
    let team = |i: usize| live.teams()[i].name.to_string();
    let resource = |i: usize| live.resources()[i].name.to_string();
    let names = |kind: &str, circle: Vec<String>, notes: &mut Vec<Note>| {
        let message = format!("{kind} lie in each other in the target: {}", invariants::some_of(&circle));
        let help = "say where one of them lies: `in: NAME`, or `in: null`".to_owned();
        notes.push(Note { rule: Some(Code::Cycle.name().to_owned()), message, help: Some(help), declared: None });
    };
    for circle in circles(&outer) {
        names("teams", circle.into_iter().map(team).collect(), notes);
    }
    for circle in circles(&parent) {
        names("resources", circle.into_iter().map(resource).collect(), notes);
    }
}

/// The circles of a list in which each thing names the next: linear, each circle once.
fn circles(next: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut walk = vec![0_usize; next.len()];
    let mut found = Vec::new();
    for start in 0..next.len() {
        let (mut at, number) = (start, start + 1);
        while walk[at] == 0 {
            walk[at] = number;
            match next[at] {
                Some(there) => at = there,
                None => break,
            }
        }
        if walk[at] == number && next[at].is_some() {
            let mut circle = vec![at];
            let mut on = next[at];
            while let Some(there) = on.filter(|t| *t != at) {
                circle.push(there);
                on = next[there];
            }
            found.push(circle);
        }
    }
    found
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

fn judged(rules: &Rules) -> Judged {
    let limit = |kind: Kind| {
        let limits = rules.removal.limits(kind);
        (kind, Limit { count: limits.count, share: limits.share })
    };
    Judged {
        rules: RULES.iter().filter(|r| r.scope != invariants::Scope::File).map(|r| r.name().to_owned()).collect(),
        admins_at_least: rules.admins_at_least,
        undeclared_users: rules.removal.users,
        limits: Kind::ALL.into_iter().map(limit).collect(),
        settings: rules.settings.clone(),
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
            let gone = target.irreversible.len();
            *totals.entry((Subject::Irreversible, Some(Kind::User))).or_default() += gone;
            *totals.entry((Subject::Loss, None)).or_default() += losers(target).len();
            for (kind, shrunk) in target.shrunk_and_removing() {
                *totals.entry((Subject::Shrunk, Some(kind))).or_default() += shrunk.fewer();
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
            let gone = invariants::judge_irreversible(
                &target.irreversible,
                target.steps.iter().all(|s| !matches!(s.change, Change::DisableUser { .. })),
                fits(Subject::Irreversible, Kind::User),
                total(Subject::Irreversible, Some(Kind::User)),
            );
            let rules = Rules { settings: target.judged.settings.clone(), ..Rules::default() };
            let mut said = Said::new(&rules);
            let number = total(Subject::Loss, None);
            let agreed = consents.contains(&Consent { what: Subject::Loss, kind: None, number });
            let losses = invariants::judge_losses(&losers(target), target.why_lost.as_deref(), agreed, number);
            let whole =
                whole::judge(target, |kind| fits(Subject::Shrunk, kind), |kind| total(Subject::Shrunk, Some(kind)));
            removals.into_iter().chain(whole).chain(takeovers).chain(gone).chain(losses).for_each(|v| said.verdict(v));
            target.guards.extend(said.guards);
            target.notes.extend(said.notes);
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
            since: None,
            between: None,
            consents,
            guards,
            targets,
            unread: Vec::new(),
        };
        plan.digest = saved::digest(&plan);
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn circles_are_found_once() {
        assert_eq!(circles(&[Some(1), Some(2), None]), Vec::<Vec<usize>>::new());
        assert_eq!(circles(&[Some(1), Some(2), Some(1), Some(0), Some(4)]), [vec![1, 2], vec![4]]);
    }
}
