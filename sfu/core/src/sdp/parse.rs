//! From text to [`Description`]. `rtc-sdp` splits lines and sections; this reads the attributes
//! that matter to an SFU and drops the rest.

use std::collections::HashMap;
use std::io::Cursor;

use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::media::MediaDescription;
use rtc_sdp::description::session::SessionDescription;

use super::{Description, Direction, SdpError, Section, SectionKind, Setup, extensions};
use crate::media::{Codec, CodecParams, ExtensionIds, Fingerprint, IceCredentials, SctpParams, SsrcInfo};

/// As large as a signal message may be.
pub(super) const MAX_BYTES: usize = 2 * 1024 * 1024;
pub(super) const MAX_SECTIONS: usize = 512;
const MAX_CANDIDATES: usize = 64;
const MAX_RIDS: usize = 8;
const MAX_SSRCS: usize = 32;
/// A mid travels in an RTP header extension, which holds 16 bytes in its short form.
const MAX_ID: usize = 16;
const MAX_TEXT: usize = 1024;

/// Reads an offer or an answer. Unknown lines and attributes are ignored.
pub fn parse(text: &str) -> Result<Description, SdpError> {
    if text.len() > MAX_BYTES {
        return Err(SdpError::TooLong);
    }
    if text.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\r' | b'\n' | b'\t')) {
        return Err(SdpError::Syntax);
    }
    let session = SessionDescription::unmarshal(&mut Cursor::new(text)).map_err(|_| SdpError::Syntax)?;
    if session.media_descriptions.len() > MAX_SECTIONS {
        return Err(SdpError::TooManySections);
    }
    let session_attributes = Attributes(&session.attributes);
    let media: Vec<(Section, Attributes)> = session
        .media_descriptions
        .iter()
        .map(|media| Ok((section(media)?, Attributes(&media.attributes))))
        .collect::<Result<_, SdpError>>()?;
    check_bundle(&media, session_attributes)?;

    // The bundled transport is described by the first section that lives (RFC 9143 section 7.2);
    // attributes may also stand at session level.
    let Some((_, first)) = media.iter().find(|(section, _)| !section.rejected) else {
        return Err(SdpError::Missing("media section"));
    };
    let transport = [*first, session_attributes];
    let find = |key| transport.iter().find_map(|attributes| attributes.value(key));
    Ok(Description {
        ice: ice(find("ice-ufrag"), find("ice-pwd"))?,
        ice_lite: transport.iter().any(|attributes| attributes.has("ice-lite")),
        fingerprint: fingerprint(&transport)?,
        setup: setup(find("setup"))?,
        candidates: transport
            .iter()
            .flat_map(|attributes| attributes.values("candidate"))
            .filter(|candidate| candidate.len() <= MAX_TEXT)
            .take(MAX_CANDIDATES)
            .map(str::to_owned)
            .collect(),
        sctp: media
            .iter()
            .find(|(section, _)| section.kind == SectionKind::Application && !section.rejected)
            .map(|(_, attributes)| sctp(*attributes))
            .transpose()?,
        sections: media.into_iter().map(|(section, _)| section).collect(),
    })
}

#[derive(Clone, Copy)]
struct Attributes<'a>(&'a [Attribute]);

impl<'a> Attributes<'a> {
    fn values(self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |attribute| attribute.key == key)
            .filter_map(|attribute| attribute.value.as_deref())
    }

    fn value(self, key: &str) -> Option<&'a str> {
        self.values(key).next()
    }

    fn has(self, key: &str) -> bool {
        self.0.iter().any(|attribute| attribute.key == key)
    }
}

fn is_token(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_bundle(media: &[(Section, Attributes)], session: Attributes) -> Result<(), SdpError> {
    let mut mids: Vec<&str> = media.iter().map(|(section, _)| section.mid.as_str()).collect();
    mids.sort_unstable();
    if mids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(SdpError::DuplicateMid);
    }
    let live = || media.iter().filter(|(section, _)| !section.rejected);
    if live().count() < 2 {
        return Ok(());
    }
    let group: Vec<&str> = session
        .values("group")
        .find_map(|group| group.strip_prefix("BUNDLE"))
        .map(|mids| mids.split_ascii_whitespace().take(MAX_SECTIONS).collect())
        .unwrap_or_default();
    if live().all(|(section, _)| group.contains(&section.mid.as_str())) {
        Ok(())
    } else {
        Err(SdpError::NotBundled)
    }
}

fn ice(ufrag: Option<&str>, pwd: Option<&str>) -> Result<IceCredentials, SdpError> {
    let ufrag = ufrag.ok_or(SdpError::Missing("ice-ufrag"))?;
    let pwd = pwd.ok_or(SdpError::Missing("ice-pwd"))?;
    // RFC 8839 section 5.4: at least 4 and 22 characters; a colon would break USERNAME.
    if !is_token(ufrag, 256) || ufrag.len() < 4 || ufrag.contains(':') {
        return Err(SdpError::Invalid("ice-ufrag"));
    }
    if !is_token(pwd, 256) || pwd.len() < 22 {
        return Err(SdpError::Invalid("ice-pwd"));
    }
    Ok(IceCredentials { ufrag: ufrag.to_owned(), pwd: pwd.to_owned() })
}

/// The first fingerprint with a hash we accept.
fn fingerprint(transport: &[Attributes]) -> Result<Fingerprint, SdpError> {
    let mut error = SdpError::Missing("fingerprint");
    for line in transport.iter().flat_map(|attributes| attributes.values("fingerprint")) {
        error = SdpError::Invalid("fingerprint");
        let Some((algorithm, digest)) = line.split_once(' ') else {
            continue;
        };
        let algorithm = algorithm.to_ascii_lowercase();
        let length = match algorithm.as_str() {
            "sha-256" => 32,
            "sha-384" => 48,
            "sha-512" => 64,
            _ => continue,
        };
        let digest: Option<Vec<u8>> = digest
            .trim()
            .split(':')
            .take(length + 1)
            .map(|byte| (byte.len() == 2).then(|| u8::from_str_radix(byte, 16).ok()).flatten())
            .collect();
        if let Some(digest) = digest.filter(|digest| digest.len() == length) {
            return Ok(Fingerprint { algorithm, digest });
        }
    }
    Err(error)
}

fn setup(value: Option<&str>) -> Result<Setup, SdpError> {
    match value {
        Some("actpass") => Ok(Setup::ActPass),
        Some("active") => Ok(Setup::Active),
        Some("passive") => Ok(Setup::Passive),
        Some(_) => Err(SdpError::Invalid("setup")),
        None => Err(SdpError::Missing("setup")),
    }
}

fn sctp(attributes: Attributes) -> Result<SctpParams, SdpError> {
    let port = attributes.value("sctp-port").map_or(Ok(super::SCTP_PORT), str::parse);
    let limit = attributes.value("max-message-size").map(str::parse::<u64>).transpose();
    Ok(SctpParams {
        port: port.map_err(|_| SdpError::Invalid("sctp-port"))?,
        // 0 means "no limit" (RFC 8841 section 6).
        max_message_size: limit
            .map_err(|_| SdpError::Invalid("max-message-size"))?
            .filter(|limit| *limit != 0)
            .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
    })
}

fn section(media: &MediaDescription) -> Result<Section, SdpError> {
    let attributes = Attributes(&media.attributes);
    let kind = match media.media_name.media.as_str() {
        "audio" => SectionKind::Audio,
        "video" => SectionKind::Video,
        "application" => SectionKind::Application,
        _ => return Err(SdpError::Invalid("media type")),
    };
    let mid = attributes.value("mid").ok_or(SdpError::Missing("mid"))?;
    if !is_token(mid, MAX_ID) {
        return Err(SdpError::Invalid("mid"));
    }
    let direction = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
        .into_iter()
        .find(|direction| attributes.has(direction.name()))
        .unwrap_or(Direction::SendRecv);
    let (rids, simulcast) = rids(attributes);
    Ok(Section {
        mid: mid.to_owned(),
        kind,
        direction,
        rejected: media.media_name.port.value == 0 && !attributes.has("bundle-only"),
        codecs: codecs(media, kind),
        extensions: extension_ids(attributes, direction),
        msid: msid(attributes),
        rids,
        simulcast,
        ssrcs: ssrcs(attributes),
    })
}

/// Joins `m=` formats, `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`.
fn codecs(media: &MediaDescription, kind: SectionKind) -> Vec<CodecParams> {
    let attributes = Attributes(&media.attributes);
    let by_pt = |key| {
        attributes.values(key).filter_map(|value| {
            let (pt, rest) = value.split_once(' ')?;
            let pt: u8 = pt.parse().ok()?;
            (pt < 128 && rest.len() <= MAX_TEXT).then(|| (pt, rest.trim()))
        })
    };
    let maps: HashMap<u8, &str> = by_pt("rtpmap").collect();
    let fmtps: HashMap<u8, &str> = by_pt("fmtp").collect();

    let mut codecs: Vec<CodecParams> = Vec::new();
    let mut retransmissions: Vec<(u8, u8)> = Vec::new();
    for format in &media.media_name.formats {
        let Ok(pt) = format.parse::<u8>() else {
            continue;
        };
        let map = match (maps.get(&pt), pt) {
            (Some(map), _) => map,
            // Static payload types (RFC 3551).
            (None, 0) => "PCMU/8000",
            (None, 8) => "PCMA/8000",
            (None, _) => continue,
        };
        let mut parts = map.split('/');
        let name = parts.next().unwrap_or_default();
        let Some(clock_rate) = parts.next().and_then(|rate| rate.parse().ok()) else {
            continue;
        };
        let fmtp = fmtps.get(&pt).copied().unwrap_or_default();
        if name.eq_ignore_ascii_case("rtx") {
            if let Some(apt) = fmtp_parameter(fmtp, "apt").and_then(|apt| apt.parse().ok()) {
                retransmissions.push((apt, pt));
            }
            continue;
        }
        let Some(codec) = Codec::from_name(name) else {
            continue;
        };
        // `red/90000` protects video and is something else than RED of RFC 2198 for Opus.
        if kind.media() != Some(codec.kind()) || codecs.iter().any(|known| known.pt == pt) {
            continue;
        }
        codecs.push(CodecParams {
            codec,
            pt,
            clock_rate,
            channels: match kind {
                SectionKind::Audio => parts.next().and_then(|n| n.parse().ok()).unwrap_or(1),
                _ => 0,
            },
            fmtp: fmtp.to_owned(),
            rtx_pt: None,
            feedback: Vec::new(),
        });
    }
    for (apt, pt) in retransmissions {
        if let Some(codec) = codecs.iter_mut().find(|codec| codec.pt == apt) {
            codec.rtx_pt.get_or_insert(pt);
        }
    }
    for value in attributes.values("rtcp-fb").filter(|value| value.len() <= MAX_TEXT) {
        let Some((pt, feedback)) = value.split_once(' ') else {
            continue;
        };
        let feedback = feedback.trim();
        for codec in &mut codecs {
            if (pt == "*" || pt.parse() == Ok(codec.pt))
                && codec.feedback.len() < 16
                && !codec.feedback.iter().any(|known| known == feedback)
            {
                codec.feedback.push(feedback.to_owned());
            }
        }
    }
    codecs
}

/// Value of one `key=value` of an `a=fmtp` line; keys are case-insensitive.
pub(super) fn fmtp_parameter<'a>(fmtp: &'a str, key: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case(key).then(|| value.trim())
    })
}

fn extension_ids(attributes: Attributes, direction: Direction) -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    for value in attributes.values("extmap") {
        let mut words = value.split_ascii_whitespace();
        let (Some(id), Some(uri)) = (words.next(), words.next()) else {
            continue;
        };
        let (id, way) = id.split_once('/').map_or((id, None), |(id, way)| (id, Some(way)));
        let usable = match way {
            Some("sendonly") => direction.sends(),
            Some("recvonly") => direction.receives(),
            Some("inactive") => false,
            _ => true,
        };
        // 15 is reserved in the one-byte form; two-byte ids reach 255 (RFC 8285).
        let Some(id) = id.parse::<u8>().ok().filter(|id| *id != 0 && *id != 15) else {
            continue;
        };
        if usable
            && let Some((_, place)) = extensions(&mut ids).into_iter().find(|(known, _)| *known == uri)
            && *place == 0
        {
            *place = id;
        }
    }
    ids
}

fn msid(attributes: Attributes) -> Option<(String, String)> {
    // Clients older than unified plan only have it per SSRC.
    let per_ssrc =
        || attributes.values("ssrc").find_map(|value| value.split_once(' ')?.1.strip_prefix("msid:"));
    let msid = attributes.value("msid").or_else(per_ssrc)?;
    if msid.len() > MAX_TEXT {
        return None;
    }
    let mut words = msid.split_ascii_whitespace();
    let stream = words.next()?;
    Some((stream.to_owned(), words.next().unwrap_or_default().to_owned()))
}

/// Layers that the client sends, and whether it said `a=simulcast:send`.
fn rids(attributes: Attributes) -> (Vec<String>, bool) {
    let simulcast = attributes.value("simulcast").and_then(|value| {
        let words: Vec<&str> = value.split_ascii_whitespace().take(4).collect();
        words.chunks(2).find_map(|pair| match pair {
            ["send", layers] => Some(*layers),
            _ => None,
        })
    });
    let names: Vec<&str> = match simulcast {
        Some(layers) => layers
            .split(';')
            // Of alternatives the first; `~` marks a paused layer, which may start any time.
            .filter_map(|layer| layer.split(',').next())
            .map(|layer| layer.strip_prefix('~').unwrap_or(layer))
            .collect(),
        None => attributes
            .values("rid")
            .filter_map(|rid| {
                let mut words = rid.split_ascii_whitespace();
                words.next().filter(|_| words.next() == Some("send"))
            })
            .collect(),
    };
    let mut rids: Vec<String> = Vec::new();
    for name in names {
        let known = rids.iter().any(|rid| rid == name);
        if is_token(name, MAX_ID) && !known && rids.len() < MAX_RIDS {
            rids.push(name.to_owned());
        }
    }
    let rank = |rid: &String| ["q", "h", "f"].iter().position(|known| known == rid);
    if rids.iter().all(|rid| rank(rid).is_some()) {
        rids.sort_by_key(rank);
    }
    (rids, simulcast.is_some())
}

fn ssrcs(attributes: Attributes) -> Vec<SsrcInfo> {
    let pairs: Vec<(u32, u32)> = attributes
        .values("ssrc-group")
        .filter_map(|group| {
            let mut words = group.strip_prefix("FID ")?.split_ascii_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        })
        .take(MAX_SSRCS)
        .collect();
    let mut ssrcs: Vec<SsrcInfo> = Vec::new();
    for value in attributes.values("ssrc") {
        let Some(ssrc) = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok()) else {
            continue;
        };
        let known = ssrcs.iter().any(|info| info.ssrc == ssrc)
            || pairs.iter().any(|(_, retransmission)| *retransmission == ssrc);
        if !known && ssrcs.len() < MAX_SSRCS {
            let rtx_ssrc = pairs.iter().find(|(media, _)| *media == ssrc).map(|pair| pair.1);
            ssrcs.push(SsrcInfo { ssrc, rtx_ssrc });
        }
    }
    ssrcs
}
