//! `rolecall drift`

use clap::{Args, ValueEnum};
use futures_util::future::join_all;

use super::plan::no_json;
use super::planning::{Session, Work, declaration, runtime, store_folder};
use super::{Exit, Failure, Global, Ui};
use crate::diagnostic::Span;
use crate::drift::{Drift, Subject, TargetDrift, allow, find, since};
use crate::model::Change;
use crate::plan::{Options, Unread};
use crate::render::{drift_json, drift_markdown, drift_terminal};
use crate::store::{SqliteStore, Store};
use crate::targets::Reading;

/// Show how what is live differs from what the files declare.
///
/// Every difference says on which side it is (extra, missing, different), whether it widens access and for
/// whom, since when it has been seen, and who did it where the target's own log tells. `drift: {allow: [...]}`
/// in the files hides a difference for a time, with an owner and a reason, but never one that widens access.
/// Reads alone: nothing is changed in any target. Ends with 0 when there is no drift, with 2 when there is,
/// and with 1 when a target cannot be read.
#[derive(Debug, Args)]
pub struct DriftArgs {
    /// Only this target, or the targets with this label; can be given several times
    #[arg(short, long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: DriftFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DriftFormat {
    /// For people at a terminal
    Human,
    /// For programs: schemas/drift.schema.json
    Json,
    /// For an issue or a page
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// When nothing is selected, or the report cannot be written.
pub fn drift(ui: &mut Ui, global: &Global, args: &DriftArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let (work, unread) = Work::open_each(global, &ready, &args.targets)?;
    let (store, trouble) = match SqliteStore::open(store_folder(&ready)) {
        Ok(store) => (Some(store), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let store = store.as_ref().map(|s| s as &dyn Store);
    let mut drift = runtime()?.block_on(look(global, &work, store, unread));
    drift.notes.extend(trouble.map(|e| format!("since when a difference is there is not remembered: {e}")));
    allow(&mut drift, &ready.declaration.allowed_drift, &|span| ready.sources.location(span));
    let format = if args.json { DriftFormat::Json } else { args.format };
    ui.out(&match format {
        DriftFormat::Human => drift_terminal::drift(&drift, ui.out_style()),
        DriftFormat::Json => drift_json::drift(&drift).map_err(|e| no_json(&e))?,
        DriftFormat::Markdown => drift_markdown::drift(&drift),
    });
    Ok(exit_of(&drift))
}

fn exit_of(drift: &Drift) -> Exit {
    match (drift.unread.is_empty(), drift.drifted) {
        (false, _) => Exit::Error,
        (true, true) => Exit::Differences,
        (true, false) => Exit::Done,
    }
}

/// Reads every target; one that cannot be read does not hide the others.
async fn look(global: &Global, work: &Work<'_>, store: Option<&dyn Store>, mut unread: Vec<Unread>) -> Drift {
    let mut targets = Vec::new();
    let mut notes = Vec::new();
    for session in &work.sessions {
        if let Err(failure) = work.recall(session, store) {
            notes.push(format!("what was known of `{}` is not remembered: {}", session.declared.name, failure.message));
        }
    }
    let readings = join_all(work.sessions.iter().map(|session| session.reader.read())).await;
    for (session, reading) in work.sessions.iter().zip(readings) {
        match reading {
            Ok(reading) => targets.push(one(global, work, session, &reading, store).await),
            Err(error) => {
                unread.push(Unread { target: session.declared.name.clone(), why: error.to_string() });
            }
        }
    }
    unread.sort_by(|a, b| a.target.cmp(&b.target));
    let mut drift = Drift::new(global.now(), targets, unread);
    drift.notes = notes;
    drift
}

/// The drift of one target.
async fn one(
    global: &Global,
    work: &Work<'_>,
    session: &Session<'_>,
    reading: &Reading,
    store: Option<&dyn Store>,
) -> TargetDrift {
    let declared = session.declared;
    let mut notes: Vec<String> = reading.notes.clone();
    let ownership = match store.map(|s| crate::apply::memory(&declared.name, s)).transpose() {
        Ok(known) => known.flatten(),
        Err(error) => {
            notes.push(format!("what was applied before is not known: {error}"));
            None
        }
    };
    let capabilities = session.reader.capabilities();
    let mut drift = find(&Subject {
        desired: &declared.desired,
        live: &reading.directory,
        provider: declared.provider.word(),
        options: Options {
            now: global.now(),
            renames: capabilities.renames,
            invites: capabilities.invites,
            kept: capabilities.kept,
        },
        renamed: &ownership.map(|o| o.renamed).unwrap_or_default(),
        reach: &|change: &Change| session.reader.reach(change),
        contains: session.reader.contains_blocks(),
        locate: &|span: Span| work.ready.sources.location(span),
    });
    drift.doubts.clone_from(&reading.doubts);
    drift.notes.append(&mut notes);
    if let Some(Err(error)) = store.map(|s| since(&mut drift, s, global.now())) {
        drift.notes.push(format!("since when a difference is there is not remembered: {error}"));
    }
    let changes: Vec<&Change> = drift.differences.iter().map(|d| &d.change).collect();
    match session.reader.told_by(&changes).await {
        Ok(told) => {
            for (difference, told) in drift.differences.iter_mut().zip(told) {
                difference.told_by = told;
            }
        }
        // Who did it is good to know, and no reason not to go on.
        Err(error) => drift.notes.push(format!("who did what cannot be told: {error}")),
    }
    drift
}
