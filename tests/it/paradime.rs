//! Paradime end to end: the built binary against the sandbox, as a user would run it. What the workspace holds
//! is looked at by a client of a few lines that shares no code with rolecall.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use rolecall::apply::{Fate, Report};
use rolecall::invariants::Answer;
use rolecall::model::Change;
use rolecall::plan::{Note, TargetPlan};
use rolecall::sandbox::fault::TRANSPORT;
use rolecall::sandbox::paradime::faults::FAULTS;
use rolecall::sandbox::paradime::{BASE, Options, serve};
use rolecall::sandbox::{Handle, Spec};
use serde_json::{Value, json};

use super::common::*;

const TOKEN: &str = "prdm_wsp_canary-4b1d";
const COMPANY: &str = "prdm_cmp_canary-4b1d";

/// A workspace, and a folder with a declaration of it.
struct Paradime {
    env: TestEnv,
    handle: Handle,
    token: String,
}

/// Role and standing of everybody, by address.
type People = BTreeMap<String, (String, String)>;

impl Paradime {
    fn open(token: &str, things: &str, adjust: impl FnOnce(&mut Options)) -> Self {
        let env = TestEnv::new();
        env.write("things.txt", things);
        let mut options = Options::new(token).unwrap();
        options.things = Some(env.file("things.txt"));
        adjust(&mut options);
        Self { handle: serve(&options).unwrap(), env, token: token.to_owned() }
    }

    /// With these things on its screens, opened by a workspace token.
    fn with(things: &str) -> Self {
        Self::open(TOKEN, things, |_| {})
    }

    /// Declares the workspace: what stands below the target, and everything else.
    fn declare_with(&self, credentials: &str, target: &str, rest: &str) {
        let text = format!(
            "version: 1\ntargets:\n  dbt:\n    provider: paradime\n    url: ${{PARADIME_API_ENDPOINT}}\n    credentials: {credentials}\n{target}{rest}"
        );
        self.env.write("rolecall.yaml", &text);
    }

    fn declare(&self, rest: &str) {
        self.declare_with("{token: '${PARADIME_TOKEN}'}", "    manage: {users: authoritative}\n", rest);
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = self.env.command(args);
        command.env("PARADIME_TOKEN", &self.token).env("PARADIME_API_ENDPOINT", self.handle.url());
        command.env("NOTHING", "canary-nothing");
        let output = Output::of(command.output().unwrap());
        assert!(!output.text().contains("canary"), "a secret is shown: {}", output.text());
        output
    }

    #[track_caller]
    fn plan(&self, args: &[&str]) -> TargetPlan {
        let output = self.run(&[&["plan", "--json"], args].concat());
        let mut plan: rolecall::plan::Plan =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"));
        plan.targets.remove(0)
    }

    #[track_caller]
    fn apply(&self, args: &[&str]) -> Output {
        self.run(&[&["apply", "--auto-approve"], args].concat()).ended(0)
    }

    /// Applies, with the consents that the plan asks for.
    fn apply_with_consents(&self) -> Output {
        let shown = self.run(&["plan", "--json"]);
        let mut args = vec!["apply".to_owned(), "--auto-approve".to_owned(), "--json".to_owned()];
        if let Ok(plan) = serde_json::from_str::<rolecall::plan::Plan>(&shown.stdout) {
            for verdict in plan.targets[0].guards.iter().filter(|v| v.answer == Answer::Violated) {
                let help = verdict.help.as_deref().unwrap_or_default();
                if let Some(consent) = help.split("--accept ").nth(1).and_then(|rest| rest.split([' ', ';']).next()) {
                    args.extend(["--accept".to_owned(), consent.to_owned()]);
                }
            }
        }
        self.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[track_caller]
    fn is_converged(&self) {
        self.run(&["plan", "--detailed-exitcode"]).ended(0);
    }

    fn head(&self) -> String {
        format!("authorization: Bearer {}\r\n", self.token)
    }

    /// What somebody does on Paradime's screens.
    #[track_caller]
    fn by_hand(&self, things: &Value) {
        let (status, _, body) = http(self.handle.addr(), "POST", "/sandbox/things", &self.head(), &things.to_string());
        assert_eq!(status, Some(204), "{}", String::from_utf8_lossy(&body));
    }

    fn people(&self) -> People {
        let (_, _, body) = http(self.handle.addr(), "GET", "/sandbox/things", &self.head(), "");
        let shown: Value = serde_json::from_slice(&body).unwrap();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let accounts = shown["workspaces"][0]["accounts"].as_array().unwrap().iter();
        accounts.map(|a| (text(&a["email"]).to_lowercase(), (text(&a["role"]), text(&a["standing"])))).collect()
    }

    #[track_caller]
    fn is(&self, email: &str, role: &str, standing: &str) {
        assert_eq!(self.people().get(email), Some(&(role.to_owned(), standing.to_owned())), "{email}");
    }

    /// How often each address was invited, by the audit log.
    fn invitations(&self) -> BTreeMap<String, usize> {
        let query = json!({"query": "{ getAuditLogs { auditLogs { eventType metadataJson } } }"}).to_string();
        let (_, _, body) = http(self.handle.addr(), "POST", BASE, &self.head(), &query);
        let log: Value = serde_json::from_slice(&body).unwrap();
        let log = log["data"]["getAuditLogs"]["auditLogs"].as_array().unwrap().clone();
        let invited = log.iter().filter(|e| e["eventType"] == "assumed_user_invited");
        tally(invited.map(|e| {
            let said: Value = serde_json::from_str(e["metadataJson"].as_str().unwrap()).unwrap();
            said["user"]["email"].as_str().unwrap().to_owned()
        }))
    }
}

fn words(plan: &TargetPlan) -> Vec<String> {
    let line = |c: &Change| format!("{} {}", word(c), c.object().name);
    plan.steps.iter().map(|s| line(&s.change)).collect()
}

#[track_caller]
fn note<'p>(plan: &'p TargetPlan, part: &str) -> &'p Note {
    let found = plan.notes.iter().find(|n| n.message.contains(part));
    found.unwrap_or_else(|| panic!("`{part}` is in none of {:#?}", plan.notes))
}

fn lacks_note(plan: &TargetPlan, part: &str) {
    assert!(plan.notes.iter().all(|n| !n.message.contains(part)), "`{part}` is in {:#?}", plan.notes);
}

fn report(output: &Output) -> Report {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output:?}"))
}

const ACME: &str = "
workspaces: [{name: analytics}, {name: finance, uid: a5s1d8f3g6h2j9k4}]
users:
  - {email: ada@acme.example, name: Ada, role: ADMIN}
  - {email: Ann@Acme.example, name: Ann, role: ADMIN}
  - {email: bo@acme.example, name: Bo, role: DEVELOPER}
  - {email: cy@acme.example, name: Cy, role: ANALYST}
  - {email: old@acme.example, name: Old, role: DEVELOPER, standing: disabled}
";

/// The users of [`ACME`], in the files; the third and the fourth as they are said.
fn acme(bo: &str, cy: &str, more: &str) -> String {
    format!(
        "users:\n  ada@acme.example: {{role: ADMIN}}\n  ann@acme.example: {{role: ADMIN}}\n  bo@acme.example: {bo}\n  cy@acme.example: {cy}\n{more}"
    )
}

const BO: &str = "{role: DEVELOPER}";
const CY: &str = "{role: ANALYST}";

#[test]
fn what_is_imported_is_there_already() {
    let paradime = Paradime::with(ACME);
    paradime.by_hand(&json!({"users": [{"email": "in@acme.example", "role": "BUSINESS", "standing": "invited"},
        {"email": "late@acme.example", "role": "BUSINESS", "standing": "expired"},
        {"email": "test@acme.example", "role": "SANDBOX_USER"}, {"email": "new@acme.example", "role": "ENGINEER"}]}));
    paradime.declare("");
    let output = paradime.run(&["import", "--target", "dbt", "--into", "imported"]).ended(0);
    has(&output.text(), &["2 accounts have roles", "test@acme.example (SANDBOX_USER)", "new@acme.example (ENGINEER)"]);
    let output = paradime.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    has(&output.text(), &["the invitation of late@acme.example has run out", "the tab of pending users, resend"]);
    let files = paradime.env.read("imported/rolecall.yaml");
    let all: String = std::fs::read_dir(paradime.env.file("imported"))
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(!all.contains("old@acme.example"), "who is disabled is in no list");
    assert!(!all.contains("SANDBOX_USER"), "a role that nobody may give is in no file: {files}");
    paradime.handle.set_faults(&["odd-status"]).unwrap();
    let output = paradime.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
    has(&output.text(), &["the status `QUEUED`, which rolecall does not know"]);
    paradime.handle.set_faults(&["changed-names"]).unwrap();
    paradime.run(&["-f", "imported", "plan", "--detailed-exitcode"]).ended(0);
}

#[test]
fn the_whole_life_of_a_user() {
    let paradime = Paradime::with(ACME);
    let eve = |text: &str| paradime.declare(&acme(BO, CY, &format!("  eve@acme.example: {text}\n")));

    // Invited: the plan says what nobody can know, and what the invitation does not hold.
    eve("{name: Eve Jones, role: ANALYST, attributes: {team: east}}");
    let plan = paradime.plan(&[]);
    assert_eq!(words(&plan), ["invite-user eve@acme.example"]);
    let new = note(&plan, "eve@acme.example is in neither list of Paradime, and so new, or disabled before");
    has(new.help.as_deref().unwrap(), &["the tab Disabled", "Enable user"]);
    has(
        &note(&plan, "by hand: when they have come, give eve@acme.example the team label `east`").message,
        &["not show"],
    );
    paradime.apply(&[]);
    paradime.is("eve@acme.example", "ANALYST", "invited");
    paradime.is_converged();
    assert_eq!(paradime.plan(&[]).pending, ["eve@acme.example"]);

    // The role of an invitation cannot be changed: a step by hand, which vanishes with the acceptance.
    eve("{role: DEVELOPER}");
    let plan = paradime.plan(&[]);
    assert!(plan.steps.is_empty());
    note(&plan, "by hand: invite eve@acme.example as DEVELOPER: the invitation that there is says ANALYST");
    paradime.by_hand(&json!({"expire": ["eve@acme.example"]}));
    let plan = paradime.plan(&[]);
    assert_eq!((plan.steps.len(), plan.expired_invitations.len()), (0, 1), "it is not sent again");
    has(note(&plan, "has run out, and is not sent again").help.as_deref().unwrap(), &["Account Settings > Team"]);
    paradime.by_hand(&json!({"resend": ["eve@acme.example"]}));
    lacks_note(&paradime.plan(&[]), "has run out");
    paradime.by_hand(&json!({"accept": ["eve@acme.example"]}));
    let plan = paradime.plan(&[]);
    lacks_note(&plan, "by hand");
    assert_eq!(words(&plan), ["update-user eve@acme.example"]);
    paradime.apply(&[]);
    paradime.is("eve@acme.example", "DEVELOPER", "active");

    // Her name is hers: a step by hand, which is stable, and vanishes when it is done.
    eve("{name: Eve Jones, role: DEVELOPER}");
    for _ in 0..2 {
        let plan = paradime.plan(&[]);
        assert!(plan.steps.is_empty());
        note(&plan, "by hand: the name of eve@acme.example is `Eve`, and `Eve Jones` in the files");
    }
    paradime.by_hand(&json!({"users": [{"email": "eve@acme.example", "name": "Eve Jones"}]}));
    lacks_note(&paradime.plan(&[]), "by hand");
    paradime.is_converged();

    // Blocked: at once, without a consent; and back only by hand.
    paradime.declare(&acme(
        BO,
        CY,
        "  eve@acme.example: {role: DEVELOPER}\nblocks: [{user: eve@acme.example, because: INC-77}]\n",
    ));
    assert_eq!(words(&paradime.plan(&[])), ["disable-user eve@acme.example"]);
    paradime.apply(&[]);
    paradime.is("eve@acme.example", "DEVELOPER", "disabled");
    paradime.is_converged();
    eve("{role: DEVELOPER}");
    note(&paradime.plan(&[]), "new, or disabled before");
    let output = paradime.run(&["apply", "--auto-approve"]).ended(5);
    has(&output.text(), &["Paradime says: User is disabled."]);
    paradime.by_hand(&json!({"enable": ["eve@acme.example"]}));
    paradime.is_converged();

    // She leaves, for good as far as the API goes: only with a consent.
    eve("{role: DEVELOPER, state: disabled}");
    paradime.run(&["apply", "--auto-approve"]).ended(3).says(&["--accept irreversible.user=1"]);
    paradime.is("eve@acme.example", "DEVELOPER", "active");
    paradime.apply(&["--accept", "irreversible.user=1"]);
    paradime.is("eve@acme.example", "DEVELOPER", "disabled");
    paradime.is_converged();
    paradime.run(&["history", "verify"]).ended(0);
    assert_eq!(paradime.invitations(), BTreeMap::from([("eve@acme.example".to_owned(), 1)]));
}

/// Who is in no file goes where that is said: disabling is all that there is, whatever it is called.
#[test]
fn who_is_not_declared_is_disabled() {
    for policy in ["", "policies: {removal: {users: delete}}\n"] {
        let paradime = Paradime::with(ACME);
        paradime.by_hand(&json!({"users": [{"email": "in@acme.example", "standing": "invited"}]}));
        let files = acme(BO, CY, policy).replace("  cy@acme.example: {role: ANALYST}\n", "");
        paradime.declare(&files);
        assert_eq!(words(&paradime.plan(&[])), ["disable-user cy@acme.example"]);
        paradime.run(&["apply", "--auto-approve"]).ended(3);
        let accept = ["--accept", "irreversible.user=1", "--accept", "takeover.user=1"];
        paradime.apply(&accept);
        paradime.is("cy@acme.example", "ANALYST", "disabled");
        paradime.is("in@acme.example", "BUSINESS", "invited");
        paradime.is_converged();
        // A block cannot take an invitation back either, and says so.
        paradime.declare(
            &format!("{files}blocks: [{{user: in@acme.example}}]\n")
                .replace("  bo@acme.example", "  in@acme.example: {role: BUSINESS}\n  bo@acme.example"),
        );
        note(&paradime.plan(&[]), "by hand: withdraw the invitation of in@acme.example, which the API cannot");
    }
}

/// One list is a reading; a change is a request and a list; ten changes share one list before them.
#[test]
fn every_kind_of_change_takes_as_many_requests_as_was_foretold() {
    let paradime = Paradime::with(ACME);
    paradime.declare(&acme(
        "{role: ANALYST}",
        "{role: ANALYST, state: disabled}",
        "  eve@acme.example: {role: BUSINESS}\n",
    ));
    let plan = paradime.plan(&["--accept", "irreversible.user=1"]);
    let mut seen = words(&plan);
    seen.sort();
    assert_eq!(seen, ["disable-user cy@acme.example", "invite-user eve@acme.example", "update-user bo@acme.example"]);
    let waves: BTreeSet<u32> = plan.steps.iter().map(|s| s.wave).collect();
    let formula = 1 + (2 * plan.steps.len() + waves.len()) as u64;
    assert_eq!(plan.forecast.as_ref().unwrap().requests, formula);
    paradime.handle.forget_requests();
    paradime.run(&["plan"]);
    assert_eq!(paradime.handle.count(), 1, "a plan is one request");
    paradime.handle.forget_requests();
    let output = paradime.apply(&["--json", "--accept", "irreversible.user=1"]);
    assert_eq!(paradime.handle.count(), formula);
    assert_eq!(report(&output).targets[0].requests, Some(formula));
    paradime.is("bo@acme.example", "ANALYST", "active");
    paradime.is("cy@acme.example", "ANALYST", "disabled");
    paradime.is("eve@acme.example", "BUSINESS", "invited");
    paradime.is_converged();

    // Twenty-three people in one wave: three batches.
    let many: String = (0..23).map(|n| format!("  n{n:02}@acme.example: {{role: BUSINESS}}\n")).collect();
    paradime.declare(&acme(
        "{role: ANALYST}",
        "{role: ANALYST, state: disabled}",
        &(many + "  eve@acme.example: {role: BUSINESS}\n"),
    ));
    assert_eq!(paradime.plan(&[]).forecast.unwrap().requests, 1 + 46 + 3);
    paradime.handle.forget_requests();
    paradime.apply(&[]);
    assert_eq!(paradime.handle.count(), 50);
    paradime.is_converged();
}

#[test]
fn what_does_not_fit_together_is_said_before_anything_is_sent() {
    let paradime = Paradime::with(ACME);
    for (credentials, target, said) in [
        ("{key: '${PARADIME_TOKEN}'}", "", "without its `secret`"),
        ("{secret: '${NOTHING}'}", "", "needs the `key`"),
        ("{key: '${NOTHING}', secret: '${PARADIME_TOKEN}'}", "", "stands alone"),
        ("{token: '${PARADIME_TOKEN}'}", "    settings: {workspace: a5s1d8f3g6h2j9k4}\n", "is for account tokens"),
        ("{token: '${PARADIME_TOKEN}'}", "    settings: {audit_log: perhaps}\n", "`audit_log: perhaps` means nothing"),
        ("{token: '${PARADIME_TOKEN}', secret: '${PARADIME_TOKEN}'}", "", "both `secret` and `token`"),
    ] {
        paradime.declare_with(credentials, target, &acme(BO, CY, ""));
        paradime.run(&["plan"]).ended(1).says(&[said]);
    }
    assert_eq!(paradime.handle.count(), 0);
    // An address that would carry the token unencrypted to somebody else.
    paradime.declare(&acme(BO, CY, ""));
    paradime.env.edit("rolecall.yaml", "${PARADIME_API_ENDPOINT}", "http://api.paradime.example/api/v1/x/graphql");
    paradime.run(&["plan"]).ended(1).says(&["is reached by https:// only"]);
    // And what the server says of a token that is none.
    let other = Paradime { token: "prdm_wsp_canary-other".to_owned(), ..paradime };
    other.declare(&acme(BO, CY, ""));
    other.run(&["plan"]).ended(1).says(&["what opens it is not accepted"]);
}

#[test]
fn a_key_with_its_secret_opens_it_as_well() {
    let paradime = Paradime::open("canary-secret-1", ACME, |o| o.key = "canary-key-1".to_owned());
    paradime.declare_with("{key: THEKEY, secret: '${PARADIME_TOKEN}'}", "", &acme("{role: ANALYST}", CY, ""));
    paradime.env.edit("rolecall.yaml", "{key: THEKEY,", "{key: \"${THE_KEY}\",");
    let run = |args: &[&str]| {
        let mut command = paradime.env.command(args);
        command.env("PARADIME_TOKEN", &paradime.token).env("PARADIME_API_ENDPOINT", paradime.handle.url());
        command.env("THE_KEY", "canary-key-1");
        Output::of(command.output().unwrap())
    };
    run(&["apply", "--auto-approve"]).ended(0);
    assert!(paradime.handle.requests().iter().all(|r| r.status == Some(200)));
    run(&["plan", "--detailed-exitcode"]).ended(0);
}

/// Several workspaces are several targets that share one declaration of people.
#[test]
fn an_account_token_opens_several_workspaces() {
    let paradime = Paradime::open(COMPANY, ACME, |_| {});
    let company = "{token: '${PARADIME_TOKEN}'}";
    paradime.declare_with(company, "", &acme(BO, CY, ""));
    for command in [&["plan"][..], &["import", "--target", "dbt", "--into", "x"]] {
        paradime.run(command).ended(1).says(&["none is named", "a5s1d8f3g6h2j9k4 (finance)", "(analytics)"]);
    }
    paradime.handle.set_faults(&["no-workspace-list"]).unwrap();
    paradime.run(&["plan"]).ended(1).says(&["none is named", "does not list them here"]);
    paradime.handle.set_faults(&[]).unwrap();
    paradime.declare_with(company, "    settings: {workspace: zzzzzzzzzzzzzzzz}\n", &acme(BO, CY, ""));
    paradime.run(&["plan"]).ended(1).says(&["opens no workspace `zzzzzzzzzzzzzzzz`", "a5s1d8f3g6h2j9k4 (finance)"]);

    paradime.env.write(
        "rolecall.yaml",
        "version: 1
targets:
  dbt: {provider: paradime, url: \"${PARADIME_API_ENDPOINT}\", credentials: {token: \"${PARADIME_TOKEN}\"}, settings: {workspace: \"${FIRST}\"}, labels: [all]}
  fin: {provider: paradime, url: \"${PARADIME_API_ENDPOINT}\", credentials: {token: \"${PARADIME_TOKEN}\"}, settings: {workspace: a5s1d8f3g6h2j9k4}, labels: [all]}
roles:
  lead: {as: {all: ADMIN}}
  maker: {as: {dbt: DEVELOPER, fin: BUSINESS}}
users:
  ada@acme.example: {role: lead}
  bo@acme.example: {role: maker}
",
    );
    let (_, _, body) = http(paradime.handle.addr(), "GET", "/sandbox/things", &paradime.head(), "");
    let first = serde_json::from_slice::<Value>(&body).unwrap()["workspaces"][0]["uid"].as_str().unwrap().to_owned();
    let run = |args: &[&str]| {
        let mut command = paradime.env.command(args);
        command.env("PARADIME_TOKEN", COMPANY).env("PARADIME_API_ENDPOINT", paradime.handle.url()).env("FIRST", &first);
        Output::of(command.output().unwrap())
    };
    run(&["plan", "--target", "dbt", "--detailed-exitcode"]).ended(0);
    run(&["apply", "--auto-approve"]).ended(0);
    let (_, _, body) = http(paradime.handle.addr(), "GET", "/sandbox/things", &paradime.head(), "");
    let accounts = serde_json::from_slice::<Value>(&body).unwrap()["workspaces"][1]["accounts"].take();
    let accounts: Vec<(&str, &str)> = accounts
        .as_array()
        .unwrap()
        .iter()
        .map(|a| (a["email"].as_str().unwrap(), a["role"].as_str().unwrap()))
        .collect();
    assert_eq!(accounts, [("ada@acme.example", "ADMIN"), ("bo@acme.example", "BUSINESS")]);
    run(&["plan", "--detailed-exitcode"]).ended(0);
    run(&["import", "--target", "fin", "--into", "fin"]).ended(0).says(&["opens other workspaces as well: analytics"]);
}

#[test]
fn domains_are_steps_by_hand_and_who_joins_by_one_is_expected() {
    let paradime = Paradime::with(ACME);
    let files = acme(
        BO,
        CY,
        "domains:\n  acme.example: {role: BUSINESS}\npolicies: {invariants: {joiner-is-expected: warn}}\n",
    );
    paradime.declare(&files);
    for _ in 0..2 {
        let plan = paradime.plan(&[]);
        assert!(plan.steps.is_empty());
        let step = note(&plan, "by hand: let people of acme.example join by themselves");
        has(&step.message, &["they become BUSINESS", "which the API does not show"]);
        has(step.help.as_deref().unwrap(), &["Account Settings > Team", "Add a Domain"]);
        assert_eq!(step.rule.as_deref(), Some("unreachable-is-manual"));
    }
    paradime.by_hand(&json!({"domains": ["acme.example"], "join": ["joy@acme.example"]}));
    let plan = paradime.plan(&[]);
    assert!(plan.steps.is_empty());
    note(&plan, "joy@acme.example came in by an auto-join domain");
    paradime.declare(&files.replace("{role: BUSINESS}\npolicies", "{role: ANALYST}\npolicies"));
    note(&paradime.plan(&[]), "they become BUSINESS, and not ANALYST as the files say");
}

#[test]
fn what_rolecall_does_not_know_is_left_alone() {
    let paradime = Paradime::with(ACME);
    paradime.by_hand(&json!({"users": [{"email": "test@acme.example", "role": "SANDBOX_USER"},
        {"email": "eng@acme.example", "role": "ENGINEER"}, {"email": "in@acme.example", "standing": "invited"}]}));
    // Not declared, and users are authoritative: only what is known goes, and invitations by hand.
    paradime.declare(&acme(BO, CY, ""));
    let plan = paradime.plan(&[]);
    assert!(plan.steps.is_empty(), "{:#?}", plan.steps);
    note(&plan, "by hand: withdraw the invitation of in@acme.example");
    note(&plan, "2 accounts have roles");
    paradime.by_hand(&json!({"withdraw": ["in@acme.example"]}));
    lacks_note(&paradime.plan(&[]), "by hand");
    // Declared with another role: by hand. Declared as disabled, or blocked: done.
    paradime.declare(&acme(BO, CY, "  eng@acme.example: {role: ANALYST}\n  test@acme.example: {role: ANALYST}\nblocks: [{user: test@acme.example}]\n"));
    let plan = paradime.plan(&[]);
    assert_eq!(words(&plan), ["disable-user test@acme.example"]);
    note(&plan, "by hand: make eng@acme.example ANALYST, who is ENGINEER: rolecall does not know that");
    paradime.apply(&[]);
    paradime.is("test@acme.example", "SANDBOX_USER", "disabled");
    paradime.is("eng@acme.example", "ENGINEER", "active");
    paradime.by_hand(&json!({"users": [{"email": "eng@acme.example", "role": "ANALYST"}]}));
    paradime.is_converged();
    // A role that nobody may give cannot be declared.
    paradime.declare(&acme("{role: SANDBOX_USER}", CY, ""));
    paradime.run(&["validate"]).ended(1).says(&["SANDBOX_USER"]);
}

#[test]
fn plans_seats_and_who_may_invite_whom() {
    let paradime = Paradime::with(ACME);
    let token = "{token: '${PARADIME_TOKEN}'}";
    // The plan with three roles.
    paradime.declare_with(token, "    settings: {plan: standard}\n", &acme(BO, CY, ""));
    paradime.run(&["validate"]).ended(1).says(&["ANALYST"]);
    paradime.declare_with(token, "    settings: {plan: standard}\n", &acme(BO, "{role: BUSINESS}", ""));
    note(&paradime.plan(&[]), "1 account has a role that this plan of Paradime does not publish");
    // Seats by class: four are active ones, and business users cost none.
    let seats = |n: usize| format!("    policies: {{seats: {{active: {n}}}}}\n");
    let more = "  eve@acme.example: {role: DEVELOPER}\n  fay@acme.example: {role: BUSINESS}\n";
    paradime.declare_with(token, &seats(4), &acme(BO, CY, more));
    let output = paradime.run(&["plan"]).ended(3);
    has(&output.text(), &["seats-fit", "5 users need a seat of the class `active`, and there are 4"]);
    paradime.declare_with(token, &seats(5), &acme(BO, CY, more));
    assert_eq!(words(&paradime.plan(&[])).len(), 2);
    // Who applies may not give everything, and may give what is more than their own.
    let acting = |who: &str| format!("    identity: {who}@acme.example\n");
    paradime.declare_with(token, &acting("bo"), &acme(BO, CY, "  eve@acme.example: {role: WORKSPACE_ADMIN}\n"));
    paradime.run(&["apply", "--auto-approve"]).ended(3);
    let plan = paradime.plan(&[]);
    let stop = plan.guards.iter().find(|v| v.rule == "no-escalation").unwrap();
    assert_eq!(stop.answer, Answer::Violated);
    has(&stop.message, &["bo@acme.example, who applies, may not give WORKSPACE_ADMIN to eve@acme.example"]);
    paradime.by_hand(&json!({"users": [{"email": "bo@acme.example", "role": "WORKSPACE_SETTINGS_ADMIN"}]}));
    let bo = "{role: WORKSPACE_SETTINGS_ADMIN}";
    paradime.declare_with(token, &acting("bo"), &acme(bo, CY, "  eve@acme.example: {role: WORKSPACE_ADMIN}\n"));
    let plan = paradime.plan(&[]);
    assert!(!plan.is_blocked(), "{:#?}", plan.guards);
    let odd = note(&plan, "more than their own role");
    has(&odd.message, &["WORKSPACE_ADMIN to eve@acme.example", "WORKSPACE_SETTINGS_ADMIN"]);
    assert_eq!(odd.rule.as_deref(), Some("no-escalation"));
}

/// As who is signed in, Paradime refuses what the table does not let them give: one is set aside, the rest goes on.
#[test]
fn a_refused_invitation_holds_back_nobody_else() {
    let paradime = Paradime::open(TOKEN, ACME, |o| o.acting = Some("DEVELOPER".to_owned()));
    paradime.declare(&acme(BO, CY, "  eve@acme.example: {role: ADMIN}\n  fay@acme.example: {role: ANALYST}\n"));
    let output = paradime.run(&["apply", "--auto-approve"]).ended(5);
    has(&output.text(), &["DEVELOPER cannot invite users as ADMIN."]);
    assert!(!paradime.people().contains_key("eve@acme.example"));
    paradime.is("fay@acme.example", "ANALYST", "invited");
}

#[test]
fn the_audit_log_tells_who_did_it() {
    let paradime = Paradime::with(ACME);
    paradime.by_hand(&json!({"by": "ann@acme.example", "users": [{"email": "bo@acme.example", "role": "BUSINESS"}],
        "disable": ["cy@acme.example"]}));
    let target = |audit: bool| format!("    settings: {{audit_log: {audit}}}\n");
    let token = "{token: '${PARADIME_TOKEN}'}";
    paradime.declare_with(token, &target(false), &acme(BO, CY, ""));
    lacks_note(&paradime.plan(&[]), "audit log");
    paradime.declare_with(token, &target(true), &acme(BO, CY, ""));
    for fault in ["iso-audit", "object-metadata"] {
        paradime.handle.set_faults(&[fault]).unwrap();
        let plan = paradime.plan(&[]);
        let said = note(&plan, "the last entry of the audit log that names bo@acme.example");
        has(
            &said.message,
            &["`assumed_account_type_updated` by ann@acme.example at 20", "workspace analytics", "is inferred"],
        );
        note(&plan, "the last entry of the audit log that names cy@acme.example: `assumed_user_disabled`");
    }
    paradime.run(&["drift"]).ended(2).says(&[
        "~ user bo@acme.example  role DEVELOPER -> BUSINESS",
        "the log of the target says: assumed_account_type_updated by ann@acme.example at 20",
        "that this is about it is inferred",
    ]);
    paradime.handle.set_faults(&["no-audit"]).unwrap();
    paradime.run(&["drift"]).ended(2).says(&["who did what cannot be told", "~ user bo@acme.example"]);
    let plan = paradime.plan(&[]);
    has(note(&plan, "the audit log cannot be read").help.as_deref().unwrap(), &["Security pack"]);
    assert_eq!(words(&plan).len(), 2, "and the plan is the same");
    // What was not asked is not there: nothing differs, so nothing is asked.
    paradime.handle.set_faults(&[]).unwrap();
    paradime
        .by_hand(&json!({"users": [{"email": "bo@acme.example", "role": "DEVELOPER"}], "enable": ["cy@acme.example"]}));
    paradime.handle.forget_requests();
    paradime.is_converged();
    assert_eq!(paradime.handle.count(), 1);
}

#[test]
fn a_wrong_list_removes_nothing() {
    let paradime = Paradime::with(ACME);
    paradime.declare(&acme("{role: ANALYST}", CY, ""));
    // What breaks off is no list.
    for fault in ["null-lists", "null-result", "not-ok", "graphql-error", "no-capability", "error-before=500"] {
        paradime.handle.set_faults(&[fault]).unwrap();
        paradime.run(&["plan"]).ended(1).says(&["cannot be read"]);
        paradime.run(&["apply", "--auto-approve"]).ended(1);
    }
    paradime.handle.set_faults(&[]).unwrap();
    paradime.is("bo@acme.example", "DEVELOPER", "active");
    paradime.apply(&[]);
    // A list that is much shorter than the last one removes nothing.
    let many: Vec<Value> = (0..36).map(|n| json!({"email": format!("n{n:02}@acme.example")})).collect();
    paradime.by_hand(&json!({"users": many}));
    let many: String = (0..36).map(|n| format!("  n{n:02}@acme.example: {{role: BUSINESS}}\n")).collect();
    paradime.declare(&acme(BO, CY, &many));
    paradime.apply(&[]);
    paradime.declare(&acme(BO, "{role: ANALYST, state: disabled}", &many));
    paradime.handle.set_faults(&["half-list=40"]).unwrap();
    let output = paradime.run(&["plan", "--accept", "irreversible.user=1"]).ended(3);
    has(&output.text(), &["read-is-whole", "and 40 the last time"]);
    // Nor does it invite those whom it does not show.
    paradime.declare(&acme(BO, CY, &many));
    paradime.handle.set_faults(&["half-list=40"]).unwrap();
    let output = paradime.run(&["apply", "--auto-approve"]).ended(3);
    has(&output.text(), &["read-is-whole", "and 40 the last time", "new accounts", "--accept shrunk.user="]);
    paradime.handle.set_faults(&[]).unwrap();
    assert_eq!(paradime.invitations(), BTreeMap::new(), "nobody was invited");
    paradime.is_converged();
}

/// An account without an identifier is there: it is not invited again, and not said to be disabled.
#[test]
fn an_account_without_an_identifier_is_left_alone() {
    let paradime = Paradime::with(ACME);
    paradime.declare(&acme(BO, CY, ""));
    paradime.is_converged();
    paradime.handle.set_faults(&["no-uid"]).unwrap();
    let plan = paradime.plan(&[]);
    note(&plan, "the account of cy@acme.example shows no identifier, and is left alone");
    let stop = plan.guards.iter().find(|v| v.answer == Answer::Violated).unwrap();
    has(&stop.message, &["cy@acme.example has an account of Paradime already, which shows no identifier"]);
    paradime.run(&["apply", "--auto-approve"]).ended(3);
    // Seen with one when it was planned, and without when it is to be done.
    paradime.handle.set_faults(&["no-uid,after=1"]).unwrap();
    paradime.declare(&acme(BO, "{role: ANALYST, state: disabled}", ""));
    let output = paradime.run(&["apply", "--auto-approve", "--accept", "irreversible.user=1"]).ended(5);
    has(&output.text(), &["the account of cy@acme.example shows no identifier"]);
    paradime.is("cy@acme.example", "ANALYST", "active");
    assert_eq!(paradime.invitations(), BTreeMap::new());
}

/// The token is nowhere: not in what is printed, traced, recorded, planned or remembered; and neither is what
/// stands for the company in the address.
#[test]
fn the_token_is_nowhere() {
    let paradime = Paradime::with(ACME);
    paradime.declare(&acme("{role: ANALYST}", CY, "  eve@acme.example: {role: BUSINESS}\n"));
    let with = |args: &[&str], token: &str| {
        let mut command = paradime.env.command(args);
        let url = format!("{}?company=canary-company", paradime.handle.url());
        command.env("PARADIME_TOKEN", token).env("PARADIME_API_ENDPOINT", url).env("RUST_LOG", "trace");
        Output::of(command.output().unwrap())
    };
    let commands: [&[&str]; 14] = [
        &["validate"],
        &["--record", "rec-plan", "plan", "--out", "saved.json"],
        &["plan", "--json"],
        &["--record", "rec-apply", "apply", "--auto-approve"],
        &["--record", "rec-import", "import", "--target", "dbt", "--into", "live"],
        &["review"],
        &["history"],
        &["who", "ide.access", "--live"],
        &["explain", "bo@acme.example", "--live"],
        &["can", "bo@acme.example", "ide.access"],
        &["test"],
        &["catalogue", "paradime"],
        &["rules"],
        &["schema"],
    ];
    let mut traced = 0;
    for args in commands {
        let output = with(args, TOKEN);
        assert!(!output.text().contains("canary"), "{args:?}: {}", output.text());
        traced += output.stderr.matches("method=\"").count();
    }
    assert!(traced > 8, "requests are traced: {traced}");
    paradime.is("eve@acme.example", "BUSINESS", "invited");
    let output = with(&["plan"], "prdm_wsp_canary-wrong").ended(1);
    assert!(!output.text().contains("canary"), "{}", output.text());
    paradime.handle.set_faults(&["closed-before"]).unwrap();
    let output = with(&["plan"], TOKEN).ended(1);
    assert!(!output.text().contains("canary"), "{}", output.text());
    let mut looked_at = 0;
    let mut folders = vec![paradime.env.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{}", path.display());
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "{looked_at} files: the plan, the store and the recordings among them");
    // And a recording is enough to see the same, without the server and without the token.
    let output = Output::of(paradime.env.command(&["--replay", "rec-plan", "plan", "--json"]).output().unwrap());
    let again: rolecall::plan::Plan = serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e} {output:?}"));
    let saved: rolecall::plan::Plan = serde_json::from_str(&paradime.env.read("saved.json")).unwrap();
    assert_eq!(again.digest, saved.digest);
}

/// Killed in the middle, an apply is gone on with: nobody is invited twice, and the ledger tells of all.
#[test]
fn killed_and_resumed() {
    let many: String = (0..25).map(|n| format!("  n{n:02}@acme.example: {{role: BUSINESS}}\n")).collect();
    for requests in [2, 3, 4, 12, 23, 40] {
        let paradime = Paradime::with(ACME);
        paradime.declare(&acme("{role: ANALYST}", CY, &many));
        paradime.handle.set_faults(&["slow=10"]).unwrap();
        let mut command = paradime.env.command(&["apply", "--auto-approve"]);
        command.env("PARADIME_TOKEN", TOKEN).env("PARADIME_API_ENDPOINT", paradime.handle.url());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("it has sent some requests", || paradime.handle.count() >= requests);
        child.kill().unwrap();
        child.wait().unwrap();
        paradime.handle.set_faults(&[]).unwrap();
        paradime.apply(&[]);
        paradime.is("bo@acme.example", "ANALYST", "active");
        let invited = paradime.invitations();
        assert_eq!((invited.len(), invited.values().max()), (25, Some(&1)), "killed after {requests} requests");
        paradime.is_converged();
        paradime.run(&["history", "verify"]).ended(0);
    }
}

/// A kind of change, as it is declared, and what it leads to.
struct Kind {
    name: &'static str,
    bo: &'static str,
    cy: &'static str,
    more: &'static str,
    after: fn(&mut People),
}

fn set(people: &mut People, email: &str, role: &str, standing: &str) {
    people.insert(email.to_owned(), (role.to_owned(), standing.to_owned()));
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "invite",
        bo: BO,
        cy: CY,
        more: "  eve@acme.example: {role: BUSINESS}\n",
        after: |p| set(p, "eve@acme.example", "BUSINESS", "invited"),
    },
    Kind {
        name: "change-role",
        bo: "{role: ANALYST}",
        cy: CY,
        more: "",
        after: |p| set(p, "bo@acme.example", "ANALYST", "active"),
    },
    Kind {
        name: "disable",
        bo: BO,
        cy: "{role: ANALYST, state: disabled}",
        more: "",
        after: |p| set(p, "cy@acme.example", "ANALYST", "disabled"),
    },
    Kind {
        name: "all",
        bo: "{role: ANALYST}",
        cy: "{role: ANALYST, state: disabled}",
        more: "  eve@acme.example: {role: BUSINESS}\n  fay@acme.example: {role: ADMIN}\n",
        after: |p| {
            set(p, "bo@acme.example", "ANALYST", "active");
            set(p, "cy@acme.example", "ANALYST", "disabled");
            set(p, "eve@acme.example", "BUSINESS", "invited");
            set(p, "fay@acme.example", "ADMIN", "invited");
        },
    },
];

/// The switch as the matrix turns it on: so often that something goes wrong with a write (the third request is
/// the first that writes), and not so often that nothing but waiting is tested.
fn switch(spec: &Spec) -> String {
    match spec.name {
        "throttle" | "throttle-date" => format!("{}=1,every=3", spec.name),
        "throttle-bare" | "truncated" | "error-before" | "error-after" | "closed-before" | "graphql-error"
        | "not-ok" | "null-result" | "null-lists" => format!("{},every=3", spec.name),
        "rate" => "rate=600".to_owned(),
        "slow" => "slow=30".to_owned(),
        "delayed" => "delayed=300".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether the state holds what a change leads to.
fn is_there(people: &People, change: &Change) -> bool {
    let role = |email: &str| people.get(email).map(|(role, _)| role.clone());
    match change {
        Change::InviteUser { user } => role(&user.email) == user.role,
        Change::UpdateUser { after, .. } => role(&after.email) == after.role,
        Change::DisableUser { user, .. } => people.get(&user.email).is_some_and(|(_, standing)| standing == "disabled"),
        other => panic!("{other:?}"),
    }
}

/// Applies one kind of change to a workspace with one fault; how the run ended.
fn case(spec: &Spec, kind: &Kind) -> i32 {
    let what = format!("{} x {}", spec.name, kind.name);
    let paradime = Paradime::with(ACME);
    let first = paradime.people();
    let mut wanted = first.clone();
    (kind.after)(&mut wanted);
    paradime.declare(&acme(kind.bo, kind.cy, kind.more));
    let consent = if kind.cy == CY { &[][..] } else { &["--accept", "irreversible.user=1"] };
    paradime.handle.set_faults(&[switch(spec).as_str()]).unwrap();
    let output = paradime.run(&[&["apply", "--auto-approve", "--json"], consent].concat());
    paradime.handle.set_faults(&[]).unwrap();
    let held = paradime.people();
    let code = output.code.unwrap();
    let all = output.text();
    match code {
        0 => assert_eq!(held, wanted, "{what}: said to be done\n{all}"),
        1 | 3 => assert_eq!(held, first, "{what}: nothing was to be done\n{all}"),
        5 => {
            let report = report(&output);
            let steps: Vec<_> = report.targets.iter().flat_map(|t| &t.steps).collect();
            assert!(steps.iter().any(|s| s.fate != Fate::Applied), "{what}: {all}");
            for step in steps {
                match step.fate {
                    Fate::Applied => assert!(is_there(&held, &step.change), "{what}: said to be done\n{all}"),
                    Fate::NotAttempted => assert!(!is_there(&held, &step.change), "{what}: said not to be\n{all}"),
                    _ => assert!(step.why.is_some(), "{what}: no reason\n{all}"),
                }
            }
        }
        other => panic!("{what}: exit {other}\n{all}"),
    }
    // Whatever it was, the next run ends it.
    if code != 0 {
        paradime.apply_with_consents().ended(0);
        assert_eq!(paradime.people(), wanted, "{what}: in the end");
    }
    paradime.is_converged();
    assert!(paradime.invitations().values().all(|n| *n == 1), "{what}: {:?}", paradime.invitations());
    code
}

/// Each fault with each kind of change where somebody has the minutes (`ROLECALL_FAULTS=all`); else with two of
/// them, others for each fault.
#[test]
fn every_fault_ends_in_the_desired_state_or_a_truthful_report() {
    // What a server hides and denies cannot be known: `a_wrong_list_removes_nothing`.
    let specs: Vec<&Spec> = TRANSPORT.iter().chain(FAULTS).copied().filter(|s| s.name != "half-list").collect();
    let all = std::env::var("ROLECALL_FAULTS").is_ok_and(|v| v == "all");
    let mut cases: Vec<(&Spec, &Kind)> = Vec::new();
    for (turn, spec) in specs.iter().enumerate() {
        cases.extend(
            KINDS.iter().enumerate().filter(|(n, _)| all || (n + turn) % 2 == 0).map(|(_, kind)| (*spec, kind)),
        );
    }
    let expected = cases.len();
    let queue = std::sync::Mutex::new(cases);
    let ends = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some((spec, kind)) = queue.lock().unwrap().pop() else { return };
                    let code = case(spec, kind);
                    ends.lock().unwrap().push((spec.name, kind.name, code));
                }
            });
        }
    });
    let ends = ends.into_inner().unwrap();
    assert_eq!(ends.len(), expected);
    // Those that keep somebody from the end, and must; all others are no reason not to get there.
    let harmful = [
        "error-before",
        "closed-before",
        "lost-write",
        "graphql-error",
        "not-ok",
        "null-result",
        "null-lists",
        "no-capability",
        "read-only-key",
        "no-uid",
    ];
    let bad: Vec<_> = ends.iter().filter(|(fault, _, code)| !harmful.contains(fault) && *code != 0).collect();
    assert!(bad.is_empty(), "{bad:?}");
    let never: Vec<_> = harmful.iter().filter(|h| ends.iter().all(|(f, _, code)| f != *h || *code == 0)).collect();
    assert!(never.is_empty(), "these do no harm: {never:?}");
}

#[test]
fn the_example_is_planned_and_applied() {
    let things = std::fs::read_to_string(example("paradime").join("things.yaml")).unwrap();
    let paradime = Paradime::with(&things);
    copy_example("paradime/declaration", &paradime.env);
    let consent = ["--accept", "irreversible.user=1"];
    let plan = paradime.plan(&consent);
    assert!(!plan.is_blocked(), "{:#?}", plan.guards);
    paradime.apply(&consent);
    paradime.is_converged();
    paradime.is("alan@acme.example", "DEVELOPER", "disabled");
    paradime.is("kay@acme.example", "ANALYST", "invited");
    paradime.is("emmy@acme.example", "BUSINESS", "active");
    paradime.is("grace@acme.example", "DEVELOPER", "active");
}

/// GraphQL refuses with a status of success. What it says then is shown without the token as well, also where
/// the text is cut within it.
#[test]
fn an_error_that_repeats_the_token_is_shown_without_it() {
    let token = "prdm_wsp_canary-7c1d";
    for before in [0, 290] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                use std::io::{Read, Write};
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let said = format!("{} {token} has expired", "x".repeat(before));
                let body = serde_json::json!({"errors": [{"message": said}]}).to_string();
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        let env = TestEnv::with(
            "version: 1\ntargets:\n  dbt: {provider: paradime, url: '${URL}', credentials: {token: '${TOKEN}'}}\nusers:\n  bo@acme.example: {role: ANALYST}\n",
        );
        let mut command = env.command(&["plan"]);
        let output =
            Output::of(command.env("URL", &url).env("TOKEN", token).env("RUST_LOG", "trace").output().unwrap());
        let said = output.ended(1).text();
        has(&said, &["Paradime says:"]);
        assert!(!said.contains("canary") && !said.contains("prdm_wsp_c"), "{said}");
    }
}
