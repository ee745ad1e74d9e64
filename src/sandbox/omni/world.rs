//! What is there besides users and groups: tables of things by identifier, in the order in which they were
//! made, that remember what a request changed.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::sandbox::scim::store::Store;
use crate::sandbox::table::{Rows, Table};

/// A database that is connected (b.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    pub name: String,
    pub dialect: String,
    pub database: Option<String>,
    pub schema: Option<String>,
    /// As model roles spell it; custom roles among them.
    pub base_role: Option<String>,
    pub deleted: Option<String>,
    /// The attribute that chooses an environment, and for which values the default one is chosen.
    pub environment: Option<(String, Value)>,
}

/// A model (b.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub name: Option<String>,
    pub kind: String,
    pub connection: Option<String>,
    pub base: Option<String>,
    pub created: String,
    pub updated: String,
    pub deleted: Option<String>,
}

impl Model {
    /// Whether roles can be given on it.
    pub fn takes_roles(&self) -> bool {
        matches!(self.kind.as_str(), "SHARED" | "SHARED_EXTENSION") && self.deleted.is_none()
    }
}

/// The definition of a user attribute (b.5). Its identifier is made up also where it is a system one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    pub name: String,
    pub label: String,
    pub description: Option<String>,
    pub number: bool,
    pub multiple: bool,
    pub default: Value,
    pub system: bool,
}

/// A role on a model, or on a connection as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub connection: String,
    pub model: Option<String>,
    pub role: String,
}

/// The roles of a user or group, by its identifier (b.3).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Held {
    pub group: bool,
    pub roles: Vec<Role>,
}

/// A role that the organization made, by its name: what it is based on (c).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    pub base: String,
    pub priority: u64,
}

/// What somebody may do with a folder or document, said for them (b.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permit {
    /// A membership, or the short identifier of a group.
    pub principal: String,
    pub group: bool,
    pub role: String,
    pub boost: bool,
}

/// Who may do what with a folder or document.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Access {
    /// The membership of the owner; also of one who is gone.
    pub owner: String,
    pub owner_name: String,
    /// Whether it belongs to the organization, or only to those who were named.
    pub restricted: bool,
    pub permits: Vec<Permit>,
    /// The role of everyone, where it is said here; and whether it is boosted.
    pub everyone: Option<(String, bool)>,
}

impl Access {
    pub fn scope(&self) -> &'static str {
        if self.restricted { "restricted" } else { "organization" }
    }
}

/// A folder (b.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    pub name: String,
    /// Its own part of the path.
    pub segment: String,
    pub parent: Option<String>,
    pub labels: Vec<String>,
    pub access: Access,
}

/// A document (b.7).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub name: String,
    pub description: Option<String>,
    pub connection: Option<String>,
    /// `None`: in the personal folder of its owner.
    pub folder: Option<String>,
    pub dashboard: bool,
    pub updated: String,
    pub labels: Vec<String>,
    pub access: Access,
    /// `canDownload` and so on, where they were said.
    pub abilities: Map<String, Value>,
}

/// A delivery (b.8).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub name: String,
    pub owner: String,
    pub owner_name: String,
    /// The document.
    pub document: String,
    pub cron: String,
    pub timezone: String,
    pub destination: String,
    pub format: String,
    pub content: String,
    pub emails: Vec<String>,
    pub users: Vec<String>,
    /// Groups by their full identifier.
    pub groups: Vec<String>,
    pub disabled: Option<String>,
    /// When the system stopped it, and why.
    pub stopped: Option<(String, String)>,
    pub last_status: Option<String>,
    pub last_completed: Option<String>,
}

/// A user who comes in through an embedding application (b.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embed {
    pub user_name: String,
    pub name: String,
    pub external_id: String,
    pub entity: Option<String>,
    pub email: Option<String>,
    pub attributes: Map<String, Value>,
    pub created: String,
}

/// Somebody who only gets deliveries (b.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmailOnly {
    pub email: String,
    pub attributes: Map<String, Value>,
}

/// An API key; what opens it is nowhere (b.9).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub name: String,
    /// `organization`, `personal` or `mcp`.
    pub kind: String,
    pub enabled: bool,
    pub created: String,
    pub membership: Option<String>,
}

/// Everything but users and groups.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub connections: Table<Connection>,
    pub models: Table<Model>,
    pub definitions: Table<Definition>,
    pub held: Table<Held>,
    pub customs: Table<Custom>,
    pub folders: Table<Folder>,
    pub documents: Table<Document>,
    pub schedules: Table<Schedule>,
    pub embeds: Table<Embed>,
    pub email_only: Table<EmailOnly>,
    pub keys: Table<Key>,
}

impl World {
    /// The tables, with the names of their rows in a file.
    pub fn tables(&mut self) -> [(&'static str, &mut dyn Rows); 11] {
        [
            ("connection", &mut self.connections),
            ("model", &mut self.models),
            ("definition", &mut self.definitions),
            ("roles", &mut self.held),
            ("custom-role", &mut self.customs),
            ("folder", &mut self.folders),
            ("document", &mut self.documents),
            ("schedule", &mut self.schedules),
            ("embed-user", &mut self.embeds),
            ("email-only-user", &mut self.email_only),
            ("api-key", &mut self.keys),
        ]
    }

    /// The path of a folder: its parts from the outermost.
    pub fn path(&self, folder: &str) -> String {
        let mut parts: Vec<&str> = self.folder_and_outer(folder).map(|(_, f)| f.segment.as_str()).collect();
        parts.reverse();
        parts.join("/")
    }

    /// A folder and those around it, from the inside.
    pub fn folder_and_outer<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a Folder)> {
        let first = self.folders.get(folder).map(|f| (folder, f));
        std::iter::successors(first, |(_, f)| {
            let parent = f.parent.as_deref()?;
            self.folders.get(parent).map(|p| (parent, p))
        })
    }

    /// The folder of a path.
    pub fn folder_at(&self, path: &str) -> Option<&str> {
        let path = path.trim_matches('/');
        self.folders.iter().map(|(id, _)| id).find(|id| self.path(id) == path)
    }
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Users and groups.
    pub people: Store,
    /// The rest.
    pub world: World,
}

impl State {
    /// A new identifier, with the number that is its place in lists.
    pub fn fresh(&mut self, kind: &str) -> (String, u64) {
        let seq = self.people.number();
        (uuid(&format!("{kind} {seq}")), seq)
    }

    /// A new short identifier, with its number: those of groups and documents.
    pub fn fresh_short(&mut self, kind: &str) -> (String, u64) {
        loop {
            let seq = self.people.number();
            let id = short(&format!("{kind} {seq}"));
            if self.people.any(&id).is_none() && self.world.documents.get(&id).is_none() {
                return (id, seq);
            }
        }
    }

    /// Undoes what was changed since the last time that it was taken up.
    pub fn undo(&mut self) {
        self.people.undo(0);
        for (_, table) in self.world.tables() {
            table.undo();
        }
    }
}

/// An identifier made of a text: the same text, the same identifier.
pub fn uuid(text: &str) -> String {
    let hex: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Whether a text has the form of a full identifier.
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Eight letters and digits made of a text (fact sheet omni, identifier rules).
pub fn short(text: &str) -> String {
    const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let sign = |byte: &u8| SIGNS.get(usize::from(*byte) % SIGNS.len()).copied().unwrap_or(b'0');
    Sha256::digest(text).iter().take(8).map(|byte| char::from(sign(byte))).collect()
}

/// The membership of whoever made the key, where nobody is left who could have.
pub fn maker() -> String {
    uuid("maker of the key")
}

/// The full identifier of a group, which nothing links to its short one.
pub fn group_uuid(id: &str) -> String {
    uuid(&format!("full {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_their_form() {
        assert!(is_uuid(&uuid("x")) && is_uuid(&group_uuid("mEhXj6ZI")));
        assert_eq!(short("x").len(), 8);
        for wrong in ["", "mEhXj6ZI", "0000000-0000-0000-0000-0000000000000", "zzzzzzzz-0000-0000-0000-000000000000"] {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }
}
