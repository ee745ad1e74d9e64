//! What goes on beneath, for who asks for it: `RUST_LOG=rolecall=debug`, to stderr.

use std::io::IsTerminal;

use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to trace, where `RUST_LOG` says what. Only what rolecall itself traces is ever shown: libraries
/// know nothing of secrets, and print them.
pub fn start() {
    let Ok(said) = std::env::var("RUST_LOG") else { return };
    let Ok(wanted) = EnvFilter::try_new(said) else { return };
    let ours = filter_fn(|event| event.target() == "rolecall" || event.target().starts_with("rolecall::"));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(wanted.and(ours));
    // Somebody who embeds this library may trace already.
    drop(tracing_subscriber::registry().with(layer).try_init());
}
