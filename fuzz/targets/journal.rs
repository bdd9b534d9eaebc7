#![no_main]
#[path = "../../tests/rust/hostile.rs"]
#[allow(dead_code, reason = "each target uses one of its checks")]
mod hostile;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::journal(bytes));
