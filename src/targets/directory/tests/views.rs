//! The views that applications read.

use super::*;

/// The rows of a query as text, sorted.
fn rows(home: &Home, sql: &str) -> Vec<String> {
    let raw = home.raw();
    let mut statement = raw.prepare(sql).unwrap();
    let width = statement.column_count();
    let cell = |row: &rusqlite::Row<'_>, i| row.get::<_, Option<String>>(i).map(|c| c.unwrap_or_else(|| "-".into()));
    let mut found: Vec<String> = statement
        .query_map([], |row| Ok((0..width).map(|i| cell(row, i)).collect::<Result<Vec<_>, _>>()?.join(" ")))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    found.sort();
    found
}

fn organization() -> Home {
    let home = small();
    let past = Some(Moment::parse("2020-01-01").unwrap());
    home.write(Change::CreateUser { user: UserRecord { until: past, ..user("left@acme.com") } });
    home.write(Change::CreateUser { user: UserRecord { state: UserState::Disabled, ..user("off@acme.com") } });
    home.write(Change::InviteUser { user: user("new@acme.com") });
    for email in ["left@acme.com", "off@acme.com", "new@acme.com", "bob@acme.com"] {
        home.write(Change::AddMember { member: member("crew", email) });
    }
    home.write(Change::AddMember { member: MemberRecord { until: past, ..member("core", "eve@acme.com") } });
    home.write(Change::AddMember {
        member: MemberRecord { role: Some("admin".into()), ..member("core", "ada@acme.com") },
    });
    home
}

#[test]
fn who_is_active_and_in_which_team() {
    let home = organization();
    assert_eq!(rows(&home, "SELECT email FROM active_users"), ["ada@acme.com", "bob@acme.com", "eve@acme.com"]);
    let members = rows(&home, "SELECT team, email, through, role FROM effective_members");
    assert_eq!(members, ["core ada@acme.com core admin", "core bob@acme.com crew -", "crew bob@acme.com crew -"]);
}

#[test]
fn which_roles_somebody_holds() {
    let home = organization();
    let core = TeamRecord { role: Some("viewer".into()), ..team("core") };
    home.write(Change::UpdateTeam { before: team("core"), after: core });
    let eve = UserRecord { role: Some("viewer".into()), ..user("eve@acme.com") };
    home.write(Change::UpdateUser { before: user("eve@acme.com"), after: eve });
    let expected = [
        "ada@acme.com admin membership core",
        "ada@acme.com viewer team core",
        "bob@acme.com viewer team core",
        "eve@acme.com viewer user -",
    ];
    assert_eq!(rows(&home, "SELECT email, role, source, team FROM effective_roles"), expected);
}

#[test]
fn who_may_do_what_where() {
    let home = organization();
    home.write(give(to_team("core"), "project/fraud", &["viewer"]));
    home.write(give(to_user("eve@acme.com"), "workspace/dev", &["admin"]));
    home.write(give(to_user("off@acme.com"), "workspace/dev", &["admin"]));
    let past = GrantedRole { until: Some(Moment::parse("2020-01-01").unwrap()), ..granted("admin") };
    let ended = Change::GiveGrant { to: to_team("crew"), resource: "project/fraud".into(), roles: vec![past] };
    home.write(ended);
    let grants = "SELECT email, resource, role, source, team, granted_on FROM effective_grants";
    let expected = [
        "ada@acme.com project/fraud viewer team core project/fraud",
        "ada@acme.com workspace/dev viewer team core project/fraud",
        "bob@acme.com project/fraud viewer team core project/fraud",
        "bob@acme.com workspace/dev viewer team core project/fraud",
        "eve@acme.com workspace/dev admin user - workspace/dev",
    ];
    assert_eq!(rows(&home, grants), expected);
    home.write(give(PrincipalRecord::Everyone, "workspace/dev", &["viewer"]));
    let everyone = format!("SELECT email FROM ({grants}) WHERE source = 'everyone'");
    assert_eq!(rows(&home, &everyone), ["ada@acme.com", "bob@acme.com", "eve@acme.com"]);
}

#[test]
fn the_queries_of_the_readme_answer() {
    let home = organization();
    home.write(give(to_team("core"), "project/fraud", &["viewer"]));
    let readme = include_str!("../README.md");
    let queries: Vec<&str> = readme.split("```sql\n").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert!(!queries.is_empty());
    let raw = home.raw();
    let ask = |email: &str, permission: &str| -> bool {
        let values = [(":email", email), (":resource", "workspace/dev"), (":permission", permission)];
        raw.query_row(queries[0], &values[..], |row| row.get(0)).unwrap()
    };
    assert!(ask("bob@acme.com", "read"));
    assert!(!ask("bob@acme.com", "write"));
    assert!(!ask("eve@acme.com", "read"));
    assert!(!ask("off@acme.com", "read"));
    assert!(ask("ada@acme.com", "write"), "the role in a team counts");
    let mut plan = raw.prepare(&format!("EXPLAIN QUERY PLAN {}", queries[0])).unwrap();
    let values = [(":email", ""), (":resource", ""), (":permission", "")];
    let steps: Vec<String> = plan.query_map(&values[..], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    let own = ["CONSTANT ROW", "who", "place", "joined", "team", "access", "a", "held"];
    let scans = steps.iter().filter_map(|step| step.strip_prefix("SCAN "));
    let whole: Vec<&str> = scans.filter(|table| !own.contains(table)).collect();
    assert!(whole.is_empty(), "the first query reads whole tables: {steps:#?}");
    for query in &queries[1..] {
        raw.prepare(query).unwrap();
    }
}

#[test]
fn cycles_made_by_hand_end() {
    let home = organization();
    home.raw()
        .execute_batch("UPDATE teams SET outer_id = 2 WHERE id = 1; UPDATE resources SET parent_id = 2 WHERE id = 1;")
        .unwrap();
    assert_eq!(rows(&home, "SELECT count(*) || '' FROM team_outers"), ["4"]);
    assert_eq!(rows(&home, "SELECT count(*) || '' FROM resource_parents"), ["4"]);
    assert_eq!(home.read().teams().len(), 2);
}
