//! One target: wave by wave, each change recorded before it is sent, made, read back, and recorded
//! again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::report::{Fate, StepReport, TargetReport};
use crate::model::{Change, Moment, PrincipalRecord};
use crate::plan::{Step, TargetPlan};
use crate::store::{self, NewApply, Outcome, Status, Store, StoreError};
use crate::targets::{Stamp, TargetError, Writer};

/// How many bundles of changes may fail before the rest is not attempted: a target that refuses everything is
/// not asked a thousand times, and one bad account does not stop the others
/// (`shared/peers.md`, section 2.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(pub usize);

impl Default for Budget {
    fn default() -> Self {
        Self(8)
    }
}

/// Asks a running apply to stop after the changes in flight.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks.
    pub fn ask(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Told about every change as it is done.
pub trait Progress: Send + Sync {
    /// `done` of `total` changes have come to an end; this one came to `fate`.
    fn step(&self, target: &str, done: usize, total: usize, change: &Change, fate: Fate);
}

/// What is needed to apply the plan of one target. The lock of the target must be held.
pub struct Job<'a> {
    /// The plan, confirmed.
    pub plan: &'a TargetPlan,
    /// The digest of the whole plan.
    pub digest: &'a str,
    /// The target.
    pub writer: &'a dyn Writer,
    /// Where it is recorded.
    pub store: &'a dyn Store,
    /// Who applies.
    pub actor: &'a str,
    /// With which command.
    pub command: &'a str,
    /// The commit of the declaration, where it is known.
    pub commit: Option<&'a str>,
    /// When.
    pub at: Moment,
    /// How many changes of a wave are in flight at a time.
    pub parallelism: usize,
    /// How many may fail.
    pub budget: Budget,
    /// Set from outside to stop.
    pub stop: &'a Stop,
    /// Told about every change.
    pub progress: &'a dyn Progress,
}

/// The state of a run.
struct Run<'a> {
    job: &'a Job<'a>,
    stamp: Stamp,
    /// By step: what became of it.
    fates: BTreeMap<u32, (Fate, Option<String>)>,
    /// Accounts that the target refused, with what it said.
    aside: BTreeMap<String, String>,
    failures: usize,
    done: usize,
}

/// Applies the plan of one target.
///
/// # Errors
/// When the ledger cannot be written: then nothing more is sent.
pub async fn run(job: &Job<'_>) -> Result<TargetReport, StoreError> {
    let total = job.plan.steps.len();
    let begun = NewApply {
        target: job.plan.target.clone(),
        actor: job.actor.to_owned(),
        commit: job.commit.map(str::to_owned),
        command: job.command.to_owned(),
        digest: job.digest.to_owned(),
        changes: total,
        at: job.at,
    };
    let apply = job.store.begin(&begun)?;
    let stamp = Stamp { actor: job.actor.to_owned(), apply, digest: job.digest.to_owned(), at: job.at };
    let mut run = Run { job, stamp, fates: BTreeMap::new(), aside: BTreeMap::new(), failures: 0, done: 0 };
    let mut rest = job.plan.steps.as_slice();
    while let Some(first) = rest.first() {
        let wave = rest.iter().take_while(|s| s.wave == first.wave).count();
        let (now, later) = rest.split_at(wave);
        let recorded = if job.store.records_whole_waves() {
            let ready: Vec<&Step> = now.iter().filter(|step| run.hindrance(step).is_none()).collect();
            Some(run.intend(&ready)?)
        } else {
            None
        };
        for batch in now.chunks(job.writer.batch().max(1)) {
            run.batch(batch, recorded.as_ref()).await?;
        }
        rest = later;
    }
    let report = run.report(apply);
    job.store.finish(apply, status_of(&report.status), Moment::now())?;
    Ok(report)
}

fn status_of(word: &str) -> Status {
    [Status::Complete, Status::Partial, Status::Interrupted, Status::Failed]
        .into_iter()
        .find(|s| s.word() == word)
        .unwrap_or(Status::Failed)
}

impl Run<'_> {
    /// Records that these changes are about to be sent, and says which.
    fn intend(&self, ready: &[&Step]) -> store::Result<BTreeSet<u32>> {
        let changes: Vec<(u32, &Change)> = ready.iter().map(|s| (s.id, &s.change)).collect();
        if !changes.is_empty() {
            self.job.store.intend(self.stamp.apply, &changes, Moment::now())?;
        }
        Ok(ready.iter().map(|s| s.id).collect())
    }

    /// Some changes of one wave; those in `recorded` stand in the ledger already as about to be sent.
    async fn batch(&mut self, steps: &[Step], recorded: Option<&BTreeSet<u32>>) -> store::Result<()> {
        let mut ready: Vec<&Step> = Vec::new();
        for step in steps {
            match self.hindrance(step) {
                Some((fate, why)) => {
                    if recorded.is_some_and(|r| r.contains(&step.id)) {
                        self.record(step, fate, Some(why.clone()))?;
                    }
                    self.end(step, fate, Some(why));
                }
                None => ready.push(step),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        if recorded.is_none() {
            self.intend(&ready)?;
        }
        let changes: Vec<&Change> = ready.iter().map(|s| &s.change).collect();
        let mut waiting = self.job.writer.bundles(&changes).into_iter();
        let width = self.job.parallelism.max(1);
        let (writer, stamp) = (self.job.writer, self.stamp.clone());
        let mut flying = FuturesUnordered::new();
        loop {
            while flying.len() < width {
                let Some(bundle) = waiting.next() else { break };
                // Between two bundles the others on this thread get their turn, signals among them.
                tokio::task::yield_now().await;
                let mut sent: Vec<&Step> = Vec::new();
                for step in bundle.into_iter().filter_map(|index| ready.get(index).copied()) {
                    match self.hindrance(step) {
                        Some((fate, why)) => {
                            self.record(step, fate, Some(why.clone()))?;
                            self.end(step, fate, Some(why));
                        }
                        None => sent.push(step),
                    }
                }
                if !sent.is_empty() {
                    self.job.store.guard(&self.job.plan.target)?;
                    flying.push(carry_out(writer, &stamp, sent));
                }
            }
            let Some((sent, results)) = flying.next().await else { return Ok(()) };
            let mut failed = false;
            for (step, result) in sent.into_iter().zip(results) {
                let (fate, why) = judge(result);
                self.record(step, fate, why.clone())?;
                if let (Fate::Failed, Some(why), Some(account)) = (fate, &why, refused_account(&step.change)) {
                    self.aside.entry(account.to_owned()).or_insert_with(|| why.clone());
                }
                failed |= matches!(fate, Fate::Failed | Fate::Unknown);
                self.end(step, fate, why);
            }
            // What is carried out together fails together: a group that cannot be changed is one failure.
            self.failures += usize::from(failed);
        }
    }

    /// Why a change must not be sent now.
    fn hindrance(&self, step: &Step) -> Option<(Fate, String)> {
        if self.job.stop.is_asked() {
            return Some((Fate::NotAttempted, "stopped on request".to_owned()));
        }
        if let Some(account) = account_of(&step.change)
            && let Some(why) = self.aside.get(account)
        {
            return Some((Fate::SetAside, format!("{account} is set aside: {why}")));
        }
        let missing =
            step.after.iter().find(|edge| self.fates.get(&edge.step).is_some_and(|(fate, _)| *fate != Fate::Applied));
        if let Some(edge) = missing {
            let why = format!("step {} was not made, and {}", edge.step, edge.reason);
            return Some((Fate::NotAttempted, why));
        }
        if self.failures >= self.job.budget.0 {
            return Some((Fate::NotAttempted, format!("{} changes had failed", self.failures)));
        }
        None
    }

    fn record(&self, step: &Step, fate: Fate, why: Option<String>) -> store::Result<()> {
        let why = why.unwrap_or_default();
        let outcome = match fate {
            Fate::Applied => Outcome::Applied,
            Fate::Failed => Outcome::Failed { why },
            Fate::SetAside => Outcome::SetAside { why },
            Fate::Unknown => Outcome::Unknown { why },
            // No outcome in an apply that has ended means just that.
            Fate::NotAttempted => return Ok(()),
        };
        self.job.store.outcome(self.stamp.apply, step.id, &outcome, Moment::now())
    }

    fn end(&mut self, step: &Step, fate: Fate, why: Option<String>) {
        self.done += 1;
        self.job.progress.step(&self.job.plan.target, self.done, self.job.plan.steps.len(), &step.change, fate);
        self.fates.insert(step.id, (fate, why));
    }

    fn report(self, apply: i64) -> TargetReport {
        let count = |fate| self.fates.values().filter(|(f, _)| *f == fate).count();
        let applied = count(Fate::Applied);
        let status = if applied == self.job.plan.steps.len() {
            Status::Complete
        } else if self.job.stop.is_asked() {
            Status::Interrupted
        } else if applied == 0 {
            Status::Failed
        } else {
            Status::Partial
        };
        TargetReport {
            target: self.job.plan.target.clone(),
            apply,
            level: Some(self.job.plan.level),
            requests: self.job.writer.sent(),
            notes: self.job.writer.notes(),
            status: status.word().to_owned(),
            applied,
            failed: count(Fate::Failed),
            set_aside: count(Fate::SetAside),
            unknown: count(Fate::Unknown),
            not_attempted: count(Fate::NotAttempted),
            steps: self
                .job
                .plan
                .steps
                .iter()
                .map(|step| {
                    let (fate, why) = self.fates.get(&step.id).cloned().unwrap_or((Fate::NotAttempted, None));
                    StepReport { step: step.id, change: step.change.clone(), fate, why }
                })
                .collect(),
        }
    }
}

/// One bundle, with what became of each of its changes.
async fn carry_out<'s>(
    writer: &dyn Writer,
    stamp: &Stamp,
    steps: Vec<&'s Step>,
) -> (Vec<&'s Step>, Vec<Result<(), TargetError>>) {
    let changes: Vec<&Change> = steps.iter().map(|s| &s.change).collect();
    let mut results = writer.carry_out(&changes, stamp).await;
    results.resize_with(steps.len(), || Err(TargetError::Unknown("the target's writer did not say".to_owned())));
    (steps, results)
}

fn judge(result: Result<(), TargetError>) -> (Fate, Option<String>) {
    match result {
        Ok(()) => (Fate::Applied, None),
        Err(TargetError::Unknown(why)) => (Fate::Unknown, Some(why)),
        Err(error @ TargetError::NotVisible(_)) => (Fate::Unknown, Some(error.to_string())),
        Err(error) => (Fate::Failed, Some(error.to_string())),
    }
}

/// The account that is refused where a change is: a team or a resource that refuses a user says nothing of
/// the account.
fn refused_account(change: &Change) -> Option<&str> {
    match change {
        Change::AddMember { .. }
        | Change::RemoveMember { .. }
        | Change::ChangeMember { .. }
        | Change::GiveGrant { .. }
        | Change::ChangeGrant { .. }
        | Change::RevokeGrant { .. } => None,
        _ => account_of(change),
    }
}

/// The account that a change is about, if it is about one.
fn account_of(change: &Change) -> Option<&str> {
    match change {
        Change::CreateUser { user }
        | Change::InviteUser { user }
        | Change::EnableUser { user }
        | Change::DisableUser { user, .. }
        | Change::DeleteUser { user, .. }
        | Change::UpdateUser { before: user, .. } => Some(&user.email),
        Change::RenameUser { from, .. } => Some(from),
        Change::AddMember { member }
        | Change::RemoveMember { member, .. }
        | Change::ChangeMember { before: member, .. } => Some(&member.user),
        Change::GiveGrant { to, .. } | Change::ChangeGrant { to, .. } | Change::RevokeGrant { to, .. } => match to {
            PrincipalRecord::User(email) => Some(email),
            PrincipalRecord::Team(_) | PrincipalRecord::Everyone => None,
        },
        _ => None,
    }
}
