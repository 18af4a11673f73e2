//! Time between attempts to connect (contract livekit.md 5.3).

use super::api::Millis;

const DELAYS: [Millis; 5] = [0, 300, 1200, 2700, 4800];
const LONGEST: Millis = 7000;
const JITTER: Millis = 1000;

/// Failures in a row after which a first join, and a session that was joined, are given up.
pub(super) const FIRST_ATTEMPTS: u32 = 3;
pub(super) const ATTEMPTS: u32 = 10;

#[derive(Debug)]
pub(super) struct Backoff {
    state: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Backoff {
        // The generator stands still at zero.
        Backoff { state: seed.max(1) }
    }

    /// Wait after so many failures in a row. The longer ones are spread, so that the clients of a
    /// server that comes back do not come all at once.
    pub(super) fn delay(&mut self, failures: u32) -> Millis {
        let delay = DELAYS.get(failures as usize).copied().unwrap_or(LONGEST);
        if failures < 2 { delay } else { delay + self.random() % JITTER }
    }

    /// xorshift64.
    fn random(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_are_quick_and_later_ones_spread() {
        let mut backoff = Backoff::new(0);
        assert_eq!(backoff.delay(0), 0);
        assert_eq!(backoff.delay(1), 300);
        for (failures, base) in [(2, 1200), (3, 2700), (4, 4800), (5, 7000), (9, 7000)] {
            let delay = backoff.delay(failures);
            assert!((base..base + 1000).contains(&delay), "{failures}: {delay}");
        }
        let spread = |seed| Backoff::new(seed).delay(5);
        assert_ne!(spread(1), spread(2));
    }
}
