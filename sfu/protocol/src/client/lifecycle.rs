//! Connecting, settling, losing and restoring a session (contract livekit.md 1.4, 5.1-5.3).

use super::api::{Channel, EndReason, Event, Millis, Output, SocketId};
use super::backoff::{ATTEMPTS, FIRST_ATTEMPTS};
use super::keepalive::Keepalive;
use super::peer::{Peer, Role};
use super::{Session, publishing};
use crate::proto::signal_request::Message;
use crate::proto::{self, ClientConfigSetting, DisconnectReason, ReconnectReason};
use crate::{Connect, Mode, Reconnect};

const OFFER_TIMEOUT: Millis = 10_000;
const FIRST_MESSAGE_TIMEOUT: Millis = 5_000;
/// A first join may be slow; a lost session should not wait on a dead network for long.
const OPEN_TIMEOUT: [Millis; 2] = [15_000, 5_000];
const VALIDATE_TIMEOUT: [Millis; 2] = [10_000, 3_000];
const SETTLE_TIMEOUT: Millis = 15_000;

/// Body of a 404 that means the room rather than the path.
const NO_ROOM: &str = "requested room does not exist";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Idle,
    /// The offer that travels in the join request is being made.
    Preparing {
        until: Millis,
    },
    Opening {
        until: Millis,
    },
    /// The socket is open; the first message is awaited.
    Greeting {
        until: Millis,
    },
    /// The socket did not open; the server is asked why.
    Validating {
        until: Millis,
    },
    /// Joined or resumed; media is connecting.
    Settling {
        until: Millis,
    },
    Live,
    /// Before the next attempt.
    Waiting {
        until: Millis,
    },
    Ended,
}

impl Phase {
    pub(super) fn deadline(self) -> Option<Millis> {
        match self {
            Phase::Idle | Phase::Live | Phase::Ended => None,
            Phase::Preparing { until }
            | Phase::Opening { until }
            | Phase::Greeting { until }
            | Phase::Validating { until }
            | Phase::Settling { until }
            | Phase::Waiting { until } => Some(until),
        }
    }
}

impl Session {
    /// Starts an attempt.
    pub(super) fn begin(&mut self) {
        if self.resume.is_some() {
            return self.open_socket(None);
        }
        self.close_peers();
        self.queue.clear();
        if self.mode == Mode::Single && self.config.offer_in_join {
            self.open_publisher();
            self.attach_live_sources();
            self.negotiate_held();
            self.phase = Phase::Preparing { until: self.now + OFFER_TIMEOUT };
        } else {
            self.open_socket(None);
        }
    }

    /// The description that was made in [`Phase::Preparing`].
    pub(super) fn offer_prepared(&mut self, offer: proto::SessionDescription) {
        self.open_socket(Some(offer));
    }

    fn open_socket(&mut self, publisher_offer: Option<proto::SessionDescription>) {
        let socket = SocketId(self.fresh_id());
        self.socket = Some(socket);
        self.phase = Phase::Opening { until: self.now + OPEN_TIMEOUT[usize::from(self.announced)] };
        let (path, query, token) = self.request(publisher_offer);
        self.outputs.push_back(Output::OpenSocket { socket, path: path.path(), query, token });
    }

    fn request(
        &self,
        publisher_offer: Option<proto::SessionDescription>,
    ) -> (Mode, Vec<(&'static str, String)>, String) {
        let connect = Connect {
            auto_subscribe: self.config.auto_subscribe,
            adaptive_stream: self.config.adaptive_stream,
            client: self.config.client.clone(),
            reconnect: self.resume.map(|reason| Reconnect {
                participant_sid: self.roster.local_sid().to_owned(),
                reason: reason as i32,
            }),
            add_tracks: if publisher_offer.is_some() { self.add_track_requests() } else { Vec::new() },
            publisher_offer,
            ..Connect::new(self.mode)
        };
        (self.mode, connect.to_query(), self.config.token.clone())
    }

    pub(super) fn socket_opened(&mut self) {
        if matches!(self.phase, Phase::Opening { .. }) {
            self.phase = Phase::Greeting { until: self.now + FIRST_MESSAGE_TIMEOUT };
        }
    }

    pub(super) fn socket_closed(&mut self) {
        match self.phase {
            Phase::Opening { .. } => self.validate(),
            Phase::Greeting { .. } => {
                self.socket = None;
                self.retry(self.resume);
            }
            Phase::Settling { .. } | Phase::Live => {
                self.socket = None;
                self.retry(Some(ReconnectReason::RrSignalDisconnected));
            }
            Phase::Idle
            | Phase::Preparing { .. }
            | Phase::Validating { .. }
            | Phase::Waiting { .. }
            | Phase::Ended => {}
        }
    }

    fn validate(&mut self) {
        let Some(socket) = self.socket else { return };
        self.phase = Phase::Validating { until: self.now + VALIDATE_TIMEOUT[usize::from(self.announced)] };
        let (mode, query, token) = self.request(None);
        self.outputs.push_back(Output::Validate { socket, path: mode.validate_path(), query, token });
    }

    pub(super) fn validated(&mut self, status: Option<u16>, body: &str) {
        if !matches!(self.phase, Phase::Validating { .. }) {
            return;
        }
        self.socket = None;
        self.refusal = status.filter(|status| *status >= 400);
        match status {
            Some(401 | 403) => self.end(EndReason::Refused),
            Some(404) if body.contains(NO_ROOM) => self.end(EndReason::NoRoom),
            Some(404) if self.mode == Mode::Single => {
                // A server that knows only two peer connections.
                self.mode = Mode::Dual;
                self.resume = None;
                self.begin();
            }
            // Who was in may come in again as a new participant; who was not asks for the impossible.
            Some(400..=499) if self.resume.is_some() => self.retry(None),
            Some(status @ (400..=428 | 430..=499)) => self.end(EndReason::Rejected { status }),
            _ => self.retry(self.resume),
        }
    }

    /// The answer to a new session.
    pub(super) fn joined(&mut self, join: proto::JoinResponse) {
        self.keepalive = Keepalive::new(self.now, join.ping_interval, join.ping_timeout);
        self.set_ice(join.ice_servers, join.client_configuration.as_ref());
        self.subscriber_primary = join.subscriber_primary;
        self.phase = Phase::Settling { until: self.now + SETTLE_TIMEOUT };
        if let Some(room) = join.room {
            self.event(Event::Room(Box::new(room)));
        }
        let local = join.participant.unwrap_or_default();
        let permission = local.permission.clone().unwrap_or_default();
        let events = self.roster.reset(local, join.other_participants);
        self.events(events);
        self.tiles.renew(self.now);
        if !self.subscriptions.is_empty() {
            let track_sids = self.subscriptions.iter().cloned().collect();
            self.subscribe(track_sids, !self.config.auto_subscribe);
        }
        match self.mode {
            Mode::Single if self.publisher.is_some() => self.apply_held_offer(),
            Mode::Single => {
                self.open_publisher();
                self.negotiate(false);
            }
            Mode::Dual => {
                self.open_subscriber();
                self.open_publisher();
                if !self.subscriber_primary || permission.can_publish || permission.can_publish_data {
                    self.negotiate(false);
                }
            }
        }
        self.sync_publications();
    }

    /// The answer to a resume: the participant is still there.
    pub(super) fn resumed(&mut self, reconnect: proto::ReconnectResponse) {
        self.phase = Phase::Settling { until: self.now + SETTLE_TIMEOUT };
        self.keepalive.reset(self.now);
        if !reconnect.ice_servers.is_empty() {
            self.set_ice(reconnect.ice_servers, reconnect.client_configuration.as_ref());
        }
        let peers: Vec<_> = self.peers().map(|peer| peer.id).collect();
        for peer in peers {
            let ice_servers = self.ice_servers.clone();
            self.outputs.push_back(Output::SetIceServers { peer, ice_servers, relay_only: self.relay_only });
        }
        let state = self.sync_state();
        self.send_now(Message::SyncState(state));
        self.restart_ice();
        for message in std::mem::take(&mut self.queue) {
            self.send_now(message);
        }
        self.sync_publications();
        if let Some(peer) = self.publisher.as_ref().map(|peer| peer.id) {
            let payloads = self.data.replay(peer, reconnect.last_message_seq);
            self.send_payloads(Some(peer), Channel::Reliable, payloads);
        }
        self.check_settled();
    }

    fn sync_state(&self) -> proto::SyncState {
        proto::SyncState {
            subscription: Some(proto::UpdateSubscription {
                track_sids: self.subscriptions.iter().cloned().collect(),
                subscribe: !self.config.auto_subscribe,
                ..Default::default()
            }),
            publish_tracks: publishing::published(&self.publications),
            track_sids_disabled: self.tiles.hidden(),
            datachannel_receive_states: self.data.receive_states(),
            ..proto::SyncState::default()
        }
    }

    fn set_ice(
        &mut self,
        servers: Vec<proto::IceServer>,
        configuration: Option<&proto::ClientConfiguration>,
    ) {
        self.ice_servers = servers;
        self.relay_only =
            configuration.is_some_and(|given| given.force_relay == ClientConfigSetting::Enabled as i32);
    }

    /// Whether all that must be connected is.
    pub(super) fn check_settled(&mut self) {
        if !matches!(self.phase, Phase::Settling { .. }) {
            return;
        }
        let primary = if self.mode == Mode::Dual && self.subscriber_primary {
            Role::Subscriber
        } else {
            Role::Publisher
        };
        let settled = |peer: &Peer| peer.is_settled() || (peer.role != primary && !peer.is_used());
        if !self.peers().all(settled) {
            return;
        }
        self.phase = Phase::Live;
        self.failures = 0;
        self.refusal = None;
        self.resume = None;
        if !self.announced {
            self.announced = true;
            self.event(Event::Connected);
        } else if self.interrupted {
            self.event(Event::Reconnected);
        }
        self.interrupted = false;
    }

    /// The attempt failed or the session was lost: tries again, as the same participant or a new one.
    pub(super) fn retry(&mut self, resume: Option<ReconnectReason>) {
        let was_live = self.phase == Phase::Live;
        let joined = !self.roster.local_sid().is_empty();
        self.failures = if was_live { 0 } else { self.failures + 1 };
        self.close_socket();
        // A participant that never settled is not worth keeping.
        self.resume = resume.filter(|_| joined && (was_live || self.announced));
        if self.failures >= if self.announced { ATTEMPTS } else { FIRST_ATTEMPTS } {
            return self
                .end(self.refusal.map_or(EndReason::Network, |status| EndReason::Rejected { status }));
        }
        if self.announced && !self.interrupted {
            self.interrupted = true;
            self.event(Event::Reconnecting);
        }
        match self.backoff.delay(self.failures) {
            0 => self.begin(),
            delay => self.phase = Phase::Waiting { until: self.now + delay },
        }
    }

    /// A connection refuses to work: only new ones can help.
    pub(super) fn peer_broken(&mut self) {
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.resume = None;
        } else {
            self.retry(None);
        }
    }

    pub(super) fn phase_timeout(&mut self) {
        if self.phase.deadline().is_none_or(|until| self.now < until) {
            return;
        }
        match self.phase {
            Phase::Waiting { .. } => self.begin(),
            Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Validating { .. } => {
                self.retry(self.resume);
            }
            // Media that does not come back to the same participant needs new connections.
            Phase::Preparing { .. } | Phase::Settling { .. } => self.retry(None),
            Phase::Idle | Phase::Live | Phase::Ended => {}
        }
    }

    pub(super) fn on_leave(&mut self, leave: &proto::LeaveRequest) {
        use proto::leave_request::Action;
        match Action::try_from(leave.action) {
            Ok(Action::Resume) => self.retry(Some(ReconnectReason::RrUnknown)),
            Ok(Action::Reconnect) => self.retry(None),
            Ok(Action::Disconnect) | Err(_) if leave.can_reconnect => self.retry(None),
            Ok(Action::Disconnect) | Err(_) => self.end(end_reason(leave.reason)),
        }
    }

    pub(super) fn leave(&mut self) {
        if self.socket.is_some() && self.signals_ready() {
            self.send_now(Message::Leave(proto::LeaveRequest {
                reason: DisconnectReason::ClientInitiated as i32,
                ..proto::LeaveRequest::default()
            }));
        }
        self.end(EndReason::Left);
    }

    fn end(&mut self, reason: EndReason) {
        self.close_socket();
        self.close_peers();
        self.phase = Phase::Ended;
        self.event(Event::Ended(reason));
    }

    fn close_socket(&mut self) {
        if let Some(socket) = self.socket.take() {
            self.outputs.push_back(Output::CloseSocket { socket });
        }
    }
}

fn end_reason(reason: i32) -> EndReason {
    match DisconnectReason::try_from(reason) {
        Ok(DisconnectReason::ClientInitiated) => EndReason::Left,
        Ok(DisconnectReason::DuplicateIdentity) => EndReason::DuplicateIdentity,
        Ok(DisconnectReason::ServerShutdown) => EndReason::ServerShutdown,
        Ok(DisconnectReason::ParticipantRemoved) => EndReason::Removed,
        Ok(DisconnectReason::RoomDeleted) => EndReason::RoomDeleted,
        Ok(DisconnectReason::RoomClosed) => EndReason::RoomClosed,
        Ok(DisconnectReason::ConnectionTimeout | DisconnectReason::SignalClose) => EndReason::Network,
        _ => EndReason::Other(reason),
    }
}
