//! Resources, their place, visibility and owner. Grants are among the edges.

use super::work::{Fate, Work, apply};
use crate::model::{Change, Kind, Mode, ObjectRef, Resource, ResourceId, ResourceRecord, Said, UserId, Why};

pub(super) fn compare<O: Copy>(work: &mut Work<'_, O>) {
    let desired = work.desired;
    for (index, resource) in desired.directory.resources().iter().enumerate() {
        let writes = desired.manage.mode_of(Kind::Resource, &resource.name).writes();
        work.resource_there[index] = writes || work.resources.live_of[index].is_some();
    }
    for index in 0..desired.directory.resources().len() {
        declared(work, ResourceId(index as u32));
    }
    for index in 0..work.live.resources().len() {
        if work.resources.desired_of[index].is_none() {
            undeclared(work, ResourceId(index as u32));
        }
    }
}

fn declared<O: Copy>(work: &mut Work<'_, O>, id: ResourceId) {
    let desired = work.desired;
    let resource = desired.directory.resource(id);
    let mode = desired.manage.mode_of(Kind::Resource, &resource.name);
    let origin = desired.origins.resources.get(id.index()).copied();
    let parent = match resource.parent {
        Said::Is(parent) if !work.resource_there[parent.index()] => {
            work.lacks(ObjectRef::resource(&desired.directory.resource(parent).name));
            Said::Unsaid
        }
        parent => parent,
    };
    let owner = match resource.owner {
        Said::Is(owner) if !work.user_there[owner.index()] => {
            work.lacks(ObjectRef::user(&desired.directory.user(owner).email));
            Said::Unsaid
        }
        owner => owner,
    };
    let Some(live_id) = work.resources.live_of[id.index()].map(ResourceId) else {
        let mut record = ResourceRecord {
            name: resource.name.to_string(),
            description: None,
            parent: None,
            visibility: None,
            owner: None,
        };
        fill(work, resource, &parent, &owner, &mut record);
        work.put(mode, Change::CreateResource { resource: record }, origin);
        return;
    };
    let live = work.live.resource(live_id);
    let parent_is_met = match (&parent, &live.parent) {
        (Said::Unsaid, Said::Is(l)) => !work.resource_goes[l.index()],
        (Said::Is(d), Said::Is(l)) => work.resources.live_of[d.index()] == Some(l.0),
        (Said::Is(_), _) | (Said::Nothing, Said::Is(_)) => false,
        _ => true,
    };
    let owner_is_met = match (&owner, &live.owner) {
        (Said::Unsaid, Said::Is(l)) => work.fates[l.index()] != Fate::Goes,
        (Said::Is(d), Said::Is(l)) => work.users.live_of[d.index()] == Some(l.0),
        (Said::Is(_), _) | (Said::Nothing, Said::Is(_)) => false,
        _ => true,
    };
    let met = parent_is_met
        && owner_is_met
        && resource.description.is_met_by(&live.description)
        && resource.visibility.is_met_by(&live.visibility);
    if met {
        return;
    }
    let before = work.resource_record(live_id);
    let mut after = without_what_goes(work, live_id, before.clone());
    let only_letting_go = after != before && !mode.writes();
    fill(work, resource, &parent, &owner, &mut after);
    if only_letting_go {
        let let_go = without_what_goes(work, live_id, before.clone());
        work.must(Change::UpdateResource { before, after: let_go });
    } else if before != after {
        work.put(mode, Change::UpdateResource { before, after }, origin);
    }
}

/// The record without a parent or owner that this plan deletes.
fn without_what_goes<O: Copy>(work: &Work<'_, O>, id: ResourceId, mut record: ResourceRecord) -> ResourceRecord {
    let live = work.live.resource(id);
    if live.parent.value().is_some_and(|l| work.resource_goes[l.index()]) {
        record.parent = None;
    }
    if live.owner.value().is_some_and(|l| work.fates[l.index()] == Fate::Goes) {
        record.owner = None;
    }
    record
}

fn fill<O: Copy>(
    work: &Work<'_, O>,
    resource: &Resource,
    parent: &Said<ResourceId>,
    owner: &Said<UserId>,
    record: &mut ResourceRecord,
) {
    apply(&mut record.description, &resource.description, |t| t.to_string());
    apply(&mut record.parent, parent, |r| work.desired.directory.resource(*r).name.to_string());
    apply(&mut record.visibility, &resource.visibility, |v| *v);
    apply(&mut record.owner, owner, |u| work.desired.directory.user(*u).email.to_string());
}

fn undeclared<O: Copy>(work: &mut Work<'_, O>, id: ResourceId) {
    if work.resource_goes[id.index()] {
        let resource = work.resource_record(id);
        work.must(Change::DeleteResource { resource, reason: Why::Undeclared });
        return;
    }
    let before = work.resource_record(id);
    let after = without_what_goes(work, id, before.clone());
    if before != after {
        work.must(Change::UpdateResource { before, after });
    }
    if work.mode_of_undeclared(Kind::Resource, &work.live.resource(id).name) == Mode::Observe {
        let resource = work.resource_record(id);
        work.put(Mode::Observe, Change::DeleteResource { resource, reason: Why::Undeclared }, None);
    } else {
        work.out.leave(Kind::Resource);
    }
}
