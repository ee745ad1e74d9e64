//! Users: who they are, and to which targets they belong.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use super::roles::At;
use super::{Resolver, UserInfo, nearest, twice};
use crate::config::declaration::{BlockDecl, UserAtDecl, UserDecl};
use crate::config::decode::{Prose, Sp, Sym, Table};
use crate::diagnostic::{Code, FileId, Finding, Span};
use crate::model::{DomainName, Email, Moment, Said, User, UserKind, UserState, look_alike};

impl Resolver<'_> {
    /// Gives every user a number, and finds those that are the same person.
    pub fn index_users(&mut self, users: Table<UserDecl>) {
        for (key, decl) in users.rows {
            let name = self.text(key.value);
            let address = match (&decl.email, name.contains('@')) {
                (Some(email), false) => *email,
                (None, true) => key,
                (Some(email), true) => {
                    let text = format!("`{name}` is an address and has `email:` as well");
                    let finding = Finding::at(Code::Contradiction, email.span, text);
                    self.sink.push(finding.help("keep one: the address as the key, or a short name with `email:`"));
                    key
                }
                (None, false) => {
                    let text = format!("the user `{name}` has no address");
                    let finding = Finding::at(Code::MissingKey, key.span, text);
                    self.sink.push(finding.help("add `email:`, or use the address as the key"));
                    self.broken_user(key);
                    continue;
                }
            };
            let email = match Email::parse(self.text(address.value)) {
                Ok(email) => email.as_str().to_owned(),
                Err(error) => {
                    let text = format!("`{}` is no e-mail address: {error}", self.text(address.value));
                    let finding = Finding::at(Code::BadEmail, address.span, text);
                    self.sink.push(finding.help("write it as in ada@acme.com"));
                    self.broken_user(key);
                    continue;
                }
            };
            if name.starts_with("team/") || name == "everyone" || name.contains(':') {
                let text = format!("`{name}` cannot be the name of a user: it means something else in a grant");
                self.sink.push(Finding::at(Code::BadName, key.span, text).help("use another short name"));
            }
            let number = self.users.len() as u32;
            if let Some(&first) = self.user_by_email.get(&email) {
                let first = self.users[first as usize].span;
                self.sink.push(twice(&format!("the user {email}"), first, key.span));
                self.user_by_name.entry(key.value).or_insert(self.user_by_email[&email]);
                continue;
            }
            if let Some(&first) = self.user_by_name.get(&key.value) {
                let first = self.users[first as usize].span;
                self.sink.push(twice(&format!("the user `{name}`"), first, key.span));
                continue;
            }
            self.user_by_email.insert(email.clone(), number);
            self.user_by_name.insert(key.value, number);
            self.users.push(UserInfo { email, span: key.span, decl: Some(decl), targets: Vec::new() });
        }
        for key in users.broken {
            self.broken_user(key);
        }
        self.check_look_alikes();
    }

    /// A user whose declaration cannot be used, but who is meant by references all the same.
    fn broken_user(&mut self, key: Sp<Sym>) {
        if self.user_by_name.contains_key(&key.value) {
            return;
        }
        self.user_by_name.insert(key.value, self.users.len() as u32);
        let email = self.text(key.value).to_lowercase();
        self.users.push(UserInfo { email, span: key.span, decl: None, targets: Vec::new() });
    }

    /// Addresses that differ only by letters that look alike. Beyond ASCII that is always a mistake or
    /// an attack; within ASCII (`l` and `1`, `o` and `0`, `rn` and `m`) it is worth a look.
    fn check_look_alikes(&mut self) {
        let state = RandomState::new();
        let mut plain: HashMap<u64, usize> = HashMap::with_capacity(self.users.len());
        let mut strange: Vec<usize> = Vec::new();
        let mut domains: HashMap<&str, usize> = HashMap::new();
        let mut found = Vec::new();
        let mut folded = String::new();
        for (index, user) in self.users.iter().enumerate() {
            if let Some((_, domain)) = user.email.rsplit_once('@') {
                domains.entry(domain).or_insert(index);
            }
            if !user.email.is_ascii() || user.email.contains("xn--") {
                strange.push(index);
            }
            folded.clear();
            fold_ascii(&user.email, &mut folded);
            if let Some(&first) = plain.get(&state.hash_one(&folded)) {
                let mut other = String::new();
                fold_ascii(&self.users[first].email, &mut other);
                if other == folded {
                    found.push((first, index, Code::LookAlike.severity(), false));
                }
            } else {
                plain.insert(state.hash_one(&folded), index);
            }
        }
        // A domain such as xn--… may look like one of the others.
        let mut by_look: HashMap<String, usize> = HashMap::new();
        let mut names: Vec<(&str, usize)> = domains.into_iter().collect();
        names.sort_by_key(|(_, index)| *index);
        let any_strange = names.iter().any(|(d, _)| !d.is_ascii() || d.contains("xn--")) || !strange.is_empty();
        if any_strange {
            for (domain, index) in &names {
                if let Some(&first) = by_look.get(&look_alike(domain)) {
                    found.push((first, *index, Code::LookAlike.severity(), true));
                } else {
                    by_look.insert(look_alike(domain), *index);
                }
            }
            let mut looks: HashMap<String, usize> = HashMap::new();
            for (index, user) in self.users.iter().enumerate() {
                let look = look_alike(&user.email);
                match looks.get(&look) {
                    Some(&first) if strange.contains(&index) || strange.contains(&first) => {
                        found.push((first, index, Code::LookAlike.severity(), true));
                    }
                    Some(_) => {}
                    None => {
                        looks.insert(look, index);
                    }
                }
            }
        }
        let mut said: BTreeSet<usize> = BTreeSet::new();
        for (first, second, severity, beyond_ascii) in found {
            if !said.insert(second) {
                continue;
            }
            let (a, b) = (&self.users[first], &self.users[second]);
            let severity = if beyond_ascii { severity } else { crate::diagnostic::Severity::Warning };
            let text = format!("`{}` looks like `{}`", shown_form(&b.email), shown_form(&a.email));
            let finding = Finding::at(Code::LookAlike, b.span, text)
                .severity(severity)
                .also(a.span, "the other one")
                .help("letters that look alike are how one person takes the place of another; write the address that the person really has");
            self.sink.push(finding);
        }
    }

    /// The number of the user that a text means, if any.
    pub fn user_called(&self, sym: Sym) -> Option<u32> {
        if let Some(&number) = self.user_by_name.get(&sym) {
            return Some(number);
        }
        let text = self.text(sym);
        let email = text.contains('@').then(|| Email::parse(text).ok()).flatten()?;
        self.user_by_email.get(email.as_str()).copied()
    }

    /// The number of the user that a text means, or a finding.
    pub fn user(&mut self, at: Sp<Sym>) -> Option<u32> {
        let found = self.user_called(at.value);
        if found.is_none() {
            let near = self.may_suggest(self.users.len()).then(|| {
                let names = self.user_by_name.keys().map(|s| self.names.resolve(*s).unwrap_or_default());
                // Addresses are among the others.
                let names = names.filter(|n| !n.contains('@'));
                let all = names.chain(self.user_by_email.keys().map(String::as_str));
                nearest(self.text(at.value), all).map(str::to_owned)
            });
            self.unknown_near(at, "user", near.flatten().as_deref(), "declare them under `users:`");
        }
        found
    }

    /// Finds the targets of every user: those to which the role leads, narrowed by `targets:`, and
    /// those of `at:`.
    pub fn place_users(&mut self) {
        // Who belongs nowhere because their role could not be read has one mistake, not two.
        let places = self.sink.errors().filter_map(|f| f.primary.as_ref());
        let wrong: BTreeSet<(FileId, u32)> = places.map(|l| (l.span.file, l.span.start)).collect();
        for index in 0..self.users.len() {
            let Some(decl) = self.users[index].decl.take() else {
                // Nobody knows where they belong: everywhere, so that nothing follows from it.
                self.users[index].targets = (0..self.targets.len()).collect();
                continue;
            };
            let targets = self.targets_of(&decl);
            let whole = (decl.span.file, decl.span.start)..=(decl.span.file, decl.span.end);
            if targets.is_empty() && wrong.range(whole).next().is_none() {
                let text = format!("{} belongs to no target", self.users[index].email);
                let help = "give them a role that means something in a target, or name targets with `at:`";
                let finding = Finding::at(Code::NoEffect, self.users[index].span, text);
                self.sink.push(finding.help(help));
            }
            self.users[index].targets = targets;
            self.users[index].decl = Some(decl);
        }
    }

    fn targets_of(&mut self, decl: &UserDecl) -> Vec<usize> {
        let mut targets: BTreeSet<usize> = BTreeSet::new();
        if let Some(role) = decl.role.value() {
            targets.extend(self.targets_of_role(*role));
        } else {
            targets.extend(
                self.targets.iter().enumerate().filter(|(_, t)| t.profile.accounts_without_role).map(|(i, _)| i),
            );
        }
        if let Some(narrow) = &decl.targets {
            let mut kept = BTreeSet::new();
            for (index, at) in narrow.iter().enumerate() {
                if let Some(first) = narrow[..index].iter().find(|other| other.value == at.value) {
                    let text = format!("`{}` is named twice", self.text(at.value));
                    let finding = Finding::at(Code::NoEffect, at.span, text).also(first.span, "first here");
                    self.sink.push(finding.help("keep one of the two"));
                }
                for index in self.targets_named(*at) {
                    if decl.role.value().is_some() && !targets.contains(&index) {
                        let name = self.targets[index].name.clone();
                        let text = format!("the role of this user means nothing in `{name}`");
                        let help = format!("add `{name}:` to the `as:` of the role, or say the role there with `at:`");
                        self.sink.push(Finding::at(Code::NotInTarget, at.span, text).help(help));
                    } else {
                        kept.insert(index);
                    }
                }
            }
            targets = kept;
        }
        for (at, _) in decl.at.iter().flat_map(|t| &t.rows) {
            targets.extend(self.targets_named(*at));
        }
        targets.into_iter().collect()
    }

    /// The targets to which a role leads: those of its mapping, or of its prefix.
    pub fn targets_of_role(&mut self, at: Sp<Sym>) -> Vec<usize> {
        let text = self.text(at.value);
        if let Some((targets, rest)) = self.split_prefix(text) {
            // The role itself is looked up again, target by target, with a finding of its own.
            let fitting: Vec<usize> =
                targets.iter().copied().filter(|t| self.native_role(*t, rest).is_some()).collect();
            return if fitting.is_empty() { targets } else { fitting };
        }
        if let Some(info) = self.roles.get(&at.value) {
            return info.mapping.keys().copied().chain(info.made_in.iter().copied()).collect();
        }
        if self.targets.len() == 1 {
            return vec![0];
        }
        let holders: Vec<String> = (0..self.targets.len())
            .filter(|t| self.native_role(*t, text).is_some())
            .map(|t| self.targets[t].name.clone())
            .collect();
        if holders.is_empty() {
            let near =
                self.may_suggest(self.roles.len()).then(|| nearest(text, self.roles.keys().map(|s| self.text(*s))));
            let otherwise = "declare it under `roles:`, or write a role of a target as `target:role`";
            self.unknown_near(at, "role", near.flatten(), otherwise);
        } else {
            let choices: Vec<String> = holders.iter().map(|t| format!("`{t}:{text}`")).collect();
            let message = format!("the role `{text}` belongs to a target, and there are several");
            let help = format!("write {}, or declare a role with `as:`", choices.join(" or "));
            self.sink.push(Finding::at(Code::Ambiguous, at.span, message).help(help));
        }
        Vec::new()
    }

    /// Who is blocked, by target and number.
    pub fn read_blocks(&mut self, blocks: &[BlockDecl]) -> HashMap<(usize, u32), Option<String>> {
        let mut blocked = HashMap::new();
        let mut seen: HashMap<(usize, u32), Span> = HashMap::new();
        for block in blocks {
            let Some(user) = self.user(block.user.0) else { continue };
            let targets: Vec<usize> = match &block.targets {
                Some(list) => list.iter().flat_map(|at| self.targets_named(*at)).collect(),
                None => (0..self.targets.len()).collect(),
            };
            for target in targets {
                match seen.insert((target, user), block.span) {
                    // Named twice by one block, as by a label and by name.
                    Some(first) if first == block.span => continue,
                    Some(first) => {
                        let what = format!("the block of {}", self.users[user as usize].email);
                        self.sink.push(twice(&what, first, block.span));
                        break;
                    }
                    None => {}
                }
                blocked.insert((target, user), block.because.as_ref().map(|b| b.0.to_string()));
            }
        }
        blocked
    }

    /// Adds every user to the builders of their targets.
    pub fn add_users(&mut self, blocked: &HashMap<(usize, u32), Option<String>>) {
        let renames: Vec<Rename> = self
            .users
            .iter()
            .filter_map(|user| {
                let was = user.decl.as_ref()?.was?;
                let from = Email::parse(self.text(was.value)).ok()?.as_str().to_owned();
                Some(Rename { from, to: user.email.clone(), span: was.span })
            })
            .collect();
        let declared: HashMap<&str, Span> = self.users.iter().map(|u| (u.email.as_str(), u.span)).collect();
        let found = check_renames(&renames, &declared, "user");
        for finding in found {
            self.sink.push(finding);
        }
        for index in 0..self.users.len() {
            let Some(decl) = self.users[index].decl.take() else { continue };
            let span = self.users[index].span;
            let owner = self.owner_of(&decl, span, index);
            let was = decl.was.and_then(|at| self.former_address(at, index));
            self.check_times(&decl);
            for target in self.users[index].targets.clone() {
                let user = self.user_in(target, index, &decl, owner.clone(), was.as_deref(), blocked);
                let state = &mut self.targets[target];
                let id = state.builder.user(user, span);
                state.user_ids.insert(index as u32, id);
            }
            self.users[index].decl = Some(decl);
        }
    }

    fn owner_of(&mut self, decl: &UserDecl, span: Span, index: usize) -> Said<Box<str>> {
        if let Said::Is(at) = decl.owner
            && self.user_called(at.value) == Some(index as u32)
        {
            let finding = Finding::at(Code::ServiceWithoutOwner, at.span, "nobody can answer for themselves");
            self.sink.push(finding.help("name somebody else"));
        }
        let owner = match decl.owner {
            Said::Is(at) => {
                self.user(at).map_or(Said::Unsaid, |u| Said::Is(self.users[u as usize].email.as_str().into()))
            }
            Said::Nothing => Said::Nothing,
            Said::Unsaid => Said::Unsaid,
        };
        if decl.kind == Some(UserKind::Service) && decl.owner.value().is_none() {
            let finding = Finding::at(Code::ServiceWithoutOwner, span, "a service needs somebody who answers for it");
            self.sink.push(finding.help("add `owner:` with a user"));
        }
        owner
    }

    fn former_address(&mut self, at: Sp<Sym>, index: usize) -> Option<String> {
        match Email::parse(self.text(at.value)) {
            Ok(email) if email.as_str() == self.users[index].email => {
                let finding = Finding::at(Code::NoEffect, at.span, "`was:` names the address that the user has");
                self.sink.push(finding.help("name the address before the change, or take it away"));
                None
            }
            Ok(email) => Some(email.as_str().to_owned()),
            Err(error) => {
                let text = format!("`{}` is no e-mail address: {error}", self.text(at.value));
                self.sink
                    .push(Finding::at(Code::BadEmail, at.span, text).help("name the address that they had before"));
                None
            }
        }
    }

    fn check_times(&mut self, decl: &UserDecl) {
        for zone in
            std::iter::once(&decl.timezone).chain(decl.at.iter().flat_map(|t| t.rows.iter().map(|(_, a)| &a.timezone)))
        {
            if let Some(Sp { value: Prose(zone), span }) = zone.value()
                && jiff::tz::TimeZone::get(zone).is_err()
            {
                let text = format!("`{zone}` is no time zone");
                let finding = Finding::at(Code::BadTimezone, *span, text);
                self.sink.push(finding.help("write the name of the IANA database: Europe/London, UTC"));
            }
        }
        let ends =
            std::iter::once(&decl.until).chain(decl.at.iter().flat_map(|t| t.rows.iter().map(|(_, a)| &a.until)));
        for end in ends.filter_map(Said::value) {
            if end.value <= self.now {
                let text = format!("the last day of this user is past ({})", end.value.short());
                let finding = Finding::at(Code::Expired, end.span, text);
                self.sink.push(finding.help("they are kept disabled; take the user away when that is done"));
            }
        }
    }

    /// A user as wanted in one target.
    fn user_in(
        &mut self,
        target: usize,
        index: usize,
        decl: &UserDecl,
        owner: Said<Box<str>>,
        was: Option<&str>,
        blocked: &HashMap<(usize, u32), Option<String>>,
    ) -> User {
        let email = self.users[index].email.clone();
        let at = self.at_target(decl, target);
        let mut user = User::new(&email);
        let role = match at.map(|a| &a.role) {
            Some(Said::Unsaid) | None => &decl.role,
            Some(said) => said,
        };
        // Who is put into a target by name needs no role there, unless the system wants one.
        let general = at.is_some_and(|a| a.role.is_unsaid()) && !self.targets[target].profile.role_needed;
        user.role = match role {
            Said::Is(at) if general && !self.has_meaning(target, *at) => Said::Unsaid,
            Said::Is(at) => self.role_in(target, *at, At::User).map_or(Said::Unsaid, Said::Is),
            Said::Nothing => Said::Nothing,
            Said::Unsaid => Said::Unsaid,
        };
        user.name = over(&decl.name, at.map(|a| &a.name)).map(|p| p.0);
        user.timezone = over(&decl.timezone, at.map(|a| &a.timezone)).map(|p| p.value.0);
        user.until = over(&decl.until, at.map(|a| &a.until)).map(|m: Sp<Moment>| m.value);
        user.kind = decl.kind.map_or(Said::Unsaid, Said::Is);
        user.owner = owner;
        user.was = was.map(Into::into);
        let state = at.and_then(|a| a.state).or(decl.state).map_or(UserState::Active, |s| s.value);
        user.state = state;
        if user.until.value().is_some_and(|end| end.is_past(self.now)) {
            user.state = UserState::Disabled;
        }
        if let Some(because) = blocked.get(&(target, index as u32)) {
            if user.state == UserState::Disabled {
                self.targets[target].blocked_leavers.insert(email.clone());
            }
            user.state = UserState::Disabled;
            self.targets[target].blocks.insert(email, because.clone());
        }
        let mut attributes: Vec<(Box<str>, Said<Box<str>>)> = Vec::new();
        let tables = decl.attributes.iter().chain(at.and_then(|a| a.attributes.as_ref()));
        for (key, value) in tables.flat_map(|t| &t.rows) {
            let name = self.text(key.value);
            let value = value.0.clone().map(|v| v.0);
            match attributes.iter_mut().find(|(n, _)| **n == *name) {
                Some((_, old)) => *old = value,
                None => attributes.push((name.into(), value)),
            }
        }
        user.attributes = attributes;
        for (what, span) in [
            (
                "attributes",
                decl.attributes.as_ref().filter(|t| t.rows.is_empty() && t.broken.is_empty()).map(|_| decl.span),
            ),
            ("handles", decl.handles.as_ref().filter(|t| t.rows.is_empty() && t.broken.is_empty()).map(|_| decl.span)),
        ] {
            if let Some(span) = span {
                let finding = Finding::at(
                    Code::NoEffect,
                    span,
                    format!("empty `{what}:` changes nothing: those that are not named stay"),
                );
                self.sink.push(finding.help("name one with `null` to take it away, or take the key away"));
            }
        }
        let handles = decl.handles.iter().flat_map(|t| &t.rows);
        user.handles =
            handles.map(|(k, v)| (self.text(k.value).into(), v.0.map(|name| self.text(name).into()))).collect();
        user
    }

    /// What `at:` says for a target: by its name first, then by a label.
    pub fn at_target<'d>(&self, decl: &'d UserDecl, target: usize) -> Option<&'d UserAtDecl> {
        let rows = &decl.at.as_ref()?.rows;
        let state = &self.targets[target];
        let by_name = rows.iter().find(|(k, _)| self.text(k.value) == state.name);
        let by_label = || rows.iter().find(|(k, _)| state.labels.iter().any(|l| *l == *self.text(k.value)));
        by_name.or_else(by_label).map(|(_, a)| a)
    }
}

/// A declared renaming.
pub(super) struct Rename {
    pub from: String,
    pub to: String,
    pub span: Span,
}

/// Two things cannot have had one name, and a thing that is still declared was not renamed, unless it
/// has itself another former name (two may swap).
pub(super) fn check_renames(renames: &[Rename], declared: &HashMap<&str, Span>, what: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for rename in renames.iter().filter(|r| r.from != r.to) {
        if let Some(first) = seen.insert(&rename.from, rename.span) {
            let text = format!("two {what}s claim to have been `{}`", rename.from);
            let finding = Finding::at(Code::DuplicateDeclaration, rename.span, text).also(first, "the other one");
            found.push(finding.help("keep the `was:` of the one that it became"));
        }
        let moved_on = renames.iter().any(|other| other.to == rename.from && other.from != other.to);
        if let Some(&other) = declared.get(rename.from.as_str()).filter(|_| !moved_on) {
            let text = format!("`{}` is still declared, so it was not renamed", rename.from);
            let finding = Finding::at(Code::Contradiction, rename.span, text).also(other, "declared here");
            found.push(finding.help("take `was:` away, or take the old declaration away"));
        }
    }
    found
}

/// The value for one target over the general one.
fn over<T: Clone>(general: &Said<T>, here: Option<&Said<T>>) -> Said<T> {
    match here {
        Some(Said::Unsaid) | None => general.clone(),
        Some(said) => said.clone(),
    }
}

/// One form for ASCII letters and digits that are mistaken for each other.
fn fold_ascii(email: &str, out: &mut String) {
    let mut chars = email.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '0' => out.push('o'),
            '1' | 'i' | '|' => out.push('l'),
            'r' if chars.peek() == Some(&'n') => {
                chars.next();
                out.push('m');
            }
            other => out.push(other),
        }
    }
}

/// An address with what is not ASCII spelled out, so that two that look alike can be told apart.
fn shown_form(email: &str) -> String {
    if email.is_ascii() {
        let domain = email.rsplit_once('@').map_or(email, |(_, d)| d);
        if domain.contains("xn--") {
            return format!("{email} ({})", idna::domain_to_unicode(domain).0);
        }
        return email.to_owned();
    }
    let spell = |c: char| if c.is_ascii() { c.to_string() } else { format!("<U+{:04X}>", c as u32) };
    email.chars().map(spell).collect()
}

/// Whether a domain can be read; used for keys of `domains:`.
pub(super) fn domain_name(text: &str) -> Result<String, String> {
    DomainName::parse(text).map(|d| d.as_str().to_owned()).map_err(|e| e.to_string())
}
