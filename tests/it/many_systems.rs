//! examples/many-systems: one folder of people, seven targets in six systems, each served by its sandbox.

use std::path::PathBuf;

use rolecall::sandbox::{Handle, omni, paradime, scim, strongly, terminusdb};
use serde_json::Value;

use super::common::{Output, TestEnv, copy_example, example, has};

const TOKEN: &str = "sandbox";

/// The servers, and what the declaration needs to find them.
struct Systems {
    handles: Vec<Handle>,
    variables: Vec<(&'static str, String)>,
}

impl Systems {
    fn start() -> Self {
        let things = |name: &str| -> Option<PathBuf> { Some(example("many-systems").join("sandboxes").join(name)) };
        let paradime = |token: &str, file: &str| {
            let options = paradime::Options { things: things(file), ..paradime::Options::new(token).unwrap() };
            paradime::serve(&options).unwrap()
        };
        let workspace = "prdm_wsp_sandbox";
        let (eu, finance) = (paradime(TOKEN, "paradime-eu.yaml"), paradime(workspace, "paradime-finance.yaml"));
        let options = omni::Options { things: things("omni.yaml"), ..omni::Options::new(TOKEN).unwrap() };
        let bi = omni::serve(&options).unwrap();
        let graph = terminusdb::serve(&terminusdb::Options::new(TOKEN).unwrap()).unwrap();
        let options = strongly::Options { things: things("strongly.yaml"), ..strongly::Options::new(TOKEN).unwrap() };
        let ai = strongly::serve(&options).unwrap();
        let sso = scim::serve(&scim::Options::new(TOKEN).unwrap()).unwrap();
        let token = || TOKEN.to_owned();
        let variables = vec![
            ("ACCESS_DATABASE_URL", "sqlite:.rolecall/internal.db".to_owned()),
            ("PARADIME_EU_API_ENDPOINT", eu.url()),
            ("PARADIME_EU_API_KEY", paradime::KEY.to_owned()),
            ("PARADIME_EU_API_SECRET", token()),
            ("PARADIME_FINANCE_API_ENDPOINT", finance.url()),
            ("PARADIME_FINANCE_TOKEN", workspace.to_owned()),
            ("OMNI_URL", bi.origin().to_owned()),
            ("OMNI_API_KEY", token()),
            ("TERMINUSDB_URL", graph.origin().to_owned()),
            ("TERMINUSDB_USER", "admin".to_owned()),
            ("TERMINUSDB_PASSWORD", token()),
            ("STRONGLY_URL", ai.origin().to_owned()),
            ("STRONGLY_API_KEY", token()),
            ("SSO_URL", sso.url()),
            ("SSO_SCIM_TOKEN", token()),
        ];
        Self { handles: vec![eu, finance, bi, graph, ai, sso], variables }
    }

    fn run(&self, env: &TestEnv, args: &[&str]) -> Output {
        let mut command = env.command(args);
        command.envs(self.variables.iter().map(|(name, value)| (*name, value)));
        Output::of(command.output().unwrap())
    }

    /// The plan over all targets.
    fn plan(&self, env: &TestEnv) -> Value {
        serde_json::from_str(&self.run(env, &["plan", "--json"]).ended(0).stdout).unwrap()
    }
}

/// One command applies to all of them at once; a second finds nothing to do.
#[test]
fn one_command_applies_to_all() {
    let systems = Systems::start();
    let env = TestEnv::new();
    copy_example("many-systems/declaration", &env);
    let plan = systems.plan(&env);
    let targets: Vec<&str> =
        plan["targets"].as_array().unwrap().iter().map(|t| t["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["ai", "bi", "dbt-eu", "dbt-finance", "graph", "internal", "sso"]);
    let said = systems.run(&env, &["apply", "--auto-approve"]).ended(0).text();
    for target in &targets {
        has(&said, &[&format!(" changes to {target}.")]);
    }
    let again = systems.run(&env, &["plan", "--detailed-exitcode"]).ended(0).text();
    has(&again, &["No changes in 7 targets."]);

    // Who is blocked has nothing left, and who leaves is told of in every system.
    let review = systems.run(&env, &["review"]).ended(0).text();
    assert!(!review.contains("no file knows them"), "{review}");
    env.edit("people/analytics.yaml", "  mary@agency.example:\n    name: Mary Somerville\n    kind: contractor\n    role: business-user\n    until: 2030-06-30\n", "");
    for (file, from, to) in [
        ("systems/bi.yaml", "      VIEWER: [mary@agency.example]\n", ""),
        ("rolecall.yaml", "  - {user: mary@agency.example, cannot: QUERIER, resource: bi:model/finance}\n", ""),
    ] {
        env.edit(file, from, to);
    }
    let review = systems.run(&env, &["review"]).ended(0).text();
    has(&review, &["no file knows them", "also in "]);
    for handle in &systems.handles {
        assert!(!handle.requests().is_empty());
    }
}
