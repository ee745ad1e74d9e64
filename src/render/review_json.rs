//! A review for programs: `schemas/review.schema.json`.

use crate::review::Review;

/// The review as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn review(review: &Review) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(review)? + "\n")
}
