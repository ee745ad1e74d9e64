//! `rolecall import`

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::planning::{Work, declaration, runtime};
use super::{Exit, Failure, Global, Ui};
use crate::config::write::{Import, files};
use crate::targets::PROFILES;

/// Write files from what is live in a target.
///
/// Reads the target and writes a declaration that says the same, into a new folder. The plan of that
/// declaration is empty. Nothing in the target is changed.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The target, as declared
    #[arg(short, long, value_name = "NAME")]
    target: String,
    /// The folder to write into; it must be empty or new
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the target cannot be read, holds what cannot be written down, or the folder is not empty.
pub fn import(ui: &mut Ui, global: &Global, args: &ImportArgs) -> Result<Exit, Failure> {
    let ready = match declaration(ui, global, false) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    if std::fs::read_dir(&args.into).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::error(format!("the folder {} is not empty", args.into.display()))
            .help("name a new folder: import overwrites nothing"));
    }
    let work = Work::open_whole(global, &ready, std::slice::from_ref(&args.target))?;
    let [session] = work.sessions.as_slice() else {
        return Err(Failure::error(format!("`{}` means several targets", args.target))
            .help("import one at a time, by its name"));
    };
    let declared = session.declared;
    let reading = runtime()?
        .block_on(session.reader.read())
        .map_err(|e| Failure::error(format!("the target `{}` cannot be read: {e}", declared.name)))?;
    let catalogue = &*declared.desired.catalogue;
    let written = declared.url.as_ref().map_or("", |u| u.written());
    let url = moved_url(written, &ready.declaration.root, &args.into);
    let import = Import {
        target: &declared.name,
        provider: declared.provider.word(),
        url: &url,
        catalogue,
        builtin: PROFILES.catalogues.iter().any(|(name, _)| *name == catalogue.name),
        open: PROFILES.provider(declared.provider.word()).is_some_and(|p| p.open),
        live: &reading.directory,
        credentials: declared.credentials.iter().map(|(k, t)| (k.as_str(), t.written())).collect(),
        settings: &declared.settings,
        kinds: PROFILES.provider(declared.provider.word()).map_or(&[], |p| p.kinds),
    };
    let files = files(&import).map_err(|troubles| {
        Failure::error(format!("`{}` holds what cannot be written down: {}", declared.name, troubles.join("; ")))
            .help("rename these in the target first")
    })?;
    write_all(&args.into, &files)?;
    for note in &reading.notes {
        ui.note(&format!("note: {note}\n"));
    }
    let live = &reading.directory;
    ui.out(&format!(
        "Wrote {} into {}: {} users, {} teams, {} memberships, {} resources, {} grants, {} domains.\n\nNow: rolecall -f {} plan\n",
        crate::render::plural(files.len(), "file"),
        args.into.display(),
        live.users().len(),
        live.teams().len(),
        live.memberships().len(),
        live.resources().len(),
        live.grants().len(),
        live.domains().len(),
        args.into.display(),
    ));
    Ok(Exit::Done)
}

fn write_all(folder: &Path, files: &BTreeMap<PathBuf, String>) -> Result<(), Failure> {
    for (name, text) in files {
        let path = folder.join(name);
        let failed = |e: std::io::Error| Failure::error(format!("{} cannot be written: {e}", path.display()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        file.and_then(|mut f| f.write_all(text.as_bytes())).map_err(failed)?;
    }
    Ok(())
}

/// The address of a directory as seen from another folder; other addresses stay as they are.
fn moved_url(url: &str, from: &Path, to: &Path) -> String {
    let Some(path) = url.strip_prefix("sqlite:") else { return url.to_owned() };
    if Path::new(path).is_absolute() || path.contains("${") {
        return url.to_owned();
    }
    let (Ok(file), Ok(to)) = (std::path::absolute(from.join(path)), std::path::absolute(to)) else {
        return url.to_owned();
    };
    let (file, to) = (plain(&file), plain(&to));
    let common = file.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = to.components().count() - common;
    let mut relative: Vec<String> = vec!["..".to_owned(); up];
    relative.extend(file.components().skip(common).map(|c| c.as_os_str().to_string_lossy().into_owned()));
    format!("sqlite:{}", relative.join("/"))
}

/// A path without `.` and `..`, by its text alone.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_move_with_the_folder() {
        let moved = |from: &str, to: &str| moved_url("sqlite:.rolecall/home.db", Path::new(from), Path::new(to));
        assert_eq!(moved("/a/b", "/a/b/new"), "sqlite:../.rolecall/home.db");
        assert_eq!(moved("/a/b", "/a/c"), "sqlite:../b/.rolecall/home.db");
        assert_eq!(moved_url("sqlite:/x.db", Path::new("/a"), Path::new("/b")), "sqlite:/x.db");
    }
}
