//! Which files make up a declaration, and their bytes.

use std::collections::HashSet;
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
use crate::diagnostic::{Code, FileId, Finding, Severity, Sink, SourceMap, Span};
use crate::model::{Moment, Profiles, is_invisible};

/// How large one file may be: 16 MiB.
pub const FILE_MAX: u64 = 16 << 20;
/// How large all files may be together: 2 GiB.
pub const TOTAL_MAX: u64 = 2 << 30;
/// How many files there may be.
pub const FILES_MAX: usize = 100_000;
/// How many folders may lie in each other.
pub const FOLDERS_MAX: usize = 32;

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
        let text = format!("there is no declaration at {}", spelled(&main));
        let help = "go to the folder of a rolecall.yaml, name one with --file, or begin one with `rolecall init`";
        sink.push(Finding::nowhere(Code::NoDeclaration, text).help(help));
        return false;
    }
    if main.file_name() != Some(RESERVED_FILE.as_ref()) {
        // Under another name it would be one file among others: nothing would tell where to begin.
        let text = format!("{} is no declaration: the declaration's file is called {RESERVED_FILE}", spelled(&main));
        let help = "name the folder or its rolecall.yaml; every other YAML file below the folder is read with it";
        sink.push(Finding::nowhere(Code::NoDeclaration, text).help(help));
        return false;
    }
    let mut walk = Walk {
        root: root.to_owned(),
        real: fs::canonicalize(root).ok(),
        found: Vec::new(),
        folders: HashSet::new(),
        links: Vec::new(),
    };
    walk.folder(Path::new(""), 0, sink);
    walk.check_links(sink);
    let mut found = walk.found;
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
    let parts: Vec<String> = relative.components().map(|c| spelled(Path::new(c.as_os_str()))).collect();
    parts.join("/")
}

/// A path without what cannot be seen: the name of a file may hold whole lines.
fn spelled(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars().map(|c| if is_invisible(c) { format!("<U+{:04X}>", c as u32) } else { c.to_string() }).collect()
}

/// Whether a JSON file looks like one of a declaration: some of its sections, and no output of rolecall.
fn like_a_declaration(file: &Path) -> bool {
    let mut begin = Vec::new();
    let read = fs::File::open(file).and_then(|f| f.take(4096).read_to_end(&mut begin));
    let text = String::from_utf8_lossy(&begin);
    let sections = ["users", "teams", "targets", "roles", "resources", "grants"];
    read.is_ok() && !text.contains("\"rolecall.") && sections.iter().any(|s| text.contains(&format!("\"{s}\":")))
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
    /// The folders that were read, below the root.
    folders: HashSet<PathBuf>,
    /// Links to YAML files and folders within the root, and what they lead to below it.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Walk {
    /// Looks through the folder at a path below the root.
    fn folder(&mut self, below: &Path, depth: usize, sink: &mut Sink) {
        if self.found.len() > FILES_MAX {
            return;
        }
        let folder = if below.as_os_str().is_empty() { self.root.clone() } else { self.root.join(below) };
        if depth > FOLDERS_MAX {
            let text = format!("the folder `{}` lies in more than {FOLDERS_MAX} others", shown(&self.root, &folder));
            sink.push(Finding::nowhere(Code::TooDeep, text).help("move it up, or take it out of this folder"));
            return;
        }
        self.folders.insert(below.to_owned());
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                let text = format!("the folder `{}` cannot be read: {error}", shown(&self.root, &folder));
                sink.push(Finding::nowhere(Code::Unreadable, text).help("let the account that runs rolecall read it"));
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
                if path.join(RESERVED_FILE).is_file() {
                    let text =
                        format!("the folder `{}` is another declaration and is not read", shown(&self.root, &path));
                    let help = "that is so because of its own rolecall.yaml; name it with --file to work with it";
                    sink.push(Finding::nowhere(Code::NoEffect, text).severity(Severity::Note).help(help));
                } else if let Some(name) = path.file_name() {
                    self.folder(&below.join(name), depth + 1, sink);
                }
            } else if meta.is_file() && yaml {
                self.found.push(path);
            } else if meta.is_file() {
                self.left_out(&path, sink);
            }
        }
    }

    /// Says of a file that is not read that it is not, where its name reads as if it were.
    fn left_out(&self, path: &Path, sink: &mut Sink) {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let why = match extension.as_str() {
            "yaml" | "yml" => "in lower case",
            "json" if like_a_declaration(path) => "even where it holds JSON",
            _ => return,
        };
        let text =
            format!("`{}` is not read: a file of a declaration ends in .yaml or .yml, {why}", shown(&self.root, path));
        let finding = Finding::nowhere(Code::NoEffect, text).severity(Severity::Note);
        sink.push(finding.help("give it another name if it belongs to the declaration"));
    }

    /// A link that leads out of the root is refused; one within it is looked at when all is found.
    fn link(&mut self, path: &Path, yaml: bool, sink: &mut Sink) {
        let target = fs::canonicalize(path);
        let folder = target.as_ref().is_ok_and(|t| t.is_dir());
        if !yaml && !folder {
            return;
        }
        let inside = match (&target, &self.real) {
            (Ok(target), Some(real)) => target.strip_prefix(real).ok(),
            _ => None,
        };
        if let Some(inside) = inside {
            self.links.push((path.to_owned(), inside.to_owned()));
            return;
        }
        let text =
            format!("the link `{}` leads out of the folder of the declaration, or nowhere", shown(&self.root, path));
        let help = "copy the file, or move the declaration: what is reviewed must lie in this folder";
        sink.push(Finding::nowhere(Code::LinkLeavesTree, text).help(help));
    }

    /// What a link leads to must be read where it lies: links themselves are not followed.
    fn check_links(&self, sink: &mut Sink) {
        if self.links.is_empty() {
            return;
        }
        let files: HashSet<&Path> = self.found.iter().filter_map(|f| f.strip_prefix(&self.root).ok()).collect();
        for (link, target) in &self.links {
            if files.contains(target.as_path()) || self.folders.contains(target) {
                continue;
            }
            let text = format!(
                "the link `{}` leads to `{}`, which is not read",
                shown(&self.root, link),
                shown(Path::new(""), target)
            );
            let help = "copy it to the place of the link: hidden files and folders, other declarations and files without .yaml or .yml are not read";
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
