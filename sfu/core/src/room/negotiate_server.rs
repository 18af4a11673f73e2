//! Our own offers, on the subscriber connection of the dual mode (contract livekit.md 2.1, 3.1).
//!
//! Invariant: section order and mids never change; a section is filled only in an offer, never
//! between an offer and its answer.

use std::time::Duration;

use sfu_protocol::proto::{self, DisconnectReason, SignalTarget, leave_request, signal_response};

use super::Room;
use super::participant::Key;
use super::peer::{Peer, Slot, SlotUse};
use crate::media::{ChannelSetup, Command, SendParams, TrackId};
use crate::sdp::{self, DescriptionKind, Direction, LocalDescription, LocalSection, Purpose, Setup};

/// How long a client may take to answer before the negotiation has failed.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);
/// The data channels' section comes first and never goes.
const APPLICATION_MID: &str = "0";

impl Room {
    /// Makes the subscriber connection of a dual-mode participant and offers it.
    pub(super) fn open_subscriber(&mut self, key: Key) {
        let transport = crate::media::TransportId(self.fresh_id());
        let peer = Peer::new(transport, &mut self.chance);
        let local = peer.local.clone();
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.subscriber = Some(peer);
        self.transports.insert(transport, key);
        let room = self.id;
        self.command(Command::Open {
            transport,
            room,
            local,
            controlling: true,
            channels: ChannelSetup::Local,
        });
        self.offer(key);
    }

    /// Offers everything that the participant should get by now.
    pub(super) fn offer(&mut self, key: Key) {
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(peer) = &mut participant.subscriber else { return };
        if participant.connection.is_none() {
            return peer.agenda.clear();
        }
        // Safari does not take a section back into use.
        let reuse = !participant.client.browser.eq_ignore_ascii_case("safari");
        let homeless: Vec<TrackId> =
            participant.sendings.keys().filter(|id| peer.slot_of(**id).is_none()).copied().collect();
        for id in homeless {
            let Some(kind) = self.tracks.get(&id).map(|track| track.kind) else { continue };
            if !reuse || peer.take_slot(kind, id).is_none() {
                let mid = (peer.slots.len() + 1).to_string();
                peer.slots.push(Slot { mid, kind, use_: SlotUse::Taken(id) });
            }
        }
        for slot in &mut peer.slots {
            if slot.use_ == SlotUse::Stale {
                slot.use_ = SlotUse::Retiring;
            }
        }
        let first = peer.remote.is_none() || peer.restarting;
        let (session_id, version) = (peer.session, peer.next_version());
        let (ice, slots) = (peer.local.clone(), peer.slots.clone());
        let id = peer.agenda.sent(now, ANSWER_PATIENCE, 0);
        let media = slots.iter().map(|slot| self.offer_section(key, slot));
        let description = LocalDescription {
            session_id,
            version,
            kind: DescriptionKind::Offer,
            ice,
            fingerprint: self.environment.fingerprint.clone(),
            setup: Setup::ActPass,
            candidates: self.environment.candidates.clone(),
            sections: std::iter::once(LocalSection::application(APPLICATION_MID.to_owned()))
                .chain(media)
                .collect(),
        };
        let mid_to_track_id = self.mid_to_track_id(key);
        self.signal(
            key,
            signal_response::Message::Offer(proto::SessionDescription {
                r#type: "offer".to_owned(),
                sdp: description.to_sdp(),
                id,
                mid_to_track_id,
            }),
        );
        if first {
            self.tell_candidates(key, SignalTarget::Subscriber, APPLICATION_MID);
        }
    }

    fn offer_section(&self, key: Key, slot: &Slot) -> LocalSection {
        let codecs = sdp::offer_codecs(&self.environment.codecs, slot.kind);
        let extensions = sdp::offer_extensions(slot.kind);
        let sent = match slot.use_ {
            SlotUse::Taken(id) => self.send_params(key, id, &slot.mid, slot.kind, codecs.clone(), extensions),
            _ => None,
        };
        LocalSection {
            mid: slot.mid.clone(),
            kind: slot.kind.into(),
            direction: if sent.is_some() { Direction::SendOnly } else { Direction::Inactive },
            rejected: false,
            codecs,
            extensions,
            source: sent.and_then(|(id, params)| self.source(id, &params)),
            receive_rids: Vec::new(),
        }
    }

    pub(super) fn client_answer(&mut self, key: Key, answer: &proto::SessionDescription) {
        let now = self.now.instant;
        let Some(peer) = self.participants.get_mut(&key).and_then(|one| one.subscriber.as_mut()) else {
            return;
        };
        // Rust clients answer with id 0.
        let expected = peer.agenda.waiting.is_some_and(|waiting| answer.id == 0 || answer.id == waiting.id);
        if !expected {
            return;
        }
        let description = match sdp::parse(&answer.sdp) {
            Ok(description) => description,
            Err(error) => {
                tracing::debug!(%error, "answer is not acceptable");
                self.counters.malformed += 1;
                let told = Some(leave_request::Action::Disconnect);
                return self.remove(key, DisconnectReason::MediaFailure, told);
            }
        };
        let transport = peer.id;
        let command = peer.apply_remote(&description, &mut self.chance);
        for slot in &mut peer.slots {
            if slot.use_ == SlotUse::Retiring {
                slot.use_ = SlotUse::Free;
            }
        }
        peer.agenda.done(now);
        let slots = peer.slots.clone();
        if let Some(command) = command {
            self.command(command);
        }
        self.release_candidates(key, transport);
        for slot in slots {
            let SlotUse::Taken(id) = slot.use_ else { continue };
            let Some(section) = description.section(&slot.mid).filter(|section| section.is(slot.kind)) else {
                continue;
            };
            if section.rejected || !section.direction.receives() {
                continue;
            }
            let (codecs, extensions) = sdp::negotiate(section, &self.environment.codecs, Purpose::Send);
            let params: Option<(TrackId, SendParams)> =
                self.send_params(key, id, &slot.mid, slot.kind, codecs, extensions);
            if let Some((id, params)) = params {
                self.start_sending(key, id, params);
            }
        }
    }
}
