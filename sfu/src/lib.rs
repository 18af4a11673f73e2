//! The shell of the media core: threads, sockets, clocks and room tasks. See [`Sfu`].

use std::net::{IpAddr, SocketAddr};

use tokio::sync::mpsc;

pub use sfu_core::room::{Admin, AdminError, Join as CoreJoin, Reason, RoomEvent, RoomOptions};
use sfu_protocol::{Claims, Connect, proto};

/// How to run the media server.
#[derive(Clone, Debug)]
pub struct Config {
    /// One UDP port per shard, counting up from here (LiveKit's dev mode: 7882); 0 lets the system choose.
    pub udp_port: u16,
    /// Number of shards; 0 means one per core.
    pub shards: usize,
    pub bind: IpAddr,
    /// Addresses to advertise instead of those of every interface.
    pub advertise: Vec<IpAddr>,
    pub node_id: String,
    pub region: String,
    pub version: String,
    pub ice_servers: Vec<proto::IceServer>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open UDP {address}: {source}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("no network address to advertise")]
    NoAddress,
    #[error("cannot make a DTLS certificate")]
    Certificate,
}

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Shutting down.
    #[error("server is shutting down")]
    ShuttingDown,
    /// `max_participants` reached.
    #[error("room is full")]
    Full,
    /// The room ended while the client was joining, or did not answer in time.
    #[error("room is not available")]
    Unavailable,
}

/// What the server sends on one signalling socket.
#[derive(Debug)]
pub enum SessionMessage {
    Signal(Box<proto::SignalResponse>),
    /// Sign these claims with a new `exp` and send them as `refresh_token`.
    RefreshToken(Box<Claims>),
}

/// One signalling socket inside the SFU. Dropping it tells the room that the socket is gone; when
/// `responses` ends, close the socket with code 1000.
#[derive(Debug)]
pub struct Session {
    /// The first message (join, reconnect or leave), already produced: only now accept the upgrade.
    pub first: SessionMessage,
    pub requests: mpsc::Sender<proto::SignalRequest>,
    pub responses: mpsc::Receiver<SessionMessage>,
}

/// Handle of the running media server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sfu {}

impl Sfu {
    /// Opens the sockets and starts the shard threads. `events` receives every [`RoomEvent`].
    pub async fn start(_config: Config, _events: mpsc::Sender<RoomEvent>) -> Result<Sfu, StartError> {
        unimplemented!()
    }

    /// Joins (or resumes in) a room, making the room with `options` if it is not there.
    pub async fn join(&self, _options: RoomOptions, _claims: Claims, _connect: Connect) -> Result<Session, JoinError> {
        unimplemented!()
    }

    /// Makes the room if it is not there; answers its current state.
    pub async fn create_room(&self, _options: RoomOptions) -> Result<proto::Room, JoinError> {
        unimplemented!()
    }

    pub async fn rooms(&self) -> Vec<proto::Room> {
        unimplemented!()
    }

    /// `None` when there is no such room.
    pub async fn participants(&self, _room: &str) -> Option<Vec<proto::ParticipantInfo>> {
        unimplemented!()
    }

    /// `None` when there is no such room.
    pub async fn admin(&self, _room: &str, _command: Admin) -> Option<Result<(), AdminError>> {
        unimplemented!()
    }

    /// Tells everybody, ends rooms and shards; returns when all is down.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
