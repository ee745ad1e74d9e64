//! A conversation with one instance: single requests with its errors in our words, and what of it each
//! name in the files means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::settings::Settings;
use super::shape::{Kind, SignIn, unwrapped};
use crate::model::Catalogue;
use crate::targets::http::{Answer, Client, Method, Request};
use crate::targets::scim::said;
use crate::targets::scim::value::{get, text};
use crate::targets::{TargetError, Wanted};

const MEDIA: &str = "application/json";

/// What is shown of an explanation at most, in characters.
const SAID_MAX: usize = 300;

/// A conversation. Reader and writer of a target share one, and with it the key.
pub struct Session {
    client: Client,
    /// The roles.
    pub catalogue: Arc<Catalogue>,
    /// The settings of the target.
    pub settings: Settings,
    /// What is to be seen.
    pub wanted: Wanted,
    /// Who takes over what leavers own, by e-mail.
    pub successor: Option<String>,
    index: Mutex<Index>,
}

/// A user, as far as a writer must know them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The id of the user. The members list is the surest place of it (fact sheet strongly, section 2.5).
    pub id: Option<String>,
    /// The id of their place in the organization.
    pub member: Option<String>,
    /// The id of the invitation of who has not come yet.
    pub invitation: Option<String>,
    /// The platform role, where the catalogue does not know it.
    pub unknown_role: Option<String>,
    /// Whether the account is archived.
    pub archived: bool,
}

/// A thing that can be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// The ids of those whom its list lets in, where there is such a list and it was read.
    pub listed: Vec<String>,
}

/// Which thing of the instance each name means, as it was last read.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The id of the organization.
    pub organization: String,
    /// Users by e-mail.
    pub users: HashMap<String, Known>,
    /// The e-mail of each user, by id.
    pub emails: HashMap<String, String>,
    /// Resources by their names in the files.
    pub things: HashMap<String, Thing>,
    /// The ids of the applications whose sign-in pages the domains are for, by name.
    pub sign_in: BTreeMap<String, String>,
    /// Those applications that were not found.
    pub no_sign_in: BTreeSet<String>,
    /// What the sign-in pages of those applications say, by name.
    pub pages: BTreeMap<String, SignIn>,
    /// Addresses that several accounts have.
    pub twice: BTreeSet<String>,
    /// Whether the open invitations are not shown.
    pub invitations_hidden: bool,
    /// What is to be private and has a list of people.
    pub private: BTreeSet<String>,
    /// How many requests the last reading took.
    pub read_with: u64,
}

/// What became of a request that writes.
#[derive(Debug)]
pub enum Sent {
    /// It says that it was done.
    Done(Answer),
    /// It may have been done: an error of the server, or no answer at all.
    Maybe(String),
    /// It was not done.
    No(TargetError),
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(
        client: Client,
        catalogue: Arc<Catalogue>,
        settings: Settings,
        wanted: Wanted,
        successor: Option<String>,
    ) -> Self {
        Self { client, catalogue, settings, wanted, successor, index: Mutex::default() }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what must be there, whatever the envelope.
    pub async fn get(&self, path: &str) -> Result<Value, TargetError> {
        Ok(unwrapped(self.page(path).await?))
    }

    /// Reads a page of a list, as it comes.
    pub async fn page(&self, path: &str) -> Result<Value, TargetError> {
        let answer = self.client.send(&Request::new(Method::Get, path, MEDIA)).await?;
        if !answer.is_good() {
            return Err(refusal(&answer, Method::Get, path));
        }
        let body = answer.json()?;
        match failure(&body) {
            Some(why) => Err(TargetError::Refused(plain(&self.client.scrub(&why)))),
            None => Ok(body),
        }
    }

    /// Sends what writes, once.
    pub async fn write(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Sent, TargetError> {
        let mut request = Request::new(method, path, MEDIA);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(match self.client.send(&request).await {
            Ok(answer) if answer.is_good() => match answer.json().ok().as_ref().and_then(failure) {
                Some(why) => Sent::No(TargetError::Refused(plain(&self.client.scrub(&why)))),
                None => Sent::Done(answer),
            },
            Ok(answer) if answer.status >= 500 && answer.status != 501 => Sent::Maybe(told(&answer)),
            Ok(answer) => Sent::No(refusal(&answer, method, path)),
            Err(TargetError::Unknown(why)) => Sent::Maybe(why),
            Err(error) => return Err(error),
        })
    }

    /// A user.
    pub fn user(&self, email: &str) -> Result<Known, TargetError> {
        let found = self.index().users.get(email).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no account {email}")))
    }

    /// The id of a user.
    pub fn id(&self, email: &str) -> Result<String, TargetError> {
        self.user(email)?.id.ok_or_else(|| {
            let message = format!(
                "Strongly shows no id of {email}, who is no member of the organization: add them to it on the screen"
            );
            TargetError::Refused(message)
        })
    }

    /// A resource.
    pub fn thing(&self, name: &str) -> Result<Thing, TargetError> {
        let found = self.index().things.get(name).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no {name}")))
    }

    /// The path of the organization.
    pub fn organization(&self) -> String {
        format!("/organizations/{}", crate::targets::http::encode(&self.index().organization))
    }
}

/// What a body says that is of no success, whatever its status.
fn failure(body: &Value) -> Option<String> {
    let failed = get(body, "success").and_then(Value::as_bool) == Some(false);
    failed.then(|| explained(body).unwrap_or_else(|| "it says that it failed, and not why".to_owned()))
}

/// What an error says: `{"success": false, "error": {"code", "message"}}` (section 2.1).
fn explained(body: &Value) -> Option<String> {
    let error = get(body, "error").filter(|e| e.is_object())?;
    match (text(error, "code"), text(error, "message")) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (one, other) => one.or(other),
    }
}

fn told(answer: &Answer) -> String {
    let body = serde_json::from_slice::<Value>(&answer.body).ok();
    let explained = body.as_ref().and_then(explained);
    explained.map_or_else(|| said(answer), |text| format!("{} ({})", plain(&text), answer.status))
}

/// What a server says is shown without what a terminal would obey, and not all of it.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect()
}

/// The scope that a request needs (section 2.1 and 2.2): for who made the key.
fn scope(method: Method, path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let reads = method == Method::Get;
    match (parts.as_slice(), reads) {
        (["users", _, "assets"], _) | (["users", ..], false) => "users:admin",
        (["users", ..], true) => "users:read",
        (["organizations", ..], true) => "organizations:read",
        (["organizations", ..], false) => "organizations:write",
        (["apps", ..], true) => "apps:read",
        (["apps", ..], false) => "apps:write",
        (["projects", ..], true) => "projects:read",
        (["projects", ..], false) => "projects:write",
        (["workspaces", ..], _) => "workspaces:read",
        (["workflows", ..], true) => "workflows:read",
        (["workflows", ..], false) => "workflows:write",
        (["datasources", ..], true) => "datasources:read",
        (["datasources", ..], false) => "datasources:write",
        _ => "",
    }
}

/// An answer that is no success, as an error.
fn refusal(answer: &Answer, method: Method, path: &str) -> TargetError {
    let body = serde_json::from_slice::<Value>(&answer.body).ok();
    let code = body.as_ref().and_then(|b| get(b, "error")).and_then(|e| text(e, "code"));
    let said = told(answer);
    match (answer.status, code.as_deref()) {
        (401, _) => TargetError::Refused(format!("the key is not accepted: {said}")),
        (403, Some("scope-required")) => {
            let scope = match scope(method, path) {
                "" => String::new(),
                scope => format!(" `{scope}`"),
            };
            TargetError::Refused(format!(
                "the key lacks the scope{scope}: make one that has it, and put it into `credentials:` ({said})"
            ))
        }
        (403, _) => TargetError::Refused(format!("this is not allowed to whoever made the key: {said}")),
        (404 | 410, _) => TargetError::Gone(said),
        (409 | 412, _) => TargetError::Conflict(said),
        (429, _) => TargetError::Throttled(said),
        (501, _) => TargetError::Refused(format!("the server cannot do this: {said}")),
        (500.., _) => TargetError::Unavailable(said),
        _ => TargetError::Refused(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_scope_is_named() {
        let body = json!({"success": false, "error": {"code": "scope-required", "message": "no"}});
        let answer = Answer { status: 403, body: body.to_string().into_bytes(), ..Answer::default() };
        for (method, path, scope) in [
            (Method::Post, "/users", "users:admin"),
            (Method::Put, "/users/1", "users:admin"),
            (Method::Get, "/users/1/assets", "users:admin"),
            (Method::Get, "/users?limit=1", "users:read"),
            (Method::Post, "/organizations/1/invite", "organizations:write"),
            (Method::Put, "/apps/1/permissions", "apps:write"),
            (Method::Get, "/projects/1/collaborators?limit=100", "projects:read"),
            (Method::Delete, "/workflows/1/share/2", "workflows:write"),
            (Method::Put, "/datasources/1/permissions", "datasources:write"),
        ] {
            let error = refusal(&answer, method, path).to_string();
            assert!(error.contains(&format!("lacks the scope `{scope}`")), "{path}: {error}");
        }
        let other = Answer { body: b"{}".to_vec(), ..answer };
        assert!(!refusal(&other, Method::Get, "/users").to_string().contains("scope"));
    }

    #[test]
    fn a_success_that_is_none_is_an_error() {
        assert_eq!(failure(&json!({"success": true, "data": []})), None);
        assert_eq!(
            failure(&json!({"success": false, "error": {"code": "x", "message": "y"}})).as_deref(),
            Some("x: y")
        );
        assert!(failure(&json!({"success": false})).is_some());
    }
}
