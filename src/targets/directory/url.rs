//! Where a directory lies: `sqlite:PATH`.

use std::path::{Path, PathBuf};

/// Why a text names no directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// PostgreSQL.
    #[error(
        "a directory in PostgreSQL is not possible yet: write `sqlite:PATH`, for example `sqlite:.rolecall/home.db`"
    )]
    Postgres,
    /// Not `sqlite:` at all.
    #[error("`{0}` names no directory: write `sqlite:PATH`, for example `sqlite:.rolecall/home.db`")]
    Scheme(String),
    /// No path.
    #[error("no path stands after `sqlite:`, for example `sqlite:.rolecall/home.db`")]
    NoPath,
    /// A database that is gone when the process ends.
    #[error("a directory in memory is gone when rolecall ends: name a file, for example `sqlite:.rolecall/home.db`")]
    Memory,
    /// A host in front of the path.
    #[error("`{0}` has a host in front of its path: write `sqlite:PATH` with one slash or none")]
    Host(String),
    /// Parameters behind the path.
    #[error("`{0}` has parameters behind its path, and there are none: leave out `?` and what follows")]
    Parameters(String),
}

/// The file that `url` names; a path that is not absolute lies below `base`.
///
/// # Errors
/// When it is not `sqlite:PATH`; the text says what to write.
pub fn path_of(url: &str, base: &Path) -> Result<PathBuf, UrlError> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        let postgres = url.starts_with("postgres:") || url.starts_with("postgresql:");
        return Err(if postgres { UrlError::Postgres } else { UrlError::Scheme(url.to_owned()) });
    };
    if path.is_empty() || path.ends_with('/') {
        return Err(UrlError::NoPath);
    }
    if path == ":memory:" {
        return Err(UrlError::Memory);
    }
    if path.starts_with("//") && !path.starts_with("///") {
        return Err(UrlError::Host(url.to_owned()));
    }
    if path.contains('?') {
        return Err(UrlError::Parameters(url.to_owned()));
    }
    Ok(base.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_nothing_else() {
        let of = |url| path_of(url, Path::new("/org"));
        assert_eq!(of("sqlite:.rolecall/home.db"), Ok("/org/.rolecall/home.db".into()));
        assert_eq!(of("sqlite:/var/home.db"), Ok("/var/home.db".into()));
        assert_eq!(of("sqlite:///var/home.db"), Ok("/var/home.db".into()));
        assert_eq!(of("sqlite:"), Err(UrlError::NoPath));
        assert_eq!(of("sqlite:here/"), Err(UrlError::NoPath));
        assert_eq!(of("sqlite::memory:"), Err(UrlError::Memory));
        assert_eq!(of("sqlite://host/x.db"), Err(UrlError::Host("sqlite://host/x.db".into())));
        assert_eq!(of("sqlite:x.db?mode=ro"), Err(UrlError::Parameters("sqlite:x.db?mode=ro".into())));
        assert_eq!(of("postgres://db/x"), Err(UrlError::Postgres));
        assert_eq!(of("home.db"), Err(UrlError::Scheme("home.db".into())));
    }
}
