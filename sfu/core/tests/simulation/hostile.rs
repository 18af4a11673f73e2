//! Strangers and liars on the media port, and clients that send nonsense: the others notice nothing.

use std::net::SocketAddr;

use rand::Rng;
use sfu_core::media::{Channel, Kind};
use sfu_protocol::Mode;
use sfu_protocol::proto::{self, signal_request};

use crate::network::{FINE, ROUGH};
use crate::session::Dialect;
use crate::world::World;
use crate::{SECOND, millis, seeds};

fn meeting(weather: crate::network::Weather, seed: u64) -> World {
    let mut world = World::pair(weather, seed);
    for client in [0, 1] {
        world.publish(client, Kind::Audio, &[]);
        world.publish(client, Kind::Video, &[]);
    }
    world.run(SECOND);
    world
}

fn assert_unharmed(world: &World) {
    for (from, to) in [(0, 1), (1, 0)] {
        for source in &world.clients[from].sources {
            let sink = world.clients[to].sink(source.sid.as_deref().unwrap()).expect("subscribed");
            assert!(sink.holes(world.now, 2 * SECOND).is_empty() || sink.kind == Kind::Audio);
            let last = sink.last.expect("something came");
            assert!(world.now - last < millis(500), "SEED={}: {:?} stopped", world.seed, source.kind);
            sink.check_timestamps();
        }
        // Copies that the network made are refused as replays.
        assert!(world.clients[to].publisher.rejected == 0 || world.network.weather.duplicate > 0.0);
    }
}

/// Random bytes that look like a protocol in their first ones.
fn junk(world: &mut World) -> Vec<u8> {
    let rng = world.network.rng();
    let length = rng.random_range(0..300);
    let mut bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    let heads: [&[u8]; 7] = [
        &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42],
        &[1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42],
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1],
        &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40],
        &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1],
        &[0x90, 96],
        &[0x81, 201],
    ];
    let head = heads[rng.random_range(0..heads.len())];
    for (byte, wanted) in bytes.iter_mut().zip(head) {
        *byte = *wanted;
    }
    bytes
}

#[test]
fn junk_from_strangers_and_under_false_names_does_not_matter() {
    for seed in seeds(4) {
        let mut world = meeting(FINE, seed);
        let stranger: SocketAddr = "10.66.66.66:666".parse().unwrap();
        let sources = [stranger, world.clients[0].publisher.address, world.clients[1].publisher.address];
        for _ in 0..300 {
            for source in sources {
                let mut bytes = junk(&mut world);
                world.server.shard.datagram(world.now, source, world.server.address, &mut bytes);
            }
            world.collect();
            world.run(millis(10));
        }
        world.run(2 * SECOND);
        assert_unharmed(&world);
        let counters = world.server.shard.counters();
        assert!(counters.unknown + counters.malformed + counters.rejected > 200, "{counters:?}");
    }
}

#[test]
fn replayed_and_damaged_datagrams_do_not_matter() {
    for seed in seeds(4) {
        let mut world = meeting(FINE, seed);
        world.network.tap = Some(Vec::new());
        world.run(SECOND);
        let heard = world.network.tap.take().unwrap();
        let server = world.server.address;
        let stranger: SocketAddr = "10.66.66.66:666".parse().unwrap();
        for (from, to, bytes) in heard.iter().filter(|(_, to, _)| *to == server).take(400) {
            for source in [*from, stranger] {
                let mut again = bytes.clone();
                world.server.shard.datagram(world.now, source, *to, &mut again);
                let mut damaged = bytes.clone();
                let at = world.network.rng().random_range(0..damaged.len());
                damaged[at] ^= 1 << world.network.rng().random_range(0..8);
                world.server.shard.datagram(world.now, source, *to, &mut damaged);
            }
            world.collect();
        }
        world.run(3 * SECOND);
        assert_unharmed(&world);
        // A copied check must not move anybody's media to the one who copied it.
        for client in &world.clients {
            assert_ne!(client.publisher.transport.destination(), Some(stranger));
        }
        assert!(world.server.shard.counters().rejected > 100);
    }
}

#[test]
fn nonsense_in_signalling_and_data_hurts_only_its_sender() {
    let mut world = meeting(ROUGH, 1);
    let guest = world.join("mal", Mode::Single, Dialect::Chromium);
    world.expect(20, "the guest is connected", |world| world.clients[2].is_active());
    world.run(SECOND);
    for length in [0, 1, 100, 60_000] {
        let now = world.now;
        let payload = bytes::Bytes::from(vec![0xff; length]);
        world.clients[guest].publisher.transport.send_data(Channel::Reliable, payload, now);
    }
    for candidate in ["", "{", "{\"candidate\":7}", "{\"candidate\":\"candidate:\",\"sdpMid\":\"0\"}"] {
        let trickle = proto::TrickleRequest { candidate_init: candidate.to_owned(), ..Default::default() };
        world.ask(guest, signal_request::Message::Trickle(trickle));
    }
    world.ask(
        guest,
        signal_request::Message::Mute(proto::MuteTrackRequest { sid: "TR_x".to_owned(), muted: true }),
    );
    world.ask(
        guest,
        signal_request::Message::Answer(proto::SessionDescription {
            sdp: "v=0".to_owned(),
            ..Default::default()
        }),
    );
    world.ask(
        guest,
        signal_request::Message::Offer(proto::SessionDescription {
            sdp: "m=audio".repeat(1000),
            id: 99,
            ..Default::default()
        }),
    );
    world.run(5 * SECOND);
    assert_unharmed(&world);
    assert!(world.server.room.counters().malformed > 0);
}
