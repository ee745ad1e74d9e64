//! A conversation with one instance: single requests with its errors in our words, and what of it each
//! name in the files means.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::shape::{Definition, Document, Thing};
use crate::model::Catalogue;
use crate::targets::http::{Answer, Client, Method, Request};
use crate::targets::scim::{refusal, said};
use crate::targets::{TargetError, Wanted};

/// SCIM endpoints answer JSON as well as the others.
const MEDIA: &str = "application/json";

/// A conversation. Reader and writer of a target share one, and with it the budget of the key.
pub struct Session {
    client: Client,
    /// The roles.
    pub catalogue: Arc<Catalogue>,
    /// What is to be seen.
    pub wanted: Wanted,
    /// Who takes over what leavers own, by e-mail.
    pub successor: Option<String>,
    index: Mutex<Index>,
}

/// Which thing of the instance each name means, as it was last read.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The membership id of each user, by e-mail.
    pub users: HashMap<String, String>,
    /// Who was revoked and is still shown, by e-mail: nothing can be given to them any more.
    pub inactive: BTreeSet<String>,
    /// The e-mail of each user, by membership id.
    pub emails: HashMap<String, String>,
    /// The id of each group, by name.
    pub groups: HashMap<String, String>,
    /// Groups that showed no members where users say that they are in it.
    pub hiding_groups: BTreeSet<String>,
    /// Names that several groups have: a group of people and that of an embed entity, for example.
    pub ambiguous_groups: BTreeSet<String>,
    /// Resources by their names in the files.
    pub things: HashMap<String, Thing>,
    /// The user attributes that are defined, by reference.
    pub definitions: BTreeMap<String, Definition>,
    /// Whether users show attributes of the system, the time zone among them.
    pub shows_system: bool,
    /// Who owns a folder or document whose permits were read, by its name in the files: their e-mail.
    pub owners: HashMap<String, String>,
    /// Documents by the membership id of their owner, where they have been listed.
    pub owned: HashMap<String, Vec<Document>>,
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
    No(Answer),
}

impl Session {
    /// A conversation over this client.
    #[must_use]
    pub fn new(client: Client, catalogue: Arc<Catalogue>, wanted: Wanted, successor: Option<String>) -> Self {
        Self { client, catalogue, wanted, successor, index: Mutex::default() }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The index, for as long as the guard lives: never across a request.
    pub fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what must be there.
    pub async fn get(&self, path: &str) -> Result<Value, TargetError> {
        let answer = self.client.send(&Request::new(Method::Get, path, MEDIA)).await?;
        if answer.is_good() { answer.json() } else { Err(refusal(&answer)) }
    }

    /// Reads one thing; nothing where it is not there.
    pub async fn get_one(&self, path: &str) -> Result<Option<Value>, TargetError> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(TargetError::Gone(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends what writes, once.
    pub async fn write(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Sent, TargetError> {
        let mut request = Request::new(method, path, MEDIA);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(match self.client.send(&request).await {
            Ok(answer) if answer.is_good() => Sent::Done(answer),
            Ok(answer) if answer.status >= 500 && answer.status != 501 => Sent::Maybe(said(&answer)),
            Ok(answer) => Sent::No(answer),
            Err(TargetError::Unknown(why)) => Sent::Maybe(why),
            Err(error) => return Err(error),
        })
    }

    /// The membership id of a user.
    pub fn user(&self, email: &str) -> Result<String, TargetError> {
        let found = self.index().users.get(email).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no account {email}")))
    }

    /// The id of a group.
    pub fn group(&self, name: &str) -> Result<String, TargetError> {
        let index = self.index();
        if index.ambiguous_groups.contains(name) {
            return Err(TargetError::Conflict(format!("several groups are called `{name}`")));
        }
        index.groups.get(name).cloned().ok_or_else(|| TargetError::Gone(format!("there is no group `{name}`")))
    }

    /// A resource.
    pub fn thing(&self, name: &str) -> Result<Thing, TargetError> {
        let found = self.index().things.get(name).cloned();
        found.ok_or_else(|| TargetError::Gone(format!("there is no {name}")))
    }

    /// The proper name of a role that the instance names: one that the organization has made counts as its
    /// base role (fact sheet omni, section c).
    pub fn role(&self, name: &str, base: Option<&str>) -> Option<String> {
        let known = self.catalogue.role(name).or_else(|| self.catalogue.role(base?));
        known.map(|(proper, _)| proper.to_owned())
    }

    /// The place of a role in the order of Omni's priorities.
    pub fn tier(&self, role: &str) -> u32 {
        self.catalogue.role(role).and_then(|(_, r)| r.tier).unwrap_or(0)
    }
}
