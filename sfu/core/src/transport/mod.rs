//! One ICE + DTLS + SCTP association, without its media: everything on the 5-tuple that is not
//! SRTP or SRTCP. The shard feeds it STUN and DTLS datagrams and takes keys, data and datagrams out.
//!
//! `ice` finds the way, `dtls` secures it, `sctp` carries data channels inside. Each wraps a crate
//! of the webrtc-rs family behind the same few calls, so that any of them can be replaced.
//! Contract livekit.md 3.3, 3.7 and 5.1.
//!
//! Invariant: what did not come from somebody who knows our ICE password is not answered and
//! changes nothing, and nothing grows with what a peer sends.

mod demux;
mod dtls;
mod ice;
mod records;
mod sctp;
mod stun;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rtc_dtls::crypto_provider::RTCCryptoProvider;

pub use self::demux::{Demux, demux, stun_username};
use self::dtls::{Dtls, DtlsEvent};
use self::ice::{Ice, IceEvent};
use self::sctp::{Sctp, SctpEvent};
use crate::certificate::Certificate;
use crate::media::{Channel, ChannelSetup, FailReason, IceCredentials, RemoteTransport};

/// Everything a transport knows before its peer has spoken.
#[derive(Debug)]
pub struct TransportConfig {
    pub local: IceCredentials,
    /// True when we made the offer.
    pub controlling: bool,
    pub channels: ChannelSetup,
    pub certificate: Certificate,
    /// Our host candidates, best first.
    pub candidates: Vec<SocketAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot make an ICE agent: {0}")]
    Ice(String),
    #[error("no cryptography: {0}")]
    Crypto(String),
}

/// Keys exported from DTLS for the packet path (RFC 5764 section 4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    pub profile: crate::srtp::Profile,
    /// Protects what we send.
    pub local_key: Vec<u8>,
    pub local_salt: Vec<u8>,
    /// Protects what the peer sends.
    pub remote_key: Vec<u8>,
    pub remote_salt: Vec<u8>,
}

impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SrtpKeys({:?})", self.profile)
    }
}

/// What the shard learns from a transport.
#[derive(Clone, Debug)]
pub enum TransportEvent {
    /// A STUN request from this address passed the integrity check: it belongs to this transport.
    Reachable(SocketAddr),
    /// DTLS is done; comes once, before the first [`TransportEvent::Connected`].
    Keys(SrtpKeys),
    /// ICE has a pair and DTLS is done. Comes again after [`TransportEvent::Disconnected`].
    Connected,
    Disconnected,
    Failed(FailReason),
    ChannelsOpen,
    Data {
        channel: Channel,
        payload: Bytes,
    },
}

/// See the module documentation. After each call, drain [`Transport::poll_transmit`] and
/// [`Transport::poll_event`], then ask [`Transport::poll_timeout`].
pub struct Transport {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    channels: ChannelSetup,
    ice: Ice,
    secure: Option<Secure>,
    /// Addresses that a STUN request of the peer came from, the latest last: DTLS is taken from
    /// these alone. A browser begins its handshake before a pair is selected.
    sources: Vec<SocketAddr>,
    /// Candidates that were trickled before the peer's description.
    early: Vec<String>,
    connected: bool,
    closed: bool,
    transmits: VecDeque<(SocketAddr, Bytes)>,
    events: VecDeque<TransportEvent>,
}

/// What is there once the peer's description is known.
struct Secure {
    dtls: Dtls,
    /// `None` when no data channels were negotiated.
    sctp: Option<Sctp>,
    done: bool,
    failed: bool,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("destination", &self.destination())
            .field("connected", &self.connected)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

const MAX_SOURCES: usize = 16;
const MAX_EARLY_CANDIDATES: usize = 32;

impl Transport {
    pub fn new(config: TransportConfig, now: Instant) -> Result<Transport, TransportError> {
        let provider = rtc_dtls::crypto_provider::default_provider()
            .map_err(|error| TransportError::Crypto(error.to_string()))?;
        Ok(Transport {
            ice: Ice::new(provider.clone(), config.local, config.controlling, &config.candidates, now)?,
            provider,
            certificate: config.certificate,
            channels: config.channels,
            secure: None,
            sources: Vec::new(),
            early: Vec::new(),
            connected: false,
            closed: false,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// Applies the peer's first description; later calls are ignored.
    pub fn connect(&mut self, remote: RemoteTransport, now: Instant) {
        if self.closed || self.secure.is_some() {
            return;
        }
        let RemoteTransport { ice, ice_lite, fingerprint, role, sctp, candidates } = remote;
        self.secure = Some(Secure {
            dtls: Dtls::new(self.provider.clone(), self.certificate.clone(), fingerprint, role),
            sctp: sctp.map(|params| Sctp::new(params, self.channels, role)),
            done: false,
            failed: false,
        });
        self.ice.connect(ice, ice_lite, now);
        for candidate in candidates.into_iter().chain(std::mem::take(&mut self.early)) {
            self.ice.add_candidate(&candidate, now);
        }
        self.settle(now);
    }

    /// Starts over with new credentials; [`Transport::destination`] stays until a pair is found.
    pub fn restart_ice(&mut self, local: IceCredentials, remote: IceCredentials, now: Instant) {
        if !self.closed && self.secure.is_some() {
            self.ice.restart(local, remote, now);
            self.settle(now);
        }
    }

    /// A trickled `candidate:` attribute value.
    pub fn add_candidate(&mut self, candidate: &str, now: Instant) {
        if self.closed {
        } else if self.secure.is_some() {
            self.ice.add_candidate(candidate, now);
            self.settle(now);
        } else if self.early.len() < MAX_EARLY_CANDIDATES && candidate.len() < 512 {
            self.early.push(candidate.to_owned());
        }
    }

    /// A datagram that [`demux`] calls STUN or DTLS. `local` is where it came in.
    pub fn receive(&mut self, source: SocketAddr, local: SocketAddr, datagram: &[u8], now: Instant) {
        if self.closed {
            return;
        }
        match demux(datagram) {
            Demux::Stun => self.ice.receive(source, local, datagram, now),
            Demux::Dtls if self.sources.contains(&source) => {
                if let Some(secure) = &mut self.secure {
                    secure.dtls.receive(datagram, now);
                    // Before that anybody could have sent it.
                    if secure.done {
                        self.ice.alive(source, now);
                    }
                }
            }
            _ => return,
        }
        self.settle(now);
    }

    /// Authenticated media came from this address: counts as a sign of life.
    pub fn saw_media(&mut self, source: SocketAddr, now: Instant) {
        if !self.closed {
            self.ice.alive(source, now);
            self.settle(now);
        }
    }

    /// Sends a message on a channel. Reliable messages wait for the channel and for
    /// acknowledgement, up to 4 MiB of them; lossy ones are dropped when they cannot leave.
    pub fn send_data(&mut self, channel: Channel, payload: Bytes, now: Instant) {
        if let Some(sctp) = self.secure.as_mut().and_then(|secure| secure.sctp.as_mut()) {
            sctp.send(channel, payload, now);
            self.settle(now);
        }
    }

    /// Data messages, sent and received, that were dropped: queue full, too long, channel closed.
    pub fn dropped_data(&self) -> u64 {
        let sctp = self.secure.as_ref().and_then(|secure| secure.sctp.as_ref());
        sctp.map_or(0, Sctp::dropped)
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        self.ice.handle_timeout(now);
        if let Some(secure) = &mut self.secure {
            secure.dtls.handle_timeout(now);
            if let Some(sctp) = &mut secure.sctp {
                sctp.handle_timeout(now);
            }
        }
        self.settle(now);
    }

    /// When [`Transport::handle_timeout`] is due; may lie in the past.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let secure = self.secure.as_ref();
        let dtls = secure.and_then(|secure| secure.dtls.poll_timeout());
        let sctp = secure.and_then(|secure| secure.sctp.as_ref()?.poll_timeout());
        [self.ice.poll_timeout(), dtls, sctp].into_iter().flatten().min()
    }

    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Where media goes: the selected pair, during a restart the old one.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.ice.destination()
    }

    /// Says goodbye; only [`Transport::poll_transmit`] has anything to give after this.
    pub fn close(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        if let Some(secure) = &mut self.secure {
            secure.dtls.close(now);
        }
        self.settle(now);
        self.events.clear();
        self.closed = true;
    }

    /// Moves what each protocol produced to the next one, until all are at rest.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.ice.poll_event() {
            self.ice_event(event, now);
        }
        let target = self.destination().or(self.sources.last().copied());
        if let Some(secure) = &mut self.secure {
            if target.is_some() {
                secure.dtls.start(now);
            }
            secure.settle(now, &mut self.events);
            while let Some(message) = secure.dtls.poll_transmit() {
                if let Some(target) = target {
                    self.transmits.push_back((target, message));
                }
            }
        }
        while let Some(transmit) = self.ice.poll_transmit() {
            self.transmits.push_back(transmit);
        }
        let secure = self.secure.as_ref();
        if !self.connected
            && self.ice.is_connected()
            && secure.is_some_and(|secure| secure.done && !secure.failed)
        {
            self.connected = true;
            self.events.push_back(TransportEvent::Connected);
        }
    }

    fn ice_event(&mut self, event: IceEvent, _now: Instant) {
        match event {
            IceEvent::Reachable(source) => {
                self.sources.retain(|known| *known != source);
                if self.sources.len() >= MAX_SOURCES {
                    self.sources.remove(0);
                }
                self.sources.push(source);
                self.events.push_back(TransportEvent::Reachable(source));
            }
            IceEvent::Connected => {}
            IceEvent::Disconnected => {
                if std::mem::take(&mut self.connected) {
                    self.events.push_back(TransportEvent::Disconnected);
                }
            }
            IceEvent::Failed => {
                self.connected = false;
                self.events.push_back(TransportEvent::Failed(FailReason::Ice));
            }
        }
    }
}

impl Secure {
    fn settle(&mut self, now: Instant, events: &mut VecDeque<TransportEvent>) {
        loop {
            while let Some(event) = self.dtls.poll_event() {
                match event {
                    DtlsEvent::Connected(keys) => {
                        self.done = true;
                        events.extend(keys.map(TransportEvent::Keys));
                        if let Some(sctp) = &mut self.sctp {
                            sctp.start(now);
                        }
                    }
                    DtlsEvent::Data(data) => {
                        if let Some(sctp) = &mut self.sctp {
                            sctp.receive(data, now);
                        }
                    }
                    // The signalling or the lack of consent will say what became of the peer.
                    DtlsEvent::Closed => tracing::debug!("peer closed dtls"),
                    DtlsEvent::Failed => {
                        self.failed = true;
                        events.push_back(TransportEvent::Failed(FailReason::Dtls));
                    }
                }
            }
            let Some(sctp) = &mut self.sctp else { return };
            while let Some(event) = sctp.poll_event() {
                events.push_back(match event {
                    SctpEvent::Open => TransportEvent::ChannelsOpen,
                    SctpEvent::Data(channel, payload) => TransportEvent::Data { channel, payload },
                });
            }
            let mut sent = false;
            while let Some(packet) = sctp.poll_transmit() {
                sent = true;
                self.dtls.send(&packet, now);
            }
            if !sent {
                return;
            }
        }
    }
}
