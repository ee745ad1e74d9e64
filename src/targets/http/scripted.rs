//! A server for tests: it gives the answers that it was told to, in their order, and remembers what it
//! was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use super::message::{Answer, Lost, Request, Transport};
use crate::targets::Task;

/// What a scripted server was asked, and when.
pub type Log = Arc<Mutex<Vec<(Instant, Request)>>>;

/// The server.
pub struct Scripted {
    answers: Mutex<VecDeque<Result<Answer, Lost>>>,
    log: Log,
}

impl Scripted {
    /// A server that gives these answers, and where it writes what it was asked.
    pub fn new(answers: impl IntoIterator<Item = Result<Answer, Lost>>) -> (Box<Self>, Log) {
        let log = Log::default();
        let server = Self { answers: Mutex::new(answers.into_iter().collect()), log: Arc::clone(&log) };
        (Box::new(server), log)
    }
}

impl Transport for Scripted {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move {
            self.log.lock().unwrap().push((Instant::now(), request.clone()));
            let next = self.answers.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Err(Lost::Never("the script has ended".to_owned())))
        })
    }
}

/// An answer with this status and body.
pub fn answer(status: u16, body: &str) -> Result<Answer, Lost> {
    Ok(Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() })
}
