//! Whatever directory is written, the same is read.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A random organization, as the changes that make it in an order in which every name exists.
fn organization() -> impl Strategy<Value = Vec<Change>> {
    let edges = || proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 0..24);
    (1..5_usize, 0..8_usize, 0..6_usize, 0..6_usize, edges(), edges()).prop_map(
        |(roles, users, teams, resources, people, access)| {
            let mut changes = Vec::new();
            let pick = |n: u8, count: usize| (count > 0).then(|| usize::from(n) % count.max(1));
            // Names that do not sort as they are created.
            let role_name = |i: usize| format!("{}role{i}", char::from(b'z' - i as u8));
            let email = |i: usize| format!("{}{i}@acme.com", char::from(b'q' - i as u8));
            let team_name = |i: usize| format!("t'{}\"{i}", 9 - i);
            let resource_name = |i: usize| format!("project/ü{}{i}", 9 - i);
            let time = |n: u8| n.is_multiple_of(3).then(|| now().plus_days(i64::from(n)));
            let text = |n: u8| n.is_multiple_of(2).then(|| format!("because {n}; --"));
            for i in 0..roles {
                let permissions = (0..i).map(|p| format!("p{p}")).collect();
                let role =
                    RoleRecord { name: role_name(i), permissions, administers: i == 0, description: text(i as u8) };
                changes.push(Change::CreateRole { role });
            }
            for i in 0..users {
                let n = people.get(i).map_or(0, |e| e.0);
                let user = UserRecord {
                    role: pick(n, roles).map(role_name),
                    name: text(n),
                    until: time(n),
                    state: if n % 5 == 0 { UserState::Disabled } else { UserState::Active },
                    attributes: (0..n % 3).map(|a| (format!("a{a}"), n.to_string())).collect(),
                    handles: (0..n % 2).map(|a| (format!("h{a}"), n.to_string())).collect(),
                    ..user(&email(i))
                };
                changes.push(Change::CreateUser { user });
            }
            for i in 0..teams {
                let n = access.get(i).map_or(1, |e| e.0);
                let cpu = Some(u64::from(n) + 1);
                let team = TeamRecord {
                    outer: pick(n, i).map(team_name),
                    role: (n % 2 == 0).then(|| role_name(0)),
                    quota: (n % 4 == 0).then_some(QuotaRecord { cpu, ..QuotaRecord::default() }),
                    ..team(&team_name(i))
                };
                changes.push(Change::CreateTeam { team });
            }
            for i in 0..resources {
                let n = access.get(i).map_or(1, |e| e.1);
                let resource = ResourceRecord {
                    parent: pick(n, i).map(resource_name),
                    owner: pick(n, users).map(email),
                    visibility: (n % 2 == 0).then_some(Visibility::Private),
                    ..resource(&resource_name(i))
                };
                changes.push(Change::CreateResource { resource });
            }
            let mut leads: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
            let mut members = BTreeMap::new();
            for (a, b, c, d) in people {
                if let (Some(team), Some(user)) = (pick(a, teams), pick(b, users)) {
                    let role = (c % 2 == 0).then(|| role_name(0));
                    let (until, because) = (time(c), text(d));
                    members.insert(
                        (team, user),
                        MemberRecord { role, until, because, ..member(&team_name(team), &email(user)) },
                    );
                    if d % 3 == 0 {
                        leads.entry(team).or_default().insert(email(user));
                    }
                }
            }
            changes.extend(members.into_values().map(|member| Change::AddMember { member }));
            changes.extend(leads.into_iter().map(|(team, leads)| Change::SetLeads {
                team: team_name(team),
                before: vec![],
                after: leads.into_iter().collect(),
            }));
            let mut grants: BTreeMap<(PrincipalRecord, usize), BTreeMap<String, GrantedRole>> = BTreeMap::new();
            for (a, b, c, d) in access {
                let Some(resource) = pick(a, resources) else { continue };
                let to = match (c % 3, pick(b, users), pick(b, teams)) {
                    (0, Some(user), _) => to_user(&email(user)),
                    (1, _, Some(team)) => to_team(&team_name(team)),
                    _ => PrincipalRecord::Everyone,
                };
                let role = role_name(usize::from(d) % roles);
                let given = GrantedRole { role: role.clone(), until: time(b), because: text(c) };
                grants.entry((to, resource)).or_default().insert(role, given);
            }
            changes.extend(grants.into_iter().map(|((to, resource), roles)| Change::GiveGrant {
                to,
                resource: resource_name(resource),
                roles: roles.into_values().collect(),
            }));
            if teams > 1 {
                let domain = DomainRecord {
                    name: "acme.com".into(),
                    role: Some(role_name(0)),
                    teams: vec![team_name(1), team_name(0)],
                };
                changes.push(Change::AddDomain { domain });
            }
            changes
        },
    )
}

/// What the changes make, put together without the directory.
fn expected(changes: &[Change]) -> Directory {
    let mut build = Builder::new();
    let (mut roles, mut users, mut teams, mut resources) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let boxed = |text: &Option<String>| Said::known(text.as_deref().map(Box::from));
    for change in changes {
        match change {
            Change::CreateRole { role } => {
                let permissions = role.permissions.iter().map(|p| build.permission(p)).collect();
                let (name, description) = (role.name.as_str().into(), boxed(&role.description));
                let made = Role { name, description, permissions, administers: role.administers };
                roles.insert(role.name.clone(), build.role(made, ()));
            }
            Change::CreateUser { user } => {
                let made = User {
                    name: boxed(&user.name),
                    kind: Said::Is(user.kind),
                    role: Said::known(user.role.as_ref().map(|r| roles[r])),
                    state: user.state,
                    until: Said::known(user.until),
                    timezone: boxed(&user.timezone),
                    owner: boxed(&user.owner),
                    attributes: user
                        .attributes
                        .iter()
                        .map(|(k, v)| (k.as_str().into(), Said::Is(v.as_str().into())))
                        .collect(),
                    handles: user
                        .handles
                        .iter()
                        .map(|(k, v)| (k.as_str().into(), Said::Is(v.as_str().into())))
                        .collect(),
                    ..User::new(&user.email)
                };
                users.insert(user.email.clone(), build.user(made, ()));
            }
            Change::CreateTeam { team } => {
                let made = Team {
                    description: boxed(&team.description),
                    leads: Said::Nothing,
                    role: Said::known(team.role.as_ref().map(|r| roles[r])),
                    outer: Said::known(team.outer.as_ref().map(|t| teams[t])),
                    quota: Said::known(team.quota),
                    ..Team::new(&team.name)
                };
                teams.insert(team.name.clone(), build.team(made, ()));
            }
            Change::CreateResource { resource } => {
                let made = Resource {
                    description: boxed(&resource.description),
                    parent: Said::known(resource.parent.as_ref().map(|r| resources[r])),
                    visibility: Said::known(resource.visibility),
                    owner: Said::known(resource.owner.as_ref().map(|u| users[u])),
                    ..Resource::new(&resource.name)
                };
                resources.insert(resource.name.clone(), build.resource(made, ()));
            }
            Change::AddMember { member } => {
                let made = Membership {
                    team: teams[&member.team],
                    user: users[&member.user],
                    role: Said::known(member.role.as_ref().map(|r| roles[r])),
                    until: Said::known(member.until),
                    because: member.because.as_ref().map(|b| build.reason(b)),
                };
                build.membership(made, ());
            }
            Change::SetLeads { team, after, .. } => {
                let leads = after.iter().map(|u| users[u]).collect();
                build.team_mut(teams[team]).unwrap().leads = Said::Is(leads);
            }
            Change::GiveGrant { to, resource, roles: given } => {
                let principal = match to {
                    PrincipalRecord::User(email) => Principal::User(users[email]),
                    PrincipalRecord::Team(name) => Principal::Team(teams[name]),
                    PrincipalRecord::Everyone => Principal::Everyone,
                };
                for one in given {
                    let because = one.because.as_ref().map(|b| build.reason(b));
                    let (resource, role) = (resources[resource], roles[&one.role]);
                    build.grant(Grant { resource, principal, role, until: one.until, because }, ());
                }
            }
            Change::AddDomain { domain } => {
                let made = Domain {
                    name: domain.name.as_str().into(),
                    role: Said::known(domain.role.as_ref().map(|r| roles[r])),
                    teams: Said::Is(domain.teams.iter().map(|t| teams[t]).collect()),
                };
                build.domain(made, ());
            }
            other => panic!("{other:?}"),
        }
    }
    build.finish().unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(changes in organization()) {
        let home = Home::new();
        for change in &changes {
            prop_assert!(!home.holds(change), "{:?}", change);
            home.try_write(change).map_err(|e| TestCaseError::fail(format!("{change:?}: {e}")))?;
        }
        for change in &changes {
            prop_assert!(home.holds(change), "{:?}", change);
        }
        prop_assert_eq!(home.read(), expected(&changes));
    }
}
