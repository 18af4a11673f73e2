//! Publishing: announcements (`add_track`), matching them with m-sections, mute, unpublish
//! (contract livekit.md 2.4, 3.2, 3.6).
//!
//! A track is *pending* from its announcement until the client sends on a section that matches, then
//! *published*; others learn of it when its first packet arrives (2.1 point 6).

use sfu_protocol::proto::{
    self, AddTrackRequest, TrackInfo, TrackSource, TrackType, request_response, signal_response,
};

use super::participant::{Key, Participant};
use super::peer::Unmatched;
use super::track_info::{MAX_ITEMS, describe_layer, describe_section, is_excessive};
use super::{Room, RoomEvent};
use crate::media::{Codec, Command, Kind, ReceiveSection, TrackId};

const MAX_PENDING: usize = 20;
const MAX_QUEUED_PER_CID: usize = 3;

/// Announced, not sent yet.
#[derive(Clone, Debug)]
pub(super) struct PendingTrack {
    pub(super) cid: String,
    pub(super) info: TrackInfo,
    /// False while an earlier track of the same cid is in the way.
    pub(super) announced: bool,
}

/// Sent by its publisher.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: TrackId,
    pub(super) owner: Key,
    pub(super) cid: String,
    pub(super) info: TrackInfo,
    pub(super) kind: Kind,
    pub(super) mid: String,
    pub(super) section: ReceiveSection,
    /// Others know it.
    pub(super) visible: bool,
    /// The publisher was told that somebody subscribed.
    pub(super) subscribed_told: bool,
}

impl Room {
    pub(super) fn add_track(&mut self, key: Key, request: AddTrackRequest) {
        use request_response::Reason;
        let Some(participant) = self.participants.get(&key) else { return };
        let source = TrackSource::try_from(request.source).unwrap_or(TrackSource::Unknown);
        let refusal = if !participant.may_publish(source) {
            Some((Reason::NotAllowed, "does not have permission to publish this source"))
        } else if !request.sid.is_empty() {
            if self.tracks.values().any(|track| track.owner == key && track.info.sid == request.sid) {
                Some((Reason::UnsupportedType, "backup codecs are not supported"))
            } else {
                Some((Reason::NotFound, "track is not found"))
            }
        } else if request.cid.is_empty() {
            Some((Reason::InvalidRequest, "cid is missing"))
        } else if is_excessive(&request) {
            Some((Reason::LimitExceeded, "request is too large"))
        } else if kind_of(request.r#type).is_none() {
            Some((Reason::UnsupportedType, "track type is not supported"))
        } else if participant.pending.len() >= MAX_PENDING {
            Some((Reason::LimitExceeded, "too many pending tracks"))
        } else {
            None
        };
        if let Some((reason, message)) = refusal {
            return self.refuse(key, 0, reason, message, Some(request_response::Request::AddTrack(request)));
        }

        let same_cid = participant.pending.iter().filter(|track| track.cid == request.cid).count();
        let published = self.tracks.values().any(|track| track.owner == key && track.cid == request.cid);
        let busy = same_cid > 0 || published;
        if busy && same_cid >= MAX_QUEUED_PER_CID + usize::from(!published) {
            let request = Some(request_response::Request::AddTrack(request));
            return self.refuse(key, 0, Reason::LimitExceeded, "too many tracks of one cid", request);
        }
        let info = self.track_info(&request, source);
        let pending = PendingTrack { cid: request.cid.clone(), info: info.clone(), announced: !busy };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.pending.push_back(pending);
        if busy {
            let request = Some(request_response::Request::AddTrack(request));
            return self.refuse(key, 0, Reason::Queued, "", request);
        }
        self.tell_published(key, request.cid, info);
        self.match_unmatched(key);
    }

    fn tell_published(&mut self, key: Key, cid: String, info: TrackInfo) {
        let track = Some(info);
        self.signal(
            key,
            signal_response::Message::TrackPublished(proto::TrackPublishedResponse { cid, track }),
        );
    }

    /// Gives sections that carry unannounced media to announcements that came after them.
    fn match_unmatched(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let sections = std::mem::take(&mut participant.publisher.unmatched);
        for (index, unmatched) in sections.iter().enumerate() {
            let Some(participant) = self.participants.get_mut(&key) else { return };
            let rivals = sections
                .iter()
                .skip(index + 1)
                .chain(&participant.publisher.unmatched)
                .filter(|other| other.section.kind == unmatched.section.kind)
                .count();
            let unambiguous = participant.is_firefox() || rivals == 0;
            match take_pending(participant, &unmatched.cid, unmatched.section.kind, unambiguous) {
                Some(pending) => self.publish(key, pending, unmatched.clone()),
                None => participant.publisher.unmatched.push(unmatched.clone()),
            }
        }
    }

    /// The client sends on a section: finds the announcement it belongs to.
    pub(super) fn match_section(&mut self, key: Key, unmatched: Unmatched, fallback: bool) -> bool {
        let Some(participant) = self.participants.get_mut(&key) else { return false };
        match take_pending(participant, &unmatched.cid, unmatched.section.kind, fallback) {
            Some(pending) => {
                self.publish(key, pending, unmatched);
                true
            }
            None => false,
        }
    }

    fn publish(&mut self, key: Key, pending: PendingTrack, matched: Unmatched) {
        let id = TrackId(self.fresh_id());
        let Some(participant) = self.participants.get(&key) else { return };
        let transport = participant.publisher.id;
        let PendingTrack { cid, mut info, .. } = pending;
        let Unmatched { cid: sdp_cid, section } = matched;
        describe_section(&mut info, &section, &cid, &sdp_cid);
        let muted = info.muted;
        let track = Track {
            id,
            owner: key,
            cid,
            kind: section.kind,
            mid: section.mid.clone(),
            section: section.clone(),
            info,
            visible: false,
            subscribed_told: false,
        };
        self.tracks.insert(id, track);
        self.command(Command::Receive { transport, track: id, section });
        if muted {
            self.command(Command::Mute { track: id, muted });
        }
    }

    /// The section of a published track was negotiated anew.
    pub(super) fn update_section(&mut self, id: TrackId, section: ReceiveSection) {
        let Some(track) = self.tracks.get_mut(&id) else { return };
        if track.section == section {
            return;
        }
        track.section = section.clone();
        let Some(owner) = self.participants.get(&track.owner) else { return };
        let transport = owner.publisher.id;
        self.command(Command::Receive { transport, track: id, section });
    }

    /// The first packet of a layer: the track exists for others from now on.
    pub(super) fn layer_started(&mut self, id: TrackId, layer: u8, codec: Codec, ssrc: u32) {
        let version = self.timed_version();
        let Some(track) = self.tracks.get_mut(&id) else { return };
        let rid = track.section.rids.get(usize::from(layer)).cloned().unwrap_or_default();
        let mime = codec.mime();
        let spatial = i32::from(layer);
        let info = &mut track.info;
        let mut changed = info.mime_type != mime;
        mime.clone_into(&mut info.mime_type);
        if let Some(primary) = info.codecs.first_mut() {
            mime.clone_into(&mut primary.mime_type);
            changed |= describe_layer(&mut primary.layers, spatial, &rid, ssrc);
        }
        changed |= describe_layer(&mut info.layers, spatial, &rid, ssrc);
        if changed {
            info.version = Some(version);
        }
        let owner = track.owner;
        if track.visible {
            if changed {
                self.changed(owner);
            }
            return;
        }
        track.visible = true;
        let info = track.info.clone();
        let Some(participant) = self.participants.get_mut(&owner) else { return };
        participant.is_publisher = true;
        participant.announced |= !participant.is_hidden();
        let described = self.describe(owner);
        self.changed(owner);
        let room = self.info();
        self.event(RoomEvent::TrackPublished { room, participant: described, track: info });
        self.reconcile_all();
    }

    /// Mute by its publisher, or by an administrator (`told` then informs the publisher).
    pub(super) fn mute(&mut self, key: Key, track_sid: &str, muted: bool, told: bool) -> bool {
        let version = self.timed_version();
        if let Some(participant) = self.participants.get_mut(&key)
            && let Some(pending) = participant.pending.iter_mut().find(|track| track.info.sid == track_sid)
        {
            pending.info.muted = muted;
            return true;
        }
        let Some(track) =
            self.tracks.values_mut().find(|track| track.owner == key && track.info.sid == track_sid)
        else {
            return false;
        };
        if track.info.muted != muted {
            track.info.muted = muted;
            track.info.version = Some(version);
            let (id, visible) = (track.id, track.visible);
            self.command(Command::Mute { track: id, muted });
            if visible {
                self.changed(key);
            }
        }
        if told {
            let sid = track_sid.to_owned();
            self.signal(key, signal_response::Message::Mute(proto::MuteTrackRequest { sid, muted }));
        }
        true
    }

    pub(super) fn update_audio_track(&mut self, key: Key, mut request: proto::UpdateLocalAudioTrack) {
        request.features.truncate(MAX_ITEMS);
        let version = self.timed_version();
        if let Some(track) = self.track_mut(key, &request.track_sid) {
            track.info.audio_features = request.features;
            track.info.version = Some(version);
            if track.visible {
                self.changed(key);
            }
        }
    }

    pub(super) fn update_video_track(&mut self, key: Key, request: proto::UpdateLocalVideoTrack) {
        let version = self.timed_version();
        if let Some(track) = self.track_mut(key, &request.track_sid) {
            track.info.width = request.width;
            track.info.height = request.height;
            track.info.version = Some(version);
            if track.visible {
                self.changed(key);
            }
        }
    }

    fn track_mut(&mut self, owner: Key, sid: &str) -> Option<&mut Track> {
        self.tracks.values_mut().find(|track| track.owner == owner && track.info.sid == sid)
    }

    /// Ends a track. `told` when it was not its publisher's idea; `quiet` when the caller announces.
    pub(super) fn unpublish(&mut self, id: TrackId, told: bool, quiet: bool) {
        let Some(track) = self.tracks.remove(&id) else { return };
        let owner = track.owner;
        let subscribers: Vec<Key> = self
            .participants
            .values()
            .filter(|participant| participant.sendings.contains_key(&id))
            .map(|participant| participant.key)
            .collect();
        for subscriber in subscribers {
            self.stop_sending(subscriber, id);
        }
        for participant in self.participants.values_mut() {
            participant.settings.remove(&id);
            participant.wishes.remove(&track.info.sid);
        }
        self.command(Command::StopReceiving { track: id });
        if told {
            let track_sid = track.info.sid.clone();
            self.signal(
                owner,
                signal_response::Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid }),
            );
        }
        if track.visible {
            if !quiet {
                self.changed(owner);
            }
            let (room, participant) = (self.info(), self.describe(owner));
            self.event(RoomEvent::TrackUnpublished { room, participant, track: track.info });
        }
        self.announce_queued(owner, &track.cid);
    }

    /// The next queued announcement of a cid takes its turn.
    fn announce_queued(&mut self, key: Key, cid: &str) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.pending.iter().any(|pending| pending.cid == cid && pending.announced) {
            return;
        }
        let Some(next) = participant.pending.iter_mut().find(|pending| pending.cid == cid) else { return };
        next.announced = true;
        let info = next.info.clone();
        self.tell_published(key, cid.to_owned(), info);
    }

    /// Takes away what a narrower permission does not allow any more.
    pub(super) fn unpublish_forbidden(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let permission = participant.permission.clone();
        let allowed = |info: &TrackInfo| {
            permission.can_publish
                && (permission.can_publish_sources.is_empty()
                    || permission.can_publish_sources.contains(&info.source))
        };
        participant.pending.retain(|pending| allowed(&pending.info));
        let forbidden: Vec<TrackId> = self
            .tracks
            .values()
            .filter(|track| track.owner == key && !allowed(&track.info))
            .map(|track| track.id)
            .collect();
        for id in forbidden {
            self.unpublish(id, true, false);
        }
    }
}

pub(super) fn kind_of(track_type: i32) -> Option<Kind> {
    match TrackType::try_from(track_type) {
        Ok(TrackType::Audio) => Some(Kind::Audio),
        Ok(TrackType::Video) => Some(Kind::Video),
        _ => None,
    }
}

/// The announcement for a section: by track id, else (`fallback`) the first of the same kind.
fn take_pending(
    participant: &mut Participant,
    cid: &str,
    kind: Kind,
    fallback: bool,
) -> Option<PendingTrack> {
    let pending = &participant.pending;
    let exact = pending.iter().position(|track| {
        track.announced
            && kind_of(track.info.r#type) == Some(kind)
            && (track.cid == cid || track.info.codecs.iter().any(|codec| !cid.is_empty() && codec.cid == cid))
    });
    let index = exact.or_else(|| {
        pending
            .iter()
            .position(|track| fallback && track.announced && kind_of(track.info.r#type) == Some(kind))
    })?;
    participant.pending.remove(index)
}
