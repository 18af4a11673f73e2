//! The RTP fixed header (RFC 3550 section 5.1) with its extension block located.

use std::ops::Range;

use super::extension::Elements;

/// A parsed header; offsets point into the packet it was parsed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    pub marker: bool,
    pub pt: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Fixed header, CSRCs and extension block: where the payload starts.
    pub len: usize,
    padded: bool,
    extension: Option<Extension>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Extension {
    profile: u16,
    start: usize,
    end: usize,
}

impl Header {
    pub fn parse(packet: &[u8]) -> Option<Header> {
        let fixed: &[u8; 12] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut len = 12 + 4 * usize::from(fixed[0] & 0x0f);
        let mut extension = None;
        if fixed[0] & 0x10 != 0 {
            let head: &[u8; 4] = packet.get(len..)?.first_chunk()?;
            let start = len + 4;
            len = start + 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
            extension = Some(Extension { profile: u16::from_be_bytes([head[0], head[1]]), start, end: len });
        }
        if len > packet.len() {
            return None;
        }
        Some(Header {
            marker: fixed[1] & 0x80 != 0,
            pt: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
            padded: fixed[0] & 0x20 != 0,
            extension,
        })
    }

    /// Extension elements of the packet this header was parsed from.
    pub fn elements<'a>(&self, packet: &'a [u8]) -> Elements<'a> {
        match self.extension.and_then(|e| packet.get(e.start..e.end).map(|block| (e.profile, block))) {
            Some((profile, block)) => Elements::new(profile, block),
            None => Elements::new(0, &[]),
        }
    }

    /// Where the payload of a decrypted packet lies, padding removed. Empty for a packet of padding
    /// only, `None` when the padding is longer than the payload.
    pub fn payload(&self, packet: &[u8]) -> Option<Range<usize>> {
        let mut end = packet.len();
        if self.padded {
            let count = usize::from(*packet.get(self.len..)?.last()?);
            end = end.checked_sub(count.max(1))?;
        }
        (end >= self.len).then_some(self.len..end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_with_csrcs_extension_and_padding_is_located() {
        let mut packet = vec![0x80 | 0x20 | 0x10 | 2, 0xef, 0x12, 0x34, 0, 0, 0, 9, 1, 2, 3, 4];
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 1, 0x10, 0x85, 0, 0]);
        packet.extend(*b"payload");
        packet.extend([0, 0, 3]);
        let header = Header::parse(&packet).unwrap();
        assert!(header.marker);
        assert_eq!(
            (header.pt, header.sequence, header.timestamp, header.ssrc),
            (111, 0x1234, 9, 0x0102_0304)
        );
        assert_eq!(&packet[header.payload(&packet).unwrap()], b"payload");
        assert_eq!(header.elements(&packet).collect::<Vec<_>>(), [(1, &[0x85][..])]);
    }

    #[test]
    fn truncated_and_lying_packets_are_refused() {
        let packet = [0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0, 2, 0, 0, 0, 0];
        for length in 0..packet.len() {
            assert_eq!(Header::parse(&packet[..length]), None);
        }
        let padded = [0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4];
        assert_eq!(Header::parse(&padded).unwrap().payload(&padded), None);
        let only_padding = [0xa0, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(Header::parse(&only_padding).unwrap().payload(&only_padding), Some(12..12));
    }
}
