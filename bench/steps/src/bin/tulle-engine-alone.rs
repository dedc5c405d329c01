//! `tulle-engine-alone` starts an engine with a policy, no agent around it, and says what the process holds, in KiB.

#[allow(dead_code)]
#[path = "../../../../engine/proxy/tests/support/policy.rs"]
mod policy;

use policy::{Policy, config};
use std::net::SocketAddr;
use tulle_proxy::Engine;

fn main() {
    let engine = Engine::new(config()).expect("a good config");
    let policy = Policy::to(&[SocketAddr::from(([127, 0, 0, 1], 1))]);
    engine.apply(&policy.bytes()).expect("a good snapshot");
    engine.start().expect("started");
    drop(engine.drain_telemetry(true));
    println!("{}", resident());
}

/// VmRSS of proc(5).
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
