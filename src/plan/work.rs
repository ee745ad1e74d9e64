//! What the parts of the difference share: who is who, what stays, and the records of live things
//! under the names that they have once the renamings are done.

use std::collections::{BTreeMap, BTreeSet};

use super::align::{self, Join, Was};
use super::diff::{Difference, Options, Planned, Remark};
use super::renames::Renaming;
use crate::diagnostic::Code;
use crate::model::{
    Change, Desired, Directory, DomainId, DomainRecord, Grant, GrantedRole, Kind, MemberRecord, Membership, Mode,
    ObjectRef, Principal, PrincipalRecord, Resource, ResourceId, ResourceRecord, RoleId, Rule, Said, Team, TeamId,
    TeamRecord, User, UserId, UserRecord,
};

/// What happens to a live user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Declared, or left as it is.
    Stays,
    /// Not declared and disabled, before or by this plan: what they hold stays.
    Rests,
    /// Deleted.
    Goes,
}

/// The state of a comparison under way.
pub(super) struct Work<'a, O> {
    pub desired: &'a Desired<O>,
    pub live: &'a Directory,
    pub options: Options,
    pub roles: Join,
    pub users: Join,
    pub teams: Join,
    pub resources: Join,
    pub domains: Join,
    /// By live user.
    pub fates: Vec<Fate>,
    /// By live user: whether they came in by an auto-join domain.
    pub joiners: Vec<bool>,
    /// By live team: whether it is deleted.
    pub team_goes: Vec<bool>,
    /// By live resource: whether it is deleted.
    pub resource_goes: Vec<bool>,
    /// By desired thing: whether it is there when the plan is done.
    pub role_there: Vec<bool>,
    pub user_there: Vec<bool>,
    pub team_there: Vec<bool>,
    pub resource_there: Vec<bool>,
    /// Who came in by an auto-join domain, and would go if they had not.
    pub came_in: Vec<String>,
    /// Things that declarations refer to and that will not be there, with the number of declarations.
    pub missing: BTreeMap<ObjectRef, usize>,
    /// Declared things outside the scope, by kind.
    pub outside: BTreeMap<Kind, Vec<String>>,
    pub out: Difference<O>,
}

impl<'a, O: Copy> Work<'a, O> {
    pub fn new(desired: &'a Desired<O>, live: &'a Directory, options: Options, renamed: &BTreeSet<Renaming>) -> Self {
        let d = &desired.directory;
        let mut work = Self {
            roles: align::by_name(d.roles(), live.roles()),
            users: align::by_name(d.users(), live.users()),
            teams: align::by_name(d.teams(), live.teams()),
            resources: align::by_name(d.resources(), live.resources()),
            domains: align::by_name(d.domains(), live.domains()),
            fates: vec![Fate::Stays; live.users().len()],
            joiners: Vec::new(),
            team_goes: vec![false; live.teams().len()],
            resource_goes: vec![false; live.resources().len()],
            role_there: vec![true; d.roles().len()],
            user_there: vec![true; d.users().len()],
            team_there: vec![true; d.teams().len()],
            resource_there: vec![true; d.resources().len()],
            came_in: Vec::new(),
            missing: BTreeMap::new(),
            outside: BTreeMap::new(),
            out: Difference::default(),
            desired,
            live,
            options,
        };
        work.follow_renamings(renamed);
        work
    }

    fn follow_renamings(&mut self, renamed: &BTreeSet<Renaming>) {
        let made = |kind: Kind, new: &str, old: &str| renamed.contains(&(kind, old.to_owned(), new.to_owned()));
        let (d, live) = (&self.desired.directory, self.live);
        let manage = &self.desired.manage;
        let renames = self.options.renames;
        let may = |kind: Kind, new: &str, old: &str| {
            manage.mode_of(kind, new).writes()
                && manage.mode_of(kind, old).writes()
                && !(kind == Kind::User && manage.is_protected(old))
        };
        let can = |kind: Kind, new: &str, old: &str| renames && may(kind, new, old);
        let origins = &self.desired.origins;
        let may_user = |t: &User, old: &str| can(Kind::User, &t.email, old);
        let was = align::follow_was(d.users(), live.users(), &mut self.users, may_user, former_mail, |u, old| {
            made(Kind::User, &u.email, old)
        });
        for (i, was) in was {
            let user = d.user(UserId(i));
            let origin = origins.users.get(i as usize).copied();
            self.out.remark_was(Kind::User, &user.email, user.was.as_deref(), was, origin);
        }
        let may_team = |t: &Team, old: &str| can(Kind::Team, &t.name, old);
        let was = align::follow_was(d.teams(), live.teams(), &mut self.teams, may_team, former_name, |t, old| {
            made(Kind::Team, &t.name, old)
        });
        for (i, was) in was {
            let team = d.team(TeamId(i));
            let origin = origins.teams.get(i as usize).copied();
            self.out.remark_was(Kind::Team, &team.name, team.was.as_deref(), was, origin);
        }
        let may_resource = |t: &Resource, old: &str| can(Kind::Resource, &t.name, old);
        let was = align::follow_was(
            d.resources(),
            live.resources(),
            &mut self.resources,
            may_resource,
            former_resource,
            |r, old| made(Kind::Resource, &r.name, old),
        );
        for (i, was) in was {
            let resource = d.resource(ResourceId(i));
            let origin = origins.resources.get(i as usize).copied();
            self.out.remark_was(Kind::Resource, &resource.name, resource.was.as_deref(), was, origin);
        }
        self.emit_renamings();
        if !renames {
            self.say_replacements(&may);
        }
    }

    fn emit_renamings(&mut self) {
        let (d, live) = (&self.desired.directory, self.live);
        let origins = &self.desired.origins;
        let of = |list: &Join, i: u32| list.live_of[i as usize].unwrap_or_default();

        let pairs: Vec<(&str, &str)> = (self.users.renamed.iter())
            .map(|&i| (&*live.user(UserId(of(&self.users, i))).email, &*d.user(UserId(i)).email))
            .collect();
        for (from, to, at) in align::steps(&pairs, mail_aside) {
            let origin = origins.users.get(self.users.renamed[at] as usize).copied();
            self.out.changes.push(Planned { change: Change::RenameUser { from, to }, origin });
        }
        let pairs: Vec<(&str, &str)> = (self.teams.renamed.iter())
            .map(|&i| (&*live.team(TeamId(of(&self.teams, i))).name, &*d.team(TeamId(i)).name))
            .collect();
        for (from, to, at) in align::steps(&pairs, name_aside) {
            let origin = origins.teams.get(self.teams.renamed[at] as usize).copied();
            self.out.changes.push(Planned { change: Change::RenameTeam { from, to }, origin });
        }
        let pairs: Vec<(&str, &str)> = (self.resources.renamed.iter())
            .map(|&i| (&*live.resource(ResourceId(of(&self.resources, i))).name, &*d.resource(ResourceId(i)).name))
            .collect();
        for (from, to, at) in align::steps(&pairs, resource_aside) {
            let origin = origins.resources.get(self.resources.renamed[at] as usize).copied();
            self.out.changes.push(Planned { change: Change::RenameResource { from, to }, origin });
        }
    }

    /// Where the target cannot rename, a `was:` is an addition, and the old thing goes as any other
    /// that is not declared: said, so that nobody is surprised.
    fn say_replacements(&mut self, may: &dyn Fn(Kind, &str, &str) -> bool) {
        let (d, live) = (&self.desired.directory, self.live);
        let mut said: Vec<(Kind, String, String)> = Vec::new();
        let mut say = |kind: Kind, name: &str, was: Option<&str>, there: bool, old_live: &dyn Fn(&str) -> bool| {
            if let Some(old) = was.filter(|old| !there && may(kind, name, old) && old_live(old)) {
                said.push((kind, name.to_owned(), old.to_owned()));
            }
        };
        for (i, x) in d.users().iter().enumerate() {
            let there = self.users.live_of[i].is_some();
            say(Kind::User, &x.email, x.was.as_deref(), there, &|old| live.find_user(old).is_some());
        }
        for (i, x) in d.teams().iter().enumerate() {
            let there = self.teams.live_of[i].is_some();
            say(Kind::Team, &x.name, x.was.as_deref(), there, &|old| live.find_team(old).is_some());
        }
        for (i, x) in d.resources().iter().enumerate() {
            let there = self.resources.live_of[i].is_some();
            say(Kind::Resource, &x.name, x.was.as_deref(), there, &|old| live.find_resource(old).is_some());
        }
        for (kind, name, old) in said {
            let goes = if self.desired.manage.mode_of(kind, &old) == Mode::Authoritative {
                format!("`{old}` goes as {kind} that is not declared")
            } else {
                format!("`{old}` stays, because {} that are not declared stay here", kind.plural())
            };
            self.out.note(format!("{kind} `{name}` was `{old}`: the target cannot rename, so it is made anew; {goes}"));
        }
    }

    /// Where a change belongs by its mode: into the plan, among what is only observed, or nowhere.
    pub fn put(&mut self, mode: Mode, change: Change, origin: Option<O>) {
        match mode {
            Mode::Additive | Mode::Authoritative => self.out.changes.push(Planned { change, origin }),
            Mode::Observe => self.out.observed.push(Planned { change, origin }),
            Mode::Ignore => {
                let object = change.object();
                let names = self.outside.entry(object.kind).or_default();
                if !names.contains(&object.name) {
                    names.push(object.name);
                }
            }
        }
    }

    /// A change that follows from another and belongs into the plan whatever the mode of its object.
    pub fn must(&mut self, change: Change) {
        self.out.changes.push(Planned { change, origin: None });
    }

    /// The mode for things that no file declares: one whose kind is mentioned nowhere is not compared.
    pub fn mode_of_undeclared(&self, kind: Kind, name: &str) -> Mode {
        let rule = self.desired.manage.rule(kind);
        if rule.mentioned { rule.mode_of(name) } else { Mode::Ignore }
    }

    /// The mode of a list (`members:`, `access:`): mentioned by being there.
    pub fn mode_of_list(&self, kind: Kind, name: &str) -> Mode {
        let rule = self.desired.manage.rule(kind);
        Rule { mentioned: true, ..rule.clone() }.mode_of(name)
    }

    pub fn lacks(&mut self, what: ObjectRef) {
        *self.missing.entry(what).or_default() += 1;
    }

    // The names that live things have once the renamings are done.

    pub fn user_name(&self, id: UserId) -> &'a str {
        match self.users.desired_of[id.index()] {
            Some(d) => &self.desired.directory.user(UserId(d)).email,
            None => &self.live.user(id).email,
        }
    }

    pub fn team_name(&self, id: TeamId) -> &'a str {
        match self.teams.desired_of[id.index()] {
            Some(d) => &self.desired.directory.team(TeamId(d)).name,
            None => &self.live.team(id).name,
        }
    }

    pub fn resource_name(&self, id: ResourceId) -> &'a str {
        match self.resources.desired_of[id.index()] {
            Some(d) => &self.desired.directory.resource(ResourceId(d)).name,
            None => &self.live.resource(id).name,
        }
    }

    // The live things, by those names.

    pub fn user_record(&self, id: UserId) -> UserRecord {
        UserRecord { email: self.user_name(id).to_owned(), ..self.live.user_record(id) }
    }

    pub fn live_leads(&self, id: TeamId) -> Vec<String> {
        let leads = self.live.team(id).leads.value().into_iter().flatten();
        let mut names: Vec<String> = leads.map(|u| self.user_name(*u).to_owned()).collect();
        names.sort_unstable();
        names
    }

    pub fn team_record(&self, id: TeamId) -> TeamRecord {
        let outer = self.live.team(id).outer.value().map(|t| self.team_name(*t).to_owned());
        let name = self.team_name(id).to_owned();
        TeamRecord { name, outer, leads: self.live_leads(id), ..self.live.team_record(id) }
    }

    pub fn resource_record(&self, id: ResourceId) -> ResourceRecord {
        let live = self.live.resource(id);
        ResourceRecord {
            name: self.resource_name(id).to_owned(),
            parent: live.parent.value().map(|r| self.resource_name(*r).to_owned()),
            owner: live.owner.value().map(|u| self.user_name(*u).to_owned()),
            ..self.live.resource_record(id)
        }
    }

    pub fn member_record(&self, m: &Membership) -> MemberRecord {
        MemberRecord {
            team: self.team_name(m.team).to_owned(),
            user: self.user_name(m.user).to_owned(),
            ..self.live.member_record(m)
        }
    }

    pub fn principal_record(&self, principal: Principal) -> PrincipalRecord {
        match principal {
            Principal::User(id) => PrincipalRecord::User(self.user_name(id).to_owned()),
            Principal::Team(id) => PrincipalRecord::Team(self.team_name(id).to_owned()),
            Principal::Everyone => PrincipalRecord::Everyone,
        }
    }

    pub fn domain_record(&self, id: DomainId) -> DomainRecord {
        let domain = &self.live.domains()[id.index()];
        let teams = domain.teams.value().into_iter().flatten();
        let mut teams: Vec<String> = teams.map(|t| self.team_name(*t).to_owned()).collect();
        teams.sort_unstable();
        DomainRecord { teams, ..self.live.domain_record(id) }
    }

    // References of the desired state, where what they refer to will be there.

    /// The role that is meant, or silence where it will not be there.
    pub fn role_said(&mut self, said: &Said<RoleId>) -> Said<RoleId> {
        match said {
            Said::Is(id) if !self.role_there[id.index()] => {
                self.lacks(ObjectRef::role(&self.desired.directory.role(*id).name));
                Said::Unsaid
            }
            said => *said,
        }
    }

    /// Whether a live role is the one that is said.
    pub fn role_is_met(&self, said: &Said<RoleId>, live: &Said<RoleId>) -> bool {
        match (said, live) {
            (Said::Is(d), Said::Is(l)) => self.roles.live_of[d.index()] == Some(l.0),
            (Said::Is(_), _) | (Said::Nothing, Said::Is(_)) => false,
            (Said::Unsaid, _) | (Said::Nothing, _) => true,
        }
    }

    /// A role of the desired state by name, if one is said.
    pub fn role_text(&self, id: RoleId) -> String {
        self.desired.directory.role(id).name.to_string()
    }
}

/// The roles of a grant, sorted by role.
pub(super) fn granted(directory: &Directory, grants: &[Grant]) -> Vec<GrantedRole> {
    let one = |g: &Grant| GrantedRole {
        role: directory.role(g.role).name.to_string(),
        until: g.until,
        because: g.because.map(|b| directory.reason(b).to_owned()),
    };
    grants.iter().map(one).collect()
}

/// Sets a field of a record to what is said of it.
pub(super) fn apply<T, U>(field: &mut Option<U>, said: &Said<T>, value: impl Fn(&T) -> U) {
    match said {
        Said::Unsaid => {}
        Said::Nothing => *field = None,
        Said::Is(said) => *field = Some(value(said)),
    }
}

impl<O: Copy> Difference<O> {
    pub(super) fn note(&mut self, message: String) {
        self.remarks.push(Remark { code: None, message, help: None, origin: None });
    }

    fn remark_was(&mut self, kind: Kind, name: &str, old: Option<&str>, was: Was, origin: Option<O>) {
        let old = old.unwrap_or_default();
        let (code, message, help) = match was {
            Was::Rename | Was::New => return,
            Was::Done => (
                Code::RenameDone,
                format!("{kind} `{name}` has its new name: `was: {old}` can go"),
                format!("remove `was: {old}`"),
            ),
            Was::BothLive => (
                Code::RenameBothLive,
                format!("{kind} `{name}` was `{old}`, but both are live"),
                format!("remove one of the two from the target, or remove `was: {old}` and declare both"),
            ),
            Was::Declared => (
                Code::RenameBothLive,
                format!("{kind} `{name}` was `{old}`, but `{old}` is declared as well"),
                format!("remove `was: {old}`, or rename first and declare the new `{old}` afterwards"),
            ),
            Was::Claimed => (
                Code::RenameBothLive,
                format!("{kind} `{name}` was `{old}`, but another {kind} says the same"),
                format!("only one {kind} can have been `{old}`"),
            ),
        };
        self.remarks.push(Remark { code: Some(code), message, help: Some(help), origin });
    }
}

/// The spare name of a team that changes its name with others.
fn name_aside(n: usize, name: &str) -> String {
    format!("~rolecall-swap~{n}~{name}")
}

fn former_name(name: &str) -> Option<String> {
    Some(name.strip_prefix("~rolecall-swap~")?.split_once('~')?.1.to_owned())
}

/// The same for an address.
fn mail_aside(n: usize, mail: &str) -> String {
    format!("rolecall-swap-{n}+{mail}")
}

fn former_mail(mail: &str) -> Option<String> {
    Some(mail.strip_prefix("rolecall-swap-")?.split_once('+')?.1.to_owned())
}

/// The same for a resource: the part before the `/` is the kind, which it keeps on its way.
fn resource_aside(n: usize, name: &str) -> String {
    match name.split_once('/') {
        Some((kind, name)) => format!("{kind}/{}", name_aside(n, name)),
        None => name_aside(n, name),
    }
}

fn former_resource(name: &str) -> Option<String> {
    let (kind, name) = name.split_once('/')?;
    Some(format!("{kind}/{}", former_name(name)?))
}
