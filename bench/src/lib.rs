//! What the load generator and the backend share: an HTTP/2 connection on a non-blocking socket, and flags.
#![forbid(unsafe_code)]

pub mod flags;
pub mod link;
