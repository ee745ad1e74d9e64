//! Effective access and the making of changes once more, by names and without any cleverness: what the
//! tests hold everything else against.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::*;

fn need(there: bool, what: &str) -> Result<(), String> {
    if there { Ok(()) } else { Err(what.to_owned()) }
}

/// A target as maps of names.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Naive {
    pub roles: BTreeMap<String, RoleRecord>,
    pub users: BTreeMap<String, UserRecord>,
    pub teams: BTreeMap<String, TeamRecord>,
    pub members: BTreeMap<(String, String), MemberRecord>,
    pub resources: BTreeMap<String, ResourceRecord>,
    pub grants: BTreeMap<(String, PrincipalRecord), Vec<GrantedRole>>,
}

impl Naive {
    pub(crate) fn of(d: &Directory) -> Self {
        let mut it = Self::default();
        (0..d.roles().len())
            .map(|i| d.role_record(RoleId(i as u32)))
            .for_each(|r| drop(it.roles.insert(r.name.clone(), r)));
        (0..d.users().len())
            .map(|i| d.user_record(UserId(i as u32)))
            .for_each(|r| drop(it.users.insert(r.email.clone(), r)));
        (0..d.teams().len())
            .map(|i| d.team_record(TeamId(i as u32)))
            .for_each(|r| drop(it.teams.insert(r.name.clone(), r)));
        for i in 0..d.resources().len() {
            let r = d.resource_record(ResourceId(i as u32));
            it.resources.insert(r.name.clone(), r);
        }
        for m in d.memberships() {
            let r = d.member_record(m);
            it.members.insert((r.team.clone(), r.user.clone()), r);
        }
        for g in d.grants() {
            let r = d.grant_record(g);
            let role = GrantedRole { role: r.role, until: r.until, because: r.because };
            it.grants.entry((r.resource, r.to)).or_default().push(role);
        }
        it
    }

    fn role(&self, role: &Option<String>) -> Result<(), String> {
        need(role.as_ref().is_none_or(|r| self.roles.contains_key(r)), "the role is there")
    }

    fn has_user(&self, u: &str) -> Result<(), String> {
        need(self.users.contains_key(u), "the user is there")
    }

    fn has_team(&self, t: &str) -> Result<(), String> {
        need(self.teams.contains_key(t), "the team is there")
    }

    /// Makes one change, or says why it cannot be made.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), String> {
        let free = |there: bool| need(!there, "the name is free");
        match change {
            Change::CreateRole { role } => free(self.roles.insert(role.name.clone(), role.clone()).is_some())?,
            Change::UpdateRole { before, after } => {
                let old = self.roles.insert(after.name.clone(), after.clone());
                need(old.as_ref() == Some(before), "it is as expected")?;
            }
            Change::DeleteRole { role, .. } => {
                need(self.roles.remove(&role.name).as_ref() == Some(role), "it is as expected")?;
            }
            Change::CreateUser { user } => {
                self.role(&user.role)?;
                free(self.users.insert(user.email.clone(), user.clone()).is_some())?;
            }
            Change::UpdateUser { before, after } => {
                self.role(&after.role)?;
                let now = self.users.get_mut(&before.email).ok_or("it is there")?;
                need(UserRecord { state: before.state, ..now.clone() } == *before, "it is as expected")?;
                *now = UserRecord { state: now.state, ..after.clone() };
            }
            Change::RenameUser { from, to } => {
                let mut user = self.users.remove(from).ok_or("it is there")?;
                user.email.clone_from(to);
                free(self.users.insert(to.clone(), user).is_some())?;
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                for team in self.teams.values_mut() {
                    team.leads.iter_mut().for_each(named);
                    team.leads.sort();
                }
                self.resources.values_mut().filter_map(|r| r.owner.as_mut()).for_each(named);
                self.members = std::mem::take(&mut self.members)
                    .into_values()
                    .map(|mut m| {
                        named(&mut m.user);
                        ((m.team.clone(), m.user.clone()), m)
                    })
                    .collect();
                let rename = |p: PrincipalRecord| {
                    if p == PrincipalRecord::User(from.clone()) { PrincipalRecord::User(to.clone()) } else { p }
                };
                self.grants =
                    std::mem::take(&mut self.grants).into_iter().map(|((r, p), v)| ((r, rename(p)), v)).collect();
            }
            Change::EnableUser { user } => {
                let now = self.users.get_mut(&user.email).ok_or("it is there")?;
                need(*now == *user, "it is as expected")?;
                now.state = UserState::Active;
            }
            Change::DisableUser { user, .. } => {
                let now = self.users.get_mut(&user.email).ok_or("it is there")?;
                need(*now == *user, "it is as expected")?;
                now.state = UserState::Disabled;
            }
            Change::DeleteUser { user, .. } => {
                need(self.users.remove(&user.email).is_some(), "nothing refers to it")?;
                need(self.members.keys().all(|(_, u)| *u != user.email), "no membership is left")?;
                need(self.teams.values().all(|t| !t.leads.contains(&user.email)), "leads nothing")?;
                need(self.resources.values().all(|r| r.owner.as_ref() != Some(&user.email)), "owns nothing")?;
                need(
                    self.grants.keys().all(|(_, p)| *p != PrincipalRecord::User(user.email.clone())),
                    "nothing refers to it",
                )?;
            }
            Change::CreateTeam { team } => {
                self.role(&team.role)?;
                team.outer.iter().try_for_each(|t| self.has_team(t))?;
                need(team.leads.is_empty(), "nothing refers to it")?;
                free(self.teams.insert(team.name.clone(), team.clone()).is_some())?;
            }
            Change::UpdateTeam { before, after } => {
                self.role(&after.role)?;
                after.outer.iter().try_for_each(|t| self.has_team(t))?;
                let now = self.teams.get_mut(&before.name).ok_or("it is there")?;
                let leads = now.leads.clone();
                need(TeamRecord { leads: before.leads.clone(), ..now.clone() } == *before, "it is as expected")?;
                *now = TeamRecord { leads, ..after.clone() };
                let mut at = after.outer.clone();
                let mut steps = 0;
                while let Some(t) = at {
                    at = self.teams[&t].outer.clone();
                    steps += 1;
                    need(steps < 100, "teams lie in a circle")?;
                }
            }
            Change::RenameTeam { from, to } => {
                let mut team = self.teams.remove(from).ok_or("it is there")?;
                team.name.clone_from(to);
                free(self.teams.insert(to.clone(), team).is_some())?;
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                self.teams.values_mut().filter_map(|t| t.outer.as_mut()).for_each(named);
                self.members = std::mem::take(&mut self.members)
                    .into_values()
                    .map(|mut m| {
                        named(&mut m.team);
                        ((m.team.clone(), m.user.clone()), m)
                    })
                    .collect();
                let rename = |p: PrincipalRecord| {
                    if p == PrincipalRecord::Team(from.clone()) { PrincipalRecord::Team(to.clone()) } else { p }
                };
                self.grants =
                    std::mem::take(&mut self.grants).into_iter().map(|((r, p), v)| ((r, rename(p)), v)).collect();
            }
            Change::DeleteTeam { team, .. } => {
                need(self.teams.remove(&team.name).as_ref() == Some(team), "it is as expected")?;
                need(self.members.keys().all(|(t, _)| *t != team.name), "nothing refers to it")?;
                need(self.teams.values().all(|t| t.outer.as_ref() != Some(&team.name)), "nothing refers to it")?;
                need(
                    self.grants.keys().all(|(_, p)| *p != PrincipalRecord::Team(team.name.clone())),
                    "nothing refers to it",
                )?;
            }
            Change::SetLeads { team, before, after } => {
                after.iter().try_for_each(|u| self.has_user(u))?;
                let team = self.teams.get_mut(team).ok_or("it is there")?;
                need(team.leads == *before, "it is as expected")?;
                team.leads.clone_from(after);
            }
            Change::AddMember { member } => {
                self.role(&member.role)?;
                self.has_user(&member.user)?;
                self.has_team(&member.team)?;
                free(self.members.insert((member.team.clone(), member.user.clone()), member.clone()).is_some())?;
            }
            Change::ChangeMember { before, after } => {
                self.role(&after.role)?;
                let old = self.members.insert((before.team.clone(), before.user.clone()), after.clone());
                need(old.as_ref() == Some(before), "it is as expected")?;
            }
            Change::RemoveMember { member, .. } => {
                need(
                    self.members.remove(&(member.team.clone(), member.user.clone())).as_ref() == Some(member),
                    "it is as expected",
                )?;
            }
            Change::CreateResource { resource } => {
                resource.parent.iter().try_for_each(|r| need(self.resources.contains_key(r), "the parent is there"))?;
                resource.owner.iter().try_for_each(|u| self.has_user(u))?;
                free(self.resources.insert(resource.name.clone(), resource.clone()).is_some())?;
            }
            Change::UpdateResource { before, after } => {
                after.parent.iter().try_for_each(|r| need(self.resources.contains_key(r), "the parent is there"))?;
                after.owner.iter().try_for_each(|u| self.has_user(u))?;
                let old = self.resources.insert(before.name.clone(), after.clone());
                need(old.as_ref() == Some(before), "it is as expected")?;
                let (mut at, mut steps) = (after.parent.clone(), 0);
                while let Some(r) = at {
                    at = self.resources[&r].parent.clone();
                    steps += 1;
                    need(steps < 100, "resources lie in a circle")?;
                }
            }
            Change::RenameResource { from, to } => {
                let mut resource = self.resources.remove(from).ok_or("it is there")?;
                resource.name.clone_from(to);
                free(self.resources.insert(to.clone(), resource).is_some())?;
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                self.resources.values_mut().filter_map(|r| r.parent.as_mut()).for_each(named);
                self.grants = std::mem::take(&mut self.grants)
                    .into_iter()
                    .map(|((mut r, p), v)| {
                        named(&mut r);
                        ((r, p), v)
                    })
                    .collect();
            }
            Change::DeleteResource { resource, .. } => {
                need(self.resources.remove(&resource.name).as_ref() == Some(resource), "it is as expected")?;
                need(
                    self.resources.values().all(|r| r.parent.as_ref() != Some(&resource.name)),
                    "nothing refers to it",
                )?;
                need(self.grants.keys().all(|(r, _)| *r != resource.name), "nothing refers to it")?;
            }
            Change::GiveGrant { to, resource, roles } => {
                match to {
                    PrincipalRecord::User(u) => self.has_user(u)?,
                    PrincipalRecord::Team(t) => self.has_team(t)?,
                    PrincipalRecord::Everyone => {}
                }
                need(self.resources.contains_key(resource), "nothing refers to it")?;
                free(self.grants.insert((resource.clone(), to.clone()), roles.clone()).is_some())?;
            }
            Change::ChangeGrant { to, resource, before, after } => {
                let old = self.grants.insert((resource.clone(), to.clone()), after.clone());
                need(old.as_ref() == Some(before), "it is as expected")?;
            }
            Change::RevokeGrant { to, resource, roles, .. } => {
                need(self.grants.remove(&(resource.clone(), to.clone())).as_ref() == Some(roles), "it is as expected")?;
            }
            Change::InviteUser { .. }
            | Change::AddDomain { .. }
            | Change::ChangeDomain { .. }
            | Change::RemoveDomain { .. }
            | Change::SetPolicy { .. }
            | Change::UnsetPolicy { .. } => return Err("not in these organizations".to_owned()),
        }
        Ok(())
    }

    pub(crate) fn admins(&self) -> usize {
        let administers = |role: &Option<String>| role.as_ref().is_some_and(|r| self.roles[r].administers);
        let by_team = |mut team: String| {
            loop {
                if administers(&self.teams[&team].role) {
                    return true;
                }
                match &self.teams[&team].outer {
                    Some(outer) => team = outer.clone(),
                    None => return false,
                }
            }
        };
        let mut admins: BTreeSet<&str> = BTreeSet::new();
        for user in self.users.values().filter(|u| administers(&u.role)) {
            admins.insert(&user.email);
        }
        for ((team, user), member) in &self.members {
            if by_team(team.clone()) || administers(&member.role) {
                admins.insert(user);
            }
        }
        admins
            .iter()
            .filter(|u| self.users[**u].state == UserState::Active && self.users[**u].kind.counts_as_admin())
            .count()
    }
}

impl Naive {
    /// What a role gives: the names of its permissions, `?role` where they are not published, `^role` for
    /// each role at or below it where the highest decides, and `ADMIN`.
    pub(crate) fn gives(&self, catalogue: &Catalogue, role: &str, held: bool) -> BTreeSet<String> {
        let record = self.roles.get(role);
        let entry = catalogue.role(role);
        let listed = match (record, entry) {
            (Some(record), _) => record.permissions.clone(),
            (None, Some((_, entry))) => entry.permissions.clone().unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        let administers = record.map_or(entry.is_some_and(|(_, r)| r.administers), |r| r.administers);
        let published = entry.is_some_and(|(_, r)| r.permissions.is_some());
        let mut all: BTreeSet<String> = listed.iter().cloned().collect();
        if listed.is_empty() && !published {
            all.insert(format!("?{}", entry.map_or(role, |_| role)));
        } else if catalogue.combine == Combine::Highest
            && let Some((name, own)) = entry
            && !listed.is_empty()
        {
            let height = |r: &CatalogueRole| r.tier.unwrap_or(r.permissions.as_ref().map_or(0, Vec::len) as u32);
            let meet = |other: &str, r: &CatalogueRole| {
                let kind = |k: &ResourceKind| k.roles.iter().any(|x| x == other) && k.roles.iter().any(|x| x == name);
                let people = |r: &CatalogueRole| r.places.iter().any(|p| *p != Place::Resource);
                other == name || catalogue.kinds.values().any(kind) || (people(r) && people(own))
            };
            let below = catalogue.roles.iter().filter(|(other, r)| {
                r.permissions.as_ref().is_some_and(|p| !p.is_empty()) && meet(other, r) && height(r) <= height(own)
            });
            all = below.map(|(other, _)| format!("^{other}")).collect();
        }
        if held && administers {
            all.insert("ADMIN".to_owned());
        }
        all
    }

    /// Whether a role administers the target.
    pub(crate) fn administers(&self, catalogue: &Catalogue, role: &str) -> bool {
        self.gives(catalogue, role, true).contains("ADMIN")
    }

    /// The teams of a user, with those around them.
    pub(crate) fn teams_of(&self, user: &str, now: Moment) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for ((team, member), record) in &self.members {
            if member == user && record.until.is_none_or(|u| u >= now) {
                let mut at = Some(team.clone());
                while let Some(team) = at {
                    if !all.insert(team.clone()) {
                        break;
                    }
                    at = self.teams.get(&team).and_then(|t| t.outer.clone());
                }
            }
        }
        all
    }

    /// The roles that a user holds everywhere.
    pub(crate) fn roles_everywhere(&self, catalogue: &Catalogue, user: &str, now: Moment) -> Vec<String> {
        let Some(record) = self.users.get(user) else { return Vec::new() };
        let mut roles: Vec<String> = record.role.iter().cloned().collect();
        let mut in_teams: Vec<String> = Vec::new();
        in_teams.extend(self.teams_of(user, now).iter().filter_map(|t| self.teams.get(t)?.role.clone()));
        for ((_, member), record) in &self.members {
            if member == user && record.until.is_none_or(|u| u >= now) {
                in_teams.extend(record.role.clone());
            }
        }
        // Where things belong to teams, roles in a team stay there; all but those that administer.
        let bound = catalogue.kinds.values().any(|k| k.of_team);
        roles.extend(in_teams.into_iter().filter(|r| !bound || self.administers(catalogue, r)));
        roles
    }

    /// The roles that a user holds on one resource itself because it belongs to a team: those of the team
    /// (`false`) and of their membership (`true`), as far as they hold nowhere else.
    pub(crate) fn roles_by_team(
        &self,
        catalogue: &Catalogue,
        user: &str,
        on: &str,
        now: Moment,
    ) -> Vec<(bool, String)> {
        let parts: Vec<&str> = on.split('/').collect();
        if parts.len() < 3 || catalogue.kinds.get(parts[0]).is_none_or(|k| !k.of_team) {
            return Vec::new();
        }
        let team = parts[1];
        let mut roles = Vec::new();
        if self.teams_of(user, now).contains(team) {
            roles.extend(self.teams.get(team).and_then(|t| t.role.clone()).map(|r| (false, r)));
        }
        if let Some(member) = self.members.get(&(team.to_owned(), user.to_owned()))
            && member.until.is_none_or(|u| u >= now)
        {
            roles.extend(member.role.clone().map(|r| (true, r)));
        }
        roles.retain(|(_, r)| !self.administers(catalogue, r));
        roles
    }

    pub(crate) fn comes_in(&self, user: &str, now: Moment) -> bool {
        self.users.get(user).is_some_and(|u| u.state == UserState::Active && u.until.is_none_or(|t| t >= now))
    }

    /// What a user may do on a resource, or everywhere. `ADMIN` stands for everything.
    pub(crate) fn access(&self, catalogue: &Catalogue, now: Moment, user: &str, on: Option<&str>) -> BTreeSet<String> {
        if !self.comes_in(user, now) {
            return BTreeSet::new();
        }
        let roles = self.roles_everywhere(catalogue, user, now);
        let everywhere: BTreeSet<String> = roles.iter().flat_map(|r| self.gives(catalogue, r, true)).collect();
        let mut local = on.map_or(BTreeSet::new(), |r| self.local(catalogue, now, user, r, 0));
        let caps: Vec<Option<&str>> =
            roles.iter().map(|r| catalogue.role(r).and_then(|(_, c)| c.caps_at.as_deref())).collect();
        if !caps.is_empty() && caps.iter().all(Option::is_some) {
            let cap: BTreeSet<String> =
                caps.into_iter().flatten().flat_map(|r| self.gives(catalogue, r, false)).collect();
            local.retain(|p| cap.contains(p));
        }
        everywhere.into_iter().chain(local).collect()
    }

    /// The roles that a user holds on a resource, or everywhere, those of grants around it included.
    pub(crate) fn roles_on(
        &self,
        catalogue: &Catalogue,
        user: &str,
        on: Option<&str>,
        now: Moment,
    ) -> BTreeSet<String> {
        if !self.comes_in(user, now) {
            return BTreeSet::new();
        }
        let mut all: BTreeSet<String> = self.roles_everywhere(catalogue, user, now).into_iter().collect();
        let teams = self.teams_of(user, now);
        let mut at = on.map(str::to_owned);
        while let Some(resource) = at.and_then(|r| self.resources.get(&r)) {
            if resource.visibility == Some(Visibility::Private) {
                break;
            }
            all.extend(self.roles_by_team(catalogue, user, &resource.name, now).into_iter().map(|(_, role)| role));
            for ((_, to), roles) in self.grants.iter().filter(|((r, _), _)| *r == resource.name) {
                let fits = match to {
                    PrincipalRecord::User(u) => u == user,
                    PrincipalRecord::Team(t) => teams.contains(t),
                    PrincipalRecord::Everyone => true,
                };
                let lasting = roles.iter().filter(|r| fits && r.until.is_none_or(|u| u >= now));
                all.extend(lasting.map(|r| r.role.clone()));
            }
            at = resource.parent.clone();
        }
        all
    }

    fn local(&self, catalogue: &Catalogue, now: Moment, user: &str, on: &str, depth: usize) -> BTreeSet<String> {
        let Some(resource) = self.resources.get(on).filter(|_| depth < 100) else { return BTreeSet::new() };
        let kind = catalogue.kinds.get(on.split('/').next().unwrap());
        let mut all = BTreeSet::new();
        if resource.owner.as_deref() == Some(user)
            && let Some(role) = kind.and_then(|k| k.owner.as_deref())
        {
            all.extend(self.gives(catalogue, role, false));
        }
        if resource.visibility == Some(Visibility::Private) {
            return all;
        }
        if resource.visibility == Some(Visibility::Everyone)
            && let Some(role) = kind.and_then(|k| k.everyone.as_deref())
        {
            all.extend(self.gives(catalogue, role, false));
        }
        for (_, role) in self.roles_by_team(catalogue, user, on, now) {
            all.extend(self.gives(catalogue, &role, false));
        }
        let teams = self.teams_of(user, now);
        for ((_, to), roles) in self.grants.iter().filter(|((r, _), _)| r == on) {
            let fits = match to {
                PrincipalRecord::User(u) => u == user,
                PrincipalRecord::Team(t) => teams.contains(t),
                PrincipalRecord::Everyone => true,
            };
            for role in roles.iter().filter(|r| fits && r.until.is_none_or(|u| u >= now)) {
                all.extend(self.gives(catalogue, &role.role, false));
            }
        }
        if let Some(parent) = &resource.parent {
            all.extend(self.local(catalogue, now, user, parent, depth + 1));
        }
        all
    }
}
