//! Routing of data packets (contract livekit.md 7.1, 7.2).
//!
//! Invariant: a packet that leaves the room names its true sender; a reliable sequence number of
//! one sender is forwarded at most once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message as _;
use sfu_protocol::proto::participant_info::Kind;
use sfu_protocol::proto::{self, DataPacket, UserPacket, data_packet};

use super::Room;
use super::participant::{Key, Participant};
use crate::media::{Channel, Command, TransportId};

/// Reliable packets are kept this long for those who are about to resume.
const REPLAY_AGE: Duration = Duration::from_secs(2);
const REPLAY_BYTES: usize = 1024 * 1024;
/// Largest packet that is forwarded; clients are told the same in SDP.
const MAX_PACKET_BYTES: usize = 64_000;

#[derive(Default)]
pub(super) struct Replay {
    packets: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    at: Instant,
    sender: Key,
    sender_sid: String,
    sequence: u32,
    to: Recipients,
    payload: Bytes,
}

#[derive(Clone, Debug, Default)]
struct Recipients {
    identities: Vec<String>,
    sids: Vec<String>,
    /// Only those who may see metrics.
    metrics: bool,
}

impl Recipients {
    fn include(&self, participant: &Participant) -> bool {
        let named = self.identities.is_empty() && self.sids.is_empty()
            || self.identities.contains(&participant.identity)
            || self.sids.contains(&participant.sid);
        named && (!self.metrics || participant.permission.can_subscribe_metrics)
    }
}

impl Replay {
    fn keep(&mut self, kept: Kept) {
        let now = kept.at;
        self.bytes += kept.payload.len();
        self.packets.push_back(kept);
        while self.bytes > REPLAY_BYTES
            || self.packets.front().is_some_and(|kept| now.saturating_duration_since(kept.at) > REPLAY_AGE)
        {
            let Some(old) = self.packets.pop_front() else { break };
            self.bytes -= old.payload.len();
        }
    }
}

impl Room {
    /// A packet arrived on a data channel.
    pub(super) fn data(&mut self, transport: TransportId, channel: Channel, payload: &Bytes) {
        let Some(key) = self.transports.get(&transport).copied() else { return };
        let Some(sender) = self.participants.get_mut(&key) else { return };
        if !sender.permission.can_publish_data || payload.len() > MAX_PACKET_BYTES {
            self.counters.refused_data += 1;
            return;
        }
        let Ok(mut packet) = DataPacket::decode(payload.clone()) else {
            self.counters.malformed += 1;
            return;
        };
        let reliable = channel == Channel::Reliable;
        if reliable && packet.sequence > 0 {
            if packet.sequence <= sender.last_reliable {
                return;
            }
            sender.last_reliable = packet.sequence;
        }
        let Some(to) = stamp(&mut packet, sender) else {
            self.counters.refused_data += 1;
            return;
        };
        let kind = if reliable { data_packet::Kind::Reliable } else { data_packet::Kind::Lossy };
        packet.kind = kind as i32;
        let payload = Bytes::from(packet.encode_to_vec());
        let sender_sid = sender.sid.clone();
        self.route(Some(key), &to, channel, &payload);
        if reliable && packet.sequence > 0 {
            let (at, sequence) = (self.now.instant, packet.sequence);
            self.replay.keep(Kept { at, sender: key, sender_sid, sequence, to, payload });
        }
    }

    fn route(&mut self, sender: Option<Key>, to: &Recipients, channel: Channel, payload: &Bytes) {
        let transports: Vec<TransportId> = self
            .participants
            .values()
            // Metrics are echoed to whoever sent them.
            .filter(|one| (sender != Some(one.key) || to.metrics) && to.include(one))
            .map(|one| one.downlink().id)
            .collect();
        for transport in transports {
            self.command(Command::Data { transport, channel, payload: payload.clone() });
        }
    }

    /// An administrator's message.
    pub(super) fn send_data(
        &mut self,
        topic: Option<String>,
        payload: &Bytes,
        reliable: bool,
        identities: Vec<String>,
    ) {
        let user = UserPacket {
            payload: payload.to_vec(),
            topic,
            destination_identities: identities.clone(),
            ..Default::default()
        };
        let (kind, channel) = if reliable {
            (data_packet::Kind::Reliable, Channel::Reliable)
        } else {
            (data_packet::Kind::Lossy, Channel::Lossy)
        };
        let packet = DataPacket {
            kind: kind as i32,
            destination_identities: identities.clone(),
            value: Some(data_packet::Value::User(user)),
            ..Default::default()
        };
        let to = Recipients { identities, ..Default::default() };
        self.route(None, &to, channel, &Bytes::from(packet.encode_to_vec()));
    }

    /// What a resuming client missed, by what it says it has.
    pub(super) fn replay(&mut self, key: Key, states: &[proto::DataChannelReceiveState]) {
        let Some(participant) = self.participants.get(&key) else { return };
        let transport = participant.downlink().id;
        let now = self.now.instant;
        let missed: Vec<Bytes> = self
            .replay
            .packets
            .iter()
            .filter(|kept| now.saturating_duration_since(kept.at) <= REPLAY_AGE)
            .filter(|kept| kept.sender != key && kept.to.include(participant))
            .filter(|kept| {
                states
                    .iter()
                    .find(|state| state.publisher_sid == kept.sender_sid)
                    .is_some_and(|state| kept.sequence > state.last_seq)
            })
            .map(|kept| kept.payload.clone())
            .collect();
        for payload in missed {
            self.command(Command::Data { transport, channel: Channel::Reliable, payload });
        }
    }
}

/// Writes the true sender into a packet; tells whom it is for. `None`: this sender may not send it.
fn stamp(packet: &mut DataPacket, sender: &Participant) -> Option<Recipients> {
    use data_packet::Value;
    let agent = sender.kind == Kind::Agent || sender.permission.agent;
    let mut to = Recipients { identities: packet.destination_identities.clone(), ..Default::default() };
    let (sid, identity) = if sender.is_hidden() {
        (String::new(), String::new())
    } else {
        (sender.sid.clone(), sender.identity.clone())
    };
    let mut keep_identity = false;
    match packet.value.as_mut()? {
        Value::User(user) => {
            user.participant_sid.clone_from(&sid);
            user.participant_identity.clone_from(&identity);
            if to.identities.is_empty() {
                to.identities.clone_from(&user.destination_identities);
            }
            user.destination_identities.clone_from(&to.identities);
            to.sids.clone_from(&user.destination_sids);
        }
        // Speakers are the server's to tell.
        Value::Speaker(_) => return None,
        Value::Transcription(_) if !agent => return None,
        Value::Metrics(_) => to.metrics = true,
        Value::ChatMessage(message) => keep_identity = agent && message.generated,
        Value::StreamHeader(header) => {
            keep_identity = agent
                && matches!(
                    &header.content_header,
                    Some(proto::data_stream::header::ContentHeader::TextHeader(text)) if text.generated
                );
        }
        _ => {}
    }
    packet.destination_identities.clone_from(&to.identities);
    packet.participant_sid = sid;
    if !keep_identity || packet.participant_identity.is_empty() {
        packet.participant_identity = identity;
    }
    Some(to)
}
