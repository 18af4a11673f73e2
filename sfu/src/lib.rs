//! The shell of the media core: threads, sockets, clocks and room tasks. See [`Sfu`].
//!
//! Ownership: a shard thread owns its socket and its [`sfu_core::shard::Shard`]; a task owns a room.
//! They talk over bounded channels; a shard never waits for a room. Nothing else is shared but the
//! table of rooms, whose lock is never held across an await.

mod address;
mod driver;
mod registry;
mod room_task;
mod session;
mod socket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::sync::mpsc;

pub use session::{Session, SessionMessage};
pub use sfu_core::media::Counters as ShardCounters;
pub use sfu_core::room::{Admin, AdminError, Join as CoreJoin, Reason, RoomEvent, RoomOptions};
use sfu_protocol::{Claims, Connect, proto};
/// For the bench of the whole path.
#[doc(hidden)]
pub use socket::Socket;

use registry::Registry;

/// How to run the media server.
#[derive(Clone, Debug)]
pub struct Config {
    /// One UDP port per shard, counting up from here (LiveKit's dev mode: 7882); 0 lets the system choose.
    pub udp_port: u16,
    /// Number of shards; 0 means one per core.
    pub shards: usize,
    /// Decides the address family: an IPv6 address serves IPv6 only.
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
    #[error("cannot start a media thread: {0}")]
    Thread(std::io::Error),
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

/// What the media server did since its start, and what it holds now.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    pub rooms: usize,
    pub participants: usize,
    /// One entry per shard, at most a second old.
    pub shards: Vec<ShardCounters>,
    /// Datagrams that the sockets did not take.
    pub unsent: u64,
    /// Lossy data and shard events dropped because a queue was full.
    pub dropped_events: u64,
    /// Clients cut off because they did not read their messages.
    pub slow_clients: u64,
    /// Room events dropped because nobody took them.
    pub lost_room_events: u64,
}

/// Handle of the running media server; cheap to clone.
#[derive(Clone)]
pub struct Sfu {
    registry: Arc<Registry>,
}

impl Sfu {
    /// Opens the sockets and starts the shard threads. `events` receives every [`RoomEvent`].
    /// Rooms run as tasks of the calling runtime.
    #[expect(clippy::unused_async, reason = "must run inside the runtime that will carry the rooms")]
    pub async fn start(config: Config, events: mpsc::Sender<RoomEvent>) -> Result<Sfu, StartError> {
        Ok(Sfu { registry: Arc::new(Registry::start(config, events)?) })
    }

    /// Joins (or resumes in) a room, making the room with `options` if it is not there. A resume in
    /// a room that is not there is answered with `leave` as first message.
    pub async fn join(
        &self,
        options: RoomOptions,
        claims: Claims,
        connect: Connect,
    ) -> Result<Session, JoinError> {
        Registry::join(&self.registry, options, claims, connect).await
    }

    /// Makes the room if it is not there; answers its current state.
    pub async fn create_room(&self, options: RoomOptions) -> Result<proto::Room, JoinError> {
        Registry::create_room(&self.registry, options).await
    }

    pub async fn rooms(&self) -> Vec<proto::Room> {
        self.registry.rooms().await
    }

    /// `None` when there is no such room.
    pub async fn participants(&self, room: &str) -> Option<Vec<proto::ParticipantInfo>> {
        self.registry.participants(room).await
    }

    /// `None` when there is no such room.
    pub async fn admin(&self, room: &str, command: Admin) -> Option<Result<(), AdminError>> {
        self.registry.admin(room, command).await
    }

    pub fn counters(&self) -> Counters {
        self.registry.counters()
    }

    /// Where media can be sent to, one list per shard, best address first.
    pub fn candidates(&self) -> Vec<Vec<SocketAddr>> {
        self.registry.candidates()
    }

    /// Tells everybody, ends rooms and shards; returns when all is down.
    pub async fn shutdown(&self) {
        self.registry.shutdown().await;
    }
}

impl std::fmt::Debug for Sfu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sfu").finish_non_exhaustive()
    }
}
