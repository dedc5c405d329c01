//! The quick looks at names and values against plain ones.

use proptest::prelude::*;

use super::{Mark, NameKind, is_bad_value};

#[test]
fn each_smuggling_byte_is_found_at_each_place() {
    for length in 1..40 {
        for at in 0..length {
            for byte in 0..=255u8 {
                let mut value = vec![b'x'; length];
                value[at] = byte;
                assert_eq!(is_bad_value(&value), [0, 10, 13].contains(&byte), "{byte} at {at} of {length}");
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
        let plain = value.iter().any(|byte| [0, 10, 13].contains(byte));
        prop_assert_eq!(is_bad_value(&value), plain);
    }
}
