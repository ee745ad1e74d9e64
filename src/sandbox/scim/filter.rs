//! Filters (RFC 7644, section 3.4.2.2) and the paths of PATCH, which can hold one: text to a tree, and a
//! tree against a resource.

use serde_json::Value;

use super::error::{Result, ScimError};
use super::schema::{Attr, Kind, Place, Schema, Type};

/// How deep a filter may nest: a hostile one must not use up the stack.
const DEPTH_MAX: usize = 50;

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "co" => Self::Co,
            "sw" => Self::Sw,
            "ew" => Self::Ew,
            "gt" => Self::Gt,
            "ge" => Self::Ge,
            "lt" => Self::Lt,
            "le" => Self::Le,
            _ => return None,
        })
    }
}

/// Where an attribute is.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The extension that it lies in.
    pub extension: Option<&'static Schema>,
    /// The attribute.
    pub attr: &'static Attr,
    /// A part of it.
    pub sub: Option<&'static Attr>,
}

impl At {
    /// The attribute whose values are compared: of a list of complex values, `value`.
    fn leaf(self) -> &'static Attr {
        let by_default = || (self.attr.of == Type::Complex).then(|| self.attr.sub("value")).flatten();
        self.sub.or_else(by_default).unwrap_or(self.attr)
    }
}

/// A filter.
#[derive(Debug)]
pub enum Filter {
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// One of the two, or both.
    Or(Box<Filter>, Box<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// A value compared.
    Compare(At, Op, Value),
    /// There is a value.
    Present(At),
    /// Some value of a list fits as a whole.
    Some(At, Box<Filter>),
    /// An attribute that this type does not have.
    Never,
}

/// A path of PATCH.
#[derive(Debug)]
pub enum Path {
    /// An attribute or a part of it, for those values that fit.
    Attr(At, Option<Filter>),
    /// An extension as a whole.
    Extension(&'static Schema),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    OpenList,
    CloseList,
    /// A part behind `]`: `.value`.
    Part(String),
    Word(String),
    Value(Value),
}

fn tokens(text: &str, wrong: &dyn Fn(String) -> ScimError) -> Result<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        found.push(match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenList,
            ']' => Token::CloseList,
            '"' => {
                let mut reader = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
                match reader.next() {
                    Some(Ok(value)) => {
                        taken = reader.byte_offset();
                        Token::Value(value)
                    }
                    _ => return Err(wrong(format!("a text has no end, or is not escaped as in JSON: {rest}"))),
                }
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()[]\"".contains(c)).unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or_default();
                taken = end;
                if let Some(part) = word.strip_prefix('.') {
                    Token::Part(part.to_owned())
                } else if let Some(value) = plain(word) {
                    Token::Value(value)
                } else {
                    Token::Word(word.to_owned())
                }
            }
        });
        rest = rest.get(taken..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

/// `true`, `null`, a number.
fn plain(word: &str) -> Option<Value> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => word.parse::<serde_json::Number>().ok().map(Value::Number),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    kind: Kind,
    /// The list within whose `[...]` names are read.
    within: Option<At>,
    /// Whether a name that the type does not have never fits, and is not an error.
    lenient: bool,
    wrong: &'a dyn Fn(String) -> ScimError,
    depth: usize,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn word(&self, expected: &str) -> bool {
        matches!(self.tokens.first(), Some(Token::Word(w)) if w.eq_ignore_ascii_case(expected))
    }

    fn err<T>(&self, text: impl Into<String>) -> Result<T> {
        Err((self.wrong)(text.into()))
    }

    fn either(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        let mut left = self.both()?;
        while self.word("or") {
            self.next();
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter> {
        let mut left = self.one()?;
        while self.word("and") {
            self.next();
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Filter> {
        match self.next() {
            Some(Token::Open) => {
                let inner = self.either()?;
                self.close(&Token::Close, ")")?;
                Ok(inner)
            }
            Some(Token::Word(word))
                if word.eq_ignore_ascii_case("not") && self.tokens.first() == Some(&Token::Open) =>
            {
                self.next();
                let inner = self.either()?;
                self.close(&Token::Close, ")")?;
                Ok(Filter::Not(Box::new(inner)))
            }
            Some(Token::Word(name)) => self.about(&name),
            Some(_) => self.err("an attribute was expected"),
            None => self.err("it ends too early"),
        }
    }

    fn close(&mut self, token: &Token, shown: &str) -> Result<()> {
        if self.next().as_ref() == Some(token) { Ok(()) } else { self.err(format!("`{shown}` is missing")) }
    }

    fn about(&mut self, name: &str) -> Result<Filter> {
        let at = self.place(name)?;
        if self.tokens.first() == Some(&Token::OpenList) {
            self.next();
            let inner = match at {
                Some(at) if at.attr.of == Type::Complex && at.sub.is_none() && self.within.is_none() => {
                    self.inner(at)?
                }
                Some(_) => return self.err(format!("`{name}` is no list of values with parts")),
                None => self.skip()?,
            };
            self.close(&Token::CloseList, "]")?;
            return Ok(at.map_or(Filter::Never, |at| Filter::Some(at, Box::new(inner))));
        }
        if self.word("pr") {
            self.next();
            return Ok(at.map_or(Filter::Never, Filter::Present));
        }
        let op = match self.next() {
            Some(Token::Word(word)) => Op::of(&word),
            _ => None,
        };
        let Some(op) = op else {
            return self.err(format!("an operator was expected behind `{name}`: eq ne co sw ew gt ge lt le pr"));
        };
        let Some(Token::Value(value)) = self.next() else {
            return self.err(format!("a value was expected behind `{name}`: a text in quotes, a number, true, false"));
        };
        match at {
            Some(at) => self.comparison(at, op, value),
            None => Ok(Filter::Never),
        }
    }

    fn comparison(&self, at: At, op: Op, value: Value) -> Result<Filter> {
        let leaf = at.leaf();
        let fits = match (leaf.of, &value, op) {
            (_, Value::Null, Op::Eq | Op::Ne) => true,
            (Type::Complex, ..) => false,
            (Type::Boolean, Value::Bool(_), Op::Eq | Op::Ne) => true,
            (Type::Boolean, Value::String(t), Op::Eq | Op::Ne) => plain(t).is_some_and(|v| v.is_boolean()),
            (Type::Boolean, ..) => false,
            (Type::Binary, Value::String(_), op) => matches!(op, Op::Eq | Op::Ne | Op::Co | Op::Sw | Op::Ew),
            (Type::Time, Value::String(t), _) => t.parse::<jiff::Timestamp>().is_ok(),
            (_, Value::String(_), _) => true,
            _ => false,
        };
        if !fits {
            return self.err(format!("`{}` cannot be compared so with {value}", leaf.name));
        }
        let value = match (leaf.of, &value) {
            (Type::Boolean, Value::String(text)) => plain(text).unwrap_or(Value::Null),
            _ => value,
        };
        Ok(Filter::Compare(at, op, value))
    }

    fn inner(&mut self, at: At) -> Result<Filter> {
        let outer = self.within.replace(at);
        let inner = self.either()?;
        self.within = outer;
        Ok(inner)
    }

    /// Passes over what stands in `[...]` behind an unknown name.
    fn skip(&mut self) -> Result<Filter> {
        while self.tokens.first().is_some_and(|t| *t != Token::CloseList) {
            self.next();
        }
        Ok(Filter::Never)
    }

    fn place(&self, name: &str) -> Result<Option<At>> {
        let found = match self.within {
            Some(list) => list.attr.sub(name).map(|sub| At { extension: None, attr: sub, sub: None }),
            None => match self.kind.find(name) {
                Place::Attr(extension, attr, sub) => Some(At { extension, attr, sub }),
                _ => None,
            },
        };
        match found {
            None if !self.lenient => self.err(format!("there is no attribute `{name}`")),
            found => Ok(found),
        }
    }
}

/// Reads a filter. `lenient`: an attribute that the type does not have fits nothing (as where several
/// types are searched); otherwise it is an error.
///
/// # Errors
/// 400 `invalidFilter`.
pub fn parse(text: &str, kind: Kind, lenient: bool) -> Result<Filter> {
    let wrong = |why: String| ScimError::bad("invalidFilter", format!("the filter is not understood: {why}"));
    let tokens = tokens(text, &wrong)?;
    let mut parser = Parser { tokens: &tokens, kind, within: None, lenient, wrong: &wrong, depth: 0 };
    let filter = parser.either()?;
    if parser.tokens.is_empty() { Ok(filter) } else { Err(wrong("something stands behind its end".to_owned())) }
}

/// Reads a path of PATCH.
///
/// # Errors
/// 400 `invalidPath`, or `invalidFilter` for what stands in `[...]`.
pub fn path(text: &str, kind: Kind) -> Result<Path> {
    let wrong = |why: String| ScimError::bad("invalidPath", format!("the path `{text}` is not understood: {why}"));
    let (name, rest) = text.find('[').map_or((text, ""), |at| text.split_at(at));
    let at = match kind.find(name.trim()) {
        Place::Extension(schema) if rest.is_empty() => return Ok(Path::Extension(schema)),
        Place::Attr(extension, attr, sub) => At { extension, attr, sub },
        _ => return Err(wrong(format!("there is no attribute `{name}`"))),
    };
    if rest.is_empty() {
        return Ok(Path::Attr(at, None));
    }
    if at.attr.of != Type::Complex || !at.attr.multi || at.sub.is_some() {
        return Err(wrong(format!("`{name}` is no list of values with parts")));
    }
    let wrong_filter =
        |why: String| ScimError::bad("invalidFilter", format!("the path `{text}` is not understood: {why}"));
    let tokens = tokens(rest, &wrong_filter)?;
    let mut parser = Parser {
        tokens: tokens.get(1..).unwrap_or_default(),
        kind,
        within: Some(at),
        lenient: false,
        wrong: &wrong_filter,
        depth: 0,
    };
    let filter = parser.either()?;
    parser.close(&Token::CloseList, "]")?;
    let sub = match parser.next() {
        None => None,
        Some(Token::Part(part)) if parser.tokens.is_empty() => {
            Some(at.attr.sub(&part).ok_or_else(|| wrong(format!("there is no part `{part}`")))?)
        }
        _ => return Err(wrong("something stands behind its end".to_owned())),
    };
    Ok(Path::Attr(At { sub, ..at }, Some(filter)))
}

/// Something that a filter can be held against.
pub trait Subject {
    /// The value of an attribute, before its parts are looked at.
    fn value(&self, extension: Option<&'static Schema>, attr: &'static Attr) -> Option<std::borrow::Cow<'_, Value>>;
}

/// A value of a list, by its parts.
impl Subject for Value {
    fn value(&self, _: Option<&'static Schema>, attr: &'static Attr) -> Option<std::borrow::Cow<'_, Value>> {
        self.get(attr.name).map(std::borrow::Cow::Borrowed)
    }
}

impl Filter {
    /// Whether something fits.
    pub fn fits(&self, subject: &dyn Subject) -> bool {
        match self {
            Self::And(a, b) => a.fits(subject) && b.fits(subject),
            Self::Or(a, b) => a.fits(subject) || b.fits(subject),
            Self::Not(inner) => !inner.fits(subject),
            Self::Never => false,
            Self::Present(at) => each(subject, *at, false, &mut |_| true),
            Self::Some(at, inner) => subject.value(at.extension, at.attr).is_some_and(|value| match &*value {
                Value::Array(list) => list.iter().any(|one| inner.fits(one)),
                one => inner.fits(one),
            }),
            // What has no value is equal to nothing, so that it is unequal to everything.
            Self::Compare(at, Op::Ne, value) => !compared(subject, *at, Op::Eq, value),
            Self::Compare(at, op, value) => compared(subject, *at, *op, value),
        }
    }

    /// How many comparisons it has.
    pub fn size(&self) -> u64 {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.size() + b.size(),
            Self::Not(inner) | Self::Some(_, inner) => inner.size(),
            _ => 1,
        }
    }

    /// The value that something must have to fit: for looking it up in the place of trying them all.
    pub fn must_equal(&self, name: &str) -> Option<&str> {
        match self {
            Self::And(a, b) => a.must_equal(name).or_else(|| b.must_equal(name)),
            Self::Compare(At { extension: None, attr, sub: None }, Op::Eq, Value::String(value)) => {
                (attr.name == name).then_some(value)
            }
            _ => None,
        }
    }
}

fn compared(subject: &dyn Subject, at: At, op: Op, value: &Value) -> bool {
    if value.is_null() {
        return !each(subject, at, true, &mut |_| true);
    }
    let leaf = at.leaf();
    each(subject, at, true, &mut |found| compare(leaf, op, found, value))
}

/// Whether some value at a place is as wanted. `leaf`: of complex values, their `value`.
fn each(subject: &dyn Subject, at: At, leaf: bool, wanted: &mut dyn FnMut(&Value) -> bool) -> bool {
    let Some(value) = subject.value(at.extension, at.attr) else { return false };
    let part = match at.sub {
        Some(sub) => Some(sub.name),
        None if leaf && at.attr.of == Type::Complex => Some("value"),
        None => None,
    };
    let mut one = |value: &Value| match part {
        Some(part) => value.get(part).is_some_and(&mut *wanted),
        None => wanted(value),
    };
    match &*value {
        Value::Array(list) => list.iter().any(one),
        single => one(single),
    }
}

fn compare(attr: &Attr, op: Op, found: &Value, wanted: &Value) -> bool {
    let (Value::String(found), Value::String(wanted)) = (found, wanted) else {
        return op == Op::Eq && found == wanted;
    };
    if attr.of == Type::Time {
        let (Ok(found), Ok(wanted)) = (found.parse::<jiff::Timestamp>(), wanted.parse::<jiff::Timestamp>()) else {
            return false;
        };
        return ordered(op, &found, &wanted);
    }
    let (found, wanted) =
        if attr.exact { (found.clone(), wanted.clone()) } else { (found.to_lowercase(), wanted.to_lowercase()) };
    match op {
        Op::Co => found.contains(&wanted),
        Op::Sw => found.starts_with(&wanted),
        Op::Ew => found.ends_with(&wanted),
        _ => ordered(op, &found, &wanted),
    }
}

fn ordered<T: Ord>(op: Op, found: &T, wanted: &T) -> bool {
    match op {
        Op::Eq => found == wanted,
        Op::Ne => found != wanted,
        Op::Gt => found > wanted,
        Op::Ge => found >= wanted,
        Op::Lt => found < wanted,
        Op::Le => found <= wanted,
        Op::Co | Op::Sw | Op::Ew => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of filters, so that what is tried comes near to one.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "userName|emails|members|name\\.givenName|emails\\.type|active|meta\\.created|urn:x:y|id",
            " (eq|ne|co|gt|pr|and|or|not) ",
            "\"[a-z\\\\\"]{0,3}\"?|true|null|-?[0-9.]{1,4}",
            "[()\\[\\].]",
            ".{0,3}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in pieces()) {
            for kind in Kind::ALL {
                let _ = path(&text, kind);
                for lenient in [true, false] {
                    if let Ok(filter) = parse(&text, kind, lenient) {
                        let _ = filter.fits(&serde_json::json!({"userName": "a", "emails": [{"value": "b"}], "name": 3}));
                    }
                }
            }
        }
    }

    #[test]
    fn a_filter_that_names_one_is_known() {
        let of = |text: &str, name: &str| parse(text, Kind::User, false).unwrap().must_equal(name).map(str::to_owned);
        assert_eq!(of("active eq true and userName eq \"ada\"", "userName").as_deref(), Some("ada"));
        for text in ["userName eq \"ada\" or active eq true", "not (userName eq \"ada\")", "userName ne \"ada\""] {
            assert_eq!(of(text, "userName"), None, "{text}");
        }
        assert_eq!(of("emails[value eq \"x\"] and id eq \"i\"", "id").as_deref(), Some("i"));
    }
}
