//! A conversation with one workspace: queries and mutations, with Paradime's errors in our words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::credential::Credential;
use super::listing::Listing;
use crate::model::{Catalogue, UserState};
use crate::targets::TargetError;
use crate::targets::http::{Answer, Client, Method, Request};

/// The media type of both directions.
const MEDIA: &str = "application/json";

/// How much of what a server says is repeated.
const SAID_MAX: usize = 300;

/// Everybody in the workspace (fact sheet paradime, section b).
const LIST_USERS: &str = "query ListUsers { listUsers { ok activeUsers { uid email name accountType } \
                          invitedUsers { email accountType inviteStatus } } }";

/// The workspaces of the account.
const LIST_WORKSPACES: &str = "query ListWorkspaces { listWorkspaces { ok workspaces { uid name } } }";

/// A conversation. Reader and writer of a target share one.
pub struct Session {
    client: Client,
    /// The roles.
    pub catalogue: Arc<Catalogue>,
    credential: Credential,
    /// Whether the audit log is asked.
    pub audit_log: bool,
    /// Whether everything that is there is to be seen.
    pub whole: bool,
    index: Mutex<Index>,
}

/// Who is who, as it was last read.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// How somebody stands, by e-mail.
    pub standing: BTreeMap<String, UserState>,
    /// Who has a role that the catalogue does not know, and which.
    pub strange: BTreeMap<String, String>,
    /// Addresses that several accounts have.
    pub twice: BTreeSet<String>,
    /// Addresses whose account shows no identifier.
    pub unidentified: BTreeSet<String>,
    /// How many requests the last reading took.
    pub read_with: u64,
}

/// What became of a mutation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It says `ok: true`.
    Done,
    /// It says no, in words of GraphQL or by `ok: false`; whether it was done all the same is not said.
    Denied(String),
    /// Nobody knows: an error of the server, or no answer that can be read.
    Maybe(String),
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(
        client: Client,
        catalogue: Arc<Catalogue>,
        credential: Credential,
        audit_log: bool,
        whole: bool,
    ) -> Self {
        Self { client, catalogue, credential, audit_log, whole, index: Mutex::default() }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token opens several workspaces.
    pub fn opens_several(&self) -> bool {
        matches!(self.credential, Credential::Company(..))
    }

    /// The workspace that is named in the settings.
    pub fn workspace(&self) -> Option<&str> {
        let Credential::Company(_, uid) = &self.credential else { return None };
        uid.as_deref()
    }

    /// Asks a query; the value of its field, which must be there.
    pub async fn query(&self, query: &str, field: &str) -> Result<Value, TargetError> {
        let body = json!({"query": query, "variables": {}});
        let answer = self.client.send(&Request::new(Method::Post, "", MEDIA).json(&body).reads()).await?;
        if !answer.is_good() {
            return Err(refusal(&answer));
        }
        let mut body = answer.json()?;
        if let Some(said) = errors(&body) {
            return Err(TargetError::Refused(format!("Paradime says: {}", plain(&self.client.scrub(&said)))));
        }
        let value = body.get_mut("data").and_then(|d| d.get_mut(field)).map(Value::take);
        value.filter(|v| !v.is_null()).ok_or_else(|| TargetError::Malformed(format!("the answer holds no `{field}`")))
    }

    /// Lists everybody.
    pub async fn list(&self) -> Result<Listing, TargetError> {
        if self.opens_several() && self.workspace().is_none() {
            return Err(self.which_workspace().await);
        }
        match self.query(LIST_USERS, "listUsers").await {
            Ok(value) => Listing::read(&value),
            Err(TargetError::Refused(said)) if self.workspace().is_some() => Err(self.not_opened(said).await),
            Err(error) => Err(error),
        }
    }

    /// The workspaces of the account: identifier and name.
    pub async fn workspaces(&self) -> Result<Vec<(String, String)>, TargetError> {
        let value = self.query(LIST_WORKSPACES, "listWorkspaces").await?;
        ok(&value).map_err(TargetError::Malformed)?;
        let list = value.get("workspaces").and_then(Value::as_array);
        let list = list.ok_or_else(|| TargetError::Malformed("the list of workspaces is none".to_owned()))?;
        let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(list.iter().filter_map(|w| Some((text(w, "uid")?, text(w, "name").unwrap_or_default()))).collect())
    }

    /// What to say where an account token is given and no workspace.
    async fn which_workspace(&self) -> TargetError {
        const SAY: &str = "an account token opens several workspaces, and none is named: say \
                           `settings: {workspace: IDENTIFIER}`, one target for each";
        TargetError::Refused(match self.workspaces().await {
            Ok(all) if !all.is_empty() => format!("{SAY}. There are: {}", shown(&all)),
            _ => format!(
                "{SAY}. Paradime shows it in Account Settings > Workspace Settings, and does not list them here"
            ),
        })
    }

    /// What to say where an account token is not let into the workspace that is named.
    async fn not_opened(&self, said: String) -> TargetError {
        let uid = self.workspace().unwrap_or_default();
        TargetError::Refused(match self.workspaces().await {
            Ok(all) if !all.is_empty() && !all.iter().any(|(known, _)| known == uid) => {
                format!("the token opens no workspace `{uid}`: there are {} ({said})", shown(&all))
            }
            _ => said,
        })
    }

    /// Sends a mutation, once.
    ///
    /// # Errors
    /// Where it surely was not done.
    pub async fn mutate(&self, query: &str, field: &str, variables: &Value) -> Result<Sent, TargetError> {
        let body = json!({"query": query, "variables": variables});
        let answer = match self.client.send(&Request::new(Method::Post, "", MEDIA).json(&body)).await {
            Ok(answer) => answer,
            Err(TargetError::Unknown(why)) => return Ok(Sent::Maybe(why)),
            Err(error) => return Err(error),
        };
        if answer.status >= 500 {
            return Ok(Sent::Maybe(said(&answer)));
        }
        if !answer.is_good() {
            return Err(refusal(&answer));
        }
        let Ok(body) = answer.json() else {
            return Ok(Sent::Maybe(format!("the answer ({}) is no JSON", answer.status)));
        };
        if let Some(said) = errors(&body) {
            return Ok(Sent::Denied(format!("Paradime says: {}", plain(&self.client.scrub(&said)))));
        }
        let value = body.get("data").and_then(|d| d.get(field)).unwrap_or(&Value::Null);
        Ok(ok(value).map_or_else(Sent::Denied, |()| Sent::Done))
    }
}

/// Workspaces for people.
fn shown(all: &[(String, String)]) -> String {
    all.iter().map(|(uid, name)| format!("{uid} ({name})")).collect::<Vec<_>>().join(", ")
}

/// Whether something says that it went well: without it, nothing has (fact sheet paradime, section e).
///
/// # Errors
/// What it says instead.
pub fn ok(value: &Value) -> Result<(), String> {
    match value.get("ok") {
        Some(Value::Bool(true)) => Ok(()),
        Some(other) => Err(format!("Paradime answers `ok: {other}`, and does not say why")),
        None => Err("Paradime does not say that it went well".to_owned()),
    }
}

/// The first error of GraphQL, as it stands. An empty list, and none at all, are no error.
fn errors(body: &Value) -> Option<String> {
    let first = body.get("errors")?.as_array()?.first()?;
    let text = first.get("message").and_then(Value::as_str).unwrap_or("an error without a message");
    Some(text.to_owned())
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect::<String>().trim().to_owned()
}

/// What an answer that is no success says.
fn said(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let text = match serde_json::from_str::<Value>(&body) {
        Ok(value) => errors(&value)
            .map(|text| plain(&text))
            .or_else(|| ["message", "error", "detail"].iter().find_map(|k| value.get(*k)?.as_str().map(plain))),
        Err(_) if body.trim_start().starts_with('<') => None,
        Err(_) => Some(plain(&body)),
    };
    match text.filter(|t| !t.is_empty()) {
        Some(text) => format!("{text} ({})", answer.status),
        None => format!("status {}", answer.status),
    }
}

/// An answer that is no success, as an error: nothing was done.
fn refusal(answer: &Answer) -> TargetError {
    let said = said(answer);
    match answer.status {
        401 => TargetError::Refused(format!("what opens it is not accepted, or has run out: {said}")),
        403 => TargetError::Refused(format!(
            "this is not allowed to the key or token: {said}; to write it needs the capability `User management admin`, \
             to read `User metadata viewer`, and the account the Enterprise pack"
        )),
        404 => TargetError::Refused(format!("there is no such endpoint; copy it from where the key was made: {said}")),
        429 => TargetError::Throttled(said),
        500.. => TargetError::Unavailable(said),
        _ => TargetError::Refused(said),
    }
}
