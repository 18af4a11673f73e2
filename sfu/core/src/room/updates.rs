//! What participants are told about each other and about the room (contract livekit.md 2.5).
//!
//! Every change of a participant raises its `version`. A participant hears of itself at once, of a
//! publisher at once, of others in batches.

use std::time::Duration;

use prost::Message as _;
use sfu_protocol::proto::{
    self, DisconnectReason, ParticipantInfo, participant_info::State, signal_response,
};

use super::Room;
use super::participant::Key;

/// Largest update message, roughly.
const CHUNK_BYTES: usize = 128 * 1024;
/// Delay of batched updates: short while a room is small enough for everyone to be told quickly.
const SMALL_ROOM: usize = 100;
const SMALL_DELAY: Duration = Duration::from_millis(100);
const LARGE_DELAY: Duration = Duration::from_secs(3);
/// How long departures are remembered for those who resume.
const DEPARTURES_AGE: Duration = Duration::from_mins(2);
const MAX_DEPARTURES: usize = 256;

impl Room {
    pub(super) fn describe(&self, key: Key) -> ParticipantInfo {
        let Some(participant) = self.participants.get(&key) else { return ParticipantInfo::default() };
        let tracks = self
            .tracks
            .values()
            .filter(|track| track.owner == key && track.visible)
            .map(|track| track.info.clone())
            .collect();
        ParticipantInfo {
            sid: participant.sid.clone(),
            identity: participant.identity.clone(),
            state: participant.state as i32,
            tracks,
            metadata: participant.metadata.clone(),
            joined_at: (participant.joined_at_ms / 1000) as i64,
            joined_at_ms: participant.joined_at_ms as i64,
            name: participant.name.clone(),
            version: participant.version,
            permission: Some(participant.permission.clone()),
            region: self.environment.region.clone(),
            is_publisher: participant.is_publisher,
            kind: participant.kind as i32,
            attributes: participant.attributes.clone(),
            client_protocol: participant.client.client_protocol,
            capabilities: participant.client.capabilities.clone(),
            ..Default::default()
        }
    }

    /// Something that others may see has changed.
    pub(super) fn changed(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.version += 1;
        let (announced, at_once) = (participant.announced, participant.is_publisher);
        let info = self.describe(key);
        self.signal(key, update(vec![info.clone()]));
        if !announced {
            return;
        }
        if at_once {
            self.batch.remove(&key);
            self.tell_others(key, &info);
        } else {
            self.batch.insert(key);
            let delay = if self.participants.len() < SMALL_ROOM { SMALL_DELAY } else { LARGE_DELAY };
            self.batch_due.get_or_insert(self.now.instant + delay);
        }
    }

    fn tell_others(&mut self, key: Key, info: &ParticipantInfo) {
        for other in self.keys() {
            if other != key {
                self.signal(other, update(vec![info.clone()]));
            }
        }
    }

    pub(super) fn flush_batch(&mut self) {
        self.batch_due = None;
        let batch = std::mem::take(&mut self.batch);
        let infos: Vec<(Key, ParticipantInfo)> = batch
            .into_iter()
            .filter(|key| self.participants.contains_key(key))
            .map(|key| (key, self.describe(key)))
            .collect();
        for other in self.keys() {
            let infos = infos.iter().filter(|(key, _)| *key != other).map(|(_, info)| info.clone()).collect();
            self.send_updates(other, infos);
        }
    }

    /// Sends descriptions in messages of bounded size.
    pub(super) fn send_updates(&mut self, key: Key, infos: Vec<ParticipantInfo>) {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        for info in infos {
            let length = info.encoded_len();
            if bytes + length > CHUNK_BYTES && !chunk.is_empty() {
                self.signal(key, update(std::mem::take(&mut chunk)));
                bytes = 0;
            }
            bytes += length;
            chunk.push(info);
        }
        if !chunk.is_empty() {
            self.signal(key, update(chunk));
        }
    }

    /// A participant is gone (and already removed); `info` is its last description.
    pub(super) fn tell_departure(
        &mut self,
        mut info: ParticipantInfo,
        reason: DisconnectReason,
        to: impl Fn(i32) -> bool,
    ) {
        info.state = State::Disconnected as i32;
        info.version += 1;
        info.tracks.clear();
        info.disconnect_reason = reason as i32;
        let listeners: Vec<Key> = self
            .participants
            .values()
            .filter(|other| to(other.client.protocol))
            .map(|other| other.key)
            .collect();
        for other in listeners {
            self.signal(other, update(vec![info.clone()]));
        }
        let now = self.now.instant;
        self.departures.push_back((now, info));
        while self.departures.len() > MAX_DEPARTURES
            || self
                .departures
                .front()
                .is_some_and(|(at, _)| now.saturating_duration_since(*at) > DEPARTURES_AGE)
        {
            self.departures.pop_front();
        }
    }

    /// Whom a participant should know about besides itself.
    pub(super) fn others(&self, key: Key) -> Vec<ParticipantInfo> {
        self.participants
            .values()
            .filter(|other| other.key != key && other.announced)
            .map(|other| self.describe(other.key))
            .collect()
    }

    /// Tells everybody that the room itself changed.
    pub(super) fn tell_room(&mut self) {
        let room = self.info();
        for key in self.keys() {
            self.signal(key, room_update(room.clone()));
        }
    }

    /// Asks for a room update soon; counts change in bursts.
    pub(super) fn counts_changed(&mut self) {
        const DELAY: Duration = Duration::from_secs(5);
        self.info_due.get_or_insert(self.now.instant + DELAY);
    }
}

pub(super) fn update(participants: Vec<ParticipantInfo>) -> signal_response::Message {
    signal_response::Message::Update(proto::ParticipantUpdate { participants })
}

pub(super) fn room_update(room: proto::Room) -> signal_response::Message {
    signal_response::Message::RoomUpdate(proto::RoomUpdate { room: Some(room) })
}
