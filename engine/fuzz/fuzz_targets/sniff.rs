#![no_main]
//! See `tulle_fuzz::sniff`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::sniff::run(data));
