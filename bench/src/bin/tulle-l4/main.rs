//! The floor: bytes copied between a client's connection and one of its own to the target, without HTTP.
//!
//! ```text
//! tulle-l4 --listen 127.0.0.1:0 --to 127.0.0.1:PORT [--in-ca PEM --in-cert PEM --in-key PEM]
//!   [--out-ca PEM --out-cert PEM --out-key PEM --out-name NAME] [--die-with-parent true]
//! ```
//!
//! It prints one line of JSON once it listens, `{"ready":"l4","address":"127.0.0.1:PORT"}`. One thread, epoll; it reads
//! up to 64 KiB and writes them. With `--in-*` clients speak mutual TLS to it, with `--out-*` it speaks mutual TLS to
//! the target (TLS 1.3 by rustls and aws-lc, X25519MLKEM768 first, ALPN h2): a pair of them is the floor of a pair of
//! sidecars.
//!
//! A half close is passed on, and so is a full one; a connection that fails takes its partner with it. Nothing is read
//! from one side while bytes for the other wait.
#![forbid(unsafe_code)]

mod pair;
mod relay;

use std::net::SocketAddr;

use relay::{Ends, Relay};
use tulle_bench::flags::{Flag, Flags, Usage};
use tulle_bench::process;
use tulle_bench::tls::{ClientTls, ServerTls};

const USAGE: Usage = Usage {
    program: "tulle-l4",
    about: "copies bytes between --listen and --to, one thread",
    flags: &[
        process::LISTEN,
        Flag { name: "to", value: "ADDRESS:PORT", about: "the target" },
        Flag { name: "in-ca", value: "PEM", about: "clients speak TLS, and their chains must lead here" },
        Flag { name: "in-cert", value: "PEM", about: "the chain that clients see" },
        Flag { name: "in-key", value: "PEM", about: "its key" },
        Flag { name: "out-ca", value: "PEM", about: "the target speaks TLS, and its chain must lead here" },
        Flag { name: "out-cert", value: "PEM", about: "the chain that the target sees" },
        Flag { name: "out-key", value: "PEM", about: "its key" },
        Flag { name: "out-name", value: "NAME", about: "the target's host; default 127.0.0.1" },
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
    let ends = Ends {
        to: flags.get("to")?,
        inward: ServerTls::from_flags(flags, "in-")?,
        outward: ClientTls::from_flags(flags, "out-", "out-name")?,
    };
    let (mut relay, bound) = Relay::bind(address, ends).map_err(|error| format!("--listen {address}: {error}"))?;
    println!("{}", serde_json::json!({"ready": "l4", "address": bound.to_string()}));
    relay.serve().map_err(|error| error.to_string())
}
