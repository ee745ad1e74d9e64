//! What Paradime leaves open about a plan: who was disabled before, and who changed what outside of it.

use super::audit;
use super::reach::ENABLE;
use super::session::Session;
use crate::model::{Change, Why};
use crate::plan::Note;
use crate::targets::{TargetError, ToldBy};

/// What there is to say of these changes.
pub async fn remarks(session: &Session, changes: &[&Change]) -> Result<Vec<Note>, TargetError> {
    let mut notes = Vec::new();
    notes.extend(in_neither_list(changes));
    if asks_audit_log(session, changes) {
        match audit::log(session).await {
            Ok(events) => {
                let said = drifted(changes).filter_map(|email| audit::about(&events, email));
                notes.extend(said.map(|message| Note { rule: None, message, help: None, declared: None }));
            }
            // Who did it is good to know, and no reason not to go on.
            Err(error) => {
                let message = format!("who changed what cannot be told, because the audit log cannot be read: {error}");
                let help = "it needs the Security pack and a key with `Audit logs viewer`; without them, take \
                            `audit_log` out of the settings";
                notes.push(Note { rule: None, message, help: Some(help.to_owned()), declared: None });
            }
        }
    }
    Ok(notes)
}

/// Who is invited is in neither list, and those who are disabled are so as well (section c).
fn in_neither_list(changes: &[&Change]) -> Option<Note> {
    let invited = changes.iter().filter_map(|change| match change {
        Change::InviteUser { user } => Some(user.email.clone()),
        _ => None,
    });
    let mut invited: Vec<String> = invited.collect();
    invited.sort();
    let who = match invited.as_slice() {
        [] => return None,
        [one] => format!("{one} is in neither list of Paradime, and so new, or disabled before"),
        several => {
            let names = crate::invariants::some_of(several);
            format!("{} people are in neither list of Paradime, and so new, or disabled before: {names}", several.len())
        }
    };
    let message = format!(
        "{who}. The API does not tell which, and whether an invitation brings back who is disabled is not published"
    );
    Some(Note { rule: None, message, help: Some(format!("who was disabled is enabled {ENABLE}")), declared: None })
}

/// Who made these differences, by the audit log.
pub async fn told_by(session: &Session, changes: &[&Change]) -> Result<Vec<Option<ToldBy>>, TargetError> {
    if !asks_audit_log(session, changes) {
        return Ok(changes.iter().map(|_| None).collect());
    }
    let events = audit::log(session).await?;
    Ok(changes.iter().map(|change| audit::told_by(&events, whom(change)?)).collect())
}

/// Whom the audit log may know something about: who is there and not as declared, and who is not there.
fn drifted<'c>(changes: &'c [&'c Change]) -> impl Iterator<Item = &'c str> {
    changes.iter().filter_map(|change| whom(change))
}

fn whom(change: &Change) -> Option<&str> {
    match change {
        Change::UpdateUser { after: user, .. }
        | Change::InviteUser { user }
        | Change::DisableUser { user, reason: Why::Undeclared } => Some(user.email.as_str()),
        _ => None,
    }
}

/// Whether the audit log is asked about these changes.
pub fn asks_audit_log(session: &Session, changes: &[&Change]) -> bool {
    session.audit_log && drifted(changes).next().is_some()
}
