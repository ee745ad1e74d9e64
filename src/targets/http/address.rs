//! Which addresses a secret may be sent to.

use crate::targets::TargetError;

/// Refuses an address that would carry what opens `system` unencrypted to another machine: `http://` is for
/// servers on this one.
///
/// # Errors
/// When it would.
pub fn encrypted(url: &str, system: &str) -> Result<(), TargetError> {
    // Schemes have no case (RFC 3986, section 3.1).
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if !scheme.trim().eq_ignore_ascii_case("http") {
        return Ok(());
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Before an `@` stands a user, also where it looks like a host.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return Ok(());
    }
    // The path may hold a secret itself.
    let message =
        format!("{system} is reached by https:// only, and `http://{host}` would be sent what opens it unencrypted");
    Err(TargetError::Refused(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unencrypted_only_to_this_machine() {
        for url in ["https://api.example/x", "http://127.0.0.1:8731/a", "http://localhost", "http://[::1]:1/api"] {
            assert_eq!(encrypted(url, "It"), Ok(()), "{url}");
        }
        for url in [
            "http://api.example/s3cret",
            "http://127.0.0.1.evil.example/s3cret",
            "http://localhost.example",
            "http://localhost@evil.example/s3cret",
            "http://localhost:1@evil.example/s3cret",
            "http://evil.example?localhost",
            "HTTP://api.example/s3cret",
            " http://api.example/s3cret",
        ] {
            let error = encrypted(url, "It").unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
