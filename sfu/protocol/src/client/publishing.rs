//! Tracks we publish (contract livekit.md 2.1, 3.6).
//!
//! Invariant: a source that was captured once keeps its place on the server until it is
//! unpublished; without a track it is muted, and muting sends nothing.

use std::collections::BTreeMap;

use super::Session;
use super::api::{Event, LocalTrack, Millis, Output, Source};
use super::simulcast::layers;
use crate::proto::signal_request::Message;
use crate::proto::{
    self, AddTrackRequest, AudioTrackFeature, SimulcastCodec, TrackInfo, TrackPublishedResponse, TrackType,
    VideoQuality,
};

const ADD_TRACK_TIMEOUT: Millis = 10_000;
const PREFERRED_VIDEO_CODEC: &str = "vp8";

#[derive(Debug)]
pub(super) struct Publication {
    /// What is captured; `None` while muted.
    track: Option<LocalTrack>,
    /// The publisher connection has a sender for it.
    attached: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Absent,
    Requested {
        cid: String,
        until: Option<Millis>,
    },
    Live {
        cid: String,
        info: Box<TrackInfo>,
    },
    /// Until it is captured anew.
    Refused,
}

impl Publication {
    pub(super) fn deadline(&self) -> Option<Millis> {
        if let State::Requested { until, .. } = self.state { until } else { None }
    }
}

/// What the server should know of after a resume.
pub(super) fn published(publications: &BTreeMap<Source, Publication>) -> Vec<TrackPublishedResponse> {
    let live = publications.values().filter_map(|publication| match &publication.state {
        State::Live { cid, info } => {
            Some(TrackPublishedResponse { cid: cid.clone(), track: Some((**info).clone()) })
        }
        State::Absent | State::Requested { .. } | State::Refused => None,
    });
    live.collect()
}

impl Session {
    pub(super) fn set_local(&mut self, source: Source, track: Option<LocalTrack>) {
        if track.is_none() && !self.publications.contains_key(&source) {
            return;
        }
        let fresh = Publication { track: None, attached: false, state: State::Absent };
        let publication = self.publications.entry(source).or_insert(fresh);
        if publication.track == track {
            return;
        }
        publication.track = track;
        if publication.attached
            && let Some(peer) = self.publisher.as_ref().map(|peer| peer.id)
        {
            self.outputs.push_back(Output::SwapTrack { peer, source });
        }
        if matches!(publication.state, State::Refused) {
            publication.state = State::Absent;
        }
        self.sync_publication(source);
    }

    /// Takes a source away for all.
    pub(super) fn unpublish(&mut self, source: Source) {
        let Some(publication) = self.publications.remove(&source) else { return };
        self.remove_sender(source, publication.attached);
    }

    fn remove_sender(&mut self, source: Source, attached: bool) {
        if let Some(peer) = self.publisher.as_ref().map(|peer| peer.id).filter(|_| attached) {
            self.outputs.push_back(Output::RemoveSender { peer, source });
            self.negotiate(false);
        }
    }

    /// After joining or resuming: makes the server's view that of [`Session::set_local`].
    pub(super) fn sync_publications(&mut self) {
        let until = self.now + ADD_TRACK_TIMEOUT;
        let resumes = self.resume.is_some();
        for source in Source::ALL {
            let Some(publication) = self.publications.get_mut(&source) else { continue };
            let State::Requested { until: deadline, .. } = &mut publication.state else {
                self.sync_publication(source);
                continue;
            };
            *deadline = Some(until);
            if resumes {
                // The request, or its answer, may have been lost with the socket.
                if let Some(request) = self.add_track_request(source) {
                    self.send_now(Message::AddTrack(request));
                }
            } else if !self.may_publish() {
                self.refused(source);
            }
        }
    }

    /// The own permissions may have changed: what was refused is tried again once it is allowed.
    pub(super) fn permissions_updated(&mut self, could_publish: bool) {
        if could_publish || !self.may_publish() {
            return;
        }
        for source in Source::ALL {
            if let Some(publication) = self.publications.get_mut(&source)
                && matches!(publication.state, State::Refused)
            {
                publication.state = State::Absent;
                self.sync_publication(source);
            }
        }
    }

    pub(super) fn may_publish(&self) -> bool {
        self.roster.local().and_then(|local| local.permission.as_ref()).is_some_and(|given| given.can_publish)
    }

    fn sync_publication(&mut self, source: Source) {
        if !self.signals_ready() {
            return;
        }
        let may_publish = self.may_publish();
        let Some(publication) = self.publications.get_mut(&source) else { return };
        match &mut publication.state {
            State::Live { info, .. } if info.muted != publication.track.is_none() => {
                info.muted = !info.muted;
                let mute = proto::MuteTrackRequest { sid: info.sid.clone(), muted: info.muted };
                self.send(Message::Mute(mute));
            }
            State::Absent if publication.track.is_some() => {
                if may_publish {
                    self.publish(source);
                } else {
                    self.refused(source);
                }
            }
            _ => {}
        }
    }

    fn publish(&mut self, source: Source) {
        self.attach(source);
        let until = Some(self.now + ADD_TRACK_TIMEOUT);
        if let Some(Publication { state: State::Requested { until: deadline, .. }, .. }) =
            self.publications.get_mut(&source)
        {
            *deadline = until;
        }
        if let Some(request) = self.add_track_request(source) {
            self.send_now(Message::AddTrack(request));
        }
        self.negotiate(false);
    }

    /// Adds a sender for a source that is captured but not yet published.
    fn attach(&mut self, source: Source) {
        let screen_simulcast = self.config.screen_simulcast;
        let Some(peer) = self.publisher.as_ref().map(|peer| peer.id) else { return };
        let Some(publication) = self.publications.get_mut(&source) else { return };
        let Some(track) = publication.track.as_ref().filter(|_| matches!(publication.state, State::Absent))
        else {
            return;
        };
        publication.state = State::Requested { cid: track.cid.clone(), until: None };
        if !std::mem::replace(&mut publication.attached, true) {
            let encodings =
                layers(source, track, screen_simulcast).into_iter().map(|layer| layer.encoding).collect();
            self.outputs.push_back(Output::AddSender { peer, source, encodings });
        }
    }

    /// Before the offer of a join request is made.
    pub(super) fn attach_live_sources(&mut self) {
        for source in Source::ALL {
            self.attach(source);
        }
    }

    /// What travels in the join request.
    pub(super) fn add_track_requests(&self) -> Vec<AddTrackRequest> {
        Source::ALL.into_iter().filter_map(|source| self.add_track_request(source)).collect()
    }

    fn add_track_request(&self, source: Source) -> Option<AddTrackRequest> {
        let publication = self.publications.get(&source)?;
        let State::Requested { cid, .. } = &publication.state else { return None };
        let video = matches!(source, Source::Camera | Source::Screen);
        // Muted since it was requested: the size no longer matters.
        let silent = LocalTrack { cid: cid.clone(), width: 0, height: 0, stereo: false };
        let track = publication.track.as_ref().unwrap_or(&silent);
        let layers: Vec<_> = layers(source, track, self.config.screen_simulcast)
            .into_iter()
            .map(|layer| layer.announced)
            .collect();
        let stereo = if track.stereo { vec![AudioTrackFeature::TfStereo as i32] } else { Vec::new() };
        Some(AddTrackRequest {
            cid: cid.clone(),
            r#type: if video { TrackType::Video } else { TrackType::Audio } as i32,
            source: source.proto() as i32,
            width: track.width,
            height: track.height,
            muted: publication.track.is_none(),
            audio_features: stereo,
            simulcast_codecs: if video {
                let codec = PREFERRED_VIDEO_CODEC.to_owned();
                vec![SimulcastCodec {
                    codec,
                    cid: cid.clone(),
                    layers: layers.clone(),
                    ..SimulcastCodec::default()
                }]
            } else {
                Vec::new()
            },
            layers,
            ..AddTrackRequest::default()
        })
    }

    pub(super) fn on_track_published(&mut self, published: TrackPublishedResponse) {
        let Some(info) = published.track else { return };
        let requested = self.publications.iter_mut().find(|(_, publication)| {
            matches!(&publication.state, State::Requested { cid, .. } if *cid == published.cid)
        });
        let Some((source, publication)) = requested else { return };
        let source = *source;
        let track_sid = info.sid.clone();
        publication.state = State::Live { cid: published.cid, info: Box::new(info) };
        self.event(Event::Published { source, track_sid });
        self.sync_publication(source);
    }

    fn live_source(&mut self, track_sid: &str) -> Option<(Source, &mut Publication)> {
        let mut all = self.publications.iter_mut();
        let found =
            all.find(|(_, known)| matches!(&known.state, State::Live { info, .. } if info.sid == track_sid));
        found.map(|(source, publication)| (*source, publication))
    }

    /// The server took a track away.
    pub(super) fn on_track_unpublished(&mut self, track_sid: &str) {
        if let Some((source, _)) = self.live_source(track_sid) {
            self.refused(source);
        }
    }

    /// The server does not want this source, at least as it is captured now.
    fn refused(&mut self, source: Source) {
        let Some(publication) = self.publications.get_mut(&source) else { return };
        publication.state = State::Refused;
        let attached = std::mem::take(&mut publication.attached);
        self.remove_sender(source, attached);
        self.event(Event::Unpublished { source });
    }

    /// A moderator mutes us. Being unmuted from afar is not obeyed: nobody else switches a
    /// microphone on.
    pub(super) fn on_mute(&mut self, mute: &proto::MuteTrackRequest) {
        if !mute.muted {
            return;
        }
        let Some((source, publication)) = self.live_source(&mute.sid) else { return };
        let attached = publication.attached;
        publication.track = None;
        if let State::Live { info, .. } = &mut publication.state {
            info.muted = true;
        }
        self.event(Event::Muted { source });
        if let Some(peer) = self.publisher.as_ref().map(|peer| peer.id).filter(|_| attached) {
            self.outputs.push_back(Output::SwapTrack { peer, source });
        }
    }

    pub(super) fn on_request_response(&mut self, response: &proto::RequestResponse) {
        use proto::request_response::{Reason, Request};
        let Some(Request::AddTrack(request)) = &response.request else { return };
        if matches!(Reason::try_from(response.reason), Ok(Reason::Ok | Reason::Queued)) {
            return;
        }
        let requested = self.publications.iter().find(|(_, publication)| {
            matches!(&publication.state, State::Requested { cid, .. } if *cid == request.cid)
        });
        if let Some(source) = requested.map(|(source, _)| *source) {
            self.refused(source);
        }
    }

    pub(super) fn publish_timeout(&mut self) {
        let late = |publication: &Publication| publication.deadline().is_some_and(|until| self.now >= until);
        let late: Vec<_> =
            self.publications.iter().filter(|(_, known)| late(known)).map(|(source, _)| *source).collect();
        for source in late {
            self.refused(source);
        }
    }

    /// New connections and a new participant: everything is to be published again.
    pub(super) fn detach_publications(&mut self) {
        for publication in self.publications.values_mut() {
            publication.attached = false;
            if !matches!(publication.state, State::Refused) {
                publication.state = State::Absent;
            }
        }
    }

    /// Which layers somebody watches.
    pub(super) fn on_subscribed_quality(&mut self, update: &proto::SubscribedQualityUpdate) {
        if !self.config.dynacast {
            return;
        }
        let screen_simulcast = self.config.screen_simulcast;
        let Some(peer) = self.publisher.as_ref().map(|peer| peer.id) else { return };
        let Some((source, publication)) = self.live_source(&update.track_sid) else { return };
        let Some(track) = publication.track.as_ref().filter(|_| publication.attached) else { return };
        let mut codecs = update.subscribed_codecs.iter();
        let Some(codec) = codecs.find(|codec| codec.codec == PREFERRED_VIDEO_CODEC) else { return };
        let wanted = |quality: VideoQuality| {
            codec.qualities.iter().any(|wanted| wanted.quality == quality as i32 && wanted.enabled)
        };
        let all = [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High];
        let count = layers(source, track, screen_simulcast).len();
        // With fewer layers than qualities the top one serves all that are above it.
        let active = (0..count).map(|index| {
            if index + 1 == count { all[index..].iter().any(|q| wanted(*q)) } else { wanted(all[index]) }
        });
        let active: Vec<_> = active.collect();
        if !active.is_empty() {
            self.outputs.push_back(Output::SetLayers { peer, source, active });
        }
    }
}
