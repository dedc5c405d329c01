//! A block in pieces says what it says whole, and leaves the same table.

use proptest::prelude::*;

use super::decode::Decoder;
use super::decode_tests::hex;
use super::pieces::Pieces;
use crate::headers::Section;
use crate::{ConnectionError, Fields, HeaderLimits};

/// What a block came to: its fields, its limit, and the table behind it.
type Came = Result<(Fields, Option<String>, usize, usize), ConnectionError>;

fn limits() -> HeaderLimits {
    HeaderLimits { max_list_bytes: 5_000, max_fields: 12, ..HeaderLimits::default() }
}

fn whole(block: &[u8]) -> Came {
    let (mut decoder, mut fields) = (Decoder::new(), Fields::new());
    let mut section = Section::new(&mut fields, limits());
    decoder.decode(block, &mut section)?;
    let over = section.tally().exceeded(&limits()).map(|exceeded| exceeded.to_string());
    Ok((fields, over, decoder.table_mut().len(), decoder.table_mut().size()))
}

fn in_pieces(block: &[u8], cuts: &[usize]) -> Came {
    let (mut decoder, mut fields, mut pieces) = (Decoder::new(), Fields::new(), Pieces::default());
    let mut section = Section::new(&mut fields, limits());
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (block.len() + 1)).collect();
    cuts.sort_unstable();
    let mut start = 0;
    for cut in cuts.into_iter().chain([block.len()]) {
        pieces.take(&block[start..cut], &mut decoder, &mut section)?;
        start = cut;
    }
    pieces.finish(&mut decoder, &mut section)?;
    let over = section.tally().exceeded(&limits()).map(|exceeded| exceeded.to_string());
    Ok((fields, over, decoder.table_mut().len(), decoder.table_mut().size()))
}

/// Plain literals with every kind of indexing, references, and size updates.
fn field() -> impl Strategy<Value = Vec<u8>> {
    let literal = |(first, name, value): (u8, Vec<u8>, usize)| {
        let mut made = vec![first, name.len() as u8];
        made.extend(name);
        super::integer::write(&mut made, 0, 7, value as u32);
        made.extend(vec![b'v'; value]);
        made
    };
    let size = prop_oneof![8 => 0usize..200, 1 => 4_000usize..6_000, 1 => 20_000usize..40_000];
    let name = prop_oneof![
        prop::collection::vec(b'a'..=b'z', 1..40),
        Just(b"grpc-status".to_vec()),
        Just(b"grpc-message".to_vec())
    ];
    prop_oneof![
        4 => (prop_oneof![Just(0u8), Just(0x10), Just(0x40)], name, size).prop_map(literal),
        2 => (0x82u8..0x90).prop_map(|byte| vec![byte]),
        1 => Just(vec![0xbe]),
        1 => Just(vec![0x3f, 0xe1, 0x1f]),
    ]
}

#[test]
fn a_cut_at_each_byte_changes_nothing() {
    // RFC 7541, C.4.1, behind two size updates.
    let block = hex("20 3fe11f 8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff");
    for cut in 0..=block.len() {
        assert_eq!(in_pieces(&block, &[cut]), whole(&block), "cut at {cut}");
        assert_eq!(in_pieces(&block, &[cut, cut + 1, cut + 2]), whole(&block), "cut at {cut}");
    }
}

#[test]
fn of_a_value_too_long_to_be_kept_nothing_waits() {
    let (mut decoder, mut fields, mut pieces) = (Decoder::new(), Fields::new(), Pieces::default());
    let mut section = Section::new(&mut fields, limits());
    let mut block = hex("40 0161 0162");
    block.extend(hex("40 0163 7f 81bf3d"));
    pieces.take(&block, &mut decoder, &mut section).expect("a beginning");
    for _ in 0..100 {
        pieces.take(&[b'v'; 10_000], &mut decoder, &mut section).expect("more of it");
        assert!(format!("{pieces:?}").len() < 200, "it is kept");
    }
    assert_eq!(decoder.table_mut().len(), 0, "an entry larger than the table empties it");
}

/// Found by random cuts.
#[test]
fn behind_a_long_value_the_block_has_begun() {
    let block = [&hex("00 0161 7f a19b01")[..], &[b'v'; 20_000], &hex("3fe11f")].concat();
    assert_eq!(whole(&block).expect_err("late").cause, "table size update after a field");
    assert_eq!(in_pieces(&block, &[3_000, 20_000]), whole(&block));
}

#[test]
fn what_ends_within_a_field_is_refused() {
    for block in ["40", "400161", "40016102", "4001610262", "ff", "00"] {
        let cause = |came: Came| came.map_err(|error| error.cause).expect_err("an error");
        assert_eq!(cause(in_pieces(&hex(block), &[1])), cause(whole(&hex(block))), "{block}");
    }
}

proptest! {
    #[test]
    fn any_cuts_come_to_the_same(fields in prop::collection::vec(field(), 0..20), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let block = fields.concat();
        let (wanted, came) = (whole(&block), in_pieces(&block, &cuts));
        match (wanted, came) {
            (Ok(wanted), Ok(came)) => prop_assert_eq!(wanted, came),
            (wanted, came) => prop_assert_eq!(wanted.is_err(), came.is_err()),
        }
    }

    #[test]
    fn random_bytes_in_pieces_are_taken_or_refused_as_whole_ones_are(block in prop::collection::vec(any::<u8>(), 0..60), cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        let (wanted, came) = (whole(&block), in_pieces(&block, &cuts));
        prop_assert_eq!(came.is_ok(), wanted.is_ok());
        if let (Ok(wanted), Ok(came)) = (wanted, came) {
            prop_assert_eq!(wanted, came);
        }
    }
}
