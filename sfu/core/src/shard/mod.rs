//! Transports of many rooms and the packets that flow between them. [`Shard`] is a state machine:
//! hand in commands, datagrams and time, then drain events and datagrams.
//!
//! Invariants: a packet that is forwarded in steady state takes no allocation and no lock; whatever
//! a peer sends is bounded in memory and never panics; nothing but authenticated packets reaches a
//! track.
//!
//! Draining [`Shard::poll_transmit`] after a whole wake-up of the socket rather than after each
//! datagram gives longer runs, which is what makes sending cheap.

mod command;
mod feedback;
mod media;
mod peer;
mod runs;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use slab::Slab;

use self::peer::Peer;
use crate::certificate::Certificate;
use crate::forward::send::Send;
use crate::forward::track::Track;
use crate::ids::Chance;
use crate::media::{Counters, Event, FailReason, SendId, TrackId, Transmit, TransportId};
use crate::srtp::{Opener, Sealer};
use crate::transport::{self, Demux, TransportEvent};

/// Datagrams of ICE, DTLS and SCTP that wait for the shell; more are dropped.
const MAX_CONTROL: usize = 4096;
/// While media flows or is missing, timers are looked at this often.
const TICK: Duration = Duration::from_millis(10);
/// And this often when it does not.
const IDLE_TICK: Duration = Duration::from_millis(250);

/// What a shard is made with.
pub struct ShardConfig {
    pub certificate: Certificate,
    /// Host candidates of this shard's socket, best first.
    pub candidates: Vec<SocketAddr>,
    pub chance: Chance,
    /// An instant and the time since the Unix epoch at that instant, for NTP stamps.
    pub epoch: (Instant, Duration),
}

/// See the module documentation.
pub struct Shard {
    config: ShardConfig,
    peers: Slab<Peer>,
    tracks: Slab<Track>,
    sends: Slab<Send>,
    peer_keys: HashMap<TransportId, usize>,
    track_keys: HashMap<TrackId, usize>,
    send_keys: HashMap<SendId, usize>,
    ufrags: HashMap<String, usize>,
    addresses: HashMap<SocketAddr, usize>,
    events: VecDeque<Event>,
    control: VecDeque<(SocketAddr, Bytes)>,
    /// The control datagram that was answered last.
    leaving: Bytes,
    /// Keys of peers with something to send.
    ready: Vec<usize>,
    /// Scratch for NACK generation.
    lost: Vec<u16>,
    counters: Counters,
    tick_due: Option<Instant>,
    /// Media came or went since the last tick.
    busy: bool,
    speakers_due: Option<Instant>,
    /// Rooms with somebody speaking.
    speaking: HashSet<u64>,
}

impl Shard {
    pub fn new(config: ShardConfig) -> Self {
        Self {
            config,
            peers: Slab::new(),
            tracks: Slab::new(),
            sends: Slab::new(),
            peer_keys: HashMap::new(),
            track_keys: HashMap::new(),
            send_keys: HashMap::new(),
            ufrags: HashMap::new(),
            addresses: HashMap::new(),
            events: VecDeque::new(),
            control: VecDeque::new(),
            leaving: Bytes::new(),
            ready: Vec::new(),
            lost: Vec::new(),
            counters: Counters::default(),
            tick_due: None,
            busy: false,
            speakers_due: None,
            speaking: HashSet::new(),
        }
    }

    /// Takes a datagram that came from `source` to our address `local`; it is decrypted in place.
    pub fn datagram(&mut self, now: Instant, source: SocketAddr, local: SocketAddr, datagram: &mut [u8]) {
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += datagram.len() as u64;
        match transport::demux(datagram) {
            Demux::Rtp => match self.addresses.get(&source) {
                Some(&peer) => self.rtp(now, peer, source, datagram),
                None => self.counters.unknown += 1,
            },
            Demux::Rtcp => match self.addresses.get(&source) {
                Some(&peer) => self.rtcp(now, peer, source, datagram),
                None => self.counters.unknown += 1,
            },
            Demux::Stun => {
                // Requests name the transport; answers to our own come from an address we know.
                let named = transport::stun_username(datagram).and_then(|(ours, _)| self.ufrags.get(ours));
                match named.or_else(|| self.addresses.get(&source)) {
                    Some(&peer) => self.with_transport(now, peer, |transport| {
                        transport.receive(source, local, datagram, now);
                    }),
                    None => self.counters.unknown += 1,
                }
            }
            Demux::Dtls => match self.addresses.get(&source) {
                Some(&peer) => self.with_transport(now, peer, |transport| {
                    transport.receive(source, local, datagram, now);
                }),
                None => self.counters.unknown += 1,
            },
            Demux::Unknown => self.counters.unknown += 1,
        }
    }

    /// When to call [`Shard::timeout`] next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        // A heap would have to be kept in step with every call into a transport; the list is short.
        let transports = self.peers.iter().filter_map(|(_, peer)| peer.transport_due).min();
        [transports, self.tick_due, self.speakers_due].into_iter().flatten().min()
    }

    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next datagram or run of datagrams to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit<'_>> {
        if let Some((destination, datagram)) = self.control.pop_front() {
            self.counters.datagrams_out += 1;
            self.counters.bytes_out += datagram.len() as u64;
            self.leaving = datagram;
            return Some(Transmit { destination, payload: &self.leaving, segment_size: None });
        }
        loop {
            let &key = self.ready.last()?;
            let drained = match self.peers.get_mut(key) {
                Some(peer) => match peer.egress.destination {
                    Some(_) => !peer.egress.runs.advance(),
                    None => {
                        peer.egress.runs.clear();
                        true
                    }
                },
                None => true,
            };
            if !drained {
                break;
            }
            self.ready.pop();
            if let Some(peer) = self.peers.get_mut(key) {
                peer.egress.listed = false;
            }
        }
        let &key = self.ready.last()?;
        let egress = &self.peers.get(key)?.egress;
        let transmit = egress.runs.current(egress.destination?)?;
        let count = transmit.segment_size.map_or(1, |size| transmit.payload.len().div_ceil(size));
        self.counters.datagrams_out += count as u64;
        self.counters.bytes_out += transmit.payload.len() as u64;
        Some(transmit)
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Gives a transport an address and keys as if its handshakes were done, for benches and tests
    /// of the packet path alone.
    #[doc(hidden)]
    pub fn adopt(
        &mut self,
        now: Instant,
        transport: TransportId,
        address: SocketAddr,
        keys: transport::SrtpKeys,
    ) {
        let Some(&key) = self.peer_keys.get(&transport) else { return };
        self.reachable(key, address);
        self.transport_event(key, TransportEvent::Keys(keys));
        if let Some(peer) = self.peers.get_mut(key) {
            peer.egress.destination = Some(address);
        }
        self.opened(now, key);
    }

    /// Runs something on a peer's transport and carries out what follows from it.
    fn with_transport(&mut self, now: Instant, key: usize, run: impl FnOnce(&mut transport::Transport)) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        run(&mut peer.transport);
        self.drain_transport(now, key);
    }

    fn drain_transport(&mut self, now: Instant, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        while let Some(datagram) = peer.transport.poll_transmit() {
            if self.control.len() < MAX_CONTROL {
                self.control.push_back(datagram);
            } else {
                self.counters.dropped += 1;
            }
        }
        let was_open = peer.egress.is_open();
        // Between two pairs media keeps going where it went.
        peer.egress.destination = peer.transport.destination().or(peer.egress.destination);
        while let Some(event) = self.peers.get_mut(key).and_then(|peer| peer.transport.poll_event()) {
            self.transport_event(key, event);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.transport_due = peer.transport.poll_timeout();
        if !was_open && peer.egress.is_open() {
            self.opened(now, key);
        }
    }
    fn transport_event(&mut self, key: usize, event: TransportEvent) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let transport = peer.id;
        self.events.push_back(match event {
            TransportEvent::Reachable(address) => return self.reachable(key, address),
            TransportEvent::Keys(keys) => {
                let opener = Opener::new(keys.profile, &keys.remote_key, &keys.remote_salt);
                let sealer = Sealer::new(keys.profile, &keys.local_key, &keys.local_salt);
                if let (Ok(opener), Ok(sealer)) = (opener, sealer) {
                    peer.opener = Some(opener);
                    peer.egress.sealer = Some(sealer);
                    return;
                }
                Event::Failed { transport, reason: FailReason::Dtls }
            }
            TransportEvent::Connected => Event::Connected { transport },
            TransportEvent::Disconnected => Event::Disconnected { transport },
            TransportEvent::Failed(reason) => Event::Failed { transport, reason },
            TransportEvent::ChannelsOpen => Event::ChannelsOpen { transport },
            TransportEvent::Data { channel, payload } => Event::Data { transport, channel, payload },
        });
    }

    /// An address proved to be the peer's; whoever had it before has moved on.
    fn reachable(&mut self, key: usize, address: SocketAddr) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if let Some(evicted) = peer.learn(address) {
            self.addresses.remove(&evicted);
        }
        if let Some(before) = self.addresses.insert(address, key).filter(|before| *before != key)
            && let Some(before) = self.peers.get_mut(before)
        {
            before.addresses.retain(|known| *known != address);
        }
    }
}
