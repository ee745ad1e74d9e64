//! Targets, role catalogues and roles.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use string_interner::{DefaultBackend, StringInterner};

use super::{Resolver, TargetDeclaration, twice};
use crate::config::declaration::{
    CatalogueDecl, FileDecl, PermissionsDecl, PoliciesDecl, ProviderName, RoleDecl, TargetDecl,
};
use crate::config::decode::{Context, Decode, Sp, Sym, Table};
use crate::config::document::Document;
use crate::diagnostic::{Code, FileId, Finding, Sink, Span};
use crate::model::{
    Builder, Catalogue, CatalogueRole, Desired, GrantRecord, Kind, Manage, MemberRecord, Mode, PERMISSIONS_MAX,
    Pattern, Permissions, Place, Profile, ResourceKind, Role, RoleId, Rules, Said, UserId,
};

/// A text in which `${NAME}` stands for a variable of the environment. Only the names are ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// The template as it stands in the files: it holds names of variables, never their values.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.0
    }

    /// The text with every variable filled in.
    ///
    /// # Errors
    /// The name of the first variable that `look_up` does not have.
    pub fn expand(&self, look_up: impl Fn(&str) -> Option<String>) -> Result<String, String> {
        let mut out = String::with_capacity(self.0.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let Some(len) = rest[at..].find('}') else { break };
            let name = &rest[at + 2..at + len];
            out.push_str(&look_up(name).ok_or_else(|| name.to_owned())?);
            rest = &rest[at + len + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({:?})", self.0)
    }
}

/// Whether every `${` of a text closes around a name of a variable.
fn variables_are_sound(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(len) = rest[at..].find('}') else { return false };
        let name = &rest[at + 2..at + len];
        let good = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            return false;
        }
        rest = &rest[at + len + 1..];
    }
    true
}

/// Whether an address holds a user or password: `scheme://user:password@host`.
fn has_userinfo(address: &str) -> bool {
    let Some((_, rest)) = address.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return true;
    }
    // A password may hold a `/` itself: what follows the `:` is then no port.
    let port = host.rsplit_once(':').map(|(_, port)| port);
    rest.contains('@') && port.is_some_and(|p| !p.bytes().all(|b| b.is_ascii_digit()))
}

/// An address in a form in which two that name one file are the same: without `.`, `..` and `//`.
fn same_file(url: &str) -> String {
    let Some(path) = url.strip_prefix("sqlite:") else { return url.to_owned() };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("sqlite:{root}{}", parts.join("/"))
}

/// A target while it is filled.
#[derive(Debug)]
pub(in crate::config) struct TargetState {
    pub name: String,
    pub span: Span,
    pub provider: ProviderName,
    pub profile: &'static Profile,
    pub labels: Vec<String>,
    pub url: Option<Template>,
    pub credentials: BTreeMap<String, Template>,
    pub settings: BTreeMap<String, String>,
    pub identity: Option<Sp<Sym>>,
    pub catalogue: Arc<Catalogue>,
    pub manage: Manage,
    pub rules: Rules,
    pub builder: Builder<Span>,
    /// The roles by their proper name in the target.
    pub role_ids: HashMap<String, RoleId>,
    /// The users by their number in the files.
    pub user_ids: HashMap<u32, UserId>,
    /// The teams by name.
    pub team_ids: HashMap<String, crate::model::TeamId>,
    /// The number in the files of each team, by its provisional number.
    pub team_index: Vec<usize>,
    /// Teams and resources whose lists are complete, by provisional number.
    pub listed_members: Vec<crate::model::TeamId>,
    pub listed_access: Vec<crate::model::ResourceId>,
    pub blocks: BTreeMap<String, Option<String>>,
    pub ended_grants: Vec<GrantRecord>,
    pub ended_members: Vec<MemberRecord>,
}

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

const ALL_PLACES: [Place; 4] = [Place::User, Place::Team, Place::Member, Place::Resource];

impl Resolver<'_> {
    /// Adds the targets and their catalogues; gives back the policies that each has for itself.
    pub fn add_targets(
        &mut self,
        targets: Table<TargetDecl>,
        catalogues: Table<CatalogueDecl>,
    ) -> Vec<Option<PoliciesDecl>> {
        let declared = self.read_catalogues(&catalogues);
        // Where something could not be read, the targets may stand in it.
        let unread = self.sink.errors().any(|f| !matches!(f.code, Code::MissingKey | Code::UnknownVersion));
        if targets.rows.is_empty() && targets.broken.is_empty() && !unread {
            let text = "no target is declared";
            let help = "add `targets:` with at least one system, for example `home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: strongly}`";
            self.sink.push(Finding::nowhere(Code::MissingKey, text).help(help));
        }
        let mut policies = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut urls: HashMap<String, (String, Span)> = HashMap::new();
        for (key, decl) in targets.rows {
            let name = self.text(key.value).to_owned();
            let good = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
            if !good {
                let text = format!("`{name}` cannot be the name of a target");
                let help = "use lower-case letters, digits, `-` and `_`";
                self.sink.push(Finding::at(Code::BadName, key.span, text).help(help));
            }
            if let Some(first) = seen.insert(name.clone(), key.span) {
                self.sink.push(twice(&format!("the target `{name}`"), first, key.span));
                continue;
            }
            let provider = decl.provider.0;
            let Some(profile) = self.profiles.provider(provider.value.word()) else { continue };
            let url = self.read_url(&decl, key.span, profile);
            if let Some(url) = &url {
                let place = (name.clone(), key.span);
                if let Some((other, first)) = urls.insert(same_file(&url.0), place)
                    && profile.provider == "directory"
                {
                    let text = format!("the targets `{other}` and `{name}` are the same directory");
                    let finding = Finding::at(Code::DuplicateDeclaration, key.span, text).also(first, "the other one");
                    self.sink.push(finding.help("give each its own file"));
                }
            }
            let catalogue = self.read_catalogue(&decl, key.span, profile, &declared);
            let manage = self.read_manage(&decl, profile);
            let settings = self.read_settings(&decl, profile);
            let credentials = self.read_credentials(&decl, profile);
            let labels = decl.labels.iter().flatten().map(|l| self.text(l.value).to_owned()).collect();
            let mut state = TargetState {
                name,
                span: key.span,
                provider: provider.value,
                profile,
                labels,
                url,
                credentials,
                settings,
                identity: decl.identity,
                catalogue,
                manage,
                rules: Rules::default(),
                builder: Builder::new(),
                role_ids: HashMap::new(),
                user_ids: HashMap::new(),
                team_ids: HashMap::new(),
                team_index: Vec::new(),
                listed_members: Vec::new(),
                listed_access: Vec::new(),
                blocks: BTreeMap::new(),
                ended_grants: Vec::new(),
                ended_members: Vec::new(),
            };
            add_catalogue_roles(&mut state, key.span);
            self.targets.push(state);
            policies.push(decl.policies);
        }
        self.check_labels();
        policies
    }

    fn check_labels(&mut self) {
        let mut findings = Vec::new();
        for target in &self.targets {
            for label in &target.labels {
                if self.targets.iter().any(|t| t.name == *label) {
                    let text = format!("the label `{label}` is also the name of a target");
                    findings.push(Finding::at(Code::Ambiguous, target.span, text).help("give the label another name"));
                }
            }
        }
        for finding in findings {
            self.sink.push(finding);
        }
    }

    fn read_url(&mut self, decl: &TargetDecl, span: Span, profile: &Profile) -> Option<Template> {
        let Some(url) = &decl.url else {
            let text = format!("a target of provider {} needs `url:`", profile.provider);
            let help = format!("add `url:`, beginning with {}", profile.url.join(" or "));
            self.sink.push(Finding::at(Code::MissingKey, span, text).help(help));
            return None;
        };
        let text = url.value.0.as_ref();
        if has_userinfo(text) {
            let message = "an address with a user or password in it";
            let help = "take it out, and name it under `credentials:` as \"${NAME}\"";
            self.sink.push(Finding::at(Code::SecretInFile, url.span, message).help(help));
            return None;
        }
        if !variables_are_sound(text) {
            self.bad_variable(url.span);
            return None;
        }
        let begins = profile.url.iter().any(|p| text.starts_with(p)) || text.starts_with("${");
        if !begins {
            // The address is not repeated: something secret may stand in it in a way of its own.
            let message = format!("this is no address of a {} target", profile.provider);
            let help = format!("it begins with {}", profile.url.join(" or "));
            self.sink.push(Finding::at(Code::BadUrl, url.span, message).help(help));
            return None;
        }
        if let Some(path) = text.strip_prefix("sqlite:")
            && (path.is_empty() || path.ends_with('/'))
        {
            let message = "this address names no file";
            let help = "write the file after `sqlite:`, for example `sqlite:.rolecall/home.db`";
            self.sink.push(Finding::at(Code::BadUrl, url.span, message).help(help));
            return None;
        }
        Some(Template(text.to_owned()))
    }

    fn bad_variable(&mut self, span: Span) {
        let help = "write `${NAME}` with letters, digits and `_`; nothing else is filled in";
        self.sink.push(Finding::at(Code::BadName, span, "a `${` without a name of a variable and `}`").help(help));
    }

    fn read_credentials(&mut self, decl: &TargetDecl, profile: &Profile) -> BTreeMap<String, Template> {
        let mut credentials = BTreeMap::new();
        if decl.credentials.is_none() && !profile.credentials.is_empty() {
            let text = format!("a {} target needs `credentials:`", profile.provider);
            let help = format!("add some of {}, each as \"${{NAME}}\"", profile.credentials.join(", "));
            self.sink.push(Finding::at(Code::MissingKey, decl.provider.0.span, text).help(help));
        }
        for (key, value) in decl.credentials.iter().flat_map(|t| &t.rows) {
            let name = self.text(key.value);
            if !profile.credentials.contains(&name) {
                let known = profile.credentials;
                let otherwise = match known {
                    [] => format!("a {} target has no credentials", profile.provider),
                    _ => format!("a {} target has: {}", profile.provider, known.join(", ")),
                };
                self.unknown(*key, "credential", known.iter().copied(), &otherwise);
                continue;
            }
            let text = value.value.0.as_ref();
            let is_variable = text.starts_with("${") && text.find('}') == Some(text.len().saturating_sub(1));
            if !is_variable || !variables_are_sound(text) {
                // The value is not repeated: it may be the secret itself.
                let message = "a secret stands in the file";
                let help = format!(
                    "write `{name}: \"${{NAME}}\"` and set NAME in the environment; then change this secret, since it has been written down"
                );
                let caret = Span { end: value.span.start, ..value.span };
                self.sink.push(Finding::at(Code::SecretInFile, caret, message).help(help));
                continue;
            }
            credentials.insert(name.to_owned(), Template(text.to_owned()));
        }
        credentials
    }

    fn read_settings(&mut self, decl: &TargetDecl, profile: &Profile) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        for (key, value) in decl.settings.iter().flat_map(|t| &t.rows) {
            let name = self.text(key.value);
            if profile.settings.contains(&name) {
                settings.insert(name.to_owned(), value.value.0.to_string());
            } else {
                let otherwise = match profile.settings {
                    [] => format!("a {} target has no settings", profile.provider),
                    known => format!("a {} target has: {}", profile.provider, known.join(", ")),
                };
                self.unknown(*key, "setting", profile.settings.iter().copied(), &otherwise);
            }
        }
        settings
    }

    fn read_manage(&mut self, decl: &TargetDecl, profile: &Profile) -> Manage {
        let mut manage = Manage::default();
        if let Some(said) = &decl.manage {
            for kind in Kind::ALL {
                manage.rule_mut(kind).mode = said.default.map_or(Mode::Additive, |d| d.value);
            }
            for (kind, span, rule) in &said.kinds {
                if !profile.kinds.contains(kind) {
                    let text = format!("a {} target has no {}", profile.provider, kind.plural());
                    self.sink.push(Finding::at(Code::CannotDo, *span, text).help("take this line away"));
                }
                let scope = rule.scope.iter().map(|s| Pattern(self.text(s.value).to_owned())).collect();
                let target = manage.rule_mut(*kind);
                target.mode = rule.mode;
                target.scope = scope;
            }
        }
        manage.protected =
            decl.protected.iter().flatten().map(|p| Pattern(self.text(p.value).to_lowercase())).collect();
        // The catalogue itself is a mention of roles.
        manage.rule_mut(Kind::Role).mentioned = true;
        manage
    }

    /// Marks the kinds that some file mentions: the others are observed at most.
    pub fn mention_sections(&mut self, users: bool, teams: bool, resources: bool, grants: bool, domains: bool) {
        for target in &mut self.targets {
            for (kind, said) in [
                (Kind::User, users),
                (Kind::Team, teams),
                (Kind::Member, teams || users),
                (Kind::Resource, resources),
                (Kind::Grant, grants),
                (Kind::Domain, domains),
            ] {
                target.manage.rule_mut(kind).mentioned = said;
            }
        }
    }

    fn read_catalogues(&mut self, declared: &Table<CatalogueDecl>) -> HashMap<String, Arc<Catalogue>> {
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

    fn read_catalogue(
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

    /// The targets that a name or label means; a finding and nothing where it means none.
    pub fn targets_named(&mut self, at: Sp<Sym>) -> Vec<usize> {
        let text = self.text(at.value);
        let found = self.targets_called(text);
        if found.is_empty() {
            let mut known: Vec<String> = self.targets.iter().map(|t| t.name.clone()).collect();
            known.extend(self.targets.iter().flat_map(|t| t.labels.clone()));
            known.sort();
            known.dedup();
            let otherwise = format!("there are: {}", known.join(", "));
            self.unknown(at, "target or label", known.iter().map(String::as_str), &otherwise);
        }
        found
    }

    /// The targets that a name or label means.
    pub fn targets_called(&self, text: &str) -> Vec<usize> {
        let fits = |t: &TargetState| t.name == text || t.labels.iter().any(|l| l == text);
        self.targets.iter().enumerate().filter(|(_, t)| fits(t)).map(|(i, _)| i).collect()
    }

    /// Splits `target:name` where the first part is a target or label.
    pub fn split_prefix<'t>(&self, text: &'t str) -> Option<(Vec<usize>, &'t str)> {
        let (prefix, rest) = text.split_once(':')?;
        let targets = self.targets_called(prefix);
        (!targets.is_empty()).then_some((targets, rest))
    }

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
            let known = known_permissions(&self.targets[index].catalogue);
            if let Some(PermissionsDecl::These(list)) = &decl.permissions
                && !known.is_empty()
            {
                for permission in list {
                    let text = names.resolve(permission.value).unwrap_or_default();
                    if !known.iter().any(|k| k == text) {
                        let otherwise = format!("no role of `{}` has it", self.targets[index].catalogue.name);
                        self.unknown(*permission, "permission", known.iter().map(String::as_str), &otherwise);
                    }
                }
            }
            let target = &mut self.targets[index];
            let mut permissions = Permissions::NONE;
            for permission in wanted.iter().copied().chain(known.iter().filter(|_| all).map(String::as_str)) {
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

    /// Who applies to each target, where that is declared.
    pub fn identities(&mut self) -> Vec<Option<String>> {
        (0..self.targets.len())
            .map(|index| {
                let at = self.targets[index].identity?;
                let user = self.user(at)?;
                Some(self.users[user as usize].email.clone())
            })
            .collect()
    }

    /// Closes every builder.
    pub fn finish(&mut self, identities: Vec<Option<String>>) -> Vec<TargetDeclaration> {
        let states = std::mem::take(&mut self.targets);
        let mut targets = Vec::new();
        for (state, identity) in states.into_iter().zip(identities) {
            let (directory, origins, ranks) = match state.builder.finish() {
                Ok(done) => done,
                Err(found) => {
                    for one in found {
                        // Of two places in one file the later one is the mistake.
                        let (mut first, mut second) = (one.first, one.second);
                        if (second.file, second.start) < (first.file, first.start) {
                            std::mem::swap(&mut first, &mut second);
                        }
                        self.sink.push(twice(&format!("the {}", one.object), first, second));
                    }
                    continue;
                }
            };
            let mut manage = state.manage;
            manage.listed_members = state.listed_members.iter().map(|t| ranks.team(*t)).collect();
            manage.listed_access = state.listed_access.iter().map(|r| ranks.resource(*r)).collect();
            targets.push(TargetDeclaration {
                span: state.span,
                provider: state.provider,
                labels: state.labels,
                url: state.url,
                credentials: state.credentials,
                settings: state.settings,
                identity,
                desired: Desired {
                    target: state.name.clone(),
                    directory,
                    origins,
                    manage,
                    rules: state.rules,
                    blocks: state.blocks,
                    ended_grants: state.ended_grants,
                    ended_members: state.ended_members,
                    catalogue: state.catalogue,
                },
                name: state.name,
            });
        }
        targets.sort_by(|a, b| a.name.cmp(&b.name));
        targets
    }
}

/// What a role text means in a target.
enum Meaning {
    Native(String),
    Made(Vec<Place>),
}

/// The permissions that any role of a catalogue has, sorted.
fn known_permissions(catalogue: &Catalogue) -> Vec<String> {
    let all = catalogue.roles.values().flat_map(|r| r.permissions.iter().flatten().cloned());
    let mut all: Vec<String> = all.collect();
    all.sort();
    all.dedup();
    all
}

/// The roles of a catalogue are roles of the target.
fn add_catalogue_roles(state: &mut TargetState, origin: Span) {
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
pub fn builtin_catalogue(profiles: &crate::model::Profiles, name: &str) -> Option<Catalogue> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_by_several_names() {
        let plain = same_file("sqlite:.rolecall/one.db");
        for other in ["./.rolecall/one.db", ".rolecall//one.db", "x/../.rolecall/./one.db"] {
            assert_eq!(same_file(&format!("sqlite:{other}")), plain, "{other}");
        }
        for other in ["/.rolecall/one.db", "../.rolecall/one.db", ".rolecall/two.db"] {
            assert_ne!(same_file(&format!("sqlite:{other}")), plain, "{other}");
        }
    }

    #[test]
    fn users_and_passwords_in_addresses() {
        for with in ["https://u@h", "https://u:p@h/x", "postgres://u:p/w@h/db"] {
            assert!(has_userinfo(with), "{with}");
        }
        for without in ["https://h/@x", "https://h:8443/@x", "sqlite:a@b", "https://h"] {
            assert!(!has_userinfo(without), "{without}");
        }
    }
}
