//! What goes in and out of an API: a request that was read to its end, and an answer that was not sent.

use serde_json::Value;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path as it was sent, still percent-encoded.
    pub path: String,
    /// The parameters behind `?`, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The headers by lower-case name, without the one that opens the server where the server looks at it.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The parts of the path behind `base`, decoded; `None` where the path does not begin with it.
    #[must_use]
    pub fn segments(&self, base: &str) -> Option<Vec<String>> {
        let rest = self.path.strip_prefix(base)?;
        if !rest.is_empty() && !rest.starts_with('/') {
            return None;
        }
        Some(rest.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect())
    }

    /// A parameter by its name, whose case does not matter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// A header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// The parameters of a query string.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decode(name, true), decode(value, true))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// Undoes percent-encoding; what is no encoding stays as it is.
fn decode(text: &str, plus: bool) -> String {
    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 2;
            }
            (b'+', ..) if plus => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An answer in JSON, with this media type.
    #[must_use]
    pub fn json(status: u16, media_type: &str, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", media_type.to_owned())], body: body.to_string().into_bytes() }
    }

    /// With one more header, in the place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(n, _)| *n != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Whether it says that the request was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_parameters_are_decoded() {
        let request = Request {
            path: "/scim/v2/Users/a%2Fb%zz".into(),
            query: query("filter=userName+eq%20%22a%2Bb%22&count=2&x"),
            ..Request::default()
        };
        assert_eq!(request.segments("/scim/v2"), Some(vec!["Users".to_owned(), "a/b%zz".to_owned()]));
        assert_eq!(request.segments("/scim/v"), None);
        assert_eq!(request.param("FILTER"), Some("userName eq \"a+b\""));
        assert_eq!((request.param("count"), request.param("x"), request.param("y")), (Some("2"), Some(""), None));
    }
}
