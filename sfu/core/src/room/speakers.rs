//! Active speakers and connection quality (contract livekit.md 2.5, 4.6).

use std::collections::BTreeMap;

use sfu_protocol::proto::{self, ConnectionQuality, SpeakerInfo, participant_info::State, signal_response};

use super::Room;
use super::participant::Key;
use crate::media::TrackId;

/// Levels are told in eighths, so that a steady voice is no news.
const STEPS: f32 = 8.0;
/// Mean opinion score of a connection without a measured flaw.
const BEST_SCORE: f32 = 4.5;

impl Room {
    /// The shard's levels of one interval: tells everybody what changed.
    pub(super) fn speakers(&mut self, levels: &[(TrackId, f32)]) {
        let mut speaking: BTreeMap<Key, f32> = BTreeMap::new();
        for (id, level) in levels {
            let Some(track) = self.tracks.get(id).filter(|track| track.visible && !track.info.muted) else {
                continue;
            };
            if self.participants.get(&track.owner).is_none_or(|owner| owner.is_hidden()) {
                continue;
            }
            let level = (level.clamp(0.0, 1.0) * STEPS).ceil() / STEPS;
            let entry = speaking.entry(track.owner).or_default();
            *entry = entry.max(level);
        }
        speaking.retain(|_, level| *level > 0.0);
        let mut changes: Vec<SpeakerInfo> = Vec::new();
        for (key, level) in &speaking {
            if self.speaking.get(key) != Some(level)
                && let Some(participant) = self.participants.get(key)
            {
                changes.push(SpeakerInfo { sid: participant.sid.clone(), level: *level, active: true });
            }
        }
        for key in self.speaking.keys().filter(|key| !speaking.contains_key(key)) {
            if let Some(participant) = self.participants.get(key) {
                changes.push(SpeakerInfo { sid: participant.sid.clone(), level: 0.0, active: false });
            }
        }
        self.speaking = speaking;
        if changes.is_empty() {
            return;
        }
        let listeners: Vec<Key> = self
            .participants
            .values()
            .filter(|participant| participant.permission.can_subscribe)
            .map(|participant| participant.key)
            .collect();
        for key in listeners {
            let speakers = changes.clone();
            self.signal(key, signal_response::Message::SpeakersChanged(proto::SpeakersChanged { speakers }));
        }
    }

    /// Who speaks right now, for someone who just came.
    pub(super) fn tell_speakers(&mut self, key: Key) {
        let speakers: Vec<SpeakerInfo> = self
            .speaking
            .iter()
            .filter_map(|(key, level)| {
                let sid = self.participants.get(key)?.sid.clone();
                Some(SpeakerInfo { sid, level: *level, active: true })
            })
            .collect();
        if !speakers.is_empty() {
            self.signal(key, signal_response::Message::SpeakersChanged(proto::SpeakersChanged { speakers }));
        }
    }

    /// Tells the quality of participants whose quality has not been told yet. Nothing is measured
    /// so far, and an unmeasured connection is EXCELLENT: clients reconnect on LOST (trap 15).
    pub(super) fn tell_quality(&mut self, key: Key) {
        let Some(participant) = self.participants.get(&key).filter(|one| one.state == State::Active) else {
            return;
        };
        let mut known: Vec<String> = vec![participant.sid.clone()];
        for id in participant.sendings.keys() {
            let owner = self.tracks.get(id).and_then(|track| self.participants.get(&track.owner));
            known.extend(owner.map(|owner| owner.sid.clone()));
        }
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.quality_told.retain(|sid| known.contains(sid));
        let mut updates = Vec::new();
        for participant_sid in known {
            if participant.quality_told.insert(participant_sid.clone()) {
                let quality = ConnectionQuality::Excellent as i32;
                updates.push(proto::ConnectionQualityInfo { participant_sid, quality, score: BEST_SCORE });
            }
        }
        if !updates.is_empty() {
            self.signal(
                key,
                signal_response::Message::ConnectionQuality(proto::ConnectionQualityUpdate { updates }),
            );
        }
    }
}
