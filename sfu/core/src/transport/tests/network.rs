//! Two transports over a seeded network that loses, delays, repeats and reorders, in fake time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::ids::Chance;
use crate::media::{DtlsRole, Fingerprint, SctpParams};
use crate::srtp::Profile;
use crate::transport::*;

static CERTIFICATES: LazyLock<[Certificate; 2]> =
    LazyLock::new(|| [0, 1].map(|_| Certificate::generate().unwrap()));

/// What the network does to datagrams.
#[derive(Clone, Copy)]
struct Weather {
    loss: f64,
    duplicate: f64,
    truncate: f64,
    /// One way, in milliseconds; the difference reorders.
    delay: (u64, u64),
}

const FINE: Weather = Weather { loss: 0.0, duplicate: 0.0, truncate: 0.0, delay: (5, 5) };
const ROUGH: Weather = Weather { loss: 0.1, duplicate: 0.1, truncate: 0.05, delay: (5, 60) };

fn lossy(loss: f64) -> Weather {
    Weather { loss, delay: (10, 40), ..FINE }
}

type Flying = Reverse<(Instant, u64, usize, SocketAddr, Vec<u8>)>;

struct World {
    now: Instant,
    start: Instant,
    rng: StdRng,
    weather: Weather,
    /// Nothing gets through.
    cut: bool,
    serial: u64,
    air: BinaryHeap<Flying>,
    peers: [Peer; 2],
}

struct Peer {
    transport: Transport,
    /// Where its datagrams seem to come from.
    address: SocketAddr,
    credentials: IceCredentials,
    events: Vec<TransportEvent>,
    sent: usize,
}

#[derive(Clone, Copy)]
struct Setting {
    weather: Weather,
    seed: u64,
    /// Role of the first peer, which stands for the server.
    role: DtlsRole,
    channels: ChannelSetup,
    controlling: bool,
    /// The second peer's candidates are told to the first.
    candidates: bool,
}

impl Setting {
    fn new(weather: Weather, seed: u64) -> Setting {
        Setting {
            weather,
            seed,
            role: DtlsRole::Server,
            channels: ChannelSetup::Peer,
            controlling: false,
            candidates: false,
        }
    }
}

const SERVER: usize = 0;
const CLIENT: usize = 1;

impl World {
    fn new(setting: Setting) -> World {
        let mut world = World::strangers(setting);
        world.connect(setting);
        world
    }

    /// Both exist, neither knows the other.
    fn strangers(setting: Setting) -> World {
        let start = Instant::now();
        let mut chance = Chance::new([setting.seed as u8; 32]);
        let peers = [SERVER, CLIENT].map(|index| {
            let address: SocketAddr = format!("10.0.0.{}:7882", index + 1).parse().unwrap();
            let credentials = chance.ice_credentials();
            let other = match setting.channels {
                ChannelSetup::Peer => ChannelSetup::Local,
                ChannelSetup::Local => ChannelSetup::Peer,
            };
            let config = TransportConfig {
                local: credentials.clone(),
                controlling: setting.controlling == (index == SERVER),
                channels: if index == SERVER { setting.channels } else { other },
                certificate: CERTIFICATES[index].clone(),
                candidates: vec![address],
            };
            let transport = Transport::new(config, start).unwrap();
            Peer { transport, address, credentials, events: Vec::new(), sent: 0 }
        });
        World {
            now: start,
            start,
            rng: StdRng::seed_from_u64(setting.seed),
            weather: setting.weather,
            cut: false,
            serial: 0,
            air: BinaryHeap::new(),
            peers,
        }
    }

    fn connect(&mut self, setting: Setting) {
        for index in [SERVER, CLIENT] {
            let remote = self.description(1 - index, setting);
            let now = self.now;
            self.peers[index].transport.connect(remote, now);
        }
        self.collect();
    }

    /// What the peer `index` would tell the other about itself.
    fn description(&self, index: usize, setting: Setting) -> RemoteTransport {
        let peer = &self.peers[index];
        let reader_role = match (index, setting.role) {
            (CLIENT, role) => role,
            (_, DtlsRole::Server) => DtlsRole::Client,
            (_, DtlsRole::Client) => DtlsRole::Server,
        };
        let candidate =
            format!("candidate:1 1 udp 2130706431 {} {} typ host", peer.address.ip(), peer.address.port());
        RemoteTransport {
            ice: peer.credentials.clone(),
            ice_lite: false,
            fingerprint: CERTIFICATES[index].fingerprint().clone(),
            role: reader_role,
            sctp: Some(SctpParams { port: 5000, max_message_size: Some(262_144) }),
            candidates: if index == SERVER || setting.candidates { vec![candidate] } else { vec![] },
        }
    }

    /// Takes outputs and throws the datagrams into the air.
    fn collect(&mut self) {
        for index in [SERVER, CLIENT] {
            while let Some((to, datagram)) = self.peers[index].transport.poll_transmit() {
                self.peers[index].sent += 1;
                let Some(target) = self.peers.iter().position(|peer| peer.address == to) else {
                    continue;
                };
                let from = self.peers[index].address;
                self.fly(target, from, &datagram);
            }
            while let Some(event) = self.peers[index].transport.poll_event() {
                self.peers[index].events.push(event);
            }
        }
    }

    fn fly(&mut self, target: usize, from: SocketAddr, datagram: &[u8]) {
        let copies = 1 + usize::from(self.rng.random_bool(self.weather.duplicate));
        for _ in 0..copies {
            if self.cut || self.rng.random_bool(self.weather.loss) {
                continue;
            }
            let mut datagram = datagram.to_vec();
            if self.rng.random_bool(self.weather.truncate) {
                datagram.truncate(self.rng.random_range(0..datagram.len()));
            }
            let (least, most) = self.weather.delay;
            let delay = Duration::from_micros(self.rng.random_range(least * 1000..=most * 1000));
            self.serial += 1;
            self.air.push(Reverse((self.now + delay, self.serial, target, from, datagram)));
        }
    }

    /// Lets the next thing happen; false when it lies behind `end`.
    fn step(&mut self, end: Instant) -> bool {
        let flying = self.air.peek().map(|Reverse((at, ..))| *at);
        let timers = self.peers.iter_mut().filter_map(|peer| peer.transport.poll_timeout());
        let Some(next) = timers.chain(flying).min().filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        if flying == Some(next) {
            let Reverse((_, _, target, from, datagram)) = self.air.pop().unwrap();
            let peer = &mut self.peers[target];
            peer.transport.receive(from, peer.address, &datagram, self.now);
        } else {
            for peer in &mut self.peers {
                if peer.transport.poll_timeout().is_some_and(|at| at <= self.now) {
                    peer.transport.handle_timeout(self.now);
                }
            }
        }
        self.collect();
        true
    }

    /// Runs until the condition holds; false when it does not within the time.
    fn until(&mut self, limit: Duration, mut condition: impl FnMut(&World) -> bool) -> bool {
        let end = self.now + limit;
        for _ in 0..1_000_000 {
            if condition(self) {
                return true;
            }
            if !self.step(end) {
                return condition(self);
            }
        }
        panic!("time stands still at {:?}", self.now - self.start);
    }

    fn run(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    fn both(&self, mut condition: impl FnMut(&Peer) -> bool) -> bool {
        self.peers.iter().all(&mut condition)
    }
}

impl Peer {
    fn is_connected(&self) -> bool {
        self.count(|event| matches!(event, TransportEvent::Connected))
            > self.count(|event| matches!(event, TransportEvent::Disconnected))
    }

    fn has_channels(&self) -> bool {
        self.count(|event| matches!(event, TransportEvent::ChannelsOpen)) == 1
    }

    fn count(&self, mut wanted: impl FnMut(&TransportEvent) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(event)).count()
    }

    fn failure(&self) -> Option<FailReason> {
        self.events.iter().find_map(|event| match event {
            TransportEvent::Failed(reason) => Some(*reason),
            _ => None,
        })
    }

    fn keys(&self) -> Option<&SrtpKeys> {
        self.events.iter().find_map(|event| match event {
            TransportEvent::Keys(keys) => Some(keys),
            _ => None,
        })
    }

    fn data(&self, wanted: Channel) -> Vec<Bytes> {
        self.events
            .iter()
            .filter_map(|event| match event {
                TransportEvent::Data { channel, payload } if *channel == wanted => Some(payload.clone()),
                _ => None,
            })
            .collect()
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..count * number("SEED_FACTOR").unwrap_or(1),
    }
}

/// Runs one world and says how long it took until both sides were connected.
fn time_to_connect(setting: Setting) -> (World, Duration) {
    let mut world = World::new(setting);
    let connected = world.until(14 * SECOND, |world| world.both(Peer::is_connected));
    assert!(connected, "SEED={} did not connect", setting.seed);
    let time = world.now - world.start;
    (world, time)
}

#[test]
fn both_sides_export_the_same_keys_crosswise() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let (world, time) = time_to_connect(Setting { role, ..Setting::new(FINE, 1) });
        let [server, client] = &world.peers;
        let (server, client) = (server.keys().unwrap(), client.keys().unwrap());
        assert_eq!(server.profile, Profile::AeadAes128Gcm);
        assert_eq!(client.profile, Profile::AeadAes128Gcm);
        assert_eq!((server.local_key.len(), server.local_salt.len()), (16, 12));
        assert_eq!((&server.local_key, &server.local_salt), (&client.remote_key, &client.remote_salt));
        assert_eq!((&server.remote_key, &server.remote_salt), (&client.local_key, &client.local_salt));
        assert_ne!(server.local_key, server.remote_key);
        assert!(time < Duration::from_millis(500), "{time:?}");
    }
}

#[test]
fn transports_connect_through_loss_in_either_role() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        for loss in [0.0, 0.1, 0.2] {
            let mut times: Vec<Duration> = seeds(40)
                .map(|seed| {
                    let setting = Setting {
                        role,
                        controlling: seed % 2 == 0,
                        candidates: seed % 3 == 0,
                        ..Setting::new(lossy(loss), seed)
                    };
                    time_to_connect(setting).1
                })
                .collect();
            times.sort();
            println!(
                "{role:?} loss {loss}: median {:?}, worst {:?}",
                times[times.len() / 2],
                times.last().unwrap()
            );
        }
    }
}

#[test]
fn rough_weather_is_survived_and_reliable_data_comes_once_and_in_order() {
    for seed in seeds(20) {
        for channels in [ChannelSetup::Peer, ChannelSetup::Local] {
            let mut world = World::new(Setting { channels, ..Setting::new(ROUGH, seed) });
            let sent: Vec<Bytes> = (0..60u32)
                .map(|n| {
                    Bytes::from([n.to_be_bytes().to_vec(), vec![n as u8; (n as usize * 97) % 3000]].concat())
                })
                .collect();
            // The first ones are sent before anything is open.
            for (index, payload) in sent.iter().enumerate() {
                for peer in &mut world.peers {
                    peer.transport.send_data(Channel::Reliable, payload.clone(), world.now);
                }
                world.collect();
                world.run(Duration::from_millis(if index % 10 == 0 { 200 } else { 1 }));
            }
            let arrived = |world: &World| world.both(|peer| peer.data(Channel::Reliable).len() >= sent.len());
            let complete = world.until(120 * SECOND, arrived);
            assert!(
                complete,
                "SEED={seed} {channels:?}: {:?}",
                world.peers.each_ref().map(|p| p.data(Channel::Reliable).len())
            );
            world.run(5 * SECOND);
            for peer in &world.peers {
                assert_eq!(peer.data(Channel::Reliable), sent, "SEED={seed}");
                assert_eq!(peer.transport.dropped_data(), 0);
                assert!(peer.has_channels());
                assert_eq!(peer.failure(), None);
            }
        }
    }
}

#[test]
fn lossy_data_arrives_at_most_once() {
    for seed in seeds(10) {
        let mut world = World::new(Setting::new(ROUGH, seed));
        assert!(world.until(30 * SECOND, |world| world.both(Peer::has_channels)), "SEED={seed}");
        for n in 0..200u32 {
            let payload = Bytes::copy_from_slice(&n.to_be_bytes());
            world.peers[CLIENT].transport.send_data(Channel::Lossy, payload, world.now);
            world.collect();
            world.run(Duration::from_millis(20));
        }
        world.run(10 * SECOND);
        let mut got = world.peers[SERVER].data(Channel::Lossy);
        let count = got.len();
        assert!(count > 100, "SEED={seed}: {count}");
        got.sort();
        got.dedup();
        assert_eq!(got.len(), count, "SEED={seed}");
    }
}

#[test]
fn lossy_data_is_dropped_while_nothing_is_open_and_counted() {
    let mut world = World::new(Setting::new(FINE, 1));
    let now = world.now;
    world.peers[SERVER].transport.send_data(Channel::Lossy, Bytes::from_static(b"x"), now);
    assert_eq!(world.peers[SERVER].transport.dropped_data(), 1);
}

#[test]
fn reliable_queue_is_bounded() {
    let mut world = World::new(Setting::new(FINE, 1));
    assert!(world.until(5 * SECOND, |world| world.both(Peer::has_channels)));
    world.run(SECOND);
    world.cut = true;
    let chunk = Bytes::from(vec![7; 64 * 1024]);
    for _ in 0..100 {
        let now = world.now;
        world.peers[SERVER].transport.send_data(Channel::Reliable, chunk.clone(), now);
    }
    assert_eq!(world.peers[SERVER].transport.dropped_data(), 100 - 64);
    world.collect();
    world.cut = false;
    let arrived = |world: &World| world.peers[CLIENT].data(Channel::Reliable).len() == 64;
    assert!(world.until(60 * SECOND, arrived));
}

#[test]
fn large_messages_are_carried_and_larger_ones_refused() {
    let mut world = World::new(Setting::new(FINE, 1));
    assert!(world.until(5 * SECOND, |world| world.both(Peer::has_channels)));
    let now = world.now;
    let largest = Bytes::from(vec![1; 262_144]);
    let transport = &mut world.peers[CLIENT].transport;
    transport.send_data(Channel::Reliable, Bytes::from(vec![2; 262_145]), now);
    transport.send_data(Channel::Reliable, largest.clone(), now);
    assert_eq!(transport.dropped_data(), 1);
    world.collect();
    world.until(60 * SECOND, |world| !world.peers[SERVER].data(Channel::Reliable).is_empty());
    assert_eq!(world.peers[SERVER].data(Channel::Reliable), [largest]);
}

#[test]
fn a_wrong_fingerprint_fails_the_handshake() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let setting = Setting { role, ..Setting::new(FINE, 1) };
        let mut world = World::strangers(setting);
        let now = world.now;
        let mut remote = world.description(CLIENT, setting);
        remote.fingerprint = Fingerprint { algorithm: "sha-256".to_owned(), digest: vec![0; 32] };
        world.peers[SERVER].transport.connect(remote, now);
        let remote = world.description(SERVER, setting);
        world.peers[CLIENT].transport.connect(remote, now);
        world.collect();
        let failed = world.until(10 * SECOND, |world| world.peers[SERVER].failure().is_some());
        assert!(failed, "{role:?}");
        assert_eq!(world.peers[SERVER].failure(), Some(FailReason::Dtls));
        assert!(world.peers[SERVER].keys().is_none());
        world.run(5 * SECOND);
        assert!(!world.peers[SERVER].is_connected());
    }
}

#[test]
fn a_wrong_password_meets_silence() {
    let setting = Setting::new(FINE, 1);
    let mut world = World::strangers(setting);
    let now = world.now;
    let mut remote = world.description(SERVER, setting);
    remote.ice.pwd = "0123456789012345678901".to_owned();
    world.peers[CLIENT].transport.connect(remote, now);
    let remote = world.description(CLIENT, setting);
    world.peers[SERVER].transport.connect(remote, now);
    world.collect();
    world.run(10 * SECOND);
    assert!(world.peers[CLIENT].sent > 5);
    assert_eq!(world.peers[SERVER].sent, 0);
    assert!(world.peers[SERVER].events.is_empty());
    world.run(10 * SECOND);
    assert_eq!(world.peers[SERVER].failure(), Some(FailReason::Ice));
}

#[test]
fn garbage_changes_nothing() {
    let mut world = World::new(Setting::new(FINE, 3));
    let stranger: SocketAddr = "10.9.9.9:9".parse().unwrap();
    let throw = |world: &mut World, rounds: usize| {
        for _ in 0..rounds {
            let length = world.rng.random_range(0..200);
            let mut junk: Vec<u8> = (0..length).map(|_| world.rng.random()).collect();
            let kind = world.rng.random_range(0..4);
            match (kind, junk.len()) {
                // Looks like STUN, like a DTLS handshake, like application data.
                (0, 20..) => {
                    junk[0] = 0;
                    junk[1] = 1;
                    let size = (junk.len() - 20) as u16;
                    junk[2..4].copy_from_slice(&size.to_be_bytes());
                    junk[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
                }
                (1, 30..) => {
                    junk[..5].copy_from_slice(&[22, 0xfe, 0xfd, 0, 0]);
                    let size = (junk.len() - 13) as u16;
                    junk[11..13].copy_from_slice(&size.to_be_bytes());
                }
                (2, 14..) => {
                    junk[..5].copy_from_slice(&[23, 0xfe, 0xfd, 0, 1]);
                    let size = (junk.len() - 13) as u16;
                    junk[11..13].copy_from_slice(&size.to_be_bytes());
                }
                _ => {}
            }
            let known = world.peers[CLIENT].address;
            let source = if world.rng.random_bool(0.5) { known } else { stranger };
            let now = world.now;
            let server = &mut world.peers[SERVER];
            server.transport.receive(source, server.address, &junk, now);
        }
        world.collect();
    };
    throw(&mut world, 2000);
    for _ in 0..20 {
        world.run(Duration::from_millis(10));
        throw(&mut world, 50);
    }
    assert!(world.until(5 * SECOND, |world| world.both(Peer::is_connected)));
    throw(&mut world, 2000);
    let now = world.now;
    world.peers[CLIENT].transport.send_data(Channel::Reliable, Bytes::from_static(b"still"), now);
    world.collect();
    assert!(world.until(10 * SECOND, |world| !world.peers[SERVER].data(Channel::Reliable).is_empty()));
    assert_eq!(world.peers[SERVER].failure(), None);
}

#[test]
fn media_and_silence_decide_about_the_connection() {
    let (mut world, _) = time_to_connect(Setting::new(FINE, 1));
    world.cut = true;
    let lost = world.until(14 * SECOND, |world| !world.peers[SERVER].is_connected());
    assert!(lost);
    let after = world.now;
    let failed = world.until(10 * SECOND, |world| world.peers[SERVER].failure().is_some());
    assert!(failed);
    assert_eq!(world.peers[SERVER].failure(), Some(FailReason::Ice));
    let gap = (world.now - after).as_secs_f64();
    assert!((4.0..6.5).contains(&gap), "{gap}");

    // The same silence of STUN, but with media.
    let (mut world, _) = time_to_connect(Setting::new(FINE, 1));
    world.cut = true;
    for _ in 0..300 {
        world.run(Duration::from_millis(100));
        let (now, client) = (world.now, world.peers[CLIENT].address);
        world.peers[SERVER].transport.saw_media(client, now);
    }
    assert!(world.peers[SERVER].is_connected());
}

#[test]
fn a_cut_of_ten_seconds_is_healed() {
    for seed in seeds(10) {
        let (mut world, _) = time_to_connect(Setting::new(lossy(0.02), seed));
        assert!(world.until(10 * SECOND, |world| world.both(Peer::has_channels)));
        world.cut = true;
        world.run(11 * SECOND);
        world.cut = false;
        let now = world.now;
        world.peers[SERVER].transport.send_data(Channel::Reliable, Bytes::from_static(b"back"), now);
        world.collect();
        let back = world.until(10 * SECOND, |world| {
            world.both(Peer::is_connected) && !world.peers[CLIENT].data(Channel::Reliable).is_empty()
        });
        assert!(back, "SEED={seed}");
        assert!(world.both(|peer| peer.failure().is_none()), "SEED={seed}");
    }
}

#[test]
fn a_restart_keeps_the_destination_until_the_new_pair_is_there() {
    for seed in seeds(10) {
        let setting = Setting::new(lossy(0.05), seed);
        let (mut world, _) = time_to_connect(setting);
        let old = world.peers[CLIENT].address;
        let fresh = Chance::new([100 + seed as u8; 32]).fork().ice_credentials();
        let fresh_client = Chance::new([200 - seed as u8; 32]).fork().ice_credentials();
        // The server hears of it first; for a while it is alone with the new credentials.
        let now = world.now;
        world.peers[SERVER].transport.restart_ice(fresh.clone(), fresh_client.clone(), now);
        for _ in 0..20 {
            assert_eq!(world.peers[SERVER].transport.destination(), Some(old));
            world.run(Duration::from_millis(100));
        }
        assert!(world.both(Peer::is_connected));
        // The client moves to another address with the restart.
        let new: SocketAddr = "10.0.0.77:1234".parse().unwrap();
        let now = world.now;
        world.peers[CLIENT].transport.restart_ice(fresh_client, fresh, now);
        let candidate = "candidate:1 1 udp 2130706431 10.0.0.1 7882 typ host";
        world.peers[CLIENT].transport.add_candidate(candidate, now);
        world.peers[CLIENT].address = new;
        world.collect();
        let moved =
            world.until(10 * SECOND, |world| world.peers[SERVER].transport.destination() == Some(new));
        assert!(moved, "SEED={seed}");
        world.run(20 * SECOND);
        assert!(world.both(Peer::is_connected), "SEED={seed}");
        assert!(world.both(|peer| peer.failure().is_none()));
        assert_eq!(
            world.peers[SERVER].count(|event| matches!(event, TransportEvent::Keys(_))),
            1,
            "dtls goes on"
        );
    }
}

#[test]
fn closing_is_quiet_afterwards() {
    let (mut world, _) = time_to_connect(Setting::new(FINE, 1));
    let now = world.now;
    let transport = &mut world.peers[SERVER].transport;
    transport.close(now);
    assert!(transport.poll_transmit().is_some(), "close_notify");
    while transport.poll_transmit().is_some() {}
    assert_eq!(transport.poll_timeout(), None);
    assert!(transport.poll_event().is_none());
    let sent = world.peers[SERVER].sent;
    world.run(20 * SECOND);
    assert_eq!(world.peers[SERVER].sent, sent);
    assert_eq!(world.peers[CLIENT].failure(), Some(FailReason::Ice));
}

#[test]
fn without_data_channels_there_is_no_sctp() {
    let setting = Setting::new(FINE, 1);
    let mut world = World::strangers(setting);
    for index in [SERVER, CLIENT] {
        let mut remote = world.description(1 - index, setting);
        remote.sctp = None;
        let now = world.now;
        world.peers[index].transport.connect(remote, now);
    }
    world.collect();
    assert!(world.until(5 * SECOND, |world| world.both(Peer::is_connected)));
    world.run(5 * SECOND);
    assert!(world.both(|peer| !peer.has_channels()));
}

#[test]
fn candidates_of_the_peer_are_tried() {
    // The server alone learns where the other is, and only by trickling.
    let setting = Setting { candidates: false, ..Setting::new(FINE, 5) };
    let mut world = World::strangers(setting);
    let now = world.now;
    let mut remote = world.description(SERVER, setting);
    remote.candidates.clear();
    world.peers[CLIENT].transport.connect(remote, now);
    let early = [
        "candidate:1 1 udp 2130706431 0cf5f22c.local 50880 typ host",
        "candidate:1 1 tcp 1518214911 10.0.0.2 9 typ host tcptype active",
        "candidate:0 2 UDP 2122187006 10.0.0.2 51205 typ host",
        "candidate:",
        "",
        "candidate:1 1 udp 2130706431 10.0.0.2 7882 typ host generation 0 ufrag x network-id 1",
    ];
    for candidate in early {
        world.peers[SERVER].transport.add_candidate(candidate, now);
    }
    let remote = world.description(CLIENT, setting);
    world.peers[SERVER].transport.connect(remote, now);
    world.collect();
    assert!(world.until(5 * SECOND, |world| world.both(Peer::is_connected)));
}

/// A check with USE-CANDIDATE, as the peer `index` would send it.
fn nomination(world: &World, index: usize) -> Vec<u8> {
    let (from, to) = (&world.peers[index].credentials, &world.peers[1 - index].credentials);
    let username = format!("{}:{}", to.ufrag, from.ufrag);
    let mut attributes = vec![0, 0x25, 0, 0, 0, 0x24, 0, 4, 0x6e, 0, 1, 0xff, 0x80, 0x2a, 0, 8];
    attributes.extend([1; 8]);
    attributes.extend([0, 6, 0, username.len() as u8]);
    attributes.extend(username.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    let mut datagram = vec![0, 1];
    datagram.extend(((attributes.len() + 24) as u16).to_be_bytes());
    datagram.extend([0x21, 0x12, 0xa4, 0x42]);
    datagram.extend([5; 12]);
    datagram.extend(attributes);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, to.pwd.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, &datagram);
    datagram.extend([0, 8, 0, 20]);
    datagram.extend(tag.as_ref());
    datagram
}

#[test]
fn a_peer_that_moved_and_nominates_is_followed() {
    let (mut world, _) = time_to_connect(Setting::new(FINE, 1));
    let old = world.peers[CLIENT].address;
    let new: SocketAddr = "10.0.0.77:1234".parse().unwrap();
    let server = world.peers[SERVER].address;
    world.run(SECOND);
    // While the old address lives, a nomination of another one changes nothing.
    let datagram = nomination(&world, CLIENT);
    let now = world.now;
    world.peers[SERVER].transport.receive(new, server, &datagram, now);
    world.collect();
    world.run(SECOND);
    assert_eq!(world.peers[SERVER].transport.destination(), Some(old));

    world.peers[CLIENT].address = new;
    let mut followed = false;
    for _ in 0..20 {
        world.run(Duration::from_millis(500));
        let now = world.now;
        world.peers[SERVER].transport.receive(new, server, &datagram, now);
        world.collect();
        followed |= world.peers[SERVER].transport.destination() == Some(new);
    }
    assert!(followed);
    world.run(20 * SECOND);
    assert!(world.both(Peer::is_connected));
    assert_eq!(world.peers[SERVER].transport.destination(), Some(new));
}

#[test]
fn a_nomination_from_an_address_that_does_not_answer_moves_nothing() {
    let (mut world, _) = time_to_connect(Setting::new(FINE, 1));
    let old = world.peers[CLIENT].address;
    let thief: SocketAddr = "10.0.0.66:66".parse().unwrap();
    let server = world.peers[SERVER].address;
    let datagram = nomination(&world, CLIENT);
    world.cut = true;
    for _ in 0..16 {
        world.run(Duration::from_millis(500));
        let now = world.now;
        world.peers[SERVER].transport.receive(thief, server, &datagram, now);
        world.collect();
        assert_eq!(world.peers[SERVER].transport.destination(), Some(old));
    }
    world.cut = false;
    world.run(5 * SECOND);
    assert!(world.both(Peer::is_connected));
    assert_eq!(world.peers[SERVER].transport.destination(), Some(old));
}
