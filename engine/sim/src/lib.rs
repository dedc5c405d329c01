//! The whole mesh on a simulated network and a simulated clock: clients, sidecars, servers and the control stream in one
//! thread, without a socket. A seed draws a scenario; the scenario replays bit for bit.
//!
//! The sidecars are `tulle_proxy`'s workers, the very type that production runs. Read `run` first, then `judge`, which
//! holds what must hold after every step.
#![forbid(unsafe_code)]

mod addresses;
mod agenda;
mod cancels;
mod chance;
mod client;
mod control;
mod draw;
mod draw_calls;
mod draw_faults;
mod draw_policy;
mod execution;
mod facts;
pub mod fault;
mod frames;
pub mod habits;
mod half;
mod in_force;
mod judge;
mod leaks;
mod mishaps;
pub mod named;
mod net;
mod panics;
mod passage;
mod pattern;
mod pings;
pub mod policy;
mod reading;
mod run;
pub mod scenario;
mod server;
mod shrink;
mod sidecar;
mod stack;
mod stops;
mod tamper;
mod time;
mod trace;
mod verdict;
mod watch;
mod world;

pub use draw::draw;
pub use facts::{Fact, Facts};
pub use judge::Violation;
pub use run::{Options, Outcome, play};
pub use shrink::{rule_of, shrink};
pub use tamper::Mutation;
pub use time::Time;
pub use trace::Trace;
