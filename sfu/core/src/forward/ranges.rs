//! How a subscriber's continuous stream is stitched together from stretches of the publisher's
//! layers. Each stretch maps sequence numbers, timestamps and picture ids by constant offsets, so
//! that late packets and retransmissions are rewritten exactly as their neighbours were.

use crate::rtp::vp8;

/// Stretches remembered; older ones can no longer be retransmitted.
const KEPT: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub layer: u8,
    /// First sequence number of the publisher's layer in this stretch.
    pub source: u64,
    /// The subscriber's number for it.
    pub out: u64,
    /// Added to timestamps.
    pub timestamp: u32,
    pub vp8: vp8::Offsets,
}

/// See the module documentation. Ranges ascend in `out`.
#[derive(Debug)]
pub struct Ranges {
    list: Vec<Range>,
}

impl Default for Ranges {
    fn default() -> Self {
        Self { list: Vec::with_capacity(KEPT) }
    }
}

impl Ranges {
    pub fn last(&self) -> Option<&Range> {
        self.list.last()
    }

    /// Begins a stretch; an empty predecessor is replaced.
    pub fn start(&mut self, range: Range) {
        if self.list.last().is_some_and(|last| last.out == range.out) {
            self.list.pop();
        }
        if self.list.len() == KEPT {
            self.list.remove(0);
        }
        self.list.push(range);
    }

    /// Forgets a layer whose numbers start over.
    pub fn forget(&mut self, layer: u8) {
        self.list.retain(|range| range.layer != layer);
    }

    /// The subscriber's number of a packet of `layer`.
    pub fn map(&self, layer: u8, sequence: u64) -> Option<(u64, Range)> {
        let mut limit = u64::MAX;
        for range in self.list.iter().rev() {
            if range.layer == layer && sequence >= range.source {
                let out = range.out + (sequence - range.source);
                return (out < limit).then_some((out, *range));
            }
            limit = range.out;
        }
        None
    }

    /// The layer and the publisher's number behind a subscriber's number.
    pub fn unmap(&self, out: u64) -> Option<(u64, Range)> {
        let range = self.list.iter().rev().find(|range| range.out <= out)?;
        Some((range.source + (out - range.out), *range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(layer: u8, source: u64, out: u64) -> Range {
        Range { layer, source, out, timestamp: 0, vp8: vp8::Offsets::default() }
    }

    #[test]
    fn late_packets_are_mapped_by_the_stretch_they_belong_to() {
        let mut ranges = Ranges::default();
        ranges.start(range(0, 100, 1000));
        // 105 and 106 were padding.
        ranges.start(range(0, 107, 1005));
        let map = |layer, sequence| ranges.map(layer, sequence).map(|(out, _)| out);
        assert_eq!(map(0, 104), Some(1004));
        assert_eq!(map(0, 105), None);
        assert_eq!(map(0, 106), None);
        assert_eq!(map(0, 107), Some(1005));
        assert_eq!(map(0, 99), None);
        assert_eq!(map(1, 107), None);
    }

    #[test]
    fn unmapping_inverts_mapping() {
        let mut ranges = Ranges::default();
        ranges.start(range(0, 100, 1000));
        ranges.start(range(2, 5, 1010));
        assert_eq!(ranges.unmap(1009).map(|(source, range)| (source, range.layer)), Some((109, 0)));
        assert_eq!(ranges.unmap(1012).map(|(source, range)| (source, range.layer)), Some((7, 2)));
        assert!(ranges.unmap(999).is_none());
    }
}
