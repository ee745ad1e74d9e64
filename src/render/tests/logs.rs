//! What became of plans, now and in the ledger.

use insta::assert_snapshot;

use super::fixture::{COLOR, NARROW, WIDE, every_change};
use crate::apply::{Fate, REPORT_FORMAT, Report, StepReport, TargetReport};
use crate::model::Moment;
use crate::render::{history_json, history_terminal, plan_json, report_terminal};
use crate::store::{ApplyEntry, ApplyInfo, Entry, NewApply, Outcome, Status};

fn report(status: &str, fates: &[(Fate, Option<&str>)]) -> Report {
    let count = |fate: Fate| fates.iter().filter(|(f, _)| *f == fate).count();
    let steps = every_change().into_iter().zip(fates).zip(1..);
    let one = TargetReport {
        notes: Vec::new(),
        level: None,
        requests: None,
        target: "home".into(),
        apply: 17,
        status: status.into(),
        applied: count(Fate::Applied),
        failed: count(Fate::Failed),
        set_aside: count(Fate::SetAside),
        unknown: count(Fate::Unknown),
        not_attempted: count(Fate::NotAttempted),
        steps: steps
            .map(|((change, (fate, why)), step)| StepReport { step, change, fate: *fate, why: why.map(str::to_owned) })
            .collect(),
    };
    let digest = format!("sha256:4f1c92ab{}", "0".repeat(56));
    Report { format: REPORT_FORMAT.into(), digest, refused: None, targets: vec![one], unread: Vec::new() }
}

fn stopped() -> Report {
    let mut stopped = report(
        "partial",
        &[
            (Fate::Applied, None),
            (Fate::Applied, None),
            (Fate::Failed, Some("422: the role is\n in use")),
            (Fate::SetAside, Some("\u{1b}[31mthe account is blocked")),
            (Fate::Unknown, Some("the connection broke after the request was sent")),
            (Fate::NotAttempted, Some("an earlier change failed")),
            (Fate::NotAttempted, Some("an earlier change failed")),
            (Fate::NotAttempted, None),
        ],
    );
    stopped.targets[0].notes = vec!["2 other members were taken out\n of `\u{1b}core` as well".to_owned()];
    stopped
}

#[test]
fn a_report_of_success() {
    let done = report("complete", &[(Fate::Applied, None); 9]);
    assert_snapshot!(report_terminal::report(&done, WIDE), @r#"
Applied 9 of 9 changes to home.

sha256:4f1c92ab…
"#);
    let one = report("complete", &[(Fate::Applied, None)]);
    assert_eq!(report_terminal::verdict(&one.targets[0]), "Applied 1 of 1 change to home.");
}

#[test]
fn a_report_of_a_stop() {
    assert_snapshot!(report_terminal::report(&stopped(), WIDE), @r#"
Stopped: 2 of 8 applied, 1 failed, 1 set aside, 1 with an unknown outcome, 3 not attempted (home, apply 17).
  note: 2 other members were taken out of `<U+001B>core` as well

  Failed (1)
    - role old  not declared
        422: the role is in use

  Nobody knows whether these were made (1)
    + user emmy@acme.com (developer)  invited
        the connection broke after the request was sent

  Set aside because of the principal (1)
    + user loader@acme.com (developer, service, until 2027-06-30, owner ada@acme.com, "Loader", Europe/Berlin,
        region=west, github acme-loader)
        <U+001B>[31mthe account is blocked

  Not attempted (3)
    an earlier change failed:
      ~ user grace@acme.com  role viewer -> developer, until none -> 2027-01-31, name none -> "Grace Hopper",
          attribute region none -> west
      ~ user kurt@acme.com -> kurt.g@acme.com  renamed
    + user sofia@acme.com (admin)  enabled

See to the principals that were set aside, or take them out of the files.
Run `rolecall apply` again: it continues from where reality stands.
It first finds out what became of the changes whose outcome is unknown.
sha256:4f1c92ab…
"#);
    assert_snapshot!(report_terminal::report(&stopped(), NARROW), @r#"
Stopped: 2 of 8 applied, 1 failed, 1 set aside, 1 with an
  unknown outcome, 3 not attempted (home, apply 17).
  note: 2 other members were taken out of `<U+001B>core`
    as well

  Failed (1)
    - role old  not declared
        422: the role is in use

  Nobody knows whether these were made (1)
    + user emmy@acme.com (developer)  invited
        the connection broke after the request was sent

  Set aside because of the principal (1)
    + user loader@acme.com (developer, service, until
        2027-06-30, owner ada@acme.com, "Loader",
        Europe/Berlin, region=west, github acme-loader)
        <U+001B>[31mthe account is blocked

  Not attempted (3)
    an earlier change failed:
      ~ user grace@acme.com  role viewer -> developer,
          until none -> 2027-01-31, name none -> "Grace
          Hopper", attribute region none -> west
      ~ user kurt@acme.com -> kurt.g@acme.com  renamed
    + user sofia@acme.com (admin)  enabled

See to the principals that were set aside, or take them
  out of the files.
Run `rolecall apply` again: it continues from where
  reality stands.
It first finds out what became of the changes whose
  outcome is unknown.
sha256:4f1c92ab…
"#);
    let interrupted = report("interrupted", &[(Fate::Applied, None), (Fate::NotAttempted, None)]);
    assert_snapshot!(report_terminal::report(&interrupted, COLOR).replace('\u{1b}', "^"), @r#"
^[1m^[31mInterrupted^[0m: 1 of 2 applied, 1 not attempted (home, apply 17).

  ^[33mNot attempted (1)^[0m
    ~ role viewer  permissions +list, another description

Run `rolecall apply` again: it continues from where reality stands.
^[2msha256:4f1c92ab…^[0m
"#);
}

#[test]
fn a_report_as_json() {
    let small = report("failed", &[(Fate::NotAttempted, Some("locked"))]);
    let text = plan_json::report(&small).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), small);
    assert_snapshot!(text, @r#"
{
  "format": "rolecall.report/1",
  "digest": "sha256:4f1c92ab00000000000000000000000000000000000000000000000000000000",
  "targets": [
    {
      "target": "home",
      "apply": 17,
      "status": "failed",
      "applied": 0,
      "failed": 0,
      "set_aside": 0,
      "unknown": 0,
      "not_attempted": 1,
      "steps": [
        {
          "step": 1,
          "change": {
            "change": "create-role",
            "role": {
              "name": "analyst",
              "description": "What this role is for takes a good many words, more than fit into one line of a terminal.",
              "permissions": [
                "read",
                "use"
              ]
            }
          },
          "fate": "not-attempted",
          "why": "locked"
        }
      ]
    }
  ]
}
"#);
}

fn ledger() -> Vec<ApplyEntry> {
    let entry = |id: i64, actor: &str, target: &str, finished: Option<Status>, not_attempted: usize| ApplyEntry {
        info: ApplyInfo {
            id,
            begun: NewApply {
                target: target.into(),
                actor: actor.into(),
                commit: (id == 2).then(|| "9ab3f01".to_owned()),
                command: "apply".into(),
                digest: format!("sha256:4f1c92ab{}", "0".repeat(56)),
                changes: 9,
                at: Moment::from_second(1_795_000_000 + id * 3_600),
            },
        },
        finished: finished.map(|s| (s, Moment::from_second(1_795_000_009 + id * 3_600))),
        applied: 9 - not_attempted,
        failed: 0,
        set_aside: 0,
        unknown: 0,
        not_attempted,
    };
    vec![
        entry(2, "ci@acme", "home", Some(Status::Partial), 3),
        entry(1, "ada", "analytics-warehouse", Some(Status::Complete), 0),
        entry(11, "a\u{1b}[31m|b", "home", None, 9),
    ]
}

fn entries() -> Vec<Entry> {
    let outcomes = [
        Some(Outcome::Applied),
        Some(Outcome::Failed { why: "409: already there".into() }),
        Some(Outcome::SetAside { why: "blocked".into() }),
        Some(Outcome::Unknown { why: "timed out".into() }),
        None,
    ];
    let changes = every_change().into_iter().skip(5).zip(outcomes).zip(1..);
    changes
        .map(|((change, outcome), step)| Entry { step, change, outcome, at: Moment::from_second(1_795_007_205) })
        .collect()
}

#[test]
fn the_history() {
    assert_snapshot!(history_terminal::applies(&ledger(), WIDE), @r#"
apply  when                  who              target               plan              outcome
   11  2026-11-18T22:06:40Z  a<U+001B>[31m|b  home                 sha256:4f1c92ab…  unfinished: 9 not attempted
    2  2026-11-18T13:06:40Z  ci@acme          home                 sha256:4f1c92ab…  partial: 6 applied, 3 not attempted
    1  2026-11-18T12:06:40Z  ada              analytics-warehouse  sha256:4f1c92ab…  complete: 9 applied
"#);
    assert_snapshot!(history_terminal::applies(&ledger(), NARROW), @r#"
apply  when                  who              target               plan
   11  2026-11-18T22:06:40Z  a<U+001B>[31m|b  home                 sha256:4f1c92ab…
       unfinished: 9 not attempted
    2  2026-11-18T13:06:40Z  ci@acme          home                 sha256:4f1c92ab…
       partial: 6 applied, 3 not attempted
    1  2026-11-18T12:06:40Z  ada              analytics-warehouse  sha256:4f1c92ab…
       complete: 9 applied
"#);
    assert_snapshot!(history_terminal::applies(&[], WIDE), @r#"Nothing has been applied yet."#);
}

#[test]
fn one_apply_of_the_history() {
    assert_snapshot!(history_terminal::apply(&ledger()[0], &entries(), WIDE), @r#"
apply 2 to home
  who      ci@acme
  command  apply
  began    2026-11-18T13:06:40Z
  ended    2026-11-18T13:06:49Z
  plan     sha256:4f1c92ab00000000000000000000000000000000000000000000000000000000
  outcome  partial: 6 applied, 3 not attempted
  commit   9ab3f01

  applied     ~ user grace@acme.com  role viewer -> developer, until none -> 2027-01-31, name none ->
                "Grace Hopper", attribute region none -> west
  failed      ~ user kurt@acme.com -> kurt.g@acme.com  renamed
                409: already there
  set aside   + user sofia@acme.com (admin)  enabled
                blocked
  unknown     - user alan@acme.com  disabled, blocked: INC-77
                timed out
  no outcome  - user bob@acme.com  deleted, not declared
"#);
}

#[test]
fn the_history_as_json() {
    assert_snapshot!(history_json::applies(&ledger()[..1]).unwrap(), @r#"
{
  "format": "rolecall.history/1",
  "applies": [
    {
      "apply": 2,
      "target": "home",
      "actor": "ci@acme",
      "command": "apply",
      "commit": "9ab3f01",
      "digest": "sha256:4f1c92ab00000000000000000000000000000000000000000000000000000000",
      "changes": 9,
      "began": "2026-11-18T13:06:40Z",
      "ended": "2026-11-18T13:06:49Z",
      "status": "partial",
      "applied": 6,
      "failed": 0,
      "set_aside": 0,
      "unknown": 0,
      "not_attempted": 3
    }
  ]
}
"#);
    let one: serde_json::Value = serde_json::from_str(&history_json::apply(&ledger()[0], &entries()).unwrap()).unwrap();
    assert_eq!(one["applies"][0]["entries"][1]["outcome"], "failed");
    assert_eq!(one["applies"][0]["entries"][1]["why"], "409: already there");
}
