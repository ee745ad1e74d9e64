//! What only Paradime's own screens can do, as a file or a request of a test says it: workspaces, accepting
//! and expiring invitations, enabling users, auto-join domains, team labels, lines of the audit log.

use serde::Deserialize;
use serde_json::{Value, json};

use super::world::{Account, Event, Standing, State};

/// Who does things on the screen, where nothing is said.
const SOMEBODY: &str = "somebody@screen.example";

/// What a file or a request holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Things {
    /// Who does it.
    pub by: Option<String>,
    /// The workspace that everything below is about, by name or identifier; otherwise the first.
    pub workspace: Option<String>,
    pub workspaces: Vec<WorkspaceSaid>,
    pub users: Vec<UserSaid>,
    /// Addresses whose invitation is accepted, and so on.
    pub accept: Vec<String>,
    pub expire: Vec<String>,
    pub resend: Vec<String>,
    pub withdraw: Vec<String>,
    pub enable: Vec<String>,
    pub disable: Vec<String>,
    /// Who joins by an auto-join domain.
    pub join: Vec<String>,
    pub domains: Vec<String>,
    pub remove_domains: Vec<String>,
    pub events: Vec<EventSaid>,
}

/// A workspace.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceSaid {
    pub name: String,
    pub uid: Option<String>,
}

/// What the screens say of somebody; who is not there is made.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserSaid {
    pub email: String,
    pub name: Option<String>,
    /// Any text, so that a role can be tested that nobody knows.
    pub role: Option<String>,
    pub standing: Option<Standing>,
    /// The team label.
    pub team: Option<String>,
}

/// A line of the audit log as it is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventSaid {
    pub at: String,
    pub actor: Option<String>,
    pub source: String,
    pub kind: String,
    pub metadata: Value,
}

type Result<T> = std::result::Result<T, String>;

/// Reads what a file or a request says: YAML, or the JSON that is part of it.
pub fn read(bytes: &[u8]) -> Result<Things> {
    serde_yaml::from_slice(bytes).map_err(|e| e.to_string())
}

/// Does what is said.
pub fn add(state: &mut State, said: Things, time: jiff::Timestamp) -> Result<()> {
    for workspace in &said.workspaces {
        state.new_workspace(&workspace.name, workspace.uid.as_deref());
    }
    if state.workspaces.len() == 0 {
        state.new_workspace("sandbox", None);
    }
    let workspace = match &said.workspace {
        Some(text) => state.workspace(text).ok_or_else(|| format!("there is no workspace `{text}`"))?,
        None => state.workspaces.iter().next().map(|(uid, _)| uid.to_owned()).unwrap_or_default(),
    };
    let mut screen = Screen { state, workspace, by: said.by.unwrap_or_else(|| SOMEBODY.to_owned()), time };
    for user in said.users {
        screen.user(user)?;
    }
    for domain in said.domains {
        screen.domain(&domain, true)?;
    }
    use Standing::{Active, Disabled, Expired, Invited};
    for (emails, from, to, word) in [
        (&said.accept, Some(Invited), Some(Active), "assumed_invitation_accepted"),
        (&said.expire, Some(Invited), Some(Expired), "assumed_invitation_expired"),
        (&said.resend, Some(Expired), Some(Invited), "assumed_invitation_resent"),
        (&said.withdraw, None, None, "assumed_invitation_withdrawn"),
        (&said.enable, Some(Disabled), Some(Active), "assumed_user_enabled"),
        (&said.disable, Some(Active), Some(Disabled), "assumed_user_disabled"),
    ] {
        for email in emails {
            screen.moves(email, from, to, word)?;
        }
    }
    for email in said.join {
        screen.join(&email)?;
    }
    for domain in said.remove_domains {
        screen.domain(&domain, false)?;
    }
    for event in said.events {
        let number = screen.state.number();
        let event = Event {
            at: event.at,
            workspace: screen.workspace.clone(),
            actor_type: "user".to_owned(),
            actor: event.actor,
            source: event.source,
            kind: event.kind,
            metadata: event.metadata,
        };
        screen.state.events.put(&number.to_string(), number, event);
    }
    Ok(())
}

/// The screen of one workspace, and who sits before it.
struct Screen<'s> {
    state: &'s mut State,
    workspace: String,
    by: String,
    time: jiff::Timestamp,
}

impl Screen<'_> {
    fn found(&self, email: &str) -> Result<Account> {
        let account = self.state.account(&self.workspace, email).cloned();
        account.ok_or_else(|| format!("there is nobody `{email}`"))
    }

    fn tell(&mut self, word: &str, metadata: Value) {
        self.state.tell(self.time, &self.workspace, Some(&self.by), word, metadata);
    }

    fn user(&mut self, said: UserSaid) -> Result<()> {
        let known = self.state.account(&self.workspace, &said.email).cloned();
        let (new, mut account) = match known {
            Some(known) => (false, known),
            None => (true, self.state.fresh(&self.workspace, &said.email, "BUSINESS", Standing::Active)),
        };
        let before = account.clone();
        account.name = said.name.unwrap_or(account.name);
        account.role = said.role.unwrap_or(account.role);
        account.standing = said.standing.unwrap_or(account.standing);
        account.team = said.team.or(account.team);
        if !new && before.role != account.role {
            let metadata = json!({"user": {"email": account.email}, "from": before.role, "to": account.role});
            self.tell("assumed_account_type_updated", metadata);
        }
        self.state.put(account);
        Ok(())
    }

    fn moves(&mut self, email: &str, from: Option<Standing>, to: Option<Standing>, word: &str) -> Result<()> {
        let account = self.found(email)?;
        let pending = matches!(account.standing, Standing::Invited | Standing::Expired);
        if from.map_or(!pending, |from| from != account.standing) {
            return Err(format!("{email} is {:?}", account.standing));
        }
        self.tell(word, json!({"user": {"email": account.email}}));
        match to {
            Some(standing) => self.state.put(Account { standing, ..account }),
            None => self.state.accounts.remove(&super::world::key(&self.workspace, email)),
        }
        Ok(())
    }

    fn domain(&mut self, domain: &str, there: bool) -> Result<()> {
        let domain = domain.to_lowercase();
        let changed = self.state.workspaces.change(&self.workspace, |w| {
            if there {
                w.domains.insert(domain.clone())
            } else {
                w.domains.remove(&domain)
            };
        });
        if !changed {
            return Err(format!("the domain {domain} is {} already", if there { "there" } else { "gone" }));
        }
        let word = if there { "assumed_domain_added" } else { "assumed_domain_removed" };
        self.tell(word, json!({"domain": domain}));
        Ok(())
    }

    fn join(&mut self, email: &str) -> Result<()> {
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
        let open = self.state.workspaces.get(&self.workspace).is_some_and(|w| w.domains.contains(&domain));
        if !open {
            return Err(format!("nobody can join by {domain}"));
        }
        let mut account = match self.state.account(&self.workspace, email).cloned() {
            Some(known) if known.standing == Standing::Disabled => return Err(format!("{email} is disabled")),
            Some(known) => known,
            None => self.state.fresh(&self.workspace, email, "BUSINESS", Standing::Active),
        };
        account.standing = Standing::Active;
        self.state.put(account);
        self.tell("assumed_user_joined", json!({"user": {"email": email}}));
        Ok(())
    }
}
