//! `rolecall history`

use clap::{Args, Subcommand};

use super::plan::no_json;
use super::{Exit, Failure, Global, Ui};
use crate::render::{history_json, history_terminal};
use crate::store::{SqliteStore, Store};

/// Show what was applied, when, by whom and with which outcome.
///
/// The ledger lies in .rolecall/ beside the declaration. Its rows are chained by their hashes.
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
    let opened = SqliteStore::open_existing(&folder).map_err(|e| Failure::error(e.to_string()))?;
    let Some(store) = opened else {
        ui.note(&format!("Nothing has been applied from here: there is no ledger below {}.\n", folder.display()));
        return Ok(Exit::Done);
    };
    let failed = |e: crate::store::StoreError| Failure::error(e.to_string());
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
                    .help("rows before it are as they were written; compare with a copy"));
            }
            ui.out(&format!(
                "The ledger is whole: {}, up to {}.\n",
                crate::render::plural(found.rows as usize, "row"),
                found.head
            ));
        }
    }
    Ok(Exit::Done)
}
