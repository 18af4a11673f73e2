//! The server, its clients and the clock.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::{Codec, Kind};
use sfu_core::room::*;
use sfu_core::shard::{Shard, ShardConfig};
use sfu_protocol::proto::{signal_request, signal_response};
use sfu_protocol::{Claims, Connect, Mode, Reconnect, VideoGrant};

use crate::client::Client;
use crate::network::{Network, Parcel, Weather};
use crate::session::Dialect;

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) start: Instant,
    pub(crate) seed: u64,
    pub(crate) network: Network,
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    next_connection: u64,
}

pub(crate) struct Server {
    pub(crate) room: Room,
    pub(crate) shard: Shard,
    pub(crate) address: SocketAddr,
    pub(crate) events: Vec<RoomEvent>,
    pub(crate) finished: bool,
    start: Instant,
}

impl Server {
    fn new(seed: u64, start: Instant) -> Server {
        let address: SocketAddr = "10.0.0.1:7882".parse().unwrap();
        let certificate = Certificate::generate().unwrap();
        let environment = Environment {
            node_id: "ND_sim".to_owned(),
            region: String::new(),
            version: "1.9.0".to_owned(),
            fingerprint: certificate.fingerprint().clone(),
            candidates: vec![address],
            codecs: vec![Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Opus],
            ice_servers: Vec::new(),
        };
        let options = RoomOptions {
            name: "hall".to_owned(),
            metadata: String::new(),
            empty_timeout: Duration::from_mins(5),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        };
        let chance = |number: u8| {
            let mut bytes = [number; 32];
            bytes[..8].copy_from_slice(&seed.to_be_bytes());
            Chance::new(bytes)
        };
        let init = RoomInit { options, environment, id_base: 1 << 32, chance: chance(1) };
        let config = ShardConfig {
            certificate,
            candidates: vec![address],
            chance: chance(2),
            epoch: (start, Duration::from_secs(1_700_000_000)),
        };
        let now = Now { instant: start, unix_ms: 1_700_000_000_000 };
        Server {
            room: Room::new(init, now),
            shard: Shard::new(config),
            address,
            events: Vec::new(),
            finished: false,
            start,
        }
    }

    fn now(&self, instant: Instant) -> Now {
        Now { instant, unix_ms: 1_700_000_000_000 + (instant - self.start).as_millis() as u64 }
    }

    fn input(&mut self, input: Input, now: Instant) {
        let now = self.now(now);
        self.room.handle(input, now);
    }

    /// Carries messages between room and shard until both rest.
    fn settle(&mut self, now: Instant, network: &mut Network) {
        loop {
            let mut idle = true;
            while let Some(output) = self.room.poll() {
                idle = false;
                match output {
                    Output::Signal { connection, response } => {
                        if let Some(message) = response.message {
                            network.signal(now, Parcel::Tell { connection, message: Box::new(message) });
                        }
                    }
                    Output::Media(command) => self.shard.command(now, command),
                    Output::Event(event) => self.events.push(*event),
                    Output::Finished => self.finished = true,
                    Output::RefreshToken { .. } | Output::Close { .. } => {}
                }
            }
            while let Some(event) = self.shard.poll_event() {
                idle = false;
                self.input(Input::Media(event), now);
            }
            if idle {
                break;
            }
        }
        while let Some(transmit) = self.shard.poll_transmit() {
            let size = transmit.segment_size.unwrap_or(transmit.payload.len()).max(1);
            for datagram in transmit.payload.chunks(size) {
                network.datagram(now, self.address, transmit.destination, datagram);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.room.poll_timeout(), self.shard.poll_timeout()].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.shard.poll_timeout().is_some_and(|at| at <= now) {
            self.shard.timeout(now);
        }
        if self.room.poll_timeout().is_some_and(|at| at <= now) {
            self.input(Input::Timeout, now);
        }
    }
}

pub(crate) fn claims(identity: &str) -> Claims {
    Claims {
        sub: identity.to_owned(),
        name: identity.to_uppercase(),
        video: Some(VideoGrant { room_join: true, room: "hall".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

impl World {
    pub(crate) fn new(weather: Weather, seed: u64) -> World {
        let start = Instant::now();
        World {
            now: start,
            start,
            seed,
            network: Network::new(weather, seed),
            server: Server::new(seed, start),
            clients: Vec::new(),
            next_connection: 0,
        }
    }

    /// Two in one room with connected media, in the single mode.
    pub(crate) fn pair(weather: Weather, seed: u64) -> World {
        let mut world = World::new(weather, seed);
        world.join("ann", Mode::Single, Dialect::Chromium);
        world.join("ben", Mode::Single, Dialect::Firefox);
        world.expect(20, "both are connected", |world| world.clients.iter().all(Client::is_active));
        world
    }

    pub(crate) fn join(&mut self, identity: &str, mode: Mode, dialect: Dialect) -> usize {
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        let index = self.clients.len();
        let address: SocketAddr = format!("10.0.1.{}:5000", index + 1).parse().unwrap();
        let mut client = Client::new(identity, mode, dialect, address, connection, self.now);
        let connect = client.connect();
        self.clients.push(client);
        let join = Join { connection, claims: claims(identity), connect };
        self.server.input(Input::Join(Box::new(join)), self.now);
        self.collect();
        index
    }

    /// Publishes and waits until the other has the track.
    pub(crate) fn publish(&mut self, client: usize, kind: Kind, rids: &[&'static str]) -> usize {
        let source = self.clients[client].publish(kind, rids);
        self.collect();
        self.expect(20, "the track is published", |world| world.clients[client].sources[source].started);
        source
    }

    pub(crate) fn sid(&self, client: usize, source: usize) -> String {
        self.clients[client].sources[source].sid.clone().expect("the track has a name")
    }

    pub(crate) fn ask(&mut self, client: usize, message: signal_request::Message) {
        self.clients[client].ask(message);
        self.collect();
    }

    /// Takes what everybody wants to send.
    pub(crate) fn collect(&mut self) {
        self.server.settle(self.now, &mut self.network);
        for client in self.clients.iter_mut().filter(|client| !client.closed) {
            for message in client.take_asks() {
                let parcel = Parcel::Ask { connection: client.connection, message: Box::new(message) };
                self.network.signal(self.now, parcel);
            }
            for (from, to, bytes) in client.take_datagrams() {
                self.network.datagram(self.now, from, to, &bytes);
            }
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        let timers = self.clients.iter_mut().filter_map(Client::poll_timeout);
        let timer = timers.chain(self.server.poll_timeout()).min();
        let flight = self.network.next();
        let Some(next) = [timer, flight].into_iter().flatten().min().filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        if flight == Some(next) {
            if let Some(parcel) = self.network.take() {
                self.deliver(parcel);
            }
        } else {
            self.server.handle_timeout(self.now);
            for client in self.clients.iter_mut().filter(|client| !client.closed) {
                client.handle_timeout(self.now);
            }
        }
        self.collect();
        true
    }

    fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { from, to, mut bytes } => {
                if to == self.server.address {
                    self.server.shard.datagram(self.now, from, to, &mut bytes);
                } else if let Some(client) =
                    self.clients.iter_mut().find(|client| !client.closed && client.owns(to))
                {
                    client.receive(from, to, &mut bytes, self.now);
                }
            }
            Parcel::Ask { connection, message } => {
                let request = sfu_protocol::proto::SignalRequest { message: Some(*message) };
                self.server.input(Input::Signal { connection, request: Box::new(request) }, self.now);
            }
            Parcel::Tell { connection, message } => {
                if let Some(client) =
                    self.clients.iter_mut().find(|client| client.connection == connection && !client.closed)
                {
                    client.hear(*message, self.now);
                }
            }
            Parcel::Hangup { connection } => self.server.input(Input::Closed { connection }, self.now),
        }
    }

    /// Runs until the condition holds; false when it does not within the time.
    pub(crate) fn until(&mut self, limit: Duration, mut condition: impl FnMut(&World) -> bool) -> bool {
        let end = self.now + limit;
        for _ in 0..3_000_000 {
            if condition(self) {
                return true;
            }
            if !self.step(end) {
                return condition(self);
            }
        }
        panic!("SEED={}: time stands still at {:?}", self.seed, self.now - self.start);
    }

    pub(crate) fn expect(&mut self, seconds: u64, what: &str, condition: impl FnMut(&World) -> bool) {
        let holds = self.until(Duration::from_secs(seconds), condition);
        assert!(holds, "SEED={}: {what} not within {seconds} s", self.seed);
    }

    pub(crate) fn run(&mut self, time: Duration) {
        self.until(time, |_| false);
    }

    /// A client vanishes: nothing of it is heard any more, its socket ends.
    pub(crate) fn vanish(&mut self, client: usize) {
        let client = &mut self.clients[client];
        client.closed = true;
        let parcel = Parcel::Hangup { connection: client.connection };
        self.network.signal(self.now, parcel);
    }

    /// A client loses its socket and comes back on another.
    pub(crate) fn resume(&mut self, client: usize) {
        let old = self.clients[client].connection;
        self.network.signal(self.now, Parcel::Hangup { connection: old });
        self.run(Duration::from_millis(300));
        self.next_connection += 1;
        let connection = ConnectionId(self.next_connection);
        let one = &mut self.clients[client];
        let mut connect = Connect::new(one.mode);
        connect.auto_subscribe = true;
        connect.reconnect = Some(Reconnect { participant_sid: one.sid.clone(), reason: 1 });
        one.connection = connection;
        one.told.clear();
        let identity = one.identity.clone();
        let join = Join { connection, claims: claims(&identity), connect };
        self.server.input(Input::Join(Box::new(join)), self.now);
        self.collect();
        self.expect(5, "the session goes on", |world| {
            matches!(world.clients[client].told.first(), Some(signal_response::Message::Reconnect(_)))
        });
        let one = &mut self.clients[client];
        one.publisher.renew();
        one.restart_negotiation();
        self.collect();
    }

    /// What `to` has of each track of `from`, by name.
    pub(crate) fn received(&self, to: usize, from: usize) -> HashMap<String, usize> {
        self.clients[from]
            .sources
            .iter()
            .filter_map(|source| source.sid.clone())
            .map(|sid| {
                let count = self.clients[to].sink(&sid).map_or(0, |sink| sink.got.len());
                (sid, count)
            })
            .collect()
    }
}
