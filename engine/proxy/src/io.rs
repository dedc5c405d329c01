//! The only rooms that know sockets, TLS and threads.

mod heap;
mod lingering;
pub(crate) mod listen;
mod opening;
pub(crate) mod poll;
pub(crate) mod post;
mod reading;
pub(crate) mod running;
pub(crate) mod shared;
mod socket;
pub(crate) mod tls;
