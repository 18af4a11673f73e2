//! One client's transport with the tables that lead from its packets to tracks and sends.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use super::runs::{Lane, Runs};
use crate::media::TransportId;
use crate::rtp::twcc::ArrivalLog;
use crate::srtp::{Opener, Sealer};
use crate::transport::Transport;

/// Bindings of SSRCs beyond this are not learned.
pub(super) const MAX_SSRCS: usize = 1024;
/// Addresses a client may be reached at; the oldest makes room.
const MAX_ADDRESSES: usize = 16;

/// What an SSRC of the publisher carries: a layer of a track, or its retransmissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Binding {
    pub(super) track: usize,
    pub(super) layer: u8,
    pub(super) rtx: bool,
}

pub(super) struct Peer {
    pub(super) id: TransportId,
    pub(super) room: u64,
    pub(super) transport: Transport,
    /// Cached from the transport: checking it is part of every wake-up.
    pub(super) transport_due: Option<Instant>,
    pub(super) opener: Option<Opener>,
    pub(super) egress: Egress,
    pub(super) ufrags: Vec<String>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) bindings: HashMap<u32, Binding>,
    /// Keys of the tracks it publishes.
    pub(super) tracks: Vec<usize>,
    /// Keys of what is sent to it, by SSRC (also RTX).
    pub(super) sends: HashMap<u32, usize>,
    /// Where the numbers of streams that ended would go on. Starting one of them again lower would
    /// use the nonces of its first packets twice.
    pub(super) ended: HashMap<u32, u64>,
    pub(super) arrivals: ArrivalLog,
    /// The one extension id of transport-wide sequence numbers, 0 if not negotiated.
    pub(super) transport_cc: u8,
    /// Our SSRC in feedback.
    pub(super) ssrc: u32,
    /// The newest media SSRC of the client: feedback that names none of its own is ignored.
    pub(super) media_ssrc: u32,
    /// When to tell the transport next that media came in.
    pub(super) life_due: Instant,
    pub(super) feedback_due: Instant,
    pub(super) report_due: Instant,
    /// Bits per second, from REMB.
    pub(super) estimate: Option<u64>,
}

/// The way out to one client.
#[derive(Default)]
pub(super) struct Egress {
    pub(super) sealer: Option<Sealer>,
    pub(super) destination: Option<SocketAddr>,
    pub(super) runs: Runs,
    /// Listed among those that have something to send.
    pub(super) listed: bool,
    /// Next transport-wide sequence number.
    pub(super) transport_sequence: u16,
}

impl Egress {
    pub(super) fn is_open(&self) -> bool {
        self.sealer.is_some() && self.destination.is_some()
    }

    /// Seals a compound RTCP packet. False when it could not be queued.
    pub(super) fn rtcp(&mut self, plain: &[u8]) -> bool {
        let (Some(sealer), Some(_)) = (self.sealer.as_mut(), self.destination) else { return false };
        match sealer.rtcp(plain, self.runs.space(Lane::Other)) {
            Ok(length) => {
                self.runs.commit(Lane::Other, length);
                true
            }
            Err(_) => false,
        }
    }
}

impl Peer {
    /// Adds an address; answers the one that had to give way.
    pub(super) fn learn(&mut self, address: SocketAddr) -> Option<SocketAddr> {
        if self.addresses.contains(&address) {
            return None;
        }
        // The selected one stays.
        let selected = self.egress.destination;
        let evicted = (self.addresses.len() >= MAX_ADDRESSES)
            .then(|| self.addresses.iter().position(|address| Some(*address) != selected))
            .flatten()
            .map(|at| self.addresses.remove(at));
        self.addresses.push(address);
        evicted
    }
}
