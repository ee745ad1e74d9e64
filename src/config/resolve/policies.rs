//! Auto-join domains and policies.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::people::domain_name;
use super::roles::At;
use super::teams::quota;
use super::{Resolver, twice};
use crate::config::declaration::{ApprovalDecl, DomainDecl, LimitsDecl, PoliciesDecl};
use crate::config::decode::{Several, Sp, Sym, Table};
use crate::diagnostic::{Code, Finding, Severity, Span};
use crate::model::{ApprovalRule, Approver, Domain, Kind, Limits, PolicyKey, RoleId, Said, TeamId, look_alike};

/// What an approval rule is for that is for every gain.
const ANY: &str = "any";

impl Resolver<'_> {
    /// Adds the auto-join domains.
    pub fn add_domains(&mut self, domains: &Table<DomainDecl>) {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut looks: HashMap<String, Span> = HashMap::new();
        for (key, decl) in &domains.rows {
            let text = self.text(key.value);
            let name = match domain_name(text) {
                Ok(name) => name,
                Err(error) => {
                    let finding = Finding::at(Code::BadDomain, key.span, error);
                    self.sink.push(finding.help("write the part of an address after the `@`, as in acme.com"));
                    continue;
                }
            };
            if let Some(first) = seen.insert(name.clone(), key.span) {
                self.sink.push(twice(&format!("the domain {name}"), first, key.span));
                continue;
            }
            if let Some(first) = looks.insert(look_alike(&name), key.span) {
                let finding =
                    Finding::at(Code::LookAlike, key.span, format!("the domain `{text}` looks like another one"));
                let finding = finding.severity(if name.contains("xn--") { Severity::Error } else { Severity::Warning });
                self.sink.push(finding.also(first, "the other one").help("write the domain that is really meant"));
            }
            self.add_domain(&name, *key, decl);
        }
    }

    fn add_domain(&mut self, name: &str, key: Sp<Sym>, decl: &DomainDecl) {
        let mut targets: BTreeSet<usize> = match (&decl.targets, decl.role) {
            (Some(list), _) => list.iter().flat_map(|at| self.targets_named(*at)).collect(),
            (None, Said::Is(role)) => self.targets_of_role(role).into_iter().collect(),
            (None, _) => {
                let able = |t: &usize| self.targets[*t].profile.kinds.contains(&Kind::Domain);
                let able: Vec<usize> = (0..self.targets.len()).filter(able).collect();
                if able.len() > 1 {
                    let names: Vec<&str> = able.iter().map(|t| self.targets[*t].name.as_str()).collect();
                    let text =
                        format!("several targets have auto-join domains, and nothing says for which `{name}` is");
                    let help = format!("add `targets:` with some of: {}", names.join(", "));
                    self.sink.push(Finding::at(Code::Ambiguous, key.span, text).help(help));
                    BTreeSet::new()
                } else {
                    able.into_iter().collect()
                }
            }
        };
        let unable: Vec<usize> =
            targets.iter().copied().filter(|t| !self.targets[*t].profile.kinds.contains(&Kind::Domain)).collect();
        for target in unable {
            targets.remove(&target);
            // A role may lead to systems without auto-join; only those that are named must have it.
            if decl.targets.is_some() {
                let text = format!(
                    "`{}` ({}) has no auto-join domains",
                    self.targets[target].name, self.targets[target].profile.provider
                );
                self.sink.push(Finding::at(Code::CannotDo, key.span, text).help("take the target out of `targets:`"));
            }
        }
        for target in targets {
            let role: Said<RoleId> = match decl.role {
                Said::Is(at) => self.role_in(target, at, At::User).map_or(Said::Unsaid, Said::Is),
                Said::Nothing => Said::Nothing,
                Said::Unsaid => Said::Unsaid,
            };
            let teams = match &decl.teams {
                None => Said::Unsaid,
                Some(list) => {
                    let ids: Vec<TeamId> = list
                        .iter()
                        .filter_map(|at| self.team_in(target, *at, self.names.resolve(at.value).unwrap_or_default()))
                        .collect();
                    if ids.is_empty() { Said::Nothing } else { Said::Is(ids) }
                }
            };
            self.targets[target].builder.domain(Domain { name: name.into(), role, teams }, key.span);
        }
    }

    /// Adds the policies for all targets, and those of single targets over them.
    pub fn add_policies(&mut self, general: &[Sp<PoliciesDecl>], overrides: &[Option<PoliciesDecl>]) {
        let mut seen: HashMap<&'static str, Span> = HashMap::new();
        for policies in general {
            for (key, span) in keys_of(&policies.value) {
                if let Some(first) = seen.insert(key, span) {
                    self.sink.push(twice(&format!("the policy `{key}`"), first, span));
                }
            }
            // A section without any key is a mention: there are to be no policies.
            let empty = keys_of(&policies.value).is_empty();
            for target in 0..self.targets.len() {
                self.apply_policies(target, &policies.value);
                let state = &mut self.targets[target];
                if empty && state.profile.kinds.contains(&Kind::Policy) {
                    state.manage.rule_mut(Kind::Policy).mentioned = true;
                }
            }
            self.check_policies(&policies.value, None);
        }
        for (target, policies) in overrides.iter().enumerate() {
            if let Some(policies) = policies {
                self.apply_policies(target, policies);
                self.check_policies(policies, Some(target));
            }
        }
    }

    fn apply_policies(&mut self, target: usize, policies: &PoliciesDecl) {
        let documents = self.documents(policies);
        self.apply_rules(target, policies);
        let successor = policies.removal.as_ref().and_then(|r| r.transfer_to);
        // Who is nobody is reported where the policies are checked.
        let successor = successor.and_then(|at| self.user_called(at.value));
        let successor = successor.map(|user| self.users[user as usize].email.to_string());
        let state = &mut self.targets[target];
        let keeps = state.profile.kinds.contains(&Kind::Policy);
        for (key, span, value) in documents {
            if keeps {
                state.builder.policy(key, value, span);
                state.manage.rule_mut(Kind::Policy).mentioned = true;
            }
        }
        if let Some(invitations) = &policies.invitations {
            state.rules.invitations_required = invitations.required.unwrap_or(state.rules.invitations_required);
            state.rules.invitation_days = invitations.expire.map_or(state.rules.invitation_days, |d| d.0);
        }
        if let Some(at_least) = policies.admins.as_ref().and_then(|a| a.at_least) {
            state.rules.admins_at_least = (at_least.value as usize).max(1);
            state.rules.admins_declared = true;
        }
        if let Some(removal) = &policies.removal {
            let rules = &mut state.rules.removal;
            rules.users = removal.users.unwrap_or(rules.users);
            rules.transfer_to = successor.or(rules.transfer_to.take());
            if let Some(limits) = &removal.at_most {
                rules.at_most = limits_of(limits, rules.at_most);
            }
            if let Some(kinds) = &removal.kinds {
                for (kind, limits) in [
                    (Kind::Role, &kinds.roles),
                    (Kind::User, &kinds.users),
                    (Kind::Team, &kinds.teams),
                    (Kind::Member, &kinds.members),
                    (Kind::Resource, &kinds.resources),
                    (Kind::Grant, &kinds.grants),
                    (Kind::Domain, &kinds.domains),
                ] {
                    if let Some(limits) = limits {
                        let value = limits_of(limits, rules.at_most);
                        rules.by_kind.insert(kind, value);
                    }
                }
            }
        }
    }

    /// What rolecall itself holds to in a target, beside limits: named roles and people are those of the
    /// target, and what means nothing in it is left out.
    fn apply_rules(&mut self, target: usize, policies: &PoliciesDecl) {
        for (rule, setting) in policies.invariants.iter().flat_map(|t| &t.rows) {
            let name = self.text(rule.value).to_owned();
            if self.profiles.rules.iter().any(|r| r.name == name && r.optional) {
                self.targets[target].rules.settings.insert(name, setting.value);
            }
        }
        if let Some(required) = policies.admins.as_ref().and_then(|a| a.required.as_ref()) {
            let mut named: Vec<(Box<str>, Span)> = Vec::new();
            for at in required {
                let Some(user) = self.user_called(at.value) else { continue };
                if self.users[user as usize].targets.contains(&target) {
                    named.push((self.users[user as usize].email.as_str().into(), at.span));
                }
            }
            let state = &mut self.targets[target];
            for (email, span) in &named {
                state.builder.rule(format!("admins {email}"), *span);
            }
            state.rules.admins_required = named.into_iter().map(|(email, _)| email).collect();
            state.rules.admins_required.sort();
            state.rules.admins_required.dedup();
        }
        if let Some(groups) = &policies.exclusive {
            let mut found: Vec<Vec<Box<str>>> = Vec::new();
            for group in groups {
                let group = &group.value;
                let mut roles: Vec<Box<str>> = Vec::new();
                for (number, at) in group.iter().enumerate() {
                    let Some(role) = self.name_of_role(target, at.value).map(Box::<str>::from) else { continue };
                    // What stands twice as it is written is said where it is read.
                    let first =
                        group[..number].iter().find(|o| self.name_of_role(target, o.value).as_deref() == Some(&*role));
                    if let Some(first) = first.filter(|first| first.value != at.value) {
                        let (one, other, home) =
                            (self.text(first.value), self.text(at.value), &self.targets[target].name);
                        let text =
                            format!("{one} and {other} are the same role in {home}, which cannot exclude itself");
                        let finding = Finding::at(Code::NoEffect, at.span, text).labelled(format!("{role} in {home}"));
                        let help = "give them different roles in `as:`, or leave one of them out";
                        self.sink.push(finding.also(first.span, format!("{role} in {home}")).help(help));
                    }
                    roles.push(role);
                }
                roles.sort();
                roles.dedup();
                if let (Some(first), true) = (group.first(), roles.len() > 1) {
                    self.targets[target].builder.rule(format!("exclusive {}", found.len()), first.span);
                    found.push(roles);
                }
            }
            self.targets[target].rules.exclusive = found;
        }
        if let Some(decl) = &policies.quota {
            let state = &mut self.targets[target];
            state.builder.rule("quota".to_owned(), decl.span);
            state.rules.quota = quota(decl);
        }
        for (class, number) in policies.seats.iter().flat_map(|t| &t.rows) {
            let name = self.text(class.value).to_owned();
            let state = &mut self.targets[target];
            state.builder.rule(format!("seats {name}"), class.span);
            state.rules.seats.insert(name, *number);
        }
        if let Some(approvals) = &policies.approval {
            let rules: Vec<ApprovalRule> = approvals.iter().filter_map(|a| self.approval_rule(target, a)).collect();
            self.targets[target].rules.approval = rules;
        }
        let rules = &mut self.targets[target].rules;
        if let Some(mfa) = &policies.mfa {
            let none = matches!(&mfa.require.0, Several::One(one) if self.names.resolve(one.value) == Some("none"));
            rules.mfa = !none && mfa.require.0.iter().next().is_some();
        }
        if let Some(review) = &policies.review {
            rules.review_every = review.every.map_or(rules.review_every, |d| Some(d.0));
            rules.review_inactive = review.inactive.map_or(rules.review_inactive, |d| Some(d.0));
        }
    }

    /// An approval rule in the words of a target; `None` where what it is for means nothing there. People
    /// and teams count wherever they are declared.
    fn approval_rule(&self, target: usize, decl: &ApprovalDecl) -> Option<ApprovalRule> {
        let said = self.text(decl.gains.0.value);
        let gains = if said == ANY { None } else { Some(self.ability_in(target, decl.gains.0.value)?) };
        let mut by: Vec<Approver> = decl.by.0.iter().filter_map(|at| self.approver(at.value)).collect();
        by.sort();
        by.dedup();
        Some(ApprovalRule { said: said.to_owned(), gains, by, at_least: decl.at_least.unwrap_or(1).max(1) })
    }

    fn approver(&self, by: Sym) -> Option<Approver> {
        let text = self.text(by);
        Some(match text {
            "owner" => Approver::Owner,
            "lead" => Approver::Lead,
            _ => match text.strip_prefix("team/") {
                Some(team) => Approver::Team(team.rsplit_once(':').map_or(team, |(_, bare)| bare).to_owned()),
                None => Approver::User(self.users[self.user_called(by)? as usize].email.clone()),
            },
        })
    }

    /// The name in a target of the role that a text means, if it means one there.
    pub fn name_of_role(&self, target: usize, role: Sym) -> Option<String> {
        let text = self.text(role);
        if let Some((targets, rest)) = self.split_prefix(text) {
            return targets.contains(&target).then(|| self.native_role(target, rest)).flatten();
        }
        match self.roles.get(&role) {
            Some(info) if info.made_in.contains(&target) => Some(text.to_owned()),
            Some(info) => info.mapping.get(&target).map(|(native, _)| native.clone()),
            None => self.native_role(target, text),
        }
    }

    /// Checks that there are seats of the classes that are counted.
    fn check_seats(&mut self, policies: &PoliciesDecl, target: Option<usize>) {
        let targets = target.map_or(0..self.targets.len(), |t| t..t + 1);
        let roles = targets.flat_map(|t| self.targets[t].catalogue.roles.values());
        let mut known: Vec<String> = roles.filter_map(|r| r.seat.clone()).collect();
        known.sort();
        known.dedup();
        for (class, _) in policies.seats.iter().flat_map(|t| &t.rows) {
            if known.is_empty() {
                let text = format!(
                    "no role is known to take a seat, so seats of `{}` cannot be counted",
                    self.text(class.value)
                );
                let finding = Finding::at(Code::SeatsFit, class.span, text).severity(Severity::Warning);
                self.sink
                    .push(finding.help("take the line away, or say `seat:` at the roles of a catalogue of your own"));
            } else if !known.iter().any(|k| k == self.text(class.value)) {
                let otherwise = format!("there are: {}", known.join(", "));
                self.unknown(*class, "class of seats", known.iter().map(String::as_str), &otherwise);
            }
        }
    }

    /// The policies that a target keeps, as documents.
    fn documents(&self, policies: &PoliciesDecl) -> Vec<(PolicyKey, Span, Value)> {
        let mut found = Vec::new();
        let put = |object: &mut Map<String, Value>, key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(key.to_owned(), value);
            }
        };
        if let Some(mfa) = &policies.mfa {
            let mut object = Map::new();
            let require = match &mfa.require.0 {
                Several::One(one) => json!(self.text(one.value)),
                Several::Many(many) => {
                    let mut names: Vec<&str> = many.iter().map(|m| self.text(m.value)).collect();
                    names.sort_unstable();
                    json!(names)
                }
            };
            object.insert("require".to_owned(), require);
            put(&mut object, "grace", mfa.grace.map(|d| json!(d)));
            found.push((PolicyKey::Mfa, mfa.span, Value::Object(object)));
        }
        if let Some(passwords) = &policies.passwords {
            let mut object = Map::new();
            put(&mut object, "length", passwords.length.map(Value::from));
            put(&mut object, "upper", passwords.upper.map(Value::from));
            put(&mut object, "lower", passwords.lower.map(Value::from));
            put(&mut object, "digits", passwords.digits.map(Value::from));
            put(&mut object, "special", passwords.special.map(Value::from));
            found.push((PolicyKey::Passwords, passwords.span, Value::Object(object)));
        }
        if let Some(invitations) = &policies.invitations {
            let mut object = Map::new();
            put(&mut object, "via", invitations.via.map(|v| json!(v.word())));
            put(&mut object, "retry", invitations.retry.map(|d| json!(d)));
            put(&mut object, "expire", invitations.expire.map(|d| json!(d)));
            put(&mut object, "required", invitations.required.map(Value::from));
            found.push((PolicyKey::Invitations, invitations.span, Value::Object(object)));
        }
        if let Some(review) = &policies.review {
            let mut object = Map::new();
            put(&mut object, "every", review.every.map(|d| json!(d)));
            put(&mut object, "inactive", review.inactive.map(|d| json!(d)));
            found.push((PolicyKey::Review, review.span, Value::Object(object)));
        }
        found
    }

    /// Checks what policies refer to.
    fn check_policies(&mut self, policies: &PoliciesDecl, target: Option<usize>) {
        if let Some(mfa) = &policies.mfa {
            for role in mfa.require.0.iter() {
                let alone = matches!(mfa.require.0, Several::One(_));
                let text = self.text(role.value);
                if !(alone && (text == "all" || text == "none")) {
                    self.check_role(*role, target);
                }
            }
        }
        if let Some(admins) = &policies.admins {
            if let Some(at_least) = admins.at_least.filter(|n| n.value == 0) {
                let text = "at least one administrator must remain";
                self.sink.push(Finding::at(Code::UnknownValue, at_least.span, text).help("write 1 or more"));
            }
            for user in admins.required.iter().flatten() {
                self.user(*user);
            }
        }
        if let Some(to) = policies.removal.as_ref().and_then(|r| r.transfer_to) {
            self.user(to);
        }
        for group in policies.exclusive.iter().flatten() {
            for (number, role) in group.value.iter().enumerate() {
                self.check_role(*role, target);
                if let Some(first) = group.value[..number].iter().find(|r| r.value == role.value) {
                    let text = format!("{} stands twice here, and cannot exclude itself", self.text(role.value));
                    let finding = Finding::at(Code::Contradiction, role.span, text).labelled("again here");
                    self.sink.push(finding.also(first.span, "first here").help("name another role, or take it away"));
                }
            }
            let alone = match group.value.as_slice() {
                [] => Some((group.span, "an empty list of roles excludes nothing")),
                [only] => Some((only.span, "a single role cannot exclude another")),
                _ => None,
            };
            if let Some((span, text)) = alone {
                self.sink.push(Finding::at(Code::Contradiction, span, text).help("list two or more roles"));
            }
        }
        let rules = self.profiles.rules;
        for (rule, _) in policies.invariants.iter().flat_map(|t| &t.rows) {
            match rules.iter().find(|r| r.name == self.text(rule.value)) {
                None => {
                    let known: Vec<&str> = rules.iter().map(|r| r.name).collect();
                    let otherwise = format!("there are: {}", known.join(", "));
                    self.unknown(*rule, "invariant", known.iter().copied(), &otherwise);
                }
                Some(known) if !known.optional => {
                    let text = format!("the rule `{}` cannot be set: it always holds", known.name);
                    self.sink.push(Finding::at(Code::CannotDo, rule.span, text).help("take the line away"));
                }
                Some(_) => {}
            }
        }
        self.check_seats(policies, target);
        for approval in policies.approval.iter().flatten() {
            if self.text(approval.gains.0.value) != ANY {
                self.check_ability(approval.gains.0);
            }
            for by in approval.by.0.iter() {
                let text = self.text(by.value);
                if let Some(team) = text.strip_prefix("team/") {
                    let bare = team.rsplit_once(':').map_or(team, |(_, n)| n);
                    if self.team_named(bare).is_none() {
                        let known: Vec<String> = self.teams.iter().map(|t| format!("team/{}", t.name)).collect();
                        self.unknown(*by, "team", known.iter().map(String::as_str), "declare it under `teams:`");
                    }
                } else if text != "owner" && text != "lead" {
                    self.user(*by);
                }
            }
        }
    }

    /// Checks that a role means something somewhere (or in one target).
    pub fn check_role(&mut self, at: Sp<Sym>, target: Option<usize>) {
        let text = self.text(at.value);
        if let Some((targets, rest)) = self.split_prefix(text)
            && targets.iter().any(|t| self.native_role(*t, rest).is_some())
        {
            return;
        }
        let native = |t: usize| self.native_role(t, text).is_some();
        let known = self.roles.contains_key(&at.value)
            || target.map_or_else(|| (0..self.targets.len()).any(native), native)
            || self.targets.iter().any(|t| t.catalogue.name.is_empty());
        if !known {
            let mut names: Vec<String> = self.roles.keys().map(|s| self.text(*s).to_owned()).collect();
            names.extend(self.targets.iter().flat_map(|t| t.catalogue.roles.keys().cloned()));
            names.sort();
            names.dedup();
            self.unknown(at, "role", names.iter().map(String::as_str), "name a declared role or one of a target");
        }
    }
}

fn limits_of(decl: &LimitsDecl, default: Limits) -> Limits {
    Limits { count: decl.count.map_or(default.count, |n| n as usize), share: decl.share.unwrap_or(default.share) }
}

/// The keys that are there, with where their values stand.
fn keys_of(policies: &PoliciesDecl) -> Vec<(&'static str, Span)> {
    let whole = policies.span;
    [
        ("mfa", policies.mfa.as_ref().map(|d| d.span)),
        ("passwords", policies.passwords.as_ref().map(|d| d.span)),
        ("invitations", policies.invitations.as_ref().map(|d| d.span)),
        ("review", policies.review.as_ref().map(|d| d.span)),
        ("admins", policies.admins.as_ref().map(|d| d.span)),
        ("removal", policies.removal.as_ref().map(|d| d.span)),
        ("exclusive", policies.exclusive.as_ref().map(|_| whole)),
        ("seats", policies.seats.as_ref().map(|_| whole)),
        ("quota", policies.quota.as_ref().map(|d| d.span)),
        ("invariants", policies.invariants.as_ref().map(|_| whole)),
        ("approval", policies.approval.as_ref().map(|_| whole)),
    ]
    .into_iter()
    .filter_map(|(key, span)| Some((key, span?)))
    .collect()
}
