//! What accounts own that are to go: documents and schedules, which move, and a folder of their own, into
//! which the API does not see (fact sheet omni, sections b.7, b.8 and e).

use std::collections::BTreeMap;

use super::paging::cursor;
use super::session::Session;
use super::shape::{Document, Schedule};
use crate::plan::{Belongings, ByHand};
use crate::targets::TargetError;
use crate::targets::http::encode;

/// Where the folder of somebody can be emptied.
const PERSONAL: &str = "in Omni: Settings > Users, the user, Impersonate user; then move what is in My folder. \
                        The Analytics dashboard lists what they own";

/// What these accounts own, by e-mail.
///
/// # Errors
/// When it cannot be read.
pub async fn belongings(session: &Session, users: &[String]) -> Result<BTreeMap<String, Belongings>, TargetError> {
    list_documents(session).await?;
    let mut found = BTreeMap::new();
    for email in users {
        let Ok(id) = session.user(email) else { continue };
        let documents = documents_of(session, &id).await?;
        let schedules = schedules_of(session, &id).await?;
        let mut moves: Vec<String> = Vec::new();
        let mut personal: Vec<&str> = Vec::new();
        for document in &documents {
            if document.restricted {
                personal.push(&document.title);
            } else {
                moves.push(format!("document/{} ({})", document.identifier, document.title));
            }
        }
        moves.extend(schedules.iter().map(|s| format!("schedule {} ({})", s.id, s.name)));
        moves.sort();
        let what = if personal.is_empty() {
            "empty their personal folder, into which the API does not see".to_owned()
        } else {
            format!("empty their personal folder, in which there is at least: {}", personal.join(", "))
        };
        let by_hand = vec![ByHand { what, place: PERSONAL.to_owned() }];
        found.insert(email.clone(), Belongings { moves, by_hand, ..Belongings::default() });
    }
    Ok(found)
}

/// Lists all documents once, by owner: the list can be asked for those of a creator, and a document that
/// was handed over has another owner than that.
async fn list_documents(session: &Session) -> Result<(), TargetError> {
    let all = cursor(session, "/v1/documents", "", Document::read).await?;
    if let Some(doubt) = all.doubts.into_iter().next() {
        return Err(TargetError::Malformed(doubt));
    }
    let mut index = session.index();
    index.owned.clear();
    for document in all.items {
        if let Some(owner) = document.owner.clone() {
            index.owned.entry(owner).or_default().push(document);
        }
    }
    Ok(())
}

/// The documents of somebody: those that they have made and still own, and those of the last list that
/// are still theirs.
pub async fn documents_of(session: &Session, id: &str) -> Result<Vec<Document>, TargetError> {
    let query = format!("&creatorId={}", encode(id));
    let mut found = cursor(session, "/v1/documents", &query, Document::read).await?.items;
    found.retain(|d| d.owner.as_deref() == Some(id));
    let listed = session.index().owned.get(id).cloned().unwrap_or_default();
    for document in listed {
        if !found.iter().any(|d| d.identifier == document.identifier) {
            found.push(document);
        }
    }
    found.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    Ok(found)
}

/// The schedules of somebody.
pub async fn schedules_of(session: &Session, id: &str) -> Result<Vec<Schedule>, TargetError> {
    let query = format!("&ownerId={}", encode(id));
    let mut found = cursor(session, "/v1/schedules", &query, Schedule::read).await?.items;
    // What filters lie about is left out.
    found.retain(|s| s.owner.as_deref() == Some(id));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}
