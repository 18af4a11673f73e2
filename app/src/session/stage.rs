//! The signals of a meeting, and what they are made of.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use leptos::prelude::*;
use sfu_protocol::client::{DataMessage, Source};
use sfu_protocol::proto::{ParticipantInfo, SpeakerInfo, TrackInfo};
use web_sys::MediaStream;

use super::model::{Participant, SessionState, Track};

type Listener = Rc<dyn Fn(&DataMessage)>;

#[derive(Clone, Copy)]
pub(super) struct Stage {
    pub(super) state: RwSignal<SessionState>,
    pub(super) remotes: RwSignal<Vec<Participant>, LocalStorage>,
    pub(super) local: RwSignal<Option<Participant>, LocalStorage>,
    listeners: StoredValue<(u64, BTreeMap<u64, Listener>), LocalStorage>,
}

impl Stage {
    pub(super) fn new() -> Stage {
        Stage {
            state: RwSignal::new(SessionState::Idle),
            remotes: RwSignal::new_local(Vec::new()),
            local: RwSignal::new_local(None),
            listeners: StoredValue::new_local((0, BTreeMap::new())),
        }
    }

    pub(super) fn add_listener(self, listener: Listener) -> u64 {
        let added = self.listeners.try_update_value(|(last, all)| {
            *last += 1;
            all.insert(*last, listener);
            *last
        });
        added.unwrap_or_default()
    }

    pub(super) fn remove_listener(self, id: u64) {
        self.listeners.try_update_value(|(_, all)| all.remove(&id));
    }

    pub(super) fn deliver(self, message: &DataMessage) {
        // A listener may add or remove others.
        let all = self.listeners.try_with_value(|(_, all)| all.values().cloned().collect::<Vec<_>>());
        for listener in all.unwrap_or_default() {
            listener(message);
        }
    }

    /// Sets what has changed; a meeting that outlives its view changes nothing.
    pub(super) fn show(self, cast: &Cast) {
        let remotes = cast.remotes();
        if self.remotes.try_with_untracked(|shown| *shown != remotes) == Some(true) {
            self.remotes.set(remotes);
        }
        let local = cast.local();
        if self.local.try_with_untracked(|shown| *shown != local) == Some(true) {
            self.local.set(local);
        }
    }
}

/// Who takes part, as the state machine told it.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) local: Option<ParticipantInfo>,
    pub(super) remotes: Vec<ParticipantInfo>,
    /// By track sid.
    pub(super) streams: HashMap<String, MediaStream>,
    pub(super) speakers: Vec<SpeakerInfo>,
}

impl Cast {
    /// Keeps the order of joining.
    pub(super) fn put(&mut self, info: ParticipantInfo) {
        if let Some(known) = self.remotes.iter_mut().find(|known| known.sid == info.sid) {
            *known = info;
            return;
        }
        let joined = |info: &ParticipantInfo| (info.joined_at, info.joined_at_ms);
        let at = self.remotes.partition_point(|known| joined(known) <= joined(&info));
        self.remotes.insert(at, info);
    }

    fn remotes(&self) -> Vec<Participant> {
        self.remotes.iter().map(|info| self.participant(info)).collect()
    }

    fn local(&self) -> Option<Participant> {
        self.local.as_ref().map(|info| self.participant(info))
    }

    fn participant(&self, info: &ParticipantInfo) -> Participant {
        let track = |source: Source| {
            let of_source = |track: &&TrackInfo| Source::from_proto(track.source) == Some(source);
            info.tracks.iter().find(of_source).map(|track| Track {
                sid: track.sid.clone(),
                muted: track.muted,
                stream: self.streams.get(&track.sid).cloned(),
            })
        };
        let speaker = self.speakers.iter().find(|speaker| speaker.sid == info.sid);
        Participant {
            sid: info.sid.clone(),
            identity: info.identity.clone(),
            name: if info.name.is_empty() { info.identity.clone() } else { info.name.clone() },
            speaking: speaker.is_some(),
            level: speaker.map_or(0.0, |speaker| speaker.level),
            camera: track(Source::Camera),
            microphone: track(Source::Microphone),
            screen: track(Source::Screen),
            screen_audio: track(Source::ScreenAudio),
            metadata: info.metadata.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(sid: &str, joined_at: i64) -> ParticipantInfo {
        ParticipantInfo {
            sid: sid.into(),
            identity: format!("id-{sid}"),
            joined_at,
            ..ParticipantInfo::default()
        }
    }

    #[test]
    fn participants_stand_in_order_of_joining_and_keep_their_place() {
        let mut cast = Cast::default();
        cast.put(info("b", 2));
        cast.put(info("a", 1));
        cast.put(info("c", 2));
        cast.put(ParticipantInfo { name: "Bea".into(), ..info("b", 2) });
        let shown = cast.remotes();
        assert_eq!(shown.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["id-a", "Bea", "id-c"]);
    }

    #[test]
    fn tracks_are_found_by_their_source() {
        let mut bob = info("b", 1);
        bob.tracks = vec![TrackInfo {
            sid: "TR_x".into(),
            source: Source::Camera.proto() as i32,
            muted: true,
            ..Default::default()
        }];
        let cast = Cast {
            speakers: vec![SpeakerInfo { sid: "b".into(), level: 0.5, active: true }],
            remotes: vec![bob],
            ..Cast::default()
        };
        let shown = &cast.remotes()[0];
        assert!(shown.speaking && shown.microphone.is_none());
        assert!(shown.camera.as_ref().is_some_and(|track| track.muted && track.stream.is_none()));
    }
}
