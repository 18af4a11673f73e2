//! Entries for fuzzing what reads media datagrams. Each takes any bytes, must not panic, and checks
//! what holds for all inputs. `fuzz/` runs them with coverage, the tests below with proptest.

use crate::media::Codec;
use crate::rtp::rtcp::{Compound, Packet, Writer};
use crate::rtp::{Header, codec, vp8};
use crate::srtp::{Opener, Profile};

const CODECS: [Codec; 9] = [
    Codec::Opus,
    Codec::Red,
    Codec::Pcmu,
    Codec::Pcma,
    Codec::Vp8,
    Codec::Vp9,
    Codec::H264,
    Codec::H265,
    Codec::Av1,
];

/// An RTP packet in the clear: header, extensions, padding and payload descriptors.
pub fn rtp(bytes: &[u8]) {
    let Some(header) = Header::parse(bytes) else { return };
    assert!(header.len >= 12 && header.len <= bytes.len());
    for (id, data) in header.elements(bytes) {
        assert!(id != 0 && data.len() <= header.len);
    }
    let Some(range) = header.payload(bytes) else { return };
    let payload = &bytes[range];
    for kind in CODECS {
        let _ = codec::starts_key_frame(kind, payload);
    }
    if let Some((pt, range)) = codec::red_primary(payload) {
        assert!(pt < 128 && range.end <= payload.len());
    }
    if let Some(descriptor) = vp8::Descriptor::parse(payload) {
        let mut rewritten = payload.to_vec();
        descriptor.rewrite(&mut rewritten, vp8::Offsets::default());
        assert_eq!(rewritten, payload, "offsets of zero change nothing");
        descriptor.rewrite(&mut rewritten, vp8::Offsets { picture_id: 9, tl0_picture_index: 9, key_index: 9 });
        let again = vp8::Descriptor::parse(&rewritten).expect("rewriting keeps the descriptor readable");
        assert_eq!(again.key_frame_start, descriptor.key_frame_start);
    }
}

/// A compound RTCP packet in the clear.
pub fn rtcp(bytes: &[u8]) {
    let mut out = [0; 1500];
    let mut writer = Writer::new(&mut out);
    for packet in Compound::new(bytes) {
        match packet {
            Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks } => {
                let blocks: Vec<_> = blocks.collect();
                writer.receiver_report(1, &blocks);
            }
            Packet::Nack { media, lost } => {
                let lost: Vec<u16> = lost.take(64).collect();
                writer.nack(1, media, &lost);
            }
            Packet::Fir { sources } => assert!(sources.count() <= bytes.len() / 8),
            Packet::Bye { sources } => assert!(sources.count() <= 31),
            Packet::Pli { .. } | Packet::Remb { .. } | Packet::Twcc { .. } => {}
        }
    }
    let length = writer.len();
    assert!(length <= 1500 && length.is_multiple_of(4));
}

/// SRTP and SRTCP from somebody without the key: always refused, whatever the bytes.
pub fn srtp(bytes: &[u8]) {
    for profile in [Profile::AeadAes128Gcm, Profile::Aes128CmSha1_80] {
        let (key, salt) = (vec![0x5a; profile.key_len()], vec![0xa5; profile.salt_len()]);
        let mut opener = Opener::new(profile, &key, &salt).expect("lengths of the profile");
        if let Some(header) = Header::parse(bytes) {
            assert!(opener.rtp(&mut bytes.to_vec(), header.len).is_err());
        }
        for header_len in [0, 11, 12, 16, bytes.len()] {
            assert!(opener.rtp(&mut bytes.to_vec(), header_len).is_err());
        }
        assert!(opener.rtcp(&mut bytes.to_vec()).is_err());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_bytes_are_read_safely(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            super::rtp(&bytes);
            super::rtcp(&bytes);
            super::srtp(&bytes);
        }

        #[test]
        fn anything_behind_a_plausible_rtp_header_is_read_safely(
            first in 0x80..=0xbf_u8,
            profile in prop::sample::select(vec![[0xbe, 0xde], [0x10, 0x00], [0x10, 0x05], [0, 0]]),
            words in 0..6_u8,
            rest in prop::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut bytes = vec![first, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
            bytes.resize(12 + 4 * usize::from(first & 15), 7);
            bytes.extend(profile);
            bytes.extend([0, words]);
            bytes.extend(rest);
            super::rtp(&bytes);
            super::srtp(&bytes);
        }

        #[test]
        fn anything_behind_plausible_rtcp_headers_is_read_safely(
            parts in prop::collection::vec((0x80..=0x9f_u8, 200..=207_u8, prop::collection::vec(any::<u8>(), 0..80)), 1..5),
        ) {
            let mut bytes = Vec::new();
            for (first, kind, body) in parts {
                bytes.extend([first, kind, 0, (body.len() / 4) as u8]);
                bytes.extend(&body[..body.len() / 4 * 4]);
            }
            super::rtcp(&bytes);
            super::srtp(&bytes);
        }
    }
}
