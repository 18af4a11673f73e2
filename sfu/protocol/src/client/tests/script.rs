//! The stage of the tests: a session, a browser that obeys at once, and a clock to turn.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::client::*;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, participant_info::State, signal_request};
use crate::{Connect, Mode};

pub(super) type Request = signal_request::Message;

pub(super) struct Script {
    pub(super) session: Session,
    pub(super) now: Millis,
    /// Everything but what has a list of its own, since the last [`Script::take`].
    outputs: Vec<Output>,
    events: Vec<Event>,
    requests: Vec<Request>,
    sockets: Vec<Opening>,
    pub(super) socket_closed: bool,
    pub(super) peers: BTreeMap<PeerId, BrowserPeer>,
    /// Obeys, but never says that it has.
    pub(super) browser_hangs: bool,
}

pub(super) struct Opening {
    pub(super) id: SocketId,
    pub(super) path: &'static str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) token: String,
}

impl Opening {
    pub(super) fn connect(&self) -> Connect {
        let mode = if self.path == "/rtc" { Mode::Dual } else { Mode::Single };
        Connect::from_query(mode, self.query.iter().map(|(key, value)| (key, value))).unwrap()
    }
}

#[derive(Default)]
pub(super) struct BrowserPeer {
    pub(super) offers: u32,
    pub(super) held: bool,
    pub(super) audios: u32,
    pub(super) videos: u32,
    pub(super) senders: Vec<Source>,
    pub(super) ice_servers: Vec<proto::IceServer>,
}

impl Script {
    pub(super) fn new(config: Config) -> Script {
        Script {
            session: Session::new(config),
            now: 1_000_000,
            outputs: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
            sockets: Vec::new(),
            socket_closed: false,
            peers: BTreeMap::new(),
            browser_hangs: false,
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.session.handle(self.now, input);
            self.drain(&mut inputs);
        }
    }

    pub(super) fn send_data(&mut self, text: &str) {
        let user = proto::UserPacket { payload: text.into(), ..Default::default() };
        let value = proto::data_packet::Value::User(user);
        self.session.send_data(self.now, Channel::Reliable, value, Vec::new()).unwrap();
        self.drain(&mut VecDeque::new());
    }

    pub(super) fn try_send_data(&mut self) {
        let value = proto::data_packet::Value::User(proto::UserPacket::default());
        // Refused where there is no session.
        let _ = self.session.send_data(self.now, Channel::Reliable, value, Vec::new());
        self.drain(&mut VecDeque::new());
    }

    /// The last event of all has come.
    pub(super) fn ended(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Ended(_)))
    }

    /// Offers made on the newest connection.
    pub(super) fn offers(&self) -> u32 {
        self.peers.values().last().map_or(0, |peer| peer.offers)
    }

    fn drain(&mut self, inputs: &mut VecDeque<Input>) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Send { socket, message } => {
                    assert_eq!(socket, self.socket(), "sent to a socket that was replaced");
                    assert!(!self.socket_closed, "sent to a closed socket");
                    self.requests.push(message.message.unwrap());
                }
                Output::OpenSocket { socket: id, path, query, token } => {
                    self.socket_closed = false;
                    self.sockets.push(Opening { id, path, query, token });
                }
                Output::CloseSocket { socket } => {
                    assert_eq!(socket, self.socket());
                    self.socket_closed = true;
                }
                Output::OpenPeer { peer, ice_servers, .. } => {
                    self.peers.insert(peer, BrowserPeer { ice_servers, ..BrowserPeer::default() });
                }
                Output::ClosePeer { peer } => {
                    assert!(self.peers.remove(&peer).is_some(), "{peer:?} is not open");
                }
                other => {
                    let answers = inputs.len();
                    self.obey(&other, inputs);
                    if self.browser_hangs {
                        inputs.truncate(answers);
                    }
                    self.outputs.push(other);
                }
            }
        }
    }

    fn obey(&mut self, output: &Output, inputs: &mut VecDeque<Input>) {
        match output {
            Output::MakeOffer { peer, restart, hold } => {
                let browser = self.peers.get_mut(peer).expect("an open peer");
                browser.offers += 1;
                browser.held = *hold;
                let restart = if *restart { " restart" } else { "" };
                inputs.push_back(Input::OfferMade {
                    peer: *peer,
                    sdp: format!("offer {}{restart}", browser.offers),
                });
            }
            Output::ApplyOffer { peer } => {
                assert!(std::mem::take(&mut self.peers.get_mut(peer).expect("an open peer").held));
            }
            Output::TakeAnswer { peer, .. } => inputs.push_back(Input::AnswerTaken { peer: *peer }),
            Output::TakeOffer { peer, sdp } => {
                inputs.push_back(Input::AnswerMade { peer: *peer, sdp: format!("answer to {sdp}") });
            }
            Output::SetIceServers { peer, ice_servers, .. } => {
                self.peers.get_mut(peer).expect("an open peer").ice_servers.clone_from(ice_servers);
            }
            Output::AddReceivers { peer, audios, videos } => {
                let browser = self.peers.get_mut(peer).expect("an open peer");
                browser.audios += audios;
                browser.videos += videos;
            }
            Output::AddSender { peer, source, .. } => {
                let senders = &mut self.peers.get_mut(peer).expect("an open peer").senders;
                assert!(!senders.contains(source), "{source:?} has a sender");
                senders.push(*source);
            }
            Output::RemoveSender { peer, source } => {
                let senders = &mut self.peers.get_mut(peer).expect("an open peer").senders;
                assert!(senders.contains(source), "{source:?} has no sender");
                senders.retain(|sender| sender != source);
            }
            Output::SwapTrack { peer, source } => {
                assert!(self.peers[peer].senders.contains(source), "{source:?} has no sender");
            }
            _ => {}
        }
    }

    /// Turns the clock to the next deadline, which must be at most so far.
    pub(super) fn wait(&mut self, at_most: Millis) {
        let until = self.session.poll_timeout().expect("a deadline");
        assert!(until <= self.now + at_most, "the next deadline is in {} ms", until.saturating_sub(self.now));
        self.now = self.now.max(until);
        self.input(Input::Timeout);
    }

    pub(super) fn advance(&mut self, millis: Millis) {
        let end = self.now + millis;
        while let Some(until) = self.session.poll_timeout().filter(|until| *until <= end) {
            self.now = self.now.max(until);
            self.input(Input::Timeout);
        }
        self.now = end;
    }

    pub(super) fn take(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(super) fn requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    pub(super) fn openings(&self) -> &[Opening] {
        &self.sockets
    }

    pub(super) fn opening(&self) -> &Opening {
        self.sockets.last().expect("a socket was opened")
    }

    pub(super) fn socket(&self) -> SocketId {
        self.opening().id
    }

    /// The only open peer, or the first.
    pub(super) fn peer(&self) -> PeerId {
        *self.peers.keys().next().expect("a peer is open")
    }

    pub(super) fn open(&mut self) {
        self.input(Input::SocketOpened { socket: self.socket() });
    }

    pub(super) fn close(&mut self) {
        self.socket_closed = true;
        self.input(Input::SocketClosed { socket: self.socket() });
    }

    pub(super) fn refuse(&mut self, status: Option<u16>, body: &str) {
        self.close();
        let socket = self.socket();
        assert!(
            matches!(self.take().last(), Some(Output::Validate { socket: asked, .. }) if *asked == socket)
        );
        self.input(Input::Validated { socket, status, body: body.into() });
    }

    pub(super) fn serve(&mut self, message: Response) {
        let message = Box::new(proto::SignalResponse { message: Some(message) });
        self.input(Input::SocketMessage { socket: self.socket(), message });
    }

    pub(super) fn state(&mut self, state: PeerState) {
        self.input(Input::PeerState { peer: self.peer(), state });
    }

    pub(super) fn answer(&mut self, id: u32) {
        self.serve(Response::Answer(description("answer", "v=0", id)));
    }

    /// Joins in single mode and connects media.
    pub(super) fn joined(config: Config) -> Script {
        let mut script = Script::new(config);
        script.input(Input::Start);
        script.settle();
        script
    }

    /// Answers a join request that carries an offer, up to flowing media.
    pub(super) fn settle(&mut self) {
        self.open();
        self.serve(Response::Join(join("PA_me", Vec::new())));
        self.answer(1);
        self.state(PeerState::Connected);
    }

    /// Answers a resume, up to flowing media.
    pub(super) fn settle_resume(&mut self, last_message_seq: u32) {
        self.open();
        self.serve(Response::Reconnect(proto::ReconnectResponse { last_message_seq, ..Default::default() }));
        let id = self.last_offer();
        self.answer(id);
        self.state(PeerState::Connected);
    }

    pub(super) fn last_offer(&self) -> u32 {
        let mut offers = self.requests.iter().filter_map(|request| match request {
            Request::Offer(offer) => Some(offer.id),
            _ => None,
        });
        offers.next_back().expect("an offer was sent")
    }

    pub(super) fn set_local(&mut self, source: Source, cid: Option<&str>) {
        let (width, height) = if source.kind() == Kind::Video { (1280, 720) } else { (0, 0) };
        let track = cid.map(|cid| LocalTrack { cid: cid.into(), width, height, stereo: false });
        self.input(Input::SetLocal { source, track });
    }
}

pub(super) fn config() -> Config {
    Config::new("token".into(), proto::ClientInfo { protocol: 17, ..Default::default() })
}

pub(super) fn description(kind: &str, sdp: &str, id: u32) -> proto::SessionDescription {
    proto::SessionDescription { r#type: kind.into(), sdp: sdp.into(), id, mid_to_track_id: HashMap::new() }
}

pub(super) fn participant(sid: &str, tracks: &[&str]) -> proto::ParticipantInfo {
    proto::ParticipantInfo {
        sid: sid.into(),
        identity: sid.trim_start_matches("PA_").into(),
        state: State::Active as i32,
        version: 1,
        permission: Some(proto::ParticipantPermission {
            can_publish: true,
            can_publish_data: true,
            can_subscribe: true,
            ..Default::default()
        }),
        tracks: tracks
            .iter()
            .map(|sid| proto::TrackInfo { sid: (*sid).into(), ..Default::default() })
            .collect(),
        ..Default::default()
    }
}

pub(super) fn join(sid: &str, others: Vec<proto::ParticipantInfo>) -> proto::JoinResponse {
    proto::JoinResponse {
        room: Some(proto::Room { sid: "RM_1".into(), name: "room".into(), ..Default::default() }),
        participant: Some(proto::ParticipantInfo { identity: "me".into(), ..participant(sid, &[]) }),
        other_participants: others,
        ice_servers: vec![proto::IceServer { urls: vec!["stun:1.2.3.4:3478".into()], ..Default::default() }],
        ping_interval: 5,
        ping_timeout: 15,
        ..Default::default()
    }
}

pub(super) fn published(cid: &str, sid: &str) -> Response {
    let track = proto::TrackInfo { sid: sid.into(), ..Default::default() };
    Response::TrackPublished(proto::TrackPublishedResponse { cid: cid.into(), track: Some(track) })
}

pub(super) fn leave(reason: proto::DisconnectReason, action: proto::leave_request::Action) -> Response {
    Response::Leave(proto::LeaveRequest {
        reason: reason as i32,
        action: action as i32,
        ..Default::default()
    })
}
