//! What opens a workspace: one of three kinds (fact sheet paradime, section a). What does not fit together is
//! said before anything is sent.

use std::collections::BTreeMap;

use crate::targets::http::{Authorization, Secret};

/// How a workspace token begins: it opens one workspace.
const WORKSPACE: &str = "prdm_wsp_";

/// How an account token begins: it opens every workspace, and a header says which.
const COMPANY: &str = "prdm_cmp_";

/// What opens a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A key and its secret, which open one workspace.
    Pair(Secret, Secret),
    /// A workspace token.
    Workspace(Secret),
    /// An account token, and the workspace that is meant, where that is said.
    Company(Secret, Option<String>),
    /// None: a recording is answered from.
    Nothing,
}

impl Credential {
    /// Reads `credentials:` and the setting `workspace`. The token of Paradime stands as `secret` or `token`.
    ///
    /// # Errors
    /// What does not fit together, and what to do.
    pub fn read(said: &BTreeMap<String, Secret>, workspace: Option<&str>) -> Result<Self, &'static str> {
        let get = |name: &str| said.get(name);
        if said.values().any(|secret| secret.expose().trim().is_empty()) {
            return Err("one of its `credentials:` is empty");
        }
        let secret = match (get("secret"), get("token")) {
            (Some(_), Some(_)) => {
                return Err("its `credentials:` have both `secret` and `token`: one of them is enough");
            }
            (Some(secret), None) | (None, Some(secret)) => secret,
            (None, None) if get("key").is_some() => return Err("its `credentials:` have a `key` without its `secret`"),
            (None, None) => {
                return Err("it has no credentials: `key` and `secret`, or a workspace or account token as `token`");
            }
        };
        let text = secret.expose();
        let company = text.starts_with(COMPANY);
        if workspace.is_some() && !company {
            return Err(
                "`settings: {workspace: ...}` is for account tokens (prdm_cmp_...): what is given here opens one \
                 workspace, whatever that says; take it away",
            );
        }
        match (get("key"), company || text.starts_with(WORKSPACE)) {
            (Some(_), true) => {
                Err("its `credentials:` have a `key` beside a token, which stands alone: take the key away")
            }
            (Some(key), false) => Ok(Self::Pair(key.clone(), secret.clone())),
            (None, true) if company => Ok(Self::Company(secret.clone(), workspace.map(str::to_owned))),
            (None, true) => Ok(Self::Workspace(secret.clone())),
            (None, false) => Err(
                "its secret is no token (prdm_wsp_... or prdm_cmp_...), so it needs the `key` that it was shown with",
            ),
        }
    }

    /// How a request to this address proves it. The address holds a token of the company in its path.
    pub fn authorization(&self, url: &str) -> Authorization {
        let bearer = |token: &Secret| ("authorization", Secret::new(format!("Bearer {}", token.expose())));
        let (secret, plain) = match self {
            Self::Pair(key, secret) => (vec![("x-api-key", key.clone()), ("x-api-secret", secret.clone())], vec![]),
            Self::Workspace(token) => (vec![bearer(token)], vec![]),
            Self::Company(token, workspace) => {
                let header = workspace.iter().map(|uid| ("x-paradime-workspace", uid.clone()));
                (vec![bearer(token)], header.collect())
            }
            Self::Nothing => return Authorization::Nothing,
        };
        let path = url.split_once("://").map_or("", |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        Authorization::Headers { secret, plain, hidden: hidden(path) }
    }
}

/// What of the path of an address is not shown. A part as long as a token is hidden wherever it occurs; a short
/// one, which may be a word of anything else, where it stands as a part of a path.
fn hidden(path: &str) -> Vec<Secret> {
    const KNOWN: [&str; 3] = ["api", "v1", "graphql"];
    let mut found = Vec::new();
    let mut before = "/";
    for piece in path.split_inclusive(['/', '?', '#']) {
        let part = piece.trim_end_matches(['/', '?', '#']);
        let after = &piece[part.len()..];
        if part.len() >= 12 {
            found.push(Secret::new(part));
        } else if !part.is_empty() && !KNOWN.contains(&part) {
            found.push(Secret::new(format!("{before}{part}")));
        }
        before = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(said: &[(&str, &str)], workspace: Option<&str>) -> Result<Credential, &'static str> {
        let said = said.iter().map(|(name, text)| ((*name).to_owned(), Secret::new(*text))).collect();
        Credential::read(&said, workspace)
    }

    #[test]
    fn three_kinds_and_no_mixture() {
        let uid = Some("r233tak125coyphm");
        assert!(matches!(read(&[("key", "k"), ("secret", "s")], None), Ok(Credential::Pair(..))));
        for name in ["secret", "token"] {
            assert!(matches!(read(&[(name, "prdm_wsp_1")], None), Ok(Credential::Workspace(_))));
            assert!(matches!(read(&[(name, "prdm_cmp_1")], uid), Ok(Credential::Company(_, Some(_)))));
            assert!(matches!(read(&[(name, "prdm_cmp_1")], None), Ok(Credential::Company(_, None))));
        }
        for (said, workspace, why) in [
            (&[][..], None, "no credentials"),
            (&[("key", "k")], None, "without its `secret`"),
            (&[("secret", "s")], None, "needs the `key`"),
            (&[("token", "s")], None, "needs the `key`"),
            (&[("key", "k"), ("secret", " ")], None, "is empty"),
            (&[("key", "k"), ("secret", "prdm_wsp_1")], None, "stands alone"),
            (&[("key", "k"), ("token", "prdm_cmp_1")], uid, "stands alone"),
            (&[("secret", "prdm_wsp_1"), ("token", "prdm_wsp_1")], None, "both"),
            (&[("secret", "prdm_wsp_1")], uid, "account tokens"),
            (&[("key", "k"), ("secret", "s")], uid, "account tokens"),
        ] {
            let error = read(said, workspace).unwrap_err();
            assert!(error.contains(why), "{said:?}: {error}");
        }
    }

    #[test]
    fn a_short_company_is_hidden_in_addresses_and_nowhere_else() {
        for company in ["a1b2", "acme", "c0mpany-001", "x"] {
            let url = format!("https://api.paradime.io/api/v1/{company}/graphql");
            let of = read(&[("token", "prdm_wsp_canary")], None).unwrap().authorization(&url);
            let scrubber = crate::targets::http::Scrubber::new(&of);
            let shown = scrubber.text(&format!("{url}: refused"));
            // With its slash, one character is two: those are in everything.
            assert_eq!(shown.contains(&format!("/{company}/")), company.len() < 3, "{shown}");
            let mail = format!("ada@{company}.example");
            assert_eq!(scrubber.text(&mail), mail);
        }
        let of =
            read(&[("token", "prdm_wsp_canary")], None).unwrap().authorization("https://x.example/graphql/acme?k=tok");
        let scrubber = crate::targets::http::Scrubber::new(&of);
        assert_eq!(scrubber.text("GET https://x.example/graphql/acme?k=tok"), "GET https://x.example/graphql******");
    }

    #[test]
    fn the_company_in_the_address_is_hidden() {
        let url = "https://api.paradime.io/api/v1/c0mpanyc0mpany/graphql";
        let of = read(&[("token", "prdm_cmp_canary")], Some("r233tak125coyphm")).unwrap().authorization(url);
        let scrubber = crate::targets::http::Scrubber::new(&of);
        let text = format!("{url} prdm_cmp_canary r233tak125coyphm");
        assert_eq!(scrubber.text(&text), "https://api.paradime.io/api/v1/***/graphql *** r233tak125coyphm");
    }
}
