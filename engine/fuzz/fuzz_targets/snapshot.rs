#![no_main]
//! See `tulle_fuzz::snapshot`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::snapshot::run(data));
