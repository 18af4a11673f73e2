//! Data packets between participants, on both channels.

use sfu_core::media::Channel;
use sfu_protocol::Mode;
use sfu_protocol::proto::{self, data_packet};

use crate::network::{FINE, ROUGH};
use crate::session::Dialect;
use crate::world::World;
use crate::{SECOND, millis, seeds};

fn user(payload: Vec<u8>) -> proto::DataPacket {
    proto::DataPacket {
        value: Some(data_packet::Value::User(proto::UserPacket { payload, ..Default::default() })),
        ..Default::default()
    }
}

fn payloads(packets: &[proto::DataPacket]) -> Vec<Vec<u8>> {
    packets
        .iter()
        .map(|packet| match &packet.value {
            Some(data_packet::Value::User(user)) => user.payload.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn open(world: &mut World) {
    world.expect(30, "channels are open", |world| {
        world.clients.iter().all(|client| client.publisher.has_channels() && client.downlink().has_channels())
    });
}

#[test]
fn reliable_packets_arrive_once_and_in_order() {
    for seed in seeds(6) {
        let mut world = World::pair(ROUGH, seed);
        open(&mut world);
        let sent: Vec<Vec<u8>> = (0..80_u32)
            .map(|n| [n.to_be_bytes().to_vec(), vec![n as u8; n as usize * 31]].concat())
            .collect();
        for payload in &sent {
            let now = world.now;
            world.clients[0].send_data(Channel::Reliable, &user(payload.clone()), now);
            world.collect();
            world.run(millis(10));
        }
        world.expect(60, "all came", |world| world.clients[1].data(Channel::Reliable).len() >= sent.len());
        world.run(5 * SECOND);
        let got = world.clients[1].data(Channel::Reliable);
        assert_eq!(payloads(&got), sent, "SEED={seed}");
        assert!(got.iter().all(|packet| packet.participant_identity == "ann"), "SEED={seed}");
        assert!(world.clients[0].data(Channel::Reliable).is_empty(), "no echo");
    }
}

#[test]
fn lossy_packets_arrive_at_most_once() {
    let mut world = World::pair(ROUGH, 1);
    open(&mut world);
    for n in 0..200_u32 {
        let now = world.now;
        world.clients[1].send_data(Channel::Lossy, &user(n.to_be_bytes().to_vec()), now);
        world.collect();
        world.run(millis(10));
    }
    world.run(5 * SECOND);
    let mut got = payloads(&world.clients[0].data(Channel::Lossy));
    let count = got.len();
    assert!((100..=200).contains(&count), "{count}");
    got.sort();
    got.dedup();
    assert_eq!(got.len(), count);
}

#[test]
fn packets_for_some_reach_nobody_else() {
    let mut world = World::pair(FINE, 1);
    world.join("cat", Mode::Dual, Dialect::Chromium);
    world.expect(20, "all are connected", |world| world.clients.iter().all(|client| client.is_active()));
    world.run(SECOND);
    let mut packet = user(b"for cat".to_vec());
    packet.destination_identities = vec!["cat".to_owned()];
    let now = world.now;
    world.clients[0].send_data(Channel::Reliable, &packet, now);
    world.collect();
    world.expect(5, "it came", |world| world.clients[2].data(Channel::Reliable).len() == 1);
    world.run(SECOND);
    assert!(world.clients[1].data(Channel::Reliable).is_empty());
}
