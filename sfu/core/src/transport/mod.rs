//! One ICE + DTLS + SCTP association, without its media: everything on the 5-tuple that is not
//! SRTP or SRTCP. The shard feeds it STUN and DTLS datagrams and takes keys, data and datagrams out.

mod demux;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

pub use self::demux::{Demux, demux, stun_username};
use crate::certificate::Certificate;
use crate::ids::Chance;
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
    pub chance: Chance,
}

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot make an ICE agent: {0}")]
    Ice(String),
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
#[derive(Debug)]
pub struct Transport {
    #[expect(dead_code, reason = "read by the protocols that land next")]
    config: TransportConfig,
    transmits: VecDeque<(SocketAddr, Bytes)>,
    events: VecDeque<TransportEvent>,
}

impl Transport {
    pub fn new(config: TransportConfig, _now: Instant) -> Result<Transport, TransportError> {
        Ok(Transport {
            config,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// Applies the peer's first description; later calls are ignored.
    pub fn connect(&mut self, _remote: RemoteTransport, _now: Instant) {}

    /// Starts over with new credentials; [`Transport::destination`] stays until a pair is found.
    pub fn restart_ice(&mut self, _local: IceCredentials, _remote: IceCredentials, _now: Instant) {}

    /// A trickled `candidate:` attribute value.
    pub fn add_candidate(&mut self, _candidate: &str, _now: Instant) {}

    /// A datagram that [`demux`] calls STUN or DTLS.
    pub fn receive(
        &mut self,
        _source: SocketAddr,
        _local: SocketAddr,
        _datagram: &[u8],
        _now: Instant,
    ) {
    }

    /// Authenticated media came from this address: counts as a sign of life.
    pub fn saw_media(&mut self, _source: SocketAddr, _now: Instant) {}

    pub fn send_data(&mut self, _channel: Channel, _payload: Bytes, _now: Instant) {}

    pub fn handle_timeout(&mut self, _now: Instant) {}

    pub fn poll_timeout(&mut self) -> Option<Instant> {
        None
    }

    pub fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Where media goes: the selected pair, during a restart the old one.
    pub fn destination(&self) -> Option<SocketAddr> {
        None
    }

    pub fn close(&mut self, _now: Instant) {}
}
