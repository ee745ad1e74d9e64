//! Every moment of a real apply, seen by a second connection to the directory: nobody has what neither
//! end gives, nobody lacks what both ends give, an administrator is always there, exclusive roles are
//! never held together, and there are never more seats taken than there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use rolecall::apply::{Budget, Job, Progress, Stop};
use rolecall::model::Change;
use rolecall::plan::{Plan, Step};
use rolecall::store::{Holder, Store};
use rolecall::targets::directory::DirectoryWriter;
use rolecall::targets::{Stamp, TargetError, Task, Writer};

use crate::common::{TestEnv, now, rows};
use crate::crash::block_on;

/// What the SQL views of the directory say, at one moment: who may do what where (`*` is everywhere),
/// who administers, who holds which roles, and how many seats are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    access: BTreeSet<(String, String, String)>,
    admins: BTreeSet<String>,
    held: BTreeMap<String, BTreeSet<String>>,
    makers: usize,
}

fn look(path: &Path) -> Seen {
    let everywhere = "SELECT e.email || '|*|' || p.name FROM effective_roles AS e JOIN role_permissions AS rp ON \
                      rp.role_id = e.role_id JOIN permissions AS p ON p.id = rp.permission_id";
    let on = "SELECT e.email || '|' || e.resource || '|' || p.name FROM effective_grants AS e JOIN role_permissions AS \
              rp ON rp.role_id = e.role_id JOIN permissions AS p ON p.id = rp.permission_id";
    let split = |row: String| {
        let mut parts = row.splitn(3, '|').map(str::to_owned);
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    };
    let mut access: BTreeSet<_> = rows(path, everywhere).into_iter().chain(rows(path, on)).map(split).collect();
    // What is held everywhere is held on every resource.
    let resources = rows(path, "SELECT name FROM resources");
    let general: Vec<_> = access.iter().filter(|(_, on, _)| on == "*").cloned().collect();
    for (user, _, permission) in general {
        access.extend(resources.iter().map(|r| (user.clone(), r.clone(), permission.clone())));
    }
    let admins = "SELECT DISTINCT e.email FROM effective_roles AS e JOIN roles AS r ON r.id = e.role_id JOIN users AS u \
                  ON u.id = e.user_id WHERE r.administers = 1 AND u.kind IN ('person', 'contractor')";
    let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let roles =
        "SELECT email || '|' || role FROM effective_roles UNION SELECT email || '|' || role FROM effective_grants";
    for row in rows(path, roles) {
        let (user, role) = row.split_once('|').unwrap();
        held.entry(user.to_owned()).or_default().insert(role.to_owned());
    }
    let makers = rows(path, "SELECT email FROM active_users WHERE role = 'maker'").len();
    Seen { access, admins: rows(path, admins).into_iter().collect(), held, makers }
}

/// Looks after every change, by a connection of its own.
struct Watched<'w> {
    inner: DirectoryWriter,
    path: &'w Path,
    seen: &'w Mutex<Vec<(String, Seen)>>,
}

impl Writer for Watched<'_> {
    fn write<'a>(&'a self, change: &'a Change, stamp: &'a Stamp) -> Task<'a, Result<(), TargetError>> {
        Box::pin(async move {
            self.inner.write(change, stamp).await?;
            self.seen.lock().unwrap().push((crate::common::line(change), look(self.path)));
            Ok(())
        })
    }

    fn verify<'a>(&'a self, change: &'a Change) -> Task<'a, Result<bool, TargetError>> {
        self.inner.verify(change)
    }
}

struct Silent;

impl Progress for Silent {
    fn step(&self, _: &str, _: usize, _: usize, _: &Change, _: rolecall::apply::Fate) {}
}

/// Another order of the steps that every edge allows: the `turn`th of the ready ones is always next.
fn another_order(plan: &mut Plan, turn: usize) {
    let steps: Vec<Step> = std::mem::take(&mut plan.targets[0].steps);
    let mut left: Vec<Step> = steps;
    let mut made: BTreeSet<u32> = BTreeSet::new();
    while !left.is_empty() {
        let ready: Vec<usize> =
            (0..left.len()).filter(|i| left[*i].after.iter().all(|e| made.contains(&e.step))).collect();
        let mut step = left.remove(ready[turn % ready.len()]);
        made.insert(step.id);
        step.wave = made.len() as u32;
        plan.targets[0].steps.push(step);
    }
}

const HEAD: &str = "version: 1
catalogues:
  shop:
    roles:
      boss: {administers: true, permissions: all, on: [user, team]}
      clerk: {permissions: [desk], on: [user, team, member]}
      maker: {permissions: [desk, make], on: [user], seat: paid}
      pay: {permissions: [see, pay], on: [resource]}
      approve: {permissions: [see, approve], on: [resource]}
      send: {permissions: [send], on: [resource]}
      check: {permissions: [check], on: [resource]}
    kinds:
      vault: {roles: [pay, approve, send, check]}
";

/// Applies `before`, then the plan to `after` in several of its orders, and looks at every moment. Gives back
/// the plan.
fn every_moment(head: &str, before: &str, after: &str, exclusive: &[[&str; 2]], seats: usize) -> Plan {
    let target = "targets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: shop, manage: \
                  authoritative, identity: root@x.io}}\n";
    let text = |body: &str| format!("{HEAD}{target}{head}{body}");
    let env = TestEnv::with(&text(before));
    env.apply();
    env.write("rolecall.yaml", &text(after));
    let out = env.run(&["plan", "--out", "plan.json"]);
    if out.code != Some(0) {
        // What such a small plan removes is always all of a kind.
        let accept = out.stdout.split_whitespace().skip_while(|w| *w != "--accept");
        let consents: Vec<&str> = accept.filter(|w| *w == "--accept" || w.starts_with("removal.")).collect();
        env.run(&[&["plan", "--out", "plan.json"], consents.as_slice()].concat()).ended(0);
    }
    let plan = rolecall::plan::load(&std::fs::read(env.file("plan.json")).unwrap()).unwrap();
    assert!(plan.targets[0].losses.is_empty());
    for turn in 0..6 {
        let env = env.copy();
        let path = env.home();
        let before = look(&path);
        let mut plan = plan.clone();
        another_order(&mut plan, turn);
        let seen = Mutex::new(Vec::new());
        let writer =
            Watched { inner: DirectoryWriter::open(path.clone(), now(), 14).unwrap(), path: &path, seen: &seen };
        let store = env.store();
        let holder = Holder { who: "test".into(), pid: std::process::id(), command: "test".into(), since: now() };
        let _lock = store.try_lock("home", &holder).unwrap();
        let job = Job {
            plan: &plan.targets[0],
            digest: &plan.digest,
            writer: &writer,
            store: &store,
            actor: "test",
            command: "test",
            commit: None,
            at: now(),
            parallelism: 1,
            budget: Budget::default(),
            stop: &Stop::default(),
            progress: &Silent,
        };
        assert_eq!(block_on(rolecall::apply::run(&job)).unwrap().status, "complete");
        let seen = seen.into_inner().unwrap();
        let after = look(&path);
        assert!(!seen.is_empty(), "nothing was done");
        let mut made = Vec::new();
        for (change, now) in &seen {
            made.push(change);
            let gained: Vec<_> =
                now.access.iter().filter(|a| !before.access.contains(*a) && !after.access.contains(*a)).collect();
            assert!(gained.is_empty(), "gained {gained:?} after {made:#?}");
            let lost: Vec<_> =
                before.access.iter().filter(|a| after.access.contains(*a) && !now.access.contains(*a)).collect();
            assert!(lost.is_empty(), "lost {lost:?} after {made:#?}");
            assert!(!now.admins.is_empty(), "no administrator after {made:#?}");
            for [one, other] in exclusive {
                let both = now.held.iter().find(|(_, roles)| roles.contains(*one) && roles.contains(*other));
                assert!(both.is_none(), "{both:?} after {made:#?}");
            }
            assert!(now.makers <= seats, "{} seats of {seats} after {made:#?}", now.makers);
        }
        let last = seen.len() - 1;
        if before.admins.contains("root@x.io") && !after.admins.contains("root@x.io") {
            let without = seen.iter().position(|(_, s)| !s.admins.contains("root@x.io"));
            assert_eq!(without, Some(last), "who applies loses the right with the last change: {made:#?}");
        }
    }
    plan
}

/// The reasons of an order.
fn reasons(plan: &Plan) -> BTreeSet<&'static str> {
    plan.targets[0].steps.iter().flat_map(|s| s.after.iter().map(|e| e.reason.name())).collect()
}

const ROOT: &str = "  root@x.io: {role: boss}\n";

#[test]
fn the_only_two_administrators_are_swapped() {
    let body = |ann: &str, cat: &str| format!("users:\n{ROOT}  ann@x.io: {{{ann}}}\n{cat}");
    let plan = every_moment(
        "policies: {admins: {at_least: 2}}\n",
        &body("role: boss", ""),
        &body("role: boss, state: disabled", "  cat@x.io: {role: boss}\n"),
        &[],
        9,
    );
    assert!(reasons(&plan).contains("admin-remains"));
    // And an only one, who applies, by another.
    let one = "users:\n  root@x.io: {role: boss}\n  ann@x.io: {role: clerk}\n";
    let other = "users:\n  root@x.io: {role: clerk}\n  ann@x.io: {role: boss}\n";
    every_moment("", one, other, &[], 9);
}

#[test]
fn a_team_is_split() {
    let before = format!(
        "users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: clerk}}\nteams:\n  all: {{members: [ann@x.io, \
         ben@x.io]}}\nresources:\n  vault/a: {{access: {{pay: [team/all]}}}}\n  vault/b: {{access: {{send: [team/all]}}}}\n"
    );
    let after = format!(
        "users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: clerk}}\nteams:\n  left: {{members: [ann@x.io]}}\n  \
         right: {{members: [ben@x.io]}}\nresources:\n  vault/a: {{access: {{pay: [team/left]}}}}\n  vault/b: {{access: {{send: \
         [team/right, ann@x.io]}}}}\n"
    );
    let plan = every_moment("", &before, &after, &[], 9);
    assert!(reasons(&plan).contains("nothing-lost-between"));
}

const EXCLUSIVE: &str = "policies: {exclusive: [[pay, approve], [send, check]]}\n";

#[test]
fn an_exclusive_role_becomes_its_opposite_in_place() {
    let body = |role: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\nresources:\n  vault/a: {{access: {{{role}: [ann@x.io]}}}}\n"
        )
    };
    let plan = every_moment(EXCLUSIVE, &body("pay"), &body("approve"), &[["pay", "approve"]], 9);
    assert_eq!(plan.targets[0].steps.len(), 1, "in one step, and `see` is never lost");
}

#[test]
fn an_exclusive_role_becomes_its_opposite_as_two_grants() {
    let body = |send: &str, check: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\nteams:\n  t: {{members: [ann@x.io]}}\nresources:\n  vault/a: {{access: \
             {{send: [{send}], check: [{check}]}}}}\n"
        )
    };
    let plan = every_moment(EXCLUSIVE, &body("ann@x.io", ""), &body("", "team/t"), &[["send", "check"]], 9);
    assert!(reasons(&plan).contains("roles-exclusive"));
}

#[test]
fn the_last_seat_goes_to_a_replacement() {
    let head = "policies: {seats: {paid: 1}}\n";
    let before = format!("users:\n{ROOT}  ann@x.io: {{role: maker}}\n");
    let after = format!("users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: maker}}\n");
    let plan = every_moment(head, &before, &after, &[], 1);
    assert!(reasons(&plan).contains("seats-fit"));
}

#[test]
fn who_joins_does_not_get_what_the_team_loses() {
    let body = |members: &str, access: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\nteams:\n  t: {{members: [{members}]}}\nresources:\n  vault/a: {{access: \
             {{pay: [{access}]}}}}\n"
        )
    };
    let plan = every_moment("", &body("", "team/t"), &body("ann@x.io", ""), &[], 9);
    assert!(reasons(&plan).contains("nothing-gained-between"));
    let plan = every_moment("", &body("ann@x.io", ""), &body("", "team/t"), &[], 9);
    assert!(reasons(&plan).contains("nothing-gained-between"), "and who leaves not what it gets");
}

#[test]
fn who_moves_between_two_teams_that_exchange_a_grant_keeps_what_they_had() {
    let body = |one: &str, two: &str, has: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: clerk}}\nteams:\n  one: {{members: [{one}]}}\n  two: \
             {{members: [{two}]}}\nresources:\n  vault/a: {{access: {{pay: [team/{has}]}}}}\n"
        )
    };
    let plan = every_moment("", &body("ann@x.io", "ben@x.io", "one"), &body("ben@x.io", "ann@x.io", "two"), &[], 9);
    let reasons = reasons(&plan);
    assert!(reasons.contains("nothing-lost-between") && reasons.contains("nothing-gained-between"), "{reasons:?}");
}

#[test]
fn who_applies_is_demoted_last() {
    let before = "users:\n  root@x.io: {role: boss}\n  ann@x.io: {role: boss}\n";
    let after = "users:\n  root@x.io: {role: clerk}\n  ann@x.io: {role: boss}\n  ben@x.io: {role: clerk}\nteams:\n  t: \
                 {members: [ben@x.io]}\n";
    let plan = every_moment("", before, after, &[], 9);
    assert!(reasons(&plan).contains("no-self-lockout"));
}

#[test]
fn who_applies_moves_between_two_ways_to_administer_before_they_go() {
    // Root administers by one team, then by another, and is disabled at the end: never without in between.
    let before = "users:\n  root@x.io: {role: clerk}\n  ann@x.io: {role: boss}\nteams:\n  one: {role: boss, members: \
                  [root@x.io]}\n  two: {role: boss, members: []}\n";
    let after = "users:\n  root@x.io: {role: clerk, state: disabled}\n  ann@x.io: {role: boss}\n  ben@x.io: {role: \
                 clerk}\nteams:\n  one: {role: boss, members: [ben@x.io]}\n  two: {role: boss, members: [root@x.io]}\n";
    let plan = every_moment("", before, after, &[], 9);
    assert!(reasons(&plan).contains("no-self-lockout"));
}

// ---- conflicts ----

/// What a plan says that cannot be ordered.
fn stopped(head: &str, before: &str, after: &str) -> String {
    let target = "targets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: shop, manage: \
                  authoritative, identity: root@x.io}}\n";
    let env = TestEnv::with(&format!("{HEAD}{target}{head}{before}"));
    env.apply();
    env.write("rolecall.yaml", &format!("{HEAD}{target}{head}{after}"));
    let plan = env.run(&["plan"]).ended(3);
    env.run(&["apply", "--auto-approve"]).ended(3);
    plan.text()
}

#[test]
fn an_only_administrator_cannot_take_the_only_seat_of_their_successor() {
    let shop = "policies: {seats: {desk: 1}}\n";
    let head = HEAD.replace("boss: {", "boss: {seat: desk, ");
    let target = "targets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: shop, manage: \
                  authoritative}}\n";
    let env = TestEnv::with(&format!("{head}{target}{shop}users:\n  ann@x.io: {{role: boss}}\n"));
    env.apply();
    env.write(
        "rolecall.yaml",
        &format!("{head}{target}{shop}users:\n  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: boss}}\n"),
    );
    env.run(&["plan"]).ended(3).says(&["there is no order", "admin-remains and seats-fit", "interim administrator"]);
}

#[test]
fn exclusive_roles_with_a_common_permission_cannot_change_by_two_grants() {
    let body = |pay: &str, approve: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\nteams:\n  t: {{members: [ann@x.io]}}\nresources:\n  vault/a: {{access: \
             {{pay: [{pay}], approve: [{approve}]}}}}\n"
        )
    };
    let text = stopped(EXCLUSIVE, &body("ann@x.io", ""), &body("", "team/t"));
    crate::common::has(&text, &["nothing-lost-between", "1 person lacks for a moment", "vault/a", "--accept loss=1"]);
}

#[test]
fn a_team_cannot_lose_and_get_at_once_what_its_members_exchange() {
    // Ann and Ben change places in two teams, whose grants change places as well: whichever change comes
    // first, somebody has both or lacks what they keep.
    let body = |one: &str, two: &str, a: &str, b: &str| {
        format!(
            "users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: clerk}}\nteams:\n  one: {{members: [{one}]}}\n  two: \
             {{members: [{two}]}}\nresources:\n  vault/a: {{access: {{pay: [team/{a}], send: [team/{b}]}}}}\n"
        )
    };
    let text = stopped("", &body("ann@x.io", "ben@x.io", "one", "two"), &body("ben@x.io", "ann@x.io", "two", "one"));
    crate::common::has(&text, &["nothing-lost-between", "--accept loss="]);
}
