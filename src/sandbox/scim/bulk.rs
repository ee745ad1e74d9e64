//! Bulk (RFC 7644, section 3.7): several operations in one request.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::api::{Done, Inner, Scim, base, not_allowed};
use super::error::{Result, ScimError};
use super::faults::{INTEGER_STATUS, NO_BULK};
use super::list::Params;
use crate::sandbox::Call;

/// How many operations one request may have.
pub const OPERATIONS_MAX: usize = 1000;
/// How many bytes one request may have.
pub const PAYLOAD_MAX: usize = 1 << 20;

struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Option<Value>,
}

/// Answers a bulk request.
pub fn run(scim: &mut Scim, call: &Call<'_>, path: &[String], body: Option<Value>) -> Result<Done> {
    if call.faults.has(&NO_BULK) {
        return Err(ScimError::not_offered("Bulk"));
    }
    if call.request.method != "POST" || path.len() > 1 {
        return Err(not_allowed(&call.request.method));
    }
    if call.request.body.len() > PAYLOAD_MAX {
        return Err(ScimError::new(413, format!("more than {PAYLOAD_MAX} bytes")));
    }
    let Some(Value::Object(body)) = body else { return Err(ScimError::syntax("the body must be a JSON object")) };
    let Some(list) = body.get("Operations").and_then(Value::as_array) else {
        return Err(ScimError::syntax("`Operations` must be a list"));
    };
    if list.len() > OPERATIONS_MAX {
        return Err(ScimError::new(413, format!("more than {OPERATIONS_MAX} operations")));
    }
    let operations = list.iter().map(read).collect::<Result<Vec<_>>>()?;
    let errors_max = body.get("failOnErrors").and_then(Value::as_u64).filter(|n| *n > 0);
    let mut answers: Vec<Option<Value>> = operations.iter().map(|_| None).collect();
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut errors = 0;
    let mut waiting: Vec<usize> = (0..operations.len()).collect();
    loop {
        let mut later = Vec::new();
        let before = waiting.len();
        for &index in &waiting {
            if errors_max.is_some_and(|max| errors >= max) {
                break;
            }
            let Some(operation) = operations.get(index) else { continue };
            // What refers to something that is made further down waits for it.
            let Some(ready) = with_ids(operation, &ids) else {
                later.push(index);
                continue;
            };
            let answer = one(scim, call, operation, ready, &mut ids, &mut errors);
            if let Some(place) = answers.get_mut(index) {
                *place = Some(answer);
            }
        }
        if later.is_empty() || later.len() == before || errors_max.is_some_and(|max| errors >= max) {
            for &index in later.iter().filter(|_| errors_max.is_none_or(|max| errors < max)) {
                let text = "it refers to a bulkId that came to nothing";
                let error = ScimError { status: 409, kind: Some("invalidValue"), detail: text.to_owned() };
                if let (Some(place), Some(operation)) = (answers.get_mut(index), operations.get(index)) {
                    *place = Some(told(call, operation, Err(error)));
                }
            }
            break;
        }
        waiting = later;
    }
    let answers: Vec<Value> = answers.into_iter().flatten().collect();
    let response = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
    Ok(Done::of(json!({"schemas": [response], "Operations": answers})))
}

fn read(value: &Value) -> Result<Operation> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let method = text("method").map(|m| m.to_ascii_uppercase()).unwrap_or_default();
    if !matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE") {
        return Err(ScimError::syntax("`method` must be POST, PUT, PATCH or DELETE"));
    }
    let bulk_id = text("bulkId");
    if method == "POST" && bulk_id.is_none() {
        return Err(ScimError::syntax("a POST needs a `bulkId`"));
    }
    let path = text("path").ok_or_else(|| ScimError::syntax("an operation needs a `path`"))?;
    Ok(Operation { method, path, bulk_id, version: text("version"), data: value.get("data").cloned() })
}

/// Path and data with the identifiers in the place of `bulkId:x`; `None` while one is not known.
fn with_ids(operation: &Operation, ids: &HashMap<String, String>) -> Option<(String, Option<Value>)> {
    let one = |text: &str| match text.strip_prefix("bulkId:") {
        Some(name) => ids.get(name).cloned(),
        None => Some(text.to_owned()),
    };
    let path: Option<Vec<String>> = operation.path.split('/').map(one).collect();
    let mut data = operation.data.clone();
    let resolved = data.as_mut().is_none_or(|data| resolve(data, &one));
    (resolved).then_some(())?;
    Some((path?.join("/"), data))
}

fn resolve(value: &mut Value, one: &dyn Fn(&str) -> Option<String>) -> bool {
    match value {
        Value::String(text) => match one(text) {
            Some(new) => {
                *text = new;
                true
            }
            None => false,
        },
        Value::Array(list) => list.iter_mut().all(|v| resolve(v, one)),
        Value::Object(map) => map.values_mut().all(|v| resolve(v, one)),
        _ => true,
    }
}

fn one(
    scim: &mut Scim,
    call: &Call<'_>,
    operation: &Operation,
    (path, data): (String, Option<Value>),
    ids: &mut HashMap<String, String>,
    errors: &mut u64,
) -> Value {
    let segments = path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    let inner = Inner {
        method: &operation.method,
        path: segments,
        params: Params::default(),
        body: data,
        if_match: operation.version.as_deref(),
        if_none_match: None,
    };
    let done = scim.one(call, inner).map(|done| Done {
        location: done.location.or_else(|| (operation.method != "POST").then(|| format!("{}{path}", base(call)))),
        ..done
    });
    if let (Ok(done), Some(name)) = (&done, &operation.bulk_id)
        && let Some(id) = done.body.as_ref().and_then(|b| b.get("id")).and_then(Value::as_str)
    {
        ids.insert(name.clone(), id.to_owned());
    }
    *errors += u64::from(done.is_err());
    told(call, operation, done)
}

fn told(call: &Call<'_>, operation: &Operation, done: Result<Done>) -> Value {
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("method", json!(operation.method));
    if let Some(id) = &operation.bulk_id {
        put("bulkId", json!(id));
    }
    match done {
        Ok(done) => {
            put("status", json!(done.status.to_string()));
            if let Some(location) = done.location {
                put("location", json!(location));
            }
            if let Some(version) = done.version {
                put("version", json!(version));
            }
        }
        Err(error) => {
            put("status", json!(error.status.to_string()));
            put("response", error.body(call.faults.has(&INTEGER_STATUS)));
        }
    }
    Value::Object(map)
}
