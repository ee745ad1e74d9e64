//! Users: made, and changed in name, time zone and attributes.

use serde_json::{Map, Value, json};

use super::{TRIES, not_visible, see, until};
use crate::model::UserRecord;
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff, encode};
use crate::targets::omni::session::{Sent, Session};
use crate::targets::omni::shape::{ATTRIBUTES, PATCH, Person, TIMEZONE};
use crate::targets::scim::value::{list, quoted, text};
use crate::targets::scim::{refusal, said};

/// The path of a user.
pub fn path(id: &str) -> String {
    format!("/scim/v2/users/{}", encode(id))
}

/// Makes an account. It becomes a member of the organization, and nothing more.
pub async fn create(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    if session.user(&user.email).is_ok() {
        return Err(TargetError::Conflict(format!("the account {} is there already", user.email)));
    }
    let mut body = Map::new();
    body.insert("userName".to_owned(), Value::from(user.email.as_str()));
    body.insert("displayName".to_owned(), Value::from(user.name.as_deref().unwrap_or(&user.email)));
    let values = values(session, &UserRecord::default(), user);
    if !values.is_empty() {
        body.insert(ATTRIBUTES.to_owned(), Value::Object(values));
    }
    let body = Value::Object(body);
    let mut tried = 0;
    let id = loop {
        tried += 1;
        match session.write(Method::Post, "/scim/v2/users", Some(&body)).await? {
            Sent::Done(answer) => match answer.json().ok().and_then(|v| text(&v, "id")) {
                Some(id) => break id,
                None => match find(session, &user.email).await? {
                    Some(id) => break id,
                    None => return Err(not_visible()),
                },
            },
            // An error after it was done: looked at before it is said again.
            Sent::Maybe(why) => match find(session, &user.email).await? {
                Some(id) => break id,
                None if tried < TRIES => tokio::time::sleep(backoff(tried)).await,
                None => return Err(TargetError::Unknown(why)),
            },
            Sent::No(answer) if answer.status == 409 => match find(session, &user.email).await? {
                Some(id) if tried > 1 => break id,
                Some(_) => {
                    let message = format!("an account {} came into being meanwhile: plan again", user.email);
                    return Err(TargetError::Conflict(message));
                }
                None => {
                    let message = format!(
                        "Omni says that {} is taken, and shows no such user (it may be an embed user): {}",
                        user.email,
                        said(&answer)
                    );
                    return Err(TargetError::Conflict(message));
                }
            },
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    };
    {
        let mut index = session.index();
        index.users.insert(user.email.clone(), id.clone());
        index.emails.insert(id.clone(), user.email.clone());
    }
    let shown = |v: Option<&Value>| v.and_then(Person::read).is_some_and(|p| lacks(&p, user).is_empty());
    let (good, seen) = see(session, &path(&id), &shown).await?;
    match seen.as_ref().and_then(Person::read) {
        _ if good => Ok(()),
        None => Err(not_visible()),
        Some(person) => {
            let missing = lacks(&person, user).join(", ");
            Err(TargetError::Refused(format!("the account was made, and Omni did not keep {missing}")))
        }
    }
}

/// The id of an account that the index does not know yet.
async fn find(session: &Session, email: &str) -> Result<Option<String>, TargetError> {
    let filter = encode(&format!("userName eq {}", quoted(email)));
    let found = session.get(&format!("/scim/v2/users?filter={filter}")).await?;
    let fits = |p: &Person| p.email.as_deref() == Some(email) && p.active;
    Ok(list(&found, "Resources").iter().filter_map(Person::read).find(fits).map(|p| p.id))
}

/// What of a record an account does not show.
fn lacks(person: &Person, user: &UserRecord) -> Vec<String> {
    let mut missing = Vec::new();
    if person.email.as_deref() != Some(&user.email) {
        missing.push("the address".to_owned());
    }
    if user.name.is_some() && person.name != user.name {
        missing.push("the name".to_owned());
    }
    if user.timezone.is_some() && person.attributes.get(TIMEZONE) != user.timezone.as_ref() {
        missing.push("the query time zone".to_owned());
    }
    let of = |(name, value): &(&String, &String)| !same(person.attributes.get(*name), Some(value));
    missing.extend(user.attributes.iter().filter(of).map(|(name, _)| format!("attribute `{name}`")));
    missing
}

/// Whether two texts of an attribute mean the same: several values stand with commas between them.
fn same(live: Option<&String>, wanted: Option<&String>) -> bool {
    let parts = |t: Option<&String>| -> Vec<String> {
        t.map(|t| t.split(',').map(|p| p.trim().to_owned()).collect()).unwrap_or_default()
    };
    parts(live) == parts(wanted)
}

/// The values of attributes that change: `null` where one goes.
fn values(session: &Session, before: &UserRecord, after: &UserRecord) -> Map<String, Value> {
    let index = session.index();
    let mut map = Map::new();
    for (name, value) in &after.attributes {
        if !same(before.attributes.get(name), Some(value)) {
            let definition = index.definitions.get(name).cloned().unwrap_or_default();
            map.insert(name.clone(), definition.value(value));
        }
    }
    for name in before.attributes.keys().filter(|name| !after.attributes.contains_key(*name)) {
        map.insert(name.clone(), Value::Null);
    }
    if before.timezone != after.timezone {
        map.insert(TIMEZONE.to_owned(), after.timezone.as_deref().map_or(Value::Null, Value::from));
    }
    map
}

/// Changes name, time zone and attributes: attributes are merged over those that are there, and `null`
/// clears one (section b.1).
pub async fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Result<(), TargetError> {
    let person = again(session, &after.email).await?;
    let values = values(session, before, after);
    let moved: Vec<&String> = values
        .keys()
        .filter(|name| name.as_str() != TIMEZONE)
        .filter(|name| {
            let live = person.attributes.get(*name);
            !same(live, before.attributes.get(*name)) && !same(live, after.attributes.get(*name))
        })
        .collect();
    if !moved.is_empty() {
        let names: Vec<&str> = moved.into_iter().map(String::as_str).collect();
        return Err(TargetError::Conflict(format!("changed meanwhile: {}", names.join(", "))));
    }
    if before.name != after.name && person.name != before.name && person.name != after.name {
        return Err(TargetError::Conflict("changed meanwhile: name".to_owned()));
    }
    let mut operations = Vec::new();
    if before.name != after.name && person.name != after.name {
        operations.push(json!({"op": "replace", "path": "displayName", "value": after.name}));
    }
    let names: Vec<String> = values.keys().cloned().collect();
    if !values.is_empty() {
        operations.push(json!({"op": "replace", "value": {ATTRIBUTES: values}}));
    }
    if operations.is_empty() {
        return Ok(());
    }
    let wanted = |name: &str| match name {
        TIMEZONE => after.timezone.as_ref(),
        name => after.attributes.get(name),
    };
    let shown = |v: Option<&Value>| {
        v.and_then(Person::read).is_some_and(|p| {
            (before.name == after.name || p.name == after.name)
                && names.iter().all(|name| same(p.attributes.get(name), wanted(name)))
        })
    };
    let body = json!({"schemas": [PATCH], "Operations": operations});
    let path = path(&person.id);
    match until(session, (Method::Patch, &path, Some(&body)), &path, &shown).await {
        Err(TargetError::NotVisible(_)) => {
            // Settled, and yet not so: it is not kept, as with attributes that nobody has defined.
            let person = again(session, &after.email).await?;
            let lost: Vec<String> = names
                .iter()
                .filter(|name| !same(person.attributes.get(*name), wanted(name)))
                .map(|name| format!("attribute `{name}`"))
                .collect();
            if lost.is_empty() && person.name == after.name {
                return Ok(());
            }
            let what = if lost.is_empty() { "the name".to_owned() } else { lost.join(", ") };
            Err(TargetError::Refused(format!("Omni took the change, and did not keep {what}")))
        }
        result => result,
    }
}

/// Reads an account again before it is changed: that it is there, and still the one that is meant.
pub async fn again(session: &Session, email: &str) -> Result<Person, TargetError> {
    let id = session.user(email)?;
    let value = session.get_one(&path(&id)).await?;
    let Some(person) = value.as_ref().and_then(Person::read).filter(|p| p.active) else {
        return Err(TargetError::Gone(format!("the account {email} is not there any more")));
    };
    match person.email.as_deref() {
        Some(now) if now == email => Ok(person),
        Some(now) => Err(TargetError::Conflict(format!("the account {email} is called {now} now"))),
        None => Err(TargetError::Conflict(format!("the account {email} has lost its address"))),
    }
}
