//! `rolecall review`

use clap::{Args, ValueEnum};
use futures_util::future::join_all;

use super::plan::no_json;
use super::planning::{Work, declaration, runtime, store_folder};
use super::{Exit, Failure, Global, Ui, load};
use crate::config::TargetDeclaration;
use crate::diagnostic::Span;
use crate::model::Directory;
use crate::render::{review_csv, review_json, review_markdown, review_terminal};
use crate::review::{Past, Review, Strangers, Subject, TargetReview};
use crate::store::Store;

/// List what people should look at again, by risk.
///
/// Administrators, people who should be gone and for how long they kept access, people whom no file
/// knows and what they have in which system, people who were not seen, services without an owner, what people who left still own, grants without a reason and
/// memberships; and what ends within 14 days. `policies.review` says how often, and after how many
/// days without a visit somebody is asked about. Reads the live state of every target and the ledger;
/// writes nothing, and keeps no record of reviews.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Only this target, or the targets with this label; can be given several times
    #[arg(short, long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// Look at the files alone, and contact nothing
    #[arg(long)]
    declared: bool,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: ReviewFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// End with 2 when there is something to look at
    #[arg(long)]
    detailed_exitcode: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReviewFormat {
    /// For people at a terminal
    Human,
    /// For programs: schemas/review.schema.json
    Json,
    /// For a spreadsheet; a cell that looks like a formula begins with an apostrophe
    Csv,
    /// For a page: a table for each risk, with a box for each decision
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// When a target or the ledger cannot be read.
pub fn review(ui: &mut Ui, global: &Global, args: &ReviewArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let targets = if args.declared {
        super::planning::check_targets(&ready, &args.targets)?;
        let selected = ready.declaration.select(&args.targets);
        selected.into_iter().map(|declared| one(global, &ready, declared, None, None, None)).collect()
    } else {
        let store = super::store::open_existing(global, &store_folder(&ready))?;
        let work = Work::open_whole(global, &ready, &args.targets)?;
        runtime()?.block_on(read(ui, global, &work, store.as_deref()))?
    };
    let review = Review::new(global.now(), args.declared, targets);
    let format = if args.json { ReviewFormat::Json } else { args.format };
    ui.out(&match format {
        ReviewFormat::Human => review_terminal::review(&review, ui.out_style()),
        ReviewFormat::Json => review_json::review(&review).map_err(|e| no_json(&e))?,
        ReviewFormat::Csv => review_csv::review(&review),
        ReviewFormat::Markdown => review_markdown::review(&review),
    });
    Ok(if args.detailed_exitcode && !review.is_empty() { Exit::Differences } else { Exit::Done })
}

/// Reads every target, and what the ledger tells of it.
async fn read(
    ui: &mut Ui,
    global: &Global,
    work: &Work<'_>,
    store: Option<&dyn Store>,
) -> Result<Vec<TargetReview>, Failure> {
    let mut readings = Vec::new();
    for (session, reading) in work.sessions.iter().zip(join_all(work.sessions.iter().map(|s| work.read(s))).await) {
        readings.push((session, reading?));
    }
    let declared = work.ready.declaration.targets.iter().map(|t| &t.desired);
    let live = readings.iter().map(|(session, reading)| (&session.declared.desired, &reading.directory));
    let strangers = Strangers::of(declared, live);
    let mut targets = Vec::new();
    for (session, reading) in &readings {
        let name = &session.declared.name;
        for note in &reading.notes {
            ui.note(&format!("note: {}\n", crate::render::clean(note)));
        }
        let policy = crate::review::policy(&session.declared.desired);
        let since = global.now().plus_days(-i64::from(policy.every.max(policy.inactive)));
        let past = store
            .map(|store| crate::review::past(store, name, since))
            .transpose()
            .map_err(|e| Failure::error(e.to_string()))?;
        targets.push(one(
            global,
            work.ready,
            session.declared,
            Some(&reading.directory),
            Some(&strangers),
            past.as_ref(),
        ));
    }
    Ok(targets)
}

fn one(
    global: &Global,
    ready: &load::Ready,
    declared: &TargetDeclaration,
    live: Option<&Directory>,
    strangers: Option<&Strangers>,
    past: Option<&Past>,
) -> TargetReview {
    let locate = |span: Span| ready.sources.location(span);
    crate::review::review(&Subject {
        desired: &declared.desired,
        live,
        strangers,
        provider: declared.provider.word(),
        past,
        now: global.now(),
        locate: &locate,
    })
}
