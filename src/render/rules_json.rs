//! The rules for programs: `schemas/rules.schema.json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::plan_json::pretty;
use crate::diagnostic::Severity;
use crate::invariants::{RULES, RuleInfo, Scope};

/// The name and version of the format.
pub const FORMAT: &str = "rolecall.rules/1";

/// Some rules.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesDocument {
    /// `rolecall.rules/1`. Later minor changes only add keys.
    pub format: String,
    /// The rules by name.
    pub rules: Vec<RuleDocument>,
}

/// One rule.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    /// Its name.
    pub name: String,
    /// What it judges.
    pub scope: Scope,
    /// How bad its findings are when nothing else is set.
    pub severity: Severity,
    /// Whether `policies.invariants` can set it.
    pub optional: bool,
    /// What it says.
    pub statement: String,
    /// Where it comes from.
    pub source: String,
    /// A case in which it speaks.
    pub example: String,
    /// What to do then.
    pub fix: String,
}

impl From<&RuleInfo> for RuleDocument {
    fn from(rule: &RuleInfo) -> Self {
        Self {
            name: rule.name().to_owned(),
            scope: rule.scope,
            severity: rule.severity(),
            optional: rule.optional,
            statement: rule.statement.to_owned(),
            source: rule.source.to_owned(),
            example: rule.example.to_owned(),
            fix: rule.fix.to_owned(),
        }
    }
}

/// All rules.
///
/// # Errors
/// When a value cannot be written as JSON, which no rule holds.
pub fn rules() -> Result<String, serde_json::Error> {
    pretty(&RulesDocument { format: FORMAT.to_owned(), rules: RULES.iter().map(RuleDocument::from).collect() })
}

/// One rule, as a list of one.
///
/// # Errors
/// As [`rules`].
pub fn rule(rule: &RuleInfo) -> Result<String, serde_json::Error> {
    pretty(&RulesDocument { format: FORMAT.to_owned(), rules: vec![rule.into()] })
}
