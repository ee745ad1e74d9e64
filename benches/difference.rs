//! What the access difference adds to a plan, measured apart from reading files and targets.
//!
//! `cargo bench --bench difference -- 100000` makes an organization with the profile of `generate.py`:
//! N users, N/10 teams of 20, 10 N grants on N/5 resources, three of four of them to teams; and the same
//! after about a thousand changes. It prints how long the plan takes without and with the access
//! difference: the least of several runs, each of the plan with a directory that has looked nothing up
//! yet, and each of the difference with what the plan has looked up, as it is within the plan.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rolecall::access::{Asker, At, World, differences, told};
use rolecall::diagnostic::Location;
use rolecall::model::*;
use rolecall::plan::{Context, Options, Promise, plan};

const LEVELS: [&str; 4] = ["read", "triage", "write", "maintain"];
const SEATS: u64 = 20;
const SLOTS: u64 = 50;

fn mix(salt: u64, one: u64, two: u64) -> u64 {
    let mut x = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one.wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ two;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

fn permissions(role: &str) -> &'static [&'static str] {
    match role {
        "owner" | "admin" => &["admin", "maintain", "read", "triage", "write"],
        "maintain" => &["maintain", "read", "triage", "write"],
        "write" => &["read", "triage", "write"],
        "triage" => &["read", "triage"],
        "read" => &["read"],
        _ => &[],
    }
}

const ROLES: [&str; 8] = ["owner", "member", "maintainer", "read", "triage", "write", "maintain", "admin"];

fn catalogue() -> Catalogue {
    let mut it = Catalogue { name: "forge".into(), nested_teams: true, ..Catalogue::default() };
    for name in ROLES {
        let places = match name {
            "owner" | "member" => vec![Place::User],
            "maintainer" => vec![Place::Member],
            _ => vec![Place::Resource],
        };
        let permissions = Some(permissions(name).iter().map(|p| (*p).to_owned()).collect());
        let role = CatalogueRole { permissions, places, administers: name == "owner", ..CatalogueRole::default() };
        it.roles.insert(name.into(), role);
    }
    let roles = ROLES[3..].iter().map(|r| (*r).to_owned()).collect();
    it.kinds.insert("repository".into(), ResourceKind { roles, grants: true, ..ResourceKind::default() });
    it
}

/// The organization, and the same after the changes.
fn directory(n: u64, changed: bool) -> (Directory, Origins<()>) {
    let (teams, resources) = (n / 10, n / 5);
    // Every so many of a kind of thing is changed.
    let hit = |of: u64, number: u64, times: u64| changed && number % (of / times).max(1) == 1;
    let mut b = Builder::new();
    let mut roles = BTreeMap::new();
    for name in ROLES {
        let permissions = permissions(name).iter().map(|p| b.permission(p)).collect();
        let role = Role { name: name.into(), description: Said::Nothing, permissions, administers: name == "owner" };
        roles.insert(name, b.role(role, ()));
    }
    let joiners = if changed { 50 } else { 0 };
    let mut user_ids = Vec::new();
    for number in 0..n + joiners {
        let mut user = User::new(&format!("person{number:06}@example.com"));
        (user.name, user.kind) = (Said::Nothing, Said::Is(UserKind::Person));
        user.role = Said::Is(roles[if number < 10 { "owner" } else { "member" }]);
        user.until = Said::Nothing;
        (user.timezone, user.owner) = (Said::Nothing, Said::Nothing);
        if number >= 10 && hit(n, number, 50) {
            user.state = UserState::Disabled;
        }
        user_ids.push(b.user(user, ()));
    }
    let mut team_ids = Vec::new();
    for number in 0..teams {
        let mut team = Team::new(&format!("team-{number:05}"));
        (team.description, team.role, team.outer) = (Said::Nothing, Said::Nothing, Said::Nothing);
        (team.leads, team.quota) = (Said::Is(Vec::new()), Said::Nothing);
        team_ids.push(b.team(team, ()));
    }
    for team in 0..teams {
        let (first, step) = (mix(2, team, 0), 1 + mix(3, team, 0) % (n / SEATS));
        let mut seen = BTreeSet::new();
        let mut join = |place: u64, maintains: bool| {
            if seen.insert(place) {
                let role = if maintains { Said::Is(roles["maintainer"]) } else { Said::Nothing };
                let (team, user) = (team_ids[team as usize], user_ids[place as usize]);
                b.membership(Membership { team, user, role, until: Said::Nothing, because: None }, ());
            }
        };
        for seat in 0..SEATS - u64::from(hit(teams, team, 250)) {
            join((first % n + seat * step) % n, seat < 2);
        }
        if hit(teams, team + 1, 250) {
            join(mix(12, team, 0) % n, false);
        }
        if team < joiners {
            join(n + team, false);
        }
    }
    for number in 0..resources {
        let mut resource = Resource::new(&format!("repository/r-{number:05}"));
        (resource.description, resource.parent) = (Said::Nothing, Said::Nothing);
        (resource.visibility, resource.owner) = (Said::Nothing, Said::Nothing);
        let resource = b.resource(resource, ());
        let first = mix(6, number, 0);
        let (step, stride) = (1 + mix(7, number, 0) % (teams / SLOTS), 1 + mix(8, number, 0) % (n / SLOTS));
        let mut seen = BTreeSet::new();
        for slot in 0..SLOTS {
            let other = slot == 0 && hit(resources, number, 250);
            let (principal, role) = if slot % 4 == 3 {
                let place = 10 + (first % n + slot * stride) % (n - 10);
                (Principal::User(user_ids[place as usize]), "admin")
            } else {
                let place = (first % teams + slot * step) % teams;
                let level = mix(11, number, slot) + u64::from(other);
                (Principal::Team(team_ids[place as usize]), LEVELS[(level % 4) as usize])
            };
            if seen.insert(principal) && !(slot == 1 && hit(resources, number, 100)) {
                b.grant(Grant { resource, principal, role: roles[role], until: None, because: None }, ());
            }
        }
    }
    let (directory, origins, _) = b.finish().unwrap();
    (directory, origins)
}

fn desired((directory, origins): (Directory, Origins<()>)) -> Desired<()> {
    let mut manage = Manage::default();
    for kind in Kind::ALL {
        *manage.rule_mut(kind) = Rule { mode: Mode::Authoritative, scope: Vec::new(), mentioned: true };
    }
    manage.listed_members = (0..directory.teams().len() as u32).map(TeamId).collect();
    manage.listed_access = (0..directory.resources().len() as u32).map(ResourceId).collect();
    Desired {
        target: "home".into(),
        directory,
        origins,
        manage,
        rules: Rules { admins_declared: true, ..Rules::default() },
        blocks: BTreeMap::new(),
        blocked_leavers: BTreeSet::new(),
        ended_grants: Vec::new(),
        ended_members: Vec::new(),
        catalogue: Arc::new(catalogue()),
    }
}

/// The least time of some runs, and the last result.
fn least<T>(runs: usize, mut run: impl FnMut() -> T) -> (Duration, T) {
    least_of(runs, || (), |()| run())
}

/// The same where each run begins with something of its own, which is not measured.
fn least_of<B, T>(runs: usize, begin: impl Fn() -> B, mut run: impl FnMut(&B) -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..runs {
        let with = begin();
        let begun = Instant::now();
        let result = run(&with);
        let took = begun.elapsed();
        best = Some((best.map_or(took, |(b, _)| b.min(took)), result));
    }
    best.unwrap()
}

fn main() {
    let Some(n) = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).filter(|n| *n >= 1000) else {
        println!("usage: difference USERS (1000 at least)");
        return;
    };
    let (live, _) = directory(n, false);
    let desired = desired(directory(n, true));
    let now = Moment::parse("2026-11-21T12:00:00Z").unwrap();
    let locate = |()| Location { file: "rolecall.yaml".into(), line: 1 };
    let options = Options { now, renames: true, invites: false, kept: Kept::ALL };
    let ownership = desired.manage.ownership(&desired.directory);
    let context = Context {
        provider: "directory",
        level: Promise::Enforced,
        options,
        ownership: Some(&ownership),
        kinds: &Kind::ALL,
        enables: true,
        hands: rolecall::plan::Hands::default(),
        applier: rolecall::invariants::Applier::Anyone,
        tests: &[],
        since: None,
        rules_before: None,
        only_over: false,
        locate: &locate,
    };
    let runs = 11;
    let (whole, planned) = least_of(runs, || live.clone(), |live| plan(&desired, live, &context));
    let changes: Vec<&Change> = planned.steps.iter().map(|s| &s.change).collect();
    let measure = |runs: usize, changes: &[&Change]| {
        let (took, (access, pairs)) = least(runs, || {
            let world = World::with(&live, &desired.catalogue, now, changes.iter().copied());
            let found = differences(&world);
            let pairs: usize = found.groups.iter().map(|g| g.users.len() * g.entries.len()).sum();
            (told(&world, &found, changes.len()), pairs)
        });
        (took, access, pairs)
    };
    let (took, access, pairs) = measure(runs, &changes);
    assert_eq!(access, planned.access);
    let (_, lines) = (0, access.lines.len());
    let ms = |d: Duration| format!("{:.0}", d.as_secs_f64() * 1000.0);
    println!(
        "{} users, {} teams, {} memberships, {} grants on {} resources",
        live.users().len(),
        live.teams().len(),
        live.memberships().len(),
        live.grants().len(),
        live.resources().len(),
    );
    println!("| | changes | people | pairs | lines | ms |\n|---|---|---|---|---|---|");
    println!("| plan without access difference | {} | | | | {} |", changes.len(), ms(whole.saturating_sub(took)));
    let people = |a: &rolecall::access::AccessDifference| a.gain.max(a.lose) + a.path;
    println!("| access difference | {} | {} | {pairs} | {lines} | {} |", changes.len(), people(&access), ms(took));

    // Questions to a state that nobody has asked yet: what they look things up in is made anew each time.
    let resource = live.grants()[live.grants().len() / 2].resource;
    let user = live.memberships()[live.memberships().len() / 2].user;
    let ask = |title: &str, question: &dyn Fn(&Asker<'_, '_>) -> usize| {
        let (took, found) = least_of(
            runs,
            || live.clone(),
            |live| {
                let world = World::of(live, &desired.catalogue, now);
                question(&Asker::new(&world, At::Before, None))
            },
        );
        println!("| {title} | | {found} | | | {:.1} |", took.as_secs_f64() * 1000.0);
    };
    ask("`who` of a resource: people", &|a| a.who("home", resource, None).users.len());
    ask("`explain` of a user on a resource: ways", &|a| a.explain("home", user, Some(resource), None).paths.len());
    ask("`explain` of a user: ways", &|a| a.explain("home", user, None, None).paths.len());

    // The widest changes there are: a role that half of all grants lead to, and a grant to everyone.
    let edit = {
        let before = live.role_record(live.find_role("write").unwrap());
        let mut after = before.clone();
        after.permissions.push("deploy".into());
        after.permissions.sort();
        Change::UpdateRole { before, after }
    };
    let roles = vec![GrantedRole { role: "read".into(), until: None, because: None }];
    let everyone = Change::GiveGrant { to: PrincipalRecord::Everyone, resource: "repository/r-00000".into(), roles };
    for (title, change) in [("one edit of the role `write`", &edit), ("one grant to everyone", &everyone)] {
        let (took, access, pairs) = measure(3, &[change]);
        println!("| {title} | 1 | {} | {pairs} | {} | {} |", people(&access), access.lines.len(), ms(took));
    }
}
