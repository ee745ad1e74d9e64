//! Organizations and databases. Deleting a database that has two capabilities would fail half way, and an
//! organization is kept by capabilities that nobody has: both are cleaned before (section 7, traps 2 and 3).

use serde_json::json;

use super::{Next, TRIES, judged, not_visible, unended};
use crate::model::ResourceRecord;
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::terminusdb::documents::Documents;
use crate::targets::terminusdb::parts;
use crate::targets::terminusdb::session::{ADMIN_ORGANIZATION, Sent, Session, refusal};

/// Makes an organization.
pub async fn create_organization(session: &Session, name: &str) -> Result<(), TargetError> {
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        let documents = session.documents().await.map_err(|e| unended(tried > 1, e))?;
        if let Some((id, _)) = documents.organizations.iter().find(|(_, o)| o.name == name) {
            session.index().organizations.insert(name.to_owned(), id.clone());
            return Ok(());
        }
        if tried == TRIES {
            break;
        }
        let path = format!("/organizations/{}", encode(name));
        let sent = session.write(Method::Post, &path, Some(&json!({}))).await;
        let sent = sent.map_err(|e| unended(tried > 1, e))?;
        match judged(sent, &["NoUniqueIdForOrganizationName"], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Takes away the capabilities on a scope that nobody has, each only where nothing else changed meanwhile;
/// whether somebody has any.
async fn clean(session: &Session, scope: &str) -> Result<Option<String>, TargetError> {
    for _ in 0..1000 {
        let documents = session.whole().await?;
        let holders = documents.holders();
        let on: Vec<&str> =
            documents.capabilities.iter().filter(|(_, c)| c.scope == scope).map(|(id, _)| id.as_str()).collect();
        let of = |id: &&str| holders.get(*id).map(Vec::as_slice).unwrap_or_default();
        if let Some(user) = on.iter().find_map(|id| of(id).first()) {
            return Ok(documents.users.get(*user).map(|u| u.name.clone()));
        }
        let Some(orphan) = on.first() else { return Ok(None) };
        match session.clean(orphan, documents.version.as_deref()).await? {
            Sent::Done | Sent::Maybe(_) => {}
            // Something else changed meanwhile, or it is gone: looked at again.
            Sent::No(answer) if matches!(answer.status, 404 | 400) => {}
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    }
    Err(TargetError::Conflict("capabilities that nobody has keep coming up".to_owned()))
}

/// Deletes an organization that is empty.
pub async fn delete_organization(session: &Session, name: &str) -> Result<(), TargetError> {
    let id = match session.organization(name) {
        Ok(id) if id == ADMIN_ORGANIZATION => {
            return Err(TargetError::Refused("the organization `admin` belongs to the server".to_owned()));
        }
        Ok(id) => id,
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        let documents = session.whole().await.map_err(|e| unended(tried > 1, e))?;
        let Some(found) = documents.organizations.get(&id) else {
            session.index().organizations.remove(name);
            return Ok(());
        };
        if !found.databases.is_empty() {
            let count = found.databases.len();
            let still = TargetError::Conflict(format!("the organization `{name}` has {count} data products still"));
            return Err(unended(tried > 1, still));
        }
        if tried == TRIES {
            break;
        }
        if let Some(user) = clean(session, &id).await.map_err(|e| unended(tried > 1, e))? {
            let still = TargetError::Conflict(format!("`{user}` has a role in the organization `{name}` still"));
            return Err(unended(tried > 1, still));
        }
        let sent = session.write(Method::Delete, &format!("/organizations/{}", encode(name)), None).await;
        let sent = sent.map_err(|e| unended(tried > 1, e))?;
        match judged(sent, &["NoIdForOrganizationName"], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// The path of a database, and its id where it is there.
fn find<'d>(documents: &'d Documents, resource: &str) -> Result<(String, Option<&'d str>), TargetError> {
    let (home, name) =
        parts(resource).ok_or_else(|| TargetError::Refused(format!("{resource} names no data product")))?;
    let of = documents.organizations.values().find(|o| o.name == home);
    let id = of
        .and_then(|o| o.databases.iter().find(|d| documents.databases.get(*d).is_some_and(|found| found.name == name)));
    Ok((format!("/db/{}/{}", encode(home), encode(name)), id.map(String::as_str)))
}

/// Makes a database.
pub async fn create_database(session: &Session, resource: &ResourceRecord) -> Result<(), TargetError> {
    let mut outcome = not_visible();
    let mut sent_before = false;
    for tried in 1..=TRIES {
        let documents = session.documents().await.map_err(|e| unended(tried > 1, e))?;
        let (path, id) = find(&documents, &resource.name)?;
        if let Some(id) = id {
            if !sent_before {
                return Err(TargetError::Conflict(format!("{} came into being meanwhile", resource.name)));
            }
            session.index().databases.insert(resource.name.clone(), id.to_owned());
            return Ok(());
        }
        if tried == TRIES {
            break;
        }
        let label = parts(&resource.name).map(|(_, name)| name);
        let comment = resource.description.as_deref().unwrap_or_default();
        let body = json!({"label": label, "comment": comment, "schema": true, "public": false});
        let sent = session.write(Method::Post, &path, Some(&body)).await;
        let sent = sent.map_err(|e| unended(sent_before, e))?;
        // Said to a second try, it was the first that made it.
        let tolerated: &[&str] = if sent_before { &["DatabaseAlreadyExists"] } else { &[] };
        sent_before = true;
        match judged(sent, tolerated, tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Gives a database another description.
pub async fn describe(session: &Session, before: &ResourceRecord, after: &ResourceRecord) -> Result<(), TargetError> {
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        let documents = session.documents().await.map_err(|e| unended(tried > 1, e))?;
        let (path, id) = find(&documents, &after.name)?;
        let Some(found) = id.and_then(|id| documents.databases.get(id)) else {
            return Err(unended(tried > 1, TargetError::Gone(format!("there is no {}", after.name))));
        };
        if found.comment == after.description {
            return Ok(());
        }
        if found.comment != before.description {
            let other = TargetError::Conflict(format!("{} has another description now", after.name));
            return Err(unended(tried > 1, other));
        }
        if tried == TRIES {
            break;
        }
        let body = json!({"comment": after.description.as_deref().unwrap_or_default()});
        let sent = session.write(Method::Put, &path, Some(&body)).await;
        match judged(sent.map_err(|e| unended(tried > 1, e))?, &[], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

/// Deletes a database on which nobody holds anything.
pub async fn delete_database(session: &Session, resource: &str) -> Result<(), TargetError> {
    let mut outcome = not_visible();
    for tried in 1..=TRIES {
        let documents = session.whole().await.map_err(|e| unended(tried > 1, e))?;
        let (path, id) = find(&documents, resource)?;
        let Some(id) = id else {
            session.index().databases.remove(resource);
            return Ok(());
        };
        if tried == TRIES {
            break;
        }
        if let Some(user) = clean(session, id).await.map_err(|e| unended(tried > 1, e))? {
            let still = TargetError::Conflict(format!("`{user}` has a role on {resource} still"));
            return Err(unended(tried > 1, still));
        }
        // One that was left half way is deleted with force only.
        let half = documents.databases.get(id).is_some_and(|d| !d.finalized);
        let path = if half { format!("{path}?force=true") } else { path };
        let sent = session.write(Method::Delete, &path, None).await;
        match judged(sent.map_err(|e| unended(tried > 1, e))?, &["UnknownDatabase"], tried).await? {
            Next::Look => outcome = not_visible(),
            Next::Again(why) => outcome = TargetError::Unknown(why),
        }
    }
    Err(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::terminusdb::resource_name;

    #[test]
    fn a_data_product_is_known_by_both_names() {
        assert_eq!(parts("data-product/a/b/c"), Some(("a/b", "c")));
        assert_eq!(parts(&resource_name("acme", "sales")), Some(("acme", "sales")));
        assert_eq!((parts("folder/a/b"), parts("data-product/a")), (None, None));
    }
}
