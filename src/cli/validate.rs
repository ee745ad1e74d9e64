//! `rolecall validate`

use std::path::Path;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::load::Read;
use super::revision;
use super::{Exit, Failure, Format, Global, Ui, load};
use crate::diagnostic::Severity;
use crate::render::{findings_github, findings_human, findings_json, findings_sarif, plural};

/// Check the files, without any connected system.
///
/// Reads rolecall.yaml and every YAML file below its folder, and reports everything that is wrong,
/// each with its place and what to do. No credentials are needed and nothing is contacted.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// How findings are written
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "ROLECALL_FORMAT")]
    format: Format,
    /// The same as --format json
    #[arg(long)]
    json: bool,
    /// Take warnings for errors
    #[arg(long, env = "ROLECALL_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Take for warnings what was wrong at this revision as well, and for errors what is new: compared with
    /// the last commit that it has in common with what is checked out, as a pull request is
    #[arg(long, value_name = "REV")]
    base: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When a machine format cannot be written.
pub fn validate(ui: &mut Ui, global: &Global, args: &ValidateArgs) -> Result<Exit, Failure> {
    let base = args.base.as_deref().map(|base| revision::earlier(global, base, None)).transpose()?;
    let read = match &base {
        None => load::read(global, args.strict),
        Some(base) => {
            base.revision.notes.iter().for_each(|n| ui.note(&format!("note: {n}\n")));
            load::read(global, false).against(&base.findings, args.strict)
        }
    };
    let Read { declaration, sources, findings } = read.sound();
    let broken = findings.iter().any(|f| f.severity == Severity::Error);
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Human => {
            // What is wrong is the result here, and not a remark on the way to one.
            let style = ui.out_style();
            ui.out(&findings_human::findings(&findings, &sources, style));
            if !broken && let Some(declaration) = &declaration {
                let targets = declaration.targets.len();
                let files = plural(sources.len(), "file");
                let warned = if findings.is_empty() {
                    String::new()
                } else {
                    format!(", with {}", findings_human::summary(&findings))
                };
                ui.out(&format!("{files} for {}: valid{warned}\n", plural(targets, "target")));
            }
        }
        Format::Json => {
            let document = findings_json::document(&findings, &sources, &prefix(global));
            ui.out(&json(&document)?);
        }
        Format::Sarif => ui.out(&json(&findings_sarif::sarif(&findings, &sources, &prefix(global)))?),
        Format::Github => ui.out(&findings_github::annotations(&findings, &sources, &prefix(global))),
    }
    Ok(if broken { Exit::Error } else { Exit::Done })
}

/// The way from where the program runs to the folder of the declaration, for formats that name files
/// from the root of a repository.
fn prefix(global: &Global) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    below(here.as_deref(), &crate::config::root_of(&global.file))
}

/// The way from `here` to `root`, each part with a `/`; empty where `root` is not below it.
fn below(here: Option<&Path>, root: &Path) -> String {
    let real = std::fs::canonicalize(root).ok();
    let relative = match (here, &real) {
        (Some(here), Some(real)) => real.strip_prefix(here).unwrap_or(Path::new("")),
        _ if root.is_absolute() => Path::new(""),
        _ => root,
    };
    let mut text = String::new();
    for part in relative.components() {
        if let std::path::Component::Normal(name) = part {
            text.push_str(&name.to_string_lossy());
            text.push('/');
        }
    }
    text
}

/// Pretty JSON with a newline at its end.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|e| Failure::error(format!("no JSON can be made: {e}")))?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_where_the_program_runs() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(here.join("a/b")).unwrap();
        assert_eq!(below(Some(&here), &here.join("a/b")), "a/b/");
        assert_eq!(below(Some(&here), &here.join("a/../a")), "a/");
        assert_eq!(below(Some(&here), &here), "");
        assert_eq!(below(Some(&here.join("a")), &here), "");
    }
}
