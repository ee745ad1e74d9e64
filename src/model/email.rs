//! E-mail addresses and domain names in the one form in which they are compared.

use unicode_security::skeleton;

/// Why a text is no address or domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No `@`, or more than one.
    #[error("an address has exactly one `@`")]
    NotOneAt,
    /// Nothing before the `@`.
    #[error("nothing stands before the `@`")]
    EmptyLocal,
    /// A character that cannot stand before the `@` without quotes.
    #[error("`{0}` cannot stand before the `@`")]
    BadLocal(String),
    /// A dot at the beginning or end of the local part, or two in a row.
    #[error("a dot before the `@` stands between two other characters")]
    DotPlacement,
    /// Not a domain name.
    #[error("`{0}` is no domain name")]
    BadDomain(String),
    /// A domain without a dot.
    #[error("`{0}` is no full domain name: it has no dot")]
    NoDot(String),
    /// Longer than an address can be.
    #[error("longer than 254 characters")]
    TooLong,
    /// More before the `@` than an address can have.
    #[error("more than 64 characters stand before the `@`")]
    LocalTooLong,
}

/// A domain name: lower case, in its ASCII (IDNA) form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain name in Unicode or ASCII, with at least one dot.
    ///
    /// # Errors
    /// When IDNA (UTS 46, non-transitional) refuses it, or it has no dot.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::BadDomain(text.to_owned());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        // The common case costs no table look-up; punycode (`xn--`) always goes through IDNA.
        let ascii = if plain && !text.contains("xn--") {
            text.to_owned()
        } else {
            idna::domain_to_ascii_strict(text).map_err(|_| bad())?
        };
        let label_fits = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if ascii.len() > 253 || !ascii.split('.').all(label_fits) {
            return Err(bad());
        }
        let Some((_, last)) = ascii.rsplit_once('.') else {
            return Err(NameError::NoDot(text.to_owned()));
        };
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        Ok(Self(ascii))
    }

    /// The ASCII form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An e-mail address: the local part in lower case, the domain in lower case and ASCII (IDNA).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address as people write it: no quotes, no comments, Unicode allowed (RFC 6531).
    ///
    /// # Errors
    /// When it is no such address.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (local, domain) = text.split_once('@').ok_or(NameError::NotOneAt)?;
        if domain.contains('@') {
            return Err(NameError::NotOneAt);
        }
        if local.is_empty() {
            return Err(NameError::EmptyLocal);
        }
        // RFC 5322 `atext` and the dot; beyond ASCII, RFC 6531 adds letters and digits.
        let fits = |c: char| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
        };
        if let Some(c) = local.chars().find(|c| !fits(*c)) {
            return Err(NameError::BadLocal(c.escape_default().to_string().replace("\\u", "U+")));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(NameError::DotPlacement);
        }
        let domain = DomainName::parse(domain)?;
        let whole = format!("{}@{}", local.to_lowercase(), domain.as_str());
        if local.len() > 64 {
            return Err(NameError::LocalTooLong);
        }
        if whole.len() > 254 {
            return Err(NameError::TooLong);
        }
        Ok(Self(whole))
    }

    /// The compared form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, d)| d)
    }
}

/// The form in which two names that look alike are the same (UTS 39 skeleton, of the Unicode form of
/// a punycode domain): `раypal.com` with Cyrillic letters and `paypal.com` share theirs.
#[must_use]
pub fn look_alike(name: &str) -> String {
    let (local, domain) = name.rsplit_once('@').map_or(("", name), |(l, d)| (l, d));
    let shown = if domain.contains("xn--") { idna::domain_to_unicode(domain).0 } else { domain.to_owned() };
    let whole = if local.is_empty() { shown } else { format!("{local}@{shown}") };
    skeleton(&whole).collect()
}

/// Whether a character is not seen, or changes how others are: control characters, direction marks,
/// characters without width (Unicode general categories Cc and Cf, and the line separators).
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        assert_eq!(Email::parse("Ada.L@ACME.com").unwrap().as_str(), "ada.l@acme.com");
        assert_eq!(Email::parse("ada@bücher.example").unwrap().as_str(), "ada@xn--bcher-kva.example");
        assert_eq!(Email::parse("ada@acme.com").unwrap().domain(), "acme.com");
    }

    #[test]
    fn what_is_no_address() {
        for bad in ["ada", "@acme.com", "a b@acme.com", "ada@acme", "a@b@c.de", ".a@acme.com", "a..b@acme.com"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        for bad in ["a@-acme.com", "a@acme-.com", "a@ac_me.com", "a@1.2.3.4", "a@acme..com", "a@acme.com."] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_too_long() {
        let local = |n| Email::parse(&format!("{}@acme.com", "a".repeat(n)));
        assert!(local(64).is_ok());
        assert_eq!(local(65), Err(NameError::LocalTooLong));
        let domain = format!("{0}.{0}.{0}.com", "d".repeat(62));
        assert_eq!(Email::parse(&format!("{}@{domain}", "a".repeat(64))), Err(NameError::TooLong));
    }

    #[test]
    fn look_alikes_share_a_skeleton() {
        assert_eq!(look_alike("ada@paypal.com"), look_alike("ada@p\u{430}ypal.com"));
        assert_ne!(look_alike("ada@acme.com"), look_alike("eda@acme.com"));
        let puny = DomainName::parse("p\u{430}ypal.com").unwrap();
        assert_eq!(look_alike(puny.as_str()), look_alike("paypal.com"));
    }
}
