//! Where a store lies, as a person names it: `sqlite`, `git:BRANCH`, `git:BRANCH@REMOTE`.

use std::fmt;
use std::str::FromStr;

/// Where a store lies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// In `.rolecall/` beside the declaration.
    #[default]
    Sqlite,
    /// On a branch of the repository that holds the declaration.
    Git(Branch),
}

/// A branch of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// The remote that has it: `origin`.
    pub remote: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Git(branch) => write!(f, "git:{branch}"),
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.remote.as_str() {
            "origin" => f.write_str(&self.name),
            remote => write!(f, "{}@{remote}", self.name),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let Some(branch) = text.strip_prefix("git:") else {
            return Err(format!("`{text}` is no place for a store: write sqlite, git:BRANCH or git:BRANCH@REMOTE"));
        };
        let (name, remote) = branch.split_once('@').unwrap_or((branch, "origin"));
        let full = format!("refs/heads/{name}");
        if name.is_empty() || name.starts_with('-') || !git2::Reference::is_valid_name(&full) {
            return Err(format!("`{name}` is no name of a branch"));
        }
        // A name of the repository's configuration, never an address: that could hold a password.
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if remote.starts_with(['-', '.', '/']) || !remote.chars().all(fits) || !git2::Remote::is_valid_name(remote) {
            return Err("what follows the `@` is no name of a remote: `git remote` lists them".to_owned());
        }
        Ok(Self::Git(Branch { name: name.to_owned(), remote: remote.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named() {
        let git = |name: &str, remote: &str| Place::Git(Branch { name: name.into(), remote: remote.into() });
        assert_eq!("sqlite".parse(), Ok(Place::Sqlite));
        assert_eq!("git:rolecall".parse(), Ok(git("rolecall", "origin")));
        assert_eq!("git:ops/rolecall@up".parse(), Ok(git("ops/rolecall", "up")));
        for place in ["sqlite", "git:rolecall", "git:rolecall@up"] {
            assert_eq!(place.parse::<Place>().unwrap().to_string(), place);
        }
        let wrong = [
            "",
            "SQLite",
            "git",
            "git:",
            "git:@up",
            "git:a@",
            "git:a b",
            "git:-f",
            "git:a..b",
            "git:a@-x",
            "git:a@https://u:secret@h/r",
            "git:a@../r",
            "git:a^",
            "git:a.lock",
            "postgres:x",
        ];
        for wrong in wrong {
            let error = wrong.parse::<Place>().unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
