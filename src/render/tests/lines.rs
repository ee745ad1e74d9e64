//! One line for every change, and how access is counted.

use insta::assert_snapshot;

use super::fixture::{ada, at, day, every_change, member, plan, resource, rich, role, roles, target, team, user};
use crate::model::{Change, GrantedRole, PrincipalRecord, TeamRecord, UserRecord, Why};
use crate::render::people::{Circle, Risk, people, verdict};
use crate::render::{describe, plan_json};

#[test]
fn every_change_has_a_line() {
    let lines: Vec<String> = every_change().iter().map(describe).collect();
    assert!(lines.iter().all(|l| !l.contains('\n')));
    assert_snapshot!(lines.join("\n"), @r#"
+ role analyst (2 permissions, "What this role is for takes a good many words, m…)
~ role viewer  permissions +list, another description
- role old  not declared
+ user loader@acme.com (developer, service, until 2027-06-30, owner ada@acme.com, "Loader", Europe/Berlin, region=west, github acme-loader)
+ user emmy@acme.com (developer)  invited
~ user grace@acme.com  role viewer -> developer, until none -> 2027-01-31, name none -> "Grace Hopper", attribute region none -> west
~ user kurt@acme.com -> kurt.g@acme.com  renamed
+ user sofia@acme.com (admin)  enabled
- user alan@acme.com  disabled, blocked: INC-77
- user bob@acme.com  deleted, not declared
+ team night-shift (gives viewer, in platform, apps 20, cpu 64, memory 256GiB, "Keeps the lights on.")
~ team platform  role none -> admin
~ team data -> data-platform  renamed
- team empty  not declared
~ team platform  leads -ada@acme.com +emmy@acme.com +grace@acme.com
+ member platform emmy@acme.com (maintainer, until 2027-01-31, because covers for Ada)
~ member data grace@acme.com  until none -> 2027-01-31
- member empty bob@acme.com  goes with team empty
+ resource project/fraud (visibility restricted, owner ada@acme.com, "Finds fraud.")
~ resource project/fraud  in none -> project/risk, visibility restricted -> everyone, owner ada@acme.com -> emmy@acme.com
~ resource project/a -> project/b  renamed
- resource workspace/old  not declared
+ grant project/fraud team/platform edit until 2027-01-31  because SEC-142: incident review
~ grant document/handbook everyone  view -> edit, view
- grant data-source/warehouse grace@acme.com use  ended 2026-10-31
+ domain acme.com (viewer, team data)
~ domain acme.org  role viewer -> admin
- domain old.org  not declared
~ policy mfa
~ policy passwords  set
- policy review  no longer set
"#);
}

#[test]
fn administrators_come_first_then_removals() {
    let rows = people(&rich().targets[0]);
    assert!(rows.is_sorted_by_key(|r| (r.risk, r.circle)));
    let risk = |who: &str| rows.iter().find(|r| r.who == who).map(|r| r.risk);
    assert_eq!(risk("alan@acme.com"), Some(Risk::Administrator));
    assert_eq!(risk("team/platform"), Some(Risk::Administrator));
    assert_eq!(risk("bob@acme.com"), Some(Risk::Removal));
    assert_eq!(risk("loader@acme.com"), Some(Risk::Rest));
    let moved = rows.iter().find(|r| r.who == "kurt.g@acme.com").unwrap();
    assert_eq!(moved.declared, at("people.yaml", 7));
}

#[test]
fn roles_are_compared_by_what_they_may_do() {
    let change = |before: &str, after: &str| {
        let update = Change::UpdateUser { before: user("a@acme.com", before), after: user("a@acme.com", after) };
        let mut one = target("home", vec![(update, None)]);
        for role in [role("viewer", &["read"]), role("developer", &["read", "write"]), role("auditor", &["audit"])] {
            one.touched.insert(format!("role {}", role.name), serde_json::json!(role));
        }
        verdict(&people(&one))
    };
    assert_eq!(change("viewer", "developer"), "1 person gains");
    assert_eq!(change("developer", "viewer"), "1 person loses");
    assert_eq!(change("developer", "auditor"), "1 person changes");
    assert_eq!(change("developer", "unheard-of"), "1 person changes");
}

#[test]
fn people_are_counted_apart_from_groups() {
    let give =
        |to: PrincipalRecord| (Change::GiveGrant { to, resource: "project/a".into(), roles: roles(&["edit"]) }, None);
    let leave = |name: &str| Change::RemoveMember { member: member("x", name), reason: Why::Undeclared };
    let one = target(
        "home",
        vec![
            give(ada()),
            give(PrincipalRecord::Everyone),
            give(PrincipalRecord::Team("x".into())),
            (leave("ada@acme.com"), None),
            (leave("bob@acme.com"), None),
        ],
    );
    assert_eq!(verdict(&people(&one)), "1 person gains, 2 lose; 2 groups gain");
    assert_eq!(verdict(&people(&target("home", Vec::new()))), "nobody's access changes");
    let rows = people(&one);
    assert_eq!(rows.last().map(|r| r.circle), Some(Circle::Team));
}

#[test]
fn members_are_counted_where_the_plan_names_them_all() {
    let mut changes = vec![(Change::CreateTeam { team: team("new") }, None)];
    changes.extend((0..12).map(|n| (Change::AddMember { member: member("new", &format!("u{n}@acme.com")) }, None)));
    for to in ["new", "old"] {
        let to = PrincipalRecord::Team(to.into());
        changes.push((Change::GiveGrant { to, resource: "project/a".into(), roles: roles(&["edit"]) }, None));
    }
    let rows = people(&target("home", changes.clone()));
    let teams: Vec<&str> = rows.iter().filter(|r| r.circle == Circle::Team).map(|r| r.who.as_str()).collect();
    assert_eq!(teams, ["team/new (12 people)", "team/old"]);
    // Members of an inner team count as members too, and nobody knows how many those are.
    let inner = TeamRecord { outer: Some("new".into()), ..team("inner") };
    changes.push((Change::UpdateTeam { before: team("inner"), after: inner }, None));
    let rows = people(&target("home", changes));
    assert!(rows.iter().any(|r| r.who == "team/new"));
}

#[test]
fn administrators_through_teams_and_swapped_names() {
    let admins = TeamRecord { role: Some("admin".into()), ..team("admins") };
    let inner = TeamRecord { outer: Some("admins".into()), ..team("inner") };
    let mut one = target(
        "home",
        vec![
            (Change::AddMember { member: member("inner", "a@acme.com") }, None),
            (Change::RenameUser { from: "a@acme.com".into(), to: "aside@acme.com".into() }, None),
            (Change::RenameUser { from: "b@acme.com".into(), to: "a@acme.com".into() }, None),
            (Change::RenameUser { from: "aside@acme.com".into(), to: "b@acme.com".into() }, None),
        ],
    );
    for team in [admins, inner] {
        one.touched.insert(format!("team {}", team.name), serde_json::json!(team));
    }
    one.touched.insert("role admin".into(), serde_json::json!(role("admin", &[])));
    let rows = people(&one);
    assert_eq!(rows[0].who, "b@acme.com");
    assert_eq!(rows[0].gains[0].what, "team inner (administrator)");
    assert_eq!(rows.len(), 2);
}

#[test]
fn ends_are_longer_or_shorter() {
    let until = |text: &str| UserRecord { until: day(text), ..user("a@acme.com", "viewer") };
    let change = |before: UserRecord, after: UserRecord| {
        let rows = people(&target("home", vec![(Change::UpdateUser { before, after }, None)]));
        rows[0].changes[0].what.clone()
    };
    assert_eq!(change(until("2027-01-31"), until("2027-06-30")), "access longer: 2027-01-31 -> 2027-06-30");
    assert_eq!(change(user("a@acme.com", "viewer"), until("2027-06-30")), "access shorter: no end -> 2027-06-30");
    let grant =
        |until: Option<&str>| vec![GrantedRole { role: "use".into(), until: until.and_then(day), because: None }];
    let change = Change::ChangeGrant {
        to: ada(),
        resource: resource("project/a").name,
        before: grant(None),
        after: grant(Some("2027-06-30")),
    };
    let rows = people(&target("home", vec![(change, None)]));
    assert_eq!(rows[0].changes[0].what, "use -> use until 2027-06-30 on project/a");
}

#[test]
fn plans_as_json_are_the_plans() {
    let rich = rich();
    let text = plan_json::plan(&rich).unwrap();
    assert!(text.ends_with("}\n"));
    assert_eq!(serde_json::from_str::<crate::plan::Plan>(&text).unwrap(), rich);
    let empty = plan(Vec::new());
    assert_snapshot!(plan_json::plan(&empty).unwrap(), @r#"
{
  "format": "rolecall.plan/1",
  "digest": "sha256:4f1c92ab00000000000000000000000000000000000000000000000000000000",
  "rolecall": "0.1.0",
  "consents": [],
  "guards": [],
  "targets": []
}
"#);
}
