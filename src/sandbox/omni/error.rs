//! Refusals in the three shapes that are known (fact sheet omni, section (a), errors).

use serde_json::{Value, json};

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong.
    pub text: String,
}

impl Refusal {
    /// Any status.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    /// 400.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    /// 403.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(403, text)
    }

    /// 404.
    pub fn missing(text: impl Into<String>) -> Self {
        Self::new(404, text)
    }

    /// 422.
    pub fn unfit(text: impl Into<String>) -> Self {
        Self::new(422, text)
    }

    /// The body; `other` for the shape of the general documentation.
    pub fn body(&self, other: bool) -> Value {
        let code = match self.status {
            400 => "bad_request",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            409 => "conflict",
            422 => "unprocessable_entity",
            429 => "too_many_requests",
            _ => "internal_server_error",
        };
        match self.status {
            _ if other => json!({"error": code, "message": self.text}),
            422 => json!({"error": self.text}),
            status => json!({"detail": self.text, "status": status}),
        }
    }
}

/// What something comes to.
pub type Result<T> = std::result::Result<T, Refusal>;
