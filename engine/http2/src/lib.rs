//! A sans-IO HTTP/2 codec (RFC 9113, RFC 7541): bytes in, events out, bytes out; no socket, no clock, no thread.
#![forbid(unsafe_code)]

mod config;
mod connection;
mod error;
mod event;
mod fields;
mod limits;

pub use config::{Config, Role};
pub use connection::Connection;
pub use error::{ConnectionError, ErrorCode, OpenError};
pub use event::{Event, HeadersKind, StreamId, Token};
pub use fields::{Field, FieldIter, Fields};
pub use limits::{HeaderLimit, HeaderLimits};
