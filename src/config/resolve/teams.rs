//! Teams, who is in them, and which lie in which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::people::{Rename, check_renames};
use super::roles::At;
use super::{CIRCLE_SHOWN, Resolver, circle_named, twice};
use crate::config::declaration::{MemberOfTeam, QuotaDecl, TeamDecl, TeamOfUser};
use crate::config::decode::{Sp, Sym, Table};
use crate::diagnostic::{Code, Finding, Span};
use crate::model::{Kind, MemberRecord, Membership, QuotaRecord, Said, Team, TeamId, UserId};

/// A declared team.
#[derive(Debug)]
pub(in crate::config) struct TeamInfo {
    /// The name without a target.
    pub name: String,
    /// The name as it stands in the file.
    pub written: String,
    pub span: Span,
    pub decl: Option<TeamDecl>,
    /// Its number in each target it belongs to.
    pub ids: BTreeMap<usize, TeamId>,
}

/// The teams by bare name: each with the targets of its prefix, if it has one, and its number.
type ByName = HashMap<String, Vec<(Option<Vec<usize>>, usize)>>;

/// What a membership needs beside who and where.
struct Entry<'d> {
    span: Span,
    role: Said<Sp<Sym>>,
    until: Said<crate::model::Moment>,
    because: Option<&'d str>,
}

impl Resolver<'_> {
    /// Adds teams and memberships.
    pub fn add_teams(&mut self, teams: Table<TeamDecl>) {
        // By bare name: the teams with a prefix for some targets, and the one without.
        let mut by_name: ByName = HashMap::new();
        for (key, decl) in
            teams.rows.into_iter().map(|(k, d)| (k, Some(d))).chain(teams.broken.into_iter().map(|k| (k, None)))
        {
            let text = self.text(key.value);
            let (prefix, name) = self.team_key(key, text);
            let entries = by_name.entry(name.to_owned()).or_default();
            let same = entries.iter().find(|(p, _)| *p == prefix).map(|(_, i)| *i);
            if let Some(first) = same {
                let finding = twice(&format!("the team `{text}`"), self.teams[first].span, key.span);
                self.sink.push(finding);
                continue;
            }
            entries.push((prefix, self.teams.len()));
            self.teams.push(TeamInfo {
                name: name.to_owned(),
                written: text.to_owned(),
                span: key.span,
                decl,
                ids: BTreeMap::new(),
            });
        }
        let renames: Vec<Rename> = self
            .teams
            .iter()
            .filter_map(|team| {
                let was = team.decl.as_ref()?.was?;
                Some(Rename { from: self.text(was.value).to_owned(), to: team.written.clone(), span: was.span })
            })
            .collect();
        let declared: HashMap<&str, Span> = self.teams.iter().map(|t| (t.written.as_str(), t.span)).collect();
        for finding in check_renames(&renames, &declared, "team") {
            self.sink.push(finding);
        }
        self.check_names();
        self.place_teams(&by_name);
        self.complete_teams();
        self.add_members();
        self.add_members_of_users(&by_name);
        self.check_team_cycles();
    }

    /// Names of teams that only a machine can tell apart.
    fn check_names(&mut self) {
        let names: Vec<(String, Span)> = self.teams.iter().map(|t| (t.written.clone(), t.span)).collect();
        self.check_look_alike_names(&names, "team");
    }

    /// The targets of the prefix of a team's name, and the rest.
    fn team_key<'t>(&mut self, key: Sp<Sym>, text: &'t str) -> (Option<Vec<usize>>, &'t str) {
        if let Some((targets, rest)) = self.split_prefix(text) {
            for &target in &targets {
                if !self.targets[target].profile.kinds.contains(&Kind::Team) {
                    let message = format!(
                        "`{}` ({}) has no teams",
                        self.targets[target].name, self.targets[target].profile.provider
                    );
                    self.sink.push(
                        Finding::at(Code::CannotDo, key.span, message)
                            .help("take the team away, or name another target"),
                    );
                }
            }
            if rest.contains(':') || rest.is_empty() {
                let message =
                    format!("`{text}` cannot be the name of a team: `:` stands once, between target and team");
                self.sink.push(Finding::at(Code::BadName, key.span, message).help("write `target:name`"));
            }
            return (Some(targets), rest);
        }
        if let Some((prefix, rest)) = text.split_once(':') {
            let known: Vec<String> = self.targets.iter().map(|t| t.name.clone()).collect();
            let near = crate::config::nearest(prefix, known.iter().map(String::as_str));
            let message = format!("there is no target or label `{prefix}`");
            let help =
                near.map_or(format!("there are: {}", known.join(", ")), |n| format!("did you mean `{n}:{rest}`?"));
            self.sink.push(Finding::at(Code::UnknownReference, key.span, message).help(help));
            return (Some(Vec::new()), rest);
        }
        (None, text)
    }

    /// Decides to which targets every team belongs, and adds it there.
    fn place_teams(&mut self, by_name: &ByName) {
        let able: BTreeSet<usize> =
            (0..self.targets.len()).filter(|&t| self.targets[t].profile.kinds.contains(&Kind::Team)).collect();
        // A user's `teams:` count as members of the team without prefix.
        let mut through_users: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        for user in &self.users {
            let Some(decl) = &user.decl else { continue };
            for TeamOfUser(entry) in decl.teams.iter().flatten() {
                let entries = by_name.get(self.text(entry.team.0.value));
                if let Some((_, index)) = entries.into_iter().flatten().find(|(p, _)| p.is_none()) {
                    through_users.entry(*index).or_default().extend(user.targets.iter().copied());
                }
            }
        }
        for (name, entries) in by_name {
            let prefixed: BTreeSet<usize> = entries.iter().flat_map(|(p, _)| p.iter().flatten().copied()).collect();
            for (prefix, index) in entries {
                let mut targets: BTreeSet<usize> = match prefix {
                    Some(targets) => targets.iter().copied().collect(),
                    None => self.targets_of_team(*index, through_users.get(index), &able, name),
                };
                if prefix.is_none() && !prefixed.is_empty() {
                    let wanted = targets.len();
                    targets = targets.difference(&prefixed).copied().collect();
                    if targets.is_empty() && wanted > 0 {
                        let other = entries.iter().find(|(p, _)| p.is_some()).map_or(*index, |(_, i)| *i);
                        let finding =
                            twice(&format!("the team `{name}`"), self.teams[*index].span, self.teams[other].span);
                        self.sink.push(finding);
                    }
                }
                if let Some(narrow) = self.teams[*index].decl.as_ref().and_then(|d| d.targets.clone()) {
                    let kept: BTreeSet<usize> = narrow.iter().flat_map(|at| self.targets_named(*at)).collect();
                    targets = if targets.is_empty() { kept } else { targets.intersection(&kept).copied().collect() };
                }
                self.teams[*index].ids = targets.into_iter().map(|t| (t, TeamId(u32::MAX))).collect();
            }
        }
        for index in 0..self.teams.len() {
            let info = &mut self.teams[index];
            let was = info.decl.as_ref().and_then(|d| d.was);
            let was = was.map(|at| self.names.resolve(at.value).unwrap_or_default());
            for (target, id) in &mut info.ids {
                let mut team = Team::new(&info.name);
                team.was = was.map(|w| w.rsplit_once(':').map_or(w, |(_, name)| name).into());
                *id = self.targets[*target].builder.team(team, info.span);
                self.targets[*target].team_index.push(index);
                if info.decl.as_ref().is_some_and(|d| d.members.is_some()) {
                    self.targets[*target].listed_members.push(*id);
                }
            }
            if let Some(at) = self.teams[index].decl.as_ref().and_then(|d| d.was)
                && self.text(at.value) == self.teams[index].name
            {
                let finding = Finding::at(Code::NoEffect, at.span, "`was:` names the team itself");
                self.sink.push(finding.help("name what it was called before, or take it away"));
            }
        }
    }

    fn targets_of_team(
        &mut self,
        index: usize,
        through_users: Option<&BTreeSet<usize>>,
        able: &BTreeSet<usize>,
        name: &str,
    ) -> BTreeSet<usize> {
        let info = &self.teams[index];
        let Some(decl) = &info.decl else { return able.clone() };
        let mut targets: BTreeSet<usize> = through_users.into_iter().flatten().copied().collect();
        let leads = decl.lead.value().into_iter().flat_map(|l| l.iter().copied());
        let members = decl.members.iter().flatten().map(|MemberOfTeam(m)| m.user.0);
        for at in leads.chain(members) {
            if let Some(user) = self.user_called(at.value) {
                targets.extend(self.users[user as usize].targets.iter().copied());
            }
        }
        let targets: BTreeSet<usize> = targets.intersection(able).copied().collect();
        if !targets.is_empty() || decl.targets.is_some() {
            return if targets.is_empty() { able.clone() } else { targets };
        }
        if able.len() == 1 {
            return able.clone();
        }
        let span = info.span;
        let choices: Vec<String> = able.iter().map(|t| format!("`{}:{name}`", self.targets[*t].name)).collect();
        let finding = if choices.is_empty() {
            Finding::at(Code::CannotDo, span, format!("no target has teams, so `{name}` belongs nowhere"))
                .help("take the team away, or add a target that has teams")
        } else {
            Finding::at(
                Code::Ambiguous,
                span,
                format!("the team `{name}` has no members that tell to which target it belongs"),
            )
            .help(format!("write {}, or add `targets:`", choices.join(" or ")))
        };
        self.sink.push(finding);
        BTreeSet::new()
    }

    /// The number of the team that a text means in a target, if any.
    pub fn team_called(&self, target: usize, text: &str) -> Option<TeamId> {
        let name = match self.split_prefix(text) {
            Some((targets, rest)) if targets.contains(&target) => rest,
            Some(_) => return None,
            None => text,
        };
        self.targets[target].team_ids.get(name).copied()
    }

    /// The first declared team with a bare name.
    pub fn team_named(&mut self, bare: &str) -> Option<usize> {
        if self.team_by_name.0 != self.teams.len() {
            let mut names = HashMap::with_capacity(self.teams.len());
            for (index, team) in self.teams.iter().enumerate() {
                names.entry(team.name.clone()).or_insert(index);
            }
            self.team_by_name = (self.teams.len(), names);
        }
        self.team_by_name.1.get(bare).copied()
    }

    /// The number of the team that a text means in a target, or a finding.
    pub fn team_in(&mut self, target: usize, at: Sp<Sym>, text: &str) -> Option<TeamId> {
        let found = self.team_called(target, text);
        if found.is_none() {
            let bare = text.rsplit_once(':').map_or(text, |(_, n)| n);
            let elsewhere = self.team_named(bare);
            let name = self.targets[target].name.clone();
            if let Some(team) = elsewhere.map(|index| &self.teams[index]) {
                let message = format!("the team `{text}` does not belong to `{name}`");
                let finding = Finding::at(Code::NotInTarget, at.span, message).also(team.span, "the team");
                let help = format!("none of its members belongs to `{name}`; add one, or declare `{name}:{bare}`");
                self.sink.push(finding.help(help));
            } else {
                let message = format!("there is no team `{text}`");
                let near = self.may_suggest(self.teams.len()).then(|| {
                    let known = self.teams.iter().map(|t| t.name.as_str());
                    crate::config::nearest(text, known)
                });
                let help = near
                    .flatten()
                    .map_or_else(|| "declare it under `teams:`".to_owned(), |near| format!("did you mean `{near}`?"));
                self.sink.push(Finding::at(Code::UnknownReference, at.span, message).help(help));
            }
        }
        found
    }

    /// Fills in what refers to other teams, users and roles.
    fn complete_teams(&mut self) {
        for target in 0..self.targets.len() {
            let ids: HashMap<String, TeamId> =
                self.teams.iter().filter_map(|t| Some((t.name.clone(), *t.ids.get(&target)?))).collect();
            self.targets[target].team_ids = ids;
        }
        for index in 0..self.teams.len() {
            let Some(decl) = self.teams[index].decl.take() else { continue };
            let ids = self.teams[index].ids.clone();
            for (&target, &id) in &ids {
                let outer = match decl.outer {
                    Said::Is(at) => self.outer_team(target, at),
                    Said::Nothing => Said::Nothing,
                    Said::Unsaid => Said::Unsaid,
                };
                let role = match decl.role {
                    Said::Is(at) => self.role_in(target, at, At::Team).map_or(Said::Unsaid, Said::Is),
                    Said::Nothing => Said::Nothing,
                    Said::Unsaid => Said::Unsaid,
                };
                let leads = self.leads_in(target, &decl, &ids);
                if let Some(team) = self.targets[target].builder.team_mut(id) {
                    team.description = decl.description.clone().map(|d| d.0);
                    team.outer = outer;
                    team.role = role;
                    team.leads = leads;
                    team.quota = match decl.quota.as_ref().map(quota) {
                        // A quota without limits is none.
                        Said::Is(quota) if quota == QuotaRecord::default() => Said::Nothing,
                        said => said,
                    };
                }
            }
            self.teams[index].decl = Some(decl);
        }
    }

    fn outer_team(&mut self, target: usize, at: Sp<Sym>) -> Said<TeamId> {
        let catalogue = &self.targets[target].catalogue;
        if !catalogue.nested_teams && !catalogue.name.is_empty() {
            let text = format!("teams of `{}` cannot lie in other teams", self.targets[target].name);
            let finding = Finding::at(Code::CannotDo, at.span, text);
            self.sink.push(finding.help("take `in:` away, or say `nested_teams: true` in a catalogue of your own"));
            return Said::Unsaid;
        }
        self.team_in(target, at, self.text(at.value)).map_or(Said::Unsaid, Said::Is)
    }

    fn leads_in(&mut self, target: usize, decl: &TeamDecl, ids: &BTreeMap<usize, TeamId>) -> Said<Vec<UserId>> {
        let leads = match &decl.lead {
            Said::Unsaid => return Said::Unsaid,
            Said::Nothing => return Said::Nothing,
            Said::Is(leads) => leads,
        };
        let mut found = Vec::new();
        for at in leads.iter() {
            if let Some(user) = self.user(*at) {
                match self.targets[target].user_ids.get(&user) {
                    Some(id) => found.push(*id),
                    // In a team of several targets only those lead who belong to the target.
                    None => {
                        let elsewhere = ids.keys().any(|t| self.targets[*t].user_ids.contains_key(&user));
                        if !elsewhere && self.users[user as usize].decl.is_some() {
                            self.not_in_target(*at, user, target);
                        }
                    }
                }
            }
        }
        if let Some(most) = self.targets[target].catalogue.leads_max
            && found.len() > most
        {
            let text = format!(
                "a team of `{}` has at most {most} lead{}",
                self.targets[target].name,
                if most == 1 { "" } else { "s" }
            );
            let span = leads.iter().last().map_or(decl.span, |l| l.span);
            self.sink.push(Finding::at(Code::CannotDo, span, text).help("keep so many"));
        }
        if found.is_empty() { Said::Nothing } else { Said::Is(found) }
    }

    /// Reports a user who is named in a target to which they do not belong.
    pub fn not_in_target(&mut self, at: Sp<Sym>, user: u32, target: usize) {
        let info = &self.users[user as usize];
        let name = &self.targets[target].name;
        let text = format!("{} does not belong to `{name}`", info.email);
        let finding = Finding::at(Code::NotInTarget, at.span, text)
            .also(info.span, "the user")
            .help(format!("give them a role that means something in `{name}`, or add `at: {{{name}: {{role: ...}}}}`"));
        self.sink.push(finding);
    }

    /// The members that teams list.
    fn add_members(&mut self) {
        for index in 0..self.teams.len() {
            let Some(decl) = self.teams[index].decl.take() else { continue };
            let ids = self.teams[index].ids.clone();
            for MemberOfTeam(member) in decl.members.iter().flatten() {
                let Some(user) = self.user(member.user.0) else { continue };
                let mut placed = false;
                for (&target, &team) in &ids {
                    let Some(&id) = self.targets[target].user_ids.get(&user) else { continue };
                    placed = true;
                    let entry = Entry {
                        span: member.span,
                        role: member.role.map_or(Said::Nothing, Said::Is),
                        until: Said::known(member.until.map(|u| u.value)),
                        because: member.because.as_ref().map(|b| &*b.0),
                    };
                    self.add_member(target, index, team, user, id, &entry);
                }
                if let Some((&target, _)) = ids.iter().next()
                    && !placed
                    && self.users[user as usize].decl.is_some()
                {
                    self.not_in_target(member.user.0, user, target);
                }
            }
            self.teams[index].decl = Some(decl);
        }
    }

    fn add_member(&mut self, target: usize, index: usize, team: TeamId, user: u32, id: UserId, entry: &Entry<'_>) {
        let role = match entry.role {
            Said::Is(at) => self.role_in(target, at, At::Member).map_or(Said::Unsaid, Said::Is),
            Said::Nothing => Said::Nothing,
            Said::Unsaid => Said::Unsaid,
        };
        if let Said::Is(until) = entry.until
            && until.is_past(self.now)
        {
            let text = format!("this membership ended {}", until.short());
            let finding = Finding::at(Code::Expired, entry.span, text);
            self.sink.push(finding.help("it is not given any more; take the line away"));
            let record = MemberRecord {
                team: self.teams[index].name.clone(),
                user: self.users[user as usize].email.clone(),
                until: Some(until),
                ..MemberRecord::default()
            };
            self.targets[target].ended_members.push(record);
            return;
        }
        let builder = &mut self.targets[target].builder;
        let because = entry.because.map(|b| builder.reason(b));
        builder.membership(Membership { team, user: id, role, until: entry.until, because }, entry.span);
    }

    /// The teams that users name, in general and for single targets.
    fn add_members_of_users(&mut self, by_name: &ByName) {
        for user in 0..self.users.len() {
            let Some(decl) = self.users[user].decl.take() else { continue };
            let mut wanted: Vec<(&TeamOfUser, Vec<usize>)> = Vec::new();
            for team in decl.teams.iter().flatten() {
                wanted.push((team, self.users[user].targets.clone()));
            }
            for (at, there) in decl.at.iter().flat_map(|t| &t.rows) {
                let targets = self.targets_called(self.text(at.value));
                wanted.extend(there.teams.iter().flatten().map(|team| (team, targets.clone())));
            }
            for (TeamOfUser(entry), targets) in wanted {
                let text = self.text(entry.team.0.value);
                let mut placed = false;
                for &target in &targets {
                    let Some(team) = self.team_called(target, text) else { continue };
                    let Some(&id) = self.targets[target].user_ids.get(&(user as u32)) else { continue };
                    placed = true;
                    let Some(&index) = self.targets[target].team_index.get(team.index()) else { continue };
                    let member = Entry {
                        span: entry.span,
                        role: entry.role,
                        until: entry.until.map(|u| u.value),
                        because: entry.because.as_ref().map(|b| &*b.0),
                    };
                    self.add_member(target, index, team, user as u32, id, &member);
                }
                if !placed && let Some(&target) = targets.first() {
                    let broken = by_name
                        .get(text.rsplit_once(':').map_or(text, |(_, n)| n))
                        .is_some_and(|e| e.iter().any(|(_, i)| self.teams[*i].decl.is_none()));
                    if !broken {
                        self.team_in(target, entry.team.0, text);
                    }
                }
            }
            self.users[user].decl = Some(decl);
        }
    }

    /// Teams that lie in each other in a circle.
    fn check_team_cycles(&mut self) {
        let mut reported: BTreeSet<usize> = BTreeSet::new();
        for target in 0..self.targets.len() {
            let count = self.targets[target].team_ids.len();
            let mut outer: HashMap<TeamId, (TeamId, usize)> = HashMap::with_capacity(count);
            for (index, info) in self.teams.iter().enumerate() {
                let Some(&id) = info.ids.get(&target) else { continue };
                let at = info.decl.as_ref().and_then(|d| d.outer.value());
                if let Some(out) = at.and_then(|at| self.team_called(target, self.text(at.value))) {
                    outer.insert(id, (out, index));
                }
            }
            for circle in circles(&outer) {
                let first = circle.iter().map(|(_, i)| *i).min().unwrap_or_default();
                if !reported.insert(first) {
                    continue;
                }
                let span_of = |i: usize| {
                    let decl = self.teams[i].decl.as_ref();
                    decl.and_then(|d| d.outer.value()).map_or(self.teams[i].span, |at| at.span)
                };
                let names = circle_named(circle.iter().map(|(_, i)| format!("`{}`", self.teams[*i].name)));
                let text = format!("teams lie in each other in a circle: {names}");
                let mut finding = Finding::at(Code::Cycle, span_of(first), text);
                for (_, index) in circle.iter().filter(|(_, i)| *i != first).take(CIRCLE_SHOWN - 1) {
                    finding = finding.also(span_of(*index), "and this");
                }
                self.sink.push(finding.help("take one `in:` away"));
            }
        }
    }
}

/// The circles in a map from each thing to the one it lies in.
pub(super) fn circles<K: Copy + Eq + std::hash::Hash + Ord>(outer: &HashMap<K, (K, usize)>) -> Vec<Vec<(K, usize)>> {
    // 1: being walked, 2: done. Each is walked once.
    let mut state: HashMap<K, u8> = HashMap::new();
    let mut found = Vec::new();
    let mut starts: Vec<K> = outer.keys().copied().collect();
    starts.sort_unstable();
    for start in starts {
        let mut path: Vec<(K, usize)> = Vec::new();
        let mut at = start;
        while let Some(&(next, tag)) = outer.get(&at) {
            match state.get(&at) {
                Some(2) => break,
                Some(_) => {
                    let from = path.iter().position(|(k, _)| *k == at).unwrap_or(0);
                    found.push(path[from..].to_vec());
                    break;
                }
                None => {
                    state.insert(at, 1);
                    path.push((at, tag));
                    at = next;
                }
            }
        }
        for (k, _) in path {
            state.insert(k, 2);
        }
    }
    found
}

pub(super) fn quota(decl: &QuotaDecl) -> QuotaRecord {
    QuotaRecord {
        cpu: decl.cpu,
        memory: decl.memory,
        storage: decl.storage,
        apps: decl.apps,
        workflows: decl.workflows,
        workspaces: decl.workspaces,
    }
}
