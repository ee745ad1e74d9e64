//! The `tests:` section: checked here, evaluated elsewhere.

use std::collections::BTreeMap;

use super::{Resolver, nearest};
use crate::config::declaration::TestDecl;
use crate::config::decode::{Sp, Sym};
use crate::diagnostic::{Code, Finding, Span};
use crate::model::{Ability, Claim, Pattern, PrincipalRecord, Says, Subject};

impl Resolver<'_> {
    /// Checks that every test says one thing about one subject, and that what it names exists; gives
    /// the claims that it makes, one in each target that it concerns.
    pub fn read_tests(&mut self, tests: &[TestDecl]) -> Vec<Claim<Span>> {
        let mut claims = Vec::new();
        for (index, test) in tests.iter().enumerate() {
            let before = self.sink.len();
            self.check_test(test);
            self.check_test_names(test);
            if self.sink.len() == before {
                self.claims_of(test, index as u32 + 1, &mut claims);
            }
        }
        claims
    }

    fn check_test(&mut self, test: &TestDecl) {
        let subjects = [test.user.is_some(), test.team.is_some(), test.everyone.is_some(), test.only.is_some()];
        let subjects = subjects.iter().filter(|s| **s).count();
        let claims = [test.can.is_some(), test.cannot.is_some(), test.role.is_some()];
        let claims = claims.iter().filter(|c| **c).count();
        if subjects != 1 {
            let text = format!("a test is about one subject, and this one has {subjects}");
            let help = "say one of `user:`, `team:`, `everyone: true` or `only:`";
            self.sink.push(Finding::at(Code::Contradiction, test.span, text).help(help));
        }
        if claims != 1 {
            let text = format!("a test claims one thing, and this one claims {claims}");
            let help = "say one of `can:`, `cannot:` or `role:`; write one test for each claim";
            self.sink.push(Finding::at(Code::Contradiction, test.span, text).help(help));
        }
        if (test.can.is_some() || test.cannot.is_some()) && test.resource.is_none() {
            let text = "`can:` and `cannot:` need a resource";
            self.sink
                .push(Finding::at(Code::MissingKey, test.span, text).help("add `resource:`; `*` stands for anything"));
        }
        if let Some(everyone) = test.everyone.filter(|e| !e.value) {
            let text = "`everyone:` is always true";
            self.sink
                .push(Finding::at(Code::Contradiction, everyone.span, text).help("take the key away, or write true"));
        }
        if test.only.is_some() && test.can.is_none() && claims == 1 {
            let text = "`only:` goes with `can:`";
            self.sink.push(Finding::at(Code::Contradiction, test.span, text).help("say what only these may do"));
        }
    }

    /// The claims of a sound test: in the targets that have its resource and its subject, and in which
    /// the role or permission means something.
    fn claims_of(&mut self, test: &TestDecl, number: u32, claims: &mut Vec<Claim<Span>>) {
        let (ability, make): (Sp<Sym>, fn(Ability) -> Says) = match (test.can, test.cannot, test.role) {
            (Some(can), _, _) => (can, Says::Can),
            (_, Some(cannot), _) => (cannot, Says::Cannot),
            (_, _, Some(role)) => (role, Says::Role),
            _ => return,
        };
        let said = self.text(ability.value).to_owned();
        let pattern = test.resource.map(|r| self.text(r.value));
        let prefix = pattern.and_then(|p| self.split_prefix(p));
        let named = test.target.map(|t| self.targets_called(self.text(t.value)));
        let bare = prefix.as_ref().map(|(_, rest)| *rest).or(pattern).map(|p| Pattern(p.to_owned()));
        let user = test.user.and_then(|u| self.user_called(u.value));
        let before = claims.len();
        for target in 0..self.targets.len() {
            let wanted = named.as_ref().is_none_or(|n| n.contains(&target))
                && prefix.as_ref().is_none_or(|(targets, _)| targets.contains(&target));
            let here = match &bare {
                Some(pattern) => self.targets[target].builder.resource_names().any(|n| pattern.matches(n)),
                None => user.is_none_or(|u| self.users[u as usize].targets.contains(&target)),
            };
            if !wanted || !here {
                continue;
            }
            let Some(name) = self.ability_in(target, ability.value) else { continue };
            let subject = match (user, test.team, &test.only) {
                (Some(user), _, _) => Subject::User(self.users[user as usize].email.clone()),
                (_, Some(team), _) => match self.team_there(target, self.text(team.value)) {
                    Some(team) => Subject::Team(team),
                    None => continue,
                },
                (_, _, Some(only)) => {
                    Subject::Only(only.iter().filter_map(|p| self.principal_said(target, *p)).collect())
                }
                _ => Subject::Everyone,
            };
            claims.push(Claim {
                number,
                origin: ability.span,
                target: self.targets[target].name.clone(),
                subject,
                says: make(Ability { said: said.clone(), name }),
                on: bare.clone(),
                because: test.because.as_ref().map(|p| p.0.to_string()),
            });
        }
        if claims.len() == before {
            let text = format!("this test is about nothing: `{said}` means nothing where its subject or resource is");
            let help = "name a role or permission of that target, or another target with `target:`";
            self.sink.push(Finding::at(Code::NotInTarget, ability.span, text).help(help));
        }
    }

    /// What a role or permission is called in a target; `None` where it means nothing there. A
    /// permission goes before a role of the same name.
    pub fn ability_in(&self, target: usize, ability: Sym) -> Option<String> {
        let text = self.text(ability);
        let state = &self.targets[target];
        let is_permission = state.catalogue.roles.values().any(|r| r.permissions.iter().flatten().any(|p| p == text));
        if is_permission {
            return Some(text.to_owned());
        }
        if let Some((targets, rest)) = self.split_prefix(text) {
            return if targets.contains(&target) { self.native_role(target, rest) } else { None };
        }
        if let Some(info) = self.roles.get(&ability) {
            let made = info.made_in.contains(&target).then(|| text.to_owned());
            return info.mapping.get(&target).map(|(native, _)| native.clone()).or(made);
        }
        self.native_role(target, text)
    }

    /// The bare name of a team that is in a target.
    fn team_there(&self, target: usize, text: &str) -> Option<String> {
        self.team_called(target, text)?;
        let bare = self.split_prefix(text).map_or(text, |(_, rest)| rest);
        Some(bare.to_owned())
    }

    fn principal_said(&self, target: usize, at: Sp<Sym>) -> Option<PrincipalRecord> {
        let text = self.text(at.value);
        if text == "everyone" {
            return Some(PrincipalRecord::Everyone);
        }
        if let Some(team) = text.strip_prefix("team/") {
            return self.team_there(target, team).map(PrincipalRecord::Team);
        }
        let user = self.user_called(at.value)?;
        Some(PrincipalRecord::User(self.users[user as usize].email.clone()))
    }

    /// The e-mails of users by their short names.
    pub fn short_names(&self) -> BTreeMap<String, String> {
        let all = self.user_by_name.iter().map(|(name, user)| (self.text(*name), *user));
        let short = all.filter(|(name, _)| !name.contains('@'));
        short.map(|(name, user)| (name.to_owned(), self.users[user as usize].email.clone())).collect()
    }

    /// What people are called elsewhere: by system, then by e-mail.
    pub fn handles(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for user in &self.users {
            let handles = user.decl.iter().flat_map(|d| &d.handles).flat_map(|t| &t.rows);
            for (system, handle) in handles {
                if let Some(handle) = handle.0.value() {
                    let of = all.entry(self.text(system.value).to_owned()).or_default();
                    of.insert(user.email.clone(), self.text(*handle).to_owned());
                }
            }
        }
        all
    }

    /// What the declared roles mean in each target.
    pub fn role_names(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (name, info) in &self.roles {
            for (target, (native, _)) in &info.mapping {
                let Some(state) = self.targets.get(*target) else { continue };
                all.entry(state.name.clone()).or_default().insert(self.text(*name).to_owned(), native.clone());
            }
        }
        all
    }

    fn check_test_names(&mut self, test: &TestDecl) {
        if let Some(user) = test.user {
            self.user(user);
        }
        if let Some(team) = test.team {
            self.check_team(team, self.text(team.value));
        }
        for principal in test.only.iter().flat_map(|o| o.iter()) {
            let text = self.text(principal.value);
            if let Some(team) = text.strip_prefix("team/") {
                self.check_team(*principal, team);
            } else if text != "everyone" {
                self.user(*principal);
            }
        }
        if let Some(role) = test.role {
            self.check_role(role, None);
        }
        for ability in test.can.iter().chain(&test.cannot) {
            let before = self.sink.len();
            self.check_ability(*ability);
            if let (Some(resource), true) = (test.resource, before == self.sink.len()) {
                self.check_level(*ability, self.text(resource.value));
            }
        }
        if let Some(target) = test.target {
            self.targets_named(target);
        }
        if let Some(resource) = test.resource {
            self.check_pattern(resource);
        }
    }

    fn check_team(&mut self, at: Sp<Sym>, text: &str) {
        let bare = text.rsplit_once(':').map_or(text, |(_, n)| n);
        if self.team_named(bare).is_none() {
            let near = self
                .may_suggest(self.teams.len())
                .then(|| nearest(text, self.teams.iter().map(|t| t.name.as_str())).map(str::to_owned));
            self.unknown_near(at, "team", near.flatten().as_deref(), "declare it under `teams:`");
        }
    }

    /// What somebody can do is a role or a permission of some target.
    pub fn check_ability(&mut self, at: Sp<Sym>) {
        let text = self.text(at.value);
        let is_permission = self
            .targets
            .iter()
            .any(|t| t.catalogue.roles.values().any(|r| r.permissions.iter().flatten().any(|p| p == text)));
        if !is_permission {
            self.check_role(at, None);
        }
    }

    /// What no role of a kind gives is no question about a resource of that kind.
    fn check_level(&mut self, at: Sp<Sym>, resource: &str) {
        let ability = self.text(at.value);
        let bare = self.split_prefix(resource).map_or(resource, |(_, rest)| rest);
        let Some((kind, _)) = bare.split_once('/').filter(|(kind, _)| !kind.contains('*')) else { return };
        let mut levels: Vec<String> = Vec::new();
        for (index, target) in self.targets.iter().enumerate() {
            let Some(known) = target.catalogue.kinds.get(kind) else { continue };
            let named = self.name_of_role(index, at.value);
            let published = |r: &String| target.catalogue.roles.get(r).map(|r| r.permissions.as_ref());
            let gives = |r: &String| match published(r) {
                Some(Some(permissions)) => permissions.iter().any(|p| p == ability),
                Some(None) => true,
                None => false,
            };
            // What lies in something else has the levels of that.
            let made = named.as_ref().is_some_and(|n| !target.catalogue.roles.contains_key(n));
            if made || !known.grants || known.roles.iter().any(|r| Some(r) == named.as_ref() || gives(r)) {
                return;
            }
            levels.extend(known.roles.iter().cloned());
        }
        if !levels.is_empty() {
            let text = format!("no role on a {kind} gives `{ability}`, so this says nothing of it");
            let finding = Finding::at(Code::NoEffect, at.span, text);
            self.sink.push(finding.help(format!("a {kind} has: {}", levels.join(", "))));
        }
    }

    fn check_pattern(&mut self, at: Sp<Sym>) {
        let text = self.text(at.value);
        let bare = self.split_prefix(text).map_or(text, |(_, rest)| rest);
        let pattern = Pattern(bare.to_owned());
        let names: Vec<String> =
            self.targets.iter().flat_map(|t| t.builder.resource_names()).map(str::to_owned).collect();
        if !names.iter().any(|n| pattern.matches(n)) {
            let message = if bare.contains('*') { "resource that fits" } else { "resource" };
            self.unknown(at, message, names.iter().map(String::as_str), "declare it under `resources:`");
        }
    }
}
