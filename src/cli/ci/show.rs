//! Showing a plan and what became of it: comment, check run, labels, summary, outputs.

use std::collections::BTreeMap;

use super::arguments::{Comment as When, Publishing, Reporting};
use super::outputs::Output;
use super::reviewed::{Shown, superseded};
use super::run::Run;
use super::subject::Subject;
use crate::access::AccessEffect;
use crate::approval::Judged;
use crate::cli::{Failure, Global, Ui, planning};
use crate::config::root_of;
use crate::diagnostic::{Finding, Severity, SourceMap};
use crate::git::Repository;
use crate::github::{self, Annotation, AnnotationLevel, CheckRun, Conclusion, GitHub, GithubError, Me, sticky};
use crate::model::{Effect, Moment};
use crate::plan::Plan;
use crate::render::comment::{
    self, Approval, CHECK_MAX, COMMENT_MAX, Comment, Drifted, Made, Outcome, Problem, SUMMARY_MAX,
};
use crate::render::plan_json;
use crate::render::plan_parts::approvers;

/// So many annotations a check run of ours has.
const ANNOTATIONS: usize = 10;

/// What is shown.
pub struct Page<'a> {
    /// The plan; none where the files are broken.
    pub plan: Option<&'a Plan>,
    /// What was found in the files.
    pub findings: &'a [Finding],
    /// The files.
    pub sources: &'a SourceMap,
    /// Whose approval it needs, and has.
    pub approvals: &'a [Judged],
    /// What was shown before, by head.
    pub remembered: &'a BTreeMap<String, Shown>,
    /// The commit of the branch that it is compared with.
    pub base: String,
    /// When the live systems were read.
    pub read: Option<Moment>,
    /// What became of it.
    pub outcome: Option<Outcome>,
}

/// The folder of the declaration within its repository, as paths there begin: empty, or with a `/` at its end.
pub fn folder(global: &Global) -> String {
    let found = Repository::find(&root_of(&global.file));
    let below = found.map(|r| r.below().to_string_lossy().replace('\\', "/")).unwrap_or_default();
    if below.is_empty() { below } else { format!("{}/", below.trim_end_matches('/')) }
}

/// Which declaration and targets a comment is about: the same in all runs.
pub fn key(global: &Global, targets: &[String]) -> String {
    let folder = folder(global);
    let folder = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
    let mut targets = targets.to_vec();
    targets.sort();
    targets.dedup();
    if targets.is_empty() { folder.to_owned() } else { format!("{folder} {}", targets.join(",")) }
}

/// Makes the comment.
pub fn comment<'a>(key: &'a str, folder: String, run: &Run, subject: &Subject, page: &'a Page<'_>) -> Comment<'a> {
    let worth = page.findings.iter().filter(|f| f.severity != Severity::Note);
    let digest = page.plan.map_or("", |p| p.digest.as_str());
    Comment {
        key,
        plan: page.plan,
        problems: worth.map(|f| Problem::of(f, page.sources)).collect(),
        tests: None,
        drift: page.plan.map(drift).unwrap_or_default(),
        approvals: page.approvals.iter().map(approval).collect(),
        superseded: sticky::superseded(&superseded(page.remembered), digest, &subject.head),
        made: Made {
            head: subject.head.clone(),
            branch: subject.branch.clone(),
            base: page.base.clone(),
            read: page.read,
            run: run.context.run.clone(),
            repository: Some(run.page()),
            folder,
        },
        outcome: page.outcome.clone(),
        fork: subject.fork,
    }
}

fn drift(plan: &Plan) -> Vec<Drifted> {
    let of = |t: &'_ crate::plan::TargetPlan| {
        t.drift.iter().map(|d| Drifted::of(&t.target, &d.change, d.declared.as_ref())).collect::<Vec<_>>()
    };
    plan.targets.iter().flat_map(of).collect()
}

fn approval(judged: &Judged) -> Approval {
    let requirement = &judged.requirement;
    let more = if requirement.more > 0 { format!(" and {} more", requirement.more) } else { String::new() };
    Approval {
        what: format!("{}{more}", requirement.to.join("; ")),
        who: approvers(&requirement.by),
        how_many: requirement.at_least as usize,
        given: judged.given.clone(),
    }
}

/// Publishes a page everywhere where it is wanted. What cannot be published is said.
pub fn publish(
    ui: &mut Ui,
    run: &mut Run,
    subject: &Subject,
    comment: &Comment<'_>,
    page: &Page<'_>,
    (publishing, reporting): (&Publishing, &Reporting),
    name: &str,
) -> Result<(), Failure> {
    let runtime = planning::runtime()?;
    outputs(ui, run, subject, page, comment);
    if reporting.summary {
        run.summary(ui, &comment::comment(comment, SUMMARY_MAX));
    }
    run.annotate(ui, reporting, page.findings, page.sources, &comment.made.folder);
    let Some((github, me)) = run.github.take() else { return Ok(()) };
    if let Some(number) = subject.number {
        match runtime.block_on(post(&github, &me, number, comment, publishing.comment)) {
            Ok(Some((id, url))) => {
                run.set(Output::CommentId, id);
                run.set(Output::CommentUrl, url);
            }
            Ok(None) => {}
            Err(error) => run.unpublished(ui, "the comment", &error),
        }
        if publishing.labels {
            let wanted = labels(page.plan);
            let ours = [github::GAINS_ADMIN, github::REMOVES_ACCESS, github::NO_CHANGES];
            if let Err(error) = runtime.block_on(github.set_labels(number, &ours, &wanted)) {
                run.unpublished(ui, "the labels", &error);
            }
        }
    }
    if publishing.check_run {
        match runtime.block_on(check(&github, subject, comment, page, name)) {
            Ok(made) => run.set(Output::CheckId, made.id),
            Err(error) => run.unpublished(ui, "the check run", &error),
        }
    }
    run.github = Some((github, me));
    Ok(())
}

async fn post(
    github: &GitHub,
    me: &Me,
    number: u64,
    what: &Comment<'_>,
    when: When,
) -> Result<Option<(u64, String)>, GithubError> {
    let nothing = what.plan.is_some_and(|p| p.is_empty() && p.unread.is_empty() && !p.is_blocked());
    let body = |budget: usize| comment::comment(what, budget);
    match when {
        When::False => Ok(None),
        // What was shown is not left standing when nothing is left of it.
        When::ChangesOnly
            if nothing && what.problems.is_empty() && sticky::ours(github, number, what.key, me).await?.is_empty() =>
        {
            Ok(None)
        }
        When::AlwaysNew => {
            let made = github.comment(number, &body(COMMENT_MAX)).await?;
            Ok(Some((made.id, made.html_url)))
        }
        When::True | When::ChangesOnly => {
            let posted = sticky::put(github, number, what.key, me, &body).await?;
            Ok(Some((posted.id, posted.url)))
        }
    }
}

fn labels(plan: Option<&Plan>) -> Vec<github::Label> {
    let Some(plan) = plan else { return Vec::new() };
    if plan.is_empty() {
        return vec![github::NO_CHANGES];
    }
    let lines = || plan.targets.iter().flat_map(|t| &t.access.lines);
    let mut all = Vec::new();
    if lines().any(|l| l.administrator && l.effect == AccessEffect::Gains) {
        all.push(github::GAINS_ADMIN);
    }
    if plan.targets.iter().any(|t| t.access.lose > 0) {
        all.push(github::REMOVES_ACCESS);
    }
    all
}

/// Whether something stands in the way: what the check run says.
pub fn conclusion(page: &Page<'_>) -> Conclusion {
    match (page.plan, &page.outcome) {
        (None, _) => Conclusion::Failure,
        (_, Some(Outcome::Stopped { .. } | Outcome::Stale { .. })) => Conclusion::Failure,
        (_, Some(Outcome::Applied { .. })) => Conclusion::Success,
        (Some(plan), None) if plan.is_blocked() || page.approvals.iter().any(|a| !a.is_met()) => {
            Conclusion::ActionRequired
        }
        (Some(plan), None) if !plan.unread.is_empty() => Conclusion::Failure,
        (Some(plan), None) if plan.is_empty() => Conclusion::Neutral,
        (Some(_), None) => Conclusion::Success,
    }
}

async fn check(
    github: &GitHub,
    subject: &Subject,
    comment: &Comment<'_>,
    page: &Page<'_>,
    name: &str,
) -> Result<CheckRun, GithubError> {
    let name = if comment.key == "." { name.to_owned() } else { format!("{name} ({})", comment.key) };
    let text = comment::comment(comment, CHECK_MAX);
    let title = text.lines().find_map(|l| l.strip_prefix("### ")).unwrap_or("rolecall").to_owned();
    let wanted = github::Wanted {
        name: name.clone(),
        head: subject.head.clone(),
        conclusion: Some(conclusion(page)),
        title: title.chars().filter(|c| !"`*".contains(*c)).take(200).collect(),
        summary: text,
        annotations: annotations(page, &comment.made.folder),
        details_url: comment.made.run.url.clone(),
        external_id: page.plan.map(|p| p.digest.clone()),
    };
    let there = github.checks(&subject.head, &name).await?;
    match there.iter().map(|c| c.id).max() {
        // Only the app that has made a check run may change it.
        Some(id) => match github.update_check(id, &wanted).await {
            Err(GithubError::Forbidden(_) | GithubError::NotFound(_)) => github.create_check(&wanted).await,
            done => done,
        },
        None => github.create_check(&wanted).await,
    }
}

/// The worst findings of the files, beside their lines.
fn annotations(page: &Page<'_>, folder: &str) -> Vec<Annotation> {
    let mut found: Vec<&Finding> = page.findings.iter().filter(|f| f.severity != Severity::Note).collect();
    found.sort_by_key(|f| f.severity != Severity::Error);
    let of = |finding: &Finding| {
        let problem = Problem::of(finding, page.sources);
        let at = problem.at?;
        let help = problem.help.map(|h| format!("\n{h}")).unwrap_or_default();
        Some(Annotation {
            path: format!("{folder}{}", at.file),
            line: at.line,
            level: match problem.severity {
                Severity::Error => AnnotationLevel::Failure,
                Severity::Warning => AnnotationLevel::Warning,
                Severity::Note => AnnotationLevel::Notice,
            },
            title: problem.rule,
            message: format!("{}{help}", problem.message),
        })
    };
    found.into_iter().filter_map(of).take(ANNOTATIONS).collect()
}

fn outputs(ui: &mut Ui, run: &mut Run, subject: &Subject, page: &Page<'_>, what: &Comment<'_>) {
    if let Some(number) = subject.number {
        run.set(Output::PullRequest, number);
    }
    let open: Vec<String> = page.approvals.iter().filter(|a| !a.is_met()).flat_map(|a| a.open.clone()).collect();
    let mut open: Vec<String> = open;
    open.sort();
    open.dedup();
    run.set(Output::RequiredApprovers, open.join(","));
    let Some(plan) = page.plan else {
        run.set(Output::Blocked, true);
        return;
    };
    let effects = |of: Effect| plan.targets.iter().flat_map(|t| &t.steps).filter(|s| s.change.effect() == of).count();
    run.set(Output::Changes, !plan.is_empty());
    run.set(Output::Gains, plan.targets.iter().map(|t| t.access.gain).sum::<usize>());
    run.set(Output::Losses, plan.targets.iter().map(|t| t.access.lose).sum::<usize>());
    run.set(Output::ToAdd, effects(Effect::Add));
    run.set(Output::ToChange, effects(Effect::Change));
    run.set(Output::ToRemove, effects(Effect::Remove));
    run.set(Output::PlanDigest, &plan.digest);
    run.set(Output::Blocked, plan.is_blocked() || !open.is_empty());
    run.set(Output::Drift, what.drift.len());
    run.keep(ui, Output::PlanPath, "plan.md", comment::comment(what, usize::MAX).as_bytes());
    if let Ok(json) = plan_json::plan(plan) {
        run.keep(ui, Output::JsonPlanPath, "plan.json", json.as_bytes());
    }
}
