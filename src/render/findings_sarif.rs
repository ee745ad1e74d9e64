//! Findings as SARIF 2.1.0, for code scanning.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::findings_json::{PlaceDocument, place};
use crate::diagnostic::{Code, Finding, Severity, SourceMap};

/// How many results GitHub keeps of one upload (`shared/lessons.md`, section 1.3).
const RESULTS_MAX: usize = 5_000;

/// One SARIF log with one run. Files are relative to the folder of `rolecall.yaml`; `prefix` is put in
/// front of them (the way from the repository's root, with a `/` at the end, or nothing).
#[must_use]
pub fn sarif(found: &[Finding], files: &SourceMap, prefix: &str) -> Value {
    let mut codes: Vec<Code> = found.iter().map(|f| f.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes
        .iter()
        .map(|code| {
            json!({
                "id": code.name(),
                "shortDescription": { "text": code.description() },
                "defaultConfiguration": { "level": level(code.severity()) },
            })
        })
        .collect();
    let results: Vec<Value> = found
        .iter()
        .take(RESULTS_MAX)
        .map(|finding| {
            let primary = finding.primary.as_ref().map(|l| place(l, files));
            let text = match &finding.help {
                Some(help) => format!("{}\n{help}", finding.message),
                None => finding.message.clone(),
            };
            let related: Vec<Value> = finding
                .related
                .iter()
                .enumerate()
                .map(|(i, l)| {
                    let at = place(l, files);
                    json!({
                        "id": i,
                        "message": { "text": at.text },
                        "physicalLocation": physical(&at, prefix),
                    })
                })
                .collect();
            let locations: Vec<Value> =
                primary.iter().map(|at| json!({ "physicalLocation": physical(at, prefix) })).collect();
            let file = primary.as_ref().map_or("", |p| p.file.as_str());
            let print = Sha256::digest(format!("{}\0{}\0{file}", finding.code.name(), finding.message));
            let print: String = print.iter().take(16).map(|b| format!("{b:02x}")).collect();
            json!({
                "ruleId": finding.code.name(),
                "ruleIndex": codes.binary_search(&finding.code).unwrap_or_default(),
                "level": level(finding.severity),
                "message": { "text": text },
                "locations": locations,
                "relatedLocations": related,
                "partialFingerprints": { "rolecall/v1": print },
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "rolecall",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    severity.word()
}

fn physical(at: &PlaceDocument, prefix: &str) -> Value {
    json!({
        "artifactLocation": { "uri": format!("{prefix}{}", at.file) },
        "region": {
            "startLine": at.line,
            "startColumn": at.column,
            "endLine": at.end_line,
            "endColumn": at.end_column,
        },
    })
}
