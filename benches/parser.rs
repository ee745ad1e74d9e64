//! What the YAML parser alone needs to walk files: the measure for everything else.
//!
//! `cargo bench --bench parser -- FOLDER` reads every YAML file below the folder and prints how many
//! bytes and events there were. `benches/run.py` times it as a process, beside `rolecall`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|a| !a.starts_with('-')) else {
        println!("usage: parser FOLDER");
        return;
    };
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    let (mut bytes, mut events) = (0, 0_u64);
    for file in &found {
        let text = std::fs::read_to_string(file).unwrap();
        bytes += text.len();
        for event in granit_parser::Parser::new_from_str(&text) {
            event.unwrap();
            events += 1;
        }
    }
    println!("{} files, {bytes} bytes, {events} events", found.len());
}
