//! Plans, reports and histories for programs: the types are the documents.

use serde::Serialize;

use crate::apply::Report;
use crate::plan::Plan;

/// A plan: `schemas/plan.schema.json`.
///
/// # Errors
/// Never, as far as the types go; the library cannot promise it.
pub fn plan(plan: &Plan) -> Result<String, serde_json::Error> {
    pretty(plan)
}

/// What became of a plan: `schemas/report.schema.json`.
///
/// # Errors
/// Never, as far as the types go; the library cannot promise it.
pub fn report(report: &Report) -> Result<String, serde_json::Error> {
    pretty(report)
}

pub(super) fn pretty<T: Serialize>(document: &T) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
