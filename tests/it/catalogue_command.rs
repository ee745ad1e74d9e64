//! `rolecall catalogue`: what people see, what programs read, and where it looks.

use rolecall::config::builtin_catalogue;
use rolecall::render::{Style, catalogue, schemas};
use rolecall::targets::PROFILES;
use serde_json::Value;

use super::common::TestEnv;

const WIDTH: usize = 100;

fn shown(name: &str, width: usize) -> String {
    catalogue::one(&builtin_catalogue(&PROFILES, name).unwrap(), Style { color: false, width })
}

fn declared() -> TestEnv {
    TestEnv::with(
        "version: 1
targets:
  home: {provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: shop}
  dbt:
    provider: paradime
    url: https://api.example/graphql
    credentials: {secret: '${TOKEN}'}
    settings: {plan: standard}
catalogues:
  shop:
    description: A shop.
    roles:
      boss: {on: [user], administers: true, permissions: all}
      clerk: {on: [user], permissions: [sell], may_give: [buyer]}
      buyer: {on: [user], permissions: [buy]}
    kinds:
      till: {roles: [], visibility: false}
",
    )
}

#[test]
fn what_people_see() {
    for name in ["paradime", "strongly", "terminusdb", "omni"] {
        let text = shown(name, WIDTH);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
            assert_eq!(line, line.trim_end(), "{name}");
        }
        insta::assert_snapshot!(format!("catalogue-{name}"), text);
    }
}

#[test]
fn the_matrix_has_a_column_for_every_role_at_any_width() {
    for width in [40, 60, 80, 160] {
        let text = shown("paradime", width);
        let marks = |c: char| text.matches(c).count();
        assert_eq!(marks('●'), 35 + 2 + 1 + 17 + 32 + 21 + 18 + 8, "{width}");
        assert_eq!(marks('●') + marks('·'), 8 * 35, "{width}");
    }
    // Names where they fit, numbers where they do not.
    assert!(shown("strongly", 100).contains("  admin  data-scientist  developer  viewer  edit  use  view\n"));
    assert!(shown("strongly", 60).contains("  1  2  3  4  5  6  7\n"));
}

#[test]
fn built_in_ones_need_no_files() {
    let env = TestEnv::new();
    let all = env.run(&["catalogue"]).ended(0);
    let names: Vec<&str> = all.stdout.lines().filter_map(|l| l.split(' ').next()).filter(|n| !n.is_empty()).collect();
    assert_eq!(
        names,
        ["catalogue", "omni", "paradime", "paradime-standard", "scim", "strongly", "terminusdb", "terminusdb-hosted"]
    );
    assert_eq!(env.run(&["catalogue", "paradime"]).ended(0).stdout, shown("paradime", WIDTH));
    env.write("rolecall.yaml", "version: 1\ntargets: [\n");
    env.run(&["catalogue", "omni"]).ended(0).says(&["CONNECTION_ADMIN is above MODELER"]);
    env.run(&["catalogue"]).ended(0).says(&["terminusdb", "The files have errors"]);
    env.run(&["catalogue", "shop"]).ended(1).says(&["no built-in catalogue `shop`", "rolecall.yaml:"]);
}

#[test]
fn those_of_the_files_and_of_targets() {
    let env = declared();
    env.run(&["catalogue"]).ended(0).says(&["shop                   3            2      1  declared  not said"]);
    let shop = env.run(&["catalogue", "shop"]).ended(0);
    assert_eq!(env.run(&["catalogue", "home"]).ended(0).stdout, shop.stdout);
    shop.says(&[
        "A shop.",
        "boss is above buyer, clerk",
        "buyer is incomparable with clerk",
        "clerk may give buyer; beyond its own permissions: buyer",
        "till  no roles",
    ]);
    let standard = env.run(&["catalogue", "paradime-standard"]).ended(0);
    assert_eq!(env.run(&["catalogue", "dbt"]).ended(0).stdout, standard.stdout);
}

#[test]
fn a_name_that_nothing_has() {
    let env = declared();
    env.run(&["catalogue", "paradim"]).ended(1).says(&["there is no catalogue `paradim`", "did you mean `paradime`?"]);
    env.run(&["catalogue", "shpo"]).ended(1).says(&["did you mean `shop`?"]);
    env.run(&["catalogue", "kubernetes"]).ended(1).says(&["there are: omni, paradime, paradime-standard, scim, shop"]);
}

#[test]
fn what_programs_read() {
    let env = declared();
    let schema = jsonschema::validator_for(&schemas::catalogue()).unwrap();
    let read = |args: &[&str]| -> Value {
        let value: Value = serde_json::from_str(&env.run(args).ended(0).stdout).unwrap();
        assert!(schema.is_valid(&value), "{args:?}");
        assert_eq!(value["format"], "rolecall.catalogue/1");
        value
    };
    let all = read(&["catalogue", "--json"]);
    let names: Vec<&str> = all["catalogues"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["omni", "paradime", "paradime-standard", "scim", "shop", "strongly", "terminusdb", "terminusdb-hosted"]
    );
    let one = &read(&["catalogue", "shop", "--format", "json"])["catalogues"][0];
    assert_eq!(one["built_in"], false);
    assert_eq!(one["order"][2], serde_json::json!({"role": "buyer", "stands": "incomparable", "to": "clerk"}));
    let terminusdb = &read(&["catalogue", "terminusdb-hosted", "--json"])["catalogues"][0];
    assert_eq!(terminusdb["built_in"], true);
    let reader = terminusdb["roles"].as_array().unwrap().iter().find(|r| r["name"] == "Data Reader").unwrap();
    assert!(reader["permissions"].is_null() && reader["inferred"].is_string());
}
