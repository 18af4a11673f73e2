//! The fake surroundings of a room: clients that write plain SDP, and a shard that only keeps books.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

use sfu_core::ids::Chance;
use sfu_core::media::{Codec, Command, Event, Fingerprint, SendId, TrackId, TransportId};
use sfu_core::room::*;
use sfu_protocol::proto::{self, signal_request, signal_response};
use sfu_protocol::{Claims, Connect, Mode, Reconnect, VideoGrant};

pub(crate) use sfu_protocol::proto::signal_request::Message as Ask;
pub(crate) use sfu_protocol::proto::signal_response::Message as Tell;

pub(crate) struct World {
    pub(crate) room: Room,
    pub(crate) now: Now,
    inbox: HashMap<ConnectionId, Vec<Tell>>,
    pub(crate) closed: HashSet<ConnectionId>,
    pub(crate) tokens: Vec<(ConnectionId, Claims)>,
    pub(crate) commands: Vec<Command>,
    pub(crate) events: Vec<RoomEvent>,
    pub(crate) finished: bool,
    connected: HashSet<TransportId>,
    next_connection: u64,
}

pub(crate) fn options() -> RoomOptions {
    RoomOptions {
        name: "hall".into(),
        metadata: String::new(),
        empty_timeout: Duration::from_mins(5),
        departure_timeout: Duration::from_secs(20),
        max_participants: 0,
    }
}

pub(crate) fn claims(identity: &str) -> Claims {
    Claims {
        sub: identity.into(),
        name: identity.to_uppercase(),
        video: Some(VideoGrant { room_join: true, room: "hall".into(), ..Default::default() }),
        ..Default::default()
    }
}

pub(crate) fn grant(identity: &str, change: impl FnOnce(&mut VideoGrant)) -> Claims {
    let mut claims = claims(identity);
    change(claims.video.as_mut().expect("just made"));
    claims
}

pub(crate) fn connect(mode: Mode) -> Connect {
    Connect {
        mode,
        auto_subscribe: true,
        adaptive_stream: false,
        disable_ice_lite: false,
        reconnect: None,
        client: proto::ClientInfo { protocol: 16, client_protocol: 1, ..Default::default() },
        metadata: String::new(),
        attributes: HashMap::new(),
        add_tracks: Vec::new(),
        publisher_offer: None,
        sync_state: None,
    }
}

impl World {
    pub(crate) fn new() -> World {
        World::with(options())
    }

    pub(crate) fn with(options: RoomOptions) -> World {
        let now = Now { instant: Instant::now(), unix_ms: 1_700_000_000_000 };
        let environment = Environment {
            node_id: "ND_test".into(),
            region: "here".into(),
            version: "1.9.0".into(),
            fingerprint: Fingerprint { algorithm: "sha-256".into(), digest: vec![7; 32] },
            candidates: vec!["192.0.2.1:7882".parse().unwrap(), "127.0.0.1:7882".parse().unwrap()],
            codecs: vec![Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1, Codec::Opus],
            ice_servers: Vec::new(),
        };
        let init = RoomInit { options, environment, id_base: 1 << 32, chance: Chance::new([3; 32]) };
        let mut world = World {
            room: Room::new(init, now),
            now,
            inbox: HashMap::new(),
            closed: HashSet::new(),
            tokens: Vec::new(),
            commands: Vec::new(),
            events: Vec::new(),
            finished: false,
            connected: HashSet::new(),
            next_connection: 0,
        };
        world.drain();
        world
    }

    fn drain(&mut self) {
        while let Some(output) = self.room.poll() {
            match output {
                Output::Signal { connection, response } => {
                    assert!(!self.closed.contains(&connection), "message on a closed socket");
                    self.inbox.entry(connection).or_default().extend(response.message);
                }
                Output::RefreshToken { connection, claims } => self.tokens.push((connection, *claims)),
                Output::Close { connection } => {
                    assert!(self.closed.insert(connection), "closed twice");
                }
                Output::Media(command) => self.commands.push(command),
                Output::Event(event) => self.events.push(*event),
                Output::Finished => self.finished = true,
            }
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.room.handle(input, self.now);
        self.drain();
    }

    pub(crate) fn admin(&mut self, command: Admin) -> Result<(), AdminError> {
        let result = self.room.admin(command, self.now);
        self.drain();
        result
    }

    pub(crate) fn media(&mut self, event: Event) {
        self.input(Input::Media(event));
    }

    pub(crate) fn ask(&mut self, connection: ConnectionId, message: signal_request::Message) {
        let request = Box::new(proto::SignalRequest { message: Some(message) });
        self.input(Input::Signal { connection, request });
    }

    pub(crate) fn join(&mut self, claims: Claims, connect: Connect) -> ConnectionId {
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        self.input(Input::Join(Box::new(Join { connection, claims, connect })));
        connection
    }

    pub(crate) fn resume(&mut self, identity: &str, sid: &str, mode: Mode) -> ConnectionId {
        let reconnect = Some(Reconnect { participant_sid: sid.into(), reason: 1 });
        self.join(claims(identity), Connect { reconnect, ..connect(mode) })
    }

    /// Lets time pass, firing every timer on the way.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now.instant + duration;
        while let Some(at) = self.room.poll_timeout().filter(|at| *at <= end) {
            self.set_time(at.max(self.now.instant));
            self.input(Input::Timeout);
            assert!(
                self.room.poll_timeout().is_none_or(|next| next > self.now.instant),
                "a timer that never ends"
            );
        }
        self.set_time(end);
    }

    fn set_time(&mut self, instant: Instant) {
        self.now.unix_ms += (instant - self.now.instant).as_millis() as u64;
        self.now.instant = instant;
    }

    /// Everything told on a socket since the last look.
    pub(crate) fn told(&mut self, connection: ConnectionId) -> Vec<Tell> {
        self.inbox.remove(&connection).unwrap_or_default()
    }

    /// The one answer among what was told; everything is taken.
    pub(crate) fn take_answer(&mut self, connection: ConnectionId) -> proto::SessionDescription {
        let told = self.told(connection);
        one(told
            .into_iter()
            .filter_map(|tell| if let Tell::Answer(answer) = tell { Some(answer) } else { None }))
    }

    pub(crate) fn take_offer(&mut self, connection: ConnectionId) -> proto::SessionDescription {
        let told = self.told(connection);
        one(told
            .into_iter()
            .filter_map(|tell| if let Tell::Offer(offer) = tell { Some(offer) } else { None }))
    }

    /// Connects every transport whose client has spoken.
    pub(crate) fn connect_media(&mut self) {
        let ready: Vec<TransportId> = self
            .commands
            .iter()
            .filter_map(|command| {
                if let Command::Connect { transport, .. } = command { Some(*transport) } else { None }
            })
            .filter(|transport| !self.connected.contains(transport))
            .collect();
        for transport in ready {
            self.connected.insert(transport);
            self.media(Event::Connected { transport });
        }
    }

    /// The last transport that was opened.
    pub(crate) fn last_transport(&self) -> TransportId {
        let opened = |command: &Command| {
            if let Command::Open { transport, .. } = command { Some(*transport) } else { None }
        };
        self.commands.iter().rev().find_map(opened).expect("something was opened")
    }

    /// Tracks being received now.
    pub(crate) fn received(&self) -> Vec<TrackId> {
        let mut tracks = Vec::new();
        for command in &self.commands {
            match command {
                Command::Receive { track, .. } if !tracks.contains(track) => tracks.push(*track),
                Command::StopReceiving { track } => tracks.retain(|one| one != track),
                _ => {}
            }
        }
        tracks
    }

    /// Down tracks running now.
    pub(crate) fn sent(&self) -> Vec<(SendId, TrackId)> {
        let mut sends = Vec::new();
        for command in &self.commands {
            match command {
                Command::Send { send, track, .. } if !sends.contains(&(*send, *track)) => {
                    sends.push((*send, *track));
                }
                Command::StopSending { send } => sends.retain(|(one, _)| one != send),
                _ => {}
            }
        }
        sends
    }

    pub(crate) fn start_track(&mut self, track: TrackId, codec: Codec) {
        self.media(Event::LayerStarted { track, layer: 0, codec, ssrc: 4711 });
    }

    /// A single-mode participant with connected media and three free sections of each kind.
    pub(crate) fn seated(&mut self, identity: &str) -> (ConnectionId, Client) {
        let client = Client::new();
        let publisher_offer = Some(client.offer(1));
        let connection = self.join(claims(identity), Connect { publisher_offer, ..connect(Mode::Single) });
        self.connect_media();
        (connection, client)
    }

    /// Publishes a track whose media flows.
    pub(crate) fn publish(
        &mut self,
        connection: ConnectionId,
        client: &mut Client,
        cid: &str,
        kind: &str,
    ) -> (TrackId, String) {
        self.told(connection);
        self.ask(connection, Ask::AddTrack(add_track(cid, kind)));
        let sid = one(self.told(connection).into_iter().filter_map(|tell| match tell {
            Tell::TrackPublished(published) => Some(published.track.expect("a track").sid),
            _ => None,
        }));
        client.add(kind, "sendonly", cid);
        let before = self.received();
        self.ask(connection, Ask::Offer(client.offer(100)));
        let track = one(self.received().into_iter().filter(|track| !before.contains(track)));
        self.start_track(track, if kind == "audio" { Codec::Opus } else { Codec::Vp8 });
        (track, sid)
    }
}

pub(crate) fn one<T>(items: impl IntoIterator<Item = T>) -> T {
    let mut items: Vec<T> = items.into_iter().collect();
    assert_eq!(items.len(), 1, "exactly one expected");
    items.remove(0)
}

pub(crate) fn add_track(cid: &str, kind: &str) -> proto::AddTrackRequest {
    let (r#type, source) = if kind == "audio" {
        (proto::TrackType::Audio, proto::TrackSource::Microphone)
    } else {
        (proto::TrackType::Video, proto::TrackSource::Camera)
    };
    proto::AddTrackRequest {
        cid: cid.into(),
        name: "it".into(),
        r#type: r#type as i32,
        source: source as i32,
        width: 1280,
        height: 720,
        ..Default::default()
    }
}

pub(crate) fn updates(told: &[Tell]) -> Vec<proto::ParticipantInfo> {
    told.iter()
        .filter_map(
            |tell| if let Tell::Update(update) = tell { Some(update.participants.clone()) } else { None },
        )
        .flatten()
        .collect()
}

pub(crate) fn leave_of(told: &[Tell]) -> proto::LeaveRequest {
    one(told.iter().filter_map(|tell| if let Tell::Leave(leave) = tell { Some(leave.clone()) } else { None }))
}

pub(crate) fn is_signal(tell: &Tell, name: &str) -> bool {
    let is = |message: &signal_response::Message| match message {
        signal_response::Message::Join(_) => "join",
        signal_response::Message::Answer(_) => "answer",
        signal_response::Message::Offer(_) => "offer",
        signal_response::Message::Trickle(_) => "trickle",
        signal_response::Message::Update(_) => "update",
        signal_response::Message::TrackPublished(_) => "track_published",
        signal_response::Message::Reconnect(_) => "reconnect",
        signal_response::Message::RoomUpdate(_) => "room_update",
        _ => "other",
    };
    is(tell) == name
}

/// The SDP side of a client.
pub(crate) struct Client {
    pub(crate) ufrag: String,
    /// Mid, kind, direction, msid track id.
    pub(crate) sections: Vec<(String, String, String, String)>,
}

impl Client {
    pub(crate) fn new() -> Client {
        let mut client = Client { ufrag: "abcd".into(), sections: Vec::new() };
        for kind in ["audio", "audio", "audio", "video", "video", "video"] {
            client.add(kind, "recvonly", "");
        }
        client
    }

    pub(crate) fn empty() -> Client {
        Client { ufrag: "abcd".into(), sections: Vec::new() }
    }

    pub(crate) fn add(&mut self, kind: &str, direction: &str, cid: &str) -> String {
        let mid = self.sections.len().to_string();
        self.sections.push((mid.clone(), kind.into(), direction.into(), cid.into()));
        mid
    }

    pub(crate) fn offer(&self, id: u32) -> proto::SessionDescription {
        let mut sdp = String::from("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
        let mids: Vec<&str> =
            self.sections.iter().map(|section| section.0.as_str()).chain(["data"]).collect();
        write!(sdp, "a=group:BUNDLE {}\r\n", mids.join(" ")).unwrap();
        for (mid, kind, direction, cid) in &self.sections {
            let pt = if kind == "audio" { "109" } else { "120 121" };
            write!(sdp, "m={kind} 9 UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 0.0.0.0\r\n").unwrap();
            self.transport(&mut sdp, mid);
            write!(sdp, "a={direction}\r\na=rtcp-mux\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n")
                .unwrap();
            if !cid.is_empty() {
                write!(sdp, "a=msid:- {cid}\r\n").unwrap();
            }
            if kind == "audio" {
                sdp.push_str("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
                sdp.push_str("a=rtpmap:109 opus/48000/2\r\na=fmtp:109 minptime=10;useinbandfec=1\r\n");
            } else {
                sdp.push_str("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n");
                sdp.push_str("a=rtpmap:120 VP8/90000\r\na=rtcp-fb:120 nack\r\na=rtcp-fb:120 nack pli\r\n");
                sdp.push_str("a=rtpmap:121 rtx/90000\r\na=fmtp:121 apt=120\r\n");
            }
        }
        sdp.push_str("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n");
        self.transport(&mut sdp, "data");
        sdp.push_str("a=sctp-port:5000\r\na=max-message-size:262144\r\n");
        proto::SessionDescription { r#type: "offer".into(), sdp, id, ..Default::default() }
    }

    fn transport(&self, sdp: &mut String, mid: &str) {
        let digest = vec!["AB"; 32].join(":");
        let ufrag = &self.ufrag;
        write!(
            sdp,
            "a=mid:{mid}\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{ufrag}passwordpasswordpassword\r\n\
             a=fingerprint:sha-256 {digest}\r\na=setup:actpass\r\n"
        )
        .unwrap();
    }

    /// Says yes to everything in an offer.
    pub(crate) fn answer(&self, offer: &proto::SessionDescription) -> proto::SessionDescription {
        let digest = vec!["AB"; 32].join(":");
        let mut sdp = String::new();
        for line in offer.sdp.lines() {
            let line = match line.split_once(':').map_or(line, |(name, _)| name) {
                "a=ice-ufrag" => format!("a=ice-ufrag:{}", self.ufrag),
                "a=ice-pwd" => format!("a=ice-pwd:{}passwordpasswordpassword", self.ufrag),
                "a=fingerprint" => format!("a=fingerprint:sha-256 {digest}"),
                "a=setup" => "a=setup:active".into(),
                "a=sendonly" => "a=recvonly".into(),
                "a=candidate" | "a=msid" | "a=ssrc" | "a=ssrc-group" | "a=end-of-candidates" => continue,
                _ => line.to_owned(),
            };
            sdp.push_str(&line);
            sdp.push_str("\r\n");
        }
        proto::SessionDescription { r#type: "answer".into(), sdp, id: offer.id, ..Default::default() }
    }
}
