//! The client's side of a LiveKit session, without input or output of its own: used by the web app
//! and by the native client.
//!
//! A [`Session`] is fed with [`Input`]s (what the socket, the peer connections and the user do) and
//! drained of [`Output`]s (what they shall do, and what the application should know). It never
//! reads a clock: [`Session::poll_timeout`] says when it wants [`Input::Timeout`].
//!
//! Invariants:
//! - The wanted state (captured tracks, tile sizes, subscriptions) is kept here and survives every
//!   kind of reconnection; the application states it once.
//! - Inputs of a socket or peer connection that was replaced are ignored: each has its own id.
//! - After [`Event::Ended`] nothing more comes out.
//!
//! Sources: contract livekit.md 1.2-1.4 (connecting), 2 (messages), 3 (negotiation), 5 (recovery)
//! and 7 (data). `alternative_url` and regions, a feature of LiveKit's cloud, are not followed.

mod api;
mod backoff;
mod data;
mod keepalive;
mod lifecycle;
mod peer;
mod publishing;
mod roster;
mod sections;
mod signals;
mod simulcast;
#[cfg(test)]
mod tests;
mod tiles;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use api::*;

use self::backoff::Backoff;
use self::data::Data;
use self::keepalive::{Beat, Keepalive};
use self::lifecycle::Phase;
use self::peer::Peer;
use self::publishing::Publication;
use self::roster::Roster;
use self::tiles::Tiles;
use crate::Mode;
use crate::proto::signal_request::Message;
use crate::proto::{self, ReconnectReason};

/// Requests kept while the socket is away.
const QUEUED_REQUESTS: usize = 256;
/// Silence of a peer connection that is bridged without a word.
const DISCONNECT_GRACE: Millis = 2_000;

/// See the module's documentation.
#[derive(Debug)]
pub struct Session {
    config: Config,
    now: Millis,
    outputs: VecDeque<Output>,
    next_id: u32,
    backoff: Backoff,

    mode: Mode,
    phase: Phase,
    /// Attempts in a row that failed.
    failures: u32,
    /// Status of the last refusal by HTTP.
    refusal: Option<u16>,
    /// The next or current attempt keeps the participant; otherwise it starts a new session.
    resume: Option<ReconnectReason>,
    /// [`Event::Connected`] was emitted.
    announced: bool,
    /// [`Event::Reconnecting`] was emitted and [`Event::Reconnected`] was not.
    interrupted: bool,

    socket: Option<SocketId>,
    /// Requests for the resumed socket.
    queue: VecDeque<Message>,
    keepalive: Keepalive,
    ice_servers: Vec<proto::IceServer>,
    relay_only: bool,
    subscriber_primary: bool,

    /// Sends, and in single mode receives as well. We offer.
    publisher: Option<Peer>,
    /// Dual mode only. The server offers.
    subscriber: Option<Peer>,

    roster: Roster,
    publications: BTreeMap<Source, Publication>,
    data: Data,
    tiles: Tiles,
    /// Deviations from automatic subscription.
    subscriptions: BTreeSet<String>,
}

impl Session {
    pub fn new(config: Config) -> Session {
        Session {
            backoff: Backoff::new(config.seed),
            mode: config.mode,
            config,
            now: 0,
            outputs: VecDeque::new(),
            next_id: 0,
            phase: Phase::Idle,
            failures: 0,
            refusal: None,
            resume: None,
            announced: false,
            interrupted: false,
            socket: None,
            queue: VecDeque::new(),
            keepalive: Keepalive::new(0, 0, 0),
            ice_servers: Vec::new(),
            relay_only: false,
            subscriber_primary: false,
            publisher: None,
            subscriber: None,
            roster: Roster::default(),
            publications: BTreeMap::new(),
            data: Data::default(),
            tiles: Tiles::default(),
            subscriptions: BTreeSet::new(),
        }
    }

    /// The own participant, once joined.
    pub fn local(&self) -> Option<&proto::ParticipantInfo> {
        self.roster.local()
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn handle(&mut self, now: Millis, input: Input) {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        match input {
            Input::Start => {
                if matches!(self.phase, Phase::Idle) {
                    self.begin();
                }
            }
            Input::Leave => self.leave(),
            Input::Online => {
                if matches!(self.phase, Phase::Waiting { .. }) {
                    self.begin();
                }
            }
            Input::SocketOpened { socket } => {
                if self.socket == Some(socket) {
                    self.socket_opened();
                }
            }
            Input::SocketMessage { socket, message } => {
                if self.socket == Some(socket) {
                    self.keepalive.heard(self.now);
                    if let Some(message) = message.message {
                        self.on_message(message);
                    }
                }
            }
            Input::SocketClosed { socket } => {
                if self.socket == Some(socket) {
                    self.socket_closed();
                }
            }
            Input::Validated { socket, status, body } => {
                if self.socket == Some(socket) {
                    self.validated(status, &body);
                }
            }
            Input::OfferMade { peer, sdp } => self.offer_made(peer, sdp),
            Input::AnswerMade { peer, sdp } => self.answer_made(peer, sdp),
            Input::AnswerTaken { peer } => self.answer_taken(peer),
            Input::PeerBroken { peer } => {
                if self.peer(peer).is_some() {
                    self.peer_broken();
                }
            }
            Input::PeerState { peer, state } => self.peer_state(peer, state),
            Input::LocalCandidate { peer, candidate } => self.local_candidate(peer, candidate),
            Input::ChannelOpen { peer, channel } => self.channel_open(peer, channel),
            Input::Data { peer, channel, payload } => {
                if self.peer(peer).is_some()
                    && let Some(message) = self.data.receive(self.now, channel, &payload)
                {
                    self.event(Event::Data(Box::new(message)));
                }
            }
            Input::SetLocal { source, track } => self.set_local(source, track),
            Input::Unpublish { source } => self.unpublish(source),
            Input::Subscribe { track_sids, subscribe } => self.subscribe(track_sids, subscribe),
            Input::Tile { track_sid, settings } => {
                if let Some(settings) = self.tiles.set(self.now, track_sid, settings) {
                    self.send(Message::TrackSetting(settings));
                }
            }
            Input::Timeout => self.timeout(),
        }
        self.offer_if_wanted();
    }

    /// What to do next; drain it after every input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to give [`Input::Timeout`], unless another input comes first.
    pub fn poll_timeout(&self) -> Option<Millis> {
        let mut deadlines = vec![self.phase.deadline()];
        if self.signals_ready() {
            deadlines.push(Some(self.keepalive.deadline()));
            deadlines.push(self.tiles.deadline());
            deadlines.extend(self.publications.values().map(Publication::deadline));
            deadlines.extend(self.peers().map(Peer::deadline));
        }
        deadlines.into_iter().flatten().min()
    }

    /// Sends a packet to everybody, or to some.
    pub fn send_data(
        &mut self,
        now: Millis,
        channel: Channel,
        value: proto::data_packet::Value,
        destination_identities: Vec<String>,
    ) -> Result<(), SendDataError> {
        self.now = self.now.max(now);
        if matches!(self.phase, Phase::Idle | Phase::Ended) {
            return Err(SendDataError::NotJoined);
        }
        let peer = self.publisher.as_ref().map(|peer| peer.id);
        let payloads = self.data.send(peer, channel, value, destination_identities)?;
        self.send_payloads(peer, channel, payloads);
        Ok(())
    }

    fn send_payloads(&mut self, peer: Option<PeerId>, channel: Channel, payloads: Vec<Vec<u8>>) {
        if let Some(peer) = peer {
            let sends = payloads.into_iter().map(|payload| Output::SendData { peer, channel, payload });
            self.outputs.extend(sends);
        }
    }

    fn timeout(&mut self) {
        self.phase_timeout();
        if !self.signals_ready() {
            return;
        }
        match self.keepalive.beat(self.now) {
            Beat::Idle => {}
            Beat::Ping { timestamp, rtt } => {
                self.send(Message::Ping(timestamp));
                self.send(Message::PingReq(proto::Ping { timestamp, rtt }));
            }
            Beat::Lost => return self.retry(Some(ReconnectReason::RrSignalDisconnected)),
        }
        for settings in self.tiles.take_due(self.now) {
            self.send(Message::TrackSetting(settings));
        }
        self.publish_timeout();
        self.peer_timeout();
    }

    /// The session is joined and its socket can be written to.
    fn signals_ready(&self) -> bool {
        matches!(self.phase, Phase::Settling { .. } | Phase::Live)
    }

    /// Sends a request, or keeps it for the resumed socket.
    fn send(&mut self, message: Message) {
        if self.signals_ready() {
            self.send_now(message);
        } else if self.resume.is_some() && self.queue.len() < QUEUED_REQUESTS {
            self.queue.push_back(message);
        }
    }

    fn send_now(&mut self, message: Message) {
        if let Some(socket) = self.socket {
            let message = Box::new(proto::SignalRequest { message: Some(message) });
            self.outputs.push_back(Output::Send { socket, message });
        }
    }

    fn event(&mut self, event: Event) {
        if let Event::TrackStopped { track_sid } = &event {
            self.tiles.forget(track_sid);
        }
        self.outputs.push_back(Output::Event(event));
    }

    fn events(&mut self, events: Vec<Event>) {
        for event in events {
            self.event(event);
        }
    }

    fn subscribe(&mut self, track_sids: Vec<String>, subscribe: bool) {
        for track_sid in &track_sids {
            if subscribe == self.config.auto_subscribe {
                self.subscriptions.remove(track_sid);
            } else {
                self.subscriptions.insert(track_sid.clone());
            }
        }
        self.send(Message::Subscription(proto::UpdateSubscription {
            track_sids,
            subscribe,
            ..Default::default()
        }));
    }

    fn fresh_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }
}
