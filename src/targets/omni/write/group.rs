//! Groups: made, renamed, taken away, and who is in them. Always by `PATCH`: a whole list would drop embed
//! users, whom rolecall does not see (section b.2).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{MEMBERS_MAX, TRIES, not_visible, see, until};
use crate::model::Change;
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff, encode};
use crate::targets::omni::paging::scim;
use crate::targets::omni::session::{Sent, Session};
use crate::targets::omni::shape::{Group, PATCH};
use crate::targets::scim::refusal;
use crate::targets::scim::value::text;

fn path(id: &str) -> String {
    format!("/scim/v2/groups/{}", encode(id))
}

/// Makes a group.
pub async fn create(session: &Session, name: &str) -> Result<(), TargetError> {
    if session.group(name).is_ok() || session.index().ambiguous_groups.contains(name) {
        return Err(TargetError::Conflict(format!("a group `{name}` is there already")));
    }
    let body = json!({"displayName": name});
    let mut tried = 0;
    let id = loop {
        tried += 1;
        match session.write(Method::Post, "/scim/v2/groups", Some(&body)).await? {
            Sent::Done(answer) => match answer.json().ok().and_then(|v| text(&v, "id")) {
                Some(id) => break id,
                None => match find(session, name).await? {
                    Some(id) => break id,
                    None => return Err(not_visible()),
                },
            },
            Sent::Maybe(why) => match find(session, name).await? {
                Some(id) => break id,
                // Names of groups are unique: a second one is refused.
                None if tried < TRIES => tokio::time::sleep(backoff(tried)).await,
                None => return Err(TargetError::Unknown(why)),
            },
            Sent::No(answer) if answer.status == 409 && tried > 1 => match find(session, name).await? {
                Some(id) => break id,
                None => return Err(refusal(&answer)),
            },
            Sent::No(answer) => return Err(refusal(&answer)),
        }
    };
    session.index().groups.insert(name.to_owned(), id.clone());
    let called = |v: Option<&Value>| v.and_then(Group::read).is_some_and(|g| g.name == name);
    if see(session, &path(&id), &called).await?.0 { Ok(()) } else { Err(not_visible()) }
}

/// A group of that name that the index does not know yet.
async fn find(session: &Session, name: &str) -> Result<Option<String>, TargetError> {
    let all = scim(session, "/scim/v2/groups", |v| Group::read(v).filter(|g| g.name == name).map(|g| g.id)).await?;
    Ok(all.items.into_iter().next())
}

/// Reads a group again before it is changed: that it is there, and still the one that is meant.
async fn again(session: &Session, name: &str) -> Result<Group, TargetError> {
    let id = session.group(name)?;
    let value = session.get_one(&path(&id)).await?;
    let Some(group) = value.as_ref().and_then(Group::read) else {
        return Err(TargetError::Gone(format!("the group `{name}` is not there any more")));
    };
    if group.name != name {
        return Err(TargetError::Conflict(format!("the group `{name}` is called `{}` now", group.name)));
    }
    Ok(group)
}

/// Gives a group another name; its members and roles stay.
pub async fn rename(session: &Session, from: &str, to: &str) -> Result<(), TargetError> {
    if session.group(to).is_ok() {
        return Err(TargetError::Conflict(format!("a group `{to}` is there already")));
    }
    let group = again(session, from).await?;
    let body = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": to}]});
    let called = |v: Option<&Value>| v.and_then(Group::read).is_some_and(|g| g.name == to);
    let path = path(&group.id);
    until(session, (Method::Patch, &path, Some(&body)), &path, &called).await?;
    let mut index = session.index();
    index.groups.remove(from);
    index.groups.insert(to.to_owned(), group.id);
    Ok(())
}

/// Takes a group away; its members stay users.
pub async fn delete(session: &Session, name: &str) -> Result<(), TargetError> {
    let group = match again(session, name).await {
        Ok(group) => group,
        // Somebody else was faster.
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let path = path(&group.id);
    until(session, (Method::Delete, &path, None), &path, &|v| v.is_none()).await?;
    session.index().groups.remove(name);
    Ok(())
}

/// Adds and takes out members of one group, and says of each what became of it.
pub async fn members(session: &Session, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
    let mut results: Vec<Result<(), TargetError>> = vec![Ok(()); changes.len()];
    // By group: which change wants whom in or out.
    let mut groups: BTreeMap<&str, Vec<(usize, String, &str, bool)>> = BTreeMap::new();
    for (index, change) in changes.iter().enumerate() {
        let (member, inside) = match change {
            Change::AddMember { member } => (member, true),
            Change::RemoveMember { member, .. } => (member, false),
            other => {
                results[index] = Err(TargetError::Refused(format!("this is no membership: {}", other.object())));
                continue;
            }
        };
        match session.user(&member.user) {
            Ok(id) => groups.entry(&member.team).or_default().push((index, id, &member.user, inside)),
            // Who is gone is in no group.
            Err(TargetError::Gone(_)) if !inside => {}
            Err(error) => results[index] = Err(error),
        }
    }
    for (team, wanted) in groups {
        let done = edit(session, team, &wanted).await;
        for (n, (index, ..)) in wanted.iter().enumerate() {
            results[*index] = match &done {
                Ok(each) => each.get(n).cloned().unwrap_or(Ok(())),
                Err(error) => Err(error.clone()),
            };
        }
    }
    results
}

async fn edit(
    session: &Session,
    team: &str,
    wanted: &[(usize, String, &str, bool)],
) -> Result<Vec<Result<(), TargetError>>, TargetError> {
    let group = again(session, team).await?;
    let path = path(&group.id);
    // Of a group that hides its members, nobody knows that somebody is out: they are taken out all the same.
    let hides = group.members.is_empty() && session.index().hiding_groups.contains(team);
    let right = |g: &Group, (_, id, _, inside): &(usize, String, &str, bool)| {
        g.members.contains(id) == *inside && (*inside || !hides)
    };
    let mut results: Vec<Result<(), TargetError>> = vec![Ok(()); wanted.len()];
    let open: Vec<usize> = (0..wanted.len()).filter(|n| !right(&group, &wanted[*n])).collect();
    for chunk in open.chunks(MEMBERS_MAX) {
        let sent = send(session, &path, chunk.iter().map(|n| &wanted[*n])).await;
        let Err(error) = sent else { continue };
        // One that is refused does not hold back the others.
        if chunk.len() == 1
            || !matches!(error, TargetError::Refused(_) | TargetError::Gone(_) | TargetError::Conflict(_))
        {
            chunk.iter().for_each(|n| results[*n] = Err(error.clone()));
            continue;
        }
        for n in chunk {
            results[*n] = send(session, &path, std::iter::once(&wanted[*n])).await;
        }
    }
    Ok(results)
}

/// One request for several members, read back.
async fn send<'w>(
    session: &Session,
    path: &str,
    wanted: impl Iterator<Item = &'w (usize, String, &'w str, bool)>,
) -> Result<(), TargetError> {
    let (mut added, mut operations, mut expected) = (Vec::new(), Vec::new(), Vec::new());
    for (_, id, email, inside) in wanted {
        expected.push((id.clone(), *inside));
        if *inside {
            added.push(json!({"value": id, "display": email}));
        } else {
            operations.push(json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
        }
    }
    if !added.is_empty() {
        operations.push(json!({"op": "add", "path": "members", "value": added}));
    }
    let body = json!({"schemas": [PATCH], "Operations": operations});
    let good = |v: Option<&Value>| {
        v.and_then(Group::read).is_some_and(|g| expected.iter().all(|(id, inside)| g.members.contains(id) == *inside))
    };
    until(session, (Method::Patch, path, Some(&body)), path, &good).await
}
