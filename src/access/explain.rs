//! Why somebody may do something, what would end it, and what is missing where they may not.

use std::collections::BTreeSet;

use super::Bits;
use super::ask::{Asked, Asker, Raw, What, sum};
use super::told::{Can, Edge, Explanation, Link, Missing, OnResource, Path};
use crate::model::{Principal, PrincipalRecord, ResourceId, TeamId, UserId, Visibility};

/// How many ways to get access are named where somebody has none.
const MISSING: usize = 5;

impl Asker<'_, '_> {
    /// Explains what a user may do on a resource, or in the target as a whole; of a permission or role
    /// asked about, why they may do that, or what is missing.
    #[must_use]
    pub fn explain(
        &self,
        target: &str,
        user: UserId,
        resource: Option<ResourceId>,
        asked: Option<&Asked>,
    ) -> Explanation {
        let raws = self.raws(user, resource);
        let cap = self.cap(&raws);
        let bits = sum(raws.iter());
        let what = asked.map_or(&What::Anything, |a| &a.what);
        let can = self.answer(what, &raws);
        let mut relevant: Vec<&Raw> = match (asked, can) {
            (Some(_), Can::No) => Vec::new(),
            (Some(_), Can::Unknown) => {
                raws.iter().filter(|r| !self.world.measure().unpublished(&r.bits).is_empty()).collect()
            }
            (Some(_), _) => raws.iter().filter(|r| self.counts(what, r, cap)).collect(),
            (None, _) => raws.iter().collect(),
        };
        // What begins at the resource comes before what holds everywhere, administration before both.
        relevant.sort_by_key(|r| (!r.bits.is_administrator(), r.held));
        let paths: Vec<Path> = relevant.into_iter().filter_map(|r| self.path(r, cap)).collect();
        let whole = resource.is_none() && asked.is_none();
        // What is not given everywhere may be given on resources.
        let (resources, can) = if whole || (resource.is_none() && !can.is_yes()) {
            let (resources, there) = self.on_resources(user, asked);
            let can = if whole && !resources.is_empty() && can == Can::No { Can::Yes } else { can.min(there) };
            (resources, can)
        } else {
            (Vec::new(), can)
        };
        let mut not_published: Vec<String> =
            self.world.measure().unpublished(&bits).into_iter().map(str::to_owned).collect();
        if can == Can::Unknown {
            let paths = resources.iter().flat_map(|on| &on.paths);
            not_published.extend(paths.filter(|p| p.not_published).map(|p| p.role.clone()));
            not_published.sort_unstable();
            not_published.dedup();
        }
        let to_end = if whole { Vec::new() } else { self.to_end(what, &raws) };
        let name = self.world.user_name(user);
        Explanation {
            target: target.to_owned(),
            user: name.to_owned(),
            state: Some(self.world.user_state(user, self.at)),
            until: self.world.user(user).until.at(self.at).or_else(|| self.declared.and_then(|d| d.until(name))),
            resource: resource.map(|r| self.world.resource_name(r).to_owned()),
            asked: asked.map(|a| a.text.clone()),
            can,
            administers: bits.is_administrator(),
            permissions: self.permissions(&bits),
            not_published,
            paths,
            resources,
            to_end: to_end.into_iter().map(|e| self.link(e)).collect(),
            missing: if can.is_yes() { Vec::new() } else { self.missing(user, resource, what, &raws) },
        }
    }

    /// The answer for somebody who is not in the target.
    #[must_use]
    pub fn stranger(&self, target: &str, user: &str, resource: Option<ResourceId>, asked: Option<&str>) -> Explanation {
        Explanation {
            target: target.to_owned(),
            user: user.to_owned(),
            state: None,
            until: None,
            resource: resource.map(|r| self.world.resource_name(r).to_owned()),
            asked: asked.map(str::to_owned),
            can: Can::No,
            administers: false,
            permissions: Vec::new(),
            not_published: Vec::new(),
            paths: Vec::new(),
            resources: Vec::new(),
            to_end: Vec::new(),
            missing: vec![Missing::Account],
        }
    }

    /// Whether a user may do what is asked.
    #[must_use]
    pub fn can(&self, user: UserId, resource: Option<ResourceId>, asked: &Asked) -> Can {
        self.answer(&asked.what, &self.raws(user, resource))
    }

    /// The resources on which access of a user begins, with the ways, by name; of a permission or role
    /// asked about, those where they may do it, or where that cannot be known, with the best answer.
    fn on_resources(&self, user: UserId, asked: Option<&Asked>) -> (Vec<OnResource>, Can) {
        let world = self.world;
        let teams = world.possible_teams(user);
        // One walk over the grants: for one question that is less than an index of them.
        let concerns = |p: &Principal| match p {
            Principal::User(id) => *id == user,
            Principal::Team(id) => teams.binary_search(id).is_ok(),
            Principal::Everyone => true,
        };
        let granted = world.live().grants().iter().filter(|g| concerns(&g.principal));
        let mut on: Vec<ResourceId> = granted.map(|g| g.resource).collect();
        on.extend(world.owned(user));
        on.extend(teams.iter().flat_map(|t| world.things_of(*t)));
        on.extend(world.grants.keys().copied());
        let everyone = (0..world.resources_len()).map(ResourceId);
        on.extend(everyone.filter(|r| world.resource(*r).visibility.at(self.at) == Some(Visibility::Everyone)));
        on.sort_unstable_by(|a, b| world.resource_name(*a).cmp(world.resource_name(*b)));
        on.dedup();
        let (mut found, mut best) = (Vec::new(), Can::No);
        for resource in on {
            let raws = self.raws(user, Some(resource));
            let cap = self.cap(&raws);
            let can = asked.map(|a| self.answer(&a.what, &raws));
            let here = raws.iter().filter(|r| r.on == Some(resource)).filter(|r| match (asked, can) {
                (Some(_), Some(Can::Unknown)) => !world.measure().unpublished(&r.bits).is_empty(),
                (Some(asked), Some(Can::Yes | Can::Inferred)) => self.counts(&asked.what, r, cap),
                (asked, _) => asked.is_none(),
            });
            let paths: Vec<Path> = here.filter_map(|r| self.path(r, cap)).collect();
            if !paths.is_empty() {
                best = best.min(can.unwrap_or(best));
                let within = world.resource_and_inner(resource).into_iter().skip(1);
                let within = within.filter(|r| self.heard(*r).0.contains(&resource)).count();
                found.push(OnResource { resource: world.resource_name(resource).to_owned(), within, paths });
            }
        }
        (found, best)
    }

    /// What stands between a user and what is asked, the nearest first.
    fn missing(&self, user: UserId, resource: Option<ResourceId>, what: &What, raws: &[Raw]) -> Vec<Missing> {
        let (world, at) = (self.world, self.at);
        let name = world.user_name(user);
        let state = world.user_state(user, at);
        if !world.is_active(user, at) {
            let until = world.user(user).until.at(at).or_else(|| self.declared.and_then(|d| d.until(name)));
            let until = until.filter(|u| world.has_ended(Some(*u)));
            let blocked = self.declared.and_then(|d| d.blocked(name));
            let blocked = blocked.map(|why| why.unwrap_or_else(|| "no reason is given".to_owned()));
            return vec![Missing::Standing { state, until, blocked }];
        }
        let mut missing = Vec::new();
        for raw in raws {
            let gives = self.has(what, &raw.bits, &|n| raw.role == n);
            if let Some(edge) = raw.ends_with().filter(|_| gives && !raw.held) {
                let by = raws.iter().find(|r| r.held && r.cap.is_some());
                let role = by.map_or_else(String::new, |r| r.role.clone());
                missing.push(Missing::HeldBack { role, link: self.link(last_grant(raw).unwrap_or(edge).clone()) });
            }
        }
        missing.extend(self.ended(user, resource));
        let (chain, private) = resource.map_or((Vec::new(), None), |r| self.heard(r));
        if let Some(on) = private {
            let owner = world.resource(on).owner.at(at).map(|o| world.user_name(o).to_owned());
            missing.push(Missing::Private { resource: world.resource_name(on).to_owned(), owner });
        }
        // What their own roles hold back is not had by one more grant either.
        let is_held_back = missing.iter().any(|m| matches!(m, Missing::HeldBack { .. }));
        let grants = if is_held_back { &[][..] } else { &chain[..] };
        for team in self.teams_that_have(user, grants, what) {
            if missing.len() >= MISSING {
                break;
            }
            missing.push(team);
        }
        if let Some(&first) = grants.first() {
            let roles = self.roles_that_give(first, what);
            if !roles.is_empty() {
                missing.push(Missing::Grant { resource: world.resource_name(first).to_owned(), roles });
            }
        }
        if missing.is_empty() {
            missing.push(if resource.is_some() { Missing::Nothing } else { Missing::Nowhere });
        }
        missing
    }

    /// Grants and memberships of a user whose end is past.
    fn ended(&self, user: UserId, resource: Option<ResourceId>) -> Vec<Missing> {
        let world = self.world;
        let name = world.user_name(user);
        let mut found: BTreeSet<(Edge, Option<crate::model::Moment>)> = BTreeSet::new();
        let chain: Vec<&str> =
            resource.map_or(Vec::new(), |r| self.heard(r).0).iter().map(|r| world.resource_name(*r)).collect();
        for on in resource.map_or(Vec::new(), |r| self.heard(r).0) {
            for grant in world.live().grants_on(on) {
                let to = grant.principal;
                if world.has_ended(grant.until) && (to == Principal::User(user) || to == Principal::Everyone) {
                    let (to, role) = (self.principal(to), world.role_name(grant.role).to_owned());
                    found.insert((Edge::Grant { to, resource: world.resource_name(on).to_owned(), role }, grant.until));
                }
            }
        }
        for member in world.live().memberships_of(user) {
            let until = member.until.value().copied();
            if world.has_ended(until) {
                let team = world.team_name(member.team).to_owned();
                found.insert((Edge::Member { team, user: name.to_owned() }, until));
            }
        }
        let (grants, members) = self.declared.map_or((&[][..], &[][..]), super::Declared::ended);
        for grant in grants {
            if grant.to == PrincipalRecord::User(name.to_owned()) && chain.contains(&grant.resource.as_str()) {
                let (to, resource, role) = (grant.to.clone(), grant.resource.clone(), grant.role.clone());
                found.insert((Edge::Grant { to, resource, role }, grant.until));
            }
        }
        for member in members.iter().filter(|m| m.user == name) {
            let (team, user) = (member.team.clone(), member.user.clone());
            found.insert((Edge::Member { team, user }, member.until));
        }
        let link = |(edge, until)| Missing::Ended { link: Link { until, ..self.link(edge) } };
        found.into_iter().map(link).collect()
    }

    /// The teams whose members have what is asked, by a grant on one of these resources or by their base
    /// role, and of which a user is no member, not even by a team within.
    fn teams_that_have(&self, user: UserId, chain: &[ResourceId], what: &What) -> Vec<Missing> {
        let (world, at) = (self.world, self.at);
        let mut own: Vec<TeamId> = Vec::new();
        world.memberships(user, at, |team, _| own.extend(self.outward(team)));
        let gives = |bits: &Bits, role: &str| self.has(what, bits, &|n| n == role);
        let mut found: Vec<(TeamId, Edge)> = Vec::new();
        for &on in chain {
            for principal in world.possible_principals(on) {
                let Principal::Team(team) = principal else { continue };
                if own.contains(&team) {
                    continue;
                }
                world.granted(on, principal, at, |role, _| {
                    let name = world.role_name(role);
                    if gives(&world.role_bits(role, at).given, name) {
                        let (to, resource) = (self.principal(principal), world.resource_name(on).to_owned());
                        found.push((team, Edge::Grant { to, resource, role: name.to_owned() }));
                    }
                });
            }
        }
        if !matches!(what, What::Anything) {
            let of: Vec<TeamId> = chain.iter().filter_map(|on| world.team_of(*on).at(at)).collect();
            for team in (0..world.teams_len()).map(TeamId) {
                if let Some(role) = world.team(team).role.at(at)
                    && !own.contains(&team)
                    && (!world.is_bound(role, at) || of.contains(&team))
                    && gives(
                        &world.in_team(role, chain.first().copied().filter(|_| world.is_bound(role, at)), at),
                        world.role_name(role),
                    )
                {
                    let (team_name, role) = (world.team_name(team).to_owned(), world.role_name(role).to_owned());
                    found.push((team, Edge::TeamRole { team: team_name, role }));
                }
                if found.len() > MISSING {
                    break;
                }
            }
        }
        found.truncate(MISSING);
        let one = |(team, edge)| Missing::Member { team: world.team_name(team).to_owned(), link: self.link(edge) };
        found.into_iter().map(one).collect()
    }

    /// The roles that can be granted on a resource and give what is asked.
    fn roles_that_give(&self, on: ResourceId, what: &What) -> Vec<String> {
        let world = self.world;
        let catalogue = world.measure().catalogue();
        let kind = catalogue.kinds.get(world.resource_kind(on));
        let Some(kind) = kind.filter(|k| k.grants) else { return Vec::new() };
        let gives = |role: &&String| {
            let bits = world.find_role(role).map(|id| world.role_bits(id, self.at).given);
            let bits = bits.or_else(|| world.measure().published(role)).unwrap_or_default();
            self.has(what, &bits, &|n| n == role.as_str())
        };
        kind.roles.iter().filter(gives).cloned().collect()
    }
}

/// The grant in a way, where there is one.
fn last_grant(raw: &Raw) -> Option<&Edge> {
    raw.edges.iter().rev().find(|e| matches!(e, Edge::Grant { .. }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::access::{At, World};
    use crate::model::{Catalogue, CatalogueRole, ResourceKind};
    use crate::plan::testing::{live, today};

    /// Whoever holds `viewer` is bounded to what `use` gives; the owner of a project has `edit`, which is
    /// inferred.
    fn catalogue() -> Catalogue {
        let role = |permissions: &[&str], caps_at: Option<&str>| CatalogueRole {
            permissions: Some(permissions.iter().map(|p| (*p).to_owned()).collect()),
            caps_at: caps_at.map(str::to_owned),
            ..CatalogueRole::default()
        };
        let edit = CatalogueRole { inferred: Some("the page has no row".into()), ..role(&["edit", "use"], None) };
        let roles = [("viewer", role(&[], Some("use"))), ("use", role(&["use"], None)), ("edit", edit)];
        let roles = roles.into_iter().map(|(n, r)| (n.to_owned(), r)).collect();
        let project = ResourceKind {
            roles: vec!["use".into(), "edit".into()],
            grants: true,
            visibility: true,
            owner: Some("edit".into()),
            ..ResourceKind::default()
        };
        Catalogue { roles, kinds: BTreeMap::from([("p".to_owned(), project)]), ..Catalogue::default() }
    }

    fn explained(text: &str, asked: &str) -> Explanation {
        let (directory, catalogue) = (live(text), catalogue());
        let world = World::of(&directory, &catalogue, today());
        let asker = Asker::new(&world, At::After, None);
        let asked = asker.asked(asked).unwrap();
        asker.explain("home", world.find_user("ada").unwrap(), world.find_resource("p/x"), Some(&asked))
    }

    #[test]
    fn what_a_role_of_their_own_holds_back_is_said() {
        let text = "user ada role=viewer\nres p/x\ngrant p/x ada edit";
        let told = explained(text, "edit");
        assert_eq!(told.can, Can::No);
        let first = told.missing.first().unwrap().say("ada");
        assert_eq!(first, "ada has edit on p/x, and the role viewer of ada holds it back");
        let told = explained(text, "use");
        assert_eq!(told.paths[0].held_back, ["edit"]);
        // Taking the bound away as well would give more: the grant is what ends it.
        let ends: Vec<String> = told.to_end.iter().map(|l| l.edge.thing()).collect();
        assert_eq!(ends, ["edit on p/x from ada"]);
    }

    #[test]
    fn who_is_in_a_team_is_not_told_to_join_it() {
        let text = "user ada role=viewer\nteam all\nteam a in=all\nteam b\nmember a ada\nres p/x\n\
                    grant p/x team/all edit\ngrant p/x team/b edit";
        let told = explained(text, "edit");
        let said: Vec<String> = told.missing.iter().map(|m| m.say("ada")).collect();
        assert_eq!(said, ["team/all has edit on p/x, and the role viewer of ada holds it back"]);
        let told = explained(&text.replace("member a ada", "").replace(" role=viewer", ""), "edit");
        let said: Vec<String> = told.missing.iter().map(|m| m.say("ada")).collect();
        let expected = ["all", "b"].map(|t| format!("ada is no member of team/{t}, which has edit on p/x"));
        assert_eq!(said[..2], expected);
    }

    #[test]
    fn without_a_resource_those_are_listed_where_they_may() {
        let text = "user ada\nres p/x owner=ada\nres p/y\nres p/z\ngrant p/y ada use\ngrant p/z ada edit";
        let (directory, catalogue) = (live(text), catalogue());
        let world = World::of(&directory, &catalogue, today());
        let asker = Asker::new(&world, At::After, None);
        let told = |user: &str, asked: &str| {
            asker.explain("home", world.find_user(user).unwrap(), None, Some(&asker.asked(asked).unwrap()))
        };
        let names = |e: &Explanation| e.resources.iter().map(|r| r.resource.clone()).collect::<Vec<_>>();
        let edit = told("ada", "edit");
        assert_eq!((edit.can, names(&edit)), (Can::Inferred, vec!["p/x".into(), "p/z".into()]));
        assert!(edit.paths.is_empty() && edit.missing.is_empty() && !edit.is_everywhere());
        let all = told("ada", "use");
        assert_eq!((all.can, names(&all)), (Can::Yes, vec!["p/x".into(), "p/y".into(), "p/z".into()]));
    }

    #[test]
    fn what_is_inferred_is_marked_and_what_is_published_goes_before() {
        let told = explained("user ada\nres p/x owner=ada", "use");
        assert_eq!((told.can, told.paths.len()), (Can::Inferred, 1));
        assert_eq!(told.paths[0].inferred.as_deref(), Some("the page has no row"));
        let told = explained("user ada\nres p/x owner=ada\ngrant p/x ada use", "use");
        assert_eq!((told.can, told.paths.len(), told.to_end.len()), (Can::Yes, 2, 2));
    }

    #[test]
    fn each_membership_that_leads_to_a_team_is_a_way_of_its_own() {
        let text = "user ada\nteam all\nteam a in=all\nteam b in=all\nmember a ada\nmember b ada\nres p/x\n\
                    grant p/x team/all use until=2026-09-01";
        let told = explained(text, "use");
        assert_eq!(told.paths.len(), 2);
        let ends: Vec<&Edge> = told.to_end.iter().map(|l| &l.edge).collect();
        let member = |team: &str| Edge::Member { team: team.into(), user: "ada".into() };
        assert_eq!(ends, [&member("a"), &member("b")]);
        assert!(told.paths.iter().all(|p| p.until.is_some()));
    }
}
