//! What the encoder writes, read back by our decoder with its flags and its table.

use proptest::prelude::*;

use super::decode::Decoder;
use super::decode_tests::{decode, hex};
use super::encode::Encoder;
use crate::headers::Section;
use crate::{Fields, HeaderLimits};

fn list(pairs: &[(&str, &str)]) -> Fields {
    let mut made = Fields::new();
    for (name, value) in pairs {
        made.push(name.as_bytes(), value.as_bytes());
    }
    made
}

fn encoded(encoder: &mut Encoder, fields: &Fields) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode(fields, &mut block);
    block
}

fn read_back(decoder: &mut Decoder, block: &[u8]) -> Fields {
    let mut fields = Fields::new();
    let mut section = Section::new(&mut fields, HeaderLimits::default());
    decoder.decode(block, &mut section).expect("our own block");
    fields
}

#[test]
fn a_stable_field_shrinks_to_one_byte_at_its_third_coming() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let fields = list(&[("user-agent", "grpc-python/1.80.0")]);
    let lengths: Vec<usize> = (0..3)
        .map(|_| {
            let block = encoded(&mut encoder, &fields);
            assert_eq!(read_back(&mut decoder, &block), fields);
            block.len()
        })
        .collect();
    assert!(lengths[0] > lengths[2] && lengths[2] == 1, "{lengths:?}");
}

#[test]
fn volatile_fields_never_enter_the_table() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let fields = list(&[
        ("grpc-timeout", "99m"),
        ("traceparent", "00-1-2-01"),
        ("tracestate", "a=b"),
        ("x-request-id", "1"),
        ("content-length", "5"),
        ("trace-bin", "AAAA"),
        ("date", "now"),
        ("grpc-message", "oops"),
    ]);
    for _ in 0..4 {
        let block = encoded(&mut encoder, &fields);
        assert_eq!(read_back(&mut decoder, &block), fields);
    }
    assert_eq!(decoder.table_mut().len(), 0);
}

#[test]
fn never_indexed_fields_stay_so() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let mut fields = Fields::new();
    fields.push_never_indexed(b"authorization", b"Bearer secret");
    fields.push_never_indexed(b":method", b"GET");
    for _ in 0..3 {
        let block = encoded(&mut encoder, &fields);
        assert_eq!(block[0] & 0xf0, 0x10);
        assert_eq!(read_back(&mut decoder, &block), fields);
    }
    assert_eq!(decoder.table_mut().len(), 0);
}

#[test]
fn a_table_that_is_full_keeps_what_it_has() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    for turn in 0..300 {
        let fields = list(&[("x-shard", &format!("{turn:06}"))]);
        for _ in 0..2 {
            let block = encoded(&mut encoder, &fields);
            assert_eq!(read_back(&mut decoder, &block), fields);
        }
    }
    assert_eq!(decoder.table_mut().len(), 4_096 / 45);
    let first = encoded(&mut encoder, &list(&[("x-shard", "000000")]));
    assert!(first.len() <= 2, "the first entry is still indexed: {first:?}");
}

#[test]
fn a_smaller_table_starts_empty_after_two_size_updates() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let fields = list(&[("x-tenant", "acme"), ("x-region", "north")]);
    for _ in 0..3 {
        let block = encoded(&mut encoder, &fields);
        read_back(&mut decoder, &block);
    }
    encoder.set_peer_limit(64);
    let block = encoded(&mut encoder, &fields);
    assert_eq!(&block[..3], &hex("203f21")[..]);
    assert_eq!(read_back(&mut decoder, &block), fields);
    for _ in 0..3 {
        let block = encoded(&mut encoder, &fields);
        assert_eq!(read_back(&mut decoder, &block), fields);
        assert!(decoder.table_mut().size() <= 64);
    }
    encoder.set_peer_limit(1 << 20);
    let block = encoded(&mut encoder, &fields);
    assert_eq!(&block[..3], &hex("3fe11f")[..], "our own limit, whatever the peer allows");
    assert_eq!(read_back(&mut decoder, &block), fields);
}

#[test]
fn a_table_of_nothing_is_honoured() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    encoder.set_peer_limit(0);
    for _ in 0..1_000 {
        let block = encoded(&mut encoder, &list(&[("x-tenant", "acme")]));
        read_back(&mut decoder, &block);
    }
    assert_eq!(decoder.table_mut().len(), 0);
}

#[test]
fn every_static_entry_is_found_by_its_index() {
    let mut encoder = Encoder::new(4_096);
    for index in 1..=61u8 {
        let [(name, value)] = &decode(&mut Decoder::new(), &[0x80 | index]).expect("static")[..] else {
            panic!("one field")
        };
        // These two are written without a search for their value.
        if matches!(name.as_str(), "content-length" | "date") {
            continue;
        }
        assert_eq!(encoded(&mut encoder, &list(&[(name, value)])), [0x80 | index]);
    }
}

fn field() -> impl Strategy<Value = (String, Vec<u8>, bool)> {
    let name = prop_oneof![
        Just("x-tenant".to_owned()),
        Just("cookie".to_owned()),
        Just("trace-bin".to_owned()),
        "[a-z][a-z0-9-]{0,12}",
    ];
    let value = prop_oneof![
        Just(b"same".to_vec()),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(128u8..=255, 0..9)
    ];
    (name, value, prop::bool::weighted(0.1))
}

proptest! {
    #[test]
    fn random_lists_come_back_in_order_with_their_flags(lists in prop::collection::vec(prop::collection::vec(field(), 0..12), 1..12), resize in prop::option::of(0u32..5_000)) {
        let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
        for (at, pairs) in lists.iter().enumerate() {
            if let (Some(limit), true) = (resize, at == lists.len() / 2) {
                encoder.set_peer_limit(limit);
            }
            let mut fields = Fields::new();
            for (name, value, never) in pairs {
                if *never {
                    fields.push_never_indexed(name.as_bytes(), value);
                } else {
                    fields.push(name.as_bytes(), value);
                }
            }
            for _ in 0..2 {
                let block = encoded(&mut encoder, &fields);
                prop_assert_eq!(&read_back(&mut decoder, &block), &fields);
            }
        }
    }
}

/// Tokens of callers come often enough to enter the table and then never again.
#[test]
fn a_table_full_of_what_never_comes_again_is_emptied_for_what_does() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let mut round = |fields: &Fields| {
        let block = encoded(&mut encoder, fields);
        assert_eq!(read_back(&mut decoder, &block), *fields);
        block.len()
    };
    for user in 0..8 {
        let token = format!("Bearer {user}{}", "t".repeat(900));
        let call = list(&[("authorization", &token)]);
        (0..2).for_each(|_| assert!(round(&call) > 100));
    }
    let call = list(&[(":path", &format!("/shop.Orders/{}", "Place".repeat(60)))]);
    let lengths: Vec<usize> = (0..1_000).map(|_| round(&call)).collect();
    assert_eq!(lengths.last(), Some(&1), "a table that serves nobody is kept: {lengths:?}");
}

#[test]
fn a_full_table_that_serves_is_kept() {
    let (mut encoder, mut decoder) = (Encoder::new(4_096), Decoder::new());
    let call = list(&[("user-agent", "grpc-python/1.80.0"), ("x-long", &"v".repeat(4_000))]);
    let mut lengths = Vec::new();
    for _ in 0..1_000 {
        let block = encoded(&mut encoder, &call);
        assert_eq!(read_back(&mut decoder, &block), call);
        lengths.push(block.len());
    }
    let emptied = lengths[3..].windows(2).filter(|pair| pair[1] > pair[0] + 10).count();
    assert!(emptied <= 4, "one field that finds no room empties it {emptied} times");
}
