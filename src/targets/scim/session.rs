//! A conversation with one server: what it says of itself, what it has turned out to do, and the single
//! requests, with its errors in our words.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::schema::Schemas;
use super::settings::Settings;
use super::value::{boolean, get, list, number, text};
use crate::model::{Catalogue, Kind};
use crate::targets::http::{Answer, Client, Method, Request};
use crate::targets::{Known, TargetError};

/// RFC 7644, section 3.1.
const MEDIA: &str = "application/scim+json";

/// What is shown of a server's explanation at most.
const SAID_MAX: usize = 300;

/// A conversation. Reader and writer of a target share one.
pub struct Session {
    client: Client,
    /// The settings of the target.
    pub settings: Settings,
    /// The roles that the target's files know.
    pub catalogue: Arc<Catalogue>,
    features: OnceCell<Features>,
    schemas: OnceCell<Schemas>,
    learned: Mutex<Learned>,
    index: Mutex<Index>,
    groups: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    known: Mutex<Arc<Known>>,
    /// What the server did besides, for the report.
    notes: Mutex<Vec<String>>,
    /// The groups that show who is in them, by id: they have shown somebody, or were made by this run.
    shown: Mutex<HashSet<String>>,
}

/// What a server says that it can do (RFC 7643, section 5; RFC 9865): hints, no promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// `PATCH`; `None` where it does not say.
    pub patch: Option<bool>,
    /// The most things that it gives at once.
    pub page_max: Option<usize>,
    /// Whether pages are to be turned by cursor.
    pub cursor: bool,
    /// How many operations a bulk request may hold; `None` where there are no bulk requests.
    pub bulk: Option<usize>,
    /// Whether things have versions.
    pub etag: bool,
}

impl Features {
    fn read(config: &Value) -> Self {
        let supported = |name| get(config, name).and_then(|v| boolean(v, "supported"));
        let paging = get(config, "pagination");
        let says = |name| paging.and_then(|p| boolean(p, name));
        let by_default = paging.and_then(|p| text(p, "defaultPaginationMethod"));
        let cursor = says("cursor") == Some(true)
            && (says("index") == Some(false) || by_default.is_some_and(|m| m.eq_ignore_ascii_case("cursor")));
        let filter_max = get(config, "filter").and_then(|f| number(f, "maxResults"));
        let page_max = paging.and_then(|p| number(p, "maxPageSize")).into_iter().chain(filter_max);
        let bulk = get(config, "bulk").filter(|_| supported("bulk") == Some(true));
        Self {
            patch: supported("patch"),
            page_max: page_max.filter(|n| *n > 0).min(),
            cursor,
            bulk: bulk.map(|b| number(b, "maxOperations").unwrap_or(0)).filter(|n| *n > 0),
            etag: supported("etag") == Some(true),
        }
    }
}

/// How members are taken out of a group, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// `remove` of `members[value eq "x"]`.
    Filter,
    /// `remove` of `members` with a list of values.
    Values,
    /// The whole group, without them.
    Put,
}

/// What a server has turned out to do, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Learned {
    /// `PATCH` of users does not work.
    pub no_user_patch: bool,
    /// `PATCH` of groups does not work.
    pub no_group_patch: bool,
    /// Groups do not show their members: users say it.
    pub members_hidden: bool,
    /// Filters are not to be believed.
    pub no_filter: bool,
    /// The way to take members out that worked last.
    pub removal: Option<Removal>,
    /// Adding members by `PATCH` takes out others.
    pub add_harms: bool,
    /// Taking members out by a filter takes out others.
    pub filter_harms: bool,
    /// Taking members out by a list takes out others.
    pub values_harm: bool,
    /// Putting a group loses members that stand in it.
    pub put_harms: bool,
}

impl Learned {
    /// The first way of taking members out, from this one on, that takes out nobody else.
    #[must_use]
    pub fn harmless(self, from: Removal) -> Removal {
        match from {
            Removal::Filter if self.filter_harms => self.harmless(Removal::Values),
            Removal::Values if self.values_harm => Removal::Put,
            good => good,
        }
    }
}

/// Which thing of the server each name means. Its own name for a thing is what is written to.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Whether the server has been read.
    pub filled: bool,
    /// The users by address: the `id`, and what groups may call them.
    pub users: HashMap<String, UserEntry>,
    /// Addresses that several accounts have.
    pub ambiguous_users: BTreeSet<String>,
    /// The groups by name.
    pub groups: HashMap<String, String>,
    /// Names that several groups have.
    pub ambiguous_groups: BTreeSet<String>,
    /// Things that the server calls otherwise than rolecall knows them: what it calls them, by kind and the
    /// name that rolecall knows.
    pub called: BTreeMap<(Kind, String), String>,
    /// How many requests the last reading took.
    pub read_with: u64,
}

/// A user as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntry {
    /// The `id`.
    pub id: String,
    /// The `userName`.
    pub user_name: String,
}

/// What became of a request that writes.
#[derive(Debug)]
pub enum Sent {
    /// It says that it was done.
    Done(Answer),
    /// It may have been done: an error of the server, or no answer at all.
    Maybe {
        /// What is known.
        why: String,
        /// Whether the server has answered, so that what it does is done.
        answered: bool,
    },
    /// It was not done.
    No(Answer),
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(client: Client, settings: Settings, catalogue: Arc<Catalogue>) -> Self {
        Self {
            client,
            settings,
            catalogue,
            features: OnceCell::new(),
            schemas: OnceCell::new(),
            learned: Mutex::default(),
            index: Mutex::default(),
            groups: Mutex::default(),
            known: Mutex::default(),
            notes: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What the server says that it can do. One that says nothing can be spoken to as well.
    pub async fn features(&self) -> Result<Features, TargetError> {
        let ask = async {
            let answer = self.get("/ServiceProviderConfig").await?;
            match answer.status {
                401 | 403 => Err(refusal(&answer)),
                _ if answer.is_good() => Ok(answer.json().map(|v| Features::read(&v)).unwrap_or_default()),
                _ => Ok(Features::default()),
            }
        };
        self.features.get_or_try_init(|| ask).await.copied()
    }

    /// The same, as far as it is known already.
    pub fn known_features(&self) -> Option<Features> {
        self.features.get().copied()
    }

    /// What the server says of its attributes; nothing where it says nothing.
    pub async fn schemas(&self) -> Result<&Schemas, TargetError> {
        let ask = async {
            let answer = self.get("/Schemas").await?;
            let found = answer.is_good().then(|| answer.json().ok()).flatten();
            Ok(found.map(|v| Schemas::read(&v)).unwrap_or_default())
        };
        self.schemas.get_or_try_init(|| ask).await
    }

    /// What has been learned.
    pub fn learned(&self) -> Learned {
        *lock(&self.learned)
    }

    /// Learns something.
    pub fn learn(&self, f: impl FnOnce(&mut Learned)) {
        f(&mut lock(&self.learned));
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    /// Writes to one group happen one after the other.
    pub fn group_lock(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.groups).entry(id.to_owned()).or_default())
    }

    /// Notes for the report what the server did besides.
    pub fn note(&self, note: String) {
        lock(&self.notes).push(note);
    }

    /// What has been noted.
    pub fn notes(&self) -> Vec<String> {
        lock(&self.notes).clone()
    }

    /// What was known of the server before it is read.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&lock(&self.known))
    }

    /// Tells what was known of the server.
    pub fn recall(&self, known: Known) {
        *lock(&self.known) = Arc::new(known);
    }

    /// What the server calls a thing: mostly what rolecall does.
    pub fn called(&self, kind: Kind, name: &str) -> String {
        self.index().called.get(&(kind, name.to_owned())).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// A group that shows who is in it, when it is asked for by itself.
    pub fn shows_members(&self, id: &str) {
        lock(&self.shown).insert(id.to_owned());
    }

    /// Whether a group may be put as a whole: only one that shows its members, since whoever it does not
    /// show would be taken out.
    pub fn may_put(&self, id: &str) -> bool {
        !self.learned().put_harms && lock(&self.shown).contains(id)
    }

    /// Reads; any status is an answer.
    pub async fn get(&self, path: &str) -> Result<Answer, TargetError> {
        self.client.send(&Request::new(Method::Get, path, MEDIA)).await
    }

    /// Reads one thing; nothing where it is not there.
    pub async fn get_one(&self, path: &str) -> Result<Option<Value>, TargetError> {
        let answer = self.get(path).await?;
        match answer.status {
            404 | 410 => Ok(None),
            _ if answer.is_good() => answer.json().map(Some),
            _ => Err(refusal(&answer)),
        }
    }

    /// Sends what writes.
    pub async fn write(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: Option<String>,
    ) -> Result<Sent, TargetError> {
        let mut request = Request::new(method, path, MEDIA).only(version);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(match self.client.send(&request).await {
            Ok(answer) if answer.is_good() => Sent::Done(answer),
            Ok(answer) if answer.status >= 500 && answer.status != 501 => {
                Sent::Maybe { why: said(&answer), answered: true }
            }
            Ok(answer) => Sent::No(answer),
            Err(TargetError::Unknown(why)) => Sent::Maybe { why, answered: false },
            Err(error) => return Err(error),
        })
    }

    /// The path of a user.
    pub fn user_path(id: &str) -> String {
        format!("/Users/{}", crate::targets::http::encode(id))
    }

    /// The path of a group.
    pub fn group_path(id: &str) -> String {
        format!("/Groups/{}", crate::targets::http::encode(id))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a server says about an error, in whatever form (RFC 7644, section 3.12, and less).
pub fn said(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let explained = serde_json::from_str::<Value>(&body).ok().map(|v| {
        let parts: Vec<String> = ["scimType", "detail"].into_iter().filter_map(|k| text(&v, k)).collect();
        let nested = || list(&v, "Errors").first().and_then(|e| text(e, "description"));
        let other = || ["message", "error"].into_iter().find_map(|k| text(&v, k)).or_else(nested);
        if parts.is_empty() { other().unwrap_or_default() } else { parts.join(": ") }
    });
    let text =
        explained.unwrap_or_else(|| if body.trim_start().starts_with('<') { String::new() } else { body.into() });
    let text: String = text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect();
    if text.trim().is_empty() {
        format!("status {}", answer.status)
    } else {
        format!("{} ({})", text.trim(), answer.status)
    }
}

/// An answer that is no success, as an error.
pub fn refusal(answer: &Answer) -> TargetError {
    let said = said(answer);
    match answer.status {
        401 => TargetError::Refused(format!("what opens it is not accepted: {said}")),
        403 => TargetError::Refused(format!("this is not allowed to whoever applies: {said}")),
        404 | 410 => TargetError::Gone(said),
        409 | 412 => TargetError::Conflict(said),
        429 => TargetError::Throttled(said),
        501 => TargetError::Refused(format!("the server cannot do this: {said}")),
        500.. => TargetError::Unavailable(said),
        _ => TargetError::Refused(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
    }

    #[test]
    fn errors_are_told_in_whatever_form_they_come() {
        for (body, expected) in [
            (r#"{"status":"409","scimType":"uniqueness","detail":"taken"}"#, "uniqueness: taken (409)"),
            (r#"{"status":409,"detail":"taken"}"#, "taken (409)"),
            (r#"{"message":"taken"}"#, "taken (409)"),
            (r#"{"Errors":[{"description":"taken","code":409}]}"#, "taken (409)"),
            ("taken", "taken (409)"),
            ("<html><body>taken</body></html>", "status 409"),
            ("", "status 409"),
            ("{}", "status 409"),
        ] {
            assert_eq!(said(&answer(409, body)), expected, "{body}");
        }
        assert!(matches!(refusal(&answer(409, "")), TargetError::Conflict(_)));
        assert!(matches!(refusal(&answer(404, "")), TargetError::Gone(_)));
        assert!(matches!(refusal(&answer(501, "")), TargetError::Refused(_)));
        assert!(matches!(refusal(&answer(503, "")), TargetError::Unavailable(_)));
    }

    #[test]
    fn hints_are_read() {
        let features = Features::read(&json!({
            "patch": {"supported": true}, "filter": {"supported": true, "maxResults": 200},
            "bulk": {"supported": true, "maxOperations": 50}, "etag": {"supported": false},
            "pagination": {"cursor": true, "index": false, "maxPageSize": 100},
        }));
        let expected = Features { patch: Some(true), page_max: Some(100), cursor: true, bulk: Some(50), etag: false };
        assert_eq!(features, expected);
        assert_eq!(Features::read(&json!({"bulk": {"supported": false, "maxOperations": 9}})), Features::default());
        let both = json!({"pagination": {"cursor": true, "index": true}});
        assert!(!Features::read(&both).cursor, "several pages at once need numbers");
    }
}
