//! Users who are no standard ones: embed users and those who only get e-mail (fact sheet omni, section
//! b.1).

use serde_json::{Map, Value, json};

use super::api::{Cx, Done};
use super::definitions;
use super::error::{Refusal, Result};
use super::page::{self, Cursor, Paging};
use super::people::{ATTRIBUTES, email, filtered, leave_groups};
use super::world::{EmailOnly, Embed};

const EMAIL_ONLY: Paging = Paging { size: 20, most: 20, cursor: Cursor::Opaque };
/// How many e-mail-only users one request takes.
const BULK_MAX: usize = 20;

fn show_embed(cx: &Cx<'_>, id: &str, e: &Embed) -> Value {
    let groups: Vec<Value> =
        cx.state.people.groups_of(id).map(|g| json!({"display": g.text("displayName"), "value": g.id})).collect();
    json!({
        "id": id, "userName": e.user_name, "displayName": e.name, "active": true, "embedExternalId": e.external_id,
        "embedEntity": e.entity, "embedEmail": e.email, "groups": groups,
        "emails": [{"primary": true, "value": e.user_name}],
        "meta": {"resourceType": "User", "created": e.created, "lastModified": e.created},
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ATTRIBUTES],
        ATTRIBUTES: e.attributes,
    })
}

/// `GET /scim/v2/embed/users`
pub fn list_embed(cx: &Cx<'_>) -> Result<Done> {
    let known: &[(&str, &[&str])] = &[("userName", &["eq", "co"]), ("embedExternalId", &["eq", "co"])];
    let all = filtered(cx, known, cx.state.world.embeds.iter().collect(), |filter, (_, e)| {
        if filter.name == "username" { filter.fits(&e.user_name, false) } else { filter.fits(&e.external_id, true) }
    })?;
    page::scim(cx.call.request, cx.call.faults, all, |(id, e)| show_embed(cx, id, e)).map(Done::of)
}

fn embed<'a>(cx: &'a Cx<'_>, id: &str) -> Result<&'a Embed> {
    cx.state.world.embeds.get(id).ok_or_else(|| Refusal::missing("User not found"))
}

/// `GET /scim/v2/embed/users/{id}`
pub fn get_embed(cx: &Cx<'_>, id: &str) -> Result<Done> {
    Ok(Done::of(show_embed(cx, id, embed(cx, id)?)))
}

/// `DELETE /scim/v2/embed/users/{id}`: for good.
pub fn delete_embed(cx: &mut Cx<'_>, id: &str) -> Result<Done> {
    embed(cx, id)?;
    leave_groups(cx, id);
    cx.state.world.embeds.remove(id);
    Ok(Done::nothing())
}

/// `GET /v1/users/email-only`
pub fn list_email_only(cx: &Cx<'_>) -> Result<Done> {
    let all: Vec<(&str, &EmailOnly)> = cx.state.world.email_only.iter().collect();
    let show = |(id, e): (&str, &EmailOnly)| json!({"email": e.email, "user_id": id, "user_attributes": e.attributes});
    page::v1(cx.call.request, cx.call.faults, EMAIL_ONLY, "records", all, show).map(Done::of)
}

/// Makes one, or changes the one that has this address.
fn put(cx: &mut Cx<'_>, sent: &Value) -> Result<Value> {
    let Value::Object(sent) = sent else { return Err(Refusal::bad("Expected object")) };
    let address = email(sent.get("email"), "email")?;
    let known = cx.state.world.email_only.find(|e| e.email.eq_ignore_ascii_case(&address));
    let known = known.map(|(id, e)| (id.to_owned(), e.clone()));
    let attributes = match sent.get("userAttributes").or_else(|| sent.get("user_attributes")) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return Err(Refusal::bad("userAttributes: Expected object")),
    };
    let mut kept = known.as_ref().map(|(_, e)| e.attributes.clone()).unwrap_or_default();
    for (name, sent) in attributes {
        let definition = cx.state.world.definitions.find(|d| d.name == name).map(|(_, d)| d.clone());
        let Some(definition) = definition.filter(|d| !d.system || d.name == "omni_user_timezone") else { continue };
        match definitions::value(&definition, &sent)? {
            Some(value) => drop(kept.insert(name, value)),
            None => drop(kept.remove(&name)),
        }
    }
    let (id, seq) = match known {
        Some((id, _)) => (id, 0),
        None => cx.state.fresh("email-only"),
    };
    cx.state.world.email_only.put(&id, seq, EmailOnly { email: address.clone(), attributes: kept });
    Ok(json!({"email": address, "userId": id}))
}

/// `POST /v1/users/email-only`
pub fn put_email_only(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.body.clone().unwrap_or(Value::Null);
    put(cx, &body).map(Done::of)
}

/// `POST /v1/users/email-only/bulk`
pub fn put_email_only_bulk(cx: &mut Cx<'_>) -> Result<Done> {
    let body = cx.body.clone().unwrap_or(Value::Null);
    let list = body.as_array().or_else(|| body.get("users").and_then(Value::as_array));
    let list = list.ok_or_else(|| Refusal::bad("users: Required"))?;
    if !(1..=BULK_MAX).contains(&list.len()) {
        return Err(Refusal::bad(format!("users: must hold 1 to {BULK_MAX} users")));
    }
    let results = list.iter().map(|one| put(cx, one)).collect::<Result<Vec<_>>>()?;
    Ok(Done::made(json!({"results": results})))
}
