//! The access difference against the naive comparison of the states before and after.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::naive::Naive;
use super::{AccessDifference, At, Cause, Differences, Entry, Invited, Way, World, differences, told};
use crate::model::*;
use crate::plan::testing::{everything, planned, read, today};

/// Numbers from which an organization is made.
#[derive(Debug, Clone)]
struct Seeds {
    roles: [u8; 4],
    users: Vec<[u8; 4]>,
    teams: Vec<[u8; 3]>,
    members: Vec<[u8; 4]>,
    resources: Vec<[u8; 4]>,
    grants: Vec<[u8; 4]>,
}

fn seeds() -> impl Strategy<Value = Seeds> {
    (
        any::<[u8; 4]>(),
        prop::collection::vec(any::<[u8; 4]>(), 5),
        prop::collection::vec(any::<[u8; 3]>(), 4),
        prop::collection::vec(any::<[u8; 4]>(), 0..10),
        prop::collection::vec(any::<[u8; 4]>(), 6),
        prop::collection::vec(any::<[u8; 4]>(), 0..12),
    )
        .prop_map(|(roles, users, teams, members, resources, grants)| Seeds {
            roles,
            users,
            teams,
            members,
            resources,
            grants,
        })
}

/// One of some words.
fn one<'w>(of: &[&'w str], n: u8) -> &'w str {
    of[n as usize % of.len()]
}

const ENDS: [&str; 5] = ["", "", "", " until=2026-01-01", " until=2027-01-01"];

/// The words of an organization. Three of four things are there; `goal` is a state that is declared,
/// in which nobody is invited; `name` gives a thing its name.
fn words(s: &Seeds, goal: bool, down: bool, name: impl Fn(&str, usize) -> (String, String)) -> String {
    let mut text = format!(
        "role use {}\nrole edit {}\nrole dev {}\nrole viewer {}\n",
        one(&["use", "use", "use,look"], s.roles[0]),
        one(&["use,edit", "use,edit,ship", "edit"], s.roles[1]),
        one(&["", "dev", "ship"], s.roles[2]),
        one(&["", "", "look"], s.roles[3]),
    );
    let there = |list: &[u8], i: usize| !list[i].is_multiple_of(4);
    let firsts = |list: Vec<u8>| (0..list.len()).filter(|i| there(&list, *i)).collect::<Vec<usize>>();
    let users = firsts(s.users.iter().map(|u| u[0]).collect());
    let teams = firsts(s.teams.iter().map(|t| t[0]).collect());
    let resources = firsts(s.resources.iter().map(|r| r[0]).collect());
    let pick = |list: &[usize], n: u8| list[n as usize % list.len()];
    let around = |list: &[usize], i: usize, n: u8| -> Option<usize> {
        let fit: Vec<usize> = list.iter().copied().filter(|o| if down { *o > i } else { *o < i }).collect();
        (!fit.is_empty() && !n.is_multiple_of(3)).then(|| fit[n as usize % fit.len()])
    };
    for &i in &users {
        let [_, role, state, until] = s.users[i];
        let states = ["", "", "", " state=disabled", if goal { "" } else { " state=invited" }];
        let (name, was) = name("u", i);
        let role = one(&["", " role=viewer", " role=viewer", " role=dev", " role=admin"], role);
        text += &format!("user {name}{role}{}{}{was}\n", one(&states, state), one(&ENDS, until));
    }
    for &i in &teams {
        let [_, role, outer] = s.teams[i];
        let outer = around(&teams, i, outer).map(|o| format!(" in={}", name("t", o).0)).unwrap_or_default();
        let role = one(&["", "", " role=viewer", " role=dev", " role=admin"], role);
        let (name, was) = name("t", i);
        text += &format!("team {name}{role}{outer}{was}\n");
    }
    let mut seen = BTreeSet::new();
    for &[t, u, role, until] in s.members.iter().filter(|_| !teams.is_empty() && !users.is_empty()) {
        let (t, u) = (pick(&teams, t), pick(&users, u));
        if seen.insert((t, u)) {
            let role = one(&["", "", " role=dev", " role=use", " role=admin"], role);
            text += &format!("member {} {}{role}{}\n", name("t", t).0, name("u", u).0, one(&ENDS, until));
        }
    }
    for &i in &resources {
        let [_, parent, owner, visibility] = s.resources[i];
        let parent = around(&resources, i, parent).map(|o| format!(" in={}", name("p/", o).0)).unwrap_or_default();
        let owner =
            (!users.is_empty() && owner % 2 == 1).then(|| format!(" owner={}", name("u", pick(&users, owner / 2)).0));
        let visibility =
            one(&["", "", " visibility=restricted", " visibility=everyone", " visibility=private"], visibility);
        let (name, was) = name("p/", i);
        text += &format!("res {name}{parent}{}{visibility}{was}\n", owner.unwrap_or_default());
    }
    let mut seen = BTreeSet::new();
    for &[r, p, roles, until] in s.grants.iter().filter(|_| !resources.is_empty()) {
        let r = pick(&resources, r);
        let p = match p % 5 {
            0 | 1 if !users.is_empty() => name("u", pick(&users, p / 5)).0,
            2 | 3 if !teams.is_empty() => format!("team/{}", name("t", pick(&teams, p / 5)).0),
            _ => "everyone".to_owned(),
        };
        if seen.insert((r, p.clone())) {
            let roles = one(&["use", "edit", "edit,use", "dev"], roles);
            text += &format!("grant {} {p} {roles}{}\n", name("p/", r).0, one(&ENDS, until));
        }
    }
    text
}

/// A catalogue in which everything occurs that decides about access.
fn catalogue(n: u8) -> Catalogue {
    let role = |permissions: Option<&[&str]>, places: &[Place]| CatalogueRole {
        permissions: permissions.map(|p| p.iter().map(|p| (*p).to_owned()).collect()),
        places: places.to_vec(),
        ..CatalogueRole::default()
    };
    let people = [Place::User, Place::Team, Place::Member];
    let mut it = Catalogue { nested_teams: true, ..Catalogue::default() };
    it.combine = if n & 1 == 0 { Combine::Union } else { Combine::Highest };
    let admin = role(Some(&["edit", "rule", "use"]), &people);
    it.roles.insert("admin".into(), CatalogueRole { administers: true, ..admin });
    let caps_at = (n & 2 != 0).then(|| "use".to_owned());
    it.roles.insert("viewer".into(), CatalogueRole { caps_at, ..role(Some(&[]), &people) });
    it.roles.insert("use".into(), role(Some(&["use"]), &[Place::Resource, Place::Member]));
    it.roles.insert("edit".into(), role(Some(&["edit", "use"]), &[Place::Resource]));
    it.roles
        .insert("dev".into(), role(if n & 4 == 0 { None } else { Some(&["dev"]) }, &[Place::Resource, Place::User]));
    if n & 8 != 0 {
        for (name, tier) in [("admin", 9), ("dev", 5), ("edit", 4), ("use", 4)] {
            it.roles.get_mut(name).unwrap().tier = Some(tier);
        }
    }
    let kind = ResourceKind {
        roles: vec!["use".into(), "edit".into(), "dev".into()],
        parents: vec!["p".into()],
        visibility: true,
        grants: true,
        owner: (n & 16 != 0).then(|| "edit".into()),
        everyone: (n & 32 != 0).then(|| "use".into()),
        of_team: n & 64 != 0,
        ..ResourceKind::default()
    };
    it.kinds.insert("p".into(), kind);
    it
}

/// The ways in which a user has access, in words, without their ends.
fn ways(it: &Naive, catalogue: &Catalogue, user: &str, on: Option<&str>) -> BTreeSet<String> {
    let now = today();
    let mut all = BTreeSet::new();
    if !it.comes_in(user, now) {
        return all;
    }
    let mut held = |way: String, role: &str| {
        if !it.gives(catalogue, role, true).is_empty() {
            all.insert(way);
        }
    };
    if let Some(role) = &it.users[user].role {
        held(format!("role {role}"), role);
    }
    let teams = it.teams_of(user, now);
    let bound = catalogue.kinds.values().any(|k| k.of_team);
    let reaches_all = |role: &&String| !bound || it.administers(catalogue, role);
    for team in &teams {
        if let Some(role) = it.teams[team].role.as_ref().filter(reaches_all) {
            held(format!("team {team} {role}"), role);
        }
    }
    for ((team, member), record) in &it.members {
        let lasts = member == user && record.until.is_none_or(|u| u >= now);
        if let Some(role) = record.role.as_ref().filter(reaches_all).filter(|_| lasts) {
            held(format!("member {team} {role}"), role);
        }
    }
    let roles = it.roles_everywhere(catalogue, user, now);
    let caps: Vec<Option<&str>> =
        roles.iter().map(|r| catalogue.role(r).and_then(|(_, c)| c.caps_at.as_deref())).collect();
    let capped = !caps.is_empty() && caps.iter().all(Option::is_some);
    let mut given = |way: String, role: &str| {
        let mut gives = it.gives(catalogue, role, false);
        if capped {
            let cap: BTreeSet<String> = caps.iter().flatten().flat_map(|r| it.gives(catalogue, r, false)).collect();
            gives.retain(|p| cap.contains(p));
        }
        if !gives.is_empty() {
            all.insert(way);
        }
    };
    let mut reached = BTreeSet::new();
    let mut next = on.and_then(|r| it.resources.get(r));
    while let Some(resource) = next {
        let name = &resource.name;
        let kind = catalogue.kinds.get("p").cloned().unwrap_or_default();
        if let Some(role) = kind.owner.as_ref().filter(|_| resource.owner.as_deref() == Some(user)) {
            given(format!("owner {name}"), role);
        }
        if resource.visibility == Some(Visibility::Private) {
            break;
        }
        if let Some(role) = kind.everyone.as_ref().filter(|_| resource.visibility == Some(Visibility::Everyone)) {
            given(format!("visible {name}"), role);
        }
        let by_team = it.roles_by_team(catalogue, user, name, now);
        let team = name.split('/').nth(1).unwrap_or_default();
        let first = reached.insert(team);
        for (own, role) in by_team.into_iter().filter(|_| first) {
            given(format!("{} {team} {role} on {name}", if own { "member" } else { "team" }), &role);
        }
        for ((on, to), roles) in it.grants.iter().filter(|((on, _), _)| on == name) {
            let who = match to {
                PrincipalRecord::User(u) if u == user => "own".to_owned(),
                PrincipalRecord::Team(t) if teams.contains(t) => format!("team {t}"),
                PrincipalRecord::Everyone => "everyone".to_owned(),
                _ => continue,
            };
            for role in roles.iter().filter(|r| r.until.is_none_or(|u| u >= now)) {
                given(format!("grant {on} {who} {}", role.role), &role.role);
            }
        }
        next = resource.parent.as_ref().and_then(|r| it.resources.get(r));
    }
    all
}

fn way_words(world: &World<'_>, cause: &Cause) -> String {
    let role = |r| world.role_name(r);
    let place = |on: Option<ResourceId>| on.map(|on| format!(" on {}", world.resource_name(on))).unwrap_or_default();
    match cause.way {
        Way::Role(r) => format!("role {}", role(r)),
        Way::Team { team, role: r, on, .. } => format!("team {} {}{}", world.team_name(team), role(r), place(on)),
        Way::Member { team, role: r, on } => format!("member {} {}{}", world.team_name(team), role(r), place(on)),
        Way::Grant { to, on, role: r, .. } => {
            let who = match to {
                Principal::User(_) => "own".to_owned(),
                Principal::Team(t) => format!("team {}", world.team_name(t)),
                Principal::Everyone => "everyone".to_owned(),
            };
            format!("grant {} {who} {}", world.resource_name(on), role(r))
        }
        Way::Owner { on } => format!("owner {}", world.resource_name(on)),
        Way::Visible { on } => format!("visible {}", world.resource_name(on)),
    }
}

/// The entry that holds for a pair, by the rule that readers go by.
fn holds<'e>(found: &'e Differences, world: &World<'_>, user: UserId, on: Option<ResourceId>) -> Option<&'e Entry> {
    let group = found.groups.iter().find(|g| g.users.contains(&user))?;
    let mut at = on;
    while let Some(here) = at {
        if let Some(entry) = group.entries.iter().find(|e| e.on == Some(here)) {
            return Some(entry);
        }
        let gone = world.is_resource_gone(here);
        at = world.resource(here).parent.at(if gone { At::Before } else { At::After });
    }
    group.entries.iter().find(|e| e.on.is_none())
}

/// Compares everything for everybody everywhere; `None` if changes cannot be made one after the other.
pub(crate) fn check(
    live: &Directory,
    catalogue: &Catalogue,
    changes: &[&Change],
    paths: bool,
) -> Result<AccessDifference, String> {
    let world = World::with(live, catalogue, today(), changes.iter().copied());
    let found = differences(&world);
    let before = Naive::of(live);
    let mut after = before.clone();
    for change in changes {
        after.apply(change)?;
    }
    let told = told(&world, &found, changes.len());
    let measure = world.measure();
    let mut universe = measure.words(&super::Bits::ALL);
    universe.insert("ADMIN".to_owned());
    let listed: Vec<UserId> = found.groups.iter().flat_map(|g| g.users.iter().copied()).collect();
    if listed.iter().collect::<BTreeSet<_>>().len() != listed.len() {
        return Err("a user is in two groups".to_owned());
    }
    for user in (0..world.users_len()).map(UserId) {
        let name_after = world.user_name(user).to_owned();
        let name_before =
            if user.index() < live.users().len() { live.user(user).email.to_string() } else { "-".into() };
        let [mut from, mut to] = [before.clone(), after.clone()];
        let states = [from.users.get(&name_before), to.users.get(&name_after)].map(|u| u.map(|u| u.state));
        let invited = |s: &Option<UserState>| matches!(s, Some(UserState::Invited | UserState::InvitationExpired));
        let pending = !states.contains(&Some(UserState::Active)) && states.iter().any(invited);
        for (it, name) in [(&mut from, &name_before), (&mut to, &name_after)] {
            if let Some(user) = it.users.get_mut(name).filter(|u| pending && invited(&Some(u.state))) {
                user.state = UserState::Active;
            }
        }
        for on in std::iter::once(None).chain((0..world.resources_len()).map(|r| Some(ResourceId(r)))) {
            let names = on.map(|r| {
                let old =
                    if r.index() < live.resources().len() { live.resource(r).name.to_string() } else { "-".into() };
                (old, if world.is_resource_gone(r) { "-".into() } else { world.resource_name(r).to_owned() })
            });
            let old = names.as_ref().map(|n| n.0.as_str());
            let new = names.as_ref().map(|n| n.1.as_str());
            let full = |words: BTreeSet<String>| if words.contains("ADMIN") { universe.clone() } else { words };
            let had = full(from.access(catalogue, today(), &name_before, old));
            let has = full(to.access(catalogue, today(), &name_after, new));
            let invited = if pending { Invited::MayCome } else { Invited::Nothing };
            let whole = [(At::Before, &had), (At::After, &has)];
            for (at, words) in whole {
                let access = measure.words(&world.access(user, on, at, invited));
                if full(access.clone()) != *words {
                    return Err(format!("{name_after} on {names:?}: access {access:?}, and naively {words:?}"));
                }
            }
            let entry = holds(&found, &world, user, on);
            let words = |bits: Option<super::Bits>| bits.map(|b| measure.words(&b)).unwrap_or_default();
            let (gained, lost) = (words(entry.map(|e| e.gained)), words(entry.map(|e| e.lost)));
            let expected = (&has - &had, &had - &has);
            if (&gained, &lost) != (&expected.0, &expected.1) {
                return Err(format!("{name_after} on {names:?}: +{gained:?} -{lost:?}, and naively {expected:?}"));
            }
            if paths && had == has {
                let [old, new] = [ways(&from, catalogue, &name_before, old), ways(&to, catalogue, &name_after, new)];
                let said = |causes: Option<&Vec<Cause>>| -> BTreeSet<String> {
                    causes.into_iter().flatten().map(|c| way_words(&world, c)).collect()
                };
                let (added, removed) = (said(entry.map(|e| &e.added)), said(entry.map(|e| &e.removed)));
                if added != &new - &old || removed != &old - &new {
                    return Err(format!(
                        "{name_after} on {names:?}: ways +{added:?} -{removed:?}, naively {old:?} {new:?}"
                    ));
                }
            }
        }
    }
    for entry in found.groups.iter().flat_map(|g| g.entries.iter().map(move |e| (e, e.around.map(|a| &g.entries[a])))) {
        let (entry, outer) = entry;
        let outside = outer.map(|o| (o.gained, o.lost, o.is_path())).unwrap_or_default();
        let same = (entry.gained, entry.lost, false) == outside;
        if same && !entry.is_path() {
            return Err(format!("an entry says what holds around it: {entry:?}"));
        }
    }
    Ok(told)
}

/// What a change of one number at a time does not find: many small steps between two states.
fn plan_between(a: &Seeds, b: &Seeds, kind: u8, flags: u8) -> Result<(), TestCaseError> {
    // A resource is named below a team, which is there or not.
    let plain = |kind: &str, i: usize| match kind {
        "p/" => (format!("p/t{}/{i}", i % 4), String::new()),
        _ => (format!("{kind}{i}"), String::new()),
    };
    let before = words(a, false, false, plain);
    let there = |kind: &str, i: usize| match kind {
        "u" => !a.users[i][0].is_multiple_of(4),
        "t" => !a.teams[i][0].is_multiple_of(4),
        _ => !a.resources[i][0].is_multiple_of(4),
    };
    let renames = flags.is_multiple_of(4);
    let renamed = |kind: &str, i: usize| {
        let (old, _) = plain(kind, i);
        if renames && i == 1 && there(kind, i) {
            (format!("{kind}n{i}"), format!(" was={old}"))
        } else {
            (old, String::new())
        }
    };
    let after = words(b, true, flags & 8 != 0, renamed);
    let (live, _) = read(&before, true);
    let mut desired = everything(read(&after, true));
    desired.rules.removal.users = if flags & 16 == 0 { UserRemoval::Delete } else { UserRemoval::Disable };
    desired.catalogue = std::sync::Arc::new(catalogue(kind));
    let plan = planned(&desired, &live);
    prop_assume!(plan.guards.iter().all(|v| v.rule != "rename-both-live" && v.rule != "cycle"));
    let changes: Vec<&Change> = plan.steps.iter().map(|s| &s.change).collect();
    let told = check(&live, &desired.catalogue, &changes, !renames)
        .map_err(|e| TestCaseError::fail(format!("{e}\n{before}\n{after}\n{changes:#?}")))?;
    prop_assert_eq!(&told, &plan.access);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn it_equals_the_naive_comparison(a in seeds(), b in seeds(), kind: u8, flags: u8) {
        plan_between(&a, &b, kind, flags)?;
    }

    /// Two states that differ in a few numbers only: what is not touched must not be missed.
    #[test]
    fn it_equals_the_naive_comparison_of_near_states(
        a in seeds(),
        edits in prop::collection::vec(any::<[u8; 4]>(), 1..4),
        kind: u8,
        flags: u8,
    ) {
        let mut b = a.clone();
        for [what, which, field, value] in edits {
            let (which, field) = (which as usize, field as usize);
            match what % 6 {
                0 => b.roles[field % 4] = value,
                1 => b.users[which % 5][field % 4] = value,
                2 => b.teams[which % 4][field % 3] = value,
                3 => b.resources[which % 6][field % 4] = value,
                4 if !b.members.is_empty() => {
                    let n = b.members.len();
                    b.members[which % n][field % 4] = value;
                }
                _ if !b.grants.is_empty() => {
                    let n = b.grants.len();
                    b.grants[which % n][field % 4] = value;
                }
                _ => {}
            }
        }
        plan_between(&a, &b, kind, flags | 1)?;
    }
}

/// The lines of a plan between two small states, one text each.
fn lines(before: &str, after: &str, kind: u8) -> Vec<String> {
    let (live, _) = read(before, true);
    let mut desired = everything(read(after, true));
    desired.rules.removal.users = UserRemoval::Delete;
    desired.catalogue = std::sync::Arc::new(catalogue(kind));
    let plan = planned(&desired, &live);
    let changes: Vec<&Change> = plan.steps.iter().map(|s| &s.change).collect();
    let told = check(&live, &desired.catalogue, &changes, true).unwrap();
    told.lines
        .iter()
        .map(|l| {
            let value = serde_json::to_value(l).unwrap();
            let fields = ["effect", "risk", "who", "on", "permissions", "unpublished", "through", "formerly", "but_on"];
            let shown: BTreeMap<&str, String> =
                fields.iter().filter(|f| !value[**f].is_null()).map(|f| (*f, value[*f].to_string())).collect();
            fields.iter().filter_map(|f| shown.get(f)).cloned().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn a_team_edit_is_one_line_with_everybody_whom_it_reaches() {
    let before = "user a\nuser b\nuser c\nuser d\nteam o\nteam t in=o\nmember t a\nmember t b\nmember o c\nres p/1\nres p/2\nres p/3 in=p/1\n";
    let grants = "grant p/1 team/o edit\ngrant p/2 team/o edit\n";
    insta::assert_snapshot!(lines(before, &format!("{before}{grants}"), 0).join("\n"), @r#""gains" "write" ["a","b","c"] ["p/1","p/2"] ["edit","use"] [{"role":"edit","team":"o","way":"team-grant"}]"#);
}

#[test]
fn joiners_and_leavers_stand_once_for_everything_that_is_alike() {
    let before = "role dev\nuser a role=dev\nuser b role=admin\nteam t\nmember t a\nres p/1\nres p/2\ngrant p/1 team/t use\ngrant p/2 b use\n";
    let after = "role dev\nuser e role=dev\nuser b role=dev\nteam t\nmember t e\nres p/1\nres p/2\ngrant p/1 team/t use\ngrant p/2 b use\n";
    insta::assert_snapshot!(lines(before, after, 0).join("\n"), @r#"
"loses" "administrator" ["b"] [] [{"role":"admin","way":"own-role"}]
"gains" "write" ["e"] [] ["dev"] [{"role":"dev","way":"own-role"}]
"gains" "write" ["e"] ["p/1"] ["use"] [{"role":"use","team":"t","way":"team-grant"}]
"loses" "write" ["a"] [] ["dev"] [{"role":"dev","way":"own-role"}]
"loses" "write" ["a"] ["p/1"] ["use"] [{"role":"use","team":"t","way":"team-grant"}]
"#);
}

#[test]
fn role_edits_caps_and_paths_are_told_apart() {
    let before =
        "user a role=viewer\nuser b\nteam t\nteam s\nmember t b\nres p/1\ngrant p/1 a edit\ngrant p/1 team/t edit\n";
    let after = "role edit use,edit,ship\nuser a role=viewer\nuser b\nteam t\nteam s\nmember s b\nres p/1\ngrant p/1 a edit\ngrant p/1 team/s edit\n";
    insta::assert_snapshot!(lines(before, after, 2).join("\n"), @r#""gains" "write" ["b"] ["p/1"] ["ship"] [{"role":"edit","team":"s","way":"team-grant"}]"#);
    let moved = before.replace("member t b", "member s b").replace("team/t edit", "team/s edit");
    insta::assert_snapshot!(lines(before, &moved, 2).join("\n"), @r#""path" "write" ["b"] ["p/1"] [{"role":"edit","team":"s","way":"team-grant"}] [{"role":"edit","team":"t","way":"team-grant"}]"#);
}

#[test]
fn an_edit_of_a_role_that_is_held_in_many_places_is_one_line() {
    let many = |places: usize| {
        let one = |n: usize| format!("user u{n}\nres p/{n}\nres q/{n}\ngrant p/{n} u{n} edit\ngrant q/{n} u{n} edit\n");
        let before: String = (0..places).map(one).collect();
        let (live, _) = read(&before, true);
        let plan = planned(&everything(read(&format!("role edit use,edit,ship\n{before}"), true)), &live);
        let changes: Vec<&Change> = plan.steps.iter().map(|s| &s.change).collect();
        assert_eq!(check(&live, &catalogue(0), &changes, true).map(|a| a.gain), Ok(places));
        plan.access.lines
    };
    // Each of few places is told for itself.
    let lines = many(8);
    assert!(lines.len() == 8 && lines.iter().all(|l| (l.people, l.resources, l.scattered) == (1, 2, false)));
    let lines = many(9);
    let [one] = lines.as_slice() else { panic!("{lines:#?}") };
    assert_eq!((one.people, one.resources, one.scattered), (9, 18, true));
    let said = crate::render::access::sentence(one, false);
    assert_eq!(
        said,
        "9 people gain ship on some of 18 resources (p/0, p/1 and 16 more) through role edit, which changes"
    );
}

#[test]
fn what_changes_nobodys_access_says_so() {
    let before = "user a\nteam t\nmember t a\nres p/1\n";
    let after = "user a name=A\nteam t leads=a\nteam s\nmember t a\nres p/1\ngrant p/1 team/s use\n";
    let (live, _) = read(before, true);
    let plan = planned(&everything(read(after, true)), &live);
    assert_eq!(plan.access.lines, Vec::new());
    assert_eq!(plan.access.without_effect, (1..=plan.steps.len() as u32).collect::<Vec<_>>());
    assert!(plan.steps.len() >= 4);
    // With somebody in the team, the grant and the membership have an effect, and the rest has none.
    let plan = planned(&everything(read(&format!("{after}member s a\n"), true)), &live);
    let silent: Vec<String> =
        plan.access.without_effect.iter().map(|id| plan.steps[*id as usize - 1].change.object().to_string()).collect();
    assert_eq!(silent.len(), 3, "{silent:?}");
    assert_eq!(plan.access.gain, 1);
}

#[test]
fn an_ended_grant_gave_nothing_and_an_invitation_will() {
    let before = "user a state=invited\nuser b\nres p/1\nres p/2\ngrant p/1 b use until=2026-01-01\n";
    let after = "user a state=invited\nuser b\nres p/1\nres p/2\ngrant p/1 b use\ngrant p/2 a edit\n";
    let (live, _) = read(before, true);
    let mut desired = everything(read(after, true));
    desired.catalogue = std::sync::Arc::new(catalogue(0));
    let plan = planned(&desired, &live);
    assert_eq!((plan.access.gain, plan.access.pending, plan.access.lose), (2, 1, 0));
    assert!(plan.access.lines.iter().any(|l| l.pending && l.who == ["a"] && l.on == ["p/2"]));
    assert!(plan.access.lines.iter().any(|l| !l.pending && l.who == ["b"] && l.on == ["p/1"]));
}

/// What the lines say of a pair, read from the top: everything that is gained there or around it.
#[test]
fn lines_say_what_the_entries_say() {
    let before = "user a role=viewer\nuser b\nteam t\nmember t b\nres p/1\nres p/2 in=p/1\nres p/3 in=p/1 visibility=private\ngrant p/2 a use\n";
    let after = "user a role=viewer\nuser b\nteam t\nmember t b\nmember t a\nres p/1\nres p/2 in=p/1\nres p/3 in=p/1 visibility=private\ngrant p/2 a use\ngrant p/1 team/t use,edit\n";
    insta::assert_snapshot!(lines(before, after, 0).join("\n"), @r#"
"gains" "write" ["a"] ["p/1"] ["edit","use"] [{"role":"edit","team":"t","way":"team-grant"},{"role":"use","team":"t","way":"team-grant"}] ["p/2"]
"gains" "write" ["b"] ["p/1"] ["edit","use"] [{"role":"edit","team":"t","way":"team-grant"},{"role":"use","team":"t","way":"team-grant"}]
"#);
}

/// TerminusDB: who has what on which data product, before and after a plan.
#[test]
fn a_role_in_an_organization_reaches_its_data_products_alone() {
    let before = "role Consumer_Role instance_read_access\nrole Admin_Role manage_capabilities\nuser a\nuser b\n\
                  team acme role=Consumer_Role\nteam lab in=acme\nteam other\nmember acme a role=Admin_Role\n\
                  member lab b role=Admin_Role\nres data-product/acme/x\nres data-product/other/y\n\
                  res data-product/lab/z\n";
    let mut catalogue = crate::config::builtin_catalogue(&crate::targets::PROFILES, "terminusdb").unwrap();
    // The tests read words.
    catalogue.roles = catalogue.roles.into_iter().map(|(n, r)| (n.replace(' ', "_"), r)).collect();
    let after = before.replace("member acme a role=Admin_Role", "member other a role=Admin_Role")
        + "res data-product/acme/new\n";
    let (live, _) = read(before, true);
    let mut desired = everything(read(&after, true));
    desired.catalogue = std::sync::Arc::new(catalogue);
    let plan = planned(&desired, &live);
    let changes: Vec<&Change> = plan.steps.iter().map(|s| &s.change).collect();
    let told = check(&live, &desired.catalogue, &changes, true).unwrap();
    let world = World::with(&live, &desired.catalogue, today(), changes.iter().copied());
    let (read, manage) = ("instance_read_access", "manage_capabilities");
    let table: [(&str, &str, &[&str], &[&str]); 9] = [
        ("a", "data-product/acme/x", &[read, manage], &[]),
        ("a", "data-product/other/y", &[], &[manage]),
        ("a", "data-product/lab/z", &[], &[]),
        ("a", "data-product/acme/new", &[], &[]),
        ("a", "", &[], &[]),
        // The base role reaches who is in a team within; the role of a membership stays where it is.
        ("b", "data-product/acme/x", &[read], &[read]),
        ("b", "data-product/acme/new", &[], &[read]),
        ("b", "data-product/lab/z", &[manage], &[manage]),
        ("b", "", &[], &[]),
    ];
    for (user, on, had, has) in table {
        let (user, on) = (world.find_user(user).unwrap(), world.find_resource(on));
        for (at, expected) in [(At::Before, had), (At::After, has)] {
            let bits = world.access(user, on, at, Invited::Nothing);
            let named: BTreeSet<&str> = world.measure().plain_permissions(&bits).collect();
            assert_eq!(named, expected.iter().copied().collect(), "{user:?} {on:?}");
        }
    }
    let said: Vec<String> = told.lines.iter().map(|l| crate::render::access::sentence(l, false)).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    a gains Admin_Role (manage_capabilities) on data-product/other/y through membership in team other
    b gains Consumer_Role (instance_read_access) on data-product/acme/new through team acme
    a loses Admin_Role and Consumer_Role (instance_read_access, manage_capabilities) on data-product/acme/x through membership in team acme and team acme
    ");
    assert!(told.lines.iter().all(|l| !l.on.is_empty()), "nothing is said of everywhere");
    let asker = super::Asker::new(&world, At::After, None);
    let y = world.find_resource("data-product/other/y").unwrap();
    let who = asker.who("home", y, asker.asked(manage).as_ref());
    assert_eq!(who.users.iter().map(|h| h.user.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(who.sources.iter().all(|s| !s.everywhere));
}
