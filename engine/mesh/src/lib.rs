//! The pure decisions of the data plane: which route, which endpoint, how long, whether again, who may, what happened.
//!
//! No socket, no clock and no global: time (`std::time::Instant`) and randomness ([`random::Random`]) are arguments.
//! Nothing allocates or locks once a call's method and series are known.
//!
//! In the order of a call: [`wire`] made the [`snapshot`]; [`router`] finds service, route and cluster, [`authz`] says who
//! may, [`resilience`] how long and how often, [`balance`] which endpoint; [`outcome`] says once what came of it and
//! [`blame`] who has to answer for it, to retry, breaker, balance and [`telemetry`] alike.

#![forbid(unsafe_code)]

pub mod authz;
pub mod balance;
pub mod blame;
mod hash;
pub mod method;
pub mod outcome;
pub mod random;
pub mod reason;
pub mod resilience;
pub mod router;
pub mod snapshot;
pub mod spiffe;
pub mod status;
pub mod telemetry;
mod ticks;
pub mod wire;

/// The contract's messages, generated from `protos/tulle/v1/`.
#[allow(missing_docs, clippy::all)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/tulle.v1.rs"));
}
