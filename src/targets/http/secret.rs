//! Secrets as a type: what opens a target is never shown, and never leaves in a text by accident.

use std::fmt;
use std::sync::Arc;

/// What stands for a secret wherever text is shown.
pub const MASK: &str = "***";

/// A text that must not be shown. Its `Debug` shows nothing of it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Keeps a secret.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({MASK})")
    }
}

/// How a request proves who sends it.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// `Authorization: Bearer TOKEN` (RFC 6750).
    Bearer(Secret),
    /// `Authorization: Basic ...` (RFC 7617): a user and a password.
    Basic(String, Secret),
    /// Headers of the system's own.
    Headers {
        /// Those that open it, by name.
        secret: Vec<(&'static str, Secret)>,
        /// Those that only choose what is meant, by name.
        plain: Vec<(&'static str, String)>,
        /// What else is kept out of every text: what stands in the address, for example.
        hidden: Vec<Secret>,
    },
    /// None: a server on the same machine.
    Nothing,
}

impl Authorization {
    /// The headers: name, value, and whether it is a secret.
    pub(super) fn headers(&self) -> Vec<(&'static str, String, bool)> {
        let authorization = |value: String| vec![("authorization", value, true)];
        match self {
            Self::Bearer(token) => authorization(format!("Bearer {}", token.expose())),
            Self::Basic(user, password) => authorization(format!("Basic {}", pair(user, password))),
            Self::Headers { secret, plain, .. } => {
                let secret = secret.iter().map(|(name, value)| (*name, value.expose().to_owned(), true));
                secret.chain(plain.iter().map(|(name, value)| (*name, value.clone(), false))).collect()
            }
            Self::Nothing => Vec::new(),
        }
    }

    /// Every text that would give it away.
    fn texts(&self) -> Vec<String> {
        match self {
            Self::Bearer(token) => vec![token.expose().to_owned()],
            Self::Basic(user, password) => vec![pair(user, password), password.expose().to_owned()],
            Self::Headers { secret, hidden, .. } => {
                let texts = secret.iter().map(|(_, value)| value).chain(hidden).map(Secret::expose);
                // Without the scheme, which is no secret.
                texts.map(|t| t.strip_prefix("Bearer ").unwrap_or(t).to_owned()).collect()
            }
            Self::Nothing => Vec::new(),
        }
    }
}

fn pair(user: &str, password: &Secret) -> String {
    base64(format!("{user}:{}", password.expose()).as_bytes())
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        for i in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= group.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

/// How hashes of passwords begin that are written in the modular crypt format.
const HASHES: [&str; 6] = ["$pbkdf2", "$argon2", "$scrypt", "$2a$", "$2b$", "$2y$"];

/// A text in which hashes of passwords are hidden: a server may show them where it explains an error.
#[must_use]
pub fn without_hashes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = HASHES.iter().filter_map(|hash| rest.find(hash)).min() {
        let (before, hash) = rest.split_at(at);
        out.push_str(before);
        out.push_str(MASK);
        let inside = |c: char| c.is_ascii_alphanumeric() || "$+/=.,-_".contains(c);
        rest = hash.trim_start_matches(inside);
    }
    out.push_str(rest);
    out
}

/// Takes secrets out of what a server says: it may repeat what it was sent.
#[derive(Clone)]
pub struct Scrubber(Vec<String>);

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrubber({})", self.0.len())
    }
}

impl Scrubber {
    /// For what opens a target. Texts of less than four characters occur in everything, and stay.
    #[must_use]
    pub fn new(authorization: &Authorization) -> Self {
        let mut texts = authorization.texts();
        // As they stand within JSON and within an address.
        let spelled: Vec<String> = texts.iter().flat_map(|t| [json(t), super::encode(t)]).collect();
        texts.extend(spelled);
        texts.retain(|t| t.len() >= 4);
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self(texts)
    }

    /// The text without them.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    /// The bytes without them.
    #[must_use]
    pub fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        let found = |secret: &String| {
            let secret = secret.as_bytes();
            bytes.len() >= secret.len() && bytes.windows(secret.len()).any(|w| w == secret)
        };
        if !self.0.iter().any(found) {
            return bytes;
        }
        self.text(&String::from_utf8_lossy(&bytes)).into_bytes()
    }
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_known_by_its_beginning() {
        let said = "_{key_hash:\"$pbkdf2-sha512$t=131072$c2FsdA$Y2FuYXJ5\"} and $2b$12$canary.canary/ cost $5";
        assert_eq!(without_hashes(said), "_{key_hash:\"***\"} and *** cost $5");
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let token = Authorization::Bearer(Secret::new("canary-1"));
        assert!(!format!("{token:?}").contains("canary"));
        let scrubber = Scrubber::new(&token);
        assert!(!format!("{scrubber:?}").contains("canary"));
        assert_eq!(scrubber.text("no such token: canary-1!"), "no such token: ***!");
        assert_eq!(scrubber.bytes(b"x canary-1".to_vec()), b"x ***");
        assert_eq!(scrubber.bytes(vec![0xff, 1]), [0xff, 1]);
    }

    #[test]
    fn headers_of_its_own_are_hidden_but_for_those_that_only_choose() {
        let of = Authorization::Headers {
            secret: vec![("x-api-key", Secret::new("canary-key")), ("authorization", Secret::new("Bearer canary-2"))],
            plain: vec![("x-workspace", "w0rk".to_owned())],
            hidden: vec![Secret::new("c0mpany")],
        };
        let scrubber = Scrubber::new(&of);
        assert_eq!(scrubber.text("canary-key canary-2 w0rk /c0mpany/ Bearer"), "*** *** w0rk /***/ Bearer");
        let names: Vec<(&str, bool)> = of.headers().into_iter().map(|(name, _, secret)| (name, secret)).collect();
        assert_eq!(names, [("x-api-key", true), ("authorization", true), ("x-workspace", false)]);
        assert!(!format!("{of:?}").contains("canary"));
    }

    #[test]
    fn a_password_is_found_in_every_spelling() {
        let basic = Authorization::Basic("ada".to_owned(), Secret::new("pa\"ss w/rd"));
        let scrubber = Scrubber::new(&basic);
        for text in ["pa\"ss w/rd", "pa\\\"ss w/rd", "pa%22ss%20w%2Frd", "YWRhOnBhInNzIHcvcmQ="] {
            assert_eq!(scrubber.text(text), MASK, "{text}");
        }
    }
}
