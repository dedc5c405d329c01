//! What each fuzz target does with its bytes: plain functions, so that a test replays a corpus without a fuzzer.
//!
//! A body asserts; a panic in it or below it is the finding. Bytes are read as a script of steps, so that most inputs
//! say something: what is left when the bytes run out is zero.

pub mod client;
pub mod frame_walker;
mod hand;
pub mod hpack_decode;
pub mod hpack_round_trip;
mod ledger;
mod mesh;
mod order;
pub mod pair;
mod played;
mod requests;
mod script;
mod seen;
pub mod server;
pub mod snapshot;
pub mod sniff;
mod stack;
mod talk;

/// A target's name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its binary and of its corpus' folder.
pub const TARGETS: [Target; 8] = [
    ("frame_walker", frame_walker::run),
    ("hpack_decode", hpack_decode::run),
    ("hpack_round_trip", hpack_round_trip::run),
    ("server", server::run),
    ("client", client::run),
    ("pair", pair::run),
    ("snapshot", snapshot::run),
    ("sniff", sniff::run),
];
