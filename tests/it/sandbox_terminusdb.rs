//! The TerminusDB sandbox over HTTP, by a client of a few lines that hides nothing: what a real server
//! answered, replayed; and what was not recorded.

mod replay;
mod single;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rolecall::sandbox::Handle;
use rolecall::sandbox::terminusdb::{Options, serve};
use serde_json::Value;

/// The password of `admin` in the recordings.
pub const PASSWORD: &str = "root";

/// An answer as it came.
#[derive(Debug)]
pub struct Got {
    pub status: Option<u16>,
    pub head: String,
    pub body: Vec<u8>,
}

impl Got {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, Some(status), "{}\n{}", self.head, String::from_utf8_lossy(&self.body));
        self
    }

    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Sends one request with these headers, as they stand.
pub fn raw(addr: SocketAddr, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Got {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let sent = [text.as_bytes(), b"\r\n", body].concat();
    stream.write_all(&sent).unwrap();
    let mut whole = Vec::new();
    let _ = stream.read_to_end(&mut whole);
    let Some(at) = whole.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Got { status: None, head: String::from_utf8_lossy(&whole).into(), body: Vec::new() };
    };
    let head = String::from_utf8_lossy(&whole[..at]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Got { status, head, body: whole[at + 4..].to_vec() }
}

/// RFC 4648, section 4.
pub fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let at = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        for i in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= group.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

/// A header for a name and a password.
pub fn basic(pair: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Basic {}", base64(pair)))
}

/// A sandbox.
pub fn sandbox(adjust: impl FnOnce(&mut Options)) -> Handle {
    let mut options = Options::new(PASSWORD).unwrap();
    adjust(&mut options);
    serve(&options).unwrap()
}
