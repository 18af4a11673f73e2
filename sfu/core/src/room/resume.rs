//! Coming back on a new socket with the media still there (contract livekit.md 5.1, 5.2).

use sfu_protocol::Mode;
use sfu_protocol::proto::participant_info::State;
use sfu_protocol::proto::{self, DisconnectReason, SignalResponse, leave_request, signal_response};

use super::join::leave;
use super::participant::Key;
use super::subscribe::Settings;
use super::updates::{room_update, update};
use super::{Join, Output, Room};
use crate::media::TrackId;

/// First and only message to a client that wants to resume what is not there: it then joins anew.
pub fn state_mismatch() -> SignalResponse {
    SignalResponse { message: Some(leave(DisconnectReason::StateMismatch, leave_request::Action::Reconnect)) }
}

impl Room {
    pub(super) fn resume(&mut self, join: Join) {
        let Join { connection, claims, connect } = join;
        let sid = connect.reconnect.map(|reconnect| reconnect.participant_sid).unwrap_or_default();
        let found = self
            .participants
            .values_mut()
            .find(|one| one.identity == claims.identity() && one.state != State::Disconnected)
            .filter(|one| (sid.is_empty() || one.sid == sid) && one.mode == connect.mode);
        let Some(participant) = found else {
            self.outputs.push_back(Output::Signal { connection, response: Box::new(state_mismatch()) });
            self.outputs.push_back(Output::Close { connection });
            return;
        };
        let key = participant.key;
        let last_heard = participant.heard_at;
        participant.heard_at = self.now.instant;
        participant.deadlines.gone_by = None;
        participant.publisher.agenda.clear();
        let last_message_seq = participant.last_reliable;
        if let Some(old) = participant.connection.replace(connection) {
            self.connections.remove(&old);
            self.outputs.push_back(Output::Close { connection: old });
        }
        self.connections.insert(connection, key);

        let response = proto::ReconnectResponse {
            ice_servers: self.environment.ice_servers.clone(),
            server_info: Some(self.server_info()),
            last_message_seq,
            ..Default::default()
        };
        self.signal(key, signal_response::Message::Reconnect(response));
        let departed: Vec<_> = self
            .departures
            .iter()
            .filter(|(at, _)| *at >= last_heard)
            .map(|(_, info)| info.clone())
            .collect();
        if !departed.is_empty() {
            self.signal(key, update(departed));
        }
        let mut everybody = vec![self.describe(key)];
        everybody.extend(self.others(key));
        self.send_updates(key, everybody);
        self.signal(key, room_update(self.info()));
        self.refresh_token(key);
        self.tell_speakers(key);
        if connect.mode == Mode::Dual {
            self.restart_subscriber(key);
        }
        if let Some(state) = connect.sync_state
            && !self.sync_state(key, state)
        {
            return;
        }
        self.opening_requests(key, connect.add_tracks, connect.publisher_offer);
        // What could not be negotiated while the socket was gone.
        let now = self.now.instant;
        if let Some(participant) = self.participants.get_mut(&key)
            && participant.mode == Mode::Single
        {
            participant.publisher.agenda.ask(now);
        }
    }

    /// Offers new credentials on the subscriber connection.
    fn restart_subscriber(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let Some(subscriber) = &mut participant.subscriber else { return };
        subscriber.restart(&mut self.chance);
        subscriber.agenda.clear();
        self.offer(key);
    }

    /// Compares the client's state with ours. False when they do not match: the client then joins anew.
    pub(super) fn sync_state(&mut self, key: Key, state: proto::SyncState) -> bool {
        let Some(participant) = self.participants.get(&key) else { return false };
        let auto_subscribe = participant.auto_subscribe;
        let known = |sid: &str| {
            participant.pending.iter().any(|pending| pending.info.sid == sid)
                || self.tracks.values().any(|track| track.owner == key && track.info.sid == sid)
        };
        let published = state.publish_tracks.iter().filter_map(|published| published.track.as_ref());
        if published.into_iter().any(|track| !known(&track.sid)) || !state.publish_data_tracks.is_empty() {
            self.remove(key, DisconnectReason::StateMismatch, Some(leave_request::Action::Reconnect));
            return false;
        }
        let disabled: Vec<TrackId> = self
            .tracks
            .values()
            .filter(|track| state.track_sids_disabled.contains(&track.info.sid))
            .map(|track| track.id)
            .collect();
        for id in disabled {
            self.set_settings(key, id, Settings { disabled: true, quality: 0, width: 0, height: 0 });
        }
        if let Some(mut subscription) = state.subscription {
            // The list holds the exceptions from the rule.
            subscription.subscribe = !auto_subscribe;
            self.update_subscription(key, subscription);
        }
        self.replay(key, &state.datachannel_receive_states);
        true
    }
}
