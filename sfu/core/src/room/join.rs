//! Coming and going (contract livekit.md 2.1 to 2.3, 5.4).

use sfu_protocol::proto::participant_info::State;
use sfu_protocol::proto::{self, DisconnectReason, ParticipantPermission, leave_request, signal_response};
use sfu_protocol::{Claims, Mode, VideoGrant};

use super::participant::{Budget, Deadlines, Key, Participant, apply_permission, kind_of, permission_of};
use super::peer::Peer;
use super::timers::{ACTIVE_PATIENCE, GONE_PATIENCE, REFRESH_INTERVAL};
use super::{ConnectionId, Join, Output, Room, RoomEvent};
use crate::media::{ChannelSetup, Command, Kind, TransportId};

/// Keep-alive of the signalling socket, in seconds. Zero would abort native clients (trap 3).
const PING_INTERVAL: i32 = 5;
const PING_TIMEOUT: i32 = 15;
/// 18 would promise pre-negotiated data channels and the packet trailer's successors (trap 2).
const SERVER_PROTOCOL: i32 = 17;
const AGENT_PROTOCOL: i32 = 1;
/// The session-replacing rules that need no DISCONNECTED update came with this client protocol.
const IDENTITY_PROTOCOL: i32 = 12;

impl Room {
    /// Whether one more would be too many. A participant of the same identity is replaced, so it
    /// does not count.
    pub fn is_full(&self, claims: &Claims) -> bool {
        let limit = self.options.max_participants as usize;
        let grant = claims.video.as_ref();
        let exempt = matches!(
            kind_of(&claims.kind),
            proto::participant_info::Kind::Egress | proto::participant_info::Kind::Agent
        ) || grant.is_some_and(|grant| grant.hidden || grant.recorder);
        let others = self
            .participants
            .values()
            .filter(|one| !one.is_dependent() && !one.is_hidden() && one.identity != claims.identity())
            .count();
        limit > 0 && !exempt && others >= limit
    }

    pub(super) fn join(&mut self, join: Join) {
        if join.connect.reconnect.is_some() {
            return self.resume(join);
        }
        let Join { connection, claims, connect } = join;
        let replaced =
            self.participants.values().find(|one| one.identity == claims.identity()).map(|one| one.key);
        if let Some(replaced) = replaced {
            self.remove(
                replaced,
                DisconnectReason::DuplicateIdentity,
                Some(leave_request::Action::Disconnect),
            );
        }
        let now = self.now;
        let key = Key(self.fresh_id());
        let grant = claims.video.clone().unwrap_or_default();
        let transport = TransportId(self.fresh_id());
        let publisher = Peer::new(transport, &mut self.chance);
        let local = publisher.local.clone();
        let mut participant = Participant {
            key,
            sid: self.chance.sid("PA_"),
            identity: claims.identity().to_owned(),
            name: claims.name.clone(),
            metadata: claims.metadata.clone(),
            attributes: claims.attributes.clone(),
            permission: permission_of(&grant),
            kind: kind_of(&claims.kind),
            claims,
            client: connect.client,
            mode: connect.mode,
            auto_subscribe: connect.auto_subscribe,
            adaptive_stream: connect.adaptive_stream,
            state: State::Joined,
            joined_at_ms: now.unix_ms,
            version: 1,
            announced: false,
            is_publisher: false,
            connection: Some(connection),
            publisher,
            subscriber: None,
            pending: Default::default(),
            sendings: Default::default(),
            wishes: Default::default(),
            settings: Default::default(),
            access: None,
            last_reliable: 0,
            quality_told: Default::default(),
            deadlines: Deadlines {
                active_by: Some(now.instant + ACTIVE_PATIENCE),
                gone_by: None,
                refresh_at: now.instant + REFRESH_INTERVAL,
            },
            budget: Budget::new(now.instant),
            heard_at: now.instant,
        };
        if participant.permission.can_update_metadata {
            if !connect.metadata.is_empty() {
                participant.metadata = connect.metadata;
            }
            participant
                .attributes
                .extend(connect.attributes.into_iter().filter(|(_, value)| !value.is_empty()));
        }
        let (mode, can_subscribe) = (participant.mode, participant.permission.can_subscribe);
        if !participant.is_dependent() {
            self.empty_since = None;
            self.came = true;
        }
        self.participants.insert(key, participant);
        self.connections.insert(connection, key);
        self.transports.insert(transport, key);
        self.counts_changed();
        let room = self.id;
        self.command(Command::Open {
            transport,
            room,
            local,
            controlling: false,
            channels: ChannelSetup::Peer,
        });

        let response = self.join_response(key);
        self.signal(key, signal_response::Message::Join(response));
        self.refresh_token(key);
        match mode {
            Mode::Dual if can_subscribe => self.open_subscriber(key),
            Mode::Dual => {}
            Mode::Single => self.reconcile(key),
        }
        self.opening_requests(key, connect.add_tracks, connect.publisher_offer);
        self.tell_speakers(key);
    }

    /// What a client of the single mode put into its opening request, in the order of 1.3.
    pub(super) fn opening_requests(
        &mut self,
        key: Key,
        add_tracks: Vec<proto::AddTrackRequest>,
        offer: Option<proto::SessionDescription>,
    ) {
        for request in add_tracks {
            self.add_track(key, request);
        }
        if let Some(offer) = offer {
            self.client_offer(key, offer);
        }
    }

    fn join_response(&self, key: Key) -> proto::JoinResponse {
        let participant = self.participants.get(&key);
        let permission = participant.map(|one| one.permission.clone()).unwrap_or_default();
        let dual = participant.is_some_and(|one| one.mode == Mode::Dual);
        let environment = &self.environment;
        let mut codecs = environment.codecs.clone();
        // The first one is the clients' fallback: video first (trap 19).
        codecs.sort_by_key(|codec| codec.kind() == Kind::Audio);
        let enabled_publish_codecs = codecs
            .into_iter()
            .map(|codec| proto::Codec { mime: codec.mime().to_owned(), ..Default::default() })
            .collect();
        proto::JoinResponse {
            room: Some(self.info()),
            participant: Some(self.describe(key)),
            other_participants: self.others(key),
            server_version: environment.version.clone(),
            server_region: environment.region.clone(),
            ice_servers: environment.ice_servers.clone(),
            subscriber_primary: dual && permission.can_subscribe,
            ping_timeout: PING_TIMEOUT,
            ping_interval: PING_INTERVAL,
            server_info: Some(self.server_info()),
            sif_trailer: self.sif_trailer.clone(),
            enabled_publish_codecs,
            fast_publish: permission.can_publish,
            ..Default::default()
        }
    }

    pub(super) fn server_info(&self) -> proto::ServerInfo {
        proto::ServerInfo {
            version: self.environment.version.clone(),
            protocol: SERVER_PROTOCOL,
            region: self.environment.region.clone(),
            node_id: self.environment.node_id.clone(),
            agent_protocol: AGENT_PROTOCOL,
            ..Default::default()
        }
    }

    /// Asks the shell for a token with what the participant is allowed now.
    pub(super) fn refresh_token(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        participant.deadlines.refresh_at = self.now.instant + REFRESH_INTERVAL;
        let Some(connection) = participant.connection else { return };
        let mut claims = participant.claims.clone();
        claims.name.clone_from(&participant.name);
        claims.metadata.clone_from(&participant.metadata);
        claims.attributes.clone_from(&participant.attributes);
        let grant = claims.video.get_or_insert_with(VideoGrant::default);
        apply_permission(grant, &participant.permission);
        self.outputs.push_back(Output::RefreshToken { connection, claims: Box::new(claims) });
    }

    /// The participant's media is connected for the first time.
    pub(super) fn activate(&mut self, key: Key) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.state != State::Joined {
            return;
        }
        participant.state = State::Active;
        participant.deadlines.active_by = None;
        participant.announced = !participant.is_hidden();
        self.changed(key);
        let (room, participant) = (self.info(), self.describe(key));
        self.event(RoomEvent::ParticipantJoined { room, participant });
        self.reconcile(key);
        self.tell_quality(key);
    }

    /// Ends a participant's session. `told`: the action of the `leave` it is sent first.
    pub(super) fn remove(&mut self, key: Key, reason: DisconnectReason, told: Option<leave_request::Action>) {
        let Some(participant) = self.participants.get(&key) else { return };
        let transports: Vec<TransportId> = participant.transports().collect();
        let tracks: Vec<_> =
            self.tracks.values().filter(|track| track.owner == key).map(|track| track.id).collect();
        if let Some(action) = told {
            self.signal(key, leave(reason, action));
        }
        for id in tracks {
            self.unpublish(id, false, true);
        }
        let last = self.describe(key);
        let Some(participant) = self.participants.remove(&key) else { return };
        if let Some(connection) = participant.connection {
            self.connections.remove(&connection);
            self.outputs.push_back(Output::Close { connection });
        }
        for transport in transports {
            self.transports.remove(&transport);
            self.command(Command::Close { transport });
        }
        self.batch.remove(&key);
        self.speaking.remove(&key);
        if participant.announced {
            let replaced = reason == DisconnectReason::DuplicateIdentity;
            self.tell_departure(last.clone(), reason, |protocol| !replaced || protocol < IDENTITY_PROTOCOL);
        }
        let mut info = last;
        info.state = State::Disconnected as i32;
        info.disconnect_reason = reason as i32;
        let room = self.info();
        self.event(if participant.state == State::Active {
            RoomEvent::ParticipantLeft { room, participant: info, reason }
        } else {
            RoomEvent::ParticipantAborted { room, participant: info, reason }
        });
        self.counts_changed();
        if !self.participants.values().any(|one| !one.is_dependent()) {
            self.empty_since.get_or_insert(self.now.instant);
        }
    }

    /// The socket is gone without a `leave`.
    pub(super) fn closed(&mut self, connection: ConnectionId) {
        let Some(key) = self.connections.remove(&connection) else { return };
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.connection != Some(connection) {
            return;
        }
        participant.connection = None;
        participant.publisher.agenda.clear();
        if let Some(subscriber) = &mut participant.subscriber {
            subscriber.agenda.clear();
        }
        let primary = participant.primary();
        if !primary.was_connected {
            self.remove(key, DisconnectReason::SignalClose, None);
        } else if !primary.connected {
            participant.deadlines.gone_by =
                Some((self.now.instant + GONE_PATIENCE, DisconnectReason::SignalClose));
        }
    }

    /// Replaces a participant's permission and takes away what it no longer covers.
    pub(super) fn set_permission(&mut self, key: Key, permission: ParticipantPermission) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        if participant.permission == permission {
            return;
        }
        participant.permission = permission;
        let opens = participant.mode == Mode::Dual
            && participant.permission.can_subscribe
            && participant.subscriber.is_none();
        self.unpublish_forbidden(key);
        if opens {
            self.open_subscriber(key);
        }
        self.refresh_token(key);
        for key in self.keys() {
            self.reconcile(key);
        }
    }
}

pub(super) fn leave(reason: DisconnectReason, action: leave_request::Action) -> signal_response::Message {
    signal_response::Message::Leave(proto::LeaveRequest {
        can_reconnect: action != leave_request::Action::Disconnect,
        reason: reason as i32,
        action: action as i32,
        regions: None,
    })
}
