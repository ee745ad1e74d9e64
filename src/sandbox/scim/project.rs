//! Users and groups as the embedded directory holds them: what a change of a resource means there, and
//! back again for a directory that others have filled.
//!
//! A user's address is the user name, in lower case; the role is the main one of `roles`; plain texts
//! and those of the enterprise extension are attributes. A group is a team; a group within a group lies
//! in it, as far as a team can lie in one other. The rest is in the sandbox's own table alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::schema::{ENTERPRISE, ENTERPRISE_SCHEMA, Kind, Type, USER_SCHEMA, is_main};
use super::store::{Resource, Store};
use crate::model::{Change, Directory, MemberRecord, RoleRecord, TeamRecord, UserId, UserRecord, UserState, Why};

/// The core texts of a user that have a place of their own in the directory, or none.
const NOT_ATTRIBUTES: [&str; 4] = ["userName", "displayName", "timezone", "password"];

/// What the directory holds, as far as it comes from users and groups.
#[derive(Debug, Default)]
pub struct Mirror {
    users: HashMap<String, UserRecord>,
    teams: HashMap<String, TeamRecord>,
    members: HashMap<String, BTreeSet<String>>,
    /// The team of each name.
    taken: HashMap<String, String>,
    roles: BTreeSet<String>,
    /// The extension whose values are a user's attributes; those of SCIM itself where there is none.
    pub attributes_in: Option<&'static str>,
}

impl Mirror {
    /// What a directory holds of the users and groups of a store, and those of its users and teams that
    /// the store does not know.
    pub fn of(directory: &Directory, store: &Store, names: &HashMap<String, String>) -> (Self, Vec<Unknown>) {
        let mut mirror =
            Self { roles: directory.roles().iter().map(|r| r.name.to_string()).collect(), ..Self::default() };
        let mut unknown = Vec::new();
        let mut ids: HashMap<UserId, String> = HashMap::new();
        for index in 0..directory.users().len() {
            let user = UserId(u32::try_from(index).unwrap_or(u32::MAX));
            let record = directory.user_record(user);
            match store.named(&record.email) {
                Some(id) => {
                    ids.insert(user, id.to_owned());
                    mirror.users.insert(id.to_owned(), record);
                }
                None => unknown.push(Unknown::User(record)),
            }
        }
        let known: HashMap<&str, &str> = names.iter().map(|(id, name)| (name.as_str(), id.as_str())).collect();
        for index in 0..directory.teams().len() {
            let team = crate::model::TeamId(u32::try_from(index).unwrap_or(u32::MAX));
            let record = directory.team_record(team);
            let members = directory.members_of(team);
            match known.get(record.name.as_str()) {
                Some(id) => {
                    let found = members.iter().filter_map(|m| ids.get(&m.user).cloned()).collect();
                    mirror.members.insert((*id).to_owned(), found);
                    mirror.taken.insert(record.name.clone(), (*id).to_owned());
                    mirror.teams.insert((*id).to_owned(), record);
                }
                None => {
                    let emails = members.iter().map(|m| directory.user(m.user).email.to_string()).collect();
                    unknown.push(Unknown::Team(record, emails));
                }
            }
        }
        (mirror, unknown)
    }

    /// Takes in what the directory held before the store knew of it.
    pub fn adopt(&mut self, id: &str, thing: &Unknown, store: &Store) {
        match thing {
            Unknown::User(record) => {
                self.users.insert(id.to_owned(), record.clone());
            }
            Unknown::Team(record, emails) => {
                let members = emails.iter().filter_map(|e| store.named(e).map(str::to_owned)).collect();
                self.members.insert(id.to_owned(), members);
                self.taken.insert(record.name.clone(), id.to_owned());
                self.teams.insert(id.to_owned(), record.clone());
            }
        }
    }

    /// The name of a group's team.
    pub fn team_name(&self, id: &str) -> Option<&str> {
        self.teams.get(id).map(|t| t.name.as_str())
    }

    /// The address of a user.
    pub fn email(&self, id: &str) -> Option<&str> {
        self.users.get(id).map(|u| u.email.as_str())
    }

    /// The group whose team has this name.
    pub fn team_of(&self, name: &str) -> Option<&str> {
        self.taken.get(name).map(String::as_str)
    }

    /// Makes a role where it is not there.
    pub fn need_role(&mut self, role: &str, changes: &mut Vec<Change>) {
        if self.roles.insert(role.to_owned()) {
            changes.push(Change::CreateRole { role: RoleRecord { name: role.to_owned(), ..RoleRecord::default() } });
        }
    }

    /// What the directory must do to hold these as the store does, in an order in which it can.
    pub fn follow(&mut self, touched: &[String], store: &Store) -> Vec<Change> {
        let mut changes = Vec::new();
        let gone = |id: &&String| store.any(id).is_none();
        // Before a user or a team goes, memberships that name it do.
        for id in touched {
            if store.any(id).is_none_or(|r| r.kind == Kind::Group) {
                self.leave(id, store, &mut changes);
            }
        }
        for id in touched.iter().filter(gone) {
            self.end(id, &mut changes);
        }
        for id in touched {
            match store.any(id).map(|r| (r.kind, r)) {
                Some((Kind::User, user)) => self.user(user, &mut changes),
                Some((Kind::Group, group)) => self.team(group, &mut changes),
                None => {}
            }
        }
        for group in touched.iter().filter_map(|id| store.get(Kind::Group, id)) {
            self.join(group, &mut changes);
        }
        if !touched.is_empty() {
            self.nest(touched, store, &mut changes);
        }
        changes
    }

    /// Memberships of a group, or of a user who is gone, that are no longer there.
    fn leave(&mut self, id: &str, store: &Store, changes: &mut Vec<Change>) {
        let mut gone: Vec<(String, String)> = Vec::new();
        if self.users.contains_key(id) {
            let teams = self.members.iter().filter(|(_, users)| users.contains(id));
            gone.extend(teams.map(|(team, _)| (team.clone(), id.to_owned())));
            gone.sort();
        } else if let Some(users) = self.members.get(id) {
            let stay: BTreeSet<&str> = store.any(id).map(|g| g.members().collect()).unwrap_or_default();
            gone.extend(users.iter().filter(|u| !stay.contains(u.as_str())).map(|u| (id.to_owned(), u.clone())));
        }
        for (team, user) in gone {
            let name = |records: Option<&str>| records.unwrap_or_default().to_owned();
            let member = MemberRecord {
                team: name(self.teams.get(&team).map(|t| t.name.as_str())),
                user: name(self.users.get(&user).map(|u| u.email.as_str())),
                ..MemberRecord::default()
            };
            changes.push(Change::RemoveMember { member, reason: Why::Undeclared });
            if let Some(users) = self.members.get_mut(&team) {
                users.remove(&user);
            }
        }
    }

    fn end(&mut self, id: &str, changes: &mut Vec<Change>) {
        if let Some(user) = self.users.remove(id) {
            changes.push(Change::DeleteUser { user, reason: Why::Undeclared });
        }
        if let Some(team) = self.teams.remove(id) {
            // Teams that lie in it come out first.
            for inner in self.teams.values_mut().filter(|t| t.outer.as_ref() == Some(&team.name)) {
                let before = inner.clone();
                inner.outer = None;
                changes.push(Change::UpdateTeam { before, after: inner.clone() });
            }
            self.members.remove(id);
            self.taken.remove(&team.name);
            changes.push(Change::DeleteTeam { team, reason: Why::Undeclared });
        }
    }

    fn user(&mut self, resource: &Resource, changes: &mut Vec<Change>) {
        let found = self.users.get(&resource.id).cloned();
        let mut record = found.clone().unwrap_or_default();
        fill(&mut record, resource, self.attributes_in);
        if let Some(role) = &record.role {
            self.need_role(role, changes);
        }
        if let Some(mut before) = found {
            if before.email != record.email {
                changes.push(Change::RenameUser { from: before.email.clone(), to: record.email.clone() });
                before.email.clone_from(&record.email);
            }
            let after = UserRecord { state: before.state, ..record.clone() };
            if before != after {
                changes.push(Change::UpdateUser { before: before.clone(), after: after.clone() });
            }
            if before.state != record.state {
                changes.push(match record.state {
                    UserState::Disabled => Change::DisableUser { user: after, reason: Why::Declared },
                    _ => Change::EnableUser { user: after },
                });
            }
        } else {
            changes.push(Change::CreateUser { user: record.clone() });
        }
        self.users.insert(resource.id.clone(), record);
    }

    fn team(&mut self, resource: &Resource, changes: &mut Vec<Change>) {
        let id = &resource.id;
        let wanted = resource.text("displayName").filter(|n| !n.is_empty()).unwrap_or(id);
        let is_free = |name: &str| self.taken.get(name).is_none_or(|owner| owner == id);
        // SCIM lets several groups have one name, the directory does not.
        let name = if is_free(wanted) { wanted.to_owned() } else { format!("{wanted} ({id})") };
        match self.teams.get_mut(id) {
            None => {
                let team = TeamRecord { name: name.clone(), ..TeamRecord::default() };
                changes.push(Change::CreateTeam { team: team.clone() });
                self.teams.insert(id.clone(), team);
            }
            Some(team) if team.name != name => {
                changes.push(Change::RenameTeam { from: team.name.clone(), to: name.clone() });
                let old = std::mem::replace(&mut team.name, name.clone());
                for inner in self.teams.values_mut().filter(|t| t.outer.as_ref() == Some(&old)) {
                    inner.outer = Some(name.clone());
                }
                self.taken.remove(&old);
            }
            Some(_) => {}
        }
        self.taken.insert(name, id.clone());
    }

    fn join(&mut self, group: &Resource, changes: &mut Vec<Change>) {
        let Some(team) = self.teams.get(&group.id).map(|t| t.name.clone()) else { return };
        let members = self.members.entry(group.id.clone()).or_default();
        for id in group.members() {
            if let Some(user) = self.users.get(id)
                && members.insert(id.to_owned())
            {
                let member = MemberRecord { team: team.clone(), user: user.email.clone(), ..MemberRecord::default() };
                changes.push(Change::AddMember { member });
            }
        }
    }

    /// Groups within groups: each lies in the first that holds it, unless it would then lie in itself.
    fn nest(&mut self, touched: &[String], store: &Store, changes: &mut Vec<Change>) {
        let mut concerned: BTreeSet<String> = BTreeSet::new();
        for group in touched.iter().filter_map(|id| store.get(Kind::Group, id)) {
            concerned.insert(group.id.clone());
            concerned.extend(group.members().filter(|m| self.teams.contains_key(*m)).map(str::to_owned));
            let inner = self.teams.iter().filter(|(_, t)| t.outer.as_deref() == self.team_name(&group.id));
            concerned.extend(inner.map(|(id, _)| id.clone()));
        }
        for id in concerned {
            let holders: Vec<String> = store.groups_of(&id).map(|g| g.id.clone()).collect();
            let outer = holders.iter().filter_map(|h| self.team_name(h)).find(|name| !self.lies_in(name, &id));
            let outer = outer.map(str::to_owned);
            if let Some(team) = self.teams.get_mut(&id).filter(|t| t.outer != outer) {
                let before = team.clone();
                team.outer = outer;
                changes.push(Change::UpdateTeam { before, after: team.clone() });
            }
        }
    }

    /// Whether a team is, or lies in, the one of an identifier.
    fn lies_in(&self, name: &str, id: &str) -> bool {
        let Some(own) = self.team_name(id) else { return false };
        let mut next = Some(name.to_owned());
        for _ in 0..=self.teams.len() {
            let Some(name) = next else { return false };
            if name == own {
                return true;
            }
            next = self.taken.get(&name).and_then(|id| self.teams.get(id)).and_then(|t| t.outer.clone());
        }
        true
    }
}

/// A user or team of a directory that the sandbox did not make.
#[derive(Debug, Clone)]
pub enum Unknown {
    /// A user.
    User(UserRecord),
    /// A team, and its members by e-mail.
    Team(TeamRecord, Vec<String>),
}

impl Unknown {
    /// A user.
    pub fn user(record: &UserRecord) -> Self {
        Self::User(record.clone())
    }
}

/// What a user resource says of an account.
fn fill(record: &mut UserRecord, resource: &Resource, attributes_in: Option<&str>) {
    record.email = resource.name_key().filter(|n| !n.is_empty()).unwrap_or_else(|| resource.id.clone());
    record.name = resource.text("displayName").map(str::to_owned).or_else(|| formal_name(&resource.body));
    record.timezone = resource.text("timezone").map(str::to_owned);
    let active = resource.body.get("active") != Some(&Value::Bool(false));
    record.state = if active { UserState::Active } else { UserState::Disabled };
    let roles = resource.body.get("roles").and_then(Value::as_array);
    let role = roles.and_then(|list| list.iter().find(|r| is_main(r)).or_else(|| list.first()));
    record.role =
        role.and_then(|r| r.get("value")).and_then(Value::as_str).filter(|r| !r.is_empty()).map(str::to_owned);
    if let Some(extension) = attributes_in {
        let values = resource.body.get(extension).and_then(Value::as_object);
        record.attributes = values.into_iter().flatten().map(|(name, value)| (name.clone(), plain(value))).collect();
        return;
    }
    let enterprise = resource.body.get(ENTERPRISE).and_then(Value::as_object);
    for name in attribute_names() {
        let value = resource.text(name).or_else(|| enterprise.and_then(|e| e.get(name)).and_then(Value::as_str));
        match value {
            Some(value) => record.attributes.insert(name.to_owned(), value.to_owned()),
            None => record.attributes.remove(name),
        };
    }
}

/// A value as a text: several with commas between them.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The attributes of SCIM that are attributes of the directory.
fn attribute_names() -> impl Iterator<Item = &'static str> {
    let all = USER_SCHEMA.attrs.iter().chain(ENTERPRISE_SCHEMA.attrs);
    let plain = all.filter(|a| matches!(a.of, Type::Text | Type::Reference) && !a.multi);
    plain.map(|a| a.name).filter(|name| !NOT_ATTRIBUTES.contains(name))
}

fn formal_name(body: &Map<String, Value>) -> Option<String> {
    let part = |name: &str| body.get("name")?.get(name)?.as_str();
    let both = || Some([part("givenName"), part("familyName")].into_iter().flatten().collect::<Vec<_>>().join(" "));
    part("formatted").map(str::to_owned).or_else(both).filter(|n| !n.is_empty())
}

/// An account as a user resource: for what a directory or a declaration holds.
pub fn user_body(record: &UserRecord) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("userName", json!(record.email));
    put("active", json!(record.state != UserState::Disabled));
    if record.email.contains('@') {
        put("emails", json!([{"value": record.email, "type": "work", "primary": true}]));
    }
    if let Some(name) = &record.name {
        put("displayName", json!(name));
        put("name", json!({"formatted": name}));
    }
    if let Some(zone) = &record.timezone {
        put("timezone", json!(zone));
    }
    if let Some(role) = &record.role {
        put("roles", json!([{"value": role, "primary": true}]));
    }
    let known: BTreeMap<&str, &String> =
        attribute_names().filter_map(|n| Some((n, record.attributes.get(n)?))).collect();
    let mut enterprise = Map::new();
    for (name, value) in known {
        if ENTERPRISE_SCHEMA.attr(name).is_some() {
            enterprise.insert(name.to_owned(), json!(value));
        } else {
            put(name, json!(value));
        }
    }
    if !enterprise.is_empty() {
        put(ENTERPRISE, Value::Object(enterprise));
    }
    body
}

/// The records of a declaration's target: users, and teams with their members and the teams in them.
pub fn declared(directory: &Directory) -> (Vec<UserRecord>, Vec<(TeamRecord, Vec<String>)>) {
    let id = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let users = (0..directory.users().len()).map(|i| directory.user_record(UserId(id(i)))).collect();
    let teams = (0..directory.teams().len()).map(|i| {
        let team = crate::model::TeamId(id(i));
        let members = directory.members_of(team).iter().map(|m| directory.user(m.user).email.to_string()).collect();
        (directory.team_record(team), members)
    });
    (users, teams.collect())
}
