//! `rolecall history`

use clap::{Args, Subcommand};

use super::plan::no_json;
use super::{Exit, Failure, Global, Ui, store};
use crate::render::{history_json, history_terminal};
use crate::store::{Place, StoreError};

/// Show what was applied, when, by whom and with which outcome.
///
/// The ledger lies in .rolecall/ beside the declaration, or where --store says. Its rows are chained by their hashes.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(subcommand)]
    command: Option<HistoryCommand>,
    /// Only applies to this target
    #[arg(short, long, value_name = "NAME")]
    target: Option<String>,
    /// How many, the newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    /// Show every change of one apply
    Show {
        /// The number of the apply
        apply: i64,
    },
    /// Check that no row of the ledger was changed
    Verify,
}

/// Runs the command.
///
/// # Errors
/// When the ledger cannot be read, or an apply is not there.
pub fn history(ui: &mut Ui, global: &Global, args: &HistoryArgs) -> Result<Exit, Failure> {
    // What was done can be looked up also while the files are broken.
    let folder = crate::config::root_of(&global.file);
    let opened = match &args.command {
        Some(HistoryCommand::Verify) => store::open_to_verify(global, &folder)?,
        _ => store::open_existing(global, &folder)?,
    };
    let Some(store) = opened else {
        ui.note(&match &global.store {
            Place::Sqlite => {
                format!("Nothing has been applied from here: there is no ledger below {}.\n", folder.display())
            }
            Place::Git(branch) => format!("Nothing has been applied yet: there is no branch {}.\n", branch.name),
        });
        return Ok(Exit::Done);
    };
    let failed = |e: StoreError| store::failure(&e);
    match &args.command {
        None => {
            let applies = store.applies(args.target.as_deref(), args.limit).map_err(failed)?;
            let text = if args.json {
                history_json::applies(&applies).map_err(|e| no_json(&e))?
            } else {
                history_terminal::applies(&applies, ui.out_style())
            };
            ui.out(&text);
        }
        Some(HistoryCommand::Show { apply }) => {
            let found = store.applies(None, usize::MAX).map_err(failed)?.into_iter().find(|a| a.info.id == *apply);
            let Some(found) = found else {
                return Err(Failure::error(format!("there is no apply {apply} in the ledger"))
                    .help("`rolecall history` lists them"));
            };
            let entries = store.entries(*apply).map_err(failed)?;
            let text = if args.json {
                history_json::apply(&found, &entries).map_err(|e| no_json(&e))?
            } else {
                history_terminal::apply(&found, &entries, ui.out_style())
            };
            ui.out(&text);
        }
        Some(HistoryCommand::Verify) => {
            let found = store.verify().map_err(failed)?;
            if let Some(broken) = found.broken {
                return Err(Failure::error(format!("the ledger is broken at row {}: {}", broken.row, broken.what))
                    .help(match &global.store {
                        Place::Sqlite => "rows before it are as they were written; compare with a copy",
                        Place::Git(_) => "rows before it are as they were written; `git log` of the branch shows who pushed what, and another clone may have what was there",
                    }));
            }
            let anchor = found.anchor.map(|at| format!(", at {at}")).unwrap_or_default();
            ui.out(&format!(
                "The ledger is whole: {}, up to {}{anchor}.\n",
                crate::render::plural(found.rows as usize, "row"),
                found.head
            ));
        }
    }
    Ok(Exit::Done)
}
