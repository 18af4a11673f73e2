//! Entries for fuzzing what reads the network. Each takes any bytes, must not panic, and checks
//! what holds for all inputs. `fuzz/` runs them with coverage, the tests below with proptest.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use crate::certificate::Certificate;
use crate::media::{
    ChannelSetup, Codec, DtlsRole, Fingerprint, IceCredentials, Kind, RemoteTransport, SctpParams, SsrcInfo,
};
use crate::rtp::rtcp::{Compound, Packet, Writer};
use crate::rtp::{Header, codec, vp8};
use crate::sdp::{
    DescriptionKind, Direction, LocalDescription, LocalSection, LocalSource, Purpose, SdpError, Setup,
    negotiate,
};
use crate::srtp::{Opener, Profile};
use crate::transport::{Demux, Transport, TransportConfig, demux, stun_username};

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
        descriptor
            .rewrite(&mut rewritten, vp8::Offsets { picture_id: 9, tl0_picture_index: 9, key_index: 9 });
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

/// An offer of a client: what is understood of it is answered, and the answer can be read.
pub fn sdp(text: &str) {
    let Ok(offer) = crate::sdp::parse(text) else { return };
    let sections = offer.sections.iter().map(|section| {
        let Some(kind) = section.kind.media() else {
            return LocalSection::application(section.mid.clone());
        };
        let purpose = if section.direction.sends() { Purpose::Receive } else { Purpose::Send };
        let (codecs, extensions) = negotiate(section, &CODECS, purpose);
        assert!(codecs.iter().all(|codec| codec.codec.kind() == kind && codec.pt < 128));
        LocalSection {
            mid: section.mid.clone(),
            kind: section.kind,
            direction: match purpose {
                Purpose::Receive => Direction::RecvOnly,
                Purpose::Send => Direction::SendOnly,
            },
            rejected: codecs.is_empty(),
            codecs,
            extensions,
            source: (purpose == Purpose::Send).then(|| LocalSource {
                stream: "PA_a|TR_b".to_owned(),
                track: "TR_b".to_owned(),
                ssrc: SsrcInfo { ssrc: 7, rtx_ssrc: (kind == Kind::Video).then_some(8) },
                cname: "PA_a".to_owned(),
            }),
            receive_rids: section.rids.clone(),
        }
    });
    let answer = LocalDescription {
        session_id: 7,
        version: 2,
        kind: DescriptionKind::Answer,
        ice: offer.ice.clone(),
        fingerprint: offer.fingerprint.clone(),
        setup: Setup::answer(offer.setup.our_role()),
        candidates: vec![LOCAL],
        sections: sections.collect(),
    };
    let sdp = answer.to_sdp();
    match crate::sdp::parse(&sdp) {
        Ok(read) => {
            assert_eq!(read.sections.len(), offer.sections.len(), "{sdp}");
            for (read, meant) in read.sections.iter().zip(&answer.sections) {
                assert_eq!(read.mid, meant.mid);
                assert!(read.rejected == meant.rejected, "{sdp}");
                assert!(meant.rejected || read.codecs == meant.codecs, "{sdp}");
            }
        }
        // Nothing of the offer was of use.
        Err(error) => assert_eq!(error, SdpError::Missing("media section"), "{sdp}"),
    }
}

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), 7882);
static CERTIFICATE: LazyLock<Certificate> =
    LazyLock::new(|| Certificate::generate().expect("the system has randomness"));

/// A datagram of somebody without our ICE password, on the port of a transport that waits for its
/// peer: it gets no answer and changes nothing, whatever it looks like.
pub fn control(bytes: &[u8]) {
    match demux(bytes) {
        Demux::Stun => assert!(bytes.len() >= 20),
        Demux::Dtls => assert!(bytes.len() >= 13),
        _ => assert_eq!(stun_username(bytes), None),
    }
    let credentials = |name: &str| IceCredentials {
        ufrag: name.to_owned(),
        pwd: "a password of at least 128 bits".replace(' ', "_"),
    };
    let now = Instant::now();
    let config = TransportConfig {
        local: credentials("ours"),
        controlling: false,
        channels: ChannelSetup::Peer,
        certificate: CERTIFICATE.clone(),
        candidates: vec![LOCAL],
    };
    let mut transport = Transport::new(config, now).expect("a transport of sound parts");
    let remote = RemoteTransport {
        ice: credentials("theirs"),
        ice_lite: false,
        fingerprint: Fingerprint { algorithm: "sha-256".to_owned(), digest: vec![7; 32] },
        role: DtlsRole::Server,
        sctp: Some(SctpParams { port: 5000, max_message_size: None }),
        candidates: Vec::new(),
    };
    transport.connect(remote, now);
    let source = SocketAddr::new(LOCAL.ip(), 9);
    for prefix in 0..bytes.len().min(3) {
        transport.receive(source, LOCAL, &bytes[prefix..], now);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        transport.add_candidate(text, now);
    }
    assert!(transport.poll_event().is_none());
    assert!(transport.poll_transmit().is_none());
    assert_eq!(transport.destination(), None);
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn strangers_get_no_answer(
            head in prop::sample::select(vec![
                &[][..],
                &[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42],
                &[1, 1, 0, 24, 0x21, 0x12, 0xa4, 0x42],
                &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 20, 1],
                &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2],
                b"candidate:1 1 udp 1 192.0.2.9 ",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            super::control(&[head, &rest].concat());
        }
    }
}
