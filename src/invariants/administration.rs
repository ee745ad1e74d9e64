//! Who administers a target while changes are applied to it: a light copy of the few facts that
//! decide it, so that no directory has to be built for every moment of an apply.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Change, Directory, Team, TeamRecord, User, UserRecord, UserState};

#[derive(Debug, Clone, Copy)]
struct Account {
    state: UserState,
    counts: bool,
    role: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    role: Option<u32>,
    outer: Option<u32>,
}

/// The facts that decide who administers: roles, accounts, teams and their places. Memberships are
/// those of the live directory with what has changed.
#[derive(Debug, Clone)]
pub struct Administration<'a> {
    live: &'a Directory,
    roles: Vec<bool>,
    accounts: Vec<Account>,
    places: Vec<Place>,
    /// Names that are not those of the live directory; a name that is given up has no number.
    role_names: FxHashMap<String, u32>,
    user_names: FxHashMap<String, Option<u32>>,
    team_names: FxHashMap<String, Option<u32>>,
    joined: FxHashSet<(u32, u32)>,
    left: FxHashSet<(u32, u32)>,
}

impl<'a> Administration<'a> {
    /// As it is live.
    #[must_use]
    pub fn of(live: &'a Directory) -> Self {
        let account = |u: &User| Account {
            state: u.state,
            counts: u.kind().counts_as_admin(),
            role: u.role.value().map(|r| r.0),
        };
        let place = |t: &Team| Place { role: t.role.value().map(|r| r.0), outer: t.outer.value().map(|t| t.0) };
        Self {
            live,
            roles: live.roles().iter().map(|r| r.administers).collect(),
            accounts: live.users().iter().map(account).collect(),
            places: live.teams().iter().map(place).collect(),
            role_names: FxHashMap::default(),
            user_names: FxHashMap::default(),
            team_names: FxHashMap::default(),
            joined: FxHashSet::default(),
            left: FxHashSet::default(),
        }
    }

    /// The number of a role; one that is not known here administers nothing.
    fn role(&mut self, name: &str) -> u32 {
        if let Some(id) = self.role_names.get(name).copied().or_else(|| self.live.find_role(name).map(|r| r.0)) {
            return id;
        }
        self.roles.push(false);
        let id = self.roles.len() as u32 - 1;
        self.role_names.insert(name.to_owned(), id);
        id
    }

    /// The number of a user by the name they have now.
    fn user(&self, email: &str) -> Option<u32> {
        match self.user_names.get(email) {
            Some(known) => *known,
            None => self.live.find_user(email).map(|u| u.0),
        }
    }

    fn team(&self, name: &str) -> Option<u32> {
        match self.team_names.get(name) {
            Some(known) => *known,
            None => self.live.find_team(name).map(|t| t.0),
        }
    }

    fn set_account(&mut self, record: &UserRecord, state: UserState) {
        let role = record.role.as_deref().map(|r| self.role(r));
        let account = Account { state, counts: record.kind.counts_as_admin(), role };
        match self.user(&record.email) {
            Some(id) => self.accounts[id as usize] = account,
            None => {
                self.accounts.push(account);
                self.user_names.insert(record.email.clone(), Some(self.accounts.len() as u32 - 1));
            }
        }
    }

    fn set_state(&mut self, email: &str, state: UserState) {
        if let Some(id) = self.user(email) {
            self.accounts[id as usize].state = state;
        }
    }

    fn set_place(&mut self, record: &TeamRecord) {
        let role = record.role.as_deref().map(|r| self.role(r));
        let outer = record.outer.as_deref().and_then(|t| self.team(t));
        match self.team(&record.name) {
            Some(id) => self.places[id as usize] = Place { role, outer },
            None => {
                self.places.push(Place { role, outer });
                self.team_names.insert(record.name.clone(), Some(self.places.len() as u32 - 1));
            }
        }
    }

    fn set_role(&mut self, name: &str, administers: bool) {
        let id = self.role(name);
        self.roles[id as usize] = administers;
    }

    fn rename(names: &mut FxHashMap<String, Option<u32>>, id: Option<u32>, from: &str, to: &str) {
        if let Some(id) = id {
            names.insert(from.to_owned(), None);
            names.insert(to.to_owned(), Some(id));
        }
    }

    /// Applies one change. What does not decide who administers is passed over.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::CreateRole { role } | Change::UpdateRole { after: role, .. } => {
                self.set_role(&role.name, role.administers);
            }
            Change::DeleteRole { role, .. } => self.set_role(&role.name, false),
            Change::CreateUser { user } => self.set_account(user, user.state),
            Change::InviteUser { user } => self.set_account(user, UserState::Invited),
            Change::UpdateUser { after, .. } => {
                let state = self.user(&after.email).map_or(after.state, |id| self.accounts[id as usize].state);
                self.set_account(after, state);
            }
            Change::RenameUser { from, to } => {
                let id = self.user(from);
                Self::rename(&mut self.user_names, id, from, to);
            }
            Change::EnableUser { user } => self.set_state(&user.email, UserState::Active),
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => {
                self.set_state(&user.email, UserState::Disabled);
            }
            Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } => self.set_place(team),
            Change::RenameTeam { from, to } => {
                let id = self.team(from);
                Self::rename(&mut self.team_names, id, from, to);
            }
            Change::DeleteTeam { team, .. } => {
                if let Some(id) = self.team(&team.name) {
                    self.places[id as usize] = Place { role: None, outer: None };
                }
            }
            Change::AddMember { member } => {
                if let (Some(team), Some(user)) = (self.team(&member.team), self.user(&member.user)) {
                    self.left.remove(&(team, user));
                    self.joined.insert((team, user));
                }
            }
            Change::RemoveMember { member, .. } => {
                if let (Some(team), Some(user)) = (self.team(&member.team), self.user(&member.user)) {
                    self.joined.remove(&(team, user));
                    self.left.insert((team, user));
                }
            }
            _ => {}
        }
    }

    /// Whether any role administers: where none does, nobody can tell who could.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.roles.iter().any(|a| *a)
    }

    fn role_administers(&self, role: Option<u32>) -> bool {
        role.is_some_and(|r| self.roles.get(r as usize).copied().unwrap_or_default())
    }

    /// Which teams make their members administrators, by number: by their role or that of a team they
    /// lie in. Linear; a circle makes nobody an administrator by itself.
    fn teams_administering(&self) -> Vec<bool> {
        const OPEN: u8 = 0;
        const NO: u8 = 1;
        const YES: u8 = 2;
        let mut known = vec![OPEN; self.places.len()];
        let mut path = Vec::new();
        for start in 0..self.places.len() {
            let mut at = Some(start);
            let mut answer = NO;
            while let Some(i) = at {
                if known[i] != OPEN {
                    answer = known[i];
                    break;
                }
                path.push(i);
                // Marked before its answer is known, so that a circle ends here.
                known[i] = NO;
                if self.role_administers(self.places[i].role) {
                    answer = YES;
                    break;
                }
                at = self.places[i].outer.map(|o| o as usize).filter(|o| *o < self.places.len());
            }
            for i in path.drain(..) {
                known[i] = answer;
            }
        }
        known.into_iter().map(|k| k == YES).collect()
    }

    /// By number: who would administer, if they could come in.
    fn administering(&self) -> Vec<bool> {
        let mut found: Vec<bool> = self.accounts.iter().map(|a| a.counts && self.role_administers(a.role)).collect();
        let teams = self.teams_administering();
        if teams.iter().any(|t| *t) {
            let live = self.live.memberships().iter().map(|m| (m.team.0, m.user.0)).filter(|m| !self.left.contains(m));
            for (team, user) in live.chain(self.joined.iter().copied()) {
                if teams.get(team as usize).copied().unwrap_or_default() && self.accounts[user as usize].counts {
                    found[user as usize] = true;
                }
            }
        }
        found
    }

    /// How many active people administer.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count_in(&[UserState::Active])
    }

    /// How many would, if all who are invited came.
    #[must_use]
    pub fn count_with_invited(&self) -> usize {
        self.count_in(&[UserState::Active, UserState::Invited])
    }

    fn count_in(&self, states: &[UserState]) -> usize {
        self.administering()
            .iter()
            .zip(&self.accounts)
            .filter(|(a, account)| **a && states.contains(&account.state))
            .count()
    }

    /// The ancestors of a team with itself, by number, from the inside out; some of them again where a
    /// live system holds a circle.
    pub(crate) fn team_and_outer(&self, team: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut at = Some(team);
        while let Some(id) = at.filter(|id| (*id as usize) < self.places.len() && found.len() < self.places.len()) {
            found.push(id);
            at = self.places[id as usize].outer;
        }
        found
    }

    pub(crate) fn team_number(&self, name: &str) -> Option<u32> {
        self.team(name)
    }

    pub(crate) fn user_number(&self, email: &str) -> Option<u32> {
        self.user(email)
    }
}

/// What a change does to who administers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Nothing, or nothing that could go wrong.
    None,
    /// It gives somebody a way to administer.
    Makes,
    /// It changes the way by which somebody administers before and after: the new way has to be there
    /// already, and the old one still.
    Moves,
    /// It takes a way to administer from somebody.
    Unmakes,
}

/// What each of the changes does to who administers, and who does before and after: what the order of
/// a plan needs to know.
#[derive(Debug)]
pub struct Parts<'a> {
    /// By change.
    pub parts: Vec<Part>,
    /// The target as it is.
    pub before: Administration<'a>,
    /// The target after all changes.
    pub after: Administration<'a>,
    admins_before: Vec<bool>,
    admins_after: Vec<bool>,
}

impl Parts<'_> {
    /// Whether somebody administers before the changes; the name is that after the renamings.
    #[must_use]
    pub fn administers_before(&self, email: &str) -> bool {
        self.after.user(email).is_some_and(|u| self.admins_before.get(u as usize).copied().unwrap_or_default())
    }

    /// Whether somebody administers after the changes.
    #[must_use]
    pub fn administers_after(&self, email: &str) -> bool {
        self.after.user(email).is_some_and(|u| self.admins_after.get(u as usize).copied().unwrap_or_default())
    }
}

/// Sorts changes by what they do to who administers. Renamings stand in their order, before whatever
/// uses the new names.
#[must_use]
pub fn parts<'a, 'c>(live: &'a Directory, changes: impl Iterator<Item = &'c Change> + Clone) -> Parts<'a> {
    let before = Administration::of(live);
    let mut after = before.clone();
    // Outer teams may be listed after what lies in them: the places are set once more when all are known.
    for change in changes.clone() {
        after.apply(change);
    }
    for change in changes.clone() {
        if let Change::CreateTeam { team } | Change::UpdateTeam { after: team, .. } = change {
            after.set_place(team);
        }
    }
    let active = |a: &Administration<'_>| -> Vec<bool> {
        a.administering().into_iter().zip(&a.accounts).map(|(x, acc)| x && acc.state == UserState::Active).collect()
    };
    let (admins_before, admins_after) = (active(&before), active(&after));
    let (teams_before, teams_after) = (before.teams_administering(), after.teams_administering());
    let mut out = Parts { parts: Vec::new(), admins_before, admins_after, before, after };
    let role_before = |name: &Option<String>| {
        name.as_deref().and_then(|n| live.find_role(n)).is_some_and(|r| live.role(r).administers)
    };
    let after_ref = &out.after;
    let role_after = |name: &Option<String>| {
        let name = name.as_deref();
        name.is_some_and(|n| {
            let id = after_ref.role_names.get(n).copied().or_else(|| live.find_role(n).map(|r| r.0));
            after_ref.role_administers(id)
        })
    };
    let team =
        |name: &str, of: &[bool]| after_ref.team(name).is_some_and(|t| of.get(t as usize).copied().unwrap_or_default());
    let part =
        |change: &Change| match change {
            Change::CreateUser { user } | Change::InviteUser { user } | Change::EnableUser { user } => {
                if out.administers_after(&user.email) { Part::Makes } else { Part::None }
            }
            Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => {
                if out.administers_before(&user.email) { Part::Unmakes } else { Part::None }
            }
            Change::UpdateUser { before: b, after: a } => {
                let (is, will) = (out.administers_before(&b.email), out.administers_after(&a.email));
                let (had, has) = if b.kind.counts_as_admin() == a.kind.counts_as_admin() {
                    (role_before(&b.role), role_after(&a.role))
                } else {
                    (b.kind.counts_as_admin(), a.kind.counts_as_admin())
                };
                let stable = b.role == a.role || (role_after(&b.role) && role_before(&a.role));
                moved(is && had, will && has, stable)
            }
            Change::AddMember { member } => {
                let makes = team(&member.team, &teams_after) && out.administers_after(&member.user);
                if makes { Part::Makes } else { Part::None }
            }
            Change::RemoveMember { member, .. } => {
                let unmakes = team(&member.team, &teams_before) && out.administers_before(&member.user);
                if unmakes { Part::Unmakes } else { Part::None }
            }
            Change::UpdateTeam { before: b, after: a } => {
                let outer = |name: &Option<String>, of: &[bool]| name.as_deref().is_some_and(|n| team(n, of));
                let way_stays = (role_before(&a.role) && role_after(&b.role))
                    || (outer(&a.outer, &teams_before) && outer(&b.outer, &teams_after));
                let stable = (b.role == a.role && b.outer == a.outer) || way_stays;
                let had = role_before(&b.role) || outer(&b.outer, &teams_before);
                let has = role_after(&a.role) || outer(&a.outer, &teams_after);
                moved(had, has, stable)
            }
            Change::UpdateRole { before: b, after: a } => moved(b.administers, a.administers, true),
            _ => Part::None,
        };
    let parts: Vec<Part> = changes.map(part).collect();
    out.parts = parts;
    out
}

fn moved(before: bool, after: bool, stable: bool) -> Part {
    match (before, after) {
        (false, true) => Part::Makes,
        (true, false) => Part::Unmakes,
        (true, true) if !stable => Part::Moves,
        _ => Part::None,
    }
}
