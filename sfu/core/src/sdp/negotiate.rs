//! Which codecs, header extensions and feedback an m-section gets (contract livekit.md 3.4, 3.5).
//! Payload types and extension ids of an answer are the client's.

use super::parse::fmtp_parameter;
use super::{Section, SectionKind};
use crate::media::{Codec, CodecParams, ExtensionIds, Kind};

/// What we do with the media of a section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The client publishes.
    Receive,
    /// The client subscribes.
    Send,
}

/// What to answer to a client's section: its codecs that are enabled, in its order, and its ids of
/// the extensions we use in this direction. Empty codecs mean: reject the section.
pub fn negotiate(section: &Section, enabled: &[Codec], purpose: Purpose) -> (Vec<CodecParams>, ExtensionIds) {
    let Some(kind) = section.kind.media() else {
        return Default::default();
    };
    let mut codecs: Vec<CodecParams> = section
        .codecs
        .iter()
        .filter(|codec| enabled.contains(&codec.codec) && profile_is_supported(codec, purpose))
        .cloned()
        .collect();
    // RED without the codec it wraps is of no use.
    let opus = codecs.iter().find(|codec| codec.codec == Codec::Opus).map(|codec| codec.pt);
    codecs.retain(|codec| {
        codec.codec != Codec::Red
            || opus.is_some_and(|opus| {
                codec.fmtp.is_empty() || codec.fmtp.split('/').all(|pt| pt.trim().parse() == Ok(opus))
            })
    });
    for codec in &mut codecs {
        let wanted = feedback(codec.codec, purpose);
        codec.feedback.retain(|feedback| wanted.contains(&feedback.as_str()));
    }
    (codecs, pick(section.extensions, kind, purpose))
}

/// H264 high profile is accepted but never sent to subscribers; VP9 profiles 0 and 1, AV1 main.
fn profile_is_supported(codec: &CodecParams, purpose: Purpose) -> bool {
    let parameter = |key| fmtp_parameter(&codec.fmtp, key);
    match codec.codec {
        Codec::H264 => {
            let mode = parameter("packetization-mode").unwrap_or("0");
            // RFC 6184: without a profile it is baseline.
            let profile = parameter("profile-level-id").unwrap_or("42001f").to_ascii_lowercase();
            let profile = profile.get(..2).unwrap_or_default();
            matches!(mode, "0" | "1")
                && match purpose {
                    Purpose::Receive => matches!(profile, "42" | "4d" | "64"),
                    Purpose::Send => matches!(profile, "42" | "4d"),
                }
        }
        Codec::Vp9 => matches!(parameter("profile-id").unwrap_or("0"), "0" | "1"),
        Codec::Av1 => parameter("profile").unwrap_or("0") == "0",
        _ => true,
    }
}

fn feedback(codec: Codec, purpose: Purpose) -> &'static [&'static str] {
    match (codec.kind(), purpose) {
        // RED carries its own redundancy.
        (Kind::Audio, _) if codec == Codec::Red => &[],
        (Kind::Audio, _) => &["nack"],
        (Kind::Video, Purpose::Receive) => &["nack", "nack pli", "ccm fir", "transport-cc"],
        (Kind::Video, Purpose::Send) => &["nack", "nack pli", "ccm fir", "goog-remb"],
    }
}

/// Keeps the ids of the extensions used for a kind and a direction.
fn pick(ids: ExtensionIds, kind: Kind, purpose: Purpose) -> ExtensionIds {
    let mut picked =
        ExtensionIds { mid: ids.mid, abs_capture_time: ids.abs_capture_time, ..Default::default() };
    match (kind, purpose) {
        (Kind::Audio, Purpose::Receive) => {
            picked.rid = ids.rid;
            picked.audio_level = ids.audio_level;
        }
        (Kind::Audio, Purpose::Send) => {}
        (Kind::Video, Purpose::Receive) => {
            picked.rid = ids.rid;
            picked.repaired_rid = ids.repaired_rid;
            picked.transport_cc = ids.transport_cc;
            picked.abs_send_time = ids.abs_send_time;
            picked.dependency_descriptor = ids.dependency_descriptor;
        }
        (Kind::Video, Purpose::Send) => {
            picked.abs_send_time = ids.abs_send_time;
            picked.dependency_descriptor = ids.dependency_descriptor;
        }
    }
    picked
}

/// Moves every entry of a codec to the front, otherwise keeping the order: a client sends with
/// the first entry of an answer.
pub fn prefer(codecs: &mut [CodecParams], codec: Codec) {
    codecs.sort_by_key(|entry| entry.codec != codec);
}

/// Sets one parameter of an `a=fmtp` value, e.g. `usedtx` to `1`.
pub fn set_fmtp_parameter(fmtp: &mut String, key: &str, value: &str) {
    let mut parameters: Vec<String> = fmtp
        .split(';')
        .map(str::trim)
        .filter(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            !parameter.is_empty() && !name.eq_ignore_ascii_case(key)
        })
        .map(str::to_owned)
        .collect();
    parameters.push(format!("{key}={value}"));
    *fmtp = parameters.join(";");
}

/// Payload types of our own offers to subscribers; retransmissions follow on the next number.
const OFFERED: [(Codec, u8, &str); 15] = [
    (Codec::Opus, 111, "minptime=10;useinbandfec=1"),
    (Codec::Red, 63, "111/111"),
    (Codec::Pcmu, 0, ""),
    (Codec::Pcma, 8, ""),
    (Codec::Vp8, 96, ""),
    (Codec::Vp9, 98, "profile-id=0"),
    (Codec::Vp9, 100, "profile-id=1"),
    (Codec::H264, 108, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
    (Codec::H264, 125, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
    (Codec::H264, 102, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
    (Codec::H264, 104, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"),
    (Codec::H264, 106, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"),
    (Codec::H264, 39, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f"),
    (Codec::Av1, 35, ""),
    (Codec::H265, 116, ""),
];

/// The codecs of one of our own offers to a subscriber, in the order of `enabled`.
pub fn offer_codecs(enabled: &[Codec], kind: Kind) -> Vec<CodecParams> {
    enabled
        .iter()
        .filter(|codec| codec.kind() == kind)
        .flat_map(|codec| OFFERED.iter().filter(move |entry| entry.0 == *codec))
        .map(|&(codec, pt, fmtp)| CodecParams {
            codec,
            pt,
            clock_rate: match codec {
                Codec::Opus | Codec::Red => 48_000,
                Codec::Pcmu | Codec::Pcma => 8_000,
                _ => 90_000,
            },
            channels: match codec {
                Codec::Opus | Codec::Red => 2,
                Codec::Pcmu | Codec::Pcma => 1,
                _ => 0,
            },
            fmtp: fmtp.to_owned(),
            rtx_pt: (kind == Kind::Video).then_some(pt + 1),
            feedback: feedback(codec, Purpose::Send).iter().map(|&text| text.to_owned()).collect(),
        })
        .collect()
}

/// Extension ids of our own offers to a subscriber: one numbering for audio and video, as BUNDLE
/// asks for (RFC 8843 section 9).
pub fn offer_extensions(kind: Kind) -> ExtensionIds {
    let all = ExtensionIds {
        mid: 1,
        abs_capture_time: 2,
        abs_send_time: 3,
        dependency_descriptor: 4,
        ..Default::default()
    };
    pick(all, kind, Purpose::Send)
}

impl Section {
    /// Whether the section can carry media of this kind.
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == SectionKind::from(kind)
    }
}
