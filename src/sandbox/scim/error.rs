//! Errors as SCIM says them (RFC 7644, section 3.12).

use serde_json::{Value, json};

/// The schema of an error.
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// An error: status, its SCIM type where there is one, and a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// `invalidFilter` and so on.
    pub kind: Option<&'static str>,
    /// What is wrong.
    pub detail: String,
}

impl ScimError {
    /// An error without a SCIM type.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }

    /// 400 with a SCIM type.
    pub fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status: 400, kind: Some(kind), detail: detail.into() }
    }

    /// 400 `invalidValue`.
    pub fn value(detail: impl Into<String>) -> Self {
        Self::bad("invalidValue", detail)
    }

    /// 400 `invalidSyntax`.
    pub fn syntax(detail: impl Into<String>) -> Self {
        Self::bad("invalidSyntax", detail)
    }

    /// 404.
    pub fn not_found(what: &str) -> Self {
        Self::new(404, format!("{what} is not there"))
    }

    /// 501 for what is switched off.
    pub fn not_offered(what: &str) -> Self {
        Self::new(501, format!("{what} is not supported by this server"))
    }

    /// The body.
    pub fn body(&self, number: bool) -> Value {
        let status = if number { json!(self.status) } else { json!(self.status.to_string()) };
        let mut body = json!({"schemas": [ERROR], "status": status, "detail": self.detail});
        if let (Some(kind), Some(map)) = (self.kind, body.as_object_mut()) {
            map.insert("scimType".to_owned(), json!(kind));
        }
        body
    }
}

/// What something comes to.
pub type Result<T> = std::result::Result<T, ScimError>;
