//! The whole way: clients that connect by ICE and DTLS through the shard, and media between them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::lab::{CERTIFICATE, LOCAL, audio_params, audio_section};
use crate::ids::Chance;
use crate::media::*;
use crate::rtp::Header;
use crate::shard::{Shard, ShardConfig};
use crate::srtp::{Opener, Sealer};
use crate::transport::{Demux, Transport, TransportConfig, TransportEvent, demux};

struct Client {
    transport: Transport,
    address: SocketAddr,
    media: Option<(Sealer, Opener)>,
    connected: bool,
    received: Vec<Vec<u8>>,
    data: Vec<bytes::Bytes>,
}

fn candidate(address: SocketAddr) -> String {
    format!("candidate:1 1 udp 2130706431 {} {} typ host", address.ip(), address.port())
}

fn connect(shard: &mut Shard, chance: &mut Chance, index: u64, now: Instant) -> Client {
    let local: SocketAddr = LOCAL.parse().unwrap();
    let address = format!("10.0.9.{}:4000", index + 1).parse().unwrap();
    let (ours, theirs) = (chance.ice_credentials(), chance.ice_credentials());
    let remote = |ice: &IceCredentials, role, candidates| RemoteTransport {
        ice: ice.clone(),
        ice_lite: false,
        fingerprint: CERTIFICATE.fingerprint().clone(),
        role,
        sctp: Some(SctpParams { port: 5000, max_message_size: None }),
        candidates,
    };
    let transport = TransportId(index);
    shard.command(
        now,
        Command::Open {
            transport,
            room: 1,
            local: ours.clone(),
            controlling: false,
            channels: ChannelSetup::Peer,
        },
    );
    shard.command(now, Command::Connect { transport, remote: remote(&theirs, DtlsRole::Server, vec![]) });
    let mut client = Transport::new(
        TransportConfig {
            local: theirs,
            controlling: true,
            channels: ChannelSetup::Local,
            certificate: CERTIFICATE.clone(),
            candidates: vec![address],
        },
        now,
    )
    .unwrap();
    client.connect(remote(&ours, DtlsRole::Client, vec![candidate(local)]), now);
    Client { transport: client, address, media: None, connected: false, received: vec![], data: vec![] }
}

/// Carries datagrams and time until the condition holds.
fn run(
    shard: &mut Shard,
    clients: &mut [Client],
    now: &mut Instant,
    done: impl Fn(&[Client], &[Event]) -> bool,
) {
    let local: SocketAddr = LOCAL.parse().unwrap();
    let end = *now + Duration::from_secs(10);
    let mut events = Vec::new();
    while *now < end {
        for client in clients.iter_mut() {
            while let Some((_, datagram)) = client.transport.poll_transmit() {
                shard.datagram(*now, client.address, local, &mut datagram.to_vec());
            }
            while let Some(event) = client.transport.poll_event() {
                match event {
                    TransportEvent::Keys(keys) => {
                        client.media = Some((
                            Sealer::new(keys.profile, &keys.local_key, &keys.local_salt).unwrap(),
                            Opener::new(keys.profile, &keys.remote_key, &keys.remote_salt).unwrap(),
                        ));
                    }
                    TransportEvent::Connected => client.connected = true,
                    TransportEvent::Data { payload, .. } => client.data.push(payload),
                    _ => {}
                }
            }
        }
        while let Some(transmit) = shard.poll_transmit() {
            let size = transmit.segment_size.unwrap_or(transmit.payload.len());
            let Some(client) = clients.iter_mut().find(|client| client.address == transmit.destination)
            else {
                continue;
            };
            for datagram in transmit.payload.chunks(size) {
                match demux(datagram) {
                    Demux::Stun | Demux::Dtls => {
                        client.transport.receive(local, client.address, datagram, *now);
                    }
                    Demux::Rtp => {
                        let mut packet = datagram.to_vec();
                        let header = Header::parse(&packet).unwrap();
                        let length = client.media.as_mut().unwrap().1.rtp(&mut packet, header.len).unwrap();
                        client.received.push(packet[header.len..length].to_vec());
                    }
                    _ => {}
                }
            }
        }
        while let Some(event) = shard.poll_event() {
            events.push(event);
        }
        if done(clients, &events) {
            return;
        }
        *now += Duration::from_millis(5);
        if shard.poll_timeout().is_some_and(|due| due <= *now) {
            shard.timeout(*now);
        }
        for client in clients.iter_mut() {
            if client.transport.poll_timeout().is_some_and(|due| due <= *now) {
                client.transport.handle_timeout(*now);
            }
        }
    }
    panic!("not within ten seconds: {events:?}");
}

#[test]
fn connected_clients_hear_each_other_and_exchange_data() {
    let mut now = Instant::now();
    let mut chance = Chance::new([9; 32]);
    let mut shard = Shard::new(ShardConfig {
        certificate: CERTIFICATE.clone(),
        candidates: vec![LOCAL.parse().unwrap()],
        chance: chance.fork(),
        epoch: (now, Duration::from_secs(1_800_000_001)),
    });
    let mut clients: Vec<Client> = (0..2).map(|index| connect(&mut shard, &mut chance, index, now)).collect();
    run(&mut shard, &mut clients, &mut now, |clients, events| {
        let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
        clients.iter().all(|client| client.connected)
            && count(|event| matches!(event, Event::Connected { .. })) == 2
            && count(|event| matches!(event, Event::ChannelsOpen { .. })) == 2
    });

    let track = TrackId(10);
    shard.command(now, Command::Receive { transport: TransportId(0), track, section: audio_section(1111) });
    let (transport, send) = (TransportId(1), SendId(11));
    shard.command(now, Command::Send { transport, send, track, params: audio_params(500) });
    let payload = bytes::Bytes::from_static(b"hello");
    shard.command(now, Command::Data { transport, channel: Channel::Reliable, payload: payload.clone() });
    let mut packet = [0; 100];
    packet[..12].copy_from_slice(&[0x80, 111, 0, 7, 0, 0, 0, 9, 0, 0, 4, 87]);
    let length = clients[0].media.as_ref().unwrap().0.rtp(&mut packet, 12, b"opus", 0, 7).unwrap();
    shard.datagram(now, clients[0].address, LOCAL.parse().unwrap(), &mut packet[..length]);
    run(&mut shard, &mut clients, &mut now, |clients, _| {
        clients[1].received.len() == 1 && clients[1].data.len() == 1
    });
    assert_eq!(&clients[1].received[0][clients[1].received[0].len() - 4..], b"opus");
    assert_eq!(clients[1].data[0], payload);

    shard.command(now, Command::Close { transport: TransportId(0) });
    shard.command(now, Command::Close { transport: TransportId(1) });
    assert!(shard.poll_timeout().is_none_or(|due| due > now));
    assert!(shard.addresses.is_empty() && shard.ufrags.is_empty());
}
