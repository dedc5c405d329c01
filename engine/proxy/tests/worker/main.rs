//! The worker itself, without a socket: its peers are codecs in memory, its clock is moved by hand.

mod ages;
mod balancing;
mod chaos;
mod connections;
mod faults;
mod flow;
mod keepalive;
mod limits;
mod losses;
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
mod turns;
mod unfinished;
mod world;
