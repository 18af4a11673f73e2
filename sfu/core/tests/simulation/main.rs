//! The whole media core in fake time: a room and its shard, clients that speak ICE, DTLS, SCTP,
//! SRTP, SDP and signalling, and a seeded network between them that loses, delays, repeats and
//! reorders. One file per behaviour. A failure names its seed; `SEED=7 cargo test …` runs that one,
//! `SEED_FACTOR=20` twenty times as many.

mod client;
mod data;
mod dual;
mod hostile;
mod layers;
mod leave;
mod loss;
mod media;
mod meeting;
mod mute;
mod network;
mod restart;
mod session;
mod world;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The seeds to try, or the one of the environment.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("SEED_FACTOR").unwrap_or(1),
    }
}
