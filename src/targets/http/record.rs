//! A session written down for a report of a bug, and answered again from what was written.
//!
//! One JSON file holds one exchange, numbered in the order in which the answers came. Headers are not
//! recorded, what opens the target is taken out of every text, and so is the value of every key that is
//! named like a secret. Names and addresses of people stay: whoever hands a recording on should look
//! through it.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{Answer, Lost, Request, Transport};
use super::secret::{MASK, Scrubber, without_hashes};
use crate::targets::Task;

/// The format of the files.
const FORMAT: &str = "rolecall.exchange/1";

/// Keys whose values are secrets, in lower case.
const SECRET_KEYS: [&str; 10] = [
    "password",
    "key_hash",
    "secret",
    "token",
    "access_token",
    "refresh_token",
    "client_secret",
    "apikey",
    "api_key",
    "authorization",
];

/// Why a recording cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The folder or a file cannot be used.
    #[error("{path} cannot be used for a recording: {why}")]
    File {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// There is something in the folder already.
    #[error("{0} is not empty: name a new folder")]
    NotEmpty(String),
}

impl RecordError {
    fn file(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), why: why.to_string() }
    }
}

/// One request and what came of it.
#[derive(Debug, Serialize, Deserialize)]
struct Exchange {
    format: String,
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<Gone>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Gone {
    NotSent(String),
    NoAnswer(String),
    TooLarge(usize),
}

/// Passes requests on and writes down every exchange.
pub struct Recorder<T> {
    inner: T,
    folder: PathBuf,
    scrubber: Scrubber,
    next: AtomicUsize,
}

impl<T: Transport> Recorder<T> {
    /// Records what goes through `inner` into a folder, which is made and must be empty.
    ///
    /// # Errors
    /// When the folder cannot be made or holds something.
    pub fn new(inner: T, folder: &Path, scrubber: Scrubber) -> Result<Self, RecordError> {
        fs::create_dir_all(folder).map_err(|e| RecordError::file(folder, e))?;
        let mut entries = fs::read_dir(folder).map_err(|e| RecordError::file(folder, e))?;
        if entries.next().is_some() {
            return Err(RecordError::NotEmpty(folder.display().to_string()));
        }
        Ok(Self { inner, folder: folder.to_owned(), scrubber, next: AtomicUsize::new(1) })
    }

    fn write(&self, request: &Request, result: &Result<Answer, Lost>) -> Result<(), Lost> {
        let mut exchange = Exchange {
            format: FORMAT.to_owned(),
            method: request.method.word().to_owned(),
            path: self.scrubber.text(&request.path),
            body: request.body.as_deref().map(|b| plain(&self.scrubber, b)),
            status: None,
            retry_after: None,
            etag: None,
            own: None,
            answer: None,
            lost: None,
        };
        match result {
            Ok(answer) => {
                exchange.status = Some(answer.status);
                exchange.retry_after.clone_from(&answer.retry_after);
                exchange.etag.clone_from(&answer.etag);
                exchange.own.clone_from(&answer.own);
                exchange.answer = (!answer.body.is_empty()).then(|| plain(&self.scrubber, &answer.body));
            }
            Err(Lost::NotSent(why) | Lost::Never(why)) => exchange.lost = Some(Gone::NotSent(why.clone())),
            Err(Lost::NoAnswer(why)) => exchange.lost = Some(Gone::NoAnswer(why.clone())),
            Err(Lost::TooLarge(most)) => exchange.lost = Some(Gone::TooLarge(*most)),
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number:05}.json"));
        let text = serde_json::to_string_pretty(&exchange).unwrap_or_default();
        fs::write(&path, text + "\n")
            .map_err(|e| Lost::Never(format!("the recording cannot be written to {}: {e}", path.display())))
    }
}

impl<T: Transport> Transport for Recorder<T> {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move {
            let result = self.inner.send(request).await;
            // What cannot be written down does not change what was done.
            if let Err(lost) = self.write(request, &result)
                && request.method.repeats()
            {
                return Err(lost);
            }
            result
        })
    }

    fn scrub(&self, text: &str) -> String {
        self.scrubber.text(text)
    }
}

/// A body without secrets: JSON, or a text where it is none.
fn plain(scrubber: &Scrubber, body: &[u8]) -> Value {
    let text = scrubber.text(&String::from_utf8_lossy(body));
    let mut value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    mask(&mut value);
    value
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) => {
            for (key, item) in map {
                if is_secret(key) { hide(item) } else { mask(item) }
            }
        }
        // Half of a body, several of them, or one within another.
        Value::String(text) => *text = without_hashes(&masked(text)),
        _ => {}
    }
}

/// A text in which the values of keys that are named like secrets are hidden, as far as it is written like JSON.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, key, after)) = quoted(rest) {
        // Quotes may be escaped, in a text within a text.
        let is_secret = is_secret(key.trim_end_matches('\\'));
        let value = after.trim_start().strip_prefix(':').map(str::trim_start).filter(|_| is_secret);
        match value.and_then(|v| v.trim_start_matches('\\').strip_prefix('"')) {
            Some(value) => {
                let end = end_of_text(value);
                out.push_str(&rest[..before.len() + key.len() + 2]);
                out.push_str(": \"");
                out.push_str(MASK);
                rest = &value[end..];
            }
            None => {
                // The quote behind it may open the next text.
                out.push_str(&rest[..before.len() + 1 + key.len()]);
                rest = &rest[before.len() + 1 + key.len()..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The first text in quotes: what stands before it, it, and what stands behind.
fn quoted(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('"')?;
    // No name of a key has a quote in it, escaped or not.
    Some(rest.split_once('"').map_or((before, rest, ""), |(key, after)| (before, key, after)))
}

/// Where a text ends whose opening quote stands before; at the end, where it is not closed.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// Whether a key is named like a secret: `temporaryPassword` and `userApiKey` are as well.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.contains(&key.as_str()) || key.ends_with("password") || key.ends_with("apikey")
}

/// Hides a secret: every text in it, where it is more than one.
fn hide(value: &mut Value) {
    match value {
        Value::String(_) => *value = Value::from(MASK),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        _ => {}
    }
}

/// Answers from a recording.
pub struct Replayer {
    answers: Mutex<HashMap<(String, String, String), VecDeque<Exchange>>>,
}

impl Replayer {
    /// Reads a recording.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub fn new(folder: &Path) -> Result<Self, RecordError> {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(|e| RecordError::file(folder, e))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        let mut answers: HashMap<_, VecDeque<Exchange>> = HashMap::new();
        for path in files {
            let text = fs::read_to_string(&path).map_err(|e| RecordError::file(&path, e))?;
            let exchange: Exchange = serde_json::from_str(&text).map_err(|e| RecordError::file(&path, e))?;
            if exchange.format != FORMAT {
                return Err(RecordError::file(&path, "it is of another format"));
            }
            let body = exchange.body.as_ref().map(Value::to_string).unwrap_or_default();
            let key = (exchange.method.clone(), exchange.path.clone(), body);
            answers.entry(key).or_default().push_back(exchange);
        }
        Ok(Self { answers: Mutex::new(answers) })
    }

    fn answer(&self, request: &Request) -> Result<Answer, Lost> {
        let nothing = Scrubber::new(&super::Authorization::Nothing);
        let body = request.body.as_deref().map(|b| plain(&nothing, b).to_string()).unwrap_or_default();
        let key = (request.method.word().to_owned(), request.path.clone(), body);
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = || Lost::Never(format!("the recording has no {} {} like this", request.method.word(), key.1));
        let queue = answers.get_mut(&key).ok_or_else(unknown)?;
        // The last answer is given again as often as somebody asks.
        let exchange = if queue.len() > 1 { queue.pop_front() } else { None };
        let exchange = match (&exchange, queue.front()) {
            (Some(exchange), _) | (None, Some(exchange)) => exchange,
            (None, None) => return Err(unknown()),
        };
        match &exchange.lost {
            Some(Gone::NotSent(why)) => Err(Lost::NotSent(why.clone())),
            Some(Gone::NoAnswer(why)) => Err(Lost::NoAnswer(why.clone())),
            Some(Gone::TooLarge(most)) => Err(Lost::TooLarge(*most)),
            None => Ok(Answer {
                status: exchange.status.unwrap_or_default(),
                retry_after: exchange.retry_after.clone(),
                etag: exchange.etag.clone(),
                own: exchange.own.clone(),
                body: match &exchange.answer {
                    None => Vec::new(),
                    Some(Value::String(text)) => text.clone().into_bytes(),
                    Some(value) => value.to_string().into_bytes(),
                },
            }),
        }
    }
}

impl Transport for Replayer {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move { self.answer(request) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_looked_through_as_well() {
        let of = |text: &str| {
            let scrubber = Scrubber::new(&super::super::secret::Authorization::Nothing);
            plain(&scrubber, text.as_bytes()).to_string()
        };
        let documents = r#"{"@id":"User/a","key_hash":"canary"}"#;
        for text in [
            // Documents one behind the other, half of one, within a page, and within a text.
            format!("{documents}\n{documents}\n"),
            format!("[{documents},{}", &documents[..30]),
            r#"[{"@id":"User/a", "key_hash" : "canar"#.to_owned(),
            format!("<pre>{documents}</pre>"),
            Value::from(documents).to_string(),
            format!("{}x", Value::from(documents)),
            format!(r#"{{"api:message": {}}}"#, Value::from(documents)),
            r#"d("key_hash":"$pbkdf2-sha512$t=1$c2FsdA$canary")"#.to_owned(),
            "user a has $pbkdf2-sha512$t=1$c2FsdA$canary".to_owned(),
            r#"odd" quote, {"key_hash":"canary \" canary"}"#.to_owned(),
        ] {
            let kept = of(&text);
            assert!(!kept.contains("canar") && kept.contains(MASK), "{text} -> {kept}");
        }
        // What is no secret stays as it is.
        for text in [r#"a "quoted": "text" and \"more\""#, "\"", "", "{\"a\":", r#"{"a":"key_hash","b":"c"}"#] {
            let kept = of(text);
            assert!(!kept.contains(MASK), "{text} -> {kept}");
        }
        assert_eq!(of("plain \"text\": 'here'"), Value::from("plain \"text\": 'here'").to_string());
    }
}
