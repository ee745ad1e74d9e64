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
        for finding in rolecall::invariants::check_files(declaration.targets.iter().map(|t| &t.desired), now()) {
            sink.push(finding);
        }
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
        let document = serde_json::to_value(findings_json::document(&found, &sources, "")).unwrap();
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
    for example in ["quickstart", "many-systems/declaration", "kubernetes-org/declaration"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        let (found, sources) = findings(&folder);
        let errors: Vec<&Finding> = found.iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{example}: {errors:?}");
        assert!(sources.len() > 1, "{example}: {} files", sources.len());
    }
}

/// What is said about a folder with these files, beside what is said about a sound declaration.
fn said_about(files: &[&str], links: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let sound = "version: 1\ntargets: {home: {provider: directory, url: \"sqlite:h.db\", catalogue: strongly}}\n";
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, if file.ends_with(".json") { "{\"users\": {}}" } else { "x-a: b\n" }).unwrap();
    }
    std::fs::write(folder.path().join("rolecall.yaml"), sound).unwrap();
    #[cfg(unix)]
    for (link, target) in links {
        std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
    }
    let (found, sources) = findings(folder.path());
    let text = findings_human::findings(&found, &sources, Style { color: false, width: 100 });
    assert!(text.lines().all(|l| !l.starts_with("FORGED")), "{text}");
    found.iter().map(|f| format!("{}[{}] {}", f.severity.word(), f.code.name(), f.message)).collect()
}

#[test]
fn no_file_is_left_out_in_silence() {
    let deep = format!("{}a.yaml", "d/".repeat(33));
    let expected = "the folder `inner` is another declaration and is not read";
    assert_eq!(said_about(&["inner/rolecall.yaml"], &[]), [format!("note[no-effect] {expected}")]);
    assert!(said_about(&[&deep], &[])[0].starts_with("error[too-deep]"));
    for name in ["A.YAML", "b.Yml", "c.json"] {
        let said = said_about(&[name], &[]);
        assert!(said.len() == 1 && said[0].starts_with("note[no-effect]") && said[0].contains(name), "{said:?}");
    }
    assert!(said_about(&["notes.txt", ".hidden/a.yaml", "b/c.yaml"], &[]).is_empty());
}

#[test]
#[cfg(unix)]
fn links_lead_to_what_is_read() {
    assert!(said_about(&["a.yaml", "b/c.yaml"], &[("l.yaml", "a.yaml"), ("l", "b")]).is_empty());
    for (file, target) in [(".a.yaml", ".a.yaml"), ("a.txt", "a.txt"), (".b/c.yaml", ".b"), ("b/rolecall.yaml", "b")] {
        let said = said_about(&[file], &[("l.yaml", target)]);
        assert!(said.iter().any(|s| s.starts_with("error[link-leaves-tree]")), "{target}: {said:?}");
    }
}

#[test]
#[cfg(unix)]
fn the_name_of_a_file_writes_no_lines() {
    let said = said_about(&["a\nFORGED: valid.YAML", "b\nFORGED/rolecall.yaml"], &[("c\nFORGED.yaml", "/")]);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said.iter().all(|s| !s.contains('\n') && s.contains("<U+000A>")), "{said:?}");
}

#[test]
fn a_declaration_is_called_rolecall_yaml() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("access.yaml");
    std::fs::write(&file, "version: 1\n").unwrap();
    let (found, _) = findings(&file);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code.name(), "no-declaration");
    assert!(found[0].message.contains("is called rolecall.yaml"), "{}", found[0].message);
}

#[test]
fn json_says_where_its_files_lie() {
    let env = crate::common::TestEnv::new();
    env.write("access/rolecall.yaml", "version: 1\ntargets: {}\nteam: {}\n");
    let said = |format: &str| env.run(&["validate", "-f", "access", "--format", format]).ended(1).stdout;
    let json: serde_json::Value = serde_json::from_str(&said("json")).unwrap();
    assert_eq!((&json["below"], &json["findings"][0]["place"]["file"]), (&"access/".into(), &"rolecall.yaml".into()));
    let sarif: serde_json::Value = serde_json::from_str(&said("sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(place, "access/rolecall.yaml");
    assert!(said("github").contains("file=access/rolecall.yaml,"));
}
