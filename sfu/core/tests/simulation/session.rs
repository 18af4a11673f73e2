//! One peer connection of a client: its sections, its SDP, its transport and its packets.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Instant;

use sfu_core::certificate::Certificate;
use sfu_core::ids::Chance;
use sfu_core::media::{ChannelSetup, Codec, DtlsRole, IceCredentials, Kind};
use sfu_core::rtp::{Header, rtcp};
use sfu_core::sdp::{self, Description, Direction, SectionKind, Setup};
use sfu_core::srtp::{Opener, Sealer};
use sfu_core::transport::{Demux, Transport, TransportConfig, TransportEvent, demux};

use crate::media::{Outgoing, Sink, Source, TransportSequence};

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| Certificate::generate().unwrap());

/// How a browser numbers payload types and extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    Chromium,
    Firefox,
}

impl Dialect {
    /// Opus, VP8, retransmission of VP8.
    fn pts(self) -> [u8; 3] {
        match self {
            Dialect::Chromium => [111, 96, 97],
            Dialect::Firefox => [109, 120, 124],
        }
    }

    fn extensions(self, kind: SectionKind) -> &'static [(u8, &'static str)] {
        match (self, kind) {
            (Dialect::Chromium, SectionKind::Audio) => &[
                (1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
                (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
                (4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
            ],
            (Dialect::Chromium, _) => &[
                (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
                (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
                (4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
                (10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
                (11, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
            ],
            (Dialect::Firefox, SectionKind::Audio) => &[
                (1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
                (3, "urn:ietf:params:rtp-hdrext:sdes:mid"),
            ],
            (Dialect::Firefox, _) => &[
                (3, "urn:ietf:params:rtp-hdrext:sdes:mid"),
                (4, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
                (7, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
                (9, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
                (10, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
            ],
        }
    }
}

/// What the client wants of one of its m-sections.
pub(crate) struct Wish {
    pub(crate) mid: String,
    pub(crate) kind: SectionKind,
    pub(crate) direction: Direction,
    /// Track to send, with its layers.
    pub(crate) cid: Option<String>,
    pub(crate) rids: Vec<&'static str>,
    pub(crate) ssrcs: Option<(u32, u32)>,
}

pub(crate) struct Session {
    dialect: Dialect,
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    local: IceCredentials,
    chance: Chance,
    pub(crate) wishes: Vec<Wish>,
    ufrag_of_server: String,
    role: Option<DtlsRole>,
    keys: Option<(Sealer, Opener)>,
    counter: TransportSequence,
    pub(crate) sinks: HashMap<u32, Sink>,
    /// Retransmission SSRC to media SSRC.
    repairs: HashMap<u32, u32>,
    pub(crate) events: Vec<TransportEvent>,
    pub(crate) twcc: usize,
    pub(crate) rejected: usize,
    /// Media of nobody we know: it may overtake the answer that announces it.
    pub(crate) unknown: usize,
    pub(crate) reports_at: Option<Instant>,
    pub(crate) bytes_in: usize,
    /// Sealed media that wants to leave.
    pub(crate) outbox: Vec<Vec<u8>>,
}

impl Session {
    pub(crate) fn new(
        dialect: Dialect,
        address: SocketAddr,
        controlling: bool,
        seed: u64,
        now: Instant,
    ) -> Session {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        bytes[8..10].copy_from_slice(&address.port().to_be_bytes());
        let mut chance = Chance::new(bytes);
        let local = chance.ice_credentials();
        let config = TransportConfig {
            local: local.clone(),
            controlling,
            // A client that makes offers opens the channels.
            channels: if controlling { ChannelSetup::Local } else { ChannelSetup::Peer },
            certificate: CERTIFICATE.clone(),
            candidates: vec![address],
        };
        Session {
            dialect,
            address,
            transport: Transport::new(config, now).unwrap(),
            local,
            chance,
            wishes: Vec::new(),
            ufrag_of_server: String::new(),
            role: None,
            keys: None,
            counter: 0,
            sinks: HashMap::new(),
            repairs: HashMap::new(),
            events: Vec::new(),
            twcc: 0,
            rejected: 0,
            unknown: 0,
            reports_at: None,
            bytes_in: 0,
            outbox: Vec::new(),
        }
    }

    /// Adds an m-section before the one for data; answers its mid.
    pub(crate) fn wish(&mut self, kind: SectionKind, direction: Direction) -> &mut Wish {
        let mid = self.wishes.len().to_string();
        self.wishes.push(Wish { mid, kind, direction, cid: None, rids: Vec::new(), ssrcs: None });
        self.wishes.last_mut().expect("just pushed")
    }

    pub(crate) fn wish_to_send(&mut self, source: &Source) -> String {
        let wish = self.wish(source.kind.into(), Direction::SendOnly);
        wish.cid = Some(source.cid.clone());
        wish.rids = source.layers.iter().filter_map(|layer| layer.rid).collect();
        let only = &source.layers[0];
        wish.ssrcs = wish.rids.is_empty().then_some((only.ssrc, only.rtx_ssrc));
        wish.mid.clone()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.keys.is_some()
    }

    pub(crate) fn is_connected(&self) -> bool {
        let count =
            |wanted: fn(&TransportEvent) -> bool| self.events.iter().filter(|event| wanted(event)).count();
        count(|event| matches!(event, TransportEvent::Connected))
            > count(|event| matches!(event, TransportEvent::Disconnected))
    }

    pub(crate) fn has_channels(&self) -> bool {
        self.events.iter().any(|event| matches!(event, TransportEvent::ChannelsOpen))
    }

    /// Takes new credentials for an ICE restart; the next offer carries them.
    pub(crate) fn renew(&mut self) {
        self.local = self.chance.ice_credentials();
    }

    pub(crate) fn offer(&self) -> String {
        self.describe(Setup::ActPass, &self.wishes)
    }

    fn describe(&self, setup: Setup, wishes: &[Wish]) -> String {
        let mut sdp = String::from("v=0\r\no=- 4711 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
        let mids: Vec<&str> = wishes.iter().map(|wish| wish.mid.as_str()).collect();
        write!(sdp, "a=group:BUNDLE {}\r\na=extmap-allow-mixed\r\n", mids.join(" ")).unwrap();
        for wish in wishes {
            self.section(&mut sdp, setup, wish);
        }
        sdp
    }

    fn section(&self, sdp: &mut String, setup: Setup, wish: &Wish) {
        let [opus, vp8, rtx] = self.dialect.pts();
        match wish.kind {
            SectionKind::Audio => write!(sdp, "m=audio 9 UDP/TLS/RTP/SAVPF {opus} 0\r\n"),
            SectionKind::Video => write!(sdp, "m=video 9 UDP/TLS/RTP/SAVPF {vp8} {rtx}\r\n"),
            SectionKind::Application => write!(sdp, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        }
        .unwrap();
        let digest: Vec<String> =
            CERTIFICATE.fingerprint().digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let setup = match setup {
            Setup::ActPass => "actpass",
            Setup::Active => "active",
            Setup::Passive => "passive",
        };
        write!(
            sdp,
            "c=IN IP4 0.0.0.0\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=ice-options:trickle\r\n\
             a=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n",
            wish.mid,
            self.local.ufrag,
            self.local.pwd,
            digest.join(":")
        )
        .unwrap();
        if wish.kind == SectionKind::Application {
            sdp.push_str("a=sctp-port:5000\r\na=max-message-size:262144\r\n");
            return;
        }
        let direction = match wish.direction {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        };
        write!(sdp, "a={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n").unwrap();
        for (id, uri) in self.dialect.extensions(wish.kind) {
            write!(sdp, "a=extmap:{id} {uri}\r\n").unwrap();
        }
        if wish.kind == SectionKind::Audio {
            write!(sdp, "a=rtpmap:{opus} opus/48000/2\r\na=fmtp:{opus} minptime=10;useinbandfec=1\r\n")
                .unwrap();
        } else {
            write!(sdp, "a=rtpmap:{vp8} VP8/90000\r\na=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={vp8}\r\n")
                .unwrap();
            for feedback in ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"] {
                write!(sdp, "a=rtcp-fb:{vp8} {feedback}\r\n").unwrap();
            }
        }
        if let Some(cid) = &wish.cid {
            write!(sdp, "a=msid:- {cid}\r\n").unwrap();
        }
        for rid in &wish.rids {
            write!(sdp, "a=rid:{rid} send\r\n").unwrap();
        }
        if !wish.rids.is_empty() {
            write!(sdp, "a=simulcast:send {}\r\n", wish.rids.join(";")).unwrap();
        }
        if let Some((ssrc, repair)) = wish.ssrcs {
            if wish.kind == SectionKind::Video {
                write!(sdp, "a=ssrc-group:FID {ssrc} {repair}\r\na=ssrc:{repair} cname:x\r\n").unwrap();
            }
            write!(sdp, "a=ssrc:{ssrc} cname:x\r\n").unwrap();
        }
    }

    /// The server's answer, or its offer; `tracks` tells whose track a mid carries.
    pub(crate) fn apply(
        &mut self,
        text: &str,
        tracks: &HashMap<String, String>,
        sources: &mut [Source],
        now: Instant,
    ) -> Description {
        let description = sdp::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        // We answer offers actively.
        let role = *self.role.get_or_insert(match description.setup {
            Setup::ActPass => DtlsRole::Client,
            chosen => chosen.our_role(),
        });
        if self.ufrag_of_server.is_empty() {
            self.transport.connect(description.remote_transport(role), now);
        } else if self.ufrag_of_server != description.ice.ufrag {
            self.transport.restart_ice(self.local.clone(), description.ice.clone(), now);
            for candidate in &description.candidates {
                self.transport.add_candidate(candidate, now);
            }
        }
        self.ufrag_of_server.clone_from(&description.ice.ufrag);
        for section in description.sections.iter().filter(|section| !section.rejected) {
            let kind = section.kind.media();
            if let Some(source) = sources.iter_mut().find(|source| source.mid == section.mid)
                && section.direction.receives()
            {
                let first = &section.codecs[0];
                source.pt = first.pt;
                source.rtx_pt = first.rtx_pt.unwrap_or_default();
                source.extensions = section.extensions;
            }
            let Some(kind) = kind.filter(|_| section.direction.sends()) else { continue };
            let sid = tracks
                .get(&section.mid)
                .cloned()
                .or_else(|| section.msid.as_ref().map(|(_, track)| track.clone()))
                .expect("a track that is sent has a name");
            let announced = section.ssrcs.first().expect("a track that is sent has an SSRC");
            let sink = self
                .sinks
                .entry(announced.ssrc)
                .or_insert_with(|| Sink::new(sid.clone(), kind, announced.ssrc));
            assert_eq!(sink.track_sid, sid, "an SSRC is given away twice");
            // An offer may hold more than we answer.
            let ours =
                || section.codecs.iter().filter(|entry| matches!(entry.codec, Codec::Opus | Codec::Vp8));
            sink.pts = ours().map(|codec| codec.pt).collect();
            sink.rtx_pts = ours().filter_map(|codec| codec.rtx_pt).collect();
            if kind == Kind::Video {
                assert!(announced.rtx_ssrc.is_some(), "video without retransmission");
            }
            self.repairs.extend(announced.rtx_ssrc.map(|repair| (repair, announced.ssrc)));
        }
        description
    }

    /// Says yes to everything in the server's offer.
    pub(crate) fn answer(&self, offer: &Description) -> String {
        let wishes: Vec<Wish> = offer
            .sections
            .iter()
            .map(|section| Wish {
                mid: section.mid.clone(),
                kind: section.kind,
                direction: if section.direction.sends() { Direction::RecvOnly } else { Direction::Inactive },
                cid: None,
                rids: Vec::new(),
                ssrcs: None,
            })
            .collect();
        // Payload types and extension ids of an answer are those of the offer.
        let sdp = self.describe(Setup::Active, &wishes);
        let [opus, vp8, rtx] = self.dialect.pts();
        assert_eq!((opus, vp8, rtx), (111, 96, 97), "the server's numbers are Chromium's");
        sdp
    }

    pub(crate) fn receive(&mut self, from: SocketAddr, datagram: &mut [u8], now: Instant) -> Vec<Feedback> {
        self.bytes_in += datagram.len();
        let kind = demux(datagram);
        match kind {
            Demux::Stun | Demux::Dtls => {
                self.transport.receive(from, self.address, datagram, now);
                Vec::new()
            }
            Demux::Rtp => {
                self.rtp(from, datagram, now);
                Vec::new()
            }
            Demux::Rtcp => self.rtcp(datagram),
            Demux::Unknown => Vec::new(),
        }
    }

    fn rtp(&mut self, from: SocketAddr, datagram: &mut [u8], now: Instant) {
        let (Some((_, opener)), Some(header)) = (&mut self.keys, Header::parse(datagram)) else { return };
        let Ok(length) = opener.rtp(datagram, header.len) else {
            self.rejected += 1;
            return;
        };
        self.transport.saw_media(from, now);
        let packet = &datagram[..length];
        let payload = &packet[header.payload(packet).expect("sound padding")];
        let ssrc = self.repairs.get(&header.ssrc).copied().unwrap_or(header.ssrc);
        match self.sinks.get_mut(&ssrc) {
            Some(sink) => sink.receive(&header, payload, now),
            None => self.unknown += 1,
        }
    }

    fn rtcp(&mut self, datagram: &mut [u8]) -> Vec<Feedback> {
        let Some((_, opener)) = &mut self.keys else { return Vec::new() };
        let Ok(length) = opener.rtcp(datagram) else {
            self.rejected += 1;
            return Vec::new();
        };
        let mut feedback = Vec::new();
        for packet in rtcp::Compound::new(&datagram[..length]) {
            match packet {
                rtcp::Packet::Nack { media, lost } => {
                    feedback.extend(lost.map(|sequence| Feedback::Lost(media, sequence)));
                }
                rtcp::Packet::Pli { media } => feedback.push(Feedback::Key(media)),
                rtcp::Packet::Fir { sources } => feedback.extend(sources.map(Feedback::Key)),
                rtcp::Packet::Twcc { .. } => self.twcc += 1,
                rtcp::Packet::SenderReport { ssrc, .. } => {
                    if let Some(sink) = self.sinks.get_mut(&ssrc) {
                        sink.sender_reports += 1;
                    }
                }
                _ => {}
            }
        }
        feedback
    }

    /// Runs something that sends media; nothing happens before there are keys.
    pub(crate) fn send(&mut self, run: impl FnOnce(&mut Outgoing<'_>)) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        if let Some((sealer, _)) = &mut self.keys {
            run(&mut Outgoing { sealer, counter: &mut self.counter, datagrams: &mut datagrams });
        }
        datagrams
    }

    pub(crate) fn take_events(&mut self) {
        while let Some(event) = self.transport.poll_event() {
            if let TransportEvent::Keys(keys) = &event {
                let sealer = Sealer::new(keys.profile, &keys.local_key, &keys.local_salt).unwrap();
                let opener = Opener::new(keys.profile, &keys.remote_key, &keys.remote_salt).unwrap();
                self.keys = Some((sealer, opener));
            }
            self.events.push(event);
        }
    }
}

/// What the server wants of our media.
pub(crate) enum Feedback {
    Lost(u32, u16),
    Key(u32),
}
