//! Targets: where they are, what opens them, and what is managed of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::catalogues::add_catalogue_roles;
use super::{Resolver, TargetDeclaration, twice};
use crate::config::declaration::{PoliciesDecl, ProviderName, TargetDecl};
use crate::config::decode::{Sp, Sym, Table};
use crate::diagnostic::{Code, Finding, Span};
use crate::model::{
    Builder, Catalogue, Desired, GrantRecord, Kind, Manage, MemberRecord, Mode, Pattern, Profile, RoleId, Rules, UserId,
};

/// A text in which `${NAME}` stands for a variable of the environment. Only the names are ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// A text that may hold variables.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

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
    /// Those of them who go besides.
    pub blocked_leavers: BTreeSet<String>,
    pub ended_grants: Vec<GrantRecord>,
    pub ended_members: Vec<MemberRecord>,
}

impl Resolver<'_> {
    /// Adds the targets; gives back the policies that each has for itself.
    pub fn add_targets(
        &mut self,
        targets: Table<TargetDecl>,
        declared: &HashMap<String, Arc<Catalogue>>,
    ) -> Vec<Option<PoliciesDecl>> {
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
            let catalogue = self.read_catalogue(&decl, key.span, profile, declared);
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
                blocked_leavers: BTreeSet::new(),
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
                    blocked_leavers: state.blocked_leavers,
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
