//! What of a target a run has to see: where each thing costs a request of its own, what no file speaks of
//! and no rule removes is not asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Desired, Kind, Mode, PrincipalRecord, UserState};

/// What a reading has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Everything that is there.
    pub whole: bool,
    /// The resources that the files declare, by name.
    pub resources: BTreeSet<String>,
    /// Those of them whose grants are listed, so that others are removed.
    pub listed: BTreeSet<String>,
    /// Who is disabled or blocked in the files, by e-mail.
    pub disabled: BTreeSet<String>,
    /// Who is declared to hold something, by the name of the resource.
    pub holders: BTreeSet<(String, PrincipalRecord)>,
    /// Who is declared, by e-mail.
    pub users: BTreeSet<String>,
    /// The auto-join domains that the files declare.
    pub domains: BTreeSet<String>,
    /// The roles of declared members, by team and e-mail.
    pub members: BTreeMap<(String, String), Option<String>>,
    /// Whose names in other systems these are: the e-mail by system and name.
    pub handles: BTreeMap<(String, String), String>,
}

impl Wanted {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// What a plan for these wishes needs to see: everything where undeclared grants are removed, and where
    /// somebody is blocked, who is to lose all that they hold.
    #[must_use]
    pub fn of<O>(desired: &Desired<O>) -> Self {
        let rule = desired.manage.rule(Kind::Grant);
        let directory = &desired.directory;
        let name = |id: crate::model::ResourceId| directory.resource(id).name.to_string();
        let holders = directory.grants().iter().map(|g| (name(g.resource), directory.principal_record(g.principal)));
        let ended = desired.ended_grants.iter().map(|g| (g.resource.clone(), g.to.clone()));
        let disabled = directory.users().iter().filter(|u| u.state == UserState::Disabled);
        let member = |m: &crate::model::Membership| {
            let role = m.role.value().map(|r| directory.role(*r).name.to_string());
            ((directory.team(m.team).name.to_string(), directory.user(m.user).email.to_string()), role)
        };
        let users = directory.users().iter();
        let handles = users.flat_map(|u| u.handles.iter().map(move |(system, name)| (u, system, name)));
        Self {
            handles: handles
                .filter_map(|(u, system, name)| {
                    Some(((system.to_string(), name.value()?.to_string()), u.email.to_string()))
                })
                .collect(),
            whole: (rule.mentioned && rule.mode == Mode::Authoritative) || !desired.blocks.is_empty(),
            resources: directory.resources().iter().map(|r| r.name.to_string()).collect(),
            listed: desired.manage.listed_access.iter().map(|id| name(*id)).collect(),
            users: directory.users().iter().map(|u| u.email.to_string()).collect(),
            domains: directory.domains().iter().map(|d| d.name.to_string()).collect(),
            members: directory.memberships().iter().map(member).collect(),
            disabled: disabled.map(|u| u.email.to_string()).collect(),
            holders: holders.chain(ended).collect(),
        }
    }

    /// Whether the grants on a resource are to be seen.
    #[must_use]
    pub fn wants(&self, resource: &str) -> bool {
        self.whole || self.resources.contains(resource)
    }

    /// Whether any resource of these kinds is declared.
    #[must_use]
    pub fn wants_kinds(&self, kinds: &[&str]) -> bool {
        let of = |name: &String| name.split_once('/').is_some_and(|(kind, _)| kinds.contains(&kind));
        self.whole || self.resources.iter().any(of)
    }

    /// Whether what a principal holds on resources of these kinds is to be seen, where it is asked for
    /// principal by principal.
    #[must_use]
    pub fn wants_holder(&self, kinds: &[&str], principal: &PrincipalRecord) -> bool {
        let of = |name: &str| name.split_once('/').is_some_and(|(kind, _)| kinds.contains(&kind));
        self.whole
            || self.listed.iter().any(|name| of(name))
            || self.holders.iter().any(|(name, holder)| holder == principal && of(name))
    }
}
