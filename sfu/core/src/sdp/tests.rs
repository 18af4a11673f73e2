//! Against offers recorded from Chromium 156 and Firefox ESR 153: `first` opens a single-mode
//! session (3 + 3 recvonly and data), `publish` has simulcast, `plain` has not.

use proptest::prelude::*;

use super::*;
use crate::ids::Chance;
use crate::media::{Codec, CodecParams};

const CHROMIUM_FIRST: &str = include_str!("recorded/chromium-first.sdp");
const CHROMIUM_PUBLISH: &str = include_str!("recorded/chromium-publish.sdp");
const CHROMIUM_PLAIN: &str = include_str!("recorded/chromium-plain.sdp");
const FIREFOX_FIRST: &str = include_str!("recorded/firefox-first.sdp");
const FIREFOX_PUBLISH: &str = include_str!("recorded/firefox-publish.sdp");
const FIREFOX_PLAIN: &str = include_str!("recorded/firefox-plain.sdp");
const RECORDED: [&str; 6] =
    [CHROMIUM_FIRST, CHROMIUM_PUBLISH, CHROMIUM_PLAIN, FIREFOX_FIRST, FIREFOX_PUBLISH, FIREFOX_PLAIN];
const ENABLED: [Codec; 8] =
    [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1, Codec::Opus, Codec::Red, Codec::Pcmu, Codec::Pcma];

fn section(text: &str, kind: SectionKind) -> Section {
    let description = parse(text).unwrap();
    description.sections.into_iter().find(|section| section.kind == kind).unwrap()
}

fn entry(codecs: &[CodecParams], codec: Codec) -> &CodecParams {
    codecs.iter().find(|entry| entry.codec == codec).unwrap()
}

/// The smallest offer, changed by replacing one text.
fn offer(from: &str, to: &str) -> Result<Description, SdpError> {
    let text = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE a b\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n\
        a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
        00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:b\r\na=sctp-port:5000\r\n";
    assert!(from.is_empty() || text.contains(from), "{from}");
    parse(&text.replacen(from, to, 1))
}

#[test]
fn transport_of_a_chromium_offer() {
    let description = parse(CHROMIUM_PUBLISH).unwrap();
    assert_eq!(description.ice.ufrag, "Fmwp");
    assert_eq!(description.ice.pwd, "4xb3DRNYckX3huwlqzIrOkVG");
    assert_eq!(description.setup, Setup::ActPass);
    assert_eq!(description.setup.our_role(), DtlsRole::Server);
    assert_eq!(description.fingerprint.algorithm, "sha-256");
    assert_eq!(description.fingerprint.digest[..3], [0x31, 0xea, 0xc1]);
    assert!(!description.ice_lite);
    // Only those of the bundled transport, not the ports of every section.
    assert_eq!(description.candidates.len(), 4);
    assert!(description.candidates[0].contains("192.0.2.2 60204 typ host"));
    assert_eq!(description.sctp, Some(SctpParams { port: 5000, max_message_size: Some(262_144) }));
    let remote = description.remote_transport(DtlsRole::Client);
    assert_eq!(remote.candidates, description.candidates);
    assert_eq!(remote.role, DtlsRole::Client);
}

#[test]
fn transport_of_a_firefox_offer_stands_at_session_level_too() {
    let description = parse(FIREFOX_PUBLISH).unwrap();
    assert_eq!(description.ice.ufrag, "d09f725d");
    assert_eq!(description.fingerprint.digest[..3], [0x57, 0x56, 0xf5]);
    assert_eq!(description.sctp.unwrap().max_message_size, Some(1_073_741_823));
}

#[test]
fn first_offers_hold_three_receivers_of_each_kind_and_data() {
    for text in [CHROMIUM_FIRST, FIREFOX_FIRST] {
        let description = parse(text).unwrap();
        let count = |kind| description.sections.iter().filter(|s| s.kind == kind).count();
        assert_eq!(count(SectionKind::Audio), 3);
        assert_eq!(count(SectionKind::Video), 3);
        assert_eq!(count(SectionKind::Application), 1);
        for section in &description.sections {
            // Firefox writes port 0 with bundle-only.
            assert!(!section.rejected, "{}", section.mid);
            if section.kind != SectionKind::Application {
                assert_eq!(section.direction, Direction::RecvOnly);
                assert!(section.rids.is_empty());
            }
        }
    }
}

#[test]
fn simulcast_layers_are_found() {
    for text in [CHROMIUM_PUBLISH, FIREFOX_PUBLISH] {
        let video = section(text, SectionKind::Video);
        assert!(video.simulcast);
        assert_eq!(video.rids, ["q", "h", "f"]);
        assert_eq!(video.direction, Direction::SendOnly);
        assert_ne!(video.extensions.rid, 0);
        assert_ne!(video.extensions.repaired_rid, 0);
    }
    assert!(section(CHROMIUM_PUBLISH, SectionKind::Video).ssrcs.is_empty());
    assert_eq!(
        section(FIREFOX_PUBLISH, SectionKind::Video).ssrcs,
        [
            SsrcInfo { ssrc: 4_246_300_042, rtx_ssrc: Some(3_986_802_203) },
            SsrcInfo { ssrc: 2_927_781_819, rtx_ssrc: Some(2_758_987_374) },
            SsrcInfo { ssrc: 3_262_489_495, rtx_ssrc: Some(1_758_936_436) },
        ]
    );
}

#[test]
fn plain_video_has_its_ssrc_pair_and_msid() {
    let video = section(CHROMIUM_PLAIN, SectionKind::Video);
    assert!(!video.simulcast);
    assert!(video.rids.is_empty());
    assert_eq!(video.ssrcs, [SsrcInfo { ssrc: 3_741_068_131, rtx_ssrc: Some(2_878_539_301) }]);
    assert_eq!(
        video.msid,
        Some((
            "9f91119a-4523-4a82-b4e5-3eae9f75a4c7".to_owned(),
            "1a96162d-bdab-4195-91c6-28060a9fbdde".to_owned()
        ))
    );
    let video = section(FIREFOX_PLAIN, SectionKind::Video);
    assert_eq!(video.ssrcs, [SsrcInfo { ssrc: 4_242_036_529, rtx_ssrc: Some(1_082_636_611) }]);
}

#[test]
fn answers_keep_the_clients_payload_types_and_extension_ids() {
    let video = section(FIREFOX_PUBLISH, SectionKind::Video);
    let (codecs, ids) = negotiate(&video, &ENABLED, Purpose::Receive);
    let vp8 = entry(&codecs, Codec::Vp8);
    assert_eq!((vp8.pt, vp8.rtx_pt), (120, Some(124)));
    assert_eq!(vp8.feedback, ["nack", "nack pli", "ccm fir", "transport-cc"]);
    assert_eq!(entry(&codecs, Codec::Av1).rtx_pt, Some(100));
    assert_eq!(
        ids,
        ExtensionIds {
            mid: 3,
            rid: 9,
            repaired_rid: 10,
            abs_send_time: 4,
            transport_cc: 7,
            dependency_descriptor: 8,
            ..Default::default()
        }
    );

    let audio = section(CHROMIUM_PUBLISH, SectionKind::Audio);
    let (codecs, ids) = negotiate(&audio, &ENABLED, Purpose::Receive);
    let names: Vec<Codec> = codecs.iter().map(|codec| codec.codec).collect();
    assert_eq!(names, [Codec::Opus, Codec::Red, Codec::Pcmu, Codec::Pcma]);
    assert_eq!(codecs[0].channels, 2);
    assert!(codecs[0].feedback.is_empty(), "no nack was offered");
    assert_eq!(ids, ExtensionIds { mid: 4, audio_level: 1, ..Default::default() });
}

#[test]
fn subscribers_get_remb_and_no_congestion_feedback_of_publishers() {
    let video = section(CHROMIUM_FIRST, SectionKind::Video);
    let (codecs, ids) = negotiate(&video, &ENABLED, Purpose::Send);
    assert_eq!(entry(&codecs, Codec::Vp8).feedback, ["goog-remb", "ccm fir", "nack", "nack pli"]);
    assert_eq!(ids, ExtensionIds { mid: 4, abs_send_time: 2, ..Default::default() });
    // Profiles 2 and 3 of VP9 are ten-bit or 4:4:4: nobody can take them from us.
    let profiles: Vec<&str> =
        codecs.iter().filter(|codec| codec.codec == Codec::Vp9).map(|codec| codec.fmtp.as_str()).collect();
    assert_eq!(profiles, ["profile-id=0", "profile-id=1"]);
}

#[test]
fn disabled_codecs_are_not_answered() {
    let video = section(CHROMIUM_PUBLISH, SectionKind::Video);
    let (codecs, _) = negotiate(&video, &[Codec::Vp8, Codec::Opus], Purpose::Receive);
    assert_eq!(codecs.len(), 1);
    let data = section(CHROMIUM_PUBLISH, SectionKind::Application);
    assert_eq!(negotiate(&data, &ENABLED, Purpose::Receive).0, []);
}

#[test]
fn high_profile_is_taken_from_publishers_only() {
    let mut video = section(CHROMIUM_PUBLISH, SectionKind::Video);
    video.codecs.retain(|codec| codec.codec == Codec::H264);
    video.codecs.truncate(1);
    video.codecs[0].fmtp = "packetization-mode=1;profile-level-id=640032".to_owned();
    assert_eq!(negotiate(&video, &ENABLED, Purpose::Receive).0.len(), 1);
    assert_eq!(negotiate(&video, &ENABLED, Purpose::Send).0.len(), 0);
}

#[test]
fn red_without_opus_is_dropped() {
    let audio = section(CHROMIUM_PUBLISH, SectionKind::Audio);
    let (codecs, _) = negotiate(&audio, &[Codec::Red, Codec::Pcmu], Purpose::Receive);
    assert_eq!(codecs.iter().map(|codec| codec.codec).collect::<Vec<_>>(), [Codec::Pcmu]);
}

#[test]
fn preferred_codec_comes_first_and_the_rest_keeps_its_order() {
    let video = section(CHROMIUM_PUBLISH, SectionKind::Video);
    let (mut codecs, _) = negotiate(&video, &ENABLED, Purpose::Receive);
    prefer(&mut codecs, Codec::Vp9);
    assert_eq!((codecs[0].codec, codecs[0].pt), (Codec::Vp9, 98));
    assert_eq!((codecs[1].codec, codecs[1].pt), (Codec::Vp8, 96));
}

#[test]
fn format_parameters_are_set_once() {
    let mut fmtp = "minptime=10;useinbandfec=1".to_owned();
    set_fmtp_parameter(&mut fmtp, "usedtx", "1");
    set_fmtp_parameter(&mut fmtp, "MinPTime", "20");
    assert_eq!(fmtp, "useinbandfec=1;usedtx=1;MinPTime=20");
    let mut empty = String::new();
    set_fmtp_parameter(&mut empty, "stereo", "1");
    assert_eq!(empty, "stereo=1");
}

#[test]
fn offered_payload_types_and_retransmission_types_are_distinct() {
    for kind in [Kind::Audio, Kind::Video] {
        let enabled = [&ENABLED[..], &[Codec::H265]].concat();
        let codecs = offer_codecs(&enabled, kind);
        let mut pts: Vec<u8> =
            codecs.iter().flat_map(|codec| [Some(codec.pt), codec.rtx_pt]).flatten().collect();
        let count = pts.len();
        pts.sort_unstable();
        pts.dedup();
        assert_eq!(pts.len(), count);
        assert!(codecs.iter().all(|codec| codec.codec.kind() == kind));
        // RFC 5761 section 4: these look like RTCP once the marker bit is set.
        assert!(pts.iter().all(|pt| !(64..96).contains(pt)));
    }
    assert_eq!(offer_codecs(&ENABLED, Kind::Video)[0].codec, Codec::Vp8);
}

#[test]
fn foreign_layer_names_keep_their_order_and_pauses_are_ignored() {
    let rids = |line: &str| {
        let description = offer("a=sendonly\r\n", &format!("a=sendonly\r\n{line}\r\n")).unwrap();
        description.sections[0].rids.clone()
    };
    assert_eq!(rids("a=simulcast:send 2;1;0"), ["2", "1", "0"]);
    assert_eq!(rids("a=simulcast:send f;~h;q"), ["q", "h", "f"]);
    assert_eq!(rids("a=simulcast:recv x send a,b;c"), ["a", "c"]);
    assert_eq!(rids("a=rid:one send"), ["one"]);
    assert!(rids("a=rid:one recv").is_empty());
    assert!(rids("a=simulcast:recv q;h").is_empty());
    assert_eq!(rids(&format!("a=simulcast:send {}", "q;".repeat(500))), ["q"]);
}

#[test]
fn what_a_client_may_get_wrong_is_told_apart() {
    assert!(offer("", "").is_ok());
    assert_eq!(offer("v=0", "x=0"), Err(SdpError::Syntax));
    assert_eq!(offer("a=mid:a", "a=mid:\u{7}"), Err(SdpError::Syntax));
    assert_eq!(offer("a=mid:b", "a=mid:a"), Err(SdpError::DuplicateMid));
    assert_eq!(offer("BUNDLE a b", "BUNDLE a"), Err(SdpError::NotBundled));
    assert_eq!(offer("a=mid:a\r\n", ""), Err(SdpError::Missing("mid")));
    assert_eq!(offer("a=mid:a", &format!("a=mid:{}", "a".repeat(17))), Err(SdpError::Invalid("mid")));
    assert_eq!(offer("ufrag:abcd", "ufrag:abc"), Err(SdpError::Invalid("ice-ufrag")));
    assert_eq!(offer("ufrag:abcd", "ufrag:ab:cd"), Err(SdpError::Invalid("ice-ufrag")));
    assert_eq!(offer("a=ice-ufrag:abcd\r\n", ""), Err(SdpError::Missing("ice-ufrag")));
    assert_eq!(offer("0123456789", ""), Err(SdpError::Invalid("ice-pwd")));
    assert_eq!(offer("sha-256", "sha-1"), Err(SdpError::Invalid("fingerprint")));
    assert_eq!(offer("00:11", "00"), Err(SdpError::Invalid("fingerprint")));
    assert_eq!(offer("a=fingerprint", "a=finger"), Err(SdpError::Missing("fingerprint")));
    assert_eq!(offer("actpass", "holdconn"), Err(SdpError::Invalid("setup")));
    assert_eq!(offer("sctp-port:5000", "sctp-port:70000"), Err(SdpError::Invalid("sctp-port")));
    assert_eq!(offer("", &"x".repeat(parse::MAX_BYTES)), Err(SdpError::TooLong));
    assert_eq!(
        parse("v=0\r\no=- 1 2 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\n"),
        Err(SdpError::Missing("media section"))
    );
}

#[test]
fn rejected_sections_are_neither_bundled_nor_the_transport() {
    let description = offer("m=application 9", "m=application 0").unwrap();
    assert!(description.sections[1].rejected);
    assert_eq!(description.sctp, None);
}

#[test]
fn a_limit_of_zero_means_no_limit() {
    let sctp = |line: &str| offer("a=sctp-port:5000", line).unwrap().sctp.unwrap();
    assert_eq!(sctp("a=max-message-size:0").max_message_size, None);
    assert_eq!(sctp("a=max-message-size:99999999999").max_message_size, Some(u32::MAX));
    assert_eq!(sctp("a=x").port, 5000);
}

/// Answers every section of an offer, as a room would.
fn answer(description: &Description) -> LocalDescription {
    let mut chance = Chance::new([1; 32]);
    let sections = description
        .sections
        .iter()
        .map(|section| {
            let Some(kind) = section.kind.media() else {
                return LocalSection::application(section.mid.clone());
            };
            let purpose = if section.direction.sends() { Purpose::Receive } else { Purpose::Send };
            let (codecs, extensions) = negotiate(section, &ENABLED, purpose);
            LocalSection {
                mid: section.mid.clone(),
                kind: kind.into(),
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
                    ssrc: SsrcInfo {
                        ssrc: chance.u32(),
                        rtx_ssrc: (kind == Kind::Video).then(|| chance.u32()),
                    },
                    cname: "PA_a".to_owned(),
                }),
                receive_rids: section.rids.clone(),
            }
        })
        .collect();
    LocalDescription {
        session_id: 7,
        version: 2,
        kind: DescriptionKind::Answer,
        ice: chance.ice_credentials(),
        fingerprint: description.fingerprint.clone(),
        setup: Setup::answer(description.setup.our_role()),
        candidates: vec!["192.0.2.7:7882".parse().unwrap(), "[2001:db8::7]:7882".parse().unwrap()],
        sections,
    }
}

#[test]
fn our_answers_read_back_as_what_was_meant() {
    for text in RECORDED {
        let offer = parse(text).unwrap();
        let local = answer(&offer);
        let read = parse(&local.to_sdp()).unwrap();
        assert_eq!(read.ice, local.ice);
        assert_eq!(read.fingerprint, local.fingerprint);
        assert_eq!(read.setup, Setup::Passive);
        assert_eq!(read.candidates.len(), 2);
        assert_eq!(
            read.candidates[0].trim_start_matches("candidate:"),
            "1 1 udp 2130706431 192.0.2.7 7882 typ host"
        );
        assert_eq!(read.sections.len(), local.sections.len());
        for (read, local) in read.sections.iter().zip(&local.sections) {
            assert_eq!(read.mid, local.mid);
            assert_eq!(read.kind, local.kind);
            assert_eq!(read.direction, local.direction);
            assert_eq!(read.codecs, local.codecs);
            assert_eq!(read.extensions, local.extensions);
            let source = local.source.as_ref();
            assert_eq!(read.ssrcs.first(), source.map(|source| &source.ssrc));
            assert_eq!(read.msid, source.map(|source| (source.stream.clone(), source.track.clone())));
        }
    }
}

#[test]
fn simulcast_is_answered() {
    let sdp = answer(&parse(CHROMIUM_PUBLISH).unwrap()).to_sdp();
    assert!(sdp.contains("a=rid:q recv\r\na=rid:h recv\r\na=rid:f recv\r\na=simulcast:recv q;h;f\r\n"));
    assert!(sdp.contains("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(sdp.contains("a=end-of-candidates\r\n"));
    assert!(sdp.contains("a=group:BUNDLE 0 1 2\r\n"));
}

#[test]
fn no_retransmission_ssrc_without_retransmission() {
    let mut local = answer(&parse(CHROMIUM_FIRST).unwrap());
    let source = local.sections[0].source.as_mut().unwrap();
    source.ssrc = SsrcInfo { ssrc: 11, rtx_ssrc: Some(12) };
    let sdp = local.to_sdp();
    assert!(sdp.contains("a=ssrc:11 cname:"));
    assert!(!sdp.contains("a=ssrc:12 ") && !sdp.contains("FID 11 12"));
}

#[test]
fn rejected_sections_keep_their_place_outside_the_bundle() {
    let mut local = answer(&parse(CHROMIUM_PUBLISH).unwrap());
    local.sections[0] = LocalSection::rejected("0".to_owned(), SectionKind::Audio);
    let sdp = local.to_sdp();
    assert!(sdp.contains("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"));
    assert!(sdp.contains("a=group:BUNDLE 1 2\r\n"));
    let read = parse(&sdp).unwrap();
    assert!(read.sections[0].rejected);
    assert_eq!(read.candidates.len(), 2, "the transport moved to the first live section");
}

#[test]
fn names_of_others_cannot_break_out_of_their_line() {
    let mut local = answer(&parse(CHROMIUM_FIRST).unwrap());
    let source = local.sections[0].source.as_mut().unwrap();
    source.stream = "x\r\na=ice-lite y".to_owned();
    source.track = String::new();
    let sdp = local.to_sdp();
    assert!(sdp.contains("a=msid:x__a=ice-lite_y -\r\n"));
    assert!(!parse(&sdp).unwrap().ice_lite);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn damaged_offers_are_survived(
        which in 0..RECORDED.len(),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..40_usize, "\\PC{0,20}|[\r\n=: 0-9a-z;/]{0,20}"), 1..8),
    ) {
        let mut text = RECORDED[which].to_owned();
        for (at, length, with) in cuts {
            let mut start = at.index(text.len().max(1)).min(text.len());
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, &with);
        }
        crate::fuzz::sdp(&text);
    }
}
