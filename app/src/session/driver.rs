//! The hands of the state machine: does what its outputs say, and feeds it with what happens.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use leptos::prelude::*;
use leptos::task::spawn_local;
use sfu_protocol::client::{
    Channel, Config, Event, Input, Millis, Output, PeerId, SendDataError, Session as Machine, SocketId,
    Source,
};
use sfu_protocol::proto::data_packet;
use web_sys::{MediaStream, MediaStreamTrack};

use super::model::SessionState;
use super::socket::{Server, Socket, fetch};
use super::stage::{Cast, Stage};
use super::{local_track, platform};
use crate::rtc::{LocalMedia, Peer};

pub(super) struct Driver {
    this: Weak<Driver>,
    server: Server,
    stage: Stage,
    media: LocalMedia,
    machine: RefCell<Machine>,
    /// Inputs that came while another one is being handled.
    inputs: RefCell<VecDeque<Input>>,
    busy: Cell<bool>,
    hands: RefCell<Hands>,
    cast: RefCell<Cast>,
}

/// What ends with the session.
#[derive(Default)]
struct Hands {
    socket: Option<(SocketId, Socket)>,
    peers: BTreeMap<PeerId, Peer>,
    timer: Option<(Millis, Timeout)>,
    tracks: BTreeMap<Source, MediaStreamTrack>,
    _listeners: Vec<EventListener>,
}

impl Driver {
    pub(super) fn new(server_url: &str, token: &str, stage: Stage, media: LocalMedia) -> Rc<Driver> {
        let firefox = platform::is_firefox();
        let config = Config {
            offer_in_join: !firefox,
            screen_simulcast: !firefox,
            seed: platform::seed(),
            ..Config::new(token.to_owned(), platform::client_info())
        };
        Rc::new_cyclic(|this: &Weak<Driver>| {
            let report = reporter(this.clone());
            let online = EventListener::new(&window(), "online", move |_| report(Input::Online));
            let report = reporter(this.clone());
            // The page goes away: tell the others at once instead of letting them wait.
            let gone = EventListener::new(&window(), "pagehide", move |_| report(Input::Leave));
            Driver {
                this: this.clone(),
                server: Server::new(server_url),
                stage,
                media,
                machine: RefCell::new(Machine::new(config)),
                inputs: RefCell::default(),
                busy: Cell::new(false),
                hands: RefCell::new(Hands { _listeners: vec![online, gone], ..Hands::default() }),
                cast: RefCell::default(),
            }
        })
    }

    /// Lets go of everything.
    pub(super) fn close(&self) {
        self.hands.take();
    }

    pub(super) fn set_track(&self, source: Source, track: Option<MediaStreamTrack>) {
        let local = track.as_ref().map(local_track);
        {
            let tracks = &mut self.hands.borrow_mut().tracks;
            match track {
                Some(track) => tracks.insert(source, track),
                None => tracks.remove(&source),
            };
        }
        self.feed(Input::SetLocal { source, track: local });
    }

    pub(super) fn send_data(&self, channel: Channel, value: data_packet::Value) -> Result<(), SendDataError> {
        let sent = self.machine.borrow_mut().send_data(platform::now(), channel, value, Vec::new());
        self.drain();
        sent
    }

    pub(super) fn feed(&self, input: Input) {
        self.inputs.borrow_mut().push_back(input);
        self.drain();
    }

    /// Handles inputs one after the other, also those that handling brings about.
    fn drain(&self) {
        if self.busy.replace(true) {
            return;
        }
        loop {
            self.perform_all();
            let next = self.inputs.borrow_mut().pop_front();
            let Some(input) = next else { break };
            self.machine.borrow_mut().handle(platform::now(), input);
        }
        self.stage.show(&self.cast.borrow());
        self.arm();
        self.busy.set(false);
    }

    fn perform_all(&self) {
        loop {
            let next = self.machine.borrow_mut().poll();
            let Some(output) = next else { break };
            self.perform(output);
        }
    }

    fn perform(&self, output: Output) {
        match output {
            Output::OpenSocket { socket, path, query, token } => {
                let url = self.server.socket_url(path, &query, &token);
                match Socket::open(socket, &url, reporter(self.this.clone())) {
                    Ok(opened) => self.hands.borrow_mut().socket = Some((socket, opened)),
                    Err(error) => {
                        leptos::logging::warn!("signalling: {error:?}");
                        self.inputs.borrow_mut().push_back(Input::SocketClosed { socket });
                    }
                }
            }
            Output::CloseSocket { socket } => {
                let hands = &mut self.hands.borrow_mut();
                if hands.socket.as_ref().is_some_and(|(open, _)| *open == socket) {
                    hands.socket = None;
                }
            }
            Output::Validate { socket, path, query, token } => {
                let url = self.server.fetch_url(path, &query, &token);
                let report = reporter(self.this.clone());
                spawn_local(async move {
                    let (status, body) = fetch(&url).await;
                    report(Input::Validated { socket, status, body });
                });
            }
            Output::Send { socket, message } => {
                if let Some((open, connection)) = &self.hands.borrow().socket
                    && *open == socket
                {
                    connection.send(&message);
                }
            }
            Output::OpenPeer { peer, ice_servers, relay_only } => {
                match Peer::open(peer, &ice_servers, relay_only, reporter(self.this.clone())) {
                    Ok(opened) => {
                        self.hands.borrow_mut().peers.insert(peer, opened);
                    }
                    Err(error) => {
                        leptos::logging::warn!("peer connection: {error:?}");
                        self.inputs.borrow_mut().push_back(Input::PeerBroken { peer });
                    }
                }
            }
            Output::ClosePeer { peer } => {
                self.hands.borrow_mut().peers.remove(&peer);
            }
            Output::Event(event) => self.on_event(event),
            Output::SetIceServers { peer, .. }
            | Output::OpenChannels { peer }
            | Output::AddReceivers { peer, .. }
            | Output::RemoveSender { peer, .. }
            | Output::SetLayers { peer, .. }
            | Output::MakeOffer { peer, .. }
            | Output::ApplyOffer { peer }
            | Output::TakeOffer { peer, .. }
            | Output::TakeAnswer { peer, .. }
            | Output::AddCandidate { peer, .. }
            | Output::SendData { peer, .. } => self.run(peer, output, None),
            Output::AddSender { peer, source, .. } | Output::SwapTrack { peer, source } => {
                let track = self.hands.borrow().tracks.get(&source).cloned();
                self.run(peer, output, track);
            }
        }
    }

    fn run(&self, peer: PeerId, operation: Output, track: Option<MediaStreamTrack>) {
        if let Some(peer) = self.hands.borrow().peers.get(&peer) {
            peer.run(operation, track);
        }
    }

    fn on_event(&self, event: Event) {
        let cast = &mut *self.cast.borrow_mut();
        match event {
            Event::Connected | Event::Reconnected => self.set_state(SessionState::Connected),
            Event::Reconnecting => self.set_state(SessionState::Reconnecting),
            Event::Ended(reason) => {
                cast.streams.clear();
                self.set_state(SessionState::Ended(reason.into()));
            }
            Event::Local(info) => cast.local = Some(*info),
            Event::ParticipantJoined(info) | Event::ParticipantUpdated(info) => cast.put(*info),
            Event::ParticipantLeft { sid } => cast.remotes.retain(|known| known.sid != sid),
            Event::TrackStarted { peer, mid, track_sid, .. } => {
                let hands = self.hands.borrow();
                let track = hands.peers.get(&peer).and_then(|peer| peer.received(&mid));
                match track.and_then(|track| stream(&track)) {
                    Some(stream) => {
                        cast.streams.insert(track_sid, stream);
                    }
                    None => leptos::logging::warn!("section {mid} of track {track_sid} is missing"),
                }
            }
            Event::TrackStopped { track_sid } => {
                cast.streams.remove(&track_sid);
            }
            Event::Muted { source } => match source {
                Source::Camera => self.media.set_camera(false),
                Source::Microphone => self.media.set_microphone(false),
                Source::Screen | Source::ScreenAudio => {}
            },
            Event::Speakers(speakers) => cast.speakers = speakers,
            Event::Data(message) => self.stage.deliver(&message),
            Event::Room(_)
            | Event::TrackPaused { .. }
            | Event::Published { .. }
            | Event::Unpublished { .. }
            | Event::Quality(_)
            | Event::Token(_) => {}
        }
    }

    fn set_state(&self, state: SessionState) {
        let _ = self.stage.state.try_set(state);
    }

    /// Sets the timer for the machine's next deadline.
    fn arm(&self) {
        let deadline = self.machine.borrow().poll_timeout();
        let hands = &mut *self.hands.borrow_mut();
        if deadline == hands.timer.as_ref().map(|(until, _)| *until) {
            return;
        }
        hands.timer = deadline.map(|until| {
            let wait = until.saturating_sub(platform::now()).min(Millis::from(u32::MAX)) as u32;
            let this = self.this.clone();
            let timer = Timeout::new(wait, move || {
                if let Some(driver) = this.upgrade() {
                    driver.hands.borrow_mut().timer = None;
                    driver.feed(Input::Timeout);
                }
            });
            (until, timer)
        });
    }
}

fn reporter(driver: Weak<Driver>) -> impl Fn(Input) + Clone + 'static {
    move |input| {
        if let Some(driver) = driver.upgrade() {
            driver.feed(input);
        }
    }
}

fn stream(track: &MediaStreamTrack) -> Option<MediaStream> {
    let stream = MediaStream::new().ok()?;
    stream.add_track(track);
    Some(stream)
}
