//! The published JSON Schemas (2020-12), generated from the types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::findings_json::DiagnosticsDocument;

/// Of the files of a declaration.
#[must_use]
pub fn declaration() -> Value {
    crate::config::declaration_schema()
}

/// Of findings as JSON.
#[must_use]
pub fn diagnostics() -> Value {
    schema_of::<DiagnosticsDocument>("rolecall diagnostics")
}

/// Of a saved plan.
#[must_use]
pub fn plan() -> Value {
    schema_of::<crate::plan::Plan>("rolecall plan")
}

/// Of answers to questions about access.
#[must_use]
pub fn answers() -> Value {
    schema_of::<super::access_json::Answer>("rolecall answers")
}

/// Of who declared what.
#[must_use]
pub fn blame() -> Value {
    schema_of::<super::blame_json::BlameDocument>("rolecall blame")
}

/// Of what became of a plan.
#[must_use]
pub fn report() -> Value {
    schema_of::<crate::apply::Report>("rolecall report")
}

/// Of the ledger as JSON.
#[must_use]
pub fn history() -> Value {
    schema_of::<super::history_json::HistoryDocument>("rolecall history")
}

/// Of role catalogues as JSON.
#[must_use]
pub fn catalogue() -> Value {
    schema_of::<super::catalogue_json::CataloguesDocument>("rolecall catalogue")
}

/// Of a review of access.
#[must_use]
pub fn review() -> Value {
    schema_of::<crate::review::Review>("rolecall review")
}

/// Of drift.
#[must_use]
pub fn drift() -> Value {
    schema_of::<crate::drift::Drift>("rolecall drift")
}

/// Of the rules as JSON.
#[must_use]
pub fn rules() -> Value {
    schema_of::<super::rules_json::RulesDocument>("rolecall rules")
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let mut value = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("title".to_owned(), title.into());
    }
    value
}
