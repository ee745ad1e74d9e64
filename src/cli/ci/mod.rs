//! `rolecall ci`: what the GitHub Action calls.

pub mod arguments;
pub mod outputs;

pub use arguments::CiArgs;

use super::{Exit, Failure, Global, Ui};

/// Runs the command.
///
/// # Errors
/// Always: no flow is built yet.
pub fn ci(_ui: &mut Ui, _global: &Global, args: &CiArgs) -> Result<Exit, Failure> {
    Err(Failure::error(format!("`rolecall ci {}` is not built yet", args.command.name()))
        .help("`rolecall validate --format github` and `rolecall plan --format markdown` are there today"))
}
