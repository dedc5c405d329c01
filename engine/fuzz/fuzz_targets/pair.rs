#![no_main]
//! See `tulle_fuzz::pair`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::pair::run(data));
