//! What a declaration says of one attribute: nothing at all, that there is none, or a value.

use serde::{Deserialize, Serialize};

/// Three different things that must not be taken for each other: an attribute that the files do not
/// mention is not managed, one they mention as `null` is managed and empty, one with a value is
/// managed and has it. In a live directory every attribute that the target can read is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Said<T> {
    /// Not mentioned: whatever is live stays.
    #[default]
    Unsaid,
    /// Mentioned as empty.
    Nothing,
    /// Mentioned with a value.
    Is(T),
}

impl<T> Said<T> {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Unsaid | Self::Nothing => None,
        }
    }

    /// Whether the attribute is not mentioned.
    pub fn is_unsaid(&self) -> bool {
        matches!(self, Self::Unsaid)
    }

    /// From what is known for certain: `None` is [`Said::Nothing`].
    pub fn known(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::Is)
    }

    /// The same with its value looked at through `f`.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Said<U> {
        match self {
            Self::Unsaid => Said::Unsaid,
            Self::Nothing => Said::Nothing,
            Self::Is(value) => Said::Is(f(value)),
        }
    }

    /// The same by reference.
    pub fn as_ref(&self) -> Said<&T> {
        match self {
            Self::Unsaid => Said::Unsaid,
            Self::Nothing => Said::Nothing,
            Self::Is(value) => Said::Is(value),
        }
    }
}

impl<T: PartialEq> Said<T> {
    /// Whether `live` already is as this declaration wants it. What is not said is always met, and a
    /// live attribute that nobody could read is met by nothing but silence.
    pub fn is_met_by(&self, live: &Self) -> bool {
        match (self, live) {
            (Self::Unsaid, _) => true,
            (Self::Nothing, Self::Nothing | Self::Unsaid) => true,
            (Self::Is(a), Self::Is(b)) => a == b,
            _ => false,
        }
    }
}
