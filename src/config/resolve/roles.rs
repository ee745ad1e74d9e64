//! Roles: what the files declare, and what a name means in a target.

use std::collections::BTreeMap;

use super::{Resolver, twice};
use crate::config::declaration::{PermissionsDecl, RoleDecl};
use crate::config::decode::{Sp, Sym, Table};
use crate::diagnostic::{Code, Finding, Span};
use crate::model::{Permissions, Place, Role, RoleId, Said};

/// A declared role.
#[derive(Debug)]
pub(in crate::config) struct RoleInfo {
    pub span: Span,
    /// The native role by target.
    pub mapping: BTreeMap<usize, (String, Span)>,
    /// The targets in which it is made, and the places where it can be held there.
    pub made_in: Vec<usize>,
    pub places: Vec<Place>,
}

/// A place in which a role is named, for the message and the check.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) enum At<'a> {
    User,
    Team,
    Member,
    /// On a resource of this kind.
    Resource(&'a str),
}

impl At<'_> {
    fn place(self) -> Place {
        match self {
            Self::User => Place::User,
            Self::Team => Place::Team,
            Self::Member => Place::Member,
            Self::Resource(_) => Place::Resource,
        }
    }

    fn described(self) -> String {
        match self {
            Self::User => "by a user".to_owned(),
            Self::Team => "by a team".to_owned(),
            Self::Member => "by a member in a team".to_owned(),
            Self::Resource(kind) => format!("on a {kind}"),
        }
    }
}

/// Where a role can be held for which nothing is said.
pub(super) const ALL_PLACES: [Place; 4] = [Place::User, Place::Team, Place::Member, Place::Resource];

impl Resolver<'_> {
    /// Adds the declared roles.
    pub fn add_roles(&mut self, roles: Table<RoleDecl>) {
        for (key, decl) in roles.rows {
            let name = self.text(key.value);
            if let Some(first) = self.roles.get(&key.value) {
                let finding = twice(&format!("the role `{name}`"), first.span, key.span);
                self.sink.push(finding);
                continue;
            }
            if name.contains(':') {
                let text = format!("`{name}` cannot be the name of a role: `:` stands between a target and its role");
                self.sink.push(Finding::at(Code::BadName, key.span, text).help("use another name"));
            }
            let mut info =
                RoleInfo { span: key.span, mapping: BTreeMap::new(), made_in: Vec::new(), places: Vec::new() };
            let made = decl.permissions.is_some();
            if !made && decl.mapping.is_none() {
                let text = format!("the role `{name}` means nothing anywhere");
                let help =
                    "say what it is in each target with `as: {TARGET: ROLE}`, or what it may do with `permissions:`";
                self.sink.push(Finding::at(Code::MissingKey, key.span, text).help(help));
            }
            if !made && (decl.targets.is_some() || decl.on.is_some() || decl.administers.is_some()) {
                let text = "`targets:`, `on:` and `administers:` belong to a role that is made in the targets";
                self.sink.push(
                    Finding::at(Code::Contradiction, decl.span, text).help("add `permissions:`, or take them away"),
                );
            }
            if made {
                self.make_role(name, &decl, &mut info);
            }
            for (target, native) in decl.mapping.iter().flat_map(|t| &t.rows) {
                for index in self.targets_named(*target) {
                    let text = self.text(native.value);
                    let proper = match self.native_role(index, text) {
                        Some(proper) => proper,
                        None => {
                            self.unknown_native(index, *native);
                            continue;
                        }
                    };
                    let entry = (proper, native.span);
                    if let Some((_, first)) = info.mapping.insert(index, entry) {
                        let what = format!("what `{name}` is in `{}`", self.targets[index].name);
                        self.sink.push(twice(&what, first, native.span));
                    }
                }
            }
            self.roles.insert(key.value, info);
        }
        for key in roles.broken {
            let info = RoleInfo { span: key.span, mapping: BTreeMap::new(), made_in: Vec::new(), places: Vec::new() };
            self.roles.entry(key.value).or_insert(info);
        }
    }

    /// A role that is made in the targets themselves.
    fn make_role(&mut self, name: &str, decl: &RoleDecl, info: &mut RoleInfo) {
        info.places = match &decl.on {
            Some(on) => on.iter().map(|p| p.value).collect(),
            None => ALL_PLACES.to_vec(),
        };
        let asked: Vec<(usize, Span)> = match &decl.targets {
            Some(list) => list
                .iter()
                .flat_map(|at| self.targets_named(*at).into_iter().map(|i| (i, at.span)).collect::<Vec<_>>())
                .collect(),
            None => {
                let able = self.targets.iter().enumerate().filter(|(_, t)| t.profile.custom_roles);
                able.map(|(i, _)| (i, decl.span)).collect()
            }
        };
        for (index, span) in asked {
            let target = &self.targets[index];
            if !target.profile.custom_roles {
                let text = format!("no roles can be made in `{}` ({})", target.name, target.profile.provider);
                self.sink.push(Finding::at(Code::CannotDo, span, text).help("map the role with `as:` instead"));
                continue;
            }
            if target.role_ids.contains_key(name) {
                let text = format!("the catalogue of `{}` has a role `{name}` already", target.name);
                self.sink
                    .push(Finding::at(Code::DuplicateDeclaration, info.span, text).help("give yours another name"));
                continue;
            }
            let wanted: Vec<&str> = match &decl.permissions {
                Some(PermissionsDecl::These(list)) => list.iter().map(|p| self.text(p.value)).collect(),
                _ => Vec::new(),
            };
            let all = matches!(decl.permissions, Some(PermissionsDecl::All));
            let names = self.names;
            let catalogue = std::sync::Arc::clone(&self.targets[index].catalogue);
            let known = catalogue.permissions();
            if let Some(PermissionsDecl::These(list)) = &decl.permissions
                && !known.is_empty()
            {
                for permission in list {
                    let text = names.resolve(permission.value).unwrap_or_default();
                    if !known.contains(&text) {
                        let otherwise = format!("no role of `{}` has it", self.targets[index].catalogue.name);
                        self.unknown(*permission, "permission", known.iter().copied(), &otherwise);
                    }
                }
            }
            let target = &mut self.targets[index];
            let mut permissions = Permissions::NONE;
            for permission in wanted.iter().copied().chain(known.iter().copied().filter(|_| all)) {
                permissions.insert(target.builder.permission(permission));
            }
            let role = Role {
                name: name.into(),
                description: decl.description.as_ref().map_or(Said::Unsaid, |d| Said::Is(d.0.clone())),
                permissions,
                administers: decl.administers.unwrap_or(false),
            };
            let id = target.builder.role(role, info.span);
            target.role_ids.insert(name.to_owned(), id);
            info.made_in.push(index);
        }
    }

    /// The proper name of a role of a target's catalogue.
    pub fn native_role(&self, target: usize, text: &str) -> Option<String> {
        self.targets[target].catalogue.role(text).map(|(name, _)| name.to_owned())
    }

    fn unknown_native(&mut self, target: usize, at: Sp<Sym>) {
        let text = self.text(at.value);
        let (bare, prefix) =
            self.split_prefix(text).map_or((text, ""), |(_, rest)| (rest, &text[..text.len() - rest.len()]));
        let target = &self.targets[target];
        let known: Vec<&str> = target.catalogue.roles.keys().map(String::as_str).collect();
        let help = match crate::config::nearest(bare, known.iter().copied()) {
            Some(near) => format!("did you mean `{prefix}{near}`?"),
            None if known.is_empty() => format!("the catalogue of `{}` has no roles of its own", target.name),
            None => format!("`{}` has: {}", target.name, known.join(", ")),
        };
        let message = format!("`{}` has no role `{bare}`", target.name);
        // A catalogue without a name could not be read, and that is reported already.
        if !target.catalogue.name.is_empty() {
            self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
        }
    }

    /// The role that a text means in one target: a declared role, or one of the target's catalogue.
    /// Where it means none, or cannot be held there, a finding is pushed.
    pub fn role_in(&mut self, target: usize, at: Sp<Sym>, place: At<'_>) -> Option<RoleId> {
        let text = self.text(at.value);
        let (name, places) = match self.meaning(target, at)? {
            Meaning::Native(name) => {
                let places = self.targets[target].catalogue.roles.get(&name).map(|r| r.places.clone());
                (name, places.unwrap_or_default())
            }
            Meaning::Made(places) => (text.to_owned(), places),
        };
        let state = &self.targets[target];
        let kind_allows = match place {
            At::Resource(kind) => state
                .catalogue
                .kinds
                .get(kind)
                .is_none_or(|k| k.roles.contains(&name) || !state.catalogue.roles.contains_key(&name)),
            _ => true,
        };
        if !places.contains(&place.place()) || !kind_allows {
            let mut fitting: Vec<&str> = match place {
                At::Resource(kind) => state
                    .catalogue
                    .kinds
                    .get(kind)
                    .into_iter()
                    .flat_map(|k| k.roles.iter().map(String::as_str))
                    .collect(),
                _ => state.catalogue.roles_for(place.place()).collect(),
            };
            fitting.sort_unstable();
            let help = if fitting.is_empty() {
                format!("`{}` has no roles that can be held {}", state.name, place.described())
            } else {
                format!("in `{}` these can be: {}", state.name, fitting.join(", "))
            };
            let text = format!("the role `{text}` cannot be held {}", place.described());
            self.sink.push(Finding::at(Code::RoleNotHere, at.span, text).help(help));
            return None;
        }
        state.role_ids.get(&name).copied()
    }

    /// Whether a role of a user means anything in a target; one that exists nowhere counts as if it
    /// did, so that it is reported.
    pub fn has_meaning(&self, target: usize, at: Sp<Sym>) -> bool {
        match (self.roles.get(&at.value), self.split_prefix(self.text(at.value))) {
            (Some(info), _) => info.mapping.contains_key(&target) || info.made_in.contains(&target),
            (None, Some((targets, _))) => targets.contains(&target),
            (None, None) => true,
        }
    }

    fn meaning(&mut self, target: usize, at: Sp<Sym>) -> Option<Meaning> {
        let text = self.text(at.value);
        if let Some((targets, rest)) = self.split_prefix(text) {
            if !targets.contains(&target) {
                let message = format!("`{text}` is no role of `{}`", self.targets[target].name);
                let help = "name a role of this target, or a declared role that means something in it";
                self.sink.push(Finding::at(Code::NotInTarget, at.span, message).help(help));
                return None;
            }
            return match self.native_role(target, rest) {
                Some(name) => Some(Meaning::Native(name)),
                None => {
                    self.unknown_native(target, at);
                    None
                }
            };
        }
        if let Some(info) = self.roles.get(&at.value) {
            if let Some((native, _)) = info.mapping.get(&target) {
                return Some(Meaning::Native(native.clone()));
            }
            if info.made_in.contains(&target) {
                return Some(Meaning::Made(info.places.clone()));
            }
            let name = self.targets[target].name.clone();
            let message = format!("the role `{text}` means nothing in `{name}`");
            let finding = Finding::at(Code::NotInTarget, at.span, message).also(info.span, "the role");
            self.sink.push(finding.help(format!("add `{name}:` to its `as:`, or name a role of `{name}`")));
            return None;
        }
        if let Some(name) = self.native_role(target, text) {
            return Some(Meaning::Native(name));
        }
        let mut known: Vec<String> = self.targets[target].catalogue.roles.keys().cloned().collect();
        known.extend(self.roles.keys().map(|s| self.text(*s).to_owned()));
        known.sort();
        let otherwise = format!(
            "declare it under `roles:`, or use one of `{}`: {}",
            self.targets[target].name,
            self.targets[target].catalogue.roles.keys().cloned().collect::<Vec<_>>().join(", ")
        );
        self.unknown(at, "role", known.iter().map(String::as_str), &otherwise);
        None
    }
}

/// What a role text means in a target.
enum Meaning {
    Native(String),
    Made(Vec<Place>),
}
