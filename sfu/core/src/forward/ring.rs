//! Plaintext packets of one layer, kept for retransmission: a fixed arena that the newest packets
//! overwrite. Memory is taken once and never grows.

use crate::media::Kind;
use crate::rtp::vp8;

/// Facts about a stored packet that every subscriber needs.
#[derive(Clone, Copy, Default, Debug)]
pub struct Facts {
    /// Extended sequence number of the publisher.
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    /// A decoder can start here.
    pub key_start: bool,
    /// Index into the codecs of the track's section.
    pub codec: u8,
    pub vp8: Option<vp8::Descriptor>,
    /// Where the newest block of a RED payload starts; 0 for other codecs.
    pub red_primary: u16,
}

#[derive(Clone, Copy, Default, Debug)]
struct Slot {
    facts: Facts,
    /// Position in the endless arena; valid while less than the arena's size behind its end.
    start: u64,
    extensions: u16,
    /// Zero marks an unused slot.
    length: u16,
}

/// See the module documentation.
pub struct PacketRing {
    slots: Box<[Slot]>,
    arena: Box<[u8]>,
    end: u64,
}

/// A stored packet.
pub struct Stored<'a> {
    pub facts: Facts,
    /// Elements worth forwarding, as written by [`super::track::carry`].
    pub extensions: &'a [u8],
    pub payload: &'a mut [u8],
}

impl PacketRing {
    pub fn new(kind: Kind) -> Self {
        let (slots, bytes) = match kind {
            Kind::Audio => (256, 48 << 10),
            Kind::Video => (512, 512 << 10),
        };
        Self { slots: vec![Slot::default(); slots].into(), arena: vec![0; bytes].into(), end: 0 }
    }

    /// Stores a packet in place of the oldest ones. False when it is empty or too large to keep.
    pub fn push(&mut self, facts: Facts, extensions: &[u8], payload: &[u8]) -> bool {
        let size = self.arena.len() as u64;
        let length = extensions.len() + payload.len();
        if payload.is_empty() || length > usize::from(u16::MAX) || length as u64 > size / 2 {
            return false;
        }
        // Packets do not wrap around the end of the arena.
        let mut start = self.end;
        if start % size + length as u64 > size {
            start = start.next_multiple_of(size);
        }
        self.end = start + length as u64;
        let at = (start % size) as usize;
        self.arena[at..at + extensions.len()].copy_from_slice(extensions);
        self.arena[at + extensions.len()..at + length].copy_from_slice(payload);
        let slot = self.slot(facts.sequence);
        self.slots[slot] = Slot { facts, start, extensions: extensions.len() as u16, length: length as u16 };
        true
    }

    /// Whether this number was stored before, even if its bytes are overwritten by now.
    pub fn saw(&self, sequence: u64) -> bool {
        let slot = &self.slots[self.slot(sequence)];
        slot.length > 0 && slot.facts.sequence == sequence
    }

    pub fn lookup(&mut self, sequence: u64) -> Option<Stored<'_>> {
        let slot = *self.find(sequence)?;
        let at = (slot.start % self.arena.len() as u64) as usize;
        let bytes = &mut self.arena[at..at + usize::from(slot.length)];
        let (extensions, payload) = bytes.split_at_mut(usize::from(slot.extensions));
        Some(Stored { facts: slot.facts, extensions, payload })
    }

    /// How many sequence numbers a packet may lie behind the newest and still be stored.
    pub fn depth(&self) -> u64 {
        self.slots.len() as u64
    }

    fn find(&self, sequence: u64) -> Option<&Slot> {
        let slot = &self.slots[self.slot(sequence)];
        let alive = slot.length > 0
            && slot.facts.sequence == sequence
            && self.end - slot.start <= self.arena.len() as u64;
        alive.then_some(slot)
    }

    fn slot(&self, sequence: u64) -> usize {
        sequence as usize % self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(sequence: u64) -> Facts {
        Facts { sequence, ..Facts::default() }
    }

    #[test]
    fn stored_packets_are_found_until_overwritten() {
        let mut ring = PacketRing::new(Kind::Audio);
        for sequence in 0..2000_u64 {
            let payload = vec![sequence as u8; 1 + sequence as usize % 200];
            assert!(ring.push(facts(sequence), &[7; 3], &payload));
            let stored = ring.lookup(sequence).unwrap();
            assert_eq!((stored.extensions, &*stored.payload), (&[7; 3][..], &payload[..]));
            let kept = (0..=sequence).filter(|&old| ring.lookup(old).is_some()).count();
            assert!(kept >= 200.min(sequence as usize), "{sequence} {kept}");
            assert!(ring.saw(sequence) && !ring.saw(sequence + 1));
        }
        assert!(ring.lookup(1700 - 256).is_none());
    }

    #[test]
    fn overwritten_bytes_are_never_answered() {
        let mut ring = PacketRing::new(Kind::Audio);
        for sequence in 0..1000_u64 {
            ring.push(facts(sequence), &[], &vec![sequence as u8; 1400]);
            for old in sequence.saturating_sub(60)..=sequence {
                if let Some(stored) = ring.lookup(old) {
                    assert!(stored.payload.iter().all(|&byte| byte == old as u8));
                }
            }
        }
    }
}
