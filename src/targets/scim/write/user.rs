//! Users: made, changed, renamed, let in and kept out, and taken away.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::edit::{Set, patch, steps_of};
use super::{TRIES, begun, may_be_said_otherwise, members, not_visible, see, until_found};
use crate::model::{Kind, UserRecord, UserState};
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff};
use crate::targets::scim::paging::everything;
use crate::targets::scim::resource::{ATTRIBUTES, Account, ENTERPRISE, HANDLE, USER, is_enterprise};
use crate::targets::scim::schema::Schemas;
use crate::targets::scim::session::{Sent, Session, UserEntry, refusal, said};
use crate::targets::scim::settings::RolesIn;
use crate::targets::scim::value::{list, quoted, text};

/// What is known of an account by its address.
pub fn entry(session: &Session, address: &str) -> Result<UserEntry, TargetError> {
    let index = session.index();
    if index.ambiguous_users.contains(address) {
        return Err(TargetError::Conflict(format!("several accounts have the address {address}")));
    }
    index.users.get(address).cloned().ok_or_else(|| TargetError::Gone(format!("there is no account {address}")))
}

/// Whether nobody has that address yet; nobody must get one that several have.
pub fn free(session: &Session, address: &str) -> Result<(), TargetError> {
    match entry(session, address) {
        Err(TargetError::Gone(_)) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(TargetError::Conflict(format!("the account {address} is there already"))),
    }
}

/// What is said where somebody else has made the account since it was read.
pub fn came_meanwhile(user: &UserRecord) -> TargetError {
    TargetError::Conflict(format!("an account {} came into being meanwhile: plan again", user.email))
}

/// What is said where an account is taken that nobody can see.
pub fn taken(user: &UserRecord, said: &str) -> String {
    format!("the server says that {} is taken, and shows no such account: {said}", user.email)
}

/// Looks for an account that may have been made, until the settle time is over.
pub async fn found(session: &Session, user: &UserRecord) -> Result<Option<Account>, TargetError> {
    until_found(session, || find(session, user)).await
}

/// Makes an account.
pub async fn create(session: &Session, user: &UserRecord) -> Result<(), TargetError> {
    free(session, &user.email)?;
    if let (RolesIn::Groups, Some(role)) = (session.settings.roles, &user.role) {
        members::role_group(session, role)?;
    }
    let body = payload(session.schemas().await?, user, session.settings.roles);
    let mut tried = 0;
    let account = loop {
        tried += 1;
        let sent = match session.write(Method::Post, "/Users", Some(&body), None).await {
            Ok(sent) => sent,
            Err(error) => return Err(if tried > 1 { begun(error) } else { error }),
        };
        match sent {
            Sent::Done(answer) => {
                let id = answer.json().ok().and_then(|v| text(&v, "id"));
                match id {
                    Some(id) => break UserEntry { id, user_name: sign_in_name(user).to_owned() },
                    None => match found(session, user).await? {
                        Some(found) => break enter(&found),
                        None => return Err(not_visible(session)),
                    },
                }
            }
            // An error after it was done: looked at before it is said again.
            Sent::Maybe { why, answered } => match found(session, user).await? {
                Some(found) => break enter(&found),
                None if answered && tried < TRIES => tokio::time::sleep(backoff(tried)).await,
                None => return Err(TargetError::Unknown(why)),
            },
            // The first try has made it after all.
            Sent::No(answer) if answer.status == 409 && tried > 1 => match found(session, user).await? {
                Some(found) => break enter(&found),
                None => return Err(TargetError::Unknown(taken(user, &said(&answer)))),
            },
            Sent::No(answer) if answer.status == 409 => {
                return Err(match find(session, user).await {
                    Ok(Some(_)) => came_meanwhile(user),
                    _ => TargetError::Conflict(taken(user, &said(&answer))),
                });
            }
            Sent::No(answer) => {
                return Err(if tried > 1 { begun(refusal(&answer)) } else { refusal(&answer) });
            }
        }
    };
    session.index().users.insert(user.email.clone(), account.clone());
    confirm(session, user, &account).await
}

/// Reads back an account that was made.
pub async fn confirm(session: &Session, user: &UserRecord, account: &UserEntry) -> Result<(), TargetError> {
    let path = Session::user_path(&account.id);
    let is = |v: &Value| Account::read(v).filter(|a| a.active == (user.state != UserState::Disabled));
    let whole = |v: Option<&Value>| {
        v.and_then(is).is_some_and(|a| {
            a.shows(user)
                && (session.settings.roles == RolesIn::Groups
                    || user.role.as_ref().is_none_or(|role| known_roles(session, &a).contains(role)))
        })
    };
    let (good, seen) = see(session, &path, whole).await?;
    let Some(seen) = seen else { return Err(not_visible(session)) };
    if !good {
        let why = lacks(&seen, user);
        return Err(TargetError::Unknown(format!("the account was made, and the server did not keep {why}")));
    }
    match (session.settings.roles, &user.role) {
        (RolesIn::Groups, Some(role)) => members::move_role(session, account, None, Some(role)).await.map_err(begun),
        _ => Ok(()),
    }
}

fn enter(account: &Account) -> UserEntry {
    UserEntry { id: account.id.clone(), user_name: account.user_name.clone() }
}

/// What of a record an account does not show.
fn lacks(value: &Value, user: &UserRecord) -> String {
    let Some(account) = Account::read(value) else { return "it".to_owned() };
    let mut missing = Vec::new();
    if account.active != (user.state != UserState::Disabled) {
        missing.push("that it is active");
    }
    if account.address.as_deref() != Some(&user.email) {
        missing.push("its address");
    }
    let lost = |said: Option<&String>, live: Option<&str>| said.is_some_and(|said| live != Some(said));
    if lost(user.name.as_ref(), account.name.as_deref()) {
        missing.push("its name");
    }
    if lost(user.timezone.as_ref(), account.timezone.as_deref()) {
        missing.push("its time zone");
    }
    if lost(user.handles.get(HANDLE), account.handle()) {
        missing.push("its user name");
    }
    let of = |name: &&&str| lost(user.attributes.get(**name), account.attribute(name));
    missing.extend(ATTRIBUTES.iter().filter(of));
    if missing.is_empty() { "its role".to_owned() } else { missing.join(", ") }
}

/// The name that an account signs in with.
pub fn sign_in_name(user: &UserRecord) -> &str {
    user.handles.get(HANDLE).unwrap_or(&user.email)
}

/// An account as it is sent: what the server lists, and what it asks for.
pub fn payload(schemas: &Schemas, user: &UserRecord, roles: RolesIn) -> Value {
    let mut map = Map::new();
    let mut names = vec![Value::from(USER)];
    map.insert("userName".to_owned(), Value::from(sign_in_name(user)));
    map.insert("active".to_owned(), Value::from(user.state != UserState::Disabled));
    map.insert("emails".to_owned(), json!([{"value": user.email, "type": "work", "primary": true}]));
    let shown = user.name.as_deref().unwrap_or(&user.email);
    let (given, family) = shown.rsplit_once(' ').unwrap_or((shown, shown));
    let mut name = Map::new();
    if user.name.is_some() {
        map.insert("displayName".to_owned(), Value::from(shown));
        name.insert("formatted".to_owned(), Value::from(shown));
    }
    for (part, value) in [("givenName", given), ("familyName", family)] {
        if schemas.requires("name", part) {
            name.insert(part.to_owned(), Value::from(value));
        }
    }
    if !name.is_empty() {
        map.insert("name".to_owned(), Value::Object(name));
    }
    if let Some(zone) = &user.timezone {
        map.insert("timezone".to_owned(), Value::from(zone.as_str()));
    }
    let mut enterprise = Map::new();
    for attribute in ATTRIBUTES {
        if let Some(value) = user.attributes.get(*attribute) {
            let of = if is_enterprise(attribute) { &mut enterprise } else { &mut map };
            of.insert((*attribute).to_owned(), Value::from(value.as_str()));
        }
    }
    if let Some(role) = &user.role {
        match roles {
            RolesIn::Roles => drop(map.insert("roles".to_owned(), json!([{"value": role}]))),
            RolesIn::Entitlements => drop(map.insert("entitlements".to_owned(), json!([{"value": role}]))),
            RolesIn::Groups => {}
        }
    }
    if !enterprise.is_empty() && schemas.has_enterprise() {
        names.push(Value::from(ENTERPRISE));
        map.insert(ENTERPRISE.to_owned(), Value::Object(enterprise));
    }
    map.insert("schemas".to_owned(), Value::Array(names));
    schemas.trim(&mut map);
    Value::Object(map)
}

/// Looks for an account: by a filter that is believed only where what it finds fits, and otherwise in the
/// whole list. Nothing found by a filter is not yet nothing there.
pub async fn find(session: &Session, user: &UserRecord) -> Result<Option<Account>, TargetError> {
    let fits = |a: &Account| a.address.as_deref() == Some(&user.email);
    if !session.learned().no_filter {
        let filter = format!("userName eq {}", quoted(sign_in_name(user)));
        let answer = session.get(&format!("/Users?filter={}", crate::targets::http::encode(&filter))).await?;
        let found: Vec<Account> = match answer.is_good().then(|| answer.json().ok()).flatten() {
            Some(value) => list(&value, "Resources").iter().filter_map(Account::read).collect(),
            None => Vec::new(),
        };
        if let Some(account) = found.iter().find(|a| fits(a)) {
            return Ok(Some(account.clone()));
        }
        if !answer.is_good() || !found.is_empty() {
            session.learn(|l| l.no_filter = true);
        }
    }
    let all = everything(session, "/Users", |v| Account::read(v).filter(fits)).await?;
    match (all.items.into_iter().next(), all.doubts.first()) {
        (None, Some(doubt)) => Err(TargetError::Unknown(format!("whether {} is there: {doubt}", user.email))),
        (found, _) => Ok(found),
    }
}

/// Reads an account again before it is changed: that it is there, and still the one that is meant.
async fn again(session: &Session, address: &str) -> Result<(UserEntry, Account, Value), TargetError> {
    let known = entry(session, address)?;
    let Some(value) = session.get_one(&Session::user_path(&known.id)).await? else {
        return Err(TargetError::Gone(format!("the account {address} is not there any more")));
    };
    let Some(account) = Account::read(&value) else {
        return Err(TargetError::Malformed(format!("what the server answers for {address} is no account")));
    };
    match account.address.as_deref() {
        Some(now) if now == session.called(Kind::User, address) => Ok((known, account, value)),
        Some(now) => Err(TargetError::Conflict(format!("the account {address} is called {now} now"))),
        None => Err(TargetError::Conflict(format!("the account {address} has lost its address"))),
    }
}

/// Changes attributes and the role of an account.
pub async fn update(session: &Session, before: &UserRecord, after: &UserRecord) -> Result<(), TargetError> {
    let (known, account, _) = again(session, &after.email).await?;
    let roles = session.settings.roles;
    // The new role and no other that is known: by whatever name the old one was held, it is gone.
    let role_moves = before.role != after.role && roles != RolesIn::Groups;
    let wanted: BTreeSet<String> = after.role.iter().cloned().collect();
    let done = |a: &Account| shows_changes(a, before, after) && (!role_moves || known_roles(session, a) == wanted);
    let pushed = !done(&account);
    if pushed {
        let mut moved = moved(&account, before, after);
        let has = known_roles(session, &account);
        if role_moves && has.iter().any(|r| before.role.as_ref() != Some(r) && after.role.as_ref() != Some(r)) {
            moved.push("role".to_owned());
        }
        if !moved.is_empty() {
            return Err(TargetError::Conflict(format!("changed meanwhile: {}", moved.join(", "))));
        }
        let mut steps = steps_of(before, after, roles);
        steps.iter_mut().flatten().for_each(|set| by_live_names(session, set, &account, before, &has));
        let nothing = |set: &Set| matches!(set, Set::Listed { add: None, remove, .. } if remove.is_empty());
        steps.retain(|step| !step.iter().all(nothing));
        let schemas = session.schemas().await?;
        let refused = steps.iter().flatten().find_map(|set| match set {
            Set::Value(name, Some(_)) if !schemas.takes(name) => Some(*name),
            _ => None,
        });
        if let Some(name) = refused {
            return Err(TargetError::Refused(format!("the server has no attribute `{name}` that can be written")));
        }
        push(session, &known.id, steps, |v| Account::read(v).is_some_and(|a| done(&a))).await?;
    }
    if roles == RolesIn::Groups && before.role != after.role {
        let moved = members::move_role(session, &known, before.role.as_deref(), after.role.as_deref()).await;
        moved.map_err(|e| if pushed { begun(e) } else { e })?;
    }
    Ok(())
}

/// Whether an account shows what a change changes.
fn shows_changes(account: &Account, before: &UserRecord, after: &UserRecord) -> bool {
    (before.name == after.name || after.name == account.name)
        && (before.timezone == after.timezone || after.timezone == account.timezone)
        && (before.handles.get(HANDLE) == after.handles.get(HANDLE)
            || after.handles.get(HANDLE).map(String::as_str) == account.handle())
        && ATTRIBUTES.iter().all(|name| {
            let (old, new) = (before.attributes.get(*name), after.attributes.get(*name));
            old == new || new.map(String::as_str) == account.attribute(name)
        })
}

/// What somebody else has changed of what is to be changed.
fn moved(account: &Account, before: &UserRecord, after: &UserRecord) -> Vec<String> {
    let differs = |old: Option<&String>, new: Option<&String>, live: Option<&str>| {
        old != new && live != old.map(String::as_str) && live != new.map(String::as_str)
    };
    let mut found = Vec::new();
    if differs(before.name.as_ref(), after.name.as_ref(), account.name.as_deref()) {
        found.push("name".to_owned());
    }
    if differs(before.timezone.as_ref(), after.timezone.as_ref(), account.timezone.as_deref()) {
        found.push("timezone".to_owned());
    }
    for name in ATTRIBUTES {
        if differs(before.attributes.get(*name), after.attributes.get(*name), account.attribute(name)) {
            found.push((*name).to_owned());
        }
    }
    found
}

/// What an account holds where roles stand, as it is written there.
fn role_values<'a>(session: &Session, account: &'a Account) -> &'a [String] {
    match session.settings.roles {
        RolesIn::Roles => &account.roles,
        RolesIn::Entitlements => &account.entitlements,
        RolesIn::Groups => &[],
    }
}

/// The role that a value means; nothing where the files do not know it.
fn role_of<'a>(session: &'a Session, value: &'a str) -> Option<&'a str> {
    session.catalogue.role(value).map(|(name, _)| name)
}

/// The roles that an account has, among those that the files know, by their proper names.
fn known_roles(session: &Session, account: &Account) -> BTreeSet<String> {
    role_values(session, account).iter().filter_map(|v| role_of(session, v)).map(str::to_owned).collect()
}

/// Takes a role away by every name under which it is held, and gives none that is held by another name.
fn by_live_names(session: &Session, set: &mut Set, account: &Account, before: &UserRecord, known: &BTreeSet<String>) {
    let Set::Listed { add, remove, .. } = set else { return };
    let old = |value: &&String| role_of(session, value).is_some_and(|role| before.role.as_deref() == Some(role));
    *remove = role_values(session, account).iter().filter(old).cloned().collect();
    if add.as_ref().is_some_and(|role| known.contains(role)) {
        *add = None;
    }
}

/// Lets an account in or keeps it out; it stays otherwise as it is.
pub async fn set_active(session: &Session, address: &str, active: bool) -> Result<(), TargetError> {
    let (known, account, _) = again(session, address).await?;
    if account.active == active {
        return Ok(());
    }
    let steps = vec![vec![Set::Value("active", Some(Value::from(active)))]];
    push(session, &known.id, steps, |v| Account::read(v).is_some_and(|a| a.active == active)).await
}

/// Gives an account another address.
pub async fn rename(session: &Session, from: &str, to: &str) -> Result<(), TargetError> {
    free(session, to)?;
    let (known, account, value) = again(session, from).await?;
    let mut steps = Vec::new();
    if account.handle().is_none() {
        steps.push(vec![Set::Value("userName", Some(Value::from(to)))]);
    }
    let mail = |v: &&Value| text(v, "value").is_some_and(|m| m.eq_ignore_ascii_case(from));
    if let Some(old) = list(&value, "emails").iter().find(mail).and_then(|m| text(m, "value")) {
        steps.push(vec![Set::Mail { from: old, to: to.to_owned() }]);
    }
    let called = |v: &Value| Account::read(v).is_some_and(|a| a.address.as_deref() == Some(to));
    push(session, &known.id, steps, called).await?;
    let mut index = session.index();
    if let Some(mut entry) = index.users.remove(from) {
        if account.handle().is_none() {
            to.clone_into(&mut entry.user_name);
        }
        index.users.insert(to.to_owned(), entry);
    }
    Ok(())
}

/// Takes an account away.
pub async fn delete(session: &Session, address: &str) -> Result<(), TargetError> {
    let known = match again(session, address).await {
        Ok((known, ..)) => known,
        // Somebody else was faster.
        Err(TargetError::Gone(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let path = Session::user_path(&known.id);
    gone(session, &path).await?;
    session.index().users.remove(address);
    Ok(())
}

/// Deletes what is at a path, until it is not there.
pub async fn gone(session: &Session, path: &str) -> Result<(), TargetError> {
    let mut tried = 0;
    loop {
        tried += 1;
        let maybe = match session.write(Method::Delete, path, None, None).await? {
            Sent::Done(_) => None,
            Sent::No(answer) if matches!(answer.status, 404 | 410) => None,
            Sent::Maybe { why, .. } => Some(why),
            Sent::No(answer) => return Err(refusal(&answer)),
        };
        let (done, _) = see(session, path, |v| v.is_none()).await?;
        match maybe {
            _ if done => return Ok(()),
            Some(_) if tried < TRIES => tokio::time::sleep(backoff(tried)).await,
            Some(why) => return Err(TargetError::Unknown(why)),
            None => return Err(not_visible(session)),
        }
    }
}

/// Makes changes to a user until they show: by `PATCH`, one request for each group of attributes, and
/// where that is refused or does nothing, by putting the whole user with the changes in it.
async fn push(
    session: &Session,
    id: &str,
    steps: Vec<Vec<Set>>,
    done: impl Fn(&Value) -> bool,
) -> Result<(), TargetError> {
    let path = Session::user_path(id);
    let display = session.schemas().await?.takes("displayName");
    let can_patch = session.features().await?.patch != Some(false) && !session.learned().no_user_patch;
    let mut outcome = None;
    let mut touched = false;
    for form in [Form::Patch, Form::Put] {
        if form == Form::Patch && !can_patch {
            continue;
        }
        for tried in 1..=TRIES {
            let sent = match form {
                Form::Patch => patch_all(session, &path, &steps, display, &mut touched).await,
                Form::Put => put_whole(session, &path, &steps, display).await,
            };
            let sent = match sent {
                Ok(sent) => sent,
                Err(error) => return Err(if touched { begun(error) } else { error }),
            };
            if let Attempt::Refused(error, otherwise) = sent {
                if otherwise && form == Form::Patch {
                    break;
                }
                return Err(if touched { begun(error) } else { error });
            }
            touched = true;
            let (good, _) = see(session, &path, |v| v.is_some_and(&done)).await?;
            if good {
                if form == Form::Put && can_patch {
                    session.learn(|l| l.no_user_patch = true);
                }
                return Ok(());
            }
            match sent {
                Attempt::Maybe(why) => {
                    outcome = Some(TargetError::Unknown(why));
                    if tried < TRIES {
                        tokio::time::sleep(backoff(tried)).await;
                    }
                }
                _ => {
                    outcome = Some(not_visible(session));
                    break;
                }
            }
        }
    }
    Err(outcome.unwrap_or_else(|| not_visible(session)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Patch,
    Put,
}

/// What became of one attempt.
enum Attempt {
    Done,
    Maybe(String),
    /// Refused, and whether another way may do.
    Refused(TargetError, bool),
}

async fn patch_all(
    session: &Session,
    path: &str,
    steps: &[Vec<Set>],
    display: bool,
    touched: &mut bool,
) -> Result<Attempt, TargetError> {
    for step in steps {
        let body = patch(step.iter().flat_map(|set| set.operations(display)).collect());
        match session.write(Method::Patch, path, Some(&body), None).await? {
            Sent::Done(_) => *touched = true,
            Sent::Maybe { why, .. } => return Ok(Attempt::Maybe(why)),
            Sent::No(answer) => {
                return Ok(Attempt::Refused(refusal(&answer), may_be_said_otherwise(answer.status)));
            }
        }
    }
    Ok(Attempt::Done)
}

async fn put_whole(session: &Session, path: &str, steps: &[Vec<Set>], display: bool) -> Result<Attempt, TargetError> {
    let answer = session.get(path).await?;
    if !answer.is_good() {
        return Err(refusal(&answer));
    }
    let whole = answer.json()?;
    let version = honest_version(session, &whole, answer.etag.as_deref());
    let Value::Object(mut user) = whole else {
        return Err(TargetError::Malformed("a user that is no object".to_owned()));
    };
    // Where it is not said, some suspend whoever is put.
    if !user.keys().any(|k| k.eq_ignore_ascii_case("active")) {
        user.insert("active".to_owned(), Value::from(true));
    }
    for set in steps.iter().flatten() {
        set.change(&mut user, display);
    }
    session.schemas().await?.strip(&mut user);
    Ok(match session.write(Method::Put, path, Some(&Value::Object(user)), version).await? {
        Sent::Done(_) => Attempt::Done,
        Sent::Maybe { why, .. } => Attempt::Maybe(why),
        Sent::No(answer) => Attempt::Refused(refusal(&answer), false),
    })
}

/// The version of a thing, to be used only where the server means it: it says that it has versions, and
/// says the same in both places (fact sheet scim, section 2.7).
pub fn honest_version(session: &Session, value: &Value, header: Option<&str>) -> Option<String> {
    let says = session.known_features().is_some_and(|f| f.etag);
    let inside = crate::targets::scim::value::get(value, "meta").and_then(|m| text(m, "version"))?;
    header.filter(|h| says && *h == inside).map(str::to_owned)
}
