//! GitHub: against emulate as a GitHub on this machine, with every request and answer held against GitHub's own
//! description of its API; the example events; and what only a socket shows.

pub(crate) mod contract;
mod events;
mod openapi;
mod socket;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// Where tests/python/others_github.py has put a thing.
pub(crate) fn other(what: &str) -> String {
    static PATHS: OnceLock<serde_json::Value> = OnceLock::new();
    let paths = PATHS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/others_github.py");
        let done = Command::new("python3").arg(script).output().unwrap();
        assert!(done.status.success(), "cannot be installed: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    });
    paths[what].as_str().unwrap().to_owned()
}
