//! `rolecall plan`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::planning::{Selection, Work, declaration, runtime, store_folder};
use super::{Exit, Failure, Global, Ui};
use crate::plan::Plan;
use crate::render::{order_text, plan_json, plan_markdown, plan_terminal};

/// Show what an apply would do.
///
/// Reads the files and the live state of every target, and shows who gains and who loses what, the
/// changes, and what the guards say. Nothing is written but the file named with --out.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
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
    let ready = match declaration(ui, global, args.selection.strict) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let store = super::store::open_existing(global, &store_folder(&ready))?;
    let work = Work::open(global, &ready, &args.selection.targets)?;
    let plan = runtime()?.block_on(work.plan(global, store.as_deref(), &args.selection.accept, &[]))?;
    if let Some(path) = &args.out {
        std::fs::write(path, crate::plan::save(&plan))
            .map_err(|e| Failure::error(format!("the plan cannot be saved to {}: {e}", path.display())))?;
    }
    let format = if args.json { PlanFormat::Json } else { args.format };
    match format {
        PlanFormat::Human => {
            ui.out(&plan_terminal::plan(&plan, ui.out_style()));
            if args.explain_order {
                ui.out(&order_text::order(&plan, ui.out_style()));
            }
            if !plan.is_blocked() && !plan.is_empty() && plan.unread.is_empty() {
                let how = match &args.out {
                    Some(path) => format!("apply {}", path.display()),
                    None => format!("apply --expect-digest {}", plan.digest),
                };
                ui.note(&format!("\nTo do exactly this: rolecall {how}\n"));
            }
        }
        PlanFormat::Json => ui.out(&plan_json::plan(&plan).map_err(|e| no_json(&e))?),
        PlanFormat::Markdown => {
            ui.out(&plan_markdown::plan(&plan));
            if args.explain_order {
                ui.out(&plan_markdown::order(&plan));
            }
        }
    }
    Ok(exit_of(&plan, args.detailed_exitcode))
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
