//! Both kinds of ping, and the silence after which a socket counts as lost (contract livekit.md
//! 2.3 to 2.5).

use super::api::Millis;
use crate::proto;

const DEFAULT_INTERVAL: Millis = 5_000;
const DEFAULT_TIMEOUT: Millis = 15_000;

#[derive(Debug)]
pub(super) struct Keepalive {
    interval: Millis,
    timeout: Millis,
    next_ping: Millis,
    heard: Millis,
    rtt: Millis,
}

pub(super) enum Beat {
    Idle,
    Ping { timestamp: i64, rtt: i64 },
    Lost,
}

impl Keepalive {
    /// Seconds as the server gives them; without any, LiveKit's defaults.
    pub(super) fn new(now: Millis, interval_s: i32, timeout_s: i32) -> Keepalive {
        let or = |seconds: i32, default| if seconds > 0 { seconds as Millis * 1000 } else { default };
        let interval = or(interval_s, DEFAULT_INTERVAL);
        let timeout = or(timeout_s, DEFAULT_TIMEOUT).max(interval + 1000);
        Keepalive { interval, timeout, next_ping: now + interval, heard: now, rtt: 0 }
    }

    /// Starts anew on a new socket.
    pub(super) fn reset(&mut self, now: Millis) {
        self.heard = now;
        self.next_ping = now + self.interval;
    }

    /// Any message shows that the socket lives.
    pub(super) fn heard(&mut self, now: Millis) {
        self.heard = now;
    }

    pub(super) fn pong(&mut self, now: Millis, pong: &proto::Pong) {
        if let Ok(sent) = Millis::try_from(pong.last_ping_timestamp) {
            self.rtt = now.saturating_sub(sent);
        }
    }

    pub(super) fn deadline(&self) -> Millis {
        self.next_ping.min(self.heard + self.timeout)
    }

    pub(super) fn beat(&mut self, now: Millis) -> Beat {
        if now >= self.heard + self.timeout {
            return Beat::Lost;
        }
        if now < self.next_ping {
            return Beat::Idle;
        }
        self.next_ping = now + self.interval;
        Beat::Ping { timestamp: now as i64, rtt: self.rtt as i64 }
    }
}
