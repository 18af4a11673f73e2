//! Where key frames start, and other facts read from payloads: VP9 (RFC 9628), H.264 (RFC 6184),
//! H.265 (RFC 7798), AV1 (AOM RTP specification) and RED (RFC 2198).

use std::ops::Range;

use super::vp8;
use crate::media::Codec;

/// Whether a decoder can start with this packet.
pub fn starts_key_frame(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Vp8 => vp8::Descriptor::parse(payload).is_some_and(|descriptor| descriptor.key_frame_start),
        Codec::Vp9 => Vp9::parse(payload).is_some_and(|flags| flags.starts_key_frame()),
        Codec::H264 => h264(payload),
        Codec::H265 => h265(payload),
        Codec::Av1 => av1(payload),
        Codec::Opus | Codec::Red | Codec::Pcmu | Codec::Pcma => true,
    }
}

/// The flags of a VP9 payload descriptor (RFC 9628 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Vp9 {
    pub inter_predicted: bool,
    pub frame_start: bool,
    pub frame_end: bool,
    pub spatial_layer: u8,
    pub temporal_layer: u8,
    pub switching_up: bool,
}

impl Vp9 {
    pub fn parse(payload: &[u8]) -> Option<Vp9> {
        let first = *payload.first()?;
        let mut at = 1;
        if first & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        let layers = if first & 0x20 != 0 { *payload.get(at)? } else { 0 };
        Some(Vp9 {
            inter_predicted: first & 0x40 != 0,
            frame_start: first & 0x08 != 0,
            frame_end: first & 0x04 != 0,
            spatial_layer: layers >> 1 & 0x07,
            temporal_layer: layers >> 5,
            switching_up: layers & 0x10 != 0,
        })
    }

    fn starts_key_frame(self) -> bool {
        !self.inter_predicted && self.frame_start && self.spatial_layer == 0
    }
}

fn h264(payload: &[u8]) -> bool {
    const IDR: u8 = 5;
    const SPS: u8 = 7;
    let wanted = |nal: u8| matches!(nal & 0x1f, IDR | SPS);
    let Some((&first, rest)) = payload.split_first() else { return false };
    match first & 0x1f {
        24 => aggregated(rest).any(wanted),
        28 | 29 => rest.first().is_some_and(|&header| header & 0x80 != 0 && wanted(header)),
        _ => wanted(first),
    }
}

fn h265(payload: &[u8]) -> bool {
    // VPS, SPS, PPS and the intra random access pictures.
    let wanted = |kind: u8| matches!(kind, 16..=21 | 32..=34);
    let (Some(&first), Some(rest)) = (payload.first(), payload.get(2..)) else { return false };
    match first >> 1 & 0x3f {
        48 => aggregated(rest).any(|header| wanted(header >> 1 & 0x3f)),
        49 => rest.first().is_some_and(|&header| header & 0x80 != 0 && wanted(header & 0x3f)),
        kind => wanted(kind),
    }
}

/// First bytes of the units in an aggregation packet.
fn aggregated(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let size = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let first = *rest.get(2)?;
        rest = rest.get(2 + size.max(1)..).unwrap_or(&[]);
        Some(first)
    })
}

/// Aggregation header: N starts a coded video sequence, Z continues a unit.
fn av1(payload: &[u8]) -> bool {
    payload.len() > 1 && payload[0] & 0x88 == 0x08
}

/// The newest block of a RED payload: where it lies, and its payload type.
pub fn red_primary(payload: &[u8]) -> Option<(u8, Range<usize>)> {
    let mut at = 0;
    let mut redundant = 0;
    loop {
        let first = *payload.get(at)?;
        if first & 0x80 == 0 {
            let start = at + 1 + redundant;
            return (start <= payload.len()).then_some((first & 0x7f, start..payload.len()));
        }
        let length = u16::from_be_bytes([*payload.get(at + 2)?, *payload.get(at + 3)?]) & 0x3ff;
        redundant += usize::from(length);
        at += 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_are_recognised() {
        let cases: [(Codec, &[u8], bool); 17] = [
            (Codec::H264, &[0x67, 1], true),
            (Codec::H264, &[0x65, 1], true),
            (Codec::H264, &[0x41, 1], false),
            (Codec::H264, &[0x78, 0, 2, 0x09, 0x10, 0, 1, 0x67], true),
            (Codec::H264, &[0x78, 0, 2, 0x09, 0x10], false),
            (Codec::H264, &[0x7c, 0x85], true),
            (Codec::H264, &[0x7c, 0x05], false),
            (Codec::H265, &[32 << 1, 1, 0], true),
            (Codec::H265, &[19 << 1, 1, 0], true),
            (Codec::H265, &[1 << 1, 1, 0], false),
            (Codec::H265, &[49 << 1, 1, 0x93], true),
            (Codec::H265, &[48 << 1, 1, 0, 2, 33 << 1, 1], true),
            (Codec::Vp9, &[0x88 | 0x20, 1, 0], true),
            (Codec::Vp9, &[0x88 | 0x20, 1, 0x02], false),
            (Codec::Vp9, &[0xc8, 1], false),
            (Codec::Av1, &[0x18, 0x0a], true),
            (Codec::Av1, &[0x98, 0x0a], false),
        ];
        for (codec, payload, expected) in cases {
            assert_eq!(starts_key_frame(codec, payload), expected, "{codec:?} {payload:x?}");
        }
    }

    #[test]
    fn the_newest_block_of_red_is_found() {
        let payload = [0xef, 0, 0, 2, 111, 9, 9, 1, 2, 3];
        assert_eq!(red_primary(&payload), Some((111, 7..10)));
        assert_eq!(red_primary(&payload[..6]), None);
        assert_eq!(red_primary(&[0x80]), None);
        assert_eq!(red_primary(&[]), None);
    }
}
