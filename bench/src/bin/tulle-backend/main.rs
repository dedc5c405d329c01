//! The echo backend: plaintext HTTP/2 on one thread; what is sent comes back.
//!
//! ```text
//! tulle-backend --listen 127.0.0.1:0 [--stall-at SECONDS --stall-ms MS] [--die-with-parent true]
//! ```
//!
//! It prints one line of JSON once it listens, `{"ready":"backend","address":"127.0.0.1:PORT"}`, and then serves, by
//! :path:
//!
//! - `/bench.Echo/Unary`, and any other method: one message, the same back;
//! - `/bench.Echo/ServerStream`: one message, back as often as the request's header `bench-messages` says;
//! - `/bench.Echo/PingPong` and `/bench.Echo/Flood`: each message is sent back once it is whole; a half close ends the
//!   stream with its trailers.
//!
//! A stream ends with grpc-status 0; with 3 on a bad `bench-messages`, 8 on a message over 16 MiB, 12 for health,
//! 13 on an end within a message. While a stream's echo waits for the client's window, the client is given no more of
//! ours.
//!
//! With `--stall-at` the thread sleeps once, so long after the first call came: what an open loop must show.
#![forbid(unsafe_code)]

mod echo;
mod peer;
mod replies;
mod server;
mod stall;

use std::net::SocketAddr;

use server::Server;
use stall::Stall;
use tulle_bench::flags::{Flag, Flags, Usage};
use tulle_bench::process;

const USAGE: Usage = Usage {
    program: "tulle-backend",
    about: "echoes gRPC messages on --listen, plaintext, one thread",
    flags: &[
        process::LISTEN,
        Flag { name: "stall-at", value: "SECONDS", about: "sleep once, so long after the first call; 0 to 600" },
        Flag { name: "stall-ms", value: "MS", about: "how long that sleep is; 1 to 60000" },
        process::DIE_WITH_PARENT,
    ],
};

fn main() {
    if let Err(error) = run(&USAGE.flags()) {
        USAGE.refuse(&error);
    }
}

fn run(flags: &Flags) -> Result<(), String> {
    process::die_with_parent(flags)?;
    process::raise_descriptors();
    let address: SocketAddr = flags.get("listen")?;
    let stall = Stall::from_flags(flags)?;
    let (mut server, bound) = Server::bind(address, stall).map_err(|error| format!("--listen {address}: {error}"))?;
    println!("{}", serde_json::json!({"ready": "backend", "address": bound.to_string()}));
    server.serve().map_err(|error| error.to_string())
}
