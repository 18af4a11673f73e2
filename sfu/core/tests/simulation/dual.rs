//! Clients with two peer connections, among themselves and with those that have one.

use sfu_core::media::Kind;
use sfu_protocol::Mode;

use crate::network::{FINE, ROUGH, Weather};
use crate::session::Dialect;
use crate::world::World;
use crate::{SECOND, seeds};

fn trio(weather: Weather, seed: u64) -> World {
    let mut world = World::new(weather, seed);
    world.join("ann", Mode::Dual, Dialect::Chromium);
    world.join("ben", Mode::Single, Dialect::Firefox);
    world.join("cat", Mode::Dual, Dialect::Chromium);
    world.expect(20, "all are connected", |world| world.clients.iter().all(|client| client.is_active()));
    world
}

#[test]
fn both_modes_hear_and_see_each_other() {
    for seed in seeds(4) {
        let mut world = trio(if seed == 0 { FINE } else { ROUGH }, seed);
        for client in 0..3 {
            world.publish(client, Kind::Audio, &[]);
            world.publish(client, Kind::Video, &["q", "h", "f"]);
        }
        world.run(8 * SECOND);
        for from in 0..3 {
            for to in (0..3).filter(|to| *to != from) {
                for (sid, count) in world.received(to, from) {
                    assert!(count > 100, "SEED={seed}: {from} to {to}, {sid}: {count}");
                    let sink = world.clients[to].sink(&sid).unwrap();
                    let holes = sink.holes(world.now, 2 * SECOND);
                    assert!(
                        holes.len() < 3 || sink.kind == Kind::Audio,
                        "SEED={seed}: {from} to {to}, {sid}: {holes:?} of {:?}",
                        sink.got.first_key_value()
                    );
                }
            }
        }
    }
}

#[test]
fn a_publication_of_a_dual_client_ends_with_it() {
    let mut world = trio(FINE, 1);
    world.publish(0, Kind::Audio, &[]);
    world.run(2 * SECOND);
    world.vanish(0);
    world.expect(90, "the others are told", |world| {
        world.clients[1..].iter().all(|client| client.people.len() == 2)
    });
    world.run(SECOND);
    let frozen = world.received(1, 0);
    world.run(2 * SECOND);
    assert_eq!(world.received(1, 0), frozen);
}
