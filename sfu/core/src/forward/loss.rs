//! Which packets of a layer are missing, and when to ask for them again (contract livekit.md 4.1).

use std::time::{Duration, Instant};

const MAX_MISSING: usize = 100;
const MAX_TRIES: u8 = 5;
/// Reordered packets get this long before the first request.
const PATIENCE: Duration = Duration::from_millis(20);
const MIN_SPACING: Duration = Duration::from_millis(20);
const MAX_SPACING: Duration = Duration::from_millis(400);
const ROUND_TRIP: Duration = Duration::from_millis(70);
const BACK_OFF: f64 = 1.25;

#[derive(Clone, Copy, Debug)]
struct Missing {
    sequence: u64,
    tries: u8,
    due: Instant,
}

/// Missing packets in ascending order, bounded: the oldest are given up first.
#[derive(Debug)]
pub struct Losses {
    missing: Vec<Missing>,
    newest: Option<u64>,
}

impl Default for Losses {
    fn default() -> Self {
        Self { missing: Vec::with_capacity(MAX_MISSING), newest: None }
    }
}

impl Losses {
    /// Notes an arrival, retransmitted or not.
    pub fn arrived(&mut self, sequence: u64, now: Instant) {
        let Some(newest) = self.newest else {
            self.newest = Some(sequence);
            return;
        };
        if sequence <= newest {
            if let Ok(at) = self.missing.binary_search_by_key(&sequence, |missing| missing.sequence) {
                self.missing.remove(at);
            }
            return;
        }
        self.newest = Some(sequence);
        let first = (newest + 1).max(sequence.saturating_sub(MAX_MISSING as u64));
        for lost in first..sequence {
            if self.missing.len() == MAX_MISSING {
                self.missing.remove(0);
            }
            self.missing.push(Missing { sequence: lost, tries: 0, due: now + PATIENCE });
        }
    }

    pub fn is_empty(&self) -> bool {
        self.missing.is_empty()
    }

    /// Appends the numbers to ask for now, ascending, and gives up those asked for too often.
    pub fn due(&mut self, now: Instant, out: &mut Vec<u16>) {
        self.missing.retain_mut(|missing| {
            if missing.due > now {
                return true;
            }
            if missing.tries >= MAX_TRIES {
                return false;
            }
            let spacing = ROUND_TRIP.mul_f64(BACK_OFF.powi(i32::from(missing.tries)));
            missing.due = now + spacing.clamp(MIN_SPACING, MAX_SPACING);
            missing.tries += 1;
            out.push(missing.sequence as u16);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_asked_for_until_filled_or_given_up() {
        let start = Instant::now();
        let mut losses = Losses::default();
        losses.arrived(10, start);
        losses.arrived(13, start);
        let at = |losses: &mut Losses, ms| {
            let mut out = Vec::new();
            losses.due(start + Duration::from_millis(ms), &mut out);
            out
        };
        assert!(at(&mut losses, 10).is_empty());
        assert_eq!(at(&mut losses, 20), [11, 12]);
        assert!(at(&mut losses, 60).is_empty());
        losses.arrived(12, start);
        let asked: Vec<u64> = (61..3000).filter(|&ms| at(&mut losses, ms) == [11]).collect();
        assert_eq!(asked.len(), 4);
        assert_eq!(asked[0], 90);
        assert!(losses.is_empty());
    }

    #[test]
    fn a_long_gap_is_bounded() {
        let now = Instant::now();
        let mut losses = Losses::default();
        losses.arrived(1, now);
        losses.arrived(1_000_000, now);
        let mut out = Vec::new();
        losses.due(now + PATIENCE, &mut out);
        assert_eq!(out.len(), MAX_MISSING);
        assert_eq!(*out.last().unwrap(), 999_999_u32 as u16);
    }
}
