//! Every moment of a real apply, seen by a second connection to the directory: nobody has what neither
//! end gives, nobody lacks what both ends give, an administrator is always there, exclusive roles are
//! never held together, and there are never more seats taken than there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use rolecall::apply::{Budget, Job, Progress, Stop};
use rolecall::invariants::{RULES, RuleInfo, Scope};
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

/// Another order of the steps that every edge allows: the `turn`th of the ready ones is always next. Where
/// somebody is blocked, the waves count as well: a block is in the first.
fn another_order(plan: &mut Plan, turn: usize, by_waves: bool) {
    let mut left: Vec<Step> = std::mem::take(&mut plan.targets[0].steps);
    let mut made: BTreeSet<u32> = BTreeSet::new();
    while !left.is_empty() {
        let wave = left.iter().map(|s| s.wave).min().unwrap();
        let ready: Vec<usize> = (0..left.len())
            .filter(|i| left[*i].after.iter().all(|e| made.contains(&e.step)) && (!by_waves || left[*i].wave == wave))
            .collect();
        let mut step = left.remove(ready[turn % ready.len()]);
        made.insert(step.id);
        step.wave = made.len() as u32;
        plan.targets[0].steps.push(step);
    }
}

/// What the rules of every state are told, besides what is seen.
#[derive(Clone, Copy)]
struct Limits<'a> {
    exclusive: &'a [[&'a str; 2]],
    seats: usize,
    admins: usize,
    blocked: &'a [&'a str],
}

const FREE: Limits<'static> = Limits { exclusive: &[], seats: 9, admins: 1, blocked: &[] };

/// The rules that the moments after each change break, each with when and how.
fn broken(limits: &Limits<'_>, before: &Seen, seen: &[(String, Seen)]) -> BTreeMap<&'static str, String> {
    let mut found: BTreeMap<&'static str, String> = BTreeMap::new();
    let Some((_, after)) = seen.last() else { return found };
    let mut made: Vec<&str> = Vec::new();
    for (number, (change, now)) in seen.iter().enumerate() {
        made.push(change);
        let mut wrong = |rule, how: String| {
            found.entry(rule).or_insert_with(|| format!("{how} after {made:#?}"));
        };
        let gained: Vec<_> =
            now.access.iter().filter(|a| !before.access.contains(*a) && !after.access.contains(*a)).collect();
        if !gained.is_empty() {
            wrong("nothing-gained-between", format!("gained {gained:?}"));
        }
        let lost: Vec<_> =
            before.access.iter().filter(|a| after.access.contains(*a) && !now.access.contains(*a)).collect();
        if !lost.is_empty() {
            wrong("nothing-lost-between", format!("lost {lost:?}"));
        }
        if now.admins.len() < limits.admins {
            wrong("admin-remains", format!("{:?} administer", now.admins));
        }
        for [one, other] in limits.exclusive {
            let both = now.held.iter().find(|(_, roles)| roles.contains(*one) && roles.contains(*other));
            if both.is_some() {
                wrong("roles-exclusive", format!("{both:?}"));
            }
        }
        if now.makers > limits.seats {
            wrong("seats-fit", format!("{} seats of {}", now.makers, limits.seats));
        }
        let inside = |who: &&&str| now.access.iter().any(|(user, ..)| user == **who);
        if let Some(who) = limits.blocked.iter().find(inside) {
            wrong("block-beats-all", format!("{who} has access"));
        }
        let root = |s: &Seen| s.admins.contains("root@x.io");
        if root(before) && !root(now) && number + 1 < seen.len() {
            wrong("no-self-lockout", "who applies has lost the right".to_owned());
        }
    }
    found
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

/// Applies `before`, and gives back the plan to `after`, saved as `plan.json`.
fn planned(head: &str, before: &str, after: &str) -> (TestEnv, Plan) {
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
    (env, plan)
}

/// Applies `before`, then the plan to `after` in several of its orders, and looks at every moment. Gives back
/// the plan.
fn every_moment(head: &str, before: &str, after: &str, exclusive: &[[&str; 2]], seats: usize) -> Plan {
    let (env, plan) = planned(head, before, after);
    is_safe(&env, &plan, &Limits { exclusive, seats, ..FREE });
    plan
}

/// Applies a plan in several of its orders, and looks at every moment.
fn is_safe(env: &TestEnv, plan: &Plan, limits: &Limits<'_>) {
    for turn in 0..6 {
        let env = env.copy();
        let path = env.home();
        let before = look(&path);
        let mut plan = plan.clone();
        another_order(&mut plan, turn, !limits.blocked.is_empty());
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
        assert!(!seen.is_empty(), "nothing was done");
        let broken = broken(limits, &before, &seen);
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// Makes the changes of a plan in reverse, with the writer alone and no rule asked: the rules that are broken
/// then.
fn broken_in_reverse(env: &TestEnv, plan: &Plan, limits: &Limits<'_>) -> BTreeSet<&'static str> {
    let env = env.copy();
    let path = env.home();
    let before = look(&path);
    let seen = Mutex::new(Vec::new());
    let writer = Watched { inner: DirectoryWriter::open(path.clone(), now(), 14).unwrap(), path: &path, seen: &seen };
    let stamp = Stamp { actor: "test".into(), apply: 99, digest: plan.digest.clone(), at: now() };
    for step in plan.targets[0].steps.iter().rev() {
        block_on(writer.write(&step.change, &stamp)).unwrap();
    }
    broken(limits, &before, &seen.into_inner().unwrap()).into_keys().collect()
}

/// A plan that its order alone saves: in reverse, the same changes break rules; in the order of the plan
/// they break none, whatever the interleaving, and the built binary applies it. Gives back the rules that the
/// order keeps.
fn saved_by_order(head: &str, before: &str, after: &str, limits: &Limits<'_>) -> BTreeSet<&'static str> {
    let (env, plan) = planned(head, before, after);
    is_safe(&env, &plan, limits);
    let kept = broken_in_reverse(&env, &plan, limits);
    env.run(&["apply", "plan.json", "--auto-approve"]).ended(0);
    env.is_converged();
    kept
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

// ---- what the order alone saves ----

fn of_two_administrators() -> BTreeSet<&'static str> {
    let body = |ann: &str, cat: &str| format!("users:\n{ROOT}  ann@x.io: {{{ann}}}\n{cat}");
    let (before, after) = (body("role: boss", ""), body("role: boss, state: disabled", "  cat@x.io: {role: boss}\n"));
    saved_by_order("policies: {admins: {at_least: 2}}\n", &before, &after, &Limits { admins: 2, ..FREE })
}

fn of_a_block_among_other_changes() -> BTreeSet<&'static str> {
    let before = format!("users:\n{ROOT}  ann@x.io: {{role: clerk}}\n");
    let after = format!("{before}  ben@x.io: {{role: clerk}}\nblocks: [{{user: ann@x.io, because: INC-77}}]\n");
    saved_by_order("", &before, &after, &Limits { blocked: &["ann@x.io"], ..FREE })
}

fn of_who_applies_and_is_demoted() -> BTreeSet<&'static str> {
    let body = |root: &str, members: &str| {
        format!(
            "users:\n  root@x.io: {{role: {root}}}\n  ann@x.io: {{role: boss}}\n  ben@x.io: {{role: clerk}}\nteams:\n  t: \
             {{members: [{members}]}}\n"
        )
    };
    saved_by_order("", &body("boss", ""), &body("clerk", "ben@x.io"), &FREE)
}

fn with_one_team(members: &str, access: &str) -> String {
    format!(
        "users:\n{ROOT}  ann@x.io: {{role: clerk}}\nteams:\n  t: {{members: [{members}]}}\nresources:\n  vault/a: {{access: \
         {{{access}}}}}\n"
    )
}

fn of_a_team_that_loses_what_who_joins_would_get() -> BTreeSet<&'static str> {
    saved_by_order("", &with_one_team("", "pay: [team/t]"), &with_one_team("ann@x.io", "pay: []"), &FREE)
}

fn of_a_grant_that_moves_to_the_team() -> BTreeSet<&'static str> {
    let (before, after) = (with_one_team("ann@x.io", "pay: [ann@x.io]"), with_one_team("ann@x.io", "pay: [team/t]"));
    saved_by_order("", &before, &after, &FREE)
}

fn of_exclusive_roles_by_two_grants() -> BTreeSet<&'static str> {
    let before = with_one_team("ann@x.io", "send: [ann@x.io], check: []");
    let after = with_one_team("ann@x.io", "send: [], check: [team/t]");
    saved_by_order(EXCLUSIVE, &before, &after, &Limits { exclusive: &[["send", "check"]], ..FREE })
}

fn of_the_last_seat() -> BTreeSet<&'static str> {
    let before = format!("users:\n{ROOT}  ann@x.io: {{role: maker}}\n");
    let after = format!("users:\n{ROOT}  ann@x.io: {{role: clerk}}\n  ben@x.io: {{role: maker}}\n");
    saved_by_order("policies: {seats: {paid: 1}}\n", &before, &after, &Limits { seats: 1, ..FREE })
}

/// A plan that its order saves: tells the rules that it would break in reverse.
type Saved = fn() -> BTreeSet<&'static str>;

/// For every rule of states: a plan that its order alone saves, and that would break that rule and no other
/// in reverse.
const SAVED_BY_ORDER: [(&str, Saved); 7] = [
    ("admin-remains", of_two_administrators),
    ("block-beats-all", of_a_block_among_other_changes),
    ("no-self-lockout", of_who_applies_and_is_demoted),
    ("nothing-gained-between", of_a_team_that_loses_what_who_joins_would_get),
    ("nothing-lost-between", of_a_grant_that_moves_to_the_team),
    ("roles-exclusive", of_exclusive_roles_by_two_grants),
    ("seats-fit", of_the_last_seat),
];

#[test]
fn every_rule_of_states_has_a_plan_that_the_order_alone_saves() {
    let of_states = RULES.iter().filter(|r| r.scope == Scope::State).map(RuleInfo::name);
    assert_eq!(of_states.collect::<Vec<_>>(), SAVED_BY_ORDER.map(|(rule, _)| rule));
    for (rule, test) in SAVED_BY_ORDER {
        assert_eq!(test(), BTreeSet::from([rule]));
    }
}

// ---- conflicts ----

/// Plans that cannot be ordered, as a person reads them: which rules, between which changes, and the way out.
fn conflict(name: &str, head: &str, before: &str, after: &str) -> TestEnv {
    let mut target =
        "targets: {home: {provider: directory, url: \"sqlite:.rolecall/home.db\", catalogue: shop, manage: \
                      authoritative, identity: root@x.io}}\n"
            .to_owned();
    if !before.contains("root@x.io") {
        target = target.replace(", identity: root@x.io", "");
    }
    let env = TestEnv::with(&format!("{head}{target}{before}"));
    env.apply();
    env.write("rolecall.yaml", &format!("{head}{target}{after}"));
    let text = env.run(&["plan"]).ended(3).text();
    insta::assert_snapshot!(format!("conflict-{name}"), crate::judged::told(&text));
    env.run(&["apply", "--auto-approve"]).ended(3);
    env
}

const UNLIMITED: &str = "policies: {invariants: {blast-radius: off}}\n";

#[test]
fn an_only_administrator_cannot_take_the_only_seat_of_their_successor() {
    let head = format!("{}policies: {{seats: {{desk: 1}}}}\n", HEAD.replace("boss: {", "boss: {seat: desk, "));
    let before = "users:\n  ann@x.io: {role: boss}\n";
    let after = "users:\n  ann@x.io: {role: clerk}\n  ben@x.io: {role: boss}\n";
    let env = conflict("last-administrator-last-seat", &head, before, after);
    env.run(&["plan"]).ended(3).says(&["there is no order", "admin-remains", "seats-fit", "add a seat"]);
    // As it is said: with a seat more it passes, and that seat can go again.
    env.edit("rolecall.yaml", "{desk: 1}", "{desk: 2}");
    env.apply();
    env.edit("rolecall.yaml", "{desk: 2}", "{desk: 1}");
    env.is_converged();
}

#[test]
fn exclusive_roles_with_a_common_permission_cannot_change_by_two_grants() {
    let head = format!("{HEAD}policies: {{exclusive: [[pay, approve]], invariants: {{blast-radius: off}}}}\n");
    let (before, after) =
        (with_one_team("ann@x.io", "pay: [ann@x.io]"), with_one_team("ann@x.io", "approve: [team/t]"));
    let env = conflict("exclusive-roles-with-a-common-permission", &head, &before, &after);
    env.run(&["apply", "--auto-approve", "--accept", "loss=1"]).ended(0);
    env.is_converged();
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
    let (before, after) = (body("ann@x.io", "ben@x.io", "one", "two"), body("ben@x.io", "ann@x.io", "two", "one"));
    conflict("teams-and-grants-change-places", &format!("{HEAD}{UNLIMITED}"), &before, &after);
}

#[test]
fn who_applies_cannot_leave_the_only_seat_to_their_successor() {
    // Root has to stay until the last change, and on the seat that their successor needs.
    let head = format!("{}policies: {{seats: {{desk: 2}}}}\n", HEAD.replace("boss: {", "boss: {seat: desk, "));
    let before = "users:\n  ann@x.io: {role: boss}\n  root@x.io: {role: boss}\n";
    let after = "users:\n  ann@x.io: {role: boss}\n  ben@x.io: {role: boss}\n  root@x.io: {role: clerk}\n";
    let env = conflict("who-applies-sits-on-the-last-seat", &head, before, after);
    env.run(&["plan"]).ended(3).says(&["no-self-lockout", "seats-fit"]);
}

#[test]
fn two_people_cannot_change_roles_that_change_what_they_give() {
    // The roles change what they give while the people change their roles.
    let body = |day: &str, night: &str, ann: &str, ben: &str| {
        format!(
            "catalogues:\n  shop:\n    roles:\n      boss: {{administers: true, permissions: all, on: [user, team]}}\n      \
             day: {{permissions: [{day}], on: [user]}}\n      night: {{permissions: [{night}], on: [user]}}\nusers:\n{ROOT}  \
             ann@x.io: {{role: {ann}}}\n  ben@x.io: {{role: {ben}}}\n"
        )
    };
    let (before, after) = (body("open", "shut", "day", "night"), body("count", "lock", "night", "day"));
    conflict("roles-and-people-change-places", "version: 1\n", &before, &after);
}

#[test]
fn a_search_that_gives_up_says_so() {
    // As above, and Ann joins so many teams at once that not every order can be looked at.
    let body = |day: &str, night: &str, ann: &str, ben: &str, members: &str| {
        let teams: String = (0..14).map(|n| format!("  t{n:02}: {{role: glance, members: [{members}]}}\n")).collect();
        format!(
            "catalogues:\n  shop:\n    roles:\n      boss: {{administers: true, permissions: all, on: [user, team]}}\n      \
             day: {{permissions: [{day}], on: [user]}}\n      night: {{permissions: [{night}], on: [user]}}\n      glance: \
             {{permissions: [glance], on: [team]}}\nusers:\n{ROOT}  ann@x.io: {{role: {ann}}}\n  ben@x.io: {{role: \
             {ben}}}\nteams:\n{teams}"
        )
    };
    let (before, after) = (body("open", "shut", "day", "night", ""), body("count", "lock", "night", "day", "ann@x.io"));
    let env = conflict("search-gave-up", "version: 1\n", &before, &after);
    let text = env.run(&["plan"]).ended(3).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::common::has(&text, &["gave up after 4,096 steps, so whether there is one is not known"]);
}

#[test]
fn a_loss_that_a_longer_search_might_avoid_is_told_as_such() {
    let teams = |members: &str| -> String {
        (0..14).map(|n| format!("  t{n:02}: {{role: glance, members: [{members}]}}\n")).collect()
    };
    let head = format!("{HEAD}policies: {{exclusive: [[pay, approve]], invariants: {{blast-radius: off}}}}\n")
        .replace("    kinds:", "      glance: {permissions: [glance], on: [team]}\n    kinds:");
    let body = |access: &str, members: &str| {
        with_one_team("ann@x.io", access).replace("resources:", &format!("{}resources:", teams(members)))
    };
    let (before, after) = (body("pay: [ann@x.io]", ""), body("approve: [team/t]", "ann@x.io"));
    let env = conflict("loss-after-a-long-search", &head, &before, &after);
    let text = env.run(&["plan"]).ended(3).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::common::has(&text, &["a search of 4,096 steps found no order that keeps to roles-exclusive"]);
}

#[test]
fn what_stands_in_the_way_of_many_is_named_first() {
    // Many people change places in two teams whose grants change places as well.
    let people = |name: &str| (0..7).map(|n| format!("{name}{n}@x.io")).collect::<Vec<_>>();
    let users: String =
        [people("ann"), people("ben")].concat().iter().map(|u| format!("  {u}: {{role: clerk}}\n")).collect();
    let body = |one: &str, two: &str, a: &str, b: &str| {
        format!(
            "users:\n{ROOT}{users}teams:\n  one: {{members: [{}]}}\n  two: {{members: [{}]}}\nresources:\n  vault/a: {{access: \
             {{pay: [team/{a}], send: [team/{b}]}}}}\n",
            people(one).join(", "),
            people(two).join(", ")
        )
    };
    let (before, after) = (body("ann", "ben", "one", "two"), body("ben", "ann", "two", "one"));
    let env = conflict("many-people-change-places", &format!("{HEAD}{UNLIMITED}"), &before, &after);
    let text = env.run(&["plan"]).ended(3).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let grants = "for these changes: change grant vault/a team/one, change grant vault/a team/two, ";
    crate::common::has(&text, &[grants, "and 22 more"]);
}
