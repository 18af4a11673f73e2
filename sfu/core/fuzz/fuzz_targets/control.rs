//! STUN, DTLS and candidates of somebody without our ICE password.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| sfu_core::fuzz::control(data));
