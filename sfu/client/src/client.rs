//! One participant: a task that owns the session and does what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sfu_protocol::Mode;
use sfu_protocol::client::{
    Channel, Config, Event, Input, Kind, LocalTrack, Millis, Output, PeerId, Session, SocketId, Source,
};
use sfu_protocol::proto::{ClientInfo, UserPacket, client_info::Sdk, data_packet};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::peer::{Peer, Wiring};
use crate::received::{Meter, Totals};
use crate::signal::{Refusals, Socket, socket_url};

/// Between the tasks of one client; whoever fills it waits.
const QUEUE: usize = 1024;
/// Data channels are opened in band.
const PROTOCOL: i32 = 17;
/// Small enough for a single layer.
const PICTURE: (u32, u32) = (320, 240);

/// How to take part.
#[derive(Clone, Debug)]
pub struct Options {
    /// `ws://` or `http://`.
    pub server: String,
    pub token: String,
    pub mode: Mode,
    pub microphone: bool,
    pub camera: bool,
}

/// What reaches the client's task.
pub(crate) enum Notice {
    Input(Input),
    Refused { socket: SocketId, status: u16, body: String },
    SendData { topic: String, payload: Vec<u8>, channel: Channel },
}

/// A participant. Dropping it without [`Client::leave`] vanishes without a word.
#[derive(Debug)]
pub struct Client {
    notices: mpsc::Sender<Notice>,
    events: mpsc::Receiver<Event>,
    sent: Arc<Meter>,
    received: Arc<Meter>,
    task: JoinHandle<()>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    pub fn join(options: Options) -> Client {
        let (notices, incoming) = mpsc::channel(QUEUE);
        let (outgoing, events) = mpsc::channel(QUEUE);
        let (sent, received) = (Arc::new(Meter::default()), Arc::new(Meter::default()));
        let wiring =
            Wiring { notices: notices.clone(), sent: Arc::clone(&sent), received: Arc::clone(&received) };
        let task = tokio::spawn(Task::new(options, wiring, outgoing).run(incoming));
        Client { notices, events, sent, received, task }
    }

    /// The next event; `None` after the last one. Events that nobody fetches hold up the session.
    pub async fn event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Waits for an event that is wanted, and drops those before it.
    pub async fn wait_for(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(&Event) -> bool,
    ) -> Option<Event> {
        let search = async {
            loop {
                let event = self.event().await?;
                if wanted(&event) {
                    return Some(event);
                }
            }
        };
        tokio::time::timeout(within, search).await.ok().flatten()
    }

    pub fn totals(&self) -> Totals {
        Totals { sent: self.sent.counts(), received: self.received.counts() }
    }

    /// Streams of others that have delivered at least one packet.
    pub fn streams(&self) -> usize {
        self.received.streams()
    }

    /// A muted source sends nothing.
    pub async fn set_muted(&self, source: Source, muted: bool) {
        let track = (!muted).then(|| local_track(source));
        self.tell(Notice::Input(Input::SetLocal { source, track })).await;
    }

    pub async fn send_data(&self, topic: &str, payload: &[u8], channel: Channel) {
        self.tell(Notice::SendData { topic: topic.to_owned(), payload: payload.to_vec(), channel }).await;
    }

    /// Says goodbye; returns when the session has ended.
    pub async fn leave(mut self) {
        self.tell(Notice::Input(Input::Leave)).await;
        while self.event().await.is_some() {}
    }

    async fn tell(&self, notice: Notice) {
        // A session that has ended needs to know nothing.
        let _ = self.notices.send(notice).await;
    }
}

fn local_track(source: Source) -> LocalTrack {
    let (width, height) = if source.kind() == Kind::Video { PICTURE } else { (0, 0) };
    LocalTrack { cid: format!("synthetic-{source:?}"), width, height, stereo: false }
}

struct Task {
    server: String,
    session: Session,
    wiring: Wiring,
    events: mpsc::Sender<Event>,
    started: (Instant, Millis),
    socket: Option<(SocketId, Socket)>,
    refusals: Refusals,
    peers: BTreeMap<PeerId, Peer>,
    live: BTreeSet<Source>,
    first: Vec<Source>,
}

impl Task {
    fn new(options: Options, wiring: Wiring, events: mpsc::Sender<Event>) -> Task {
        let info = ClientInfo {
            sdk: Sdk::Rust as i32,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            os: std::env::consts::OS.to_owned(),
            ..ClientInfo::default()
        };
        // Nobody looks: all layers are welcome, and nothing is hidden.
        let config = Config {
            mode: options.mode,
            adaptive_stream: false,
            seed: rand::random(),
            ..Config::new(options.token, info)
        };
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wishes = [(Source::Microphone, options.microphone), (Source::Camera, options.camera)];
        Task {
            server: options.server,
            session: Session::new(config),
            wiring,
            events,
            started: (Instant::now(), unix.as_millis() as Millis),
            socket: None,
            refusals: Refusals::new(),
            peers: BTreeMap::new(),
            live: BTreeSet::new(),
            first: wishes.into_iter().filter(|(_, wanted)| *wanted).map(|(source, _)| source).collect(),
        }
    }

    fn now(&self) -> Millis {
        self.started.1 + self.started.0.elapsed().as_millis() as Millis
    }

    async fn run(mut self, mut incoming: mpsc::Receiver<Notice>) {
        for source in std::mem::take(&mut self.first) {
            self.handle(Input::SetLocal { source, track: Some(local_track(source)) });
        }
        self.handle(Input::Start);
        while self.perform_all().await {
            let deadline = self.session.poll_timeout();
            let wake =
                deadline.map(|at| self.started.0 + Duration::from_millis(at.saturating_sub(self.started.1)));
            tokio::select! {
                notice = incoming.recv() => match notice {
                    Some(notice) => self.on_notice(notice),
                    None => return,
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.handle(Input::Timeout),
            }
        }
    }

    fn on_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Input(input) => self.handle(input),
            Notice::Refused { socket, status, body } => {
                self.refusals.insert(socket, (status, body));
            }
            Notice::SendData { topic, payload, channel } => {
                let value = data_packet::Value::User(UserPacket {
                    topic: Some(topic),
                    payload,
                    ..UserPacket::default()
                });
                if let Err(error) = self.session.send_data(self.now(), channel, value, Vec::new()) {
                    tracing::warn!(%error, "data");
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::SetLocal { source, track } = &input {
            if track.is_some() {
                self.live.insert(*source)
            } else {
                self.live.remove(source)
            };
        }
        self.session.handle(self.now(), input);
    }

    /// False once the session has ended.
    async fn perform_all(&mut self) -> bool {
        while let Some(output) = self.session.poll() {
            match output {
                Output::OpenSocket { socket, path, query, token } => {
                    let url = socket_url(&self.server, path, &query);
                    self.socket =
                        Some((socket, Socket::open(socket, url, token, self.wiring.notices.clone())));
                }
                Output::CloseSocket { socket } => {
                    self.socket.take_if(|(open, _)| *open == socket);
                }
                Output::Validate { socket, .. } => {
                    let (status, body) = match self.refusals.remove(&socket) {
                        Some((status, body)) => (Some(status), body),
                        None => (None, String::new()),
                    };
                    self.handle(Input::Validated { socket, status, body });
                }
                Output::Send { socket, message } => {
                    if let Some((_, open)) = self.socket.as_ref().filter(|(open, _)| *open == socket) {
                        open.send(*message);
                    }
                }
                Output::OpenPeer { peer, ice_servers, relay_only } => {
                    self.peers.insert(peer, Peer::open(peer, ice_servers, relay_only, self.wiring.clone()));
                }
                Output::ClosePeer { peer } => {
                    self.peers.remove(&peer);
                }
                Output::Event(event) => {
                    let last = matches!(event, Event::Ended(_));
                    // A client that was dropped takes its task along.
                    if self.events.send(event).await.is_err() || last {
                        return false;
                    }
                }
                Output::AddSender { peer, source, .. } | Output::SwapTrack { peer, source } => {
                    let track = self.live.contains(&source).then(|| local_track(source).cid);
                    self.run_on(peer, output, track);
                }
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
                | Output::SendData { peer, .. } => self.run_on(peer, output, None),
            }
        }
        true
    }

    fn run_on(&self, peer: PeerId, output: Output, track: Option<String>) {
        if let Some(peer) = self.peers.get(&peer) {
            peer.run(output, track);
        }
    }
}
