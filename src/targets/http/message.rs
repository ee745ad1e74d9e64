//! One request and one answer, as far as an adapter is concerned with them.

use serde_json::Value;

use crate::targets::{TargetError, Task};

/// The verb of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something new: never safe to repeat.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether a request can be sent again by somebody who does not know what became of the first.
    ///
    /// `PUT` and `DELETE` are idempotent (RFC 9110, section 9.2.2), and yet a second one would undo what
    /// somebody else has done in between: what writes is looked at before it is repeated.
    #[must_use]
    pub fn repeats(self) -> bool {
        self == Self::Get
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The verb.
    pub method: Method,
    /// The path below the address of the target with its query, percent-encoded: `/Users?count=100`.
    pub path: String,
    /// What kind of text the body is, and which is asked for.
    pub media: &'static str,
    /// The body, JSON.
    pub body: Option<Vec<u8>>,
    /// Only where the thing still has this version (`If-Match`).
    pub version: Option<String>,
    /// Whether it can be sent again by somebody who does not know what became of the first.
    pub repeats: bool,
    /// A header of the system's own: its name in lower case, which is kept of the answer as well, and what
    /// is sent in it.
    pub own: Option<(&'static str, Option<String>)>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>, media: &'static str) -> Self {
        Self { method, path: path.into(), media, body: None, version: None, own: None, repeats: method.repeats() }
    }

    /// The same with a body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    /// The same, which only reads, whatever its method: a query of GraphQL.
    #[must_use]
    pub fn reads(mut self) -> Self {
        self.repeats = true;
        self
    }

    /// The same with a header of the system's own, which is asked for in the answer.
    #[must_use]
    pub fn own(mut self, name: &'static str, value: Option<String>) -> Self {
        self.own = Some((name, value));
        self
    }

    /// The same, to be done only to this version.
    #[must_use]
    pub fn only(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The value of `ETag`.
    pub etag: Option<String>,
    /// The value of the header that the request asked for.
    pub own: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it says that all went well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`TargetError::Malformed`] when it is none.
    pub fn json(&self) -> Result<Value, TargetError> {
        serde_json::from_slice(&self.body)
            .map_err(|e| TargetError::Malformed(format!("the answer ({}) is no JSON: {e}", self.status)))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The request was never sent: nothing can have happened.
    NotSent(String),
    /// It was sent, and no whole answer came back.
    NoAnswer(String),
    /// The answer is larger than it may be.
    TooLarge(usize),
    /// There is nobody to send it to, now and later.
    Never(String),
}

/// What carries requests to a server and answers back.
pub trait Transport: Send + Sync {
    /// Sends one request, once.
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>>;

    /// A text that came with a success, without what opens the target: what is shown of it goes through here.
    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        (**self).send(request)
    }

    fn scrub(&self, text: &str) -> String {
        (**self).scrub(text)
    }
}

/// Percent-encodes everything that is not unreserved (RFC 3986, section 2.3).
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
