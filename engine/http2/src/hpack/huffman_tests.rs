//! The fast decoder against a slow one that walks the code bit by bit.

use proptest::prelude::*;

use super::huffman::{HuffmanError, decode, encode, encoded_len};
use super::huffman_code::{CANONICAL, EOS, LENGTHS};

/// Bit by bit, symbol by symbol: too simple to be wrong.
fn slowly(source: &[u8]) -> Result<Vec<u8>, HuffmanError> {
    let (mut code, mut length, mut out) = (0u32, 0u8, Vec::new());
    for at in 0..source.len() * 8 {
        code = code << 1 | u32::from(source[at / 8] >> (7 - at % 8) & 1);
        length += 1;
        let symbol = (0..257).find(|&s| LENGTHS[s] == length && CANONICAL.codes[s] == code);
        match symbol {
            Some(EOS) => return Err(HuffmanError::EndOfString),
            Some(symbol) => {
                out.push(symbol as u8);
                (code, length) = (0, 0);
            }
            None => {}
        }
    }
    if length > 7 || code != (1u32 << length) - 1 { Err(HuffmanError::Padding) } else { Ok(out) }
}

fn quickly(source: &[u8]) -> Result<Vec<u8>, HuffmanError> {
    let mut out = Vec::new();
    decode(source, &mut out).map(|()| out)
}

#[test]
fn the_code_is_that_of_the_rfc_at_its_edges() {
    // RFC 7541 appendix B: '0', 'a', NUL, 10 and the end of string.
    assert_eq!((CANONICAL.codes[b'0' as usize], LENGTHS[b'0' as usize]), (0x0, 5));
    assert_eq!((CANONICAL.codes[b'a' as usize], LENGTHS[b'a' as usize]), (0x3, 5));
    assert_eq!((CANONICAL.codes[0], LENGTHS[0]), (0x1ff8, 13));
    assert_eq!((CANONICAL.codes[10], LENGTHS[10]), (0x3fff_fffc, 30));
    assert_eq!((CANONICAL.codes[EOS], LENGTHS[EOS]), (0x3fff_ffff, 30));
}

#[test]
fn every_byte_comes_back_in_every_neighbourhood() {
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            let plain = [first, second, first];
            let mut packed = Vec::new();
            encode(&plain, &mut packed);
            assert_eq!(packed.len(), encoded_len(&plain));
            assert_eq!(quickly(&packed).as_deref(), Ok(&plain[..]));
        }
    }
}

#[test]
fn whole_bytes_of_padding_are_refused() {
    let mut packed = Vec::new();
    encode(b"grpc", &mut packed);
    packed.push(0xff);
    assert_eq!(quickly(&packed), Err(HuffmanError::Padding));
}

proptest! {
    #[test]
    fn random_bits_give_what_the_slow_decoder_gives(source in prop::collection::vec(any::<u8>(), 0..40)) {
        let (quick, slow) = (quickly(&source), slowly(&source));
        prop_assert_eq!(quick.is_ok(), slow.is_ok());
        if let (Ok(quick), Ok(slow)) = (quick, slow) {
            prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn long_codes_give_what_the_slow_decoder_gives(plain in prop::collection::vec(any::<u8>(), 0..60), cut in 0usize..8) {
        let mut packed = Vec::new();
        encode(&plain, &mut packed);
        prop_assert_eq!(quickly(&packed), Ok(plain));
        packed.truncate(packed.len().saturating_sub(cut));
        prop_assert_eq!(quickly(&packed).ok(), slowly(&packed).ok());
    }
}
