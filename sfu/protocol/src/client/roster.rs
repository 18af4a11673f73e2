//! Who is in the room, what they publish, and on which of our sections it arrives.
//!
//! Invariant: a track is started exactly while a section carries it *and* the participant who
//! publishes it is known, whichever of the two was heard of first.

use std::collections::BTreeMap;

use super::api::{Event, Kind, PeerId};
use super::sections::Section;
use crate::proto::participant_info::State;
use crate::proto::{ParticipantInfo, SpeakerInfo};

#[derive(Debug, Default)]
pub(super) struct Roster {
    local: Option<ParticipantInfo>,
    /// In order of joining.
    remotes: Vec<ParticipantInfo>,
    /// What the latest description of each connection carries.
    sections: BTreeMap<PeerId, Vec<Section>>,
    started: BTreeMap<String, Started>,
    speakers: Vec<SpeakerInfo>,
}

#[derive(PartialEq, Eq, Debug)]
struct Started {
    peer: PeerId,
    mid: String,
    kind: Kind,
    participant_sid: String,
}

impl Roster {
    pub(super) fn local(&self) -> Option<&ParticipantInfo> {
        self.local.as_ref()
    }

    pub(super) fn local_sid(&self) -> &str {
        self.local.as_ref().map(|local| local.sid.as_str()).unwrap_or_default()
    }

    /// The answer to a join replaces all that was known.
    pub(super) fn reset(&mut self, local: ParticipantInfo, others: Vec<ParticipantInfo>) -> Vec<Event> {
        let mut events = vec![Event::Local(Box::new(local.clone()))];
        self.local = Some(local);
        self.speakers.clear();
        let gone: Vec<_> = self.remotes.iter().map(|known| known.sid.clone()).collect();
        for sid in gone.into_iter().filter(|sid| !others.iter().any(|other| other.sid == *sid)) {
            self.remove(&sid, &mut events);
        }
        for other in others {
            // Versions are those of the new session: whatever it says is newer.
            self.remotes
                .iter_mut()
                .filter(|known| known.sid == other.sid)
                .for_each(|known| known.version = 0);
            self.apply(other, &mut events);
        }
        self.reconcile(&mut events);
        events
    }

    pub(super) fn update(&mut self, infos: Vec<ParticipantInfo>) -> Vec<Event> {
        let mut events = Vec::new();
        for info in infos {
            self.apply(info, &mut events);
        }
        self.reconcile(&mut events);
        events
    }

    fn apply(&mut self, info: ParticipantInfo, events: &mut Vec<Event>) {
        if let Some(local) = &mut self.local
            && (local.sid == info.sid || local.identity == info.identity)
        {
            // An older session of ours is no other participant.
            if local.sid == info.sid && info.version >= local.version {
                *local = info.clone();
                events.push(Event::Local(Box::new(info)));
            }
            return;
        }
        let known = self.remotes.iter().position(|known| known.sid == info.sid);
        if info.state == State::Disconnected as i32 {
            if known.is_some() {
                self.remove(&info.sid, events);
            }
            return;
        }
        if let Some(index) = known {
            let before = &mut self.remotes[index];
            if info.version >= before.version && *before != info {
                *before = info.clone();
                events.push(Event::ParticipantUpdated(Box::new(info)));
            }
            return;
        }
        // Who reconnected fully comes with a new sid, and no word about the old one.
        let replaced = self.remotes.iter().find(|known| known.identity == info.identity);
        if let Some(sid) = replaced.map(|known| known.sid.clone()) {
            self.remove(&sid, events);
        }
        let joined = |info: &ParticipantInfo| (info.joined_at, info.joined_at_ms);
        let at = self.remotes.partition_point(|known| joined(known) <= joined(&info));
        self.remotes.insert(at, info.clone());
        events.push(Event::ParticipantJoined(Box::new(info)));
    }

    fn remove(&mut self, sid: &str, events: &mut Vec<Event>) {
        self.remotes.retain(|known| known.sid != sid);
        self.speakers.retain(|speaker| speaker.sid != sid);
        self.reconcile(events);
        events.push(Event::ParticipantLeft { sid: sid.to_owned() });
    }

    /// A connection's newest description.
    pub(super) fn set_sections(&mut self, peer: PeerId, sections: Vec<Section>) -> Vec<Event> {
        self.sections.insert(peer, sections);
        let mut events = Vec::new();
        self.reconcile(&mut events);
        events
    }

    /// The connection is gone.
    pub(super) fn drop_peer(&mut self, peer: PeerId) -> Vec<Event> {
        self.sections.remove(&peer);
        let mut events = Vec::new();
        self.reconcile(&mut events);
        events
    }

    fn reconcile(&mut self, events: &mut Vec<Event>) {
        let owner = |track_sid: &str| {
            let mut owners = self.remotes.iter();
            owners
                .find(|remote| remote.tracks.iter().any(|track| track.sid == track_sid))
                .map(|remote| &remote.sid)
        };
        let mut wanted = BTreeMap::new();
        for (peer, sections) in &self.sections {
            for section in sections {
                if let Some(participant_sid) = owner(&section.track_sid) {
                    let started = Started {
                        peer: *peer,
                        mid: section.mid.clone(),
                        kind: section.kind,
                        participant_sid: participant_sid.clone(),
                    };
                    wanted.insert(section.track_sid.clone(), started);
                }
            }
        }
        for (track_sid, started) in &self.started {
            if wanted.get(track_sid) != Some(started) {
                events.push(Event::TrackStopped { track_sid: track_sid.clone() });
            }
        }
        for (track_sid, start) in &wanted {
            if self.started.get(track_sid) != Some(start) {
                events.push(Event::TrackStarted {
                    peer: start.peer,
                    mid: start.mid.clone(),
                    kind: start.kind,
                    participant_sid: start.participant_sid.clone(),
                    track_sid: track_sid.clone(),
                });
            }
        }
        self.started = wanted;
    }

    /// Applies changed levels and answers everybody who speaks now.
    pub(super) fn speak(&mut self, changes: Vec<SpeakerInfo>) -> Event {
        for change in changes {
            self.speakers.retain(|speaker| speaker.sid != change.sid);
            if change.active {
                self.speakers.push(change);
            }
        }
        self.speakers.sort_by(|one, other| other.level.total_cmp(&one.level));
        Event::Speakers(self.speakers.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::TrackInfo;

    const PEER: PeerId = PeerId(1);

    fn participant(sid: &str, identity: &str, version: u32, tracks: &[&str]) -> ParticipantInfo {
        ParticipantInfo {
            sid: sid.into(),
            identity: identity.into(),
            version,
            state: State::Active as i32,
            tracks: tracks.iter().map(|sid| TrackInfo { sid: (*sid).into(), ..Default::default() }).collect(),
            ..Default::default()
        }
    }

    fn roster(others: Vec<ParticipantInfo>) -> Roster {
        let mut roster = Roster::default();
        roster.reset(participant("PA_me", "me", 1, &[]), others);
        roster
    }

    fn section(mid: &str, track_sid: &str) -> Section {
        Section { mid: mid.into(), kind: Kind::Video, track_sid: track_sid.into() }
    }

    fn started(mid: &str, participant_sid: &str, track_sid: &str) -> Event {
        Event::TrackStarted {
            peer: PEER,
            mid: mid.into(),
            kind: Kind::Video,
            participant_sid: participant_sid.into(),
            track_sid: track_sid.into(),
        }
    }

    fn stopped(track_sid: &str) -> Event {
        Event::TrackStopped { track_sid: track_sid.into() }
    }

    #[test]
    fn a_track_starts_when_both_its_section_and_its_publisher_are_known() {
        let mut roster = roster(vec![participant("PA_a", "a", 1, &["TR_1"])]);
        assert_eq!(
            roster.set_sections(PEER, vec![section("0", "TR_1"), section("1", "TR_2")]),
            [started("0", "PA_a", "TR_1")]
        );
        let events = roster.update(vec![participant("PA_a", "a", 2, &["TR_1", "TR_2"])]);
        assert_eq!(events[1..], [started("1", "PA_a", "TR_2")]);
    }

    #[test]
    fn a_section_given_to_another_track_stops_the_first() {
        let mut roster = roster(vec![participant("PA_a", "a", 1, &["TR_1", "TR_2"])]);
        roster.set_sections(PEER, vec![section("0", "TR_1")]);
        assert_eq!(
            roster.set_sections(PEER, vec![section("0", "TR_2")]),
            [stopped("TR_1"), started("0", "PA_a", "TR_2")]
        );
        assert_eq!(roster.drop_peer(PEER), [stopped("TR_2")]);
    }

    #[test]
    fn older_versions_are_ignored() {
        let mut roster = roster(vec![participant("PA_a", "a", 5, &["TR_1"])]);
        assert!(roster.update(vec![participant("PA_a", "a", 4, &[])]).is_empty());
        assert_eq!(roster.update(vec![participant("PA_a", "a", 6, &[])]).len(), 1);
        let mut me = participant("PA_me", "me", 0, &[]);
        me.name = "old".into();
        assert!(roster.update(vec![me]).is_empty());
    }

    #[test]
    fn who_comes_back_with_a_new_sid_replaces_the_old_one() {
        let mut roster = roster(vec![participant("PA_a", "a", 5, &["TR_1"])]);
        roster.set_sections(PEER, vec![section("0", "TR_1")]);
        let events = roster.update(vec![participant("PA_b", "a", 1, &[])]);
        assert_eq!(events[0], stopped("TR_1"));
        assert_eq!(events[1], Event::ParticipantLeft { sid: "PA_a".into() });
        assert!(matches!(&events[2], Event::ParticipantJoined(info) if info.sid == "PA_b"));
        assert_eq!(events.len(), 3);
    }

    #[test]
    fn an_older_session_of_ours_is_nobody() {
        let mut roster = roster(Vec::new());
        assert!(roster.update(vec![participant("PA_before", "me", 9, &[])]).is_empty());
        let mut gone = participant("PA_unknown", "x", 9, &[]);
        gone.state = State::Disconnected as i32;
        assert!(roster.update(vec![gone]).is_empty());
    }

    #[test]
    fn a_new_session_tells_only_the_differences() {
        let mut roster = roster(vec![participant("PA_a", "a", 5, &[]), participant("PA_b", "b", 5, &[])]);
        let events = roster.reset(
            participant("PA_me2", "me", 1, &[]),
            vec![participant("PA_b", "b", 1, &[]), participant("PA_c", "c", 1, &[])],
        );
        assert!(matches!(&events[0], Event::Local(info) if info.sid == "PA_me2"));
        assert_eq!(events[1], Event::ParticipantLeft { sid: "PA_a".into() });
        assert!(matches!(&events[2], Event::ParticipantUpdated(info) if info.sid == "PA_b"));
        assert!(matches!(&events[3], Event::ParticipantJoined(info) if info.sid == "PA_c"));
    }

    #[test]
    fn speakers_are_deltas_and_leave_with_their_participant() {
        let mut roster = roster(vec![participant("PA_a", "a", 5, &[])]);
        let speaker = |sid: &str, level, active| SpeakerInfo { sid: sid.into(), level, active };
        roster.speak(vec![speaker("PA_a", 0.5, true)]);
        let Event::Speakers(all) = roster.speak(vec![speaker("PA_me", 0.9, true)]) else { panic!() };
        assert_eq!(all.iter().map(|one| one.sid.as_str()).collect::<Vec<_>>(), ["PA_me", "PA_a"]);
        let Event::Speakers(all) = roster.speak(vec![speaker("PA_me", 0.0, false)]) else { panic!() };
        assert_eq!(all.len(), 1);
    }
}
