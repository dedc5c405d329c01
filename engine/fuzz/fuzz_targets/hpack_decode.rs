#![no_main]
//! See `tulle_fuzz::hpack_decode`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::hpack_decode::run(data));
