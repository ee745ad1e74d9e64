//! As much of GraphQL (specification of October 2021, section 2) as clients of Paradime send: named or
//! nameless operations, variables, literals, aliases, any selection. Fragments, directives and
//! subscriptions are refused by name.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::{Map, Value};

/// How deep selections and values may lie in each other.
const DEPTH_MAX: usize = 32;

type Result<T> = std::result::Result<T, String>;

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its name.
    pub name: Option<String>,
    /// Whether it is a mutation.
    pub mutation: bool,
    /// Its variables: name, type as it is written without spaces, and what stands for it where it is missing.
    pub variables: Vec<(String, String, Option<Literal>)>,
    /// What it asks for.
    pub fields: Vec<Field>,
}

/// A field of a selection.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The name in the answer, where it is another one.
    pub alias: Option<String>,
    /// The arguments.
    pub arguments: Vec<(String, Literal)>,
    /// What is asked for of it.
    pub fields: Vec<Field>,
}

impl Field {
    /// The name in the answer.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }
}

/// A value as it stands in a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `$name`
    Variable(String),
    /// `NAME`
    Enum(String),
    /// Everything else, as JSON; lists and objects hold no variables here.
    Json(Value),
}

/// Reads a document.
pub fn parse(text: &str) -> Result<Vec<Operation>> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let mut operations = Vec::new();
    while parser.at < parser.tokens.len() {
        operations.push(parser.operation()?);
    }
    if operations.is_empty() { Err("Syntax Error: Unexpected <EOF>.".to_owned()) } else { Ok(operations) }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Sign(char),
    Spread,
    Text(String),
    Number(String),
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, sign)) = rest.next() {
        match sign {
            '\u{feff}' | ' ' | '\t' | '\n' | '\r' | ',' => {}
            '#' => while rest.next_if(|(_, c)| *c != '\n' && *c != '\r').is_some() {},
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '=' | '!' | '$' | '@' | '|' | '&' => {
                tokens.push(Token::Sign(sign));
            }
            '.' if text.get(at..at + 3) == Some("...") => {
                rest.next();
                rest.next();
                tokens.push(Token::Spread);
            }
            '"' if text.get(at..at + 3) == Some("\"\"\"") => {
                let body = text.get(at + 3..).unwrap_or_default();
                let end = body.find("\"\"\"").ok_or("Syntax Error: Unterminated string.")?;
                tokens.push(Token::Text(body.get(..end).unwrap_or_default().trim().to_owned()));
                while rest.next_if(|(next, _)| *next < at + 6 + end).is_some() {}
            }
            '"' => tokens.push(Token::Text(quoted(&mut rest)?)),
            c if c == '_' || c.is_ascii_alphabetic() => {
                let mut name = String::from(c);
                while let Some((_, c)) = rest.next_if(|(_, c)| *c == '_' || c.is_ascii_alphanumeric()) {
                    name.push(c);
                }
                tokens.push(Token::Name(name));
            }
            c if c == '-' || c.is_ascii_digit() => {
                let mut number = String::from(c);
                let inside = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
                while let Some((_, c)) = rest.next_if(|(_, c)| inside(*c)) {
                    number.push(c);
                }
                tokens.push(Token::Number(number));
            }
            c => return Err(format!("Syntax Error: Unexpected character {c:?}.")),
        }
    }
    Ok(tokens)
}

/// A string up to its closing quote.
fn quoted(rest: &mut Peekable<CharIndices<'_>>) -> Result<String> {
    let unterminated = || "Syntax Error: Unterminated string.".to_owned();
    // What JSON knows to escape is the same (section 2.9.4): it reads it.
    let mut raw = String::from('"');
    loop {
        let (_, c) = rest.next().ok_or_else(unterminated)?;
        match c {
            '\n' | '\r' => return Err(unterminated()),
            '\\' => {
                raw.push(c);
                raw.push(rest.next().ok_or_else(unterminated)?.1);
            }
            '"' => break,
            c => raw.push(c),
        }
    }
    raw.push('"');
    serde_json::from_str(&raw).map_err(|_| "Syntax Error: Invalid character escape sequence.".to_owned())
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn unexpected<T>(&self, token: Option<Token>) -> Result<T> {
        let shown = match token {
            None => "<EOF>".to_owned(),
            Some(Token::Name(text)) => format!("Name \"{text}\""),
            Some(Token::Text(text)) => format!("String {text:?}"),
            Some(Token::Number(text)) => format!("Number {text}"),
            Some(Token::Sign(sign)) => format!("\"{sign}\""),
            Some(Token::Spread) => return Err("the sandbox knows no fragments".to_owned()),
        };
        if shown == "\"@\"" {
            return Err("the sandbox knows no directives".to_owned());
        }
        Err(format!("Syntax Error: Unexpected {shown}."))
    }

    /// Whether this sign comes next; then it is taken.
    fn takes(&mut self, sign: char) -> bool {
        let there = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn needs(&mut self, sign: char) -> Result<()> {
        if self.takes(sign) {
            return Ok(());
        }
        let token = self.next();
        self.unexpected(token)
    }

    fn name(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Name(name)) => Ok(name),
            other => self.unexpected(other),
        }
    }

    fn operation(&mut self) -> Result<Operation> {
        let mut operation = Operation { name: None, mutation: false, variables: Vec::new(), fields: Vec::new() };
        if !self.takes('{') {
            match self.name()?.as_str() {
                "query" => {}
                "mutation" => operation.mutation = true,
                word @ ("subscription" | "fragment") => return Err(format!("the sandbox knows no {word}")),
                word => return self.unexpected(Some(Token::Name(word.to_owned()))),
            }
            if let Some(Token::Name(name)) = self.tokens.get(self.at) {
                operation.name = Some(name.clone());
                self.at += 1;
            }
            if self.takes('(') {
                while !self.takes(')') {
                    operation.variables.push(self.variable()?);
                }
            }
            self.needs('{')?;
        }
        operation.fields = self.fields(1)?;
        Ok(operation)
    }

    fn variable(&mut self) -> Result<(String, String, Option<Literal>)> {
        self.needs('$')?;
        let name = self.name()?;
        self.needs(':')?;
        let kind = self.kind(0)?;
        let default = if self.takes('=') { Some(self.value(0)?) } else { None };
        Ok((name, kind, default))
    }

    fn kind(&mut self, depth: usize) -> Result<String> {
        let mut kind = if self.takes('[') {
            if depth >= DEPTH_MAX {
                return Err("the type lies too deep".to_owned());
            }
            let inner = self.kind(depth + 1)?;
            self.needs(']')?;
            format!("[{inner}]")
        } else {
            self.name()?
        };
        if self.takes('!') {
            kind.push('!');
        }
        Ok(kind)
    }

    /// The fields behind `{`, up to `}`.
    fn fields(&mut self, depth: usize) -> Result<Vec<Field>> {
        if depth > DEPTH_MAX {
            return Err("the selection lies too deep".to_owned());
        }
        let mut fields = Vec::new();
        while !self.takes('}') {
            let first = self.name()?;
            let (alias, name) = if self.takes(':') { (Some(first), self.name()?) } else { (None, first) };
            let mut field = Field { name, alias, arguments: Vec::new(), fields: Vec::new() };
            if self.takes('(') {
                while !self.takes(')') {
                    let name = self.name()?;
                    self.needs(':')?;
                    field.arguments.push((name, self.value(0)?));
                }
            }
            if self.takes('{') {
                field.fields = self.fields(depth + 1)?;
            }
            fields.push(field);
        }
        if fields.is_empty() { self.unexpected(Some(Token::Sign('}'))) } else { Ok(fields) }
    }

    fn value(&mut self, depth: usize) -> Result<Literal> {
        if depth > DEPTH_MAX {
            return Err("the value lies too deep".to_owned());
        }
        let inner = |literal: Literal| match literal {
            Literal::Variable(name) => Err(format!("the sandbox knows no variables within values: ${name}")),
            Literal::Enum(name) => Ok(Value::from(name)),
            Literal::Json(value) => Ok(value),
        };
        Ok(match self.next() {
            Some(Token::Sign('$')) => Literal::Variable(self.name()?),
            Some(Token::Sign('[')) => {
                let mut list = Vec::new();
                while !self.takes(']') {
                    list.push(inner(self.value(depth + 1)?)?);
                }
                Literal::Json(Value::Array(list))
            }
            Some(Token::Sign('{')) => {
                let mut map = Map::new();
                while !self.takes('}') {
                    let name = self.name()?;
                    self.needs(':')?;
                    map.insert(name, inner(self.value(depth + 1)?)?);
                }
                Literal::Json(Value::Object(map))
            }
            Some(Token::Text(text)) => Literal::Json(Value::from(text)),
            Some(Token::Number(text)) => {
                Literal::Json(serde_json::from_str(&text).map_err(|_| format!("Syntax Error: Invalid number {text}."))?)
            }
            Some(Token::Name(name)) => match name.as_str() {
                "true" | "false" => Literal::Json(Value::Bool(name == "true")),
                "null" => Literal::Json(Value::Null),
                _ => Literal::Enum(name),
            },
            other => return self.unexpected(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read() {
        let text = "# what the SDK sends\nmutation inviteUser($email: String!, $type: UserAccountType! = ADMIN) {\n  \
                    one: inviteUser(email: $email, accountType: $type,) { ok __typename }\n}";
        let operations = parse(text).unwrap();
        let [operation] = operations.as_slice() else { panic!("{operations:?}") };
        assert_eq!((operation.name.as_deref(), operation.mutation), (Some("inviteUser"), true));
        assert_eq!(
            operation.variables,
            [
                ("email".to_owned(), "String!".to_owned(), None),
                ("type".to_owned(), "UserAccountType!".to_owned(), Some(Literal::Enum("ADMIN".to_owned())))
            ]
        );
        let field = &operation.fields[0];
        assert_eq!((field.key(), field.name.as_str()), ("one", "inviteUser"));
        assert_eq!(field.arguments[0], ("email".to_owned(), Literal::Variable("email".to_owned())));
        assert_eq!(field.fields.iter().map(Field::key).collect::<Vec<_>>(), ["ok", "__typename"]);
        let short = parse(r#"{ f(a: "x\"\u00e9", b: [1, -2.5], c: {d: null}, e: """block""", g: true) }"#).unwrap();
        let values: Vec<&Literal> = short[0].fields[0].arguments.iter().map(|(_, v)| v).collect();
        let json = |v: Value| Literal::Json(v);
        assert_eq!(
            values,
            [
                &json("x\"é".into()),
                &json(serde_json::json!([1, -2.5])),
                &json(serde_json::json!({"d": null})),
                &json("block".into()),
                &json(true.into())
            ]
        );
        assert_eq!(parse("query A { a } query B { b }").unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("", "<EOF>"),
            ("{", "<EOF>"),
            ("{ }", "Unexpected \"}\""),
            ("{ a(", "<EOF>"),
            ("{ a(b: ) }", "Unexpected \")\""),
            ("{ a \"x }", "Unterminated"),
            ("{ a(b: \"\\q\") }", "escape"),
            ("{ a(b: 1.2.3) }", "Invalid number"),
            ("{ ...F }", "fragments"),
            ("{ a @skip(if: true) }", "directives"),
            ("fragment F on Query { a }", "no fragment"),
            ("subscription { a }", "no subscription"),
            ("{ ä }", "Unexpected character"),
            ("query Q($a String) { a }", "Unexpected Name \"String\""),
            ("{ a(b: [$c]) }", "within values"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        for open in ["{a", "{a(b:[", "query Q($a:["] {
            let tail = if open == "{a" { "{a".repeat(5000) } else { "[".repeat(5000) };
            assert!(parse(&format!("{open}{tail}")).unwrap_err().contains("deep"));
        }
    }
}
