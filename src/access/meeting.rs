//! Where changes meet: the pairs of a user and a resource whose access several changes alter, and
//! so the only places where an order of changes can go wrong.
//!
//! A pair that one change alters has before it what it had and after it what it will have. A pair whose
//! changes all give, or all take, only moves in one direction. What is left, where a change that takes
//! meets one that gives, is listed here; the number of these pairs depends on what a plan touches and
//! not on the size of the directory.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::world::{Fact, Held, Member};
use super::{At, Bits, World};
use crate::model::{Principal, ResourceId, RoleId, TeamId, UserId, UserState, Visibility};

/// A place where changes meet, with the users for whom it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// The users; their access is the same in every state. Never empty, rising.
    pub users: Vec<UserId>,
    /// The resource; `None` stands for what is held everywhere.
    pub resource: Option<ResourceId>,
    /// The changes by number, rising: two or more.
    pub changes: Vec<u32>,
}

/// Which way a change moves access.
#[derive(Debug, Clone, Copy, Default)]
struct Course {
    gives: bool,
    takes: bool,
}

impl Course {
    const BOTH: Self = Self { gives: true, takes: true };
    const GIVES: Self = Self { gives: true, takes: false };
    const TAKES: Self = Self { gives: false, takes: true };

    fn from(before: bool, after: bool) -> Self {
        Self { gives: after && !before, takes: before && !after }
    }

    fn of_bits(before: Bits, after: Bits) -> Self {
        Self { gives: !after.within(&before), takes: !before.within(&after) }
    }

    /// Of something that is there or not, and another thing when it changes.
    fn of_option<T: PartialEq>(before: Option<T>, after: Option<T>) -> Self {
        match (before, after) {
            (None, Some(_)) => Self::GIVES,
            (Some(_), None) => Self::TAKES,
            (None, None) => Self::default(),
            (Some(a), Some(b)) => {
                if a == b {
                    Self::default()
                } else {
                    Self::BOTH
                }
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.gives |= other.gives;
        self.takes |= other.takes;
    }
}

/// Users who are alike, by what decides their access.
type Likeness = (UserState, Option<RoleId>, bool, Vec<(TeamId, Option<RoleId>)>);

struct Finder<'w, 'a> {
    world: &'w World<'a>,
    courses: Vec<Course>,
    /// The resources with a grant to a principal that changes, or whose role does.
    touched_by: FxHashMap<Principal, BTreeSet<ResourceId>>,
    /// The resources whose place, visibility or owner changes.
    moved: BTreeSet<ResourceId>,
    roles_change: bool,
    likenesses: FxHashMap<Likeness, u32>,
    found: BTreeMap<(Option<ResourceId>, Vec<u32>, u64), Vec<UserId>>,
}

impl World<'_> {
    /// Every place where a change that takes meets one that gives, in a fixed order. Where `by_name` is
    /// set, another role is another thing even where it gives the same.
    #[must_use]
    pub fn meetings(&self, changes: usize, by_name: bool) -> Vec<Meeting> {
        let courses = self.courses(changes, by_name);
        if !courses.iter().any(|c| c.takes) || !courses.iter().any(|c| c.gives) {
            return Vec::new();
        }
        let mut finder = Finder {
            world: self,
            courses,
            touched_by: FxHashMap::default(),
            moved: BTreeSet::new(),
            roles_change: self.changed_roles().next().is_some(),
            likenesses: FxHashMap::default(),
            found: BTreeMap::new(),
        };
        finder.touched_resources();
        let touched = self.touched_users();
        for &user in &touched {
            finder.user(user);
        }
        finder.resources(&touched);
        let row = |((resource, changes, _), users)| Meeting { users, resource, changes };
        finder.found.into_iter().map(row).collect()
    }

    /// Which way each change moves access.
    fn courses(&self, changes: usize, by_name: bool) -> Vec<Course> {
        let mut all = vec![Course::default(); changes];
        let mut add = |by: Option<u32>, course: Course| {
            if let Some(slot) = by.and_then(|b| all.get_mut(b as usize)) {
                slot.add(course);
            }
        };
        let bits = |role: Option<RoleId>, at| role.map_or(Bits::NONE, |r| self.role_bits(r, at).held);
        let role = |before: Option<RoleId>, after: Option<RoleId>| {
            let caps = |r: Option<RoleId>| r.is_some_and(|r| self.cap(r, At::Before).is_some());
            if caps(before) || caps(after) || (by_name && before != after) {
                return Course::BOTH;
            }
            let mut course = Course::of_bits(bits(before, At::Before), bits(after, At::Before));
            course.add(Course::of_bits(bits(before, At::After), bits(after, At::After)));
            if self.binds_teams() {
                // Roles in teams are given on what belongs to the team.
                for at in [At::Before, At::After] {
                    let given = |role: Option<RoleId>| role.map_or(Bits::NONE, |r| self.role_bits(r, at).given);
                    course.add(Course::of_bits(given(before), given(after)));
                }
            }
            course
        };
        let open = |s: UserState| s != UserState::Disabled;
        for facts in self.users.values() {
            // Who is new had nothing before, and who is deleted has nothing after.
            let state = facts.state;
            let [was, is] = state.both();
            add(state.by(), Course::from(open(was), open(is)));
            let [was, is] = facts.until.both();
            if facts.until.by() != state.by() {
                add(facts.until.by(), Course::from(!self.has_ended(was), !self.has_ended(is)));
            }
            let [was, is] = facts.role.both();
            if facts.role.by() != state.by() {
                add(facts.role.by(), role(was, is));
            }
        }
        for (&id, facts) in &self.teams {
            let new = id as usize >= self.live().teams().len();
            let [was, is] = facts.role.both();
            add(facts.role.by(), if new { Course::GIVES } else { role(was, is) });
            let [was, is] = facts.outer.both();
            let caps = self.has_caps() && was != is && !new;
            add(facts.outer.by(), if caps { Course::BOTH } else { Course::of_option(was, is) });
        }
        for ((_, user), fact) in &self.members {
            let lasts = |m: Option<Member>| m.filter(|m| !self.has_ended(m.until));
            let (was, is) = (lasts(fact.before), lasts(fact.after));
            let mut course = Course::from(was.is_some(), is.is_some());
            if was.is_some() && is.is_some() {
                course.add(role(was.and_then(|m| m.role), is.and_then(|m| m.role)));
            }
            // Where roles bound their holder, the first role that somebody gets may take something. Who is new
            // has nothing that could be taken.
            let [had, has] = self.user(*user).role.both();
            let new = user.index() >= self.live().users().len();
            if self.has_caps() && (has.is_none() || (had.is_none() && !new)) && was != is {
                course = Course::BOTH;
            }
            add(Some(fact.by), course);
        }
        for (_, fact) in self.grants.values().flatten() {
            let all = |held: &[Held], at| {
                let lasting = held.iter().filter(|(_, until)| !self.has_ended(*until));
                lasting.fold(Bits::NONE, |all, (r, _)| all.or(self.role_bits(*r, at).given))
            };
            let mut course = Course::of_bits(all(&fact.before, At::Before), all(&fact.after, At::Before));
            course.add(Course::of_bits(all(&fact.before, At::After), all(&fact.after, At::After)));
            if by_name && fact.before != fact.after {
                course.add(Course::of_option(fact.before.first(), fact.after.first()));
            }
            add(Some(fact.by), course);
        }
        let height = |v: Option<Visibility>| match v {
            Some(Visibility::Private) => 0,
            None | Some(Visibility::Restricted) => 1,
            Some(Visibility::Everyone) => 2,
        };
        for (&id, facts) in &self.resources {
            let new = id as usize >= self.live().resources().len();
            let [was, is] = facts.parent.both();
            add(facts.parent.by(), Course::of_option(was, is));
            let [was, is] = facts.visibility.both();
            let seen = Course { gives: height(is) > height(was), takes: height(is) < height(was) };
            add(facts.visibility.by(), if new { Course::GIVES } else { seen });
            let [was, is] = facts.owner.both();
            add(facts.owner.by(), Course::of_option(was, is));
        }
        for (_, team) in self.teams_of_resources() {
            let [was, is] = team.both();
            add(team.by(), Course::of_option(was, is));
        }
        // What owners, everyone or a cap have of a role is the catalogue's word until the role is there.
        let catalogue = self.measure().catalogue();
        let kinds = catalogue.kinds.values().flat_map(|k| [k.owner.as_deref(), k.everyone.as_deref()]);
        let named = kinds.chain(catalogue.roles.values().map(|r| r.caps_at.as_deref())).flatten();
        let named: FxHashSet<RoleId> = named.filter_map(|r| self.find_role(r)).collect();
        for (id, by) in self.changed_roles() {
            if named.contains(&id) {
                add(Some(by), Course::BOTH);
            }
            let (before, after) = (self.role_bits(id, At::Before), self.role_bits(id, At::After));
            add(Some(by), Course::of_bits(before.held, after.held));
            add(Some(by), Course::of_bits(before.given, after.given));
        }
        all
    }

    /// The users of whom a change alters what they hold for themselves, rising.
    pub(crate) fn touched_users(&self) -> BTreeSet<UserId> {
        let mut found: BTreeSet<UserId> = self.users.keys().map(|id| UserId(*id)).collect();
        found.extend(self.members_of_user.keys());
        let mut seen: FxHashSet<TeamId> = FxHashSet::default();
        let mut teams: Vec<TeamId> = self.teams.keys().map(|id| TeamId(*id)).collect();
        let mut roles: FxHashSet<RoleId> = self.changed_roles().map(|(id, _)| id).collect();
        if !roles.is_empty() {
            let capping = (0..self.roles_len()).map(RoleId);
            let bounded: Vec<RoleId> =
                capping.filter(|r| self.cap_role(*r).is_some_and(|cap| roles.contains(&cap))).collect();
            roles.extend(bounded);
            let holds = |role: &Fact<Option<RoleId>>| role.both().into_iter().flatten().any(|r| roles.contains(&r));
            found.extend((0..self.users_len()).map(UserId).filter(|u| holds(&self.user(*u).role)));
            teams.extend((0..self.teams_len()).map(TeamId).filter(|t| holds(&self.team(*t).role)));
            let members = self.live().memberships().iter();
            found.extend(members.filter(|m| m.role.value().is_some_and(|r| roles.contains(r))).map(|m| m.user));
        }
        for team in teams {
            if seen.contains(&team) {
                continue;
            }
            for inner in self.team_and_inner(team) {
                if seen.insert(inner) {
                    found.extend(self.possible_members(inner));
                }
            }
        }
        found
    }
}

impl Finder<'_, '_> {
    fn touched_resources(&mut self) {
        let world = self.world;
        for (&resource, facts) in &world.grants {
            for (principal, _) in facts {
                self.touched_by.entry(*principal).or_default().insert(resource);
            }
        }
        self.moved = world.resources.keys().map(|id| ResourceId(*id)).collect();
        self.moved.extend(world.teams_of_resources().map(|(on, _)| on));
        if self.roles_change {
            let roles: FxHashSet<RoleId> = world.changed_roles().map(|(id, _)| id).collect();
            for grant in world.live().grants().iter().filter(|g| roles.contains(&g.role)) {
                self.touched_by.entry(grant.principal).or_default().insert(grant.resource);
            }
            // What a kind gives to owners or everyone can change with its role.
            let kinds = world.measure().catalogue().kinds.iter();
            let changed = |role: &Option<String>| {
                role.as_deref().and_then(|r| world.find_role(r)).is_some_and(|r| roles.contains(&r))
            };
            let kinds: FxHashSet<&str> = kinds
                .filter(|(_, k)| changed(&k.owner) || changed(&k.everyone))
                .map(|(name, _)| name.as_str())
                .collect();
            if !kinds.is_empty() {
                let all = (0..world.resources_len()).map(ResourceId);
                self.moved.extend(all.filter(|r| kinds.contains(world.resource_kind(*r))));
            }
        }
    }

    fn mixed(&self, changes: &[u32]) -> bool {
        let course = |c: &u32| self.courses.get(*c as usize).copied().unwrap_or(Course::BOTH);
        changes.len() > 1 && changes.iter().any(|c| course(c).gives) && changes.iter().any(|c| course(c).takes)
    }

    /// The places where changes meet for somebody whose own facts change.
    fn user(&mut self, user: UserId) {
        let world = self.world;
        let teams = world.possible_teams(user);
        let mut own = BTreeSet::new();
        world.touching_user(user, &teams, &mut own);
        let facts = world.user(user);
        let mut places: BTreeSet<ResourceId> = self.moved.clone();
        let principals: Vec<Principal> = [Principal::User(user), Principal::Everyone]
            .into_iter()
            .chain(teams.iter().map(|t| Principal::Team(*t)))
            .collect();
        for principal in &principals {
            places.extend(self.touched_by.get(principal).into_iter().flatten());
        }
        for &team in &teams {
            places.extend(world.things_of(team));
        }
        if own.len() > 1 {
            for team in self.changing_teams(user, &teams) {
                places.extend(world.live().granted_to(Principal::Team(team)).iter().map(|(on, _)| *on));
            }
            let itself = [facts.state.by(), facts.until.by(), facts.role.by()].iter().any(Option::is_some);
            if self.roles_change || (itself && world.has_caps()) {
                for principal in &principals {
                    places.extend(world.live().granted_to(*principal).iter().map(|(on, _)| *on));
                }
                places.extend(world.owned(user));
            }
        }
        self.place(user, &teams, None);
        for resource in places {
            self.place(user, &teams, Some(resource));
        }
    }

    /// The teams that somebody belongs to at one moment and not at another.
    fn changing_teams(&self, user: UserId, teams: &[TeamId]) -> Vec<TeamId> {
        let world = self.world;
        let mut all: Vec<TeamId> = world.members_of_user.get(&user).into_iter().flatten().copied().collect();
        for &team in teams {
            let outer = world.team(team).outer;
            if outer.by().is_some() {
                all.extend(outer.both().into_iter().flatten());
            }
        }
        let mut next = 0;
        while let Some(&team) = all.get(next) {
            next += 1;
            for outer in world.team(team).outer.both().into_iter().flatten() {
                if !all.contains(&outer) {
                    all.push(outer);
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The places where changes meet for users none of whose own facts changes.
    fn resources(&mut self, touched: &BTreeSet<UserId>) {
        let world = self.world;
        let mut places: BTreeSet<ResourceId> = self.moved.clone();
        places.extend(self.touched_by.values().flatten());
        for resource in places {
            let parents = world.possible_parents(resource);
            let (mut every, mut by_team, mut users) = (BTreeSet::new(), Vec::new(), Vec::new());
            for &on in &parents {
                let facts = world.resource(on);
                every.extend([facts.parent.by(), facts.visibility.by()].into_iter().flatten());
                if let Some(by) = facts.owner.by() {
                    users.extend(facts.owner.both().into_iter().flatten().map(|u| (u, by)));
                }
                let team = world.team_of(on);
                if let Some(by) = team.by() {
                    by_team.extend(team.both().into_iter().flatten().map(|t| (t, by)));
                }
                if self.roles_change {
                    // Roles that change on a live grant, or for owners and everyone.
                    for grant in world.live().grants_on(on) {
                        let Some(by) = world.role_by(grant.role) else { continue };
                        match grant.principal {
                            Principal::User(user) => users.push((user, by)),
                            Principal::Team(team) => by_team.push((team, by)),
                            Principal::Everyone => drop(every.insert(by)),
                        }
                    }
                    for owner in [true, false] {
                        let role = world.given_by_kind(world.resource_kind(on), owner);
                        every.extend(role.and_then(|r| world.find_role(r)).and_then(|r| world.role_by(r)));
                    }
                }
                for (principal, fact) in world.grants.get(&on).into_iter().flatten() {
                    let roles = fact.before.iter().chain(&fact.after).filter_map(|(r, _)| world.role_by(*r));
                    for by in std::iter::once(fact.by).chain(roles) {
                        match *principal {
                            Principal::User(user) => users.push((user, by)),
                            Principal::Team(team) => by_team.push((team, by)),
                            Principal::Everyone => drop(every.insert(by)),
                        }
                    }
                }
            }
            let mut all: Vec<u32> = every.iter().copied().collect();
            all.extend(by_team.iter().map(|(_, by)| *by));
            all.extend(users.iter().map(|(_, by)| *by));
            all.sort_unstable();
            all.dedup();
            if !self.mixed(&all) {
                continue;
            }
            let everybody = every.len() > 1;
            for (team, by) in by_team {
                for inner in world.team_and_inner(team) {
                    users.extend(world.possible_members(inner).map(|u| (u, by)));
                }
            }
            let mut concerned: FxHashMap<UserId, (u32, bool)> = FxHashMap::default();
            for (user, by) in users {
                let entry = concerned.entry(user).or_insert((by, !every.is_empty() && !every.contains(&by)));
                entry.1 |= entry.0 != by;
            }
            let mut chosen: Vec<UserId> = if everybody {
                (0..world.users_len()).map(UserId).collect()
            } else {
                concerned.into_iter().filter(|(_, (_, several))| *several).map(|(user, _)| user).collect()
            };
            chosen.retain(|u| !touched.contains(u));
            chosen.sort_unstable();
            for user in chosen {
                let teams = world.possible_teams(user);
                self.place(user, &teams, Some(resource));
            }
        }
    }

    /// Looks at one user and one resource, or at what the user holds everywhere.
    fn place(&mut self, user: UserId, teams: &[TeamId], resource: Option<ResourceId>) {
        let parents = resource.map(|r| self.world.possible_parents(r)).unwrap_or_default();
        let changes = self.world.relevant(user, teams, &parents);
        if !self.mixed(&changes) {
            return;
        }
        let alike = self.likeness(user, &parents);
        self.found.entry((resource, changes, alike)).or_default().push(user);
    }

    /// A number that is the same for users whose access is decided by the same facts.
    fn likeness(&mut self, user: UserId, parents: &[ResourceId]) -> u64 {
        let world = self.world;
        let alone = parents.iter().any(|&on| {
            let owner = world.resource(on).owner.both().contains(&Some(user));
            let own = |p: &Principal| *p == Principal::User(user);
            let changing = world.grants.get(&on).into_iter().flatten().any(|(p, _)| own(p));
            owner || changing || !world.live_grants_to(on, Principal::User(user)).is_empty()
        });
        if alone {
            return u64::from(user.0) | 1 << 40;
        }
        let mut teams = Vec::new();
        world.memberships(user, At::Before, |team, role| teams.push((team, role)));
        teams.sort_unstable();
        let facts = world.user(user);
        let ended = world.has_ended(facts.until.at(At::Before));
        let key = (facts.state.at(At::Before), facts.role.at(At::Before), ended, teams);
        let next = self.likenesses.len() as u32;
        u64::from(*self.likenesses.entry(key).or_insert(next))
    }
}

impl World<'_> {
    /// The changes that alter what a role gives to its holder, or how it bounds them.
    fn governed_by(&self, role: RoleId) -> impl Iterator<Item = u32> {
        [self.role_by(role), self.cap_role(role).and_then(|cap| self.role_by(cap))].into_iter().flatten()
    }

    /// The changes that can alter what a user may do on a resource whose possible surroundings are
    /// `parents`, or everywhere where there are none. Rising.
    pub(super) fn relevant(&self, user: UserId, teams: &[TeamId], parents: &[ResourceId]) -> Vec<u32> {
        let facts = self.user(user);
        let mut found: Vec<u32> = Vec::new();
        found.extend([facts.state.by(), facts.until.by(), facts.role.by()].into_iter().flatten());
        let roles = |role: &Fact<Option<RoleId>>, found: &mut Vec<u32>| {
            found.extend(role.both().into_iter().flatten().flat_map(|r| self.governed_by(r)));
        };
        roles(&facts.role, &mut found);
        // The teams that give something here, or lie in one that does.
        let gives_itself = |team: TeamId| {
            self.team(team).role.both().iter().any(Option::is_some)
                || parents.iter().any(|&on| self.may_be_granted(on, Principal::Team(team)))
        };
        let mut gives: Vec<bool> = teams.iter().map(|t| gives_itself(*t)).collect();
        let at = |team: TeamId| teams.binary_search(&team).ok();
        loop {
            let mut more = false;
            for (i, &team) in teams.iter().enumerate() {
                let outer = self.team(team).outer.both();
                if !gives[i] && outer.into_iter().flatten().any(|o| at(o).is_some_and(|o| gives[o])) {
                    gives[i] = true;
                    more = true;
                }
            }
            if !more {
                break;
            }
        }
        for (i, &team) in teams.iter().enumerate() {
            let facts = self.team(team);
            found.extend(facts.role.by());
            roles(&facts.role, &mut found);
            if facts.outer.both().into_iter().flatten().any(|o| at(o).is_some_and(|o| gives[o])) {
                found.extend(facts.outer.by());
            }
            if let Some(fact) = self.members.get(&(team, user)) {
                let with_role = [fact.before, fact.after].into_iter().flatten().any(|m| m.role.is_some());
                if gives[i] || with_role {
                    found.push(fact.by);
                }
                for role in [fact.before, fact.after].into_iter().flatten().filter_map(|m| m.role) {
                    found.extend(self.governed_by(role));
                }
            }
        }
        if self.changed_roles().next().is_some() {
            for m in self.live().memberships_of(user) {
                found.extend(m.role.value().into_iter().flat_map(|r| self.governed_by(*r)));
            }
        }
        let mut set: BTreeSet<u32> = found.into_iter().collect();
        self.touching_resource(user, teams, parents, &mut set);
        set.into_iter().collect()
    }
}

/// Who can administer at any moment, to be asked about many users.
pub(crate) struct MayAdminister {
    roles: FxHashSet<RoleId>,
    teams: FxHashSet<TeamId>,
}

impl MayAdminister {
    /// Whether any role administers: where none does, nobody can tell who could.
    pub(crate) fn is_known(&self) -> bool {
        !self.roles.is_empty()
    }
}

impl World<'_> {
    /// The changes that decide what a user holds everywhere, and whether they count as administrator.
    pub(crate) fn deciding(&self, user: UserId) -> Vec<u32> {
        let teams = self.possible_teams(user);
        let mut found = self.relevant(user, &teams, &[]);
        found.extend(self.user(user).counts.by());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Prepares to be asked who can administer at some moment.
    pub(crate) fn may_administer(&self) -> MayAdminister {
        let administers =
            |r: &RoleId| [At::Before, At::After].into_iter().any(|at| self.role_bits(*r, at).held.is_administrator());
        let roles: FxHashSet<RoleId> = (0..self.roles_len()).map(RoleId).filter(administers).collect();
        let mut teams = FxHashSet::default();
        if !roles.is_empty() {
            for team in (0..self.teams_len()).map(TeamId) {
                if self.team(team).role.both().into_iter().flatten().any(|r| roles.contains(&r)) {
                    teams.extend(self.team_and_inner(team));
                }
            }
        }
        MayAdminister { roles, teams }
    }

    /// Whether a user can administer at some moment. Most cannot, and that is told at once.
    pub(crate) fn can_administer(&self, user: UserId, may: &MayAdminister) -> bool {
        if may.roles.is_empty() {
            return false;
        }
        let role = |r: Option<RoleId>| r.is_some_and(|r| may.roles.contains(&r));
        self.user(user).role.both().into_iter().any(role)
            || (self.live().memberships_of(user)).any(|m| may.teams.contains(&m.team) || role(m.role.value().copied()))
            || self.members_of_user.get(&user).into_iter().flatten().any(|team| {
                let fact = self.members.get(&(*team, user));
                let ends = fact.map(|f| [f.before, f.after]).into_iter().flatten().flatten();
                may.teams.contains(team) || ends.into_iter().any(|m| role(m.role))
            })
    }
}
