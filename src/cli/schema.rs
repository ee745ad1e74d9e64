//! `rolecall schema`

use clap::{Args, ValueEnum};

use super::validate::json;
use super::{Exit, Failure, Ui};
use crate::render::schemas;

/// Print a JSON Schema.
///
/// The same files stand under schemas/ in the repository. An editor with a YAML language server
/// completes and checks a declaration whose first line names the schema:
///
///     # yaml-language-server: $schema=./schemas/rolecall.schema.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value = "declaration")]
    of: Of,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// The files of a declaration
    Declaration,
    /// A saved plan
    Plan,
    /// Findings as JSON
    Diagnostics,
    /// Role catalogues as JSON
    Catalogue,
    /// A review of access as JSON
    Review,
    /// Drift as JSON
    Drift,
    /// The rules as JSON
    Rules,
    /// The answers of explain, can, who and test
    Answers,
    /// The answers of blame
    Blame,
}

/// Runs the command.
///
/// # Errors
/// When the schema cannot be written.
pub fn schema(ui: &mut Ui, args: &SchemaArgs) -> Result<Exit, Failure> {
    let value = match args.of {
        Of::Declaration => schemas::declaration(),
        Of::Plan => schemas::plan(),
        Of::Diagnostics => schemas::diagnostics(),
        Of::Catalogue => schemas::catalogue(),
        Of::Review => schemas::review(),
        Of::Drift => schemas::drift(),
        Of::Rules => schemas::rules(),
        Of::Answers => schemas::answers(),
        Of::Blame => schemas::blame(),
    };
    ui.out(&json(&value)?);
    Ok(Exit::Done)
}
