//! Drift taken over into the files: they are edited until they say what is live, with every comment and every
//! line that is not concerned left as it is. Each edit is tried: the files are read again and compared with
//! the same reading, and it is kept only where the difference is gone, no other has come, and no other target
//! is asked for something else.

mod edits;
mod files;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use files::Files;
use words::Words;

use super::{Difference, Direction, TargetDrift};
use crate::config::{Declaration, TargetDeclaration};
use crate::model::{Change, Directory, Kind, ObjectRef};

/// A target that was read: what is live in it, and how it differs from the files.
pub struct Read<'a> {
    /// How it differs.
    pub drift: &'a TargetDrift,
    /// What is live.
    pub live: &'a Directory,
}

/// What the files say after edits, compared with the same readings.
pub struct Judged {
    /// What they declare.
    pub declaration: Declaration,
    /// How the targets that were read differ from that.
    pub drifts: Vec<TargetDrift>,
}

/// A difference that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAdopted {
    /// The target.
    pub target: String,
    /// The thing.
    pub object: ObjectRef,
    /// Why.
    pub why: String,
}

/// The files that say what is live, and what they do not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Adopted {
    /// The files that change, by their paths below the folder of the declaration: the text before and after.
    pub files: BTreeMap<String, (String, String)>,
    /// What was taken over, each with its target.
    pub adopted: Vec<(String, Difference)>,
    /// What was not.
    pub not: Vec<NotAdopted>,
}

impl Adopted {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Those who administer a target, and the files did not say so, each with the target.
    #[must_use]
    pub fn administrators(&self) -> Vec<(&str, &str)> {
        let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (target, difference) in &self.adopted {
            let widens = difference.widens.iter().filter(|w| w.administrator);
            found.extend(widens.flat_map(|w| &w.who).map(|who| (target.as_str(), who.as_str())));
        }
        found.into_iter().collect()
    }
}

/// One difference on its way.
struct Wanted<'a> {
    target: &'a TargetDeclaration,
    live: &'a Directory,
    difference: &'a Difference,
    key: Key,
}

/// Differences that there were not before, each with its target.
type News = Vec<(String, Difference)>;

/// What tells a difference from all others.
type Key = (String, String);

fn key(target: &str, difference: &Difference) -> Key {
    (target.to_owned(), serde_json::to_string(&difference.change).unwrap_or_default())
}

fn keys(drifts: &[TargetDrift]) -> BTreeSet<Key> {
    drifts.iter().flat_map(|t| t.differences.iter().map(|d| key(&t.target, d))).collect()
}

/// How often what comes with something brings more.
const ROUNDS: usize = 4;

/// Reads edited files again.
pub type Judge<'a> = &'a dyn Fn(Vec<(String, String)>) -> Result<Judged, String>;

/// Edits the files so that the differences that are `chosen` are none. `texts` are the files with the paths
/// that people see.
pub fn adopt(
    declaration: &Declaration,
    texts: Vec<(String, String)>,
    reads: &[Read<'_>],
    chosen: &dyn Fn(&Difference) -> bool,
    judge: Judge<'_>,
) -> Adopted {
    let mut out = Adopted::default();
    let mut wanted: Vec<Wanted<'_>> = Vec::new();
    for read in reads {
        let Some(target) = declaration.targets.iter().find(|t| t.name == read.drift.target) else { continue };
        for difference in read.drift.differences.iter().filter(|d| chosen(d)) {
            let key = key(&target.name, difference);
            wanted.push(Wanted { target, live: read.live, difference, key });
        }
    }
    // What others need comes before them, and goes after them.
    wanted.sort_by_key(|w| turn(&w.difference.change));
    let before = Files::new(texts.into_iter());
    let drifts: Vec<TargetDrift> = reads.iter().map(|r| r.drift.clone()).collect();
    let known = keys(&drifts);
    let (now, done) = (known.clone(), BTreeSet::new());
    let mut work = Work { declaration, judge, files: before.clone(), known, done, now };
    let mut open: Vec<(&Wanted<'_>, String)> = Vec::new();
    work.all(&wanted.iter().collect::<Vec<_>>(), &mut open);
    // What waited for something else can be done now.
    if !open.is_empty() && !work.done.is_empty() {
        let again: Vec<&Wanted<'_>> = open.drain(..).map(|(w, _)| w).collect();
        work.all(&again, &mut open);
    }
    for one in &wanted {
        // What was only the consequence of another is gone with it.
        match open.iter().find(|(w, _)| w.key == one.key && work.now.contains(&w.key)) {
            Some((_, why)) => out.not.push(NotAdopted {
                target: one.target.name.clone(),
                object: one.difference.object.clone(),
                why: why.clone(),
            }),
            None => out.adopted.push((one.target.name.clone(), one.difference.clone())),
        }
    }
    for ((path, old), (_, new)) in before.texts().zip(work.files.texts()) {
        if old != new {
            out.files.insert(path.to_owned(), (old.to_owned(), new.to_owned()));
        }
    }
    out
}

/// In which order differences are taken over.
fn turn(change: &Change) -> (u8, Kind) {
    let kind = change.kind();
    let turn = match (super::direction(change), kind) {
        (Direction::Extra, Kind::User | Kind::Team | Kind::Resource | Kind::Role) => 0,
        (Direction::Extra | Direction::Different, _) => 1,
        (Direction::Missing, Kind::Member | Kind::Grant | Kind::Domain) => 2,
        (Direction::Missing, Kind::Resource) => 3,
        (Direction::Missing, Kind::Team) => 4,
        (Direction::Missing, _) => 5,
    };
    (turn, kind)
}

struct Work<'a> {
    declaration: &'a Declaration,
    judge: Judge<'a>,
    files: Files,
    /// The differences that there were.
    known: BTreeSet<Key>,
    /// Those that have been taken over.
    done: BTreeSet<Key>,
    /// Those that there are with the files as they are now.
    now: BTreeSet<Key>,
}

impl<'a> Work<'a> {
    /// Takes over what can be: all at once where that works, else in halves, down to single ones.
    fn all<'w>(&mut self, wanted: &[&'w Wanted<'a>], open: &mut Vec<(&'w Wanted<'a>, String)>) {
        if wanted.is_empty() {
            return;
        }
        let mut edited = self.files.clone();
        let mut tried: Vec<&'w Wanted<'a>> = Vec::new();
        for one in wanted.iter().copied() {
            let mut next = edited.clone();
            let words = Words { declaration: self.declaration, target: one.target };
            match edits::adopt(&mut next, &words, one.live, &one.difference.change) {
                Ok(()) => {
                    edited = next;
                    tried.push(one);
                }
                Err(why) => open.push((one, why)),
            }
        }
        if tried.is_empty() {
            return;
        }
        match self.settled(&mut edited, &tried) {
            Ok(now) => {
                self.files = edited;
                self.now = now;
                self.done.extend(tried.iter().map(|w| w.key.clone()));
            }
            Err(why) => match tried.as_slice() {
                [one] => open.push((one, why)),
                several => {
                    let (first, second) = several.split_at(several.len() / 2);
                    self.all(first, open);
                    self.all(second, open);
                }
            },
        }
    }

    /// Edits until the files hold and say what these want. What somebody holds who comes in is no difference
    /// before: it comes with them.
    fn settled(&self, edited: &mut Files, tried: &[&Wanted<'_>]) -> Result<BTreeSet<Key>, String> {
        for _ in 0..ROUNDS {
            let (news, now) = self.judged(edited, tried)?;
            let Some((target, first)) = news.first() else { return Ok(now) };
            let differs = format!("then {} would differ in `{target}`", first.object);
            for (target, difference) in &news {
                let about =
                    |w: &&&Wanted<'_>| w.target.name == *target && comes_with(&w.difference.change, &difference.change);
                let Some(one) = tried.iter().find(about) else { return Err(differs) };
                let words = Words { declaration: self.declaration, target: one.target };
                let mut next = edited.clone();
                edits::adopt(&mut next, &words, one.live, &difference.change)
                    .map_err(|why| format!("{}, and that cannot be adopted, because {why}", differs))?;
                *edited = next;
            }
        }
        Err("it leads to ever more differences".to_owned())
    }

    /// Whether the edited files hold, and say what these want; what else would differ then.
    fn judged(&self, edited: &Files, tried: &[&Wanted<'_>]) -> Result<(News, BTreeSet<Key>), String> {
        let texts = edited.texts().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        let judged = (self.judge)(texts)?;
        let now = keys(&judged.drifts);
        if let Some(one) = tried.iter().find(|w| now.contains(&w.key)) {
            return Err(format!("{} would differ all the same", one.difference.object));
        }
        let all = judged.drifts.iter().flat_map(|t| t.differences.iter().map(move |d| (t, d)));
        let news = all.filter(|(target, difference)| {
            let key = key(&target.target, difference);
            !self.known.contains(&key) || self.done.contains(&key)
        });
        let news = news.map(|(target, difference)| (target.target.clone(), difference.clone())).collect();
        // Of what was not read nobody knows whether it is so: nothing else may be asked of it.
        let read: BTreeSet<&str> = judged.drifts.iter().map(|t| t.target.as_str()).collect();
        for (old, new) in self.declaration.targets.iter().zip(&judged.declaration.targets) {
            if !read.contains(old.name.as_str()) && old.desired.directory != new.desired.directory {
                return Err(format!("it would change what is declared of `{}`, which was not looked at", old.name));
            }
        }
        Ok((news, now))
    }
}

/// Whether a difference is there because somebody or something is in the files now that was not.
fn comes_with(one: &Change, other: &Change) -> bool {
    let come = match one {
        Change::DisableUser { user, .. } | Change::DeleteUser { user, .. } => (Kind::User, user.email.as_str()),
        Change::DeleteTeam { team, .. } => (Kind::Team, team.name.as_str()),
        Change::DeleteResource { resource, .. } => (Kind::Resource, resource.name.as_str()),
        _ => return false,
    };
    let kind = matches!(other.kind(), Kind::Member | Kind::Grant) || come.0 != Kind::User;
    kind && super::direction(one) == Direction::Extra && crate::plan::mentions(other).contains(&come)
}
