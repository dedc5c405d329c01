//! The worker itself, without a socket: its peers are codecs in memory, its clock is moved by hand.

mod ages;
mod attempts;
mod balancing;
mod blame;
mod chaos;
mod connections;
mod faults;
mod flow;
mod informational;
mod keepalive;
mod limits;
mod losses;
mod malformed;
mod names;
mod panics;
#[path = "../support/policy.rs"]
mod policy;
mod pools;
mod resets;
mod spans;
mod stalled;
mod stopping;
mod tidy;
mod timeouts;
mod told;
mod turns;
mod unfinished;
mod voices;
mod world;
