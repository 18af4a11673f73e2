//! A shard, its clients, and the packets they exchange.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::certificate::Certificate;
use crate::ids::Chance;
use crate::media::*;
use crate::rtp::Header;
use crate::rtp::rtcp::{Compound, Packet, Writer};
use crate::shard::{Shard, ShardConfig};
use crate::srtp::{Opener, Profile, Sealer};
use crate::transport::{Demux, SrtpKeys, demux};

pub(super) static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| Certificate::generate().unwrap());
pub(super) const LOCAL: &str = "10.0.0.1:7882";
pub(super) const ROOM: u64 = 7;

pub(super) struct Lab {
    pub(super) shard: Shard,
    pub(super) now: Instant,
    pub(super) clients: Vec<Client>,
    pub(super) events: Vec<Event>,
    /// Datagrams in a run, for each transmit.
    pub(super) runs: Vec<usize>,
}

pub(super) struct Client {
    pub(super) transport: TransportId,
    pub(super) address: SocketAddr,
    pub(super) sealer: Sealer,
    opener: Opener,
    /// Every RTP packet received.
    pub(super) rtp: Vec<Received>,
    /// Every RTCP compound received.
    pub(super) rtcp: Vec<Vec<u8>>,
    /// Sealed as it came.
    pub(super) raw: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) header: Header,
    pub(super) payload: Vec<u8>,
    pub(super) elements: Vec<(u8, Vec<u8>)>,
}

/// A packet as a publisher would send it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) pt: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    pub(super) marker: bool,
    pub(super) elements: Vec<(u8, Vec<u8>)>,
    pub(super) payload: Vec<u8>,
    pub(super) padding: u8,
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![
            0x80 | u8::from(self.padding > 0) << 5 | u8::from(!self.elements.is_empty()) << 4,
            self.pt | u8::from(self.marker) << 7,
        ];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        if !self.elements.is_empty() {
            let mut block = Vec::new();
            for (id, data) in &self.elements {
                block.push(id << 4 | (data.len() - 1) as u8);
                block.extend(data);
            }
            block.resize(block.len().next_multiple_of(4), 0);
            bytes.extend([0xbe, 0xde]);
            bytes.extend(((block.len() / 4) as u16).to_be_bytes());
            bytes.extend(block);
        }
        bytes.extend(&self.payload);
        if self.padding > 0 {
            bytes.resize(bytes.len() + usize::from(self.padding) - 1, 0);
            bytes.push(self.padding);
        }
        bytes
    }
}

impl Lab {
    pub(super) fn new(clients: usize) -> Lab {
        Lab::with_profile(clients, Profile::AeadAes128Gcm)
    }

    pub(super) fn with_profile(clients: usize, profile: Profile) -> Lab {
        let now = Instant::now();
        let shard = Shard::new(ShardConfig {
            certificate: CERTIFICATE.clone(),
            candidates: vec![LOCAL.parse().unwrap()],
            chance: Chance::new([1; 32]),
            epoch: (now, Duration::from_secs(1_800_000_001)),
        });
        let mut lab = Lab { shard, now, clients: Vec::new(), events: Vec::new(), runs: Vec::new() };
        for index in 0..clients {
            lab.join(index, profile);
        }
        lab
    }

    fn join(&mut self, index: usize, profile: Profile) {
        let transport = TransportId(100 + index as u64);
        let address: SocketAddr = format!("10.0.1.{}:5000", index + 1).parse().unwrap();
        let bytes = |seed: u8, length: usize| (0..length).map(|n| seed ^ n as u8).collect::<Vec<u8>>();
        let seed = index as u8 * 4;
        let keys = SrtpKeys {
            profile,
            local_key: bytes(seed, profile.key_len()),
            local_salt: bytes(seed + 1, profile.salt_len()),
            remote_key: bytes(seed + 2, profile.key_len()),
            remote_salt: bytes(seed + 3, profile.salt_len()),
        };
        let client = Client {
            transport,
            address,
            sealer: Sealer::new(profile, &keys.remote_key, &keys.remote_salt).unwrap(),
            opener: Opener::new(profile, &keys.local_key, &keys.local_salt).unwrap(),
            rtp: Vec::new(),
            rtcp: Vec::new(),
            raw: Vec::new(),
        };
        let local =
            IceCredentials { ufrag: format!("ufrag{index}"), pwd: "password-of-sufficient-length".into() };
        self.command(Command::Open {
            transport,
            room: ROOM,
            local,
            controlling: false,
            channels: ChannelSetup::Peer,
        });
        self.shard.adopt(self.now, transport, address, keys);
        self.clients.push(client);
    }

    pub(super) fn command(&mut self, command: Command) {
        self.shard.command(self.now, command);
        self.drain();
    }

    /// Hands in a packet without draining, as within one wake-up.
    pub(super) fn push(&mut self, client: usize, sent: &Sent) {
        self.push_at(client, sent, u64::from(sent.sequence));
    }

    pub(super) fn push_at(&mut self, client: usize, sent: &Sent, index: u64) {
        let plain = sent.bytes();
        let header_len = Header::parse(&plain).unwrap().len;
        let mut out = vec![0; plain.len() + 16];
        out[..header_len].copy_from_slice(&plain[..header_len]);
        let client = &self.clients[client];
        let length = client.sealer.rtp(&mut out, header_len, &plain[header_len..], 0, index).unwrap();
        self.shard.datagram(self.now, client.address, LOCAL.parse().unwrap(), &mut out[..length]);
    }

    pub(super) fn send(&mut self, client: usize, sent: &Sent) {
        self.push(client, sent);
        self.drain();
    }

    pub(super) fn send_rtcp(&mut self, client: usize, fill: impl FnOnce(&mut Writer<'_>)) {
        let mut plain = [0; 1200];
        let mut writer = Writer::new(&mut plain);
        fill(&mut writer);
        let length = writer.len();
        let client = &mut self.clients[client];
        let mut out = [0; 1300];
        let length = client.sealer.rtcp(&plain[..length], &mut out).unwrap();
        self.shard.datagram(self.now, client.address, LOCAL.parse().unwrap(), &mut out[..length]);
        self.drain();
    }

    /// Lets time pass, with every timer at its time.
    pub(super) fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1_000_000 {
            let Some(due) = self.shard.poll_timeout().filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            self.shard.timeout(self.now);
            self.drain();
        }
        panic!("time stands still");
    }

    pub(super) fn advance_ms(&mut self, ms: u64) {
        self.advance(Duration::from_millis(ms));
    }

    pub(super) fn drain(&mut self) {
        while let Some(event) = self.shard.poll_event() {
            self.events.push(event);
        }
        while let Some(transmit) = self.shard.poll_transmit() {
            let size = transmit.segment_size.unwrap_or(transmit.payload.len());
            self.runs.push(transmit.payload.chunks(size).count());
            let Some(client) = self.clients.iter_mut().find(|client| client.address == transmit.destination)
            else {
                continue;
            };
            for datagram in transmit.payload.chunks(size) {
                client.take(datagram);
            }
        }
    }

    /// Publishes from client 0.
    pub(super) fn publish(&mut self, track: u64, section: ReceiveSection) -> TrackId {
        let track = TrackId(track);
        let transport = self.clients[0].transport;
        self.command(Command::Receive { transport, track, section });
        track
    }

    pub(super) fn subscribe(&mut self, client: usize, track: TrackId, params: SendParams) -> SendId {
        let send = SendId(track.0 * 100 + client as u64);
        let transport = self.clients[client].transport;
        self.command(Command::Send { transport, send, track, params });
        send
    }

    pub(super) fn select(&mut self, send: SendId, selection: Selection) {
        self.command(Command::Select { send, selection });
    }

    /// SSRCs that were asked for a key frame, over all of a client's time.
    pub(super) fn key_requests(&self, client: usize) -> Vec<u32> {
        self.feedback(client, |packet| match packet {
            Packet::Pli { media } => Some(media),
            _ => None,
        })
    }

    /// Something read from every RTCP packet a client received.
    pub(super) fn feedback<T>(&self, client: usize, mut read: impl FnMut(Packet<'_>) -> Option<T>) -> Vec<T> {
        self.clients[client]
            .rtcp
            .iter()
            .flat_map(|bytes| Compound::new(bytes))
            .filter_map(&mut read)
            .collect()
    }
}

impl Client {
    fn take(&mut self, datagram: &[u8]) {
        self.raw.push(datagram.to_vec());
        let mut bytes = datagram.to_vec();
        match demux(datagram) {
            Demux::Rtp => {
                let header = Header::parse(&bytes).unwrap();
                let Ok(length) = self.opener.rtp(&mut bytes, header.len) else { return };
                let packet = &bytes[..length];
                self.rtp.push(Received {
                    header,
                    payload: packet[header.payload(packet).unwrap()].to_vec(),
                    elements: header.elements(packet).map(|(id, data)| (id, data.to_vec())).collect(),
                });
            }
            Demux::Rtcp => {
                let length = self.opener.rtcp(&mut bytes).unwrap();
                self.rtcp.push(bytes[..length].to_vec());
            }
            _ => {}
        }
    }

    /// Packets of one stream, in the order of arrival.
    pub(super) fn stream(&self, ssrc: u32) -> Vec<&Received> {
        self.rtp.iter().filter(|packet| packet.header.ssrc == ssrc).collect()
    }

    pub(super) fn sequences(&self, ssrc: u32) -> Vec<u16> {
        self.stream(ssrc).iter().map(|packet| packet.header.sequence).collect()
    }
}

/// Every number follows the one before.
pub(super) fn is_continuous(sequences: &[u16]) -> bool {
    sequences.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1))
}

pub(super) fn codec(codec: Codec, pt: u8, rtx_pt: Option<u8>) -> CodecParams {
    let audio = codec.kind() == Kind::Audio;
    CodecParams {
        codec,
        pt,
        clock_rate: if audio { 48_000 } else { 90_000 },
        channels: if audio { 2 } else { 0 },
        fmtp: String::new(),
        rtx_pt,
        feedback: vec!["nack".into(), "nack pli".into()],
    }
}

pub(super) const PUB_MID: u8 = 4;
pub(super) const PUB_RID: u8 = 10;
pub(super) const PUB_REPAIRED: u8 = 11;
pub(super) const PUB_LEVEL: u8 = 1;
pub(super) const PUB_TWCC: u8 = 3;
pub(super) const PUB_CAPTURE: u8 = 5;
pub(super) const SUB_MID: u8 = 9;
pub(super) const SUB_CAPTURE: u8 = 2;

fn publisher_ids() -> ExtensionIds {
    ExtensionIds {
        mid: PUB_MID,
        rid: PUB_RID,
        repaired_rid: PUB_REPAIRED,
        audio_level: PUB_LEVEL,
        transport_cc: PUB_TWCC,
        abs_capture_time: PUB_CAPTURE,
        ..ExtensionIds::default()
    }
}

fn subscriber_ids() -> ExtensionIds {
    ExtensionIds { mid: SUB_MID, abs_capture_time: SUB_CAPTURE, ..ExtensionIds::default() }
}

pub(super) fn audio_section(ssrc: u32) -> ReceiveSection {
    ReceiveSection {
        mid: "0".into(),
        kind: Kind::Audio,
        codecs: vec![codec(Codec::Opus, 111, None)],
        extensions: publisher_ids(),
        rids: vec![],
        ssrcs: vec![SsrcInfo { ssrc, rtx_ssrc: None }],
    }
}

pub(super) fn video_section(rids: &[&str]) -> ReceiveSection {
    ReceiveSection {
        mid: "1".into(),
        kind: Kind::Video,
        codecs: vec![codec(Codec::Vp8, 96, Some(97))],
        extensions: publisher_ids(),
        rids: rids.iter().map(|rid| (*rid).to_owned()).collect(),
        ssrcs: vec![],
    }
}

pub(super) fn audio_params(ssrc: u32) -> SendParams {
    SendParams {
        mid: "a5".into(),
        kind: Kind::Audio,
        ssrc,
        rtx_ssrc: None,
        codecs: vec![codec(Codec::Opus, 63, None)],
        extensions: subscriber_ids(),
        cname: "someone".into(),
    }
}

pub(super) fn video_params(ssrc: u32) -> SendParams {
    SendParams {
        mid: "v6".into(),
        kind: Kind::Video,
        ssrc,
        rtx_ssrc: Some(ssrc + 1),
        codecs: vec![codec(Codec::H264, 100, Some(101)), codec(Codec::Vp8, 120, Some(121))],
        extensions: subscriber_ids(),
        cname: "someone".into(),
    }
}

pub(super) fn audio(sequence: u16) -> Sent {
    Sent {
        pt: 111,
        sequence,
        timestamp: u32::from(sequence) * 960,
        ssrc: 1111,
        marker: false,
        elements: vec![(PUB_MID, b"0".to_vec()), (PUB_LEVEL, vec![0x94])],
        payload: vec![sequence as u8; 80],
        padding: 0,
    }
}

/// A VP8 packet of a simulcast layer; a frame of `frame` number, first or later packet of it.
pub(super) fn vp8(layer: &str, sequence: u16, frame: u16, first: bool, key: bool, marker: bool) -> Sent {
    let index = match layer {
        "h" => 1,
        "f" => 2,
        _ => 0,
    };
    let id = (frame & 0x7fff | 0x8000).to_be_bytes();
    let mut payload = vec![0x80 | u8::from(first) << 4, 0x80 | 0x40, id[0], id[1], frame as u8];
    payload.push(u8::from(!key));
    payload.extend([index; 40]);
    let mut elements = vec![(PUB_MID, b"1".to_vec())];
    if !layer.is_empty() {
        elements.push((PUB_RID, layer.as_bytes().to_vec()));
    }
    Sent {
        pt: 96,
        sequence,
        timestamp: u32::from(index) * 1_000_000 + u32::from(frame) * 3000,
        ssrc: 2000 + u32::from(index),
        marker,
        elements,
        payload,
        padding: 0,
    }
}
