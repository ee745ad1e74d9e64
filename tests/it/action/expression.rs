//! GitHub's expressions, as far as `action.yml` may use them; what is not known here is refused, so that a test
//! never passes because something was silently taken for empty.

use std::collections::BTreeMap;

/// A value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Flag(bool),
    Null,
}

impl Value {
    /// As it stands in a text.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::Null => String::new(),
        }
    }

    /// Whether it counts as true.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Flag(flag) => *flag,
            Self::Null => false,
        }
    }
}

/// What expressions can speak of: values by their full names (`inputs.comment`).
#[derive(Debug, Clone, Default)]
pub struct Contexts {
    values: BTreeMap<String, String>,
    /// Names below which what is not there is empty: outputs of steps.
    open: Vec<String>,
    /// Whether every step so far has succeeded.
    pub success: bool,
}

impl Contexts {
    /// Of an action that begins.
    pub fn new() -> Self {
        Self { success: true, ..Self::default() }
    }

    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// What is not there below this name is empty, and no mistake.
    pub fn open(&mut self, prefix: impl Into<String>) {
        self.open.push(prefix.into());
    }

    fn get(&self, name: &str) -> Result<Value, String> {
        match self.values.get(name) {
            Some(value) => Ok(Value::Text(value.clone())),
            None if self.open.iter().any(|o| name.starts_with(o.as_str())) => Ok(Value::Null),
            None => Err(format!("`{name}` is in no context")),
        }
    }

    /// A text with expressions between `${{` and `}}`.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").ok_or("an expression has no end")?;
            filled.push_str(before);
            filled.push_str(&self.evaluate(expression)?.text());
            rest = after;
        }
        Ok(filled + rest)
    }

    /// The condition of a step: an expression with or without braces, which asks for success unless it says
    /// otherwise.
    pub fn condition(&self, text: &str) -> Result<bool, String> {
        let bare = text.trim();
        let bare = bare.strip_prefix("${{").and_then(|t| t.strip_suffix("}}")).unwrap_or(bare);
        let holds = self.evaluate(bare)?.is_true();
        let says = ["always()", "success()", "failure()"].iter().any(|f| bare.contains(f));
        Ok(holds && (says || self.success))
    }

    pub fn evaluate(&self, text: &str) -> Result<Value, String> {
        let mut parser = Parser { contexts: self, rest: text.trim_start() };
        let value = parser.or()?;
        if parser.rest.is_empty() { Ok(value) } else { Err(format!("`{}` in `{text}` is not known", parser.rest)) }
    }
}

struct Parser<'a> {
    contexts: &'a Contexts,
    rest: &'a str,
}

impl Parser<'_> {
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn or(&mut self) -> Result<Value, String> {
        let mut left = self.and()?;
        while self.takes("||") {
            let right = self.and()?;
            left = if left.is_true() { left } else { right };
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Value, String> {
        let mut left = self.comparison()?;
        while self.takes("&&") {
            let right = self.comparison()?;
            left = if left.is_true() { right } else { left };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Value, String> {
        let left = self.unary()?;
        let wanted = if self.takes("==") {
            true
        } else if self.takes("!=") {
            false
        } else {
            return Ok(left);
        };
        let right = self.unary()?;
        let equal = match (&left, &right) {
            // GitHub compares texts without regard to case.
            (Value::Text(l), Value::Text(r)) => l.eq_ignore_ascii_case(r),
            (Value::Null, Value::Text(text)) | (Value::Text(text), Value::Null) => text.is_empty(),
            (Value::Flag(l), Value::Flag(r)) => l == r,
            (Value::Null, Value::Null) => true,
            _ => return Err(format!("{left:?} and {right:?} are not compared here")),
        };
        Ok(Value::Flag(equal == wanted))
    }

    fn unary(&mut self) -> Result<Value, String> {
        if self.takes("!") { Ok(Value::Flag(!self.unary()?.is_true())) } else { self.primary() }
    }

    fn primary(&mut self) -> Result<Value, String> {
        if self.takes("(") {
            let value = self.or()?;
            return if self.takes(")") { Ok(value) } else { Err("`)` is missing".to_owned()) };
        }
        if self.rest.starts_with('\'') {
            return self.literal();
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        if self.takes("(") {
            let value = match name {
                "always" => true,
                "success" => self.contexts.success,
                "failure" => !self.contexts.success,
                _ => return Err(format!("the function `{name}` is not known")),
            };
            return if self.takes(")") { Ok(Value::Flag(value)) } else { Err(format!("`{name}` takes nothing")) };
        }
        match name {
            "true" => Ok(Value::Flag(true)),
            "false" => Ok(Value::Flag(false)),
            "null" => Ok(Value::Null),
            "" => Err(format!("`{}` is not known", self.rest)),
            name => self.contexts.get(name),
        }
    }

    /// A text between single quotes, in which two of them are one.
    fn literal(&mut self) -> Result<Value, String> {
        let (mut text, mut rest) = (String::new(), &self.rest[1..]);
        loop {
            let (part, after) = rest.split_once('\'').ok_or("a text has no end")?;
            text.push_str(part);
            if let Some(more) = after.strip_prefix('\'') {
                text.push('\'');
                rest = more;
            } else {
                self.rest = after.trim_start();
                return Ok(Value::Text(text));
            }
        }
    }
}

#[test]
fn expressions() {
    let mut contexts = Contexts::new();
    contexts.set("inputs.comment", "changes-only");
    contexts.set("inputs.empty", "");
    contexts.open("steps.run.outputs.");
    for (text, value) in [
        ("a ${{ inputs.comment }} b", "a changes-only b"),
        ("${{inputs.empty}}|${{ steps.run.outputs.gone }}", "|"),
        ("${{ inputs.empty || 'it''s' }}", "it's"),
        ("${{ inputs.comment == 'Changes-Only' && 'yes' || 'no' }}", "yes"),
        ("${{ !(inputs.comment != '') }}", "false"),
    ] {
        assert_eq!(contexts.fill(text).unwrap(), value, "{text}");
    }
    for wrong in
        ["inputs.unknown", "hashFiles('x')", "inputs.comment ==", "'open", "1 < 2", "(true", "steps.gone.outputs.x"]
    {
        assert!(contexts.evaluate(wrong).is_err(), "{wrong}");
    }
    assert!(contexts.condition("inputs.comment").unwrap());
    contexts.success = false;
    assert!(!contexts.condition("inputs.comment").unwrap());
    assert!(contexts.condition("${{ failure() && inputs.comment == 'changes-only' }}").unwrap());
    assert!(contexts.condition("always()").unwrap());
}
