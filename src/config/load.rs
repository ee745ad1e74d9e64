//! Which files make up a declaration, and their bytes.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use string_interner::{DefaultBackend, StringInterner};

use super::declaration::{FileDecl, RESERVED_FILE};
use super::decode::{Context, Decode};
use super::document::Document;
use super::resolve::{self, Declaration, Merged};
use super::schema::Checker;
use crate::diagnostic::{Code, FileId, Finding, Sink, SourceMap, Span};
use crate::model::{Moment, Profiles};

/// How large one file may be: 16 MiB.
pub const FILE_MAX: u64 = 16 << 20;
/// How large all files may be together: 2 GiB.
pub const TOTAL_MAX: u64 = 2 << 30;
/// How many files there may be.
pub const FILES_MAX: usize = 100_000;

/// A declaration as it was read: what it wants, what is wrong with it, and its files.
#[derive(Debug)]
pub struct Loaded {
    /// The files, for diagnostics and places.
    pub sources: SourceMap,
    /// What was found.
    pub sink: Sink,
    /// What the files want; `None` when an error stands in the way.
    pub declaration: Option<Declaration>,
}

/// Reads the declaration at `path`: a folder with a `rolecall.yaml`, or that file itself.
#[must_use]
pub fn load(path: &Path, profiles: &Profiles, now: Moment) -> Loaded {
    let mut sink = Sink::new();
    let mut sources = SourceMap::new();
    let root = root_of(path);
    if find(path, &root, &mut sources, &mut sink) {
        return read(root, sources, sink, profiles, now);
    }
    Loaded { sources, sink, declaration: None }
}

/// Reads a declaration from texts that are already in memory, for tests and for other revisions.
#[must_use]
pub fn load_sources(root: PathBuf, sources: SourceMap, profiles: &Profiles, now: Moment) -> Loaded {
    read(root, sources, Sink::new(), profiles, now)
}

/// The folder of a declaration.
#[must_use]
pub fn root_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Finds and reads the files. False when there is no declaration at all.
fn find(path: &Path, root: &Path, sources: &mut SourceMap, sink: &mut Sink) -> bool {
    let main = if path.is_dir() { path.join(RESERVED_FILE) } else { path.to_owned() };
    if !main.is_file() {
        let text = format!("there is no declaration at {}", main.display());
        let help = "go to the folder of a rolecall.yaml, name one with --file, or begin one with `rolecall init`";
        sink.push(Finding::nowhere(Code::NoDeclaration, text).help(help));
        return false;
    }
    let mut walk = Walk { root: root.to_owned(), real: fs::canonicalize(root).ok(), found: Vec::new() };
    walk.folder(root, 0, sink);
    let named = main.file_name() != Some(RESERVED_FILE.as_ref());
    let mut found = walk.found;
    if named && !found.contains(&main) {
        found.push(main);
    }
    found.sort();
    let mut total = 0;
    for (count, file) in found.iter().enumerate() {
        let shown = shown(root, file);
        if count >= FILES_MAX {
            let text = format!("there are more than {FILES_MAX} files; `{shown}` and what follows is not read");
            sink.push(
                Finding::nowhere(Code::TooLarge, text).help("put independent declarations into folders of their own"),
            );
            return false;
        }
        if let Some(text) = read_file(file, &shown, sink) {
            total += text.len() as u64;
            if total > TOTAL_MAX {
                let text = format!("all files together are larger than {} GiB", TOTAL_MAX >> 30);
                sink.push(
                    Finding::nowhere(Code::TooLarge, text)
                        .help("put independent declarations into folders of their own"),
                );
                return false;
            }
            sources.add(shown, text);
        }
    }
    true
}

/// The path as people see it: below the root, with `/`.
fn shown(root: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(root).unwrap_or(file);
    relative.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn read_file(file: &Path, shown: &str, sink: &mut Sink) -> Option<String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|f| f.take(FILE_MAX + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        sink.push(Finding::nowhere(Code::Unreadable, format!("`{shown}` cannot be read: {error}")));
        return None;
    }
    if bytes.len() as u64 > FILE_MAX {
        let text = format!("`{shown}` is larger than {} MiB", FILE_MAX >> 20);
        sink.push(
            Finding::nowhere(Code::TooLarge, text).help("split it: any file below the folder may hold any section"),
        );
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let good = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
            let line = good.matches('\n').count() + 1;
            let text = format!("`{shown}` is not UTF-8: byte {at}, in line {line}, belongs to no character");
            sink.push(Finding::nowhere(Code::NotUtf8, text).help("save the file as UTF-8"));
            None
        }
    }
}

/// The walk over the folders below a root.
struct Walk {
    root: PathBuf,
    /// The root without links; links may not lead out of it.
    real: Option<PathBuf>,
    found: Vec<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize, sink: &mut Sink) {
        if depth > 32 || self.found.len() > FILES_MAX {
            return;
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let text = format!("the folder `{}` cannot be read: {error}", shown(&self.root, folder));
                sink.push(Finding::nowhere(Code::Unreadable, text));
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        paths.sort();
        for path in paths {
            let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if hidden {
                continue;
            }
            let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
            if meta.is_symlink() {
                self.link(&path, yaml, sink);
            } else if meta.is_dir() {
                // A folder with its own rolecall.yaml is another declaration.
                if !path.join(RESERVED_FILE).is_file() {
                    self.folder(&path, depth + 1, sink);
                }
            } else if meta.is_file() && yaml {
                self.found.push(path);
            }
        }
    }

    /// A link inside the tree names what is read anyway; one that leads out of it is refused.
    fn link(&self, path: &Path, yaml: bool, sink: &mut Sink) {
        let inside = match (fs::canonicalize(path), &self.real) {
            (Ok(target), Some(real)) => {
                if !yaml && !target.is_dir() {
                    return;
                }
                target.starts_with(real)
            }
            _ => !yaml,
        };
        if !inside {
            let text = format!(
                "the link `{}` leads out of the folder of the declaration, or nowhere",
                shown(&self.root, path)
            );
            let help = "copy the file, or move the declaration: what is reviewed must lie in this folder";
            sink.push(Finding::nowhere(Code::LinkLeavesTree, text).help(help));
        }
    }
}

/// Reads all files into one declaration.
fn read(root: PathBuf, sources: SourceMap, mut sink: Sink, profiles: &Profiles, now: Moment) -> Loaded {
    let mut names = StringInterner::<DefaultBackend>::new();
    let mut merged = Merged::default();
    let checker = Checker::shared();
    // A file that cannot be read at all would make everything that it declares unknown.
    let mut readable = true;
    let files: Vec<(FileId, &str)> = sources.iter().map(|(id, s)| (id, s.text.as_str())).collect();
    // Some files at a time: parsed side by side, decoded one after the other, and then forgotten, so
    // that trees of a few files are in memory and not those of all.
    for batch in files.chunks(rayon::current_num_threads().max(1) * 2) {
        let parsed: Vec<_> = batch
            .par_iter()
            .map(|&(id, text)| {
                let mut sink = Sink::new();
                let document = Document::parse(id, text, &mut sink);
                let fits = document.as_ref().and_then(|d| d.root()).is_none_or(|root| checker.accepts(root));
                (id, document, fits, sink)
            })
            .collect();
        for (id, document, fits, found) in parsed {
            let before = sink.len();
            sink.append(found);
            let start = Span { file: id, start: 0, end: 0 };
            let is_main = sources.path(id) == RESERVED_FILE;
            readable &= document.is_some();
            match document.as_ref().map(|d| d.root()) {
                Some(Some(top)) => {
                    let file = FileDecl::decode(top, &mut Context { sink: &mut sink, names: &mut names });
                    if let Some(file) = file {
                        resolve::merge(&mut merged, file, is_main, start, &mut sink);
                    }
                    if !fits && sink.len() == before {
                        checker.report(top, &mut sink);
                    }
                }
                Some(None) if is_main => {
                    let text = "the declaration is empty";
                    let finding = Finding::at(Code::NoDeclaration, start, text);
                    sink.push(finding.help("begin with `version: 1`, or let `rolecall init` write a first one"));
                    readable = false;
                }
                _ => {}
            }
        }
    }
    let broken = sink.has_errors();
    if !readable {
        return Loaded { sources, sink, declaration: None };
    }
    let declaration = resolve::resolve(root, merged, &names, profiles, now, &mut sink);
    let declaration = declaration.filter(|_| !broken && !sink.has_errors());
    Loaded { sources, sink, declaration }
}
