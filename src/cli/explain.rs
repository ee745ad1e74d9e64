//! `rolecall explain`

use clap::Args;

use super::asking::{self, Stage, StateArgs};
use super::planning::declaration;
use super::{Exit, Failure, Global, Ui};
use crate::access::{Asked, Explanation};
use crate::model::ResourceId;
use crate::render::{access_json, access_terminal};

/// Show why somebody has access, and what would end it.
///
/// Every way in which the user has access is drawn as a tree: role, teams, inheritance, grants, with
/// the file and line that declares each step. Without a resource, everything that they have. Asked of
/// the files; with --live of the targets, with --plan of what a saved plan leads to.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The user: an e-mail, or the short name of the files
    user: String,
    /// The resource, as [TARGET:]KIND/NAME
    resource: Option<String>,
    /// Only what gives this permission, or all that this role gives
    #[arg(long, value_name = "PERMISSION")]
    can: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command.
///
/// # Errors
/// When the user, the resource or the permission is not known, or a target cannot be read.
pub fn explain(ui: &mut Ui, global: &Global, args: &ExplainArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let scenes = asking::scenes(global, &ready, &args.state, args.resource.as_deref())?;
    let answers = asking::ask(global, &ready, &scenes, |stages| {
        answers(&ready, stages, &args.user, args.resource.as_deref(), args.can.as_deref())
    })?;
    let state = args.state.state();
    if args.state.wants_json() {
        ui.out(&super::validate::json(&access_json::explain(state, answers))?);
    } else {
        ui.out(&access_terminal::explain(state, &answers, ui.out_style()));
    }
    Ok(Exit::Done)
}

/// An answer for each target that the question concerns.
///
/// # Errors
/// When something that is named is in none of the targets.
pub(super) fn answers(
    ready: &super::load::Ready,
    stages: &[Stage<'_, '_>],
    user: &str,
    resource: Option<&str>,
    can: Option<&str>,
) -> Result<Vec<Explanation>, Failure> {
    let email = asking::email(ready, user);
    let has_user = |s: &Stage<'_, '_>| s.asker.world().find_user(&email).is_some();
    let mut places: Vec<(&Stage<'_, '_>, Option<ResourceId>)> = match resource {
        Some(text) => asking::with_resource(ready, stages, text)?.into_iter().map(|(s, r)| (s, Some(r))).collect(),
        None => stages.iter().filter(|s| has_user(s)).map(|s| (s, None)).collect(),
    };
    // Somebody of another target has no account here, which is an answer.
    let declared = |t: &crate::config::TargetDeclaration| t.desired.directory.find_user(&email).is_some();
    let is_somebody = stages.iter().any(has_user) || ready.declaration.targets.iter().any(declared);
    if places.is_empty() || !is_somebody {
        return Err(asking::unknown_user(ready, stages, user));
    }
    // Where the user is in one of the targets that have the resource, the others say nothing of them.
    if places.iter().any(|(s, _)| has_user(s)) {
        places.retain(|(s, _)| has_user(s));
    }
    let mut answers = Vec::new();
    for &(stage, resource) in &places {
        let asked: Option<Asked> = match can {
            Some(text) => match asking::asked(ready, stage, text) {
                Some(asked) => Some(asked),
                None => continue,
            },
            None => None,
        };
        let name = &stage.declared.name;
        answers.push(match stage.asker.world().find_user(&email) {
            Some(user) => stage.asker.explain(name, user, resource, asked.as_ref()),
            None => stage.asker.stranger(name, &email, resource, can),
        });
    }
    match can {
        Some(text) if answers.is_empty() => {
            let stages: Vec<&Stage<'_, '_>> = places.iter().map(|(s, _)| *s).collect();
            Err(asking::unknown_ability(ready, &stages, text))
        }
        _ => Ok(answers),
    }
}
