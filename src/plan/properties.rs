//! Random organizations: carried out step by step on a naive model, a plan from one to the other gives
//! the other, and nothing is missing or lost on the way.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::end::end_state;
use super::testing::{everything, planned, planned_since, read, whole};
use super::{Plan, load, renamings, save};
use crate::access::naive::Naive;
use crate::invariants::{Answer, Verdict};
use crate::model::*;

/// Numbers from which a small organization is made.
#[derive(Debug, Clone)]
struct Seeds {
    users: Vec<(bool, u8, bool, u8)>,
    teams: Vec<(bool, u8, u8, u8)>,
    members: Vec<(u8, u8, u8)>,
    resources: Vec<(bool, u8, u8)>,
    grants: Vec<(u8, u8, u8)>,
}

fn seeds() -> impl Strategy<Value = Seeds> {
    (
        prop::collection::vec(any::<(bool, u8, bool, u8)>(), 5),
        prop::collection::vec(any::<(bool, u8, u8, u8)>(), 4),
        prop::collection::vec(any::<(u8, u8, u8)>(), 0..8),
        prop::collection::vec(any::<(bool, u8, u8)>(), 3),
        prop::collection::vec(any::<(u8, u8, u8)>(), 0..8),
    )
        .prop_map(|(users, teams, members, resources, grants)| Seeds { users, teams, members, resources, grants })
}

/// The words of an organization. `down` turns the order in which teams may lie in each other, so that
/// two organizations can be inside out; `was` gives the old names.
fn words(s: &Seeds, down: bool, disabled: impl Fn(usize) -> bool, was: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let role = |n: u8| ["", " role=admin", " role=viewer", " role=admin"][n as usize % 4];
    let was = |name: String| was(&name).map(|old| format!(" was={old}")).unwrap_or_default();
    for (i, (there, r, off, _)) in s.users.iter().enumerate().filter(|(_, u)| u.0) {
        debug_assert!(*there);
        let state = if *off && disabled(i) { " state=disabled" } else { "" };
        text += &format!("user u{i}{}{state}{}\n", role(*r), was(format!("u{i}")));
    }
    let users: Vec<usize> = (0..s.users.len()).filter(|i| s.users[*i].0).collect();
    let teams: Vec<usize> = (0..s.teams.len()).filter(|i| s.teams[*i].0).collect();
    let resources: Vec<usize> = (0..s.resources.len()).filter(|i| s.resources[*i].0).collect();
    let around = |list: &[usize], i: usize, n: u8| -> Option<usize> {
        let fit: Vec<usize> = list.iter().copied().filter(|o| if down { *o > i } else { *o < i }).collect();
        (!fit.is_empty() && !n.is_multiple_of(3)).then(|| fit[n as usize % fit.len()])
    };
    for &i in &teams {
        let (_, r, outer, lead) = s.teams[i];
        let role = ["", "", " role=viewer", " role=admin"][r as usize % 4];
        let outer = around(&teams, i, outer).map(|o| format!(" in=t{o}")).unwrap_or_default();
        let lead = if users.is_empty() || lead % 2 == 0 {
            String::new()
        } else {
            format!(" leads=u{}", users[lead as usize % users.len()])
        };
        text += &format!("team t{i}{role}{outer}{lead}{}\n", was(format!("t{i}")));
    }
    let mut seen = BTreeSet::new();
    for (t, u, r) in s.members.iter().filter(|_| !teams.is_empty() && !users.is_empty()) {
        let (t, u) = (teams[*t as usize % teams.len()], users[*u as usize % users.len()]);
        if seen.insert((t, u)) {
            text += &format!("member t{t} u{u}{}\n", ["", " role=viewer"][*r as usize % 2]);
        }
    }
    for &i in &resources {
        let (_, parent, owner) = s.resources[i];
        let parent = around(&resources, i, parent).map(|o| format!(" in=p/{o}")).unwrap_or_default();
        let owner = if users.is_empty() || owner % 2 == 0 {
            String::new()
        } else {
            format!(" owner=u{}", users[owner as usize % users.len()])
        };
        text += &format!("res p/{i}{parent}{owner}{}\n", was(format!("p/{i}")));
    }
    let mut seen = BTreeSet::new();
    for (r, p, roles) in s.grants.iter().filter(|_| !resources.is_empty()) {
        let r = resources[*r as usize % resources.len()];
        let p = match p % 5 {
            0 | 1 if !users.is_empty() => format!("u{}", users[*p as usize / 5 % users.len()]),
            2 | 3 if !teams.is_empty() => format!("team/t{}", teams[*p as usize / 5 % teams.len()]),
            _ => "everyone".to_owned(),
        };
        if seen.insert((r, p.clone())) {
            text += &format!("grant p/{r} {p} {}\n", ["use", "edit", "edit,use"][*roles as usize % 3]);
        }
    }
    text
}

/// The old name of each new one: the numbers rotated among the first few.
fn old_name(name: &str, turn: u8, a: &str) -> Option<String> {
    let (prefix, number) = name.split_at(name.len() - 1);
    let number: u8 = number.parse().ok()?;
    let size = turn % 4;
    let old = format!("{prefix}{}", if number < size { (number + 1) % size } else { number });
    let there = a
        .lines()
        .any(|l| l.split_whitespace().nth(1) == Some(&old) && !l.starts_with("member") && !l.starts_with("grant"));
    (old != name && there).then_some(old)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_leads_from_one_state_to_the_other(a in seeds(), b in seeds(), down: bool, turn: u8, mut shuffle: u64) {
        let a_text = words(&a, false, |_| true, |_| None);
        let there = |i: usize| a.users[i].0 && turn % 4 < 2;
        let b_text = words(&b, down, there, |name| old_name(name, turn, &a_text));
        let (live, _) = read(&a_text, true);
        let mut desired = everything(read(&b_text, true));
        desired.rules.removal.users = UserRemoval::Delete;
        let plan = planned(&desired, &live);
        prop_assume!(plan.guards.iter().all(|v| v.rule != "rename-both-live"));
        prop_assert!(plan.guards.iter().all(|v| v.rule != "cycle"), "{:?}", plan.guards);

        let (mut now, goal) = (Naive::of(&live), Naive::of(&desired.directory));
        // What the plan says is so at every moment; one is kept in any case. The lower of before and after is
        // not always to be had: a team may have to give up its role and its place in one change.
        let floor = promised(&plan).max(usize::from(!plan.is_blocked()).min(now.admins()).min(goal.admins()));
        for wave in plan.steps.chunk_by(|x, y| x.wave == y.wave) {
            let mut wave: Vec<_> = wave.iter().collect();
            for i in (1..wave.len()).rev() {
                shuffle = shuffle.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                wave.swap(i, (shuffle >> 33) as usize % (i + 1));
            }
            for step in wave {
                now.apply(&step.change).map_err(TestCaseError::fail)?;
                prop_assert!(now.admins() >= floor, "administrators at {:?}\n{a_text}\n{b_text}", step);
            }
        }
        prop_assert_eq!(&now, &goal, "\n{}\n{}", a_text, b_text);
        let whole = whole(plan, &[]);
        prop_assert_eq!(load(&save(&whole)).unwrap(), whole);
    }

    #[test]
    fn what_changed_is_done_and_what_had_drifted_stays(
        a in seeds(), b in seeds(), c in seeds(), shape in any::<[u8; 4]>(), down: bool, turn: u8, drifted: bool,
    ) {
        // Most of what the files were is live, and most of it stays in the files.
        let mut base = mixed(&a, &b, shape[0]);
        let mut head = mixed(&base, &c, shape[1]);
        if !drifted {
            base = a.clone();
            head = mixed(&a, &c, shape[1]);
        }
        let there = |s: &Seeds| { let s = s.clone(); move |i: usize| s.users[i].0 && turn % 4 < 2 };
        let live_text = words(&a, false, |_| true, |_| None);
        // The files were renamed after as well, or only now.
        let base_text = match shape[2] % 4 {
            0 => words(&base, false, |_| true, |name| old_name(name, turn, &live_text)),
            _ => words(&base, false, |_| true, |_| None),
        };
        let head_text = words(&head, down && drifted, there(&head), |name| old_name(name, turn, &live_text));
        let (live, _) = read(&live_text, true);
        let files = |text: &str| {
            let mut files = everything(read(text, true));
            files.rules.removal.users = if shape[3] % 3 == 0 { UserRemoval::Disable } else { UserRemoval::Delete };
            files
        };
        let (since, desired) = (files(&base_text), files(&head_text));
        let text = format!("\n--- live\n{live_text}\n--- base\n{base_text}\n--- head\n{head_text}");
        let full = planned(&desired, &live);
        prop_assume!(full.guards.iter().all(|v| v.rule != "rename-both-live"));
        prop_assume!(planned(&since, &live).guards.iter().all(|v| v.rule != "rename-both-live"));
        let plan = planned_since(&desired, &live, Some(&since), BTreeSet::new());
        prop_assert!(plan.guards.iter().all(|v| v.rule != "cycle"), "{:?}{text}", plan.guards);

        // Nothing is made up, and nothing is lost.
        let has = |change: &Change| full.steps.iter().any(|s| s.change.object() == change.object());
        prop_assert!(plan.drift.iter().all(|d| has(&d.change)), "{:?}{text}", plan.drift);
        prop_assert!(plan.steps.iter().all(|s| has(&s.change)), "{:?}{text}", plan.steps);
        for step in &full.steps {
            let found = plan.drift.iter().any(|d| d.change == step.change)
                || plan.steps.iter().any(|s| s.change.object() == step.change.object());
            prop_assert!(found, "{:?}{text}", step.change);
        }
        if !drifted && live_text == base_text {
            prop_assert!(plan.drift.is_empty(), "{:?}{text}", plan.drift);
            prop_assert_eq!(plan.steps.len(), full.steps.len());
        }

        // It can be done, and then there is no more of it to do.
        let mut now = Naive::of(&live);
        for step in &plan.steps {
            now.apply(&step.change).map_err(|e| TestCaseError::fail(format!("{e}: {:?}{text}", step.change)))?;
        }
        let after = end_state(&live, plan.steps.iter().map(|s| &s.change));
        prop_assert_eq!(&now, &Naive::of(&after), "{}", text);
        let made = renamings(plan.steps.iter().map(|s| &s.change));
        // What has been renamed since has another name in the files of before, and is no more the same there.
        if made.is_empty() {
            let again = planned_since(&desired, &after, Some(&since), made.clone());
            prop_assert!(again.steps.is_empty(), "{:?}{text}", again.steps);
            prop_assert_eq!(again.drift.is_empty(), plan.drift.is_empty(), "{:?} {:?}{}", again.drift, plan.drift, text);
        }

        // What had drifted is the rest, and nothing else. Of circles of renamings of which one part is made and
        // another had drifted, the next plan does not know which.
        let waits = renamings(plan.drift.iter().map(|d| &d.change));
        if !made.is_empty() || !waits.is_empty() {
            return Ok(());
        }
        for step in &planned_since(&desired, &after, None, made).steps {
            now.apply(&step.change).map_err(TestCaseError::fail)?;
        }
        let mut all = Naive::of(&live);
        for step in &full.steps {
            all.apply(&step.change).map_err(TestCaseError::fail)?;
        }
        prop_assert_eq!(&now, &all, "{}", text);
    }

    #[test]
    fn any_bytes_are_refused_in_words(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn altered_plans_are_refused_or_the_same(at in any::<prop::sample::Index>(), with: u8) {
        let plan = sample();
        let mut bytes = save(&plan);
        let index = at.index(bytes.len());
        bytes[index] = with;
        if let Ok(read) = load(&bytes) {
            prop_assert_eq!(super::digest(&read), plan.digest);
        }
    }
}

/// The first organization with some parts of the second.
fn mixed(a: &Seeds, b: &Seeds, which: u8) -> Seeds {
    let mut mixed = a.clone();
    let take = |bit: u8, i: usize| which >> bit & 1 == 1 && (which >> (i % 5)) & 1 == 1;
    (0..mixed.users.len()).filter(|i| take(0, *i)).for_each(|i| mixed.users[i] = b.users[i]);
    (0..mixed.teams.len()).filter(|i| take(1, *i)).for_each(|i| mixed.teams[i] = b.teams[i]);
    (0..mixed.resources.len()).filter(|i| take(2, *i)).for_each(|i| mixed.resources[i] = b.resources[i]);
    let (members, grants) = (mixed.members.len(), mixed.grants.len());
    if which >> 3 & 1 == 1 {
        mixed.members.splice(members / 2.., b.members.iter().copied());
        mixed.grants.splice(..grants / 2, b.grants.iter().copied());
    }
    mixed
}

/// How many administrators a plan says there are at every moment; nothing is said of a plan that is stopped.
fn promised(plan: &super::TargetPlan) -> usize {
    let holds = |v: &&Verdict| v.rule == "admin-remains" && v.answer == Answer::Holds;
    let Some(verdict) = plan.guards.iter().find(holds) else { return 0 };
    let (_, least) = verdict.message.split_once("never fewer than ").unwrap_or(("", &verdict.message));
    least.split_whitespace().find_map(|w| w.parse().ok()).unwrap()
}

fn sample() -> Plan {
    let live = super::testing::live("user ada role=admin\nuser bob role=viewer\nteam t\nmember t bob\n");
    let desired =
        super::testing::desired("user ada role=admin name=Ada\nuser eve role=viewer\nteam t leads=ada\nmember t ada\n");
    whole(planned(&desired, &live), &[])
}
