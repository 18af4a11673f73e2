//! The only place in the server that reads the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

pub(crate) fn now_s() -> u64 {
    (now_ms() / 1000) as u64
}
