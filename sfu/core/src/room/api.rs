//! Inputs and outputs of a room.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sfu_protocol::{Claims, Connect, proto};

use crate::ids::Chance;
use crate::media::{Codec, Fingerprint};

/// One signalling socket. A resume brings a new one for the same participant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConnectionId(pub u64);

/// The two clocks a room needs, read by the shell.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    /// Milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// Settings that all rooms of a process share.
#[derive(Clone, Debug)]
pub struct Environment {
    pub node_id: String,
    pub region: String,
    /// Reported in `server_info`; at least 1.8.0, or clients refuse RPC.
    pub version: String,
    pub fingerprint: Fingerprint,
    /// Where the shard of this room can be reached, best first.
    pub candidates: Vec<SocketAddr>,
    /// In order of preference; the first is the clients' fallback.
    pub codecs: Vec<Codec>,
    pub ice_servers: Vec<proto::IceServer>,
}

/// Settings of one room.
#[derive(Clone, Debug)]
pub struct RoomOptions {
    pub name: String,
    pub metadata: String,
    /// Closes the room if nobody came for this long after creation.
    pub empty_timeout: Duration,
    /// Closes the room this long after the last participant left.
    pub departure_timeout: Duration,
    /// 0 means no limit.
    pub max_participants: u32,
}

/// Everything needed to make a room.
#[derive(Debug)]
pub struct RoomInit {
    pub options: RoomOptions,
    pub environment: Environment,
    /// First id of the range that this room may use for transports, tracks and sends; also the
    /// `room` of [`crate::media::Event::Speakers`].
    pub id_base: u64,
    pub chance: Chance,
}

/// A participant's wish to join or resume, its token already verified.
#[derive(Clone, Debug)]
pub struct Join {
    pub connection: ConnectionId,
    pub claims: Claims,
    pub connect: Connect,
}

/// Whom an administrator's command means.
pub type Identity = String;

#[derive(Clone, Debug)]
pub enum Admin {
    /// Disconnects everybody (`ROOM_DELETED`) and closes the room.
    Delete,
    Remove {
        identity: Identity,
    },
    MuteTrack {
        identity: Identity,
        track_sid: String,
        muted: bool,
    },
    UpdateParticipant {
        identity: Identity,
        name: Option<String>,
        metadata: Option<String>,
        attributes: HashMap<String, String>,
        permission: Option<proto::ParticipantPermission>,
    },
    UpdateMetadata {
        metadata: String,
    },
    /// Empty `destination_identities` means everyone.
    SendData {
        topic: Option<String>,
        payload: Bytes,
        reliable: bool,
        destination_identities: Vec<Identity>,
    },
    /// The process ends: everybody is told `SERVER_SHUTDOWN`.
    Shutdown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AdminError {
    #[error("participant does not exist")]
    NoParticipant,
    #[error("track is not found")]
    NoTrack,
    #[error("remote unmute not enabled")]
    RemoteUnmute,
}

#[derive(Debug)]
pub enum Input {
    Join(Box<Join>),
    Signal {
        connection: ConnectionId,
        request: Box<proto::SignalRequest>,
    },
    /// The socket is gone without a `leave`.
    Closed {
        connection: ConnectionId,
    },
    Media(crate::media::Event),
    /// The time of [`super::Room::poll_timeout`] has come.
    Timeout,
}

/// Why a participant left; numbers are LiveKit's.
pub type Reason = proto::DisconnectReason;

/// Facts about a room, for whoever keeps records of it.
#[derive(Clone, Debug)]
pub enum RoomEvent {
    Started {
        room: proto::Room,
    },
    Finished {
        room: proto::Room,
    },
    /// The participant's media is connected (state ACTIVE), not merely its socket.
    ParticipantJoined {
        room: proto::Room,
        participant: proto::ParticipantInfo,
    },
    ParticipantLeft {
        room: proto::Room,
        participant: proto::ParticipantInfo,
        reason: Reason,
    },
    /// Left before its media ever connected.
    ParticipantAborted {
        room: proto::Room,
        participant: proto::ParticipantInfo,
        reason: Reason,
    },
    TrackPublished {
        room: proto::Room,
        participant: proto::ParticipantInfo,
        track: proto::TrackInfo,
    },
    TrackUnpublished {
        room: proto::Room,
        participant: proto::ParticipantInfo,
        track: proto::TrackInfo,
    },
}

#[derive(Debug)]
pub enum Output {
    Signal {
        connection: ConnectionId,
        response: Box<proto::SignalResponse>,
    },
    /// The shell signs a token from these claims (with a new `exp`) and sends it as `refresh_token`.
    RefreshToken {
        connection: ConnectionId,
        claims: Box<Claims>,
    },
    /// No more messages for this socket; close it with code 1000.
    Close {
        connection: ConnectionId,
    },
    Media(crate::media::Command),
    Event(Box<RoomEvent>),
    /// The room is over: every connection has been closed; drop it.
    Finished,
}
