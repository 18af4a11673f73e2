//! Two clients with real sockets meet in a room: ICE, DTLS, SRTP and data channels end to end, over
//! the same sans-IO transport that the server uses.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use sfu::{Config, RoomEvent, RoomOptions, Session, SessionMessage, Sfu};
use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::{Channel, ChannelSetup, Codec, IceCredentials, SsrcInfo};
use sfu_core::rtp::Header;
use sfu_core::sdp::{
    self, DescriptionKind, Direction, LocalDescription, LocalSection, LocalSource, SectionKind, Setup,
};
use sfu_core::srtp::{Opener, Sealer};
use sfu_core::transport::{Demux, Transport, TransportConfig, TransportEvent, demux};
use sfu_protocol::proto::{
    self, DataPacket, UserPacket, data_packet, signal_request, signal_response::Message,
};
use sfu_protocol::{Claims, Connect, Mode, VideoGrant};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);
const SSRC: u32 = 0x00c0_ffee;

struct Client {
    session: Session,
    transport: Transport,
    socket: UdpSocket,
    address: SocketAddr,
    credentials: IceCredentials,
    certificate: Certificate,
    sections: Vec<LocalSection>,
    offers: u32,
    answered: u32,
    connected: bool,
    channels_open: bool,
    keys: Option<(Sealer, Opener)>,
    /// Decrypted packets: header and payload.
    packets: Vec<(Header, Vec<u8>)>,
    data: Vec<DataPacket>,
    told: Vec<Message>,
}

fn audio(mid: &str, direction: Direction, track: &str) -> LocalSection {
    let source = (direction == Direction::SendOnly).then(|| LocalSource {
        stream: "-".into(),
        track: track.into(),
        ssrc: SsrcInfo { ssrc: SSRC, rtx_ssrc: None },
        cname: "me".into(),
    });
    LocalSection {
        mid: mid.into(),
        kind: SectionKind::Audio,
        direction,
        rejected: false,
        codecs: sdp::offer_codecs(&[Codec::Opus], sfu_core::media::Kind::Audio),
        extensions: sdp::offer_extensions(sfu_core::media::Kind::Audio),
        source,
        receive_rids: Vec::new(),
    }
}

impl Client {
    /// Joins in the single mode; with `track`, publishes it in the first offer.
    async fn join(sfu: &Sfu, identity: &str, track: Option<&str>) -> Client {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut chance = Chance::new([identity.len() as u8; 32]);
        let credentials = chance.ice_credentials();
        let certificate = Certificate::generate().unwrap();
        let config = TransportConfig {
            local: credentials.clone(),
            controlling: true,
            channels: ChannelSetup::Local,
            certificate: certificate.clone(),
            candidates: vec![address],
        };
        let transport = Transport::new(config, Instant::now()).unwrap();
        let mut sections =
            vec![LocalSection::application("data".into()), audio("in", Direction::RecvOnly, "")];
        sections.extend(track.map(|track| audio("out", Direction::SendOnly, track)));
        let add_tracks = track.map(|cid| proto::AddTrackRequest {
            cid: cid.into(),
            source: proto::TrackSource::Microphone as i32,
            ..Default::default()
        });
        let offer = offer(1, address, &credentials, &certificate, &sections);
        let connect = Connect {
            mode: Mode::Single,
            auto_subscribe: true,
            adaptive_stream: false,
            disable_ice_lite: false,
            reconnect: None,
            client: proto::ClientInfo { protocol: 16, ..Default::default() },
            metadata: String::new(),
            attributes: HashMap::new(),
            add_tracks: add_tracks.into_iter().collect(),
            publisher_offer: Some(offer),
            sync_state: None,
        };
        let video = VideoGrant { room_join: true, ..Default::default() };
        let claims = Claims { sub: identity.into(), video: Some(video), ..Default::default() };
        let options = RoomOptions {
            name: "hall".into(),
            metadata: String::new(),
            empty_timeout: Duration::from_mins(5),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        };
        let session = sfu.join(options, claims, connect).await.expect("a free seat");
        Client {
            session,
            transport,
            socket,
            address,
            credentials,
            certificate,
            sections,
            offers: 1,
            answered: 0,
            connected: false,
            channels_open: false,
            keys: None,
            packets: Vec::new(),
            data: Vec::new(),
            told: Vec::new(),
        }
    }

    async fn signal(&mut self, message: Message) {
        match &message {
            Message::Answer(answer) => {
                self.answered = answer.id;
                let description = sdp::parse(&answer.sdp).unwrap();
                let remote = description.remote_transport(description.setup.our_role());
                self.transport.connect(remote, Instant::now());
            }
            Message::MediaSectionsRequirement(_) => {
                self.offers += 1;
                let offer =
                    offer(self.offers, self.address, &self.credentials, &self.certificate, &self.sections);
                let message = Some(signal_request::Message::Offer(offer));
                self.session.requests.send(proto::SignalRequest { message }).await.unwrap();
            }
            _ => {}
        }
        self.told.push(message);
    }

    fn receive(&mut self, source: SocketAddr, datagram: &mut [u8]) {
        match demux(datagram) {
            Demux::Stun | Demux::Dtls => {
                self.transport.receive(source, self.address, datagram, Instant::now());
            }
            Demux::Rtp => {
                let header = Header::parse(datagram).expect("a whole header");
                let (_, opener) = self.keys.as_mut().expect("keys before media");
                let end = opener.rtp(datagram, header.len).expect("authentic");
                self.packets.push((header, datagram[header.len..end].to_vec()));
            }
            Demux::Rtcp | Demux::Unknown => {}
        }
    }

    async fn drain(&mut self) {
        while let Some((to, datagram)) = self.transport.poll_transmit() {
            self.socket.send_to(&datagram, to).await.unwrap();
        }
        while let Some(event) = self.transport.poll_event() {
            match event {
                TransportEvent::Connected => self.connected = true,
                TransportEvent::ChannelsOpen => self.channels_open = true,
                TransportEvent::Keys(keys) => {
                    let sealer = Sealer::new(keys.profile, &keys.local_key, &keys.local_salt).unwrap();
                    let opener = Opener::new(keys.profile, &keys.remote_key, &keys.remote_salt).unwrap();
                    self.keys = Some((sealer, opener));
                }
                TransportEvent::Data { payload, .. } => self.data.push(DataPacket::decode(payload).unwrap()),
                TransportEvent::Failed(reason) => panic!("transport failed: {reason:?}"),
                TransportEvent::Reachable(_) | TransportEvent::Disconnected => {}
            }
        }
    }

    /// One step: whatever comes first of socket, signalling and time, but no longer than `at_most`.
    async fn step(&mut self, at_most: Duration) {
        self.drain().await;
        let wake =
            self.transport.poll_timeout().unwrap_or(Instant::now() + at_most).min(Instant::now() + at_most);
        let mut buffer = [0; 2000];
        tokio::select! {
            received = self.socket.recv_from(&mut buffer) => {
                let (length, source) = received.unwrap();
                self.receive(source, &mut buffer[..length]);
            }
            Some(message) = self.session.responses.recv() => {
                if let SessionMessage::Signal(response) = message && let Some(message) = response.message {
                    self.signal(message).await;
                }
            }
            () = tokio::time::sleep_until(wake.into()) => self.transport.handle_timeout(Instant::now()),
        }
        self.drain().await;
    }

    async fn send_rtp(&mut self, sequence: u16, payload: &[u8]) {
        let mut packet = vec![0; 1500];
        packet[0] = 0x80;
        packet[1] = 111;
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(sequence) * 960).to_be_bytes());
        packet[8..12].copy_from_slice(&SSRC.to_be_bytes());
        let (sealer, _) = self.keys.as_ref().expect("keys");
        let length = sealer.rtp(&mut packet, 12, payload, 0, u64::from(sequence)).unwrap();
        let to = self.transport.destination().expect("a pair");
        self.socket.send_to(&packet[..length], to).await.unwrap();
    }
}

fn offer(
    id: u32,
    address: SocketAddr,
    credentials: &IceCredentials,
    certificate: &Certificate,
    sections: &[LocalSection],
) -> proto::SessionDescription {
    let description = LocalDescription {
        session_id: 1,
        version: u64::from(id),
        kind: DescriptionKind::Offer,
        ice: credentials.clone(),
        fingerprint: certificate.fingerprint().clone(),
        setup: Setup::ActPass,
        candidates: vec![address],
        sections: sections.to_vec(),
    };
    proto::SessionDescription { r#type: "offer".into(), sdp: description.to_sdp(), id, ..Default::default() }
}

/// Lets both clients run until something is true.
async fn until(
    anna: &mut Client,
    ben: &mut Client,
    what: &str,
    mut done: impl FnMut(&Client, &Client) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    while !done(anna, ben) {
        assert!(Instant::now() < deadline, "not in time: {what}");
        let step = Duration::from_millis(20);
        tokio::join!(anna.step(step), ben.step(step));
    }
}

async fn start() -> (Sfu, mpsc::Receiver<RoomEvent>) {
    let (events, receiver) = mpsc::channel(64);
    let config = Config {
        udp_port: 0,
        shards: 1,
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        advertise: Vec::new(),
        node_id: "ND_test".into(),
        region: String::new(),
        version: "1.9.0".into(),
        ice_servers: Vec::new(),
    };
    (Sfu::start(config, events).await.unwrap(), receiver)
}

#[tokio::test]
async fn audio_and_data_of_one_reach_the_other() {
    let (sfu, mut events) = start().await;
    let mut anna = Client::join(&sfu, "anna", Some("mic")).await;
    let mut ben = Client::join(&sfu, "ben", None).await;
    until(&mut anna, &mut ben, "both connected", |a, b| a.connected && b.connected).await;

    // Media starts: the room learns of the track and asks Ben to make room for it.
    let mut sequence = 0_u16;
    let deadline = Instant::now() + PATIENCE;
    while ben.packets.len() < 20 {
        assert!(Instant::now() < deadline, "no packets in time");
        anna.send_rtp(sequence, &[sequence as u8; 80]).await;
        sequence += 1;
        let step = Duration::from_millis(10);
        tokio::join!(anna.step(step), ben.step(step));
    }
    assert_eq!(ben.answered, ben.offers, "answers echo the offer's id");
    let ssrc = ben.packets[0].0.ssrc;
    for pair in ben.packets.windows(2) {
        let [(first, a), (second, b)] = pair else { unreachable!() };
        assert_eq!((second.ssrc, second.pt), (ssrc, 111));
        let gap = second.sequence.wrapping_sub(first.sequence);
        assert_eq!(b[0].wrapping_sub(a[0]), gap as u8, "what arrives is what was sent, in order");
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), u32::from(gap) * 960);
        assert!(b.len() == 80 && b.iter().all(|byte| *byte == b[0]));
    }
    assert!(anna.packets.is_empty(), "nobody hears herself");

    until(&mut anna, &mut ben, "channels", |a, b| a.channels_open && b.channels_open).await;
    let user = UserPacket { payload: b"hello".to_vec(), ..Default::default() };
    let packet = DataPacket { value: Some(data_packet::Value::User(user)), ..Default::default() };
    anna.transport.send_data(Channel::Reliable, Bytes::from(packet.encode_to_vec()), Instant::now());
    until(&mut anna, &mut ben, "data", |_, b| !b.data.is_empty()).await;
    assert_eq!(ben.data[0].participant_identity, "anna");

    let joined = |event: &RoomEvent| matches!(event, RoomEvent::ParticipantJoined { .. });
    let published = |event: &RoomEvent| matches!(event, RoomEvent::TrackPublished { .. });
    let seen: Vec<RoomEvent> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    assert_eq!(seen.iter().filter(|event| joined(event)).count(), 2);
    assert_eq!(seen.iter().filter(|event| published(event)).count(), 1);
    sfu.shutdown().await;
}
