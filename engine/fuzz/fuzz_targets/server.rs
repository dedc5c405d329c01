#![no_main]
//! See `tulle_fuzz::server`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::server::run(data));
