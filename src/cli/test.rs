//! `rolecall test`

use std::collections::BTreeMap;

use clap::Args;

use super::asking::{self, Stage, StateArgs};
use super::planning::declaration;
use super::{Exit, Failure, Global, Ui};
use crate::access::{Outcome, judge};
use crate::diagnostic::{Code, Finding, Span};
use crate::model::Claim;
use crate::render::access_json::{self, TestEntry};
use crate::render::tests_terminal;

/// Judge the access tests of the files.
///
/// Asked of the files alone; with --live of the targets as they are, with --plan of what a saved plan
/// leads to. `plan` and `apply` judge them on what they lead to, and stop where one fails. Ends with 3
/// when a test fails. What cannot be known is a failure.
#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    state: StateArgs,
}

/// Runs the command.
///
/// # Errors
/// When a target cannot be read.
pub fn test(ui: &mut Ui, global: &Global, args: &TestArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let scenes = asking::scenes(global, &ready, &args.state, None)?;
    let (entries, findings) = asking::ask(global, &ready, &scenes, |stages| judged(&ready, stages));
    let failed = entries.iter().any(|e| e.outcome != Outcome::Passed);
    let state = args.state.state();
    if args.state.wants_json() {
        ui.out(&super::validate::json(&access_json::tests(state, entries))?);
    } else {
        ui.out(&tests_terminal::tests(state, &entries, &findings, &ready.sources, ui.out_style()));
    }
    Ok(if failed { Exit::Blocked } else { Exit::Done })
}

/// Every test with what became of it in the targets that are asked, and the failures as findings.
fn judged(ready: &super::load::Ready, stages: &[Stage<'_, '_>]) -> (Vec<TestEntry>, Vec<Finding>) {
    let mut entries: BTreeMap<u32, TestEntry> = BTreeMap::new();
    let mut findings = Vec::new();
    for claim in &ready.declaration.tests {
        for stage in stages.iter().filter(|s| s.declared.name == claim.target) {
            let judgement = judge(&stage.asker, claim);
            let place = ready.sources.location(claim.origin);
            for failed in &judgement.failures {
                findings.push(finding(stage, claim, failed));
            }
            if judgement.more > 0 {
                let text = format!("{} more like these", judgement.more);
                findings.push(Finding::at(Code::AccessTest, claim.origin, text));
            }
            let entry = entries.entry(claim.number).or_insert_with(|| TestEntry::new(claim, place));
            entry.add(&claim.target, judgement);
        }
    }
    (entries.into_values().collect(), findings)
}

/// A failure with the places of the way by which somebody has access.
fn finding(stage: &Stage<'_, '_>, claim: &Claim<Span>, failed: &crate::access::Failed) -> Finding {
    let because = claim.because.as_ref().map(|b| format!(" ({b})")).unwrap_or_default();
    let mut finding = Finding::at(Code::AccessTest, claim.origin, format!("{}{because}", failed.message));
    for link in &failed.path {
        if let Some(span) = stage.files.origin(&link.edge) {
            finding = finding.also(span, link.edge.to_string());
        }
    }
    finding.help.clone_from(&failed.help);
    finding
}
