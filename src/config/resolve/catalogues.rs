//! Role catalogues: those of the files, and those that are compiled in.

use std::collections::HashMap;
use std::sync::Arc;

use string_interner::{DefaultBackend, StringInterner};

use super::roles::ALL_PLACES;
use super::targets::TargetState;
use super::{Resolver, twice};
use crate::config::declaration::{CatalogueDecl, FileDecl, PermissionsDecl, TargetDecl};
use crate::config::decode::{Context, Decode, Sp, Sym, Table};
use crate::config::document::Document;
use crate::diagnostic::{Code, FileId, Finding, Sink, Span};
use crate::model::{
    Catalogue, CatalogueRole, PERMISSIONS_MAX, Permissions, Profile, Profiles, ResourceKind, Role, Said,
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
        let (name, at) = match (profile.catalogue, decl.catalogue) {
            (Some(own), None) => (own, Sp { value: None, span }),
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
    let text = |sym: Sym| names.resolve(sym).unwrap_or_default().to_owned();
    let mut out = Catalogue {
        name: name.to_owned(),
        source: decl.source.as_ref().map(|s| s.0.to_string()),
        combine: decl.combine.unwrap_or_default(),
        leads_max: decl.leads.map(|n| n as usize),
        nested_teams: decl.nested_teams.unwrap_or(false),
        ..Catalogue::default()
    };
    let rows = || decl.roles.iter().flat_map(|t| &t.rows);
    let mut all: Vec<String> = Vec::new();
    for (_, role) in rows() {
        if let Some(PermissionsDecl::These(list)) = &role.permissions {
            all.extend(list.iter().map(|p| text(p.value)));
        }
    }
    all.sort();
    all.dedup();
    if all.len() > PERMISSIONS_MAX {
        let message = format!("the catalogue `{name}` has {} permissions; {PERMISSIONS_MAX} are the most", all.len());
        sink.push(
            Finding::at(Code::TooLarge, decl.span, message).help("put permissions that always go together into one"),
        );
    }
    for (key, role) in rows() {
        let permissions = match &role.permissions {
            None => None,
            Some(PermissionsDecl::All) => Some(all.clone()),
            Some(PermissionsDecl::These(list)) => {
                let mut these: Vec<String> = list.iter().map(|p| text(p.value)).collect();
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
            description: role.description.as_ref().map(|d| d.0.to_string()),
            permissions,
            administers: role.administers.unwrap_or(false),
            places,
            aliases: role.aliases.iter().flatten().map(|a| text(a.value)).collect(),
            ..CatalogueRole::default()
        };
        out.roles.insert(text(key.value), entry);
    }
    for (key, kind) in decl.kinds.iter().flat_map(|t| &t.rows) {
        for role in kind.roles.iter().flatten() {
            let wanted = text(role.value);
            if !out.roles.contains_key(&wanted) {
                let message = format!("the catalogue `{name}` has no role `{wanted}`");
                let near = crate::config::nearest(&wanted, out.roles.keys().map(String::as_str));
                let help = near.map_or("declare it under `roles:` of the catalogue".to_owned(), |n| {
                    format!("did you mean `{n}`?")
                });
                sink.push(Finding::at(Code::UnknownReference, role.span, message).help(help));
            }
        }
        let list = |said: &Option<Vec<Sp<Sym>>>| said.iter().flatten().map(|s| text(s.value)).collect();
        let entry = ResourceKind {
            roles: list(&kind.roles),
            parents: list(&kind.parents),
            visibility: kind.visibility.unwrap_or(false),
            grants: kind.grants.unwrap_or(true),
            ..ResourceKind::default()
        };
        out.kinds.insert(text(key.value), entry);
    }
    for (key, kind) in decl.kinds.iter().flat_map(|t| &t.rows) {
        for parent in kind.parents.iter().flatten() {
            let wanted = text(parent.value);
            if !out.kinds.contains_key(&wanted) {
                let message =
                    format!("the kind `{}` lies in `{wanted}`, which is no kind of this catalogue", text(key.value));
                sink.push(Finding::at(Code::UnknownReference, parent.span, message).help("declare that kind as well"));
            }
        }
    }
    out
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
