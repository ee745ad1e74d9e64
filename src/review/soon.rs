//! What ends within 14 days.

use std::collections::BTreeMap;

use super::{Ending, SOON, Subject, days_between};
use crate::diagnostic::Location;
use crate::model::{Directory, Moment, ObjectRef, UserState};

/// A thing that can end, and the role that ends with it: several roles of one grant end each by itself.
type Key = (ObjectRef, Option<String>);

/// What ends within 14 days, the first first. What the files say goes over what is live; where they do
/// not say, it ends as it does live.
pub(super) fn ends_soon<O: Copy>(subject: &Subject<'_, O>) -> Vec<Ending> {
    let desired = &subject.desired.directory;
    let origins = &subject.desired.origins;
    let mut found: BTreeMap<Key, (Option<Moment>, Option<Location>)> = BTreeMap::new();
    if let Some(live) = subject.live {
        each(live, &mut |key, end, _| drop(found.insert(key, (end.unwrap_or_default(), None))));
    }
    each(desired, &mut |key, end, at| {
        let origin = match at {
            At::User(index) => origins.users.get(index),
            At::Member(index) => origins.memberships.get(index),
            At::Grant(index) => origins.grants.get(index),
        };
        let slot = found.entry(key).or_default();
        slot.0 = end.unwrap_or(slot.0);
        slot.1 = origin.map(|o| (subject.locate)(*o));
    });
    let last = subject.now.plus_days(i64::from(SOON));
    let mut endings: Vec<Ending> = found
        .into_iter()
        .filter_map(|((object, role), (until, declared))| {
            let until = until.filter(|u| !u.is_past(subject.now) && *u <= last)?;
            Some(Ending { until, days: days_between(subject.now, until), object, role, declared })
        })
        .collect();
    endings.sort_by(|a, b| (a.until, &a.object, &a.role).cmp(&(b.until, &b.object, &b.role)));
    endings
}

/// Which of a directory's things it is.
enum At {
    User(usize),
    Member(usize),
    Grant(usize),
}

/// Every thing that can end, with its end: `None` where nothing is said about one.
fn each(directory: &Directory, found: &mut dyn FnMut(Key, Option<Option<Moment>>, At)) {
    for (index, user) in directory.users().iter().enumerate().filter(|(_, u)| u.state != UserState::Disabled) {
        let end = (!user.until.is_unsaid()).then(|| user.until.value().copied());
        found((ObjectRef::user(&user.email), None), end, At::User(index));
    }
    for (index, member) in directory.memberships().iter().enumerate() {
        let end = (!member.until.is_unsaid()).then(|| member.until.value().copied());
        let object = ObjectRef::member(&directory.team(member.team).name, &directory.user(member.user).email);
        // A person is in a team once, whatever their role there.
        found((object, None), end, At::Member(index));
    }
    for (index, grant) in directory.grants().iter().enumerate() {
        let principal = directory.principal_record(grant.principal).to_string();
        let object = ObjectRef::grant(&directory.resource(grant.resource).name, &principal);
        let role = directory.role(grant.role).name.to_string();
        found((object, Some(role)), Some(grant.until), At::Grant(index));
    }
}
