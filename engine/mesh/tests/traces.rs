//! traceparent, sampling and the ring of spans.

use crate::support::{random, span};
use proptest::prelude::*;
use tulle_mesh::proto::{Direction, Span};
use tulle_mesh::telemetry::trace_context::{Sampler, TraceContext};
use tulle_mesh::telemetry::{FinishedSpan, SpanRing, Words};

const EXAMPLE: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn example() -> TraceContext {
    TraceContext::parse(EXAMPLE).expect("the specification's own example")
}

#[test]
fn a_traceparent_is_read_and_written_as_it_was() {
    let context = example();
    assert_eq!(context.trace_id[..2], [0x4b, 0xf9]);
    assert_eq!(context.span_id[7], 0xb7);
    assert!(context.sampled);
    assert_eq!(context.format(), EXAMPLE);
}

#[test]
fn a_higher_version_may_say_more_and_version_00_may_not() {
    assert!(TraceContext::parse(b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
    assert!(TraceContext::parse(b"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more").is_none());
    assert!(TraceContext::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_none());
}

#[test]
fn what_is_no_traceparent_is_not_read() {
    for odd in [
        &b""[..],
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        b"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    ] {
        assert_eq!(TraceContext::parse(odd), None, "{}", odd.escape_ascii());
    }
}

#[test]
fn a_call_with_a_parent_stays_in_its_trace_and_keeps_its_decision() {
    let mut random = random();
    let call = Sampler::new(0.0).begin(Some(example()), &mut random);
    assert_eq!((call.context.trace_id, call.parent), (example().trace_id, Some(example().span_id)));
    assert!(call.context.sampled && call.context.span_id != example().span_id);
    let unsampled = TraceContext { sampled: false, ..example() };
    assert!(!Sampler::new(1.0).begin(Some(unsampled), &mut random).context.sampled);
}

#[test]
fn without_a_parent_the_ratio_decides() {
    let (sampler, mut random) = (Sampler::new(0.01), random());
    let sampled = (0..100_000).filter(|_| sampler.begin(None, &mut random).context.sampled).count();
    // Binomial(100000, 0.01): mean 1000, standard deviation 31.5.
    assert!((900..=1100).contains(&sampled), "{sampled}");
    assert!(Sampler::new(1.0).begin(None, &mut random).context.sampled);
    assert!(!Sampler::new(0.0).begin(None, &mut random).context.sampled);
}

#[test]
fn failures_are_always_kept() {
    let call = Sampler::new(0.0).begin(None, &mut random());
    assert!(call.keeps(false) && !call.keeps(true));
}

#[test]
fn a_full_ring_drops_new_spans_and_counts_them() {
    let mut ring = SpanRing::new(2);
    for number in 1..=5 {
        ring.push(|| span(number));
    }
    let (spans, dropped) = ring.take();
    assert_eq!(spans.iter().map(|span| span.attempt_number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(dropped, 3);
    ring.push(|| span(6));
    assert_eq!((ring.len(), ring.take().1), (1, 0));
}

#[test]
fn a_span_tells_what_was_put_into_it() {
    let told = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        direction: Direction::Outbound.into(),
        attempt: true,
        start_unix_nano: 10,
        end_unix_nano: 20,
        method: "a.A/M".into(),
        peer: "shop/a".into(),
        endpoint: "a-0".into(),
        route: String::new(),
        grpc_status: 14,
        reason: "no_endpoints".into(),
        attempt_number: 2,
        trace_state: "größe=1".into(),
    };
    assert_eq!(Span::from(span(2)), told);
    let root = Span::from(FinishedSpan { parent_span_id: None, reason: None, words: Words::default(), ..span(2) });
    assert_eq!((root.parent_span_id.len(), root.reason.len(), root.method.len()), (0, 0, 0));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
        let _ = TraceContext::parse(&bytes);
    }

    #[test]
    fn what_is_written_reads_back(trace: [u8; 16], span: [u8; 8], sampled: bool) {
        prop_assume!(trace != [0; 16] && span != [0; 8]);
        let context = TraceContext { trace_id: trace, span_id: span, sampled };
        prop_assert_eq!(TraceContext::parse(&context.format()), Some(context));
    }
}

#[test]
fn a_span_that_has_no_room_is_not_even_made() {
    let mut ring = SpanRing::new(0);
    ring.push(|| panic!("made for nothing"));
    assert_eq!(ring.take().1, 1);
}
