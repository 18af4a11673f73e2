//! What the shard reports (contract livekit.md 5.4).

use sfu_protocol::proto::{DisconnectReason, leave_request};

use super::join::leave;
use super::participant::Key;
use super::timers::{FAILED_PATIENCE, GONE_PATIENCE};
use super::{Output, Room};
use crate::media::{Event, FailReason, TransportId};

impl Room {
    pub(super) fn media_event(&mut self, event: Event) {
        match event {
            Event::Connected { transport } => self.transport_connected(transport),
            Event::Disconnected { transport } => self.transport_disconnected(transport),
            Event::Failed { transport, reason } => self.transport_failed(transport, reason),
            Event::Data { transport, channel, payload } => self.data(transport, channel, &payload),
            Event::LayerStarted { track, layer, codec, ssrc } => {
                self.layer_started(track, layer, codec, ssrc);
            }
            Event::Speakers { levels, .. } => self.speakers(&levels),
            // The packet path falls back to a living layer by itself, and first packets are counted there.
            Event::ChannelsOpen { .. } | Event::LayerStopped { .. } | Event::FirstForwarded { .. } => {}
        }
    }

    fn transport_connected(&mut self, transport: TransportId) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let is_primary = participant.primary().id == transport;
        if let Some(peer) = participant.peer_mut(transport) {
            peer.connected = true;
            peer.was_connected = true;
        }
        if is_primary {
            participant.deadlines.gone_by = None;
            self.activate(key);
        }
    }

    fn transport_disconnected(&mut self, transport: TransportId) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if let Some(peer) = participant.peer_mut(transport) {
            peer.connected = false;
        }
        if participant.primary().id == transport && participant.connection.is_none() {
            let by = self.now.instant + GONE_PATIENCE;
            participant.deadlines.gone_by.get_or_insert((by, DisconnectReason::SignalClose));
        }
    }

    /// Without ICE the client resumes at once or is gone; without DTLS only a new session helps.
    fn transport_failed(&mut self, transport: TransportId, reason: FailReason) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        if reason == FailReason::Dtls {
            let told = Some(leave_request::Action::Reconnect);
            return self.remove(key, DisconnectReason::MediaFailure, told);
        }
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if let Some(peer) = participant.peer_mut(transport) {
            peer.connected = false;
        }
        participant.deadlines.gone_by = Some((now + FAILED_PATIENCE, DisconnectReason::ConnectionTimeout));
        self.signal(key, leave(DisconnectReason::ConnectionTimeout, leave_request::Action::Resume));
        self.detach(key);
    }

    /// Closes the socket but keeps the participant until its deadline.
    fn detach(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if let Some(connection) = participant.connection.take() {
            self.connections.remove(&connection);
            self.outputs.push_back(Output::Close { connection });
        }
    }
}
