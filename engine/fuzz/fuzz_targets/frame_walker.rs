#![no_main]
//! See `tulle_fuzz::frame_walker`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| tulle_fuzz::frame_walker::run(data));
