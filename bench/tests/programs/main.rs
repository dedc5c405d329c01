//! The programs over real sockets: what they count, what they refuse, what they carry.
#![forbid(unsafe_code)]

mod backend;
mod bad_server;
mod certificates;
mod client;
mod connections;
mod failures;
mod flags;
mod handshakes;
mod kinds;
mod open_loop;
mod relay;
mod running;
