//! Users: who comes, who changes, who can no longer come in.

use super::Remark;
use super::work::{Fate, Work, apply};
use crate::diagnostic::Code;
use crate::model::{Change, Kind, Mode, Said, User, UserId, UserRecord, UserRemoval, UserState, Why};

pub(super) fn compare<O: Copy>(work: &mut Work<'_, O>) {
    for index in 0..work.desired.directory.users().len() {
        declared(work, UserId(index as u32));
    }
    for index in 0..work.live.users().len() {
        if work.users.desired_of[index].is_none() {
            undeclared(work, UserId(index as u32));
        }
    }
}

fn declared<O: Copy>(work: &mut Work<'_, O>, id: UserId) {
    let desired = work.desired;
    let user = desired.directory.user(id);
    let origin = desired.origins.users.get(id.index()).copied();
    // A block holds whatever else the files say, also where users are otherwise left alone.
    let blocked = desired.blocks.contains_key(&*user.email);
    let mode = match desired.manage.mode_of(Kind::User, &user.email) {
        mode if blocked && !mode.writes() => Mode::Additive,
        mode => mode,
    };
    let role = work.role_said(&user.role);
    let Some(live_id) = work.users.live_of[id.index()].map(UserId) else {
        work.user_there[id.index()] = mode.writes() && user.state != UserState::Disabled;
        if user.state == UserState::Disabled {
            let state = match why(work, user) {
                Why::Declared => "disabled".to_owned(),
                other => format!("disabled ({other})"),
            };
            work.out.note(format!("user {} is {state} and has no account: none is made", user.email));
            return;
        }
        let mut record = UserRecord { email: user.email.to_string(), ..UserRecord::default() };
        fill(work, user, &role, &mut record);
        let invite = work.options.invites || desired.rules.invitations_required;
        let change = if invite {
            record.state = UserState::Invited;
            Change::InviteUser { user: record }
        } else {
            Change::CreateUser { user: record }
        };
        work.put(mode, change, origin);
        return;
    };
    let live = work.live.user(live_id);
    let differs = !is_met(work, user, &role, live);
    let moves = (user.state == UserState::Disabled) != (live.state == UserState::Disabled);
    if desired.manage.is_protected(&user.email) {
        if blocked && live.state != UserState::Disabled {
            work.out.remarks.push(Remark {
                code: Some(Code::BlockBeatsAll),
                message: format!("user {} is blocked, and protected from every change", user.email),
                help: Some("take them out of `protected:`, or disable the account by hand".to_owned()),
                origin,
            });
        }
        if differs || moves {
            work.out.leave(Kind::User);
            work.out.note(format!("user {} is protected and is not changed", user.email));
        }
        return;
    }
    if user.state != UserState::Disabled {
        match live.state {
            UserState::Invited => work.out.pending.push(user.email.to_string()),
            UserState::InvitationExpired => work.out.expired_invitations.push(user.email.to_string()),
            UserState::Active | UserState::Disabled => {}
        }
    }
    if !differs && !moves {
        return;
    }
    let mut before = work.user_record(live_id);
    if moves && user.state == UserState::Disabled {
        work.put(mode, Change::DisableUser { user: before.clone(), reason: why(work, user) }, origin);
        // It goes first (`DisableFirst`), so an update starts from there: the same as in a plan that is
        // made when an apply was cut off between the two.
        before.state = UserState::Disabled;
    }
    let mut after = before.clone();
    fill(work, user, &role, &mut after);
    if before != after {
        work.put(mode, Change::UpdateUser { before, after: after.clone() }, origin);
    }
    if moves && user.state != UserState::Disabled {
        work.put(mode, Change::EnableUser { user: after }, origin);
    }
}

/// Why a declared user is disabled.
fn why<O: Copy>(work: &Work<'_, O>, user: &User) -> Why {
    if let Some(because) = work.desired.blocks.get(&*user.email) {
        return Why::Blocked { because: because.clone() };
    }
    match user.until.value() {
        Some(&until) if until <= work.options.now => Why::Expired { until },
        _ => Why::Declared,
    }
}

fn is_met<O: Copy>(work: &Work<'_, O>, user: &User, role: &Said<crate::model::RoleId>, live: &User) -> bool {
    let kept = &work.options.kept;
    let accounts_are_met = || {
        user.kind.value().is_none_or(|k| *k == live.kind())
            && user.until.is_met_by(&live.until)
            && user.owner.is_met_by(&live.owner)
    };
    let pair_is_met = |(key, said): &(Box<str>, Said<Box<str>>), live: &[(Box<str>, Said<Box<str>>)]| {
        let found = live.binary_search_by(|(k, _)| k.cmp(key)).ok().map(|i| &live[i].1);
        said.is_met_by(found.unwrap_or(&Said::Nothing))
    };
    user.name.is_met_by(&live.name)
        && work.role_is_met(role, &live.role)
        && (!kept.accounts || accounts_are_met())
        && (!kept.timezones || user.timezone.is_met_by(&live.timezone))
        && user.attributes.iter().all(|a| !kept.keeps_attribute(&a.0) || pair_is_met(a, &live.attributes))
        && user.handles.iter().all(|h| !kept.keeps_handle(&h.0) || pair_is_met(h, &live.handles))
}

/// Sets what is said, and nothing else; never the state.
fn fill<O: Copy>(work: &Work<'_, O>, user: &User, role: &Said<crate::model::RoleId>, record: &mut UserRecord) {
    apply(&mut record.name, &user.name, |t| t.to_string());
    apply(&mut record.role, role, |r| work.role_text(*r));
    let kept = &work.options.kept;
    if kept.timezones {
        apply(&mut record.timezone, &user.timezone, |t| t.to_string());
    }
    if kept.accounts {
        apply(&mut record.until, &user.until, |m| *m);
        apply(&mut record.owner, &user.owner, |t| t.to_string());
        if !user.kind.is_unsaid() {
            record.kind = user.kind();
        }
    }
    for (key, said) in user.attributes.iter().filter(|(key, _)| kept.keeps_attribute(key)) {
        match said {
            Said::Unsaid => {}
            Said::Nothing => drop(record.attributes.remove(&**key)),
            Said::Is(value) => drop(record.attributes.insert(key.to_string(), value.to_string())),
        }
    }
    for (system, said) in user.handles.iter().filter(|(system, _)| kept.keeps_handle(system)) {
        match said {
            Said::Unsaid => {}
            Said::Nothing => drop(record.handles.remove(&**system)),
            Said::Is(name) => drop(record.handles.insert(system.to_string(), name.to_string())),
        }
    }
}

fn undeclared<O: Copy>(work: &mut Work<'_, O>, id: UserId) {
    let desired = work.desired;
    let user = work.live.user(id);
    let mode = work.mode_of_undeclared(Kind::User, &user.email);
    let managed = matches!(mode, Mode::Authoritative | Mode::Observe) && !desired.manage.is_protected(&user.email);
    if managed && work.joiners[id.index()] && desired.rules.removal.users != UserRemoval::Leave {
        work.came_in.push(user.email.to_string());
        work.out.leave(Kind::User);
        return;
    }
    if !managed || desired.rules.removal.users == UserRemoval::Leave {
        work.out.leave(Kind::User);
        return;
    }
    let record = work.user_record(id);
    if desired.rules.removal.users == UserRemoval::Delete {
        // Resources go on without an owner; memberships, leads and grants are compared by themselves.
        debug_assert!(mode != Mode::Authoritative || work.fates[id.index()] == Fate::Goes);
        work.put(mode, Change::DeleteUser { user: record, reason: Why::Undeclared }, None);
    } else if user.state != UserState::Disabled {
        work.put(mode, Change::DisableUser { user: record, reason: Why::Undeclared }, None);
    }
}
