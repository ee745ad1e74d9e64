//! The part that every sandbox has: a server on the loopback interface, one thread, one API behind a
//! bearer token, faults of the transport, and a log of requests.

use std::collections::VecDeque;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::fault::{
    CLOSED, CLOSED_BEFORE, EMPTY_ERRORS, ERROR_AFTER, ERROR_BEFORE, Faults, HTML_ERRORS, NO_CONTENT, PLAIN_JSON, RATE,
    SLOW, THROTTLE, THROTTLE_BARE, THROTTLE_DATE, TRANSPORT, TRUNCATED,
};
use super::message::query;
use super::{Active, Answer, FaultError, Request, Spec};

/// How large a request may be: 16 MiB.
const BODY_MAX: usize = 16 << 20;
/// How many requests are remembered one by one; the count goes on beyond it.
const LOG_MAX: usize = 200_000;

/// What opens a server. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token; `None` for a text that cannot be one: nothing but visible ASCII fits into the header.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether a header says this token as a bearer's.
    #[must_use]
    pub fn opens(&self, header: Option<&str>) -> bool {
        let said = header.and_then(|h| h.split_once(' ')).filter(|(word, _)| word.eq_ignore_ascii_case("bearer"));
        said.is_some_and(|(_, token)| self.is(token.trim()))
    }

    /// Whether a text is this token. Compares digests, whose times tell nothing.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        Sha256::digest(text) == Sha256::digest(&self.0)
    }

    /// Whether it begins so: where that says what kind of token it is.
    #[must_use]
    pub fn begins(&self, with: &str) -> bool {
        self.0.starts_with(with)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// What an API is told besides the request.
#[derive(Debug)]
pub struct Call<'a> {
    /// The request.
    pub request: &'a Request,
    /// The faults that this request meets.
    pub faults: &'a Active,
    /// `http://127.0.0.1:PORT`.
    pub origin: &'a str,
    /// The time, for what is shown.
    pub time: jiff::Timestamp,
    /// The time, for what lasts.
    pub now: Instant,
}

/// An API and its state. Calls come one after the other.
pub trait Api: Send {
    /// What the paths begin with: `/scim/v2`. What lies elsewhere is not found.
    fn base(&self) -> &'static str;

    /// The faults of this API, besides those of the transport.
    fn faults(&self) -> &'static [&'static Spec];

    /// Whether a request is one that writes.
    fn writes(&self, request: &Request) -> bool {
        !matches!(request.method.as_str(), "GET" | "HEAD")
    }

    /// Whether a request knows what opens the server: the token as a bearer's, unless the API has other ways
    /// as well. `header` finds one by its lower-case name.
    fn opens(&self, token: &Token, header: &dyn Fn(&str) -> Option<String>) -> bool {
        token.opens(header("authorization").as_deref())
    }

    /// Whether it finds out by itself who asks: then every request reaches it, with the header that says
    /// so, and only the sandbox's own endpoints want the token.
    fn own_door(&self) -> bool {
        false
    }

    /// Answers a request.
    fn answer(&mut self, call: &Call<'_>) -> Answer;

    /// An error in the words of this API.
    fn error(&self, status: u16, text: &str, faults: &Active) -> Answer;

    /// What is said to whoever does not know the token; `said` where something was sent in its place.
    fn closed(&self, said: bool) -> Answer {
        let text = if said { "the token is not the right one" } else { "the token is missing" };
        self.error(401, text, &Active::default())
    }

    /// Answers a request to `/sandbox/REST` that only this sandbox has; `None` where it has none.
    fn control(&mut self, _request: &Request, _rest: &str) -> Option<Answer> {
        None
    }

    /// Waits until the state is in the file.
    ///
    /// # Errors
    /// When it cannot be written.
    fn flush(&mut self) -> Result<(), String>;
}

/// How an API is served.
#[derive(Debug, Clone)]
pub struct Serve {
    /// The port; 0 for any that is free.
    pub port: u16,
    /// What opens it.
    pub token: Token,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// Switches as they stand behind `--fault`.
    pub faults: Vec<String>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is not to be had.
    #[error("port {0} cannot be listened on: {1}")]
    Port(u16, std::io::Error),
    /// A fault that is none.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// The state cannot be read or written.
    #[error("the state cannot be used: {0}")]
    State(String),
    /// The files to begin with cannot be used.
    #[error("the seed cannot be used: {0}")]
    Seed(String),
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The status; `None` where no answer was given.
    pub status: Option<u16>,
    /// The faults that it met.
    pub faults: Vec<&'static str>,
}

#[derive(Default)]
struct Log {
    count: u64,
    last: VecDeque<Logged>,
    /// When requests came in, as far as a rate looks back.
    arrivals: VecDeque<Instant>,
}

struct Shared {
    api: Mutex<Box<dyn Api>>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    base: &'static str,
    own_door: bool,
    known: Vec<&'static Spec>,
    token: Token,
    latency: Duration,
    origin: String,
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever held it left whole things behind: each is changed in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server that runs. It ends with this value.
pub struct Handle {
    addr: SocketAddr,
    shared: Arc<Shared>,
    notes: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Handle {
    /// Serves an API on a thread of its own. `notes` is what whoever starts it should know.
    ///
    /// # Errors
    /// When the port is taken, or a fault is none.
    pub fn start(api: Box<dyn Api>, options: &Serve, notes: Vec<String>) -> Result<Self, StartError> {
        let known: Vec<&'static Spec> = TRANSPORT.iter().chain(api.faults()).copied().collect();
        let faults = Faults::parse(&options.faults, &known)?;
        let port = |e| StartError::Port(options.port, e);
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(port)?;
        listener.set_nonblocking(true).map_err(port)?;
        let addr = listener.local_addr().map_err(port)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(port)?;
        let shared = Arc::new(Shared {
            base: api.base(),
            own_door: api.own_door(),
            api: Mutex::new(api),
            faults: Mutex::new(faults),
            log: Mutex::default(),
            known,
            token: options.token.clone(),
            latency: options.latency,
            origin: format!("http://{addr}"),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || runtime.block_on(listen(listener, serving, stopped)));
        Ok(Self { addr, shared, notes, stop: Some(stop), thread: Some(thread) })
    }

    /// What whoever started it should know: a fragment in lower case without a full stop each.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// Where the API begins: `http://127.0.0.1:PORT/scim/v2`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.shared.origin, self.shared.base)
    }

    /// The requests since the start, or since they were forgotten; those to the sandbox's own
    /// endpoints aside.
    #[must_use]
    pub fn requests(&self) -> Vec<Logged> {
        locked(&self.shared.log).last.iter().cloned().collect()
    }

    /// How many requests that were.
    #[must_use]
    pub fn count(&self) -> u64 {
        locked(&self.shared.log).count
    }

    /// Forgets the requests.
    pub fn forget_requests(&self) {
        *locked(&self.shared.log) = Log::default();
    }

    /// Puts these switches in the place of those that are on, counting anew.
    ///
    /// # Errors
    /// When one is no fault; then those that were on stay.
    pub fn set_faults(&self, faults: &[&str]) -> Result<(), FaultError> {
        *locked(&self.shared.faults) = Faults::parse(faults, &self.shared.known)?;
        Ok(())
    }

    /// Waits until the state is in the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&self) -> Result<(), String> {
        locked(&self.shared.api).flush()
    }

    /// Stops listening and writes the state.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn stop(mut self) -> Result<(), String> {
        self.end();
        self.flush()
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends also where it panicked: there is nothing to be done about that here.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}

async fn listen(listener: std::net::TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files, for example: what is there goes on.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            _ = &mut stopped => return,
        };
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| serve(Arc::clone(&shared), request));
            // A connection that breaks is the other side's business, or a fault that was asked for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was ended on purpose")]
struct Closed;

/// A body that is sent whole, or only to its middle, whatever its length says.
struct Sent {
    left: Option<Bytes>,
    length: u64,
    cut: Cut,
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// As it should.
    No,
    /// Too early, once what there is was sent: an error at once would take that back.
    Sending,
    /// Too early, now.
    Now,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        Poll::Ready(match (self.left.take(), self.cut) {
            (Some(bytes), _) => Some(Ok(Frame::data(bytes))),
            (None, Cut::No) => None,
            (None, Cut::Sending) => {
                self.cut = Cut::Now;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            (None, Cut::Now) => Some(Err(Closed)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && self.cut == Cut::No
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

async fn serve(shared: Arc<Shared>, incoming: hyper::Request<Incoming>) -> Result<hyper::Response<Sent>, Closed> {
    let (head, body) = incoming.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|h| h.to_str().ok()).map(str::to_owned);
    let open = locked(&shared.api).opens(&shared.token, &header);
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let own_door = shared.own_door && !head.uri.path().starts_with("/sandbox/");
    let headers = head.headers.iter().filter(|(name, _)| own_door || *name != hyper::header::AUTHORIZATION);
    let mut request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: query(head.uri.query().unwrap_or_default()),
        headers: headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: Vec::new(),
    };
    let collected = Limited::new(body, BODY_MAX).collect().await;
    let too_large = collected.is_err();
    request.body = collected.map(|whole| whole.to_bytes().to_vec()).unwrap_or_default();
    if !open && !own_door {
        let refused = locked(&shared.api).closed(head.headers.contains_key("authorization"));
        shared.log(&request, Some(refused.status), &Active::default());
        let tells = refused.status == 401;
        return Ok(sent(if tells { refused.header("www-authenticate", "Bearer") } else { refused }, false));
    }
    if let Some(rest) = request.path.strip_prefix("/sandbox/") {
        return Ok(sent(shared.control(rest, &request), false));
    }
    if too_large {
        shared.log(&request, Some(413), &Active::default());
        let text = format!("the body is larger than {BODY_MAX} bytes, or broke off");
        return Ok(sent(shared.error(413, &text, &Active::default()), false));
    }
    let writes = locked(&shared.api).writes(&request);
    let faults = locked(&shared.faults).next(&request, shared.base, writes);
    if !shared.latency.is_zero() {
        tokio::time::sleep(shared.latency).await;
    }
    if faults.has(&CLOSED_BEFORE) {
        shared.log(&request, None, &faults);
        return Err(Closed);
    }
    let answer = shared.answer(&request, &faults);
    let closed = faults.has(&CLOSED);
    // Before a late answer: a client that gives up has asked all the same.
    shared.log(&request, (!closed).then_some(answer.status), &faults);
    if let Some(late) = faults.value(&SLOW) {
        tokio::time::sleep(Duration::from_millis(late)).await;
    }
    if closed { Err(Closed) } else { Ok(sent(answer, faults.has(&TRUNCATED))) }
}

fn sent(answer: Answer, cut: bool) -> hyper::Response<Sent> {
    let whole = Bytes::from(answer.body);
    let length = whole.len() as u64;
    let cut = cut && length > 0;
    let left = if cut { whole.slice(..whole.len() / 2) } else { whole };
    let left = (!left.is_empty()).then_some(left);
    let cut = if cut { Cut::Sending } else { Cut::No };
    let mut response = hyper::Response::new(Sent { left, length, cut });
    *response.status_mut() =
        hyper::StatusCode::from_u16(answer.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        // What does not fit into a header is left out: an identifier with a line break, for example.
        if let Ok(value) = hyper::header::HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl Shared {
    fn error(&self, status: u16, text: &str, faults: &Active) -> Answer {
        locked(&self.api).error(status, text, faults)
    }

    fn log(&self, request: &Request, status: Option<u16>, faults: &Active) {
        let mut log = locked(&self.log);
        log.count += 1;
        if log.last.len() >= LOG_MAX {
            log.last.pop_front();
        }
        log.last.push_back(Logged {
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            status,
            faults: faults.names(),
        });
    }

    /// What the server does with a request, up to what the transport does with the answer.
    fn answer(&self, request: &Request, faults: &Active) -> Answer {
        let answer = self.worked(request, faults);
        let answer = match faults.value(&ERROR_AFTER) {
            Some(status) if answer.is_success() => self.error(status_of(status), "something went wrong", faults),
            _ => answer,
        };
        disguised(answer, faults)
    }

    fn worked(&self, request: &Request, faults: &Active) -> Answer {
        let throttled = || self.error(429, "too many requests", faults);
        if let Some(seconds) = faults.value(&THROTTLE) {
            return throttled().header("retry-after", seconds.to_string());
        }
        if let Some(seconds) = faults.value(&THROTTLE_DATE) {
            return throttled().header("retry-after", http_date(seconds));
        }
        if faults.has(&THROTTLE_BARE) {
            return throttled();
        }
        if let Some(wait) = faults.value(&RATE).and_then(|limit| self.over(limit)) {
            return throttled().header("retry-after", wait.to_string());
        }
        if let Some(status) = faults.value(&ERROR_BEFORE) {
            return self.error(status_of(status), "something went wrong", faults);
        }
        let call = Call { request, faults, origin: &self.origin, time: jiff::Timestamp::now(), now: Instant::now() };
        locked(&self.api).answer(&call)
    }

    /// Counts a request against a limit for each minute; the seconds to wait where it is beyond it.
    fn over(&self, limit: u64) -> Option<u64> {
        let (now, minute) = (Instant::now(), Duration::from_secs(60));
        let mut log = locked(&self.log);
        while log.arrivals.front().is_some_and(|at| now.duration_since(*at) >= minute) {
            log.arrivals.pop_front();
        }
        if (log.arrivals.len() as u64) < limit {
            log.arrivals.push_back(now);
            return None;
        }
        let oldest = log.arrivals.front().map_or(Duration::ZERO, |at| now.duration_since(*at));
        Some((minute - oldest).as_secs() + 1)
    }

    /// The endpoints for tests: `/sandbox/requests` and `/sandbox/faults`.
    fn control(&self, rest: &str, request: &Request) -> Answer {
        let json = |status, body: &Value| Answer::json(status, "application/json", body);
        if let Some(answer) = locked(&self.api).control(request, rest) {
            return answer;
        }
        match (request.method.as_str(), rest) {
            ("GET", "requests") => {
                let log = locked(&self.log);
                let one = |l: &Logged| {
                    let query: serde_json::Map<String, Value> =
                        l.query.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
                    json!({"method": l.method, "path": l.path, "query": query, "status": l.status, "faults": l.faults})
                };
                json(200, &json!({"count": log.count, "requests": log.last.iter().map(one).collect::<Vec<_>>()}))
            }
            ("DELETE", "requests") => {
                *locked(&self.log) = Log::default();
                Answer::empty(204)
            }
            ("GET", "faults") => json(200, &json!({"faults": locked(&self.faults).texts()})),
            ("POST", "faults") => match self.replace_faults(&request.body) {
                Ok(()) => json(200, &json!({"faults": locked(&self.faults).texts()})),
                Err(text) => json(400, &json!({"error": text})),
            },
            _ => {
                json(404, &json!({"error": "there are GET and DELETE /sandbox/requests, GET and POST /sandbox/faults"}))
            }
        }
    }

    fn replace_faults(&self, body: &[u8]) -> Result<(), String> {
        let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is no JSON: {e}"))?;
        let list = body.get("faults").and_then(Value::as_array);
        let texts: Option<Vec<&str>> = list.and_then(|l| l.iter().map(Value::as_str).collect());
        let texts = texts.ok_or("write {\"faults\": [\"NAME=VALUE,every=N\"]}; an empty list for none")?;
        *locked(&self.faults) = Faults::parse(&texts, &self.known).map_err(|e| e.to_string())?;
        Ok(())
    }
}

/// A status that HTTP knows for errors, whatever number was asked for.
fn status_of(number: u64) -> u16 {
    u16::try_from(number).ok().filter(|n| (400..600).contains(n)).unwrap_or(500)
}

/// `Sun, 22 Nov 2026 01:02:03 GMT`, so many seconds from now (RFC 9110, section 5.6.7).
fn http_date(seconds: u64) -> String {
    let ahead = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0));
    let at = jiff::Timestamp::now().checked_add(ahead).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The answer as a server with bad manners sends it.
fn disguised(answer: Answer, faults: &Active) -> Answer {
    let mut answer = answer;
    if answer.status >= 400 && faults.has(&EMPTY_ERRORS) {
        answer.body.clear();
        answer.headers.retain(|(name, _)| *name != "content-type");
    } else if answer.status >= 400 && faults.has(&HTML_ERRORS) {
        let status = answer.status;
        answer.body = format!("<!doctype html><title>{status}</title><h1>Error {status}</h1><p>Try again later.</p>\n")
            .into_bytes();
        answer = answer.header("content-type", "text/html; charset=utf-8");
    } else if answer.status == 200 && faults.has(&NO_CONTENT) {
        answer.status = 204;
        answer.body.clear();
        answer.headers.retain(|(name, _)| *name != "content-type");
    } else if !answer.body.is_empty() && faults.has(&PLAIN_JSON) {
        answer = answer.header("content-type", "application/json");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_and_is_not_shown() {
        let token = Token::new("canary-1").unwrap();
        assert!(token.opens(Some("Bearer canary-1")) && token.opens(Some("bearer canary-1")));
        for wrong in [None, Some("canary-1"), Some("Bearer canary-2"), Some("Bearer "), Some("Basic canary-1")] {
            assert!(!token.opens(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert_eq!((Token::new(""), Token::new("a b"), Token::new("a\n")), (None, None, None));
    }

    #[test]
    fn dates_are_those_of_http() {
        let text = http_date(0);
        let now = jiff::Timestamp::now();
        let read = jiff::fmt::rfc2822::parse(&text.replace("GMT", "+0000")).unwrap().timestamp();
        assert!((now.as_second() - read.as_second()).abs() <= 1, "{text}");
        assert!(text.ends_with(" GMT") && text.len() == 29, "{text}");
    }
}
