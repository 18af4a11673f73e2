//! A client: its signalling, its peer connections, what it publishes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sfu_core::media::{Channel, Kind};
use sfu_core::room::ConnectionId;
use sfu_core::rtp::rtcp;
use sfu_core::sdp::{Direction, SectionKind};
use sfu_core::transport::TransportEvent;
use sfu_protocol::proto::{self, signal_request, signal_response};
use sfu_protocol::{Connect, Mode};

use crate::media::{Sink, Source};
use crate::session::{Dialect, Feedback, Session};

const REPORT_INTERVAL: Duration = Duration::from_millis(500);
const NACK_INTERVAL: Duration = Duration::from_millis(10);

pub(crate) struct Client {
    pub(crate) identity: String,
    pub(crate) mode: Mode,
    pub(crate) dialect: Dialect,
    pub(crate) connection: ConnectionId,
    pub(crate) sid: String,
    /// Offers in the single mode; publishes in the dual mode.
    pub(crate) publisher: Session,
    /// Dual mode only.
    pub(crate) subscriber: Option<Session>,
    pub(crate) sources: Vec<Source>,
    pub(crate) people: BTreeMap<String, proto::ParticipantInfo>,
    pub(crate) speakers: BTreeMap<String, f32>,
    pub(crate) told: Vec<signal_response::Message>,
    pub(crate) closed: bool,
    asks: Vec<signal_request::Message>,
    offer_id: u32,
    /// An offer waits for its answer; another one is wanted after it.
    negotiating: bool,
    again: bool,
    check_nacks: Option<Instant>,
}

impl Client {
    pub(crate) fn new(
        identity: &str,
        mode: Mode,
        dialect: Dialect,
        address: SocketAddr,
        connection: ConnectionId,
        now: Instant,
    ) -> Client {
        let seed = connection.0;
        let mut publisher = Session::new(dialect, address, true, seed, now);
        if mode == Mode::Single {
            for kind in [SectionKind::Audio, SectionKind::Video] {
                for _ in 0..3 {
                    publisher.wish(kind, Direction::RecvOnly);
                }
            }
        }
        publisher.wish(SectionKind::Application, Direction::SendRecv);
        let subscriber = (mode == Mode::Dual).then(|| {
            let address = SocketAddr::new(address.ip(), address.port() + 1);
            Session::new(dialect, address, false, seed, now)
        });
        Client {
            identity: identity.to_owned(),
            mode,
            dialect,
            connection,
            sid: String::new(),
            publisher,
            subscriber,
            sources: Vec::new(),
            people: BTreeMap::new(),
            speakers: BTreeMap::new(),
            told: Vec::new(),
            closed: false,
            asks: Vec::new(),
            offer_id: 0,
            negotiating: false,
            again: false,
            check_nacks: Some(now),
        }
    }

    /// What it opens its socket with.
    pub(crate) fn connect(&mut self) -> Connect {
        let mut connect = Connect::new(self.mode);
        connect.auto_subscribe = true;
        connect.client = proto::ClientInfo { protocol: 16, client_protocol: 1, ..Default::default() };
        if self.dialect == Dialect::Firefox {
            "firefox".clone_into(&mut connect.client.browser);
        }
        if self.mode == Mode::Single {
            connect.publisher_offer = Some(self.describe());
            self.negotiating = true;
        }
        connect
    }

    fn describe(&mut self) -> proto::SessionDescription {
        self.offer_id += 1;
        proto::SessionDescription {
            r#type: "offer".to_owned(),
            sdp: self.publisher.offer(),
            id: self.offer_id,
            ..Default::default()
        }
    }

    pub(crate) fn ask(&mut self, message: signal_request::Message) {
        self.asks.push(message);
    }

    pub(crate) fn take_asks(&mut self) -> Vec<signal_request::Message> {
        std::mem::take(&mut self.asks)
    }

    pub(crate) fn negotiate(&mut self) {
        if self.negotiating {
            self.again = true;
        } else {
            self.negotiating = true;
            let offer = self.describe();
            self.ask(signal_request::Message::Offer(offer));
        }
    }

    /// An answer that is due was lost with the socket.
    pub(crate) fn restart_negotiation(&mut self) {
        self.negotiating = false;
        self.negotiate();
    }

    /// Announces a track; its section is offered once the server has named it.
    pub(crate) fn publish(&mut self, kind: Kind, rids: &[&'static str]) -> usize {
        let index = self.sources.len();
        let number = (self.connection.0 as u16) * 16 + index as u16;
        let cid = format!("cid-{}-{index}", self.identity);
        self.sources.push(Source::new(
            number,
            kind,
            cid.clone(),
            rids,
            self.connection.0 * 1000 + index as u64,
        ));
        let (r#type, source) = match kind {
            Kind::Audio => (proto::TrackType::Audio, proto::TrackSource::Microphone),
            Kind::Video => (proto::TrackType::Video, proto::TrackSource::Camera),
        };
        let layer = |quality: proto::VideoQuality, width| proto::VideoLayer {
            quality: quality as i32,
            width,
            height: width * 9 / 16,
            ..Default::default()
        };
        let all = [
            layer(proto::VideoQuality::Low, 320),
            layer(proto::VideoQuality::Medium, 640),
            layer(proto::VideoQuality::High, 1280),
        ];
        self.ask(signal_request::Message::AddTrack(proto::AddTrackRequest {
            cid,
            name: format!("{kind:?}"),
            r#type: r#type as i32,
            source: source as i32,
            width: 1280,
            height: 720,
            layers: if rids.is_empty() { Vec::new() } else { all.to_vec() },
            ..Default::default()
        }));
        index
    }

    pub(crate) fn mute(&mut self, source: usize, muted: bool) {
        self.sources[source].muted = muted;
        let sid = self.sources[source].sid.clone().expect("the track has a name");
        self.ask(signal_request::Message::Mute(proto::MuteTrackRequest { sid, muted }));
    }

    pub(crate) fn hear(&mut self, message: signal_response::Message, now: Instant) {
        use signal_response::Message;
        match &message {
            Message::Join(join) => {
                self.sid.clone_from(&join.participant.as_ref().expect("own info").sid);
                self.note(&join.other_participants);
            }
            Message::Update(update) => self.note(&update.participants),
            Message::SpeakersChanged(changed) => {
                for speaker in &changed.speakers {
                    self.speakers.insert(speaker.sid.clone(), speaker.level);
                }
            }
            Message::TrackPublished(published) => {
                let sid = published.track.as_ref().expect("a track").sid.clone();
                let source = self.sources.iter_mut().find(|source| source.cid == published.cid);
                let source = source.expect("a track we announced");
                source.sid = Some(sid);
                source.mid = self.publisher.wish_to_send(source);
                self.negotiate();
            }
            Message::Answer(answer) => {
                assert_eq!(answer.id, self.offer_id, "the answer is to another offer");
                self.publisher.apply(&answer.sdp, &answer.mid_to_track_id, &mut self.sources, now);
                self.negotiating = false;
                for source in self.sources.iter_mut().filter(|source| source.pt != 0) {
                    source.start(now);
                }
                if std::mem::take(&mut self.again) {
                    self.negotiate();
                }
            }
            Message::Offer(offer) => {
                let subscriber = self.subscriber.as_mut().expect("offers come in the dual mode only");
                let description = subscriber.apply(&offer.sdp, &HashMap::new(), &mut [], now);
                let sdp = subscriber.answer(&description);
                let id = offer.id;
                self.ask(signal_request::Message::Answer(proto::SessionDescription {
                    r#type: "answer".to_owned(),
                    sdp,
                    id,
                    ..Default::default()
                }));
            }
            Message::MediaSectionsRequirement(requirement) => {
                for _ in 0..requirement.num_audios {
                    self.publisher.wish(SectionKind::Audio, Direction::RecvOnly);
                }
                for _ in 0..requirement.num_videos {
                    self.publisher.wish(SectionKind::Video, Direction::RecvOnly);
                }
                self.negotiate();
            }
            _ => {}
        }
        self.told.push(message);
    }

    fn note(&mut self, people: &[proto::ParticipantInfo]) {
        for person in people {
            let known = self.people.get(&person.sid);
            assert!(known.is_none_or(|known| known.version <= person.version), "versions must rise");
            if person.state() == proto::participant_info::State::Disconnected {
                self.people.remove(&person.sid);
            } else {
                self.people.insert(person.sid.clone(), person.clone());
            }
        }
    }

    fn sessions(&mut self) -> impl Iterator<Item = &mut Session> {
        [Some(&mut self.publisher), self.subscriber.as_mut()].into_iter().flatten()
    }

    pub(crate) fn downlink(&self) -> &Session {
        self.subscriber.as_ref().unwrap_or(&self.publisher)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.downlink().is_connected()
    }

    /// The track of another, if it is being received.
    pub(crate) fn sink(&self, sid: &str) -> Option<&Sink> {
        self.downlink().sinks.values().find(|sink| sink.track_sid == sid)
    }

    pub(crate) fn data(&self, wanted: Channel) -> Vec<proto::DataPacket> {
        use prost::Message;
        self.downlink()
            .events
            .iter()
            .filter_map(|event| match event {
                TransportEvent::Data { channel, payload } if *channel == wanted => {
                    Some(proto::DataPacket::decode(payload.clone()).expect("a data packet"))
                }
                _ => None,
            })
            .collect()
    }

    pub(crate) fn send_data(&mut self, channel: Channel, packet: &proto::DataPacket, now: Instant) {
        use prost::Message;
        self.publisher.transport.send_data(channel, Bytes::from(packet.encode_to_vec()), now);
    }

    pub(crate) fn owns(&self, address: SocketAddr) -> bool {
        self.publisher.address == address
            || self.subscriber.as_ref().is_some_and(|session| session.address == address)
    }

    pub(crate) fn receive(&mut self, from: SocketAddr, to: SocketAddr, datagram: &mut [u8], now: Instant) {
        let session = self.sessions().find(|session| session.address == to).expect("it is ours");
        let feedback = session.receive(from, datagram, now);
        let mut out = Vec::new();
        for one in feedback {
            for source in &mut self.sources {
                match one {
                    Feedback::Key(ssrc) => source.ask_for_key_frame(ssrc),
                    Feedback::Lost(ssrc, sequence) => {
                        out.extend(self.publisher.send(|out| source.resend(ssrc, sequence, out)));
                    }
                }
            }
        }
        self.post(out);
    }

    fn post(&mut self, datagrams: Vec<Vec<u8>>) {
        self.publisher.outbox.extend(datagrams);
    }

    pub(crate) fn poll_timeout(&mut self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let sources = self.sources.iter().filter_map(Source::due).filter(|_| self.publisher.is_open()).min();
        let checks = self.check_nacks;
        self.sessions()
            .filter_map(|session| session.transport.poll_timeout())
            .chain(sources)
            .chain(checks)
            .min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for session in self.sessions() {
            if session.transport.poll_timeout().is_some_and(|at| at <= now) {
                session.transport.handle_timeout(now);
            }
        }
        if self.publisher.is_open() {
            for source in &mut self.sources {
                let datagrams = self.publisher.send(|out| source.send(now, out));
                self.publisher.outbox.extend(datagrams);
            }
        }
        if self.check_nacks.is_some_and(|at| at <= now) {
            self.check_nacks = Some(now + NACK_INTERVAL);
            self.reports(now);
        }
    }

    fn reports(&mut self, now: Instant) {
        let reports: Vec<(u32, u32, u32, u32)> = self
            .sources
            .iter()
            .filter(|source| source.started && !source.muted)
            .flat_map(Source::reports)
            .collect();
        let publishes = self.publisher.reports_at.is_none_or(|at| now >= at + REPORT_INTERVAL);
        if publishes && self.publisher.is_open() {
            self.publisher.reports_at = Some(now);
            for (ssrc, timestamp, packets, octets) in reports {
                let mut plain = [0; 128];
                let mut writer = rtcp::Writer::new(&mut plain);
                writer.sender_report(ssrc, u64::from(timestamp) << 20, timestamp, packets, octets);
                writer.cname(ssrc, "x");
                let length = writer.len();
                let datagrams = self.publisher.send(|out| out.rtcp(&plain[..length]));
                self.publisher.outbox.extend(datagrams);
            }
        }
        for session in self.sessions() {
            let mut plain = vec![0; 2048];
            let mut writer = rtcp::Writer::new(&mut plain);
            for sink in session.sinks.values_mut() {
                let lost = sink.nacks(now);
                if !lost.is_empty() {
                    if writer.is_empty() {
                        writer.receiver_report(1, &[]);
                    }
                    writer.nack(1, sink.ssrc, &lost);
                }
                if sink.wants_key_frame(now) {
                    if writer.is_empty() {
                        writer.receiver_report(1, &[]);
                    }
                    writer.pli(1, sink.ssrc);
                }
            }
            let length = writer.len();
            if length > 0 {
                let datagrams = session.send(|out| out.rtcp(&plain[..length]));
                session.outbox.extend(datagrams);
            }
        }
    }

    /// Datagrams that want to leave: from, to, bytes.
    pub(crate) fn take_datagrams(&mut self) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        let mut all = Vec::new();
        for session in self.sessions() {
            while let Some((to, datagram)) = session.transport.poll_transmit() {
                all.push((session.address, to, datagram.to_vec()));
            }
            session.take_events();
            let target = session.transport.destination();
            for datagram in std::mem::take(&mut session.outbox) {
                if let Some(to) = target {
                    all.push((session.address, to, datagram));
                }
            }
        }
        all
    }
}
