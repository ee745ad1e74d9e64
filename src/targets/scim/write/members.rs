//! Who is in a group: each membership is said by itself, in the way that the server turns out to
//! understand, and the group is read again after every attempt (fact sheet scim, section 2.4).
//!
//! Added by one `add` of up to 100 values; taken out by `remove` of `members[value eq "x"]`, or of a list of
//! values; and where neither does anything, by putting the whole group, if it shows who is in it. Some
//! servers take a `remove` with a list for "all of them": after every attempt those who were to stay are
//! looked for, whoever is lost is put back at once, and that way is not used again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use tokio::time::Instant;

use super::edit::patch;
use super::{LOOK, MEMBERS_MAX, TRIES, begun, may_be_said_otherwise, not_visible, team, unshown, user};
use crate::model::Change;
use crate::targets::TargetError;
use crate::targets::http::{Method, backoff};
use crate::targets::scim::resource::{Account, Group, Member};
use crate::targets::scim::session::{Learned, Removal, Sent, Session, UserEntry, refusal};
use crate::targets::scim::value::{list, quoted};

/// Somebody who is to be in a group or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    id: String,
    /// The name that some servers use instead.
    user_name: String,
    is_group: bool,
    inside: bool,
}

impl Wanted {
    fn user(entry: &UserEntry, inside: bool) -> Self {
        Self { id: entry.id.clone(), user_name: entry.user_name.to_lowercase(), is_group: false, inside }
    }

    fn is(&self, member: &Member) -> bool {
        // A user and a group may have the same number.
        member.is_group.is_none_or(|group| group == self.is_group)
            && (member.value == self.id
                || member.reference.as_deref() == Some(&self.id)
                || (!self.user_name.is_empty() && member.value.to_lowercase() == self.user_name))
    }

    fn value(&self) -> Value {
        // `type` is what the RFC wants of groups; users are what everybody takes a member for.
        if self.is_group { json!({"value": self.id, "type": "Group"}) } else { json!({"value": self.id}) }
    }
}

/// Carries out changes to the members of one group.
pub async fn change(session: &Session, changes: &[&Change]) -> Vec<Result<(), TargetError>> {
    let mut results: Vec<Result<(), TargetError>> = Vec::with_capacity(changes.len());
    let mut wanted: Vec<(usize, Wanted)> = Vec::new();
    let mut name = "";
    for (index, change) in changes.iter().enumerate() {
        let (member, inside) = match change {
            Change::AddMember { member } => (member, true),
            Change::RemoveMember { member, .. } => (member, false),
            _ => {
                results.push(Err(TargetError::Refused("this is no change of members".to_owned())));
                continue;
            }
        };
        name = &member.team;
        match user::entry(session, &member.user) {
            Ok(entry) => {
                wanted.push((index, Wanted::user(&entry, inside)));
                results.push(Ok(()));
            }
            // Who is gone is in no group.
            Err(TargetError::Gone(_)) if !inside => results.push(Ok(())),
            Err(error) => results.push(Err(error)),
        }
    }
    let (indices, wanted): (Vec<usize>, Vec<Wanted>) = wanted.into_iter().unzip();
    if wanted.is_empty() {
        return results;
    }
    let done = match team::id(session, name) {
        Ok(id) => edit(session, &id, name, &wanted).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(done) => indices.into_iter().zip(done).for_each(|(index, result)| results[index] = result),
        Err(error) => indices.into_iter().for_each(|index| results[index] = Err(error.clone())),
    }
    results
}

/// Puts a group into another, and takes it out of one: first in, so that nobody loses what they keep.
pub async fn nest(session: &Session, id: &str, before: Option<&str>, after: Option<&str>) -> Result<(), TargetError> {
    for (outer, inside) in [(after, true), (before, false)] {
        let Some(outer) = outer else { continue };
        let wanted = Wanted { id: id.to_owned(), user_name: String::new(), is_group: true, inside };
        let one = async {
            let outer_id = team::id(session, outer)?;
            edit(session, &outer_id, outer, &[wanted]).await?.into_iter().collect::<Result<(), _>>()
        };
        // Into the one it is already, by then.
        one.await.map_err(|e| if !inside && after.is_some() { begun(e) } else { e })?;
    }
    Ok(())
}

/// Moves a user from the group that stands for one role to that which stands for another.
pub async fn move_role(
    session: &Session,
    entry: &UserEntry,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), TargetError> {
    let mut touched = false;
    if let Some(role) = after {
        let name = role_group(session, role)?;
        join(session, entry, &name, true).await?;
        touched = true;
    }
    // Whichever of them it is held by.
    for name in before.map(|role| role_groups(session, role)).unwrap_or_default() {
        join(session, entry, &name, false).await.map_err(|e| if touched { begun(e) } else { e })?;
        touched = true;
    }
    Ok(())
}

async fn join(session: &Session, entry: &UserEntry, name: &str, inside: bool) -> Result<(), TargetError> {
    let id = team::id(session, name)?;
    edit(session, &id, name, &[Wanted::user(entry, inside)]).await?.into_iter().collect()
}

/// The groups that stand for a role: that of its own name first, then those of its aliases by name.
fn role_groups(session: &Session, role: &str) -> Vec<String> {
    let index = session.index();
    let stands = |name: &&String| session.catalogue.role(name).is_some_and(|(proper, _)| proper == role);
    let mut names: Vec<String> = index.groups.keys().filter(stands).cloned().collect();
    names.sort_by_key(|name| (name != role, name.clone()));
    names
}

/// The group into which somebody is put to have a role.
pub fn role_group(session: &Session, role: &str) -> Result<String, TargetError> {
    role_groups(session, role).into_iter().next().ok_or_else(|| {
        TargetError::Refused(format!("there is no group that stands for the role `{role}`: make one of that name"))
    })
}

/// How the group is written next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    /// Whether those who join are added by `PATCH`.
    add: bool,
    removal: Removal,
}

impl Form {
    /// What to try where some who join (`adds`) or leave (`removes`) are not as wanted.
    fn next(self, adds: bool, removes: bool) -> Self {
        let removal = match self.removal {
            Removal::Filter if removes => Removal::Values,
            _ if removes => Removal::Put,
            same => same,
        };
        Self { add: self.add && !adds, removal }
    }

    /// The same without what has turned out to take out others.
    fn harmless(self, learned: Learned) -> Self {
        Self { add: self.add && !learned.add_harms, removal: learned.harmless(self.removal) }
    }

    /// Whether this one is done by putting the whole.
    fn puts(self, w: &Wanted) -> bool {
        if w.inside { !self.add } else { self.removal == Removal::Put }
    }
}

/// Makes the group as wanted, as far as the server lets it, and says of each whether it is. Nobody else of
/// this process writes the group meanwhile.
async fn edit(
    session: &Session,
    id: &str,
    name: &str,
    wanted: &[Wanted],
) -> Result<Vec<Result<(), TargetError>>, TargetError> {
    let lock = session.group_lock(id);
    let _alone = lock.lock().await;
    let before = team::again(session, id, name).await?.members.unwrap_or_default();
    if !before.is_empty() {
        session.shows_members(id);
    }
    let patches = session.features().await?.patch != Some(false) && !session.learned().no_group_patch;
    let mut work = Work {
        session,
        id,
        name,
        path: Session::group_path(id),
        now: before.clone(),
        others: before.into_iter().filter(|m| !wanted.iter().any(|w| w.is(m))).collect(),
        elsewhere: BTreeSet::new(),
        refused: BTreeMap::new(),
        partly: false,
        touched: false,
    };
    let mut form = match patches {
        true => Form { add: true, removal: session.learned().removal.unwrap_or(Removal::Filter) },
        false => Form { add: false, removal: Removal::Put },
    };
    form = form.harmless(session.learned());
    work.ask_users(&wanted.iter().collect::<Vec<_>>()).await?;
    let mut tried = 0;
    let mut last = None;
    loop {
        let open: Vec<&Wanted> = wanted.iter().filter(|w| !work.is_right(w)).collect();
        if open.is_empty() {
            break;
        }
        if open.iter().any(|w| form.puts(w)) && !session.may_put(id) {
            if !work.touched {
                work.refused.clear();
                last = Some(unshown(session, name));
            }
            break;
        }
        tried += 1;
        let round = match work.round(&open, form).await {
            Ok(round) => round,
            // What is known to be right is right; of the others, this is what is known.
            Err(Failure::Others(error)) => return Err(error),
            Err(Failure::Sending(error)) => {
                last = Some(if work.touched { begun(error) } else { error });
                break;
            }
        };
        let still = || open.iter().filter(|w| !work.is_right(w));
        let (adds, removes) = (still().any(|w| w.inside), still().any(|w| !w.inside));
        match round {
            Round::Harmed => {
                last = Some(not_visible(session));
                (form, tried) = (form.harmless(session.learned()), 0);
                continue;
            }
            _ if !adds && !removes => {
                // A way is known to be good where there was somebody whom it has left alone.
                if open.iter().any(|w| !w.inside) && !work.others.is_empty() {
                    session.learn(|l| l.removal = Some(form.removal));
                }
                continue;
            }
            Round::Maybe(why) => {
                last = Some(TargetError::Unknown(why));
                if tried < TRIES {
                    tokio::time::sleep(backoff(tried)).await;
                    continue;
                }
            }
            Round::Done => last = Some(not_visible(session)),
        }
        let next = form.next(adds, removes).harmless(session.learned());
        // The way is understood, and some are refused for themselves.
        if work.partly || next == form {
            break;
        }
        (form, tried) = (next, 0);
    }
    let result = |w: &Wanted| {
        if work.is_right(w) {
            return Ok(());
        }
        Err(work.refused.get(&w.id).cloned().or_else(|| last.clone()).unwrap_or_else(|| not_visible(session)))
    };
    Ok(wanted.iter().map(result).collect())
}

/// What became of one round of requests.
enum Round {
    Done,
    Maybe(String),
    /// Others were taken out as well, and are back.
    Harmed,
}

/// Why a round came to no end.
enum Failure {
    Sending(TargetError),
    /// Others were taken out, and could not be put back: that concerns everybody.
    Others(TargetError),
}

struct Work<'s> {
    session: &'s Session,
    id: &'s str,
    name: &'s str,
    path: String,
    /// The members as last read.
    now: Vec<Member>,
    /// Those who were in it before, and are to stay.
    others: Vec<Member>,
    /// Who is in the group by what the server says on the user: by id.
    elsewhere: BTreeSet<String>,
    /// What the server refused, by id.
    refused: BTreeMap<String, TargetError>,
    /// Whether some of a request were taken, and others not.
    partly: bool,
    /// Whether something was sent that was done, or may have been.
    touched: bool,
}

impl Work<'_> {
    fn is_right(&self, w: &Wanted) -> bool {
        let elsewhere = !w.is_group && self.elsewhere.contains(&w.id);
        (elsewhere || self.now.iter().any(|m| w.is(m))) == w.inside
    }

    /// Sends what is to be done in one form, looks at what came of it, and puts back whoever else is missing.
    async fn round(&mut self, open: &[&Wanted], form: Form) -> Result<Round, Failure> {
        let sent = self.send(open, form).await;
        // Some of it may have been done before it came to an error.
        if !self.touched {
            return sent.map_err(Failure::Sending);
        }
        self.look(open).await.map_err(Failure::Sending)?;
        let lost: Vec<Member> = self.others.iter().filter(|m| !self.has(m)).cloned().collect();
        if lost.is_empty() {
            return sent.map_err(Failure::Sending);
        }
        self.blame(open, form);
        tracing::warn!(group = self.id, lost = lost.len(), "the server took out others as well: they are put back");
        self.put_back(&lost).await.map_err(Failure::Others)?;
        let members =
            if lost.len() == 1 { "1 other member".to_owned() } else { format!("{} other members", lost.len()) };
        self.session.note(format!(
            "the server took {members} out of the group `{}` as well: put back at once, and that way is not used again",
            self.name
        ));
        sent.map(|_| Round::Harmed).map_err(Failure::Sending)
    }

    fn has(&self, member: &Member) -> bool {
        self.now.iter().any(|m| m.value == member.value && m.is_group == member.is_group)
    }

    /// Remembers which way has taken out others. Members are added first: where they are there and others
    /// are not, it was not the removal after it.
    fn blame(&self, open: &[&Wanted], form: Form) {
        let added = |w: &&&Wanted| w.inside && !form.puts(w);
        let removes = open.iter().any(|w| !w.inside);
        let by_adding =
            open.iter().any(|w| added(&w)) && (!removes || open.iter().filter(added).any(|w| self.is_right(w)));
        self.session.learn(|l| match form.removal {
            _ if open.iter().any(|w| form.puts(w)) => l.put_harms = true,
            _ if by_adding => l.add_harms = true,
            Removal::Filter => l.filter_harms = true,
            Removal::Values => l.values_harm = true,
            Removal::Put => l.put_harms = true,
        });
    }

    async fn send(&mut self, open: &[&Wanted], form: Form) -> Result<Round, TargetError> {
        if open.iter().any(|w| form.puts(w)) {
            return self.put(open).await;
        }
        let adds: Vec<&Wanted> = open.iter().copied().filter(|w| w.inside).collect();
        // With the value as it is listed: some list names and not ids.
        let listed = |w: &Wanted| self.now.iter().find(|m| w.is(m)).map_or(w.id.clone(), |m| m.value.clone());
        let removes: Vec<(&Wanted, String)> = open.iter().filter(|w| !w.inside).map(|w| (*w, listed(w))).collect();
        let mut round = Round::Done;
        for chunk in adds.chunks(MEMBERS_MAX) {
            let body = |of: &[&Wanted]| {
                let values: Vec<Value> = of.iter().map(|w| w.value()).collect();
                patch(vec![json!({"op": "add", "path": "members", "value": values})])
            };
            if let Round::Maybe(why) = self.chunk(chunk, &body).await? {
                round = Round::Maybe(why);
            }
        }
        for chunk in removes.chunks(MEMBERS_MAX) {
            let of: Vec<&Wanted> = chunk.iter().map(|(w, _)| *w).collect();
            let value = |w: &Wanted| chunk.iter().find(|(c, _)| c.id == w.id).map_or("", |(_, v)| v.as_str());
            let body = |of: &[&Wanted]| {
                if form.removal == Removal::Values {
                    let values: Vec<Value> = of.iter().map(|w| json!({"value": value(w)})).collect();
                    return patch(vec![json!({"op": "remove", "path": "members", "value": values})]);
                }
                let path = |w: &Wanted| format!("members[value eq {}]", quoted(value(w)));
                patch(of.iter().map(|w| json!({"op": "remove", "path": path(w)})).collect())
            };
            if let Round::Maybe(why) = self.chunk(&of, &body).await? {
                round = Round::Maybe(why);
            }
        }
        Ok(round)
    }

    /// Sends one request for several; where it is refused because of one of them, one for each.
    async fn chunk(
        &mut self,
        of: &[&Wanted],
        body: &(dyn Fn(&[&Wanted]) -> Value + Sync),
    ) -> Result<Round, TargetError> {
        match self.session.write(Method::Patch, &self.path, Some(&body(of)), None).await? {
            Sent::Done(_) => {
                of.iter().for_each(|w| drop(self.refused.remove(&w.id)));
                self.touched = true;
                return Ok(Round::Done);
            }
            Sent::Maybe { why, .. } => {
                self.touched = true;
                return Ok(Round::Maybe(why));
            }
            Sent::No(answer) if !may_be_said_otherwise(answer.status) && answer.status != 409 => {
                return Err(refusal(&answer));
            }
            Sent::No(answer) => {
                for w in of {
                    self.refused.insert(w.id.clone(), refusal(&answer));
                }
                // A server that cannot do this at all says so once.
                if of.len() == 1 || matches!(answer.status, 405 | 415 | 501) {
                    return Ok(Round::Done);
                }
            }
        }
        let (mut taken, mut refused) = (0, 0);
        for w in of {
            match self.session.write(Method::Patch, &self.path, Some(&body(&[*w])), None).await? {
                Sent::Done(_) => {
                    self.refused.remove(&w.id);
                    self.touched = true;
                    taken += 1;
                }
                Sent::Maybe { why, .. } => {
                    self.touched = true;
                    return Ok(Round::Maybe(why));
                }
                Sent::No(_) => refused += 1,
            }
            // Two alone are refused as well: it is the way of saying it, and not one of them.
            if taken == 0 && refused == 2 {
                break;
            }
        }
        self.partly |= taken > 0 && refused > 0;
        Ok(Round::Done)
    }

    /// Puts the whole group as it is now, with what is to be done to it.
    async fn put(&mut self, open: &[&Wanted]) -> Result<Round, TargetError> {
        let answer = self.session.get(&self.path).await?;
        if !answer.is_good() {
            return Err(refusal(&answer));
        }
        let mut group = answer.json()?;
        let version = user::honest_version(self.session, &group, answer.etag.as_deref());
        let members = Group::read(&group).and_then(|g| g.members).unwrap_or_default();
        let mut values: Vec<Value> = list(&group, "members").to_vec();
        values.retain(|v| Member::read(v).is_none_or(|m| !open.iter().any(|w| !w.inside && w.is(&m))));
        values.extend(open.iter().filter(|w| w.inside && !members.iter().any(|m| w.is(m))).map(|w| w.value()));
        if let Some(map) = group.as_object_mut() {
            map.retain(|k, _| !k.eq_ignore_ascii_case("meta") && !k.eq_ignore_ascii_case("members"));
            map.insert("members".to_owned(), Value::Array(values));
        }
        let round = match self.session.write(Method::Put, &self.path, Some(&group), version).await? {
            Sent::Done(_) => Round::Done,
            Sent::Maybe { why, .. } => Round::Maybe(why),
            // Somebody else was in between: it is looked at again.
            Sent::No(answer) if answer.status == 412 => Round::Maybe("the group was changed meanwhile".to_owned()),
            Sent::No(answer) => return Err(refusal(&answer)),
        };
        self.touched = true;
        Ok(round)
    }

    /// Puts those back who were lost.
    async fn put_back(&mut self, lost: &[Member]) -> Result<(), TargetError> {
        let missing = |n: usize, why: &str| {
            TargetError::Unknown(format!(
                "the server took {n} others out of the group as well, and they could not be put back{why}"
            ))
        };
        let back = |m: &Member| Wanted {
            id: m.value.clone(),
            user_name: String::new(),
            is_group: m.is_group == Some(true),
            inside: true,
        };
        let wanted: Vec<Wanted> = lost.iter().map(back).collect();
        let all: Vec<&Wanted> = wanted.iter().collect();
        for chunk in all.chunks(MEMBERS_MAX) {
            let values: Vec<Value> = chunk.iter().map(|w| w.value()).collect();
            let body = patch(vec![json!({"op": "add", "path": "members", "value": values})]);
            let wrong = |e: TargetError| missing(all.len(), &format!(": {e}"));
            let added = !self.session.learned().add_harms
                && matches!(
                    self.session.write(Method::Patch, &self.path, Some(&body), None).await.map_err(wrong)?,
                    Sent::Done(_)
                );
            if !added {
                self.put(&all).await.map_err(wrong)?;
                break;
            }
        }
        self.look(&all).await.map_err(|e| missing(all.len(), &format!(": {e}")))?;
        // All of them: what puts some back may have lost others.
        match self.others.iter().filter(|m| !self.has(m)).count() {
            0 => Ok(()),
            some => Err(missing(some, "")),
        }
    }

    /// Reads the group until all of these are as wanted, or the settle time is over.
    async fn look(&mut self, open: &[&Wanted]) -> Result<(), TargetError> {
        let end = Instant::now() + self.session.settings.settle;
        let mut wait = LOOK;
        loop {
            let value =
                self.session.get_one(&self.path).await.map_err(|e| {
                    TargetError::Unknown(format!("it was sent, and the group could not be read back: {e}"))
                })?;
            let Some(group) = value.as_ref().and_then(Group::read) else {
                return Err(TargetError::Unknown("it was sent, and the group is not there any more".to_owned()));
            };
            self.now = group.members.unwrap_or_default();
            if !self.now.is_empty() {
                self.session.shows_members(self.id);
            }
            self.ask_users(open).await.map_err(begun)?;
            // What was refused will not come.
            let done = open.iter().all(|w| self.is_right(w) || self.refused.contains_key(&w.id));
            if done || Instant::now() + wait > end {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// Where groups never show who is in them (fact sheet scim, section 1), the users say it.
    async fn ask_users(&mut self, open: &[&Wanted]) -> Result<(), TargetError> {
        if !self.session.learned().members_hidden {
            return Ok(());
        }
        for w in open.iter().filter(|w| !w.is_group) {
            let value = self.session.get_one(&Session::user_path(&w.id)).await?;
            let groups = value.as_ref().and_then(Account::read).map(|a| a.groups).unwrap_or_default();
            if groups.iter().any(|g| g == self.id) {
                self.elsewhere.insert(w.id.clone());
            } else {
                self.elsewhere.remove(&w.id);
            }
        }
        Ok(())
    }
}
