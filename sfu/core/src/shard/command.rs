//! What rooms ask of the shard.

use std::collections::HashMap;
use std::time::Instant;

use super::Shard;
use super::peer::{Binding, Egress, Peer};
use crate::forward::send::Send;
use crate::forward::track::{Source, Track};
use crate::media::{
    Command, Event, FailReason, ReceiveSection, Selection, SendId, SendParams, TrackId, TransportId,
};
use crate::rtp::twcc::ArrivalLog;
use crate::transport::{Transport, TransportConfig};

impl Shard {
    pub fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Open { transport, room, local, controlling, channels } => {
                let config = TransportConfig {
                    local,
                    controlling,
                    channels,
                    certificate: self.config.certificate.clone(),
                    candidates: self.config.candidates.clone(),
                };
                self.open(now, transport, room, config);
            }
            Command::Connect { transport, remote } => {
                self.on_transport(now, transport, |transport| transport.connect(remote, now));
            }
            Command::RestartIce { transport, local, remote } => {
                let Some(&key) = self.peer_keys.get(&transport) else { return };
                if let Some(peer) = self.peers.get_mut(key) {
                    peer.ufrags.push(local.ufrag.clone());
                    // Checks on the pair in use go on under the name before this one.
                    if peer.ufrags.len() > 2 {
                        self.ufrags.remove(&peer.ufrags.remove(0));
                    }
                    self.ufrags.insert(local.ufrag.clone(), key);
                }
                self.with_transport(now, key, |transport| transport.restart_ice(local, remote, now));
            }
            Command::RemoteCandidate { transport, candidate } => {
                self.on_transport(now, transport, |transport| transport.add_candidate(&candidate, now));
            }
            Command::Close { transport } => self.close(now, transport),
            Command::Receive { transport, track, section } => self.receive(now, transport, track, section),
            Command::StopReceiving { track } => {
                if let Some(&key) = self.track_keys.get(&track) {
                    self.stop_receiving(key);
                }
            }
            Command::Send { transport, send, track, params } => {
                self.send(now, transport, send, track, params);
            }
            Command::StopSending { send } => {
                if let Some(key) = self.send_keys.remove(&send) {
                    self.stop_sending(key);
                }
            }
            Command::Select { send, selection } => self.select(now, send, selection),
            Command::Mute { track, muted } => {
                let key = self.track(track);
                self.tracks[key].muted = muted;
                self.tracks[key].observer.reset();
                self.retarget(now, key);
            }
            Command::Data { transport, channel, payload } => {
                self.on_transport(now, transport, |transport| transport.send_data(channel, payload, now));
            }
        }
    }

    fn open(&mut self, now: Instant, id: TransportId, room: u64, config: TransportConfig) {
        if self.peer_keys.contains_key(&id) {
            return;
        }
        let ufrag = config.local.ufrag.clone();
        let transport = match Transport::new(config, now) {
            Ok(transport) => transport,
            Err(error) => {
                tracing::warn!(%error, "transport was not made");
                self.events.push_back(Event::Failed { transport: id, reason: FailReason::Ice });
                return;
            }
        };
        let ssrc = self.config.chance.u32() | 1;
        let key = self.peers.insert(Peer {
            id,
            room,
            transport,
            transport_due: None,
            opener: None,
            egress: Egress::default(),
            ufrags: vec![ufrag.clone()],
            addresses: Vec::new(),
            bindings: HashMap::new(),
            tracks: Vec::new(),
            sends: HashMap::new(),
            ended: HashMap::new(),
            arrivals: ArrivalLog::default(),
            transport_cc: 0,
            ssrc,
            media_ssrc: 0,
            life_due: now,
            feedback_due: now,
            report_due: now,
            estimate: None,
        });
        self.peer_keys.insert(id, key);
        self.ufrags.insert(ufrag, key);
        self.drain_transport(now, key);
    }

    fn close(&mut self, now: Instant, id: TransportId) {
        let Some(key) = self.peer_keys.remove(&id) else { return };
        self.with_transport(now, key, |transport| transport.close(now));
        let Some(peer) = self.peers.get_mut(key) else { return };
        for track in std::mem::take(&mut peer.tracks) {
            self.stop_receiving(track);
        }
        let sends: Vec<_> =
            self.sends.iter().filter(|(_, send)| send.peer == key).map(|(key, _)| key).collect();
        for send in sends {
            self.send_keys.remove(&self.sends[send].id);
            self.stop_sending(send);
        }
        if self.peers.contains(key) {
            let peer = self.peers.remove(key);
            for ufrag in &peer.ufrags {
                self.ufrags.remove(ufrag);
            }
            for address in &peer.addresses {
                self.addresses.remove(address);
            }
        }
        // The key may be given to another peer before the next flush.
        self.ready.retain(|ready| *ready != key);
        // What closing said to the room is no news to it.
        self.events.retain(|event| {
            !matches!(event,
            Event::Disconnected { transport } | Event::Failed { transport, .. } if *transport == id)
        });
    }

    fn on_transport(&mut self, now: Instant, id: TransportId, run: impl FnOnce(&mut Transport)) {
        if let Some(&key) = self.peer_keys.get(&id) {
            self.with_transport(now, key, run);
        }
    }

    /// The key of a track, made known now if it was not.
    fn track(&mut self, id: TrackId) -> usize {
        *self.track_keys.entry(id).or_insert_with(|| self.tracks.insert(Track::new(id)))
    }

    fn receive(&mut self, now: Instant, transport: TransportId, id: TrackId, section: ReceiveSection) {
        let Some(&peer_key) = self.peer_keys.get(&transport) else { return };
        let key = self.track(id);
        if self.tracks[key].source.as_ref().is_some_and(|source| source.peer != peer_key) {
            self.detach(key);
        }
        let Some(peer) = self.peers.get_mut(peer_key) else { return };
        if !peer.tracks.contains(&key) {
            peer.tracks.push(key);
        }
        if section.extensions.transport_cc != 0 {
            peer.transport_cc = section.extensions.transport_cc;
        }
        // With rids the SSRC lines do not say which is which.
        if section.rids.is_empty() {
            for (layer, info) in section.ssrcs.iter().enumerate().take(crate::forward::track::MAX_LAYERS) {
                let layer = layer as u8;
                peer.bindings.insert(info.ssrc, Binding { track: key, layer, rtx: false });
                if let Some(rtx) = info.rtx_ssrc {
                    peer.bindings.insert(rtx, Binding { track: key, layer, rtx: true });
                }
            }
        }
        let source = Source::new(peer_key, peer.room, section);
        let track = &mut self.tracks[key];
        for send in &track.sends {
            if let Some(send) = self.sends.get_mut(*send) {
                send.negotiate(&source);
            }
        }
        track.source = Some(source);
        self.retarget(now, key);
    }

    /// Takes a track from its publisher.
    fn detach(&mut self, key: usize) {
        let Some(track) = self.tracks.get_mut(key) else { return };
        let Some(source) = track.source.take() else { return };
        track.layers = [const { None }; crate::forward::track::MAX_LAYERS];
        track.observer.reset();
        track.key_check = None;
        for send in &track.sends {
            if let Some(send) = self.sends.get_mut(*send) {
                for layer in 0..crate::forward::track::MAX_LAYERS as u8 {
                    send.forget(layer);
                }
            }
        }
        if let Some(peer) = self.peers.get_mut(source.peer) {
            peer.tracks.retain(|track| *track != key);
            peer.bindings.retain(|_, binding| binding.track != key);
        }
    }

    fn stop_receiving(&mut self, key: usize) {
        self.detach(key);
        if let Some(track) = self.tracks.get(key).filter(|track| track.sends.is_empty()) {
            self.track_keys.remove(&track.id);
            self.tracks.remove(key);
        }
    }

    fn send(&mut self, now: Instant, transport: TransportId, id: SendId, track: TrackId, params: SendParams) {
        let Some(&peer_key) = self.peer_keys.get(&transport) else { return };
        let track_key = self.track(track);
        if let Some(&key) = self.send_keys.get(&id) {
            let send = &self.sends[key];
            if send.track != track_key || send.peer != peer_key {
                self.send_keys.remove(&id);
                self.stop_sending(key);
            }
        }
        let known = self.send_keys.get(&id).copied();
        let Some(peer) = self.peers.get_mut(peer_key) else { return };
        let ssrcs = [Some(params.ssrc), params.rtx_ssrc];
        if ssrcs
            .into_iter()
            .flatten()
            .any(|ssrc| peer.sends.get(&ssrc).is_some_and(|other| Some(*other) != known))
        {
            tracing::warn!(?id, "SSRC is in use for another track");
            return;
        }
        let key = match known {
            Some(key) => {
                let send = &mut self.sends[key];
                send.renew(params, &mut peer.ended);
                peer.sends.retain(|_, other| *other != key);
                key
            }
            None => {
                let chance = &mut self.config.chance;
                let starts = [params.ssrc, params.rtx_ssrc.unwrap_or_default()]
                    // The lower half, so that the receiver cannot guess a wrong roll-over counter.
                    .map(|ssrc| {
                        peer.ended.remove(&ssrc).unwrap_or_else(|| u64::from(chance.u32() & 0x7fff) + 1)
                    });
                let key = self.sends.insert(Send::new(id, track_key, peer_key, params, starts));
                self.send_keys.insert(id, key);
                self.tracks[track_key].sends.push(key);
                key
            }
        };
        let send = &mut self.sends[key];
        if let Some(source) = &self.tracks[track_key].source {
            send.negotiate(source);
        }
        for ssrc in ssrcs.into_iter().flatten() {
            peer.sends.insert(ssrc, key);
        }
        self.retarget(now, track_key);
    }

    fn stop_sending(&mut self, key: usize) {
        let Some(send) = self.sends.try_remove(key) else { return };
        if let Some(peer) = self.peers.get_mut(send.peer) {
            peer.sends.retain(|_, other| *other != key);
            send.end(&mut peer.ended);
        }
        let Some(track) = self.tracks.get_mut(send.track) else { return };
        track.sends.retain(|other| *other != key);
        if track.source.is_none() && track.sends.is_empty() {
            self.track_keys.remove(&track.id);
            self.tracks.remove(send.track);
        }
    }

    fn select(&mut self, now: Instant, id: SendId, selection: Selection) {
        let Some(&key) = self.send_keys.get(&id) else { return };
        let send = &mut self.sends[key];
        send.selection = selection;
        let track = send.track;
        self.retarget(now, track);
    }

    /// Lets every subscriber of a track follow what changed about it.
    pub(super) fn retarget(&mut self, now: Instant, key: usize) {
        let Some(track) = self.tracks.get(key) else { return };
        let mut waits = false;
        for send in &track.sends {
            if let Some(send) = self.sends.get_mut(*send) {
                waits |= send.retarget(track);
            }
        }
        if waits {
            self.check_keys(now, key);
        }
    }

    /// A peer can be sent to from now on: what it subscribes to and what it publishes starts with
    /// key frames.
    pub(super) fn opened(&mut self, now: Instant, key: usize) {
        let Some(peer) = self.peers.get(key) else { return };
        let sent = peer.sends.values().filter_map(|send| self.sends.get(*send)).map(|send| send.track);
        let mut tracks: Vec<usize> = sent.chain(peer.tracks.iter().copied()).collect();
        tracks.sort_unstable();
        tracks.dedup();
        for track in tracks {
            self.check_keys(now, track);
        }
        self.wake(now);
    }
}
