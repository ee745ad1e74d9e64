//! Random organizations: what is answered is what the naive model says, and what is said to end access
//! ends it.

use std::collections::{BTreeMap, BTreeSet};

use super::naive::Naive;
use super::{Asker, At, Can, Edge, Invited, Path, World};
use crate::model::*;
use crate::plan::testing::today;

/// Numbers that look drawn, and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    fn maybe<T: Copy>(&mut self, list: &[T], n: usize) -> Option<T> {
        (!list.is_empty() && self.one_in(n)).then(|| list[self.roll(list.len())])
    }
}

const PERMISSIONS: [&str; 5] = ["read", "write", "share", "run", "rule"];

fn catalogue(dice: &mut Dice) -> Catalogue {
    let combine = if dice.one_in(2) { Combine::Highest } else { Combine::Union };
    let mut roles = BTreeMap::new();
    for i in 0..6 {
        let some = (0..PERMISSIONS.len()).filter(|_| dice.one_in(3)).map(|p| PERMISSIONS[p].to_owned()).collect();
        let mut places = vec![Place::User, Place::Team, Place::Member, Place::Resource];
        if dice.one_in(3) {
            places = vec![Place::Resource];
        } else if dice.one_in(3) {
            places.pop();
        }
        let role = CatalogueRole {
            permissions: (!dice.one_in(6)).then_some(some),
            administers: i == 5,
            places,
            tier: dice.one_in(2).then(|| dice.roll(4) as u32),
            caps_at: dice.one_in(5).then(|| format!("r{}", dice.roll(6))),
            inferred: dice.one_in(6).then(|| "a guess".to_owned()),
            ..CatalogueRole::default()
        };
        roles.insert(format!("r{i}"), role);
    }
    let mut kinds = BTreeMap::new();
    for kind in ["p", "w"] {
        let roles = (0..6).filter(|_| !dice.one_in(3)).map(|i| format!("r{i}")).collect();
        let role = |dice: &mut Dice| dice.one_in(2).then(|| format!("r{}", dice.roll(6)));
        let (owner, everyone) = (role(dice), role(dice));
        let of_team = dice.one_in(3);
        let kind_is =
            ResourceKind { roles, visibility: true, grants: true, owner, everyone, of_team, ..ResourceKind::default() };
        kinds.insert(kind.to_owned(), kind_is);
    }
    Catalogue { name: "drawn".to_owned(), combine, roles, kinds, nested_teams: true, ..Catalogue::default() }
}

fn end(dice: &mut Dice) -> Option<Moment> {
    match dice.roll(6) {
        0 => Some(today().plus_days(-3)),
        1 => Some(today().plus_days(3)),
        _ => None,
    }
}

fn directory(dice: &mut Dice, catalogue: &Catalogue) -> Directory {
    let mut b = Builder::<()>::new();
    let mut roles = Vec::new();
    for (name, role) in &catalogue.roles {
        // A role that is in the catalogue alone is missing in the target now and then.
        if dice.one_in(8) {
            continue;
        }
        let permissions = role.permissions.iter().flatten().map(|p| b.permission(p)).collect();
        let administers = role.administers;
        let role = Role { name: name.as_str().into(), description: Said::Nothing, permissions, administers };
        roles.push(b.role(role, ()));
    }
    // One that the target has and the catalogue has not.
    let permissions = [b.permission("read"), b.permission("own")].into_iter().collect();
    let made = Role { name: "made".into(), description: Said::Nothing, permissions, administers: false };
    roles.push(b.role(made, ()));
    let users: Vec<UserId> = (0..5)
        .map(|i| {
            let mut user = User::new(&format!("u{i}"));
            user.role = Said::known(dice.maybe(&roles, 2));
            user.state = [UserState::Active, UserState::Active, UserState::Active, UserState::Disabled][dice.roll(4)];
            user.until = if dice.one_in(4) { Said::known(end(dice)) } else { Said::Nothing };
            b.user(user, ())
        })
        .collect();
    let mut teams: Vec<TeamId> = Vec::new();
    for i in 0..4 {
        let mut team = Team::new(&format!("t{i}"));
        team.role = Said::known(dice.maybe(&roles, 3));
        team.outer = Said::known(dice.maybe(&teams, 2));
        teams.push(b.team(team, ()));
    }
    for &team in &teams {
        for &user in &users {
            if dice.one_in(3) {
                let (role, until) = (Said::known(dice.maybe(&roles, 3)), Said::known(end(dice)));
                b.membership(Membership { team, user, role, until, because: None }, ());
            }
        }
    }
    let mut resources: Vec<ResourceId> = Vec::new();
    for i in 0..4 {
        let mut resource = Resource::new(&format!("{}/t{}/{i}", ["p", "w"][dice.roll(2)], dice.roll(4)));
        resource.parent = Said::known(dice.maybe(&resources, 2));
        let seen = [Visibility::Restricted, Visibility::Private, Visibility::Everyone, Visibility::Restricted];
        resource.visibility = Said::known(dice.maybe(&seen, 2));
        resource.owner = Said::known(dice.maybe(&users, 3));
        resources.push(b.resource(resource, ()));
    }
    for &resource in &resources {
        let people = users.iter().map(|u| Principal::User(*u)).chain(teams.iter().map(|t| Principal::Team(*t)));
        for principal in people.chain([Principal::Everyone]) {
            for &role in &roles {
                if dice.one_in(14) {
                    b.grant(Grant { resource, principal, role, until: end(dice), because: None }, ());
                }
            }
        }
    }
    b.finish().unwrap().0
}

/// Some changes, and the naive model after them.
fn changes(dice: &mut Dice, naive: &Naive) -> (Vec<Change>, Naive) {
    let mut list = Vec::new();
    let why = || Why::Undeclared;
    for member in naive.members.values() {
        match dice.roll(6) {
            0 => list.push(Change::RemoveMember { member: member.clone(), reason: why() }),
            1 => {
                let after = MemberRecord { role: None, until: end(dice), ..member.clone() };
                list.push(Change::ChangeMember { before: member.clone(), after });
            }
            _ => {}
        }
    }
    for ((resource, to), roles) in &naive.grants {
        let (to, resource, roles) = (to.clone(), resource.clone(), roles.clone());
        match dice.roll(5) {
            0 => list.push(Change::RevokeGrant { to, resource, roles, reason: why() }),
            1 => {
                let role = naive.roles.keys().nth(dice.roll(naive.roles.len())).unwrap().clone();
                let after = vec![GrantedRole { role, until: end(dice), because: None }];
                list.push(Change::ChangeGrant { to, resource, before: roles, after });
            }
            _ => {}
        }
    }
    for team in naive.teams.keys() {
        for user in naive.users.keys() {
            if !naive.members.contains_key(&(team.clone(), user.clone())) && dice.one_in(6) {
                let member = MemberRecord { team: team.clone(), user: user.clone(), ..MemberRecord::default() };
                list.push(Change::AddMember { member });
            }
        }
    }
    for user in naive.users.values() {
        if dice.one_in(5) {
            let role = naive.roles.keys().nth(dice.roll(naive.roles.len())).cloned();
            list.push(Change::UpdateUser { before: user.clone(), after: UserRecord { role, ..user.clone() } });
        }
    }
    let mut after = naive.clone();
    for change in &list {
        after.apply(change).unwrap();
    }
    (list, after)
}

/// The permissions that some words of the naive model stand for; `None` for everything.
fn permissions(catalogue: &Catalogue, words: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    if words.contains("ADMIN") {
        return None;
    }
    let plain = words.iter().filter(|w| !w.starts_with(['?', '^']));
    let mut all: BTreeSet<String> = plain.cloned().collect();
    let held: Vec<(&String, &CatalogueRole)> =
        catalogue.roles.iter().filter(|(name, _)| words.contains(&format!("^{name}"))).collect();
    let height = |r: &CatalogueRole| r.tier.map_or(r.permissions.as_ref().map_or(0, Vec::len), |t| t as usize);
    let people = |r: &CatalogueRole| r.places.iter().any(|p| *p != Place::Resource);
    for (name, role) in &held {
        let topped = held.iter().any(|(other, above)| {
            let kind = |k: &ResourceKind| k.roles.contains(name) && k.roles.contains(other);
            let meet = catalogue.kinds.values().any(kind) || (people(role) && people(above));
            name != other && meet && height(above) > height(role)
        });
        if !topped {
            all.extend(role.permissions.iter().flatten().cloned());
        }
    }
    Some(all)
}

/// What is asked of the naive model.
#[derive(Debug)]
enum Ask {
    Permission(String),
    Role(String),
}

fn may(naive: &Naive, catalogue: &Catalogue, user: &str, on: Option<&str>, ask: &Ask) -> bool {
    let has = naive.access(catalogue, today(), user, on);
    match ask {
        Ask::Permission(name) => permissions(catalogue, &has).is_none_or(|p| p.contains(name)),
        Ask::Role(name) => has.contains("ADMIN") || naive.gives(catalogue, name, true).iter().all(|w| has.contains(w)),
    }
}

/// Takes one fact away.
fn cut(naive: &mut Naive, edge: &Edge) {
    match edge {
        Edge::Role { user, .. } => naive.users.get_mut(user).unwrap().role = None,
        Edge::Member { team, user } => drop(naive.members.remove(&(team.clone(), user.clone())).unwrap()),
        Edge::MemberRole { team, user, .. } => {
            naive.members.get_mut(&(team.clone(), user.clone())).unwrap().role = None;
        }
        Edge::TeamRole { team, .. } => naive.teams.get_mut(team).unwrap().role = None,
        Edge::Inner { team, .. } => naive.teams.get_mut(team).unwrap().outer = None,
        Edge::Grant { to, resource, role } => {
            let roles = naive.grants.get_mut(&(resource.clone(), to.clone())).unwrap();
            let before = roles.len();
            roles.retain(|r| r.role != *role);
            assert!(roles.len() < before, "{edge:?} is there");
        }
        Edge::Owner { resource, .. } => naive.resources.get_mut(resource).unwrap().owner = None,
        Edge::Visible { resource } => {
            naive.resources.get_mut(resource).unwrap().visibility = Some(Visibility::Restricted);
        }
        Edge::Inside { resource, .. } => naive.resources.get_mut(resource).unwrap().parent = None,
    }
}

/// The organization in which nothing gives access but one way.
fn alone(naive: &Naive, path: &Path) -> Naive {
    let has = |edge: &Edge| path.links.iter().any(|l| l.edge == *edge);
    let mut it = naive.clone();
    for user in it.users.values_mut() {
        user.role = user.role.take().filter(|r| has(&Edge::Role { user: user.email.clone(), role: r.clone() }));
    }
    for team in it.teams.values_mut() {
        let name = team.name.clone();
        team.role = team.role.take().filter(|r| has(&Edge::TeamRole { team: name.clone(), role: r.clone() }));
        team.outer = team.outer.take().filter(|o| has(&Edge::Inner { team: name.clone(), outer: o.clone() }));
    }
    it.members.retain(|(team, user), _| has(&Edge::Member { team: team.clone(), user: user.clone() }));
    for ((team, user), member) in &mut it.members {
        let edge = |r: &String| Edge::MemberRole { team: team.clone(), user: user.clone(), role: r.clone() };
        member.role = member.role.take().filter(|r| has(&edge(r)));
    }
    for ((resource, to), roles) in &mut it.grants {
        roles.retain(|r| has(&Edge::Grant { to: to.clone(), resource: resource.clone(), role: r.role.clone() }));
    }
    for resource in it.resources.values_mut() {
        let name = resource.name.clone();
        resource.owner =
            resource.owner.take().filter(|u| has(&Edge::Owner { resource: name.clone(), user: u.clone() }));
        resource.parent =
            resource.parent.take().filter(|p| has(&Edge::Inside { resource: name.clone(), parent: p.clone() }));
        if resource.visibility == Some(Visibility::Everyone) && !has(&Edge::Visible { resource: name }) {
            resource.visibility = Some(Visibility::Restricted);
        }
    }
    it
}

fn has_caps(catalogue: &Catalogue) -> bool {
    catalogue.roles.values().any(|r| r.caps_at.is_some())
}

/// How often something was looked at: a test that never sees a case shows nothing of it.
#[derive(Debug, Default)]
struct Seen {
    yes: usize,
    inferred: usize,
    unknown: usize,
    no: usize,
    ended: usize,
    ended_in_several: usize,
    held_back: usize,
    nested: usize,
    inherited: usize,
    owned: usize,
    visible: usize,
    private: usize,
}

fn check(seed: u64, seen: &mut Seen) {
    let dice = &mut Dice(seed);
    let catalogue = catalogue(dice);
    let directory = directory(dice, &catalogue);
    let before = Naive::of(&directory);
    let (list, after) = changes(dice, &before);
    let world = World::with(&directory, &catalogue, today(), list.iter());
    for (at, naive) in [(At::Before, &before), (At::After, &after)] {
        let asker = Asker::new(&world, at, None);
        for user in naive.users.keys() {
            let id = world.find_user(user).unwrap();
            let resources = naive.resources.keys().map(|r| Some(r.as_str())).chain([None]);
            for on in resources {
                let resource = on.map(|r| world.find_resource(r).unwrap());
                let real = naive.access(&catalogue, today(), user, on);
                let bits = world.access(id, resource, at, Invited::Nothing);
                assert_eq!(world.measure().words(&bits), with_everything(&real, &world), "{seed} {user} {on:?}");
                let told = asker.explain("home", id, resource, None);
                assert_eq!(told.administers, real.contains("ADMIN"), "{seed}");
                if let Some(names) = permissions(&catalogue, &real) {
                    assert_eq!(told.permissions, names.into_iter().collect::<Vec<_>>(), "{seed} {user} {on:?}");
                }
                if resource.is_some() {
                    assert_eq!(told.can.is_yes(), !real.is_empty(), "{seed} {user} {on:?} {told:?}");
                }
                for path in &told.paths {
                    is_real(naive, &catalogue, user, on, path, seed, seen);
                }
            }
        }
        for on in naive.resources.keys() {
            ask_all(&asker, &catalogue, naive, on, seed, seen);
        }
    }
}

/// What an administrator has is all there is, in the naive model as well.
fn with_everything(words: &BTreeSet<String>, world: &World<'_>) -> BTreeSet<String> {
    if words.contains("ADMIN") { world.measure().words(&super::Bits::ALL) } else { words.clone() }
}

/// That a way gives by itself what it is said to give, and nothing once any of its facts is gone.
fn is_real(
    naive: &Naive,
    catalogue: &Catalogue,
    user: &str,
    on: Option<&str>,
    path: &Path,
    seed: u64,
    seen: &mut Seen,
) {
    seen.held_back += usize::from(!path.held_back.is_empty());
    for link in &path.links {
        match link.edge {
            Edge::Inner { .. } => seen.nested += 1,
            Edge::Inside { .. } => seen.inherited += 1,
            Edge::Owner { .. } => seen.owned += 1,
            Edge::Visible { .. } => seen.visible += 1,
            _ => {}
        }
    }
    let gives = |n: &Naive| permissions(catalogue, &n.access(catalogue, today(), user, on));
    let single = alone(naive, path);
    match gives(&single) {
        None => assert!(path.administers || path.permissions.is_empty(), "{seed} {path:?}"),
        Some(has) if catalogue.combine == Combine::Union || !has_caps(catalogue) => {
            assert!(path.permissions.iter().all(|p| has.contains(p)), "{seed} {user} {on:?} {path:?} {has:?}");
        }
        Some(_) => {}
    }
    if path.permissions.is_empty() {
        return;
    }
    for link in &path.links {
        let mut broken = single.clone();
        cut(&mut broken, &link.edge);
        assert_eq!(gives(&broken), Some(BTreeSet::new()), "{seed} {user} {on:?} without {:?}: {path:?}", link.edge);
    }
}

/// Every question about a resource.
fn ask_all(asker: &Asker<'_, '_>, catalogue: &Catalogue, naive: &Naive, on: &str, seed: u64, seen: &mut Seen) {
    let world = asker.world();
    let resource = world.find_resource(on).unwrap();
    seen.private += usize::from(naive.resources[on].visibility == Some(Visibility::Private));
    let mut asks: Vec<Ask> = PERMISSIONS.iter().map(|p| Ask::Permission((*p).to_owned())).collect();
    asks.push(Ask::Permission("own".to_owned()));
    asks.extend(naive.roles.keys().map(|r| Ask::Role(r.clone())));
    for ask in asks {
        let (Ask::Permission(text) | Ask::Role(text)) = &ask;
        let Some(asked) = asker.asked(text) else {
            assert!(naive.users.keys().all(|u| !may_plainly(naive, catalogue, u, on, &ask)), "{seed} {ask:?}");
            continue;
        };
        if matches!(&ask, Ask::Role(r) if naive.gives(catalogue, r, true).is_empty()) {
            continue;
        }
        let told = asker.who("home", resource, Some(&asked));
        let mut sure = BTreeSet::new();
        for user in naive.users.keys() {
            let explained = asker.explain("home", world.find_user(user).unwrap(), Some(resource), Some(&asked));
            let real = may(naive, catalogue, user, Some(on), &ask);
            assert_eq!(explained.can.is_yes(), real, "{seed} {user} {on} {ask:?} {explained:?}");
            let words = naive.access(catalogue, today(), user, Some(on));
            let hidden = |role: &str| !naive.gives(catalogue, role, true).contains("ADMIN");
            let hidden = if let Ask::Role(role) = &ask { hidden(role) } else { true };
            let open = !real && hidden && words.iter().any(|w| w.starts_with('?'));
            assert_eq!(explained.can == Can::Unknown, open, "{seed} {user} {on} {ask:?}");
            if explained.can != Can::No {
                sure.insert((user.clone(), explained.can));
            }
            match explained.can {
                Can::Yes => seen.yes += 1,
                Can::Inferred => seen.inferred += 1,
                Can::Unknown => seen.unknown += 1,
                Can::No => seen.no += 1,
            }
            assert_eq!(explained.missing.is_empty(), real, "{seed} {ask:?} {explained:?}");
            let edges: Vec<&Edge> = explained.to_end.iter().map(|l| &l.edge).collect();
            assert_eq!(edges.is_empty(), !real, "{seed} {user} {on} {ask:?} {explained:?}");
            if real {
                seen.ended += 1;
                seen.ended_in_several += usize::from(edges.len() > 1);
                let without = |kept: Option<usize>| {
                    let mut it = naive.clone();
                    edges.iter().enumerate().filter(|(i, _)| Some(*i) != kept).for_each(|(_, e)| cut(&mut it, e));
                    may(&it, catalogue, user, Some(on), &ask)
                };
                assert!(!without(None), "{seed} {user} {on} {ask:?} is not ended by {edges:?}");
                for (kept, edge) in edges.iter().enumerate() {
                    assert!(without(Some(kept)), "{seed} {user} {on} {ask:?}: {edge:?} need not go");
                }
            }
        }
        let listed: BTreeSet<(String, Can)> = told.users.iter().map(|h| (h.user.clone(), h.can)).collect();
        assert_eq!(listed, sure, "{seed} {on} {ask:?}");
        assert!(told.users.iter().all(|h| !h.via.is_empty()), "{seed} {told:?}");
    }
    let anything: BTreeSet<String> = asker.who("home", resource, None).users.into_iter().map(|h| h.user).collect();
    let users = naive.users.keys().filter(|u| !naive.access(catalogue, today(), u, Some(on)).is_empty());
    assert_eq!(anything, users.cloned().collect(), "{seed} {on}");
}

/// Whether somebody who is no administrator may do something: they may all that is known, and more.
fn may_plainly(naive: &Naive, catalogue: &Catalogue, user: &str, on: &str, ask: &Ask) -> bool {
    let admin = naive.access(catalogue, today(), user, Some(on)).contains("ADMIN");
    !admin && may(naive, catalogue, user, Some(on), ask)
}

#[test]
fn answers_are_those_of_the_naive_model() {
    // The larger organizations: a few for each thousand of the small ones in `plan::moments`.
    let cases = std::env::var("ROLECALL_CASES").ok().and_then(|c| c.parse::<u64>().ok()).map_or(120, |c| c / 160);
    let mut seen = Seen::default();
    for seed in 0..cases {
        check(seed, &mut seen);
    }
    let Seen {
        yes,
        inferred,
        unknown,
        no,
        ended,
        ended_in_several,
        held_back,
        nested,
        inherited,
        owned,
        visible,
        private,
    } = seen;
    for count in
        [yes, inferred, unknown, no, ended, ended_in_several, held_back, nested, inherited, owned, visible, private]
    {
        // A short run meets too little to be judged by.
        assert!(count > 100 || cases < 100, "{seen:?}");
    }
}

/// `roles-exclusive` misses nobody: who holds two roles of a group together anywhere is named, and where
/// the roles meet only in teams, who holds no two together is not.
#[test]
fn who_holds_what_excludes_each_other_is_named() {
    let (mut clashing, mut bound, mut clear) = (0, 0, 0);
    for seed in 0..400 {
        let dice = &mut Dice(seed);
        let catalogue = catalogue(dice);
        let directory = directory(dice, &catalogue);
        let naive = Naive::of(&directory);
        let group = [format!("r{}", dice.roll(5)), format!("r{}", dice.roll(5))];
        if group[0] == group[1] || group.iter().any(|r| directory.find_role(r).is_none()) {
            continue;
        }
        let mut desired = crate::plan::testing::desired("");
        desired.catalogue = std::sync::Arc::new(catalogue.clone());
        desired.rules.exclusive = vec![group.iter().map(|r| r.as_str().into()).collect()];
        let subject = crate::invariants::Subject::whole(&directory, &desired, today());
        let found = crate::invariants::errors(&subject);
        let named = |user: &str| {
            found.iter().any(|b| b.rule.name() == "roles-exclusive" && b.message.starts_with(&format!("{user} holds ")))
        };
        let places = || naive.resources.keys().map(|r| Some(r.as_str())).chain([None]);
        // What ends or is hidden is counted by the check all the same: it may be there tomorrow.
        let mut lasting = naive.clone();
        lasting.members.values_mut().for_each(|m| m.until = None);
        lasting.users.values_mut().for_each(|u| u.until = None);
        lasting.grants.values_mut().flatten().for_each(|r| r.until = None);
        lasting.resources.values_mut().for_each(|r| r.visibility = Some(Visibility::Restricted));
        for user in naive.users.keys() {
            let both = |naive: &Naive, on: Option<&str>| {
                let held = naive.roles_on(&catalogue, user, on, today());
                group.iter().all(|r| held.contains(r))
            };
            if places().any(|on| both(&naive, on)) {
                clashing += 1;
                bound += usize::from(!both(&naive, None) && catalogue.binds_teams());
                assert!(named(user), "{seed} {user} {group:?}");
            }
            let own = format!("{user} holds ");
            // In a team without resources they meet as well.
            let in_team = found.iter().any(|b| b.message.starts_with(&own) && b.message.contains(" in team "));
            if !places().any(|on| both(&lasting, on)) && !in_team {
                clear += 1;
                assert!(!named(user), "{seed} {user} {group:?}");
            }
        }
    }
    assert!(clashing > 100 && bound > 50 && clear > 100, "{clashing} {bound} {clear}");
}
