//! The DTLS-SRTP handshake and what travels inside it (RFC 5764, RFC 8827), on `rtc-dtls`.
//!
//! `rtc-dtls` has three habits that this file makes up for:
//!
//! - A repeated handshake record disarms its retransmission timer for good, so one lost datagram
//!   can hang a handshake. Repetitions are therefore not shown to it: they are answered with our
//!   own last flight, which also goes out again on a timer that doubles.
//! - It follows the client's order of SRTP profiles, and browsers list AES-CM first. The
//!   configuration is made once the ClientHello is complete, with AES-128-GCM alone if listed.
//! - It identifies peers by address. Ours may change its address, so it always gets the same one.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{self, digest};
use bytes::{Bytes, BytesMut};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::TransportProtocol;

use super::SrtpKeys;
use super::records::{Fragment, Hello, inspect};
use crate::certificate::Certificate;
use crate::media::{DtlsRole, Fingerprint};
use crate::srtp::Profile;

const PEER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1));
const LOCAL: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 1));
const FIRST_RESEND: Duration = Duration::from_millis(80);
const MAX_RESEND: Duration = Duration::from_secs(1);
/// Repetitions arrive in bursts; one answer serves them all.
const RESEND_GAP: Duration = Duration::from_millis(30);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// A client's last flight has to be made anew when the answer to it was lost, because a server
/// knows its records already. The implementation does so itself, at most seven times.
const CLIENT_FLIGHT: Duration = Duration::from_millis(400);
/// The client is in charge of repeating, so a server's own timer would only end it early.
const SERVER_FLIGHT: Duration = Duration::from_mins(1);
/// Datagrams kept until the ClientHello is complete.
const MAX_PENDING: usize = 8;
/// Handshake fragments we look at before and after the handshake is done.
const HANDSHAKE_FRAGMENTS: usize = 400;
const LATE_FRAGMENTS: usize = 64;
const EXPORTER: &str = "EXTRACTOR-dtls_srtp";

#[derive(Debug)]
pub(super) enum DtlsEvent {
    /// Without keys the peer wanted no SRTP: a connection for data only.
    Connected(Option<SrtpKeys>),
    Data(Bytes),
    /// The peer said goodbye.
    Closed,
    Failed,
}

pub(super) struct Dtls {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    fingerprint: Fingerprint,
    role: DtlsRole,
    phase: Phase,
    /// What we sent last, as long as the peer may need it again.
    flight: Vec<Bytes>,
    sent: Option<Instant>,
    resend: Option<Instant>,
    interval: Duration,
    deadline: Option<Instant>,
    /// Sequence and offset of the fragments that were seen.
    seen: Vec<(u16, usize)>,
    fragments_left: usize,
    transmits: VecDeque<Bytes>,
    events: VecDeque<DtlsEvent>,
}

enum Phase {
    /// As server: nothing or a part of a ClientHello is there. As client: not started.
    Waiting {
        hello: Hello,
        pending: Vec<Bytes>,
    },
    Handshaking(Box<Endpoint>),
    Done(Box<Endpoint>),
    Over,
}

impl Dtls {
    pub(super) fn new(
        provider: Arc<dyn RTCCryptoProvider>,
        certificate: Certificate,
        fingerprint: Fingerprint,
        role: DtlsRole,
    ) -> Dtls {
        Dtls {
            provider,
            certificate,
            fingerprint,
            role,
            phase: Phase::Waiting { hello: Hello::default(), pending: Vec::new() },
            flight: Vec::new(),
            sent: None,
            resend: None,
            interval: FIRST_RESEND,
            deadline: None,
            seen: Vec::new(),
            fragments_left: HANDSHAKE_FRAGMENTS,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The peer can be reached: a client begins, and time is measured. Later calls do nothing.
    pub(super) fn start(&mut self, now: Instant) {
        if self.deadline.is_some() || !matches!(self.phase, Phase::Waiting { .. }) {
            return;
        }
        self.deadline = Some(now + HANDSHAKE_TIMEOUT);
        if self.role == DtlsRole::Client {
            let offered = [
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ];
            let Some(config) = self.config(offered.to_vec()) else { return self.fail() };
            let mut endpoint = Box::new(Endpoint::new(LOCAL, TransportProtocol::UDP, None));
            if endpoint.connect(now, PEER, config, None).is_err() {
                return self.fail();
            }
            self.phase = Phase::Handshaking(endpoint);
            self.collect(now);
        }
    }

    fn config(&self, profiles: Vec<SrtpProtectionProfile>) -> Option<Arc<HandshakeConfig>> {
        let expected = self.fingerprint.clone();
        ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.inner.clone()])
            .with_srtp_protection_profiles(profiles)
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            // There is no chain to verify: the fingerprint from the signalling is the proof.
            .with_insecure_skip_verify(true)
            .with_verify_peer_certificate(Some(Arc::new(move |chain, _| {
                let matches = chain.first().is_some_and(|leaf| fingerprint_of(leaf, &expected));
                matches
                    .then_some(())
                    .ok_or_else(|| rtc_shared::error::Error::Other("fingerprint does not match".to_owned()))
            })))
            .with_flight_interval(match self.role {
                DtlsRole::Client => CLIENT_FLIGHT,
                DtlsRole::Server => SERVER_FLIGHT,
            })
            .build(self.role == DtlsRole::Client, Some(PEER))
            .ok()
            .map(Arc::new)
    }

    pub(super) fn receive(&mut self, datagram: &[u8], now: Instant) {
        let Some(inspection) = inspect(datagram) else { return };
        let fragments = &inspection.fragments;
        let done = matches!(self.phase, Phase::Done(_));
        let news = fragments.iter().filter(|fragment| done || !self.has_seen(fragment)).count();
        if news == 0 && inspection.others == 0 {
            // Before the client has said everything there is nothing to repeat.
            return self.repeat(now);
        }
        let Some(left) = self.fragments_left.checked_sub(news) else { return };
        self.fragments_left = left;
        if !done {
            self.seen.extend(fragments.iter().map(|fragment| (fragment.sequence, fragment.offset)));
        }
        match &mut self.phase {
            Phase::Waiting { hello, pending } => {
                if self.role != DtlsRole::Server || pending.len() >= MAX_PENDING {
                    return;
                }
                for fragment in fragments {
                    hello.add(fragment);
                }
                pending.push(Bytes::copy_from_slice(datagram));
                if let Some(profiles) = hello.srtp_profiles() {
                    let pending = std::mem::take(pending);
                    self.accept(&profiles, &pending, now);
                }
            }
            Phase::Handshaking(_) | Phase::Done(_) => self.read(datagram, now),
            Phase::Over => {}
        }
    }

    /// Begins as server, now that it is known what the client can do.
    fn accept(&mut self, profiles: &[u16], pending: &[Bytes], now: Instant) {
        let choice = [
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ]
        .into_iter()
        .find(|profile| profiles.contains(&(*profile as u16)));
        let Some(config) = self.config(choice.into_iter().collect()) else { return self.fail() };
        let endpoint = Endpoint::new(LOCAL, TransportProtocol::UDP, Some(config));
        self.phase = Phase::Handshaking(Box::new(endpoint));
        self.deadline.get_or_insert(now + HANDSHAKE_TIMEOUT);
        for datagram in pending {
            self.read(datagram, now);
        }
    }

    fn has_seen(&self, fragment: &Fragment<'_>) -> bool {
        self.seen.contains(&(fragment.sequence, fragment.offset))
    }

    fn repeat(&mut self, now: Instant) {
        if self.sent.is_none_or(|sent| now >= sent + RESEND_GAP) {
            self.sent = Some(now);
            self.transmits.extend(self.flight.iter().cloned());
        }
    }

    fn read(&mut self, datagram: &[u8], now: Instant) {
        let (Phase::Handshaking(endpoint) | Phase::Done(endpoint)) = &mut self.phase else {
            return;
        };
        let outcome = endpoint.read(now, PEER, None, BytesMut::from(datagram));
        let mut complete = false;
        match outcome {
            Ok(events) => {
                for event in events {
                    match event {
                        EndpointEvent::HandshakeComplete => complete = true,
                        EndpointEvent::ApplicationData(data) => {
                            self.events.push_back(DtlsEvent::Data(data.freeze()));
                        }
                        EndpointEvent::PeerClosed => {
                            self.collect(now);
                            self.phase = Phase::Over;
                            self.resend = None;
                            self.events.push_back(DtlsEvent::Closed);
                            return;
                        }
                        _ => {}
                    }
                }
            }
            // After the handshake only authenticated alerts get this far.
            Err(error) => {
                tracing::debug!(%error, "dtls");
                self.collect(now);
                return self.fail();
            }
        }
        self.collect(now);
        if complete {
            self.complete();
        }
    }

    fn complete(&mut self) {
        let Phase::Handshaking(endpoint) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return;
        };
        let Some(state) = endpoint.get_connection_state(PEER) else { return self.fail() };
        // The callback has checked the same; without it the handshake proves nothing.
        let proven =
            state.peer_certificates.first().is_some_and(|leaf| fingerprint_of(leaf, &self.fingerprint));
        if !proven {
            return self.fail();
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Some(Profile::AeadAes128Gcm),
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm => Some(Profile::AeadAes256Gcm),
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Some(Profile::Aes128CmSha1_80),
            _ => None,
        };
        let keys = match profile.map(|profile| export(state, profile, self.role)) {
            Some(None) => return self.fail(),
            Some(keys) => keys,
            None => None,
        };
        self.phase = Phase::Done(endpoint);
        self.flight.clear();
        self.seen = Vec::new();
        self.resend = None;
        self.deadline = None;
        self.fragments_left = LATE_FRAGMENTS;
        // Data that came with the last flight is already queued behind this.
        self.events.push_front(DtlsEvent::Connected(keys));
    }

    fn fail(&mut self) {
        self.phase = Phase::Over;
        self.flight.clear();
        self.resend = None;
        self.deadline = None;
        self.events.push_back(DtlsEvent::Failed);
    }

    /// Takes what the endpoint wants to send; during a handshake that is a new flight.
    fn collect(&mut self, now: Instant) {
        let (endpoint, handshaking) = match &mut self.phase {
            Phase::Handshaking(endpoint) => (endpoint, true),
            Phase::Done(endpoint) => (endpoint, false),
            Phase::Waiting { .. } | Phase::Over => return,
        };
        let mut flight = Vec::new();
        while let Some(transmit) = endpoint.poll_transmit() {
            flight.push(transmit.message.freeze());
        }
        self.transmits.extend(flight.iter().cloned());
        if handshaking && !flight.is_empty() {
            self.flight = flight;
            self.interval = FIRST_RESEND;
            self.sent = Some(now);
            self.resend = Some(now + FIRST_RESEND);
        }
    }

    pub(super) fn send(&mut self, data: &[u8], now: Instant) {
        if let Phase::Done(endpoint) = &mut self.phase {
            // It fails after 2^48 records only.
            let _ = endpoint.write(now, PEER, data);
            self.collect(now);
        }
    }

    pub(super) fn close(&mut self, now: Instant) {
        if let Phase::Done(endpoint) = &mut self.phase {
            let _ = endpoint.close(now);
            self.collect(now);
        }
        self.phase = Phase::Over;
        self.resend = None;
        self.deadline = None;
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|at| at <= now) {
            return self.fail();
        }
        if self.resend.is_some_and(|at| at <= now) {
            self.interval = (self.interval * 2).min(MAX_RESEND);
            self.resend = Some(now + self.interval);
            self.repeat(now);
        }
        if let Phase::Handshaking(endpoint) = &mut self.phase
            && endpoint.poll_timeout(&PEER).is_some_and(|at| at <= now)
        {
            let failed = endpoint.handle_timeout(PEER, now).is_err();
            let interval = self.interval;
            self.collect(now);
            // Made anew, but not new: keep backing off.
            self.interval = interval;
            if failed {
                self.fail();
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let own = match &self.phase {
            Phase::Handshaking(endpoint) => endpoint.poll_timeout(&PEER),
            _ => None,
        };
        [own, self.resend, self.deadline].into_iter().flatten().min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }
}

fn fingerprint_of(certificate: &[u8], expected: &Fingerprint) -> bool {
    let algorithm = match expected.algorithm.as_str() {
        "sha-256" => &digest::SHA256,
        "sha-384" => &digest::SHA384,
        "sha-512" => &digest::SHA512,
        _ => return false,
    };
    digest(algorithm, certificate).as_ref() == expected.digest
}

/// RFC 5764 section 4.2: both keys, then both salts, the client's first.
fn export(state: &State, profile: Profile, role: DtlsRole) -> Option<SrtpKeys> {
    let (key, salt) = (profile.key_len(), profile.salt_len());
    let material = state.export_keying_material(EXPORTER, &[], 2 * (key + salt)).ok()?;
    let (keys, salts) = material.as_ref().split_at_checked(2 * key)?;
    let (client_key, server_key) = keys.split_at(key);
    let (client_salt, server_salt) = salts.split_at_checked(salt)?;
    let client = (client_key.to_vec(), client_salt.to_vec());
    let server = (server_key.to_vec(), server_salt.to_vec());
    let (local, remote) = match role {
        DtlsRole::Client => (client, server),
        DtlsRole::Server => (server, client),
    };
    Some(SrtpKeys {
        profile,
        local_key: local.0,
        local_salt: local.1,
        remote_key: remote.0,
        remote_salt: remote.1,
    })
}
