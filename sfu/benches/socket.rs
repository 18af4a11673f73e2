//! The whole media path, socket included, against bare `sendto` of the same bytes.
//!
//! One publisher sends frames of 1, 2, 4 and 8 packets to 20 subscribers. Measured are: receiving
//! them from the socket, opening, rewriting and sealing, and handing them to the kernel. The bare
//! round sends as many datagrams of the same size to the same addresses, one call each. Rounds
//! alternate, so that both see the same machine; the ratio is what counts.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use sfu::Socket;
use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::{
    ChannelSetup, Codec, CodecParams, Command, ExtensionIds, IceCredentials, Kind, ReceiveSection, Selection,
    SendId, SendParams, SsrcInfo, TrackId, TransportId,
};
use sfu_core::shard::{Shard, ShardConfig};
use sfu_core::srtp::{Profile, Sealer};
use sfu_core::transport::SrtpKeys;

const SUBSCRIBERS: usize = 20;
const PAYLOAD: usize = 1100;
const ROUNDS: usize = 400;
const WARM_UP: usize = 40;
const PROFILE: Profile = Profile::AeadAes128Gcm;

/// Result of one frame size, in nanoseconds a datagram sent.
struct Measured {
    path: f64,
    bare: f64,
    unsent: u64,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    runtime.block_on(async {
        println!("packets a destination | path ns | sendto ns | ratio | unsent");
        for packets in [1, 2, 4, 8] {
            let Measured { path, bare, unsent } = measure(packets).await;
            println!("{packets:21} | {path:7.0} | {bare:9.0} | {:5.2} | {unsent}", path / bare);
        }
    });
}

fn loopback() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.set_nonblocking(true).expect("a mode");
    socket
}

async fn measure(packets: usize) -> Measured {
    let publisher = loopback();
    let subscribers: Vec<UdpSocket> = (0..SUBSCRIBERS).map(|_| loopback()).collect();
    let addresses: Vec<SocketAddr> = subscribers.iter().map(|one| one.local_addr().expect("bound")).collect();
    let bound = Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
    let server = bound.local_addr().expect("bound");
    let mut socket = Socket::new(bound).expect("a socket");
    let mut shard = shard(publisher.local_addr().expect("bound"), &addresses, server);
    let sealer =
        Sealer::new(PROFILE, &vec![0; PROFILE.key_len()], &vec![0; PROFILE.salt_len()]).expect("keys");
    let plain = loopback();
    let mut index = 0;
    let (mut path, mut bare) = (Duration::ZERO, Duration::ZERO);
    let mut datagrams = 0;
    let mut lengths: Vec<usize> = Vec::new();
    let mut buffer = vec![0; 2000];
    for round in 0..ROUNDS + WARM_UP {
        for part in 0..packets {
            let packet = packet(&sealer, &mut index, part, packets);
            publisher.send_to(&packet, server).expect("loopback takes it");
        }
        socket.readable().await.expect("readable");
        let sent_before = shard.counters().datagrams_out;

        let start = Instant::now();
        while socket
            .receive(|source, local, datagram| shard.datagram(start, source, local, datagram))
            .expect("receive")
        {}
        if shard.poll_timeout().is_some_and(|due| due <= start) {
            shard.timeout(start);
        }
        while let Some(transmit) = shard.poll_transmit() {
            socket.send(&transmit);
        }
        let elapsed = start.elapsed();

        let sent = (shard.counters().datagrams_out - sent_before) as usize;
        drain(&publisher, &mut buffer, |_| {});
        lengths.clear();
        for subscriber in &subscribers {
            drain(subscriber, &mut buffer, |length| lengths.push(length));
        }
        let start = Instant::now();
        for (number, length) in lengths.iter().enumerate() {
            let to = addresses[number / packets % SUBSCRIBERS];
            plain.send_to(&buffer[..*length], to).expect("loopback takes it");
        }
        let elapsed_bare = start.elapsed();
        for subscriber in &subscribers {
            drain(subscriber, &mut buffer, |_| {});
        }
        // Rounds with reports or retransmissions in them are not what is compared.
        if round >= WARM_UP && sent == packets * SUBSCRIBERS && lengths.len() == sent {
            path += elapsed;
            bare += elapsed_bare;
            datagrams += sent;
        }
    }
    assert!(datagrams > ROUNDS * packets * SUBSCRIBERS / 2, "most rounds forward every packet to everyone");
    let per_datagram = |time: Duration| time.as_nanos() as f64 / datagrams as f64;
    Measured { path: per_datagram(path), bare: per_datagram(bare), unsent: socket.unsent() }
}

fn drain(socket: &UdpSocket, buffer: &mut [u8], mut each: impl FnMut(usize)) {
    while let Ok(length) = socket.recv(buffer) {
        each(length);
    }
}

/// A shard with one publisher and its subscribers, all with their keys.
fn shard(publisher: SocketAddr, subscribers: &[SocketAddr], server: SocketAddr) -> Shard {
    let now = Instant::now();
    let mut shard = Shard::new(ShardConfig {
        certificate: Certificate::generate().expect("a certificate"),
        candidates: vec![server],
        chance: Chance::new([3; 32]),
        epoch: (now, Duration::from_hours(500_000)),
    });
    for (index, address) in std::iter::once(&publisher).chain(subscribers).enumerate() {
        let transport = TransportId(index as u64);
        let local = IceCredentials { ufrag: format!("ufrag{index}"), pwd: "a-password-that-is-long".into() };
        let channels = ChannelSetup::Peer;
        shard.command(now, Command::Open { transport, room: 1, local, controlling: false, channels });
        let key = vec![index as u8; PROFILE.key_len()];
        let salt = vec![index as u8; PROFILE.salt_len()];
        let keys = SrtpKeys {
            profile: PROFILE,
            local_key: key.clone(),
            local_salt: salt.clone(),
            remote_key: key,
            remote_salt: salt,
        };
        shard.adopt(now, transport, *address, keys);
    }
    let track = TrackId(1);
    let section = ReceiveSection {
        mid: "0".into(),
        kind: Kind::Video,
        codecs: vec![vp8()],
        extensions: ExtensionIds { mid: 4, ..ExtensionIds::default() },
        rids: Vec::new(),
        ssrcs: vec![SsrcInfo { ssrc: 77, rtx_ssrc: None }],
    };
    shard.command(now, Command::Receive { transport: TransportId(0), track, section });
    for index in 1..=subscribers.len() as u64 {
        let send = SendId(index);
        let params = SendParams {
            mid: "1".into(),
            kind: Kind::Video,
            ssrc: 1000 + index as u32,
            rtx_ssrc: Some(2000 + index as u32),
            codecs: vec![vp8()],
            extensions: ExtensionIds { mid: 4, abs_send_time: 2, ..ExtensionIds::default() },
            cname: "stage".into(),
        };
        shard.command(now, Command::Send { transport: TransportId(index), send, track, params });
        shard.command(now, Command::Select { send, selection: Selection::UpTo(0) });
    }
    shard
}

fn vp8() -> CodecParams {
    CodecParams {
        codec: Codec::Vp8,
        pt: 96,
        clock_rate: 90_000,
        channels: 0,
        fmtp: String::new(),
        rtx_pt: Some(97),
        feedback: vec!["nack".into(), "nack pli".into()],
    }
}

/// One packet of a frame; the very first frame is a key frame.
fn packet(sealer: &Sealer, index: &mut u64, part: usize, packets: usize) -> Vec<u8> {
    *index += 1;
    let frame = (*index - 1) / packets as u64;
    let mut out = vec![0; PAYLOAD + 64];
    out[0] = 0x80;
    out[1] = 0x60 | u8::from(part + 1 == packets) << 7;
    out[2..4].copy_from_slice(&(*index as u16).to_be_bytes());
    out[4..8].copy_from_slice(&(frame as u32 * 3000).to_be_bytes());
    out[8..12].copy_from_slice(&77_u32.to_be_bytes());
    let mut payload = vec![0x55; PAYLOAD];
    let id = (frame as u16 | 0x8000).to_be_bytes();
    let start = u8::from(part == 0) << 4;
    payload[..6].copy_from_slice(&[0x80 | start, 0xc0, id[0], id[1], frame as u8, u8::from(frame > 0)]);
    let length = sealer.rtp(&mut out, 12, &payload, 0, *index).expect("room for the packet");
    out.truncate(length);
    out
}
