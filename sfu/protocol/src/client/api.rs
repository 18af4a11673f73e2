//! Inputs, outputs and events of a [`super::Session`].

use crate::codec::MAX_FRAME_BYTES;
use crate::{Mode, proto};

/// Milliseconds since the Unix epoch, from a clock that never goes back.
pub type Millis = u64;

/// One signalling socket; each attempt has a new one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SocketId(pub u32);

/// One peer connection; a full reconnect makes new ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PeerId(pub u32);

/// What a published track shows or carries. A participant publishes at most one track of each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Source {
    Camera,
    Microphone,
    Screen,
    ScreenAudio,
}

impl Source {
    pub const ALL: [Source; 4] = [Source::Microphone, Source::Camera, Source::Screen, Source::ScreenAudio];

    pub fn kind(self) -> Kind {
        match self {
            Source::Camera | Source::Screen => Kind::Video,
            Source::Microphone | Source::ScreenAudio => Kind::Audio,
        }
    }

    pub fn proto(self) -> proto::TrackSource {
        match self {
            Source::Camera => proto::TrackSource::Camera,
            Source::Microphone => proto::TrackSource::Microphone,
            Source::Screen => proto::TrackSource::ScreenShare,
            Source::ScreenAudio => proto::TrackSource::ScreenShareAudio,
        }
    }

    pub fn from_proto(source: i32) -> Option<Source> {
        Source::ALL.into_iter().find(|known| known.proto() as i32 == source)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Audio,
    Video,
}

/// A captured track that should be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalTrack {
    /// Id of the `MediaStreamTrack`.
    pub cid: String,
    /// Captured size; 0 for audio.
    pub width: u32,
    pub height: u32,
    /// An opus stream of two channels.
    pub stereo: bool,
}

/// How to join.
#[derive(Clone, Debug)]
pub struct Config {
    pub token: String,
    /// Tried first; [`Mode::Single`] falls back to [`Mode::Dual`] where the server has no `/rtc/v1`.
    pub mode: Mode,
    /// Whether the first offer travels inside the join request (single mode; false for Firefox).
    pub offer_in_join: bool,
    pub client: proto::ClientInfo,
    pub auto_subscribe: bool,
    pub adaptive_stream: bool,
    /// Let the server switch off layers that nobody watches.
    pub dynacast: bool,
    /// Whether screens are sent in two layers (Firefox cannot).
    pub screen_simulcast: bool,
    /// Seed of the jitter between attempts.
    pub seed: u64,
}

impl Config {
    pub fn new(token: String, client: proto::ClientInfo) -> Config {
        Config {
            token,
            mode: Mode::Single,
            offer_in_join: true,
            client,
            auto_subscribe: true,
            adaptive_stream: true,
            dynacast: true,
            screen_simulcast: true,
            seed: 0,
        }
    }
}

/// States of a peer connection that matter here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PeerState {
    Connecting,
    Connected,
    /// Nothing is heard; may come back by itself.
    Disconnected,
    Failed,
}

/// Which data channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Channel {
    /// `_reliable`
    Reliable,
    /// `_lossy`
    Lossy,
}

impl Channel {
    pub fn label(self) -> &'static str {
        match self {
            Channel::Reliable => "_reliable",
            Channel::Lossy => "_lossy",
        }
    }

    pub fn from_label(label: &str) -> Option<Channel> {
        [Channel::Reliable, Channel::Lossy].into_iter().find(|channel| channel.label() == label)
    }
}

/// How a subscribed track should look (`track_setting`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TileSettings {
    pub visible: bool,
    /// Size of the tile in device pixels; 0 asks for the best.
    pub width: u32,
    pub height: u32,
}

#[derive(Debug)]
pub enum Input {
    /// Joins. Counts once.
    Start,
    /// Leaves for good.
    Leave,
    /// The network is said to be back: do not wait for the next attempt.
    Online,

    SocketOpened {
        socket: SocketId,
    },
    SocketMessage {
        socket: SocketId,
        message: Box<proto::SignalResponse>,
    },
    /// Closed by either side, or never opened.
    SocketClosed {
        socket: SocketId,
    },
    /// Answer to [`Output::Validate`]; `status` is `None` when the server was not reached.
    Validated {
        socket: SocketId,
        status: Option<u16>,
        body: String,
    },

    /// Answer to [`Output::MakeOffer`].
    OfferMade {
        peer: PeerId,
        sdp: String,
    },
    /// Answer to [`Output::TakeOffer`].
    AnswerMade {
        peer: PeerId,
        sdp: String,
    },
    /// Answer to [`Output::TakeAnswer`].
    AnswerTaken {
        peer: PeerId,
    },
    /// An operation on the peer connection was refused.
    PeerBroken {
        peer: PeerId,
    },
    PeerState {
        peer: PeerId,
        state: PeerState,
    },
    /// A candidate as `RTCIceCandidate.toJSON()` has it; `None` when all are known.
    LocalCandidate {
        peer: PeerId,
        candidate: Option<String>,
    },
    ChannelOpen {
        peer: PeerId,
        channel: Channel,
    },
    Data {
        peer: PeerId,
        channel: Channel,
        payload: Vec<u8>,
    },

    /// `Some` sends this track, `None` mutes the source but keeps its place.
    SetLocal {
        source: Source,
        track: Option<LocalTrack>,
    },
    /// Takes the source away for all.
    Unpublish {
        source: Source,
    },
    Subscribe {
        track_sids: Vec<String>,
        subscribe: bool,
    },
    Tile {
        track_sid: String,
        settings: TileSettings,
    },

    /// The time of [`super::Session::poll_timeout`] has come.
    Timeout,
}

/// A layer to send (`RTCRtpEncodingParameters`), lowest first.
#[derive(Clone, PartialEq, Debug)]
pub struct Encoding {
    /// `None` where there is only one.
    pub rid: Option<&'static str>,
    pub scale_down_by: f64,
    pub max_bitrate: u32,
    pub max_framerate: u32,
}

/// Operations on one peer connection must be run in the order they come, each when the one
/// before is done.
#[derive(Clone, PartialEq, Debug)]
pub enum Output {
    /// `query` holds everything but the token.
    OpenSocket {
        socket: SocketId,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        token: String,
    },
    /// With code 1000.
    CloseSocket {
        socket: SocketId,
    },
    /// Fetch why the socket would not open.
    Validate {
        socket: SocketId,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        token: String,
    },
    Send {
        socket: SocketId,
        message: Box<proto::SignalRequest>,
    },

    OpenPeer {
        peer: PeerId,
        ice_servers: Vec<proto::IceServer>,
        relay_only: bool,
    },
    ClosePeer {
        peer: PeerId,
    },
    SetIceServers {
        peer: PeerId,
        ice_servers: Vec<proto::IceServer>,
        relay_only: bool,
    },
    /// Both data channels, in band.
    OpenChannels {
        peer: PeerId,
    },
    /// Adds receive-only transceivers.
    AddReceivers {
        peer: PeerId,
        audios: u32,
        videos: u32,
    },
    /// Adds a send-only transceiver with the source's current track.
    AddSender {
        peer: PeerId,
        source: Source,
        encodings: Vec<Encoding>,
    },
    /// The source's track has changed or is gone: replace it in the sender.
    SwapTrack {
        peer: PeerId,
        source: Source,
    },
    RemoveSender {
        peer: PeerId,
        source: Source,
    },
    /// Which layers are wanted, lowest first.
    SetLayers {
        peer: PeerId,
        source: Source,
        active: Vec<bool>,
    },
    /// Create an offer and, unless `hold`, make it the local description.
    MakeOffer {
        peer: PeerId,
        restart: bool,
        hold: bool,
    },
    /// Make the held offer the local description.
    ApplyOffer {
        peer: PeerId,
    },
    /// Make this the remote description, then create an answer and make it the local one.
    TakeOffer {
        peer: PeerId,
        sdp: String,
    },
    TakeAnswer {
        peer: PeerId,
        sdp: String,
    },
    /// JSON of an `RTCIceCandidateInit`.
    AddCandidate {
        peer: PeerId,
        candidate: String,
    },
    SendData {
        peer: PeerId,
        channel: Channel,
        payload: Vec<u8>,
    },

    Event(Event),
}

/// Why a session is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// [`Input::Leave`].
    Left,
    DuplicateIdentity,
    /// By a moderator.
    Removed,
    /// The room was deleted.
    RoomDeleted,
    /// The room ended by itself.
    RoomClosed,
    ServerShutdown,
    /// The token was refused (401, 403).
    Refused,
    /// There is no such room.
    NoRoom,
    /// Any other refusal.
    Rejected {
        status: u16,
    },
    /// The server was not reached any more.
    Network,
    /// The server ended it with a `DisconnectReason` that has no name here.
    Other(i32),
}

/// What the application sees.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// Media flows for the first time.
    Connected,
    /// Something is lost; it is being restored.
    Reconnecting,
    Reconnected,
    /// The last event.
    Ended(EndReason),

    Room(Box<proto::Room>),
    /// The own participant, each time it changes.
    Local(Box<proto::ParticipantInfo>),
    ParticipantJoined(Box<proto::ParticipantInfo>),
    ParticipantUpdated(Box<proto::ParticipantInfo>),
    ParticipantLeft {
        sid: String,
    },

    /// The receiver of section `mid` carries this track from now on.
    TrackStarted {
        peer: PeerId,
        mid: String,
        kind: Kind,
        participant_sid: String,
        track_sid: String,
    },
    TrackStopped {
        track_sid: String,
    },
    /// The server pauses a track for want of bandwidth.
    TrackPaused {
        track_sid: String,
        paused: bool,
    },

    Published {
        source: Source,
        track_sid: String,
    },
    /// The server took it away, or refuses it.
    Unpublished {
        source: Source,
    },
    /// A moderator muted the source: stop capturing.
    Muted {
        source: Source,
    },

    /// Everybody who speaks now, the own participant included.
    Speakers(Vec<proto::SpeakerInfo>),
    Quality(Vec<proto::ConnectionQualityInfo>),
    Data(Box<DataMessage>),
    /// Keep this token in place of the old one.
    Token(String),
}

/// A message of another participant, or of the server.
#[derive(Clone, PartialEq, Debug)]
pub struct DataMessage {
    /// Empty when the server sent it.
    pub participant_identity: String,
    pub channel: Channel,
    pub value: proto::data_packet::Value,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendDataError {
    #[error("a packet of {0} bytes is larger than {MAX_DATA_BYTES}")]
    TooLarge(usize),
    #[error("no session")]
    NotJoined,
    #[error("too much is waiting to be sent")]
    Full,
}

/// Largest data packet (contract 3.3).
pub const MAX_DATA_BYTES: usize = 64_000;

const _: () = assert!(MAX_DATA_BYTES < MAX_FRAME_BYTES);
