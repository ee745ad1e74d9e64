//! [`Asker`]: what every question about access needs, once for many of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::files::{Declared, because};
use super::reach::{Invited, Way};
use super::told::{Can, Edge, Link, Path};
use super::{At, Bits, World};
use crate::model::{Moment, Principal, PrincipalRecord, ResourceId, RoleId, TeamId, UserId};

/// What is asked about: a permission, or a role, which stands for at least all of its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As it was said.
    pub text: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The permission of that number.
    Permission(usize),
    /// All that a role gives.
    Role(Bits),
    /// A role that may do nothing, or of which nothing is known: whether it is held.
    Name(String),
    /// Anything at all.
    Anything,
}

impl What {
    /// Whether a role that is not published may give it. That a role administers is known of each.
    pub(super) fn can_be_hidden(&self) -> bool {
        match self {
            Self::Permission(_) => true,
            Self::Role(bits) => !bits.is_administrator(),
            Self::Name(_) | Self::Anything => false,
        }
    }
}

impl Asked {
    /// The same under the name that it was asked by.
    #[must_use]
    pub fn named(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// Whether it is an administering role: then administrators are what is asked about.
    #[must_use]
    pub fn is_administration(&self) -> bool {
        matches!(&self.what, What::Role(bits) if bits.is_administrator())
    }
}

/// Whether some bits, and roles by name, have what is asked.
type Has<'h> = dyn Fn(&Bits, &dyn Fn(&str) -> bool) -> bool + 'h;

/// One way with nothing held back yet: what it hangs on, and what it gives.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub edges: Vec<Edge>,
    pub role: String,
    /// What the role gives.
    pub bits: Bits,
    /// Whether it is held by the user everywhere, and not given on a resource.
    pub held: bool,
    /// What the role, held everywhere, bounds its holder to.
    pub cap: Option<Bits>,
    /// The resource it begins on.
    pub on: Option<ResourceId>,
    pub until: Option<Moment>,
    pub inferred: Option<String>,
}

impl Raw {
    /// The fact whose removal ends it with the least other effect: of what is the user's own, the
    /// nearest to what is given.
    pub fn ends_with(&self) -> Option<&Edge> {
        let own = |e: &&Edge| match e {
            Edge::Role { .. } | Edge::MemberRole { .. } | Edge::Owner { .. } => true,
            Edge::Grant { to, .. } => matches!(to, PrincipalRecord::User(_)),
            _ => false,
        };
        let member = |e: &&Edge| matches!(e, Edge::Member { .. });
        let shared = |e: &&Edge| matches!(e, Edge::Grant { .. } | Edge::Visible { .. } | Edge::TeamRole { .. });
        let edges = || self.edges.iter();
        edges().find(own).or_else(|| edges().find(member)).or_else(|| edges().find(shared))
    }
}

/// What the held roles of some ways bound their holder to: somebody is bounded when every role that
/// they hold for themselves bounds them.
fn cap_of<'r>(raws: impl Iterator<Item = &'r Raw> + Clone) -> Bits {
    let held = raws.filter(|r| r.held);
    if held.clone().count() == 0 || held.clone().any(|r| r.cap.is_none()) {
        return Bits::ALL;
    }
    held.filter_map(|r| r.cap).fold(Bits::NONE, Bits::or)
}

/// What some ways give together.
pub(super) fn sum<'r>(raws: impl Iterator<Item = &'r Raw> + Clone) -> Bits {
    let cap = cap_of(raws.clone());
    raws.fold(Bits::NONE, |all, raw| all.or(effective(raw, cap)))
}

fn effective(raw: &Raw, cap: Bits) -> Bits {
    if raw.held { raw.bits } else { raw.bits.and(cap) }
}

/// Asks a [`World`] at one moment. Keeps what several questions need.
pub struct Asker<'w, 'a> {
    pub(super) world: &'w World<'a>,
    pub(super) at: At<'w>,
    pub(super) declared: Option<&'w dyn Declared>,
    /// Who has something of what is asked by a role that holds everywhere.
    everywhere: RefCell<FxHashMap<Option<String>, Rc<[UserId]>>>,
}

impl<'w, 'a> Asker<'w, 'a> {
    /// An asker. `declared` says where the files say what an answer hangs on.
    #[must_use]
    pub fn new(world: &'w World<'a>, at: At<'w>, declared: Option<&'w dyn Declared>) -> Self {
        Self { world, at, declared, everywhere: RefCell::new(FxHashMap::default()) }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &'w World<'a> {
        self.world
    }

    /// What a text asks about: a permission, or else a role by its name or an alias. `None` where it is
    /// neither in this target.
    #[must_use]
    pub fn asked(&self, text: &str) -> Option<Asked> {
        let measure = self.world.measure();
        let what = if let Some(bit) = measure.find(text) {
            What::Permission(bit)
        } else {
            let proper = measure.catalogue().role(text).map_or(text, |(name, _)| name);
            let id = self.world.find_role(proper);
            let known = measure.catalogue().role(text).is_some();
            let bits = id.map(|id| self.world.role_bits(id, self.at).held).or_else(|| measure.published(proper));
            match bits {
                Some(bits) if !bits.is_empty() => What::Role(bits),
                _ if id.is_some() || known => What::Name(proper.to_owned()),
                _ => return None,
            }
        };
        Some(Asked { text: text.to_owned(), what })
    }

    /// Everything that can be asked about: permissions, then roles; sorted.
    #[must_use]
    pub fn askable(&self) -> Vec<String> {
        let measure = self.world.measure();
        let mut names: Vec<String> = measure.names().map(str::to_owned).collect();
        names.sort_unstable();
        let mut roles: Vec<String> = measure.catalogue().roles.keys().cloned().collect();
        roles.extend(self.world.live().roles().iter().map(|r| r.name.to_string()));
        roles.sort_unstable();
        roles.dedup();
        names.extend(roles);
        names
    }

    /// Whether some bits have what is asked.
    pub(super) fn has(&self, what: &What, bits: &Bits, roles: &dyn Fn(&str) -> bool) -> bool {
        match what {
            What::Anything => !bits.is_empty(),
            What::Permission(bit) if self.world.measure().catalogue().combine == crate::model::Combine::Union => {
                bits.has_permission(*bit)
            }
            What::Permission(bit) => self.world.measure().permissions(bits).contains(bit),
            What::Role(role) => role.within(bits),
            What::Name(name) => roles(name),
        }
    }

    /// Whether some ways have what is asked.
    pub(super) fn ways_have<'r>(&self, what: &What, raws: impl Iterator<Item = &'r Raw> + Clone) -> bool {
        let held = |name: &str| raws.clone().any(|r| r.role == name);
        self.has(what, &sum(raws.clone()), &held)
    }

    /// The answer that some ways give.
    pub(super) fn answer(&self, what: &What, raws: &[Raw]) -> Can {
        if self.ways_have(what, raws.iter()) {
            let cap = self.cap(raws);
            let published = || raws.iter().filter(|r| r.inferred.is_none());
            let bits = published().fold(Bits::NONE, |all, r| all.or(effective(r, cap)));
            let sure = self.has(what, &bits, &|name| published().any(|r| r.role == name));
            return if sure { Can::Yes } else { Can::Inferred };
        }
        let unknown = !self.world.measure().unpublished(&sum(raws.iter())).is_empty();
        if unknown && what.can_be_hidden() { Can::Unknown } else { Can::No }
    }

    /// Every way of a user, one for each membership that leads to it. What roles hold back is still in
    /// them.
    pub(super) fn raws(&self, user: UserId, resource: Option<ResourceId>) -> Vec<Raw> {
        let (world, at) = (self.world, self.at);
        let mut ways = Vec::new();
        world.ways(user, resource, at, Invited::Nothing, |step| ways.push(step.way));
        if ways.is_empty() {
            return Vec::new();
        }
        let mut own: Vec<(TeamId, Vec<TeamId>)> = Vec::new();
        world.memberships(user, at, |team, _| own.push((team, self.outward(team))));
        own.sort_unstable();
        let (name, role_name) = (world.user_name(user), |r: RoleId| world.role_name(r).to_owned());
        let ends = world.user(user).until.at(at);
        let sooner = |a: Option<Moment>, b: Option<Moment>| a.into_iter().chain(b).min();
        let mut raws = Vec::new();
        for way in ways {
            // The ways from the user to the team that holds it, or the one without a team.
            let teams: Vec<(Vec<Edge>, Option<Moment>)> = match way {
                Way::Team { team, .. } | Way::Grant { to: Principal::Team(team), .. } => {
                    let leads = own.iter().filter_map(|(member, chain)| {
                        let steps = chain.iter().position(|t| *t == team)?;
                        let edges = self.to_team(name, chain.get(..=steps)?);
                        Some((edges, sooner(ends, world.member_until(*member, user, at))))
                    });
                    leads.collect()
                }
                Way::Member { team, .. } => {
                    let edges = self.to_team(name, &[team]);
                    vec![(edges, sooner(ends, world.member_until(team, user, at)))]
                }
                _ => vec![(Vec::new(), ends)],
            };
            for (mut edges, mut until) in teams {
                let (bits, held, on, role) = match way {
                    Way::Role(role) => {
                        edges.push(Edge::Role { user: name.to_owned(), role: role_name(role) });
                        (world.role_bits(role, at).held, Some(role), None, role_name(role))
                    }
                    Way::Team { team, role, on, .. } => {
                        let team = world.team_name(team).to_owned();
                        edges.push(Edge::TeamRole { team, role: role_name(role) });
                        (world.in_team(role, on, at), Some(role).filter(|_| on.is_none()), on, role_name(role))
                    }
                    Way::Member { team, role, on } => {
                        let team = world.team_name(team).to_owned();
                        edges.push(Edge::MemberRole { team, user: name.to_owned(), role: role_name(role) });
                        (world.in_team(role, on, at), Some(role).filter(|_| on.is_none()), on, role_name(role))
                    }
                    Way::Grant { to, on, role, until: end, .. } => {
                        let on_name = world.resource_name(on).to_owned();
                        let to = self.principal(to);
                        edges.push(Edge::Grant { to, resource: on_name, role: role_name(role) });
                        until = sooner(until, end);
                        (world.role_bits(role, at).given, None, Some(on), role_name(role))
                    }
                    Way::Owner { on } | Way::Visible { on } => {
                        let owner = matches!(way, Way::Owner { .. });
                        let resource = world.resource_name(on).to_owned();
                        edges.push(if owner {
                            Edge::Owner { resource, user: name.to_owned() }
                        } else {
                            Edge::Visible { resource }
                        });
                        let role = world.given_by_kind(world.resource_kind(on), owner).unwrap_or_default();
                        (world.bits_named(role, at), None, Some(on), role.to_owned())
                    }
                };
                if let (Some(on), Some(resource)) = (on, resource) {
                    self.down_to(on, resource, &mut edges);
                }
                let inferred = self.inferred(&role, on);
                let cap = held.and_then(|r| world.cap(r, at));
                raws.push(Raw { edges, role, bits, held: held.is_some(), cap, on, until, inferred });
            }
        }
        raws
    }

    /// A team and those around it.
    pub(super) fn outward(&self, team: TeamId) -> Vec<TeamId> {
        let mut chain = vec![team];
        let mut next = self.world.team(team).outer.at(self.at);
        while let Some(team) = next.filter(|t| !chain.contains(t)) {
            chain.push(team);
            next = self.world.team(team).outer.at(self.at);
        }
        chain
    }

    fn to_team(&self, user: &str, chain: &[TeamId]) -> Vec<Edge> {
        let name = |t: &TeamId| self.world.team_name(*t).to_owned();
        let first = chain.first().map(|t| Edge::Member { team: name(t), user: user.to_owned() });
        let further = chain.windows(2).filter_map(|pair| match pair {
            [team, outer] => Some(Edge::Inner { team: name(team), outer: name(outer) }),
            _ => None,
        });
        first.into_iter().chain(further).collect()
    }

    /// The facts that lead from a resource to one that lies within it, the outermost first.
    fn down_to(&self, on: ResourceId, resource: ResourceId, edges: &mut Vec<Edge>) {
        let start = edges.len();
        let mut here = resource;
        let mut steps = self.world.resources_len();
        while here != on && steps > 0 {
            let Some(parent) = self.world.resource(here).parent.at(self.at) else { break };
            let name = |r: ResourceId| self.world.resource_name(r).to_owned();
            edges.insert(start, Edge::Inside { resource: name(here), parent: name(parent) });
            here = parent;
            steps -= 1;
        }
    }

    pub(super) fn principal(&self, principal: Principal) -> PrincipalRecord {
        match principal {
            Principal::User(id) => PrincipalRecord::User(self.world.user_name(id).to_owned()),
            Principal::Team(id) => PrincipalRecord::Team(self.world.team_name(id).to_owned()),
            Principal::Everyone => PrincipalRecord::Everyone,
        }
    }

    /// Why what a role gives is inferred: the role, or the kind of resource it is given on.
    pub(super) fn inferred(&self, role: &str, on: Option<ResourceId>) -> Option<String> {
        let catalogue = self.world.measure().catalogue();
        let by_role = catalogue.role(role).and_then(|(_, r)| r.inferred.clone());
        let kind = on.and_then(|on| catalogue.kinds.get(self.world.resource_kind(on)));
        by_role.or_else(|| kind.and_then(|k| k.inferred.clone()))
    }

    /// The names of the permissions in some bits, sorted.
    pub(super) fn permissions(&self, bits: &Bits) -> Vec<String> {
        let measure = self.world.measure();
        let mut names: Vec<String> =
            measure.permissions(bits).into_iter().map(|bit| measure.name(bit).to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// A fact with what is said of it.
    pub(super) fn link(&self, edge: Edge) -> Link {
        let (world, at) = (self.world, self.at);
        let until = match &edge {
            Edge::Member { team, user } => world
                .find_team(team)
                .zip(world.find_user(user))
                .and_then(|(team, user)| world.member_until(team, user, at)),
            Edge::Grant { to, resource, role } => {
                let mut end = None;
                if let (Some(on), Some(to)) = (world.find_resource(resource), world.find_principal(to)) {
                    world.granted(on, to, at, |id, until| {
                        if world.role_name(id) == role {
                            end = until;
                        }
                    });
                }
                end
            }
            _ => None,
        };
        let because = because(world.live(), &edge).or_else(|| self.declared.and_then(|d| d.because(&edge)));
        let declared = self.declared.and_then(|d| d.place(&edge));
        Link { edge, until, because, declared }
    }

    /// A way as it is told; `cap` is what holds it back.
    pub(super) fn path(&self, raw: &Raw, cap: Bits) -> Option<Path> {
        let bits = effective(raw, cap);
        let permissions = self.permissions(&bits);
        let held_back = if raw.bits.within(&bits) { Vec::new() } else { self.permissions(&raw.bits.minus(bits)) };
        Some(Path {
            role: raw.role.clone(),
            links: raw.edges.iter().map(|e| self.link(e.clone())).collect(),
            permissions,
            administers: bits.is_administrator(),
            everywhere: raw.held,
            held_back,
            not_published: !self.world.measure().unpublished(&bits).is_empty(),
            inferred: raw.inferred.clone(),
            until: raw.until,
            ends_with: raw.ends_with()?.clone(),
        })
    }

    /// What some ways hold back.
    pub(super) fn cap(&self, raws: &[Raw]) -> Bits {
        cap_of(raws.iter())
    }

    /// Whether a way counts for what is asked: it gives all or, of a role, some of it.
    pub(super) fn counts(&self, what: &What, raw: &Raw, cap: Bits) -> bool {
        let bits = effective(raw, cap);
        match what {
            What::Role(role) => !role.and(bits).is_empty(),
            What::Name(name) => raw.role == *name,
            _ => self.has(what, &bits, &|_| false),
        }
    }

    /// What has to be taken away so that the ways no longer give what is asked: a smallest choice of the
    /// facts with the least other effect, sorted. What is held back by a role that goes is counted too.
    pub(super) fn to_end(&self, what: &What, raws: &[Raw]) -> Vec<Edge> {
        if !self.ways_have(what, raws.iter()) {
            return Vec::new();
        }
        match what {
            // Without any one of its parts, a role is not had as a whole: the part that is easiest to
            // take away.
            What::Role(role) if role.is_administrator() => self.cut(&|bits, _| bits.is_administrator(), raws),
            What::Role(role) => {
                let parts = role.parts();
                let ends = parts.map(|part| self.cut(&|bits, _| part.within(bits), raws));
                ends.filter(|edges| !edges.is_empty()).min_by_key(Vec::len).unwrap_or_default()
            }
            what => self.cut(&|bits, held| self.has(what, bits, held), raws),
        }
    }

    fn cut(&self, has: &Has<'_>, raws: &[Raw]) -> Vec<Edge> {
        let mut gone: BTreeSet<Edge> = BTreeSet::new();
        let lives = |raw: &Raw, gone: &BTreeSet<Edge>| !raw.edges.iter().any(|e| gone.contains(e));
        let still = |gone: &BTreeSet<Edge>| {
            let left = raws.iter().filter(|r| lives(r, gone));
            has(&sum(left.clone()), &|name| left.clone().any(|r| r.role == name))
        };
        while still(&gone) {
            let cap = cap_of(raws.iter().filter(|r| lives(r, &gone)));
            let giving = raws.iter().filter(|r| lives(r, &gone) && has(&effective(r, cap), &|name| r.role == name));
            let edges: Vec<Edge> = giving.filter_map(|r| r.ends_with().cloned()).collect();
            if edges.is_empty() {
                break;
            }
            gone.extend(edges);
        }
        // What turns out to be cut by the others need not go: the greatest effect is spared first.
        let weight = |e: &Edge| match e {
            Edge::Role { .. } => 0,
            Edge::Visible { .. } | Edge::Inner { .. } | Edge::Inside { .. } | Edge::TeamRole { .. } => 1,
            Edge::Owner { .. } => 2,
            Edge::Grant { to, .. } if !matches!(to, PrincipalRecord::User(_)) => 1,
            Edge::Member { .. } => 3,
            Edge::MemberRole { .. } => 4,
            Edge::Grant { .. } => 5,
        };
        let mut order: Vec<Edge> = gone.iter().cloned().collect();
        order.sort_by_key(weight);
        // Where the highest role decides, or a role holds back, one thing less to go can free another: again,
        // until nothing is spared any more.
        loop {
            let before = gone.len();
            for edge in &order {
                if gone.remove(edge) && still(&gone) {
                    gone.insert(edge.clone());
                }
            }
            if gone.len() == before {
                return gone.into_iter().collect();
            }
        }
    }

    /// Who has something of what is asked by a role that holds everywhere; sorted. One walk over users
    /// and memberships for each thing asked, however many resources it is asked about.
    pub(super) fn holders_everywhere(&self, asked: Option<&Asked>) -> Rc<[UserId]> {
        let key = asked.map(|a| a.text.clone());
        if let Some(known) = self.everywhere.borrow().get(&key) {
            return Rc::clone(known);
        }
        let (world, at) = (self.world, self.at);
        let mut roles: FxHashMap<RoleId, bool> = FxHashMap::default();
        let mut counts = |role: RoleId| {
            *roles.entry(role).or_insert_with(|| {
                let bits = world.role_bits(role, at).held;
                match asked.map(|a| &a.what) {
                    Some(What::Name(name)) => world.role_name(role) == name,
                    _ if bits.is_empty() => false,
                    None | Some(What::Anything) => true,
                    _ if !world.measure().unpublished(&bits).is_empty() => true,
                    Some(What::Role(wanted)) => !wanted.and(bits).is_empty(),
                    Some(what) => self.has(what, &bits, &|_| false),
                }
            })
        };
        let mut found: Vec<UserId> = Vec::new();
        for id in (0..world.users_len()).map(UserId) {
            if world.user_role(id, at).is_some_and(&mut counts) {
                found.push(id);
            }
        }
        let mut counts = |role: RoleId| !world.is_bound(role, at) && counts(role);
        for id in (0..world.teams_len()).map(TeamId) {
            if world.team(id).role.at(at).is_some_and(&mut counts) {
                for team in world.team_and_inner(id) {
                    found.extend(world.possible_members(team));
                }
            }
        }
        for member in world.live().memberships() {
            if member.role.value().is_some_and(|r| counts(*r)) {
                found.push(member.user);
            }
        }
        for ((_, user), fact) in &world.members {
            if fact.after.and_then(|m| m.role).is_some_and(&mut counts) {
                found.push(*user);
            }
        }
        found.sort_unstable();
        found.dedup();
        let found: Rc<[UserId]> = found.into();
        self.everywhere.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// The resources from one outwards up to which grants are heard: those around a private one are not.
    pub(super) fn heard(&self, resource: ResourceId) -> (Vec<ResourceId>, Option<ResourceId>) {
        let mut chain: Vec<ResourceId> = Vec::new();
        let mut next = Some(resource);
        while let Some(on) = next.filter(|r| !chain.contains(r)) {
            let facts = self.world.resource(on);
            if facts.visibility.at(self.at) == Some(crate::model::Visibility::Private) {
                return (chain, Some(on));
            }
            chain.push(on);
            next = facts.parent.at(self.at);
        }
        (chain, None)
    }
}
