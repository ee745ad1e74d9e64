//! Users: made, invited, changed, archived and brought back (fact sheet strongly, section 2.2).

use serde_json::{Map, Value, json};

use super::{LOOK, not_visible, until};
use crate::model::{UserRecord, UserState};
use crate::targets::TargetError;
use crate::targets::http::{Method, encode};
use crate::targets::settle::{settled, unread};
use crate::targets::strongly::read::{ORGANIZATION_ROLE, invitations, members, people};
use crate::targets::strongly::session::{Known, Sent, Session};
use crate::targets::strongly::settings::{Assets, SETTLE};
use crate::targets::strongly::shape::{Member, Person, api_role, id};

fn path(user: &str) -> String {
    format!("/users/{}", encode(user))
}

/// A role as the API spells it.
fn api(role: &str) -> Result<&'static str, TargetError> {
    api_role(role).ok_or_else(|| TargetError::Refused(format!("Strongly's API cannot write the role {role}")))
}

/// The account of an address in one of the two lists.
async fn find(session: &Session, email: &str, archived: bool) -> Result<Option<Person>, TargetError> {
    only(people(session, archived, Some(email)).await?.items, |p| p.email == email, email)
}

async fn member(session: &Session, email: &str) -> Result<Option<Member>, TargetError> {
    only(members(session).await?.items, |m| m.email == email, email)
}

/// The one that it is; with several, nobody can tell which is meant.
fn only<T>(all: Vec<T>, is: impl Fn(&T) -> bool, email: &str) -> Result<Option<T>, TargetError> {
    let mut found = all.into_iter().filter(is);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(TargetError::Conflict(format!("several accounts have the address {email}"))),
        (first, _) => Ok(first),
    }
}

/// Whether an account is archived; nothing where nobody can tell, or it is gone.
async fn is_archived(session: &Session, email: &str) -> Result<Option<bool>, TargetError> {
    let active = find(session, email, false).await?;
    let archived = find(session, email, true).await?;
    let said = active.iter().chain(archived.iter()).find_map(|p| p.archived);
    Ok(match (said, active.is_some(), archived.is_some()) {
        (Some(said), ..) => Some(said),
        (None, true, false) => Some(false),
        (None, false, true) => Some(true),
        (None, ..) => None,
    })
}

/// Makes an account, with its role and its place in the organization.
pub async fn create(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    let email = &user.email;
    if session.user(email).is_ok() {
        return Err(TargetError::Conflict(format!("the account {email} is there already")));
    }
    let mut body = Map::new();
    body.insert("email".to_owned(), Value::from(email.as_str()));
    body.insert("name".to_owned(), Value::from(user.name.as_deref().unwrap_or(email)));
    if let Some(role) = &user.role {
        body.insert("role".to_owned(), Value::from(api(role)?));
    }
    let body = Value::Object(body);
    // Whether Strongly refuses a second account of one address is not published.
    if find(session, email, false).await?.is_some() {
        return Err(TargetError::Conflict(format!("an account {email} came into being meanwhile: plan again")));
    }
    // Sent once: each account comes with a key of its own, and one that is only late would be made twice.
    let sent = session.write(Method::Post, "/users", Some(&body)).await?;
    let said_id = match &sent {
        Sent::Done(answer) => answer.json().ok().and_then(|v| id(&super::super::shape::unwrapped(v))),
        Sent::Maybe(_) => None,
        Sent::No(TargetError::Conflict(why)) => {
            let message = format!("an account {email} came into being meanwhile: plan again ({why})");
            return Err(TargetError::Conflict(message));
        }
        Sent::No(error) => return Err(error.clone()),
    };
    let (there, person) =
        settled(SETTLE, LOOK, || find(session, email, false), Option::is_some).await.map_err(unread)?;
    if !there {
        return Err(match sent {
            Sent::Maybe(why) => {
                TargetError::Unknown(format!("{why}; the account is in no list yet, and nothing is sent twice"))
            }
            _ => not_visible(),
        });
    }
    let person_id = person.as_ref().and_then(|p| p.id.clone()).or(said_id);
    let place = place(session, user, person_id).await?;
    let known = Known { id: place.user.clone(), member: place.place.clone(), ..Known::default() };
    {
        let mut index = session.index();
        if let Some(id) = &known.id {
            index.emails.insert(id.clone(), email.clone());
        }
        index.users.insert(email.clone(), known);
    }
    let person = person.unwrap_or(Person { email: email.clone(), name: None, role: None, id: None, archived: None });
    // What the documentation site says of new users: they begin with the least role, whatever was asked for.
    if let Some(role) = &user.role {
        let wanted = api(role)?;
        if !is_role(session, person.role.as_deref(), wanted) {
            role_and_name(session, email, Some(wanted), None).await.map_err(begun)?;
        }
    }
    if let Some(wanted) = user.attributes.get(ORGANIZATION_ROLE)
        && place.role.as_deref() != Some(wanted)
    {
        place_role(session, email, wanted).await.map_err(begun)?;
    }
    Ok(())
}

/// The account is there, and not yet as it should be.
fn begun(error: TargetError) -> TargetError {
    TargetError::Unknown(format!("the account was made, and not all of it: {error}"))
}

/// The place of a new account in the organization, which is made where there is none.
async fn place(session: &Session, user: &UserRecord, known: Option<String>) -> Result<Member, TargetError> {
    let look = || member(session, &user.email);
    let (there, found) = settled(SETTLE, LOOK, look, Option::is_some).await.map_err(unread)?;
    if let Some(found) = found.filter(|_| there) {
        return Ok(found);
    }
    let Some(known) = known else {
        let message = format!(
            "the account {} was made, and is no member of the organization: add them on the screen, then plan again",
            user.email
        );
        return Err(TargetError::Unknown(message));
    };
    let role = user.attributes.get(ORGANIZATION_ROLE).map_or("member", String::as_str);
    let body = json!({"userId": known, "role": role});
    let path = format!("{}/members", session.organization());
    until(session, (Method::Post, &path, Some(&body)), look, Option::is_some).await.map_err(begun)?;
    look().await.map_err(unread)?.ok_or_else(not_visible)
}

/// Whether a role that is shown is the one that is wanted, in any of its spellings.
fn is_role(session: &Session, shown: Option<&str>, wanted: &str) -> bool {
    let proper = |role: &str| session.catalogue.role(role).map(|(name, _)| name.to_owned());
    let shown = shown.map(|r| if r == "user" { "app" } else { r });
    shown.is_some_and(|s| s == wanted || (proper(s).is_some() && proper(s) == proper(wanted)))
}

/// Writes role and name, as far as they are given.
async fn role_and_name(
    session: &Session,
    email: &str,
    role: Option<&'static str>,
    name: Option<&str>,
) -> Result<(), TargetError> {
    let path = path(&session.id(email)?);
    let mut body = Map::new();
    if let Some(role) = role {
        body.insert("role".to_owned(), Value::from(role));
    }
    if let Some(name) = name {
        body.insert("name".to_owned(), Value::from(name));
    }
    let body = Value::Object(body);
    let look = || async {
        let person = Person::read(&session.get(&path).await?);
        // The newer shape has names in the members list only.
        let shown = match (name, person.as_ref().and_then(|p| p.name.clone())) {
            (Some(_), None) => member(session, email).await?.and_then(|m| m.name),
            (_, shown) => shown,
        };
        Ok::<_, TargetError>((person.and_then(|p| p.role), shown))
    };
    let good = |seen: &(Option<String>, Option<String>)| {
        role.is_none_or(|wanted| is_role(session, seen.0.as_deref(), wanted))
            && name.is_none_or(|wanted| seen.1.as_deref() == Some(wanted))
    };
    until(session, (Method::Put, &path, Some(&body)), look, good).await
}

/// Writes the role in the organization.
async fn place_role(session: &Session, email: &str, role: &str) -> Result<(), TargetError> {
    let known = session.user(email)?;
    let look = || async { Ok::<_, TargetError>(member(session, email).await?.and_then(|m| m.role)) };
    let good = |seen: &Option<String>| seen.as_deref() == Some(role);
    let organization = session.organization();
    match known.member {
        Some(member) => {
            let path = format!("{organization}/members/{}", encode(&member));
            let body = json!({"role": role});
            until(session, (Method::Put, &path, Some(&body)), look, good).await
        }
        None => {
            let body = json!({"userId": session.id(email)?, "role": role});
            until(session, (Method::Post, &format!("{organization}/members"), Some(&body)), look, good).await
        }
    }
}

/// Asks somebody to join the organization. It is sent once: a second invitation would be a second mail.
pub async fn invite(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    let email = &user.email;
    let look = || async {
        let open = invitations(session).await?.items;
        Ok::<_, TargetError>(open.into_iter().find(|i| &i.email == email))
    };
    if session.user(email).is_ok() || look().await?.is_some() || find(session, email, false).await?.is_some() {
        return Err(TargetError::Conflict(format!("{email} is invited already, or there: plan again")));
    }
    let role = user.attributes.get(ORGANIZATION_ROLE).map_or("member", String::as_str);
    let body = json!({"email": email, "role": role});
    let path = format!("{}/invite", session.organization());
    let sent = session.write(Method::Post, &path, Some(&body)).await?;
    if let Sent::No(error) = sent {
        return Err(error);
    }
    let (there, found) = settled(SETTLE, LOOK, look, Option::is_some).await.map_err(unread)?;
    match (sent, found) {
        (_, Some(found)) if there => {
            let known = Known { invitation: found.id, ..Known::default() };
            session.index().users.insert(email.clone(), known);
            Ok(())
        }
        (Sent::Maybe(why), _) => Err(TargetError::Unknown(why)),
        _ => Err(not_visible()),
    }
}

/// Changes name, platform role and place in the organization: two axes, two writes.
pub async fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Result<(), TargetError> {
    let email = &after.email;
    let role = after.role.as_deref().filter(|r| before.role.as_deref() != Some(*r)).map(api).transpose()?;
    let name = after.name.as_deref().filter(|n| before.name.as_deref() != Some(*n));
    let wrote = role.is_some() || name.is_some();
    if wrote {
        let now = session.get(&path(&session.id(email)?)).await?;
        let Some(now) = Person::read(&now) else {
            return Err(TargetError::Malformed(format!("what {email} answers to is no account")));
        };
        if now.email != *email {
            return Err(TargetError::Conflict(format!("the account {email} is called {} now", now.email)));
        }
        let fits = |wanted: Option<&str>| wanted.is_some_and(|w| is_role(session, now.role.as_deref(), w));
        let was = before.role.as_deref().and_then(api_role);
        if role.is_some() && !fits(role) && was.is_some() && !fits(was) {
            let now = now.role.as_deref().unwrap_or("none");
            return Err(TargetError::Conflict(format!("the role of {email} is {now} now")));
        }
        role_and_name(session, email, role, name).await?;
    }
    let of = |u: &UserRecord| u.attributes.get(ORGANIZATION_ROLE).cloned();
    let moved = move_place(session, email, of(before), of(after)).await;
    moved.map_err(|error| match error {
        // Those say already that something may have been done.
        error @ (TargetError::Unknown(_) | TargetError::NotVisible(_)) => error,
        error if wrote => TargetError::Unknown(format!("the account was changed, and not its place: {error}")),
        error => error,
    })
}

/// Changes the place in the organization, where it is to be another.
async fn move_place(
    session: &Session,
    email: &str,
    before: Option<String>,
    after: Option<String>,
) -> Result<(), TargetError> {
    if before == after {
        return Ok(());
    }
    let wanted = after.unwrap_or_else(|| "member".to_owned());
    let now = member(session, email).await?.and_then(|m| m.role);
    if now.as_deref() == Some(&wanted) {
        return Ok(());
    }
    if now != before {
        let now = now.unwrap_or_else(|| "none".to_owned());
        return Err(TargetError::Conflict(format!("the role of {email} in the organization is {now} now")));
    }
    place_role(session, email, &wanted).await
}

/// Archives an account, or takes an invitation back.
pub async fn disable(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    let email = &user.email;
    if matches!(user.state, UserState::Invited | UserState::InvitationExpired) {
        return uninvite(session, email).await;
    }
    let id = session.id(email)?;
    if is_archived(session, email).await? == Some(true) {
        return Ok(());
    }
    // Always said, and never `delete` (section 2.5).
    let mut body = json!({"assetAction": session.settings.assets.word()});
    if session.settings.assets == Assets::Transfer {
        let to = session.successor.as_deref().filter(|to| to != email).ok_or_else(|| {
            let message = format!("nobody takes over what {email} owns: name them in `removal: {{transfer_to: USER}}`");
            TargetError::Refused(message)
        })?;
        body["transferToUserId"] = Value::from(session.id(to)?);
    }
    let path = format!("{}/archive", path(&id));
    let look = || is_archived(session, email);
    until(session, (Method::Post, &path, Some(&body)), look, |seen| *seen == Some(true)).await
}

async fn uninvite(session: &Session, email: &str) -> Result<(), TargetError> {
    let Some(invitation) = session.user(email)?.invitation else {
        return Err(TargetError::Refused(format!("the invitation of {email} shows no id: cancel it on the screen")));
    };
    let path = format!("{}/invitations/{}", session.organization(), encode(&invitation));
    let look = || async { Ok::<_, TargetError>(invitations(session).await?.items.iter().any(|i| i.email == email)) };
    match until(session, (Method::Delete, &path, None), look, |there| !there).await {
        // Accepted or cancelled meanwhile. Who accepted has an account, which this change does not close.
        Err(TargetError::Gone(_)) if !look().await? => match find(session, email, false).await? {
            Some(_) => Err(TargetError::Conflict(format!("{email} has accepted meanwhile: plan again"))),
            None => Ok(()),
        },
        result => result,
    }
}

/// Brings an account back.
pub async fn enable(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    let email = &user.email;
    let id = session.id(email)?;
    if is_archived(session, email).await? == Some(false) {
        return Ok(());
    }
    let path = format!("{}/unarchive", path(&id));
    let look = || is_archived(session, email);
    until(session, (Method::Post, &path, None), look, |seen| *seen == Some(false)).await
}
