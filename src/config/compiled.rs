//! A declaration as one artifact: its files and nothing besides, for a job that may see a change but no
//! secret, to hand it to one that may see secrets and trusts nothing.
//!
//! The artifact is canonical JSON: the same files give the same bytes. Whoever reads it takes it for what a
//! stranger sent: paths that no folder of a declaration would have, and what is too large, are refused, and
//! the files are checked like those on a disk. Diagnostics keep their places, because files stay files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::declaration::RESERVED_FILE;
use super::load::{FILE_MAX, FILES_MAX, FOLDERS_MAX, TOTAL_MAX};
use crate::diagnostic::SourceMap;
use crate::model::is_invisible;

/// The format of artifacts that this program writes and reads.
const FORMAT: &str = "rolecall.compiled/1";

/// Why an artifact is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompiledError {
    /// Not JSON of this form.
    #[error("it is no compiled declaration: {0}")]
    Malformed(String),
    /// Of a version that this program does not know.
    #[error("it has the format `{0}`; this program reads `{FORMAT}`: compile it again with this program")]
    UnknownFormat(String),
    /// A path that no file of a declaration has.
    #[error("it holds a file under a path that no declaration has: {0:?}")]
    Path(String),
    /// More or larger than a declaration can be.
    #[error("it is larger than a declaration can be")]
    TooLarge,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Artifact {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    files: BTreeMap<String, String>,
}

/// The files of a declaration as one artifact, and the commit on which the change is built.
///
/// # Errors
/// When they cannot be written as JSON.
pub fn compile(sources: &SourceMap, base: Option<String>) -> Result<Vec<u8>, serde_json::Error> {
    let files = sources.iter().map(|(id, source)| (sources.path(id).to_owned(), source.text.clone())).collect();
    let mut bytes = serde_json::to_vec(&Artifact { format: FORMAT.to_owned(), base, files })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The files of an artifact, and the commit on which it says that they are built: to be looked at before it is
/// believed.
///
/// # Errors
/// When it is none, or holds what a declaration cannot have.
pub fn decompile(bytes: &[u8]) -> Result<(SourceMap, Option<String>), CompiledError> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    if bytes.len() as u64 > TOTAL_MAX {
        return Err(CompiledError::TooLarge);
    }
    let malformed = |e: serde_json::Error| CompiledError::Malformed(e.to_string());
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.format != FORMAT {
        return Err(CompiledError::UnknownFormat(head.format.chars().filter(|c| !is_invisible(*c)).take(80).collect()));
    }
    let artifact: Artifact = serde_json::from_slice(bytes).map_err(malformed)?;
    if artifact.files.len() > FILES_MAX || artifact.files.values().any(|text| text.len() as u64 > FILE_MAX) {
        return Err(CompiledError::TooLarge);
    }
    if !artifact.files.contains_key(RESERVED_FILE) {
        return Err(CompiledError::Malformed(format!("it holds no {RESERVED_FILE}")));
    }
    let is_commit = |base: &str| base.len() == 40 && base.bytes().all(|b| b.is_ascii_hexdigit());
    if artifact.base.as_deref().is_some_and(|base| !is_commit(base)) {
        return Err(CompiledError::Malformed("its base is no commit".to_owned()));
    }
    let mut sources = SourceMap::new();
    for (path, text) in artifact.files {
        if !is_path(&path) {
            return Err(CompiledError::Path(path.chars().take(200).collect()));
        }
        sources.add(path, text);
    }
    Ok((sources, artifact.base))
}

/// Whether a file of a declaration can have this path below its folder, as the loader spells it.
fn is_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let Some(file) = parts.pop() else { return false };
    let named = |part: &&str| !part.is_empty() && !part.starts_with('.');
    // Another rolecall.yaml begins another declaration.
    let own = path == RESERVED_FILE || file != RESERVED_FILE;
    own && parts.len() <= FOLDERS_MAX
        && parts.iter().all(named)
        && named(&file)
        && (file.ends_with(".yaml") || file.ends_with(".yml"))
        && !path.chars().any(|c| is_invisible(c) || c.is_control() || c == '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> SourceMap {
        let mut sources = SourceMap::new();
        for (path, text) in files {
            sources.add(*path, *text);
        }
        sources
    }

    #[test]
    fn what_is_compiled_is_what_was_there_and_the_same_bytes() {
        let files = [("rolecall.yaml", "version: 1\n"), ("teams/a.yml", "teams: {} # \u{202e}\n")];
        let bytes = compile(&sources(&files), Some("a".repeat(40))).unwrap();
        let again = [files[1], files[0]];
        assert_eq!(bytes, compile(&sources(&again), Some("a".repeat(40))).unwrap());
        let (read, base) = decompile(&bytes).unwrap();
        assert_eq!(base, Some("a".repeat(40)));
        let read: Vec<(&str, &str)> = read.iter().map(|(id, s)| (read.path(id), s.text.as_str())).collect();
        assert_eq!(read, files);
    }

    #[test]
    fn what_no_declaration_has_is_refused() {
        let with = |path: &str| {
            let files = BTreeMap::from([
                (RESERVED_FILE.to_owned(), "version: 1\n".to_owned()),
                (path.to_owned(), "users: {}\n".to_owned()),
            ]);
            serde_json::to_vec(&Artifact { format: FORMAT.to_owned(), base: None, files }).unwrap()
        };
        assert!(decompile(&with("teams/a.yaml")).is_ok());
        for path in [
            "../a.yaml",
            "/etc/a.yaml",
            "a/../b.yaml",
            "./a.yaml",
            ".git/a.yaml",
            "a//b.yaml",
            "a.json",
            "a\\b.yaml",
            "sub/rolecall.yaml",
            "a\u{202e}.yaml",
            "a\n.yaml",
            "a/.yaml",
            "",
            "a.yaml/",
        ] {
            assert!(matches!(decompile(&with(path)), Err(CompiledError::Path(_))), "{path:?}");
        }
        let deep = "a/".repeat(FOLDERS_MAX + 1) + "b.yaml";
        assert!(matches!(decompile(&with(&deep)), Err(CompiledError::Path(_))));
        for bytes in [&b""[..], b"{}", b"[]", br#"{"format":"rolecall.compiled/1"}"#, b"\xff"] {
            assert!(matches!(decompile(bytes), Err(CompiledError::Malformed(_))));
        }
        assert!(matches!(
            decompile(br#"{"format":"rolecall.compiled/9","x":1}"#),
            Err(CompiledError::UnknownFormat(_))
        ));
        let base = br#"{"format":"rolecall.compiled/1","base":"main","files":{"rolecall.yaml":""}}"#;
        assert!(matches!(decompile(base), Err(CompiledError::Malformed(_))));
        let other = br#"{"format":"rolecall.compiled/1","files":{"a.yaml":""}}"#;
        assert!(matches!(decompile(other), Err(CompiledError::Malformed(_))));
    }
}
