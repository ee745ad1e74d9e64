//! A conversation with one server: who speaks, the single requests with its errors in our words, and what of
//! it each name in the files means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::documents::{Documents, short};
use super::settings::Settings;
use crate::model::{Catalogue, PrincipalRecord};
use crate::targets::http::{Answer, Client, Method, Request, encode, without_hashes};
use crate::targets::scim::value::{get, list, text};
use crate::targets::{TargetError, Wanted};

const MEDIA: &str = "application/json";

/// The header that says which version of the graph was read (section 6).
const VERSION: &str = "terminusdb-data-version";

/// What is shown of a server's explanation at most.
const SAID_MAX: usize = 300;

/// The account that may do everything, by its id.
pub const ADMIN: &str = "User/admin";
/// Who comes without credentials.
pub const ANONYMOUS: &str = "User/anonymous";
/// The organization that the system's own database lies in.
pub const ADMIN_ORGANIZATION: &str = "Organization/admin";
/// The roles that every server has.
pub const BUILT_IN: [&str; 2] = ["Role/admin", "Role/consumer"];

/// A conversation. Reader and writer of a target share one.
pub struct Session {
    client: Client,
    /// The settings.
    pub settings: Settings,
    /// The roles that the files know.
    pub catalogue: Arc<Catalogue>,
    /// What is to be seen.
    pub wanted: Wanted,
    index: Mutex<Index>,
}

/// Which thing of the server each name means, as it was last read.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The accounts by e-mail: id and name.
    pub users: HashMap<String, (String, String)>,
    /// The roles by name.
    pub roles: HashMap<String, String>,
    /// What stands for several roles that somebody holds together in an organization: their ids by its name.
    pub together: HashMap<String, BTreeSet<String>>,
    /// Names that several roles have.
    pub ambiguous_roles: BTreeSet<String>,
    /// The organizations by name.
    pub organizations: HashMap<String, String>,
    /// The databases by their names in the files.
    pub databases: HashMap<String, String>,
    /// The capabilities that several accounts share, by id (section 7, trap 5).
    pub shared: BTreeSet<String>,
    /// How many requests the last reading took.
    pub read_with: u64,
}

/// What became of a request that writes.
#[derive(Debug)]
pub enum Sent {
    /// It says that it was done.
    Done,
    /// It may have been done: an error of the server, or no answer at all.
    Maybe(String),
    /// It was not done.
    No(Answer),
}

/// One capability of an account, as the account shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// The id of the organization or database.
    pub scope: String,
    /// The ids of the roles.
    pub roles: BTreeSet<String>,
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(client: Client, settings: Settings, catalogue: Arc<Catalogue>, wanted: Wanted) -> Self {
        Self { client, settings, catalogue, wanted, index: Mutex::default() }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn get(&self, path: &str) -> Result<Value, TargetError> {
        let answer = self.client.send(&Request::new(Method::Get, path, MEDIA)).await?;
        if answer.is_good() { answer.json() } else { Err(unseen(&answer)) }
    }

    /// Makes sure that the server takes whoever applies for `admin`: credentials that it does not understand
    /// it takes for none, without a word (section 3).
    ///
    /// # Errors
    /// When somebody else speaks.
    pub async fn is_admin(&self) -> Result<(), TargetError> {
        let info = self.get("/info").await?;
        let who = get(&info, "api:info").and_then(|i| text(i, "authority")).map(short).unwrap_or_default();
        match who.as_str() {
            ADMIN => Ok(()),
            ANONYMOUS => Err(TargetError::Refused(
                "the server has not understood the credentials and takes whoever applies for anonymous: \
                 `credentials:` must have `user: admin` and its password"
                    .to_owned(),
            )),
            other => Err(TargetError::Refused(format!(
                "the credentials are those of `{}`, and only the account `admin` may read and write accounts, roles \
                 and organizations",
                other.trim_start_matches("User/")
            ))),
        }
    }

    /// Reads all of it at once.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn documents(&self) -> Result<Documents, TargetError> {
        let request = Request::new(Method::Get, "/document/_system?as_list=true", MEDIA).own(VERSION, None);
        let answer = self.client.send(&request).await?;
        if !answer.is_good() {
            return Err(unseen(&answer));
        }
        Documents::read(&answer.body, answer.own)
    }

    /// Reads all of it at once, before something is deleted: what is not among it counts as gone, so nothing may
    /// be missing.
    ///
    /// # Errors
    /// When it cannot be read, or is not everything.
    pub async fn whole(&self) -> Result<Documents, TargetError> {
        let documents = self.documents().await?;
        match documents.doubts().into_iter().next() {
            None => Ok(documents),
            Some(doubt) => Err(TargetError::Unavailable(format!("the server does not show everything: {doubt}"))),
        }
    }

    /// What one account holds; nothing where there is no such account.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn held(&self, user: &str) -> Result<Option<Vec<Held>>, TargetError> {
        let path = format!("/users/{}?capability=true", encode(user));
        let answer = self.client.send(&Request::new(Method::Get, &path, MEDIA)).await?;
        found(&answer, "NoIdForUserName")?.map(|account| capabilities(&account)).transpose()
    }

    /// Makes sure that nobody else has these capabilities, as they were last read.
    ///
    /// # Errors
    /// When somebody has: what one of them is given or loses, all are.
    pub fn unshared(&self, user: &str, held: &[Held]) -> Result<(), TargetError> {
        let index = self.index();
        if held.iter().any(|h| index.shared.contains(&h.id)) {
            let message = format!("`{user}` shares a capability there with others, who would get or lose the same");
            return Err(TargetError::Refused(message));
        }
        Ok(())
    }

    /// The actions of the role of this name; nothing where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn actions(&self, role: &str) -> Result<Option<BTreeSet<String>>, TargetError> {
        let path = format!("/roles/{}", encode(role));
        let answer = self.client.send(&Request::new(Method::Get, &path, MEDIA)).await?;
        let role = found(&answer, "NoIdForRoleName")?;
        Ok(role.map(|r| list(&r, "action").iter().filter_map(Value::as_str).map(str::to_owned).collect()))
    }

    /// Sends what writes, once.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn write(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Sent, TargetError> {
        self.send(method, path, body, None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: Option<&str>,
    ) -> Result<Sent, TargetError> {
        let mut request = Request::new(method, path, MEDIA);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(version) = version {
            request = request.own(VERSION, Some(version.to_owned()));
        }
        Ok(match self.client.send(&request).await {
            Ok(answer) if answer.is_good() => Sent::Done,
            Ok(answer) if answer.status >= 500 && answer.status != 501 => Sent::Maybe(said(&answer)),
            Ok(answer) => Sent::No(answer),
            Err(TargetError::Unknown(why)) => Sent::Maybe(why),
            Err(error) => return Err(error),
        })
    }

    /// Gives or takes roles, by ids: names can be shared, and are read differently.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn capability(
        &self,
        operation: &str,
        user: &str,
        scope: &str,
        roles: &[&str],
    ) -> Result<Sent, TargetError> {
        let body = json!({"operation": operation, "scope": scope, "user": user, "roles": roles});
        self.write(Method::Post, "/capabilities", Some(&body)).await
    }

    /// Takes a capability away that nobody has, where nothing else has changed meanwhile.
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn clean(&self, capability: &str, version: Option<&str>) -> Result<Sent, TargetError> {
        self.send(Method::Delete, &clean_path(capability), None, version).await
    }

    /// Puts a capability with these roles in the place of one that is there, where nothing else has changed
    /// meanwhile: the only way to one of several for the same scope (section 7, trap 4).
    ///
    /// # Errors
    /// Where nothing was done.
    pub async fn replace(
        &self,
        held: &Held,
        roles: &BTreeSet<String>,
        version: Option<&str>,
    ) -> Result<Sent, TargetError> {
        let body = json!({"@id": held.id, "@type": "Capability", "scope": held.scope, "role": roles});
        let path = "/document/_system?author=rolecall&message=one%20of%20several%20capabilities";
        self.send(Method::Put, path, Some(&body), version).await
    }

    /// The id and the name of an account.
    ///
    /// # Errors
    /// When there is none.
    pub fn user(&self, email: &str) -> Result<(String, String), TargetError> {
        let found = self.index().users.get(email).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no account of {email}")))
    }

    /// The account of a principal; anonymous where it is everyone.
    ///
    /// # Errors
    /// When there is none, or it is a team.
    pub fn principal(&self, to: &PrincipalRecord) -> Result<(String, String), TargetError> {
        match to {
            PrincipalRecord::User(email) => self.user(email),
            PrincipalRecord::Everyone => Ok((ANONYMOUS.to_owned(), "anonymous".to_owned())),
            PrincipalRecord::Team(_) => {
                Err(TargetError::Refused("TerminusDB gives roles on data products to accounts only".to_owned()))
            }
        }
    }

    /// The ids of roles, by their names; what stands for several is these.
    ///
    /// # Errors
    /// When there is none of a name, or several have it.
    pub fn roles(&self, names: &[String]) -> Result<BTreeSet<String>, TargetError> {
        let mut ids = BTreeSet::new();
        for name in names {
            let together = self.index().together.get(name).cloned();
            match together {
                Some(several) => ids.extend(several),
                None => drop(ids.insert(self.role(name)?)),
            }
        }
        Ok(ids)
    }

    /// The id of a role.
    ///
    /// # Errors
    /// When there is none, or several have the name.
    pub fn role(&self, name: &str) -> Result<String, TargetError> {
        let index = self.index();
        if index.ambiguous_roles.contains(name) {
            return Err(TargetError::Conflict(format!("several roles are called `{name}`")));
        }
        index.roles.get(name).cloned().ok_or_else(|| TargetError::Gone(format!("there is no role `{name}`")))
    }

    /// The id of an organization.
    ///
    /// # Errors
    /// When there is none.
    pub fn organization(&self, name: &str) -> Result<String, TargetError> {
        let found = self.index().organizations.get(name).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no organization `{name}`")))
    }

    /// The id of a database, by its name in the files.
    ///
    /// # Errors
    /// When there is none.
    pub fn database(&self, resource: &str) -> Result<String, TargetError> {
        let found = self.index().databases.get(resource).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no {resource}")))
    }

    /// The names of roles by id, for people.
    pub fn role_names(&self) -> BTreeMap<String, String> {
        self.index().roles.iter().map(|(name, id)| (id.clone(), name.clone())).collect()
    }
}

/// The path that takes a capability away as a document.
pub fn clean_path(capability: &str) -> String {
    let message = "a%20capability%20that%20nobody%20has";
    format!("/document/_system?author=rolecall&message={message}&id={}", encode(capability))
}

/// What the server says about an error (section 5): one key for all its shapes, where there is JSON.
pub fn said(answer: &Answer) -> String {
    let explained = serde_json::from_slice::<Value>(&answer.body).ok().and_then(|v| text(&v, "api:message"));
    let text = without_hashes(&explained.unwrap_or_default());
    let text: String = text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect();
    if text.trim().is_empty() {
        format!("status {}", answer.status)
    } else {
        format!("{} ({})", text.trim(), answer.status)
    }
}

/// The type of the error within an answer: `api:NoIdForUserName`.
pub fn kind(answer: &Answer) -> String {
    let value = serde_json::from_slice::<Value>(&answer.body).ok();
    let kind = value.as_ref().and_then(|v| text(get(v, "api:error")?, "@type"));
    kind.unwrap_or_default().trim_start_matches("api:").to_owned()
}

/// What was asked for by its name; nothing where the server says, by `missing`, that nothing has the name. Any
/// other 404 does not say so: it can come from a proxy, or from an address that is none of the API.
fn found(answer: &Answer, missing: &str) -> Result<Option<Value>, TargetError> {
    match answer {
        answer if answer.is_good() => answer.json().map(Some),
        answer if answer.status == 404 && kind(answer) == missing => Ok(None),
        answer => Err(unseen(answer)),
    }
}

/// The capabilities that an account shows. One that cannot be read is not passed over: what it gives would
/// count as not held.
fn capabilities(account: &Value) -> Result<Vec<Held>, TargetError> {
    let all = |v: &Value, name: &str| match get(v, name) {
        Some(Value::String(_)) => None,
        _ => Some(list(v, name).to_vec()),
    };
    let one = |v: &Value| {
        let scope = short(text(get(v, "scope")?, "@id")?);
        let roles = all(v, "role")?.iter().map(|r| text(r, "@id").map(short)).collect::<Option<_>>()?;
        Some(Held { id: short(text(v, "@id")?), scope, roles })
    };
    let read: Option<Vec<Held>> = all(account, "capability").and_then(|c| c.iter().map(one).collect());
    read.ok_or_else(|| TargetError::Malformed("a capability of an account is not what it should be".to_owned()))
}

/// An answer to a look that is no success, as an error: never that something is gone.
fn unseen(answer: &Answer) -> TargetError {
    match refusal(answer) {
        TargetError::Gone(said) => TargetError::Unavailable(said),
        other => other,
    }
}

/// An answer that is no success, as an error.
pub fn refusal(answer: &Answer) -> TargetError {
    let said = said(answer);
    match (answer.status, kind(answer).as_str()) {
        (401, _) => TargetError::Refused(format!("the password is not accepted: {said}")),
        (403, _) => TargetError::Refused(format!("this is not allowed to whoever applies: {said}")),
        (404, _) => TargetError::Gone(said),
        (429, _) => TargetError::Throttled(said),
        (400, "DataVersionMismatch") => TargetError::Conflict(said),
        (500.., _) => TargetError::Unavailable(said),
        _ => TargetError::Refused(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
    }

    #[test]
    fn only_the_server_itself_says_that_there_is_none() {
        let missing = r#"{"api:error":{"@type":"api:NoIdForUserName"},"api:message":"none"}"#;
        assert_eq!(found(&answer(404, missing), "NoIdForUserName"), Ok(None));
        assert_eq!(found(&answer(200, "{}"), "NoIdForUserName"), Ok(Some(json!({}))));
        let several = r#"{"api:error":{"@type":"api:NoUniqueIdForRoleName"},"api:message":"several"}"#;
        for body in ["", "<html>not found</html>", several, missing] {
            let error = found(&answer(404, body), "NoIdForRoleName").unwrap_err();
            assert!(matches!(error, TargetError::Unavailable(_)), "{body}: {error}");
        }
    }

    #[test]
    fn a_capability_that_cannot_be_read_is_not_passed_over() {
        let account = |scope: Value, role: Value| {
            let capability = json!({"@id": "Capability/x", "scope": scope, "role": role});
            capabilities(&json!({"name": "alice", "capability": [capability]}))
        };
        let good = account(json!({"@id": "Organization/co"}), json!([{"@id": "Role/r"}])).unwrap();
        assert_eq!((good[0].scope.as_str(), good[0].roles.len()), ("Organization/co", 1));
        assert_eq!(capabilities(&json!({"name": "alice"})), Ok(Vec::new()));
        for bad in [
            account(json!("Organization/co"), json!([])),
            account(json!({"@id": "Organization/co"}), json!(["Role/r"])),
            account(json!({"@id": "Organization/co"}), json!("Role/r")),
            capabilities(&json!({"capability": "Capability/x"})),
        ] {
            assert!(matches!(bad, Err(TargetError::Malformed(_))), "{bad:?}");
        }
    }
}
