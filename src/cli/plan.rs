//! `rolecall plan`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::between::{Asked, between};
use super::planning::{Selection, Work, declaration, runtime, store_folder};
use super::{Exit, Failure, Global, Ui};
use crate::plan::Plan;
use crate::render::{order_text, plan_json, plan_markdown, plan_terminal};

/// Show what an apply would do.
///
/// Reads the files and the live state of every target, and shows who gains and who loses what, the
/// changes, and what the guards say. Nothing is written but the file named with --out.
///
/// With --base, no target is asked: the files at that revision are taken for what is live. With --since,
/// the targets are read, and only what the files changed since that revision is planned; what had
/// drifted before is listed and left alone. Both mean the last commit that the revision has in common
/// with what is checked out, as a pull request does.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
    /// Show what this branch changes since this revision, without asking any target
    #[arg(long, value_name = "REV", conflicts_with_all = ["since", "record", "replay"])]
    base: Option<String>,
    /// With --base: up to this revision, and not to the files as they are
    #[arg(long, value_name = "REV", requires = "base")]
    head: Option<String>,
    /// Plan only what the files changed since this revision; drift is listed and left alone
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// Save the plan, for `rolecall apply FILE`
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the plan is written
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: PlanFormat,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// End with 2 when there is something to do
    #[arg(long)]
    detailed_exitcode: bool,
    /// Show the order as well: what waits for what, and why (JSON has it always)
    #[arg(long)]
    explain_order: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlanFormat {
    /// For people at a terminal
    Human,
    /// For programs: schemas/plan.schema.json
    Json,
    /// For a comment or a page
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// When a target cannot be read or the plan cannot be saved.
pub fn plan(ui: &mut Ui, global: &Global, args: &PlanArgs) -> Result<Exit, Failure> {
    if let Some(base) = &args.base {
        return compare(ui, global, args, base);
    }
    let ready = match declaration(ui, global, args.selection.strict) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let store = super::store::open_existing(global, &store_folder(&ready))?;
    let work = Work::open(global, &ready, &args.selection.targets)?.since(global, args.since.as_deref(), None)?;
    let plan = runtime()?.block_on(work.plan(global, store.as_deref(), &args.selection.accept, &[]))?;
    if let Some(path) = &args.out {
        std::fs::write(path, crate::plan::save(&plan))
            .map_err(|e| Failure::error(format!("the plan cannot be saved to {}: {e}", path.display())))?;
    }
    show(ui, args, &plan)?;
    if !args.is_for_programs() && !plan.is_blocked() && !plan.is_empty() && plan.unread.is_empty() {
        let since = args.since.as_ref().map(|rev| format!("--since {rev} ")).unwrap_or_default();
        let how = match &args.out {
            Some(path) => format!("apply {}", path.display()),
            None => format!("apply {since}--expect-digest {}", plan.digest),
        };
        ui.note(&format!("\nTo do exactly this: rolecall {how}\n"));
    }
    Ok(exit_of(&plan, args.detailed_exitcode))
}

/// Shows what changes between two revisions.
fn compare(ui: &mut Ui, global: &Global, args: &PlanArgs, base: &str) -> Result<Exit, Failure> {
    if args.out.is_some() {
        return Err(Failure::error("what changes between two revisions cannot be applied, and is not saved for it")
            .help("without --base, a plan is made from what is live, and can be; `--json > FILE` keeps this one for programs"));
    }
    let asked = Asked {
        base,
        head: args.head.as_deref(),
        targets: &args.selection.targets,
        accept: &args.selection.accept,
        strict: args.selection.strict,
    };
    let Some((plan, broken)) = between(ui, global, &asked)? else { return Ok(Exit::Error) };
    show(ui, args, &plan)?;
    Ok(match exit_of(&plan, args.detailed_exitcode) {
        Exit::Done | Exit::Differences if broken => Exit::Error,
        exit => exit,
    })
}

impl PlanArgs {
    fn is_for_programs(&self) -> bool {
        self.json || !matches!(self.format, PlanFormat::Human)
    }
}

fn show(ui: &mut Ui, args: &PlanArgs, plan: &Plan) -> Result<(), Failure> {
    let format = if args.json { PlanFormat::Json } else { args.format };
    match format {
        PlanFormat::Human => {
            ui.out(&plan_terminal::plan(plan, ui.out_style()));
            if args.explain_order {
                ui.out(&order_text::order(plan, ui.out_style()));
            }
        }
        PlanFormat::Json => ui.out(&plan_json::plan(plan).map_err(|e| no_json(&e))?),
        PlanFormat::Markdown => {
            ui.out(&plan_markdown::plan(plan));
            if args.explain_order {
                ui.out(&plan_markdown::order(plan));
            }
        }
    }
    Ok(())
}

/// A document of ours that cannot be written as JSON.
pub(super) fn no_json(error: &serde_json::Error) -> Failure {
    Failure::error(format!("no JSON can be made: {error}"))
}

fn exit_of(plan: &Plan, detailed: bool) -> Exit {
    if plan.is_blocked() {
        Exit::Blocked
    } else if !plan.unread.is_empty() {
        Exit::Error
    } else if detailed && !plan.is_empty() {
        Exit::Differences
    } else {
        Exit::Done
    }
}
