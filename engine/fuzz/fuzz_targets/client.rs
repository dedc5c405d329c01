#![no_main]
//! See `tulle_fuzz::client`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::client::run(data));
