//! Offers of the client: all negotiation of the single mode, publishing in the dual mode
//! (contract livekit.md 2.2, 3.1, 3.2).
//!
//! Invariant: the answer carries the id of the offer, a section for each offered one, only payload
//! types of the offer, and in the single mode the whole map of mids to tracks.

use std::collections::HashMap;
use std::time::Duration;

use sfu_protocol::Mode;
use sfu_protocol::proto::{
    self, AudioTrackFeature, DisconnectReason, SignalTarget, leave_request, signal_response,
};

use super::Room;
use super::participant::Key;
use super::peer::{Slot, SlotUse, Unmatched};
use crate::media::{Codec, CodecParams, ExtensionIds, Kind, ReceiveSection, SendParams, SsrcInfo, TrackId};
use crate::sdp::{
    self, Description, DescriptionKind, Direction, LocalDescription, LocalSection, LocalSource, Purpose,
    Section, Setup,
};

/// How long a client may take to offer the sections it was asked for, before it is asked again.
/// Doubled with each try: a client that is merely slow must not be buried in requests.
const REQUIREMENT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a client that made no offer yet is given to make its first by itself.
const FIRST_OFFER_PATIENCE: Duration = Duration::from_secs(1);
const MAX_TRIES: u32 = 3;

impl Room {
    pub(super) fn client_offer(&mut self, key: Key, offer: proto::SessionDescription) {
        let description = match sdp::parse(&offer.sdp) {
            Ok(description) => description,
            Err(error) => {
                tracing::debug!(%error, "offer is not acceptable");
                self.counters.malformed += 1;
                let told = Some(leave_request::Action::Disconnect);
                return self.remove(key, DisconnectReason::MediaFailure, told);
            }
        };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let transport = participant.publisher.id;
        let ufrag_before =
            participant.publisher.remote.as_ref().map(|_| participant.publisher.local.ufrag.clone());
        let command = participant.publisher.apply_remote(&description, &mut self.chance);
        let fresh = ufrag_before.as_ref() != Some(&participant.publisher.local.ufrag);
        if let Some(command) = command {
            self.command(command);
        }
        self.release_candidates(key, transport);
        self.receive_sections(key, &description);
        self.arrange_slots(key, &description);
        self.answer(key, &description, offer.id, fresh);
    }

    /// What the client sends: starts, updates and ends tracks.
    fn receive_sections(&mut self, key: Key, description: &Description) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.publisher.unmatched.clear();
        let may_publish = participant.permission.can_publish;
        let mut found: Vec<Unmatched> = Vec::new();
        let mut lasting: Vec<TrackId> = Vec::new();
        for section in &description.sections {
            let Some(received) = self.receive_section(section).filter(|_| may_publish) else { continue };
            let cid = section.msid.as_ref().map(|(_, track)| track.clone()).unwrap_or_default();
            let published = self.tracks.values().find(|track| track.owner == key && track.mid == section.mid);
            match published.map(|track| track.id) {
                Some(id) if !self.is_replaced(key, id, &cid) => {
                    lasting.push(id);
                    self.update_section(id, received);
                }
                _ => found.push(Unmatched { cid, section: received }),
            }
        }
        let ended: Vec<TrackId> = self
            .tracks
            .values()
            .filter(|track| track.owner == key && !lasting.contains(&track.id))
            .map(|track| track.id)
            .collect();
        for id in ended {
            self.unpublish(id, false, false);
        }
        // Exact matches first, so that the fallback takes nothing away from them.
        let found: Vec<Unmatched> = found
            .into_iter()
            .filter(|unmatched| !self.match_section(key, unmatched.clone(), false))
            .collect();
        for unmatched in found {
            if !self.match_section(key, unmatched.clone(), true)
                && let Some(participant) = self.participants.get_mut(&key)
            {
                participant.publisher.unmatched.push(unmatched);
            }
        }
    }

    /// A section that carried one track now carries another that was announced.
    fn is_replaced(&self, key: Key, id: TrackId, cid: &str) -> bool {
        let (Some(track), Some(participant)) = (self.tracks.get(&id), self.participants.get(&key)) else {
            return false;
        };
        track.cid != cid && participant.pending.iter().any(|pending| pending.announced && pending.cid == cid)
    }

    /// `None` when the client sends nothing there that we can take.
    fn receive_section(&self, section: &Section) -> Option<ReceiveSection> {
        let kind = section.kind.media()?;
        if section.rejected || !section.direction.sends() {
            return None;
        }
        let (codecs, extensions) = sdp::negotiate(section, &self.environment.codecs, Purpose::Receive);
        if codecs.is_empty() {
            return None;
        }
        Some(ReceiveSection {
            mid: section.mid.clone(),
            kind,
            codecs,
            extensions,
            rids: section.rids.clone(),
            ssrcs: section.ssrcs.clone(),
        })
    }

    /// Where the client wants to receive: fits the waiting tracks in (single mode).
    fn arrange_slots(&mut self, key: Key, description: &Description) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.mode != Mode::Single {
            return;
        }
        let before = std::mem::take(&mut participant.publisher.slots);
        for section in &description.sections {
            let Some(kind) = section.kind.media() else { continue };
            let open = !section.rejected && section.direction.receives();
            let known = before.iter().find(|slot| slot.mid == section.mid && slot.kind == kind);
            let use_ = match known.map(|slot| slot.use_) {
                _ if !open => SlotUse::Closed,
                None | Some(SlotUse::Closed) => SlotUse::Free,
                Some(use_) => use_,
            };
            participant.publisher.slots.push(Slot { mid: section.mid.clone(), kind, use_ });
        }
        let homeless: Vec<TrackId> = participant
            .sendings
            .keys()
            .filter(|id| participant.publisher.slot_of(**id).is_none())
            .copied()
            .collect();
        for id in homeless {
            if let Some(track) = self.tracks.get(&id) {
                participant.publisher.take_slot(track.kind, id);
            }
        }
    }

    fn answer(&mut self, key: Key, description: &Description, id: u32, fresh: bool) {
        let now = self.now.instant;
        let mut sections = Vec::with_capacity(description.sections.len());
        let mut starting: Vec<(TrackId, SendParams)> = Vec::new();
        for section in &description.sections {
            let (local, sent) = self.answer_section(key, section);
            sections.push(local);
            starting.extend(sent);
        }
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let single = participant.mode == Mode::Single;
        let peer = &mut participant.publisher;
        let answer = LocalDescription {
            session_id: peer.session,
            version: peer.next_version(),
            kind: DescriptionKind::Answer,
            ice: peer.local.clone(),
            fingerprint: self.environment.fingerprint.clone(),
            setup: Setup::answer(peer.role.unwrap_or(description.setup.our_role())),
            candidates: self.environment.candidates.clone(),
            sections,
        };
        for slot in &mut peer.slots {
            if slot.use_ == SlotUse::Stale {
                slot.use_ = SlotUse::Free;
            }
        }
        if single {
            peer.agenda.done(now);
        }
        let mid_to_track_id = if single { self.mid_to_track_id(key) } else { HashMap::new() };
        self.signal(
            key,
            signal_response::Message::Answer(proto::SessionDescription {
                r#type: "answer".to_owned(),
                sdp: answer.to_sdp(),
                id,
                mid_to_track_id,
            }),
        );
        if fresh {
            let mid = answer.sections.first().map(|section| section.mid.clone()).unwrap_or_default();
            self.tell_candidates(key, SignalTarget::Publisher, &mid);
        }
        for (id, params) in starting {
            self.start_sending(key, id, params);
        }
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if single && participant.sendings.keys().any(|id| participant.publisher.slot_of(*id).is_none()) {
            participant.publisher.agenda.ask(now);
        }
    }

    /// Mids of everything that a participant receives on its downlink.
    pub(super) fn mid_to_track_id(&self, key: Key) -> HashMap<String, String> {
        let Some(participant) = self.participants.get(&key) else { return HashMap::new() };
        let received = participant.downlink().slots.iter().filter_map(|slot| match slot.use_ {
            SlotUse::Taken(id) => Some((slot.mid.clone(), self.tracks.get(&id)?.info.sid.clone())),
            _ => None,
        });
        received.collect()
    }

    fn answer_section(&self, key: Key, section: &Section) -> (LocalSection, Option<(TrackId, SendParams)>) {
        let rejected = || LocalSection::rejected(section.mid.clone(), section.kind);
        let Some(participant) = self.participants.get(&key).filter(|_| !section.rejected) else {
            return (rejected(), None);
        };
        let Some(kind) = section.kind.media() else {
            return (LocalSection::application(section.mid.clone()), None);
        };
        let (send_codecs, send_extensions) = sdp::negotiate(section, &self.environment.codecs, Purpose::Send);
        let (_, receive_extensions) = sdp::negotiate(section, &self.environment.codecs, Purpose::Receive);
        // Whatever its direction: Chromium leaves out of the sections it adds later what an earlier
        // answer did not take, and then cannot even offer its simulcast.
        let extensions = union(receive_extensions, send_extensions);
        let received = self.receive_section(section).filter(|_| participant.permission.can_publish);
        let slot = participant.publisher.slots.iter().find(|slot| slot.mid == section.mid);
        let sent = match slot.map(|slot| slot.use_) {
            Some(SlotUse::Taken(id)) => {
                self.send_params(key, id, &section.mid, kind, send_codecs.clone(), send_extensions)
            }
            _ => None,
        };
        let mut codecs = received.as_ref().map_or(send_codecs, |received| received.codecs.clone());
        if codecs.is_empty() {
            return (rejected(), None);
        }
        if received.is_some() {
            self.shape_publication(key, &section.mid, &mut codecs);
        }
        let local = LocalSection {
            mid: section.mid.clone(),
            kind: section.kind,
            direction: direction(received.is_some(), sent.is_some()),
            rejected: false,
            codecs,
            extensions,
            source: sent.as_ref().and_then(|(id, params)| self.source(*id, params)),
            receive_rids: received
                .filter(|_| section.simulcast)
                .map(|received| received.rids)
                .unwrap_or_default(),
        };
        (local, sent)
    }

    /// Orders and tunes the codecs that a client is asked to send with (3.5).
    fn shape_publication(&self, key: Key, mid: &str, codecs: &mut Vec<CodecParams>) {
        let Some(track) = self.tracks.values().find(|track| track.owner == key && track.mid == mid) else {
            return;
        };
        let wanted = track.info.mime_type.rsplit('/').next().and_then(Codec::from_name);
        if let Some(wanted) = wanted.filter(|wanted| codecs.iter().any(|codec| codec.codec == *wanted)) {
            sdp::prefer(codecs, wanted);
            // Firefox sends with whatever it likes best of the list.
            if track.kind == Kind::Video && self.participants.get(&key).is_some_and(|one| one.is_firefox()) {
                codecs.retain(|codec| codec.codec == wanted);
            }
        }
        let has = |feature: AudioTrackFeature| track.info.audio_features.contains(&(feature as i32));
        for codec in codecs.iter_mut().filter(|codec| codec.codec == Codec::Opus) {
            if !has(AudioTrackFeature::TfNoDtx) {
                sdp::set_fmtp_parameter(&mut codec.fmtp, "usedtx", "1");
            }
            if has(AudioTrackFeature::TfStereo) {
                sdp::set_fmtp_parameter(&mut codec.fmtp, "stereo", "1");
                sdp::set_fmtp_parameter(&mut codec.fmtp, "maxaveragebitrate", "510000");
            }
        }
    }

    /// Parameters of a down track in a negotiated section.
    pub(super) fn send_params(
        &self,
        key: Key,
        id: TrackId,
        mid: &str,
        kind: Kind,
        codecs: Vec<CodecParams>,
        extensions: ExtensionIds,
    ) -> Option<(TrackId, SendParams)> {
        let sending = self.participants.get(&key)?.sendings.get(&id)?;
        let owner = self.participants.get(&self.tracks.get(&id)?.owner)?;
        if codecs.is_empty() {
            return None;
        }
        let has_rtx = codecs.iter().any(|codec| codec.rtx_pt.is_some());
        let params = SendParams {
            mid: mid.to_owned(),
            kind,
            ssrc: sending.ssrc,
            rtx_ssrc: sending.rtx_ssrc.filter(|_| has_rtx),
            codecs,
            extensions,
            cname: owner.sid.clone(),
        };
        Some((id, params))
    }

    /// The `a=msid` and `a=ssrc` lines of a down track (3.2).
    pub(super) fn source(&self, id: TrackId, params: &SendParams) -> Option<LocalSource> {
        let track = self.tracks.get(&id)?;
        let owner = self.participants.get(&track.owner)?;
        Some(LocalSource {
            stream: format!("{}|{}", owner.sid, track.info.sid),
            track: track.info.sid.clone(),
            ssrc: SsrcInfo { ssrc: params.ssrc, rtx_ssrc: params.rtx_ssrc },
            cname: params.cname.clone(),
        })
    }

    /// Single mode: asks the client to offer, with as many additional sections as it lacks.
    pub(super) fn require_sections(&mut self, key: Key, tries: u32) {
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let peer = &mut participant.publisher;
        if participant.connection.is_none() || tries > MAX_TRIES {
            return peer.agenda.clear();
        }
        if peer.remote.is_none() && tries == 0 {
            peer.agenda.sent(now, FIRST_OFFER_PATIENCE, 0);
            return;
        }
        let mut lacking = [0_u32; 2];
        for (index, kind) in [Kind::Audio, Kind::Video].into_iter().enumerate() {
            let homeless = participant.sendings.keys().filter(|id| {
                self.tracks.get(id).is_some_and(|track| track.kind == kind) && peer.slot_of(**id).is_none()
            });
            let free = peer.slots.iter().filter(|slot| slot.kind == kind && slot.use_ == SlotUse::Free);
            let (homeless, free) = (homeless.count() as u32, free.count() as u32);
            // A client that did not answer a request for zero sections may need a reason to offer.
            lacking[index] = if tries > 0 { homeless } else { homeless.saturating_sub(free) };
        }
        let homeless = participant.sendings.keys().any(|id| peer.slot_of(*id).is_none());
        let stale = peer.slots.iter().any(|slot| slot.use_ == SlotUse::Stale);
        if !homeless && (!stale || tries > 0) {
            return peer.agenda.clear();
        }
        peer.agenda.sent(now, REQUIREMENT_PATIENCE * (1 << tries), tries);
        let [num_audios, num_videos] = lacking;
        self.signal(
            key,
            signal_response::Message::MediaSectionsRequirement(proto::MediaSectionsRequirement {
                num_audios,
                num_videos,
            }),
        );
    }
}

fn direction(receives: bool, sends: bool) -> Direction {
    match (receives, sends) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::RecvOnly,
        (false, true) => Direction::SendOnly,
        (false, false) => Direction::Inactive,
    }
}

/// Ids of both directions: they stem from one section, so equal extensions have equal ids.
fn union(a: ExtensionIds, b: ExtensionIds) -> ExtensionIds {
    ExtensionIds {
        mid: a.mid | b.mid,
        rid: a.rid | b.rid,
        repaired_rid: a.repaired_rid | b.repaired_rid,
        audio_level: a.audio_level | b.audio_level,
        abs_send_time: a.abs_send_time | b.abs_send_time,
        abs_capture_time: a.abs_capture_time | b.abs_capture_time,
        transport_cc: a.transport_cc | b.transport_cc,
        dependency_descriptor: a.dependency_descriptor | b.dependency_descriptor,
        playout_delay: a.playout_delay | b.playout_delay,
        video_orientation: a.video_orientation | b.video_orientation,
    }
}
