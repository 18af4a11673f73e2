//! The messages between a room ([`crate::room::Room`]) and the shard that carries its media
//! ([`crate::shard::Shard`]). They are the only coupling between the two.
//!
//! Ids are chosen by the sender of the message that introduces them and are unique in the process:
//! the shell gives each room a disjoint range.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

/// One ICE + DTLS + SCTP association with a client: a peer connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TransportId(pub u64);

/// One published track: an m-section of a publisher with all its simulcast layers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TrackId(pub u64);

/// One track being sent to one subscriber: a "down track".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SendId(pub u64);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Audio,
    Video,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    Opus,
    Red,
    Pcmu,
    Pcma,
    Vp8,
    Vp9,
    H264,
    H265,
    Av1,
}

impl Codec {
    pub fn kind(self) -> Kind {
        match self {
            Codec::Opus | Codec::Red | Codec::Pcmu | Codec::Pcma => Kind::Audio,
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::H265 | Codec::Av1 => Kind::Video,
        }
    }

    /// Name as written in `a=rtpmap`.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Opus => "opus",
            Codec::Red => "red",
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::Vp8 => "VP8",
            Codec::Vp9 => "VP9",
            Codec::H264 => "H264",
            Codec::H265 => "H265",
            Codec::Av1 => "AV1",
        }
    }

    /// Case-insensitive inverse of [`Codec::name`].
    pub fn from_name(name: &str) -> Option<Codec> {
        use Codec::{Av1, H264, H265, Opus, Pcma, Pcmu, Red, Vp8, Vp9};
        [Opus, Red, Pcmu, Pcma, Vp8, Vp9, H264, H265, Av1]
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// LiveKit's mime type, e.g. `video/VP8`, `audio/opus`.
    pub fn mime(self) -> &'static str {
        match self {
            Codec::Opus => "audio/opus",
            Codec::Red => "audio/red",
            Codec::Pcmu => "audio/PCMU",
            Codec::Pcma => "audio/PCMA",
            Codec::Vp8 => "video/VP8",
            Codec::Vp9 => "video/VP9",
            Codec::H264 => "video/H264",
            Codec::H265 => "video/H265",
            Codec::Av1 => "video/AV1",
        }
    }
}

/// ICE user fragment and password of one side (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceCredentials({})", self.ufrag)
    }
}

/// Our part in the DTLS handshake (RFC 5763 section 5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DtlsRole {
    Client,
    Server,
}

/// Digest of a DTLS certificate as in `a=fingerprint`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// Lower-case hash name: `sha-256`, `sha-384` or `sha-512`.
    pub algorithm: String,
    pub digest: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SctpParams {
    pub port: u16,
    /// Bytes; `None` means the peer set no limit.
    pub max_message_size: Option<u32>,
}

/// What the peer's first description says about its transport.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteTransport {
    pub ice: IceCredentials,
    pub ice_lite: bool,
    pub fingerprint: Fingerprint,
    /// Our role, already resolved from both `a=setup` lines.
    pub role: DtlsRole,
    pub sctp: Option<SctpParams>,
    /// `candidate:` attribute values found in the description.
    pub candidates: Vec<String>,
}

/// The two channels that carry `DataPacket`s, named by label (contract livekit.md 3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    /// `_reliable`: ordered.
    Reliable,
    /// `_lossy`: unordered, never retransmitted.
    Lossy,
}

/// Who opens the data channels of a transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelSetup {
    /// The peer opens them in band (publisher or single connection); also accepts the
    /// pre-negotiated ids 100 and 101 of protocol 18.
    Peer,
    /// We open them in band (subscriber connection of the dual mode).
    Local,
}

/// One payload type of an m-section, with the retransmission type that points to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodecParams {
    pub codec: Codec,
    pub pt: u8,
    pub clock_rate: u32,
    /// 0 for video.
    pub channels: u8,
    pub fmtp: String,
    pub rtx_pt: Option<u8>,
    /// `a=rtcp-fb` values, e.g. `nack pli`.
    pub feedback: Vec<String>,
}

/// Header extension ids of one m-section; 0 means "not negotiated" (0 is no valid id, RFC 8285).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ExtensionIds {
    pub mid: u8,
    pub rid: u8,
    pub repaired_rid: u8,
    pub audio_level: u8,
    pub abs_send_time: u8,
    pub abs_capture_time: u8,
    pub transport_cc: u8,
    pub dependency_descriptor: u8,
    pub playout_delay: u8,
    pub video_orientation: u8,
}

/// One SSRC announced in SDP, or learned later by mid and rid.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SsrcInfo {
    pub ssrc: u32,
    /// From `a=ssrc-group:FID`.
    pub rtx_ssrc: Option<u32>,
}

/// How to receive one published track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiveSection {
    pub mid: String,
    pub kind: Kind,
    /// Only what was answered, in order of preference; payload types are the client's.
    pub codecs: Vec<CodecParams>,
    pub extensions: ExtensionIds,
    /// Simulcast rids from lowest to highest layer; empty without simulcast.
    pub rids: Vec<String>,
    /// In SDP order; empty when the client announces none (Firefox simulcast).
    pub ssrcs: Vec<SsrcInfo>,
}

/// How to send one track to one subscriber. Payload types and extension ids are the subscriber's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SendParams {
    pub mid: String,
    pub kind: Kind,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    /// What the subscriber can take; the packet path picks the entry whose codec (and fmtp
    /// profile, for H264) matches the published one.
    pub codecs: Vec<CodecParams>,
    pub extensions: ExtensionIds,
    /// CNAME of the sender report's SDES chunk; equal for all tracks of one publisher.
    pub cname: String,
}

/// Which of a track's layers a subscriber should get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selection {
    /// Nothing is sent.
    Paused,
    /// The highest live layer whose index is at most this (0 is the lowest).
    UpTo(u8),
}

/// Room to shard.
#[derive(Clone, Debug)]
pub enum Command {
    /// Creates a transport with its local credentials; it waits for [`Command::Connect`].
    Open {
        transport: TransportId,
        /// Groups transports for [`Event::Speakers`].
        room: u64,
        local: IceCredentials,
        /// True when we made the offer (subscriber connection of the dual mode).
        controlling: bool,
        channels: ChannelSetup,
    },
    /// Applies the peer's first description. Ignored when already connected to one.
    Connect {
        transport: TransportId,
        remote: RemoteTransport,
    },
    /// New credentials of both sides. Media keeps flowing on the old pair until a new one is nominated.
    RestartIce {
        transport: TransportId,
        local: IceCredentials,
        remote: IceCredentials,
    },
    /// A trickled `candidate:` attribute value.
    RemoteCandidate {
        transport: TransportId,
        candidate: String,
    },
    /// Drops the transport with all it receives and sends.
    Close {
        transport: TransportId,
    },

    /// Starts or updates (same track id) the reception of a track.
    Receive {
        transport: TransportId,
        track: TrackId,
        section: ReceiveSection,
    },
    StopReceiving {
        track: TrackId,
    },
    /// Starts or updates (same send id) forwarding of a track to a transport.
    Send {
        transport: TransportId,
        send: SendId,
        track: TrackId,
        params: SendParams,
    },
    StopSending {
        send: SendId,
    },
    /// Initially [`Selection::Paused`] for video and `UpTo(0)` for audio.
    Select {
        send: SendId,
        selection: Selection,
    },
    /// A muted track is not forwarded, whatever the publisher sends.
    Mute {
        track: TrackId,
        muted: bool,
    },

    /// A serialised `DataPacket` for one client. Lossy data for a channel that is not open is
    /// dropped; reliable data is queued, bounded.
    Data {
        transport: TransportId,
        channel: Channel,
        payload: Bytes,
    },
}

/// Why a transport will not carry media any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailReason {
    /// No nominated pair in time, or consent was lost for good.
    Ice,
    /// The handshake failed or the certificate does not match the fingerprint.
    Dtls,
}

/// Shard to room.
#[derive(Clone, Debug)]
pub enum Event {
    /// ICE has a pair and DTLS is done.
    Connected {
        transport: TransportId,
    },
    /// Nothing was heard for the disconnect time-out; may come back as [`Event::Connected`].
    Disconnected {
        transport: TransportId,
    },
    Failed {
        transport: TransportId,
        reason: FailReason,
    },
    /// Both data channels can be written to.
    ChannelsOpen {
        transport: TransportId,
    },
    Data {
        transport: TransportId,
        channel: Channel,
        payload: Bytes,
    },
    /// The first packet of a layer. `layer` is the index into [`ReceiveSection::rids`], else 0.
    LayerStarted {
        track: TrackId,
        layer: u8,
        codec: Codec,
        ssrc: u32,
    },
    /// A layer has been silent for long enough to count as gone.
    LayerStopped {
        track: TrackId,
        layer: u8,
    },
    /// Linear levels (0.0 to 1.0) of the tracks of one room that speak, once per interval; a track
    /// that is absent is silent. Sent once more, empty, after the last one fell silent.
    Speakers {
        room: u64,
        levels: Vec<(TrackId, f32)>,
    },
    /// The first packet of a track reached this subscriber's socket queue.
    FirstForwarded {
        send: SendId,
    },
}

/// Counters of a shard since its start; all monotonic.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    pub datagrams_in: u64,
    pub datagrams_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Datagrams that belong to no transport or are no STUN, DTLS, RTP or RTCP.
    pub unknown: u64,
    /// Datagrams that failed to parse.
    pub malformed: u64,
    /// Packets whose authentication failed or that were replayed.
    pub rejected: u64,
    pub nacks_in: u64,
    pub nacks_out: u64,
    pub plis_in: u64,
    pub plis_out: u64,
    pub retransmitted: u64,
    /// Packets that could not be sent: queue full.
    pub dropped: u64,
}

/// One datagram, or a run of equal-sized ones, for the socket.
#[derive(Clone, Copy, Debug)]
pub struct Transmit<'a> {
    pub destination: SocketAddr,
    pub payload: &'a [u8],
    /// With `Some(n)` the payload is a run of datagrams of `n` bytes each, the last may be
    /// shorter (`UDP_SEGMENT`).
    pub segment_size: Option<usize>,
}
