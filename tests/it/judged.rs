//! What rules say of a plan: each alone, by the built binary.

use rolecall::invariants::{Answer, RULES, RuleInfo, Verdict};
use rolecall::plan::TargetPlan;

use super::common::{TestEnv, by_hand, has, rows};

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

/// Applies the first declaration, plans the second, and keeps what the only rule that speaks says.
fn alone(name: &str, rule: &str, before: &str, after: &str) -> TestEnv {
    assert!(RULES.iter().map(RuleInfo::name).any(|r| r == rule));
    let env = TestEnv::with(before);
    env.apply();
    env.write("rolecall.yaml", after);
    let plan = env.target_plan(&[]);
    assert_eq!(spoken(&plan), [rule], "{}", said(&plan));
    insta::assert_snapshot!(name, said(&plan));
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
    let env = alone("join-is-least", "join-is-least", &text(""), &after);
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
    let env = alone("roles-exclusive", "roles-exclusive", &before, &after);
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
    let env = alone("irreversible-is-confirmed", "irreversible-is-confirmed", &before, &after);
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
    alone("leaver-stays-out", "leaver-stays-out", &before, &after);
}

#[test]
fn the_last_domain_goes() {
    let with = |domains: &str| text(&format!("domains: {domains}\npolicies: {{invariants: {{blast-radius: off}}}}\n"));
    let two = with("{x.example: {role: staff}, y.example: {role: staff}}");
    alone("join-removal-known", "join-removal-known", &with("{x.example: {role: staff}}"), &with("{}"));
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
    assert_eq!(spoken(&plan), ["joiner-is-expected"]);
    insta::assert_snapshot!("joiner-is-expected", said(&plan));
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
    alone("return-restores", "return-restores", &before, &with("disabled", "ada@x.example"));
    let env = TestEnv::with(&before);
    env.apply();
    env.write("rolecall.yaml", &with("disabled", "ada@x.example, bob@x.example"));
    assert!(spoken(&env.target_plan(&[])).is_empty());
}

#[test]
fn a_lowered_quota_is_said() {
    let with = |cpu: u32| text(&format!("teams: {{t: {{quota: {{cpu: {cpu}}}}}}}\n"));
    alone("quota-fits", "quota-fits", &with(64), &with(32));
}

#[test]
fn who_applies_gives_what_they_may_give() {
    let with = |users: &str| {
        format!("{HEAD}{ADA}  ci@x.example: {{role: buyer}}\n{users}")
            .replace("manage: authoritative", "manage: authoritative, identity: ci@x.example")
    };
    let before = with("").replace(", identity: ci@x.example", "");
    let env = alone("no-escalation", "no-escalation", &before, &with("  bob@x.example: {role: payer}\n"));
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
    let env = alone("mfa-enforced", "mfa-enforced", &text(""), &text("policies: {mfa: {require: all}}\n"));
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
