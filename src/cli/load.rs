//! Reading the declaration, for every command that needs it.

use super::{Exit, Global, Ui};
use crate::config::{Declaration, Loaded};
use crate::diagnostic::{Finding, Severity, SourceMap};
use crate::invariants::rule;
use crate::targets::PROFILES;

/// A declaration that can be worked with, its files, and what was found besides.
#[derive(Debug)]
pub struct Ready {
    /// What the files want.
    pub declaration: Declaration,
    /// The files.
    pub sources: SourceMap,
    /// Warnings and notes.
    pub findings: Vec<Finding>,
}

/// Reads the files as they are, with everything that was found, sorted.
pub fn read(global: &Global, strict: bool) -> (Option<Declaration>, SourceMap, Vec<Finding>) {
    read_as(global, strict, |_| {})
}

/// Reads the files, and looks at what the rules say of them before it is kept.
fn read_as(
    global: &Global,
    strict: bool,
    adjust: impl Fn(&mut Finding),
) -> (Option<Declaration>, SourceMap, Vec<Finding>) {
    let loaded: Loaded = crate::config::load(&global.file, &PROFILES, global.now());
    let mut sink = loaded.sink;
    if let Some(declaration) = &loaded.declaration {
        let desired = declaration.targets.iter().map(|t| &t.desired);
        for mut finding in crate::invariants::check_files(desired, global.now()) {
            adjust(&mut finding);
            sink.push(finding);
        }
    }
    if strict {
        sink.make_strict();
    }
    let findings = sink.into_sorted(&loaded.sources);
    let sound = findings.iter().all(|f| f.severity != Severity::Error);
    (loaded.declaration.filter(|_| sound), loaded.sources, findings)
}

/// Reads the files for work: errors are shown and end the run. What an optional rule calls an error is
/// left to the plan, which knows what was so before and what is new.
///
/// # Errors
/// The exit code, when the files have errors.
pub fn ready(ui: &mut Ui, global: &Global, strict: bool) -> Result<Ready, Exit> {
    let (declaration, sources, findings) = read_as(global, strict, |finding| {
        if finding.severity == Severity::Error && rule(finding.code.name()).is_some_and(|r| r.optional) {
            finding.severity = Severity::Warning;
        }
    });
    match declaration {
        Some(declaration) => Ok(Ready { declaration, sources, findings }),
        None => {
            ui.findings(&findings, &sources);
            Err(Exit::Error)
        }
    }
}
