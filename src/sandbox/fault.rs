//! Switches for what servers do badly: which there are, to which requests one applies, and which apply
//! to a request. Nothing here is random: the same requests in the same order meet the same faults.

use std::fmt;

use super::Request;

/// What a switch takes behind `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A number; the unit for people, and what is meant without one.
    Number(&'static str, u64),
}

/// To which requests a switch applies where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// All.
    Any,
    /// Those that read.
    Read,
    /// Those that write.
    Write,
}

/// A kind of fault. Code asks for one by its constant, so that a misspelt one does not compile.
#[derive(Debug)]
pub struct Spec {
    /// The name in `--fault NAME`.
    pub name: &'static str,
    /// What the server then does: one sentence without a full stop.
    pub doc: &'static str,
    /// What stands behind `=`.
    pub takes: Takes,
    /// Which requests are meant.
    pub on: On,
}

impl Spec {
    /// A switch without a value.
    #[must_use]
    pub const fn new(name: &'static str, on: On, doc: &'static str) -> Self {
        Self { name, doc, takes: Takes::Nothing, on }
    }

    /// A switch with a number.
    #[must_use]
    pub const fn number(name: &'static str, on: On, unit: &'static str, default: u64, doc: &'static str) -> Self {
        Self { name, doc, takes: Takes::Number(unit, default), on }
    }
}

/// 429 with a number of seconds.
pub static THROTTLE: Spec =
    Spec::number("throttle", On::Any, "seconds", 1, "429 with Retry-After in seconds; nothing is done");
/// 429 with a date.
pub static THROTTLE_DATE: Spec =
    Spec::number("throttle-date", On::Any, "seconds", 1, "429 with Retry-After as an HTTP date; nothing is done");
/// 429 without a word.
pub static THROTTLE_BARE: Spec = Spec::new("throttle-bare", On::Any, "429 without Retry-After; nothing is done");
/// A true limit.
pub static RATE: Spec =
    Spec::number("rate", On::Any, "requests", 60, "a limit for each minute; beyond it 429 with Retry-After");
/// An error in the place of the work.
pub static ERROR_BEFORE: Spec = Spec::number("error-before", On::Any, "status", 503, "an error; nothing is done");
/// An error after the work.
pub static ERROR_AFTER: Spec =
    Spec::number("error-after", On::Write, "status", 500, "an error, after the write took effect");
/// A late answer.
pub static SLOW: Spec = Spec::number(
    "slow",
    On::Any,
    "milliseconds",
    1000,
    "the answer comes late; what was asked for is done at once, also where nobody waits",
);
/// A body that is cut off.
pub static TRUNCATED: Spec =
    Spec::new("truncated", On::Any, "the connection ends in the middle of the body, after the work was done");
/// No answer at all.
pub static CLOSED: Spec = Spec::new("closed", On::Write, "the connection ends without an answer, after the write");
/// No answer, and nothing done.
pub static CLOSED_BEFORE: Spec =
    Spec::new("closed-before", On::Any, "the connection ends without an answer; nothing is done");
/// Pages for people.
pub static HTML_ERRORS: Spec = Spec::new("html-errors", On::Any, "errors are HTML pages");
/// Nothing to read.
pub static EMPTY_ERRORS: Spec = Spec::new("empty-errors", On::Any, "errors have no body");
/// Nothing to read on success.
pub static NO_CONTENT: Spec = Spec::new("no-content", On::Write, "204 without a body in the place of 200");
/// The general media type.
pub static PLAIN_JSON: Spec =
    Spec::new("plain-json", On::Any, "bodies are application/json, whatever the standard says");

/// The faults of the transport, which every sandbox has.
pub static TRANSPORT: [&Spec; 14] = [
    &THROTTLE,
    &THROTTLE_DATE,
    &THROTTLE_BARE,
    &RATE,
    &ERROR_BEFORE,
    &ERROR_AFTER,
    &SLOW,
    &TRUNCATED,
    &CLOSED,
    &CLOSED_BEFORE,
    &HTML_ERRORS,
    &EMPTY_ERRORS,
    &NO_CONTENT,
    &PLAIN_JSON,
];

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Nothing is called so.
    #[error("there is no fault `{0}`")]
    Unknown(String),
    /// What stands behind `=` cannot be taken.
    #[error("`{0}` takes {1}")]
    Value(&'static str, String),
    /// A scope that is none.
    #[error("`{0}` says no scope: write every=N, first=N, after=N, method=NAME or path=/PREFIX")]
    Scope(String),
}

/// A switch that is on.
#[derive(Debug, Clone)]
struct Fault {
    spec: &'static Spec,
    value: u64,
    every: u64,
    first: u64,
    after: u64,
    method: Option<String>,
    path: Option<String>,
    /// How many requests were in its scope so far.
    seen: u64,
}

impl Fault {
    fn parse(text: &str, known: &[&'static Spec]) -> Result<Self, FaultError> {
        let mut parts = text.split(',').map(str::trim);
        let head = parts.next().unwrap_or_default();
        let (name, value) = head.split_once('=').map_or((head, None), |(n, v)| (n, Some(v)));
        let spec = known.iter().find(|s| s.name == name).ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
        let value = match (spec.takes, value) {
            (Takes::Nothing, None) => 0,
            (Takes::Nothing, Some(_)) => return Err(FaultError::Value(spec.name, "no value".to_owned())),
            (Takes::Number(_, default), None) => default,
            (Takes::Number(unit, _), Some(text)) => {
                text.parse().map_err(|_| FaultError::Value(spec.name, format!("a number ({unit})")))?
            }
        };
        let mut fault = Self { spec, value, every: 1, first: u64::MAX, after: 0, method: None, path: None, seen: 0 };
        for part in parts {
            let wrong = || FaultError::Scope(part.to_owned());
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            let number = || value.parse::<u64>().map_err(|_| wrong());
            match key {
                "every" => fault.every = number()?.max(1),
                "first" => fault.first = number()?,
                "after" => fault.after = number()?,
                "method" => fault.method = Some(value.to_ascii_uppercase()),
                "path" if value.starts_with('/') => fault.path = Some(value.to_owned()),
                _ => return Err(wrong()),
            }
        }
        Ok(fault)
    }

    /// Whether it applies to the next request in its scope; counts that request.
    fn applies(&mut self, request: &Request, base: &str, writes: bool) -> bool {
        let by_kind = match (&self.method, self.spec.on) {
            (Some(method), _) => *method == request.method,
            (None, On::Any) => true,
            (None, On::Read) => !writes,
            (None, On::Write) => writes,
        };
        let by_path = self.path.as_ref().is_none_or(|prefix| {
            let below = request.path.strip_prefix(base).unwrap_or(&request.path);
            below.starts_with(prefix.as_str()) || request.path.starts_with(prefix.as_str())
        });
        if !by_kind || !by_path {
            return false;
        }
        self.seen += 1;
        let Some(nth) = self.seen.checked_sub(self.after).filter(|n| *n > 0) else { return false };
        nth % self.every == 0 && nth / self.every <= self.first
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec.name)?;
        if let Takes::Number(..) = self.spec.takes {
            write!(f, "={}", self.value)?;
        }
        let numbers = [("every", self.every, 1), ("first", self.first, u64::MAX), ("after", self.after, 0)];
        for (key, value, _) in numbers.iter().filter(|(_, value, default)| value != default) {
            write!(f, ",{key}={value}")?;
        }
        for (key, value) in [("method", &self.method), ("path", &self.path)] {
            if let Some(value) = value {
                write!(f, ",{key}={value}")?;
            }
        }
        Ok(())
    }
}

/// The switches that are on.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Reads switches as they stand behind `--fault`.
    pub(super) fn parse<T: AsRef<str>>(texts: &[T], known: &[&'static Spec]) -> Result<Self, FaultError> {
        texts.iter().map(|text| Fault::parse(text.as_ref(), known)).collect::<Result<_, _>>().map(Self)
    }

    /// What applies to the next request.
    pub(super) fn next(&mut self, request: &Request, base: &str, writes: bool) -> Active {
        let on = self.0.iter_mut().filter_map(|f| f.applies(request, base, writes).then_some((f.spec, f.value)));
        Active(on.collect())
    }

    /// As they could stand behind `--fault`.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// The faults that one request meets.
#[derive(Debug, Clone, Default)]
pub struct Active(Vec<(&'static Spec, u64)>);

impl Active {
    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, spec: &'static Spec) -> bool {
        self.value(spec).is_some()
    }

    /// The number of this one, where it is among them.
    #[must_use]
    pub fn value(&self, spec: &'static Spec) -> Option<u64> {
        self.0.iter().find(|(s, _)| std::ptr::eq(*s, spec)).map(|(_, value)| *value)
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(spec, _)| spec.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str) -> Request {
        Request { method: method.into(), path: path.into(), ..Request::default() }
    }

    fn hits(text: &str, requests: &[(&str, &str)]) -> Vec<bool> {
        let mut faults = Faults::parse(&[text], &TRANSPORT).unwrap();
        let one = |(method, path): &(&str, &str)| {
            !faults.next(&request(method, path), "/base", *method != "GET").names().is_empty()
        };
        requests.iter().map(one).collect()
    }

    #[test]
    fn scopes_count_only_what_is_in_them() {
        let get = [("GET", "/base/Users"); 6];
        assert_eq!(hits("throttle,every=2", &get), [false, true, false, true, false, true]);
        assert_eq!(hits("throttle,first=2", &get), [true, true, false, false, false, false]);
        assert_eq!(hits("throttle,after=4", &get), [false, false, false, false, true, true]);
        assert_eq!(hits("throttle,after=1,every=2,first=1", &get), [false, false, true, false, false, false]);
        let mixed = [("GET", "/base/Users"), ("POST", "/base/Users"), ("POST", "/base/Groups/1"), ("PATCH", "/other")];
        assert_eq!(hits("closed", &mixed), [false, true, true, true], "writes only");
        assert_eq!(hits("closed,method=GET", &mixed), [true, false, false, false], "unless it is said otherwise");
        assert_eq!(hits("throttle,path=/Groups", &mixed), [false, false, true, false]);
        assert_eq!(hits("throttle,method=post,every=2", &mixed), [false, false, true, false]);
    }

    #[test]
    fn what_is_written_can_be_read_and_what_is_wrong_is_said() {
        let text = "throttle=7,every=3,first=2,after=1,method=PATCH,path=/Groups";
        assert_eq!(Faults::parse(&[text], &TRANSPORT).unwrap().texts(), [text]);
        let of = |text: &str| Faults::parse(&[text], &TRANSPORT).unwrap_err().to_string();
        assert_eq!(of("slowly"), "there is no fault `slowly`");
        assert_eq!(of("slow=x"), "`slow` takes a number (milliseconds)");
        assert_eq!(of("closed=1"), "`closed` takes no value");
        assert!(of("slow,each=2").contains("write every=N"), "{}", of("slow,each=2"));
        assert!(of("slow,path=Users").contains("path=/PREFIX"));
    }
}
