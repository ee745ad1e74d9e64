//! Random organizations: carried out step by step on a naive model, a plan from one to the other gives
//! the other, and nothing is missing or lost on the way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::testing::{everything, planned, read, whole};
use super::{Plan, load, save};
use crate::model::*;

/// A target as maps of names.
#[derive(Debug, Clone, PartialEq, Default)]
struct Naive {
    roles: BTreeMap<String, RoleRecord>,
    users: BTreeMap<String, UserRecord>,
    teams: BTreeMap<String, TeamRecord>,
    members: BTreeMap<(String, String), MemberRecord>,
    resources: BTreeMap<String, ResourceRecord>,
    grants: BTreeMap<(String, PrincipalRecord), Vec<GrantedRole>>,
}

impl Naive {
    fn of(d: &Directory) -> Self {
        let mut it = Self::default();
        (0..d.roles().len())
            .map(|i| d.role_record(RoleId(i as u32)))
            .for_each(|r| drop(it.roles.insert(r.name.clone(), r)));
        (0..d.users().len())
            .map(|i| d.user_record(UserId(i as u32)))
            .for_each(|r| drop(it.users.insert(r.email.clone(), r)));
        (0..d.teams().len())
            .map(|i| d.team_record(TeamId(i as u32)))
            .for_each(|r| drop(it.teams.insert(r.name.clone(), r)));
        for i in 0..d.resources().len() {
            let r = d.resource_record(ResourceId(i as u32));
            it.resources.insert(r.name.clone(), r);
        }
        for m in d.memberships() {
            let r = d.member_record(m);
            it.members.insert((r.team.clone(), r.user.clone()), r);
        }
        for g in d.grants() {
            let r = d.grant_record(g);
            let role = GrantedRole { role: r.role, until: r.until, because: r.because };
            it.grants.entry((r.resource, r.to)).or_default().push(role);
        }
        it
    }

    fn role(&self, role: &Option<String>) {
        assert!(role.as_ref().is_none_or(|r| self.roles.contains_key(r)), "role {role:?} is there");
    }

    fn has_user(&self, u: &str) {
        assert!(self.users.contains_key(u), "user {u} is there");
    }

    fn has_team(&self, t: &str) {
        assert!(self.teams.contains_key(t), "team {t} is there");
    }

    fn apply(&mut self, change: &Change) {
        let free = |there: bool| assert!(!there, "the name is free: {change:?}");
        match change {
            Change::CreateUser { user } => {
                self.role(&user.role);
                free(self.users.insert(user.email.clone(), user.clone()).is_some());
            }
            Change::UpdateUser { before, after } => {
                self.role(&after.role);
                let now = self.users.get_mut(&before.email).unwrap();
                assert_eq!(UserRecord { state: before.state, ..now.clone() }, *before);
                *now = UserRecord { state: now.state, ..after.clone() };
            }
            Change::RenameUser { from, to } => {
                let mut user = self.users.remove(from).unwrap();
                user.email.clone_from(to);
                free(self.users.insert(to.clone(), user).is_some());
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                for team in self.teams.values_mut() {
                    team.leads.iter_mut().for_each(named);
                    team.leads.sort();
                }
                self.resources.values_mut().filter_map(|r| r.owner.as_mut()).for_each(named);
                self.members = std::mem::take(&mut self.members)
                    .into_values()
                    .map(|mut m| {
                        named(&mut m.user);
                        ((m.team.clone(), m.user.clone()), m)
                    })
                    .collect();
                let rename = |p: PrincipalRecord| {
                    if p == PrincipalRecord::User(from.clone()) { PrincipalRecord::User(to.clone()) } else { p }
                };
                self.grants =
                    std::mem::take(&mut self.grants).into_iter().map(|((r, p), v)| ((r, rename(p)), v)).collect();
            }
            Change::EnableUser { user } => {
                let now = self.users.get_mut(&user.email).unwrap();
                assert_eq!(*now, *user);
                now.state = UserState::Active;
            }
            Change::DisableUser { user, .. } => {
                let now = self.users.get_mut(&user.email).unwrap();
                assert_eq!(*now, *user);
                now.state = UserState::Disabled;
            }
            Change::DeleteUser { user, .. } => {
                assert!(self.users.remove(&user.email).is_some());
                assert!(self.members.keys().all(|(_, u)| *u != user.email), "no membership is left");
                assert!(self.teams.values().all(|t| !t.leads.contains(&user.email)), "leads nothing");
                assert!(self.resources.values().all(|r| r.owner.as_ref() != Some(&user.email)), "owns nothing");
                assert!(self.grants.keys().all(|(_, p)| *p != PrincipalRecord::User(user.email.clone())));
            }
            Change::CreateTeam { team } => {
                self.role(&team.role);
                team.outer.iter().for_each(|t| self.has_team(t));
                assert!(team.leads.is_empty());
                free(self.teams.insert(team.name.clone(), team.clone()).is_some());
            }
            Change::UpdateTeam { before, after } => {
                self.role(&after.role);
                after.outer.iter().for_each(|t| self.has_team(t));
                let now = self.teams.get_mut(&before.name).unwrap();
                let leads = now.leads.clone();
                assert_eq!(TeamRecord { leads: before.leads.clone(), ..now.clone() }, *before);
                *now = TeamRecord { leads, ..after.clone() };
                let mut at = after.outer.clone();
                let mut steps = 0;
                while let Some(t) = at {
                    at = self.teams[&t].outer.clone();
                    steps += 1;
                    assert!(steps < 100, "teams lie in a circle");
                }
            }
            Change::RenameTeam { from, to } => {
                let mut team = self.teams.remove(from).unwrap();
                team.name.clone_from(to);
                free(self.teams.insert(to.clone(), team).is_some());
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                self.teams.values_mut().filter_map(|t| t.outer.as_mut()).for_each(named);
                self.members = std::mem::take(&mut self.members)
                    .into_values()
                    .map(|mut m| {
                        named(&mut m.team);
                        ((m.team.clone(), m.user.clone()), m)
                    })
                    .collect();
                let rename = |p: PrincipalRecord| {
                    if p == PrincipalRecord::Team(from.clone()) { PrincipalRecord::Team(to.clone()) } else { p }
                };
                self.grants =
                    std::mem::take(&mut self.grants).into_iter().map(|((r, p), v)| ((r, rename(p)), v)).collect();
            }
            Change::DeleteTeam { team, .. } => {
                assert_eq!(self.teams.remove(&team.name).as_ref(), Some(team));
                assert!(self.members.keys().all(|(t, _)| *t != team.name));
                assert!(self.teams.values().all(|t| t.outer.as_ref() != Some(&team.name)));
                assert!(self.grants.keys().all(|(_, p)| *p != PrincipalRecord::Team(team.name.clone())));
            }
            Change::SetLeads { team, before, after } => {
                after.iter().for_each(|u| self.has_user(u));
                let team = self.teams.get_mut(team).unwrap();
                assert_eq!(team.leads, *before);
                team.leads.clone_from(after);
            }
            Change::AddMember { member } => {
                self.role(&member.role);
                self.has_user(&member.user);
                self.has_team(&member.team);
                free(self.members.insert((member.team.clone(), member.user.clone()), member.clone()).is_some());
            }
            Change::ChangeMember { before, after } => {
                self.role(&after.role);
                let old = self.members.insert((before.team.clone(), before.user.clone()), after.clone());
                assert_eq!(old.as_ref(), Some(before));
            }
            Change::RemoveMember { member, .. } => {
                assert_eq!(self.members.remove(&(member.team.clone(), member.user.clone())).as_ref(), Some(member));
            }
            Change::CreateResource { resource } => {
                resource.parent.iter().for_each(|r| assert!(self.resources.contains_key(r)));
                resource.owner.iter().for_each(|u| self.has_user(u));
                free(self.resources.insert(resource.name.clone(), resource.clone()).is_some());
            }
            Change::UpdateResource { before, after } => {
                after.parent.iter().for_each(|r| assert!(self.resources.contains_key(r)));
                after.owner.iter().for_each(|u| self.has_user(u));
                let old = self.resources.insert(before.name.clone(), after.clone());
                assert_eq!(old.as_ref(), Some(before));
                let (mut at, mut steps) = (after.parent.clone(), 0);
                while let Some(r) = at {
                    at = self.resources[&r].parent.clone();
                    steps += 1;
                    assert!(steps < 100, "resources lie in a circle");
                }
            }
            Change::RenameResource { from, to } => {
                let mut resource = self.resources.remove(from).unwrap();
                resource.name.clone_from(to);
                free(self.resources.insert(to.clone(), resource).is_some());
                let named = |name: &mut String| {
                    if name == from {
                        name.clone_from(to)
                    }
                };
                self.resources.values_mut().filter_map(|r| r.parent.as_mut()).for_each(named);
                self.grants = std::mem::take(&mut self.grants)
                    .into_iter()
                    .map(|((mut r, p), v)| {
                        named(&mut r);
                        ((r, p), v)
                    })
                    .collect();
            }
            Change::DeleteResource { resource, .. } => {
                assert_eq!(self.resources.remove(&resource.name).as_ref(), Some(resource));
                assert!(self.resources.values().all(|r| r.parent.as_ref() != Some(&resource.name)));
                assert!(self.grants.keys().all(|(r, _)| *r != resource.name));
            }
            Change::GiveGrant { to, resource, roles } => {
                match to {
                    PrincipalRecord::User(u) => self.has_user(u),
                    PrincipalRecord::Team(t) => self.has_team(t),
                    PrincipalRecord::Everyone => {}
                }
                assert!(self.resources.contains_key(resource));
                free(self.grants.insert((resource.clone(), to.clone()), roles.clone()).is_some());
            }
            Change::ChangeGrant { to, resource, before, after } => {
                let old = self.grants.insert((resource.clone(), to.clone()), after.clone());
                assert_eq!(old.as_ref(), Some(before));
            }
            Change::RevokeGrant { to, resource, roles, .. } => {
                assert_eq!(self.grants.remove(&(resource.clone(), to.clone())).as_ref(), Some(roles));
            }
            other => panic!("not expected: {other:?}"),
        }
    }

    fn admins(&self) -> usize {
        let administers = |role: &Option<String>| role.as_ref().is_some_and(|r| self.roles[r].administers);
        let by_team = |mut team: String| {
            loop {
                if administers(&self.teams[&team].role) {
                    return true;
                }
                match &self.teams[&team].outer {
                    Some(outer) => team = outer.clone(),
                    None => return false,
                }
            }
        };
        let mut admins: BTreeSet<&str> = BTreeSet::new();
        for user in self.users.values().filter(|u| administers(&u.role)) {
            admins.insert(&user.email);
        }
        for (team, user) in self.members.keys() {
            if by_team(team.clone()) {
                admins.insert(user);
            }
        }
        admins
            .iter()
            .filter(|u| self.users[**u].state == UserState::Active && self.users[**u].kind.counts_as_admin())
            .count()
    }
}

/// Numbers from which a small organization is made.
#[derive(Debug, Clone)]
struct Seeds {
    users: Vec<(bool, u8, bool, u8)>,
    teams: Vec<(bool, u8, u8, u8)>,
    members: Vec<(u8, u8, u8)>,
    resources: Vec<(bool, u8, u8)>,
    grants: Vec<(u8, u8, u8)>,
}

fn seeds() -> impl Strategy<Value = Seeds> {
    (
        prop::collection::vec(any::<(bool, u8, bool, u8)>(), 5),
        prop::collection::vec(any::<(bool, u8, u8, u8)>(), 4),
        prop::collection::vec(any::<(u8, u8, u8)>(), 0..8),
        prop::collection::vec(any::<(bool, u8, u8)>(), 3),
        prop::collection::vec(any::<(u8, u8, u8)>(), 0..8),
    )
        .prop_map(|(users, teams, members, resources, grants)| Seeds { users, teams, members, resources, grants })
}

/// The words of an organization. `down` turns the order in which teams may lie in each other, so that
/// two organizations can be inside out; `was` gives the old names.
fn words(s: &Seeds, down: bool, disabled: impl Fn(usize) -> bool, was: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let role = |n: u8| ["", " role=admin", " role=viewer", " role=admin"][n as usize % 4];
    let was = |name: String| was(&name).map(|old| format!(" was={old}")).unwrap_or_default();
    for (i, (there, r, off, _)) in s.users.iter().enumerate().filter(|(_, u)| u.0) {
        debug_assert!(*there);
        let state = if *off && disabled(i) { " state=disabled" } else { "" };
        text += &format!("user u{i}{}{state}{}\n", role(*r), was(format!("u{i}")));
    }
    let users: Vec<usize> = (0..s.users.len()).filter(|i| s.users[*i].0).collect();
    let teams: Vec<usize> = (0..s.teams.len()).filter(|i| s.teams[*i].0).collect();
    let resources: Vec<usize> = (0..s.resources.len()).filter(|i| s.resources[*i].0).collect();
    let around = |list: &[usize], i: usize, n: u8| -> Option<usize> {
        let fit: Vec<usize> = list.iter().copied().filter(|o| if down { *o > i } else { *o < i }).collect();
        (!fit.is_empty() && !n.is_multiple_of(3)).then(|| fit[n as usize % fit.len()])
    };
    for &i in &teams {
        let (_, r, outer, lead) = s.teams[i];
        let role = ["", "", " role=viewer", " role=admin"][r as usize % 4];
        let outer = around(&teams, i, outer).map(|o| format!(" in=t{o}")).unwrap_or_default();
        let lead = if users.is_empty() || lead % 2 == 0 {
            String::new()
        } else {
            format!(" leads=u{}", users[lead as usize % users.len()])
        };
        text += &format!("team t{i}{role}{outer}{lead}{}\n", was(format!("t{i}")));
    }
    let mut seen = BTreeSet::new();
    for (t, u, r) in s.members.iter().filter(|_| !teams.is_empty() && !users.is_empty()) {
        let (t, u) = (teams[*t as usize % teams.len()], users[*u as usize % users.len()]);
        if seen.insert((t, u)) {
            text += &format!("member t{t} u{u}{}\n", ["", " role=viewer"][*r as usize % 2]);
        }
    }
    for &i in &resources {
        let (_, parent, owner) = s.resources[i];
        let parent = around(&resources, i, parent).map(|o| format!(" in=p/{o}")).unwrap_or_default();
        let owner = if users.is_empty() || owner % 2 == 0 {
            String::new()
        } else {
            format!(" owner=u{}", users[owner as usize % users.len()])
        };
        text += &format!("res p/{i}{parent}{owner}{}\n", was(format!("p/{i}")));
    }
    let mut seen = BTreeSet::new();
    for (r, p, roles) in s.grants.iter().filter(|_| !resources.is_empty()) {
        let r = resources[*r as usize % resources.len()];
        let p = match p % 5 {
            0 | 1 if !users.is_empty() => format!("u{}", users[*p as usize / 5 % users.len()]),
            2 | 3 if !teams.is_empty() => format!("team/t{}", teams[*p as usize / 5 % teams.len()]),
            _ => "everyone".to_owned(),
        };
        if seen.insert((r, p.clone())) {
            text += &format!("grant p/{r} {p} {}\n", ["use", "edit", "edit,use"][*roles as usize % 3]);
        }
    }
    text
}

/// The old name of each new one: the numbers rotated among the first few.
fn old_name(name: &str, turn: u8, a: &str) -> Option<String> {
    let (prefix, number) = name.split_at(name.len() - 1);
    let number: u8 = number.parse().ok()?;
    let size = turn % 4;
    let old = format!("{prefix}{}", if number < size { (number + 1) % size } else { number });
    let there = a
        .lines()
        .any(|l| l.split_whitespace().nth(1) == Some(&old) && !l.starts_with("member") && !l.starts_with("grant"));
    (old != name && there).then_some(old)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_leads_from_one_state_to_the_other(a in seeds(), b in seeds(), down: bool, turn: u8, mut shuffle: u64) {
        let a_text = words(&a, false, |_| true, |_| None);
        let there = |i: usize| a.users[i].0 && turn % 4 < 2;
        let b_text = words(&b, down, there, |name| old_name(name, turn, &a_text));
        let (live, _) = read(&a_text, true);
        let mut desired = everything(read(&b_text, true));
        desired.rules.removal.users = UserRemoval::Delete;
        let plan = planned(&desired, &live);
        prop_assume!(plan.guards.iter().all(|v| v.rule != "rename-both-live"));
        prop_assert!(plan.guards.iter().all(|v| v.rule != "cycle"), "{:?}", plan.guards);

        let (mut now, goal) = (Naive::of(&live), Naive::of(&desired.directory));
        let floor = now.admins().min(goal.admins());
        for wave in plan.steps.chunk_by(|x, y| x.wave == y.wave) {
            let mut wave: Vec<_> = wave.iter().collect();
            for i in (1..wave.len()).rev() {
                shuffle = shuffle.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                wave.swap(i, (shuffle >> 33) as usize % (i + 1));
            }
            for step in wave {
                now.apply(&step.change);
                prop_assert!(now.admins() >= floor, "administrators at {:?}\n{a_text}\n{b_text}", step);
            }
        }
        prop_assert_eq!(&now, &goal, "\n{}\n{}", a_text, b_text);
        let whole = whole(plan, &[]);
        prop_assert_eq!(load(&save(&whole)).unwrap(), whole);
    }

    #[test]
    fn any_bytes_are_refused_in_words(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn altered_plans_are_refused_or_the_same(at in any::<prop::sample::Index>(), with: u8) {
        let plan = sample();
        let mut bytes = save(&plan);
        let index = at.index(bytes.len());
        bytes[index] = with;
        if let Ok(read) = load(&bytes) {
            prop_assert_eq!(super::digest(&read), plan.digest);
        }
    }
}

fn sample() -> Plan {
    let live = super::testing::live("user ada role=admin\nuser bob role=viewer\nteam t\nmember t bob\n");
    let desired =
        super::testing::desired("user ada role=admin name=Ada\nuser eve role=viewer\nteam t leads=ada\nmember t ada\n");
    whole(planned(&desired, &live), &[])
}
