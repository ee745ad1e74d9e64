//! From declarations to one desired directory per target: who belongs where, what names mean, and
//! what does not fit together.
//!
//! The order is fixed: targets and catalogues, roles, users, teams and memberships, resources and
//! grants, then domains, blocks, policies and tests. Each part is a file of its own and adds to the
//! [`Resolver`].

mod access;
mod catalogues;
mod drift;
mod people;
mod policies;
mod roles;
mod targets;
mod teams;
mod tests_section;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use string_interner::{DefaultBackend, StringInterner};

use super::declaration::{
    BlockDecl, CatalogueDecl, CiDecl, DomainDecl, DriftDecl, FileDecl, GrantDecl, PoliciesDecl, ProviderName,
    ResourceDecl, RoleDecl, TargetDecl, TeamDecl, TestDecl, UserDecl,
};
use super::decode::{Sp, Sym, Table};
use super::suggest::nearest;
use crate::diagnostic::{Code, Finding, Severity, Sink, Span, thousands};
use crate::model::{Catalogue, Claim, Desired, Moment, Profiles, look_alike};

pub use catalogues::builtin_catalogue;
pub use drift::Allowance;
pub use targets::Template;

/// How many times a run looks for the nearest name: with a hundred thousand users and ten thousand
/// mistakes, looking every time would take longer than everything else.
const SUGGESTIONS_MAX: usize = 100;

/// How many things of a circle are named and shown.
const CIRCLE_SHOWN: usize = 5;

/// A target with what the files want of it.
#[derive(Debug)]
pub struct TargetDeclaration {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// What kind of system it is.
    pub provider: ProviderName,
    /// The words that can stand for it.
    pub labels: Vec<String>,
    /// Where it is.
    pub url: Option<Template>,
    /// What opens it.
    pub credentials: BTreeMap<String, Template>,
    /// Settings of its provider.
    pub settings: BTreeMap<String, String>,
    /// Who applies, where the system does not tell: an e-mail.
    pub identity: Option<String>,
    /// What is wanted of it.
    pub desired: Desired<Span>,
}

impl TargetDeclaration {
    /// Whether what opens another declaration's target would go to the same place in the same way.
    #[must_use]
    pub fn is_reached_like(&self, other: &Self) -> bool {
        let same = self.provider == other.provider && self.url == other.url;
        same && self.credentials == other.credentials && self.settings == other.settings
    }
}

/// Everything that the files say.
#[derive(Debug)]
pub struct Declaration {
    /// The folder of `rolecall.yaml`.
    pub root: PathBuf,
    /// The targets by name.
    pub targets: Vec<TargetDeclaration>,
    /// The catalogues that the files declare, by name.
    pub catalogues: BTreeMap<String, Arc<Catalogue>>,
    /// The access tests, one claim for each target that a test concerns, in the order of the files.
    pub tests: Vec<Claim<Span>>,
    /// The e-mails of users by their short names.
    pub short_names: BTreeMap<String, String>,
    /// What people are called elsewhere (`github`): by system, then by e-mail. Of everybody who is declared,
    /// also of those who belong to no target.
    pub handles: BTreeMap<String, BTreeMap<String, String>>,
    /// What the declared roles mean in each target: by target, then by declared name.
    pub role_names: BTreeMap<String, BTreeMap<String, String>>,
    /// Settings for pull requests.
    pub ci: Option<CiDecl>,
    /// The differences that are known and allowed for a time, in the order of the files.
    pub allowed_drift: Vec<Allowance>,
}

impl Declaration {
    /// The targets that a name or label means: all of them for `None`.
    #[must_use]
    pub fn select(&self, wanted: &[String]) -> Vec<&TargetDeclaration> {
        let fits =
            |t: &&TargetDeclaration| wanted.is_empty() || wanted.iter().any(|w| *w == t.name || t.labels.contains(w));
        self.targets.iter().filter(fits).collect()
    }
}

/// The sections of all files together.
#[derive(Debug, Default)]
pub struct Merged {
    version_seen: bool,
    targets: Table<TargetDecl>,
    catalogues: Table<CatalogueDecl>,
    roles: Table<RoleDecl>,
    users: Table<UserDecl>,
    teams: Table<TeamDecl>,
    resources: Table<ResourceDecl>,
    grants: Vec<GrantDecl>,
    domains: Table<DomainDecl>,
    blocks: Vec<BlockDecl>,
    policies: Vec<Sp<PoliciesDecl>>,
    tests: Vec<TestDecl>,
    ci: Option<Sp<CiDecl>>,
    drift: Option<Sp<DriftDecl>>,
    /// Which sections occur at all: absent and empty are different.
    users_said: bool,
    teams_said: bool,
    resources_said: bool,
    grants_said: bool,
    domains_said: bool,
}

/// Adds a file to what is known.
pub(super) fn merge(merged: &mut Merged, file: FileDecl, is_main: bool, start: Span, sink: &mut Sink) {
    match file.version {
        Some(version) if version.value != 1 => {
            let text = format!("version {} of the file language is not known", version.value);
            let help = "this program reads version 1; a newer rolecall may read it";
            sink.push(Finding::at(Code::UnknownVersion, version.span, text).help(help));
        }
        None if is_main => {
            let text = "the version of the file language is missing";
            sink.push(Finding::at(Code::MissingKey, start, text).help("begin the file with `version: 1`"));
        }
        _ => {}
    }
    merged.version_seen |= file.version.is_some();
    fn join<T>(into: &mut Table<T>, from: Option<Table<T>>) -> bool {
        let said = from.is_some();
        if let Some(mut from) = from {
            into.rows.append(&mut from.rows);
            into.broken.append(&mut from.broken);
        }
        said
    }
    join(&mut merged.targets, file.targets);
    join(&mut merged.catalogues, file.catalogues);
    join(&mut merged.roles, file.roles);
    merged.users_said |= join(&mut merged.users, file.users);
    merged.teams_said |= join(&mut merged.teams, file.teams);
    merged.resources_said |= join(&mut merged.resources, file.resources);
    merged.domains_said |= join(&mut merged.domains, file.domains);
    merged.grants_said |= file.grants.is_some();
    merged.grants.extend(file.grants.into_iter().flatten());
    merged.blocks.extend(file.blocks.into_iter().flatten());
    merged.policies.extend(file.policies);
    merged.tests.extend(file.tests.into_iter().flatten());
    once(&mut merged.ci, file.ci, "ci", sink);
    once(&mut merged.drift, file.drift, "drift", sink);
}

/// Keeps the first of two sections of which there can be one.
fn once<T>(kept: &mut Option<Sp<T>>, new: Option<Sp<T>>, name: &str, sink: &mut Sink) {
    match (&kept, new) {
        (Some(first), Some(second)) => sink.push(twice(name, first.span, second.span)),
        (None, Some(new)) => *kept = Some(new),
        (_, None) => {}
    }
}

/// The names of a circle for its message: the first ones, and how many more there are.
pub(super) fn circle_named(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(CIRCLE_SHOWN);
    let shown: Vec<String> = names.take(CIRCLE_SHOWN).collect();
    let rest = if more == 0 { String::new() } else { format!(" and {} more", thousands(more)) };
    format!("{}{rest}", shown.join(" in "))
}

/// Something is declared twice.
pub(super) fn twice(what: &str, first: Span, second: Span) -> Finding {
    Finding::at(Code::DuplicateDeclaration, second, format!("{what} is declared twice"))
        .labelled("again here")
        .also(first, "first here")
        .help("keep one of the two: one place in the files must be the whole truth about it")
}

/// A user as far as the files alone tell.
#[derive(Debug)]
pub(super) struct UserInfo {
    /// The address in its compared form.
    pub email: String,
    /// Where the user is declared: the key.
    pub span: Span,
    /// The declaration; `None` where it could not be read.
    pub decl: Option<UserDecl>,
    /// The targets they belong to, rising.
    pub targets: Vec<usize>,
}

/// What is known while the files are resolved.
pub(super) struct Resolver<'a> {
    pub names: &'a StringInterner<DefaultBackend>,
    pub sink: &'a mut Sink,
    pub profiles: &'a Profiles,
    pub now: Moment,
    pub targets: Vec<targets::TargetState>,
    pub roles: HashMap<Sym, roles::RoleInfo>,
    pub users: Vec<UserInfo>,
    pub user_by_name: HashMap<Sym, u32>,
    pub user_by_email: HashMap<String, u32>,
    pub teams: Vec<teams::TeamInfo>,
    /// The first team of each bare name, for as many teams as were there when it was made.
    pub team_by_name: (usize, HashMap<String, usize>),
    pub suggestions: usize,
}

impl<'a> Resolver<'a> {
    /// The text of a symbol. Symbols come from the same interner, so it is always there.
    pub fn text(&self, sym: Sym) -> &'a str {
        self.names.resolve(sym).unwrap_or_default()
    }

    /// Reports names of which two look the same, or differ only by case: a reader takes one for the
    /// other.
    pub fn check_look_alike_names(&mut self, names: &[(String, Span)], what: &str) {
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(names.len());
        let plain = names.iter().all(|(name, _)| name.is_ascii());
        for (index, (name, span)) in names.iter().enumerate() {
            let folded = if plain { name.to_ascii_lowercase() } else { look_alike(&name.to_lowercase()) };
            if let Some(&first) = seen.get(&folded) {
                if names[first].0 != *name {
                    let text = format!("the {what} `{name}` looks like `{}`", names[first].0);
                    let ascii = name.is_ascii() && names[first].0.is_ascii();
                    let severity = if ascii { Severity::Warning } else { Severity::Error };
                    let finding = Finding::at(Code::LookAlike, *span, text).severity(severity);
                    self.sink.push(finding.also(names[first].1, "the other one").help("give one of them another name"));
                }
            } else {
                seen.insert(folded, index);
            }
        }
    }

    /// Reports a name that nothing has, with the nearest one that something has.
    pub fn unknown<'n>(&mut self, at: Sp<Sym>, what: &str, known: impl IntoIterator<Item = &'n str>, otherwise: &str) {
        let known = known.into_iter();
        let count = known.size_hint().1.unwrap_or_default();
        let near = if self.may_suggest(count) { nearest(self.text(at.value), known) } else { None };
        self.unknown_near(at, what, near, otherwise);
    }

    /// Whether the nearest of so many names is looked for: among many it counts for more than once.
    pub fn may_suggest(&mut self, names: usize) -> bool {
        let may = self.suggestions < SUGGESTIONS_MAX;
        self.suggestions += 1 + names / 10_000;
        may
    }

    /// Reports a name that nothing has, with one that is near to it.
    pub fn unknown_near(&mut self, at: Sp<Sym>, what: &str, near: Option<&str>, otherwise: &str) {
        let text = self.text(at.value);
        let help = near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"));
        let finding = Finding::at(Code::UnknownReference, at.span, format!("there is no {what} `{text}`"));
        self.sink.push(finding.help(help));
    }
}

/// Resolves everything; `None` when there is nothing that could be planned.
pub(super) fn resolve(
    root: PathBuf,
    merged: Merged,
    names: &StringInterner<DefaultBackend>,
    profiles: &Profiles,
    now: Moment,
    sink: &mut Sink,
) -> Option<Declaration> {
    let mut resolver = Resolver {
        names,
        sink,
        profiles,
        now,
        targets: Vec::new(),
        roles: HashMap::new(),
        users: Vec::new(),
        user_by_name: HashMap::new(),
        user_by_email: HashMap::new(),
        teams: Vec::new(),
        team_by_name: (0, HashMap::new()),
        suggestions: 0,
    };
    let Merged {
        targets,
        catalogues,
        roles,
        users,
        teams,
        resources,
        grants,
        domains,
        blocks,
        policies,
        tests,
        ci,
        drift,
        users_said,
        teams_said,
        resources_said,
        grants_said,
        domains_said,
        ..
    } = merged;
    let r = &mut resolver;
    let catalogues = r.read_catalogues(&catalogues);
    let overrides = r.add_targets(targets, &catalogues);
    r.add_roles(roles);
    r.mention_sections(users_said, teams_said, resources_said, grants_said, domains_said);
    r.index_users(users);
    r.place_users();
    let blocked = r.read_blocks(&blocks);
    r.add_users(&blocked);
    r.add_teams(teams);
    r.add_resources_and_grants(resources, &grants);
    drop(grants);
    r.add_domains(&domains);
    r.add_policies(&policies, &overrides);
    let tests = r.read_tests(&tests);
    let allowed_drift = r.read_drift(drift.as_ref().map(|d| &d.value));
    let identities = r.identities();
    let (short_names, role_names, handles) = (r.short_names(), r.role_names(), r.handles());
    let targets = r.finish(identities);
    let catalogues = catalogues.into_iter().collect();
    let ci = ci.map(|c| c.value);
    Some(Declaration { root, targets, catalogues, tests, short_names, handles, role_names, ci, allowed_drift })
}
