//! Which files make up a declaration, and their bytes: on disk, or wherever else they lie ([`Place`]).

use std::collections::HashSet;
use std::ffi::OsString;
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
    let disk = Disk { real: fs::canonicalize(&root).ok(), root: root.clone() };
    if is_declaration(path, &mut sink) && find(&disk, &mut sources, &mut sink) {
        return read(root, sources, sink, profiles, now);
    }
    Loaded { sources, sink, declaration: None }
}

/// Reads the declaration whose files lie in another place than on disk. `root` is the folder that relative
/// paths in it begin at.
#[must_use]
pub fn load_place(root: PathBuf, place: &dyn Place, profiles: &Profiles, now: Moment) -> Loaded {
    let mut sink = Sink::new();
    let mut sources = SourceMap::new();
    if find(place, &mut sources, &mut sink) {
        return read(root, sources, sink, profiles, now);
    }
    Loaded { sources, sink, declaration: None }
}

/// What lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Something else, which is not read.
    Other,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leads {
    /// Whether it leads to a folder.
    pub folder: bool,
    /// What it leads to below the root; nothing where it leads out of it, or nowhere.
    pub inside: Option<PathBuf>,
}

/// A place in which the files of a declaration lie. Every path is below its root, and the root itself is
/// the empty path. Which of the files count is decided here, and for all places alike.
pub trait Place {
    /// What lies in a folder, in any order.
    ///
    /// # Errors
    /// Why the folder cannot be read, in words.
    fn entries(&self, folder: &Path) -> Result<Vec<(OsString, Lies)>, String>;

    /// The first bytes of a file, `limit` at most.
    ///
    /// # Errors
    /// Why the file cannot be read, in words.
    fn bytes(&self, file: &Path, limit: u64) -> Result<Vec<u8>, String>;

    /// Whether there is a file, be it by a link.
    fn has_file(&self, path: &Path) -> bool;

    /// Where a link leads.
    fn follow(&self, link: &Path) -> Leads;
}

/// The files as they lie on disk.
struct Disk {
    root: PathBuf,
    /// The root without links; links may not lead out of it.
    real: Option<PathBuf>,
}

impl Disk {
    fn path(&self, below: &Path) -> PathBuf {
        if below.as_os_str().is_empty() { self.root.clone() } else { self.root.join(below) }
    }
}

impl Place for Disk {
    fn entries(&self, folder: &Path) -> Result<Vec<(OsString, Lies)>, String> {
        let entries = fs::read_dir(self.path(folder)).map_err(|e| e.to_string())?;
        let one = |entry: fs::DirEntry| {
            let is = entry.file_type().ok()?;
            let lies = match () {
                () if is.is_symlink() => Lies::Link,
                () if is.is_dir() => Lies::Folder,
                () if is.is_file() => Lies::File,
                () => Lies::Other,
            };
            Some((entry.file_name(), lies))
        };
        Ok(entries.filter_map(|e| one(e.ok()?)).collect())
    }

    fn bytes(&self, file: &Path, limit: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = fs::File::open(self.path(file)).and_then(|f| f.take(limit).read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|e| e.to_string())
    }

    fn has_file(&self, path: &Path) -> bool {
        self.path(path).is_file()
    }

    fn follow(&self, link: &Path) -> Leads {
        let target = fs::canonicalize(self.path(link));
        let inside = match (&target, &self.real) {
            (Ok(target), Some(real)) => target.strip_prefix(real).ok().map(Path::to_owned),
            _ => None,
        };
        Leads { folder: target.is_ok_and(|t| t.is_dir()), inside }
    }
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

/// Whether there is a declaration on disk at all, and by its name.
fn is_declaration(path: &Path, sink: &mut Sink) -> bool {
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
    true
}

/// Finds and reads the files. False when nothing can be made of them.
fn find(place: &dyn Place, sources: &mut SourceMap, sink: &mut Sink) -> bool {
    let mut walk = Walk { place, found: Vec::new(), folders: HashSet::new(), links: Vec::new() };
    walk.folder(Path::new(""), 0, sink);
    walk.check_links(sink);
    let mut found = walk.found;
    found.sort();
    let mut total = 0;
    for (count, file) in found.iter().enumerate() {
        let shown = shown(file);
        if count >= FILES_MAX {
            let text = format!("there are more than {FILES_MAX} files; `{shown}` and what follows is not read");
            sink.push(
                Finding::nowhere(Code::TooLarge, text).help("put independent declarations into folders of their own"),
            );
            return false;
        }
        if let Some(text) = read_file(place, file, &shown, sink) {
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

/// A path below the root as people see it: with `/`.
fn shown(below: &Path) -> String {
    let parts: Vec<String> = below.components().map(|c| spelled(Path::new(c.as_os_str()))).collect();
    parts.join("/")
}

/// A path without what cannot be seen: the name of a file may hold whole lines.
fn spelled(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.chars().map(|c| if is_invisible(c) { format!("<U+{:04X}>", c as u32) } else { c.to_string() }).collect()
}

/// Whether a JSON file looks like one of a declaration: some of its sections, and no output of rolecall.
fn like_a_declaration(place: &dyn Place, file: &Path) -> bool {
    let begin = place.bytes(file, 4096).unwrap_or_default();
    let text = String::from_utf8_lossy(&begin);
    let sections = ["users", "teams", "targets", "roles", "resources", "grants"];
    !text.contains("\"rolecall.") && sections.iter().any(|s| text.contains(&format!("\"{s}\":")))
}

/// Whether a file of this name belongs to a declaration: hidden ones do not, wherever they are hidden.
#[must_use]
pub fn counts(below: &Path) -> bool {
    !below.components().any(|c| is_hidden(c.as_os_str())) && is_yaml(below)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yaml" || e == "yml")
}

fn read_file(place: &dyn Place, file: &Path, shown: &str, sink: &mut Sink) -> Option<String> {
    let bytes = match place.bytes(file, FILE_MAX + 1) {
        Ok(bytes) => bytes,
        Err(error) => {
            sink.push(Finding::nowhere(Code::Unreadable, format!("`{shown}` cannot be read: {error}")));
            return None;
        }
    };
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
struct Walk<'p> {
    place: &'p dyn Place,
    found: Vec<PathBuf>,
    /// The folders that were read.
    folders: HashSet<PathBuf>,
    /// Links to YAML files and folders within the root, and what they lead to.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Walk<'_> {
    /// Looks through a folder.
    fn folder(&mut self, below: &Path, depth: usize, sink: &mut Sink) {
        if self.found.len() > FILES_MAX {
            return;
        }
        if depth > FOLDERS_MAX {
            let text = format!("the folder `{}` lies in more than {FOLDERS_MAX} others", shown(below));
            sink.push(Finding::nowhere(Code::TooDeep, text).help("move it up, or take it out of this folder"));
            return;
        }
        self.folders.insert(below.to_owned());
        let mut entries = match self.place.entries(below) {
            Ok(entries) => entries,
            Err(error) => {
                let text = format!("the folder `{}` cannot be read: {error}", shown(below));
                sink.push(Finding::nowhere(Code::Unreadable, text).help("let the account that runs rolecall read it"));
                return;
            }
        };
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (name, lies) in entries {
            if is_hidden(&name) {
                continue;
            }
            let path = below.join(&name);
            match lies {
                Lies::Link => self.link(path, sink),
                Lies::Folder if self.place.has_file(&path.join(RESERVED_FILE)) => {
                    let text = format!("the folder `{}` is another declaration and is not read", shown(&path));
                    let help = "that is so because of its own rolecall.yaml; name it with --file to work with it";
                    sink.push(Finding::nowhere(Code::NoEffect, text).severity(Severity::Note).help(help));
                }
                Lies::Folder => self.folder(&path, depth + 1, sink),
                Lies::File if is_yaml(&path) => self.found.push(path),
                Lies::File => self.left_out(&path, sink),
                Lies::Other => {}
            }
        }
    }

    /// Says of a file that is not read that it is not, where its name reads as if it were.
    fn left_out(&self, path: &Path, sink: &mut Sink) {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let why = match extension.as_str() {
            "yaml" | "yml" => "in lower case",
            "json" if like_a_declaration(self.place, path) => "even where it holds JSON",
            _ => return,
        };
        let text = format!("`{}` is not read: a file of a declaration ends in .yaml or .yml, {why}", shown(path));
        let finding = Finding::nowhere(Code::NoEffect, text).severity(Severity::Note);
        sink.push(finding.help("give it another name if it belongs to the declaration"));
    }

    /// A link that leads out of the root is refused; one within it is looked at when all is found.
    fn link(&mut self, path: PathBuf, sink: &mut Sink) {
        let leads = self.place.follow(&path);
        if !is_yaml(&path) && !leads.folder {
            return;
        }
        if let Some(inside) = leads.inside {
            self.links.push((path, inside));
            return;
        }
        let text = format!("the link `{}` leads out of the folder of the declaration, or nowhere", shown(&path));
        let help = "copy the file, or move the declaration: what is reviewed must lie in this folder";
        sink.push(Finding::nowhere(Code::LinkLeavesTree, text).help(help));
    }

    /// What a link leads to must be read where it lies: links themselves are not followed.
    fn check_links(&self, sink: &mut Sink) {
        if self.links.is_empty() {
            return;
        }
        let files: HashSet<&Path> = self.found.iter().map(PathBuf::as_path).collect();
        for (link, target) in &self.links {
            if files.contains(target.as_path()) || self.folders.contains(target) {
                continue;
            }
            let (link, target) = (shown(link), shown(target));
            let text = format!("the link `{link}` leads to `{target}`, which is not read");
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
