//! Peer connections and their negotiation (contract livekit.md 3.1).
//!
//! Invariant: at most one offer of ours is being made or awaits its answer; wishes that come
//! meanwhile are gathered into the next one.

use std::collections::{HashMap, VecDeque};

use super::api::{Channel, Millis, Output, PeerId, PeerState};
use super::lifecycle::Phase;
use super::sections::sections;
use super::{DISCONNECT_GRACE, Session};
use crate::Mode;
use crate::proto::signal_request::Message;
use crate::proto::{ReconnectReason, SessionDescription, SignalTarget, TrickleRequest};

const ANSWER_TIMEOUT: Millis = 15_000;
/// Receive-only sections of each kind in a first offer.
const FIRST_RECEIVERS: u32 = 3;
/// Candidates kept until there is a remote description.
const EARLY_CANDIDATES: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// We offer; in single mode it receives as well.
    Publisher,
    /// The server offers.
    Subscriber,
}

impl Role {
    fn target(self) -> SignalTarget {
        match self {
            Role::Publisher => SignalTarget::Publisher,
            Role::Subscriber => SignalTarget::Subscriber,
        }
    }

    fn failed(self) -> ReconnectReason {
        match self {
            Role::Publisher => ReconnectReason::RrPublisherFailed,
            Role::Subscriber => ReconnectReason::RrSubscriberFailed,
        }
    }
}

/// Where our own offer stands.
#[derive(Clone, PartialEq, Debug)]
enum Step {
    Stable,
    /// Being made; `hold` keeps it from becoming the local description.
    Making {
        hold: bool,
    },
    /// In the join request, not yet the local description.
    Held,
    Awaiting {
        id: u32,
        until: Millis,
    },
    /// The answer is being applied.
    Taking(SessionDescription),
}

#[derive(Debug)]
struct ServerOffer {
    offer: SessionDescription,
    /// It came over the present socket.
    current: bool,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) role: Role,
    state: PeerState,
    step: Step,
    /// Id of the last offer; answers must carry it.
    offer_id: u32,
    /// Something changed since the last offer was begun.
    dirty: bool,
    /// The next offer restarts ICE.
    restart: bool,
    /// An ICE restart is not yet answered.
    restarting: bool,
    /// Offers of the server that are being answered, oldest first.
    offers: VecDeque<ServerOffer>,
    has_remote: bool,
    early_candidates: Vec<String>,
    silent_since: Option<Millis>,
}

impl Peer {
    fn new(id: PeerId, role: Role) -> Peer {
        Peer {
            id,
            role,
            state: PeerState::Connecting,
            step: Step::Stable,
            offer_id: 0,
            dirty: false,
            restart: false,
            restarting: false,
            offers: VecDeque::new(),
            has_remote: false,
            early_candidates: Vec::new(),
            silent_since: None,
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.state == PeerState::Connected && !self.restarting
    }

    /// It was negotiated, or is about to be.
    pub(super) fn is_used(&self) -> bool {
        self.has_remote || self.step != Step::Stable
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        let answer = if let Step::Awaiting { until, .. } = self.step { Some(until) } else { None };
        let silence = self.silent_since.map(|since| since + DISCONNECT_GRACE);
        [answer, silence].into_iter().flatten().min()
    }
}

impl Session {
    pub(super) fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.publisher.iter().chain(&self.subscriber)
    }

    pub(super) fn peer(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.publisher.iter_mut().chain(&mut self.subscriber).find(|peer| peer.id == id)
    }

    fn open_peer(&mut self, role: Role) -> PeerId {
        let peer = PeerId(self.fresh_id());
        let ice_servers = self.ice_servers.clone();
        self.outputs.push_back(Output::OpenPeer { peer, ice_servers, relay_only: self.relay_only });
        let slot = match role {
            Role::Publisher => &mut self.publisher,
            Role::Subscriber => &mut self.subscriber,
        };
        *slot = Some(Peer::new(peer, role));
        peer
    }

    pub(super) fn open_subscriber(&mut self) {
        self.open_peer(Role::Subscriber);
    }

    /// Opens the connection that we offer, its data channels and, where it receives, sections for that.
    pub(super) fn open_publisher(&mut self) {
        let peer = self.open_peer(Role::Publisher);
        if self.mode == Mode::Single {
            let receivers = FIRST_RECEIVERS;
            self.outputs.push_back(Output::AddReceivers { peer, audios: receivers, videos: receivers });
        }
        self.outputs.push_back(Output::OpenChannels { peer });
    }

    pub(super) fn close_peers(&mut self) {
        let peers: Vec<_> = [self.publisher.take(), self.subscriber.take()].into_iter().flatten().collect();
        for peer in peers {
            let events = self.roster.drop_peer(peer.id);
            self.events(events);
            self.outputs.push_back(Output::ClosePeer { peer: peer.id });
        }
        self.detach_publications();
        self.data.restart();
    }

    /// Asks for an offer: after this input, or once the one on its way is answered.
    pub(super) fn negotiate(&mut self, restart: bool) {
        if let Some(peer) = &mut self.publisher {
            peer.dirty = true;
            peer.restart |= restart;
            peer.restarting |= restart;
        }
    }

    /// Begins the offer that was asked for; called after each input, so that all it changed goes
    /// into one offer.
    pub(super) fn offer_if_wanted(&mut self) {
        let ready = self.signals_ready();
        let wanted = self.publisher.as_mut().filter(|peer| ready && peer.dirty && peer.step == Step::Stable);
        let Some(peer) = wanted else { return };
        peer.dirty = false;
        peer.step = Step::Making { hold: false };
        let restart = std::mem::take(&mut peer.restart);
        self.outputs.push_back(Output::MakeOffer { peer: peer.id, restart, hold: false });
    }

    /// Makes the offer for the join request.
    pub(super) fn negotiate_held(&mut self) {
        let Some(peer) = &mut self.publisher else { return };
        peer.step = Step::Making { hold: true };
        self.outputs.push_back(Output::MakeOffer { peer: peer.id, restart: false, hold: true });
    }

    /// The join request was accepted: its offer counts, now that the ICE servers are known.
    pub(super) fn apply_held_offer(&mut self) {
        let until = self.now + ANSWER_TIMEOUT;
        let ice_servers = self.ice_servers.clone();
        let Some(peer) = &mut self.publisher else { return };
        let id = peer.id;
        peer.step = Step::Awaiting { id: peer.offer_id, until };
        self.outputs.push_back(Output::SetIceServers { peer: id, ice_servers, relay_only: self.relay_only });
        self.outputs.push_back(Output::ApplyOffer { peer: id });
    }

    /// A resumed socket knows nothing of what was on its way.
    pub(super) fn restart_ice(&mut self) {
        if let Some(peer) = &mut self.subscriber {
            peer.offers.iter_mut().for_each(|offer| offer.current = false);
            peer.silent_since = None;
        }
        let Some(peer) = &mut self.publisher else { return };
        peer.silent_since = None;
        if !peer.is_used() {
            return;
        }
        if matches!(peer.step, Step::Awaiting { .. }) {
            // Nobody will answer that one; the next offer replaces it.
            peer.step = Step::Stable;
        }
        self.negotiate(true);
    }

    pub(super) fn offer_made(&mut self, id: PeerId, sdp: String) {
        let ready = self.signals_ready();
        let until = self.now + ANSWER_TIMEOUT;
        let Some(peer) = self.publisher.as_mut().filter(|peer| peer.id == id) else { return };
        let Step::Making { hold } = peer.step else { return };
        if hold {
            peer.offer_id += 1;
            peer.step = Step::Held;
            let offer = description("offer", sdp, peer.offer_id);
            if matches!(self.phase, Phase::Preparing { .. }) {
                self.offer_prepared(offer);
            }
            return;
        }
        if peer.restart || !ready {
            // Made for a socket that is gone, or without the restart that is needed by now.
            peer.step = Step::Stable;
            peer.dirty = true;
            return;
        }
        peer.offer_id += 1;
        peer.step = Step::Awaiting { id: peer.offer_id, until };
        let offer = description("offer", sdp, peer.offer_id);
        self.send_now(Message::Offer(offer));
    }

    /// The server's answer to our offer.
    pub(super) fn on_answer(&mut self, answer: SessionDescription) {
        let Some(peer) = &mut self.publisher else { return };
        // Other servers than ours may not echo the id, but a wrong one belongs to another offer.
        let Step::Awaiting { id, .. } = peer.step else { return };
        if answer.id != 0 && answer.id != id {
            return;
        }
        let peer_id = peer.id;
        self.outputs.push_back(Output::TakeAnswer { peer: peer_id, sdp: answer.sdp.clone() });
        peer.step = Step::Taking(answer);
        peer.has_remote = true;
        let early = std::mem::take(&mut peer.early_candidates);
        self.add_candidates(peer_id, early);
    }

    pub(super) fn answer_taken(&mut self, id: PeerId) {
        let mode = self.mode;
        let Some(peer) = self.publisher.as_mut().filter(|peer| peer.id == id) else { return };
        let Step::Taking(answer) = std::mem::replace(&mut peer.step, Step::Stable) else { return };
        // A restart wanted meanwhile is still to come.
        peer.restarting = peer.restart;
        if mode == Mode::Single {
            let events = self.roster.set_sections(id, sections(&answer.sdp, &answer.mid_to_track_id));
            self.events(events);
        }
        self.check_settled();
    }

    /// An offer of the server (dual mode).
    pub(super) fn on_offer(&mut self, offer: SessionDescription) {
        let Some(peer) = &mut self.subscriber else { return };
        let id = peer.id;
        self.outputs.push_back(Output::TakeOffer { peer: id, sdp: offer.sdp.clone() });
        peer.offers.push_back(ServerOffer { offer, current: true });
        peer.has_remote = true;
        let early = std::mem::take(&mut peer.early_candidates);
        self.add_candidates(id, early);
    }

    pub(super) fn answer_made(&mut self, id: PeerId, sdp: String) {
        let Some(peer) = self.subscriber.as_mut().filter(|peer| peer.id == id) else { return };
        let Some(ServerOffer { offer, current }) = peer.offers.pop_front() else { return };
        if current && self.signals_ready() {
            self.send_now(Message::Answer(description("answer", sdp, offer.id)));
        }
        let events = self.roster.set_sections(id, sections(&offer.sdp, &offer.mid_to_track_id));
        self.events(events);
    }

    pub(super) fn on_trickle(&mut self, trickle: TrickleRequest) {
        let peer = match SignalTarget::try_from(trickle.target) {
            Ok(SignalTarget::Subscriber) => &mut self.subscriber,
            _ => &mut self.publisher,
        };
        let Some(peer) = peer.as_mut().filter(|_| !trickle.candidate_init.is_empty()) else { return };
        if peer.has_remote {
            let id = peer.id;
            self.add_candidates(id, vec![trickle.candidate_init]);
        } else if peer.early_candidates.len() < EARLY_CANDIDATES {
            peer.early_candidates.push(trickle.candidate_init);
        }
    }

    fn add_candidates(&mut self, peer: PeerId, candidates: Vec<String>) {
        let adds = candidates.into_iter().map(|candidate| Output::AddCandidate { peer, candidate });
        self.outputs.extend(adds);
    }

    pub(super) fn local_candidate(&mut self, id: PeerId, candidate: Option<String>) {
        let Some(target) = self.peer(id).map(|peer| peer.role.target()) else { return };
        // A new socket comes with an ICE restart, and that with new candidates.
        if let Some(candidate_init) = candidate.filter(|_| self.signals_ready()) {
            self.send_now(Message::Trickle(TrickleRequest {
                candidate_init,
                target: target as i32,
                r#final: false,
            }));
        }
    }

    pub(super) fn peer_state(&mut self, id: PeerId, state: PeerState) {
        let now = self.now;
        let live = self.phase == Phase::Live;
        let Some(peer) = self.peer(id) else { return };
        peer.state = state;
        peer.silent_since = (live && state == PeerState::Disconnected).then_some(now);
        let failed = peer.role.failed();
        match state {
            PeerState::Connected => self.check_settled(),
            PeerState::Failed if live => self.retry(Some(failed)),
            PeerState::Failed | PeerState::Disconnected | PeerState::Connecting => {}
        }
    }

    pub(super) fn peer_timeout(&mut self) {
        let now = self.now;
        let silent = |peer: &Peer| peer.silent_since.is_some_and(|since| now >= since + DISCONNECT_GRACE);
        let unanswered = |peer: &Peer| matches!(peer.step, Step::Awaiting { until, .. } if now >= until);
        if self.peers().any(unanswered) {
            return self.retry(None);
        }
        let lost = self.peers().find(|peer| silent(peer)).map(|peer| peer.role.failed());
        if lost.is_some() {
            self.retry(lost);
        }
    }

    pub(super) fn channel_open(&mut self, id: PeerId, channel: Channel) {
        if self.publisher.as_ref().is_some_and(|peer| peer.id == id) {
            let payloads = self.data.opened(id, channel);
            self.send_payloads(Some(id), channel, payloads);
        }
    }

    /// The server needs more sections to send us all tracks (single mode).
    pub(super) fn add_receivers(&mut self, audios: u32, videos: u32) {
        /// More than any room has; a server that asks for more is not sane.
        const MOST: u32 = 200;
        let Some(peer) = self.publisher.as_ref().map(|peer| peer.id) else { return };
        let (audios, videos) = (audios.min(MOST), videos.min(MOST));
        if audios + videos > 0 {
            self.outputs.push_back(Output::AddReceivers { peer, audios, videos });
            self.negotiate(false);
        }
    }
}

fn description(kind: &str, sdp: String, id: u32) -> SessionDescription {
    SessionDescription { r#type: kind.to_owned(), sdp, id, mid_to_track_id: HashMap::new() }
}
