//! What a check looks at, and what it says: the same for what files declare, for what is live, and for
//! what a plan leads to, so that a plan can tell what is new from what was there before.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::RuleInfo;
use crate::diagnostic::{Finding, Severity, Span};
use crate::model::{
    Catalogue, CatalogueRole, Desired, Directory, DomainId, Manage, Moment, Origins, ResourceId, RoleId, Rules, TeamId,
    UserId, UserState,
};

/// One state of one target, and what is wanted of it.
pub struct Subject<'a> {
    /// The state.
    pub directory: &'a Directory,
    /// The target's catalogue.
    pub catalogue: &'a Catalogue,
    /// What rolecall holds to.
    pub rules: &'a Rules,
    /// The time.
    pub now: Moment,
    /// What of the target is managed; `None` for a state that is known as a whole.
    pub manage: Option<&'a Manage>,
    /// The blocked users by e-mail.
    pub blocks: Option<&'a BTreeMap<String, Option<String>>>,
    /// Whether a team lies in another.
    nested: OnceCell<bool>,
}

impl<'a> Subject<'a> {
    /// What the files want of a target.
    #[must_use]
    pub fn declared<O>(desired: &'a Desired<O>, now: Moment) -> Self {
        Self {
            directory: &desired.directory,
            catalogue: &desired.catalogue,
            rules: &desired.rules,
            now,
            manage: Some(&desired.manage),
            blocks: Some(&desired.blocks),
            nested: OnceCell::new(),
        }
    }

    /// A state that is known as a whole: what is live, or what a plan leads to.
    #[must_use]
    pub fn whole<O>(directory: &'a Directory, desired: &'a Desired<O>, now: Moment) -> Self {
        Self { directory, manage: None, blocks: None, ..Self::declared(desired, now) }
    }

    /// Whether all members of a team are known.
    #[must_use]
    pub fn knows_members(&self, team: TeamId) -> bool {
        self.manage.is_none_or(|manage| manage.listed_members.contains(&team))
    }

    /// Whether any team lies in another one.
    #[must_use]
    pub fn has_nested_teams(&self) -> bool {
        *self.nested.get_or_init(|| self.directory.teams().iter().any(|t| t.outer.value().is_some()))
    }

    /// The teams that a user belongs to, those around them included, with the last moment of the
    /// membership that leads there.
    #[must_use]
    pub fn teams_of(&self, user: UserId) -> Vec<(TeamId, Option<Moment>)> {
        let mut teams: Vec<(TeamId, Option<Moment>)> = Vec::new();
        for member in self.directory.memberships_of(user) {
            let until = member.until.value().copied();
            if self.has_nested_teams() {
                teams.extend(self.directory.team_and_outer(member.team).map(|t| (t, until)));
            } else {
                teams.push((member.team, until));
            }
        }
        // The longest way to a team is the one that counts.
        teams.sort_unstable_by_key(|(team, until)| (*team, until.is_some(), std::cmp::Reverse(*until)));
        teams.dedup_by_key(|(team, _)| *team);
        teams
    }

    /// What the catalogue says of a role.
    #[must_use]
    pub fn catalogue_role(&self, role: RoleId) -> Option<&'a CatalogueRole> {
        self.catalogue.roles.get(&*self.directory.role(role).name)
    }

    /// Whether a role that is held in a team reaches only what belongs to the team. One that administers the
    /// target does so wherever it is held.
    #[must_use]
    pub fn is_bound(&self, role: RoleId) -> bool {
        self.catalogue.binds_teams() && !self.directory.role(role).administers
    }

    /// The resources around a resource, from the inside out. Ends also where a live system holds a circle.
    pub fn around(&self, resource: ResourceId) -> impl Iterator<Item = ResourceId> + use<'a> {
        let directory = self.directory;
        let mut next = directory.resource(resource).parent.value().copied();
        let mut steps = directory.resources().len();
        std::iter::from_fn(move || {
            let now = next?;
            steps = steps.checked_sub(1)?;
            next = directory.resource(now).parent.value().copied();
            Some(now)
        })
    }

    /// Whether a user can come in, or will when they accept.
    #[must_use]
    pub fn may_come(&self, user: UserId) -> bool {
        matches!(self.directory.user(user).state, UserState::Active | UserState::Invited)
    }

    /// The address of a user.
    #[must_use]
    pub fn email(&self, user: UserId) -> &'a str {
        &self.directory.user(user).email
    }
}

/// What a breach is about: for what files declare, that is a place in them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A user.
    User(UserId),
    /// A team.
    Team(TeamId),
    /// A resource.
    Resource(ResourceId),
    /// A membership, by its number in the list.
    Membership(usize),
    /// A grant, by its number in the list.
    Grant(usize),
    /// A domain.
    Domain(DomainId),
    /// Something that rolecall holds to, by its name in [`Origins::rules`].
    Rule(String),
}

impl Place {
    fn origin<O: Copy>(&self, origins: &Origins<O>) -> Option<O> {
        match self {
            Self::User(id) => origins.users.get(id.index()),
            Self::Team(id) => origins.teams.get(id.index()),
            Self::Resource(id) => origins.resources.get(id.index()),
            Self::Membership(number) => origins.memberships.get(*number),
            Self::Grant(number) => origins.grants.get(*number),
            Self::Domain(id) => origins.domains.get(id.index()),
            Self::Rule(name) => origins.rules.get(name),
        }
        .copied()
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Breach {
    /// The rule.
    pub rule: &'static RuleInfo,
    /// How bad it is, where that is less than the rule says by itself.
    pub severity: Option<Severity>,
    /// What it is about.
    pub place: Place,
    /// What stands beside the caret.
    pub label: String,
    /// What else belongs to it.
    pub also: Vec<(Place, String)>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// What tells it from others of the same rule, whatever the state it is found in: the objects.
    pub key: String,
    /// How much of it there is: where the same is found in two states, more is worse.
    pub amount: u64,
}

impl Breach {
    /// A breach about something. Its message is its key, until another one is given.
    #[must_use]
    pub fn new(rule: &'static RuleInfo, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            rule,
            severity: None,
            place,
            label: String::new(),
            also: Vec::new(),
            key: message.clone(),
            message,
            help: String::new(),
            amount: 1,
        }
    }

    /// Writes beside the caret.
    #[must_use]
    pub fn labelled(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, place: Place, text: impl Into<String>) -> Self {
        self.also.push((place, text.into()));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = text.into();
        self
    }

    /// Only says it.
    #[must_use]
    pub fn note(mut self) -> Self {
        self.severity = Some(Severity::Note);
        self
    }

    /// Names the objects, and how much of it there is.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>, amount: u64) -> Self {
        self.key = key.into();
        self.amount = amount;
        self
    }

    /// How bad it is under these rules; `None` where it is not looked for.
    #[must_use]
    pub fn severity(&self, rules: &Rules) -> Option<Severity> {
        let of_rule = self.rule.severity_under(rules)?;
        Some(self.severity.map_or(of_rule, |own| own.max(of_rule)))
    }

    /// As a finding in the files that declare it.
    pub(super) fn finding(&self, origins: &Origins<Span>, severity: Severity) -> Finding {
        let mut finding = match self.place.origin(origins) {
            Some(span) => Finding::at(self.rule.code, span, self.message.clone()).labelled(self.label.clone()),
            None => Finding::nowhere(self.rule.code, self.message.clone()),
        };
        let own = self.place.origin(origins);
        for (place, text) in &self.also {
            // Two roles of one line have one place.
            if let Some(span) = place.origin(origins).filter(|span| Some(*span) != own) {
                finding = finding.also(span, text.clone());
            }
        }
        if !self.help.is_empty() {
            finding = finding.help(self.help.clone());
        }
        finding.severity(severity)
    }
}
