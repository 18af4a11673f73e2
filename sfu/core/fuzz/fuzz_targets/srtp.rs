//! SRTP and SRTCP of somebody without the key.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| sfu_core::fuzz::srtp(data));
