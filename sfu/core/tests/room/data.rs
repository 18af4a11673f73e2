use bytes::Bytes;
use prost::Message;
use sfu_core::media::{Channel, Command, Event, TransportId};
use sfu_protocol::proto::{self, DataPacket, UserPacket, data_packet};

use crate::world::*;

pub(crate) fn user_packet(payload: &[u8], destinations: &[&str]) -> Bytes {
    packet(payload, destinations, 0)
}

fn packet(payload: &[u8], destinations: &[&str], sequence: u32) -> Bytes {
    let user =
        UserPacket { payload: payload.to_vec(), participant_sid: "PA_forged".into(), ..Default::default() };
    let packet = DataPacket {
        participant_identity: "forged".into(),
        participant_sid: "PA_forged".into(),
        destination_identities: destinations.iter().map(|&one| one.to_owned()).collect(),
        sequence,
        value: Some(data_packet::Value::User(user)),
        ..Default::default()
    };
    packet.encode_to_vec().into()
}

struct Table {
    world: World,
    anna: TransportId,
    ben: TransportId,
    cleo: TransportId,
}

fn table() -> Table {
    let mut world = World::new();
    let mut seat = |identity| {
        world.seated(identity);
        world.last_transport()
    };
    let (anna, ben, cleo) = (seat("anna"), seat("ben"), seat("cleo"));
    Table { world, anna, ben, cleo }
}

impl Table {
    fn send(&mut self, channel: Channel, payload: Bytes) -> Vec<(TransportId, DataPacket)> {
        let transport = self.anna;
        self.world.media(Event::Data { transport, channel, payload });
        let sent = std::mem::take(&mut self.world.commands).into_iter().filter_map(|command| match command {
            Command::Data { transport, channel: out, payload } => {
                assert_eq!(out, channel);
                Some((transport, DataPacket::decode(payload).unwrap()))
            }
            _ => None,
        });
        sent.collect()
    }
}

#[test]
fn packet_goes_to_everyone_else_with_its_true_sender() {
    let mut table = table();
    let sent = table.send(Channel::Lossy, user_packet(b"hi", &[]));
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [table.ben, table.cleo]);
    let anna = table.world.room.participants()[0].clone();
    for (_, packet) in sent {
        assert_eq!((&packet.participant_sid, &packet.participant_identity), (&anna.sid, &anna.identity));
        let Some(data_packet::Value::User(user)) = packet.value else { panic!("a user packet") };
        assert_eq!((&user.participant_sid, user.payload.as_slice()), (&anna.sid, b"hi".as_slice()));
    }
}

#[test]
fn named_destinations_alone_get_a_packet() {
    let mut table = table();
    let sent = table.send(Channel::Reliable, user_packet(b"hi", &["cleo", "nobody"]));
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [table.cleo]);
}

#[test]
fn repeated_reliable_sequence_is_forwarded_once() {
    let mut table = table();
    assert_eq!(table.send(Channel::Reliable, packet(b"a", &["ben"], 1)).len(), 1);
    assert_eq!(table.send(Channel::Reliable, packet(b"b", &["ben"], 2))[0].1.sequence, 2);
    assert!(table.send(Channel::Reliable, packet(b"b", &["ben"], 2)).is_empty());
    assert!(table.send(Channel::Reliable, packet(b"a", &["ben"], 1)).is_empty());
    assert_eq!(table.send(Channel::Lossy, packet(b"c", &["ben"], 1)).len(), 1, "lossy packets have no order");
}

#[test]
fn malformed_and_oversized_packets_are_counted_and_dropped() {
    let mut table = table();
    assert!(table.send(Channel::Lossy, Bytes::from_static(&[0xff; 9])).is_empty());
    assert!(table.send(Channel::Lossy, user_packet(&vec![0; 70_000], &[])).is_empty());
    let counters = table.world.room.counters();
    assert_eq!((counters.malformed, counters.refused_data), (1, 1));
}

#[test]
fn speakers_are_the_servers_to_tell_and_transcriptions_an_agents() {
    let mut table = table();
    for value in [
        data_packet::Value::Speaker(proto::ActiveSpeakerUpdate::default()),
        data_packet::Value::Transcription(proto::Transcription::default()),
    ] {
        let packet = DataPacket { value: Some(value), ..Default::default() };
        assert!(table.send(Channel::Reliable, packet.encode_to_vec().into()).is_empty());
    }
}

#[test]
fn resuming_client_gets_what_it_missed_and_its_own_last_sequence() {
    let mut table = table();
    table.send(Channel::Reliable, packet(b"a", &[], 1));
    table.send(Channel::Reliable, packet(b"b", &[], 2));
    let people = table.world.room.participants();
    let ben = table.world.resume("ben", &people[1].sid, sfu_protocol::Mode::Single);
    let state = proto::DataChannelReceiveState { publisher_sid: people[0].sid.clone(), last_seq: 1 };
    table.world.ask(
        ben,
        Ask::SyncState(proto::SyncState { datachannel_receive_states: vec![state], ..Default::default() }),
    );
    let replayed: Vec<(TransportId, u32)> = table
        .world
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Data { transport, payload, .. } => {
                Some((*transport, DataPacket::decode(payload.clone()).unwrap().sequence))
            }
            _ => None,
        })
        .collect();
    assert_eq!(replayed, [(table.ben, 2)]);
    let anna = table.world.resume("anna", &people[0].sid, sfu_protocol::Mode::Single);
    let Tell::Reconnect(reconnect) = &table.world.told(anna)[0] else { panic!("reconnect must come first") };
    assert_eq!(reconnect.last_message_seq, 2);
}
