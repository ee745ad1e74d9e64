//! `rolecall ci`: what the GitHub Action calls.

mod apply;
pub mod arguments;
mod compile;
mod drift;
pub mod outputs;
mod plan;
mod reconcile;
mod reviewed;
mod run;
mod show;
mod subject;

pub use arguments::CiArgs;

use arguments::CiCommand;

use super::{Exit, Failure, Global, Ui};

/// Runs the command.
///
/// # Errors
/// See the commands.
pub fn ci(ui: &mut Ui, global: &Global, args: &CiArgs) -> Result<Exit, Failure> {
    match &args.command {
        CiCommand::Compile(args) => compile::compile(ui, global, args),
        CiCommand::Plan(args) => plan::plan(ui, global, args),
        CiCommand::Apply(args) => apply::apply(ui, global, args),
        CiCommand::Drift(args) => drift::drift(ui, global, args),
        CiCommand::Reconcile(args) => reconcile::reconcile(ui, global, args),
    }
}
