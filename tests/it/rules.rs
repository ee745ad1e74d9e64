//! The list of rules, and each by itself.

use rolecall::invariants::{RULES, RuleInfo};
use rolecall::render::{Style, rules_json, rules_terminal, schemas};

use super::common::{TestEnv, has};

const STYLE: Style = Style { color: false, width: 100 };

#[test]
fn the_list_of_rules() {
    let env = TestEnv::new();
    let output = env.run(&["rules"]).ended(0);
    insta::assert_snapshot!("rules", output.stdout);
    let json: serde_json::Value = serde_json::from_str(&env.run(&["rules", "--json"]).ended(0).stdout).unwrap();
    let schema = jsonschema::validator_for(&schemas::rules()).unwrap();
    schema.validate(&json).unwrap();
    let names: Vec<&str> = json["rules"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, RULES.iter().map(RuleInfo::name).collect::<Vec<_>>());
    let same = rules_json::rules().unwrap();
    assert_eq!(env.run(&["rules", "--format", "json"]).stdout, same);
}

#[test]
fn every_rule_explains_itself() {
    let mut text = String::new();
    for rule in &RULES {
        for part in [rule.statement, rule.source, rule.example, rule.fix] {
            assert!(part.len() > 10 && !part.contains("  \n"), "{}: {part}", rule.name());
        }
        text.push_str(&rules_terminal::rule(rule, STYLE));
        text.push_str("\n---\n\n");
    }
    insta::assert_snapshot!("explain-rule", text);
    let env = TestEnv::new();
    let one = env.run(&["explain-rule", "lead-is-member"]).ended(0).stdout;
    has(&one, &["What it says", "policies:\n    invariants: {lead-is-member: warn}"]);
    has(&env.run(&["explain-rule", "admin-remains"]).ended(0).stdout, &["It always holds and cannot be set."]);
    env.run(&["explain-rule", "lead-is-membr"]).ended(1).says(&["there is no rule", "did you mean `lead-is-member`?"]);
    env.run(&["explain-rule", "zzz"]).ended(1).says(&["`rolecall rules` lists them"]);
}
