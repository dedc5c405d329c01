//! The whole mesh on a simulated network and a simulated clock: clients, sidecars, servers and the control stream in one
//! thread, without a socket. A seed draws a scenario; the scenario replays bit for bit.
//!
//! The sidecars are `tulle_proxy`'s workers, the very type that production runs. Read `run` first, then `judge`, which
//! holds what must hold after every step.
#![forbid(unsafe_code)]

mod agenda;
mod chance;
mod client;
mod control;
mod draw;
mod draw_calls;
mod draw_faults;
pub mod fault;
mod frames;
mod judge;
mod leaks;
pub mod named;
mod net;
mod passage;
mod pattern;
pub mod policy;
mod run;
pub mod scenario;
mod server;
mod shrink;
mod sidecar;
mod stack;
mod tamper;
mod time;
mod trace;
mod verdict;
mod watch;
mod world;

pub use draw::draw;
pub use judge::Violation;
pub use run::{Options, Outcome, play};
pub use shrink::{rule_of, shrink};
pub use tamper::Mutation;
pub use time::Time;
pub use trace::Trace;
