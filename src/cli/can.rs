//! `rolecall can`

use clap::Args;

use super::asking::{self, StateArgs};
use super::planning::declaration;
use super::{Exit, Failure, Global, Ui};
use crate::access::Can;
use crate::render::{access_json, access_terminal};

/// Ask whether somebody may do something: ends with 0 for yes and 3 for no.
///
/// A role stands for all of its permissions together. What cannot be known ends with 3 as well, and
/// says so. Where the resource is in several targets, yes means in each of them.
#[derive(Debug, Args)]
pub struct CanArgs {
    /// The user: an e-mail, or the short name of the files
    user: String,
    /// The permission, or a role
    permission: String,
    /// The resource, as [TARGET:]KIND/NAME
    resource: String,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command.
///
/// # Errors
/// When the user, the resource or the permission is not known, or a target cannot be read.
pub fn can(ui: &mut Ui, global: &Global, args: &CanArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let scenes = asking::scenes(global, &ready, &args.state, Some(&args.resource))?;
    let answers = asking::ask(global, &ready, &scenes, |stages| {
        super::explain::answers(&ready, stages, &args.user, Some(&args.resource), Some(&args.permission))
    })?;
    // The least of the answers: of several targets, the no decides.
    let answer = answers.iter().map(|a| a.can).max().unwrap_or(Can::No);
    let state = args.state.state();
    if args.state.wants_json() {
        ui.out(&super::validate::json(&access_json::can(state, answer, answers))?);
    } else {
        ui.out(&access_terminal::can(state, &answers, ui.out_style()));
    }
    Ok(if answer.is_yes() { Exit::Done } else { Exit::Blocked })
}
