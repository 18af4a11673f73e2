//! Extended packet indices and the replay window of one stream (RFC 3711 sections 3.3.1, 3.3.2).

const WORDS: usize = 16;

/// Packets this far behind the newest are still accepted: half a minute of audio, seconds of
/// video, so that late retransmissions on the stream's own SSRC get through.
pub(super) const WINDOW: u64 = WORDS as u64 * 64;

/// Which of the last [`WINDOW`] indices have been seen.
#[derive(Clone, Debug)]
pub(super) struct Window {
    newest: Option<u64>,
    seen: [u64; WORDS],
}

impl Window {
    pub(super) fn new() -> Self {
        Self { newest: None, seen: [0; WORDS] }
    }

    /// The index meant by a 16-bit sequence number: the one nearest to the newest.
    pub(super) fn extend(&self, sequence: u16) -> u64 {
        let Some(newest) = self.newest else { return u64::from(sequence) };
        let delta = sequence.wrapping_sub(newest as u16) as i16;
        // Before index zero there is nothing: such a number lies ahead.
        newest.checked_add_signed(i64::from(delta)).unwrap_or_else(|| u64::from(sequence))
    }

    pub(super) fn is_fresh(&self, index: u64) -> bool {
        let Some(newest) = self.newest else { return true };
        if index > newest {
            return true;
        }
        newest - index < WINDOW && self.seen[word(index)] & bit(index) == 0
    }

    /// Marks an authenticated index as seen.
    pub(super) fn record(&mut self, index: u64) {
        match self.newest {
            Some(newest) if index <= newest => {}
            Some(newest) if index - newest < WINDOW => {
                for skipped in newest + 1..=index {
                    self.seen[word(skipped)] &= !bit(skipped);
                }
                self.newest = Some(index);
            }
            _ => {
                self.seen = [0; WORDS];
                self.newest = Some(index);
            }
        }
        self.seen[word(index)] |= bit(index);
    }
}

fn word(index: u64) -> usize {
    (index / 64) as usize % WORDS
}

fn bit(index: u64) -> u64 {
    1 << (index % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_fresh_once() {
        let mut window = Window::new();
        for index in [5, 7, 6, 5000, 5000 - WINDOW + 1] {
            assert!(window.is_fresh(index), "{index}");
            window.record(index);
            assert!(!window.is_fresh(index), "{index}");
        }
        assert!(!window.is_fresh(5000 - WINDOW));
        assert!(window.is_fresh(4999));
    }

    #[test]
    fn sequence_numbers_extend_over_the_roll_over_both_ways() {
        let mut window = Window::new();
        assert_eq!(window.extend(65_534), 65_534);
        window.record(65_534);
        assert_eq!(window.extend(2), 65_538);
        window.record(65_538);
        assert_eq!(window.extend(65_535), 65_535);
        let mut start = Window::new();
        start.record(1);
        assert_eq!(start.extend(65_535), 65_535);
    }
}
