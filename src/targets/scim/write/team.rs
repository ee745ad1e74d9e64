//! Groups: made, renamed, put into other groups, and taken away.

use serde_json::{Value, json};

use super::edit::patch;
use super::{TRIES, begun, may_be_said_otherwise, members, not_visible, see, unshown, until_found, user};
use crate::model::{Kind, TeamRecord};
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff};
use crate::targets::scim::paging::everything;
use crate::targets::scim::resource::{GROUP, Group};
use crate::targets::scim::session::{Sent, Session, refusal};
use crate::targets::scim::value::text;

/// The server's name for a group.
pub fn id(session: &Session, name: &str) -> Result<String, TargetError> {
    let index = session.index();
    if index.ambiguous_groups.contains(name) {
        return Err(TargetError::Conflict(format!("several groups are called `{name}`")));
    }
    index.groups.get(name).cloned().ok_or_else(|| TargetError::Gone(format!("there is no group `{name}`")))
}

/// Makes a group, and puts it into another where it lies in one.
pub async fn create(session: &Session, team: &TeamRecord) -> Result<(), TargetError> {
    if id(session, &team.name).is_ok() || session.index().ambiguous_groups.contains(&team.name) {
        return Err(TargetError::Conflict(format!("a group `{}` is there already", team.name)));
    }
    let body = json!({"schemas": [GROUP], "displayName": team.name});
    let mut tried = 0;
    let id = loop {
        tried += 1;
        let sent = match session.write(Method::Post, "/Groups", Some(&body), None).await {
            Ok(sent) => sent,
            Err(error) => return Err(if tried > 1 { begun(error) } else { error }),
        };
        match sent {
            Sent::Done(answer) => match answer.json().ok().and_then(|v| text(&v, "id")) {
                Some(id) => break id,
                None => match found(session, &team.name).await? {
                    Some(id) => break id,
                    None => return Err(not_visible(session)),
                },
            },
            Sent::Maybe { why, answered } => match found(session, &team.name).await? {
                Some(id) => break id,
                // Names of groups need not be unique: what may still be coming is not asked for twice.
                None if answered && tried < TRIES => tokio::time::sleep(backoff(tried)).await,
                None => return Err(TargetError::Unknown(why)),
            },
            Sent::No(answer) if answer.status == 409 && tried > 1 => match found(session, &team.name).await? {
                Some(id) => break id,
                None => return Err(begun(refusal(&answer))),
            },
            Sent::No(answer) => {
                return Err(if tried > 1 { begun(refusal(&answer)) } else { refusal(&answer) });
            }
        }
    };
    session.index().groups.insert(team.name.clone(), id.clone());
    session.shows_members(&id);
    let called = |v: Option<&Value>| v.and_then(Group::read).is_some_and(|g| g.name == team.name);
    let (good, seen) = see(session, &Session::group_path(&id), called).await?;
    match (good, seen) {
        (true, _) => {}
        (false, None) => return Err(not_visible(session)),
        (false, Some(_)) => {
            return Err(TargetError::Unknown("the group was made, and the server calls it otherwise".to_owned()));
        }
    }
    match &team.outer {
        Some(outer) => members::nest(session, &id, None, Some(outer)).await.map_err(begun),
        None => Ok(()),
    }
}

/// A group of that name that the index does not know yet.
async fn find(session: &Session, name: &str) -> Result<Option<String>, TargetError> {
    let all = everything(session, "/Groups", |v| Group::read(v).filter(|g| g.name == name).map(|g| g.id)).await?;
    match (all.items.as_slice(), all.doubts.first()) {
        ([], Some(doubt)) => Err(TargetError::Unknown(format!("whether the group `{name}` is there: {doubt}"))),
        ([], None) => Ok(None),
        ([one], _) => Ok(Some(one.clone())),
        _ => Err(TargetError::Unknown(format!("several groups are called `{name}` now"))),
    }
}

/// Looks for a group that may have been made, until the settle time is over.
async fn found(session: &Session, name: &str) -> Result<Option<String>, TargetError> {
    until_found(session, || find(session, name)).await
}

/// Reads a group again before it is changed: that it is there, and still the one that is meant.
pub async fn again(session: &Session, id: &str, name: &str) -> Result<Group, TargetError> {
    let Some(value) = session.get_one(&Session::group_path(id)).await? else {
        return Err(TargetError::Gone(format!("the group `{name}` is not there any more")));
    };
    let Some(group) = Group::read(&value) else {
        return Err(TargetError::Malformed(format!("what the server answers for `{name}` is no group")));
    };
    if group.name != session.called(Kind::Team, name) {
        return Err(TargetError::Conflict(format!("the group `{name}` is called `{}` now", group.name)));
    }
    Ok(group)
}

/// Changes in which group a group lies: there is nothing else.
pub async fn update(session: &Session, before: &TeamRecord, after: &TeamRecord) -> Result<(), TargetError> {
    let id = id(session, &after.name)?;
    if before.outer == after.outer {
        return Ok(());
    }
    members::nest(session, &id, before.outer.as_deref(), after.outer.as_deref()).await
}

/// Gives a group another name.
pub async fn rename(session: &Session, from: &str, to: &str) -> Result<(), TargetError> {
    if id(session, to).is_ok() || session.index().ambiguous_groups.contains(to) {
        return Err(TargetError::Conflict(format!("a group `{to}` is there already")));
    }
    let id = id(session, from)?;
    let members = again(session, &id, from).await?.members.unwrap_or_default();
    if !members.is_empty() {
        session.shows_members(&id);
    }
    let path = Session::group_path(&id);
    let mut outcome = not_visible(session);
    let mut touched = false;
    let can_patch = session.features().await?.patch != Some(false) && !session.learned().no_group_patch;
    'forms: for whole in [false, true] {
        if !whole && !can_patch {
            continue;
        }
        if whole && !session.may_put(&id) {
            return Err(if touched { outcome } else { unshown(session, from) });
        }
        for tried in 1..=TRIES {
            let sent = if whole {
                let group = session.get_one(&path).await.map_err(|e| if touched { begun(e) } else { e })?;
                let Some(mut group) = group else {
                    return Err(TargetError::Gone(format!("the group `{from}` is not there any more")));
                };
                if let Some(map) = group.as_object_mut() {
                    map.retain(|k, _| !k.eq_ignore_ascii_case("meta") && !k.eq_ignore_ascii_case("displayName"));
                    map.insert("displayName".to_owned(), Value::from(to));
                }
                session.write(Method::Put, &path, Some(&group), None).await?
            } else {
                let body = patch(vec![json!({"op": "replace", "path": "displayName", "value": to})]);
                session.write(Method::Patch, &path, Some(&body), None).await?
            };
            if let Sent::No(answer) = &sent {
                if !whole && may_be_said_otherwise(answer.status) {
                    continue 'forms;
                }
                return Err(if touched { begun(refusal(answer)) } else { refusal(answer) });
            }
            touched = true;
            let (good, _) = see(session, &path, |v| v.and_then(Group::read).is_some_and(|g| g.name == to)).await?;
            if good {
                let mut index = session.index();
                if let Some(id) = index.groups.remove(from) {
                    index.groups.insert(to.to_owned(), id);
                }
                return Ok(());
            }
            match sent {
                Sent::Maybe { why, .. } => {
                    outcome = TargetError::Unknown(why);
                    tokio::time::sleep(backoff(tried)).await;
                }
                _ => {
                    outcome = not_visible(session);
                    continue 'forms;
                }
            }
        }
    }
    Err(outcome)
}

/// Takes a group away.
pub async fn delete(session: &Session, name: &str) -> Result<(), TargetError> {
    let id = match id(session, name) {
        Ok(id) => id,
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    match again(session, &id, name).await {
        Ok(_) => user::gone(session, &Session::group_path(&id)).await?,
        Err(TargetError::Gone(_)) => {}
        Err(error) => return Err(error),
    }
    session.index().groups.remove(name);
    Ok(())
}
