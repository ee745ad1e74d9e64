//! What an edit writes.

use super::word;
use crate::model::Moment;

/// A value that is written into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, in quotes where it needs them.
    Text(String),
    /// What stands in the file as it is: a number, `null`, a date.
    Raw(String),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Vec<(String, Self)>),
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Nothing: `null`.
    #[must_use]
    pub fn nothing() -> Self {
        Self::Raw("null".to_owned())
    }

    /// A last moment: a date where it is the end of a day.
    #[must_use]
    pub fn moment(moment: Moment) -> Self {
        let short = moment.short();
        if short.len() == "2027-01-31".len() { Self::Raw(short) } else { Self::Text(short) }
    }

    /// In one line, in braces and brackets.
    #[must_use]
    pub fn flow(&self) -> String {
        match self {
            Self::Text(text) => word(text),
            Self::Raw(raw) => raw.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::flow).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let all: Vec<String> = entries.iter().map(|(k, v)| format!("{}: {}", word(k), v.flow())).collect();
                format!("{{{}}}", all.join(", "))
            }
        }
    }

    /// In the quotes that stood around what was there before, where that is possible.
    #[must_use]
    pub fn quoted(&self, quote: Option<char>) -> String {
        match (self, quote) {
            (Self::Text(text), Some('"')) => serde_json::Value::from(text.as_str()).to_string(),
            (Self::Text(text), Some('\'')) if !text.chars().any(crate::model::is_invisible) => {
                format!("'{}'", text.replace('\'', "''"))
            }
            _ => self.flow(),
        }
    }
}
