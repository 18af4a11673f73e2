//! What a description of the server says about the tracks it sends us (contract livekit.md 3.2).

use std::collections::HashMap;

use super::api::Kind;

/// An m-section on which the server sends a track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Section {
    pub(super) mid: String,
    pub(super) kind: Kind,
    pub(super) track_sid: String,
}

#[derive(Default)]
struct Draft<'a> {
    kind: Option<Kind>,
    rejected: bool,
    sends: bool,
    mid: &'a str,
    msid_track: &'a str,
}

impl Draft<'_> {
    fn finish(self, mid_to_track: &HashMap<String, String>) -> Option<Section> {
        if self.rejected || !self.sends || self.mid.is_empty() {
            return None;
        }
        let named = mid_to_track.get(self.mid).map(String::as_str);
        let track_sid = named.or(Some(self.msid_track)).filter(|sid| sid.starts_with("TR"))?;
        Some(Section { mid: self.mid.to_owned(), kind: self.kind?, track_sid: track_sid.to_owned() })
    }
}

/// Browsers invent track ids in single mode, so the map counts before the msid.
pub(super) fn sections(sdp: &str, mid_to_track: &HashMap<String, String>) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut draft = Draft::default();
    for line in sdp.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            sections.extend(std::mem::take(&mut draft).finish(mid_to_track));
            let mut words = media.split(' ');
            draft.kind = match words.next() {
                Some("audio") => Some(Kind::Audio),
                Some("video") => Some(Kind::Video),
                _ => None,
            };
            draft.rejected = words.next() == Some("0");
            draft.sends = true;
        } else if let Some(mid) = line.strip_prefix("a=mid:") {
            draft.mid = mid.trim();
        } else if let Some(msid) = line.strip_prefix("a=msid:") {
            draft.msid_track = msid.split_whitespace().nth(1).unwrap_or_default();
        } else {
            match line.trim_end() {
                "a=recvonly" | "a=inactive" => draft.sends = false,
                "a=bundle-only" => draft.rejected = false,
                _ => {}
            }
        }
    }
    sections.extend(draft.finish(mid_to_track));
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(mid: &str, kind: Kind, track_sid: &str) -> Section {
        Section { mid: mid.into(), kind, track_sid: track_sid.into() }
    }

    const ANSWER: &str = "v=0\r\na=group:BUNDLE 0 1 2 3 4 5\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=msid:PA_a|TR_AMx TR_AMx\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=inactive\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=mid:2\r\na=msid:- 1234\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=recvonly\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:4\r\na=sendonly\r\na=msid:PA_a|TR_VCz TR_VCz\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:5\r\n";

    #[test]
    fn only_sections_that_send_a_known_track_count() {
        let map = [("2".to_owned(), "TR_VCy".to_owned()), ("3".to_owned(), "TR_own".to_owned())].into();
        assert_eq!(
            sections(ANSWER, &map),
            [section("0", Kind::Audio, "TR_AMx"), section("2", Kind::Video, "TR_VCy")]
        );
    }

    #[test]
    fn the_map_overrules_the_msid() {
        let map = [("0".to_owned(), "TR_new".to_owned())].into();
        assert_eq!(sections(ANSWER, &map)[0].track_sid, "TR_new");
    }

    #[test]
    fn nonsense_has_no_sections() {
        assert!(sections("", &HashMap::new()).is_empty());
        assert!(sections("m=\nm=video\na=mid:\na=msid:\n", &HashMap::new()).is_empty());
    }
}
