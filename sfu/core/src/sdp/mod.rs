//! Session descriptions (RFC 8866, RFC 8829): what a client wrote as typed values, and what we
//! write back. Nothing here knows a room; contract livekit.md sections 3.1 to 3.6.
//!
//! Invariant: [`parse`] accepts any text without panicking, and what it returns is bounded in size
//! and free of control characters, so that it can be echoed.

mod negotiate;
mod parse;
#[cfg(test)]
mod tests;
mod write;

use std::net::SocketAddr;

pub use self::negotiate::{Purpose, negotiate, offer_codecs, offer_extensions, prefer, set_fmtp_parameter};
pub use self::parse::parse;
pub(crate) use self::write::candidate;
use crate::media::{
    CodecParams, DtlsRole, ExtensionIds, Fingerprint, IceCredentials, Kind, RemoteTransport, SctpParams,
    SsrcInfo,
};

/// SCTP port and message limit of our own sections (contract livekit.md 2.2).
pub const SCTP_PORT: u16 = 5000;
pub const MAX_MESSAGE_SIZE: u32 = 262_144;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SdpError {
    #[error("description is longer than {} bytes", parse::MAX_BYTES)]
    TooLong,
    #[error("more than {} media sections", parse::MAX_SECTIONS)]
    TooManySections,
    #[error("not a session description")]
    Syntax,
    #[error("no {0}")]
    Missing(&'static str),
    #[error("{0} is not valid")]
    Invalid(&'static str),
    #[error("two media sections with one mid")]
    DuplicateMid,
    #[error("a media section outside the BUNDLE group")]
    NotBundled,
}

/// `a=setup` (RFC 4145, RFC 5763).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setup {
    ActPass,
    Active,
    Passive,
}

impl Setup {
    /// Our role towards a peer that wrote this. Left the choice, we are the server: a handshake
    /// recovers from loss at the pace of its client, and browsers repeat after 50 ms. (LiveKit's
    /// server is the client here; clients take either.)
    pub fn our_role(self) -> DtlsRole {
        match self {
            Setup::ActPass | Setup::Active => DtlsRole::Server,
            Setup::Passive => DtlsRole::Client,
        }
    }

    /// What to answer in a role.
    pub fn answer(role: DtlsRole) -> Setup {
        match role {
            DtlsRole::Client => Setup::Active,
            DtlsRole::Server => Setup::Passive,
        }
    }
}

/// Direction as its writer sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SectionKind {
    Audio,
    Video,
    Application,
}

impl SectionKind {
    /// `None` for data channels.
    pub fn media(self) -> Option<Kind> {
        match self {
            SectionKind::Audio => Some(Kind::Audio),
            SectionKind::Video => Some(Kind::Video),
            SectionKind::Application => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            SectionKind::Audio => "audio",
            SectionKind::Video => "video",
            SectionKind::Application => "application",
        }
    }
}

impl From<Kind> for SectionKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Audio => SectionKind::Audio,
            Kind::Video => SectionKind::Video,
        }
    }
}

/// A client's offer or answer. Transport attributes are those of the bundled transport.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    pub ice: IceCredentials,
    pub ice_lite: bool,
    pub fingerprint: Fingerprint,
    pub setup: Setup,
    /// `candidate:` attribute values of the bundled transport.
    pub candidates: Vec<String>,
    pub sections: Vec<Section>,
    /// Of the first application section that is not rejected.
    pub sctp: Option<SctpParams>,
}

impl Description {
    /// What the transport must know of this peer, once our role is settled.
    pub fn remote_transport(&self, role: DtlsRole) -> RemoteTransport {
        RemoteTransport {
            ice: self.ice.clone(),
            ice_lite: self.ice_lite,
            fingerprint: self.fingerprint.clone(),
            role,
            sctp: self.sctp,
            candidates: self.candidates.clone(),
        }
    }

    pub fn section(&self, mid: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.mid == mid)
    }
}

/// One m-section of a client's description.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    pub mid: String,
    pub kind: SectionKind,
    /// As the client sees it.
    pub direction: Direction,
    /// Port 0 without `a=bundle-only`.
    pub rejected: bool,
    /// Codecs we know, in the client's order. Retransmission types are folded into the codec they
    /// point to.
    pub codecs: Vec<CodecParams>,
    /// The client's ids of the extensions we know, in the directions this section allows.
    pub extensions: ExtensionIds,
    /// Stream and track id of `a=msid`.
    pub msid: Option<(String, String)>,
    /// Simulcast layers that the client sends, from lowest to highest: `q`, `h`, `f`, else in SDP
    /// order. A single `a=rid` counts as one layer.
    pub rids: Vec<String>,
    /// `a=simulcast:send` was there.
    pub simulcast: bool,
    /// Media SSRCs in SDP order, with the retransmission SSRC of their FID group.
    pub ssrcs: Vec<SsrcInfo>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DescriptionKind {
    Offer,
    Answer,
}

/// An offer or answer of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalDescription {
    /// Stays for the life of the peer connection; below 2^63.
    pub session_id: u64,
    /// Grows by one with each description.
    pub version: u64,
    pub kind: DescriptionKind,
    pub ice: IceCredentials,
    pub fingerprint: Fingerprint,
    pub setup: Setup,
    /// All our candidates, best first: the description ends with `a=end-of-candidates`.
    pub candidates: Vec<SocketAddr>,
    pub sections: Vec<LocalSection>,
}

/// One m-section of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalSection {
    pub mid: String,
    pub kind: SectionKind,
    /// As we see it.
    pub direction: Direction,
    pub rejected: bool,
    /// In order of preference.
    pub codecs: Vec<CodecParams>,
    pub extensions: ExtensionIds,
    /// What we send: stream id, track id, SSRCs and CNAME.
    pub source: Option<LocalSource>,
    /// Simulcast layers that we accept: `a=rid … recv` and `a=simulcast:recv`.
    pub receive_rids: Vec<String>,
}

impl LocalSection {
    /// The data-channel section.
    pub fn application(mid: String) -> LocalSection {
        LocalSection {
            kind: SectionKind::Application,
            direction: Direction::SendRecv,
            rejected: false,
            ..LocalSection::rejected(mid, SectionKind::Application)
        }
    }

    /// A section that carries nothing and never will.
    pub fn rejected(mid: String, kind: SectionKind) -> LocalSection {
        LocalSection {
            mid,
            kind,
            direction: Direction::Inactive,
            rejected: true,
            codecs: Vec::new(),
            extensions: ExtensionIds::default(),
            source: None,
            receive_rids: Vec::new(),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalSource {
    pub stream: String,
    pub track: String,
    pub ssrc: SsrcInfo,
    pub cname: String,
}

/// URIs of the header extensions we know (contract livekit.md 3.4).
mod uri {
    pub(super) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    pub(super) const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
    pub(super) const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
    pub(super) const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    pub(super) const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    pub(super) const ABS_CAPTURE_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
    pub(super) const TRANSPORT_CC: &str =
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    pub(super) const DEPENDENCY_DESCRIPTOR: &str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
    pub(super) const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
    pub(super) const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";
}

/// Every extension we know, with the place of its id.
fn extensions(ids: &mut ExtensionIds) -> [(&'static str, &mut u8); 10] {
    [
        (uri::MID, &mut ids.mid),
        (uri::RID, &mut ids.rid),
        (uri::REPAIRED_RID, &mut ids.repaired_rid),
        (uri::AUDIO_LEVEL, &mut ids.audio_level),
        (uri::ABS_SEND_TIME, &mut ids.abs_send_time),
        (uri::ABS_CAPTURE_TIME, &mut ids.abs_capture_time),
        (uri::TRANSPORT_CC, &mut ids.transport_cc),
        (uri::DEPENDENCY_DESCRIPTOR, &mut ids.dependency_descriptor),
        (uri::PLAYOUT_DELAY, &mut ids.playout_delay),
        (uri::VIDEO_ORIENTATION, &mut ids.video_orientation),
    ]
}
