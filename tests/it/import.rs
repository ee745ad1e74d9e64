//! What is imported from any directory says exactly what is live: the plan after it is empty.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use rolecall::config::load_sources;
use rolecall::config::write::{Import, files};
use rolecall::diagnostic::{Location, Severity, SourceMap, Span};
use rolecall::model::*;
use rolecall::plan::{Context, Options, Promise, plan};
use rolecall::targets::PROFILES;

const MAIN: &str = "version: 1\ntargets:\n  home: {provider: directory, url: \"sqlite:home.db\", catalogue: strongly, manage: authoritative}\nusers: {}\n";

fn now() -> Moment {
    Moment::parse("2026-11-21T12:00:00Z").unwrap()
}

/// Text of all kinds that YAML could take for something else.
fn prose() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 ]{1,12}",
        prop::sample::select(vec![
            "null",
            "~",
            "true",
            "no",
            "12",
            "1e3",
            "0x1f",
            "2027-01-31",
            "- a",
            "a: b",
            "# no",
            "'",
            "\"",
            "|",
            ">",
            "two\nlines",
            "a\u{2028}b",
            "a\u{85}b \" \\",
            "a\rb",
            "tail \n",
            "{a}",
            "[b]",
            "&a",
            "*a",
            "!t",
            "%",
            "@x",
            "`",
            "é—💥",
            "a # b",
            ":",
            "",
        ])
        .prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9éж'&*#@!|>%{}\\[\\],./_-]{1,10}".prop_filter("names have no `${` in them", |n| !n.contains("${"))
}

#[derive(Debug, Clone)]
#[allow(clippy::type_complexity, reason = "rows of a table that is only drawn and read here")]
struct Shape {
    users: Vec<(String, Option<usize>, u8, Option<i64>, Vec<(String, String)>)>,
    teams: Vec<(String, String, Option<usize>, Vec<(usize, Option<i64>, Option<String>)>, Option<u64>)>,
    resources: Vec<(String, Option<String>, Vec<(usize, bool, Option<i64>, Option<String>)>)>,
    domains: Vec<(String, Vec<usize>)>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let until = prop::option::of(1i64..1_000_000_000);
    let user = (
        "[a-z0-9]{1,6}@[a-z]{1,5}\\.example",
        prop::option::of(0usize..4),
        0u8..6,
        until.clone(),
        prop::collection::vec((name(), prose()), 0..3),
    );
    let member = (0usize..8, until.clone(), prop::option::of(prose()));
    let team =
        (name(), prose(), prop::option::of(0usize..4), prop::collection::vec(member, 0..4), prop::option::of(1u64..99));
    let grant = (0usize..12, any::<bool>(), until, prop::option::of(prose()));
    let resource = (name(), prop::option::of(prose()), prop::collection::vec(grant, 0..4));
    let domain = ("[a-z]{1,6}\\.example", prop::collection::vec(0usize..4, 0..2));
    (
        prop::collection::vec(user, 0..8),
        prop::collection::vec(team, 0..5),
        prop::collection::vec(resource, 0..5),
        prop::collection::vec(domain, 0..2),
    )
        .prop_map(|(users, teams, resources, domains)| Shape { users, teams, resources, domains })
}

fn live_text(text: &str) -> Said<Box<str>> {
    Said::known((!text.is_empty()).then(|| text.into()))
}

/// A directory of that shape, under the roles of the catalogue.
fn build(shape: &Shape, roles: &Directory) -> Directory {
    let mut b: Builder<()> = Builder::new();
    let mut role_ids = Vec::new();
    for index in 0..roles.roles().len() as u32 {
        let record = roles.role_record(RoleId(index));
        let permissions: Permissions = record.permissions.iter().map(|p| b.permission(p)).collect();
        let description = Said::known(record.description.as_deref().map(Into::into));
        let role =
            Role { name: record.name.as_str().into(), description, permissions, administers: record.administers };
        role_ids.push((record.name, b.role(role, ())));
    }
    let role = |name: &str| role_ids.iter().find(|(n, _)| n == name).map(|(_, id)| *id).unwrap();
    let later = |seconds: &Option<i64>| seconds.map(|s| Moment::from_second(now().second() + s));
    let user_roles = ["admin", "developer", "data-scientist", "viewer"];
    let mut users: Vec<UserId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (email, held, kind, until, attributes) in &shape.users {
        if !seen.insert(email.clone()) {
            continue;
        }
        let mut user = User::new(email);
        user.name = live_text(email);
        user.kind = Said::Is([UserKind::Person, UserKind::Contractor, UserKind::BreakGlass][usize::from(*kind) % 3]);
        user.role = Said::known(held.map(|r| role(user_roles[r])));
        user.state = if *kind > 3 { UserState::Disabled } else { UserState::Active };
        user.until = Said::known(later(until));
        user.timezone = Said::Nothing;
        user.owner = Said::Nothing;
        let mut names = std::collections::HashSet::new();
        user.attributes = attributes
            .iter()
            .filter(|(k, _)| names.insert(k.clone()))
            .map(|(k, v)| (k.as_str().into(), Said::Is(v.as_str().into())))
            .collect();
        users.push(b.user(user, ()));
    }
    let mut teams: Vec<TeamId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, (name, description, held, members, cpu)) in shape.teams.iter().enumerate() {
        if !seen.insert(name.to_lowercase()) {
            continue;
        }
        let mut team = Team::new(name);
        team.description = live_text(description);
        team.role = Said::known(held.filter(|r| *r > 0).map(|r| role(user_roles[r])));
        team.outer = Said::known(if index % 2 == 1 { teams.last().copied() } else { None });
        team.quota = Said::known(cpu.map(|cpu| QuotaRecord { cpu: Some(cpu), ..QuotaRecord::default() }));
        let mut inside = Vec::new();
        for (who, until, because) in members {
            let Some(&user) = users.get(*who) else { continue };
            if inside.contains(&user) {
                continue;
            }
            inside.push(user);
            let because = because.as_ref().map(|text| b.reason(text.trim()));
            // The team is numbered next.
            let membership = Membership {
                team: TeamId(teams.len() as u32),
                user,
                role: Said::Nothing,
                until: Said::known(later(until)),
                because,
            };
            b.membership(membership, ());
        }
        team.leads = Said::known(inside.first().map(|u| vec![*u]));
        teams.push(b.team(team, ()));
    }
    let mut seen = std::collections::HashSet::new();
    for (name, description, grants) in &shape.resources {
        if !seen.insert(name.to_lowercase()) {
            continue;
        }
        let mut resource = Resource::new(&format!("project/{name}"));
        resource.description = Said::known(description.as_deref().filter(|d| !d.is_empty()).map(Into::into));
        resource.parent = Said::Nothing;
        resource.visibility = Said::Is(Visibility::Restricted);
        resource.owner = Said::known(users.first().copied());
        let resource = b.resource(resource, ());
        let mut held = Vec::new();
        for (who, edit, until, because) in grants {
            let principal = match who {
                11 => Principal::Everyone,
                n if *n < users.len() => Principal::User(users[*n]),
                n if !teams.is_empty() => Principal::Team(teams[n % teams.len()]),
                _ => continue,
            };
            let role = role(if *edit { "edit" } else { "view" });
            if held.contains(&(principal, role)) {
                continue;
            }
            held.push((principal, role));
            let because = because.as_ref().map(|text| b.reason(text.trim()));
            b.grant(Grant { resource, principal, role, until: later(until), because }, ());
        }
    }
    let mut seen = std::collections::HashSet::new();
    for (name, listed) in &shape.domains {
        if !seen.insert(name.clone()) {
            continue;
        }
        let listed: Vec<TeamId> = listed.iter().filter_map(|t| teams.get(*t).copied()).collect();
        let teams = Said::known((!listed.is_empty()).then_some(listed));
        b.domain(Domain { name: name.as_str().into(), role: Said::Is(role("viewer")), teams }, ());
    }
    b.finish().map(|(directory, ..)| directory).unwrap()
}

fn load(files: impl IntoIterator<Item = (PathBuf, String)>) -> (rolecall::config::Loaded, String) {
    let mut sources = SourceMap::new();
    let mut all = String::new();
    for (path, text) in files {
        all.push_str(&format!("--- {}\n{text}", path.display()));
        sources.add(path.to_string_lossy(), text);
    }
    (load_sources(PathBuf::from("."), sources, &PROFILES, now()), all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_after_an_import_is_empty(shape in shape()) {
        let (first, _) = load([(PathBuf::from("rolecall.yaml"), MAIN.to_owned())]);
        let declared = first.declaration.unwrap();
        let desired = &declared.targets[0].desired;
        let live = build(&shape, &desired.directory);
        let import = Import {
            target: "home",
            provider: "directory",
            url: "sqlite:home.db",
            catalogue: &desired.catalogue,
            builtin: true,
            open: false,
            live: &live,
            credentials: BTreeMap::new(),
            settings: &BTreeMap::new(),
            kinds: &Kind::ALL,
        };
        let written = files(&import).map_err(|t| TestCaseError::fail(t.join("; ")))?;
        let (loaded, text) = load(written);
        let found = loaded.sink.into_sorted(&loaded.sources);
        let errors: Vec<_> = found.iter().filter(|f| f.severity == Severity::Error).collect();
        prop_assert!(errors.is_empty(), "{errors:#?}\n{text}");
        let declaration = loaded.declaration.unwrap();
        let locate = |_: Span| Location { file: String::new(), line: 1 };
        let context = Context {
            provider: "directory",
            level: Promise::Enforced,
            options: Options { now: now(), renames: true, invites: false, kept: Kept::ALL },
            ownership: None,
            kinds: &Kind::ALL,
            enables: true,
            hands: rolecall::plan::Hands::default(),
            applier: rolecall::invariants::Applier::Anyone,
            locate: &locate,
            tests: &[],
            since: None,
            rules_before: None,
        only_over: false,
        };
        let plan = plan(&declaration.targets[0].desired, &live, &context);
        let changes: Vec<_> = plan.steps.iter().map(|s| &s.change).collect();
        prop_assert!(changes.is_empty(), "{changes:#?}\n{text}");
    }
}

#[test]
fn the_largest_quotas_are_written_as_they_are() {
    use crate::common::{TestEnv, by_hand};
    let env = TestEnv::with(
        "version: 1\ntargets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: strongly}}\nusers: \
         {ada@x.example: {role: admin}}\nteams: {t: {}}\n",
    );
    env.apply();
    let most = i64::MAX;
    let sql = format!("UPDATE teams SET quota_cpu = {most}, quota_memory = {most}, quota_apps = {most}");
    by_hand(&env.home(), &sql, 1);
    env.run(&["import", "--target", "home", "--into", "new"]).ended(0);
    env.run(&["-f", "new", "plan", "--detailed-exitcode"]).ended(0);
    // What no directory keeps is refused where it stands.
    env.write("rolecall.yaml", &env.read("rolecall.yaml").replace("t: {}", "t: {quota: {cpu: 9223372036854775808}}"));
    env.run(&["validate"]).ended(1).says(&["negative, not whole, or too large"]);
}
