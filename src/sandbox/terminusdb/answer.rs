//! Answers and errors in the server's own, uneven shapes (fact sheet terminusdb, sections 4 and 5).

use serde_json::{Map, Value, json};

use crate::sandbox::Answer;

/// The media type of nearly every body.
pub const MEDIA: &str = "application/json";

/// What an endpoint comes to; an error undoes what it did.
pub type Out = Result<Answer, Answer>;

/// A full address, of which lists show the end only.
pub const IRI: &str = "terminusdb://system/data/";

/// Where the words of the system's schema lie.
pub const SCHEMA: &str = "http://terminusdb.com/schema/system#";

/// The full address of an id.
pub fn iri(id: &str) -> String {
    format!("{IRI}{id}")
}

/// 200 with a body.
pub fn good(body: &Value) -> Answer {
    Answer::json(200, MEDIA, body)
}

/// 200 and that it was done: `what` as in `Roles`.
pub fn done(what: &str) -> Answer {
    good(&json!({"@type": format!("api:{what}Response"), "api:status": "api:success"}))
}

/// What `api:status` says beside a status.
fn word(status: u16) -> &'static str {
    match status {
        404 => "api:not_found",
        500.. => "api:server_error",
        _ => "api:failure",
    }
}

/// An error of an endpoint: whose (`Role`), of which kind, what it is about, and its text.
pub fn error(status: u16, whose: &str, kind: &str, about: Value, text: String) -> Answer {
    let mut inner = Map::new();
    inner.insert("@type".to_owned(), json!(format!("api:{kind}")));
    if let Value::Object(about) = about {
        inner.extend(about.into_iter().map(|(key, value)| (format!("api:{key}"), value)));
    }
    let body = json!({
        "@type": format!("api:{whose}ErrorResponse"),
        "api:error": inner,
        "api:message": text,
        "api:request_id": "00000000-0000-0000-0000-000000000000",
        "api:status": word(status),
    });
    Answer::json(status, MEDIA, &body)
}

/// 401, with a status in the body that says only that it failed.
pub fn not_known() -> Answer {
    let body = json!({
        "@type": "api:ErrorResponse",
        "api:error": {"@type": "api:IncorrectAuthenticationError"},
        "api:message": "Incorrect authentication information",
        "api:status": "api:failure",
    });
    Answer::json(401, MEDIA, &body)
}

/// 403: the scope, the action and the user as quoted terms of Prolog.
pub fn forbidden(scope: &str, action: &str, user: &str) -> Answer {
    let user = format!("'{}'", iri(user));
    let body = json!({
        "action": action,
        "api:message": format!("Access to {scope} is not authorised with action {action} and auth {user}"),
        "api:status": "api:forbidden",
        "auth": user,
        "scope": scope,
    });
    Answer::json(403, MEDIA, &body)
}

/// 500 where a handler fails without a reason.
pub fn unexpected() -> Answer {
    let text = "Unexpected failure in request handler";
    Answer::json(500, MEDIA, &json!({"api:message": text, "api:status": "api:failure"}))
}

/// 500 where nobody had thought of it.
pub fn unhandled() -> Answer {
    let text = "An internal server error occurred. Please contact the administrator.";
    error(500, "Unhandled", "InternalServerError", Value::Null, text.to_owned())
}

/// 400 for a value of a wrong type, as the query engine says it.
pub fn type_error(actual: &Value, expected: &str) -> Answer {
    let shown = actual.as_str().map_or_else(|| actual.to_string(), str::to_owned);
    let text = format!("Type error for {shown} which should be {expected}");
    let body = json!({
        "@type": "api:WoqlErrorResponse",
        "api:error": {"@type": "api:TypeError", "api:actual_value": actual, "api:expected_type": expected},
        "api:message": text,
        "api:status": "api:failure",
        "system:witnesses": [{
            "@type": "vio:ViolationWithDatatypeObject",
            "vio:literal": actual, "vio:message": text, "vio:type": expected,
        }],
    });
    Answer::json(400, MEDIA, &body)
}

/// 400 for keys that are missing.
pub fn missing(document: &Map<String, Value>, expected: &[&str]) -> Answer {
    let body = json!({
        "@type": "api:BadAPIDocumentErrorResponse",
        "api:error": {
            "@type": "api:RequiredFieldsMissing", "api:document": document, "api:expected": expected,
        },
        "api:message": format!("The input API document was missing required fields: [{}]", expected.join(",")),
        "api:status": "api:failure",
    });
    Answer::json(400, MEDIA, &body)
}

/// 400 where what was asked for would not fit the schema, as endpoints say it.
pub fn schema_failure(witness: &Value) -> Answer {
    let body = json!({
        "api:message": "Schema check failure", "api:status": "api:failure", "system:witnesses": [witness],
    });
    Answer::json(400, MEDIA, &body)
}

/// Who complains of a reference to nothing.
pub fn dangling(subject: &str, property: &str, object: &str) -> Value {
    json!({
        "@type": "references_untyped_object",
        "object": iri(object), "predicate": format!("{SCHEMA}{property}"), "subject": iri(subject),
    })
}

/// 405: a page for people, the only one that the server has.
pub fn no_method(method: &str, path: &str) -> Answer {
    let page = format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<title>405 Method not allowed</title>\n</head>\n<body>\n\n<h1>Method not \
         allowed</h1>\n\n<p>\nThe requested URL <tt>{path}</tt> does not support method <tt>{method}</tt>.</p>\n\n\
         </body>\n</html>\n"
    );
    let mut answer = Answer::empty(405).header("content-type", "text/html; charset=UTF-8");
    answer.body = page.into_bytes();
    answer
}

/// 404 for a path that leads nowhere.
pub fn no_path(path: &str) -> Answer {
    let body = json!({
        "api:message": format!("Path not found: {path}"), "api:path": path, "api:status": "api:not_found",
    });
    Answer::json(404, MEDIA, &body)
}

/// 501: the server can do it, and the sandbox cannot.
pub fn not_here(what: &str) -> Answer {
    let body = json!({"api:message": format!("the sandbox does not do this: {what}"), "api:status": "api:failure"});
    Answer::json(501, MEDIA, &body)
}

/// 400 where a parameter is missing.
pub fn no_parameter(whose: &str, name: &str) -> Answer {
    error(400, whose, "MissingParameter", json!({"parameter": name}), format!("Missing parameter: {name}"))
}

/// An id made of a name. What is kept as it is: letters, digits, and what may stand in a segment of a path.
pub fn id_part(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
