//! What of a difference a target's interface can make: the rest is done by hand and said, never planned as
//! a change (`unreachable-is-manual`). Where an account cannot be closed and opened again, a block takes
//! what can be given back (`block-beats-all`), and what an account owns is handed over before it goes
//! (`irreversible-is-confirmed`).

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::json;

use super::diff::{Difference, Planned, Remark};
use super::mentions::mentions;
use super::types::{Note, TargetPlan};
use super::work::granted;
use crate::diagnostic::Code;
use crate::invariants::{Answer, Verdict, some_of};
use crate::model::{
    Change, Directory, Kind, MemberRecord, ObjectRef, Principal, PrincipalRecord, UserId, UserRecord, UserState, Why,
};

/// Something that people have to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// What, as an instruction: `make ada@acme.com ORG_ADMIN`.
    pub what: String,
    /// Where in the system, and how.
    pub place: String,
}

/// What a target makes of a planned change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It makes it.
    Writes,
    /// It makes this much of it; the rest, if it is to be said, is done by hand.
    Part(Box<Change>, Option<ByHand>),
    /// All of it is done by hand.
    ByHand(ByHand),
    /// It is not made, and nobody has to: the thing is left as it is, and counted.
    Left,
    /// There is nothing to make: the target is as declared in all that it keeps.
    Nothing,
    /// It is not as declared for want of something, and cannot be made so: the plan stops.
    Never {
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
}

/// What an account owns in a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Belongings {
    /// What moves to somebody else before the account goes, sorted: `document/x1 (Sales)`.
    pub moves: Vec<String>,
    /// What stays theirs while the account is closed, sorted.
    pub stays: Vec<String>,
    /// What people have to see to before.
    pub by_hand: Vec<ByHand>,
}

/// What the interface of a target can do, change by change.
#[derive(Clone, Copy, Default)]
pub struct Hands<'a> {
    /// What it makes of a change; without it, all of it.
    pub reach: Option<&'a dyn Fn(&Change) -> Reach>,
    /// Whether a block is kept by what can be undone.
    pub contains: bool,
    /// Where an invitation that has run out is sent again.
    pub resends: Option<&'a str>,
}

impl Hands<'_> {
    /// Turns the blocks of a difference into what the target keeps them by, where it cannot close accounts.
    pub fn contain_blocks<O: Copy>(&self, found: &mut Difference<O>, live: &Directory, leavers: &BTreeSet<String>) {
        if self.contains {
            contain(found, live, leavers);
        }
    }

    /// Takes out of a difference what the target cannot make, and says it. Returns what stops the plan.
    /// `leavers` are those of the blocked whose accounts end besides.
    pub(super) fn sort_out<O: Copy>(
        &self,
        found: &mut Difference<O>,
        live: &Directory,
        leavers: &BTreeSet<String>,
    ) -> Vec<Verdict> {
        self.contain_blocks(found, live, leavers);
        let Some(reach) = self.reach else { return Vec::new() };
        let mut never = Vec::new();
        let mut missing: BTreeSet<(Kind, String)> = BTreeSet::new();
        let mut kept = Vec::with_capacity(found.changes.len());
        for planned in std::mem::take(&mut found.changes) {
            let origin = planned.origin;
            let object = planned.change.object();
            match reach(&planned.change) {
                Reach::Writes => kept.push(planned),
                Reach::Part(change, by_hand) => {
                    kept.push(Planned { change: *change, origin });
                    found.remarks.extend(by_hand.map(|b| remark(b, origin)));
                }
                Reach::ByHand(by_hand) => {
                    if matches!(planned.change, Change::CreateResource { .. } | Change::CreateTeam { .. }) {
                        missing.insert((object.kind, object.name));
                    }
                    found.remarks.push(remark(by_hand, origin));
                }
                Reach::Left => found.leave(object.kind),
                Reach::Nothing => {}
                Reach::Never { what, help } => {
                    let name = Code::UnreachableIsManual.name();
                    never.push(Verdict::new(name, Answer::Violated, what).help(help));
                    kept.push(planned);
                }
            }
        }
        let mut waiting: BTreeMap<ObjectRef, usize> = BTreeMap::new();
        kept.retain(|planned| {
            let lacks = mentions(&planned.change).into_iter().find(|(k, n)| missing.contains(&(*k, (*n).to_owned())));
            if let Some((kind, name)) = lacks {
                *waiting.entry(ObjectRef::new(kind, name)).or_default() += 1;
            }
            lacks.is_none()
        });
        for (object, count) in waiting {
            let changes = if count == 1 { "1 change waits".to_owned() } else { format!("{count} changes wait") };
            found.note(format!("{changes} for {object}, which is made by hand: plan again when it is there"));
        }
        found.changes = kept;
        found.observed = std::mem::take(&mut found.observed)
            .into_iter()
            .filter_map(|planned| match reach(&planned.change) {
                Reach::Writes | Reach::Never { .. } => Some(planned),
                Reach::Part(change, _) => Some(Planned { change: *change, ..planned }),
                Reach::ByHand(_) | Reach::Left | Reach::Nothing => None,
            })
            .collect();
        never
    }
}

fn remark<O>(by_hand: ByHand, origin: Option<O>) -> Remark<O> {
    Remark {
        code: Some(Code::UnreachableIsManual),
        message: format!("by hand: {}", by_hand.what),
        help: Some(by_hand.place),
        origin,
    }
}

/// Turns the closing of blocked accounts into the taking away of everything that they hold by themselves:
/// that waits for nobody. The accounts of `leavers` end when nothing is left to take, which asks for consent.
fn contain<O: Copy>(found: &mut Difference<O>, live: &Directory, leavers: &BTreeSet<String>) {
    let mut blocked: BTreeMap<String, (Why, UserRecord, Option<O>)> = BTreeMap::new();
    for planned in &found.changes {
        if let Change::DisableUser { user, reason: reason @ Why::Blocked { .. } } = &planned.change {
            blocked.insert(user.email.clone(), (reason.clone(), user.clone(), planned.origin));
        }
    }
    if blocked.is_empty() {
        return;
    }
    // What gives a blocked person something, or only changes it, is not made.
    let about = |change: &Change| -> Option<String> {
        match change {
            Change::DisableUser { user, .. } | Change::UpdateUser { after: user, .. } => Some(user.email.clone()),
            Change::AddMember { member }
            | Change::RemoveMember { member, .. }
            | Change::ChangeMember { before: member, .. } => Some(member.user.clone()),
            Change::GiveGrant { to: PrincipalRecord::User(user), .. }
            | Change::ChangeGrant { to: PrincipalRecord::User(user), .. }
            | Change::RevokeGrant { to: PrincipalRecord::User(user), .. } => Some(user.clone()),
            _ => None,
        }
    };
    let mut teams: FxHashMap<String, String> = FxHashMap::default();
    let mut resources: FxHashMap<String, String> = FxHashMap::default();
    let mut gone: FxHashSet<String> = FxHashSet::default();
    found.changes.retain(|planned| {
        match &planned.change {
            Change::RenameTeam { from, to } => drop(teams.insert(from.clone(), to.clone())),
            Change::RenameResource { from, to } => drop(resources.insert(from.clone(), to.clone())),
            _ => {}
        }
        let keep = about(&planned.change).is_none_or(|user| !blocked.contains_key(&user));
        // What goes with a team or resource that is deleted is taken away all the same.
        if !keep && let Some(Why::Goes { with }) = planned.change.reason() {
            gone.insert(with.name.clone());
        }
        keep
    });
    for (email, (reason, user, origin)) in blocked {
        let Some(id) = live.find_user(&email) else { continue };
        if live.user(id).state == UserState::Disabled {
            continue;
        }
        let taken = holds(live, id, &email, &reason, &teams, &resources);
        let nothing = taken.is_empty();
        let leaves = leavers.contains(&email);
        if leaves && nothing {
            found.changes.push(Planned { change: Change::DisableUser { user, reason: Why::Declared }, origin });
            continue;
        }
        found.changes.extend(taken.into_iter().map(|change| Planned { change, origin }));
        let everyone: Vec<String> = live
            .grants()
            .iter()
            .filter(|g| g.principal == Principal::Everyone)
            .map(|g| format!("{} on {}", live.role(g.role).name, live.resource(g.resource).name))
            .collect();
        let how = if nothing { "holds nothing by themselves" } else { "loses all memberships and grants" };
        let rest = if everyone.is_empty() {
            String::new()
        } else {
            format!("; what everyone has stays: {}", some_of(&everyone))
        };
        let (account, help) = if leaves {
            (
                "ends by a later apply",
                "plan again after this one: ending the account cannot be undone, and asks for consent",
            )
        } else {
            ("stays", "to end the account for good, which cannot be undone, declare `state: disabled` as well")
        };
        found.remarks.push(Remark {
            code: None,
            message: format!(
                "user {email} is blocked and {how}, which can be undone{rest}; the account itself {account}"
            ),
            help: Some(help.to_owned()),
            origin,
        });
    }
}

/// What takes away everything that a user holds by themselves.
fn holds(
    live: &Directory,
    id: UserId,
    email: &str,
    reason: &Why,
    teams: &FxHashMap<String, String>,
    resources: &FxHashMap<String, String>,
) -> Vec<Change> {
    let now =
        |names: &FxHashMap<String, String>, name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut taken = Vec::new();
    for membership in live.memberships().iter().filter(|m| m.user == id) {
        let record = live.member_record(membership);
        let member = MemberRecord { team: now(teams, &record.team), ..record };
        taken.push(Change::RemoveMember { member, reason: reason.clone() });
    }
    let pairs = live.grants().chunk_by(|a, b| (a.resource, a.principal) == (b.resource, b.principal));
    for pair in pairs.filter(|p| p[0].principal == Principal::User(id)) {
        taken.push(Change::RevokeGrant {
            to: PrincipalRecord::User(email.to_owned()),
            resource: now(resources, &live.resource(pair[0].resource).name),
            roles: granted(live, pair),
            reason: reason.clone(),
        });
    }
    taken
}

/// Completes a plan by what the accounts own that go, for good or not: what stays theirs, what moves and to whom, what people have
/// to do before, and that there is somebody to take it over. What is owned becomes part of what is reviewed.
pub fn leaving(
    plan: &mut TargetPlan,
    live: &Directory,
    successor: Option<&str>,
    belongings: &BTreeMap<String, Belongings>,
) {
    let rule = Code::IrreversibleIsConfirmed.name();
    let note = |message: String, help: Option<String>, rule: &str| Note {
        rule: Some(rule.to_owned()),
        message,
        help,
        declared: None,
    };
    let mut orphans: Vec<String> = Vec::new();
    let fit = successor.filter(|to| {
        let active = live.find_user(to).is_some_and(|id| live.user(id).state == UserState::Active);
        active && !plan.irreversible.iter().any(|gone| gone == to)
    });
    for (email, owned) in belongings {
        if !owned.moves.is_empty() {
            let what = some_of(&owned.moves);
            match fit {
                Some(to) => plan.notes.push(note(format!("before {email} goes, {to} takes over: {what}"), None, rule)),
                None => orphans.push(format!("{email} ({what})")),
            }
        }
        if !owned.stays.is_empty() {
            let message = format!("{email} keeps what they own: {}", some_of(&owned.stays));
            plan.notes.push(Note { rule: None, message, help: None, declared: None });
        }
        for step in &owned.by_hand {
            let message = format!("by hand, before {email} goes: {}", step.what);
            plan.notes.push(note(message, Some(step.place.clone()), Code::UnreachableIsManual.name()));
        }
        let mut seen = json!({"to": fit.filter(|_| !owned.moves.is_empty()), "moves": owned.moves});
        if !owned.stays.is_empty() {
            seen["stays"] = json!(owned.stays);
        }
        plan.touched.insert(format!("belongings of {email}"), seen);
    }
    if !orphans.is_empty() {
        let message = match successor {
            None => format!("nobody takes over what these accounts own: {}", some_of(&orphans)),
            Some(to) => format!("{to} cannot take over what these accounts own: {}", some_of(&orphans)),
        };
        let help = match successor {
            None => "name somebody who stays: `policies: {removal: {transfer_to: USER}}`",
            Some(_) => "name an active user of this target who stays: `policies: {removal: {transfer_to: USER}}`",
        };
        plan.guards.push(Verdict::new(rule, Answer::Violated, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{desired, lines, live, planned, planned_with, whole};

    fn note_of(plan: &TargetPlan, part: &str) -> Option<(String, Option<String>)> {
        plan.notes.iter().find(|n| n.message.contains(part)).map(|n| (n.message.clone(), n.help.clone()))
    }

    #[test]
    fn what_is_done_by_hand_is_said_and_never_a_change() {
        let reach = |change: &Change| match change {
            Change::CreateResource { .. } => {
                Reach::ByHand(ByHand { what: "make the model".into(), place: "on the screen".into() })
            }
            Change::UpdateUser { before, after } => {
                let part = UserRecordParts { before, after }.without_role();
                Reach::Part(Box::new(part), Some(ByHand { what: "make her admin".into(), place: "there".into() }))
            }
            Change::DeleteResource { .. } => Reach::Left,
            Change::DeleteTeam { .. } => Reach::Nothing,
            _ => Reach::Writes,
        };
        let hands = Hands { reach: Some(&reach), ..Hands::default() };
        let was = live("user root@a.b role=admin\nuser ada@a.b role=viewer name=Ada\nteam t\nres model/old");
        let wanted = desired(
            "user root@a.b role=admin\nuser ada@a.b role=admin name=Countess\nres model/new\ngrant model/new ada@a.b use",
        );
        let plan = planned_with(&wanted, &was, hands);
        assert_eq!(lines(&plan), ["1 update-user ada@a.b"]);
        let Change::UpdateUser { after, .. } = &plan.steps[0].change else { panic!() };
        assert_eq!((after.name.as_deref(), after.role.as_deref()), (Some("Countess"), Some("viewer")));
        assert_eq!(
            note_of(&plan, "make the model"),
            Some(("by hand: make the model".into(), Some("on the screen".into())))
        );
        assert!(note_of(&plan, "by hand: make her admin").is_some());
        assert!(note_of(&plan, "1 change waits for resource model/new").is_some());
        assert_eq!(plan.left_alone.get(&Kind::Resource), Some(&1));
        assert!(!plan.is_blocked());
    }

    /// An update without its change of role.
    struct UserRecordParts<'a> {
        before: &'a UserRecord,
        after: &'a UserRecord,
    }

    impl UserRecordParts<'_> {
        fn without_role(&self) -> Change {
            let after = UserRecord { role: self.before.role.clone(), ..self.after.clone() };
            Change::UpdateUser { before: self.before.clone(), after }
        }
    }

    #[test]
    fn what_can_never_be_stops_the_plan() {
        let reach = |change: &Change| match change {
            Change::AddMember { .. } => Reach::Never { what: "not in there".into(), help: "take it away".into() },
            _ => Reach::Writes,
        };
        let was = live("user root@a.b role=admin\nteam t");
        let wanted = desired("user root@a.b role=admin\nteam t\nmember t root@a.b");
        let plan = planned_with(&wanted, &was, Hands { reach: Some(&reach), ..Hands::default() });
        assert!(plan.is_blocked());
        let verdict = plan.guards.iter().find(|v| v.answer == Answer::Violated).unwrap();
        assert_eq!((verdict.rule.as_str(), verdict.message.as_str()), ("unreachable-is-manual", "not in there"));
    }

    #[test]
    fn a_block_takes_what_can_be_given_back() {
        let state = "user root@a.b role=admin\nuser eve@a.b role=viewer\nteam t\nmember t eve@a.b\nres project/x\n\
                     grant project/x eve@a.b edit\ngrant project/x everyone use";
        let was = live(state);
        let mut wanted = desired(&state.replace("eve@a.b role=viewer", "eve@a.b role=viewer state=disabled"));
        wanted.blocks.insert("eve@a.b".into(), Some("INC-77".into()));
        let plan = planned_with(&wanted, &was, Hands { contains: true, ..Hands::default() });
        assert_eq!(lines(&plan), ["1 remove-member t eve@a.b", "1 revoke-grant project/x eve@a.b"]);
        assert!(plan.irreversible.is_empty() && !plan.is_blocked(), "{:?}", plan.guards);
        let (message, help) = note_of(&plan, "is blocked").unwrap();
        assert!(message.contains("what everyone has stays: use on project/x"), "{message}");
        assert!(help.unwrap().contains("state: disabled"));
        // When it is done, nothing is left to do, and nothing is given back while the block stands.
        let done = live(
            "user root@a.b role=admin\nuser eve@a.b role=viewer\nteam t\nres project/x\ngrant project/x everyone use",
        );
        let plan = planned_with(&wanted, &done, Hands { contains: true, ..Hands::default() });
        assert_eq!(lines(&plan), [""; 0]);
        // Who is to go besides goes when nothing is left to take, and with a consent.
        let mut leaves = wanted.clone();
        leaves.blocked_leavers.insert("eve@a.b".into());
        let hands = Hands { contains: true, ..Hands::default() };
        let first = planned_with(&leaves, &was, hands);
        assert_eq!(lines(&first), ["1 remove-member t eve@a.b", "1 revoke-grant project/x eve@a.b"]);
        let (message, help) = note_of(&first, "is blocked").unwrap();
        assert!(message.contains("the account itself ends by a later apply"), "{message}");
        assert!(help.unwrap().contains("asks for consent"));
        let then = planned_with(&leaves, &done, hands);
        assert_eq!(lines(&then), ["1 disable-user eve@a.b"]);
        assert!(note_of(&then, "is blocked").is_none());
        // Elsewhere, a block disables.
        assert_eq!(lines(&planned(&wanted, &was)), ["1 disable-user eve@a.b"]);
    }

    #[test]
    fn what_leavers_own_has_a_successor_or_stops_the_plan() {
        let state = "user root@a.b role=admin\nuser ada@a.b role=admin\nuser eve@a.b role=viewer";
        let was = live(state);
        let mut wanted = desired("user root@a.b role=admin\nuser ada@a.b role=admin");
        wanted.rules.removal.users = crate::model::UserRemoval::Delete;
        let step = ByHand { what: "empty the folder".into(), place: "in there".into() };
        let owned = BTreeMap::from([(
            "eve@a.b".to_owned(),
            Belongings { moves: vec!["schedule 1 (Daily)".into()], by_hand: vec![step], ..Belongings::default() },
        )]);
        let judged = |successor: Option<&str>| {
            let mut plan = planned(&wanted, &was);
            leaving(&mut plan, &was, successor, &owned);
            plan
        };
        let fine = judged(Some("ada@a.b"));
        assert!(!fine.guards.iter().any(|v| v.answer == Answer::Violated), "{:?}", fine.guards);
        assert!(note_of(&fine, "before eve@a.b goes, ada@a.b takes over: schedule 1 (Daily)").is_some());
        assert!(note_of(&fine, "by hand, before eve@a.b goes: empty the folder").is_some());
        for (successor, says) in [
            (None, "nobody takes over what these accounts own"),
            (Some("eve@a.b"), "eve@a.b cannot take over"),
            (Some("who@a.b"), "who@a.b cannot take over"),
        ] {
            let plan = judged(successor);
            let stop = plan.guards.iter().find(|v| v.answer == Answer::Violated).unwrap();
            assert!(stop.message.starts_with(says), "{}", stop.message);
        }
        // Who takes it over is part of what is reviewed.
        let digest = |successor| whole(judged(successor), &["irreversible.user=1"]).digest;
        assert_ne!(digest(Some("ada@a.b")), digest(Some("root@a.b")));
        assert_eq!(digest(Some("ada@a.b")), digest(Some("ada@a.b")));
    }
}
