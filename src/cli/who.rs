//! `rolecall who`

use clap::Args;

use super::asking::{self, Stage, StateArgs};
use super::planning::declaration;
use super::{Exit, Failure, Global, Ui};
use crate::access::Who;
use crate::render::{access_json, access_terminal};

/// Show who has access to a resource, and by what.
///
/// Administrators come first, then who has access to this resource or to one around it, then who has
/// permissions everywhere. JSON lists everyone; text the first few of many.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// The resource, as [TARGET:]KIND/NAME
    resource: String,
    /// Only who may do this: a permission, or a role, which stands for all of its permissions
    #[arg(long, value_name = "PERMISSION")]
    can: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command.
///
/// # Errors
/// When the resource or the permission is not known, or a target cannot be read.
pub fn who(ui: &mut Ui, global: &Global, args: &WhoArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let scenes = asking::scenes(global, &ready, &args.state, Some(&args.resource))?;
    let answers = asking::ask(global, &ready, &scenes, |stages| answers(&ready, stages, args))?;
    let state = args.state.state();
    if args.state.wants_json() {
        ui.out(&super::validate::json(&access_json::who(state, answers))?);
    } else {
        ui.out(&access_terminal::who(state, &answers, ui.out_style()));
    }
    Ok(Exit::Done)
}

fn answers(ready: &super::load::Ready, stages: &[Stage<'_, '_>], args: &WhoArgs) -> Result<Vec<Who>, Failure> {
    let places = asking::with_resource(ready, stages, &args.resource)?;
    let mut answers = Vec::new();
    for &(stage, resource) in &places {
        let asked = match &args.can {
            Some(text) => match asking::asked(ready, stage, text) {
                Some(asked) => Some(asked),
                None => continue,
            },
            None => None,
        };
        answers.push(stage.asker.who(&stage.declared.name, resource, asked.as_ref()));
    }
    match &args.can {
        Some(text) if answers.is_empty() => {
            let stages: Vec<&Stage<'_, '_>> = places.iter().map(|(s, _)| *s).collect();
            Err(asking::unknown_ability(ready, &stages, text))
        }
        _ => Ok(answers),
    }
}
