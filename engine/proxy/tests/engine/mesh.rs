//! Engines for tests.

pub(crate) use crate::policy::{Policy, breaker, config, millis, retry};
use prost::Message;
use tulle_proxy::{Engine, proto};

/// A started engine with this policy in force, and its outbound address.
pub(crate) fn outbound(policy: &Policy) -> (Engine, String) {
    let engine = Engine::new(config()).expect("a good config");
    engine.apply(&policy.bytes()).expect("a good snapshot");
    let addresses = engine.start().expect("started");
    (engine, addresses.outbound)
}

pub(crate) fn telemetry(engine: &Engine) -> proto::Telemetry {
    proto::Telemetry::decode(&*engine.drain_telemetry(true).0).expect("telemetry")
}

pub(crate) fn counter(engine: &Engine, name: &str, label: &str) -> u64 {
    let telemetry = telemetry(engine);
    telemetry.counters.iter().find(|c| c.name == name && c.label == label).map_or(0, |counter| counter.value)
}
