//! The JSON Schema of the file language, and files checked against it without being copied.

use std::borrow::Cow;
use std::sync::OnceLock;

use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object};
use jsonschema::{JsonType, Validator};
use schemars::generate::SchemaSettings;
use serde_json::{Number, Value};

use super::declaration::FileDecl;
use super::document::{Cursor, Type};
use crate::diagnostic::{Code, Finding, Sink};

/// The schema of one file of a declaration (JSON Schema 2020-12).
#[must_use]
pub fn declaration_schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<FileDecl>().to_value()
}

/// Checks documents against the schema of the file language.
#[derive(Debug)]
pub struct Checker(Option<Validator<Arena>>);

impl Checker {
    /// The one of this process.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Checker> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    /// Compiles the schema.
    fn new() -> Self {
        // A schema that does not compile is a mistake of ours, which a test finds; the decoder is
        // then still there.
        Self(jsonschema::options_for::<Arena>().build(&declaration_schema()).ok())
    }

    /// Whether the schema compiled.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the document fits.
    #[must_use]
    pub fn accepts(&self, root: Cursor<'_>) -> bool {
        self.0.as_ref().is_none_or(|v| v.is_valid(Place::Node(root)))
    }

    /// Reports where the document does not fit: for what the decoder let pass.
    pub fn report(&self, root: Cursor<'_>, sink: &mut Sink) {
        let Some(validator) = &self.0 else { return };
        for error in validator.iter_errors(Place::Node(root)).take(20) {
            let at = follow(root, error.instance_path().as_str());
            let text = format!("the schema refuses this: {error}");
            sink.push(Finding::at(Code::Schema, at.span(), text).help("see schemas/rolecall.schema.json"));
        }
    }
}

/// The node at a JSON pointer, or the nearest one around it.
fn follow<'a>(root: Cursor<'a>, pointer: &str) -> Cursor<'a> {
    let mut at = root;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match at.kind() {
            Type::Map => at.get(&part),
            Type::List => part.parse().ok().and_then(|n: usize| at.items()?.nth(n)),
            _ => None,
        };
        match next {
            Some(node) => at = node,
            None => return at,
        }
    }
    at
}

/// The documents of this program as JSON.
#[derive(Debug)]
struct Arena;

/// A node, or the name of a property while `propertyNames` looks at it.
#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Node(Cursor<'a>),
    Name(&'a str),
}

impl Json for Arena {
    type Node<'a> = Place<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Place<'_>) -> T) -> T {
        f(Place::Name(string))
    }
}

#[derive(Debug)]
struct Written<'a>(Cursor<'a>);

impl JsonNumber for Written<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.as_int().and_then(|n| u64::try_from(n).ok())
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.as_int()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.as_int().map(|n| n as f64).or_else(|| self.0.source().parse().ok())
    }

    fn as_str(&self) -> Cow<'_, str> {
        match self.0.as_int() {
            Some(n) => Cow::Owned(n.to_string()),
            None => Cow::Borrowed(self.0.source()),
        }
    }

    fn to_number(&self) -> Cow<'_, Number> {
        let number = match self.0.as_int() {
            Some(n) => Number::from(n),
            // What JSON cannot write (.inf, .nan) is no integer and no other number of the schema.
            None => {
                self.as_f64().and_then(Number::from_f64).unwrap_or_else(|| Number::from_f64(0.5).unwrap_or(0.into()))
            }
        };
        Cow::Owned(number)
    }
}

impl<'a> Node<'a, Arena> for Place<'a> {
    type Object = Map<'a>;
    type Array = List<'a>;
    type Number = Written<'a>;

    fn as_object(&self) -> Option<Map<'a>> {
        match self {
            Self::Node(node) if node.kind() == Type::Map => Some(Map(*node)),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<List<'a>> {
        match self {
            Self::Node(node) if node.kind() == Type::List => Some(List(*node)),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Node(node) => node.as_str().map(Cow::Borrowed),
            Self::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<Written<'a>> {
        match self {
            Self::Node(node) if node.kind() == Type::Number => Some(Written(*node)),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Node(node) => node.as_bool(),
            Self::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Node(node) if node.kind() == Type::Null)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Self::Name(_) => JsonType::String,
            Self::Node(node) => match node.kind() {
                Type::Null => JsonType::Null,
                Type::Bool => JsonType::Boolean,
                Type::Number => JsonType::Number,
                Type::Text => JsonType::String,
                Type::List => JsonType::Array,
                Type::Map => JsonType::Object,
            },
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.as_string(), expected) {
            (Some(text), Value::String(other)) => text == other.as_str(),
            (Some(_), _) | (None, Value::String(_)) => false,
            _ => *self.to_value() == *expected,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Self::Name(name) => Value::from(*name),
            Self::Node(node) => value_of(*node),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Node(node) => Some(NodeIdentity::tagged(node.address(), node.id())),
            Self::Name(_) => None,
        }
    }
}

fn value_of(node: Cursor<'_>) -> Value {
    match node.kind() {
        Type::Null => Value::Null,
        Type::Bool => Value::Bool(node.as_bool().unwrap_or_default()),
        Type::Number => Value::Number(Written(node).to_number().into_owned()),
        Type::Text => Value::from(node.as_str().unwrap_or_default()),
        Type::List => node.items().into_iter().flatten().map(value_of).collect(),
        Type::Map => {
            let entries = node.entries().into_iter().flatten();
            Value::Object(entries.map(|(k, v)| (k.key().to_owned(), value_of(v))).collect())
        }
    }
}

#[derive(Debug)]
struct Map<'a>(Cursor<'a>);

impl<'a> Object<'a, Arena> for Map<'a> {
    type Node = Place<'a>;
    type MemberName = &'a str;
    type MembersIter = Box<dyn Iterator<Item = (&'a str, Place<'a>)> + 'a>;

    fn len(&self) -> usize {
        self.0.entries().map_or(0, |e| e.len())
    }

    fn get(&self, key: &String) -> Option<Place<'a>> {
        self.0.get(key).map(Place::Node)
    }

    fn members(&self) -> Self::MembersIter {
        Box::new(self.0.entries().into_iter().flatten().map(|(k, v)| (k.key(), Place::Node(v))))
    }
}

#[derive(Debug)]
struct List<'a>(Cursor<'a>);

impl<'a> Array<'a, Arena> for List<'a> {
    type Node = Place<'a>;
    type ElementsIter = Box<dyn Iterator<Item = Place<'a>> + 'a>;

    fn len(&self) -> usize {
        self.0.items().map_or(0, |i| i.len())
    }

    fn elements(&self) -> Self::ElementsIter {
        Box::new(self.0.items().into_iter().flatten().map(Place::Node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;
    use crate::diagnostic::FileId;

    fn accepts(text: &str) -> bool {
        let mut sink = Sink::new();
        let doc = Document::parse(FileId(0), text, &mut sink).unwrap();
        let checker = Checker::shared();
        assert!(checker.is_ready());
        checker.accepts(doc.root().unwrap())
    }

    #[test]
    fn the_schema_compiles_and_judges() {
        assert!(accepts("version: 1\nusers: {ada@acme.com: {name: Ada, until: 2027-01-31}}\n"));
        assert!(!accepts("version: 1\nusers: {ada@acme.com: {nmae: Ada}}\n"));
        assert!(!accepts("version: 1\nusers: [ada]\n"));
        assert!(!accepts("version: 2\n"));
        assert!(!accepts("policies: {mfa: {require: all, grace: 7}}\n"));
        assert!(accepts("policies: {mfa: {require: all, grace: 7d}}\n"));
        assert!(accepts("x-any: [1, {a: null}]\n"));
    }
}
