//! From a directory to files: the declaration that a person would have written for what is live.
//!
//! The files are laid out by section; large sections are split, teams and what they reach into files
//! of their own. Everything is written whole, so every kind is `authoritative` and every list says
//! that it is complete.

mod sections;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use crate::model::{Catalogue, Directory, Kind, Place};

/// So many entries stand in one file; a larger section is split by the first letter of its names.
const ENTRIES_MAX: usize = 200;

/// What is to be written about.
#[derive(Debug)]
pub struct Import<'a> {
    /// The target's name.
    pub target: &'a str,
    /// The word for its provider.
    pub provider: &'a str,
    /// Its address, as seen from the new folder.
    pub url: &'a str,
    /// The catalogue under which it was read.
    pub catalogue: &'a Catalogue,
    /// Whether that catalogue is a built-in one.
    pub builtin: bool,
    /// Whether its targets may name another catalogue.
    pub open: bool,
    /// What is live.
    pub live: &'a Directory,
    /// What opens it: names of variables, by the names of the credentials.
    pub credentials: BTreeMap<&'a str, &'a str>,
    /// The settings of its provider.
    pub settings: &'a BTreeMap<String, String>,
    /// The kinds that the target has.
    pub kinds: &'a [Kind],
}

/// The files by path, below the folder.
///
/// # Errors
/// The names of live things that cannot be written down, with the reason.
pub fn files(import: &Import<'_>) -> Result<BTreeMap<PathBuf, String>, Vec<String>> {
    let troubles = sections::troubles(import);
    if !troubles.is_empty() {
        return Err(troubles);
    }
    let mut files = BTreeMap::new();
    let (catalogue, custom) = catalogue_for(import);
    files.insert(PathBuf::from(super::RESERVED_FILE), main_file(import, &catalogue, custom));
    if let Declared::Here(name) = &catalogue {
        let value = section("catalogues", sections::catalogue(import, name));
        files.insert(PathBuf::from("catalogue.yaml"), text(1, &value));
    }
    split(&mut files, "people", "users", sections::users(import));
    split(&mut files, "teams", "teams", sections::teams(import));
    split(&mut files, "resources", "resources", sections::resources(import));
    let mut rest = Mapping::new();
    // What stands beside its resource needs no line here; the empty list says that this is all.
    rest.insert("grants".into(), Value::Sequence(Vec::new()));
    rest.insert("domains".into(), Value::Mapping(sections::domains(import)));
    files.insert(PathBuf::from("access.yaml"), text(1, &rest));
    Ok(files)
}

/// Where the catalogue of an imported target is declared.
enum Declared {
    /// It is built in.
    BuiltIn(String),
    /// In the imported files.
    Here(String),
}

/// The live roles are those of the catalogue with some more, or they are a catalogue of their own.
fn catalogue_for(import: &Import<'_>) -> (Declared, Vec<String>) {
    let own = &import.catalogue;
    let live = import.live;
    let agrees = |name: &str| {
        let Some(id) = live.find_role(name) else { return false };
        let record = live.role_record(id);
        let role = &own.roles[name];
        record.permissions == role.permissions.clone().unwrap_or_default()
            && record.administers == role.administers
            && (role.description.is_none() || record.description == role.description)
    };
    // The targets of a closed provider have its catalogue and no other: what is otherwise there is a role of
    // their own, and what the system does not (yet) have is left out.
    if import.builtin && !import.open && import.provider != "directory" {
        let custom =
            live.roles().iter().map(|r| &*r.name).filter(|name| !own.roles.contains_key(*name) || !agrees(name));
        return (Declared::BuiltIn(own.name.clone()), custom.map(str::to_owned).collect());
    }
    if own.roles.keys().all(|name| agrees(name)) {
        let custom = live.roles().iter().filter(|r| !own.roles.contains_key(&*r.name)).map(|r| r.name.to_string());
        let custom = custom.collect();
        if import.builtin {
            return (Declared::BuiltIn(own.name.clone()), custom);
        }
        return (Declared::Here(own.name.clone()), custom);
    }
    (Declared::Here(format!("{}-roles", import.target)), Vec::new())
}

fn main_file(import: &Import<'_>, catalogue: &Declared, custom: Vec<String>) -> String {
    let mut target = Mapping::new();
    target.insert("provider".into(), import.provider.into());
    target.insert("url".into(), import.url.into());
    let (Declared::BuiltIn(name) | Declared::Here(name)) = catalogue;
    let table = |rows: &mut dyn Iterator<Item = (&str, &str)>| {
        Value::Mapping(rows.map(|(name, value)| (name.into(), value.into())).collect())
    };
    if !import.credentials.is_empty() {
        let mut rows = import.credentials.iter().map(|(name, value)| (*name, *value));
        target.insert("credentials".into(), table(&mut rows));
    }
    if !import.settings.is_empty() {
        let mut rows = import.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        target.insert("settings".into(), table(&mut rows));
    }
    if import.provider == "directory" || (import.open && !matches!(catalogue, Declared::BuiltIn(_))) {
        target.insert("catalogue".into(), name.as_str().into());
    }
    target.insert("manage".into(), "authoritative".into());
    let mut targets = Mapping::new();
    targets.insert(import.target.into(), Value::Mapping(target));
    let mut file = Mapping::new();
    file.insert("version".into(), Value::from(1));
    file.insert("targets".into(), Value::Mapping(targets));
    let roles = sections::custom_roles(import, &custom);
    if !roles.is_empty() {
        file.insert("roles".into(), Value::Mapping(roles));
    }
    let policies = sections::policies(import);
    if !policies.is_empty() {
        file.insert("policies".into(), Value::Mapping(policies));
    }
    let head = format!("# What was live in `{}` when it was imported: everything below this folder.\n", import.target);
    head + &text(0, &file)
}

/// One section as a file.
fn section(name: &str, entries: Mapping) -> Mapping {
    let mut file = Mapping::new();
    file.insert(name.into(), Value::Mapping(entries));
    file
}

/// Writes a section into one file, or into one for each first letter of its names.
fn split(files: &mut BTreeMap<PathBuf, String>, file: &str, name: &str, entries: Mapping) {
    if entries.len() <= ENTRIES_MAX {
        files.insert(PathBuf::from(format!("{file}.yaml")), text(1, &section(name, entries)));
        return;
    }
    let mut groups: BTreeMap<String, Mapping> = BTreeMap::new();
    for (key, value) in entries {
        let word = key.as_str().unwrap_or_default();
        let word = word.rsplit_once('/').map_or(word, |(_, name)| name);
        let first = word.chars().next().map(|c| c.to_ascii_lowercase());
        let group = match first {
            Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
            _ => "other".to_owned(),
        };
        groups.entry(group).or_default().insert(key, value);
    }
    for (group, entries) in groups {
        files.insert(Path::new(file).join(format!("{group}.yaml")), text(1, &section(name, entries)));
    }
}

/// YAML text, with an empty line before every entry at `depth`.
fn text(depth: usize, value: &Mapping) -> String {
    let mut value = Value::Mapping(value.clone());
    let mut odd = Vec::new();
    set_aside(&mut value, &mut odd);
    let mut plain = serde_yaml::to_string(&value).unwrap_or_default();
    for (index, text) in odd.iter().enumerate() {
        plain = plain.replace(&placeholder(index), &quoted(text));
    }
    let mut out = String::with_capacity(plain.len() + plain.len() / 8);
    let indent = "  ".repeat(depth);
    let mut first = true;
    for line in plain.lines() {
        let body = line.strip_prefix(&indent);
        let begins = body.is_some_and(|b| !b.starts_with([' ', '-', '#']) && !b.is_empty());
        if begins && !first && depth == 0 {
            out.push('\n');
        }
        first = false;
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Stands for a text until the YAML is written. The name ends so that none is the beginning of another.
fn placeholder(index: usize) -> String {
    format!("rolecall-odd-text-{index}-")
}

/// Takes out the texts with line breaks other than a line feed, which the YAML writer lets stand as they
/// are and a reader folds.
fn set_aside(value: &mut Value, odd: &mut Vec<String>) {
    match value {
        Value::String(text) if text.chars().any(is_line_break) => {
            let place = placeholder(odd.len());
            odd.push(std::mem::replace(text, place));
        }
        Value::Sequence(items) => items.iter_mut().for_each(|item| set_aside(item, odd)),
        Value::Mapping(map) => map.values_mut().for_each(|item| set_aside(item, odd)),
        _ => {}
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A text in double quotes, with everything escaped that is not plain.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_line_break(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The places where a role of a live directory can be held: those that the catalogue says, or all.
fn places(catalogue: &Catalogue, role: &str) -> Vec<Place> {
    catalogue
        .roles
        .get(role)
        .map_or_else(|| vec![Place::User, Place::Team, Place::Member, Place::Resource], |known| known.places.clone())
}
