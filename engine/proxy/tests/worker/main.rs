//! The worker itself, without a socket: its peers are codecs in memory, its clock is moved by hand.

mod balancing;
mod chaos;
mod connections;
mod faults;
mod flow;
mod limits;
mod losses;
mod panics;
#[path = "../support/policy.rs"]
mod policy;
mod resets;
mod spans;
mod stalled;
mod tidy;
mod timeouts;
mod told;
mod turns;
mod world;
