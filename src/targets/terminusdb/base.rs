//! The address of a server.

use crate::targets::TargetError;
use crate::targets::http::encrypted;

/// The address below which the API lies: what the files say, with `/api` behind it where they leave it out.
/// Without TLS only a server on the same machine is spoken to, because a password is sent with every request.
///
/// # Errors
/// When passwords would go over the network in the open.
pub fn base_url(said: &str) -> Result<String, TargetError> {
    let said = said.trim_end_matches('/');
    encrypted(said, "TerminusDB")?;
    Ok(if said.ends_with("/api") { said.to_owned() } else { format!("{said}/api") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_below_the_server() {
        assert_eq!(base_url("https://graph.acme.example/").unwrap(), "https://graph.acme.example/api");
        assert_eq!(base_url("http://127.0.0.1:6363/api").unwrap(), "http://127.0.0.1:6363/api");
        for url in ["http://graph.acme.example", "http://127.0.0.1.evil.example:6363", "http://localhost@evil.example"]
        {
            assert!(base_url(url).is_err(), "{url}");
        }
    }
}
