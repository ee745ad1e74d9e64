//! What rules say: each alone, by the built binary, as a person reads it. Every rule has a snapshot of its
//! name here.

use std::collections::BTreeSet;

use rolecall::invariants::{Answer, Applier, RULES, RuleInfo, Verdict, change_in_place};
use rolecall::model::{Change, Kind};
use rolecall::plan::{Context, Options, Plan, TargetPlan};
use rolecall::render::{Style, plan_terminal};
use rolecall::targets::{PROFILES, Reader};

use super::common::{TestEnv, by_hand, has, now, rows};
use super::crash::block_on;

const HEAD: &str = "
version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: shop, manage: authoritative}
catalogues:
  shop:
    roles:
      boss: {on: [user], administers: true, permissions: all}
      staff: {on: [user], permissions: [look]}
      buyer: {on: [user, team], permissions: [look, buy]}
      payer: {on: [user, team, resource], permissions: [pay]}
      approver: {on: [user, team, resource], permissions: [approve]}
      reader: {on: [resource], permissions: [read]}
    kinds:
      folder: {roles: [payer, approver, reader], in: [folder], visibility: true, grants: true}
";
const ADA: &str = "users:\n  emmy@x.example: {role: boss}\n  ada@x.example: {role: boss}\n";

fn text(rest: &str) -> String {
    format!("{HEAD}{ADA}{rest}")
}

/// The rules that do not hold or cannot be known, and those that only say something.
fn spoken(plan: &TargetPlan) -> Vec<String> {
    let loud = plan.guards.iter().filter(|v: &&Verdict| v.answer != Answer::Holds);
    let mut names: Vec<String> = loud.map(|v| v.rule.clone()).collect();
    names.extend(plan.notes.iter().filter_map(|n| n.rule.clone()));
    names
}

fn said(plan: &TargetPlan) -> String {
    let guards = plan.guards.iter().filter(|v| v.answer != Answer::Holds);
    let guards = guards.map(|v| (v.rule.clone(), format!("{:?}", v.answer), v.message.clone(), v.help.clone()));
    let notes =
        plan.notes.iter().filter_map(|n| Some((n.rule.clone()?, "Said".to_owned(), n.message.clone(), n.help.clone())));
    let line = |(rule, answer, message, help): (String, String, String, Option<String>)| {
        format!("{rule} {answer}: {message}\n  {}\n", help.unwrap_or_default())
    };
    guards.chain(notes).map(line).collect()
}

/// Keeps what a person reads, under the name of the rule.
fn keep(rule: &str, text: &str) {
    assert!(RULES.iter().map(RuleInfo::name).any(|r| r == rule), "{rule}");
    assert!(text.contains(rule), "{rule} does not speak:\n{text}");
    insta::assert_snapshot!(rule, told(text));
}

/// The text without the digest, which is that of every little thing in a plan.
pub fn told(text: &str) -> String {
    let without = |l: &str| l.find("sha256:").map_or(l, |at| &l[..at]).trim_end().to_owned();
    text.lines().map(|l| without(l) + "\n").collect()
}

/// The rules and codes of what `validate` says.
fn files_say(env: &TestEnv) -> BTreeSet<String> {
    let out = env.run(&["validate", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
    json["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

/// A plan in which a rule alone speaks: what `plan` shows of it is kept.
fn speaks_alone(env: &TestEnv, rule: &str) {
    let plan = env.target_plan(&[]);
    assert_eq!(spoken(&plan), [rule], "{}", said(&plan));
    assert!(files_say(env).iter().all(|code| code == rule), "{:?}", files_say(env));
    keep(rule, &env.run(&["plan"]).text());
}

/// Applies the first declaration, plans the second, and keeps what the only rule that speaks says.
fn alone(rule: &str, before: &str, after: &str) -> TestEnv {
    let env = TestEnv::with(before);
    env.apply();
    env.write("rolecall.yaml", after);
    speaks_alone(&env, rule);
    env
}

/// Files about which a rule alone speaks: what `validate` shows of it is kept.
fn alone_in_files(rule: &str, code: i32, text: &str) -> TestEnv {
    let env = TestEnv::with(text);
    assert_eq!(files_say(&env), BTreeSet::from([rule.to_owned()]));
    keep(rule, &env.run(&["validate"]).ended(code).text());
    env
}

/// The same with the rule set to `warn` passes, and with `off` nothing is said.
fn is_set(env: &TestEnv, rule: &str, text: &str) {
    env.write("rolecall.yaml", &format!("{text}policies: {{invariants: {{{rule}: warn}}}}\n"));
    let plan = env.target_plan(&[]);
    // A warning is for `validate`: a plan has nothing to add to it.
    assert!(!plan.is_blocked() && spoken(&plan).is_empty(), "{}", said(&plan));
    env.run(&["validate"]).ended(0).says(&[&format!("warning[{rule}]")]);
    assert_eq!(plan.judged.settings.len(), 1);
    env.write("rolecall.yaml", &format!("{text}policies: {{invariants: {{{rule}: off}}}}\n"));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn a_domain_that_gives_too_much_stops_a_plan_that_adds_it() {
    let after = text("domains: {gmail.com: {role: staff}}\n");
    let env = alone("join-is-least", &text(""), &after);
    env.run(&["validate"]).ended(1).says(&["join-is-least"]);
    env.run(&["apply", "--auto-approve"]).ended(3);
    is_set(&env, "join-is-least", &after);
    // What is there already is said, and stops nothing else.
    env.write("rolecall.yaml", &format!("{after}policies: {{invariants: {{join-is-least: off}}}}\n"));
    env.apply();
    env.write("rolecall.yaml", &after.replacen("role: boss}", "role: boss}\n  bob@x.example: {role: staff}", 1));
    let plan = env.target_plan(&[]);
    assert!(!plan.is_blocked() && !plan.is_empty());
    has(&said(&plan), &["join-is-least Said", "(it was so before)"]);
    env.run(&["plan", "--strict"]).ended(1);
    env.apply();
}

#[test]
fn roles_that_exclude_each_other_are_seen_at_the_end_of_a_plan() {
    // What is not declared stays, so the files alone look harmless.
    let with = |more: &str, grant: &str| {
        text(&format!(
            "  bob@x.example: {{role: staff}}\n{more}resources: {{folder/a: {{}}}}\ngrants: [{grant}]\n\
             policies: {{exclusive: [[payer, approver]]}}\n"
        ))
        .replace("manage: authoritative", "manage: additive")
    };
    let before = with("teams: {t: {members: [bob@x.example]}}\n", "{to: team/t, resource: folder/a, role: payer}");
    let after = with("", "{to: bob@x.example, resource: folder/a, role: approver}");
    let env = alone("roles-exclusive", &before, &after);
    env.run(&["validate"]).ended(0);
    env.run(&["apply", "--auto-approve"]).ended(3);
    // Under authoritative the one goes when the other comes.
    env.write("rolecall.yaml", &after.replace("manage: additive", "manage: authoritative"));
    let plan = env.target_plan(&[]);
    assert!(!said(&plan).contains("roles-exclusive"), "{}", said(&plan));
    assert!(plan.guards.iter().any(|v| v.rule == "roles-exclusive" && v.answer == Answer::Holds));
}

#[test]
fn accounts_are_deleted_with_a_consent() {
    let before = text("  bob@x.example: {role: staff}\n  cleo@x.example: {role: staff}\n");
    let after = text("policies: {removal: {users: delete}}\n");
    let env = alone("irreversible-is-confirmed", &before, &after);
    for wrong in ["irreversible.user=1", "takeover.user=2"] {
        has(&env.stopped(&[wrong]), &["2 accounts go for good", "consent-mismatch"]);
    }
    // Consent to removals is none to what cannot be undone.
    has(&env.stopped(&["removal.user=2"]), &["2 accounts go for good"]);
    env.run(&["apply", "--auto-approve", "--accept", "irreversible.user=2"]).ended(0);
    assert_eq!(rows(&env.home(), "SELECT email FROM users").len(), 2);
}

#[test]
fn who_goes_for_good_may_come_back_by_a_domain() {
    let domain = "domains: {x.example: {role: staff}}\n";
    let before = text(&format!("  bob@x.example: {{role: buyer}}\n{domain}"));
    let after = text(&format!(
        "{domain}policies: {{removal: {{users: delete}}, invariants: {{irreversible-is-confirmed: off}}}}\n"
    ));
    alone("leaver-stays-out", &before, &after);
}

#[test]
fn the_last_domain_goes() {
    let with = |domains: &str| text(&format!("domains: {domains}\npolicies: {{invariants: {{blast-radius: off}}}}\n"));
    let two = with("{x.example: {role: staff}, y.example: {role: staff}}");
    alone("join-removal-known", &with("{x.example: {role: staff}}"), &with("{}"));
    let env = TestEnv::with(&two);
    env.apply();
    env.write("rolecall.yaml", &with("{x.example: {role: staff}}"));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn who_came_in_by_a_domain_stays() {
    let domain = text("domains: {x.example: {role: staff}}\n");
    let declared = format!("{domain}policies: {{invariants: {{joiner-is-expected: warn}}}}\n");
    let env = TestEnv::with(&declared);
    env.apply();
    let join = |email: &str, role: &str| {
        let sql = "INSERT INTO users (email, kind, role_id, state) SELECT '?', 'person', id, 'active' FROM roles WHERE name = ";
        by_hand(&env.home(), &format!("{}'{role}'", sql.replace('?', email)), 1);
    };
    join("new@x.example", "staff");
    let plan = env.target_plan(&[]);
    assert!(plan.is_empty());
    speaks_alone(&env, "joiner-is-expected");
    // Who has more than the domain gives, or an address elsewhere, did not come in by it.
    join("more@x.example", "buyer");
    join("new@y.example", "staff");
    let goes: Vec<String> = env.target_plan(&[]).steps.iter().map(|s| s.change.object().to_string()).collect();
    assert_eq!(goes, ["user more@x.example", "user new@y.example"]);
    // Unless it is asked for, who is not declared goes.
    env.write("rolecall.yaml", &domain);
    assert_eq!(env.target_plan(&[]).steps.len(), 3);
}

#[test]
fn who_is_disabled_comes_back_to_what_they_had() {
    let with = |state: &str, members: &str| {
        text(&format!("  bob@x.example: {{role: staff, state: {state}}}\nteams: {{t: {{members: [{members}]}}}}\n"))
    };
    let before = with("active", "ada@x.example, bob@x.example");
    alone("return-restores", &before, &with("disabled", "ada@x.example"));
    let env = TestEnv::with(&before);
    env.apply();
    env.write("rolecall.yaml", &with("disabled", "ada@x.example, bob@x.example"));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn a_lowered_quota_is_said() {
    let with = |cpu: u32| text(&format!("teams: {{t: {{quota: {{cpu: {cpu}}}}}}}\n"));
    alone("quota-fits", &with(64), &with(32));
}

#[test]
fn who_applies_gives_what_they_may_give() {
    let with = |users: &str| {
        format!("{HEAD}{ADA}  ci@x.example: {{role: buyer}}\n{users}")
            .replace("manage: authoritative", "manage: authoritative, identity: ci@x.example")
    };
    let before = with("").replace(", identity: ci@x.example", "");
    let env = alone("no-escalation", &before, &with("  bob@x.example: {role: payer}\n"));
    env.run(&["apply", "--auto-approve"]).ended(3);
    env.write("rolecall.yaml", &with("  bob@x.example: {role: staff}\n"));
    let plan = env.target_plan(&[]);
    assert!(plan.guards.iter().any(|v| v.rule == "no-escalation" && v.answer == Answer::Holds), "{}", said(&plan));
    // Nobody of that address is there yet.
    env.write("rolecall.yaml", &with("  new@x.example: {role: staff}\n").replace("identity: ci", "identity: new"));
    has(&said(&env.target_plan(&[])), &["no-escalation Unknown"]);
}

#[test]
fn a_second_factor_cannot_be_seen() {
    let env = alone("mfa-enforced", &text(""), &text("policies: {mfa: {require: all}}\n"));
    env.apply();
    env.write("rolecall.yaml", &text("policies: {mfa: {require: none}}\n"));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn what_the_files_call_an_error_can_be_set() {
    let broken = text("  bob@x.example: {role: staff}\nteams: {t: {lead: bob@x.example, members: [ada@x.example]}}\n");
    let env = TestEnv::with(&broken);
    env.run(&["validate"]).ended(0).says(&["warning[lead-is-member]"]);
    env.run(&["validate", "--strict"]).ended(1).says(&["error[lead-is-member]"]);
    env.write("rolecall.yaml", &format!("{broken}policies: {{invariants: {{lead-is-member: error}}}}\n"));
    env.run(&["validate"]).ended(1).says(&["error[lead-is-member]"]);
    // A plan that adds it is stopped, and says so by itself.
    has(&env.stopped(&[]), &["lead-is-member: bob@x.example leads team t and is no member of it"]);
    env.write("rolecall.yaml", &format!("{broken}policies: {{invariants: {{lead-is-member: off}}}}\n"));
    assert!(!env.run(&["validate"]).ended(0).text().contains("lead-is-member"));
    env.apply();
    // For one target alone, over what holds for all.
    let one =
        broken.replace("manage: authoritative", "manage: authoritative, policies: {invariants: {lead-is-member: off}}");
    env.write("rolecall.yaml", &format!("{one}policies: {{invariants: {{lead-is-member: error}}}}\n"));
    assert!(!env.run(&["validate"]).ended(0).text().contains("lead-is-member"));
}

// ---- rules of every state ----

const BOB: &str = "  bob@x.example: {role: staff}\n";

#[test]
fn the_last_administrator_is_demoted() {
    let nobody = format!("{HEAD}{}", ADA.replace("role: boss", "role: staff"));
    let env = alone("admin-remains", &text(""), &nobody);
    env.run(&["apply", "--auto-approve"]).ended(3);
}

#[test]
fn a_block_does_not_reach_a_protected_account() {
    let protected = |rest: &str| {
        let text = text(&format!("{BOB}{rest}"));
        text.replace("manage: authoritative", "manage: authoritative, protected: ['bob@*']")
    };
    let blocked = protected("blocks: [{user: bob@x.example, because: INC-77}]\n");
    let env = TestEnv::with(&text(BOB));
    env.apply();
    env.write("rolecall.yaml", &blocked);
    speaks_alone(&env, "block-beats-all");
    env.run(&["apply", "--auto-approve"]).ended(3);
    env.write("rolecall.yaml", &blocked.replace(", protected: ['bob@*']", ""));
    env.apply();
    assert_eq!(rows(&env.home(), "SELECT email FROM users WHERE state = 'disabled'"), ["bob@x.example"]);
}

#[test]
fn who_applies_cannot_be_disabled_and_changed() {
    let with = |ci: &str| {
        format!("{HEAD}{ADA}  ci@x.example: {{{ci}}}\n")
            .replace("manage: authoritative", "manage: authoritative, identity: ci@x.example")
    };
    let before = with("role: boss").replace(", identity: ci@x.example", "");
    let env = alone("no-self-lockout", &before, &with("role: staff, state: disabled"));
    env.run(&["apply", "--auto-approve"]).ended(3);
    // One of the two alone is the last change, and passes.
    env.write("rolecall.yaml", &with("role: boss, state: disabled"));
    env.apply();
}

/// Two people change places in two roles, and the roles change what they give.
fn roles_and_people_change_places(one: &str, two: &str, ann: &str, ben: &str) -> String {
    let roles = format!(
        "      day: {{on: [user], permissions: [{one}]}}\n      night: {{on: [user], permissions: [{two}]}}\n    kinds:"
    );
    let people = format!("  ann@x.example: {{role: {ann}}}\n  ben@x.example: {{role: {ben}}}\n");
    text(&people).replace("    kinds:", &roles)
}

#[test]
fn no_order_keeps_a_gain_away() {
    let before = roles_and_people_change_places("open", "shut", "day", "night");
    let after = roles_and_people_change_places("count", "lock", "night", "day");
    let env = alone("nothing-gained-between", &before, &after);
    env.run(&["apply", "--auto-approve"]).ended(3);
    // No consent helps: it is two applies.
    has(&env.stopped(&["loss=2"]), &["there is no order that keeps to nothing-gained-between"]);
    env.write("rolecall.yaml", &roles_and_people_change_places("open", "shut", "staff", "staff"));
    env.apply();
    env.write("rolecall.yaml", &after);
    env.apply();
    env.is_converged();
}

#[test]
fn no_order_keeps_a_loss_away() {
    // Ann and Ben change places in two teams, whose grants change places as well.
    let with = |one: &str, two: &str, a: &str, b: &str| {
        text(&format!(
            "  ann@x.example: {{role: staff}}\n  ben@x.example: {{role: staff}}\nteams:\n  one: {{members: [{one}]}}\n  two: \
             {{members: [{two}]}}\nresources:\n  folder/a: {{access: {{payer: [team/{a}], reader: [team/{b}]}}}}\npolicies: {{invariants: {{blast-radius: off}}}}\n"
        ))
    };
    let before = with("ann@x.example", "ben@x.example", "one", "two");
    let after = with("ben@x.example", "ann@x.example", "two", "one");
    let env = alone("nothing-lost-between", &before, &after);
    let text = env.stopped(&[]);
    let consent = text.split_once("--accept loss=").and_then(|(_, n)| n.split(';').next()).unwrap().to_owned();
    env.run(&["apply", "--auto-approve", "--accept", &format!("loss={consent}")]).ended(0);
    env.is_converged();
}

#[test]
fn there_are_not_enough_seats() {
    let with = |more: &str| {
        let head = HEAD.replace("buyer: {", "buyer: {seat: paid, ");
        format!("{head}{ADA}  bob@x.example: {{role: buyer}}\n{more}policies: {{seats: {{paid: 1}}}}\n")
    };
    let env = alone("seats-fit", &with(""), &with("  cleo@x.example: {role: buyer}\n"));
    env.run(&["apply", "--auto-approve"]).ended(3);
}

// ---- rules of a plan ----

#[test]
fn too_many_members_are_removed() {
    let people: String = (0..20).map(|n| format!("  u{n:02}@x.example: {{role: staff}}\n")).collect();
    let with = |from: usize| {
        let members: Vec<String> = (from..20).map(|n| format!("u{n:02}@x.example")).collect();
        text(&format!("{people}teams: {{t: {{members: [{}]}}}}\n", members.join(", ")))
    };
    alone("blast-radius", &with(0), &with(11));
}

#[test]
fn a_run_begins_to_manage_a_team() {
    let with = |members: &str| text(&format!("{BOB}  cleo@x.example: {{role: staff}}\nteams: {{t: {{{members}}}}}\n"));
    let env = TestEnv::with(&with("description: Grown by hand"));
    env.apply();
    let sql = "INSERT INTO memberships (team_id, user_id) SELECT t.id, u.id FROM teams t, users u WHERE u.email LIKE ";
    by_hand(&env.home(), &format!("{sql}'bob%' OR u.email LIKE 'cleo%'"), 2);
    env.write("rolecall.yaml", &with("description: Grown by hand, members: [bob@x.example]"));
    speaks_alone(&env, "ownership-is-said");
    env.run(&["apply", "--auto-approve"]).ended(3);
}

#[test]
fn an_invitation_has_run_out() {
    let invited = text(&format!("{BOB}policies: {{invitations: {{required: true, retry: 14d}}}}\n"));
    let env = TestEnv::with(
        &text("policies: {invitations: {required: true, retry: 14d}}\n").replace("required: true", "required: false"),
    );
    env.apply();
    env.write("rolecall.yaml", &invited);
    env.apply();
    by_hand(&env.home(), "UPDATE users SET invited_until = '2026-11-01T00:00:00Z' WHERE email LIKE 'bob%'", 1);
    let plan = env.target_plan(&[]);
    assert!(plan.is_empty(), "nobody is invited again");
    speaks_alone(&env, "invite-once");
    env.write("rolecall.yaml", &invited.replace("policies: {", "policies: {invariants: {invite-once: off}, "));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn somebody_was_not_seen_for_long() {
    let env = TestEnv::with(&text(&format!("{BOB}policies: {{review: {{inactive: 60d}}}}\n")));
    env.apply();
    by_hand(&env.home(), "UPDATE users SET last_seen = '2026-01-31T08:00:00Z' WHERE email LIKE 'bob%'", 1);
    speaks_alone(&env, "review-is-due");
}

#[test]
fn something_is_removed_and_added_again() {
    // No declaration leads to such a plan: the rule guards against a fault of the comparison, so the plan is
    // made wrong here.
    let with = |members: &str| text(&format!("{BOB}teams: {{t: {{members: [{members}]}}}}\n"));
    let env = TestEnv::with(&with("ada@x.example, bob@x.example"));
    env.apply();
    env.write("rolecall.yaml", &with("ada@x.example"));
    let mut plan = env.target_plan(&[]);
    let [step] = plan.steps.as_slice() else { panic!("{:?}", plan.steps) };
    let Change::RemoveMember { member, .. } = &step.change else { panic!("{step:?}") };
    let again = rolecall::plan::Step { id: 2, change: Change::AddMember { member: member.clone() }, ..step.clone() };
    plan.steps.push(again);
    plan.guards.retain(|v| v.rule != "change-in-place");
    plan.guards.push(change_in_place(plan.steps.iter().map(|s| &s.change)));
    assert_eq!(spoken(&plan), ["change-in-place"]);
    assert!(plan.is_blocked());
    keep("change-in-place", &shown(plan));
}

/// A plan for a target that has not every kind.
fn planned_for(env: &TestEnv, kinds: &[Kind]) -> TargetPlan {
    let loaded = rolecall::config::load(env.path(), &PROFILES, now());
    let declaration = loaded.declaration.unwrap();
    let target = &declaration.targets[0];
    let reader = rolecall::targets::directory::DirectoryReader::new(env.home(), now());
    let live = block_on(reader.read()).unwrap().directory;
    let locate = |span| loaded.sources.location(span);
    let context = Context {
        provider: "directory",
        level: rolecall::plan::Promise::Enforced,
        options: Options { now: now(), renames: true, invites: false, kept: rolecall::model::Kept::ALL },
        ownership: None,
        kinds,
        enables: true,
        applier: Applier::Anyone,
        locate: &locate,
        tests: &[],
        since: None,
        rules_before: None,
        only_over: false,
        hands: rolecall::plan::Hands::default(),
    };
    rolecall::plan::plan(&target.desired, &live, &context)
}

fn shown(plan: TargetPlan) -> String {
    plan_terminal::plan(&Plan::new(vec![plan], Vec::new(), None), Style { color: false, width: 100 })
}

#[test]
fn a_target_has_no_way_to_change_domains() {
    // Every target that can be opened today has every kind that can be declared for it.
    let env = TestEnv::with(&text(""));
    env.apply();
    env.write("rolecall.yaml", &text("domains: {x.example: {role: staff}}\n"));
    let plan = planned_for(&env, &[Kind::User, Kind::Team]);
    assert_eq!(spoken(&plan), ["unreachable-is-manual"], "{}", said(&plan));
    assert!(plan.is_blocked());
    keep("unreachable-is-manual", &shown(plan));
    assert!(spoken(&planned_for(&env, &Kind::ALL)).is_empty());
}

// ---- rules of the files ----

#[test]
fn a_grant_gives_no_more_than_the_team() {
    alone_in_files(
        "elevate-only",
        0,
        &text(&format!(
            "{BOB}teams: {{t: {{members: [bob@x.example]}}}}\nresources:\n  folder/a: {{access: {{reader: [team/t, bob@x.example]}}}}\n"
        )),
    );
}

#[test]
fn access_ends_soon() {
    alone_in_files(
        "grant-expires",
        0,
        &text(&format!(
            "{BOB}resources: {{folder/a: {{}}}}\ngrants:\n  - {{to: bob@x.example, resource: folder/a, role: reader, until: 2026-11-28}}\n"
        )),
    );
}

#[test]
fn who_is_disabled_leads_a_team() {
    alone_in_files(
        "inactive-holds-nothing",
        0,
        &text(
            "  bob@x.example: {role: staff, state: disabled}\nteams: {t: {lead: bob@x.example, members: [bob@x.example]}}\n",
        ),
    );
}

#[test]
fn a_grant_repeats_what_comes_from_around() {
    alone_in_files(
        "inherited-not-repeated",
        0,
        &text(&format!(
            "{BOB}resources:\n  folder/a: {{access: {{reader: [bob@x.example]}}}}\n  folder/b: {{in: folder/a, access: {{reader: [bob@x.example]}}}}\n"
        )),
    );
}

#[test]
fn a_lead_is_no_member() {
    alone_in_files(
        "lead-is-member",
        0,
        &text(&format!("{BOB}teams: {{t: {{lead: bob@x.example, members: [ada@x.example]}}}}\n")),
    );
}

#[test]
fn a_private_resource_is_given_to_somebody() {
    alone_in_files(
        "visibility-agrees",
        0,
        &text(&format!("{BOB}resources:\n  folder/a: {{visibility: private, access: {{reader: [bob@x.example]}}}}\n")),
    );
}

// ---- all of them ----

#[test]
fn every_rule_has_a_snapshot_of_its_message() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap());
    let ours = files.filter_map(|f| Some(f.strip_prefix("it__judged__")?.strip_suffix(".snap")?.to_owned()));
    let found: BTreeSet<String> = ours.collect();
    let rules: BTreeSet<String> = RULES.iter().map(|r| r.name().to_owned()).collect();
    assert_eq!(found, rules);
}
