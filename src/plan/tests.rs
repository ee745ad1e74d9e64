//! What each declaration makes of what is live, change by change.

use super::testing::*;
use super::*;
use crate::invariants::Answer;
use crate::model::*;

fn plan_lines(desired_text: &str, live_text: &str) -> Vec<String> {
    lines(&planned(&desired(desired_text), &live(live_text)))
}

fn violated(plan: &TargetPlan) -> Vec<&str> {
    plan.guards.iter().filter(|v| v.answer == Answer::Violated).map(|v| v.rule.as_str()).collect()
}

fn notes(plan: &TargetPlan) -> String {
    plan.notes.iter().map(|n| n.message.as_str()).collect::<Vec<_>>().join("\n")
}

/// Somebody who administers, so that the rules have nothing to say.
const ROOT: &str = "user root role=admin\n";

fn rooted(text: &str) -> String {
    format!("{ROOT}{text}")
}

#[test]
fn the_same_is_nothing() {
    let text = rooted(
        "user ada role=viewer region=west\nteam t in=o leads=ada\nteam o\nmember t ada\nres p/x owner=ada\ngrant p/x team/t use,edit\ndomain acme.com teams=t\npolicy mfa 1\n",
    );
    let plan = planned(&desired(&text), &live(&text));
    assert!(plan.is_empty() && !plan.is_blocked(), "{:?}", plan.steps);
    assert!(plan.observed.is_empty());
}

#[test]
fn everything_is_made_in_order() {
    let text = "user ada role=admin\nteam t in=o leads=ada\nteam o\nmember t ada\nres p/x owner=ada\nres p/y in=p/x\ngrant p/y team/t use\ndomain acme.com teams=t\npolicy mfa 1\n";
    let desired = desired(text);
    let found = lines(&planned(&desired, &Directory::default()));
    assert_eq!(
        found,
        [
            "1 create-role admin",
            "1 create-role edit",
            "1 create-role use",
            "1 create-role viewer",
            "1 create-team o",
            "1 set-policy mfa",
            "2 create-user ada",
            "2 create-team t",
            "3 add-member t ada",
            "3 create-resource p/x",
            "3 add-domain acme.com",
            "4 set-leads t",
            "4 create-resource p/y",
            "5 give-grant p/y team/t",
        ]
    );
    assert!(!planned(&desired, &Directory::default()).is_blocked());
}

#[test]
fn everything_goes_in_order() {
    let gone = rooted(
        "user ada\nteam t in=o leads=ada\nteam o\nmember t ada\nres p/x owner=ada\nres p/y in=p/x\ngrant p/y team/t use\ndomain acme.com teams=t\npolicy mfa 1\n",
    );
    let mut wanted = desired(ROOT);
    wanted.rules.removal.users = UserRemoval::Delete;
    let plan = planned(&wanted, &live(&gone));
    assert_eq!(
        lines(&plan),
        [
            "1 set-leads t",
            "1 revoke-grant p/y team/t",
            "1 remove-domain acme.com",
            "1 unset-policy mfa",
            "2 remove-member t ada",
            "2 delete-resource p/y",
            "3 delete-team t",
            "3 delete-resource p/x",
            "4 delete-user ada",
            "4 delete-team o",
        ]
    );
    let goes = plan.steps.iter().filter(|s| matches!(s.change.reason(), Some(Why::Goes { .. }))).count();
    assert_eq!(goes, 2);
}

#[test]
fn only_what_is_said_changes() {
    let was = rooted("user ada role=viewer name=Ada region=west github=ada-l\n");
    assert!(plan_lines(&rooted("user ada\n"), &was).is_empty());
    let plan = planned(&desired(&rooted("user ada name=- region=east github=ada\n")), &live(&was));
    let [Step { change: Change::UpdateUser { before, after }, .. }] = &plan.steps[..] else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!((before.name.as_deref(), after.name.as_deref()), (Some("Ada"), None));
    assert_eq!(after.attributes["region"], "east");
    assert_eq!(after.handles["github"], "ada");
    assert_eq!(after.role.as_deref(), Some("viewer"));
    assert_eq!(plan.steps[0].declared.as_ref().unwrap().to_string(), "rolecall.yaml:1");
}

#[test]
fn additive_removes_nothing() {
    let mut wanted = desired(&rooted("user ada role=viewer\nteam t\nres p/x\n"));
    for kind in Kind::ALL {
        wanted.manage.rule_mut(kind).mode = Mode::Additive;
    }
    let plan = planned(&wanted, &live(&rooted("user bob\nteam t\nteam u\nmember t bob\nres p/x\ngrant p/x bob use\n")));
    assert_eq!(lines(&plan), ["1 create-user ada"]);
    assert_eq!(plan.left_alone[&Kind::User], 1);
    assert_eq!(plan.left_alone[&Kind::Member], 1);
    assert_eq!(plan.left_alone[&Kind::Grant], 1);
}

#[test]
fn absent_is_not_empty() {
    let was = rooted("user ada\nteam t\nmember t ada\nres p/x\ngrant p/x ada use\n");
    let text = rooted("user ada\nteam t\nres p/x\n");
    let mut wanted = desired(&text);
    wanted.manage.listed_members.clear();
    wanted.manage.listed_access.clear();
    wanted.manage.rule_mut(Kind::Grant).mentioned = false;
    assert!(planned(&wanted, &live(&was)).is_empty());
    wanted.manage.listed_access.insert(ResourceId(0));
    assert_eq!(lines(&planned(&wanted, &live(&was))), ["1 revoke-grant p/x ada"]);
    assert_eq!(plan_lines(&text, &was), ["1 remove-member t ada", "1 revoke-grant p/x ada"]);
}

#[test]
fn observed_is_reported_and_not_written() {
    let mut wanted = desired(&rooted("user ada role=viewer\n"));
    wanted.manage.rule_mut(Kind::User).mode = Mode::Observe;
    let plan = planned(&wanted, &live(&rooted("user bob\n")));
    assert!(plan.is_empty());
    assert_eq!(plan.observed.len(), 2);
    wanted.manage.rule_mut(Kind::User).mode = Mode::Ignore;
    let plan = planned(&wanted, &live(&rooted("user bob\n")));
    assert!(plan.is_empty() && plan.observed.is_empty());
    assert!(notes(&plan).contains("1 user declared outside what is managed, and not written: ada"), "{}", notes(&plan));
}

#[test]
fn what_needs_something_unwritten_waits() {
    let mut wanted = desired(&rooted("user ada\nteam t\nmember t ada\nres p/x owner=ada\ngrant p/x ada use\n"));
    wanted.manage.rule_mut(Kind::User).mode = Mode::Observe;
    let plan = planned(&wanted, &live(ROOT));
    assert_eq!(lines(&plan), ["1 create-team t", "1 create-resource p/x"]);
    assert!(notes(&plan).contains("3 declarations are not written: user ada is not there"), "{}", notes(&plan));
}

#[test]
fn a_scope_keeps_two_repositories_apart() {
    let mut wanted = desired(&rooted("team a-1\n"));
    wanted.manage.rule_mut(Kind::Team).scope = vec![Pattern("a-*".into())];
    let plan = planned(&wanted, &live(&rooted("team a-1\nteam a-2\nteam a-3\nteam b in=a-2\n")));
    assert_eq!(lines(&plan), ["1 delete-team a-3"]);
    assert!(notes(&plan).contains("team `a-2` is not declared and stays: team b needs it"), "{}", notes(&plan));
}

#[test]
fn protected_accounts_are_never_touched() {
    let mut wanted = desired(&rooted("team t\nuser glass role=viewer\n"));
    wanted.manage.protected = vec![Pattern("glass*".into())];
    let plan = planned(&wanted, &live(&rooted("user glass role=admin\nuser glass-2\nteam t\nmember t glass-2\n")));
    assert!(plan.is_empty(), "{:?}", lines(&plan));
    // Who is declared is not among those who are not.
    assert_eq!(plan.left_alone[&Kind::User], 1);
    assert!(notes(&plan).contains("user glass is protected and is not changed"), "{}", notes(&plan));
}

#[test]
fn undeclared_users_are_disabled_and_keep_what_they_hold() {
    let was = rooted(
        "user bob role=viewer\nuser old state=disabled\nteam t\nmember t bob\nmember t old\nres p/x\ngrant p/x bob use\n",
    );
    let wanted = desired(&rooted("team t\nres p/x\n"));
    let plan = planned(&wanted, &live(&was));
    assert_eq!(lines(&plan), ["1 disable-user bob"]);
    let mut left = wanted.clone();
    left.rules.removal.users = UserRemoval::Leave;
    assert_eq!(lines(&planned(&left, &live(&was))), ["1 remove-member t bob", "1 revoke-grant p/x bob"]);
}

#[test]
fn states_of_users() {
    let mut wanted = desired(&rooted(
        "user a\nuser b\nuser c role=viewer\nuser d state=disabled\nuser e state=disabled\nuser f state=disabled until=2026-01-01\nuser g state=disabled\n",
    ));
    wanted.blocks.insert("g".into(), Some("INC-77".into()));
    let was = rooted(
        "user a state=invited\nuser b state=expired\nuser c role=edit state=disabled\nuser e state=invited\nuser f\nuser g\n",
    );
    let plan = planned(&wanted, &live(&was));
    assert_eq!(plan.pending, ["a"]);
    assert_eq!(plan.expired_invitations, ["b"]);
    assert!(notes(&plan).contains("user d is disabled and has no account: none is made"), "{}", notes(&plan));
    // The block comes first, and nobody is let in with the role of before.
    assert_eq!(
        lines(&plan),
        [
            "1 disable-user g",
            "2 update-user c",
            "2 disable-user e",
            "2 disable-user f",
            "3 enable-user c",
            "3 update-user f"
        ]
    );
    let reasons: Vec<String> = plan.steps.iter().filter_map(|s| s.change.reason()).map(Why::to_string).collect();
    assert_eq!(reasons, ["blocked: INC-77", "declared so", "ended 2026-01-01"]);
    assert_eq!(plan.removals[&Kind::User].removed, 1);
}

#[test]
fn invitations_where_they_are_required() {
    let mut wanted = desired(&rooted("user ada\n"));
    wanted.rules.invitations_required = true;
    assert_eq!(lines(&planned(&wanted, &live(ROOT))), ["1 invite-user ada"]);
}

#[test]
fn renaming_keeps_everything() {
    let was = rooted(
        "user old\nteam a leads=old\nmember a old\nres p/x owner=old\ngrant p/x old use\ngrant p/x team/a edit\n",
    );
    let now = rooted(
        "user new was=old\nteam b was=a leads=new\nmember b new\nres p/y was=p/x owner=new\ngrant p/y new use\ngrant p/y team/b edit\n",
    );
    assert_eq!(plan_lines(&now, &was), ["1 rename-user old", "1 rename-team a", "1 rename-resource p/x"]);
}

#[test]
fn a_done_renaming_is_said_and_both_live_is_an_error() {
    let wanted = desired(&rooted("team b was=a\n"));
    let plan = planned(&wanted, &live(&rooted("team b\n")));
    assert!(plan.is_empty());
    assert_eq!(plan.findings().iter().map(|f| f.code.name()).collect::<Vec<_>>(), ["rename-done"]);
    let plan = planned(&wanted, &live(&rooted("team a\nteam b\n")));
    assert_eq!(violated(&plan), ["rename-both-live"]);
    assert!(plan.guards[0].message.starts_with("rolecall.yaml:1: team `b` was `a`"));
}

#[test]
fn names_change_places_and_follow_each_other() {
    let swap = rooted("team a was=b role=viewer\nteam b was=a\n");
    let plan = planned(&desired(&swap), &live(&rooted("team a\nteam b role=viewer\n")));
    assert_eq!(lines(&plan), ["1 rename-team b", "2 rename-team a", "3 rename-team ~rolecall-swap~1~b"]);
    assert!(notes(&plan).contains("remove their `was:` after this apply"));
    let chain = rooted("user a was=c\nuser b was=a\n");
    assert_eq!(plan_lines(&chain, &rooted("user a\nuser c\n")), ["1 rename-user a", "2 rename-user c"]);
    let mails = rooted("user a@x.com was=b@x.com\nuser b@x.com was=a@x.com\n");
    let plan = planned(&desired(&mails), &live(&rooted("user a@x.com\nuser b@x.com\n")));
    let Change::RenameUser { to, .. } = &plan.steps[0].change else { panic!() };
    assert_eq!(to, "rolecall-swap-1+b@x.com");
}

#[test]
fn a_target_that_cannot_rename_replaces_and_says_so() {
    let (wanted, was) = (desired(&rooted("team b was=a\n")), live(&rooted("team a\n")));
    let found = difference(&wanted, &was, Options { renames: false, ..options() }, &Default::default());
    assert_eq!(found.changes.len(), 2);
    assert!(found.remarks[0].message.contains("the target cannot rename, so it is made anew; `a` goes"));
}

#[test]
fn memberships_and_grants_change_in_place() {
    let was =
        rooted("user ada\nteam t\nmember t ada role=viewer because=old\nres p/x\ngrant p/x ada use because=SEC-1\n");
    let now = rooted("user ada\nteam t\nmember t ada role=edit\nres p/x\ngrant p/x ada edit,use until=2027-01-31\n");
    let plan = planned(&desired(&now), &live(&was));
    assert_eq!(lines(&plan), ["1 change-member t ada", "1 change-grant p/x ada"]);
    let Change::ChangeMember { after, .. } = &plan.steps[0].change else { panic!() };
    assert_eq!(after.because.as_deref(), Some("old"));
    let Change::ChangeGrant { after, .. } = &plan.steps[1].change else { panic!() };
    assert_eq!(
        after.iter().map(|r| (r.role.as_str(), r.because.as_deref())).collect::<Vec<_>>(),
        [("edit", None), ("use", Some("SEC-1"))]
    );
}

#[test]
fn what_ended_goes_whatever_the_mode() {
    let was = rooted("user ada\nteam t\nmember t ada\nres p/x\ngrant p/x ada use,edit\n");
    let mut wanted = desired(&rooted("user ada\nteam t\nres p/x\n"));
    for kind in Kind::ALL {
        wanted.manage.rule_mut(kind).mode = Mode::Additive;
    }
    let until = Some(Moment::parse("2026-05-01").unwrap());
    wanted.ended_members =
        vec![MemberRecord { team: "t".into(), user: "ada".into(), until, ..MemberRecord::default() }];
    wanted.ended_grants = vec![GrantRecord {
        to: PrincipalRecord::User("ada".into()),
        resource: "p/x".into(),
        role: "use".into(),
        until,
        because: None,
    }];
    let plan = planned(&wanted, &live(&was));
    assert_eq!(lines(&plan), ["1 remove-member t ada", "1 change-grant p/x ada"]);
    assert_eq!(plan.steps[0].change.reason().unwrap().to_string(), "ended 2026-05-01");
    wanted.ended_grants.push(GrantRecord { role: "edit".into(), ..wanted.ended_grants[0].clone() });
    let plan = planned(&wanted, &live(&was));
    assert_eq!(lines(&plan)[1], "1 revoke-grant p/x ada");
    assert!(plan.removals.is_empty() && plan.takeovers.is_empty());
}

#[test]
fn a_role_that_is_held_stays() {
    let mut wanted = desired(&rooted("user ada\n"));
    let was = live(&rooted("role extra use\nrole spare use\nuser ada role=extra\n"));
    let plan = planned(&wanted, &was);
    assert_eq!(lines(&plan), ["1 delete-role spare"]);
    assert!(notes(&plan).contains("role `extra` is not declared and stays: one thing that stays holds it"));
    wanted = desired(&rooted("user ada role=viewer\n"));
    let found = lines(&planned(&wanted, &was));
    assert_eq!(found, ["1 delete-role spare", "1 update-user ada", "2 delete-role extra"]);
}

#[test]
fn policies_are_set_and_unset() {
    let mut wanted = desired(&rooted("policy mfa 1\n"));
    let was = live(&rooted("policy mfa 2\npolicy review 3\n"));
    assert_eq!(lines(&planned(&wanted, &was)), ["1 set-policy mfa", "1 unset-policy review"]);
    wanted.manage.rule_mut(Kind::Policy).mode = Mode::Additive;
    assert_eq!(lines(&planned(&wanted, &was)), ["1 set-policy mfa"]);
}

// ---- order ----

#[test]
fn new_administrators_come_before_old_ones_go() {
    let plan =
        planned(&desired("user c role=admin\nuser d role=admin\n"), &live("user a role=admin\nuser b role=admin\n"));
    assert_eq!(lines(&plan), ["1 create-user c", "1 create-user d", "2 disable-user a", "2 disable-user b"]);
    let reasons: Vec<Reason> = plan.steps[2].after.iter().map(|e| e.reason).collect();
    assert_eq!(reasons, [Reason::AdminRemains, Reason::AdminRemains]);
    assert!(violated(&plan).is_empty());
    let holds = plan.guards.iter().find(|v| v.rule == "admin-remains").unwrap();
    assert_eq!(holds.message, "2 active administrators at every moment");
}

#[test]
fn the_last_administrator_stays() {
    let plan =
        planned(&desired("user ada role=viewer\nuser bot role=admin kind=service\n"), &live("user ada role=admin\n"));
    assert!(violated(&plan).contains(&"admin-remains"));
    // Somebody who is only invited is none.
    let mut wanted = desired("user eve role=admin\n");
    wanted.rules.invitations_required = true;
    assert!(violated(&planned(&wanted, &live("user ada role=admin\n"))).contains(&"admin-remains"));
    // Nobody is there yet: that is no violation, and not known.
    let plan = planned(&wanted, &live(""));
    assert!(!violated(&plan).contains(&"admin-remains"));
}

#[test]
fn one_administrator_is_enough_and_two_are_advised() {
    let mut wanted = desired(&rooted("user ada\n"));
    wanted.rules.admins_declared = false;
    let plan = planned(&wanted, &live(ROOT));
    assert!(!plan.is_blocked());
    assert!(notes(&plan).contains("two are advised"));
    wanted.rules.admins_at_least = 2;
    assert!(violated(&planned(&wanted, &live("user root role=admin\nuser x role=admin\n"))).contains(&"admin-remains"));
}

#[test]
fn a_block_comes_first_unless_it_is_the_last_administrator() {
    let mut wanted = desired("user a state=disabled role=admin\nuser b role=admin\nteam t\n");
    wanted.blocks.insert("a".into(), None);
    let plan = planned(&wanted, &live("user a role=admin\nuser b\n"));
    assert_eq!(lines(&plan), ["1 update-user b", "2 disable-user a", "3 create-team t"]);
    let plan = planned(&wanted, &live("user a role=admin\nuser b role=admin\n"));
    assert_eq!(lines(&plan), ["1 disable-user a", "2 create-team t"]);
}

#[test]
fn nobody_gains_in_between() {
    let roles = "role left l\nrole right r\n";
    let was = rooted("user ada\nuser bob\nteam o\nteam t in=o\nmember t bob\nres p/x\ngrant p/x team/o left\n");
    let now = rooted("user ada\nuser bob\nteam o\nteam t in=o\nmember t ada\nres p/x\ngrant p/x team/t right\n");
    let plan = planned(&desired(&(roles.to_owned() + &now)), &live(&(roles.to_owned() + &was)));
    assert_eq!(
        lines(&plan),
        ["1 remove-member t bob", "1 revoke-grant p/x team/o", "2 add-member t ada", "2 give-grant p/x team/t"]
    );
    let after = |i: usize| plan.steps[i].after.iter().map(|e| (e.step, e.reason)).collect::<Vec<_>>();
    assert_eq!(after(2), [(2, Reason::NothingGainedBetween)]);
    assert_eq!(after(3), [(1, Reason::NothingGainedBetween)]);
    // What is within what somebody has before or will have is no gain.
    let was = rooted("user ada\nuser bob\nteam o\nteam t in=o\nmember t bob\nres p/x\ngrant p/x team/o use\n");
    let now = rooted("user ada\nuser bob\nteam o\nteam t in=o\nmember t ada\nres p/x\ngrant p/x team/t edit\n");
    assert_eq!(
        plan_lines(&now, &was),
        ["1 add-member t ada", "1 remove-member t bob", "1 revoke-grant p/x team/o", "2 give-grant p/x team/t"]
    );
    // A grant that is only raised takes nothing from anybody.
    let was = rooted("user ada\nteam t\nres p/x\ngrant p/x team/t use\n");
    let now = rooted("user ada\nteam t\nmember t ada\nres p/x\ngrant p/x team/t edit\n");
    assert_eq!(plan_lines(&now, &was), ["1 add-member t ada", "1 change-grant p/x team/t"]);
}

#[test]
fn who_comes_back_comes_last() {
    let was = rooted(
        "user ada state=disabled\nteam t\nteam u\nmember t ada\nmember u ada\nres p/x\nres p/y\ngrant p/x ada edit\ngrant p/y team/u use\n",
    );
    let now = rooted("user ada\nteam t\nteam u\nmember u ada\nres p/x\nres p/y\n");
    let found = plan_lines(&now, &was);
    assert_eq!(
        found,
        ["1 remove-member t ada", "1 revoke-grant p/x ada", "1 revoke-grant p/y team/u", "2 enable-user ada"]
    );
}

#[test]
fn leads_are_members_at_every_moment() {
    let was = rooted("user a\nuser b\nteam t leads=a\nmember t a\n");
    let now = rooted("user a\nuser b\nteam t leads=b\nmember t b\n");
    assert_eq!(plan_lines(&now, &was), ["1 add-member t b", "2 set-leads t", "3 remove-member t a"]);
    // Where the team changes its role as well, nobody may see both: the lead is set in two steps.
    let was = rooted("user a\nuser b\nteam t role=viewer leads=a\nmember t a\n");
    let now = rooted("user a\nuser b\nteam t role=edit leads=b\nmember t b\n");
    let plan = planned(&desired(&now), &live(&was));
    assert_eq!(
        lines(&plan),
        ["1 set-leads t", "2 remove-member t a", "3 update-team t", "4 add-member t b", "5 set-leads t"]
    );
    assert!(!plan.is_blocked());
}

#[test]
fn teams_can_be_turned_inside_out() {
    let was = rooted("team a\nteam b in=a\nteam c in=b\n");
    let now = rooted("team a in=b\nteam b in=c\nteam c in=-\n");
    assert_eq!(plan_lines(&now, &was), ["1 update-team c", "2 update-team b", "3 update-team a"]);
}

// ---- guards and consents ----

fn many(users: usize, kept: usize) -> (Desired<()>, Directory) {
    let all: String = (0..users).map(|i| format!("user u{i:03}\n")).collect();
    let members: String = (0..users).map(|i| format!("member t u{i:03}\n")).collect();
    let few: String = (0..kept).map(|i| format!("member t u{i:03}\n")).collect();
    let team = rooted("team t\n");
    (desired(&format!("{team}{all}{few}")), live(&format!("{team}{all}{members}")))
}

#[test]
fn a_large_removal_needs_its_number() {
    let (wanted, was) = many(115, 104);
    assert_eq!(planned(&wanted, &was).removals[&Kind::Member].removed, 11);
    let plan = whole(planned(&wanted, &was), &[]);
    assert!(plan.is_blocked());
    let finding = &plan.findings()[0];
    assert_eq!(finding.message, "11 members of 115 removed, at most 10 pass without a consent");
    assert!(finding.help.as_ref().unwrap().contains("--accept removal.member=11"));
    assert!(!whole(planned(&wanted, &was), &["removal.member=11"]).is_blocked());
    for wrong in ["removal.member=12", "removal.member=10"] {
        let plan = whole(planned(&wanted, &was), &[wrong]);
        assert!(plan.is_blocked());
        assert!(plan.guards[0].message.ends_with("does not name the number of this plan, which is 11"));
    }
    let plan = whole(planned(&wanted, &was), &["removal.member=11", "removal.user=1"]);
    assert_eq!(plan.guards[0].message, "`--accept removal.user=1` agrees to something that is not in this plan");
    let (wanted, was) = many(115, 105);
    assert!(!whole(planned(&wanted, &was), &[]).is_blocked());
}

#[test]
fn the_share_counts_where_there_is_much() {
    let (wanted, was) = many(400, 380);
    assert!(!whole(planned(&wanted, &was), &[]).is_blocked());
    let (wanted, was) = many(400, 379);
    assert!(whole(planned(&wanted, &was), &[]).is_blocked());
}

#[test]
fn all_of_a_kind_is_stopped_even_if_it_is_one() {
    let (wanted, was) = many(1, 0);
    let plan = whole(planned(&wanted, &was), &[]);
    assert_eq!(plan.findings()[0].message, "1 member of 1 removed: all there are");
    assert!(!whole(planned(&wanted, &was), &["removal.member=1"]).is_blocked());
}

#[test]
fn a_grant_that_only_loses_roles_is_a_removal() {
    let was = rooted("user a\nuser b\nres p/x\ngrant p/x a use,edit\ngrant p/x b use\n");
    let now = rooted("user a\nuser b\nres p/x\ngrant p/x a use\ngrant p/x b edit\n");
    let plan = planned(&desired(&now), &live(&was));
    assert_eq!(plan.removals[&Kind::Grant].removed, 1);
}

#[test]
fn consents_hold_for_all_targets_together() {
    let (wanted, was) = many(115, 104);
    let mut other = planned(&wanted, &was);
    other.target = "other".into();
    let both = |consents: &[&str]| {
        let consents = consents.iter().map(|c| c.parse().unwrap()).collect();
        Plan::new(vec![planned(&wanted, &was), other.clone()], consents, None)
    };
    assert!(both(&["removal.member=11"]).is_blocked());
    assert!(both(&["removal.member=22"]).targets.iter().all(|t| !t.is_blocked()));
    assert!(!both(&["removal.member=22"]).is_blocked());
}

#[test]
fn beginning_to_manage_is_said_and_needs_a_consent() {
    let was = live(&rooted("user ada\nuser bob\nteam t\nmember t ada\nmember t bob\nteam old\nmember old bob\n"));
    let wanted = desired(&rooted("user ada\nuser bob\nteam t\nmember t ada\n"));
    let never = planned_after(&wanted, &was, None);
    assert_eq!(never.takeovers[&Kind::Member], ["bob in old", "bob in t"]);
    assert_eq!(never.takeovers[&Kind::Team], ["old"]);
    assert!(never.removals.is_empty(), "each removal is judged once");
    let plan = whole(never.clone(), &[]);
    assert!(plan.is_blocked());
    assert!(
        plan.findings()[0].message.contains("begins to manage teams, and 1 team is not declared: old"),
        "{:?}",
        plan.findings()
    );
    assert!(!whole(never, &["takeover.member=2", "takeover.team=1"]).is_blocked());
    // What was managed before is no takeover.
    let mut before = wanted.manage.ownership(&wanted.directory);
    let plan = planned_after(&wanted, &was, Some(&before));
    assert!(plan.takeovers.is_empty());
    assert_eq!(plan.removals[&Kind::Member].removed, 2);
    // A list that is new is one.
    before.listed_members.clear();
    let plan = planned_after(&wanted, &was, Some(&before));
    assert_eq!(plan.takeovers[&Kind::Member], ["bob in t"]);
    // Nothing to remove, nothing to say.
    assert!(planned_after(&wanted, &live(ROOT), None).takeovers.is_empty());
}

#[test]
fn ownership_that_only_adds_is_no_ownership() {
    let mut wanted = desired(&rooted("team t\nres p/x\n"));
    wanted.manage.rule_mut(Kind::Grant).mode = Mode::Additive;
    let owned = wanted.manage.ownership(&wanted.directory);
    assert!(owned.listed_access.is_empty());
    assert_eq!(owned.listed_members.len(), 1);
}

// ---- the whole plan ----

fn example() -> (Desired<()>, Directory) {
    (
        desired(&rooted(
            "user grace role=edit name=Grace\nuser eve role=viewer\nteam t leads=eve\nmember t eve\nres p/x\ngrant p/x team/t use\n",
        )),
        live(&rooted("user grace role=viewer name=Grace\nteam t\nmember t grace\nres p/x\ngrant p/x grace use\n")),
    )
}

#[test]
fn ten_plans_are_the_same_to_the_byte() {
    let (wanted, was) = example();
    let first = save(&whole(planned(&wanted, &was), &[]));
    for _ in 0..10 {
        assert_eq!(save(&whole(planned(&wanted, &was), &[])), first);
    }
    assert!(first.ends_with(b"}\n"));
}

#[test]
fn the_digest_is_of_what_is_done() {
    let (wanted, was) = example();
    let plan = whole(planned(&wanted, &was), &[]);
    assert!(plan.digest.starts_with("sha256:") && plan.digest.len() == 71);
    let later = Plan::new(vec![planned(&wanted, &was)], Vec::new(), Some("abc".into()));
    assert_eq!(later.digest, plan.digest);
    // Somebody else comes meanwhile and is none of our business.
    let mut wider = wanted.clone();
    wider.manage.rule_mut(Kind::User).mode = Mode::Additive;
    let more = live(&rooted(
        "user grace role=viewer name=Grace\nuser zed\nteam t\nmember t grace\nres p/x\ngrant p/x grace use\n",
    ));
    assert_eq!(whole(planned(&wider, &more), &[]).digest, plan.digest);
    // A consent is part of it.
    assert_ne!(whole(planned(&wanted, &was), &["loss=1"]).digest, plan.digest);
}

#[test]
fn what_moved_is_named() {
    let (wanted, was) = example();
    let reviewed = whole(planned(&wanted, &was), &[]);
    assert!(moved(&reviewed, &reviewed).is_empty());
    let other =
        live(&rooted("user grace role=viewer name=Hopper\nteam t\nmember t grace\nres p/x\ngrant p/x grace use\n"));
    let now = whole(planned(&wanted, &other), &[]);
    assert_eq!(moved(&reviewed, &now), ["user grace: name \"Grace\" -> \"Hopper\""]);
    let gone = live(&rooted("user grace role=viewer name=Grace\nteam t\nmember t grace\nres p/x\n"));
    let now = whole(planned(&wanted, &gone), &["loss=1"]);
    assert_eq!(
        moved(&reviewed, &now),
        ["grant p/x grace: `revoke-grant` is no longer in the plan", "consent loss=1 is new"]
    );
}

#[test]
fn plans_have_a_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Plan)).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let (wanted, was) = example();
    let plan = serde_json::to_value(whole(planned(&wanted, &was), &[])).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&plan));
}

#[test]
fn saved_plans_are_checked() {
    let (wanted, was) = example();
    let plan = whole(planned(&wanted, &was), &[]);
    let bytes = save(&plan);
    assert_eq!(load(&bytes).unwrap(), plan);
    let text = String::from_utf8(bytes).unwrap();
    let error = |text: String| load(text.as_bytes()).unwrap_err();
    assert!(matches!(error(text.replace("\"eve\"", "\"mallory\"")), PlanError::Altered { .. }));
    assert!(
        matches!(error(text.replace("rolecall.plan/1", "rolecall.plan/2")), PlanError::UnknownFormat(f) if f == "rolecall.plan/2")
    );
    assert!(matches!(error("[".repeat(100_000)), PlanError::Malformed(_)));
    assert!(matches!(error("{}".into()), PlanError::Malformed(_)));
    let mut broken = plan.clone();
    broken.targets[0].steps[0].after.push(Edge { step: 3, reason: Reason::AdminRemains });
    broken.digest = digest(&broken);
    assert!(matches!(load(&save(&broken)), Err(PlanError::Inconsistent(_))));
    let mut broken = plan;
    broken.targets[0].steps.swap(0, 1);
    broken.digest = digest(&broken);
    assert!(matches!(load(&save(&broken)), Err(PlanError::Inconsistent(_))));
}

#[test]
fn inherited_grants_are_found() {
    use crate::diagnostic::{FileId, Span};
    let (directory, origins) = read(
        "team o\nteam m in=o\nteam t in=m\nres p/x\ngrant p/x team/o edit\ngrant p/x team/t use\nres p/y\ngrant p/y team/o use until=2027-01-01\ngrant p/y team/t use\n",
        false,
    );
    let wanted = everything((directory, origins));
    let span = |n: usize| Span { file: FileId(0), start: n as u32, end: n as u32 + 1 };
    let o = &wanted.origins;
    let spans = |n: usize| (0..n).map(span).collect::<Vec<_>>();
    let origins = Origins {
        roles: spans(o.roles.len()),
        users: spans(o.users.len()),
        teams: spans(o.teams.len()),
        resources: spans(o.resources.len()),
        memberships: spans(o.memberships.len()),
        grants: spans(o.grants.len()),
        domains: spans(o.domains.len()),
        policies: std::collections::BTreeMap::new(),
        rules: std::collections::BTreeMap::new(),
    };
    let wanted = Desired {
        target: wanted.target,
        directory: wanted.directory,
        origins,
        manage: wanted.manage,
        rules: wanted.rules,
        blocks: wanted.blocks,
        blocked_leavers: wanted.blocked_leavers,
        ended_grants: wanted.ended_grants,
        ended_members: wanted.ended_members,
        catalogue: wanted.catalogue,
    };
    let found = crate::invariants::check_files(std::iter::once(&wanted), today());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "team t has use on p/x already: it lies in team o, which is given edit");
    assert_eq!(found[0].primary.as_ref().unwrap().span, span(1));
    assert_eq!(found[0].related[0].span, span(0));
}

#[test]
fn a_hundred_thousand_users_are_planned_in_a_moment() {
    let n = 100_000;
    let build = |shift: usize| {
        let mut b: Builder<()> = Builder::new();
        let role = b.role(
            Role {
                name: "admin".into(),
                description: Said::Nothing,
                permissions: Permissions::NONE,
                administers: true,
            },
            (),
        );
        let teams: Vec<TeamId> = (0..1000).map(|i| b.team(Team::new(&format!("t{i:04}")), ())).collect();
        let resource = b.resource(Resource::new("p/x"), ());
        for i in 0..n {
            let mut user = User::new(&format!("u{i:06}"));
            user.role = if i < 3 { Said::Is(role) } else { Said::Nothing };
            let user = b.user(user, ());
            for k in 0..5 {
                b.membership(
                    Membership {
                        team: teams[(i * 7 + k * 131 + if i % 100 == 0 { shift } else { 0 }) % 1000],
                        user,
                        role: Said::Nothing,
                        until: Said::Nothing,
                        because: None,
                    },
                    (),
                );
            }
            b.grant(Grant { resource, principal: Principal::User(user), role, until: None, because: None }, ());
        }
        b.finish().map(|(d, o, _)| (d, o)).unwrap()
    };
    let (live, wanted) = (build(0).0, everything(build(1)));
    let start = std::time::Instant::now();
    let plan = planned(&wanted, &live);
    assert_eq!(plan.steps.len(), 10_000);
    // Generous: debug builds on shared machines.
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    eprintln!("100,000 users, 500,000 memberships, 10,000 changes: {:?}", start.elapsed());
}
