//! A great many changes are counted, and none of those that matter is hidden.

use insta::assert_snapshot;

use super::fixture::{WIDE, line, member, plan, role, target, user};
use crate::access::{AccessEffect, AccessRisk};
use crate::model::{Change, Why};
use crate::render::{plan_markdown, plan_terminal};

fn large() -> crate::plan::Plan {
    let mut changes: Vec<_> = (0..1204)
        .map(|n| {
            let joins = member(&format!("team{:03}", n % 312), &format!("user{n:04}@acme.com"));
            (Change::AddMember { member: joins }, None)
        })
        .collect();
    let leaves =
        |n: u32| Change::RemoveMember { member: member("zulu", &format!("u{n}@acme.com")), reason: Why::Undeclared };
    changes.extend((0..3).map(|n| (leaves(n), None)));
    changes.push((Change::CreateUser { user: user("zoe@acme.com", "admin") }, None));
    let mut one = target("home", changes);
    one.touched.insert("role admin".into(), serde_json::json!(role("admin", &["all"])));
    let many: Vec<String> = (0..1204).map(|n| format!("user{n:04}@acme.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let admin = line(AccessEffect::Gains, AccessRisk::Administrator, &["zoe@acme.com"], &[], &[]);
    one.access.lines.push(admin);
    one.access.lines.push(line(AccessEffect::Gains, AccessRisk::Write, &many, &["project/a"], &["edit"]));
    for person in &many {
        one.access.lines.push(line(AccessEffect::Loses, AccessRisk::Read, &[person], &many[..500], &["use"]));
    }
    (one.access.gain, one.access.lose) = (1205, 1204);
    plan(vec![one])
}

#[test]
fn a_large_plan_is_grouped() {
    let text = plan_terminal::plan(&large(), WIDE);
    assert!(text.lines().count() < 300);
    let folded = |text: &str, from: &str| text[text.find(from).unwrap()..].to_owned();
    let shown: String = text.lines().take(12).map(|l| format!("{l}\n")).collect();
    assert_snapshot!(shown, @r#"
home  directory, enforced
1,205 people gain, 1,204 lose

  Administrators
    + zoe@acme.com gains everything as administrator

  Who can change something
    + 1,204 people gain edit on project/a
        user0000@acme.com, user0001@acme.com, user0002@acme.com, user0003@acme.com, user0004@acme.com and 1,199 more

  Who can look at something
    - user0000@acme.com loses use on 500 resources (user0000@acme.com, user0001@acme.com and 498 more)
"#);
    assert_snapshot!(folded(&text, "  Users\n"), @r#"
  Users
    + user zoe@acme.com (admin)

  Members
    - 3 members in 1 team
    - member zulu u0@acme.com  not declared
    - member zulu u1@acme.com  not declared
    - member zulu u2@acme.com  not declared
    + 1,204 members in 312 teams
    + member team000 user0000@acme.com
    + member team000 user0312@acme.com
    + member team000 user0624@acme.com
    + member team000 user0936@acme.com
    + member team001 user0001@acme.com
    + member team001 user0313@acme.com
    + member team001 user0625@acme.com
    + member team001 user0937@acme.com
    + member team002 user0002@acme.com
    + member team002 user0314@acme.com
    + member team002 user0626@acme.com
    + member team002 user0938@acme.com
    + member team003 user0003@acme.com
    + member team003 user0315@acme.com
    + member team003 user0627@acme.com
    + member team003 user0939@acme.com
    + member team004 user0004@acme.com
    + member team004 user0316@acme.com
    + member team004 user0628@acme.com
    + member team004 user0940@acme.com
    ... 1,184 more; the whole plan is in --json

Plan: 1,205 to add, 0 to change, 3 to remove.
sha256:4f1c92ab…
"#);
    let text = plan_markdown::plan(&large());
    assert!(text.len() < 60_000, "{}", text.len());
    assert!(text.contains("+ 1,204 members in 312 teams"));
}
