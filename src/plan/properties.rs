//! Random organizations: carried out step by step on a naive model, a plan from one to the other gives
//! the other, and nothing is missing or lost on the way.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testing::{everything, planned, read, whole};
use super::{Plan, load, save};
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
