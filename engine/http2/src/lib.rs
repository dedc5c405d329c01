//! A sans-IO HTTP/2 codec (RFC 9113, RFC 7541): bytes in, events out, bytes out; no socket, no clock, no thread.
#![forbid(unsafe_code)]

mod block;
mod config;
mod connection;
mod error;
mod event;
mod fault;
mod fields;
mod floods;
mod flow;
mod frame;
mod headers;
mod hpack;
mod limits;
mod mark;
mod output;
mod queue;
mod settings;
mod stream;
mod streams;

pub use config::{Config, Role};
pub use connection::{Connection, Stalled, Waits};
pub use error::{ConnectionError, ErrorCode, OpenError};
pub use event::{Event, HeadersKind, StreamId, Token};
pub use fault::Fault;
pub use fields::{Field, FieldIter, Fields};
pub use frame::PREFACE;
pub use limits::{Exceeded, HeaderLimit, HeaderLimits, PeerLimit, PeerLimits};
