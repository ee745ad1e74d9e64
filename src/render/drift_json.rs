//! Drift for programs: `schemas/drift.schema.json`.

use crate::drift::Drift;

/// The drift as JSON.
///
/// # Errors
/// Never, as far as the types go; the library cannot promise it.
pub fn drift(drift: &Drift) -> Result<String, serde_json::Error> {
    super::plan_json::pretty(drift)
}
