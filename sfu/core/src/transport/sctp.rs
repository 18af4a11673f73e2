//! Data channels (RFC 8831, RFC 8832) over SCTP, on `rtc-sctp` and `rtc-datachannel`: the two
//! channels that carry `DataPacket`s (contract livekit.md 3.3). Other channels are acknowledged
//! and what they bring is dropped.
//!
//! Either side may open the association, and a repeated INIT makes `rtc-sctp` answer with another
//! one, so several may be in the making: the first to stand wins.
//!
//! Invariant: what waits to be sent and what waits to be completed is bounded, whatever the peer
//! acknowledges or leaves unfinished.

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_datachannel::data_channel::DataChannel;
use rtc_datachannel::message::Message;
use rtc_datachannel::message::message_channel_ack::DataChannelAck;
use rtc_datachannel::message::message_channel_open::{CHANNEL_PRIORITY_NORMAL, ChannelType, DataChannelOpen};
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, StreamId, TimerConfig,
    TransportConfig,
};
use rtc_shared::TransportProtocol;
use rtc_shared::marshal::{Marshal, Unmarshal};

use crate::media::{Channel, ChannelSetup, DtlsRole, SctpParams};
use crate::sdp::MAX_MESSAGE_SIZE;

const PEER: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 1));
const LOCAL: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 1));
/// Browsers open the association themselves at once; only if the peer does not, we do.
const CONNECT_AFTER: Duration = Duration::from_millis(300);
const MAX_ASSOCIATIONS: usize = 16;
const MAX_STREAMS: u16 = 1024;
/// Reliable data that is not acknowledged yet, and lossy data that is not on its way yet.
const MAX_RELIABLE_QUEUE: usize = 4 * 1024 * 1024;
const MAX_LOSSY_QUEUE: usize = 256 * 1024;
/// Bytes received on all streams since each last completed a message. An endless message would
/// otherwise be stored without end.
const MAX_INCOMPLETE: usize = 8 * 1024 * 1024;
const MAX_LABEL: usize = 256;

#[derive(Debug)]
pub(super) enum SctpEvent {
    Open,
    Data(Channel, Bytes),
}

pub(super) struct Sctp {
    endpoint: Endpoint,
    associations: Vec<(AssociationHandle, Association)>,
    /// The first association that stood; the others are gone then.
    established: bool,
    transport: TransportConfig,
    setup: ChannelSetup,
    role: DtlsRole,
    connect_at: Option<Instant>,
    /// The association that we asked for, and whether it was answered.
    dialled: Option<(AssociationHandle, bool)>,
    reliable: Line,
    lossy: Line,
    /// Reliable data from before the channel opened.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    max_message: usize,
    incomplete: HashMap<StreamId, usize>,
    reported: bool,
    dropped: u64,
    transmits: VecDeque<Bytes>,
    events: VecDeque<SctpEvent>,
}

/// One of the two channels.
#[derive(Clone, Copy, Default)]
struct Line {
    stream: Option<StreamId>,
    open: bool,
}

fn label(channel: Channel) -> &'static str {
    match channel {
        Channel::Reliable => "_reliable",
        Channel::Lossy => "_lossy",
    }
}

/// Pre-negotiated ids of protocol 18.
fn negotiated(stream: StreamId) -> Option<Channel> {
    match stream {
        100 => Some(Channel::Reliable),
        101 => Some(Channel::Lossy),
        _ => None,
    }
}

impl Sctp {
    pub(super) fn new(params: SctpParams, setup: ChannelSetup, role: DtlsRole) -> Sctp {
        let limit = params.max_message_size.unwrap_or(MAX_MESSAGE_SIZE).min(MAX_MESSAGE_SIZE);
        let transport = TransportConfig::default()
            .with_sctp_port(params.port)
            .with_max_message_size(limit)
            .with_max_num_inbound_streams(MAX_STREAMS)
            .with_max_num_outbound_streams(MAX_STREAMS)
            // Whether the peer is still there is for ICE to say.
            .with_timer_config(TimerConfig {
                max_t1_init_retrans: usize::MAX,
                max_t1_cookie_retrans: usize::MAX,
                max_t3_rtx_retrans: usize::MAX,
                max_reconfig_retrans: usize::MAX,
                ..TimerConfig::default()
            });
        Sctp {
            endpoint: Endpoint::new(
                LOCAL,
                TransportProtocol::UDP,
                Arc::new(EndpointConfig::new()),
                Some(Arc::new(ServerConfig::new(transport.clone()))),
            ),
            associations: Vec::new(),
            established: false,
            transport,
            setup,
            role,
            connect_at: None,
            dialled: None,
            reliable: Line::default(),
            lossy: Line::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            max_message: limit as usize,
            incomplete: HashMap::new(),
            reported: false,
            dropped: 0,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The way to the peer is secure.
    pub(super) fn start(&mut self, now: Instant) {
        if self.role == DtlsRole::Client {
            self.connect_at = Some(now + CONNECT_AFTER);
        }
    }

    pub(super) fn receive(&mut self, datagram: Bytes, now: Instant) {
        if !self.count_incomplete(&datagram) {
            tracing::debug!("too much of unfinished messages");
            return self.reset();
        }
        match self.endpoint.handle(now, PEER, None, datagram) {
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((dialled, answered)) = &mut self.dialled {
                    *answered |= *dialled == handle;
                }
                if let Some(association) = self.association(handle) {
                    association.handle_event(event);
                }
            }
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                // Two requests crossed: the peer's counts, unless it has answered ours.
                match self.dialled.take() {
                    Some(dialled @ (_, true)) => self.dialled = Some(dialled),
                    Some((dialled, false)) => {
                        self.associations.retain(|(known, _)| *known != dialled);
                        self.associations.push((handle, association));
                    }
                    None => self.associations.push((handle, association)),
                }
                self.connect_at = None;
                if self.associations.len() >= MAX_ASSOCIATIONS {
                    self.endpoint.reject_new_associations();
                }
            }
            _ => {}
        }
        self.settle(now);
    }

    fn association(&mut self, handle: AssociationHandle) -> Option<&mut Association> {
        self.associations.iter_mut().find(|(known, _)| *known == handle).map(|(_, it)| it)
    }

    /// Adds up the DATA chunks of a packet; false when there is too much.
    fn count_incomplete(&mut self, packet: &[u8]) -> bool {
        const HEADER: usize = 12;
        const DATA: u8 = 0;
        let mut chunks = packet.get(HEADER..).unwrap_or_default();
        while let [kind, _, high, low, ..] = *chunks {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if kind == DATA
                && let Some([high, low]) = chunks.get(8..10)
            {
                let stream = u16::from_be_bytes([*high, *low]);
                *self.incomplete.entry(stream).or_default() += length;
            }
            if length < 4 {
                break;
            }
            chunks = chunks.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        self.incomplete.len() <= usize::from(MAX_STREAMS)
            && self.incomplete.values().sum::<usize>() <= MAX_INCOMPLETE
    }

    /// Gives up on the association for good.
    fn reset(&mut self) {
        self.associations.clear();
        self.endpoint.reject_new_associations();
        self.incomplete.clear();
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.reliable = Line::default();
        self.lossy = Line::default();
    }

    pub(super) fn send(&mut self, channel: Channel, payload: Bytes, now: Instant) {
        if payload.is_empty() || payload.len() > self.max_message {
            self.drop_one("too long");
            return;
        }
        match channel {
            Channel::Reliable => {
                let queued = self.waiting_bytes + self.buffered(self.reliable.stream);
                if queued + payload.len() > MAX_RELIABLE_QUEUE {
                    return self.drop_one("reliable queue is full");
                }
                self.waiting_bytes += payload.len();
                self.waiting.push_back(payload);
            }
            Channel::Lossy => {
                let full = self.buffered(self.lossy.stream) + payload.len() > MAX_LOSSY_QUEUE;
                match self.lossy {
                    Line { stream: Some(stream), open: true } if !full => {
                        self.write(stream, &payload, PayloadProtocolIdentifier::Binary, now);
                    }
                    _ => return self.drop_one("lossy channel is not open or full"),
                }
            }
        }
        self.settle(now);
    }

    fn drop_one(&mut self, why: &'static str) {
        self.dropped += 1;
        tracing::debug!(why, "data message dropped");
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    #[cfg(test)]
    pub(super) fn is_gone(&self) -> bool {
        self.associations.is_empty()
    }

    fn buffered(&mut self, stream: Option<StreamId>) -> usize {
        let Some((_, association)) = self.associations.first_mut() else { return 0 };
        stream.and_then(|id| association.stream(id).ok()?.buffered_amount().ok()).unwrap_or_default()
    }

    fn write(&mut self, stream: StreamId, payload: &Bytes, kind: PayloadProtocolIdentifier, now: Instant) {
        let written = self.associations.first_mut().is_some_and(|(_, association)| {
            association
                .stream(stream)
                .and_then(|mut stream| stream.write_chunk_with_ppi(now, payload, kind))
                .is_ok()
        });
        if !written {
            self.drop_one("stream is closed");
        }
    }

    /// Lets everything that has become possible happen, until nothing is left to do.
    fn settle(&mut self, now: Instant) {
        loop {
            let mut events = Vec::new();
            for (handle, association) in &mut self.associations {
                while let Some(event) = association.poll() {
                    events.push((*handle, event));
                }
            }
            if events.is_empty() {
                break;
            }
            for (handle, event) in events {
                self.handle(handle, event, now);
            }
        }
        if let Line { stream: Some(stream), open: true } = self.reliable {
            while let Some(payload) = self.waiting.pop_front() {
                self.waiting_bytes -= payload.len();
                self.write(stream, &payload, PayloadProtocolIdentifier::Binary, now);
            }
        }
        if self.reliable.open && self.lossy.open && !self.reported {
            self.reported = true;
            self.events.push_back(SctpEvent::Open);
        }
        for (_, association) in &mut self.associations {
            while let Some(transmit) = association.poll_transmit(now) {
                if let Payload::RawEncode(packets) = transmit.message {
                    self.transmits.extend(packets);
                }
            }
        }
    }

    fn handle(&mut self, handle: AssociationHandle, event: Event, now: Instant) {
        match event {
            Event::Connected if !self.established => {
                self.established = true;
                self.connect_at = None;
                self.endpoint.reject_new_associations();
                self.associations.retain(|(known, _)| *known == handle);
                if self.setup == ChannelSetup::Local {
                    self.open_channels(now);
                }
                // Data may have overtaken the end of the handshake; only now it can be answered.
                let streams = self.association(handle).map(|association| association.stream_ids());
                for id in streams.unwrap_or_default() {
                    self.read(handle, id, now);
                }
            }
            Event::Stream(StreamEvent::Readable { id }) if self.established => {
                self.read(handle, id, now);
            }
            Event::Stream(StreamEvent::Opened { .. }) => {
                if let Some(association) = self.association(handle) {
                    // Streams are found by id; this only empties the queue.
                    while association.accept_stream().is_some() {}
                }
            }
            Event::AssociationLost { id, .. } => {
                for line in [&mut self.reliable, &mut self.lossy] {
                    if line.stream == Some(id) {
                        *line = Line::default();
                    }
                }
            }
            Event::HandshakeFailed { .. } if !self.established => {
                self.associations.retain(|(known, _)| *known != handle);
            }
            _ => {}
        }
    }

    /// RFC 8832 section 6: the DTLS client takes the even ids.
    fn open_channels(&mut self, now: Instant) {
        let first = match self.role {
            DtlsRole::Client => 0,
            DtlsRole::Server => 1,
        };
        for (channel, stream) in [(Channel::Reliable, first), (Channel::Lossy, first + 2)] {
            let channel_type = match channel {
                Channel::Reliable => ChannelType::Reliable,
                Channel::Lossy => ChannelType::PartialReliableRexmitUnordered,
            };
            let open = Message::DataChannelOpen(DataChannelOpen {
                channel_type,
                priority: CHANNEL_PRIORITY_NORMAL,
                reliability_parameter: 0,
                label: label(channel).as_bytes().to_vec(),
                protocol: Vec::new(),
            });
            let Ok(open) = open.marshal() else { continue };
            let Some((_, association)) = self.associations.first_mut() else { return };
            if association.open_stream(stream, PayloadProtocolIdentifier::Binary).is_err() {
                continue;
            }
            self.reliability(stream, channel_type, 0);
            self.write(stream, &open.freeze(), PayloadProtocolIdentifier::Dcep, now);
            *self.line(channel) = Line { stream: Some(stream), open: false };
        }
    }

    fn line(&mut self, channel: Channel) -> &mut Line {
        match channel {
            Channel::Reliable => &mut self.reliable,
            Channel::Lossy => &mut self.lossy,
        }
    }

    fn reliability(&mut self, stream: StreamId, kind: ChannelType, parameter: u32) {
        let (unordered, reliability) = DataChannel::get_reliability_params(kind);
        self.set_reliability(stream, unordered, reliability, parameter);
    }

    fn set_reliability(
        &mut self,
        stream: StreamId,
        unordered: bool,
        reliability: ReliabilityType,
        parameter: u32,
    ) {
        if let Some((_, association)) = self.associations.first_mut()
            && let Ok(mut stream) = association.stream(stream)
        {
            // Only a stream that is gone refuses.
            let _ = stream.set_reliability_params(unordered, reliability, parameter);
        }
    }

    fn read(&mut self, handle: AssociationHandle, id: StreamId, now: Instant) {
        loop {
            let message = self
                .association(handle)
                .and_then(|association| association.stream(id).ok()?.read_sctp().ok()?);
            let Some(message) = message else { return };
            self.incomplete.remove(&id);
            let kind = message.ppi;
            let Ok(payload) = message.to_payload(MAX_MESSAGE_SIZE as usize) else {
                self.drop_one("received message is too long");
                continue;
            };
            self.deliver(id, kind, payload.freeze(), now);
        }
    }

    fn deliver(&mut self, id: StreamId, kind: PayloadProtocolIdentifier, payload: Bytes, now: Instant) {
        match kind {
            PayloadProtocolIdentifier::Dcep => self.establish(id, &payload, now),
            PayloadProtocolIdentifier::Binary | PayloadProtocolIdentifier::String => {
                let channel = [Channel::Reliable, Channel::Lossy]
                    .into_iter()
                    .find(|channel| self.line(*channel).stream == Some(id))
                    .or_else(|| self.adopt(id));
                if let Some(channel) = channel {
                    self.events.push_back(SctpEvent::Data(channel, payload));
                }
            }
            _ => {}
        }
    }

    /// A channel that was agreed on beforehand shows itself by its first message.
    fn adopt(&mut self, id: StreamId) -> Option<Channel> {
        let channel = negotiated(id).filter(|_| self.setup == ChannelSetup::Peer)?;
        if self.line(channel).stream.is_none() {
            if channel == Channel::Lossy {
                self.set_reliability(id, true, ReliabilityType::Rexmit, 0);
            }
            *self.line(channel) = Line { stream: Some(id), open: true };
        }
        Some(channel)
    }

    /// The in-band protocol of RFC 8832.
    fn establish(&mut self, id: StreamId, payload: &[u8], now: Instant) {
        match Message::unmarshal(&mut &payload[..]) {
            Ok(Message::DataChannelOpen(open)) => {
                if open.label.len() > MAX_LABEL {
                    return;
                }
                self.reliability(id, open.channel_type, open.reliability_parameter);
                let channel = [Channel::Reliable, Channel::Lossy]
                    .into_iter()
                    .find(|channel| label(*channel).as_bytes() == open.label);
                // On channels of our own we do not take a second one of the same name.
                if let Some(channel) = channel.filter(|_| self.setup == ChannelSetup::Peer) {
                    *self.line(channel) = Line { stream: Some(id), open: true };
                }
                if let Ok(ack) = Message::DataChannelAck(DataChannelAck {}).marshal() {
                    self.write(id, &ack.freeze(), PayloadProtocolIdentifier::Dcep, now);
                }
            }
            Ok(Message::DataChannelAck(_)) => {
                for line in [&mut self.reliable, &mut self.lossy] {
                    if line.stream == Some(id) {
                        line.open = true;
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.connect_at.is_some_and(|at| at <= now) {
            self.connect_at = None;
            let config = ClientConfig::new(self.transport.clone());
            if let Ok(made) = self.endpoint.connect(now, config, PEER) {
                self.dialled = Some((made.0, false));
                self.associations.push(made);
            }
        }
        for (_, association) in &mut self.associations {
            if association.poll_timeout().is_some_and(|at| at <= now) {
                association.handle_timeout(now);
            }
        }
        self.settle(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.associations
            .iter()
            .filter_map(|(_, association)| association.poll_timeout())
            .chain(self.connect_at)
            .min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmits.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<SctpEvent> {
        self.events.pop_front()
    }
}
