//! Reading the declaration, for every command that needs it.

use super::{Exit, Global, Ui};
use crate::config::{Declaration, Loaded};
use crate::diagnostic::{Finding, Severity, Sink, SourceMap};
use crate::invariants::rule;
use crate::model::Moment;
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

/// What was read and found.
pub struct Read {
    /// What the files want; nothing where it cannot be told.
    pub declaration: Option<Declaration>,
    /// The files.
    pub sources: SourceMap,
    /// What was found, sorted.
    pub findings: Vec<Finding>,
}

impl Read {
    /// Whether an error was found.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|f| f.severity == Severity::Error)
    }

    /// The same, without a declaration where an error was found.
    pub fn sound(mut self) -> Self {
        if self.is_broken() {
            self.declaration = None;
        }
        self
    }

    /// The same, with the findings compared with those of an earlier revision; warnings are errors where `strict`.
    pub fn against(mut self, before: &[Finding], strict: bool) -> Self {
        let set = super::revision::set_rules(self.declaration.as_ref());
        super::revision::against(&mut self.findings, before, &set);
        drop(set);
        self.sorted(strict)
    }

    fn sorted(mut self, strict: bool) -> Self {
        let mut sink = Sink::new();
        self.findings.drain(..).for_each(|finding| sink.push(finding));
        if strict {
            sink.make_strict();
        }
        self.findings = sink.into_sorted(&self.sources);
        self
    }
}

/// Reads the files as they are, with everything that was found.
pub fn read(global: &Global, strict: bool) -> Read {
    judged(crate::config::load(&global.file, &PROFILES, global.now()), global.now(), strict, |_| {})
}

/// What the rules say of files that were read, besides; `adjust` looks at it before it is kept.
pub fn judged(loaded: Loaded, now: Moment, strict: bool, adjust: impl Fn(&mut Finding)) -> Read {
    let mut sink = loaded.sink;
    if let Some(declaration) = &loaded.declaration {
        let desired = declaration.targets.iter().map(|t| &t.desired);
        for mut finding in crate::invariants::check_files(desired, now) {
            adjust(&mut finding);
            sink.push(finding);
        }
    }
    if strict {
        sink.make_strict();
    }
    let findings = sink.into_sorted(&loaded.sources);
    Read { declaration: loaded.declaration, sources: loaded.sources, findings }
}

/// What an optional rule calls an error is left to the plan, which knows what was so before and what is new.
pub fn left_to_the_plan(finding: &mut Finding) {
    if finding.severity == Severity::Error && rule(finding.code.name()).is_some_and(|r| r.optional) {
        finding.severity = Severity::Warning;
    }
}

/// Reads the files for work: errors are shown and end the run.
///
/// # Errors
/// The exit code, when the files have errors.
pub fn ready(ui: &mut Ui, global: &Global, strict: bool) -> Result<Ready, Exit> {
    let loaded = crate::config::load(&global.file, &PROFILES, global.now());
    let Read { declaration, sources, findings } = judged(loaded, global.now(), strict, left_to_the_plan).sound();
    match declaration {
        Some(declaration) => Ok(Ready { declaration, sources, findings }),
        None => {
            ui.findings(&findings, &sources);
            Err(Exit::Error)
        }
    }
}
