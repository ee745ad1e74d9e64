//! Consents: what somebody agrees to, and how many of it. They are part of what was reviewed.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Kind;

/// What a consent is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// More removals than pass by themselves (`blast-radius`).
    Removal,
    /// Removals where rolecall begins to manage (`ownership-is-said`).
    Takeover,
    /// What cannot be undone.
    Irreversible,
    /// Access that is missing for a moment.
    Loss,
    /// Removals although much less was read than the last time.
    Shrunk,
}

impl Subject {
    const ALL: [Self; 5] = [Self::Removal, Self::Takeover, Self::Irreversible, Self::Loss, Self::Shrunk];

    /// The word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Removal => "removal",
            Self::Takeover => "takeover",
            Self::Irreversible => "irreversible",
            Self::Loss => "loss",
            Self::Shrunk => "shrunk",
        }
    }
}

/// A consent: `removal.member=104`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// To what.
    pub what: Subject,
    /// Of which kind of thing; a loss is of no kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// How many: exactly the plan's number.
    pub number: usize,
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{}.{kind}={}", self.what.word(), self.number),
            None => write!(f, "{}={}", self.what.word(), self.number),
        }
    }
}

/// Why a text is no consent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsentError {
    /// No `=` with a number after it.
    #[error("`{0}` names no number: a consent says how many, as in `removal.member=104`")]
    NoNumber(String),
    /// What follows the `=` is no number.
    #[error("`{0}` is no number: a consent says how many, as in `removal.member=104`")]
    NotANumber(String),
    /// Not a thing that one can consent to.
    #[error("nobody can consent to `{0}`: known are removal, takeover, irreversible, loss and shrunk")]
    UnknownSubject(String),
    /// Not a kind of thing.
    #[error("`{0}` is no kind of thing: known are role, user, team, member, resource, grant, domain and policy")]
    UnknownKind(String),
    /// A subject that needs a kind stands without one.
    #[error("`{0}` names no kind: write for example `{0}.member={1}`")]
    NoKind(&'static str, usize),
    /// A loss with a kind.
    #[error("a loss is of no kind: write `loss={0}`")]
    KindOfLoss(usize),
}

impl FromStr for Consent {
    type Err = ConsentError;

    fn from_str(text: &str) -> Result<Self, ConsentError> {
        let (name, number) = text.split_once('=').ok_or_else(|| ConsentError::NoNumber(text.to_owned()))?;
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number: usize =
            (number.parse().ok().filter(|_| digits)).ok_or_else(|| ConsentError::NotANumber(number.to_owned()))?;
        let (subject, kind) = name.split_once('.').map_or((name, None), |(subject, kind)| (subject, Some(kind)));
        let what = (Subject::ALL.into_iter().find(|s| s.word() == subject))
            .ok_or_else(|| ConsentError::UnknownSubject(subject.to_owned()))?;
        let find = |kind: &str| Kind::ALL.into_iter().find(|k| k.singular() == kind || k.plural() == kind);
        let kind = match (what, kind) {
            (Subject::Loss, None) => None,
            (Subject::Loss, Some(_)) => return Err(ConsentError::KindOfLoss(number)),
            (what, None) => return Err(ConsentError::NoKind(what.word(), number)),
            (_, Some(kind)) => Some(find(kind).ok_or_else(|| ConsentError::UnknownKind(kind.to_owned()))?),
        };
        Ok(Self { what, kind, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consents_name_what_and_how_many() {
        for good in ["removal.member=104", "takeover.user=12", "irreversible.user=1", "loss=2", "shrunk.user=9700"] {
            assert_eq!(good.parse::<Consent>().unwrap().to_string(), good);
        }
        assert_eq!("removal.members=3".parse::<Consent>().unwrap().to_string(), "removal.member=3");
        let error = |text: &str| text.parse::<Consent>().unwrap_err().to_string();
        assert_eq!(
            error("removal.member"),
            "`removal.member` names no number: a consent says how many, as in `removal.member=104`"
        );
        assert_eq!(
            error("removal.member=all"),
            "`all` is no number: a consent says how many, as in `removal.member=104`"
        );
        assert_eq!(error("removal=3"), "`removal` names no kind: write for example `removal.member=3`");
        assert_eq!(error("loss.user=3"), "a loss is of no kind: write `loss=3`");
        assert!(error("removal.cat=3").contains("`cat` is no kind of thing"));
        assert!(error("everything=3").contains("nobody can consent to `everything`"));
        assert!("removal.member=+3".parse::<Consent>().is_err());
        assert!("removal.member=99999999999999999999999".parse::<Consent>().is_err());
    }
}
