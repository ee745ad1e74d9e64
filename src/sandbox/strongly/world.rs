//! What there is: users with their place in the organization, invitations, and things that are shared.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::sandbox::table::{Rows, Table};

/// A user of the platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// As it was given; compared without case.
    pub email: String,
    pub name: String,
    /// As the API spells it: `admin`, `developer`, `app`, or whatever somebody has made.
    pub role: Option<String>,
    pub archived: bool,
    /// The role in the organization; `None` for who is no member.
    pub member: Option<String>,
    pub created: String,
}

/// Somebody who was asked to join the organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    pub email: String,
    /// The role in the organization.
    pub role: String,
    pub created: String,
    pub expires: Option<String>,
}

/// What can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Application,
    Project,
    Workspace,
    Workflow,
    DataSource,
}

impl Kind {
    /// All, in the order in which they can be made.
    pub const ALL: [Self; 5] = [Self::Application, Self::Project, Self::Workspace, Self::Workflow, Self::DataSource];

    /// As declarations call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Project => "project",
            Self::Workspace => "workspace",
            Self::Workflow => "workflow",
            Self::DataSource => "data-source",
        }
    }

    /// As paths call it; also the name of its list in the older shape, but for applications.
    pub fn path(self) -> &'static str {
        match self {
            Self::Application => "apps",
            Self::Project => "projects",
            Self::Workspace => "workspaces",
            Self::Workflow => "workflows",
            Self::DataSource => "datasources",
        }
    }

    /// The kind of that path.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.path() == path)
    }
}

/// Sign-in pages of an application.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SignIn {
    pub enabled: bool,
    pub slug: Option<String>,
    pub signup: bool,
    /// `instant` or `approval`.
    pub access: String,
    pub domains: Vec<String>,
}

/// One thing that can be shared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    pub kind: Kind,
    pub name: String,
    /// The identifier of a user.
    pub owner: Option<String>,
    /// The project of a workspace, by identifier.
    pub project: Option<String>,
    /// Whether everybody may use it: applications and data sources.
    pub open: bool,
    /// Who may use it, by identifier: applications and data sources.
    pub allowed: Vec<String>,
    /// Who works with it, with `viewer` or `editor`: projects and workflows.
    pub shared: Vec<(String, String)>,
    pub sign_in: SignIn,
}

impl Thing {
    /// One that nobody but its owner has.
    pub fn new(kind: Kind, name: &str, owner: Option<String>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            owner,
            project: None,
            open: false,
            allowed: Vec::new(),
            shared: Vec::new(),
            sign_in: SignIn::default(),
        }
    }
}

/// A team, which only Strongly's screens know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// By identifier.
    pub members: Vec<String>,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub struct World {
    pub users: Table<User>,
    pub invitations: Table<Invitation>,
    pub things: Table<Thing>,
    /// By name.
    pub teams: Table<Team>,
    /// Policies as documents, by the name that the directory has for them.
    pub policies: Table<Value>,
    last: u64,
}

impl World {
    /// The tables, with the names of their rows in a file.
    pub fn tables(&mut self) -> [(&'static str, &mut dyn Rows); 5] {
        [
            ("user", &mut self.users),
            ("invitation", &mut self.invitations),
            ("thing", &mut self.things),
            ("team", &mut self.teams),
            ("policy", &mut self.policies),
        ]
    }

    /// A new number.
    pub fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The last number that was given out.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Goes on after this number.
    pub fn after(&mut self, last: u64) {
        self.last = self.last.max(last);
    }

    /// A new identifier, with the number that is its place in lists.
    pub fn fresh(&mut self, kind: &str) -> (String, u64) {
        let number = self.number();
        (identifier(&format!("{kind} {number}")), number)
    }

    /// Undoes what was changed since the last time that it was taken up.
    pub fn undo(&mut self) {
        for (_, table) in self.tables() {
            table.undo();
        }
    }

    /// The user of an address, whatever its case.
    pub fn user_of(&self, email: &str) -> Option<(&str, &User)> {
        self.users.find(|u| u.email.eq_ignore_ascii_case(email))
    }
}

/// An identifier made of a text, 24 hexadecimal digits: the same text, the same identifier.
pub fn identifier(text: &str) -> String {
    Sha256::digest(text).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// The identifier of the place that a user has in the organization, which is another than theirs.
pub fn member_id(user: &str) -> String {
    identifier(&format!("member {user}"))
}

/// The identifier of the only organization.
pub fn organization() -> String {
    identifier("organization")
}
