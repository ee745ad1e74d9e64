//! `rolecall ci apply`: what was reviewed, merge by merge.
//!
//! A run takes up everything on the main branch since the last commit that was applied: several pull requests may
//! have been merged before it began. Each is planned by the files as its merge left them, against what the merge
//! before left, and compared with the plan that was shown for its reviewed head. What a comment says is never
//! looked at.

use std::collections::BTreeMap;

use super::arguments::ApplyArgs;
use super::outputs::Output;
use super::plan::{Requirements, mends_drift, missing};
use super::reviewed::{self, Shown};
use super::run::{Run, reviews};
use super::show::{self, Page};
use super::subject::{self, Subject};
use crate::apply::Report;
use crate::approval::{self, Judged, Situation};
use crate::cli::apply::{ApplyArgs as Order, Terms, carry};
use crate::cli::planning::{Work, runtime};
use crate::cli::revision;
use crate::cli::{Exit, Failure, Global, Ui, load, store};
use crate::config::root_of;
use crate::diagnostic::SourceMap;
use crate::git::{Commit, Repository};
use crate::github::{Event, PullRequest};
use crate::model::Moment;
use crate::plan::{Plan, farther};
use crate::render::clean;
use crate::render::comment::Outcome;
use crate::store::{Store, Topic};

/// The key under which the last commit that was applied is remembered.
const APPLIED: &str = "applied";

/// Runs the command.
///
/// # Errors
/// When a plan is not what was reviewed, lacks an approval, or cannot be carried out.
pub fn apply(ui: &mut Ui, global: &Global, args: &ApplyArgs) -> Result<Exit, Failure> {
    let mut run = Run::open(ui)?;
    let done = merged(ui, global, args, &mut run);
    run.end(ui, done)
}

/// One merge, or what a person has started by hand.
struct Piece {
    /// The commit that it ends with.
    commit: Commit,
    /// The commit before it.
    before: Commit,
    /// The pull request; none for what came otherwise.
    pull: Option<PullRequest>,
}

fn merged(ui: &mut Ui, global: &Global, args: &ApplyArgs, run: &mut Run) -> Result<Exit, Failure> {
    let repository = Repository::find(&root_of(&global.file))?;
    let head = repository.head()?;
    let branch = branch_of(run)?;
    let root = root_of(&global.file);
    let kept = store::open(global, &root)?;
    let key = show::key(global, &args.selection.targets.targets);
    let memory = reviewed::within(&format!("branch/{branch}"), &key);
    let failed = |e: &crate::store::StoreError| store::failure(e);
    let known = kept.recall(Topic::Reviewed, &memory).map_err(|e| failed(&e))?;
    let from = begin(run, &repository, known.get(APPLIED).map(String::as_str), head)?;
    let Some(line) = repository.line(from, head)? else {
        return Err(Failure::error(format!(
            "the last commit that was applied, {}, is not on the branch any more: history was replaced",
            from.name()
        ))
        .exit(Exit::Stale)
        .help("look at a plan of the branch as it is (`rolecall ci plan` by hand), and start this by hand with its digest"));
    };
    let remember = |commit: Commit| {
        let entries = BTreeMap::from([(APPLIED.to_owned(), Some(commit.name()))]);
        kept.remember(Topic::Reviewed, &memory, &entries).map_err(|e| failed(&e))
    };
    // The first time: what is stopped now must not be taken for applied by the push after it.
    if !known.contains_key(APPLIED) {
        remember(from)?;
    }
    let merges = pieces(run, &repository, from, &line, &branch)?;
    let mut by_hand = Vec::new();
    let pieces = match &args.expect_digest {
        // By hand: everything at once, because that is what was looked at.
        Some(_) => {
            by_hand = writers(&*kept, &key, &merges)?;
            vec![Piece { commit: head, before: from, pull: None }]
        }
        None => merges,
    };
    if pieces.is_empty() {
        ui.note("Nothing was merged since the last apply.\n");
    }
    for piece in &pieces {
        let exit = one(ui, global, (args, &by_hand), run, (&repository, &*kept), &branch, piece)?;
        if exit != Exit::Done {
            return Ok(exit);
        }
        remember(piece.commit)?;
    }
    Ok(Exit::Done)
}

/// The branch that is applied: the default one, and no other.
fn branch_of(run: &Run) -> Result<String, Failure> {
    let main = run.context.default_branch.clone();
    let on = match &run.context.event {
        Event::Push(push) if push.forced => {
            return Err(Failure::error("the branch was pushed with force: what was reviewed is not what is there")
                .exit(Exit::Stale)
                .help("look at a plan of the branch as it is, and start the apply by hand with its digest"));
        }
        Event::Push(push) => push.branch.clone(),
        Event::Dispatch(dispatch) => Some(dispatch.reference.trim_start_matches("refs/heads/").to_owned()),
        _ => None,
    };
    match (on, main) {
        (Some(on), Some(main)) if on == main => Ok(on),
        (Some(on), None) => Ok(on),
        _ => Err(Failure::error("`rolecall ci apply` runs on a push to the default branch, or by hand on it")
            .help("see examples/github/apply.yml")),
    }
}

/// Where to begin: after the last commit that was applied, or before this push where nothing is remembered.
fn begin(run: &Run, repository: &Repository, applied: Option<&str>, head: Commit) -> Result<Commit, Failure> {
    if let Some(applied) = applied {
        return Ok(repository.commit(applied)?);
    }
    if let Event::Push(push) = &run.context.event
        && let Some(before) = &push.before
    {
        return Ok(repository.commit(before)?);
    }
    // By hand, for the first time: everything there is.
    Ok(repository.merged_into(head)?.unwrap_or(head))
}

/// The merges of a line of commits, each with its pull request: commits of one that follow each other are one.
fn pieces(
    run: &mut Run,
    repository: &Repository,
    from: Commit,
    line: &[Commit],
    branch: &str,
) -> Result<Vec<Piece>, Failure> {
    let mut found: Vec<Piece> = Vec::new();
    let mut before = from;
    for &commit in line {
        // What does not touch the declaration is nobody's business here, also between two that do.
        if !repository.changed(before, Some(commit))?.is_empty() {
            let pull = pull_of(run, commit, branch)?;
            match found.last_mut() {
                Some(last) if same(&last.pull, &pull) => last.commit = commit,
                _ => found.push(Piece { commit, before, pull }),
            }
        }
        before = commit;
    }
    Ok(found)
}

fn same(a: &Option<PullRequest>, b: &Option<PullRequest>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.number == b.number)
}

/// The merged pull request that has brought a commit onto the branch.
fn pull_of(run: &mut Run, commit: Commit, branch: &str) -> Result<Option<PullRequest>, Failure> {
    let Some((github, _)) = &run.github else {
        return Err(Failure::error("which pull request was merged is asked of GitHub, and there is no token")
            .help("give the step a GITHUB_TOKEN with pull-requests: read"));
    };
    let all = runtime()?.block_on(github.pulls_of(&commit.name()))?;
    let mut merged: Vec<PullRequest> =
        all.into_iter().filter(|p| p.merged_at.is_some() && p.base.branch == branch).collect();
    let own = merged.iter().position(|p| p.merge_commit_sha.as_deref() == Some(commit.name().as_str()));
    Ok(match (own, merged.len()) {
        (Some(at), _) => Some(merged.swap_remove(at)),
        // One of the commits of a rebase.
        (None, 1) => merged.pop(),
        _ => None,
    })
}

/// Applies one merge.
fn one(
    ui: &mut Ui,
    global: &Global,
    (args, writers): (&ApplyArgs, &[String]),
    run: &mut Run,
    (repository, kept): (&Repository, &dyn Store),
    branch: &str,
    piece: &Piece,
) -> Result<Exit, Failure> {
    let short = repository.short(piece.commit);
    let key = show::key(global, &args.selection.targets.targets);
    let mut subject = subject_of(run, branch, piece);
    subject.memory = reviewed::within(&subject.memory, &key);
    match &piece.pull {
        Some(pull) => ui.note(&format!("Pull request #{} ({short})\n", pull.number)),
        None => ui.note(&format!("Commit {short}\n")),
    }
    let (_, loaded) = revision::head(global, &piece.commit.name())?;
    let read = load::judged(loaded, global.now(), false, load::left_to_the_plan).sound();
    let Some(declaration) = read.declaration else {
        ui.findings(&read.findings, &read.sources);
        return Err(Failure::error(format!("the files are broken at {short}: nothing of it is applied"))
            .help("mend them in another pull request"));
    };
    let ready = load::Ready { declaration, sources: read.sources, findings: read.findings };
    let earlier = revision::earlier(global, &piece.before.name(), Some(&piece.commit.name()))?;
    let earlier = subject::named(Some(earlier), branch);
    let failed = |e: &crate::store::StoreError| store::failure(e);
    let mut remembered = reviewed::all(kept, &subject.memory).map_err(|e| failed(&e))?;
    // A merge queue has planned the very commit.
    let of_commit = reviewed::all(kept, &reviewed::within(&reviewed::commit(&piece.commit.name()), &key))
        .map_err(|e| failed(&e))?;
    let shown = of_commit.get(&piece.commit.name()).or_else(|| remembered.get(&subject.head)).cloned();
    let names = subject::concerned_after(&ready, earlier.as_ref(), &args.selection.targets.targets);
    let reviewed_names = shown.iter().flat_map(|s| s.plan.targets.iter().map(|t| t.target.clone()));
    let mut names: Vec<String> = names.into_iter().chain(reviewed_names).collect();
    names.sort();
    names.dedup();
    names.retain(|n| ready.declaration.targets.iter().any(|t| t.name == *n));
    let base = earlier.as_ref().map_or_else(String::new, |e| e.revision.commit.clone());
    let mends = mends_drift(earlier.as_ref().and_then(|e| e.declaration.as_ref()).unwrap_or(&ready.declaration));
    let approving = match &args.expect_digest {
        Some(_) => Approving::by_hand(run, &subject, writers),
        None => Approving::of(run, &subject, shown.as_ref())?,
    };
    // Before anything is contacted: who may agree, and where credentials go, is agreed to by those of before.
    let nothing = Plan::new(Vec::new(), Vec::new(), None);
    let early = approving.judge(&Requirements::of(&nothing, &ready.declaration, global, &base)?);
    let unmet = missing(&early);
    if names.is_empty() && unmet.is_empty() {
        ui.note("It concerns no target.\n");
        return Ok(Exit::Done);
    }
    let plans: std::cell::RefCell<Option<(Plan, Vec<Judged>)>> = std::cell::RefCell::new(None);
    let agreed = |plan: &Plan| {
        let requirements = Requirements::of(plan, &ready.declaration, global, &base)?;
        let judged = approving.judge(&requirements);
        let open = missing(&judged);
        let reviewed = shown.is_some() || args.expect_digest.is_some() || plan.is_empty();
        *plans.borrow_mut() = Some((plan.clone(), judged));
        if !reviewed {
            let what = piece.pull.as_ref().map_or_else(
                || format!("{short} came without a pull request"),
                |p| format!("no plan was shown for {} of pull request #{}", &p.head.sha, p.number),
            );
            return Err(Failure::error(format!("{what}, so nobody has agreed to what it does"))
                .exit(Exit::Stale)
                .help(format!(
                    "look at the plan above; to apply it, start this by hand with its digest, {}",
                    plan.digest
                )));
        }
        if let Some(shown) = shown.as_ref().filter(|s| s.plan.digest == plan.digest && args.expect_digest.is_none()) {
            let more = farther(&shown.plan, plan);
            if !more.is_empty() {
                return Err(reaches_farther(&more));
            }
        }
        if !open.is_empty() {
            return Err(unapproved(&open));
        }
        Ok(())
    };
    let order = Order::for_ci(&args.selection.accept, args.expect_digest.clone(), args.waiting.lock_timeout);
    // Also one that is stopped is shown: what would be done now, and not what was reviewed.
    let planned = |plan: &Plan| *plans.borrow_mut() = Some((plan.clone(), Vec::new()));
    let terms = Terms {
        planned: Some(&planned),
        reviewed: shown.as_ref().map(|s| &s.plan).filter(|_| args.expect_digest.is_none()),
        watched: None,
        agreed: Some(&agreed),
        given_up: Vec::new(),
    };
    let done = if unmet.is_empty() {
        let work = Work::open(global, &ready, &names)?;
        carry(ui, global, &order, Work { since: earlier, with_drift: mends, ..work }, terms)
    } else {
        Err(unapproved(&unmet))
    };
    let (plan, judged) = plans.into_inner().unwrap_or_else(|| {
        let nothing = || Plan::new(Vec::new(), Vec::new(), None);
        (shown.as_ref().map_or_else(nothing, |s| s.plan.clone()), early)
    });
    let outcome = outcome(run, &done, &plan);
    if let Some(shown) = &shown {
        remembered.entry(subject.head.clone()).or_insert_with(|| shown.clone());
    }
    let page = Page {
        plan: Some(&plan),
        findings: &[],
        sources: &SourceMap::new(),
        approvals: &judged,
        remembered: &remembered,
        base: base.clone(),
        read: Some(global.now()),
        outcome,
    };
    let comment = show::comment(&key, show::folder(global), run, &subject, &page);
    show::publish(ui, run, &subject, &comment, &page, (&args.publishing, &args.reporting), "rolecall/apply")?;
    let ended = done?;
    if ended.exit == Exit::Done {
        forget(kept, &subject, &remembered)?;
    }
    run.set(Output::PlanDigest, &plan.digest);
    Ok(ended.exit)
}

/// That approvals are missing.
fn unapproved(open: &[String]) -> Failure {
    Failure::error(format!("approvals are missing: {}", open.join("; "))).exit(Exit::Blocked).help(
        "what is merged is not taken back by this, and nothing of it is applied: revert it, or have the plan that is \
         shown now agreed to and start this by hand with its digest",
    )
}

/// That the changes are those that were shown, and do more.
fn reaches_farther(more: &[String]) -> Failure {
    let mut help = String::from("what has moved since:\n");
    for line in more.iter().take(20) {
        help.push_str(&format!("- {}\n", clean(line)));
    }
    if more.len() > 20 {
        help.push_str(&format!("- and {} more\n", more.len() - 20));
    }
    help.push_str("look at the plan above; to apply it, start this by hand with its digest");
    Failure::error("the changes that were reviewed do more now than was shown").exit(Exit::Stale).help(help)
}

fn subject_of(run: &Run, branch: &str, piece: &Piece) -> Subject {
    let commit = piece.commit.name();
    match &piece.pull {
        Some(pull) => Subject {
            number: Some(pull.number),
            head: pull.head.sha.clone(),
            branch: branch.to_owned(),
            base: Some(piece.before.name()),
            fork: pull.is_foreign(),
            authors: pull.user.iter().map(|u| u.login.clone()).collect(),
            open: false,
            memory: reviewed::pull(pull.number),
        },
        None => Subject {
            number: None,
            head: commit.clone(),
            branch: branch.to_owned(),
            base: Some(piece.before.name()),
            fork: false,
            authors: run.context.actor.clone().into_iter().collect(),
            open: false,
            memory: reviewed::commit(&commit),
        },
    }
}

/// What approvals are judged by, after a merge.
struct Approving {
    said: Vec<approval::Review>,
    head: String,
    published: Option<Moment>,
    authors: Vec<String>,
}

/// Who has written what was merged, by handle: whoever starts an apply by hand agrees to the work of others alone.
fn writers(kept: &dyn Store, key: &str, merges: &[Piece]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for pull in merges.iter().filter_map(|m| m.pull.as_ref()) {
        all.extend(pull.user.iter().map(|u| u.login.clone()));
        let memory = reviewed::within(&reviewed::pull(pull.number), key);
        let shown = reviewed::all(kept, &memory).map_err(|e| store::failure(&e))?;
        all.extend(shown.into_values().flat_map(|s| s.authors));
    }
    Ok(all)
}

impl Approving {
    /// Whoever starts an apply with the digest of a plan agrees to that plan: one person, like any other.
    fn by_hand(run: &Run, subject: &Subject, writers: &[String]) -> Self {
        let now = Moment::now();
        let agrees =
            |by: &String| approval::Review { by: by.clone(), head: subject.head.clone(), at: now, agrees: Some(true) };
        Self {
            said: run.starter().iter().map(agrees).collect(),
            head: subject.head.clone(),
            published: Some(Moment::from_second(0)),
            authors: writers.to_vec(),
        }
    }

    fn of(run: &mut Run, subject: &Subject, shown: Option<&Shown>) -> Result<Self, Failure> {
        let said = match (&run.github, subject.number) {
            (Some((github, _)), Some(number)) => runtime()?.block_on(reviews(github, number))?,
            _ => Vec::new(),
        };
        let known = shown.iter().flat_map(|s| s.authors.clone());
        Ok(Self {
            said,
            head: subject.head.clone(),
            published: shown.map(|s| s.published),
            authors: subject.authors.iter().cloned().chain(known).collect(),
        })
    }

    fn judge(&self, requirements: &Requirements) -> Vec<Judged> {
        let situation = Situation {
            head: &self.head,
            published: self.published,
            authors: &self.authors,
            people: &requirements.people,
        };
        approval::judge(&requirements.all, &self.said, &situation)
    }
}

fn outcome(run: &Run, done: &Result<crate::cli::apply::Ended, Failure>, plan: &Plan) -> Option<Outcome> {
    let of: usize = plan.targets.iter().map(|t| t.steps.len()).sum();
    let this = run.context.run.clone();
    match done {
        Ok(ended) => {
            let Some(report) = &ended.report else {
                let why = "a rule or a guard stops the plan below".to_owned();
                let stopped = Outcome::Stopped { run: this, done: 0, failed: 0, of, why };
                return Some(stopped).filter(|_| ended.exit != Exit::Done);
            };
            let (made, failed) = counted(report);
            Some(if ended.exit == Exit::Done {
                Outcome::Applied { run: this, done: made }
            } else {
                let why = "see the run for what failed and what was not attempted".to_owned();
                Outcome::Stopped { run: this, done: made, failed, of, why }
            })
        }
        Err(failure) if failure.exit == Exit::Stale => {
            let moved = failure.help.iter().flat_map(|h| h.lines()).filter_map(|l| l.strip_prefix("- "));
            let mut moved: Vec<String> = moved.map(str::to_owned).collect();
            if moved.is_empty() {
                moved.push(failure.message.clone());
            }
            Some(Outcome::Stale { run: this, moved })
        }
        Err(failure) => Some(Outcome::Stopped { run: this, done: 0, failed: 0, of, why: failure.message.clone() }),
    }
}

/// How many changes were made, and how many failed.
fn counted(report: &Report) -> (usize, usize) {
    report.targets.iter().fold((0, 0), |(made, failed), t| (made + t.applied, failed + t.failed))
}

/// What was shown of a pull request is of no use any more when it is applied.
fn forget(kept: &dyn Store, subject: &Subject, remembered: &BTreeMap<String, Shown>) -> Result<(), Failure> {
    let entries = remembered.keys().map(|head| (head.clone(), None)).collect();
    kept.remember(Topic::Reviewed, &subject.memory, &entries).map_err(|e| store::failure(&e))
}
