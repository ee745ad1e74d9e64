//! HTTP by a client of a few lines that hides nothing and shares no code with rolecall.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back: no status where the connection ended without one.
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

    pub fn header(&self, name: &str) -> Option<String> {
        let line = |l: &str| l.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
        self.head.lines().filter_map(line).find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

/// Sends one request over a connection of its own.
pub fn send(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
    send_bytes(addr, method, path, headers, body.as_bytes())
}

/// The same with a body that need be no text.
pub fn send_bytes(addr: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut text =
        format!("{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(&[text.as_bytes(), b"\r\n", body].concat()).unwrap();
    let mut whole = Vec::new();
    let _ = stream.read_to_end(&mut whole);
    let Some(at) = whole.windows(4).position(|w| w == b"\r\n\r\n") else {
        return Got { status: None, head: String::from_utf8_lossy(&whole).into(), body: Vec::new() };
    };
    let head = String::from_utf8_lossy(&whole[..at]).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    Got { status, head, body: whole[at + 4..].to_vec() }
}
