//! Wherever the input is cut, the events are the same.

mod wire;

use proptest::prelude::*;
use tulle_http2::{Config, ErrorCode, Role};
use wire::{End, Seen, block, frame, request_block};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// DATA of a stream that came in neighbouring parts is one.
fn joined(seen: Vec<Seen>) -> Vec<Seen> {
    let mut made: Vec<Seen> = Vec::new();
    for event in seen {
        if let (Some(Seen::Data { stream, bytes, end }), Seen::Data { stream: other, bytes: more, end: last }) =
            (made.last_mut(), &event)
            && stream == other
            && !*end
        {
            bytes.extend_from_slice(more);
            *end = *last;
            continue;
        }
        made.push(event);
    }
    made
}

fn whole(input: &[u8]) -> (Vec<Seen>, Option<ErrorCode>, Vec<u8>) {
    in_parts(input, &[])
}

fn in_parts(input: &[u8], cuts: &[usize]) -> (Vec<Seen>, Option<ErrorCode>, Vec<u8>) {
    let mut end = End::new(Config::new(Role::Server));
    let mut start = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.sort_unstable();
    for cut in cuts.into_iter().chain([input.len()]) {
        if end.failed.is_none() {
            end.feed(&input[start..cut]);
        }
        start = cut;
    }
    let output = end.take_output();
    (joined(end.take_seen()), end.failed.map(|error| error.code), output)
}

/// One or more frames around stream `n`, good and bad ones.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let stream = (0u32..6).prop_map(|n| 2 * n + 1);
    prop_oneof![
        8 => (stream.clone(), any::<bool>()).prop_map(|(s, end)| frame(1, 4 | u8::from(end), s, &request_block())),
        2 => stream.clone().prop_map(|s| {
            let block = block(&[(":method", "GET"), (":scheme", "http"), (":path", "/x"), ("cookie", "a=b")]);
            let (first, rest) = block.split_at(9);
            [frame(1, 0, s, first), frame(9, 0, s, &rest[..5]), frame(9, 4, s, &rest[5..])].concat()
        }),
        8 => (stream.clone(), prop::collection::vec(any::<u8>(), 0..300), any::<bool>())
            .prop_map(|(s, bytes, end)| frame(0, u8::from(end), s, &bytes)),
        4 => (stream.clone(), prop::collection::vec(any::<u8>(), 0..60), 0u8..40, any::<bool>()).prop_map(|(s, bytes, pad, end)| {
            frame(0, 8 | u8::from(end), s, &[&[pad][..], &bytes, &vec![0; pad as usize]].concat())
        }),
        2 => stream.clone().prop_map(|s| frame(1, 5, s, &block(&[("x-end", "yes")]))),
        2 => stream.clone().prop_map(|s| frame(3, 0, s, &[0, 0, 0, 8])),
        2 => any::<[u8; 8]>().prop_map(|bytes| frame(6, 0, 0, &bytes)),
        2 => (stream.clone(), 1u32..9_000).prop_map(|(s, by)| frame(8, 0, s, &by.to_be_bytes())),
        1 => (0u32..70_000).prop_map(|by| frame(8, 0, 0, &by.to_be_bytes())),
        1 => (0u32..9_000).prop_map(|size| frame(4, 0, 0, &[&[0, 4][..], &size.to_be_bytes()].concat())),
        1 => stream.clone().prop_map(|s| frame(2, 0, s, &[0, 0, 0, 0, 9])),
        1 => (10u8..255, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(kind, bytes)| frame(kind, 3, 1, &bytes)),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_cut_gives_the_same_events_and_the_same_answer(
        pieces in prop::collection::vec(piece(), 0..25),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        let input = [PREFACE, &frame(4, 0, 0, &[]), &frame(4, 1, 0, &[]), &pieces.concat()].concat();
        prop_assert_eq!(whole(&input), in_parts(&input, &cuts));
    }

    #[test]
    fn byte_by_byte_gives_the_same_events(pieces in prop::collection::vec(piece(), 0..8)) {
        let input = [PREFACE, &frame(4, 0, 0, &[]), &pieces.concat()].concat();
        let every: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(whole(&input), in_parts(&input, &every));
    }

    #[test]
    fn random_bytes_never_do_worse_than_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let input = [PREFACE, &frame(4, 0, 0, &[]), &bytes].concat();
        let (_, error, output) = whole(&input);
        prop_assert_eq!(error.is_some(), wire::parse(&output).iter().any(|frame| frame.kind == 7));
    }
}

#[test]
fn each_single_cut_of_a_long_exchange_gives_the_same_events() {
    let input = [
        PREFACE,
        &frame(4, 0, 0, &[0, 4, 0, 0, 16, 0]),
        &frame(4, 1, 0, &[]),
        &frame(1, 4, 1, &request_block()),
        &frame(0, 8, 1, &[&[7u8][..], b"hello", &[0; 7]].concat()),
        &frame(6, 0, 0, b"abcdefgh"),
        &frame(0, 0, 1, b""),
        &frame(1, 5, 1, &block(&[("x-end", "yes")])),
        &frame(1, 5, 3, &request_block()),
        &frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0, b'b', b'y', b'e']),
    ]
    .concat();
    let expected = whole(&input);
    assert_eq!(expected.0.len(), 6, "{:?}", expected.0);
    for cut in 0..input.len() {
        assert_eq!(in_parts(&input, &[cut]), expected, "cut at {cut}");
    }
}
