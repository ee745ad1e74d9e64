//! Size and speed, measured on demand:
//! `cargo test --release --lib directory::tests::large -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

/// So many users, and grants of theirs spread over a fiftieth as many resources.
fn seed(home: &Home, users: u32, grants: u32) {
    let resources = grants / 50;
    home.raw()
        .execute_batch(&format!(
            "BEGIN;
             INSERT INTO roles (name) VALUES ('viewer'), ('editor');
             INSERT INTO permissions (name) VALUES ('read');
             INSERT INTO role_permissions VALUES (1, 1);
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
               INSERT INTO users (email, name, role_id) SELECT 'u' || (i * 7919 % 999983) || '-' || i || '@acme.com', 'Name ' || i, 1 FROM n;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {resources})
               INSERT INTO resources (name) SELECT 'project/' || (i * 7919 % 999983) || '-' || i FROM n;
             INSERT INTO teams (name) SELECT 't' || value FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8, 9]');
             INSERT INTO memberships (team_id, user_id) SELECT 1 + id % 9, id FROM users;
             INSERT INTO memberships (team_id, user_id) SELECT 1 + (id + 1) % 9, id FROM users;
             WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {grants})
               INSERT OR IGNORE INTO grants (resource_id, user_id, role_id, because)
               SELECT 1 + (i / 50) % {resources}, 1 + (i * 31) % {users}, 1 + i % 2, 'SEC-' || (i % 100) FROM n;
             COMMIT;
             PRAGMA wal_checkpoint(TRUNCATE);"
        ))
        .unwrap();
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().split(' ').next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
#[ignore = "slow: run it alone and in release"]
fn ten_thousand_users() {
    let home = Home::new();
    seed(&home, 10_000, 50_000);
    let begin = Instant::now();
    let directory = home.read();
    println!("{} users, {} grants: {:?}, peak {} MiB", 10_000, directory.grants().len(), begin.elapsed(), peak());
}

#[test]
#[ignore = "slow: run it alone and in release"]
fn a_million_grants() {
    let home = Home::new();
    seed(&home, 100_000, 1_000_000);
    let begin = Instant::now();
    let directory = home.read();
    println!("{} grants: {:?}, peak {} MiB", directory.grants().len(), begin.elapsed(), peak());
    let begin = Instant::now();
    let raw = home.raw();
    let readme = include_str!("../README.md");
    let query = readme.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    let (user, resource) = (&directory.users()[500].email, &directory.resources()[500].name);
    let values = [(":email", &**user), (":resource", &**resource), (":permission", "read")];
    let ask = || raw.query_row(query, &values[..], |row| row.get::<_, bool>(0)).unwrap();
    ask();
    println!("with opening: {:?}", begin.elapsed());
    let begin = Instant::now();
    ask();
    println!("may somebody do something: {:?}", begin.elapsed());
    let begin = Instant::now();
    let role = |i: usize| granted(if i.is_multiple_of(2) { "viewer" } else { "editor" });
    for i in 0..10_000 {
        let to = PrincipalRecord::Team(format!("t{}", 1 + i % 9));
        let resource = directory.resources()[i].name.to_string();
        let change = Change::GiveGrant { to, resource, roles: vec![role(i)] };
        home.try_write(&change).unwrap();
        assert!(home.holds(&change));
    }
    println!("10,000 changes written and verified: {:?}", begin.elapsed());
}
