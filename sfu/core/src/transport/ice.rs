//! Reachability: STUN checks, nomination, consent and restarts (RFC 8445, RFC 7675), on `rtc-ice`.
//!
//! Invariants: the agent sees a request only after its integrity was checked here, because it
//! would settle role conflicts for anybody; and the address that media goes to changes only when
//! its replacement is nominated. For the latter a restart runs a second agent beside the first,
//! which keeps answering, and so does a peer that nominates a new address after the old one fell
//! silent: the agent itself never leaves a selected pair.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc_ice::candidate::candidate_host::CandidateHostConfig;
use rtc_ice::candidate::{Candidate, CandidateConfig, unmarshal_candidate};
use rtc_ice::crypto::RTCCryptoProvider;
use rtc_ice::mdns::MulticastDnsMode;
use rtc_ice::network_type::NetworkType;
use rtc_ice::state::ConnectionState;
use rtc_ice::{Agent, AgentConfig, Event};
use rtc_shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use sansio::Protocol;

use super::TransportError;
use super::stun::{Class, Stun};
use crate::media::IceCredentials;

/// Contract livekit.md 3.7.
const DISCONNECTED_AFTER: Duration = Duration::from_secs(10);
const FAILED_AFTER: Duration = Duration::from_secs(5);
const KEEPALIVE: Duration = Duration::from_secs(2);
/// Between the checks of one pair, and so between its success and its nomination.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Checks of one pair before it counts as failed: about as many as fit into the time to fail.
const CHECKS: u16 = 120;
/// The agent wants to run each 200 ms even when nothing is due.
const CONNECTED_TICK: Duration = Duration::from_millis(500);
/// How long the selected address must be silent before another one may be nominated.
const SILENCE_BEFORE_MOVING: Duration = Duration::from_secs(3);
/// Addresses of the peer, told and discovered: each costs checks.
const MAX_REMOTE_CANDIDATES: usize = 32;
const MAX_CANDIDATE_LENGTH: usize = 512;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum IceEvent {
    Reachable(SocketAddr),
    Connected,
    Disconnected,
    Failed,
}

pub(super) struct Ice {
    provider: Arc<dyn RTCCryptoProvider>,
    controlling: bool,
    /// One address for each family: we do not choose where a datagram leaves, so more would only
    /// multiply the checks.
    bases: Vec<SocketAddr>,
    current: Generation,
    /// The one before a restart, for as long as it carries the media.
    previous: Option<Generation>,
    /// Last sign of life from the selected address.
    heard: Instant,
    reported: Option<IceEvent>,
    transmits: VecDeque<(SocketAddr, Bytes)>,
    events: VecDeque<IceEvent>,
}

/// An agent with the credentials it lives by.
struct Generation {
    agent: Agent,
    local: IceCredentials,
    remote: Option<IceCredentials>,
    selected: Option<SocketAddr>,
    state: ConnectionState,
    /// When the agent ran last.
    ticked: Instant,
    /// When media last counted as a sign of life.
    refreshed: Option<Instant>,
}

impl Ice {
    pub(super) fn new(
        provider: Arc<dyn RTCCryptoProvider>,
        local: IceCredentials,
        controlling: bool,
        candidates: &[SocketAddr],
        now: Instant,
    ) -> Result<Ice, TransportError> {
        let bases: Vec<SocketAddr> = [
            candidates.iter().find(|address| address.is_ipv4()),
            candidates.iter().find(|address| address.is_ipv6()),
        ]
        .into_iter()
        .flatten()
        .copied()
        .collect();
        let current = Generation::new(&provider, local, controlling, &bases, now)?;
        Ok(Ice {
            provider,
            controlling,
            bases,
            current,
            previous: None,
            heard: now,
            reported: None,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        })
    }

    /// Starts checking. Of two full agents the offerer controls; a lite peer never does.
    pub(super) fn connect(&mut self, remote: IceCredentials, lite: bool, now: Instant) {
        if self.current.remote.is_none() {
            self.controlling |= lite;
            self.current.start(remote, self.controlling, now);
            self.settle(now);
        }
    }

    pub(super) fn restart(&mut self, local: IceCredentials, remote: IceCredentials, now: Instant) {
        if self.current.local == local {
            return;
        }
        if let Ok(next) = Generation::new(&self.provider, local, self.controlling, &self.bases, now) {
            self.replace(next, remote, now);
        }
    }

    fn replace(&mut self, next: Generation, remote: IceCredentials, now: Instant) {
        let old = std::mem::replace(&mut self.current, next);
        if old.selected.is_some() {
            self.previous = Some(old);
        }
        self.current.start(remote, self.controlling, now);
        self.settle(now);
    }

    /// Takes a `candidate:` attribute value; what we cannot reach by UDP is ignored.
    pub(super) fn add_candidate(&mut self, text: &str, now: Instant) {
        if let Some(candidate) = remote_candidate(text)
            && self.current.has_room()
        {
            // An error means that the agent has no use for it.
            let _ = self.current.agent.add_remote_candidate(candidate);
            self.settle(now);
        }
    }

    pub(super) fn receive(&mut self, source: SocketAddr, local: SocketAddr, datagram: &[u8], now: Instant) {
        let Some(stun) = Stun::parse(datagram) else { return };
        let Some(base) = self.base(local, source) else { return };
        match stun.class {
            Class::Request => {
                let Some((ufrag, peer)) = stun.username() else { return };
                let moved = self.may_move(source, now) && stun.use_candidate();
                let Some(generation) = [Some(&mut self.current), self.previous.as_mut()]
                    .into_iter()
                    .flatten()
                    .find(|generation| generation.local.ufrag == ufrag)
                else {
                    return;
                };
                let known = generation.remote.as_ref().is_some_and(|remote| remote.ufrag == peer);
                if !known || !stun.is_authentic(&generation.local.pwd) {
                    return;
                }
                if !generation.knows(source) && !generation.has_room() {
                    return;
                }
                let ufrag_is_current = self.current.local.ufrag == ufrag;
                if moved && ufrag_is_current {
                    self.move_on(now);
                }
                let generation = match &mut self.previous {
                    Some(previous) if !ufrag_is_current => previous,
                    _ => &mut self.current,
                };
                generation.handle(base, source, datagram, now);
                self.events.push_back(IceEvent::Reachable(source));
            }
            Class::Success => {
                let generations = [Some(&mut self.current), self.previous.as_mut()];
                for generation in generations.into_iter().flatten() {
                    let authentic =
                        generation.remote.as_ref().is_some_and(|remote| stun.is_authentic(&remote.pwd));
                    if authentic && generation.knows(source) {
                        generation.handle(base, source, datagram, now);
                    }
                }
            }
            // Anybody can send an indication or an error.
            Class::Indication | Class::Error => return,
        }
        if self.destination() == Some(source) {
            self.heard = now;
        }
        self.settle(now);
    }

    /// A peer whose path died nominates another address.
    fn may_move(&self, source: SocketAddr, now: Instant) -> bool {
        !self.controlling
            && self.previous.is_none()
            && self.current.selected.is_some_and(|selected| selected != source)
            && now.saturating_duration_since(self.heard) >= SILENCE_BEFORE_MOVING
    }

    fn move_on(&mut self, now: Instant) {
        let local = self.current.local.clone();
        if let Some(remote) = self.current.remote.clone()
            && let Ok(next) = Generation::new(&self.provider, local, self.controlling, &self.bases, now)
        {
            self.replace(next, remote, now);
        }
    }

    /// Our address as the agents know it. The one that a datagram came in on may be unspecified
    /// or hidden behind a translated one.
    fn base(&self, local: SocketAddr, source: SocketAddr) -> Option<SocketAddr> {
        self.bases
            .iter()
            .find(|base| **base == local)
            .or_else(|| self.bases.iter().find(|base| base.is_ipv4() == source.is_ipv4()))
            .copied()
    }

    /// Authenticated traffic other than STUN. Firefox checks rarely while media flows.
    pub(super) fn alive(&mut self, source: SocketAddr, now: Instant) {
        if self.destination() == Some(source) {
            self.heard = now;
        }
        let Some(base) = self.base(source, source) else { return };
        let generations = [Some(&mut self.current), self.previous.as_mut()];
        for generation in generations.into_iter().flatten() {
            let due = generation.refreshed.is_none_or(|last| now >= last + CONNECTED_TICK);
            if generation.selected == Some(source) && due {
                generation.refreshed = Some(now);
                generation.agent.is_valid_non_stun_traffic(now, context(base, source));
            }
        }
    }

    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.current.selected.or_else(|| self.previous.as_ref().and_then(|previous| previous.selected))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.reported == Some(IceEvent::Connected)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let generations = [Some(&mut self.current), self.previous.as_mut()];
        for generation in generations.into_iter().flatten() {
            if generation.timeout().is_some_and(|at| at <= now) {
                generation.ticked = now;
                // The agent's clock only sends and changes state.
                let _ = generation.agent.handle_timeout(now);
            }
        }
        self.settle(now);
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        let previous = self.previous.as_mut().and_then(Generation::timeout);
        [self.current.timeout(), previous].into_iter().flatten().min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Bytes)> {
        self.transmits.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// Collects what the agents want and decides which of them carries the media.
    fn settle(&mut self, now: Instant) {
        let generations = [Some(&mut self.current), self.previous.as_mut()];
        for generation in generations.into_iter().flatten() {
            while let Some(transmit) = generation.agent.poll_write() {
                let message = transmit.message.freeze();
                self.transmits.push_back((transmit.transport.peer_addr, message));
            }
            generation.collect_events();
        }
        if let Some(previous) = &self.previous {
            if self.current.selected.is_some() {
                self.previous = None;
                self.heard = now;
            } else if self.current.state == ConnectionState::Failed && previous.selected.is_some() {
                // The restart came to nothing and the old path still works.
                self.current = self.previous.take().expect("it was just there");
            } else if previous.selected.is_none() {
                self.previous = None;
            }
        }
        self.report(now);
    }

    fn report(&mut self, now: Instant) {
        let connected = |generation: &Generation| generation.state == ConnectionState::Connected;
        let next = if connected(&self.current) || self.previous.as_ref().is_some_and(connected) {
            IceEvent::Connected
        } else if self.current.state == ConnectionState::Failed {
            IceEvent::Failed
        } else if self.reported.is_some() {
            IceEvent::Disconnected
        } else {
            return;
        };
        if self.reported != Some(next) {
            if self.reported.is_none() {
                self.heard = now;
            }
            self.reported = Some(next);
            self.events.push_back(next);
        }
    }
}

impl Generation {
    fn new(
        provider: &Arc<dyn RTCCryptoProvider>,
        local: IceCredentials,
        controlling: bool,
        bases: &[SocketAddr],
        now: Instant,
    ) -> Result<Generation, TransportError> {
        let error = |error: rtc_shared::error::Error| TransportError::Ice(error.to_string());
        let config = AgentConfig {
            local_ufrag: local.ufrag.clone(),
            local_pwd: local.pwd.clone(),
            multicast_dns_mode: MulticastDnsMode::Disabled,
            disconnected_timeout: Some(DISCONNECTED_AFTER),
            failed_timeout: Some(FAILED_AFTER),
            keepalive_interval: Some(KEEPALIVE),
            network_types: vec![NetworkType::Udp4, NetworkType::Udp6],
            check_interval: CHECK_INTERVAL,
            max_binding_requests: Some(CHECKS),
            is_controlling: controlling,
            // Browsers hide their addresses, so most pairs are discovered: do not wait for others.
            srflx_acceptance_min_wait: Some(Duration::ZERO),
            prflx_acceptance_min_wait: Some(Duration::ZERO),
            ..AgentConfig::default()
        };
        let mut agent = Agent::new(now, Arc::new(config), provider.clone()).map_err(error)?;
        for base in bases {
            let candidate = CandidateHostConfig {
                base_config: CandidateConfig {
                    network: "udp".to_owned(),
                    address: base.ip().to_string(),
                    port: base.port(),
                    component: 1,
                    ..CandidateConfig::default()
                },
                ..CandidateHostConfig::default()
            };
            let candidate = candidate.new_candidate_host().map_err(error)?;
            agent.add_local_candidate(candidate).map_err(error)?;
        }
        Ok(Generation {
            agent,
            local,
            remote: None,
            selected: None,
            state: ConnectionState::New,
            ticked: now,
            refreshed: None,
        })
    }

    fn start(&mut self, remote: IceCredentials, controlling: bool, now: Instant) {
        let (ufrag, pwd) = (remote.ufrag.clone(), remote.pwd.clone());
        // It fails on empty credentials only, and then nothing can be authentic.
        if self.agent.start_connectivity_checks(now, controlling, ufrag, pwd).is_ok() {
            self.remote = Some(remote);
        }
    }

    fn knows(&self, source: SocketAddr) -> bool {
        self.agent.get_remote_candidates().iter().any(|candidate| candidate.addr() == source)
    }

    fn has_room(&self) -> bool {
        self.agent.get_remote_candidates().len() < MAX_REMOTE_CANDIDATES
    }

    fn handle(&mut self, base: SocketAddr, source: SocketAddr, datagram: &[u8], now: Instant) {
        let message =
            TaggedBytesMut { now, transport: context(base, source), message: BytesMut::from(datagram) };
        // Errors are about single messages, which are lost like any datagram.
        let _ = self.agent.handle_read(message);
    }

    fn collect_events(&mut self) {
        while let Some(tagged) = self.agent.poll_event() {
            match tagged.event {
                Event::SelectedCandidatePairChange(_, remote) => {
                    self.selected = Some(remote.addr());
                }
                Event::ConnectionStateChange(state) => {
                    self.state = state;
                    if state == ConnectionState::Failed {
                        self.selected = None;
                    }
                }
                _ => {}
            }
        }
    }

    fn timeout(&mut self) -> Option<Instant> {
        let at = self.agent.poll_timeout()?;
        Some(match self.state {
            ConnectionState::Connected | ConnectionState::Disconnected => {
                at.max(self.ticked + CONNECTED_TICK)
            }
            _ => at,
        })
    }
}

fn context(local_addr: SocketAddr, peer_addr: SocketAddr) -> TransportContext {
    TransportContext { local_addr, peer_addr, transport_protocol: TransportProtocol::UDP, ecn: None }
}

/// A candidate that checks can be sent to: UDP, component 1, a real unicast address.
fn remote_candidate(text: &str) -> Option<Candidate> {
    let text = text.trim();
    let text = text.strip_prefix("a=").unwrap_or(text);
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    if text.len() > MAX_CANDIDATE_LENGTH {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    let component = words.nth(1)?;
    let protocol = words.next()?;
    let ip: std::net::IpAddr = words.nth(1)?.parse().ok()?;
    let port: u16 = words.next()?.parse().ok()?;
    let usable = component == "1"
        && protocol.eq_ignore_ascii_case("udp")
        && port != 0
        && !ip.is_unspecified()
        && !ip.is_multicast();
    usable.then(|| unmarshal_candidate(text).ok()).flatten()
}
