//! `rolecall ci compile`

use super::arguments::CompileArgs;
use super::outputs::Output;
use super::plan::write_sarif;
use super::run::Run;
use super::{show, subject};
use crate::cli::{Exit, Failure, Global, Ui};
use crate::config::compile as compiled;
use crate::render::comment::sentence;
use crate::render::plural;

/// Runs the command.
///
/// # Errors
/// When the run or the files cannot be read, or the artifact cannot be written.
pub fn compile(ui: &mut Ui, global: &Global, args: &CompileArgs) -> Result<Exit, Failure> {
    let mut run = Run::open(ui)?;
    let done = made(ui, global, args, &mut run);
    run.end(ui, done)
}

fn made(ui: &mut Ui, global: &Global, args: &CompileArgs, run: &mut Run) -> Result<Exit, Failure> {
    let subject = subject::of(run)?;
    let files = subject::files(global, &subject, run, None, args.reporting.fail_on.warnings)?;
    let folder = show::folder(global);
    let sources = files.ready.as_ref().map_or(&files.sources, |r| &r.sources);
    run.annotate(ui, &args.reporting, &files.findings, sources, &folder);
    if let Some(path) = &args.sarif.sarif_file {
        write_sarif(path, &files.findings, sources, &folder)?;
    }
    if let Some(number) = subject.number {
        run.set(Output::PullRequest, number);
    }
    let Some(ready) = &files.ready else {
        if args.reporting.summary {
            let errors = files.findings.iter().filter(|f| f.severity == crate::diagnostic::Severity::Error);
            let mut text = format!("### rolecall: {} in the files\n\n", plural(errors.clone().count(), "error"));
            for finding in errors.take(50) {
                text.push_str(&format!("- {}\n", sentence(&finding.message)));
            }
            run.summary(ui, &text);
        }
        return Ok(subject::broken(ui, &files));
    };
    let base = files.earlier.as_ref().map(|e| e.revision.commit.clone());
    let bytes = compiled(&ready.sources, base).map_err(|e| crate::cli::plan::no_json(&e))?;
    std::fs::write(&args.out, bytes)
        .map_err(|e| Failure::error(format!("the artifact {} cannot be written: {e}", args.out.display())))?;
    run.set(Output::CompiledPath, args.out.display());
    ui.note(&format!("Compiled {} into {}.\n", plural(ready.sources.len(), "file"), args.out.display()));
    Ok(Exit::Done)
}
