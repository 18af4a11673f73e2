//! Networks that change or fail for a while, and sockets that come back.

use std::net::SocketAddr;

use sfu_core::media::Kind;

use crate::network::{ROUGH, Weather};
use crate::world::World;
use crate::{SECOND, seeds};

fn meeting(weather: Weather, seed: u64) -> World {
    let mut world = World::pair(weather, seed);
    for client in [0, 1] {
        world.publish(client, Kind::Audio, &[]);
        world.publish(client, Kind::Video, &[]);
    }
    world.run(2 * SECOND);
    world
}

/// Everything of each arrives at the other, from now on.
fn assert_flowing(world: &mut World) {
    let before = [world.received(1, 0), world.received(0, 1)];
    world.run(3 * SECOND);
    let after = [world.received(1, 0), world.received(0, 1)];
    for (before, after) in before.iter().zip(&after) {
        for (sid, count) in after {
            assert!(*count > before[sid] + 40, "SEED={}: {sid} {} to {count}", world.seed, before[sid]);
        }
    }
}

#[test]
fn a_cut_of_ten_seconds_heals_by_itself() {
    for seed in seeds(4) {
        let mut world = meeting(ROUGH, seed);
        let address = world.clients[0].publisher.address;
        world.network.cut.push(address);
        world.run(10 * SECOND);
        world.network.cut.clear();
        world.run(5 * SECOND);
        assert_flowing(&mut world);
        assert_eq!(world.clients[1].people.len(), 2, "nobody left");
    }
}

#[test]
fn a_restart_of_ice_moves_the_media_to_the_new_address() {
    for seed in seeds(4) {
        let mut world = meeting(ROUGH, seed);
        let new: SocketAddr = "10.7.7.7:4444".parse().unwrap();
        let old = std::mem::replace(&mut world.clients[0].publisher.address, new);
        world.network.cut.push(old);
        world.clients[0].publisher.renew();
        world.clients[0].negotiate();
        world.collect();
        world.expect(10, "the client is reached again", |world| {
            world.clients[0].publisher.transport.destination().is_some()
        });
        world.run(2 * SECOND);
        assert_flowing(&mut world);
    }
}

#[test]
fn a_new_socket_resumes_with_the_media_it_had() {
    for seed in seeds(4) {
        let mut world = meeting(ROUGH, seed);
        let before = world.received(1, 0);
        world.resume(0);
        world.run(5 * SECOND);
        let sid = world.clients[0].sid.clone();
        assert_eq!(world.clients[1].people[&sid].identity, "ann");
        let after = world.received(1, 0);
        assert!(after.iter().all(|(sid, count)| *count > before[sid] + 40), "SEED={seed}");
        assert_flowing(&mut world);
        assert_eq!(world.clients[1].people.len(), 2, "SEED={seed}");
    }
}
