//! What each fuzz target does with its bytes: plain functions, so that a test replays a corpus without a fuzzer.
//!
//! A body asserts; a panic in it or below it is the finding. Bytes are read as a script of steps, so that most inputs
//! say something: what is left when the bytes run out is zero.

pub mod frame_walker;
mod hand;
pub mod hpack_decode;
mod script;
mod seen;
pub mod sniff;

/// A target's name and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name of its binary and of its corpus' folder.
pub const TARGETS: [Target; 3] = [
    ("frame_walker", frame_walker::run),
    ("hpack_decode", hpack_decode::run),
    ("sniff", sniff::run),
];
