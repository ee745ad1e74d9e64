//! Who did what outside of rolecall, as far as the audit log says it (fact sheet paradime, section b).
//!
//! The names of its events are not published, and an entry has no field for whom it is about. So an entry is
//! taken to be about somebody where its metadata holds their address as a whole value, and what is said is
//! marked as inferred.

use serde_json::Value;

use super::session::Session;
use crate::targets::{TargetError, ToldBy};

/// The log of the whole account: it cannot be asked for a part.
const GET_AUDIT_LOGS: &str = "query GetAuditLogs { getAuditLogs { auditLogs { id createdDttm workspaceName actorType \
                              actorEmail eventSource eventType metadataJson } } }";

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    id: u64,
    at: String,
    workspace: String,
    actor: String,
    source: String,
    kind: String,
    /// Every text of the metadata, in lower case.
    mentions: Vec<String>,
}

impl Entry {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut mentions = Vec::new();
        match value.get("metadataJson") {
            // A text in one source, an object in the other.
            Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
                Ok(value) => texts(&value, &mut mentions),
                Err(_) => mentions.push(text.trim().to_lowercase()),
            },
            Some(value) => texts(value, &mut mentions),
            None => {}
        }
        let email = text("actorEmail");
        let actor =
            if email.is_empty() { format!("nobody by name ({})", text("actorType").to_lowercase()) } else { email };
        Self {
            id: value.get("id").and_then(Value::as_u64).unwrap_or_default(),
            at: text("createdDttm"),
            workspace: text("workspaceName"),
            actor,
            source: text("eventSource").to_lowercase(),
            kind: text("eventType").to_lowercase(),
            mentions,
        }
    }

    /// The time in a form that compares: with or without `T`, a zone and parts of a second.
    fn order(&self) -> (String, u64) {
        (self.at.replacen('T', " ", 1), self.id)
    }
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.trim().to_lowercase()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(map) => map.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}

/// Reads the log.
///
/// # Errors
/// When it cannot be read: it needs the Security pack, and a key that may.
pub async fn log(session: &Session) -> Result<Vec<Entry>, TargetError> {
    let value = session.query(GET_AUDIT_LOGS, "getAuditLogs").await?;
    let list = value.get("auditLogs").and_then(Value::as_array);
    let list = list.ok_or_else(|| TargetError::Malformed("the audit log is no list".to_owned()))?;
    Ok(list.iter().map(Entry::read).collect())
}

fn last<'e>(events: &'e [Entry], email: &str) -> Option<&'e Entry> {
    let named = events.iter().filter(|e| e.mentions.iter().any(|m| m == email));
    named.max_by_key(|e| e.order())
}

/// Who did it, by the last entry that names somebody.
pub fn told_by(events: &[Entry], email: &str) -> Option<ToldBy> {
    let last = last(events, email)?;
    Some(ToldBy { actor: last.actor.clone(), at: last.at.clone(), what: last.kind.clone(), inferred: true })
}

/// What the last entry says that names somebody.
pub fn about(events: &[Entry], email: &str) -> Option<String> {
    let last = last(events, email)?;
    Some(format!(
        "the last entry of the audit log that names {email}: `{}` by {} at {} ({}, workspace {}); that it is about \
         this difference is inferred",
        last.kind, last.actor, last.at, last.source, last.workspace
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(id: u64, at: &str, metadata: Value) -> Entry {
        Entry::read(&json!({
            "id": id, "createdDttm": at, "workspaceName": "analytics", "actorType": "USER",
            "actorEmail": "ana@acme.example", "eventSource": "APP", "eventType": "ROLE_SET", "metadataJson": metadata,
        }))
    }

    #[test]
    fn the_last_entry_that_names_somebody_is_told() {
        let events = [
            entry(1, "2026-03-02 09:15:04.120311", json!(r#"{"user": {"email": "Bo@acme.example"}}"#)),
            entry(3, "2026-03-01T10:00:00+00:00", json!({"user": ["bo@acme.example"]})),
            entry(4, "2026-03-04 09:00:00", json!("no json")),
            entry(5, "2026-03-05 09:00:00", json!({"note": "for bobo@acme.example and bo@acme.example too"})),
            entry(6, "2026-03-06 09:00:00", Value::Null),
        ];
        let said = about(&events, "bo@acme.example").unwrap();
        assert_eq!(
            said,
            "the last entry of the audit log that names bo@acme.example: `role_set` by ana@acme.example at 2026-03-02 \
             09:15:04.120311 (app, workspace analytics); that it is about this difference is inferred"
        );
        assert_eq!(about(&events, "bobo@acme.example"), None, "a part of a text is no address");
    }
}
