//! The TerminusDB sandbox over HTTP, by a client of a few lines that hides nothing: what a real server
//! answered, replayed; and what was not recorded.

mod replay;
mod single;

use std::net::SocketAddr;

use rolecall::sandbox::Handle;
use rolecall::sandbox::terminusdb::{Options, serve};

use crate::wire::{Got, send_bytes};

/// The password of `admin` in the recordings.
pub const PASSWORD: &str = "root";

/// Sends one request with these headers, as they stand.
pub fn raw(addr: SocketAddr, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Got {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send_bytes(addr, method, path, &headers, body)
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
