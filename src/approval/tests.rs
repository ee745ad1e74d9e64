//! Rules of approval on small declarations.

use std::path::PathBuf;

use super::*;
use crate::access::{World, differences};
use crate::config::{Declaration, load_sources};
use crate::diagnostic::SourceMap;
use crate::model::{Kept, Moment};
use crate::plan::{Options, difference};
use crate::targets::PROFILES;

const BASE: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:x.db', catalogue: strongly, manage: authoritative}
users:
  ada@acme.com: {role: admin, handles: {github: Ada-L}}
  bo@acme.com: {role: developer, handles: {github: bo}}
  cy@acme.com: {role: developer, handles: {github: cy}}
  dee@acme.com: {handles: {github: dee}}
  eve@acme.com: {role: developer, state: disabled, handles: {github: eve}}
teams:
  core: {lead: cy@acme.com, members: [cy@acme.com, eve@acme.com]}
resources:
  project/fraud: {visibility: restricted, owner: cy@acme.com}
policies:
  admins: {at_least: 1, required: [ada@acme.com]}
  approval:
    - {for: any, by: [owner, lead]}
    - {for: admin, by: [team/core, ada@acme.com, dee@acme.com], at_least: 2}
";

fn now() -> Moment {
    Moment::parse("2027-01-02T03:04:05Z").unwrap()
}

fn options() -> Options {
    Options { now: now(), renames: true, invites: false, kept: Kept::ALL }
}

fn declared(text: &str) -> Declaration {
    let mut sources = SourceMap::new();
    sources.add("rolecall.yaml", text);
    let loaded = load_sources(PathBuf::from("."), sources, &PROFILES, now());
    let findings = loaded.sink.into_sorted(&loaded.sources);
    loaded.declaration.unwrap_or_else(|| panic!("{findings:#?}"))
}

/// What a change of the base to the head needs.
fn needed(head: &str) -> Vec<Requirement> {
    let (base, head) = (declared(BASE), declared(head));
    let (live, desired) = (&base.targets[0].desired.directory, &head.targets[0].desired);
    let found = difference(desired, live, options(), &BTreeSet::new());
    let changes: Vec<&Change> = found.changes.iter().map(|p| &p.change).collect();
    let world = World::with(live, &desired.catalogue, now(), changes.iter().copied());
    requirements(&world, &differences(&world), &changes, &[&desired.rules])
}

fn users(names: &[&str]) -> Vec<Approver> {
    names.iter().map(|n| Approver::User(format!("{n}@acme.com"))).collect()
}

#[test]
fn the_owner_agrees_to_what_is_gained_on_their_resource() {
    let found = needed(&(BASE.to_owned() + "grants:\n  - {to: bo@acme.com, resource: project/fraud, role: edit}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].by.clone(), found[0].at_least), (users(&["cy"]), 1));
    assert_eq!(found[0].to, ["bo@acme.com gains something on project/fraud"]);
    assert_eq!(found[0].gaining, ["bo@acme.com"]);
}

#[test]
fn the_lead_agrees_to_what_comes_through_the_team() {
    let granted = BASE.replace("owner: cy@acme.com}", "owner: cy@acme.com, access: {edit: [team/core]}}");
    let (base, head) = (declared(&granted), declared(&granted.replace("eve@acme.com]", "eve@acme.com, bo@acme.com]")));
    let (live, desired) = (&base.targets[0].desired.directory, &head.targets[0].desired);
    let found = difference(desired, live, options(), &BTreeSet::new());
    let changes: Vec<&Change> = found.changes.iter().map(|p| &p.change).collect();
    let world = World::with(live, &desired.catalogue, now(), changes.iter().copied());
    let found = requirements(&world, &differences(&world), &changes, &[&desired.rules]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].by, users(&["cy"]));
}

#[test]
fn administrators_need_two_and_nobody_agrees_for_themselves() {
    let head = BASE.replace("bo@acme.com: {role: developer", "bo@acme.com: {role: admin");
    let found = needed(&head);
    let said: Vec<(&str, u32)> = found.iter().map(|r| (r.rule.as_str(), r.at_least)).collect();
    assert_eq!(said, [("admin", 2), ("any", 1)], "{found:#?}");
    // Nobody owns everything: who must stay administrator answers for it.
    assert_eq!(found[1].by, users(&["ada"]));
    let base = declared(BASE);
    let people = People::of(&base);
    let at = |second: i64| Moment::from_second(second);
    let review = |by: &str, second| Review { by: by.into(), head: "h2".into(), at: at(second), agrees: Some(true) };
    let authors = ["somebody".to_owned()];
    let situation = Situation { head: "h2", published: Some(at(10)), authors: &authors, people: &people };
    let judged = |reviews: &[Review], situation: &Situation<'_>| judge(&found, reviews, situation).remove(0);

    let met = judged(&[review("ada-l", 11), review("DEE", 12)], &situation);
    assert!(met.is_met(), "{met:#?}");
    assert_eq!(met.given, ["ada@acme.com", "dee@acme.com"]);
    let why = |reviews: &[Review], situation: &Situation<'_>| {
        let judged = judged(reviews, situation);
        assert!(!judged.is_met(), "{judged:#?}");
        judged.refused.iter().map(|r| format!("{}: {}", r.by, r.why)).collect::<Vec<_>>().join("; ")
    };
    // Before the plan, on another head, by the author, by who gains, by who is gone, by a stranger.
    let early = [review("ada-l", 11), review("dee", 10)];
    assert_eq!(why(&early, &situation), "dee: agreed before the plan was there");
    let other = [review("ada-l", 11), Review { head: "h1".into(), ..review("dee", 12) }];
    assert_eq!(why(&other, &situation), "dee: agreed to another commit");
    let own = ["Dee".to_owned()];
    assert_eq!(
        why(&[review("ada-l", 11), review("dee", 12)], &Situation { authors: &own, ..situation }),
        "dee: wrote the change"
    );
    assert_eq!(why(&[review("ada-l", 11), review("bo", 12)], &situation), "bo: gains by it");
    assert_eq!(
        why(&[review("ada-l", 11), review("eve", 12)], &situation),
        "eve: is not among those who can agree to this"
    );
    assert!(why(&[review("ada-l", 11), review("mallory", 12)], &situation).contains("nobody that the base declares"));
    let none = Situation { published: None, ..situation };
    assert!(why(&[review("ada-l", 11), review("dee", 12)], &none).contains("before there was a plan"));
    // One person is one, and who takes it back has not agreed; a remark takes nothing back.
    assert_eq!(judged(&[review("ada-l", 11), review("ADA-L", 12)], &situation).missing, 1);
    let back = Review { agrees: Some(false), ..review("dee", 13) };
    assert_eq!(judged(&[review("ada-l", 11), review("dee", 12), back], &situation).missing, 1);
    let remark = Review { agrees: None, ..review("dee", 13) };
    assert!(judged(&[review("ada-l", 11), review("dee", 12), remark], &situation).is_met());
}

#[test]
fn a_domain_lets_people_gain() {
    let found = needed(&(BASE.to_owned() + "domains:\n  acme.com: {role: viewer}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].to, ["whoever has an address at acme.com can join as viewer"]);
    assert_eq!(found[0].by, users(&["ada"]));
}

#[test]
fn what_only_takes_away_needs_nobody() {
    assert_eq!(
        needed(&BASE.replace("bo@acme.com: {role: developer", "bo@acme.com: {state: disabled, role: viewer")),
        []
    );
}

#[test]
fn whoever_changes_a_rule_needs_those_whom_it_names() {
    let base = declared(BASE);
    let needs = |head: String| {
        let found = changed(&base, &declared(&head));
        found.into_iter().map(|r| (r.rule, r.to.join("; "))).collect::<Vec<_>>()
    };
    assert_eq!(needs(BASE.to_owned()), []);
    let admin = |why: &str| vec![("admin".to_owned(), why.to_owned())];
    let weaker = "the rule itself is taken away or made weaker";
    assert_eq!(needs(BASE.replace(", at_least: 2}", "}")), admin(weaker));
    assert_eq!(needs(BASE.replace("dee@acme.com], at", "dee@acme.com, bo@acme.com], at")), admin(weaker));
    assert_eq!(needs(BASE.replace(", dee@acme.com], at", "], at")), []);
    assert_eq!(
        needs(BASE.replace("eve@acme.com]", "eve@acme.com, bo@acme.com]")),
        admin("bo@acme.com becomes one who can agree")
    );
    // Of whoever may own or lead as well.
    let dee = "@mallory becomes a handle of dee@acme.com, who can agree".to_owned();
    assert_eq!(
        needs(BASE.replace("github: dee", "github: mallory")),
        [("admin".to_owned(), dee.clone()), ("any".to_owned(), dee)]
    );
    let gone = needs(BASE.replace("    - {for: any, by: [owner, lead]}\n", ""));
    assert_eq!(gone, [("any".to_owned(), weaker.to_owned())]);
}

#[test]
fn a_later_end_is_a_gain() {
    let granted =
        |until: &str| format!("{BASE}grants:\n  - {{to: bo@acme.com, resource: project/fraud, role: edit{until}}}\n");
    let between = |base: &str, head: &str| {
        let (base, head) = (declared(base), declared(head));
        let (live, desired) = (&base.targets[0].desired.directory, &head.targets[0].desired);
        let found = difference(desired, live, options(), &BTreeSet::new());
        let changes: Vec<&Change> = found.changes.iter().map(|p| &p.change).collect();
        let world = World::with(live, &desired.catalogue, now(), changes.iter().copied());
        requirements(&world, &differences(&world), &changes, &[&desired.rules])
    };
    let (short, long) = (granted(", until: 2027-02-01"), granted(", until: 2027-03-01"));
    let found = between(&short, &long);
    assert!(found.iter().any(|r| r.by == users(&["cy"]) && r.to[0].contains("for longer")), "{found:#?}");
    assert!(found.iter().all(|r| r.gaining == ["bo@acme.com"]));
    assert!(!between(&short, &granted("")).is_empty());
    assert_eq!(between(&long, &short), []);
}

#[test]
fn a_role_cannot_be_hollowed_out_in_the_same_change() {
    let files = |roles: &str, cy: &str| {
        format!(
            "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:x.db', catalogue: own, manage: authoritative}}
catalogues:
  own:
    roles:
      admin: {{administers: true, on: [user], permissions: [read, deploy]}}
{roles}users:
  ada@acme.com: {{role: admin}}
  bo@acme.com: {{role: deployer}}
  cy@acme.com: {{role: {cy}}}
policies:
  admins: {{required: [ada@acme.com]}}
  approval: [{{for: deployer, by: ada@acme.com}}]
"
        )
    };
    let role = |name: &str, may: &str| format!("      {name}: {{on: [user], permissions: [{may}]}}\n");
    let base = files(&(role("deployer", "read, deploy") + &role("reader", "read")), "reader");
    let head = files(&(role("deployer", "read") + &role("shipper", "read, deploy")), "shipper");
    let (base, head) = (declared(&base), declared(&head));
    let (live, desired) = (&base.targets[0].desired.directory, &head.targets[0].desired);
    let found = difference(desired, live, options(), &BTreeSet::new());
    let changes: Vec<&Change> = found.changes.iter().map(|p| &p.change).collect();
    let world = World::with(live, &desired.catalogue, now(), changes.iter().copied());
    let found = requirements(&world, &differences(&world), &changes, &[&base.targets[0].desired.rules]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].gaining, ["cy@acme.com"]);
}

#[test]
fn who_is_behind_owners_and_where_credentials_go_is_agreed_to() {
    let base = declared(BASE);
    let needs = |head: &str| changed(&base, &declared(head)).into_iter().map(|r| (r.rule, r.by)).collect::<Vec<_>>();
    // Bo may own something tomorrow, and is asked by this handle then.
    assert_eq!(needs(&BASE.replace("github: bo}", "github: mallory}")), [("any".to_owned(), users(&["ada"]))]);
    let fallback = BASE.replace("required: [ada@acme.com]", "required: [ada@acme.com, bo@acme.com]");
    assert_eq!(needs(&fallback), [("any".to_owned(), users(&["ada"]))]);
    let elsewhere = BASE.replace("sqlite:x.db", "sqlite:y.db");
    assert_eq!(needs(&elsewhere), [("targets".to_owned(), users(&["ada"]))]);
}
