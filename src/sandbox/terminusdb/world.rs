//! What is there: the documents of `_system`, and what databases hold; who reaches what (fact sheet
//! terminusdb, sections 1 and 2).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::sandbox::table::{Rows, Table};

/// All actions (section 1).
pub const ACTIONS: [&str; 17] = [
    "create_database",
    "delete_database",
    "class_frame",
    "clone",
    "fetch",
    "push",
    "branch",
    "rebase",
    "instance_read_access",
    "instance_write_access",
    "schema_read_access",
    "schema_write_access",
    "meta_read_access",
    "meta_write_access",
    "commit_read_access",
    "commit_write_access",
    "manage_capabilities",
];

/// What Consumer Role may do (section 1).
pub const CONSUMER: [&str; 7] = [
    "class_frame",
    "clone",
    "fetch",
    "meta_read_access",
    "commit_read_access",
    "instance_read_access",
    "schema_read_access",
];

/// The account that may do everything, by its id.
pub const ADMIN: &str = "User/admin";
/// Who asks without credentials.
pub const ANONYMOUS: &str = "User/anonymous";
/// The database that all of this lies in.
pub const SYSTEM: &str = "SystemDatabase/system";
/// The role that the public switch of a database gives.
pub const CONSUMER_ID: &str = "Role/consumer";

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub actions: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    /// The salted digest of the password. `admin` without one has the token of the sandbox.
    pub key: Option<String>,
    pub capabilities: Vec<String>,
    /// Shown by the hosted product only.
    pub email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Organization {
    pub name: String,
    pub databases: Vec<String>,
    pub children: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Database {
    pub name: String,
    pub label: String,
    pub comment: String,
    pub created: String,
    /// `finalized`, or `deleting` where a deletion failed half way.
    pub state: String,
    pub schema: Vec<Value>,
    pub documents: Vec<Value>,
    pub version: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Capability {
    pub scope: String,
    pub roles: Vec<String>,
}

/// An invitation of the hosted product.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Invite {
    pub organization: String,
    pub email: String,
    pub role: String,
    pub note: Option<String>,
    pub status: String,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub roles: Table<Role>,
    pub users: Table<User>,
    pub organizations: Table<Organization>,
    pub databases: Table<Database>,
    pub capabilities: Table<Capability>,
    pub invites: Table<Invite>,
    /// What identifiers and places in lists are made of.
    pub last: u64,
    /// How often the system graph was written.
    pub layer: u64,
}

impl State {
    /// A server that was just set up.
    pub fn fresh() -> Self {
        let mut state = Self::default();
        let role = |name: &str, actions: &[&str]| Role {
            name: name.to_owned(),
            actions: actions.iter().map(|a| (*a).to_owned()).collect(),
        };
        state.put_role("Role/admin", role("Admin Role", &ACTIONS));
        state.put_role(CONSUMER_ID, role("Consumer Role", &CONSUMER));
        let seq = state.number();
        let databases = vec![SYSTEM.to_owned()];
        let admin = Organization { name: "admin".to_owned(), databases, children: Vec::new() };
        state.organizations.put("Organization/admin", seq, admin);
        let seq = state.number();
        let all = Capability { scope: "Organization/admin".to_owned(), roles: vec!["Role/admin".to_owned()] };
        state.capabilities.put("Capability/server_access", seq, all);
        let seq = state.number();
        let capabilities = vec!["Capability/server_access".to_owned()];
        state.users.put(ADMIN, seq, User { name: "admin".to_owned(), capabilities, ..User::default() });
        let seq = state.number();
        state.users.put(ANONYMOUS, seq, User { name: "anonymous".to_owned(), ..User::default() });
        state
    }

    /// The tables, with the names of their rows in a file.
    pub fn tables(&mut self) -> [(&'static str, &mut dyn Rows); 6] {
        [
            ("role", &mut self.roles),
            ("user", &mut self.users),
            ("organization", &mut self.organizations),
            ("database", &mut self.databases),
            ("capability", &mut self.capabilities),
            ("invite", &mut self.invites),
        ]
    }

    /// A new number.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A new random-looking part of an id.
    pub fn random(&mut self) -> String {
        const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        let number = self.number();
        let digest = Sha256::digest(format!("id {number}"));
        digest.iter().take(16).map(|b| char::from(SIGNS[usize::from(*b) % SIGNS.len()])).collect()
    }

    /// `system:SCHEMA/LAYER` (section 6).
    pub fn version(&self) -> String {
        let forty = |text: String| hex(&text).chars().take(40).collect::<String>();
        format!("system:{}/{}", forty("schema".to_owned()), forty(format!("layer {}", self.layer)))
    }

    pub fn put_role(&mut self, id: &str, role: Role) {
        let seq = self.number();
        self.roles.put(id, seq, role);
    }

    /// What a scope reaches: itself, its databases, those of organizations inside it.
    pub fn inside(&self, scope: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next = vec![scope.to_owned()];
        while let Some(id) = next.pop() {
            if let Some(organization) = self.organizations.get(&id) {
                found.extend(organization.databases.iter().cloned());
                next.extend(organization.children.iter().filter(|c| !found.contains(*c)).cloned());
            }
            found.insert(id);
        }
        found
    }

    /// The capabilities of a user, in the order in which the server finds them.
    pub fn capabilities_of(&self, user: &str) -> Vec<(&str, &Capability)> {
        let Some(user) = self.users.get(user) else { return Vec::new() };
        self.capabilities.iter().filter(|(id, _)| user.capabilities.iter().any(|c| c == id)).collect()
    }

    /// Whether a user may do something (section 2): by a capability that reaches the resource, or by one that
    /// anonymous has on exactly this.
    pub fn allows(&self, user: &str, action: &str, resource: &str) -> bool {
        let gives =
            |c: &Capability| c.roles.iter().filter_map(|r| self.roles.get(r)).any(|role| role.actions.contains(action));
        self.capabilities_of(user).iter().any(|(_, c)| gives(c) && self.inside(&c.scope).contains(resource))
            || self.capabilities_of(ANONYMOUS).iter().any(|(_, c)| gives(c) && c.scope == resource)
    }

    /// The organization of this name.
    pub fn organization(&self, name: &str) -> Option<(&str, &Organization)> {
        self.organizations.find(|o| o.name == name)
    }

    /// The user of this name.
    pub fn user(&self, name: &str) -> Option<(&str, &User)> {
        self.users.find(|u| u.name == name)
    }

    /// The database of an organization by their names.
    pub fn database(&self, organization: &str, name: &str) -> Option<(&str, &Database)> {
        let (_, organization) = self.organization(organization)?;
        organization.databases.iter().find_map(|id| {
            let database = self.databases.get(id).filter(|d| d.name == name)?;
            Some((id.as_str(), database))
        })
    }

    /// The name of the organization of a database.
    pub fn home(&self, database: &str) -> Option<&str> {
        let (_, found) = self.organizations.find(|o| o.databases.iter().any(|d| d == database))?;
        Some(&found.name)
    }

    /// Takes a capability away, and out of the users who have it.
    pub fn drop_capability(&mut self, id: &str) {
        self.capabilities.remove(id);
        let holders: Vec<String> = self
            .users
            .iter()
            .filter(|(_, u)| u.capabilities.iter().any(|c| c == id))
            .map(|(u, _)| u.to_owned())
            .collect();
        for holder in holders {
            self.users.change(&holder, |u| u.capabilities.retain(|c| c != id));
        }
    }

    /// Takes a role away, and out of the capabilities that have it (section 7, trap 1).
    pub fn drop_role(&mut self, id: &str) {
        self.roles.remove(id);
        let holders: Vec<String> = self
            .capabilities
            .iter()
            .filter(|(_, c)| c.roles.iter().any(|r| r == id))
            .map(|(c, _)| c.to_owned())
            .collect();
        for holder in holders {
            self.capabilities.change(&holder, |c| c.roles.retain(|r| r != id));
        }
    }

    /// A new capability of a user.
    pub fn give(&mut self, user: &str, scope: &str, roles: Vec<String>) -> String {
        let id = format!("Capability/{}", self.random());
        let seq = self.number();
        self.capabilities.put(&id, seq, Capability { scope: scope.to_owned(), roles });
        self.users.change(user, |u| u.capabilities.push(id.clone()));
        id
    }

    /// Undoes what was changed since it was last taken up.
    pub fn undo(&mut self) {
        for (_, table) in self.tables() {
            table.undo();
        }
    }
}

/// The digest of a text.
pub fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A password as it is kept.
pub fn locked(user: &str, password: &str) -> String {
    format!("$pbkdf2-sha512$t=1024$sandbox${}", hex(&format!("{user}\n{password}")))
}

/// A list, where there is something in it.
fn list(into: &mut Map<String, Value>, key: &str, items: impl IntoIterator<Item = Value>) {
    let items: Vec<Value> = items.into_iter().collect();
    if !items.is_empty() {
        into.insert(key.to_owned(), Value::Array(items));
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

/// How documents are shown.
impl State {
    pub fn role_document(&self, id: &str) -> Option<Value> {
        let role = self.roles.get(id)?;
        let mut map = object(json!({"@id": id, "@type": "Role", "name": role.name}));
        list(&mut map, "action", role.actions.iter().map(|a| json!(a)));
        Some(Value::Object(map))
    }

    /// With the hash of the password where the documents API shows it.
    pub fn user_document(&self, id: &str, hash: bool) -> Option<Value> {
        let user = self.users.get(id)?;
        let mut map = object(json!({"@id": id, "@type": "User", "name": user.name}));
        list(&mut map, "capability", self.capabilities_of(id).iter().map(|(c, _)| json!(c)));
        let key = user.key.clone().or_else(|| (id == ADMIN).then(|| locked("admin", "the token")));
        if let Some(key) = key.filter(|_| hash) {
            map.insert("key_hash".to_owned(), json!(key));
        }
        Some(Value::Object(map))
    }

    /// With its capabilities in full.
    pub fn user_in_full(&self, id: &str) -> Option<Value> {
        let mut map = object(self.user_document(id, false)?);
        let mut full = Vec::new();
        for (capability, body) in self.capabilities_of(id) {
            let mut one = object(json!({"@id": capability, "@type": "Capability"}));
            list(&mut one, "role", body.roles.iter().filter_map(|r| self.role_document(r)));
            one.insert("scope".to_owned(), self.resource_document(&body.scope).unwrap_or(Value::Null));
            full.push(Value::Object(one));
        }
        map.remove("capability");
        list(&mut map, "capability", full);
        Some(Value::Object(map))
    }

    pub fn organization_document(&self, id: &str) -> Option<Value> {
        let organization = self.organizations.get(id)?;
        let mut map = object(json!({"@id": id, "@type": "Organization", "name": organization.name}));
        list(&mut map, "database", organization.databases.iter().map(|d| json!(d)));
        list(&mut map, "child", organization.children.iter().map(|c| json!(c)));
        Some(Value::Object(map))
    }

    pub fn database_document(&self, id: &str) -> Option<Value> {
        let database = self.databases.get(id)?;
        Some(json!({
            "@id": id, "@type": "UserDatabase", "comment": database.comment, "creation_date": database.created,
            "label": database.label, "name": database.name, "state": database.state,
        }))
    }

    pub fn capability_document(&self, id: &str) -> Option<Value> {
        let capability = self.capabilities.get(id)?;
        let mut map = object(json!({"@id": id, "@type": "Capability", "scope": capability.scope}));
        list(&mut map, "role", capability.roles.iter().map(|r| json!(r)));
        Some(Value::Object(map))
    }

    /// An organization or a database.
    pub fn resource_document(&self, id: &str) -> Option<Value> {
        let system = || (id == SYSTEM).then(|| json!({"@id": SYSTEM, "@type": "SystemDatabase", "name": "_system"}));
        self.organization_document(id).or_else(|| self.database_document(id)).or_else(system)
    }
}
