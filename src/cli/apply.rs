//! `rolecall apply`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use futures_util::future::join_all;

use super::planning::{Selection, Session, Work, declaration, remaining_consents, runtime, store_folder};
use super::progress::Lines;
use super::store as stores;
use super::{Exit, Failure, Global, Ui};
use crate::apply::{self, Budget, Fate, Job, Remainder, Report, ResumeError, Stop, TargetReport};
use crate::invariants::Answer;
use crate::model::{Change, Effect};
use crate::plan::{By, Confirmed, Consent, Plan, TargetPlan, Unread, declared_renamings, renamings};
use crate::render::{clean, plan_terminal, report_terminal};
use crate::store::{Holder, Lock, SqliteStore, Store, StoreError};

/// Make the live state as declared.
///
/// Without a saved plan, the plan is shown and has to be agreed to. With one, everything is read and
/// planned again, and nothing is done unless the plan is still the same. After a run that was cut
/// off, apply again: it finds out what was done and does the rest.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A plan saved with `rolecall plan --out`
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Apply only what the files changed since this revision; drift is listed and left alone
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// Apply only if the plan has this digest
    #[arg(long, value_name = "DIGEST")]
    expect_digest: Option<String>,
    /// Write what became of the plan as JSON to stdout
    #[arg(long)]
    json: bool,
    /// How many changes are in flight at a time, where the target takes several
    #[arg(long, value_name = "N", default_value_t = 10, env = "ROLECALL_PARALLELISM")]
    parallelism: usize,
    /// How long to wait for a lock that somebody else holds: 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration, env = "ROLECALL_LOCK_TIMEOUT")]
    lock_timeout: Duration,
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write seconds or minutes, as in 30s or 5m");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    match &text[split..] {
        "s" => Ok(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

impl ApplyArgs {
    /// An apply in a workflow: of what is open, without anybody to ask.
    pub(super) fn for_ci(accept: &[Consent], expect_digest: Option<String>, lock_timeout: Duration) -> Self {
        Self { expect_digest, lock_timeout, ..Self::unattended(accept.to_vec(), true) }
    }

    /// An apply to all targets, of a plan that is made now.
    pub(super) fn unattended(accept: Vec<Consent>, auto_approve: bool) -> Self {
        Self {
            plan: None,
            selection: Selection { targets: Vec::new(), accept, strict: false },
            since: None,
            auto_approve,
            expect_digest: None,
            json: false,
            parallelism: 10,
            lock_timeout: Duration::ZERO,
        }
    }
}

/// What an apply came to.
pub(super) struct Ended {
    /// The exit code.
    pub(super) exit: Exit,
    /// What became of the plan, where it was applied.
    pub(super) report: Option<Report>,
    /// When the last thing was taken from whoever was watched, by target.
    pub(super) losses: BTreeMap<String, Instant>,
    /// The targets that were left out so that the others did not wait for them, and why.
    pub(super) left_out: Vec<Unread>,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Self { exit, report: None, losses: BTreeMap::new(), left_out: Vec::new() }
    }
}

/// Runs the command.
///
/// # Errors
/// When a target or the store cannot be read or written, or a lock is not obtained.
pub fn apply(ui: &mut Ui, global: &Global, args: &ApplyArgs) -> Result<Exit, Failure> {
    carry_out(ui, global, args, None).map(|ended| ended.exit)
}

/// Makes a plan and carries it out, with an eye on when somebody loses what they have. Whoever is watched waits
/// for no target: one that cannot be opened, that somebody else has locked, or whose plan is blocked, is left out.
///
/// # Errors
/// As [`apply`].
pub(super) fn carry_out(
    ui: &mut Ui,
    global: &Global,
    args: &ApplyArgs,
    watched: Option<&str>,
) -> Result<Ended, Failure> {
    let reviewed = args.plan.as_deref().map(read_plan).transpose()?;
    let ready = match declaration(ui, global, args.selection.strict) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit.into()),
    };
    let mut wanted = args.selection.targets.clone();
    if let Some(reviewed) = &reviewed {
        if !args.selection.accept.is_empty() || !wanted.is_empty() {
            return Err(Failure::error("--target and --accept belong to the making of a plan, and this one is made")
                .help("make the plan again with `rolecall plan --out`"));
        }
        wanted = reviewed.targets.iter().map(|t| t.target.clone()).collect();
    }
    let (work, given_up) = match watched {
        Some(_) => Work::open_each(global, &ready, &wanted)?,
        None => (Work::open(global, &ready, &wanted)?, Vec::new()),
    };
    let work = work.since(global, args.since.as_deref(), reviewed.as_ref())?;
    carry(ui, global, args, work, Terms { reviewed: reviewed.as_ref(), watched, given_up, ..Terms::default() })
}

/// Looks at a plan, and may stop it.
pub(super) type Agreed<'t> = &'t dyn Fn(&Plan) -> Result<(), Failure>;

/// On which terms a plan is carried out.
#[derive(Clone, Default)]
pub(super) struct Terms<'t> {
    /// The plan that was reviewed: nothing else is done.
    pub(super) reviewed: Option<&'t Plan>,
    /// Whose losses are to be told: then no target waits for another.
    pub(super) watched: Option<&'t str>,
    /// Looks at the plan before anything is sent, and stops it.
    pub(super) agreed: Option<Agreed<'t>>,
    /// Is told the plan as soon as there is one, whatever becomes of it.
    pub(super) planned: Option<&'t dyn Fn(&Plan)>,
    /// The targets that could not be opened.
    pub(super) given_up: Vec<Unread>,
}

/// Makes a plan of what is open, and carries it out.
///
/// # Errors
/// As [`apply`].
pub(super) fn carry(
    ui: &mut Ui,
    global: &Global,
    args: &ApplyArgs,
    mut work: Work<'_>,
    terms: Terms<'_>,
) -> Result<Ended, Failure> {
    let ready = work.ready;
    let replayed = global.replay.as_ref().map(|_| Replayed::begin(ready, &work.sessions)).transpose()?;
    let folder = replayed.as_ref().map_or_else(|| store_folder(ready), |r| r.folder.clone());
    let store: stores::AnyStore = match &replayed {
        // What the recording says is nothing that others should remember.
        Some(_) => Box::new(SqliteStore::open(folder).map_err(|e| stores::failure(&e))?),
        None => stores::open(global, &folder)?,
    };
    let store = &*store;
    if replayed.is_some() {
        ui.note("This is answered from a recording: nothing is sent, and nothing is remembered.\n\n");
    }
    let actor = actor();
    let (mut locks, mut locked) = (Vec::new(), Vec::new());
    for session in &work.sessions {
        match lock_one(ui, store, session, &actor, global, args.lock_timeout) {
            Ok(taken) => locks.push(taken),
            Err(failure) if terms.watched.is_some() => {
                locked.push(Unread { target: session.declared.name.clone(), why: failure.message });
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut left_out = Vec::new();
    leave_out(&mut work, &mut left_out, locked);
    let done = Run { global, args, store, terms, actor: &actor }.locked(ui, work, left_out);
    // What was done stands in the report already; what a store far away has not taken by now, the next run
    // finds out by reading.
    match (done, store.settle(locks.into_iter().flatten().collect())) {
        (Ok(ended), Err(error)) => {
            let failure = stores::failure(&error);
            let message = format!("what became of this run is not written down whole: {}", failure.message);
            let exit = if ended.report.is_some_and(|r| r.has_applied()) { Exit::Partial } else { Exit::Error };
            Err(Failure { message, exit, ..failure })
        }
        (done, _) => done,
    }
}

/// What an apply works with.
struct Run<'r> {
    global: &'r Global,
    args: &'r ApplyArgs,
    store: &'r dyn Store,
    terms: Terms<'r>,
    actor: &'r str,
}

impl Run<'_> {
    /// Everything that is done while the locks are held.
    fn locked(self, ui: &mut Ui, mut work: Work<'_>, mut left_out: Vec<Unread>) -> Result<Ended, Failure> {
        let Self { global, args, store, terms, actor } = self;
        let Terms { reviewed, watched, agreed, planned, mut given_up } = terms;
        let runtime = runtime()?;
        for session in &work.sessions {
            // By the names that are known: what is called otherwise since is the same.
            work.recall(session, Some(store))?;
            let resolved = runtime.block_on(apply::resolve(&session.declared.name, &*session.reader, store));
            let why = |e: &ResumeError| format!("an apply that was cut off cannot be cleared up: {e}");
            let looked_up = match resolved {
                Ok(looked_up) => looked_up,
                // The others do not wait for it.
                Err(error @ ResumeError::Target(_)) if watched.is_some() || work.sessions.len() > 1 => {
                    given_up.push(Unread { target: session.declared.name.clone(), why: why(&error) });
                    continue;
                }
                Err(error) => return Err(Failure::error(why(&error))),
            };
            if looked_up > 0 {
                ui.note(&format!(
                    "An earlier apply to {} was cut off. What became of its last {} is known now and recorded.\n\n",
                    session.declared.name,
                    crate::render::plural(looked_up, "change"),
                ));
            }
        }
        let consents = reviewed.map_or(args.selection.accept.as_slice(), |r| r.consents.as_slice());
        let mut plan = runtime.block_on(work.plan(global, Some(store), consents, &given_up))?;
        if watched.is_some() && plan.is_blocked() {
            // What was agreed to for all of them holds for these as well.
            let fewer = !given_up.is_empty() || !left_out.is_empty();
            if fewer && !consents.is_empty() {
                let consents = fewer_consents(consents, &plan);
                plan = runtime.block_on(work.plan(global, Some(store), &consents, &given_up))?;
            }
            let blocked = blocked(&plan);
            if !blocked.is_empty() && blocked.len() < plan.targets.len() {
                ui.out(&plan_terminal::plan(&plan, ui.out_style()));
                let names: Vec<&str> = blocked.iter().map(|u| u.target.as_str()).collect();
                ui.note(&format!("\nLeft out, so that the others do not wait: {}.\n\n", names.join(", ")));
                leave_out(&mut work, &mut left_out, blocked);
                let mut rest = plan.clone();
                rest.targets.retain(|t| !t.is_blocked());
                let consents = fewer_consents(consents, &rest);
                plan = runtime.block_on(work.plan(global, Some(store), &consents, &given_up))?;
            }
        }
        if let Some(planned) = planned {
            planned(&plan);
        }
        let mut by = None;
        if let Some(reviewed) = reviewed {
            match compare(reviewed, &plan, store)? {
                Some(How::Same) => by = Some(By::Digest),
                Some(How::Rest) => {
                    let consents = remaining_consents(&reviewed.consents, &plan);
                    plan = runtime.block_on(work.plan(global, Some(store), &consents, &given_up))?;
                    by = Some(By::Remainder);
                    ui.note("A part of this plan has been applied already; this is the rest of it.\n\n");
                }
                None => {
                    let which = match &args.plan {
                        Some(path) => format!("the plan in {}", path.display()),
                        None => "the plan that was reviewed".to_owned(),
                    };
                    if args.json {
                        ui.out(&super::validate::json(&Report::refused(&plan, "stale"))?);
                    }
                    return Err(stale(&format!("{which} is not what would be done now"), reviewed, &plan));
                }
            }
        }
        if let Some(expected) = &args.expect_digest {
            if !digest_fits(expected, &plan.digest) {
                let message = format!("the plan has the digest {}, and {expected} was expected", plan.digest);
                if args.json {
                    ui.out(&super::validate::json(&Report::refused(&plan, "stale"))?);
                } else {
                    ui.out(&plan_terminal::plan(&plan, ui.out_style()));
                }
                return Err(Failure::error(message)
                    .exit(Exit::Stale)
                    .help("look at the plan above, and have it reviewed again"));
            }
            by = by.or(Some(By::Digest));
        }
        if !args.json {
            ui.out(&plan_terminal::plan(&plan, ui.out_style()));
        }
        if let Some(agreed) = agreed {
            agreed(&plan)?;
        }
        if plan.is_blocked() {
            if args.json {
                ui.note(&plan_terminal::plan(&plan, ui.err_style()));
                ui.out(&super::validate::json(&Report::refused(&plan, "blocked"))?);
            }
            return Ok(Ended { left_out, ..Exit::Blocked.into() });
        }
        if plan.is_empty() {
            if !work.only_over {
                remember(store, &work.sessions, &plan, &[])?;
            }
            remember_reads(store, &work.sessions, &plan, &[], global)?;
            let report = Report::new(&plan, Vec::new());
            return Ok(Ended {
                exit: finish(ui, args, &report)?,
                report: Some(report),
                losses: BTreeMap::new(),
                left_out,
            });
        }
        let by = match by {
            Some(by) => by,
            None if args.auto_approve => By::Beforehand,
            None => match ask(ui, args)? {
                true => By::Answer,
                false => {
                    ui.note("Nothing was done.\n");
                    return Ok(Exit::Error.into());
                }
            },
        };
        let Some(confirmed) = Confirmed::new(&plan, by) else { return Ok(Exit::Blocked.into()) };
        // The rest of a reviewed plan goes into the ledger under the digest of the whole: cut off once more,
        // it is found again.
        let digest = reviewed.map_or(&plan.digest, |r| &r.digest);
        let progress = Lines::new(watched);
        let done = run_all(&confirmed, digest, &work, store, actor, global, args, &progress);
        let (reports, unopened) = runtime.block_on(done)?;
        if !work.only_over {
            remember(store, &work.sessions, &plan, &reports)?;
        }
        remember_reads(store, &work.sessions, &plan, &reports, global)?;
        let mut report = Report::new(&plan, reports);
        report.unread.extend(unopened);
        Ok(Ended { exit: finish(ui, args, &report)?, report: Some(report), losses: progress.losses(), left_out })
    }
}

/// Takes targets out of a run.
fn leave_out(work: &mut Work<'_>, left_out: &mut Vec<Unread>, these: Vec<Unread>) {
    work.sessions.retain(|s| !these.iter().any(|u| u.target == s.declared.name));
    left_out.extend(these);
}

/// The targets whose plans are blocked, and by what.
fn blocked(plan: &Plan) -> Vec<Unread> {
    let why = |target: &TargetPlan| {
        let stops = target.guards.iter().filter(|v| v.answer == Answer::Violated);
        let stops: Vec<String> = stops.map(|v| format!("{}: {}", v.rule, v.message)).collect();
        format!("its plan is blocked by {}", stops.join("; "))
    };
    let blocked = plan.targets.iter().filter(|t| t.is_blocked());
    blocked.map(|t| Unread { target: t.target.clone(), why: why(t) }).collect()
}

/// The consents that were given for all targets, with the numbers of a plan for some of them: never more than
/// was agreed to.
fn fewer_consents(given: &[Consent], plan: &Plan) -> Vec<Consent> {
    let within = |c: &Consent| given.iter().any(|g| (g.what, g.kind) == (c.what, c.kind) && g.number >= c.number);
    remaining_consents(given, plan).into_iter().filter(within).collect()
}

/// An apply that is answered from a recording: it keeps its ledger in a folder of its own, which goes with
/// it. What the recording says must not become what real runs are guarded by.
struct Replayed {
    folder: PathBuf,
}

impl Replayed {
    fn begin(ready: &super::load::Ready, sessions: &[Session<'_>]) -> Result<Self, Failure> {
        if let Some(session) = sessions.iter().find(|s| s.link.lock_file().is_some()) {
            let name = &session.declared.name;
            return Err(Failure::error(format!("`{name}` is a file, and --replay would really change it"))
                .help("apply to the recorded targets alone, with --target NAME"));
        }
        let name = format!("replay-{}", std::process::id());
        Ok(Self { folder: store_folder(ready).join(".rolecall").join(name) })
    }
}

impl Drop for Replayed {
    fn drop(&mut self) {
        // What is left behind is in nobody's way: the next one has a name of its own.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads a saved plan.
///
/// # Errors
/// When the file cannot be read, or is no plan as it was saved.
pub(super) fn read_plan(path: &std::path::Path) -> Result<Plan, Failure> {
    let name = path.display();
    let size =
        std::fs::metadata(path).map_err(|e| Failure::error(format!("the plan {name} cannot be read: {e}")))?.len();
    if size > crate::plan::SIZE_MAX as u64 {
        return Err(Failure::error(format!("{name}: {}", crate::plan::PlanError::TooLarge)));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::error(format!("the plan {name} cannot be read: {e}")))?;
    crate::plan::load(&bytes).map_err(|e| {
        let altered = matches!(e, crate::plan::PlanError::Altered { .. });
        Failure::error(format!("{name}: {e}")).exit(if altered { Exit::Stale } else { Exit::Error })
    })
}

/// Takes the locks of a target. Targets are locked in the order of their names, so that two runs cannot wait for
/// each other.
fn lock_one(
    ui: &mut Ui,
    store: &dyn Store,
    session: &Session<'_>,
    actor: &str,
    global: &Global,
    timeout: Duration,
) -> Result<Vec<Lock>, Failure> {
    let holder = Holder {
        who: actor.to_owned(),
        pid: std::process::id(),
        command: "rolecall apply".to_owned(),
        since: global.now(),
    };
    let name = &session.declared.name;
    let beside = session.link.lock_file();
    let both = || -> Result<Vec<Lock>, StoreError> {
        let mut taken = vec![store.try_lock(name, &holder)?];
        if let Some(path) = &beside {
            taken.push(crate::store::lock_beside(path, &holder)?);
        }
        Ok(taken)
    };
    let end = Instant::now() + timeout;
    let mut said = false;
    loop {
        match both() {
            Ok(taken) => {
                for former in taken.iter().filter_map(Lock::former) {
                    ui.note(&format!(
                        "{former} left the lock of {name}, and the time for which it held it is over.\n\n"
                    ));
                }
                return Ok(taken);
            }
            Err(error) if error.holder().is_some() && Instant::now() < end => {
                if let Some(other) = error.holder().filter(|_| !std::mem::replace(&mut said, true)) {
                    ui.note(&format!("Waiting for the lock of {name}, which {other} holds.\n"));
                }
                std::thread::sleep(store.lock_poll().min(timeout));
            }
            Err(error) => return Err(stores::failure(&error)),
        }
    }
}

/// How a plan made now stands to the reviewed one.
enum How {
    Same,
    Rest,
}

fn compare(reviewed: &Plan, now: &Plan, store: &dyn Store) -> Result<Option<How>, Failure> {
    if reviewed.digest == now.digest {
        return Ok(Some(How::Same));
    }
    let remainder = apply::remainder(reviewed, now, store).map_err(|e| stores::failure(&e))?;
    Ok((remainder == Remainder::Rest).then_some(How::Rest))
}

/// That a plan is not what would be done now, with what has moved.
pub(super) fn stale(message: &str, reviewed: &Plan, now: &Plan) -> Failure {
    let moved = crate::plan::moved(reviewed, now);
    let mut help = String::from("what has moved since:\n");
    for line in moved.iter().take(20) {
        help.push_str(&format!("- {}\n", clean(line)));
    }
    if moved.len() > 20 {
        help.push_str(&format!("- and {} more\n", moved.len() - 20));
    }
    help.push_str("make the plan again, and have it reviewed again");
    Failure::error(message).exit(Exit::Stale).help(help)
}

/// A digest is given whole: the beginning of one can be met by trying.
fn digest_fits(expected: &str, digest: &str) -> bool {
    let bare = |d: &str| d.strip_prefix("sha256:").unwrap_or(d).to_ascii_lowercase();
    bare(expected) == bare(digest)
}

fn ask(ui: &mut Ui, args: &ApplyArgs) -> Result<bool, Failure> {
    if args.json || !ui.can_ask() {
        return Err(Failure::error("nobody is there to agree to this plan")
            .help("apply a saved plan (`rolecall plan --out FILE`, `rolecall apply FILE`), name its digest with --expect-digest, or agree beforehand with --auto-approve"));
    }
    Ok(ui.confirm("\nDo this? Only `yes` is taken for a yes: "))
}

/// Remembers what is managed from now on. Not where an apply did not get through: what it begins to
/// manage is still being taken over then, and is agreed to as such.
fn remember(store: &dyn Store, sessions: &[Session<'_>], plan: &Plan, reports: &[TargetReport]) -> Result<(), Failure> {
    let cut_off = |r: &&TargetReport| r.status == "interrupted" || r.status == "failed";
    // Of what could not be read, or not be opened, nothing has been taken over.
    let planned = |s: &&Session<'_>| {
        let name = &s.declared.name;
        let carried_out = || reports.iter().any(|r| r.target == *name);
        plan.targets.iter().any(|t| t.target == *name && (t.is_empty() || carried_out()))
    };
    for session in sessions.iter().filter(planned) {
        if reports.iter().filter(cut_off).any(|r| r.target == session.declared.name) {
            continue;
        }
        let desired = &session.declared.desired;
        let mut ownership = desired.manage.ownership(&desired.directory);
        // After an apply in part, only what is known to have been made is remembered as made.
        let declared = declared_renamings(&desired.directory);
        let name = &session.declared.name;
        ownership.renamed = if reports.iter().any(|r| r.target == *name && r.status != "complete") {
            let known = apply::memory(name, store).map_err(|e| stores::failure(&e))?.unwrap_or_default().renamed;
            declared.intersection(&known).cloned().collect()
        } else {
            // What had drifted and was left alone was not renamed either.
            let drift = plan.targets.iter().filter(|t| t.target == *name).flat_map(|t| &t.drift);
            let left = renamings(drift.map(|d| &d.change));
            declared.difference(&left).cloned().collect()
        };
        store.remember_ownership(&session.declared.name, &ownership).map_err(|e| stores::failure(&e))?;
    }
    Ok(())
}

/// Remembers how much there was, with what has been made since, and what the target itself calls it: what a
/// later reading is measured by. A
/// reading that had shrunk with nothing to remove is not remembered: nobody has agreed to it.
fn remember_reads(
    store: &dyn Store,
    sessions: &[Session<'_>],
    plan: &Plan,
    reports: &[TargetReport],
    global: &Global,
) -> Result<(), Failure> {
    for target in &plan.targets {
        let agreed = target.shrunk.is_empty() || target.shrunk_and_removing().next().is_some();
        if !agreed || !target.doubts.is_empty() {
            continue;
        }
        let mut counts = target.live.clone();
        let steps = reports.iter().filter(|r| r.target == target.target).flat_map(|r| &r.steps);
        for step in steps.filter(|s| s.fate == Fate::Applied) {
            let count = counts.entry(step.change.kind()).or_default();
            match (step.change.effect(), &step.change) {
                // The account stays.
                (_, Change::EnableUser { .. } | Change::DisableUser { .. }) | (Effect::Change, _) => {}
                (Effect::Add, _) => *count += 1,
                (Effect::Remove, _) => *count = count.saturating_sub(1),
            }
        }
        store.remember_read(&target.target, &counts, global.now()).map_err(|e| stores::failure(&e))?;
        if let Some(session) = sessions.iter().find(|s| s.declared.name == target.target) {
            let ids = session.reader.identities();
            store.remember_identities(&target.target, &ids).map_err(|e| stores::failure(&e))?;
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "what a run is made of")]
async fn run_all(
    confirmed: &Confirmed<'_>,
    digest: &str,
    work: &Work<'_>,
    store: &dyn Store,
    actor: &str,
    global: &Global,
    args: &ApplyArgs,
    progress: &Lines,
) -> Result<(Vec<TargetReport>, Vec<Unread>), Failure> {
    let plan = confirmed.plan();
    let stop = Stop::default();
    let listener = tokio::spawn(listen(stop.clone()));
    let mut unopened = Vec::new();
    let mut writers = Vec::new();
    for target in plan.targets.iter().filter(|t| !t.is_empty()) {
        let Some(session) = work.sessions.iter().find(|s| s.declared.name == target.target) else { continue };
        let days = session.declared.desired.rules.invitation_days;
        match session.link.writer(confirmed, global.now(), days) {
            Ok(writer) => writers.push((target, session, writer)),
            Err(error) => unopened.push(Unread { target: target.target.clone(), why: error.to_string() }),
        }
    }
    let jobs = writers.iter().map(|(target, session, writer)| Job {
        plan: target,
        digest,
        writer: &**writer,
        store,
        actor,
        command: "rolecall apply",
        commit: plan.commit.as_deref(),
        at: global.now(),
        parallelism: args.parallelism.clamp(1, session.reader.capabilities().concurrency.max(1)),
        budget: Budget::default(),
        stop: &stop,
        progress,
    });
    let jobs: Vec<Job<'_>> = jobs.collect();
    // Each keeps to its own limits: one that is slow, or fails, holds up no other.
    let ended = join_all(jobs.iter().map(apply::run)).await;
    listener.abort();
    progress.end();
    let mut reports = Vec::new();
    for ((target, ..), ended) in writers.iter().zip(ended) {
        match ended {
            Ok(report) => reports.push(report),
            Err(error) => {
                let why = format!("the ledger cannot be written, so nothing more was sent: {error}");
                unopened.push(Unread { target: target.target.clone(), why });
            }
        }
    }
    if reports.is_empty()
        && let Some(first) = unopened.first()
    {
        return Err(Failure::error(format!("{}: {}", first.target, first.why)).exit(Exit::Partial));
    }
    Ok((reports, unopened))
}

/// SIGINT and SIGTERM let the change in flight come to its end.
async fn listen(stop: Stop) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop.ask();
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.ask();
    }
}

fn finish(ui: &mut Ui, args: &ApplyArgs, report: &Report) -> Result<Exit, Failure> {
    if args.json {
        ui.out(&super::validate::json(report)?);
    } else if !report.targets.is_empty() || !report.unread.is_empty() {
        ui.out(&report_terminal::report(report, ui.out_style()));
    }
    let complete = report.targets.iter().all(|t| t.status == "complete");
    Ok(match (complete, report.unread.is_empty()) {
        (true, true) => Exit::Done,
        (true, false) if report.targets.is_empty() => Exit::Error,
        _ => Exit::Partial,
    })
}

/// Who applies, as far as the machine tells: `ada@build-7`.
fn actor() -> String {
    let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let user = var("ROLECALL_ACTOR")
        .or_else(|| var("GITHUB_ACTOR"))
        .or_else(|| var("USER"))
        .or_else(|| var("LOGNAME"))
        .or_else(|| var("USERNAME"));
    let file = || std::fs::read_to_string("/etc/hostname").ok().map(|h| h.trim().to_owned()).filter(|h| !h.is_empty());
    let host = var("HOSTNAME").or_else(file).or_else(|| var("COMPUTERNAME"));
    let user = user.unwrap_or_else(|| "somebody".to_owned());
    match host {
        Some(host) if !user.contains('@') => format!("{user}@{host}"),
        _ => user,
    }
}
