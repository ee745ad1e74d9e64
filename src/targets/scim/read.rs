//! The whole state of a server: its users, its groups, and who is in which.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::holds::holds;
use super::paging::{Listing, each, everything};
use super::resource::{ATTRIBUTES, Account, Group, HANDLE, Member};
use super::session::{Index, Session, UserEntry};
use super::settings::RolesIn;
use crate::model::{
    Builder, Catalogue, Change, Identities, Kept, Kind, Membership, RoleId, Said, Team, TeamId, User, UserId, UserState,
};
use crate::plan::{Promise, Reach};
use crate::targets::settle::LookedUp;
use crate::targets::{Capabilities, Known, Labels, Reader, Reading, TargetError, Task, may_touch, roles};

/// Reads a SCIM server.
pub struct ScimReader {
    session: Arc<Session>,
    capabilities: Capabilities,
    /// What was read to find out what became of changes that were cut off.
    looked_up: LookedUp,
}

/// So many of those who are only counted are named.
const NAMED: usize = 3;

impl ScimReader {
    /// A reader over that conversation.
    #[must_use]
    pub fn new(session: Arc<Session>) -> Self {
        let limits = session.client().limits();
        let capabilities = Capabilities {
            kinds: vec![Kind::Role, Kind::User, Kind::Team, Kind::Member],
            renames: true,
            enables: true,
            invites: false,
            kept: Kept {
                accounts: false,
                timezones: true,
                attributes: Some(ATTRIBUTES),
                handles: Some(&[HANDLE]),
                team_details: false,
                team_roles: false,
                member_details: false,
            },
            concurrency: limits.concurrency,
            requests_per_minute: limits.per_minute,
            page: session.settings.page,
            settle: session.settings.settle,
            // Nothing in SCIM lets a server check what it changes, and others can write meanwhile.
            level: Promise::Observed,
        };
        Self { session, capabilities, looked_up: LookedUp::default() }
    }
}

impl Reader for ScimReader {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn read(&self) -> Task<'_, Result<Reading, TargetError>> {
        Box::pin(async move {
            self.looked_up.forget();
            read(&self.session).await
        })
    }

    fn holds<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        Box::pin(async move {
            let directory = self.looked_up.or(read(&self.session)).await?;
            Ok(self.looked_up.confirms(change) && holds(&directory, change))
        })
    }

    fn reach(&self, change: &Change) -> Reach {
        let aside: BTreeSet<(Kind, String)> = self.session.index().called.keys().cloned().collect();
        if may_touch(change, &aside) { Reach::Writes } else { Reach::Left }
    }

    fn recall(&self, known: Known) {
        self.session.recall(known);
    }

    fn identities(&self) -> Identities {
        let index = self.session.index();
        let users = index.users.iter().map(|(name, entry)| (name.clone(), entry.id.clone())).collect();
        let groups = index.groups.iter().map(|(name, id)| (name.clone(), id.clone())).collect();
        Identities::from([(Kind::User, users), (Kind::Team, groups)])
    }

    fn forecast(&self, waves: &[Vec<&Change>]) -> Option<u64> {
        Some(super::forecast::requests(&self.session, waves))
    }
}

/// Reads everything.
pub async fn read(session: &Session) -> Result<Reading, TargetError> {
    let before = session.client().sent();
    session.features().await?;
    let (users, groups) =
        tokio::try_join!(everything(session, "/Users", Account::read), everything(session, "/Groups", Group::read))?;
    let Listing { items: mut accounts, mut doubts } = users;
    let Listing { items: mut groups, doubts: more } = groups;
    doubts.extend(more);
    doubts.extend(members_that_the_list_lacks(session, &accounts, &mut groups).await?);
    let known = session.known();
    let mut pass = Pass::new(&session.catalogue, session.settings.roles);
    pass.roles = roles::known(&mut pass.build, &session.catalogue);
    rename_users(&known, &mut accounts, &mut pass);
    pass.users(accounts);
    rename_groups(&known, &mut groups, &mut pass);
    pass.groups(&groups);
    let Pass { build, mut notes, mut index, .. } = pass;
    let (directory, _, _) = build.finish().map_err(|twice| {
        let names: Vec<String> = twice.iter().take(NAMED).map(|t| t.object.to_string()).collect();
        TargetError::Malformed(format!("it holds some things twice: {}", names.join(", ")))
    })?;
    notes.sort();
    doubts.sort();
    index.filled = true;
    index.read_with = session.client().sent() - before;
    *session.index() = index;
    Ok(Reading { directory, notes, doubts })
}

/// Gives accounts that the server calls otherwise now the address by which rolecall knows them.
fn rename_users(known: &Known, accounts: &mut [Account], pass: &mut Pass<'_>) {
    let now = accounts.iter().filter_map(|a| Some((a.id.as_str(), a.address.as_deref()?)));
    let labels = known.labels(Kind::User, now);
    pass.tell(Kind::User, &labels);
    for account in accounts.iter_mut().filter(|_| !labels.renamed.is_empty()) {
        let Some(label) = labels.renamed.get(&account.id) else { continue };
        let Some(called) = account.address.replace(label.clone()) else { continue };
        account.called = Some(called.clone());
        pass.set_aside(Kind::User, label, called);
    }
}

/// The same for groups.
fn rename_groups(known: &Known, groups: &mut [Group], pass: &mut Pass<'_>) {
    let labels = known.labels(Kind::Team, groups.iter().map(|g| (g.id.as_str(), g.name.as_str())));
    pass.tell(Kind::Team, &labels);
    for group in groups.iter_mut().filter(|_| !labels.renamed.is_empty()) {
        let Some(label) = labels.renamed.get(&group.id) else { continue };
        let called = std::mem::replace(&mut group.name, label.clone());
        pass.set_aside(Kind::Team, label, called);
    }
}

/// Some servers leave the members out of a list of groups (fact sheet scim, section 1): then they stand on
/// the users, or each group has to be asked for. Where nobody is in any group, that is a doubt: some
/// servers never show who is in a group.
async fn members_that_the_list_lacks(
    session: &Session,
    accounts: &[Account],
    groups: &mut [Group],
) -> Result<Option<String>, TargetError> {
    let some = |groups: &[Group]| groups.iter().any(|g| g.members.as_ref().is_some_and(|m| !m.is_empty()));
    if !some(groups) && accounts.iter().any(|a| !a.groups.is_empty()) {
        session.learn(|l| l.members_hidden = true);
        let mut of: HashMap<&str, Vec<Member>> = HashMap::new();
        for account in accounts {
            for group in &account.groups {
                let member = Member { value: account.id.clone(), reference: None, is_group: Some(false) };
                of.entry(group).or_default().push(member);
            }
        }
        for group in groups {
            group.members = Some(of.remove(group.id.as_str()).unwrap_or_default());
        }
        return Ok(None);
    }
    // A group of which the list says nothing is not empty by that.
    let silent: Vec<usize> = (0..groups.len()).filter(|n| groups[*n].members.is_none()).collect();
    let paths = silent.iter().map(|n| Session::group_path(&groups[*n].id)).collect();
    for (n, found) in silent.iter().zip(each(session, paths, Group::read).await?) {
        groups[*n].members = found.and_then(|f| f.members);
    }
    let nobody = !groups.is_empty() && !accounts.is_empty() && !some(groups);
    Ok(nobody.then(|| {
        format!("the server shows nobody in any of its groups ({}): it may not show members at all", groups.len())
    }))
}

/// One pass over what was read.
struct Pass<'c> {
    catalogue: &'c Catalogue,
    roles_in: RolesIn,
    build: Builder<()>,
    notes: Vec<String>,
    index: Index,
    roles: BTreeMap<String, RoleId>,
    /// The users by what groups may call them: `id`, and `userName` in lower case.
    by_id: HashMap<String, UserId>,
    by_name: HashMap<String, UserId>,
}

impl<'c> Pass<'c> {
    fn new(catalogue: &'c Catalogue, roles_in: RolesIn) -> Self {
        Self {
            catalogue,
            roles_in,
            build: Builder::new(),
            notes: Vec::new(),
            index: Index::default(),
            roles: BTreeMap::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
        }
    }

    /// Tells what has become of things that were known.
    fn tell(&mut self, kind: Kind, labels: &Labels) {
        let thing = if kind == Kind::User { "account" } else { "group" };
        for name in &labels.replaced {
            self.notes.push(format!(
                "{kind} {name} is another {thing} than when rolecall last applied: make sure that it is who is meant"
            ));
        }
        if !labels.vanished.is_empty() {
            let gone = if labels.vanished.len() == 1 { "has" } else { "have" };
            self.notes.push(format!(
                "{} {gone} gone from the server since rolecall last applied: {}",
                counted(labels.vanished.len(), thing),
                some(&labels.vanished)
            ));
        }
    }

    /// Sets a thing aside that the server calls otherwise.
    fn set_aside(&mut self, kind: Kind, name: &str, called: String) {
        self.notes.push(format!(
            "{kind} {name} is called {called} on the server now, and is set aside: what takes away from it is \
             done, nothing else is. Write the new name into the files with `was: {name}`, or change it back there"
        ));
        self.index.called.insert((kind, name.to_owned()), called);
    }

    fn users(&mut self, accounts: Vec<Account>) {
        let mut by_address: BTreeMap<String, Vec<Account>> = BTreeMap::new();
        let mut nameless = Vec::new();
        for account in accounts {
            match &account.address {
                Some(address) => by_address.entry(address.clone()).or_default().push(account),
                None => nameless.push(account.user_name),
            }
        }
        if !nameless.is_empty() {
            nameless.sort();
            self.notes.push(format!("{} without an e-mail address, left alone: {}", users(&nameless), some(&nameless)));
        }
        for (address, mut same) in by_address {
            // Who signs in with the address is meant by it.
            if same.len() > 1 && same.iter().filter(|a| a.handle().is_none()).count() == 1 {
                same.retain(|a| a.handle().is_none());
                self.notes.push(format!("another account has the e-mail address {address} as well, and is left alone"));
            }
            match <[Account; 1]>::try_from(same) {
                Ok([account]) => self.user(address, &account),
                Err(same) => {
                    self.notes.push(format!(
                        "{} accounts have the e-mail address {address}: all of them are left alone",
                        same.len()
                    ));
                    self.index.ambiguous_users.insert(address);
                }
            }
        }
    }

    fn user(&mut self, address: String, account: &Account) {
        let mut user = User::new(&address);
        user.name = Said::known(account.name.as_deref().map(Into::into));
        user.state = if account.active { UserState::Active } else { UserState::Disabled };
        user.timezone = Said::known(account.timezone.as_deref().map(Into::into));
        user.attributes =
            account.attributes.iter().map(|(name, value)| ((*name).into(), Said::Is(value.as_str().into()))).collect();
        user.handles = account.handle().map(|h| (HANDLE.into(), Said::Is(h.into()))).into_iter().collect();
        user.role = match self.roles_in {
            RolesIn::Roles => self.role_of(&address, &account.roles),
            RolesIn::Entitlements => self.role_of(&address, &account.entitlements),
            RolesIn::Groups if self.roles.is_empty() => Said::Unsaid,
            RolesIn::Groups => Said::Nothing,
        };
        let id = self.build.user(user, ());
        self.by_id.insert(account.id.clone(), id);
        self.by_name.insert(account.user_name.to_lowercase(), id);
        let entry = UserEntry { id: account.id.clone(), user_name: account.user_name.clone() };
        self.index.users.insert(address, entry);
    }

    /// The role among these values: one that the files know.
    fn role_of(&mut self, address: &str, values: &[String]) -> Said<RoleId> {
        if self.roles.is_empty() {
            return Said::Unsaid;
        }
        let mut known: Vec<&str> = values.iter().filter_map(|v| Some(self.catalogue.role(v)?.0)).collect();
        known.sort_unstable();
        known.dedup();
        match known.as_slice() {
            [] => Said::Nothing,
            [one] => self.roles.get(*one).copied().map_or(Said::Nothing, Said::Is),
            several => {
                self.notes.push(format!("{address} has several roles, which are left alone: {}", several.join(", ")));
                Said::Unsaid
            }
        }
    }

    fn groups(&mut self, groups: &[Group]) {
        let mut by_name: BTreeMap<&str, Vec<&Group>> = BTreeMap::new();
        for group in groups {
            by_name.entry(&group.name).or_default().push(group);
        }
        let mut teams: HashMap<&str, TeamId> = HashMap::new();
        let mut chosen: Vec<&Group> = Vec::new();
        let mut holders: BTreeMap<UserId, Vec<RoleId>> = BTreeMap::new();
        for (name, same) in by_name {
            let [group] = same.as_slice() else {
                self.notes.push(format!("{} groups are called `{name}`: all of them are left alone", same.len()));
                self.index.ambiguous_groups.insert(name.to_owned());
                continue;
            };
            if name.is_empty() {
                self.notes.push("a group without a name is left alone".to_owned());
                continue;
            }
            self.index.groups.insert(name.to_owned(), group.id.clone());
            if let Some(role) = self.role_group(name) {
                for member in group.members.iter().flatten() {
                    if let Some(user) = self.member(member) {
                        holders.entry(user).or_default().push(role);
                    }
                }
                continue;
            }
            let team = Team { outer: Said::Nothing, leads: Said::Unsaid, ..Team::new(name) };
            teams.insert(&group.id, self.build.team(team, ()));
            chosen.push(group);
        }
        for (user, roles) in holders {
            let Some(user) = self.build.user_mut(user) else { continue };
            match roles.as_slice() {
                [one] => user.role = Said::Is(*one),
                _ => {
                    user.role = Said::Unsaid;
                    self.notes.push(format!(
                        "{} is in several groups that stand for roles, which are left alone",
                        user.email
                    ));
                }
            }
        }
        self.members(&chosen, &teams);
    }

    /// The role that a group stands for.
    fn role_group(&self, name: &str) -> Option<RoleId> {
        let role = (self.roles_in == RolesIn::Groups).then(|| self.catalogue.role(name)).flatten()?;
        self.roles.get(role.0).copied()
    }

    fn members(&mut self, groups: &[&Group], teams: &HashMap<&str, TeamId>) {
        let mut dangling: Vec<String> = Vec::new();
        for group in groups {
            let Some(&team) = teams.get(group.id.as_str()) else { continue };
            let mut inside: Vec<UserId> = Vec::new();
            for member in group.members.iter().flatten() {
                let nested = (member.is_group != Some(false)).then(|| teams.get(member.value.as_str())).flatten();
                match (self.member(member).filter(|_| member.is_group != Some(true)), nested) {
                    (Some(user), _) => inside.push(user),
                    (None, Some(&inner)) => self.nest(inner, team, &group.name),
                    (None, None) => dangling.push(group.name.clone()),
                }
            }
            inside.sort_unstable();
            inside.dedup();
            for user in inside {
                let membership = Membership { team, user, role: Said::Unsaid, until: Said::Unsaid, because: None };
                self.build.membership(membership, ());
            }
        }
        if !dangling.is_empty() {
            let count = dangling.len();
            dangling.dedup();
            let what = if count == 1 { "1 membership is" } else { &format!("{count} memberships are") };
            self.notes.push(format!("{what} of nobody that rolecall manages, and left alone, in: {}", some(&dangling)));
        }
    }

    fn nest(&mut self, inner: TeamId, outer: TeamId, name: &str) {
        let Some(team) = self.build.team_mut(inner) else { return };
        match &team.outer {
            Said::Is(_) => {
                self.notes.push(format!(
                    "group `{}` lies in several groups; that it lies in `{name}` is left alone",
                    team.name
                ));
            }
            _ => team.outer = Said::Is(outer),
        }
    }

    /// Who is meant: by the server's id, by the name, or by the reference.
    fn member(&self, member: &Member) -> Option<UserId> {
        let by = |text: &str| self.by_id.get(text).or_else(|| self.by_name.get(&text.to_lowercase())).copied();
        by(&member.value).or_else(|| by(member.reference.as_deref()?))
    }
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn users(names: &[String]) -> String {
    if names.len() == 1 { "1 account is".to_owned() } else { format!("{} accounts are", names.len()) }
}

fn some(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 { format!("{} and {more} more", first.join(", ")) } else { first.join(", ") }
}
