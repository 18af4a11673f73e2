//! Packets that look like Opus and VP8 to a media server: right headers, meaningless content.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use rtc::rtp::{Packet, header::Header};
use sfu_protocol::client::Kind;

/// As our peers announce them.
pub(crate) const OPUS_TYPE: u8 = 111;
pub(crate) const VP8_TYPE: u8 = 96;

const OPUS_BYTES: usize = 78;
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const AUDIO_STEP: u32 = 960;

const VIDEO_INTERVAL: Duration = Duration::from_millis(40);
const VIDEO_STEP: u32 = 3600;
/// A key frame every two seconds, so that nobody needs to ask for one.
const KEY_FRAME_EVERY: u32 = 50;
const KEY_FRAME_PACKETS: usize = 5;
const DELTA_FRAME_PACKETS: usize = 2;
const VIDEO_BYTES: usize = 1_000;

/// One RTP stream.
#[derive(Debug)]
pub(crate) struct Generator {
    kind: Kind,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    frame: u32,
}

impl Generator {
    pub(crate) fn new(kind: Kind, ssrc: u32) -> Generator {
        // Any start will do; this one shows the roll-over early.
        Generator { kind, ssrc, sequence: 65_000, timestamp: 0, frame: 0 }
    }

    pub(crate) fn interval(&self) -> Duration {
        match self.kind {
            Kind::Audio => AUDIO_INTERVAL,
            Kind::Video => VIDEO_INTERVAL,
        }
    }

    /// The packets of the next frame.
    pub(crate) fn frame(&mut self) -> Vec<Packet> {
        let packets = match self.kind {
            Kind::Audio => {
                self.timestamp = self.timestamp.wrapping_add(AUDIO_STEP);
                let payload = opus();
                vec![self.packet(OPUS_TYPE, self.frame == 0, payload)]
            }
            Kind::Video => {
                self.timestamp = self.timestamp.wrapping_add(VIDEO_STEP);
                let key = self.frame.is_multiple_of(KEY_FRAME_EVERY);
                let count = if key { KEY_FRAME_PACKETS } else { DELTA_FRAME_PACKETS };
                (0..count)
                    .map(|index| {
                        let payload = vp8(self.frame as u16, key, index == 0);
                        self.packet(VP8_TYPE, index + 1 == count, payload)
                    })
                    .collect()
            }
        };
        self.frame = self.frame.wrapping_add(1);
        packets
    }

    fn packet(&mut self, payload_type: u8, marker: bool, payload: Bytes) -> Packet {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        Packet { header, payload }
    }
}

/// A 20 ms fullband CELT frame by its table-of-contents byte (RFC 6716 section 3.1).
fn opus() -> Bytes {
    let mut payload = BytesMut::with_capacity(OPUS_BYTES);
    payload.put_u8(31 << 3);
    payload.resize(OPUS_BYTES, 0x55);
    payload.freeze()
}

/// Payload descriptor with a 15-bit picture id (RFC 7741 section 4.2), and the frame header where
/// a frame begins (RFC 6386 section 9.1).
fn vp8(picture: u16, key: bool, starts: bool) -> Bytes {
    let mut payload = BytesMut::with_capacity(VIDEO_BYTES);
    payload.put_u8(if starts { 0x90 } else { 0x80 });
    payload.put_u8(0x80);
    payload.put_u16(0x8000 | (picture & 0x7fff));
    if starts {
        payload.put_u8(if key { 0x10 } else { 0x11 });
        payload.put_slice(&[0, 0]);
        if key {
            payload.put_slice(&[0x9d, 0x01, 0x2a]);
            payload.put_u16_le(320);
            payload.put_u16_le(240);
        }
    }
    payload.resize(VIDEO_BYTES, 0xaa);
    payload.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn video_starts_with_a_key_frame_and_marks_the_end_of_each_frame() {
        let mut generator = Generator::new(Kind::Video, 7);
        let first = generator.frame();
        assert_eq!(first.len(), KEY_FRAME_PACKETS);
        assert_eq!(first[0].payload[0] & 0x10, 0x10);
        assert_eq!(first[0].payload[4] & 1, 0, "a key frame");
        assert_eq!(first[0].payload[7..10], [0x9d, 0x01, 0x2a]);
        assert!(first.iter().rev().skip(1).all(|packet| !packet.header.marker));
        assert!(first.last().is_some_and(|packet| packet.header.marker));
        let second = generator.frame();
        assert_eq!(second[0].payload[4] & 1, 1, "a delta frame");
        assert_eq!(second[0].header.timestamp - first[0].header.timestamp, VIDEO_STEP);
        assert_eq!(second[0].header.sequence_number, first.last().unwrap().header.sequence_number + 1);
    }

    #[test]
    fn sound_is_one_packet_a_frame() {
        let mut generator = Generator::new(Kind::Audio, 7);
        let frames: Vec<_> = (0..3).flat_map(|_| generator.frame()).collect();
        assert_eq!(frames.len(), 3);
        assert_eq!(frames[2].header.timestamp, 3 * AUDIO_STEP);
        assert_eq!(frames[0].payload.len(), OPUS_BYTES);
    }
}
