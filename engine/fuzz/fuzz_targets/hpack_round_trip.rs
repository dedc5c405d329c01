#![no_main]
//! See `tulle_fuzz::hpack_round_trip`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::hpack_round_trip::run(data));
