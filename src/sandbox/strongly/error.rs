//! Refusals as the API words them (fact sheet strongly, section 2.1).

use serde_json::{Value, json};

/// Why a request is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The word for programs.
    pub code: &'static str,
    /// What is wrong.
    pub text: String,
}

impl Refusal {
    /// Any status, with its usual word.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        let code = match status {
            400 => "validation-error",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not-found",
            409 => "conflict",
            429 => "rate-limit",
            _ => "internal-error",
        };
        Self { status, code, text: text.into() }
    }

    /// 400.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    /// 403 for want of a scope.
    pub fn scope(scope: &str) -> Self {
        Self { code: "scope-required", ..Self::new(403, format!("This action requires the {scope} scope")) }
    }

    /// 403 for want of a role.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(403, text)
    }

    /// 404.
    pub fn missing(text: impl Into<String>) -> Self {
        Self::new(404, text)
    }

    /// 409.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(409, text)
    }

    /// The body.
    pub fn body(&self) -> Value {
        json!({"success": false, "error": {"code": self.code, "message": self.text}})
    }
}

/// What something comes to.
pub type Result<T> = std::result::Result<T, Refusal>;
