//! Data packets: numbering and replay of reliable ones, and dropping of what was seen before
//! (contract livekit.md 7.2).

use std::collections::{BTreeMap, HashSet, VecDeque};

use prost::Message as _;

use super::api::{Channel, DataMessage, MAX_DATA_BYTES, Millis, PeerId, SendDataError};
use crate::proto::{DataChannelReceiveState, DataPacket, data_packet};

/// Sent packets kept for replay; what is older has long arrived.
const KEPT_PACKETS: usize = 512;
const KEPT_BYTES: usize = 2 * 1024 * 1024;
/// How long the last number of a silent participant is remembered.
const RECEIVE_STATE: Millis = 30_000;

#[derive(Debug, Default)]
pub(super) struct Data {
    /// Number of the last reliable packet; they count from 1.
    last: u32,
    /// Reliable packets in order: the first `sent` of them were sent, the others wait for the channel.
    packets: VecDeque<(u32, Vec<u8>)>,
    sent: usize,
    bytes: usize,
    open: HashSet<(PeerId, Channel)>,
    received: BTreeMap<String, (u32, Millis)>,
}

impl Data {
    /// What to send now.
    pub(super) fn send(
        &mut self,
        peer: Option<PeerId>,
        channel: Channel,
        value: data_packet::Value,
        destination_identities: Vec<String>,
    ) -> Result<Vec<Vec<u8>>, SendDataError> {
        let sequence = match channel {
            Channel::Reliable => self.last.wrapping_add(1).max(1),
            Channel::Lossy => 0,
        };
        let packet =
            DataPacket { destination_identities, sequence, value: Some(value), ..DataPacket::default() };
        let payload = packet.encode_to_vec();
        if payload.len() > MAX_DATA_BYTES {
            return Err(SendDataError::TooLarge(payload.len()));
        }
        if channel == Channel::Lossy {
            let open = peer.is_some_and(|peer| self.open.contains(&(peer, channel)));
            return Ok(if open { vec![payload] } else { Vec::new() });
        }
        while self.sent > 0 && (self.packets.len() >= KEPT_PACKETS || self.bytes + payload.len() > KEPT_BYTES)
        {
            self.forget_first();
        }
        if self.packets.len() >= KEPT_PACKETS || self.bytes + payload.len() > KEPT_BYTES {
            return Err(SendDataError::Full);
        }
        self.last = sequence;
        self.bytes += payload.len();
        self.packets.push_back((sequence, payload));
        Ok(peer.map(|peer| self.unsent(peer)).unwrap_or_default())
    }

    fn forget_first(&mut self) {
        if let Some((_, payload)) = self.packets.pop_front() {
            self.bytes -= payload.len();
            self.sent = self.sent.saturating_sub(1);
        }
    }

    fn unsent(&mut self, peer: PeerId) -> Vec<Vec<u8>> {
        if !self.open.contains(&(peer, Channel::Reliable)) {
            return Vec::new();
        }
        let unsent = self.packets.iter().skip(self.sent).map(|(_, payload)| payload.clone()).collect();
        self.sent = self.packets.len();
        unsent
    }

    /// What was waiting for this channel.
    pub(super) fn opened(&mut self, peer: PeerId, channel: Channel) -> Vec<Vec<u8>> {
        self.open.insert((peer, channel));
        if channel == Channel::Reliable { self.unsent(peer) } else { Vec::new() }
    }

    /// The server has everything up to `last_seen`: send the rest again.
    pub(super) fn replay(&mut self, peer: PeerId, last_seen: u32) -> Vec<Vec<u8>> {
        while self.sent > 0 && self.packets.front().is_some_and(|(sequence, _)| *sequence <= last_seen) {
            self.forget_first();
        }
        if self.open.contains(&(peer, Channel::Reliable)) {
            self.sent = 0;
        }
        self.unsent(peer)
    }

    /// Connections are replaced: what was sent was sent by a participant that is no more.
    pub(super) fn restart(&mut self) {
        self.open.clear();
        while self.sent > 0 {
            self.forget_first();
        }
    }

    /// `None` when the packet is no packet, or was seen before.
    pub(super) fn receive(&mut self, now: Millis, channel: Channel, payload: &[u8]) -> Option<DataMessage> {
        let packet = DataPacket::decode(payload).ok()?;
        if channel == Channel::Reliable && packet.sequence > 0 && !packet.participant_sid.is_empty() {
            self.received.retain(|_, (_, at)| now.saturating_sub(*at) < RECEIVE_STATE);
            let last = self.received.entry(packet.participant_sid).or_insert((0, now));
            last.1 = now;
            if packet.sequence <= last.0 {
                return None;
            }
            last.0 = packet.sequence;
        }
        Some(DataMessage { participant_identity: packet.participant_identity, channel, value: packet.value? })
    }

    pub(super) fn receive_states(&self) -> Vec<DataChannelReceiveState> {
        let states = self.received.iter();
        states
            .map(|(sid, (last_seq, _))| DataChannelReceiveState {
                publisher_sid: sid.clone(),
                last_seq: *last_seq,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::UserPacket;

    const PEER: PeerId = PeerId(1);

    fn value(text: &str) -> data_packet::Value {
        data_packet::Value::User(UserPacket { payload: text.into(), ..UserPacket::default() })
    }

    fn send(data: &mut Data, text: &str) -> Vec<Vec<u8>> {
        data.send(Some(PEER), Channel::Reliable, value(text), Vec::new()).unwrap()
    }

    fn sequences(payloads: &[Vec<u8>]) -> Vec<u32> {
        payloads.iter().map(|payload| DataPacket::decode(&**payload).unwrap().sequence).collect()
    }

    #[test]
    fn reliable_packets_wait_for_their_channel_and_count_from_one() {
        let mut data = Data::default();
        assert!(send(&mut data, "a").is_empty());
        assert!(send(&mut data, "b").is_empty());
        assert_eq!(sequences(&data.opened(PEER, Channel::Reliable)), [1, 2]);
        assert_eq!(sequences(&send(&mut data, "c")), [3]);
    }

    #[test]
    fn a_resume_replays_what_the_server_has_not_seen() {
        let mut data = Data::default();
        data.opened(PEER, Channel::Reliable);
        for text in ["a", "b", "c"] {
            send(&mut data, text);
        }
        assert_eq!(sequences(&data.replay(PEER, 1)), [2, 3]);
        assert!(data.replay(PEER, 3).is_empty());
    }

    #[test]
    fn a_new_session_sends_only_what_was_never_sent() {
        let mut data = Data::default();
        data.opened(PEER, Channel::Reliable);
        send(&mut data, "a");
        data.restart();
        assert!(send(&mut data, "b").is_empty());
        assert_eq!(sequences(&data.opened(PEER, Channel::Reliable)), [2]);
    }

    #[test]
    fn lossy_packets_do_not_wait() {
        let mut data = Data::default();
        assert!(data.send(Some(PEER), Channel::Lossy, value("a"), Vec::new()).unwrap().is_empty());
        assert!(data.opened(PEER, Channel::Lossy).is_empty());
        let sent = data.send(Some(PEER), Channel::Lossy, value("b"), vec!["bob".into()]).unwrap();
        let packet = DataPacket::decode(&*sent[0]).unwrap();
        assert_eq!(packet.sequence, 0);
        assert_eq!(packet.destination_identities, ["bob"]);
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_kept_too() {
        let mut data = Data::default();
        for _ in 0..KEPT_PACKETS {
            send(&mut data, "x");
        }
        let result = data.send(Some(PEER), Channel::Reliable, value("x"), Vec::new());
        assert_eq!(result, Err(SendDataError::Full));
        data.opened(PEER, Channel::Reliable);
        for _ in 0..3 * KEPT_PACKETS {
            assert_eq!(send(&mut data, "x").len(), 1);
        }
        assert_eq!(data.packets.len(), KEPT_PACKETS);
        let big = data.send(Some(PEER), Channel::Reliable, value(&"x".repeat(MAX_DATA_BYTES)), Vec::new());
        assert!(matches!(big, Err(SendDataError::TooLarge(_))));
    }

    #[test]
    fn packets_seen_before_are_dropped_for_each_sender() {
        let mut data = Data::default();
        let packet = |sid: &str, sequence| {
            DataPacket {
                participant_sid: sid.into(),
                sequence,
                value: Some(value("x")),
                ..Default::default()
            }
            .encode_to_vec()
        };
        let mut fresh =
            |now, sid: &str, sequence| data.receive(now, Channel::Reliable, &packet(sid, sequence)).is_some();
        assert!(fresh(0, "PA_a", 1));
        assert!(!fresh(0, "PA_a", 1));
        assert!(fresh(0, "PA_a", 3));
        assert!(!fresh(0, "PA_a", 2));
        assert!(fresh(0, "PA_b", 1));
        // Without a sid or a number nothing can be known.
        assert!(fresh(0, "", 1) && fresh(0, "", 1));
        assert!(fresh(0, "PA_a", 0) && fresh(0, "PA_a", 0));
        // Forgotten after a while.
        assert!(fresh(40_000, "PA_b", 1));
        assert!(data.receive(0, Channel::Reliable, b"\xff\xff").is_none());
    }
}
