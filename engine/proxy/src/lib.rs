//! The data plane: workers that carry calls, and the verbs by which they are driven.
//!
//! A [`worker::Worker`] is sans-IO: bytes, time and snapshots go in; bytes, timers, connects and closes come out. Only
//! `io` knows sockets, TLS and threads. The path of a call is the folder `call/`; its map is `call.rs`: read it first.

mod application;
mod call;
mod connect;
mod describe;
mod engine;
mod error;
pub mod identity;
mod io;
mod limits;
mod planted;
mod pool;
mod settings;
mod timers;
pub mod worker;

pub use application::Application;
pub use engine::Engine;
pub use error::{EngineError, InvalidConfig, ListenFailed};
pub use io::post::{Phase, PostError};
pub use limits::Limits;
pub use settings::{Settings, UpstreamPort};
pub use tulle_mesh::proto;
pub use tulle_mesh::telemetry::otlp;
