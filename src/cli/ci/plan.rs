//! `rolecall ci plan`

use super::arguments::PlanArgs;
use super::reviewed::{self, Seen};
use super::run::{Run, reviews};
use super::show::{self, Page};
use super::subject::{self, Subject};
use crate::approval::{self, Judged, People, Situation};
use crate::cli::planning::{Work, runtime, store_folder};
use crate::cli::revision::Earlier;
use crate::cli::{Exit, Failure, Global, Ui, load, store};
use crate::config::Declaration;
use crate::diagnostic::SourceMap;
use crate::github::GithubError;
use crate::plan::{Plan, Unread};
use crate::render::plan_parts::approvers;
use crate::render::{findings_sarif, plan_terminal};

/// Runs the command.
///
/// # Errors
/// When the run, the files or the store cannot be read.
pub fn plan(ui: &mut Ui, global: &Global, args: &PlanArgs) -> Result<Exit, Failure> {
    let mut run = Run::open(ui)?;
    let done = planned(ui, global, args, &mut run);
    run.end(ui, done)
}

fn planned(ui: &mut Ui, global: &Global, args: &PlanArgs, run: &mut Run) -> Result<Exit, Failure> {
    let mut subject = subject::of(run)?;
    if !subject.open {
        ui.note("It is merged or closed: what was shown for it stays as it is.\n");
        return Ok(Exit::Done);
    }
    let strict = args.reporting.fail_on.warnings;
    let mut files = subject::files(global, &subject, run, args.compiled.as_deref(), strict)?;
    files.earlier = subject::named(files.earlier, &subject.branch);
    let base = files.earlier.as_ref().map_or_else(|| subject.head.clone(), |e| e.revision.commit.clone());
    let wanted = &args.selection.targets.targets;
    let key = show::key(global, wanted);
    subject.memory = reviewed::within(&subject.memory, &key);
    let publishing = (&args.publishing, &args.reporting);
    let Some(ready) = files.ready.take() else {
        let page = Page {
            plan: None,
            findings: &files.findings,
            sources: &files.sources,
            approvals: &[],
            remembered: &std::collections::BTreeMap::new(),
            base,
            read: None,
            outcome: None,
        };
        sarif(args, &page, &show::folder(global))?;
        let comment = show::comment(&key, show::folder(global), run, &subject, &page);
        show::publish(ui, run, &subject, &comment, &page, publishing, "rolecall/plan")?;
        return Ok(subject::broken(ui, &files));
    };
    let store = store::open(global, &store_folder(&ready))?;
    let plan = made(global, args, &ready, (files.earlier.take(), files.main.as_ref()), &*store)?;
    let failed = |e: &crate::store::StoreError| store::failure(e);
    let remembered = reviewed::all(&*store, &subject.memory).map_err(|e| failed(&e))?;
    let requirements = Requirements::of(&plan, &ready.declaration, global, &base)?;
    let published = remembered.get(&subject.head).filter(|s| s.plan.digest == plan.digest).map(|s| s.published);
    let authors: Vec<String> =
        remembered.values().flat_map(|s| s.authors.clone()).chain(subject.authors.clone()).collect();
    let said = said(ui, run, &subject)?;
    let situation = Situation { head: &subject.head, published, authors: &authors, people: &requirements.people };
    let approvals = approval::judge(&requirements.all, &said, &situation);
    Run::log(ui, &plan_terminal::plan(&plan, ui.out_style()));
    let page = Page {
        plan: Some(&plan),
        findings: &ready.findings,
        sources: &ready.sources,
        approvals: &approvals,
        remembered: &remembered,
        base,
        read: Some(global.now()),
        outcome: None,
    };
    sarif(args, &page, &show::folder(global))?;
    let comment = show::comment(&key, show::folder(global), run, &subject, &page);
    show::publish(ui, run, &subject, &comment, &page, publishing, "rolecall/plan")?;
    // After it can be seen: an approval that is given from now on has seen it.
    let url = run.context.run.url.clone();
    let seen = Seen { at: global.now(), run_url: url.as_deref(), authors: &subject.authors };
    reviewed::remember(&*store, &subject.memory, &subject.head, &plan, &seen).map_err(|e| failed(&e))?;
    Ok(if plan.is_blocked() {
        Exit::Blocked
    } else if !plan.unread.is_empty() {
        Exit::Error
    } else if args.reporting.fail_on.drift && plan.targets.iter().any(|t| !t.drift.is_empty()) {
        Exit::Differences
    } else {
        Exit::Done
    })
}

/// Plans what the change causes, for the targets that it concerns.
fn made(
    global: &Global,
    args: &PlanArgs,
    ready: &load::Ready,
    (earlier, main): (Option<Earlier>, Option<&Declaration>),
    store: &dyn crate::store::Store,
) -> Result<Plan, Failure> {
    let wanted = &args.selection.targets.targets;
    crate::cli::planning::check_targets(ready, wanted)?;
    let (names, unread) = subject::concerned(ready, earlier.as_ref(), main, wanted);
    plan_of(global, ready, earlier, (&names, unread), &args.selection.accept, store)
}

/// Plans some targets; those that cannot be read are named in the plan.
pub fn plan_of(
    global: &Global,
    ready: &load::Ready,
    earlier: Option<Earlier>,
    (names, mut unread): (&[String], Vec<Unread>),
    consents: &[crate::plan::Consent],
    store: &dyn crate::store::Store,
) -> Result<Plan, Failure> {
    // The main branch says whether what has drifted is mended as well.
    let mends = mends_drift(earlier.as_ref().and_then(|e| e.declaration.as_ref()).unwrap_or(&ready.declaration));
    let nothing = |unread: Vec<Unread>| Plan::new(Vec::new(), consents.to_vec(), None).without(unread);
    if names.is_empty() {
        return Ok(nothing(unread));
    }
    let (work, unopened) = Work::open_each(global, ready, names)?;
    unread.extend(unopened);
    let work = Work { since: earlier, with_drift: mends, ..work };
    match runtime()?.block_on(work.plan(global, Some(store), consents, &unread)) {
        Ok(plan) => Ok(plan),
        // None of them can be read: that is shown as well.
        Err(failure) => {
            let why = |name: &String| Unread { target: name.clone(), why: failure.message.clone() };
            let rest = names.iter().filter(|n| unread.iter().all(|u| u.target != **n)).map(why).collect::<Vec<_>>();
            Ok(nothing(unread.into_iter().chain(rest).collect()))
        }
    }
}

/// Whether an apply also mends what had drifted before.
pub fn mends_drift(declaration: &Declaration) -> bool {
    declaration.ci.as_ref().is_some_and(|ci| ci.apply_drift == Some(true))
}

/// Whose approval a plan needs, by the base and by the change.
pub struct Requirements {
    /// All of them.
    pub all: Vec<approval::Requirement>,
    /// Who is who, at the base.
    pub people: People,
}

impl Requirements {
    /// Those of a plan: what it gives, and what the change does to the rules.
    ///
    /// # Errors
    /// When the base is not to be had.
    pub fn of(plan: &Plan, now: &Declaration, global: &Global, base: &str) -> Result<Self, Failure> {
        let mut all: Vec<approval::Requirement> = plan.targets.iter().flat_map(|t| t.approvals.clone()).collect();
        let earlier = match crate::cli::revision::earlier(global, base, None) {
            Ok(earlier) => earlier.declaration,
            // Without a repository there is no base, and the files speak for themselves.
            Err(_) if plan.since.is_none() => None,
            Err(failure) => return Err(failure),
        };
        let people = People::of(earlier.as_ref().unwrap_or(now));
        if let Some(earlier) = &earlier {
            all.extend(approval::changed(earlier, now));
        }
        all.sort();
        all.dedup();
        Ok(Self { all, people })
    }
}

/// What reviewers have said so far.
fn said(ui: &mut Ui, run: &mut Run, subject: &Subject) -> Result<Vec<approval::Review>, Failure> {
    let Some(number) = subject.number else { return Ok(Vec::new()) };
    let Some((github, me)) = run.github.take() else { return Ok(Vec::new()) };
    let said = runtime()?.block_on(reviews(&github, number));
    run.github = Some((github, me));
    Ok(match said {
        Ok(said) => said,
        Err(error @ GithubError::ReadOnly(_)) => {
            run.unpublished(ui, "who has agreed", &error);
            Vec::new()
        }
        Err(error) => {
            ui.note(&format!("who has agreed cannot be read: {error}\n"));
            Vec::new()
        }
    })
}

/// Writes what was found as SARIF, for code scanning.
fn sarif(args: &PlanArgs, page: &Page<'_>, folder: &str) -> Result<(), Failure> {
    let Some(path) = &args.sarif.sarif_file else { return Ok(()) };
    write_sarif(path, page.findings, page.sources, folder)
}

/// Writes findings as SARIF.
///
/// # Errors
/// When the file cannot be written.
pub fn write_sarif(
    path: &std::path::Path,
    found: &[crate::diagnostic::Finding],
    files: &SourceMap,
    folder: &str,
) -> Result<(), Failure> {
    let value = findings_sarif::sarif(found, files, folder);
    let text = serde_json::to_string_pretty(&value).map_err(|e| crate::cli::plan::no_json(&e))?;
    std::fs::write(path, text)
        .map_err(|e| Failure::error(format!("the SARIF file {} cannot be written: {e}", path.display())))
}

/// Whose approval is missing, in one line each.
pub fn missing(approvals: &[Judged]) -> Vec<String> {
    let of = |a: &Judged| {
        let out_of_reach = if a.is_out_of_reach() { "; nobody is left who could" } else { "" };
        let refused: Vec<String> = a.refused.iter().map(|r| format!("@{} {}", r.by, r.why)).collect();
        let refused = if refused.is_empty() { String::new() } else { format!(" ({})", refused.join("; ")) };
        format!(
            "{} of {} for: {}{out_of_reach}{refused}",
            a.missing,
            approvers(&a.requirement.by),
            a.requirement.to.join("; ")
        )
    };
    approvals.iter().filter(|a| !a.is_met()).map(of).collect()
}
