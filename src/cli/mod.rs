//! The command line: one file per command, which parses, calls, renders and gives an exit code.

mod apply;
mod arguments;
mod asking;
mod between;
mod blame;
mod can;
mod catalogue;
pub mod ci;
mod completions;
mod drift;
mod exit;
mod explain;
mod history;
mod import;
mod init;
mod load;
mod offboard;
mod plan;
mod planning;
mod progress;
mod review;
mod revision;
mod rules;
mod sandbox;
mod schema;
mod store;
mod test;
mod trace;
mod ui;
mod validate;
mod who;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use arguments::{ColorChoice, Format, Global};
pub use exit::{Exit, Failure};
pub use ui::Ui;

/// Keeps who-may-do-what in Git.
///
/// YAML files declare users, roles, teams, grants and auto-join domains; rolecall checks them,
/// shows what would change in the connected systems, and applies exactly that.
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Import(import::ImportArgs),
    Drift(drift::DriftArgs),
    Offboard(offboard::OffboardArgs),
    Review(review::ReviewArgs),
    Explain(explain::ExplainArgs),
    Blame(blame::BlameArgs),
    Who(who::WhoArgs),
    Can(can::CanArgs),
    Test(test::TestArgs),
    History(history::HistoryArgs),
    Catalogue(catalogue::CatalogueArgs),
    Ci(ci::CiArgs),
    Rules(rules::RulesArgs),
    ExplainRule(rules::ExplainRuleArgs),
    Sandbox(sandbox::SandboxArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os().collect()).into()
}

/// Runs the program with these arguments, the program's name first.
#[must_use]
pub fn run(args: Vec<OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments::with_two_dashes(args)) {
        Ok(cli) => cli,
        Err(error) => return ui::usage(&error),
    };
    trace::start();
    let mut ui = Ui::new(cli.global.color);
    let done = match cli.command {
        Command::Init(args) => init::init(&mut ui, &args),
        Command::Validate(args) => validate::validate(&mut ui, &cli.global, &args),
        Command::Plan(args) => plan::plan(&mut ui, &cli.global, &args),
        Command::Apply(args) => apply::apply(&mut ui, &cli.global, &args),
        Command::Import(args) => import::import(&mut ui, &cli.global, &args),
        Command::Drift(args) => drift::drift(&mut ui, &cli.global, &args),
        Command::Offboard(args) => offboard::offboard(&mut ui, &cli.global, &args),
        Command::Review(args) => review::review(&mut ui, &cli.global, &args),
        Command::Explain(args) => explain::explain(&mut ui, &cli.global, &args),
        Command::Blame(args) => blame::blame(&mut ui, &cli.global, &args),
        Command::Who(args) => who::who(&mut ui, &cli.global, &args),
        Command::Can(args) => can::can(&mut ui, &cli.global, &args),
        Command::Test(args) => test::test(&mut ui, &cli.global, &args),
        Command::History(args) => history::history(&mut ui, &cli.global, &args),
        Command::Catalogue(args) => catalogue::catalogue(&mut ui, &cli.global, &args),
        Command::Ci(args) => ci::ci(&mut ui, &cli.global, &args),
        Command::Rules(args) => rules::rules(&mut ui, &args),
        Command::ExplainRule(args) => rules::explain_rule(&mut ui, &args),
        Command::Sandbox(args) => sandbox::sandbox(&mut ui, &args),
        Command::Schema(args) => schema::schema(&mut ui, &args),
        Command::Completions(args) => completions::completions(&mut ui, &args),
    };
    match done {
        Ok(_) if ui.has_lost_output() => {
            ui.failure(&Failure::error("the result could not be written to stdout"));
            Exit::Error
        }
        Ok(exit) => exit,
        Err(failure) => {
            ui.failure(&failure);
            failure.exit
        }
    }
}

/// The definition of the command line, for completions and tests.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::definition().debug_assert();
    }
}
