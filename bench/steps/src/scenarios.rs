//! What is counted, by name.

use crate::{carried, codec, drained};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Of what one is counted.
    pub(crate) unit: &'static str,
    /// How many come before the first that counts: streams, timers, series and tables have their places then.
    pub(crate) warm_up: usize,
    pub(crate) count: usize,
    /// Everything up to the first call; what is given carries as many calls as it is told.
    pub(crate) make: fn() -> Box<dyn FnMut(usize)>,
}

pub(crate) const SCENARIOS: [Scenario; 10] = [
    call("codec-100B", || codec::unary(100)),
    call("codec-request-head", codec::request_head),
    call("codec-reply-heads", codec::reply_heads),
    call("outbound-100B", || carried::outbound(1, 100)),
    call("outbound-100B-10-at-once", || carried::outbound(10, 100)),
    call("outbound-16KiB", || carried::outbound(1, 16_384)),
    call("outbound-16KiB-10-at-once", || carried::outbound(10, 16_384)),
    call("inbound-100B-guarded", || carried::inbound(100)),
    call("outbound-100B-everything", || carried::everything(100)),
    Scenario { name: "drain-1000-calls", unit: "drain", warm_up: 3, count: 8, make: || drained::drain(1_000) },
];

const fn call(name: &'static str, make: fn() -> Box<dyn FnMut(usize)>) -> Scenario {
    Scenario { name, unit: "call", warm_up: 500, count: 2_000, make }
}

pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}
