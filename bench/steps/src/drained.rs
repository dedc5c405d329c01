//! What is told of calls: from a worker's counts to the bytes that the agent sends.

use crate::counting::{counted, uncounted};
use crate::line::{Line, REQUEST, server_address};
use crate::policy::{Policy, config};
use prost::Message;
use std::hint::black_box;
use tulle_mesh::telemetry::{Collector, otlp};
use tulle_proxy::proto;

/// A drain of `calls` calls of 100 B, a tenth of them with spans.
pub(crate) fn drain(calls: usize) -> Box<dyn FnMut(usize)> {
    let config = proto::EngineConfig { trace_ratio: 0.1, ..config() };
    let mut line = Line::outbound(config, &Policy::to(&[server_address()]), &REQUEST);
    let mut collector = Collector::new(1);
    let facts = proto::OtlpFacts { service: "shop/front".into(), version: "0".into(), ..Default::default() };
    Box::new(move |drains| {
        for _ in 0..drains {
            uncounted(|| line.calls(calls, 100));
            counted(|| one_drain(&mut line, &mut collector, &facts));
        }
    })
}

fn one_drain(line: &mut Line, collector: &mut Collector, facts: &proto::OtlpFacts) {
    let now = line.now();
    let (telemetry, snapshot) = line.telemetry();
    collector.absorb(telemetry, now);
    // As the agent has it: the engine's message crosses to Python in bytes and comes back to be translated.
    let mut telemetry = collector.export(Some(snapshot), 2, now);
    telemetry.spans = collector.take_spans();
    let bytes = telemetry.encode_to_vec();
    let told = proto::Telemetry::decode(&*bytes).expect("our own message");
    black_box(otlp::metrics_request(&told, facts));
    black_box(otlp::spans_request(told, facts));
}
