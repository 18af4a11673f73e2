//! The control state of one room: participants, tracks, subscriptions and SDP.
//! See `api.rs` for what goes in and comes out; contract livekit.md sections 2, 3, 5 and 7.
//!
//! Invariant: hand in one [`Input`] (or [`Admin`] command), then [`Room::poll`] until there is
//! nothing more, then sleep until [`Room::poll_timeout`]. The room never looks at a clock, and
//! everything it keeps is bounded.
//!
//! Each behaviour has a file: who is here (`participant`, `join`, `resume`), what they send
//! (`publish`, `track_info`) and get (`subscribe`), how that is negotiated (`peer`, `negotiate_client`,
//! `negotiate_server`, `trickle`), what they are told (`updates`, `speakers`), data (`data`),
//! requests (`signal`, `admin`) and time (`timers`).

#![expect(deprecated, reason = "clients in the field still read and write the fields of older protocols")]

mod admin;
pub mod api;
mod data;
mod join;
mod media_events;
mod negotiate_client;
mod negotiate_server;
mod participant;
mod peer;
mod publish;
mod resume;
mod signal;
mod speakers;
mod subscribe;
mod timers;
mod track_info;
mod trickle;
mod updates;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use sfu_protocol::proto::{self, ParticipantInfo, SignalResponse, TimedVersion, signal_response};

pub use api::*;
pub use resume::state_mismatch;

use crate::ids::Chance;
use crate::media::{Command, TrackId, TransportId};
use data::Replay;
use participant::{Key, Participant};
use publish::Track;

/// What went wrong so far; all monotonic.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RoomCounters {
    /// Descriptions, candidates and data packets that did not parse.
    pub malformed: u64,
    /// Data packets of those who may not send them, or that are too long.
    pub refused_data: u64,
    /// Requests dropped because a table of theirs is full.
    pub surplus_requests: u64,
    /// Clients disconnected because they sent requests without end.
    pub flooding_clients: u64,
}

/// One room. Dropped after [`Output::Finished`].
pub struct Room {
    options: RoomOptions,
    environment: Environment,
    /// First of our ids, and our name towards the shard.
    id: u64,
    next_id: u64,
    chance: Chance,
    sid: String,
    sif_trailer: Vec<u8>,
    created_ms: u64,
    /// The time of the input at hand.
    now: Now,
    last_version: TimedVersion,
    participants: BTreeMap<Key, Participant>,
    connections: HashMap<ConnectionId, Key>,
    transports: HashMap<TransportId, Key>,
    tracks: BTreeMap<TrackId, Track>,
    /// Current levels, as told.
    speaking: BTreeMap<Key, f32>,
    /// Whose updates wait to be sent together.
    batch: BTreeSet<Key>,
    batch_due: Option<Instant>,
    info_due: Option<Instant>,
    quality_at: Instant,
    departures: VecDeque<(Instant, ParticipantInfo)>,
    replay: Replay,
    /// Since when nobody is here who could keep the room open.
    empty_since: Option<Instant>,
    /// Somebody has been here.
    came: bool,
    finished: bool,
    counters: RoomCounters,
    outputs: VecDeque<Output>,
}

impl Room {
    pub fn new(init: RoomInit, now: Now) -> Room {
        let RoomInit { options, environment, id_base, mut chance } = init;
        let sid = chance.sid("RM_");
        let sif_trailer = chance.sid("").into_bytes();
        let mut room = Room {
            options,
            environment,
            id: id_base,
            next_id: id_base,
            chance,
            sid,
            sif_trailer,
            created_ms: now.unix_ms,
            now,
            last_version: TimedVersion::default(),
            participants: BTreeMap::new(),
            connections: HashMap::new(),
            transports: HashMap::new(),
            tracks: BTreeMap::new(),
            speaking: BTreeMap::new(),
            batch: BTreeSet::new(),
            batch_due: None,
            info_due: None,
            quality_at: now.instant,
            departures: VecDeque::new(),
            replay: Replay::default(),
            empty_since: Some(now.instant),
            came: false,
            finished: false,
            counters: RoomCounters::default(),
            outputs: VecDeque::new(),
        };
        let info = room.info();
        room.event(RoomEvent::Started { room: info });
        room
    }

    pub fn handle(&mut self, input: Input, now: Now) {
        self.now = now;
        if self.finished {
            // A client that comes too late must not wait for an answer.
            if let Input::Join(join) = input {
                self.outputs.push_back(Output::Close { connection: join.connection });
            }
            return;
        }
        match input {
            Input::Join(join) => self.join(*join),
            Input::Signal { connection, request } => self.request(connection, *request),
            Input::Closed { connection } => self.closed(connection),
            Input::Media(event) => self.media_event(event),
            Input::Timeout => self.timeout(),
        }
    }

    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// How many participants there are, hidden ones included.
    pub fn occupancy(&self) -> usize {
        self.participants.len()
    }

    pub fn counters(&self) -> RoomCounters {
        self.counters
    }

    pub fn info(&self) -> proto::Room {
        let counted = || self.participants.values().filter(|one| !one.is_hidden() && !one.is_dependent());
        proto::Room {
            sid: self.sid.clone(),
            name: self.options.name.clone(),
            empty_timeout: self.options.empty_timeout.as_secs() as u32,
            departure_timeout: self.options.departure_timeout.as_secs() as u32,
            max_participants: self.options.max_participants,
            creation_time: (self.created_ms / 1000) as i64,
            creation_time_ms: self.created_ms as i64,
            enabled_codecs: self
                .environment
                .codecs
                .iter()
                .map(|codec| proto::Codec { mime: codec.mime().to_owned(), ..Default::default() })
                .collect(),
            metadata: self.options.metadata.clone(),
            num_participants: counted().count() as u32,
            num_publishers: counted().filter(|one| one.is_publisher).count() as u32,
            active_recording: self.participants.values().any(Participant::is_recorder),
            ..Default::default()
        }
    }

    /// Everybody, for administrators: also who is hidden or not connected yet.
    pub fn participants(&self) -> Vec<ParticipantInfo> {
        self.participants.keys().map(|key| self.describe(*key)).collect()
    }

    fn keys(&self) -> Vec<Key> {
        self.participants.keys().copied().collect()
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Rises strictly, also within one microsecond.
    fn timed_version(&mut self) -> TimedVersion {
        let unix_micro = (self.now.unix_ms * 1000) as i64;
        let ticks = if unix_micro > self.last_version.unix_micro { 0 } else { self.last_version.ticks + 1 };
        self.last_version = TimedVersion { unix_micro: unix_micro.max(self.last_version.unix_micro), ticks };
        self.last_version
    }

    fn signal(&mut self, key: Key, message: signal_response::Message) {
        let Some(connection) = self.participants.get(&key).and_then(|one| one.connection) else { return };
        let response = Box::new(SignalResponse { message: Some(message) });
        self.outputs.push_back(Output::Signal { connection, response });
    }

    fn command(&mut self, command: Command) {
        self.outputs.push_back(Output::Media(command));
    }

    fn event(&mut self, event: RoomEvent) {
        self.outputs.push_back(Output::Event(Box::new(event)));
    }
}
