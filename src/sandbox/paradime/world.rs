//! Who is in which workspace, and what the audit log tells.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sandbox::table::{Rows, Table};

/// The account types of the API (fact sheet paradime, section b).
pub const ROLES: [&str; 9] = [
    "ADMIN",
    "DEVELOPER",
    "BUSINESS",
    "BILLING_ADMIN",
    "SECURITY_ADMIN",
    "WORKSPACE_SETTINGS_ADMIN",
    "WORKSPACE_ADMIN",
    "ANALYST",
    "SANDBOX_USER",
];

/// How somebody stands to a workspace. The last is in no list of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Has an account.
    Active,
    /// Is invited.
    Invited,
    /// Was invited, and it has run out.
    Expired,
    /// Had an account, which is switched off.
    Disabled,
}

/// Somebody in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The identifier of the workspace.
    pub workspace: String,
    /// The identifier: shown of those who are active.
    pub uid: String,
    /// The address, as it was written.
    pub email: String,
    /// The name; of those who are invited, the one that they will have.
    pub name: String,
    /// The account type; a test may make one that nobody knows.
    pub role: String,
    /// How they stand.
    pub standing: Standing,
    /// The team label of the screen.
    pub team: Option<String>,
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// Its number in the audit log.
    pub number: u64,
    /// The domains whose people may join by themselves.
    pub domains: BTreeSet<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When, in seconds and parts of it.
    pub at: String,
    /// The workspace.
    pub workspace: String,
    /// `user` or `api_key`.
    pub actor_type: String,
    /// Who; nobody where a key did it.
    pub actor: Option<String>,
    /// Where it happened.
    pub source: String,
    /// What happened.
    pub kind: String,
    /// What else there is to say.
    pub metadata: Value,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The workspaces, by identifier, in the order in which they were made.
    pub workspaces: Table<Workspace>,
    /// The accounts, by [`key`].
    pub accounts: Table<Account>,
    /// The audit log, by number.
    pub events: Table<Event>,
    /// The last number that was given out.
    pub last: u64,
}

/// What an account is kept by: its workspace and its address, whose case does not matter.
pub fn key(workspace: &str, email: &str) -> String {
    format!("{workspace} {}", email.trim().to_lowercase())
}

impl State {
    /// The tables, with the names of their rows in a file.
    pub fn tables(&mut self) -> [(&'static str, &mut dyn Rows); 3] {
        [("workspace", &mut self.workspaces), ("account", &mut self.accounts), ("event", &mut self.events)]
    }

    /// Undoes what was changed since the last time that it was taken up.
    pub fn undo(&mut self) {
        for (_, table) in self.tables() {
            table.undo();
        }
    }

    /// A number that was not given out before.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Makes a workspace; its identifier.
    pub fn new_workspace(&mut self, name: &str, uid: Option<&str>) -> String {
        let number = self.number();
        let uid = uid.map_or_else(|| signs(&format!("workspace {name}")), str::to_owned);
        let workspace = Workspace { name: name.to_owned(), number, domains: BTreeSet::new() };
        self.workspaces.put(&uid, number, workspace);
        uid
    }

    /// The workspace of this identifier or name.
    pub fn workspace(&self, text: &str) -> Option<String> {
        let by_uid = self.workspaces.get(text).map(|_| text.to_owned());
        by_uid.or_else(|| self.workspaces.find(|w| w.name == text).map(|(uid, _)| uid.to_owned()))
    }

    /// An account, by address.
    pub fn account(&self, workspace: &str, email: &str) -> Option<&Account> {
        self.accounts.get(&key(workspace, email))
    }

    /// Makes an account or puts it in the place of the one of this address.
    pub fn put(&mut self, account: Account) {
        let number = self.number();
        self.accounts.put(&key(&account.workspace, &account.email), number, account);
    }

    /// A new account.
    pub fn fresh(&mut self, workspace: &str, email: &str, role: &str, standing: Standing) -> Account {
        let number = self.number();
        Account {
            workspace: workspace.to_owned(),
            uid: hex(&format!("user {number}")),
            email: email.trim().to_owned(),
            name: name_of(email),
            role: role.to_owned(),
            standing,
            team: None,
        }
    }

    /// Writes a line of the audit log.
    pub fn tell(&mut self, time: jiff::Timestamp, workspace: &str, actor: Option<&str>, kind: &str, metadata: Value) {
        let number = self.number();
        let event = Event {
            at: time.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string(),
            workspace: workspace.to_owned(),
            actor_type: if actor.is_some() { "user" } else { "api_key" }.to_owned(),
            actor: actor.map(str::to_owned),
            source: if actor.is_some() { "app" } else { "api" }.to_owned(),
            kind: kind.to_owned(),
            metadata,
        };
        self.events.put(&number.to_string(), number, event);
    }

    /// Everything of a workspace, what only the screen shows included.
    pub fn shown(&self, uid: &str) -> Value {
        let accounts = self.accounts.iter().map(|(_, a)| a).filter(|a| a.workspace == uid);
        let workspace = self.workspaces.get(uid);
        json!({
            "uid": uid,
            "name": workspace.map(|w| w.name.as_str()),
            "domains": workspace.map(|w| &w.domains),
            "accounts": accounts.map(|a| json!({
                "email": a.email, "name": a.name, "role": a.role, "standing": a.standing, "team": a.team, "uid": a.uid,
            })).collect::<Vec<_>>(),
        })
    }
}

/// `Ada Lovelace`, from `ada.lovelace@acme.com`.
fn name_of(email: &str) -> String {
    let local = email.trim().split('@').next().unwrap_or_default();
    let capital = |part: &str| {
        let mut signs = part.chars();
        signs.next().map(|c| c.to_uppercase().chain(signs).collect::<String>()).unwrap_or_default()
    };
    local.split(['.', '_', '-', '+']).filter(|p| !p.is_empty()).map(capital).collect::<Vec<_>>().join(" ")
}

/// 64 hexadecimal digits made of a text: the identifier of a user (fact sheet, identifier formats).
fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sixteen lower-case letters and digits made of a text: the identifier of a workspace.
fn signs(text: &str) -> String {
    const SIGNS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let sign = |byte: &u8| SIGNS.get(usize::from(*byte) % SIGNS.len()).copied().unwrap_or(b'a');
    Sha256::digest(text).iter().take(16).map(|byte| char::from(sign(byte))).collect()
}
