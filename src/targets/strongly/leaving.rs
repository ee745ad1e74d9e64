//! What accounts own that are to be archived (fact sheet strongly, section 2.2, `/users/:id/assets`). What
//! becomes of it is the setting `assets`: by itself it stays theirs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::session::Session;
use super::settings::Assets;
use crate::plan::{Belongings, ByHand};
use crate::targets::TargetError;
use crate::targets::http::encode;
use crate::targets::scim::value::{get, text};

/// What these accounts own, by e-mail.
///
/// # Errors
/// When it cannot be read.
pub async fn belongings(session: &Session, users: &[String]) -> Result<BTreeMap<String, Belongings>, TargetError> {
    let mut found = BTreeMap::new();
    for email in users {
        // Who is invited owns nothing yet.
        let Some(id) = session.user(email).ok().and_then(|u| u.id) else { continue };
        let answer = session.get(&format!("/users/{}/assets", encode(&id))).await?;
        let Some(owned) = names(&answer) else {
            // What cannot be read is not nothing.
            let step = ByHand {
                what: format!("look what {email} owns, which the API shows in a form that rolecall does not know"),
                place: "in Strongly: the apps, projects, workflows and data sources of that owner".to_owned(),
            };
            found.insert(email.clone(), Belongings { by_hand: vec![step], ..Belongings::default() });
            continue;
        };
        let belongings = match session.settings.assets {
            Assets::Transfer => Belongings { moves: owned, ..Belongings::default() },
            Assets::LeaveAsIs => Belongings { stays: owned, ..Belongings::default() },
        };
        found.insert(email.clone(), belongings);
    }
    Ok(found)
}

/// The names of what is owned, sorted. The summary has no published form: lists by kind, each of texts or
/// things with a name, or numbers by kind; nothing where it is none of these.
fn names(answer: &Value) -> Option<Vec<String>> {
    let body = get(answer, "assets").unwrap_or(answer);
    let mut names: Vec<String> = Vec::new();
    let one = |kind: &str, item: &Value| match item {
        Value::String(name) => Some(format!("{kind} {name}")),
        other => {
            let name = text(other, "name").or_else(|| text(other, "title")).or_else(|| super::shape::id(other))?;
            Some(format!("{} {name}", text(other, "type").unwrap_or_else(|| kind.to_owned())))
        }
    };
    match body {
        Value::Array(items) => names.extend(items.iter().filter_map(|item| one("asset", item))),
        Value::Object(kinds) => {
            for (kind, value) in kinds {
                match value {
                    Value::Array(items) => names.extend(items.iter().filter_map(|item| one(kind, item))),
                    Value::Number(n) if n.as_u64() != Some(0) && kind != "total" => names.push(format!("{n} {kind}")),
                    _ => {}
                }
            }
        }
        _ => return None,
    }
    names.sort();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_owned_is_named_in_whatever_form_it_comes() {
        for (answer, expected) in [
            (
                json!({"assets": {"apps": [{"_id": "1", "name": "portal"}], "projects": ["churn"]}, "total": 2}),
                vec!["apps portal", "projects churn"],
            ),
            (json!({"apps": 2, "projects": 0, "total": 2}), vec!["2 apps"]),
            (json!([{"type": "app", "name": "portal"}, {"id": "7"}]), vec!["app portal", "asset 7"]),
            (json!({"assets": {}}), vec![]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(names(&answer), Some(expected), "{answer}");
        }
        for unknown in [json!(null), json!("two apps"), json!({"assets": "two apps"}), json!(2)] {
            assert_eq!(names(&unknown), None, "{unknown}: not nothing");
        }
    }
}
