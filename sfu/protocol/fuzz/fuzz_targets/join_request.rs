//! The `join_request` parameter, and the query parameters of the dual mode.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sfu_protocol::{Connect, Mode, join_request};

fuzz_target!(|text: &str| {
    if let Ok(connect) = join_request::decode(text) {
        assert!(join_request::decode(&join_request::encode(&connect)).is_ok());
    }
    let query = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let _ = Connect::from_query(Mode::Dual, query);
});
