//! What a run is about: which pull request or commit, and which files at which two revisions.

use std::collections::BTreeSet;

use super::reviewed;
use super::run::Run;
use crate::cli::revision::{self, Earlier};
use crate::cli::{Exit, Failure, Global, Ui, load};
use crate::config::{Declaration, TargetDeclaration, decompile, load_sources, root_of};
use crate::diagnostic::{Finding, Severity, SourceMap};
use crate::git::Repository;
use crate::github::{Event, GithubError};
use crate::plan::{Revision, Unread};
use crate::targets::PROFILES;

/// What is planned and shown.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The pull request; none for a group that waits to be merged and for the main branch.
    pub number: Option<u64>,
    /// The commit that is reviewed.
    pub head: String,
    /// The branch that it goes to.
    pub branch: String,
    /// The commit of that branch, as the event tells; none where the whole main branch is planned.
    pub base: Option<String>,
    /// Whether it comes from a fork.
    pub fork: bool,
    /// Who writes it, by handle: who opened it, and who pushed.
    pub authors: Vec<String>,
    /// Whether it can still change: a plan of what is merged already must not stand for the one that was reviewed.
    pub open: bool,
    /// Under which words the store remembers what was shown.
    pub memory: String,
}

/// What a run is about, as its event and GitHub tell.
///
/// # Errors
/// When the event is none to plan for, or its pull request cannot be found.
pub fn of(run: &Run) -> Result<Subject, Failure> {
    let context = &run.context;
    let main = || context.default_branch.clone().unwrap_or_else(|| "main".to_owned());
    let whole = || Subject {
        number: None,
        head: context.sha.clone(),
        branch: main(),
        base: None,
        fork: false,
        authors: Vec::new(),
        open: true,
        memory: reviewed::commit(&context.sha),
    };
    match &context.event {
        Event::PullRequest(pull) => {
            let pushes = !pull.review && ["opened", "synchronize", "reopened"].contains(&pull.action.as_str());
            let pusher = context.actor.clone().filter(|_| pushes);
            Ok(Subject {
                number: Some(pull.number),
                head: pull.head.clone(),
                branch: pull.base_branch.clone(),
                base: Some(pull.base.clone()),
                fork: pull.fork,
                authors: pull.author.clone().into_iter().chain(pusher).collect(),
                open: !pull.merged && pull.action != "closed",
                memory: reviewed::pull(pull.number),
            })
        }
        Event::MergeGroup(group) => Ok(Subject {
            number: None,
            head: group.head.clone(),
            branch: group.base_branch.clone(),
            base: Some(group.base.clone()),
            fork: false,
            authors: Vec::new(),
            open: true,
            memory: reviewed::commit(&group.head),
        }),
        Event::WorkflowRun(other) if other.event == "merge_group" => Ok(Subject {
            head: other.head.clone(),
            base: Some(String::new()),
            memory: reviewed::commit(&other.head),
            ..whole()
        }),
        Event::WorkflowRun(other) => {
            let (github, _) = run.github.as_ref().ok_or_else(|| {
                Failure::error("the pull request of the run that has ended is asked of GitHub, and there is no token")
                    .help("give the step a GITHUB_TOKEN with pull-requests: read")
            })?;
            let runtime = crate::cli::planning::runtime()?;
            let pull = match other.number {
                Some(number) => runtime.block_on(github.pull(number))?,
                // GitHub names none of forks: it is the one that is open with this very head.
                None => {
                    let all = runtime.block_on(github.pulls_of(&other.head))?;
                    let mut open = all.into_iter().filter(|p| p.state == "open" && p.head.sha == other.head);
                    match (open.next(), open.next()) {
                        (Some(one), None) => one,
                        (None, _) => return Err(nobody(&other.head)),
                        _ => {
                            return Err(Failure::error(format!("several pull requests have the head {}", other.head))
                                .help("close all but one of them"));
                        }
                    }
                }
            };
            if pull.head.sha != other.head {
                return Err(Failure::error(format!(
                    "the pull request #{} has moved on to {} since this run began",
                    pull.number, pull.head.sha
                ))
                .help("the run for its new head is on its way"));
            }
            let pusher = context.actor.clone().filter(|_| other.event != "pull_request_review");
            Ok(Subject {
                number: Some(pull.number),
                head: pull.head.sha.clone(),
                branch: pull.base.branch.clone(),
                base: Some(pull.base.sha.clone()),
                fork: pull.is_foreign(),
                authors: pull.user.iter().map(|u| u.login.clone()).chain(pusher).collect(),
                open: pull.state == "open",
                memory: reviewed::pull(pull.number),
            })
        }
        Event::Push(_) | Event::Schedule(_) | Event::Dispatch(_) => Ok(whole()),
    }
}

fn nobody(head: &str) -> Failure {
    Failure::from(GithubError::NotFound(format!("an open pull request with the head {head}")))
}

/// The files that are planned, and those of before.
pub struct Files {
    /// What the files want; nothing where they are broken.
    pub ready: Option<load::Ready>,
    /// What was found in them, and in which files, where they are broken.
    pub findings: Vec<Finding>,
    /// The files, where they are broken.
    pub sources: SourceMap,
    /// The files of before; none where the whole main branch is planned.
    pub earlier: Option<Earlier>,
    /// The files of the main branch, where those that are planned come from an artifact: nothing of a stranger
    /// says where credentials go.
    pub main: Option<Declaration>,
}

/// Reads the files that are checked out, or an artifact, and those of the base.
///
/// # Errors
/// When a revision is not in this clone, or the artifact is none.
pub fn files(
    global: &Global,
    subject: &Subject,
    run: &Run,
    compiled: Option<&std::path::Path>,
    strict: bool,
) -> Result<Files, Failure> {
    let root = root_of(&global.file);
    let (loaded, earlier, main) = match compiled {
        None => {
            let named = subject.base.as_deref().map(|base| base_of(&root, run, subject, base)).transpose()?;
            let earlier = named.map(|named| revision::earlier(global, &named, None)).transpose()?;
            (crate::config::load(&global.file, &PROFILES, global.now()), earlier, None)
        }
        Some(path) => {
            let shown = path.display();
            let bytes =
                std::fs::read(path).map_err(|e| Failure::error(format!("the artifact {shown} cannot be read: {e}")))?;
            let (sources, base) =
                decompile(&bytes).map_err(|e| Failure::error(format!("the artifact {shown}: {e}")))?;
            let base = base.ok_or_else(|| {
                Failure::error(format!("the artifact {shown} does not say on which commit it is built"))
                    .help("check out with `fetch-depth: 0` in the job that compiles")
            })?;
            let main = crate::config::load(&global.file, &PROFILES, global.now()).declaration.ok_or_else(|| {
                Failure::error("the files of the main branch are broken, so nothing can be planned on top of them")
                    .help("`rolecall validate` there shows what is wrong")
            })?;
            let loaded = load_sources(root.clone(), sources, &PROFILES, global.now());
            (loaded, Some(believed(global, &root, &base)?), Some(main))
        }
    };
    let before = earlier.as_ref().map(|e| e.findings.as_slice());
    let read = load::judged(loaded, global.now(), strict && before.is_none(), load::left_to_the_plan);
    let read = match before {
        Some(before) => read.against(before, strict),
        None => read,
    };
    let broken = read.is_broken();
    let load::Read { declaration, sources, findings } = read;
    Ok(match declaration.filter(|_| !broken) {
        Some(declaration) => Files {
            ready: Some(load::Ready { declaration, sources, findings: findings.clone() }),
            findings,
            sources: SourceMap::new(),
            earlier,
            main,
        },
        None => Files { ready: None, findings, sources, earlier, main },
    })
}

/// What a pull request is compared with: where GitHub's trial merge is checked out, the commit that it was tried
/// on; otherwise the branch that it goes to.
pub fn base_of(root: &std::path::Path, run: &Run, subject: &Subject, base: &str) -> Result<String, Failure> {
    let repository = Repository::find(root)?;
    let head = repository.head()?;
    if head.name() == run.context.sha
        && head.name() != subject.head
        && let Some(onto) = repository.merged_into(head)?
    {
        return Ok(onto.name());
    }
    Ok(if base.is_empty() { subject.branch.clone() } else { base.to_owned() })
}

/// The files at the commit on which an artifact says that it is built. It is one of the main branch, or nothing
/// is believed: then a stranger could choose what the change is compared with.
fn believed(global: &Global, root: &std::path::Path, base: &str) -> Result<Earlier, Failure> {
    let repository = Repository::find(root)?;
    let (base_commit, head) = (repository.commit(base)?, repository.head()?);
    // A commit of a pull request that was merged is not enough: what was undone in it was reviewed by nobody.
    if repository.line(base_commit, head)?.is_none() {
        return Err(Failure::error(format!(
            "the artifact says that it is built on {base}, which is not on this branch"
        ))
        .help("bring the pull request up to date with its branch"));
    }
    revision::earlier(global, base, None)
}

/// The targets that a change concerns, and those that it would reach in another way than is reviewed: these are
/// not contacted, because what opens them could be sent to where the change says.
pub fn concerned(
    ready: &load::Ready,
    earlier: Option<&Earlier>,
    main: Option<&Declaration>,
    wanted: &[String],
) -> (Vec<String>, Vec<Unread>) {
    let Some(before) = earlier else {
        return (ready.declaration.select(wanted).iter().map(|t| t.name.clone()).collect(), Vec::new());
    };
    let before = before.declaration.as_ref();
    let (mut names, mut unread) = (Vec::new(), Vec::new());
    for target in ready.declaration.select(wanted) {
        let was = before.and_then(|d| d.targets.iter().find(|t| t.name == target.name));
        let like = |t: &TargetDeclaration| t.name == target.name && t.is_reached_like(target);
        let elsewhere = main.is_some_and(|main| !main.targets.iter().any(like));
        match was {
            None => unread.push(Unread {
                target: target.name.clone(),
                why: "the change adds this target, so it is not contacted before the change is merged".to_owned(),
            }),
            Some(was) if elsewhere || !was.is_reached_like(target) => unread.push(Unread {
                target: target.name.clone(),
                why: "the change says where or by what this target is reached, so it is not contacted before the \
                      change is merged"
                    .to_owned(),
            }),
            Some(was) if !same_wish(was, target) || !same_tests(before, &ready.declaration, &target.name) => {
                names.push(target.name.clone());
            }
            Some(_) => {}
        }
    }
    (names, unread)
}

/// The targets that a change concerns, when it is merged and trusted.
pub fn concerned_after(ready: &load::Ready, earlier: Option<&Earlier>, wanted: &[String]) -> Vec<String> {
    let (mut names, unread) = concerned(ready, earlier, None, wanted);
    names.extend(unread.into_iter().map(|u| u.target));
    names
}

fn same_wish(a: &TargetDeclaration, b: &TargetDeclaration) -> bool {
    let (x, y) = (&a.desired, &b.desired);
    x.directory == y.directory
        && x.manage == y.manage
        && x.rules == y.rules
        && x.blocks == y.blocks
        && x.blocked_leavers == y.blocked_leavers
        && x.ended_grants == y.ended_grants
        && x.ended_members == y.ended_members
        && x.catalogue == y.catalogue
        && a.identity == b.identity
}

/// Whether the access tests of a target are the same; where they stand does not matter.
fn same_tests(before: Option<&Declaration>, now: &Declaration, target: &str) -> bool {
    let of = |declaration: &Declaration| {
        let tests = declaration.tests.iter().filter(|t| t.target == target);
        tests.map(|t| format!("{:?} {:?} {:?}", t.subject, t.says, t.on)).collect::<BTreeSet<String>>()
    };
    before.is_some_and(|before| of(before) == of(now))
}

/// What is wrong with the files ends the run with 1; a note says so in the log.
pub fn broken(ui: &mut Ui, files: &Files) -> Exit {
    let worst: Vec<Finding> = files.findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
    let text = crate::render::findings_human::findings(&worst, &files.sources, ui.err_style());
    ui.note(&super::run::defused(&text));
    Exit::Error
}

/// The revision that a plan is about, in the words of a plan.
pub fn named(earlier: Option<Earlier>, branch: &str) -> Option<Earlier> {
    earlier.map(|earlier| Earlier { revision: Revision { named: branch.to_owned(), ..earlier.revision }, ..earlier })
}
