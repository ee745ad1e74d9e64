//! `rolecall init`

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Exit, Failure, Ui};

/// Write a first declaration that validates.
///
/// Makes a folder with a rolecall.yaml for a directory of its own, a first administrator and a
/// .gitignore, and nothing that is there already is changed.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; it is made where it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The first administrator's address
    #[arg(long, value_name = "EMAIL", default_value = "you@example.com")]
    admin: String,
}

/// Runs the command.
///
/// # Errors
/// When a file is there already, or cannot be written.
pub fn init(ui: &mut Ui, args: &InitArgs) -> Result<Exit, Failure> {
    let admin = crate::model::Email::parse(&args.admin)
        .map_err(|e| Failure::error(format!("`{}` is no e-mail address: {e}", args.admin)))?;
    let files = [
        ("rolecall.yaml", include_str!("init/rolecall.yaml")),
        ("people.yaml", include_str!("init/people.yaml")),
        (".gitignore", include_str!("init/gitignore")),
    ];
    // First look, then write: a run that fails leaves nothing half done.
    for (name, _) in &files[..2] {
        let path = args.folder.join(name);
        if path.exists() {
            return Err(Failure::error(format!("{} is there already", path.display()))
                .help("choose an empty folder, or work with the declaration that is there"));
        }
    }
    if let Some(other) = other_yaml(&args.folder) {
        return Err(Failure::error(format!("{} would become part of the declaration", other.display()))
            .help("every YAML file in the folder of a rolecall.yaml, and below it, is read: choose an empty folder"));
    }
    std::fs::create_dir_all(&args.folder)
        .map_err(|e| Failure::error(format!("the folder {} cannot be made: {e}", args.folder.display())))?;
    let mut made = Vec::new();
    for (name, text) in files {
        let path = args.folder.join(name);
        if name == ".gitignore" && path.exists() {
            continue;
        }
        let text = text.replace("you@example.com", admin.as_str());
        let written =
            OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|e| Failure::error(format!("{} cannot be written: {e}", path.display())))?;
        made.push(path.display().to_string());
    }
    let at = if args.folder.as_os_str() == "." { String::new() } else { format!(" -f {}", args.folder.display()) };
    ui.out(&format!(
        "Made {}.\n\nNow: rolecall validate{at}\n     rolecall plan{at}\n     rolecall apply{at}\n",
        made.join(", ")
    ));
    Ok(Exit::Done)
}

/// The first YAML file in a folder or below it that a declaration there would read.
fn other_yaml(folder: &Path) -> Option<PathBuf> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        paths.retain(|p| p.file_name().is_some_and(|n| !n.as_encoded_bytes().starts_with(b".")));
        paths.sort();
        for path in paths {
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() && !path.join("rolecall.yaml").is_file() {
                waiting.push(path);
            } else if !meta.is_dir() && path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                return Some(path);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::ColorChoice;

    #[test]
    fn other_files_are_not_taken_in() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("charts");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("values.yaml"), "replicas: 2\n").unwrap();
        let args = InitArgs { folder: folder.path().to_owned(), admin: "ada@acme.com".to_owned() };
        let failure = init(&mut Ui::new(ColorChoice::Never), &args).unwrap_err();
        assert!(failure.message.contains("values.yaml"), "{}", failure.message);
        assert!(!folder.path().join("rolecall.yaml").exists());
    }
}
