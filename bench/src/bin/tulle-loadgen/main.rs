//! The load generator: gRPC calls over some connections, in a closed loop or at a rate from intended start times.
//!
//! ```text
//! tulle-loadgen --target 127.0.0.1:PORT --authority A [--kind KIND] --payload BYTES [--messages N] --connections C
//!   --streams S --seconds T [--rate CALLS_PER_S] [--ca PEM --cert PEM --key PEM --server-name NAME]
//! ```
//!
//! **Kinds.** `unary`: a message there and back. `server-stream`: a message there, N back. `ping-pong`: N messages,
//! each sent when the one before is back. `flood`: N messages, sent as the windows allow while the answers come.
//! `handshake`: each of C slots connects with a full TLS 1.3 handshake, makes one unary call, closes, and connects
//! again; what is counted and timed is all of that up to the answer. The other kinds connect before the clock starts.
//!
//! **A call is ok** only when its grpc-status is 0 and every message came back whole, byte for byte and in order.
//! Messages differ from their neighbours on a stream and between calls, so that a swapped one shows.
//!
//! **Closed loop**, without `--rate`: every free slot makes the next call; latency is from the call's start; calls that
//! come back after the T seconds are left out of rate and latency. **Open loop**: calls are due at fixed times within
//! the T seconds, connections take them in turn, and latency is from the time a call was due. One that finds no free
//! slot waits and is timed all the same, and all of them count wherever they end. Either way up to 10 s are given to
//! the last ones.
//!
//! **It prints one line of JSON**: `ok`, `failed`, `late` (calls; the last came back after a
//! closed loop's T seconds), `messages` (that came back in ok calls), `seconds` (T),
//! `p50_us` `p90_us` `p99_us` `p999_us` `max_us` (of ok calls), `cpu_us_a_call` (this process's CPU time since the
//! clock started over ok calls), `by_connection` (ok calls of the least and the most served), `failures` (by kind):
//! `grpc-status N`, `no grpc-status`, `http status N`, `mismatch` (bytes other than sent), `messages missing`, `reset
//! CODE`, `stream error CODE`, `refused`, `going away`, `connection lost`, `not connected`, `not answered` (in flight
//! when the 10 s were over), `not started` (due, and no slot came free till then). A connection that is lost with no
//! call in flight counts once.
//!
//! It ends with 0 also when calls failed; with 2 and one line on a wrong flag or when nothing could connect.
#![forbid(unsafe_code)]

mod call;
mod caller;
mod calls;
mod failure;
mod handshakes;
mod pace;
mod plan;
mod shape;
mod tally;

use plan::{Kind, Plan, USAGE};
use tally::Tally;

fn main() {
    let plan = Plan::from_flags(&USAGE.flags()).unwrap_or_else(|error| USAGE.refuse(&error));
    tulle_bench::process::raise_descriptors();
    match run(&plan) {
        Ok(tally) => println!("{}", tally.summary(plan.time.as_secs_f64())),
        Err(error) => USAGE.refuse(&error),
    }
}

fn run(plan: &Plan) -> Result<Tally, String> {
    if plan.kind == Kind::Handshake { handshakes::run(plan) } else { calls::run(plan) }
}
