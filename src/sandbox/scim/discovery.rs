//! What a server says about itself (RFC 7644, section 4; RFC 9865, section 4).

use serde_json::{Value, json};

use super::api::{Done, Inner, Scim, base, not_allowed};
use super::bulk::{OPERATIONS_MAX, PAYLOAD_MAX};
use super::error::{Result, ScimError};
use super::faults::{LYING_CONFIG, NO_BULK, NO_DISCOVERY, NO_ETAG, NO_FILTER, NO_PATCH, NO_SORT, PAGE_CAP};
use super::list::{PAGE, PAGE_MAX};
use super::schema::{Kind, SCHEMAS};
use crate::sandbox::{Call, Spec};

/// Whether a path begins with one of these endpoints.
pub fn is_one(name: &str) -> bool {
    matches!(name, "ServiceProviderConfig" | "ResourceTypes" | "Schemas")
}

/// Answers one of them.
pub fn run(_: &Scim, call: &Call<'_>, inner: &Inner<'_>) -> Result<Done> {
    if call.faults.has(&NO_DISCOVERY) {
        return Err(ScimError::not_found("discovery"));
    }
    if inner.method != "GET" {
        return Err(not_allowed(inner.method));
    }
    if inner.params.has_filter() {
        return Err(ScimError::new(403, "filters are not possible here (RFC 7644, section 4)"));
    }
    let base = base(call);
    let path: Vec<&str> = inner.path.iter().map(String::as_str).collect();
    let all: Vec<Value> = match path.as_slice() {
        ["ServiceProviderConfig"] => return Ok(Done::of(config(call, &base))),
        ["ResourceTypes", ..] => Kind::ALL.iter().map(|kind| resource_type(*kind, &base)).collect(),
        ["Schemas", ..] => SCHEMAS.iter().map(|schema| schema.describe(&base)).collect(),
        _ => Vec::new(),
    };
    match path.get(1..).unwrap_or_default() {
        [] => Ok(Done::of(json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": all.len(), "startIndex": 1, "itemsPerPage": all.len(), "Resources": all,
        }))),
        [id] => {
            let is_it = |one: &Value| one.get("id").and_then(Value::as_str).is_some_and(|i| i.eq_ignore_ascii_case(id));
            all.into_iter().find(is_it).map(Done::of).ok_or_else(|| ScimError::not_found(&format!("`{id}`")))
        }
        _ => Err(ScimError::not_found(&format!("`/{}`", inner.path.join("/")))),
    }
}

fn config(call: &Call<'_>, base: &str) -> Value {
    let lies = call.faults.has(&LYING_CONFIG);
    let has = |fault: &'static Spec| lies || !call.faults.has(fault);
    let most = call.faults.value(&PAGE_CAP).filter(|_| !lies).unwrap_or(PAGE_MAX as u64);
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://github.com/rolecall/rolecall",
        "patch": {"supported": has(&NO_PATCH)},
        "bulk": {"supported": has(&NO_BULK), "maxOperations": OPERATIONS_MAX, "maxPayloadSize": PAYLOAD_MAX},
        "filter": {"supported": has(&NO_FILTER), "maxResults": most},
        "changePassword": {"supported": false},
        "sort": {"supported": has(&NO_SORT)},
        "etag": {"supported": has(&NO_ETAG)},
        "pagination": {
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": most.min(PAGE as u64), "maxPageSize": most,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "description": "The token that the sandbox was started with",
            "specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

fn resource_type(kind: Kind, base: &str) -> Value {
    let extensions: Vec<Value> =
        kind.extension().into_iter().map(|schema| json!({"schema": schema.id, "required": false})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name(), "name": kind.name(), "description": kind.schema().about,
        "endpoint": format!("/{}", kind.endpoint()), "schema": kind.schema().id, "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", kind.name())},
    })
}
