//! Panics that tests ask for, in the places that a call passes. Compiled by the feature `planted-panics` alone, which the
//! tests of this crate switch on and no build of the extension does.

use tulle_http2::Fields;

/// Panics where `head` asks for it by `x-panic: PLACE`.
#[cfg(feature = "planted-panics")]
pub(crate) fn panic_at(place: &str, head: &Fields) {
    assert_ne!(head.get(b"x-panic"), Some(place.as_bytes()), "planted");
}

#[cfg(not(feature = "planted-panics"))]
#[inline(always)]
pub(crate) fn panic_at(_: &str, _: &Fields) {}
