//! `rolecall ci reconcile`

use super::arguments::ReconcileArgs;
use super::outputs::Output;
use super::run::Run;
use crate::cli::apply::{ApplyArgs, Terms, carry};
use crate::cli::planning::{Work, declaration};
use crate::cli::{Exit, Failure, Global, Ui};
use crate::render::comment::sentence;
use crate::render::plural;

/// Runs the command.
///
/// # Errors
/// When the files or a target cannot be read, or something cannot be taken away.
pub fn reconcile(ui: &mut Ui, global: &Global, args: &ReconcileArgs) -> Result<Exit, Failure> {
    let mut run = Run::open(ui)?;
    let done = taken(ui, global, args, &mut run);
    run.end(ui, done)
}

fn taken(ui: &mut Ui, global: &Global, args: &ReconcileArgs, run: &mut Run) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, args.reporting.fail_on.warnings) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    // One target that cannot be reached does not keep what is over alive in the others.
    let (work, unread) = Work::open_each(global, &ready, &args.targets.targets)?;
    let mut text = String::from("### rolecall: what is over\n\n");
    for target in &unread {
        ui.note(&format!("{} is left out: {}\n", target.target, target.why));
        text.push_str(&format!("- {} could not be reached: {}\n", sentence(&target.target), sentence(&target.why)));
    }
    let mut exit = if unread.is_empty() { Exit::Done } else { Exit::Partial };
    if work.sessions.is_empty() {
        return Err(Failure::error("no target can be reached"));
    }
    let work = Work { only_over: true, ..work };
    let order = ApplyArgs::for_ci(&[], None, args.waiting.lock_timeout);
    let ended = carry(ui, global, &order, work, Terms::default())?;
    let made = ended.report.iter().flat_map(|r| &r.targets).map(|t| t.applied).sum::<usize>();
    text.push_str(&format!("{} made.\n", plural(made, "change")));
    if args.reporting.summary {
        run.summary(ui, &text);
    }
    run.set(Output::Changes, made > 0);
    run.set(Output::ToRemove, made);
    if ended.exit != Exit::Done {
        exit = ended.exit;
    }
    Ok(exit)
}
