//! Scenarios that are not drawn.

use crate::facts::Facts;
use crate::habits::Habits;
use crate::policy::{Callers, PolicyPlan, Push};
use crate::scenario::{
    Body, CallPlan, ClientPlan, Ending, Entry, Kind, LinkPlan, NetworkPlan, Pace, Reply, Scenario, Segments,
    ServerPlan, Starts,
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// Streams that are open for an hour with an event now and then, and end well: no idle timeout takes them, and keepalive
/// asks for life in between.
#[must_use]
pub fn hour() -> Scenario {
    let long = |id: usize, kind: Kind, pieces: u32| CallPlan {
        id,
        client: 0,
        at: Duration::from_millis(500),
        kind,
        timeout: None,
        request: Body { pieces: if kind == Kind::Chat { pieces } else { 1 }, bytes: 50, gap: HOUR / pieces },
        cancel_after: None,
        head_bytes: 0,
        replies: vec![Reply {
            starts: Starts::AtHead,
            delay: Duration::from_secs(30),
            body: Body { pieces, bytes: 200, gap: HOUR / pieces },
            ending: Ending::Status(0),
            pushback: None,
            then_resets: None,
            claims: None,
        }],
    };
    let quiet = CallPlan { request: Body { pieces: 1, bytes: 9, gap: Duration::ZERO }, ..long(4, Kind::Chat, 2) };
    calm(vec![long(1, Kind::Download, 12), long(2, Kind::Chat, 9), long(3, Kind::Upload, 1), quiet], HOUR * 11 / 10)
}

/// The same hour, in which the streams' server leaves the policy after a third and is denied to all after two: calls in
/// flight keep what they began with, and no change closes a connection under them.
#[must_use]
pub fn hour_of_changes() -> Scenario {
    let mut scenario = hour();
    scenario.servers.push(scenario.servers[0].clone());
    let elsewhere = PolicyPlan { split: vec![(vec![1], 1)], ..default_policy() };
    let closed = PolicyPlan { callers: Callers::Banned, ..elsewhere.clone() };
    scenario.pushes.push(Push { at: HOUR / 3, policy: elsewhere });
    scenario.pushes.push(Push { at: HOUR * 2 / 3, policy: closed });
    scenario
}

/// A calm mesh of one client and one server with `calls`.
#[must_use]
pub fn calm(calls: Vec<CallPlan>, lasts: Duration) -> Scenario {
    let link = |micros: u64| LinkPlan {
        latency: Duration::from_micros(micros),
        jitter: Duration::from_micros(micros / 2),
        buffer: 65_536,
    };
    let client = ClientPlan {
        entry: Entry::Plain,
        pace: Pace::Eager,
        window: 65_535,
        sips: None,
        estimates: false,
        keeps_deadlines: false,
    };
    let server = ServerPlan {
        has_sidecar: true,
        pace: Pace::Eager,
        window: 65_535,
        max_streams: 100,
        max_frame: 16_384,
        habits: Habits::default(),
    };
    Scenario {
        seed: 1,
        facts: Facts::default(),
        clients: vec![client],
        servers: vec![server],
        network: NetworkPlan { local: link(50), far: link(800), segments: Segments::Whole },
        turn: Duration::ZERO,
        calls,
        faults: Vec::new(),
        pushes: vec![Push { at: Duration::ZERO, policy: default_policy() }],
        lasts,
        calm: true,
    }
}

/// The control plane's defaults, methods declared.
#[must_use]
pub fn default_policy() -> PolicyPlan {
    PolicyPlan {
        flaw: None,
        split: vec![(vec![0], 1)],
        round_robin: false,
        declared: true,
        request_timeout: None,
        per_try_timeout: None,
        attempts: 2,
        codes: vec![14],
        idempotent: false,
        limits: [1024, 1024, 1024, 3],
        accrual: 7,
        connect_timeout: Duration::from_secs(5),
        denied: None,
        callers: Callers::Allowed,
        sick: Vec::new(),
        mistaken: None,
    }
}
