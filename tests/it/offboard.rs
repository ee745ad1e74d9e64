//! `rolecall offboard` where something is in the way: it goes on in all other systems, and says where it did not.

use rolecall::sandbox::{Handle, omni, paradime};
use serde_json::json;

use super::common::{Output, TestEnv, has, http, rows};

const TOKEN: &str = "prdm_wsp_canary-off";
const KEY: &str = "canary-omni-off";
const MALLORY: &str = "mallory@x.example";

/// A directory, a workspace of Paradime and an instance of Omni, each with somebody in it.
struct Systems {
    env: TestEnv,
    dbt: Handle,
    bi: Handle,
}

impl Systems {
    fn start(rest: &str) -> Self {
        let env = TestEnv::new();
        env.write(
            "dbt.txt",
            "users:\n  - {email: ada@x.example, role: ADMIN}\n  - {email: mallory@x.example, role: DEVELOPER}\n",
        );
        env.write(
            "bi.txt",
            "users:\n  - {email: ada@x.example, role: ORG_ADMIN}\n  - {email: mallory@x.example, role: MEMBER}\n",
        );
        let mut options = paradime::Options::new(TOKEN).unwrap();
        options.things = Some(env.file("dbt.txt"));
        let dbt = paradime::serve(&options).unwrap();
        let mut options = omni::Options::new(KEY).unwrap();
        options.things = Some(env.file("bi.txt"));
        let bi = omni::serve(&options).unwrap();
        env.write(
            "rolecall.yaml",
            &format!(
                "version: 1
targets:
  home: {{provider: directory, url: 'sqlite:.rolecall/home.db', catalogue: strongly}}
  dbt: {{provider: paradime, url: '${{DBT_URL}}', credentials: {{token: '${{DBT_TOKEN}}'}}}}
  bi: {{provider: omni, url: '${{BI_URL}}', credentials: {{token: '${{BI_TOKEN}}'}}}}
users:
  ada@x.example: {{at: {{home: {{role: admin}}, dbt: {{role: ADMIN}}, bi: {{role: ORG_ADMIN}}}}}}
{rest}"
            ),
        );
        Self { env, dbt, bi }
    }

    /// Everywhere, or without some variables.
    fn run(&self, args: &[&str], unset: &[&str]) -> Output {
        let mut command = self.env.command(args);
        let variables = [
            ("DBT_URL", self.dbt.url()),
            ("DBT_TOKEN", TOKEN.to_owned()),
            ("BI_URL", self.bi.origin().to_owned()),
            ("BI_TOKEN", KEY.to_owned()),
        ];
        command.envs(variables.into_iter().filter(|(name, _)| !unset.contains(name)));
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains("canary"), "{}", output.text());
        output
    }

    /// The standing of Mallory in Paradime.
    fn in_dbt(&self) -> String {
        let head = format!("authorization: Bearer {TOKEN}\r\n");
        let (_, _, body) = http(self.dbt.addr(), "GET", "/sandbox/things", &head, "");
        let shown: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let accounts = shown["workspaces"][0]["accounts"].as_array().unwrap();
        accounts.iter().find(|a| a["email"] == MALLORY).unwrap()["standing"].as_str().unwrap().to_owned()
    }

    fn in_home(&self) -> Vec<String> {
        rows(&self.env.file(".rolecall/home.db"), "SELECT state FROM users WHERE email = 'mallory@x.example'")
    }
}

const EVERYWHERE: &str =
    "  mallory@x.example: {at: {home: {role: developer}, dbt: {role: DEVELOPER}, bi: {role: MEMBER}}}\n";

/// A variable that is not set, a system that is down, a lock that somebody holds: the others do not wait for it.
#[test]
fn what_cannot_be_reached_stops_no_other() {
    for (unset, down, said) in [
        (&["BI_TOKEN"][..], "", "bi (the variable BI_TOKEN, which the target `bi` needs, is not set ("),
        (&[], "error-before=500", "bi ("),
    ] {
        let systems = Systems::start(EVERYWHERE);
        systems.run(&["apply", "--auto-approve"], &[]).ended(0);
        if !down.is_empty() {
            systems.bi.set_faults(&[down]).unwrap();
        }
        // Planned only, it is named as well, and is no success.
        let plan = systems.run(&["offboard", MALLORY], unset).ended(1).text();
        has(&plan, &["bi  cannot be read: ", "This is no plan for bi.", "- user mallory@x.example"]);
        let output = systems.run(&["offboard", MALLORY, "--auto-approve"], unset).ended(5).text();
        has(&output, &["The last access of mallory@x.example ended", "They may still have access in: ", said]);
        assert_eq!((systems.in_dbt().as_str(), systems.in_home()), ("disabled", vec!["disabled".to_owned()]));
        // When it can be reached again, the rest is done.
        systems.bi.set_faults(&[]).unwrap();
        systems.run(&["offboard", MALLORY, "--auto-approve"], &[]).ended(0);
    }
    // All of them: nothing was done, and that is an error.
    let systems = Systems::start("  mallory@x.example: {at: {dbt: {role: DEVELOPER}, bi: {role: MEMBER}}}\n");
    let all = ["BI_TOKEN", "DBT_TOKEN"];
    let output = systems.run(&["offboard", MALLORY, "--auto-approve"], &all).ended(5).text();
    has(&output, &["Nothing of mallory@x.example was taken away", "the variable DBT_TOKEN"]);
}

/// What a guard stops in one system is left out there and named, and the others are cut off all the same.
#[test]
fn a_blocked_target_stops_no_other() {
    let systems = Systems::start(EVERYWHERE);
    systems.run(&["apply", "--auto-approve"], &[]).ended(0);
    // Somebody else is to leave Paradime for good, which asks for a consent that nobody gives.
    let head = format!("authorization: Bearer {TOKEN}\r\n");
    let bo = json!({"users": [{"email": "bo@x.example", "role": "ANALYST"}]}).to_string();
    http(systems.dbt.addr(), "POST", "/sandbox/things", &head, &bo);
    let text = systems.env.read("rolecall.yaml");
    systems.env.write(
        "rolecall.yaml",
        &format!("{text}  bo@x.example: {{at: {{dbt: {{role: ANALYST, state: disabled}}}}}}\n"),
    );
    let output = systems.run(&["offboard", MALLORY, "--auto-approve"], &[]).ended(5).text();
    has(
        &output,
        &[
            "Left out, so that the others do not wait: dbt.",
            "They may still have access in: dbt (its plan is blocked by irreversible-is-confirmed",
            "The last access of mallory@x.example ended",
        ],
    );
    assert_eq!((systems.in_dbt().as_str(), systems.in_home()), ("active", vec!["disabled".to_owned()]));
    // With the consent it goes there too; and the number that was agreed to for all is enough for fewer.
    let accept = ["offboard", MALLORY, "--auto-approve", "--accept", "irreversible.user=1"];
    systems.run(&accept, &["BI_TOKEN"]).ended(5);
    assert_eq!(systems.in_dbt(), "disabled");
    systems.run(&accept[..3], &[]).ended(0);
}

/// Where no file knows somebody, no block reaches them: who still has an account there is said.
#[test]
fn who_is_in_no_file_of_a_system_is_looked_for_there() {
    let systems = Systems::start("  mallory@x.example: {at: {home: {role: developer}}}\n");
    systems.run(&["apply", "--auto-approve"], &[]).ended(0);
    let output = systems.run(&["offboard", MALLORY], &[]).ended(0).text();
    has(&output, &["No file knows mallory@x.example there", "  dbt  active, DEVELOPER\n", "  bi  active\n"]);
    let output = systems.run(&["offboard", MALLORY, "--auto-approve"], &["BI_TOKEN"]).ended(5).text();
    has(
        &output,
        &[
            "  dbt  active, DEVELOPER\n",
            "`users: {mallory@x.example: {at: {dbt: {}}}}`",
            "Whether they have an account there is not known: bi (the variable BI_TOKEN",
        ],
    );
    assert_eq!((systems.in_dbt().as_str(), systems.in_home()), ("active", vec!["disabled".to_owned()]));
    // In no file at all: nothing can be written, and where they are is said.
    let eve = json!({"users": [{"email": "eve@x.example", "role": "ANALYST"}]}).to_string();
    let head = format!("authorization: Bearer {TOKEN}\r\n");
    http(systems.dbt.addr(), "POST", "/sandbox/things", &head, &eve);
    let output = systems.run(&["offboard", "eve@x.example", "--auto-approve"], &["BI_TOKEN"]).ended(1).text();
    has(&output, &["nobody is declared as eve@x.example", "dbt (active, ANALYST)", "could not be looked at: bi ("]);
    // Gone there as well, nothing is left to say.
    let gone = json!({"disable": [MALLORY]}).to_string();
    http(systems.dbt.addr(), "POST", "/sandbox/things", &head, &gone);
    let output = systems.run(&["offboard", MALLORY, "--auto-approve"], &[]).ended(5).text();
    assert!(!output.contains("dbt  active"), "{output}");
    has(&output, &["  bi  active\n"]);
}
