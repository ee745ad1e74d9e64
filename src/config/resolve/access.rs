//! Resources and grants: the largest part of most declarations, so nothing here looks at a text twice
//! that it has seen before.

use std::collections::HashMap;

use super::people::{Rename, check_renames};
use super::roles::At;
use super::teams::circles;
use super::{CIRCLE_SHOWN, Resolver, circle_named, twice};
use crate::config::declaration::{GrantDecl, Grantee, GranteeDecl, ResourceDecl};
use crate::config::decode::{Sp, Sym, Table, sym_index};
use crate::diagnostic::{Code, Finding, Severity, Span};
use crate::model::{Grant, Kind, Moment, Principal, Resource, ResourceId, RoleId, Said, TeamId, UserId};

/// Where a text leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen<T> {
    /// Not looked at yet.
    No,
    /// Looked at and reported.
    Broken,
    /// Leads there.
    Is(T),
}

/// What texts have turned out to mean, by symbol.
struct Memo {
    resources: Vec<Seen<(u32, ResourceId)>>,
    users: Vec<Seen<u32>>,
    teams: HashMap<(u32, Sym), Option<TeamId>>,
    roles: HashMap<(u32, Sym, u32), Option<RoleId>>,
    /// The kinds of the declared resources, by target and number.
    kinds: HashMap<(u32, ResourceId), u32>,
    kind_names: Vec<String>,
}

/// A grant on its way.
#[derive(Clone, Copy)]
struct Wanted {
    target: usize,
    resource: ResourceId,
    principal: Principal,
    role: RoleId,
    until: Option<Moment>,
    because: Option<Sym>,
    span: Span,
}

impl Resolver<'_> {
    /// Adds resources and grants.
    pub fn add_resources_and_grants(&mut self, resources: Table<ResourceDecl>, grants: &[GrantDecl]) {
        let symbols = self.names.len();
        let mut memo = Memo {
            resources: vec![Seen::No; symbols],
            users: vec![Seen::No; symbols],
            teams: HashMap::new(),
            roles: HashMap::new(),
            kinds: HashMap::new(),
            kind_names: Vec::new(),
        };
        // Names per target, in their own form, to find what a reference with or without prefix means.
        let mut by_name: HashMap<(usize, String), (ResourceId, Span)> = HashMap::new();
        let mut placed = Vec::new();
        let broken: Vec<Sp<Sym>> = resources.broken.clone();
        for (key, decl) in resources.rows {
            let text = self.text(key.value);
            let Some((target, name)) = self.resource_target(key, text) else {
                memo.resources[sym_index(key.value)] = Seen::Broken;
                continue;
            };
            if let Some((_, first)) = by_name.get(&(target, name.to_owned())) {
                self.sink.push(twice(&format!("the resource `{text}`"), *first, key.span));
                continue;
            }
            let mut resource = Resource::new(name);
            resource.description = decl.description.clone().map(|d| d.0);
            resource.visibility = decl.visibility.map_or(Said::Unsaid, |v| Said::Is(v.value));
            resource.was = decl.was.map(|at| {
                let was = self.text(at.value);
                self.split_prefix(was).map_or(was, |(_, rest)| rest).into()
            });
            if let Some(at) = decl.was
                && resource.was.as_deref() == Some(name)
            {
                let finding = Finding::at(Code::NoEffect, at.span, "`was:` names the resource itself");
                self.sink.push(finding.help("name what it was called before, or take it away"));
            }
            let kind = resource.kind().to_owned();
            if let Some(at) = decl.visibility
                && self.targets[target].catalogue.kinds.get(&kind).is_some_and(|k| !k.visibility)
            {
                let text = format!("a {kind} of `{}` has no visibility", self.targets[target].name);
                self.sink.push(Finding::at(Code::CannotDo, at.span, text).help("take `visibility:` away"));
            }
            let id = self.targets[target].builder.resource(resource, key.span);
            if decl.access.is_some() {
                self.targets[target].listed_access.push(id);
            }
            let kind_number = memo.kind_names.iter().position(|k| *k == kind).unwrap_or_else(|| {
                memo.kind_names.push(kind);
                memo.kind_names.len() - 1
            });
            memo.kinds.insert((target as u32, id), kind_number as u32);
            memo.resources[sym_index(key.value)] = Seen::Is((target as u32, id));
            by_name.insert((target, name.to_owned()), (id, key.span));
            placed.push((key, target, id, decl));
        }
        for key in broken {
            memo.resources[sym_index(key.value)] = Seen::Broken;
        }
        let renames: Vec<Rename> = placed
            .iter()
            .filter_map(|(key, _, _, decl)| {
                let was = decl.was?;
                Some(Rename {
                    from: self.text(was.value).to_owned(),
                    to: self.text(key.value).to_owned(),
                    span: was.span,
                })
            })
            .collect();
        let declared: HashMap<&str, Span> = placed.iter().map(|(key, ..)| (self.text(key.value), key.span)).collect();
        let mut found = check_renames(&renames, &declared, "resource");
        for (key, _, _, decl) in &placed {
            let kind = |sym| self.text(sym).split_once('/').map(|(k, _)| k.rsplit(':').next().unwrap_or(k));
            if let Some(was) = decl.was.filter(|was| kind(was.value) != kind(key.value)) {
                let text = format!("`{}` is of another kind, so it did not become this", self.text(was.value));
                found.push(
                    Finding::at(Code::Contradiction, was.span, text)
                        .help("a resource keeps its kind when it is renamed"),
                );
            }
        }
        for finding in found {
            self.sink.push(finding);
        }
        let names: Vec<(String, Span)> =
            placed.iter().map(|(key, ..)| (self.text(key.value).to_owned(), key.span)).collect();
        self.check_look_alike_names(&names, "resource");
        drop((names, declared, renames));
        self.complete_resources(&placed, &by_name, &mut memo);
        for (_, target, id, decl) in &placed {
            for (role, grantees) in decl.access.iter().flat_map(|t| &t.rows) {
                for Grantee(grantee) in grantees.iter() {
                    self.grant_one(*target, *id, grantee.to.0, *role, grantee, &mut memo);
                }
            }
        }
        for grant in grants {
            for resource in grant.resource.0.iter() {
                let Some((target, id)) = self.resource_called(*resource, &by_name, &mut memo) else { continue };
                for to in grant.to.0.iter() {
                    for role in grant.role.0.iter() {
                        let grantee = GranteeDecl {
                            span: grant.span,
                            to: crate::config::decode::Needed(*to),
                            until: grant.until,
                            because: grant.because,
                        };
                        self.grant_one(target, id, *to, *role, &grantee, &mut memo);
                    }
                }
            }
        }
    }

    /// The target of a resource, and its name there.
    fn resource_target<'t>(&mut self, at: Sp<Sym>, text: &'t str) -> Option<(usize, &'t str)> {
        let (prefix, name) = match text.split_once(':') {
            Some((prefix, name)) if !prefix.contains('/') => (Some(prefix), name),
            _ => (None, text),
        };
        let Some((kind, rest)) = name.split_once('/') else {
            let message = format!("`{text}` is no resource: it has no kind");
            self.sink.push(Finding::at(Code::BadName, at.span, message).help("write `kind/name`, as in project/fraud"));
            return None;
        };
        if kind.is_empty() || rest.is_empty() {
            let message = format!("`{text}` is no resource: the kind or the name is empty");
            self.sink.push(Finding::at(Code::BadName, at.span, message).help("write `kind/name`, as in project/fraud"));
            return None;
        }
        let has = |r: &Self, t: usize| r.targets[t].catalogue.kinds.contains_key(kind);
        let candidates: Vec<usize> = match prefix {
            Some(prefix) => {
                let called = self.targets_called(prefix);
                if called.is_empty() {
                    let known: Vec<&str> = self.targets.iter().map(|t| t.name.as_str()).collect();
                    let help = crate::config::nearest(prefix, known.iter().copied())
                        .map_or(format!("there are: {}", known.join(", ")), |n| format!("did you mean `{n}:{name}`?"));
                    let message = format!("there is no target or label `{prefix}`");
                    self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
                    return None;
                }
                called
            }
            None => (0..self.targets.len()).collect(),
        };
        let holders: Vec<usize> = candidates.iter().copied().filter(|&t| has(self, t)).collect();
        match holders.as_slice() {
            [one] => Some((*one, name)),
            [] => {
                // A catalogue that could not be read has no kinds, and is reported already.
                if candidates.iter().any(|&t| self.targets[t].catalogue.name.is_empty()) {
                    return None;
                }
                let mut known: Vec<&str> = candidates
                    .iter()
                    .flat_map(|&t| self.targets[t].catalogue.kinds.keys().map(String::as_str))
                    .collect();
                known.sort_unstable();
                known.dedup();
                let help = match crate::config::nearest(kind, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}/{rest}`?"),
                    None if known.is_empty() => "this system has no resources that rolecall knows of".to_owned(),
                    None => format!("there are: {}", known.join(", ")),
                };
                let message = match prefix {
                    Some(prefix) => format!("`{prefix}` has no kind of resource called `{kind}`"),
                    None => format!("no target has a kind of resource called `{kind}`"),
                };
                self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
                None
            }
            several => {
                let choices: Vec<String> =
                    several.iter().map(|&t| format!("`{}:{name}`", self.targets[t].name)).collect();
                let message = format!("several targets have a kind of resource called `{kind}`");
                let help = format!("write {}", choices.join(" or "));
                self.sink.push(Finding::at(Code::Ambiguous, at.span, message).help(help));
                None
            }
        }
    }

    /// The declared resource that a text means.
    fn resource_called(
        &mut self,
        at: Sp<Sym>,
        by_name: &HashMap<(usize, String), (ResourceId, Span)>,
        memo: &mut Memo,
    ) -> Option<(usize, ResourceId)> {
        match memo.resources[sym_index(at.value)] {
            Seen::Is((target, id)) => return Some((target as usize, id)),
            Seen::Broken => return None,
            Seen::No => {}
        }
        let text = self.text(at.value);
        let found = self.resource_target(at, text).and_then(|(target, name)| {
            let found = by_name.get(&(target, name.to_owned()));
            if found.is_none() {
                let known = by_name.keys().filter(|(t, _)| *t == target).map(|(_, n)| n.as_str());
                let otherwise = format!("declare it under `resources:`, if only as `{text}: {{}}`");
                self.unknown(Sp { value: at.value, span: at.span }, "resource", known, &otherwise);
            }
            found.map(|(id, _)| (target, *id))
        });
        memo.resources[sym_index(at.value)] = found.map_or(Seen::Broken, |(target, id)| Seen::Is((target as u32, id)));
        found
    }

    /// Fills in what refers to other resources and to users.
    fn complete_resources(
        &mut self,
        placed: &[(Sp<Sym>, usize, ResourceId, ResourceDecl)],
        by_name: &HashMap<(usize, String), (ResourceId, Span)>,
        memo: &mut Memo,
    ) {
        let mut outer: HashMap<(usize, ResourceId), ((usize, ResourceId), usize)> = HashMap::new();
        for (index, (_, target, id, decl)) in placed.iter().enumerate() {
            let parent = match decl.parent {
                Said::Is(at) => match self.resource_called(at, by_name, memo) {
                    Some((other, parent)) if other == *target => {
                        self.check_parent(*target, *id, parent, at, memo);
                        outer.insert((*target, *id), ((other, parent), index));
                        Said::Is(parent)
                    }
                    Some((other, _)) => {
                        let text = format!("this resource belongs to `{}`", self.targets[other].name);
                        let help = "a resource lies in one of the same target";
                        self.sink.push(Finding::at(Code::NotInTarget, at.span, text).help(help));
                        Said::Unsaid
                    }
                    None => Said::Unsaid,
                },
                Said::Nothing => Said::Nothing,
                Said::Unsaid => Said::Unsaid,
            };
            let owner = match decl.owner {
                Said::Is(at) => self.user_in_target(*target, at).map_or(Said::Unsaid, Said::Is),
                Said::Nothing => Said::Nothing,
                Said::Unsaid => Said::Unsaid,
            };
            if let Some(resource) = self.targets[*target].builder.resource_mut(*id) {
                resource.parent = parent;
                resource.owner = owner;
            }
        }
        for circle in circles(&outer) {
            let names = circle_named(circle.iter().map(|(_, i)| format!("`{}`", self.text(placed[*i].0.value))));
            let text = format!("resources lie in each other in a circle: {names}");
            let span_of = |i: usize| placed[i].3.parent.value().map_or(placed[i].0.span, |at| at.span);
            let mut circle: Vec<usize> = circle.into_iter().map(|(_, i)| i).collect();
            circle.sort_unstable();
            let mut finding = Finding::at(Code::Cycle, span_of(circle[0]), text);
            for index in circle.iter().skip(1).take(CIRCLE_SHOWN - 1) {
                finding = finding.also(span_of(*index), "and this");
            }
            self.sink.push(finding.help("take one `in:` away"));
        }
    }

    fn check_parent(&mut self, target: usize, id: ResourceId, parent: ResourceId, at: Sp<Sym>, memo: &Memo) {
        let name = |id| memo.kinds.get(&(target as u32, id)).map(|k| memo.kind_names[*k as usize].clone());
        let (Some(kind), Some(parent_kind)) = (name(id), name(parent)) else { return };
        let Some(known) = self.targets[target].catalogue.kinds.get(&kind) else { return };
        if !known.parents.contains(&parent_kind) {
            let text = format!("a {kind} does not lie in a {parent_kind}");
            let help = match known.parents.as_slice() {
                [] => format!("a {kind} lies in nothing: take `in:` away"),
                parents => format!("it lies in: {}", parents.join(", ")),
            };
            self.sink.push(Finding::at(Code::CannotDo, at.span, text).help(help));
        }
    }

    /// The user that a text means, as one of a target.
    pub fn user_in_target(&mut self, target: usize, at: Sp<Sym>) -> Option<UserId> {
        let user = self.user(at)?;
        let found = self.targets[target].user_ids.get(&user).copied();
        if found.is_none() && self.users[user as usize].decl.is_some() {
            self.not_in_target(at, user, target);
        }
        found
    }

    /// The principal that a text means in a target.
    fn principal(&mut self, target: usize, at: Sp<Sym>, memo: &mut Memo) -> Option<Principal> {
        match memo.users[sym_index(at.value)] {
            Seen::Is(user) => {
                if let Some(&id) = self.targets[target].user_ids.get(&user) {
                    return Some(Principal::User(id));
                }
                return self.user_in_target(target, at).map(Principal::User);
            }
            Seen::Broken => return None,
            Seen::No => {}
        }
        let text = self.text(at.value);
        if text == "everyone" {
            return Some(Principal::Everyone);
        }
        if let Some(name) = text.strip_prefix("team/") {
            if let Some(found) = memo.teams.get(&(target as u32, at.value)) {
                return found.map(Principal::Team);
            }
            if !self.targets[target].profile.kinds.contains(&Kind::Team) {
                let message =
                    format!("`{}` ({}) has no teams", self.targets[target].name, self.targets[target].profile.provider);
                self.sink.push(Finding::at(Code::CannotDo, at.span, message).help("grant it to users"));
                memo.teams.insert((target as u32, at.value), None);
                return None;
            }
            let found = self.team_in(target, at, name);
            memo.teams.insert((target as u32, at.value), found);
            return found.map(Principal::Team);
        }
        if self.user_called(at.value).is_none() && self.team_named(text).is_some() {
            let message = format!("`{text}` is a team, not a user");
            self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(format!("write `team/{text}`")));
            memo.users[sym_index(at.value)] = Seen::Broken;
            return None;
        }
        let found = self.user(at);
        memo.users[sym_index(at.value)] = found.map_or(Seen::Broken, Seen::Is);
        if found.is_some() { self.principal(target, at, memo) } else { None }
    }

    fn grant_one(
        &mut self,
        target: usize,
        resource: ResourceId,
        to: Sp<Sym>,
        role: Sp<Sym>,
        grantee: &GranteeDecl,
        memo: &mut Memo,
    ) {
        let principal = self.principal(target, to, memo);
        let kind = memo.kinds.get(&(target as u32, resource)).copied().unwrap_or(u32::MAX);
        let key = (target as u32, role.value, kind);
        let role_id = match memo.roles.get(&key) {
            Some(found) => *found,
            None => {
                let name = memo.kind_names.get(kind as usize).cloned().unwrap_or_default();
                let found = self.granted_role(target, &name, role);
                memo.roles.insert(key, found);
                found
            }
        };
        if let (Some(principal), Some(role)) = (principal, role_id) {
            let until = grantee.until.map(|u| u.value);
            self.add_grant(Wanted {
                target,
                resource,
                principal,
                role,
                until,
                because: grantee.because.map(|b| b.0),
                span: grantee.span,
            });
        }
    }

    fn granted_role(&mut self, target: usize, kind: &str, role: Sp<Sym>) -> Option<RoleId> {
        if self.targets[target].catalogue.kinds.get(kind).is_some_and(|k| !k.grants) {
            let parents = self.targets[target].catalogue.kinds[kind].parents.join(" or ");
            let text =
                format!("access to a {kind} cannot be granted directly: it comes from the {parents} that it lies in");
            let finding = Finding::at(Code::InheritedNotRepeated, role.span, text).severity(Severity::Error);
            self.sink.push(finding.help(format!("grant it on the {parents}")));
            return None;
        }
        self.role_in(target, role, At::Resource(kind))
    }

    fn add_grant(&mut self, wanted: Wanted) {
        let Wanted { target, resource, principal, role, until, because, span } = wanted;
        if let Some(until) = until
            && until.is_past(self.now)
        {
            let text = format!("this grant ended {}", until.short());
            let finding = Finding::at(Code::Expired, span, text);
            self.sink.push(finding.help("it is not given any more; take the line away"));
            let builder = &self.targets[target].builder;
            if let Some(record) = builder.grant_record(resource, principal, role, until) {
                self.targets[target].ended_grants.push(record);
            }
            return;
        }
        let builder = &mut self.targets[target].builder;
        let because = because.map(|b| builder.reason(self.names.resolve(b).unwrap_or_default()));
        builder.grant(Grant { resource, principal, role, until, because }, span);
    }
}
