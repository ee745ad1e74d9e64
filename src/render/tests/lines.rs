//! One line for every change, and how access is counted.

use insta::assert_snapshot;

use super::fixture::{ada, day, every_change, plan, resource, rich, target, user};
use crate::access::AccessDifference;
use crate::model::{Change, GrantedRole, UserRecord};
use crate::render::besides::besides;
use crate::render::{access, describe, plan_json};

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
fn every_line_is_a_sentence() {
    let access = rich().targets.remove(0).access;
    let lines: Vec<String> = access.lines.iter().map(|l| access::sentence(l, false)).collect();
    assert!(lines.iter().all(|l| !l.contains("  ") && !l.ends_with(' ')));
    assert_snapshot!(lines.join("\n"), @r#"
emmy@acme.com is invited and gains everything as administrator through team platform, when they come
alan@acme.com is disabled and loses everything as administrator through own role; keeps some of it on project/fraud
12 people gain edit (edit, use) on project/fraud through team data-platform
eve@acme.com joins and gains viewer (5 permissions) everywhere through own role
eve@acme.com joins and gains edit (edit, use) on 14 resources (project/01, project/02 and 12 more) through team x and team y
loader@acme.com (service) gains deploy (what it may do is not published) on workspace/etl through own grant
ada@acme.com and bob@acme.com lose comment everywhere through role viewer, which changes; they keep some of it on document/handbook
12 people gain read on document/handbook through visibility everyone
grace@acme.com has the same on project/fraud through team b as edit, no longer through team a as edit
ada@acme.com has the same on project/fraud also through ownership
12 people have the same on 14 resources (project/01, project/02 and 12 more) no longer also through everyone as use
"#);
}

#[test]
fn nobody_and_many_are_counted() {
    let mut access = AccessDifference::default();
    assert_eq!(access::verdict(&access), "nobody's access changes");
    access.gain = 1;
    access.lose = 1204;
    assert_eq!(access::verdict(&access), "1 person gains, 1,204 lose");
    access.path = 1;
    access.pending = 2;
    assert_eq!(access::verdict(&access), "1 person gains, 1,204 lose, 1 changes path; 2 of them when they come");
}

#[test]
fn changes_without_effect_are_named() {
    let mut one = target("home", every_change().into_iter().map(|c| (c, None)).collect());
    assert_eq!(access::without_effect(&one), None);
    one.access.without_effect = vec![15];
    assert_snapshot!(access::without_effect(&one).unwrap(), @"1 of 31 changes changes nobody's access: team platform");
    one.access.without_effect = vec![1, 2, 3, 4, 15];
    assert_snapshot!(access::without_effect(&one).unwrap(), @"5 of 31 changes change nobody's access: 3 roles, 1 user and 1 team");
    one.access.without_effect = (1..=one.steps.len() as u32).collect();
    assert_snapshot!(access::without_effect(&one).unwrap(), @"Changes nobody's access: 3 roles, 7 users, 5 teams, 3 members, 4 resources, 3 grants, 3 domains and 3 policies");
}

#[test]
fn what_can_make_administrators_comes_first_besides_access() {
    let found = besides(&rich().targets[0]);
    assert!(found.is_sorted_by_key(|b| !b.administrator));
    let texts: Vec<&str> = found.iter().map(|b| b.text.as_str()).collect();
    assert_snapshot!(texts.join("\n"), @r#"
whoever joins by acme.org gets an account with role admin, no longer an account with role viewer (administrator)
grace@acme.com: access is shorter: no end -> 2027-01-31
grace@acme.com: attribute region none -> west
kurt@acme.com has the address kurt.g@acme.com now
ada@acme.com no longer leads team platform
emmy@acme.com leads team platform
grace@acme.com leads team platform
grace@acme.com: membership in team data is shorter: no end -> 2027-01-31
whoever joins by acme.com gets an account with role viewer in data
nobody joins by old.org any more
"#);
}

#[test]
fn ends_are_longer_or_shorter() {
    let until = |text: &str| UserRecord { until: day(text), ..user("a@acme.com", "viewer") };
    let change = |before: UserRecord, after: UserRecord| {
        besides(&target("home", vec![(Change::UpdateUser { before, after }, None)])).remove(0).text
    };
    let longer = "a@acme.com: access is longer: 2027-01-31 -> 2027-06-30";
    assert_eq!(change(until("2027-01-31"), until("2027-06-30")), longer);
    let shorter = "a@acme.com: access is shorter: no end -> 2027-06-30";
    assert_eq!(change(user("a@acme.com", "viewer"), until("2027-06-30")), shorter);
    let grant =
        |until: Option<&str>| vec![GrantedRole { role: "use".into(), until: until.and_then(day), because: None }];
    let change = Change::ChangeGrant {
        to: ada(),
        resource: resource("project/a").name,
        before: grant(None),
        after: grant(Some("2027-06-30")),
    };
    let found = besides(&target("home", vec![(change, None)]));
    assert_eq!(found[0].text, "ada@acme.com: use on project/a is shorter: no end -> 2027-06-30");
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
