//! Requests of clients, one by one (contract livekit.md 2.4).

use sfu_protocol::proto::{
    self, DisconnectReason, leave_request, request_response, signal_request, signal_response,
    simulate_scenario,
};

use super::participant::{Key, Participant};
use super::{ConnectionId, Output, Room};

/// Limits of LiveKit's default configuration.
const MAX_METADATA_BYTES: usize = 512 * 1024;
const MAX_ATTRIBUTES_BYTES: usize = 64 * 1024;
const MAX_NAME_BYTES: usize = 256;

impl Room {
    pub(super) fn request(&mut self, connection: ConnectionId, request: proto::SignalRequest) {
        use signal_request::Message;
        let now = self.now;
        let Some(key) = self.connections.get(&connection).copied() else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.heard_at = now.instant;
        if !participant.budget.spend(now.instant) {
            self.counters.flooding_clients += 1;
            return self.remove(
                key,
                DisconnectReason::StateMismatch,
                Some(leave_request::Action::Disconnect),
            );
        }
        let unix_ms = now.unix_ms as i64;
        // Members this build does not know arrive as `None`.
        let Some(message) = request.message else { return };
        match message {
            Message::Offer(offer) => self.client_offer(key, offer),
            Message::Answer(answer) => self.client_answer(key, &answer),
            Message::Trickle(trickle) => self.trickle(key, &trickle),
            Message::AddTrack(request) => self.add_track(key, request),
            Message::Mute(request) => {
                self.mute(key, &request.sid, request.muted, false);
            }
            Message::Subscription(request) => self.update_subscription(key, request),
            Message::TrackSetting(request) => self.track_setting(key, &request),
            Message::Leave(request) => {
                let reason = match DisconnectReason::try_from(request.reason) {
                    Ok(
                        reason @ (DisconnectReason::UserUnavailable
                        | DisconnectReason::UserRejected
                        | DisconnectReason::AgentError),
                    ) => reason,
                    _ => DisconnectReason::ClientInitiated,
                };
                self.remove(key, reason, None);
            }
            Message::SubscriptionPermission(request) => self.set_access(key, request),
            Message::SyncState(state) => {
                self.sync_state(key, state);
            }
            Message::UpdateMetadata(request) => self.update_own_metadata(key, request),
            Message::Ping(_) => self.signal(key, signal_response::Message::Pong(unix_ms)),
            Message::PingReq(ping) => self.signal(
                key,
                signal_response::Message::PongResp(proto::Pong {
                    last_ping_timestamp: ping.timestamp,
                    timestamp: unix_ms,
                }),
            ),
            Message::UpdateAudioTrack(request) => self.update_audio_track(key, request),
            Message::UpdateVideoTrack(request) => self.update_video_track(key, request),
            Message::Simulate(simulation) => self.simulate(key, simulation.scenario),
            _ => {}
        }
    }

    fn update_own_metadata(&mut self, key: Key, request: proto::UpdateParticipantMetadata) {
        use request_response::Reason;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let id = request.request_id;
        let echo = |request| Some(request_response::Request::UpdateMetadata(request));
        if !participant.permission.can_update_metadata {
            return self.refuse(
                key,
                id,
                Reason::NotAllowed,
                "does not have permission to update own metadata",
                echo(request),
            );
        }
        if let Some(message) = exceeds_limits(participant, &request) {
            return self.refuse(key, id, Reason::LimitExceeded, message, echo(request));
        }
        if apply_metadata(participant, request.name, request.metadata, request.attributes) {
            self.changed(key);
        }
        let modern = self.participants.get(&key).is_some_and(|one| one.client.protocol >= 15);
        if modern {
            self.refuse(key, id, Reason::Ok, "", None);
        }
    }

    /// Answers a request that has no answer of its own; not only with refusals.
    pub(super) fn refuse(
        &mut self,
        key: Key,
        request_id: u32,
        reason: request_response::Reason,
        message: &str,
        request: Option<request_response::Request>,
    ) {
        self.signal(
            key,
            signal_response::Message::RequestResponse(proto::RequestResponse {
                request_id,
                reason: reason as i32,
                message: message.to_owned(),
                request,
            }),
        );
    }

    /// Test hooks of the SDKs; those that need what we do not have are ignored.
    fn simulate(&mut self, key: Key, scenario: Option<simulate_scenario::Scenario>) {
        use simulate_scenario::Scenario;
        match scenario {
            Some(Scenario::NodeFailure(true) | Scenario::DisconnectSignalOnResume(true)) => {
                self.cut_socket(key);
            }
            Some(Scenario::ServerLeave(true)) => {
                self.remove(key, DisconnectReason::ServerShutdown, Some(leave_request::Action::Disconnect));
            }
            Some(Scenario::LeaveRequestFullReconnect(true) | Scenario::Migration(true)) => {
                self.remove(key, DisconnectReason::StateMismatch, Some(leave_request::Action::Reconnect));
            }
            _ => {}
        }
    }

    /// Drops the socket but keeps the participant, as a broken network would.
    fn cut_socket(&mut self, key: Key) {
        let Some(connection) = self.participants.get(&key).and_then(|one| one.connection) else { return };
        self.outputs.push_back(Output::Close { connection });
        self.closed(connection);
    }
}

fn exceeds_limits(
    participant: &Participant,
    request: &proto::UpdateParticipantMetadata,
) -> Option<&'static str> {
    let bytes: usize = participant
        .attributes
        .iter()
        .filter(|(key, _)| !request.attributes.contains_key(*key))
        .chain(&request.attributes)
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if request.metadata.len() > MAX_METADATA_BYTES {
        Some("metadata is too long")
    } else if bytes > MAX_ATTRIBUTES_BYTES {
        Some("attributes are too long")
    } else if request.name.len() > MAX_NAME_BYTES {
        Some("name is too long")
    } else {
        None
    }
}

/// Empty name or metadata means unchanged, an empty attribute deletes its key. True if something changed.
pub(super) fn apply_metadata(
    participant: &mut Participant,
    name: String,
    metadata: String,
    attributes: std::collections::HashMap<String, String>,
) -> bool {
    let before = (participant.name.clone(), participant.metadata.clone(), participant.attributes.clone());
    if !name.is_empty() {
        participant.name = name;
    }
    if !metadata.is_empty() {
        participant.metadata = metadata;
    }
    for (key, value) in attributes {
        if value.is_empty() {
            participant.attributes.remove(&key);
        } else {
            participant.attributes.insert(key, value);
        }
    }
    before != (participant.name.clone(), participant.metadata.clone(), participant.attributes.clone())
}
