//! Publishing: announcements (`add_track`), matching them with m-sections, mute, unpublish
//! (contract livekit.md 2.4, 2.7, 3.2, 3.6).
//!
//! A track is *pending* from its announcement until the client sends on a section that matches, then
//! *published*; others learn of it when its first packet arrives (2.1 point 6).

use sfu_protocol::proto::{
    self, AddTrackRequest, AudioTrackFeature, SimulcastCodecInfo, TrackInfo, TrackSource, TrackType,
    VideoLayer, VideoQuality, request_response, signal_response, video_layer,
};

use super::participant::{Key, Participant};
use super::peer::Unmatched;
use super::{Room, RoomEvent};
use crate::media::{Codec, Command, Kind, ReceiveSection, TrackId};

const MAX_PENDING: usize = 20;
const MAX_QUEUED_PER_CID: usize = 3;
/// Entries of any list of a request.
const MAX_ITEMS: usize = 32;

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

    /// What clients are told about a track before anything of it was sent.
    fn track_info(&mut self, request: &AddTrackRequest, source: TrackSource) -> TrackInfo {
        let video = request.r#type == TrackType::Video as i32;
        let source_letter = match source {
            TrackSource::Camera => "C",
            TrackSource::Microphone => "M",
            TrackSource::ScreenShare => "S",
            TrackSource::ScreenShareAudio => "s",
            TrackSource::Unknown => "",
        };
        let sid = self.chance.sid(&format!("TR_{}{source_letter}", if video { "V" } else { "A" }));
        let stream = match source {
            _ if !request.stream.is_empty() => request.stream.clone(),
            TrackSource::Camera | TrackSource::Microphone => "camera".to_owned(),
            TrackSource::ScreenShare | TrackSource::ScreenShareAudio => "screen".to_owned(),
            TrackSource::Unknown => "unknown".to_owned(),
        };
        let mut audio_features = request.audio_features.clone();
        for (set, feature) in
            [(request.stereo, AudioTrackFeature::TfStereo), (request.disable_dtx, AudioTrackFeature::TfNoDtx)]
        {
            if set && !audio_features.contains(&(feature as i32)) {
                audio_features.push(feature as i32);
            }
        }
        let codecs = self.codec_infos(request, video);
        let simulcast = video
            && codecs.first().is_some_and(|codec| {
                codec.layers.len() > 1
                    && codec.video_layer_mode == video_layer::Mode::OneSpatialLayerPerStream as i32
            });
        TrackInfo {
            sid,
            r#type: request.r#type,
            name: request.name.clone(),
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast,
            disable_dtx: request.disable_dtx,
            source: source as i32,
            layers: codecs.first().map(|codec| codec.layers.clone()).unwrap_or_default(),
            mime_type: codecs.first().map(|codec| codec.mime_type.clone()).unwrap_or_default(),
            codecs,
            stereo: request.stereo,
            disable_red: request.disable_red,
            encryption: request.encryption,
            stream,
            version: Some(self.timed_version()),
            audio_features,
            backup_codec_policy: request.backup_codec_policy,
            packet_trailer_features: request.packet_trailer_features.clone(),
            ..Default::default()
        }
    }

    fn codec_infos(&self, request: &AddTrackRequest, video: bool) -> Vec<SimulcastCodecInfo> {
        let kind = if video { Kind::Video } else { Kind::Audio };
        let enabled = |codec: &Codec| codec.kind() == kind && self.environment.codecs.contains(codec);
        let fallback = self.environment.codecs.iter().copied().find(|codec| codec.kind() == kind);
        let mut infos: Vec<SimulcastCodecInfo> = Vec::new();
        for wanted in &request.simulcast_codecs {
            let name = wanted.codec.rsplit('/').next().unwrap_or_default();
            let Some(codec) = Codec::from_name(name).filter(enabled).or(fallback) else { continue };
            // A codec that stands in for an unsupported one must not appear twice.
            if infos.iter().any(|info| info.mime_type == codec.mime()) {
                continue;
            }
            let layers = if wanted.layers.is_empty() { &request.layers } else { &wanted.layers };
            infos.push(SimulcastCodecInfo {
                mime_type: codec.mime().to_owned(),
                cid: wanted.cid.clone(),
                layers: sorted_layers(layers, request),
                video_layer_mode: layer_mode(codec, wanted.video_layer_mode) as i32,
                ..Default::default()
            });
        }
        if infos.is_empty() {
            infos.push(SimulcastCodecInfo {
                cid: request.cid.clone(),
                layers: if video { sorted_layers(&request.layers, request) } else { Vec::new() },
                video_layer_mode: video_layer::Mode::OneSpatialLayerPerStream as i32,
                ..Default::default()
            });
        }
        infos
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

/// More than any honest client says about a track.
fn is_excessive(request: &AddTrackRequest) -> bool {
    const TEXT: usize = 256;
    let too_long = |text: &String| text.len() > TEXT;
    let codecs = &request.simulcast_codecs;
    [&request.cid, &request.name, &request.stream].into_iter().any(too_long)
        || codecs
            .iter()
            .any(|codec| too_long(&codec.codec) || too_long(&codec.cid) || codec.layers.len() > MAX_ITEMS)
        || [codecs.len(), request.layers.len(), request.audio_features.len()]
            .into_iter()
            .any(|n| n > MAX_ITEMS)
        || request.packet_trailer_features.len() > MAX_ITEMS
        || request
            .layers
            .iter()
            .chain(codecs.iter().flat_map(|codec| &codec.layers))
            .any(|layer| too_long(&layer.rid))
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

fn sorted_layers(layers: &[VideoLayer], request: &AddTrackRequest) -> Vec<VideoLayer> {
    let mut layers = layers.to_vec();
    if layers.is_empty() && request.r#type == TrackType::Video as i32 {
        layers.push(VideoLayer {
            quality: VideoQuality::High as i32,
            width: request.width,
            height: request.height,
            ..Default::default()
        });
    }
    // A client may list what it likes; there are three qualities.
    layers.truncate(3);
    layers.sort_by_key(|layer| layer.quality);
    for (index, layer) in layers.iter_mut().enumerate() {
        layer.spatial_layer = index as i32;
    }
    layers
}

fn layer_mode(codec: Codec, wanted: i32) -> video_layer::Mode {
    match video_layer::Mode::try_from(wanted) {
        Ok(mode) if mode != video_layer::Mode::Unused => mode,
        _ if matches!(codec, Codec::Vp9 | Codec::Av1) => video_layer::Mode::MultipleSpatialLayersPerStream,
        _ => video_layer::Mode::OneSpatialLayerPerStream,
    }
}

/// Fills in what the negotiation says about a track.
fn describe_section(info: &mut TrackInfo, section: &ReceiveSection, cid: &str, sdp_cid: &str) {
    info.mid.clone_from(&section.mid);
    let mime = section.codecs.first().map(|codec| codec.codec.mime()).unwrap_or_default();
    if info.mime_type.is_empty() {
        mime.clone_into(&mut info.mime_type);
    }
    if let Some(primary) = info.codecs.first_mut() {
        primary.mid.clone_from(&section.mid);
        if primary.mime_type.is_empty() {
            mime.clone_into(&mut primary.mime_type);
        }
        if sdp_cid != cid {
            sdp_cid.clone_into(&mut primary.sdp_cid);
        }
    }
}

fn describe_layer(layers: &mut [VideoLayer], spatial: i32, rid: &str, ssrc: u32) -> bool {
    let Some(layer) = layers.get_mut(spatial as usize) else { return false };
    if layer.ssrc == ssrc && layer.rid == rid {
        return false;
    }
    layer.ssrc = ssrc;
    layer.spatial_layer = spatial;
    rid.clone_into(&mut layer.rid);
    true
}
