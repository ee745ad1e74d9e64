//! What changes do to effective access: for everybody whom they touch, what is gained, lost, or had in
//! another way, everywhere and on every resource.
//!
//! Only what the changes touch is looked at. A change touches users: by their account, by a membership,
//! by a team (with those inside it) whose role, place or grants change, by a role that may do something
//! else; everybody only where a grant to everyone or a visibility changes. And it puts resources into
//! focus: those whose grants, owner, visibility or place change, with what lies in them. Whoever has
//! other access everywhere is looked at on every resource where they have anything, everybody else on
//! the resources in focus. Users who hold the same are looked at once. What is left is linear in the
//! directory and in the pairs of people and resources that are touched.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::reach::{Holder, Rows};
use super::{AccountChange, At, Bits, Invited, Step, Way, World};
use crate::model::{Granted, Principal, ResourceId, RoleId, TeamId, UserId, UserKind, UserState, Visibility};

/// Looking below a resource in focus, so many resources are looked at one by one; where there are more,
/// those where the user has something.
const BELOW: usize = 64;

/// How many grants are gathered for each resource that somebody is looked at on: to search them there
/// costs about as much. The small organizations of the tests see both ways.
const AT_HAND: usize = if cfg!(test) { 1 } else { 16 };

/// A way that makes or breaks access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// The way; without its last moment and the inner team by which it is reached.
    pub way: Way,
    /// Whether it is there before and after, and its role may do something else.
    pub edited: bool,
}

/// How the access of somebody on a resource differs: completely, with what they have everywhere. What
/// holds for a resource holds for those in it that have no entry of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The resource; `None` for everywhere.
    pub on: Option<ResourceId>,
    /// The entry that holds around it, by its number in the group.
    pub around: Option<usize>,
    /// What they may do before.
    pub before: Bits,
    /// What they gain.
    pub gained: Bits,
    /// What they lose.
    pub lost: Bits,
    /// The ways that give what is gained beyond what is gained around; all new ways where nothing is
    /// gained or lost.
    pub added: Vec<Cause>,
    /// The ways that gave what is lost beyond what is lost around; all former ways where nothing is
    /// gained or lost.
    pub removed: Vec<Cause>,
}

impl Entry {
    /// Whether access is the same and comes another way.
    #[must_use]
    pub fn is_path(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && !(self.added.is_empty() && self.removed.is_empty())
    }
}

/// Users to whom the same happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The users, sorted.
    pub users: Vec<UserId>,
    /// Whether they have been invited and have not come: the entries say what awaits them.
    pub pending: bool,
    /// What happens to their accounts.
    pub account: Option<AccountChange>,
    /// What kind of accounts they have.
    pub kind: UserKind,
    /// What differs: everywhere first, then by the number of the resource.
    pub entries: Vec<Entry>,
}

/// What changes do to effective access.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// The users whose access differs, by what happens to them.
    pub groups: Vec<Group>,
    /// The changes, by number, that touch somebody whose access differs. All others change nobody's.
    pub effective: BTreeSet<u32>,
}

/// What the changes of a world do to effective access.
#[must_use]
pub fn differences(world: &World<'_>) -> Differences {
    let touched = Touched::by(world);
    let users = touched.everybody(world);
    if users.is_empty() {
        return Differences::default();
    }
    let finder = Finder::new(world, &touched);
    let classes = classes(world, &users, &touched);
    let group = |below: &mut Below, (users, fixed): (Vec<UserId>, Fixed)| {
        let entries = finder.entries(*users.first()?, fixed.invited(), below);
        let Fixed { pending, account, kind, .. } = fixed;
        (!entries.is_empty()).then_some(Group { users, pending, account, kind, entries })
    };
    let groups: Vec<Group> = classes.into_par_iter().map_init(Below::default, group).flatten_iter().collect();
    let differ: FxHashSet<UserId> = groups.iter().flat_map(|g| g.users.iter().copied()).collect();
    let mut effective = BTreeSet::new();
    let mut of_teams: FxHashMap<TeamId, bool> = FxHashMap::default();
    for &(change, whom) in &touched.whom {
        let differs = match whom {
            Principal::User(user) => differ.contains(&user),
            Principal::Everyone => !differ.is_empty(),
            Principal::Team(team) => *of_teams.entry(team).or_insert_with(|| {
                let teams = world.team_and_inner(team);
                teams.into_iter().any(|t| world.possible_members(t).any(|u| differ.contains(&u)))
            }),
        };
        if differs {
            effective.insert(change);
        }
    }
    Differences { groups, effective }
}

/// What is the same for all users of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Fixed {
    /// Whether they can come in before and after.
    comes: (bool, bool),
    pending: bool,
    account: Option<AccountChange>,
    kind: UserKind,
}

impl Fixed {
    fn of(world: &World<'_>, user: UserId) -> Self {
        let [before, after] = [At::Before, At::After].map(|at| world.user_state(user, at));
        let invited = |s| matches!(s, UserState::Invited | UserState::InvitationExpired);
        let active = |s| s == UserState::Active;
        let pending = !active(before) && !active(after) && (invited(before) || invited(after));
        let can = |state: UserState, at| {
            let ended = world.has_ended(world.user(user).until.at(at));
            !ended && (active(state) || pending && invited(state))
        };
        let comes = (can(before, At::Before), can(after, At::After));
        let account = match comes {
            (false, true) if user.index() >= world.live().users().len() => {
                Some(if pending { AccountChange::Invited } else { AccountChange::Created })
            }
            (false, true) if before == after => Some(AccountChange::Extended),
            (false, true) => Some(AccountChange::Enabled),
            (true, false) if world.is_user_gone(user) => Some(AccountChange::Deleted),
            (true, false) if before == after => Some(AccountChange::Ended),
            (true, false) => Some(AccountChange::Disabled),
            _ => None,
        };
        Self { comes, pending, account, kind: world.user_kind(user) }
    }

    fn invited(self) -> Invited {
        if self.pending { Invited::MayCome } else { Invited::Nothing }
    }
}

/// Users with the same account, role and memberships before and after, who have nothing of their own;
/// whoever has is alone.
fn classes(world: &World<'_>, users: &[UserId], touched: &Touched) -> Vec<(Vec<UserId>, Fixed)> {
    let mut places: FxHashMap<(Fixed, Vec<u32>), usize> = FxHashMap::default();
    let mut classes: Vec<(Vec<UserId>, Fixed)> = Vec::new();
    let number = |role: Option<RoleId>| role.map_or(0, |r| r.0 + 1);
    for &user in users {
        let fixed = Fixed::of(world, user);
        let own = touched.with_own.contains(&user)
            || !world.owned(user).is_empty()
            || !world.live().granted_to(Principal::User(user)).is_empty();
        if own {
            classes.push((vec![user], fixed));
            continue;
        }
        let mut key = Vec::new();
        for at in [At::Before, At::After] {
            key.push(number(world.user_role(user, at)));
            let mut teams = Vec::new();
            world.memberships(user, at, |team, role| teams.push((team.0, number(role))));
            teams.sort_unstable();
            key.push(teams.len() as u32);
            key.extend(teams.into_iter().flat_map(|(team, role)| [team, role]));
        }
        let place = *places.entry((fixed, key)).or_insert(classes.len());
        match classes.get_mut(place) {
            Some((class, _)) => class.push(user),
            None => classes.push((vec![user], fixed)),
        }
    }
    classes
}

/// Whom changes touch, and where.
#[derive(Debug, Default)]
struct Touched {
    /// Whom each change touches.
    whom: Vec<(u32, Principal)>,
    users: BTreeSet<UserId>,
    teams: BTreeSet<TeamId>,
    /// The resources in focus, for whom.
    focus: FxHashMap<Principal, Vec<ResourceId>>,
    /// Users with own grants after the changes, some of them.
    with_own: FxHashSet<UserId>,
    /// What teams and everyone are granted by changes, or were.
    granted: FxHashMap<Principal, Vec<ResourceId>>,
}

impl Touched {
    fn by(world: &World<'_>) -> Self {
        let mut it = Self::default();
        let user = |u: u32| Principal::User(UserId(u));
        for (&id, facts) in &world.users {
            for by in [facts.state.by(), facts.until.by(), facts.role.by()].into_iter().flatten() {
                it.touch(by, user(id), None);
            }
        }
        for ((_, user), fact) in &world.members {
            it.touch(fact.by, Principal::User(*user), None);
        }
        for (&id, facts) in &world.teams {
            for by in [facts.role.by(), facts.outer.by()].into_iter().flatten() {
                it.touch(by, Principal::Team(TeamId(id)), None);
            }
        }
        for (&on, facts) in &world.grants {
            for (to, fact) in facts {
                it.touch(fact.by, *to, Some(on));
                it.granted.entry(*to).or_default().push(on);
                if let Principal::User(user) = to {
                    it.with_own.insert(*user);
                }
            }
        }
        for (&id, facts) in &world.resources {
            let on = ResourceId(id);
            if let Some(by) = facts.owner.by() {
                for owner in facts.owner.both().into_iter().flatten() {
                    it.touch(by, Principal::User(owner), Some(on));
                }
            }
            for (by, from) in [(facts.parent.by(), 1), (facts.visibility.by(), 0)] {
                let Some(by) = by else { continue };
                let mut all = FxHashSet::default();
                for &around in world.possible_parents(on).iter().skip(from) {
                    principals(world, around, &mut all);
                }
                let mut all: Vec<Principal> = all.into_iter().collect();
                all.sort_unstable();
                all.into_iter().for_each(|p| it.touch(by, p, Some(on)));
            }
        }
        for (on, team) in world.teams_of_resources() {
            for (by, team) in
                team.by().into_iter().flat_map(|by| team.both().into_iter().flatten().map(move |t| (by, t)))
            {
                it.touch(by, Principal::Team(team), Some(on));
            }
        }
        it.by_roles(world);
        for resources in it.focus.values_mut().chain(it.granted.values_mut()) {
            resources.sort_unstable();
            resources.dedup();
        }
        it
    }

    /// Whoever holds a role that may do something else, or is bounded by one.
    fn by_roles(&mut self, world: &World<'_>) {
        let changed: FxHashMap<RoleId, u32> = world.changed_roles().collect();
        if changed.is_empty() {
            return;
        }
        let live = world.live();
        let of = |role: Option<RoleId>| {
            let by = role.and_then(|r| changed.get(&r).copied());
            by.into_iter().chain(role.and_then(|r| world.cap_role(r)).and_then(|r| changed.get(&r).copied()))
        };
        for id in (0..world.users_len()).map(UserId) {
            for by in world.user(id).role.both().into_iter().flat_map(of) {
                self.touch(by, Principal::User(id), None);
            }
        }
        for id in (0..world.teams_len()).map(TeamId) {
            for by in world.team(id).role.both().into_iter().flat_map(of) {
                self.touch(by, Principal::Team(id), None);
            }
        }
        for m in live.memberships() {
            for by in of(m.role.value().copied()) {
                self.touch(by, Principal::User(m.user), None);
            }
        }
        for ((_, user), fact) in &world.members {
            for by in [fact.before, fact.after].into_iter().flatten().flat_map(|m| of(m.role)) {
                self.touch(by, Principal::User(*user), None);
            }
        }
        for grant in live.grants() {
            if let Some(by) = changed.get(&grant.role) {
                self.touch(*by, grant.principal, Some(grant.resource));
            }
        }
        for (&on, facts) in &world.grants {
            for (to, fact) in facts {
                for by in fact.before.iter().chain(&fact.after).filter_map(|(r, _)| changed.get(r)) {
                    self.touch(*by, *to, Some(on));
                }
            }
        }
        for on in (0..world.resources_len()).map(ResourceId) {
            let facts = world.resource(on);
            let given = |owner| world.given_by_kind(world.resource_kind(on), owner).and_then(|r| world.find_role(r));
            if let Some(by) = given(true).and_then(|r| changed.get(&r)) {
                for owner in facts.owner.both().into_iter().flatten() {
                    self.touch(*by, Principal::User(owner), Some(on));
                }
            }
            if let Some(by) = given(false).and_then(|r| changed.get(&r))
                && facts.visibility.both().contains(&Some(Visibility::Everyone))
            {
                self.touch(*by, Principal::Everyone, Some(on));
            }
        }
    }

    fn touch(&mut self, change: u32, whom: Principal, on: Option<ResourceId>) {
        if self.whom.last() != Some(&(change, whom)) {
            self.whom.push((change, whom));
        }
        match whom {
            Principal::User(user) => drop(self.users.insert(user)),
            Principal::Team(team) => drop(self.teams.insert(team)),
            Principal::Everyone => {}
        }
        if let Some(on) = on {
            self.focus.entry(whom).or_default().push(on);
        }
    }

    /// Every user who is touched, sorted.
    fn everybody(&self, world: &World<'_>) -> Vec<UserId> {
        if self.focus.contains_key(&Principal::Everyone) {
            return (0..world.users_len()).map(UserId).collect();
        }
        let mut all: FxHashSet<UserId> = self.users.iter().copied().collect();
        let mut seen = FxHashSet::default();
        for &team in &self.teams {
            for inner in world.team_and_inner(team) {
                if seen.insert(inner) {
                    all.extend(world.possible_members(inner));
                }
            }
        }
        let mut all: Vec<UserId> = all.into_iter().collect();
        all.sort_unstable();
        all
    }

    fn in_focus(&self, whom: Principal) -> &[ResourceId] {
        self.focus.get(&whom).map_or(&[], |all| all)
    }
}

/// Who has something on a resource itself, before or after.
fn principals(world: &World<'_>, on: ResourceId, found: &mut FxHashSet<Principal>) {
    found.extend(world.live().grants_on(on).iter().map(|g| g.principal));
    found.extend(world.grants.get(&on).into_iter().flatten().map(|(to, _)| *to));
    let facts = world.resource(on);
    found.extend(facts.owner.both().into_iter().flatten().map(Principal::User));
    found.extend(world.team_of(on).both().into_iter().flatten().map(Principal::Team));
    if facts.visibility.both().contains(&Some(Visibility::Everyone)) {
        found.insert(Principal::Everyone);
    }
}

/// Where grants are.
fn resources(granted: &[Granted]) -> impl Iterator<Item = ResourceId> + '_ {
    granted.iter().map(|(on, _)| *on)
}

/// What differs on one resource: what is gained and lost, and the ways that come and go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Sum {
    gained: Bits,
    lost: Bits,
    new: Vec<Way>,
    old: Vec<Way>,
}

/// What somebody has before and after, with the ways, on one resource or everywhere.
#[derive(Debug, Clone, Default)]
struct Look {
    bits: [Bits; 2],
    ways: [Vec<(Way, Bits)>; 2],
}

impl Look {
    fn take(&mut self, after: usize, step: Step) {
        self.bits[after] = self.bits[after].or(step.bits);
        if !step.bits.is_empty() {
            self.ways[after].push((plain(step.way), step.bits));
        }
    }

    fn sum(&self) -> Sum {
        let [before, after] = self.bits;
        let mut sum = Sum { gained: after.minus(before), lost: before.minus(after), ..Sum::default() };
        if before == after {
            let only = |in_: &[(Way, Bits)], not_in: &[(Way, Bits)]| {
                let ways = in_.iter().map(|(w, _)| *w).filter(|w| not_in.iter().all(|(o, _)| o != w));
                let mut ways: Vec<Way> = ways.collect();
                ways.sort_unstable();
                ways.dedup();
                ways
            };
            let [before, after] = &self.ways;
            (sum.new, sum.old) = (only(after, before), only(before, after));
        }
        sum
    }

    /// The ways of one side that give any of these bits, and whether the other side has them with a
    /// role that gives something else.
    fn giving(&self, world: &World<'_>, after: usize, bits: Bits) -> Vec<Cause> {
        let ways = self.ways[after].iter().filter(|(_, given)| !given.and(bits).is_empty());
        let cause = |way: Way| {
            let there = self.ways[1 - after].iter().any(|(w, _)| *w == way);
            let edited = there && way_role(way).is_some_and(|r| world.role_by(r).is_some());
            Cause { way, edited }
        };
        let mut causes: Vec<Cause> = ways.map(|(way, _)| cause(*way)).collect();
        causes.sort_unstable();
        causes.dedup();
        causes
    }
}

/// The role of a way, where it is one of the directory.
pub(super) fn way_role(way: Way) -> Option<RoleId> {
    match way {
        Way::Role(role) | Way::Team { role, .. } | Way::Member { role, .. } | Way::Grant { role, .. } => Some(role),
        Way::Owner { .. } | Way::Visible { .. } => None,
    }
}

/// A way without what does not make it another: its last moment, and the inner team that leads to it.
fn plain(way: Way) -> Way {
    match way {
        Way::Team { team, role, on, .. } => Way::Team { team, member: team, role, on },
        Way::Grant { to, on, role, .. } => Way::Grant { to, member: None, on, role, until: None },
        way => way,
    }
}

/// By resource: what lies in it and can have anything of its own.
type Below = FxHashMap<ResourceId, Vec<ResourceId>>;

/// Looks at users, each by itself.
struct Finder<'f, 'a> {
    world: &'f World<'a>,
    touched: &'f Touched,
    /// Resources that do not simply have what is around them: private ones, and those that move.
    odd: FxHashSet<ResourceId>,
    odd_below: FxHashMap<ResourceId, Vec<ResourceId>>,
    /// Where everyone has something.
    of_everyone: Vec<ResourceId>,
    /// Whether any resource lies in another.
    nested: bool,
}

impl<'f, 'a> Finder<'f, 'a> {
    fn new(world: &'f World<'a>, touched: &'f Touched) -> Self {
        let mut nested = false;
        let mut odd = FxHashSet::default();
        let mut odd_below: FxHashMap<ResourceId, Vec<ResourceId>> = FxHashMap::default();
        let mut of_everyone: Vec<ResourceId> = resources(world.live().granted_to(Principal::Everyone)).collect();
        of_everyone.extend(touched.granted.get(&Principal::Everyone).into_iter().flatten());
        for on in (0..world.resources_len()).map(ResourceId) {
            let facts = world.resource(on);
            let [before, after] = facts.visibility.both();
            if [before, after].contains(&Some(Visibility::Everyone)) {
                of_everyone.push(on);
            }
            let private = [before, after].contains(&Some(Visibility::Private));
            let inside = facts.parent.both() != [None, None];
            nested |= inside;
            if inside && (private || facts.parent.by().is_some()) {
                odd.insert(on);
                for around in world.possible_parents(on).into_iter().skip(1) {
                    odd_below.entry(around).or_default().push(on);
                }
            }
        }
        of_everyone.sort_unstable();
        of_everyone.dedup();
        Self { world, touched, odd, odd_below, of_everyone, nested }
    }

    /// The resource around a resource: after the changes, and before them for one that is deleted.
    fn around(&self, on: ResourceId) -> Option<ResourceId> {
        if !self.nested {
            return None;
        }
        let at = if self.world.is_resource_gone(on) { At::Before } else { At::After };
        self.world.resource(on).parent.at(at)
    }

    fn entries(&self, user: UserId, invited: Invited, below: &mut Below) -> Vec<Entry> {
        let world = self.world;
        let mut every = Look::default();
        let before = world.holder(user, At::Before, invited, |step| every.take(0, step));
        let after = world.holder(user, At::After, invited, |step| every.take(1, step));
        if before.is_none() && after.is_none() {
            return Vec::new();
        }
        let candidates = self.candidates(user, &before, &after, &every, below);
        let rows = self.rows(user, candidates.len());
        let looking = Looking { world, before, after, every, rows };
        let mut entries: Vec<Entry> = Vec::new();
        let root = looking.every.sum();
        if root != Sum::default() {
            entries.push(looking.entry(None, &looking.every, &root, &Sum::default()));
        }
        let everywhere = (!entries.is_empty()).then_some(0);
        let mut sums: FxHashMap<ResourceId, Sum> = FxHashMap::default();
        let mut places: FxHashMap<ResourceId, usize> = FxHashMap::default();
        let mut look = Look::default();
        for &on in &candidates {
            let outer = match self.around(on) {
                None => &root,
                Some(outer) => sums.entry(outer).or_insert_with(|| {
                    looking.at(outer, &mut look);
                    look.sum()
                }),
            };
            looking.at(on, &mut look);
            let sum = look.sum();
            if sum != *outer {
                entries.push(looking.entry(Some(on), &look, &sum, outer));
                if self.nested {
                    places.insert(on, entries.len() - 1);
                }
            }
            if self.nested && !world.children(on).is_empty() {
                sums.insert(on, sum);
            }
        }
        #[allow(clippy::needless_range_loop, reason = "the entry is changed while places are looked up")]
        for index in 0..entries.len() {
            let Some(on) = entries[index].on else { continue };
            let mut outer = self.around(on);
            let mut steps = world.resources_len();
            while let Some(next) = outer.filter(|o| !places.contains_key(o) && steps > 0) {
                outer = self.around(next);
                steps -= 1;
            }
            entries[index].around = outer.and_then(|o| places.get(&o).copied()).or(everywhere);
        }
        entries
    }

    /// How the grants of somebody are looked up on so many resources.
    fn rows(&self, user: UserId, candidates: usize) -> Rows {
        let world = self.world;
        let teams = world.possible_teams(user).into_iter().map(Principal::Team);
        let whom = [Principal::User(user), Principal::Everyone].into_iter().chain(teams);
        let all: usize = whom.clone().map(|to| world.live().granted_to(to).len()).sum();
        if all > candidates * AT_HAND { Rows::Search } else { Rows::at_hand(world, whom) }
    }

    /// Where the difference of somebody can be another than around it; sorted.
    fn candidates(
        &self,
        user: UserId,
        before: &Option<Holder>,
        after: &Option<Holder>,
        every: &Look,
        known: &mut Below,
    ) -> Vec<ResourceId> {
        let cap = |holder: &Option<Holder>| holder.as_ref().map(|h| h.cap);
        let teams = self.world.possible_teams(user);
        let full = every.bits[0] != every.bits[1] || cap(before) != cap(after);
        let mut found: Vec<ResourceId> = Vec::new();
        if full {
            self.sources(user, &teams, &mut found);
        } else {
            let whom = teams.iter().map(|t| Principal::Team(*t)).chain([Principal::User(user), Principal::Everyone]);
            for whom in whom {
                found.extend(self.touched.in_focus(whom));
            }
            let belongs = |holder: &Option<Holder>, team: TeamId| {
                holder.as_ref().is_some_and(|h| h.teams.binary_search_by_key(&team, |(t, _)| *t).is_ok())
            };
            for &team in teams.iter().filter(|t| belongs(before, **t) != belongs(after, **t)) {
                self.granted_to(Principal::Team(team), &mut found);
            }
            for &team in &teams {
                found.extend(self.world.things_of(team));
            }
            found.sort_unstable();
            found.dedup();
            let mut below = Vec::new();
            for on in &found {
                self.below(user, &teams, *on, known, &mut below);
            }
            found.extend(below);
        }
        if !self.odd_below.is_empty() {
            let odd: Vec<ResourceId> = found.iter().filter_map(|r| self.odd_below.get(r)).flatten().copied().collect();
            found.extend(odd);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn granted_to(&self, whom: Principal, found: &mut Vec<ResourceId>) {
        found.extend(resources(self.world.live().granted_to(whom)));
        found.extend(self.touched.granted.get(&whom).into_iter().flatten());
    }

    /// Where somebody has anything of their own, by a team, or as everyone, before or after.
    fn sources(&self, user: UserId, teams: &[TeamId], found: &mut Vec<ResourceId>) {
        for &team in teams {
            self.granted_to(Principal::Team(team), found);
            found.extend(self.world.things_of(team));
        }
        self.granted_to(Principal::User(user), found);
        found.extend(self.world.owned(user));
        found.extend(&self.of_everyone);
    }

    /// What lies in a resource and has anything of its own.
    fn below(&self, user: UserId, teams: &[TeamId], on: ResourceId, known: &mut Below, found: &mut Vec<ResourceId>) {
        let world = self.world;
        if !self.nested || world.children(on).is_empty() {
            return;
        }
        let odd = &self.odd;
        let below = known.entry(on).or_insert_with(|| {
            let has = |r: &ResourceId| {
                let facts = world.resource(*r);
                let seen = facts.visibility.both().contains(&Some(Visibility::Everyone));
                let of_team = world.team_of(*r).both() != [None, None];
                world.has_grants(*r) || facts.owner.both() != [None, None] || seen || of_team || odd.contains(r)
            };
            world.resource_and_inner(on).into_iter().skip(1).filter(has).collect()
        });
        if below.len() <= BELOW {
            found.extend(&*below);
            return;
        }
        let inside: FxHashSet<ResourceId> = below.iter().copied().collect();
        let mut sources = Vec::new();
        self.sources(user, teams, &mut sources);
        found.extend(sources.into_iter().filter(|r| inside.contains(r)));
    }
}

/// One user who is looked at.
struct Looking<'f, 'a> {
    world: &'f World<'a>,
    before: Option<Holder>,
    after: Option<Holder>,
    every: Look,
    rows: Rows,
}

impl Looking<'_, '_> {
    /// Looks at a resource; what has been looked at before is forgotten.
    fn at(&self, on: ResourceId, look: &mut Look) {
        look.bits = self.every.bits;
        for (ways, every) in look.ways.iter_mut().zip(&self.every.ways) {
            ways.clear();
            ways.extend_from_slice(every);
        }
        if let Some(holder) = &self.before {
            self.world.ways_by(holder, &self.rows, Some(on), At::Before, |step| look.take(0, step));
        }
        if let Some(holder) = &self.after {
            self.world.ways_by(holder, &self.rows, Some(on), At::After, |step| look.take(1, step));
        }
    }

    fn entry(&self, on: Option<ResourceId>, look: &Look, sum: &Sum, outer: &Sum) -> Entry {
        let all = |ways: &[Way]| ways.iter().map(|way| Cause { way: *way, edited: false }).collect::<Vec<_>>();
        let (added, removed) = if sum.gained.is_empty() && sum.lost.is_empty() {
            (all(&sum.new), all(&sum.old))
        } else {
            (
                look.giving(self.world, 1, sum.gained.minus(outer.gained)),
                look.giving(self.world, 0, sum.lost.minus(outer.lost)),
            )
        };
        Entry { on, around: None, before: look.bits[0], gained: sum.gained, lost: sum.lost, added, removed }
    }
}
