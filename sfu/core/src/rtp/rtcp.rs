//! RTCP compound packets (RFC 3550 section 6, RFC 4585, RFC 5104, REMB draft): what we read and
//! what we write. Malformed parts end the iteration, unknown ones are skipped.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Largest count of blocks or sources in one packet.
pub const MAX_BLOCKS: usize = 31;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet<'a> {
    SenderReport {
        ssrc: u32,
        ntp: u64,
        rtp: u32,
        blocks: Blocks<'a>,
    },
    ReceiverReport {
        blocks: Blocks<'a>,
    },
    Bye {
        sources: Words<'a>,
    },
    Nack {
        media: u32,
        lost: Lost<'a>,
    },
    Pli {
        media: u32,
    },
    /// Media sources of which a full intra frame is wanted.
    Fir {
        sources: FirSources<'a>,
    },
    /// Bits per second.
    Remb {
        bitrate: u64,
    },
    /// Transport-wide congestion control feedback.
    Twcc {
        feedback: &'a [u8],
    },
}

/// Iterates over the packets of a compound that we understand.
#[derive(Clone, Debug)]
pub struct Compound<'a> {
    rest: &'a [u8],
}

impl<'a> Compound<'a> {
    pub fn new(packet: &'a [u8]) -> Self {
        Self { rest: packet }
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let head: &[u8; 4] = self.rest.first_chunk()?;
            if head[0] >> 6 != 2 {
                return None;
            }
            let length = 4 + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (packet, rest) = self.rest.split_at_checked(length)?;
            self.rest = rest;
            if let Some(packet) = parse(head[0] & 0x1f, head[1], &packet[4..]) {
                return Some(packet);
            }
        }
    }
}

fn parse(count: u8, kind: u8, body: &[u8]) -> Option<Packet<'_>> {
    match (kind, count) {
        (SENDER_REPORT, count) => Some(Packet::SenderReport {
            ssrc: u32_at(body, 0)?,
            ntp: u64::from(u32_at(body, 4)?) << 32 | u64::from(u32_at(body, 8)?),
            rtp: u32_at(body, 12)?,
            blocks: Blocks::new(body.get(24..)?, count),
        }),
        (RECEIVER_REPORT, count) => {
            Some(Packet::ReceiverReport { blocks: Blocks::new(body.get(4..)?, count) })
        }
        (BYE, count) => Some(Packet::Bye { sources: Words(body.get(..4 * usize::from(count))?) }),
        (TRANSPORT_FEEDBACK, 1) => {
            Some(Packet::Nack { media: u32_at(body, 4)?, lost: Lost::new(body.get(8..)?) })
        }
        (TRANSPORT_FEEDBACK, 15) => Some(Packet::Twcc { feedback: body }),
        (PAYLOAD_FEEDBACK, 1) => Some(Packet::Pli { media: u32_at(body, 4)? }),
        (PAYLOAD_FEEDBACK, 4) => Some(Packet::Fir { sources: FirSources(body.get(8..)?) }),
        (PAYLOAD_FEEDBACK, 15) if body.get(8..12)? == b"REMB" => {
            let word = u32_at(body, 12)? & 0x00ff_ffff;
            let bitrate = u64::from(word & 0x3_ffff).checked_shl(word >> 18).unwrap_or(u64::MAX);
            Some(Packet::Remb { bitrate })
        }
        _ => None,
    }
}

/// A report block (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Block {
    pub ssrc: u32,
    /// Of 256, since the previous report.
    pub fraction_lost: u8,
    pub lost: i32,
    pub highest_sequence: u32,
    /// In units of the stream's clock.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time, 0 if there was none.
    pub last_sender_report: u32,
    /// Since then, in 1/65536 s.
    pub delay: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Blocks<'a> {
    fn new(rest: &'a [u8], left: u8) -> Self {
        Self { rest, left }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        self.left = self.left.checked_sub(1)?;
        let (block, rest) = self.rest.split_at_checked(24)?;
        self.rest = rest;
        Some(Block {
            ssrc: u32_at(block, 0)?,
            fraction_lost: block[4],
            lost: (u32_at(block, 4)? << 8) as i32 >> 8,
            highest_sequence: u32_at(block, 8)?,
            jitter: u32_at(block, 12)?,
            last_sender_report: u32_at(block, 16)?,
            delay: u32_at(block, 20)?,
        })
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words<'a>(&'a [u8]);

impl Iterator for Words<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*word))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirSources<'a>(&'a [u8]);

impl Iterator for FirSources<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (entry, rest) = self.0.split_at_checked(8)?;
        self.0 = rest;
        u32_at(entry, 0)
    }
}

/// The sequence numbers of a generic NACK (RFC 4585 section 6.2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost<'a> {
    rest: &'a [u8],
    base: u16,
    mask: u32,
}

impl<'a> Lost<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest, base: 0, mask: 0 }
    }
}

impl Iterator for Lost<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.mask == 0 {
            let (pair, rest) = self.rest.split_first_chunk::<4>()?;
            self.rest = rest;
            self.base = u16::from_be_bytes([pair[0], pair[1]]);
            self.mask = u32::from(u16::from_be_bytes([pair[2], pair[3]])) << 1 | 1;
        }
        let bit = self.mask.trailing_zeros();
        self.mask &= self.mask - 1;
        Some(self.base.wrapping_add(bit as u16))
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// Builds a compound packet in a buffer. A packet that does not fit is left out whole, and the
/// method answers false.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, length: 0 }
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Bytes left.
    pub fn room(&self) -> usize {
        self.out.len() - self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// At most [`MAX_BLOCKS`] blocks are taken.
    pub fn receiver_report(&mut self, sender: u32, blocks: &[Block]) -> bool {
        let blocks = &blocks[..blocks.len().min(MAX_BLOCKS)];
        self.packet(RECEIVER_REPORT, blocks.len() as u8, 4 + 24 * blocks.len(), |body| {
            put(body, 0, sender);
            for (block, body) in blocks.iter().zip(body[4..].chunks_exact_mut(24)) {
                put(body, 0, block.ssrc);
                put(body, 4, u32::from(block.fraction_lost) << 24 | block.lost as u32 & 0x00ff_ffff);
                put(body, 8, block.highest_sequence);
                put(body, 12, block.jitter);
                put(body, 16, block.last_sender_report);
                put(body, 20, block.delay);
            }
        })
    }

    pub fn sender_report(&mut self, ssrc: u32, ntp: u64, rtp: u32, packets: u32, octets: u32) -> bool {
        self.packet(SENDER_REPORT, 0, 24, |body| {
            for (at, word) in
                [ssrc, (ntp >> 32) as u32, ntp as u32, rtp, packets, octets].into_iter().enumerate()
            {
                put(body, 4 * at, word);
            }
        })
    }

    /// One SDES chunk with a CNAME.
    pub fn cname(&mut self, ssrc: u32, cname: &str) -> bool {
        let text = &cname.as_bytes()[..cname.len().min(255)];
        // At least one zero ends the list of items.
        self.packet(SOURCE_DESCRIPTION, 1, (4 + 2 + text.len() + 1).next_multiple_of(4), |body| {
            put(body, 0, ssrc);
            body[4] = 1;
            body[5] = text.len() as u8;
            body[6..6 + text.len()].copy_from_slice(text);
            body[6 + text.len()..].fill(0);
        })
    }

    /// `lost` in ascending order.
    pub fn nack(&mut self, sender: u32, media: u32, lost: &[u16]) -> bool {
        let pairs = || {
            let mut rest = lost;
            std::iter::from_fn(move || {
                let (&base, mut tail) = rest.split_first()?;
                let mut mask = 0_u16;
                while let Some((&next, after)) = tail.split_first() {
                    match next.wrapping_sub(base) {
                        0 => {}
                        distance @ 1..=16 => mask |= 1 << (distance - 1),
                        _ => break,
                    }
                    tail = after;
                }
                rest = tail;
                Some(u32::from(base) << 16 | u32::from(mask))
            })
        };
        self.packet(TRANSPORT_FEEDBACK, 1, 8 + 4 * pairs().count(), |body| {
            put(body, 0, sender);
            put(body, 4, media);
            for (at, pair) in pairs().enumerate() {
                put(body, 8 + 4 * at, pair);
            }
        })
    }

    pub fn pli(&mut self, sender: u32, media: u32) -> bool {
        self.packet(PAYLOAD_FEEDBACK, 1, 8, |body| {
            put(body, 0, sender);
            put(body, 4, media);
        })
    }

    pub fn fir(&mut self, sender: u32, media: u32, command: u8) -> bool {
        self.packet(PAYLOAD_FEEDBACK, 4, 16, |body| {
            put(body, 0, sender);
            put(body, 4, 0);
            put(body, 8, media);
            put(body, 12, u32::from(command) << 24);
        })
    }

    /// Transport feedback of [`super::twcc`], body after the common header.
    pub(super) fn transport_feedback(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        self.packet(TRANSPORT_FEEDBACK, 15, length, fill)
    }

    /// `length` is that of the body, a multiple of four.
    fn packet(&mut self, kind: u8, count: u8, length: usize, fill: impl FnOnce(&mut [u8])) -> bool {
        let Some(out) = self.out.get_mut(self.length..self.length + 4 + length) else { return false };
        out[0] = 0x80 | count;
        out[1] = kind;
        out[2..4].copy_from_slice(&((length / 4) as u16).to_be_bytes());
        fill(&mut out[4..]);
        self.length += 4 + length;
        true
    }
}

fn put(body: &mut [u8], at: usize, word: u32) {
    body[at..at + 4].copy_from_slice(&word.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(fill: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = [0xee; 512];
        let mut writer = Writer::new(&mut out);
        fill(&mut writer);
        let length = writer.len();
        out[..length].to_vec()
    }

    #[test]
    fn what_is_written_is_read() {
        let block = Block {
            ssrc: 7,
            fraction_lost: 3,
            lost: -2,
            highest_sequence: 0x1_0005,
            jitter: 12,
            last_sender_report: 99,
            delay: 100,
        };
        let bytes = write(|writer| {
            writer.receiver_report(1, &[block]);
            writer.sender_report(2, 0x0123_4567_89ab_cdef, 4, 5, 6);
            writer.cname(2, "abcd");
            writer.pli(1, 9);
            writer.fir(1, 10, 1);
        });
        let packets: Vec<_> = Compound::new(&bytes).collect();
        let Packet::ReceiverReport { mut blocks } = packets[0].clone() else { panic!("{packets:?}") };
        assert_eq!(blocks.next(), Some(block));
        assert_eq!(blocks.next(), None);
        assert!(matches!(
            packets[1],
            Packet::SenderReport { ssrc: 2, ntp: 0x0123_4567_89ab_cdef, rtp: 4, .. }
        ));
        assert_eq!(packets[2], Packet::Pli { media: 9 });
        let Packet::Fir { sources } = packets[3].clone() else { panic!("{packets:?}") };
        assert_eq!(sources.collect::<Vec<_>>(), [10]);
        assert_eq!(packets.len(), 4);
    }

    #[test]
    fn nacks_name_exactly_the_lost_packets() {
        let lost = [65_530, 65_534, 65_535, 0, 10, 27, 28, 500];
        let bytes = write(|writer| {
            writer.nack(1, 2, &lost);
        });
        let Some(Packet::Nack { media: 2, lost: read }) = Compound::new(&bytes).next() else { panic!() };
        assert_eq!(read.collect::<Vec<_>>(), lost);
    }

    #[test]
    fn remb_is_read() {
        let mut bytes = vec![0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend(*b"REMB");
        bytes.extend([1, 0x0b, 0xd0, 0x90, 0, 0, 0, 2]);
        // Exponent 2, mantissa 0x3d090.
        assert_eq!(Compound::new(&bytes).next(), Some(Packet::Remb { bitrate: 1_000_000 }));
    }

    #[test]
    fn truncated_compounds_end_without_a_packet() {
        let bytes = write(|writer| {
            writer.sender_report(2, 3, 4, 5, 6);
        });
        for length in 0..bytes.len() {
            assert_eq!(Compound::new(&bytes[..length]).next(), None);
        }
    }

    #[test]
    fn a_packet_without_room_is_left_out_whole() {
        let mut out = [0; 15];
        let mut writer = Writer::new(&mut out);
        assert!(writer.pli(1, 2));
        assert!(!writer.pli(1, 3));
        assert_eq!(writer.len(), 12);
    }
}
