//! `rolecall completions`

use clap::Args;
use clap_complete::Shell;

use super::{Exit, Failure, Ui};

/// Print completions for a shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// Never.
pub fn completions(ui: &mut Ui, args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::definition(), "rolecall", &mut script);
    ui.out(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
