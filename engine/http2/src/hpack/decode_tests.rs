//! What the decoder takes, and what it must not.

use super::decode::Decoder;
use crate::headers::Section;
use crate::{ConnectionError, ErrorCode, Fields, HeaderLimits};

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter_map(|c| (c as char).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(super) fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(String, String)>, ConnectionError> {
    let mut fields = Fields::new();
    let mut section = Section::new(&mut fields, HeaderLimits::default());
    decoder.decode(block, &mut section)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(fields.iter().map(|f| (text(f.name), text(f.value))).collect())
}

fn refused(block: &str) -> &'static str {
    let error = decode(&mut Decoder::new(), &hex(block)).expect_err("a block to refuse");
    assert_eq!(error.code, ErrorCode::COMPRESSION_ERROR);
    error.cause
}

#[test]
fn an_index_of_no_entry_is_refused() {
    assert_eq!(refused("80"), "index of no entry");
    assert_eq!(refused("be"), "index of no entry");
    assert_eq!(refused("7e0161"), "index of no entry");
}

#[test]
fn integers_are_bounded() {
    assert_eq!(refused("ffffffffffff0f"), "bad integer");
    assert_eq!(refused("ff"), "bad integer");
    assert_eq!(refused("007fffffffffff0f"), "bad integer");
}

#[test]
fn strings_end_within_their_block() {
    assert_eq!(refused("000561"), "string beyond its block");
    assert_eq!(refused("00"), "bad integer");
    assert_eq!(refused("000161"), "bad integer");
}

#[test]
fn huffman_strings_with_bad_padding_or_an_end_are_refused() {
    assert_eq!(refused("0081ff00"), "bad huffman string");
    assert_eq!(refused("00811c00"), "bad huffman string");
    assert_eq!(refused("0084ffffffff00"), "bad huffman string");
}

#[test]
fn size_updates_stand_at_the_start_under_our_limit() {
    assert_eq!(refused("8220"), "table size update after a field");
    assert_eq!(refused("3fe21f"), "table size update over the limit");
    assert_eq!(refused("202020"), "too many table size updates");
    assert!(decode(&mut Decoder::new(), &hex("203fe11f82")).is_ok());
}

#[test]
fn an_entry_larger_than_the_table_empties_it() {
    let mut decoder = Decoder::new();
    decoder.table_mut().resize(64);
    decode(&mut decoder, &hex("4001610162")).expect("fits");
    assert_eq!(decoder.table_mut().len(), 1);
    let long = ["4001632f".to_owned(), "64".repeat(47)].concat();
    decode(&mut decoder, &hex(&long)).expect("is no error");
    assert_eq!((decoder.table_mut().len(), decoder.table_mut().size()), (0, 0));
}

#[test]
fn a_name_is_read_before_its_entry_is_evicted() {
    let mut decoder = Decoder::new();
    decoder.table_mut().resize(40);
    decode(&mut decoder, &hex("4003616263017a")).expect("fits");
    let got = decode(&mut decoder, &hex("7e0179")).expect("names the entry it evicts");
    assert_eq!(got, [("abc".to_owned(), "y".to_owned())]);
    let again = decode(&mut decoder, &hex("be")).expect("the new entry");
    assert_eq!(again, got);
}

#[test]
fn the_arena_stays_within_twice_its_limit() {
    let mut decoder = Decoder::new();
    for turn in 0..10_000u32 {
        let value = format!("{turn:08}");
        let block = [&hex("40017a08")[..], value.as_bytes()].concat();
        decode(&mut decoder, &block).expect("fits");
        let newest = decode(&mut decoder, &hex("be")).expect("just inserted");
        assert_eq!(newest[0].1, value);
        assert!(decoder.table_mut().arena() <= 8_192);
    }
    assert_eq!(decoder.table_mut().len(), 4_096 / 41);
}

#[test]
fn a_refused_list_leaves_the_table_in_step() {
    let mut decoder = Decoder::new();
    let mut fields = Fields::new();
    let limits = HeaderLimits { max_fields: 1, ..HeaderLimits::default() };
    let mut section = Section::new(&mut fields, limits);
    decoder.decode(&hex("4001610162400163016440016501664001670168"), &mut section).expect("it is read on");
    assert!(section.tally().exceeded(&HeaderLimits::default()).is_some());
    assert_eq!(fields.len(), 0, "nothing is kept of it");
    assert_eq!(decode(&mut decoder, &hex("be")).expect("was kept"), [("g".to_owned(), "h".to_owned())]);
}

#[test]
fn thousands_of_references_to_one_field_are_not_kept_and_at_last_end_the_connection() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, &hex("4001610162")).expect("fits");
    assert_eq!(decode(&mut decoder, &[0xbe; 100_000]), Ok(Vec::new()));
    let error = decode(&mut decoder, &[0xbe; 100_001]).expect_err("a bomb");
    assert_eq!(error.code, ErrorCode::ENHANCE_YOUR_CALM);
}
