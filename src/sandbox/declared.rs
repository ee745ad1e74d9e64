//! What a declaration wants of one target, to begin with.

use std::path::Path;

use crate::config;
use crate::diagnostic::Severity;
use crate::model::{Directory, Moment};
use crate::targets::PROFILES;

/// What a declaration wants of the target of this name; without a name, of its only one, or its only one
/// of this provider.
///
/// # Errors
/// Why it cannot be read, or which targets there are to choose from.
pub(super) fn declaration(
    path: &Path,
    target: Option<&str>,
    provider: &str,
    time: jiff::Timestamp,
) -> Result<Directory, String> {
    let loaded = config::load(path, &PROFILES, Moment::from_second(time.as_second()));
    let Some(declaration) = loaded.declaration else {
        let errors = loaded.sink.into_sorted(&loaded.sources);
        let first = errors.iter().find(|f| f.severity == Severity::Error).map(|f| f.message.clone());
        let first = first.unwrap_or_else(|| "it has errors".to_owned());
        return Err(format!("{first} (`rolecall validate -f {}` shows all)", path.display()));
    };
    let names = || declaration.targets.iter().map(|t| t.name.clone()).collect::<Vec<_>>().join(", ");
    let chosen = match target {
        Some(name) => declaration.targets.iter().find(|t| t.name == name),
        None => match declaration.targets.as_slice() {
            [one] => Some(one),
            several => {
                let mut of = several.iter().filter(|t| t.provider.word() == provider);
                of.next().filter(|_| of.next().is_none())
            }
        },
    };
    let chosen = chosen.ok_or_else(|| format!("name the target with --seed-target: {}", names()))?;
    Ok(chosen.desired.directory.clone())
}
