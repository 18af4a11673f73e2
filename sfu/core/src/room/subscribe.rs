//! Who gets which track: wishes, permissions, settings, and the down tracks that follow from them
//! (contract livekit.md 2.4, 3.2, 4.3).
//!
//! One function decides ([`Room::reconcile`]): it compares what a participant should get with what
//! it gets. Everything that could change the answer calls it.

use std::time::Duration;

use sfu_protocol::Mode;
use sfu_protocol::proto::{
    self, SubscriptionError, TrackInfo, VideoQuality, participant_info::State, signal_response,
};

use super::Room;
use super::participant::{Key, Participant, Wish};
use super::publish::Track;
use crate::media::{Command, Kind, Selection, SendId, SendParams, TrackId};

/// How long a wish waits for its track before the client hears that there is none.
const WISH_PATIENCE: Duration = Duration::from_mins(1);
const MAX_WISHES: usize = 1000;
/// Ours have 17 or 18.
const MAX_SID_BYTES: usize = 64;
/// `VideoQuality::OFF` of newer protocols.
const QUALITY_OFF: i32 = VideoQuality::Off as i32;

/// A track on its way to a subscriber.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) id: SendId,
    pub(super) ssrc: u32,
    pub(super) rtx_ssrc: Option<u32>,
    /// What the shard was told; `None` until a section is negotiated.
    pub(super) params: Option<SendParams>,
}

/// A subscriber's `track_setting` for one track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Settings {
    pub(super) disabled: bool,
    pub(super) quality: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Room {
    pub(super) fn reconcile_all(&mut self) {
        for key in self.keys() {
            self.reconcile(key);
        }
    }

    /// Starts and stops down tracks so that the participant gets what it should.
    pub(super) fn reconcile(&mut self, key: Key) {
        let Some(participant) = self.participants.get(&key) else { return };
        let ready = match participant.mode {
            Mode::Single => true,
            Mode::Dual => participant.subscriber.is_some() && participant.state == State::Active,
        };
        let wanted: Vec<(TrackId, Kind)> = self
            .tracks
            .values()
            .filter(|track| ready && self.should_receive(participant, track))
            .map(|track| (track.id, track.kind))
            .collect();
        let surplus: Vec<TrackId> = participant
            .sendings
            .keys()
            .filter(|id| !wanted.iter().any(|(wanted, _)| wanted == *id))
            .copied()
            .collect();
        for id in surplus {
            self.stop_sending(key, id);
        }
        for (id, kind) in wanted {
            self.plan_sending(key, id, kind);
        }
    }

    fn should_receive(&self, subscriber: &Participant, track: &Track) -> bool {
        let Some(owner) = self.participants.get(&track.owner) else { return false };
        track.visible
            && owner.key != subscriber.key
            && !owner.is_hidden()
            && subscriber.permission.can_subscribe
            && owner.admits(subscriber, &track.info.sid)
            && subscriber.wishes.get(&track.info.sid).map_or(subscriber.auto_subscribe, |wish| wish.subscribe)
    }

    fn plan_sending(&mut self, key: Key, track: TrackId, kind: Kind) {
        let id = self.fresh_id();
        let ssrc = self.chance.u32() | 1;
        // Never equal to the first one, whose lowest bit is set.
        let rtx_ssrc = (kind == Kind::Video).then(|| self.chance.u32().max(2) & !1);
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.sendings.entry(track).or_insert_with(|| Sending {
            id: SendId(id),
            ssrc,
            rtx_ssrc,
            params: None,
        });
        if participant.downlink().slot_of(track).is_none() {
            participant.downlink_mut().agenda.ask(now);
        }
    }

    pub(super) fn stop_sending(&mut self, key: Key, track: TrackId) {
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(sending) = participant.sendings.remove(&track) else { return };
        if participant.downlink_mut().free_slot(track) {
            participant.downlink_mut().agenda.ask(now);
        }
        if sending.params.is_some() {
            self.command(Command::StopSending { send: sending.id });
        }
    }

    /// The section of a down track is negotiated: media may flow.
    pub(super) fn start_sending(&mut self, key: Key, id: TrackId, params: SendParams) {
        let Some(track) = self.tracks.get_mut(&id) else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let transport = participant.downlink().id;
        let Some(sending) = participant.sendings.get_mut(&id) else { return };
        if sending.params.as_ref() == Some(&params) {
            return;
        }
        sending.params = Some(params.clone());
        let send = sending.id;
        let selection = participant.selection(track);
        let first = !std::mem::replace(&mut track.subscribed_told, true);
        let (owner, track_sid) = (track.owner, track.info.sid.clone());
        self.command(Command::Send { transport, send, track: id, params });
        self.command(Command::Select { send, selection });
        let modern = |owner: &Participant| owner.client.protocol >= 10;
        if first && self.participants.get(&owner).is_some_and(modern) {
            self.signal(
                owner,
                signal_response::Message::TrackSubscribed(proto::TrackSubscribed { track_sid }),
            );
        }
    }

    pub(super) fn update_subscription(&mut self, key: Key, request: proto::UpdateSubscription) {
        let until = self.now.instant + WISH_PATIENCE;
        let subscribe = request.subscribe;
        let sids: Vec<String> = request
            .track_sids
            .into_iter()
            .chain(request.participant_tracks.into_iter().flat_map(|tracks| tracks.track_sids))
            .filter(|sid| sid.len() <= MAX_SID_BYTES)
            .collect();
        for sid in sids {
            let known = self.tracks.values().any(|track| track.visible && track.info.sid == sid);
            let Some(participant) = self.participants.get_mut(&key) else { return };
            if participant.wishes.len() >= MAX_WISHES && !participant.wishes.contains_key(&sid) {
                self.counters.surplus_requests += 1;
                continue;
            }
            let until = (!known && subscribe).then_some(until);
            participant.wishes.insert(sid, Wish { subscribe, until });
        }
        self.reconcile(key);
    }

    /// Tells the client about wishes whose track never came.
    pub(super) fn expire_wishes(&mut self, key: Key) {
        let now = self.now.instant;
        let visible: Vec<String> =
            self.tracks.values().filter(|track| track.visible).map(|track| track.info.sid.clone()).collect();
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let mut lost = Vec::new();
        for (sid, wish) in &mut participant.wishes {
            if wish.until.is_some() && visible.contains(sid) {
                wish.until = None;
            } else if wish.until.is_some_and(|until| until <= now) {
                lost.push(sid.clone());
            }
        }
        for track_sid in lost {
            let Some(participant) = self.participants.get_mut(&key) else { return };
            participant.wishes.remove(&track_sid);
            let err = SubscriptionError::SeTrackNotfound as i32;
            self.signal(
                key,
                signal_response::Message::SubscriptionResponse(proto::SubscriptionResponse {
                    track_sid,
                    err,
                }),
            );
        }
    }

    pub(super) fn track_setting(&mut self, key: Key, request: &proto::UpdateTrackSettings) {
        let settings = Settings {
            disabled: request.disabled,
            quality: request.quality,
            width: request.width,
            height: request.height,
        };
        let ids: Vec<TrackId> = self
            .tracks
            .values()
            .filter(|track| request.track_sids.contains(&track.info.sid))
            .map(|track| track.id)
            .collect();
        for id in ids {
            self.set_settings(key, id, settings);
        }
    }

    pub(super) fn set_settings(&mut self, key: Key, id: TrackId, settings: Settings) {
        let (Some(participant), Some(track)) = (self.participants.get_mut(&key), self.tracks.get(&id)) else {
            return;
        };
        let before = participant.selection(track);
        participant.settings.insert(id, settings);
        let selection = participant.selection(track);
        let started = participant.sendings.get(&id).filter(|sending| sending.params.is_some());
        if let Some(send) = started.map(|sending| sending.id)
            && before != selection
        {
            self.command(Command::Select { send, selection });
        }
    }

    /// A publisher's list of who may subscribe.
    pub(super) fn set_access(&mut self, key: Key, request: proto::SubscriptionPermission) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let access = (!request.all_participants).then_some(request.track_permissions);
        let before = std::mem::replace(&mut participant.access, access);
        let publisher_sid = participant.sid.clone();
        let tracks: Vec<String> = self
            .tracks
            .values()
            .filter(|track| track.owner == key && track.visible)
            .map(|track| track.info.sid.clone())
            .collect();
        for subscriber in self.keys() {
            if subscriber == key {
                continue;
            }
            for track_sid in &tracks {
                let Some(allowed) = self.admission_change(key, subscriber, track_sid, before.as_deref())
                else {
                    continue;
                };
                self.signal(
                    subscriber,
                    signal_response::Message::SubscriptionPermissionUpdate(
                        proto::SubscriptionPermissionUpdate {
                            participant_sid: publisher_sid.clone(),
                            track_sid: track_sid.clone(),
                            allowed,
                        },
                    ),
                );
            }
            self.reconcile(subscriber);
        }
    }

    /// The new answer of the access list, if it differs from that of the list before.
    fn admission_change(
        &mut self,
        publisher: Key,
        subscriber: Key,
        track_sid: &str,
        before: Option<&[proto::TrackPermission]>,
    ) -> Option<bool> {
        let subscriber = self.participants.get(&subscriber)?;
        let publisher = self.participants.get(&publisher)?;
        let allowed = publisher.admits(subscriber, track_sid);
        (allowed != super::participant::admits(before, subscriber, track_sid)).then_some(allowed)
    }
}

impl Participant {
    /// What of a track this subscriber should be sent.
    pub(super) fn selection(&self, track: &Track) -> Selection {
        let settings = self.settings.get(&track.id);
        if settings.is_some_and(|settings| settings.disabled || settings.quality == QUALITY_OFF) {
            return Selection::Paused;
        }
        if track.kind == Kind::Audio {
            return Selection::UpTo(0);
        }
        let start = if self.adaptive_stream { VideoQuality::Low } else { VideoQuality::High };
        let settings = settings.copied().unwrap_or(Settings {
            disabled: false,
            quality: start as i32,
            width: 0,
            height: 0,
        });
        Selection::UpTo(layer_for(&settings, &track.info, track.section.rids.len()))
    }
}

/// Index of the layer that fits, counted over the layers that are there (3.6): with two of them the
/// second is the top one, whatever its name.
fn layer_for(settings: &Settings, info: &TrackInfo, rids: usize) -> u8 {
    let top = rids.max(1) - 1;
    let layer = if settings.width > 0 && settings.height > 0 {
        let wanted = u64::from(settings.width) * u64::from(settings.height);
        let enough = |layer: &proto::VideoLayer| u64::from(layer.width) * u64::from(layer.height) >= wanted;
        info.layers.iter().position(enough).unwrap_or(top)
    } else if settings.quality == VideoQuality::Low as i32 {
        0
    } else if settings.quality == VideoQuality::Medium as i32 {
        1
    } else {
        top
    };
    layer.min(top) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(sizes: &[(u32, u32)]) -> TrackInfo {
        let layers =
            sizes.iter().map(|&(width, height)| proto::VideoLayer { width, height, ..Default::default() });
        TrackInfo { layers: layers.collect(), ..Default::default() }
    }

    fn by_size(width: u32, height: u32) -> Settings {
        Settings { disabled: false, quality: 0, width, height }
    }

    fn by_quality(quality: VideoQuality) -> Settings {
        Settings { disabled: false, quality: quality as i32, width: 0, height: 0 }
    }

    #[test]
    fn smallest_layer_that_covers_the_wanted_area_is_chosen() {
        let info = info(&[(320, 180), (640, 360), (1280, 720)]);
        assert_eq!(layer_for(&by_size(200, 100), &info, 3), 0);
        assert_eq!(layer_for(&by_size(320, 181), &info, 3), 1);
        assert_eq!(layer_for(&by_size(1920, 1080), &info, 3), 2);
    }

    #[test]
    fn quality_maps_to_the_layers_that_are_there() {
        let info = info(&[]);
        assert_eq!(layer_for(&by_quality(VideoQuality::Low), &info, 3), 0);
        assert_eq!(layer_for(&by_quality(VideoQuality::Medium), &info, 3), 1);
        assert_eq!(layer_for(&by_quality(VideoQuality::High), &info, 3), 2);
        assert_eq!(
            layer_for(&by_quality(VideoQuality::High), &info, 2),
            1,
            "two layers: the second is the top"
        );
        assert_eq!(layer_for(&by_quality(VideoQuality::High), &info, 0), 0);
    }
}
