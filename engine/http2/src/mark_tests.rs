//! The quick looks at names and values against plain ones.

use proptest::prelude::*;

use super::{Mark, NameKind, ValueFault};

/// What a plain look finds in the value of a regular field.
fn plain(value: &[u8]) -> Option<ValueFault> {
    let first = value.iter().find(|byte| [0, 10, 13].contains(*byte));
    match first {
        Some(0) => Some(ValueFault::Nul),
        Some(10) => Some(ValueFault::LineFeed),
        Some(_) => Some(ValueFault::CarriageReturn),
        None => (value.first() == Some(&9) || value.last() == Some(&9)).then_some(ValueFault::OuterSpace),
    }
}

fn fault(value: &[u8]) -> Option<ValueFault> {
    Mark::REGULAR.with_value(value).fault
}

#[test]
fn each_smuggling_byte_is_found_at_each_place() {
    for length in 1..40 {
        for at in 0..length {
            for byte in 0..=255u8 {
                let mut value = vec![b'x'; length];
                value[at] = byte;
                assert_eq!(fault(&value), plain(&value), "{byte} at {at} of {length}");
            }
        }
    }
}

#[test]
fn each_byte_of_a_name_is_judged_as_the_rfc_says() {
    for byte in 0..=255u8 {
        let good = matches!(byte, 0x21..=0x39 | 0x3b..=0x40 | 0x5b..=0x7e);
        let kind = Mark::of_name(&[b'x', byte]).kind;
        assert_eq!(kind, if good { NameKind::Regular } else { NameKind::Invalid }, "{byte:#x}");
    }
}

proptest! {
    #[test]
    fn random_values_are_judged_as_a_plain_look_does(value in prop::collection::vec(prop_oneof![any::<u8>(), 8u8..16], 0..80)) {
        prop_assert_eq!(fault(&value), plain(&value));
    }
}
