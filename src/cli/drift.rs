//! `rolecall drift`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use futures_util::future::join_all;

use super::plan::no_json;
use super::planning::{Session, Work, declaration, runtime, store_folder};
use super::{Exit, Failure, Global, Ui};
use crate::config::{TargetDeclaration, nearest};
use crate::diagnostic::{Finding, Location, Severity, SourceMap, Span};
use crate::drift::adopt::{Adopted, Judged, Read, adopt};
use crate::drift::{Difference, Drift, Subject, TargetDrift, allow, find, since};
use crate::invariants::check_files;
use crate::model::{Change, Directory};
use crate::plan::{Options, Renaming, Unread};
use crate::render::{clean, drift_adopt, drift_json, drift_markdown, drift_terminal};
use crate::store::Store;
use crate::targets::{PROFILES, Reading};

/// Show how what is live differs from what the files declare.
///
/// Every difference says on which side it is (extra, missing, different), whether it widens access and for
/// whom, since when it has been seen, and who did it where the target's own log tells. `drift: {allow: [...]}`
/// in the files hides a difference for a time, with an owner and a reason, but never one that widens access.
/// Reads alone: nothing is changed in any target. Ends with 0 when there is no drift, with 2 when there is,
/// and with 1 when a target cannot be read.
///
/// With --adopt the files are edited until they say what is live: shown as a textual difference, and written
/// after asking. Every comment and every line that is not concerned stays as it is; what cannot be said by an
/// edit is listed and left. Ends with 2 when something is left.
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
    /// Edit the files so that they say what is live
    #[arg(long, conflicts_with_all = ["format", "json"])]
    adopt: bool,
    /// Adopt only this, named as in the report (`user bot@acme.com`); can be given several times
    #[arg(long, value_name = "OBJECT", requires = "adopt")]
    only: Vec<String>,
    /// Show the edits and write nothing
    #[arg(long, requires = "adopt")]
    dry_run: bool,
    /// Write the edits without asking
    #[arg(long, requires = "adopt", conflicts_with = "dry_run")]
    auto_approve: bool,
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
    let (store, trouble) = match super::store::open(global, &store_folder(&ready)) {
        Ok(store) => (Some(store), None),
        Err(failure) => (None, Some(failure.message)),
    };
    let (mut drift, live) = runtime()?.block_on(look(global, &work, store.as_deref(), unread));
    drift.notes.extend(trouble.map(|e| format!("since when a difference is there is not remembered: {e}")));
    allow(&mut drift, &ready.declaration.allowed_drift, &|span| ready.sources.location(span));
    if args.adopt {
        return adopting(ui, global, args, &work, &drift, &live);
    }
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
pub(super) async fn look(
    global: &Global,
    work: &Work<'_>,
    store: Option<&dyn Store>,
    mut unread: Vec<Unread>,
) -> (Drift, Vec<Live>) {
    let (mut targets, mut live) = (Vec::new(), Vec::new());
    let mut notes = Vec::new();
    for session in &work.sessions {
        if let Err(failure) = work.recall(session, store) {
            notes.push(format!("what was known of `{}` is not remembered: {}", session.declared.name, failure.message));
        }
    }
    let readings = join_all(work.sessions.iter().map(|session| session.reader.read())).await;
    for (session, reading) in work.sessions.iter().zip(readings) {
        match reading {
            Ok(reading) => {
                let (drift, renamed) = one(global, work, session, &reading, store).await;
                targets.push(drift);
                live.push(Live { directory: reading.directory, renamed });
            }
            Err(error) => {
                unread.push(Unread { target: session.declared.name.clone(), why: error.to_string() });
            }
        }
    }
    unread.sort_by(|a, b| a.target.cmp(&b.target));
    let mut drift = Drift::new(global.now(), targets, unread);
    drift.notes = notes;
    (drift, live)
}

/// The drift of one target.
async fn one(
    global: &Global,
    work: &Work<'_>,
    session: &Session<'_>,
    reading: &Reading,
    store: Option<&dyn Store>,
) -> (TargetDrift, BTreeSet<Renaming>) {
    let declared = session.declared;
    let mut notes: Vec<String> = reading.notes.clone();
    let ownership = match store.map(|s| crate::apply::memory(&declared.name, s)).transpose() {
        Ok(known) => known.flatten(),
        Err(error) => {
            notes.push(format!("what was applied before is not known: {error}"));
            None
        }
    };
    let renamed = ownership.map(|o| o.renamed).unwrap_or_default();
    let mut drift =
        compared(global, session, declared, &reading.directory, &renamed, &|span| work.ready.sources.location(span));
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
    (drift, renamed)
}

/// What is live of a target against a declaration of it.
fn compared(
    global: &Global,
    session: &Session<'_>,
    declared: &TargetDeclaration,
    live: &Directory,
    renamed: &BTreeSet<Renaming>,
    locate: &dyn Fn(Span) -> Location,
) -> TargetDrift {
    let capabilities = session.reader.capabilities();
    find(&Subject {
        desired: &declared.desired,
        live,
        provider: declared.provider.word(),
        options: Options {
            now: global.now(),
            renames: capabilities.renames,
            invites: capabilities.invites,
            kept: capabilities.kept,
        },
        renamed,
        reach: &|change: &Change| session.reader.reach(change),
        contains: session.reader.contains_blocks(),
        locate,
    })
}

/// What was read of a target.
pub(super) struct Live {
    directory: Directory,
    renamed: BTreeSet<Renaming>,
}

/// Edits the files so that they say what is live.
fn adopting(
    ui: &mut Ui,
    global: &Global,
    args: &DriftArgs,
    work: &Work<'_>,
    drift: &Drift,
    live: &[Live],
) -> Result<Exit, Failure> {
    for unread in &drift.unread {
        ui.failure(&Failure::error(format!("the target `{}` cannot be read: {}", unread.target, unread.why)));
    }
    let only = chosen(work, drift, &args.only)?;
    let choose = |d: &Difference| if only.is_empty() { !d.is_hidden() } else { only.contains(&d.object.to_string()) };
    let texts: Vec<(String, String)> =
        work.ready.sources.iter().map(|(_, source)| (source.path.clone(), source.text.clone())).collect();
    let read: Vec<Read<'_>> =
        drift.targets.iter().zip(live).map(|(drift, live)| Read { drift, live: &live.directory }).collect();
    let judge = |texts: Vec<(String, String)>| judged(global, work, drift, live, texts);
    let adopted = adopt(&work.ready.declaration, texts, &read, &choose, &judge);
    if adopted.adopted.is_empty() && adopted.not.is_empty() {
        ui.out("Nothing is to be adopted: the files say what is live.\n");
        return Ok(if drift.unread.is_empty() { Exit::Done } else { Exit::Error });
    }
    ui.out(&drift_adopt::adopted(&adopted, ui.out_style()));
    if !args.dry_run && !adopted.is_empty() {
        if !args.auto_approve && !ui.can_ask() {
            return Err(Failure::error("nobody is there to agree to these edits")
                .help("look at them with --dry-run, and agree beforehand with --auto-approve"));
        }
        if !args.auto_approve && !ui.confirm("\nWrite this? Only `yes` is taken for a yes: ") {
            ui.note("Nothing was written.\n");
            return Ok(Exit::Error);
        }
        write_all(&work.ready.declaration.root, &adopted)?;
        ui.note(&format!("Wrote {}.\n", crate::render::plural(adopted.files.len(), "file")));
    }
    let taken = |target: &str, d: &Difference| {
        !args.dry_run && adopted.adopted.iter().any(|(t, a)| t == target && a.change == d.change)
    };
    let left = drift.targets.iter().any(|t| t.reported().any(|d| !taken(&t.target, d)));
    Ok(match (drift.unread.is_empty(), left) {
        (false, _) => Exit::Error,
        (true, true) => Exit::Differences,
        (true, false) => Exit::Done,
    })
}

/// The things that are named, as the report names them.
fn chosen(work: &Work<'_>, drift: &Drift, only: &[String]) -> Result<BTreeSet<String>, Failure> {
    let all: BTreeSet<String> =
        drift.targets.iter().flat_map(|t| t.differences.iter().map(|d| d.object.to_string())).collect();
    let long = |text: &str| {
        let (head, last) = text.rsplit_once(' ')?;
        Some(format!("{head} {}", work.ready.declaration.short_names.get(last)?))
    };
    let mut found = BTreeSet::new();
    for text in only {
        let name = if all.contains(text) { text.clone() } else { long(text).unwrap_or_else(|| text.clone()) };
        if !all.contains(&name) {
            let near = nearest(&name, all.iter().map(String::as_str));
            let help = near.map_or_else(
                || {
                    "`rolecall drift` lists them, as in `user bot@acme.com` or `member platform bot@acme.com`"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::error(format!("`{}` does not differ", clean(text))).help(help));
        }
        found.insert(name);
    }
    Ok(found)
}

/// Reads edited files as if they stood in the folder, and compares them with what was read.
fn judged(
    global: &Global,
    work: &Work<'_>,
    drift: &Drift,
    live: &[Live],
    texts: Vec<(String, String)>,
) -> Result<Judged, String> {
    let mut sources = SourceMap::new();
    for (path, text) in texts {
        sources.add(path, text);
    }
    let root = work.ready.declaration.root.clone();
    let loaded = crate::config::load_sources(root, sources, &PROFILES, global.now());
    let wrong = |finding: &Finding| {
        let at = finding.primary.as_ref().map(|l| format!("{}: ", loaded.sources.location(l.span))).unwrap_or_default();
        format!("the files would not hold: {at}{}", finding.message)
    };
    let Some(declaration) = loaded.declaration else {
        return Err(loaded.sink.errors().next().map_or_else(|| "the files would not hold".to_owned(), wrong));
    };
    let rules = check_files(declaration.targets.iter().map(|t| &t.desired), global.now());
    // What an optional rule says is left to the plan, as everywhere.
    let optional = |f: &Finding| crate::invariants::rule(f.code.name()).is_some_and(|r| r.optional);
    if let Some(finding) = rules.iter().find(|f| f.severity == Severity::Error && !optional(f)) {
        return Err(wrong(finding));
    }
    let mut drifts = Vec::new();
    for (target, live) in drift.targets.iter().zip(live) {
        let session = work.sessions.iter().find(|s| s.declared.name == target.target);
        let declared = declaration.targets.iter().find(|t| t.name == target.target);
        let (Some(session), Some(declared)) = (session, declared) else {
            return Err(format!("the target `{}` would be gone", target.target));
        };
        let locate = |span: Span| loaded.sources.location(span);
        drifts.push(compared(global, session, declared, &live.directory, &live.renamed, &locate));
    }
    Ok(Judged { declaration, drifts })
}

/// Writes all files, or none: each beside its place first, then all into their places.
fn write_all(root: &Path, adopted: &Adopted) -> Result<(), Failure> {
    let mut beside: Vec<(PathBuf, PathBuf, &str)> = Vec::new();
    let clear = |beside: &[(PathBuf, PathBuf, &str)]| {
        for (new, ..) in beside {
            let _ = std::fs::remove_file(new);
        }
    };
    for (path, (before, after)) in &adopted.files {
        let file = root.join(path);
        // The file is known by the name that people see, and may have been saved since.
        if std::fs::read_to_string(&file).ok().as_deref() != Some(before) {
            clear(&beside);
            return Err(Failure::error(format!("{} has changed meanwhile, or cannot be named", file.display()))
                .help("nothing was written: begin again"));
        }
        let mut new = file.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        // The file keeps its permissions.
        let written = std::fs::copy(&file, &new).and_then(|_| std::fs::write(&new, after));
        beside.push((new, file, before));
        if let Err(error) = written {
            clear(&beside);
            let file = beside.last().map(|(_, file, _)| file.display().to_string()).unwrap_or_default();
            return Err(Failure::error(format!("{file} cannot be written: {error}")).help("nothing was written"));
        }
    }
    for (index, (new, file, _)) in beside.iter().enumerate() {
        let Err(error) = std::fs::rename(new, file) else { continue };
        let mut lost = Vec::new();
        for (_, file, before) in &beside[..index] {
            if std::fs::write(file, before).is_err() {
                lost.push(file.display().to_string());
            }
        }
        clear(&beside[index..]);
        let help = match lost.is_empty() {
            true => "nothing was written".to_owned(),
            false => format!("these were written, and could not be put back: {}", lost.join(", ")),
        };
        return Err(Failure::error(format!("{} cannot be written: {error}", file.display())).help(help));
    }
    Ok(())
}
