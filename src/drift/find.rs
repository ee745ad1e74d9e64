//! From a reading and a declaration to the drift of one target.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Mends, TargetDrift, direction, fields, widen};
use crate::access::{self, World};
use crate::diagnostic::{Code, Location};
use crate::model::{Change, Desired, Directory};
use crate::plan::{self, ByHand, Hands, Options, Reach, Renaming};

/// What a target makes of a change towards the declaration.
pub type Reads<'a> = &'a dyn Fn(&Change) -> Reach;

/// What drift is found from.
pub struct Subject<'a, O> {
    /// What the files want.
    pub desired: &'a Desired<O>,
    /// What is live.
    pub live: &'a Directory,
    /// What kind of system it is.
    pub provider: &'a str,
    /// The time, and what the target can do.
    pub options: Options,
    /// Declared renamings that have been made before.
    pub renamed: &'a BTreeSet<Renaming>,
    /// What the target makes of a change.
    pub reach: Reads<'a>,
    /// Whether the target keeps a block by what can be undone.
    pub contains: bool,
    /// Says where something is declared.
    pub locate: &'a dyn Fn(O) -> Location,
}

/// Finds the drift of one target. Linear, as planning is; no order is looked for.
#[must_use]
pub fn find<O: Copy>(subject: &Subject<'_, O>) -> TargetDrift {
    let Subject { desired, live, options, .. } = *subject;
    let mut found = plan::difference(desired, live, options, subject.renamed);
    let hands = Hands { reach: None, contains: subject.contains, resends: None };
    hands.contain_blocks(&mut found, live, &desired.blocked_leavers);
    let mut notes: Vec<String> = Vec::new();
    for remark in &found.remarks {
        // What is said of a plan alone is left to plans.
        let kept = [Code::JoinerIsExpected, Code::RenameBothLive, Code::RenameDone];
        if remark.code.is_some_and(|code| kept.contains(&code)) {
            let at = remark.origin.map(|o| format!("{}: ", (subject.locate)(o))).unwrap_or_default();
            notes.push(format!("{at}{}", remark.message));
        }
    }
    let mut left_alone = found.left_alone;
    let mut differences: Vec<Difference> = Vec::new();
    let all = found.changes.into_iter().map(|p| (p, true)).chain(found.observed.into_iter().map(|p| (p, false)));
    for (planned, written) in all {
        let by_hand = |by: ByHand| Mends::Hand { what: by.what, place: by.place };
        let (change, mends) = match (subject.reach)(&planned.change) {
            Reach::Writes => (planned.change, Mends::Apply),
            Reach::Part(change, None) => (*change, Mends::Apply),
            Reach::Part(_, Some(by)) | Reach::ByHand(by) => (planned.change, by_hand(by)),
            Reach::Never { what, help } => (planned.change, Mends::Never { what, help }),
            Reach::Left => {
                *left_alone.entry(planned.change.kind()).or_default() += 1;
                continue;
            }
            Reach::Nothing => continue,
        };
        differences.push(Difference {
            direction: direction(&change),
            object: change.object(),
            fields: fields(&change),
            mends: if written { mends } else { Mends::Nobody },
            declared: planned.origin.map(subject.locate),
            widens: None,
            since: None,
            told_by: None,
            allowed: None,
            change,
        });
    }
    with_leads(&mut differences);
    let changes: Vec<&Change> = differences.iter().map(|d| &d.change).collect();
    let world = World::with(live, &desired.catalogue, options.now, changes.iter().copied());
    let between = access::differences(&world);
    let access = widen::turned(access::told(&world, &between, changes.len()));
    let widens = widen::widens(&world, &between, &changes);
    for (difference, widens) in differences.iter_mut().zip(widens) {
        difference.widens = widens;
    }
    // Stable: what happens to one thing stays in its order.
    differences.sort_by(|a, b| a.object.cmp(&b.object));
    TargetDrift {
        target: desired.target.clone(),
        provider: subject.provider.to_owned(),
        access: access::AccessDifference { without_effect: Vec::new(), ..access },
        differences,
        pending: found.pending,
        expired_invitations: found.expired_invitations,
        left_alone,
        doubts: Vec::new(),
        notes,
    }
}

/// A team that is missing is missing with its leads: a plan gives them to it when it is there.
fn with_leads(differences: &mut Vec<Difference>) {
    let mut leads: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let made: BTreeSet<String> = differences.iter().filter_map(|d| made_team(&d.change)).collect();
    differences.retain(|difference| match &difference.change {
        Change::SetLeads { team, after, .. } if made.contains(team) => {
            leads.insert(team.clone(), after.clone());
            false
        }
        _ => true,
    });
    for difference in differences {
        if let Change::CreateTeam { team } = &mut difference.change
            && let Some(of_team) = leads.remove(&team.name)
        {
            team.leads = of_team;
            difference.fields = fields(&difference.change);
        }
    }
}

fn made_team(change: &Change) -> Option<String> {
    if let Change::CreateTeam { team } = change { Some(team.name.clone()) } else { None }
}
