//! Role catalogues: those of the files, and those that are compiled in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use string_interner::{DefaultBackend, StringInterner};

use super::roles::ALL_PLACES;
use super::targets::TargetState;
use super::{Resolver, SUGGESTIONS_MAX, twice};
use crate::config::declaration::{
    CatalogueDecl, CatalogueRoleDecl, FileDecl, GivesDecl, PermissionsDecl, ResourceKindDecl, TargetDecl,
};
use crate::config::decode::{Context, Decode, Prose, Sp, Sym, Table};
use crate::config::document::Document;
use crate::config::nearest;
use crate::diagnostic::{Code, FileId, Finding, Sink, Span};
use crate::model::{
    Catalogue, CatalogueRole, Combine, PERMISSIONS_MAX, Permissions, Place, Profile, Profiles, ResourceKind, Role,
    Said, Standing, inclusion,
};

impl Resolver<'_> {
    pub(super) fn read_catalogues(&mut self, declared: &Table<CatalogueDecl>) -> HashMap<String, Arc<Catalogue>> {
        let mut found = HashMap::new();
        let mut seen: HashMap<Sym, Span> = HashMap::new();
        for (key, decl) in &declared.rows {
            let name = self.text(key.value);
            if let Some(first) = seen.insert(key.value, key.span) {
                self.sink.push(twice(&format!("the catalogue `{name}`"), first, key.span));
                continue;
            }
            if self.profiles.catalogues.iter().any(|(builtin, _)| *builtin == name) {
                let text = format!("`{name}` is the name of a built-in catalogue");
                self.sink.push(Finding::at(Code::DuplicateDeclaration, key.span, text).help("give yours another name"));
                continue;
            }
            found.insert(name.to_owned(), Arc::new(catalogue(name, decl, self.names, self.sink)));
        }
        for key in &declared.broken {
            found.insert(self.text(key.value).to_owned(), Arc::new(Catalogue::default()));
        }
        found
    }

    pub(super) fn read_catalogue(
        &mut self,
        decl: &TargetDecl,
        span: Span,
        profile: &Profile,
        declared: &HashMap<String, Arc<Catalogue>>,
    ) -> Arc<Catalogue> {
        let own = profile.catalogue.map(|own| self.variant(decl, profile).unwrap_or(own));
        let (name, at) = match (own, decl.catalogue) {
            (Some(own), None) => (own, Sp { value: None, span }),
            (Some(_), Some(said)) if profile.open => {
                (self.text(said.value), Sp { value: Some(said.value), span: said.span })
            }
            (Some(own), Some(said)) => {
                let text = format!("a {} target has its own catalogue, `{own}`", profile.provider);
                self.sink.push(Finding::at(Code::CannotDo, said.span, text).help("take `catalogue:` away"));
                (own, Sp { value: None, span })
            }
            (None, Some(said)) => (self.text(said.value), Sp { value: Some(said.value), span: said.span }),
            (None, None) => {
                let text = format!("a {} target needs `catalogue:`", profile.provider);
                let help = "name a built-in catalogue such as `strongly`, or one that you declare under `catalogues:`";
                self.sink.push(Finding::at(Code::MissingKey, span, text).help(help));
                return Arc::default();
            }
        };
        if let Some(found) = declared.get(name) {
            return Arc::clone(found);
        }
        if let Some(found) = builtin_catalogue(self.profiles, name) {
            return Arc::new(found);
        }
        if let Some(value) = at.value {
            let mut known: Vec<&str> = self.profiles.catalogues.iter().map(|(n, _)| *n).collect();
            known.extend(declared.keys().map(String::as_str));
            known.sort_unstable();
            let otherwise = format!("there are: {}", known.join(", "));
            self.unknown(Sp { value, span: at.span }, "catalogue", known, &otherwise);
        }
        Arc::default()
    }

    /// The catalogue that a setting chooses, where the provider has several.
    fn variant(&mut self, decl: &TargetDecl, profile: &Profile) -> Option<&'static str> {
        let (setting, variants) = profile.variants?;
        let rows = decl.settings.iter().flat_map(|t| &t.rows);
        let (_, said) = rows.into_iter().find(|(key, _)| self.text(key.value) == setting)?;
        let value = said.value.0.as_ref();
        let found = variants.iter().find(|(name, _)| *name == value).map(|(_, catalogue)| *catalogue);
        if found.is_none() {
            let known = variants.iter().map(|(name, _)| *name);
            let message = format!("`{setting}` of a {} target cannot be this", profile.provider);
            let help = match nearest(value, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.collect::<Vec<_>>().join(", ")),
            };
            self.sink.push(Finding::at(Code::UnknownValue, said.span, message).help(help));
        }
        found
    }
}

/// The roles of a catalogue are roles of the target.
pub(super) fn add_catalogue_roles(state: &mut TargetState, origin: Span) {
    let catalogue = Arc::clone(&state.catalogue);
    for (name, role) in &catalogue.roles {
        let mut permissions = Permissions::NONE;
        for permission in role.permissions.iter().flatten() {
            permissions.insert(state.builder.permission(permission));
        }
        let role = Role {
            name: name.as_str().into(),
            description: role.description.as_deref().map_or(Said::Unsaid, |d| Said::Is(d.into())),
            permissions,
            administers: role.administers,
        };
        let id = state.builder.role(role, origin);
        state.role_ids.insert(name.clone(), id);
    }
}

/// A catalogue out of its declaration.
fn catalogue(name: &str, decl: &CatalogueDecl, names: &StringInterner<DefaultBackend>, sink: &mut Sink) -> Catalogue {
    let mut reading = Reading { name, decl, names, sink, suggestions: 0 };
    let mut out = Catalogue {
        name: name.to_owned(),
        description: prose(&decl.description),
        source: prose(&decl.source),
        combine: decl.combine.unwrap_or_default(),
        leads_max: decl.leads.map(|n| n as usize),
        nested_teams: decl.nested_teams.unwrap_or(false),
        ..Catalogue::default()
    };
    reading.roles(&mut out);
    reading.kinds(&mut out);
    reading.references(&out);
    if out.combine == Combine::Highest {
        reading.order(&out);
    }
    out
}

fn prose(said: &Option<Prose>) -> Option<String> {
    said.as_ref().map(|text| text.0.to_string())
}

/// A catalogue while it is read.
struct Reading<'a> {
    name: &'a str,
    decl: &'a CatalogueDecl,
    names: &'a StringInterner<DefaultBackend>,
    sink: &'a mut Sink,
    /// How many times the nearest name was looked for: each time costs as much as there are names.
    suggestions: usize,
}

impl<'a> Reading<'a> {
    fn text(&self, sym: Sym) -> &'a str {
        self.names.resolve(sym).unwrap_or_default()
    }

    fn list(&self, said: &[Sp<Sym>]) -> Vec<String> {
        said.iter().map(|s| self.text(s.value).to_owned()).collect()
    }

    fn one(&self, said: Option<Sp<Sym>>) -> Option<String> {
        said.map(|s| self.text(s.value).to_owned())
    }

    fn rows(&self) -> impl Iterator<Item = &'a (Sp<Sym>, CatalogueRoleDecl)> + use<'a> {
        self.decl.roles.iter().flat_map(|t| &t.rows)
    }

    fn kind_rows(&self) -> impl Iterator<Item = &'a (Sp<Sym>, ResourceKindDecl)> + use<'a> {
        self.decl.kinds.iter().flat_map(|t| &t.rows)
    }

    fn roles(&mut self, out: &mut Catalogue) {
        let mut all: Vec<String> = Vec::new();
        for (_, role) in self.rows() {
            if let Some(PermissionsDecl::These(list)) = &role.permissions {
                all.extend(self.list(list));
            }
        }
        all.sort();
        all.dedup();
        if all.len() > PERMISSIONS_MAX {
            let message =
                format!("the catalogue `{}` has {} permissions; {PERMISSIONS_MAX} are the most", self.name, all.len());
            let help = "put permissions that always go together into one";
            self.sink.push(Finding::at(Code::TooLarge, self.decl.span, message).help(help));
        }
        let mut every: Vec<String> = self.rows().map(|(key, _)| self.text(key.value).to_owned()).collect();
        every.sort();
        for (key, role) in self.rows() {
            let permissions = match &role.permissions {
                None => None,
                Some(PermissionsDecl::All) => Some(all.clone()),
                Some(PermissionsDecl::These(list)) => {
                    let mut these = self.list(list);
                    these.sort();
                    these.dedup();
                    Some(these)
                }
            };
            let places = match &role.on {
                Some(on) => on.iter().map(|p| p.value).collect(),
                None => ALL_PLACES.to_vec(),
            };
            let entry = CatalogueRole {
                description: prose(&role.description),
                permissions,
                administers: role.administers.unwrap_or(false),
                places,
                aliases: self.list(role.aliases.as_deref().unwrap_or_default()),
                tier: role.tier,
                caps_at: self.one(role.caps_at),
                seat: self.one(role.seat),
                may_give: role.may_give.as_ref().map(|gives| match gives {
                    GivesDecl::All => every.clone(),
                    GivesDecl::These(list) => self.list(list),
                }),
                inferred: prose(&role.inferred),
            };
            out.roles.insert(self.text(key.value).to_owned(), entry);
        }
    }

    fn kinds(&mut self, out: &mut Catalogue) {
        for (key, kind) in self.kind_rows() {
            let entry = ResourceKind {
                description: prose(&kind.description),
                roles: self.list(kind.roles.as_deref().unwrap_or_default()),
                parents: self.list(kind.parents.as_deref().unwrap_or_default()),
                visibility: kind.visibility.unwrap_or(false),
                grants: kind.grants.unwrap_or(true),
                owner: self.one(kind.owner),
                everyone: self.one(kind.everyone),
                of_team: kind.of_team.unwrap_or(false),
                inferred: prose(&kind.inferred),
            };
            out.kinds.insert(self.text(key.value).to_owned(), entry);
        }
    }

    /// Every role and kind that is named is there, and can be what it is named as.
    fn references(&mut self, out: &Catalogue) {
        for (_, role) in self.rows() {
            if let Some(cap) = role.caps_at {
                self.role_exists(out, cap);
            }
            if let Some(GivesDecl::These(list)) = &role.may_give {
                for given in list {
                    self.role_exists(out, *given);
                }
            }
        }
        for (key, kind) in self.kind_rows() {
            for role in kind.roles.iter().flatten() {
                self.role_exists(out, *role);
            }
            for role in kind.owner.iter().chain(&kind.everyone) {
                if self.role_exists(out, *role) {
                    self.fits_a_resource(out, *role);
                }
            }
            if let Some(everyone) = kind.everyone
                && kind.visibility != Some(true)
            {
                let kind = self.text(key.value);
                let message = format!("the kind `{kind}` has no visibility, so it is never open to everyone");
                let help = "add `visibility: true`, or take `everyone:` away";
                self.sink.push(Finding::at(Code::Contradiction, everyone.span, message).help(help));
            }
            for parent in kind.parents.iter().flatten() {
                self.parent_exists(out, *key, *parent);
            }
        }
    }

    fn role_exists(&mut self, out: &Catalogue, at: Sp<Sym>) -> bool {
        let wanted = self.text(at.value);
        if out.roles.contains_key(wanted) {
            return true;
        }
        // One that could not be read is reported already.
        let broken = self.decl.roles.iter().flat_map(|t| &t.broken).any(|key| key.value == at.value);
        if !broken {
            let message = format!("the catalogue `{}` has no role `{wanted}`", self.name);
            let otherwise = "declare it under `roles:` of the catalogue";
            let help = self.near(wanted, out.roles.keys(), otherwise);
            self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
        }
        false
    }

    fn parent_exists(&mut self, out: &Catalogue, kind: Sp<Sym>, at: Sp<Sym>) {
        let wanted = self.text(at.value);
        let broken = self.decl.kinds.iter().flat_map(|t| &t.broken).any(|key| key.value == at.value);
        if !out.kinds.contains_key(wanted) && !broken {
            let kind = self.text(kind.value);
            let message = format!("the kind `{kind}` lies in `{wanted}`, which is no kind of this catalogue");
            let help = self.near(wanted, out.kinds.keys(), "declare that kind as well");
            self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
        }
    }

    fn near<'n>(&mut self, wanted: &str, known: impl Iterator<Item = &'n String>, otherwise: &str) -> String {
        self.suggestions += 1;
        let known = known.map(String::as_str);
        let near = if self.suggestions <= SUGGESTIONS_MAX { nearest(wanted, known) } else { None };
        near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
    }

    /// What owners and everyone hold on a resource is a role that can be held on resources.
    fn fits_a_resource(&mut self, out: &Catalogue, at: Sp<Sym>) {
        let name = self.text(at.value);
        if out.roles.get(name).is_some_and(|role| !role.places.contains(&Place::Resource)) {
            let message = format!("the role `{name}` cannot be held on a resource");
            let help = "add `resource` to its `on:`, or name another role";
            self.sink.push(Finding::at(Code::RoleNotHere, at.span, message).help(help));
        }
    }

    /// Where the highest role decides, there must be one: of any two roles of a kind, one is higher, or
    /// both give the same. Sorted, neighbours tell that of all.
    fn order(&mut self, out: &Catalogue) {
        let spans: HashMap<&str, Span> = self.rows().map(|(key, _)| (self.text(key.value), key.span)).collect();
        let place = |role: &str| spans.get(role).copied().unwrap_or(self.decl.span);
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        for (kind, decl) in &out.kinds {
            let found = decl.roles.iter().filter_map(|r| out.roles.get_key_value(r));
            let (mut with, mut without): (Vec<_>, Vec<_>) = found.partition(|(_, role)| role.tier.is_some());
            if let (Some((tiered, _)), false) = (with.first(), without.is_empty()) {
                for (bare, _) in &without {
                    if seen.insert((bare, "")) {
                        let message = format!(
                            "the role `{bare}` has no tier, and others of `{kind}` have: which is the highest is open"
                        );
                        let finding = Finding::at(Code::MissingKey, place(bare), message);
                        let also = place(tiered);
                        self.sink.push(finding.also(also, "this one has a tier").help("give it a `tier:` as well"));
                    }
                }
            } else {
                without.sort_by_key(|(name, role)| (role.permissions.as_ref().map(Vec::len), name.as_str()));
                without.retain(|(_, role)| role.permissions.is_some());
                for pair in without.windows(2) {
                    let [(low, one), (high, other)] = pair else { continue };
                    let standing = inclusion(one.permissions.as_deref(), other.permissions.as_deref());
                    if standing == Standing::Incomparable && seen.insert((low, high)) {
                        let message = format!(
                            "neither of `{low}` and `{high}` is the higher role of `{kind}`: each may do what the other may not"
                        );
                        let finding = Finding::at(Code::MissingKey, place(high), message);
                        let also = place(low);
                        let help = "the highest role decides here: give both a `tier:`";
                        self.sink.push(finding.also(also, "the other one").help(help));
                    }
                }
            }
            with.sort_by_key(|(name, role)| (role.tier, name.as_str()));
            for pair in with.windows(2) {
                let [(first, one), (second, other)] = pair else { continue };
                let same = one.permissions == other.permissions && one.permissions.is_some();
                if one.tier == other.tier && !same && seen.insert((first, second)) {
                    let tier = one.tier.unwrap_or_default();
                    let message = format!(
                        "`{first}` and `{second}` of `{kind}` both have tier {tier}: which is the higher is open"
                    );
                    let finding = Finding::at(Code::Contradiction, place(second), message);
                    let also = place(first);
                    let help = "the highest role decides here: give them different tiers";
                    self.sink.push(finding.also(also, "the other one").help(help));
                }
            }
        }
    }
}

/// A built-in catalogue by name: a file of the same language, compiled in.
#[must_use]
pub fn builtin_catalogue(profiles: &Profiles, name: &str) -> Option<Catalogue> {
    let (_, text) = profiles.catalogues.iter().find(|(builtin, _)| *builtin == name)?;
    let mut sink = Sink::new();
    let mut names = StringInterner::new();
    let document = Document::parse(FileId(0), text, &mut sink)?;
    let file = FileDecl::decode(document.root()?, &mut Context { sink: &mut sink, names: &mut names })?;
    let rows = file.catalogues?.rows;
    let (_, decl) = rows.iter().find(|(key, _)| names.resolve(key.value) == Some(name))?;
    let found = catalogue(name, decl, &names, &mut sink);
    sink.is_empty().then_some(found)
}
