//! From nodes to typed declarations: every mistake is reported where it stands, and the rest goes on.
//!
//! The same types describe themselves to JSON Schema, so what an editor underlines and what
//! `validate` refuses is written down once.

use schemars::{Schema, SchemaGenerator, json_schema};
use string_interner::{DefaultBackend, DefaultSymbol, StringInterner, Symbol};

use crate::diagnostic::{Code, Finding, Sink, Span};
use crate::model::{Bytes, Days, Moment, MomentError, QuantityError, Said, Share, is_invisible};

use super::document::{Cursor, Type};
use super::suggest::nearest;

/// A text that occurs in the files, by number.
pub type Sym = DefaultSymbol;

/// The number of a text as an index.
#[must_use]
pub fn sym_index(sym: Sym) -> usize {
    sym.to_usize()
}

/// What decoding needs beside the node: where findings go, and the texts seen so far.
#[derive(Debug)]
pub struct Context<'s> {
    /// Where findings go.
    pub sink: &'s mut Sink,
    /// The texts of all files.
    pub names: &'s mut StringInterner<DefaultBackend>,
}

impl Context<'_> {
    fn wrong_type(&mut self, node: Cursor<'_>, expected: &str) {
        let mut finding = Finding::at(
            Code::WrongType,
            node.span(),
            format!("expected {expected}, found {}", node.kind().described()),
        );
        finding.help = match node.kind() {
            Type::Null if expected.contains("list") => Some("write `[]` for none, or take the key away".into()),
            Type::Null if expected.contains("map") => Some("write `{}` for none, or take the key away".into()),
            Type::Null => Some("give a value, or take the key away".into()),
            Type::Number | Type::Bool if expected.contains("text") || expected.contains("name") => {
                Some(format!("put it in quotes: \"{}\"", node.source()))
            }
            Type::Text if expected.contains("number") => Some("write digits, without quotes".into()),
            Type::Text if expected.contains("true") => Some("write true or false, without quotes".into()),
            Type::Text | Type::Number | Type::Bool if expected.contains("list") => {
                Some(format!("put it in brackets: [{}]", node.source().lines().next().unwrap_or_default()))
            }
            Type::List if expected.contains("text") => Some("one value can stand here, not a list".into()),
            Type::Map if expected.contains("text") => Some("one value can stand here, not a map".into()),
            Type::List if expected.contains("map") => Some("write `name: value` pairs, without the leading `-`".into()),
            _ => Some(format!("write {expected} here")),
        };
        self.sink.push(finding);
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sp<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A type that can stand in a file.
pub trait Decode: Sized {
    /// What it is, with its article: "expected ...".
    const WHAT: &'static str;

    /// Reads a node; `None` after a finding was pushed.
    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self>;

    /// Its schema.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// A key of an object: whether it must be there, and what its absence means.
pub trait Field: Sized {
    /// Whether the key must be there.
    const REQUIRED: bool;
    /// The value where the key is absent.
    fn absent() -> Option<Self>;
    /// Reads the value of the key.
    fn read(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self>;
    /// The schema of the value.
    fn field_schema(generator: &mut SchemaGenerator) -> Schema;
}

/// A key that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed<T>(pub T);

impl<T: Decode> Field for Needed<T> {
    const REQUIRED: bool = true;

    fn absent() -> Option<Self> {
        None
    }

    fn read(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Self)
    }

    fn field_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Decode> Field for Option<T> {
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Some)
    }

    fn field_schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Decode> Field for Said<T> {
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(Self::Unsaid)
    }

    fn read(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::Null { Some(Self::Nothing) } else { T::decode(node, cx).map(Self::Is) }
    }

    fn field_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [T::schema(generator), { "type": "null" }] })
    }
}

impl<T: Decode> Decode for Sp<T> {
    const WHAT: &'static str = T::WHAT;

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(|value| Self { value, span: node.span() })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Decode> Decode for Box<T> {
    const WHAT: &'static str = T::WHAT;

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        T::decode(node, cx).map(Self::new)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

/// A name or other short text, not empty.
impl Decode for Sym {
    const WHAT: &'static str = "text";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Some(text) = node.as_str() else {
            cx.wrong_type(node, Self::WHAT);
            return None;
        };
        let fault = if text.is_empty() {
            Some(("this text is empty", "write a name here, or take the key away"))
        } else if text.chars().any(is_invisible) {
            let help = "type the text again, without copying it: the editor may not show what is wrong";
            Some(("a character that cannot be seen stands in this text", help))
        } else if has_variable(text, node, cx) {
            return None;
        } else if text.trim() != text {
            Some(("a space stands at the beginning or end of this text", "take the space away"))
        } else {
            None
        };
        if let Some((fault, help)) = fault {
            cx.sink.push(Finding::at(Code::BadName, node.span(), fault).help(help));
            return None;
        }
        Some(cx.names.get_or_intern(text))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

/// Why something is so: any text, by number because many lines give the same reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(pub Sym);

impl Decode for Reason {
    const WHAT: &'static str = "text";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Prose(text) = Prose::decode(node, cx)?;
        Some(Self(cx.names.get_or_intern(text.trim())))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        Prose::schema(generator)
    }
}

/// Reports `${NAME}` where it would stay as it is: only `targets:` reads the environment.
fn has_variable(text: &str, node: Cursor<'_>, cx: &mut Context<'_>) -> bool {
    let found = text.contains("${");
    if found {
        let help = "variables are read in `url:`, `credentials:` and `settings:` of targets only; write the value";
        cx.sink.push(Finding::at(Code::VariableNotAllowed, node.span(), "a variable is not read here").help(help));
    }
    found
}

/// Free text, which may be empty and run over several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose(pub Box<str>);

impl Decode for Prose {
    const WHAT: &'static str = "text";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Some(text) = node.as_str() else {
            cx.wrong_type(node, Self::WHAT);
            return None;
        };
        if has_variable(text, node, cx) {
            return None;
        }
        Some(Self(text.into()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Text in which `${NAME}` is read from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templated(pub Box<str>);

impl Decode for Templated {
    const WHAT: &'static str = "text";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let text = node.as_str();
        if text.is_none() {
            // What stands here is not repeated: it may be a secret that is all digits.
            let message = format!("expected {}, found {}", Self::WHAT, node.kind().described());
            let help = "write text in quotes; `${NAME}` in it is read from the environment";
            cx.sink.push(Finding::at(Code::WrongType, node.span(), message).help(help));
        }
        text.map(|t| Self(t.into()))
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// A single value of any type, as text: attributes and settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Single(pub Box<str>);

impl Decode for Single {
    const WHAT: &'static str = "text, a number, or true or false";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.kind() {
            Type::Text | Type::Number | Type::Bool => Some(Self(node.key().into())),
            _ => {
                cx.wrong_type(node, Self::WHAT);
                None
            }
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl Decode for bool {
    const WHAT: &'static str = "true or false";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let value = node.as_bool();
        if value.is_none() {
            cx.wrong_type(node, Self::WHAT);
        }
        value
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl Decode for u32 {
    const WHAT: &'static str = "a whole number";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let value = node.as_int().and_then(|n| Self::try_from(n).ok());
        if value.is_none() {
            if node.kind() == Type::Number {
                let text = "this number is negative, not whole, or too large";
                cx.sink.push(Finding::at(Code::WrongType, node.span(), text).help("write a whole number from 0 on"));
            } else {
                cx.wrong_type(node, Self::WHAT);
            }
        }
        value
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

/// As far as a database keeps it: to 63 bits.
impl Decode for u64 {
    const WHAT: &'static str = u32::WHAT;

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        match node.as_int().and_then(|n| Self::try_from(n).ok()) {
            Some(value) => Some(value),
            // Says what is wrong: a smaller number would be fine.
            None => u32::decode(node, cx).map(Self::from),
        }
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })
    }
}

/// A number without digits behind the point for JSON, but written as YAML has it.
fn quantity<T>(
    node: Cursor<'_>,
    cx: &mut Context<'_>,
    what: &str,
    parse: impl Fn(&str) -> Result<T, QuantityError>,
    units: &str,
) -> Option<T> {
    let text = match node.kind() {
        Type::Text | Type::Number => node.key(),
        _ => {
            cx.wrong_type(node, what);
            return None;
        }
    };
    match parse(text) {
        // A bare number is a number in JSON, and no amount is one.
        Ok(value) if node.kind() == Type::Text => Some(value),
        Ok(_) => {
            cx.wrong_type(node, what);
            None
        }
        Err(error) => {
            let message = format!("expected {what}, found `{text}`: {error}");
            cx.sink.push(Finding::at(Code::BadQuantity, node.span(), message).help(units.to_owned()));
            None
        }
    }
}

impl Decode for Days {
    const WHAT: &'static str = "a length of time";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        quantity(node, cx, Self::WHAT, Self::parse, "write days or weeks: 7d, 2w")
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

impl Decode for Bytes {
    const WHAT: &'static str = "an amount of memory";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        quantity(
            node,
            cx,
            Self::WHAT,
            Self::parse,
            "write a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB: 256GiB",
        )
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

impl Decode for Share {
    const WHAT: &'static str = "a share";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        quantity(node, cx, Self::WHAT, Self::parse, "write whole percent from 0% to 100%: 5%")
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

impl Decode for Moment {
    const WHAT: &'static str = "a date or time";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Some(text) = node.as_str() else {
            cx.wrong_type(node, Self::WHAT);
            return None;
        };
        match Self::parse(text) {
            Ok(moment) => Some(moment),
            Err(error) => {
                let message = match error {
                    MomentError::NoSuchDay => format!("there is no day `{text}` in the calendar"),
                    MomentError::NotATime => format!("`{text}` is {error}"),
                };
                let help = "write a date, which means the end of that day in UTC (2027-01-31), or a time with its offset (2027-01-31T17:00:00Z)";
                cx.sink.push(Finding::at(Code::BadDate, node.span(), message).help(help));
                None
            }
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }
}

/// A list.
impl<T: Decode> Decode for Vec<T> {
    const WHAT: &'static str = "a list";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Some(items) = node.items() else {
            cx.wrong_type(node, Self::WHAT);
            return None;
        };
        // What is wrong in one element does not hide the others.
        Some(items.filter_map(|item| T::decode(item, cx)).collect())
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": T::schema(generator) })
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Several<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> Several<T> {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
    }
}

impl<T: Decode> Decode for Several<T> {
    const WHAT: &'static str = T::WHAT;

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        if node.kind() == Type::List {
            return Vec::decode(node, cx).map(Self::Many);
        }
        T::decode(node, cx).map(Self::One)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [T::schema(generator), { "type": "array", "items": T::schema(generator) }] })
    }
}

/// A map from names to values, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<T> {
    /// What could be read.
    pub rows: Vec<(Sp<Sym>, T)>,
    /// The names whose values could not be read: references to them are no second mistake.
    pub broken: Vec<Sp<Sym>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), broken: Vec::new() }
    }
}

impl<T: Decode> Decode for Table<T> {
    const WHAT: &'static str = "a map";

    fn decode(node: Cursor<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let Some(entries) = node.entries() else {
            cx.wrong_type(node, Self::WHAT);
            return None;
        };
        let mut table = Self { rows: Vec::with_capacity(entries.len()), broken: Vec::new() };
        for (key, value) in entries {
            let name = key_symbol(key, cx).map(|value| Sp { value, span: key.span() });
            let value = T::decode(value, cx);
            match (name, value) {
                (Some(name), Some(value)) => table.rows.push((name, value)),
                (Some(name), None) => table.broken.push(name),
                (None, _) => {}
            }
        }
        Some(table)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "additionalProperties": T::schema(generator),
            "propertyNames": { "minLength": 1 },
        })
    }
}

/// The text of a key, refused when it is empty or has spaces around it.
fn key_symbol(key: Cursor<'_>, cx: &mut Context<'_>) -> Option<Sym> {
    let text = key.key();
    let fault = if text.is_empty() {
        Some(("this name is empty", "give it a name"))
    } else if text.chars().any(is_invisible) {
        Some(("a character that cannot be seen stands in this name", "type the name again, without copying it"))
    } else if text.trim() != text {
        Some(("a space stands at the beginning or end of this name", "take the space away"))
    } else {
        None
    };
    if let Some((message, help)) = fault {
        cx.sink.push(Finding::at(Code::BadName, key.span(), message).help(help));
        return None;
    }
    Some(cx.names.get_or_intern(text))
}

/// Reports a key that is not known, with the nearest known one.
pub(super) fn unknown_key(key: Cursor<'_>, known: &[&str], what: &str, cx: &mut Context<'_>) {
    let text = key.key();
    let mut finding = Finding::at(Code::UnknownKey, key.span(), format!("`{text}` is no key of {what}"));
    finding.help = Some(match nearest(text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    });
    cx.sink.push(finding);
}

/// Reads a word out of a fixed list.
pub(super) fn word<T: Copy>(
    node: Cursor<'_>,
    cx: &mut Context<'_>,
    what: &'static str,
    known: &[(&'static str, T)],
) -> Option<T> {
    let Some(text) = node.as_str() else {
        cx.wrong_type(node, what);
        return None;
    };
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Some(*value);
    }
    let names: Vec<&str> = known.iter().map(|(n, _)| *n).collect();
    let mut finding = Finding::at(Code::UnknownValue, node.span(), format!("`{text}` is not {what}"));
    finding.help = Some(match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? It is one of: {}", names.join(", ")),
        None => format!("write one of: {}", names.join(", ")),
    });
    cx.sink.push(finding);
    None
}

/// A type of fixed words: its values and their names.
macro_rules! words {
    ($($type:ty, $what:literal: $($name:literal = $value:expr),+;)+) => {
        $(impl $crate::config::decode::Decode for $type {
            const WHAT: &'static str = $what;

            fn decode(
                node: $crate::config::document::Cursor<'_>,
                cx: &mut $crate::config::decode::Context<'_>,
            ) -> Option<Self> {
                $crate::config::decode::word(node, cx, $what, &[$(($name, $value)),+])
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($name),+] })
            }
        })+
    };
}

/// A declaration: its keys, what they hold and what they mean, once for the decoder, the schema and
/// the documentation.
macro_rules! object {
    (
        $(#[doc = $doc:literal])+
        $name:ident, $what:literal {
            $($(#[doc = $field_doc:literal])+ $field:ident $(as $key:literal)?: $type:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Where the whole of it stands.
            pub span: $crate::diagnostic::Span,
            $($(#[doc = $field_doc])+ pub $field: $type,)+
        }

        impl $name {
            /// The keys, in order.
            pub const KEYS: &'static [&'static str] = &[$(object!(@key $field $($key)?)),+];
        }

        impl $crate::config::decode::Decode for $name {
            const WHAT: &'static str = $what;

            fn decode(
                node: $crate::config::document::Cursor<'_>,
                cx: &mut $crate::config::decode::Context<'_>,
            ) -> Option<Self> {
                use $crate::config::decode::Field;
                let entries = $crate::config::decode::entries_of(node, $what, Self::KEYS, cx)?;
                $(let mut $field: Option<Option<$type>> = None;)+
                for (key, value) in entries {
                    match key.key() {
                        $(object!(@key $field $($key)?) => $field = Some(<$type as Field>::read(value, cx)),)+
                        _ => $crate::config::decode::unknown_key(key, Self::KEYS, $what, cx),
                    }
                }
                $(
                    if $field.is_none() && <$type as Field>::REQUIRED {
                        $crate::config::decode::missing_key(node, object!(@key $field $($key)?), $what, cx);
                    }
                    // What could not be read counts as absent: its finding stops the run anyway, and
                    // the rest of the declaration is still good for checking others.
                    let $field = $field.flatten().or_else(<$type as Field>::absent);
                )+
                Some(Self { span: node.span(), $($field: $field?,)+ })
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                use $crate::config::decode::Field;
                let mut properties = serde_json::Map::new();
                let mut required: Vec<&str> = Vec::new();
                $(
                    let schema = <$type as Field>::field_schema(generator);
                    let doc = concat!($($field_doc),+).trim();
                    properties.insert(
                        object!(@key $field $($key)?).to_owned(),
                        $crate::config::decode::described(schema, doc),
                    );
                    if <$type as Field>::REQUIRED {
                        required.push(object!(@key $field $($key)?));
                    }
                )+
                schemars::json_schema!({
                    "description": concat!($($doc),+).trim(),
                    "type": "object",
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                })
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}

pub(super) use {object, words};

/// The entries of a map, or a finding.
pub(super) fn entries_of<'a>(
    node: Cursor<'a>,
    what: &str,
    known: &[&str],
    cx: &mut Context<'_>,
) -> Option<impl ExactSizeIterator<Item = (Cursor<'a>, Cursor<'a>)> + use<'a>> {
    let entries = node.entries();
    if entries.is_none() {
        let text = format!("expected {what}, which is a map, found {}", node.kind().described());
        let finding = Finding::at(Code::WrongType, node.span(), text);
        cx.sink.push(finding.help(format!("write a map with some of the keys: {}", known.join(", "))));
    }
    entries
}

/// Reports a key that must be there.
pub(super) fn missing_key(node: Cursor<'_>, key: &str, what: &str, cx: &mut Context<'_>) {
    // The caret stands under the beginning, not under a block of many lines.
    let mut span = node.span();
    span.end = span.end.min(span.start + 1);
    let finding = Finding::at(Code::MissingKey, span, format!("{what} needs `{key}:`"));
    cx.sink.push(finding.help(format!("add `{key}:`")));
}

/// A schema with the description of the key that it belongs to.
pub(super) fn described(schema: Schema, description: &str) -> serde_json::Value {
    let mut value = schema.to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("description".to_owned(), description.into());
    } else {
        value = serde_json::json!({ "description": description });
    }
    value
}
