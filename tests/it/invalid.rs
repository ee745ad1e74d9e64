//! Every folder of `tests/invalid` is a declaration with something wrong in it: what is said about it,
//! where, and what to do, is kept beside it.

use std::path::{Path, PathBuf};

use rolecall::config::{FILE_MAX, load};
use rolecall::diagnostic::{Finding, Severity, SourceMap};
use rolecall::model::Moment;
use rolecall::render::{Style, findings_human, findings_json, schemas};
use rolecall::targets::PROFILES;

fn now() -> Moment {
    Moment::parse("2026-11-21T12:00:00Z").unwrap()
}

fn findings(folder: &Path) -> (Vec<Finding>, SourceMap) {
    let loaded = load(folder, &PROFILES, now());
    let mut sink = loaded.sink;
    if let Some(declaration) = &loaded.declaration {
        rolecall::invariants::check_files(declaration.targets.iter().map(|t| &t.desired), &mut sink);
    }
    (sink.into_sorted(&loaded.sources), loaded.sources)
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid");
    let entries = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn what_is_said_about_wrong_declarations() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 60, "{} fixtures", fixtures.len());
    let schema = jsonschema::validator_for(&schemas::diagnostics()).unwrap();
    let mut without_advice = Vec::new();
    for folder in fixtures {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let (found, sources) = findings(&folder);
        assert!(!found.is_empty(), "{name}: nothing is said");
        for finding in &found {
            let helps = finding.help.as_ref().is_some_and(|h| !h.is_empty());
            if !helps && finding.severity != Severity::Note {
                without_advice.push(format!("{name}: {}", finding.message));
            }
            for label in finding.primary.iter().chain(&finding.related) {
                let source = sources.get(label.span.file).unwrap();
                assert!(label.span.end as usize <= source.text.len(), "{name}: a place behind the end");
                assert!(source.text.is_char_boundary(label.span.start as usize), "{name}: a place within a letter");
            }
        }
        let document = serde_json::to_value(findings_json::document(&found, &sources)).unwrap();
        if let Err(error) = schema.validate(&document) {
            panic!("{name}: the published schema refuses the JSON: {error}");
        }
        // Paths of this machine are no part of what is kept.
        let text = findings_human::findings(&found, &sources, Style { color: false, width: 100 })
            .replace(&folder.display().to_string(), "[FOLDER]");
        // The fixtures' secrets begin like this.
        assert!(!text.contains("not-a-real"), "{name}: a secret is shown:\n{text}");
        insta::with_settings!({
            snapshot_path => &folder,
            prepend_module_to_snapshot => false,
            omit_expression => true,
            description => name.clone(),
        }, { insta::assert_snapshot!("findings", text) });
    }
    assert!(without_advice.is_empty(), "no advice for:\n{}", without_advice.join("\n"));
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rolecall.yaml"), "version: 1\ntargets: {}\n").unwrap();
    let big = std::fs::File::create(folder.path().join("big.yaml")).unwrap();
    big.set_len(FILE_MAX + 1).unwrap();
    let (found, _) = findings(folder.path());
    assert!(found.iter().any(|f| f.code.name() == "too-large" && f.message.contains("big.yaml")), "{found:?}");
}

#[test]
fn the_examples_have_no_errors() {
    for example in ["quickstart", "many-systems", "kubernetes-org/declaration"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        let (found, sources) = findings(&folder);
        let errors: Vec<&Finding> = found.iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{example}: {errors:?}");
        assert!(sources.len() > 1, "{example}: {} files", sources.len());
    }
}
