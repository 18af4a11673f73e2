//! From [`LocalDescription`] to text.

use std::fmt::Write;
use std::net::SocketAddr;

use super::{
    DescriptionKind, LocalDescription, LocalSection, MAX_MESSAGE_SIZE, SCTP_PORT, SectionKind, Setup,
    extensions,
};

impl LocalDescription {
    /// Everything is bundled on the first section that lives, RTCP is multiplexed and reduced.
    pub fn to_sdp(&self) -> String {
        let mut sdp = String::with_capacity(512 + 1024 * self.sections.len());
        let bundled: Vec<&str> = self
            .sections
            .iter()
            .filter(|section| !section.rejected)
            .map(|section| section.mid.as_str())
            .collect();
        let mut line = |text: std::fmt::Arguments<'_>| {
            sdp.write_fmt(text).expect("a string takes any text");
            sdp.push_str("\r\n");
        };
        line(format_args!("v=0"));
        line(format_args!("o=- {} {} IN IP4 127.0.0.1", self.session_id, self.version));
        line(format_args!("s=-"));
        line(format_args!("t=0 0"));
        if !bundled.is_empty() {
            line(format_args!("a=group:BUNDLE {}", bundled.join(" ")));
        }
        line(format_args!("a=extmap-allow-mixed"));
        line(format_args!("a=msid-semantic: WMS *"));
        for section in &self.sections {
            self.section(section, bundled.first() == Some(&section.mid.as_str()), &mut line);
        }
        sdp
    }

    fn section(&self, section: &LocalSection, first: bool, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        let kind = section.kind.name();
        let port = if section.rejected { 0 } else { 9 };
        if section.kind == SectionKind::Application {
            line(format_args!("m=application {port} UDP/DTLS/SCTP webrtc-datachannel"));
        } else {
            // The format list must not be empty, not even in a rejected section.
            let mut formats: Vec<String> = section
                .codecs
                .iter()
                .flat_map(|codec| [Some(codec.pt), codec.rtx_pt])
                .flatten()
                .map(|pt| pt.to_string())
                .collect();
            if formats.is_empty() {
                formats.push("0".to_owned());
            }
            let formats = formats.join(" ");
            line(format_args!("m={kind} {port} UDP/TLS/RTP/SAVPF {formats}"));
        }
        line(format_args!("c=IN IP4 0.0.0.0"));
        line(format_args!("a=mid:{}", section.mid));
        if section.rejected {
            line(format_args!("a=inactive"));
            return;
        }
        self.transport(first, line);
        if section.kind == SectionKind::Application {
            line(format_args!("a=sctp-port:{SCTP_PORT}"));
            line(format_args!("a=max-message-size:{MAX_MESSAGE_SIZE}"));
        } else {
            media(section, line);
        }
    }

    fn transport(&self, first: bool, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        if first {
            for (index, address) in self.candidates.iter().enumerate() {
                line(format_args!("a={}", candidate(index, *address)));
            }
            line(format_args!("a=end-of-candidates"));
        }
        line(format_args!("a=ice-ufrag:{}", self.ice.ufrag));
        line(format_args!("a=ice-pwd:{}", self.ice.pwd));
        line(format_args!("a=ice-options:trickle"));
        let digest: Vec<String> = self.fingerprint.digest.iter().map(|byte| format!("{byte:02X}")).collect();
        line(format_args!("a=fingerprint:{} {}", self.fingerprint.algorithm, digest.join(":")));
        let setup = match self.setup {
            // An answer has to choose (RFC 5763 section 5).
            Setup::ActPass if self.kind == DescriptionKind::Offer => "actpass",
            Setup::ActPass | Setup::Passive => "passive",
            Setup::Active => "active",
        };
        line(format_args!("a=setup:{setup}"));
    }
}

/// The `candidate:` attribute value of our `index`th best host address (RFC 8839 section 5.1).
pub(crate) fn candidate(index: usize, address: SocketAddr) -> String {
    let local_preference = 65_535_u32.saturating_sub(index as u32);
    let priority = (126 << 24) | (local_preference << 8) | 255;
    format!("candidate:{} 1 udp {priority} {} {} typ host", index + 1, address.ip(), address.port())
}

fn media(section: &LocalSection, line: &mut impl FnMut(std::fmt::Arguments<'_>)) {
    line(format_args!("a={}", section.direction.name()));
    line(format_args!("a=rtcp-mux"));
    line(format_args!("a=rtcp-rsize"));
    let mut ids = section.extensions;
    for (uri, id) in extensions(&mut ids) {
        if *id != 0 {
            line(format_args!("a=extmap:{id} {uri}"));
        }
    }
    for codec in &section.codecs {
        let (pt, name, rate) = (codec.pt, codec.codec.name(), codec.clock_rate);
        match codec.channels {
            0 | 1 => line(format_args!("a=rtpmap:{pt} {name}/{rate}")),
            channels => line(format_args!("a=rtpmap:{pt} {name}/{rate}/{channels}")),
        }
        if !codec.fmtp.is_empty() {
            line(format_args!("a=fmtp:{pt} {}", codec.fmtp));
        }
        for feedback in &codec.feedback {
            line(format_args!("a=rtcp-fb:{pt} {feedback}"));
        }
        if let Some(rtx) = codec.rtx_pt {
            line(format_args!("a=rtpmap:{rtx} rtx/{rate}"));
            line(format_args!("a=fmtp:{rtx} apt={pt}"));
        }
    }
    if !section.receive_rids.is_empty() {
        for rid in &section.receive_rids {
            line(format_args!("a=rid:{rid} recv"));
        }
        line(format_args!("a=simulcast:recv {}", section.receive_rids.join(";")));
    }
    if let Some(source) = &section.source {
        let (stream, track) = (token(&source.stream), token(&source.track));
        let cname = token(&source.cname);
        line(format_args!("a=msid:{stream} {track}"));
        // Chromium refuses a second SSRC in a section without retransmission.
        let has_rtx = section.codecs.iter().any(|codec| codec.rtx_pt.is_some());
        let ssrcs = [Some(source.ssrc.ssrc), source.ssrc.rtx_ssrc.filter(|_| has_rtx)];
        if let [Some(media), Some(rtx)] = ssrcs {
            line(format_args!("a=ssrc-group:FID {media} {rtx}"));
        }
        for ssrc in ssrcs.into_iter().flatten() {
            line(format_args!("a=ssrc:{ssrc} cname:{cname}"));
            line(format_args!("a=ssrc:{ssrc} msid:{stream} {track}"));
        }
    }
}

/// Stream names come from other clients: nothing of theirs may end a word or a line.
fn token(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect()
}
