//! A conversation about one organization: the single calls, and what their answers hold. Both shapes of a text
//! are understood, `"x"` and `{"@type": "xsd:string", "@value": "x"}`: the client's comments show the second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::ADMIN;
use crate::model::{Catalogue, Email};
use crate::targets::http::{Answer, Client, Method, Request};
use crate::targets::scim::value::{get, text};
use crate::targets::terminusdb::documents::short;
use crate::targets::terminusdb::session::{Sent, said};
use crate::targets::{TargetError, Wanted};

const MEDIA: &str = "application/json";

/// A conversation. Reader and writer of a target share one.
pub struct Session {
    client: Client,
    /// The organization.
    pub organization: String,
    /// The roles that the files know.
    pub catalogue: Arc<Catalogue>,
    /// What is declared.
    pub wanted: Wanted,
    index: Mutex<Index>,
}

/// What was last read, for what comes of a change.
#[derive(Debug, Default)]
pub struct Index {
    /// The ids of those who are in the organization, by e-mail.
    pub people: BTreeMap<String, String>,
    /// Those with several roles in the organization, by e-mail.
    pub several: BTreeSet<String>,
    /// The open invitations by e-mail: the address of the role.
    pub invited: BTreeMap<String, String>,
    /// The ids of databases, by their names in the files.
    pub databases: BTreeMap<String, String>,
    /// How many requests the last reading took.
    pub read_with: u64,
}

/// A role of somebody on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The id of the capability; none where the role is that of the organization.
    pub capability: Option<String>,
    /// The id of the account.
    pub user: String,
    /// The address of a person, or else the name that the row shows.
    pub email: Option<String>,
    /// The name of a database.
    pub name: Option<String>,
    /// The address of the role.
    pub role: Option<String>,
    /// The id of the organization or the database.
    pub scope: String,
}

/// An open invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// The address of the role.
    pub role: String,
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(client: Client, organization: String, catalogue: Arc<Catalogue>, wanted: Wanted) -> Self {
        Self { client, organization, catalogue, wanted, index: Mutex::default() }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of the organization. The setting holds only what stays as it is in an id.
    pub fn scope(&self) -> String {
        format!("Organization/{}", self.organization)
    }

    /// The path of a call below the organization.
    fn path(&self, rest: &str) -> String {
        format!("/organizations/{}/{rest}", self.organization)
    }

    async fn get(&self, rest: &str) -> Result<Value, TargetError> {
        let answer = self.client.send(&Request::new(Method::Get, self.path(rest), MEDIA)).await?;
        if answer.is_good() {
            return answer.json();
        }
        // That a list is not there does not say that nobody is in it.
        Err(match refusal(&answer) {
            TargetError::Gone(said) => TargetError::Unavailable(said),
            other => other,
        })
    }

    async fn list(&self, rest: &str) -> Result<Vec<Value>, TargetError> {
        match self.get(rest).await? {
            Value::Array(items) => Ok(items),
            _ => Err(TargetError::Malformed(format!("the answer to {rest} is no list"))),
        }
    }

    /// Makes sure that whoever applies may give roles here: credentials that are not understood are taken for
    /// none, without a word (section 3).
    ///
    /// # Errors
    /// When that is not so.
    pub async fn is_admin(&self) -> Result<(), TargetError> {
        let role = text(&self.get("role").await?, "userRole").unwrap_or_default();
        if short(role.clone()) == ADMIN {
            return Ok(());
        }
        let has = if role.is_empty() { "no role" } else { &role };
        Err(TargetError::Refused(format!(
            "the credentials have {has} in the organization `{}`, and only its administrators may read and write who \
             is in it: `credentials:` must have the token of one",
            self.organization
        )))
    }

    /// Who has which role in the organization, row by row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn people(&self) -> Result<Vec<Row>, TargetError> {
        self.list("users").await?.iter().map(row).collect()
    }

    /// The roles of an account on the databases of the organization: every database has a row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn databases(&self, user: &str) -> Result<Vec<Row>, TargetError> {
        self.list(&format!("users/{}/databases", tail(user))).await?.iter().map(row).collect()
    }

    /// The open invitations.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn invitations(&self) -> Result<Vec<Invitation>, TargetError> {
        let one = |v: &Value| {
            let email = plain(v, "email_to").ok_or_else(|| malformed("an invitation without an address"))?;
            let email = Email::parse(&email).map_or(email, |e| e.as_str().to_owned());
            let id = text(v, "@id").ok_or_else(|| malformed("an invitation without an id"))?;
            Ok(Invitation { id: short(id), email, role: short(plain(v, "role").unwrap_or_default()) })
        };
        self.list("invites").await?.iter().map(one).collect()
    }

    /// Invites somebody: a letter goes out.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn invite(&self, email: &str, role: &str) -> Result<Sent, TargetError> {
        let body = json!({"email_to": email, "role": role, "note": ""});
        self.write(Method::Post, "invites", Some(&body)).await
    }

    /// Takes an invitation back.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn withdraw(&self, invitation: &str) -> Result<Sent, TargetError> {
        self.write(Method::Delete, &format!("invites/{}", tail(invitation)), None).await
    }

    /// Takes somebody out of the organization, with all roles in it.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn remove(&self, user: &str) -> Result<Sent, TargetError> {
        self.write(Method::Delete, &format!("users/{}", tail(user)), None).await
    }

    /// Gives a role on something, or puts it in the place of the one of that capability.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn give(
        &self,
        user: &str,
        capability: Option<&str>,
        scope: &str,
        role: &str,
    ) -> Result<Sent, TargetError> {
        let body = json!({"scope": scope, "role": role});
        let path = format!("users/{}/capabilities", tail(user));
        match capability {
            None => self.write(Method::Post, &path, Some(&body)).await,
            Some(id) => self.write(Method::Put, &format!("{path}/{}", tail(id)), Some(&body)).await,
        }
    }

    async fn write(&self, method: Method, rest: &str, body: Option<&Value>) -> Result<Sent, TargetError> {
        let mut request = Request::new(method, self.path(rest), MEDIA);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(match self.client.send(&request).await {
            Ok(answer) if answer.is_good() => Sent::Done,
            Ok(answer) if answer.status >= 500 && answer.status != 501 => Sent::Maybe(said(&answer)),
            Ok(answer) => Sent::No(answer),
            Err(TargetError::Unknown(why)) => Sent::Maybe(why),
            Err(error) => return Err(error),
        })
    }
}

/// What stands in a path for an id: its last part, which is percent-encoded already.
fn tail(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn malformed(what: &str) -> TargetError {
    TargetError::Malformed(format!("the server lists {what}"))
}

/// A text, in either of its shapes.
fn plain(value: &Value, name: &str) -> Option<String> {
    text(value, name).or_else(|| get(value, name).and_then(|v| text(v, "@value")))
}

fn row(value: &Value) -> Result<Row, TargetError> {
    let user = text(value, "user").ok_or_else(|| malformed("a role without its account"))?;
    let scope = text(value, "scope").ok_or_else(|| malformed("a role without what it is on"))?;
    let email = plain(value, "email").and_then(|e| Email::parse(&e).ok());
    Ok(Row {
        capability: text(value, "capability").map(short),
        user: short(user),
        email: email.map(|e| e.as_str().to_owned()),
        name: plain(value, "name"),
        role: plain(value, "role").map(short),
        scope: short(scope),
    })
}

/// An answer that is no success, as an error.
pub fn refusal(answer: &Answer) -> TargetError {
    let said = said(answer);
    match answer.status {
        401 => TargetError::Refused(format!("what opens it is not accepted: {said}")),
        403 => TargetError::Refused(format!("this is not allowed to whoever applies: {said}")),
        404 => TargetError::Gone(said),
        429 => TargetError::Throttled(said),
        500.. => TargetError::Unavailable(said),
        _ => TargetError::Refused(said),
    }
}
