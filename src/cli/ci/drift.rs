//! `rolecall ci drift`

use super::arguments::DriftArgs;
use super::outputs::Output;
use super::run::Run;
use super::show;
use crate::cli::planning::{Work, declaration, runtime, store_folder};
use crate::cli::{Exit, Failure, Global, Ui, store};
use crate::drift::{self, Drift};
use crate::github::{GithubError, Kept, keep};
use crate::render::comment::{Allowed, Direction, DriftIssue, Drifted, Made, SUMMARY_MAX, drift_issue};
use crate::render::drift_terminal;

/// Runs the command.
///
/// # Errors
/// When the files cannot be read, or the issue cannot be kept.
pub fn drift(ui: &mut Ui, global: &Global, args: &DriftArgs) -> Result<Exit, Failure> {
    let mut run = Run::open(ui)?;
    let done = looked(ui, global, args, &mut run);
    run.end(ui, done)
}

fn looked(ui: &mut Ui, global: &Global, args: &DriftArgs, run: &mut Run) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, args.reporting.fail_on.warnings) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let wanted = &args.targets.targets;
    let (work, unread) = Work::open_each(global, &ready, wanted)?;
    let kept = store::open(global, &store_folder(&ready))?;
    let runtime = runtime()?;
    let (mut found, _) = runtime.block_on(crate::cli::drift::look(global, &work, Some(&*kept), unread));
    drift::allow(&mut found, &ready.declaration.allowed_drift, &|span| ready.sources.location(span));
    Run::log(ui, &drift_terminal::drift(&found, ui.out_style()));
    let issue = issue(global, run, wanted, &found);
    run.set(Output::Drift, issue.drift.len());
    if args.reporting.summary {
        run.summary(ui, &drift_issue(&issue, SUMMARY_MAX));
    }
    if let Some((github, me)) = run.github.take() {
        // What could not be read may differ: an issue is not closed because nobody looked.
        match runtime.block_on(keep(&github, &me, &issue)) {
            Ok(Kept::Opened(issue) | Kept::Edited(issue)) => run.set(Output::IssueUrl, issue.html_url),
            Ok(_) => {}
            Err(error @ GithubError::ReadOnly(_)) => run.unpublished(ui, "the issue", &error),
            Err(error) => return Err(error.into()),
        }
        run.github = Some((github, me));
    }
    Ok(match (issue.unread.is_empty(), issue.drift.is_empty()) {
        (false, _) => Exit::Error,
        (true, false) if args.reporting.fail_on.drift => Exit::Differences,
        _ => Exit::Done,
    })
}

fn issue(global: &Global, run: &Run, wanted: &[String], found: &Drift) -> DriftIssue {
    let mut issue = DriftIssue {
        key: show::key(global, wanted),
        unread: found.unread.iter().map(|u| (u.target.clone(), u.why.clone())).collect(),
        made: Made {
            head: run.context.sha.clone(),
            branch: run.context.default_branch.clone().unwrap_or_default(),
            base: run.context.sha.clone(),
            read: Some(found.at),
            run: run.context.run.clone(),
            repository: Some(run.page()),
            folder: show::folder(global),
        },
        ..DriftIssue::default()
    };
    for target in &found.targets {
        // What was not read whole may hide a difference: nothing is closed because of it.
        issue.unread.extend(target.doubts.iter().map(|doubt| (target.target.clone(), doubt.clone())));
        for difference in &target.differences {
            if difference.is_hidden() {
                if let Some(allowed) = &difference.allowed {
                    issue.allowed.push(Allowed {
                        target: target.target.clone(),
                        what: difference.object.to_string(),
                        owner: allowed.owner.clone(),
                        reason: allowed.because.clone(),
                        until: Some(allowed.until),
                    });
                }
                continue;
            }
            issue.drift.push(Drifted {
                target: target.target.clone(),
                direction: match difference.direction {
                    drift::Direction::Extra => Direction::Extra,
                    drift::Direction::Missing => Direction::Missing,
                    drift::Direction::Different => Direction::Different,
                },
                what: difference.object.to_string(),
                widens: difference.widens.is_some(),
                since: difference.since,
                by: difference.told_by.as_ref().map(|t| t.actor.clone()),
                declared: difference.declared.clone(),
            });
        }
    }
    issue
}
