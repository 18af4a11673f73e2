//! Our side of SCTP and of the channel protocol against a plain `rtc-sctp` association.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier as Ppi, TransportConfig,
};
use rtc_shared::TransportProtocol;

use crate::media::{Channel, ChannelSetup, DtlsRole, SctpParams};
use crate::transport::sctp::{Sctp, SctpEvent};

/// Somebody else's stack, connected to ours without loss.
struct Other {
    now: Instant,
    ours: Sctp,
    endpoint: Endpoint,
    association: Association,
    handle: AssociationHandle,
    events: Vec<SctpEvent>,
    /// What the other side received: stream, kind, payload.
    got: Vec<(u16, Ppi, Vec<u8>)>,
}

const NOWHERE: &str = "10.0.0.9:9";

impl Other {
    fn new() -> Other {
        let now = Instant::now();
        let peer: SocketAddr = NOWHERE.parse().unwrap();
        let config = TransportConfig::default().with_max_message_size(64 * 1024 * 1024);
        let mut endpoint = Endpoint::new(peer, TransportProtocol::UDP, Arc::new(EndpointConfig::new()), None);
        let (handle, association) = endpoint.connect(now, ClientConfig::new(config), peer).unwrap();
        let params = SctpParams { port: 5000, max_message_size: Some(262_144) };
        let mut other = Other {
            now,
            ours: Sctp::new(params, ChannelSetup::Peer, DtlsRole::Server),
            endpoint,
            association,
            handle,
            events: Vec::new(),
            got: Vec::new(),
        };
        other.ours.start(now);
        other.run();
        assert!(!other.association.is_handshaking());
        other
    }

    /// Exchanges packets until nobody has any.
    fn run(&mut self) {
        for _ in 0..100_000 {
            let mut idle = true;
            while let Some(transmit) = self.association.poll_transmit(self.now) {
                let Payload::RawEncode(packets) = transmit.message else { continue };
                for packet in packets {
                    idle = false;
                    self.ours.receive(packet, self.now);
                }
            }
            while let Some(packet) = self.ours.poll_transmit() {
                idle = false;
                let peer: SocketAddr = NOWHERE.parse().unwrap();
                if let Some((handle, DatagramEvent::AssociationEvent(event))) =
                    self.endpoint.handle(self.now, peer, None, packet)
                {
                    assert_eq!(handle, self.handle);
                    self.association.handle_event(event);
                }
            }
            while let Some(event) = self.association.poll() {
                if let Event::Stream(rtc_sctp::StreamEvent::Readable { id }) = event {
                    while let Ok(Some(message)) = self.association.stream(id).unwrap().read_sctp() {
                        self.got.push((id, message.ppi, message.to_payload(1 << 20).unwrap().to_vec()));
                    }
                }
            }
            while let Some(event) = self.ours.poll_event() {
                self.events.push(event);
            }
            if idle {
                return;
            }
        }
        panic!("no end of packets");
    }

    /// Lets delayed acknowledgements and retransmissions happen.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let next =
                [self.association.poll_timeout(), self.ours.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            self.association.handle_timeout(self.now);
            self.ours.handle_timeout(self.now);
            self.run();
        }
        self.now = end;
    }

    fn write(&mut self, stream: u16, kind: Ppi, payload: &[u8]) {
        if self.association.stream(stream).is_err() {
            self.association.open_stream(stream, Ppi::Binary).unwrap();
        }
        let now = self.now;
        let payload = Bytes::copy_from_slice(payload);
        self.association.stream(stream).unwrap().write_chunk_with_ppi(now, &payload, kind).unwrap();
        self.run();
        self.pass(Duration::from_secs(1));
    }

    /// DATA_CHANNEL_OPEN of RFC 8832 section 5.1.
    fn open(&mut self, stream: u16, kind: u8, label: &str) {
        let mut message = vec![3, kind, 1, 0, 0, 0, 0, 0];
        message.extend((label.len() as u16).to_be_bytes());
        message.extend([0, 0]);
        message.extend(label.as_bytes());
        self.write(stream, Ppi::Dcep, &message);
    }

    fn received(&self) -> Vec<(Channel, Bytes)> {
        let data = |event: &SctpEvent| match event {
            SctpEvent::Data(channel, payload) => Some((*channel, payload.clone())),
            SctpEvent::Open => None,
        };
        self.events.iter().filter_map(data).collect()
    }

    fn send(&mut self, channel: Channel, payload: &'static [u8]) {
        self.ours.send(channel, Bytes::from_static(payload), self.now);
        self.run();
        self.pass(Duration::from_secs(1));
    }
}

#[test]
fn channels_are_found_by_their_labels() {
    let mut other = Other::new();
    other.open(2, 0x00, "_reliable");
    assert!(other.events.is_empty(), "one of two");
    other.open(0, 0x81, "_lossy");
    assert!(matches!(other.events[..], [SctpEvent::Open]));
    let acks: Vec<u16> =
        other.got.iter().filter(|got| got.1 == Ppi::Dcep && got.2 == [2]).map(|got| got.0).collect();
    assert_eq!(acks, [2, 0]);
    other.write(2, Ppi::Binary, b"one");
    other.write(0, Ppi::Binary, b"two");
    assert_eq!(
        other.received(),
        [(Channel::Reliable, Bytes::from_static(b"one")), (Channel::Lossy, Bytes::from_static(b"two"))]
    );
    other.send(Channel::Lossy, b"back");
    assert_eq!(other.got.last(), Some(&(0, Ppi::Binary, b"back".to_vec())));
}

#[test]
fn other_channels_are_acknowledged_and_ignored() {
    let mut other = Other::new();
    other.open(4, 0x81, "_data_track");
    assert_eq!(other.got, [(4, Ppi::Dcep, vec![2])]);
    other.write(4, Ppi::Binary, b"frame");
    other.write(6, Ppi::Binary, b"never opened");
    assert!(other.events.is_empty());
}

#[test]
fn prenegotiated_channels_show_themselves_by_their_first_message() {
    let mut other = Other::new();
    other.write(100, Ppi::Binary, b"r");
    other.write(101, Ppi::Binary, b"l");
    assert_eq!(
        other.received(),
        [(Channel::Reliable, Bytes::from_static(b"r")), (Channel::Lossy, Bytes::from_static(b"l"))]
    );
    other.send(Channel::Reliable, b"back");
    assert_eq!(other.got, [(100, Ppi::Binary, b"back".to_vec())]);
}

#[test]
fn a_channel_opened_again_replaces_the_one_before() {
    // Python's SDK gives up its prenegotiated channels for ones in band.
    let mut other = Other::new();
    other.write(100, Ppi::Binary, b"first");
    other.open(1, 0x00, "_reliable");
    other.send(Channel::Reliable, b"back");
    assert_eq!(other.got.last(), Some(&(1, Ppi::Binary, b"back".to_vec())));
}

#[test]
fn a_closed_channel_takes_no_more() {
    let mut other = Other::new();
    other.open(2, 0x00, "_reliable");
    other.open(4, 0x81, "_lossy");
    let now = other.now;
    other.association.stream(4).unwrap().close(now).unwrap();
    other.run();
    other.pass(Duration::from_secs(2));
    other.send(Channel::Lossy, b"late");
    assert_eq!(other.ours.dropped(), 1);
    other.send(Channel::Reliable, b"fine");
    assert_eq!(other.got.last(), Some(&(2, Ppi::Binary, b"fine".to_vec())));
}

#[test]
fn messages_beyond_the_limit_are_dropped_and_the_channel_lives() {
    let mut other = Other::new();
    other.open(2, 0x00, "_reliable");
    other.write(2, Ppi::Binary, &vec![1; 300_000]);
    assert_eq!(other.ours.dropped(), 1);
    other.write(2, Ppi::Binary, b"short");
    assert_eq!(other.received(), [(Channel::Reliable, Bytes::from_static(b"short"))]);
}

#[test]
fn a_message_without_end_costs_the_peer_its_association() {
    let mut other = Other::new();
    other.open(2, 0x00, "_reliable");
    // Beginning and middle fragments, whatever window we announce.
    let mut packet = vec![0; 12];
    packet.extend([0, 0]);
    packet.extend(1016_u16.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 2]);
    packet.resize(12 + 1016, 0);
    for _ in 0..8 * 1024 {
        other.ours.receive(Bytes::from(packet.clone()), other.now);
    }
    assert!(other.ours.poll_timeout().is_some() || !other.ours.is_gone());
    for _ in 0..1024 {
        other.ours.receive(Bytes::from(packet.clone()), other.now);
    }
    assert!(other.ours.is_gone());
    other.run();
    other.pass(Duration::from_secs(1));
    let before = other.ours.dropped();
    other.send(Channel::Lossy, b"nobody there");
    assert_eq!(other.ours.dropped(), before + 1);
}

#[test]
fn malformed_packets_and_openings_are_survived() {
    let mut other = Other::new();
    for message in [&[][..], &[3], &[3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], &[9; 40], &[2, 2, 2]] {
        if !message.is_empty() {
            other.write(2, Ppi::Dcep, message);
        }
    }
    for length in 0..60 {
        for byte in [0, 1, 0x80, 0xff] {
            other.ours.receive(Bytes::from(vec![byte; length]), other.now);
        }
    }
    other.open(2, 0x00, "_reliable");
    other.write(2, Ppi::Binary, b"fine");
    assert_eq!(other.received(), [(Channel::Reliable, Bytes::from_static(b"fine"))]);
}
