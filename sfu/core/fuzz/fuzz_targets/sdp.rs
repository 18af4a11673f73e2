//! Offers of clients, and our answers to them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| sfu_core::fuzz::sdp(text));
