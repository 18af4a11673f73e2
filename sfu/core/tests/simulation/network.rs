//! What happens between the parties: datagrams fly through weather, signalling is slow but sure.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sfu_core::room::ConnectionId;
use sfu_protocol::proto::{signal_request, signal_response};

/// What the network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) loss: f64,
    pub(crate) duplicate: f64,
    pub(crate) truncate: f64,
    /// One way, in milliseconds; the difference reorders.
    pub(crate) delay: (u64, u64),
}

pub(crate) const FINE: Weather = Weather { loss: 0.0, duplicate: 0.0, truncate: 0.0, delay: (8, 8) };
pub(crate) const ROUGH: Weather = Weather { loss: 0.05, duplicate: 0.05, truncate: 0.02, delay: (5, 40) };

const SIGNAL_DELAY: Duration = Duration::from_millis(12);

pub(crate) enum Parcel {
    Datagram {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    Ask {
        connection: ConnectionId,
        message: Box<signal_request::Message>,
    },
    Tell {
        connection: ConnectionId,
        message: Box<signal_response::Message>,
    },
    /// The socket is gone: seen by the server.
    Hangup {
        connection: ConnectionId,
    },
}

pub(crate) struct Network {
    pub(crate) weather: Weather,
    rng: StdRng,
    serial: u64,
    air: BinaryHeap<Reverse<Flight>>,
    /// Addresses from and to which nothing gets through.
    pub(crate) cut: Vec<SocketAddr>,
    /// Copies of all datagrams: from, to, bytes.
    pub(crate) tap: Option<Vec<(SocketAddr, SocketAddr, Vec<u8>)>>,
}

struct Flight {
    at: Instant,
    serial: u64,
    parcel: Parcel,
}

impl Network {
    pub(crate) fn new(weather: Weather, seed: u64) -> Network {
        Network {
            weather,
            rng: StdRng::seed_from_u64(seed),
            serial: 0,
            air: BinaryHeap::new(),
            cut: Vec::new(),
            tap: None,
        }
    }

    pub(crate) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.air.peek().map(|Reverse(flight)| flight.at)
    }

    pub(crate) fn take(&mut self) -> Option<Parcel> {
        self.air.pop().map(|Reverse(flight)| flight.parcel)
    }

    pub(crate) fn signal(&mut self, now: Instant, parcel: Parcel) {
        self.push(now + SIGNAL_DELAY, parcel);
    }

    pub(crate) fn datagram(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(tap) = &mut self.tap {
            tap.push((from, to, bytes.to_vec()));
        }
        let copies = 1 + usize::from(self.rng.random_bool(self.weather.duplicate));
        for _ in 0..copies {
            let lost = self.rng.random_bool(self.weather.loss);
            let truncated = self.rng.random_bool(self.weather.truncate);
            let (least, most) = self.weather.delay;
            let delay = Duration::from_micros(self.rng.random_range(least * 1000..=most * 1000));
            if lost || self.cut.contains(&from) || self.cut.contains(&to) {
                continue;
            }
            let mut bytes = bytes.to_vec();
            if truncated && !bytes.is_empty() {
                bytes.truncate(self.rng.random_range(0..bytes.len()));
            }
            self.push(now + delay, Parcel::Datagram { from, to, bytes });
        }
    }

    fn push(&mut self, at: Instant, parcel: Parcel) {
        self.serial += 1;
        self.air.push(Reverse(Flight { at, serial: self.serial, parcel }));
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}
