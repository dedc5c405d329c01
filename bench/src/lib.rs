//! What the bench's programs share: flags, sockets with or without TLS, HTTP/2 on them, gRPC's message prefix.
#![forbid(unsafe_code)]

pub mod flags;
pub mod link;
pub mod messages;
pub mod process;
pub mod tls;
pub mod wire;
