//! Each kind of item, and what is not one.

use super::past::Teller;
use super::*;
use crate::model::{Change, UserRecord, Why};
use crate::plan::testing::{desired, live, today};

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn at(desired: &Desired<()>, live: Option<&Directory>, past: Option<&Past>) -> TargetReview {
    let locate = |()| Location { file: "rolecall.yaml".into(), line: 1 };
    review(&Subject { desired, live, provider: "directory", strangers: None, past, now: today(), locate: &locate })
}

/// What is said of a state that the files declare in the same way: `risk topic object: because`.
fn said(text: &str) -> Vec<String> {
    lines(&at(&desired(text), Some(&live(text)), None))
}

fn lines(review: &TargetReview) -> Vec<String> {
    let line = |i: &Item| format!("{} {} {}: {}", i.risk.word(), i.topic.word(), i.object.name, i.because);
    review.items.iter().map(line).collect()
}

fn user(email: &str, until: Option<&str>) -> UserRecord {
    UserRecord { email: email.to_owned(), until: until.map(moment), ..UserRecord::default() }
}

#[test]
fn administrators_by_every_way() {
    let found = said(
        "user a role=admin\nuser b role=viewer\nuser c role=viewer\nuser d role=admin state=disabled\nuser e role=admin state=invited
user s kind=service role=admin owner=a\nteam o role=admin\nteam t in=o\nmember t b because=x\nteam u\nmember u c role=admin because=x",
    );
    let administrators: Vec<&str> = found.iter().filter_map(|l| l.strip_prefix("high administrator ")).collect();
    assert_eq!(
        administrators,
        [
            "a: by their own role admin",
            "b: by the role admin of the team o",
            "c: by their role admin in the team u",
            "e: by their own role admin; invited: from when they come in",
            "s: by their own role admin; a service",
        ]
    );
}

#[test]
fn who_should_be_gone() {
    let live = live("user past role=viewer\nuser known role=viewer until=2026-05-20\nuser blocked role=viewer\nuser off role=viewer
user asked role=viewer state=invited\nuser stays role=viewer until=2026-05-20\nuser last role=viewer until=2026-06-01\nuser gone role=viewer state=disabled");
    let mut wanted = desired("user past role=viewer until=2026-05-20 state=disabled\nuser blocked role=viewer state=disabled
user off role=viewer state=disabled\nuser asked role=viewer until=2026-05-20 state=disabled\nuser stays role=viewer until=2026-07-20
user last role=viewer until=2026-06-01\nuser gone role=viewer until=2026-05-20 state=disabled");
    wanted.blocks.insert("blocked".into(), Some("INC-77".into()));
    let found = at(&wanted, Some(&live), None);
    let lines = lines(&found);
    assert_eq!(
        lines,
        [
            "high should-be-gone past: their last day was 2026-05-20, 11 days ago, and they still have access",
            "high should-be-gone blocked: they are blocked (INC-77), and they still have access",
            "high should-be-gone off: the files disable them, and they still have access",
            "medium should-be-gone asked: their last day was 2026-05-20, 11 days ago, and their invitation is still open",
            "medium should-be-gone known: their last day was 2026-05-20, 11 days ago, and their account is still active, and only its end date keeps them out",
        ]
    );
    assert_eq!((found.items[0].days, found.items[0].since), (Some(11), Some(moment("2026-05-20"))));
    assert!(found.items[0].advice.starts_with("run `rolecall apply`") && found.items[0].declared.is_some());
    assert!(found.items[4].advice.starts_with("declare them") && found.items[4].declared.is_none());
}

#[test]
fn who_was_not_seen() {
    let text = "user admin role=admin seen=2026-01-01\nuser edits role=edit seen=2026-01-01\nuser reads role=viewer seen=2026-01-01
user granted role=viewer seen=2026-01-01\nuser member role=viewer seen=2026-01-01\nuser owner role=viewer seen=2026-01-01
user ended role=viewer seen=2026-01-01\nuser never role=viewer\nuser glass kind=break-glass role=viewer
user here role=edit seen=2026-05-31\nuser edge role=edit seen=2026-04-02T12:00:01Z\nuser off role=edit state=disabled seen=2026-01-01
team t\nmember t member because=x\nres p/x owner=owner\nres p/y
grant p/y granted edit because=x\ngrant p/y team/t edit because=x\ngrant p/x ended edit until=2026-05-01 because=x";
    let found: Vec<String> = said(text).into_iter().filter(|l| l.contains(" not-seen ")).collect();
    assert_eq!(
        found,
        [
            "high not-seen admin: last seen 2026-01-01, 150 days ago; administers",
            "high not-seen edits: last seen 2026-01-01, 150 days ago; holds edit, which may do more than use",
            "high not-seen granted: last seen 2026-01-01, 150 days ago; holds edit on p/y, which may do more than use",
            "high not-seen member: last seen 2026-01-01, 150 days ago; holds edit on p/y, which may do more than use",
            "high not-seen owner: last seen 2026-01-01, 150 days ago; owns p/x",
            "medium not-seen ended: last seen 2026-01-01, 150 days ago",
            "medium not-seen reads: last seen 2026-01-01, 150 days ago",
            "medium not-seen never: never seen",
        ]
    );
}

#[test]
fn never_seen_is_not_the_same_as_not_known() {
    let text = "user a role=viewer\nuser b role=viewer\n";
    let review = at(&desired(text), Some(&live(text)), None);
    assert!(review.items.is_empty() && review.notes.len() == 1, "{review:?}");
    assert!(review.notes[0].contains("this target does not tell it"), "{:?}", review.notes);
    // One who was seen is enough to know that the target tells.
    let text = "user a role=viewer seen=2026-05-31\nuser b role=viewer\n";
    assert_eq!(said(text), ["medium not-seen b: never seen"]);
    assert_eq!(at(&desired(text), Some(&live(text)), None).notes, [""; 0]);
    // Nobody is there: nothing is missing.
    let review = at(&desired(""), Some(&live("user a role=viewer state=disabled")), None);
    assert_eq!(review.notes, [""; 0]);
}

#[test]
fn who_has_just_begun_is_given_time() {
    let text = "user a role=viewer seen=2026-05-31\nuser b role=viewer\nuser c role=viewer\n";
    let mut past = Past::default();
    past.began.insert("b".into(), moment("2026-05-25"));
    past.began.insert("c".into(), moment("2026-03-01T00:00:00Z"));
    let found = lines(&at(&desired(text), Some(&live(text)), Some(&past)));
    assert_eq!(found, ["medium not-seen c: never seen since the account began 2026-03-01, 92 days ago"]);
}

#[test]
fn the_policy_decides_after_how_many_days() {
    let text = "user a role=viewer seen=2026-05-01\n";
    let mut wanted = desired(text);
    assert_eq!(policy(&wanted), Policy { every: 90, every_declared: false, inactive: 60, inactive_declared: false });
    assert!(at(&wanted, Some(&live(text)), None).items.is_empty());
    wanted.rules.review_inactive = Some(30);
    assert_eq!(lines(&at(&wanted, Some(&live(text)), None)), ["medium not-seen a: last seen 2026-05-01, 30 days ago"]);
    assert!(policy(&wanted).inactive_declared);
}

#[test]
fn services_and_who_answers_for_them() {
    let text = "user a role=viewer\nuser left role=viewer state=disabled\nuser s1 kind=service role=viewer owner=a
user s2 kind=service role=viewer\nuser s3 kind=service role=viewer owner=left\nuser s4 kind=service role=viewer owner=nobody
user s5 kind=service role=viewer state=disabled";
    assert_eq!(
        said(text),
        [
            "medium service-without-owner s2: nobody is said to answer for it",
            "medium service-without-owner s3: left, who answers for it, cannot come in any more",
            "medium service-without-owner s4: nobody, who answers for it, is nobody here: not in the files, not in the target",
        ]
    );
}

#[test]
fn what_people_leave_behind() {
    let text = "user a role=viewer\nuser left role=viewer state=disabled\nuser new role=viewer state=invited\nuser past role=viewer until=2026-05-01
res p/a owner=a\nres p/b owner=left\nres p/c owner=left\nres p/d owner=new\nres p/e owner=past\nteam t leads=left";
    let found: Vec<String> = said(text).into_iter().filter(|l| l.contains(" orphan ")).collect();
    assert_eq!(
        found,
        [
            "medium orphan left: disabled, and still has p/b, p/c, the lead of team/t",
            "medium orphan past: past their last day, and still has p/e",
        ]
    );
}

#[test]
fn invitations_that_have_run_out() {
    let found = said("user a role=viewer state=expired\nuser b role=viewer state=invited");
    assert_eq!(found, ["low invitation-expired a: they were invited and did not come in time"]);
}

#[test]
fn grants_without_a_reason() {
    let text = "user a role=viewer\nteam t\nres p/x\ngrant p/x a edit because=x\ngrant p/x team/t use until=2026-12-31
grant p/x everyone use\ngrant p/x a use until=2026-05-01\n";
    assert_eq!(
        said(text),
        [
            "medium grant-without-reason p/x everyone: use, without an end, and everyone has it",
            "low grant-without-reason p/x team/t: use, until 2026-12-31",
        ]
    );
    // A target that keeps no reasons: the files have it.
    let live = live("user a role=viewer\nres p/x\ngrant p/x a edit\n");
    let with = desired("user a role=viewer\nres p/x\ngrant p/x a edit because=x\n");
    assert!(at(&with, Some(&live), None).items.is_empty());
    let review = at(&desired("user a role=viewer\nres p/x\n"), Some(&live), None);
    assert_eq!(lines(&review), ["low grant-without-reason p/x a: edit, without an end"]);
    assert!(review.items[0].declared.is_none() && review.items[0].advice.contains("declare it"));
}

#[test]
fn every_membership() {
    let text = "user a role=viewer\nuser b role=viewer state=disabled\nteam t leads=a
member t a role=edit until=2026-12-31 because=x\nmember t b\nteam u\nmember u a until=2026-05-01";
    assert_eq!(
        said(text),
        ["low membership t a: leads it, as edit, until 2026-12-31, because: x", "low membership t b: member, disabled",]
    );
}

#[test]
fn a_renamed_user_is_still_declared() {
    let live = live("user old role=admin\nteam t\nmember t old\n");
    let wanted = desired("user new role=admin was=old\nteam t\nmember t new\n");
    let review = at(&wanted, Some(&live), None);
    assert_eq!(lines(&review), ["high administrator old: by their own role admin", "low membership t old: member"]);
    assert!(review.items.iter().all(|i| i.declared.is_some()));
}

#[test]
fn what_ends_soon() {
    let live = live("user a role=viewer until=2026-06-10\nuser b role=viewer until=2026-06-10\nuser c role=viewer until=2026-06-10
team t\nmember t a until=2026-06-03\nres p/x\ngrant p/x a edit,use until=2026-06-05\ngrant p/x b use until=2026-06-01\ngrant p/x c use until=2026-05-31\n");
    // Of `a` nothing is said, `b` is to stay, `c` stays longer.
    let wanted = desired(
        "user a role=viewer\nuser b role=viewer until=-\nuser c role=viewer until=2026-06-16
team t\nmember t a\nres p/x\ngrant p/x a edit until=2026-06-14\ngrant p/x a use\n",
    );
    let found = at(&wanted, Some(&live), None).ends_soon;
    let lines: Vec<String> = found
        .iter()
        .map(|e| {
            format!(
                "{} {} {}{}",
                e.days,
                e.object,
                e.role.as_deref().unwrap_or("-"),
                if e.declared.is_some() { " declared" } else { "" }
            )
        })
        .collect();
    assert_eq!(
        lines,
        ["0 grant p/x b use", "2 member t a - declared", "9 user a - declared", "13 grant p/x a edit declared",]
    );
}

#[test]
fn the_files_alone() {
    let wanted = desired(
        "user a role=admin\nuser s kind=service role=viewer\nuser past role=viewer state=disabled until=2026-05-01\nres p/x owner=past\n",
    );
    let review = at(&wanted, None, None);
    assert_eq!(
        lines(&review),
        [
            "high administrator a: by their own role admin",
            "medium service-without-owner s: nobody is said to answer for it",
            "medium orphan past: disabled, and still has p/x",
        ]
    );
    assert!(review.notes.iter().any(|n| n.contains("only the files")), "{:?}", review.notes);
}

#[test]
fn how_long_somebody_kept_access() {
    let expired = |until: &str| Why::Expired { until: moment(until) };
    let disable = |user, reason| Change::DisableUser { user, reason };
    let heard = |changes: &[(Change, &str)]| {
        let mut teller = Teller::default();
        changes.iter().for_each(|(change, at)| teller.hear(change, moment(at)));
        let days = |l: &Left| (l.email.clone(), days_between(l.last, l.ended));
        teller.past.left.iter().map(days).collect::<Vec<_>>()
    };
    let one = |days| vec![("a".to_owned(), days)];
    let nobody = Vec::<(String, i64)>::new();
    // The target did not know of the end: until the account was disabled.
    assert_eq!(heard(&[(disable(user("a", None), expired("2026-05-01")), "2026-05-09")]), one(8));
    // It knew before: it let nobody in after the last day.
    let knew = disable(user("a", Some("2026-05-01")), expired("2026-05-01"));
    assert_eq!(heard(&[(knew.clone(), "2026-05-09")]), nobody);
    // It was told after the last day, and before the account was disabled.
    let told = Change::UpdateUser { before: user("a", None), after: user("a", Some("2026-05-01")) };
    assert_eq!(heard(&[(told.clone(), "2026-05-04"), (knew.clone(), "2026-05-09")]), one(3));
    assert_eq!(heard(&[(told, "2026-04-04"), (knew, "2026-05-09")]), nobody);
    // Another update says nothing of when it was told.
    let other = Change::UpdateUser { before: user("a", Some("2026-05-01")), after: user("a", Some("2026-05-01")) };
    let gone = Change::DeleteUser { user: user("a", Some("2026-05-01")), reason: Why::Undeclared };
    assert_eq!(heard(&[(other, "2026-05-04"), (gone, "2026-05-09")]), nobody);
    // Who had no last day kept nothing too long.
    assert_eq!(heard(&[(disable(user("a", None), Why::Declared), "2026-05-09")]), nobody);
}

#[test]
fn ended_late_within_one_interval() {
    let left =
        |email: &str, last: &str, ended: &str| Left { email: email.into(), last: moment(last), ended: moment(ended) };
    let past = Past {
        left: vec![left("a", "2026-05-01", "2026-05-09"), left("b", "2026-01-01", "2026-01-09")],
        ..Past::default()
    };
    let review = at(
        &desired("user a role=viewer state=disabled"),
        Some(&live("user a role=viewer state=disabled")),
        Some(&past),
    );
    assert_eq!(
        lines(&review),
        ["low ended-late a: their last day was 2026-05-01, and their access ended 2026-05-09: they kept it for 8 days"]
    );
    assert_eq!(review.items[0].days, Some(8));
}

#[test]
fn words_are_those_of_the_format() {
    let topics = [
        Topic::Administrator,
        Topic::ShouldBeGone,
        Topic::Unknown,
        Topic::NotSeen,
        Topic::ServiceWithoutOwner,
        Topic::Orphan,
        Topic::InvitationExpired,
        Topic::EndedLate,
        Topic::GrantWithoutReason,
        Topic::Membership,
    ];
    for topic in topics {
        assert_eq!(serde_json::to_value(topic).unwrap(), topic.word());
    }
    for risk in Risk::ALL {
        assert_eq!(serde_json::to_value(risk).unwrap(), risk.word());
    }
}

/// Whom no file knows is listed in each system with what they have in all; whom another target's files know, or
/// who is protected, is no stranger.
#[test]
fn strangers_are_told_across_systems() {
    let wanted = |target: &str, text: &str| {
        let mut wanted = desired(text);
        wanted.target = target.to_owned();
        wanted.manage.protected = vec![crate::model::Pattern("root*".into())];
        wanted
    };
    let (one, two) = (wanted("one", "user a role=admin"), wanted("two", "user b role=viewer"));
    let here = live(
        "user a role=admin\nuser b role=viewer\nuser x role=admin\nuser root role=admin\nteam t\nmember t x because=y",
    );
    let there = live("user x role=viewer state=disabled\nuser y\nuser b role=viewer");
    let strangers = Strangers::of([&one, &two].into_iter(), [(&one, &here), (&two, &there)].into_iter());
    let unknown = |desired: &Desired<()>, live: &Directory| -> Vec<String> {
        let locate = |()| Location { file: "rolecall.yaml".into(), line: 1 };
        let strangers = Some(&strangers);
        let found = review(&Subject {
            desired,
            live: Some(live),
            provider: "x",
            strangers,
            past: None,
            now: today(),
            locate: &locate,
        });
        lines(&found).into_iter().filter(|l| l.contains(" unknown ")).collect()
    };
    assert_eq!(
        unknown(&one, &here),
        [
            "high unknown x: no file knows them, and they have the role admin, 1 team; also in two (a disabled account, the role viewer)"
        ]
    );
    assert_eq!(
        unknown(&two, &there),
        [
            "medium unknown y: no file knows them, and they have an account",
            "low unknown x: no file knows them, and they have a disabled account, the role viewer; also in one (the role admin, 1 team)",
        ]
    );
}
