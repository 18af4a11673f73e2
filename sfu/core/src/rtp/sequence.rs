//! Sequence numbers that do not wrap.

/// Extends 16-bit sequence numbers to 64 bits. The first one is put above 2^16, so that numbers
/// shortly before it stay positive.
#[derive(Clone, Copy, Default, Debug)]
pub struct Extender {
    newest: Option<u64>,
}

impl Extender {
    /// The extended number nearest to the newest so far.
    pub fn extend(&self, sequence: u16) -> u64 {
        match self.newest {
            None => (1 << 16) + u64::from(sequence),
            Some(newest) => {
                let delta = sequence.wrapping_sub(newest as u16) as i16;
                newest.saturating_add_signed(i64::from(delta))
            }
        }
    }

    /// Makes `extended` the newest if it is ahead.
    pub fn record(&mut self, extended: u64) {
        self.newest = Some(self.newest.map_or(extended, |newest| newest.max(extended)));
    }

    pub fn newest(&self) -> Option<u64> {
        self.newest
    }
}
