//! Where the API of an instance is: the address of its login page and `/api` (fact sheet omni, section a).

use crate::targets::TargetError;
use crate::targets::http::encrypted;

/// The address of the API, from the address of the instance or of the API itself.
///
/// # Errors
/// When it would send a key unencrypted to another machine.
pub fn base_url(url: &str) -> Result<String, TargetError> {
    let base = url.trim_end_matches('/');
    encrypted(base, "Omni")?;
    Ok(if base.ends_with("/api") { base.to_owned() } else { format!("{base}/api") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_instance_leads_to_its_api() {
        for (url, base) in [
            ("https://acme.omniapp.co", "https://acme.omniapp.co/api"),
            ("https://acme.omniapp.co/", "https://acme.omniapp.co/api"),
            ("https://acme.omniapp.co/api/", "https://acme.omniapp.co/api"),
            ("http://127.0.0.1:8731", "http://127.0.0.1:8731/api"),
            ("http://[::1]:8731/api", "http://[::1]:8731/api"),
        ] {
            assert_eq!(base_url(url).as_deref(), Ok(base));
        }
        for url in ["http://acme.omniapp.co", "http://127.0.0.1.evil.example/api", "http://localhost.example"] {
            assert!(base_url(url).is_err(), "{url}");
        }
    }
}
