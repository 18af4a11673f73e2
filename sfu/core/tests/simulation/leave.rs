//! Who leaves or vanishes is gone for the others, and leaves nothing behind.

use sfu_core::media::Kind;
use sfu_core::room::RoomEvent;
use sfu_protocol::proto::{self, signal_request, signal_response};

use crate::network::{FINE, ROUGH};
use crate::world::World;
use crate::{SECOND, seeds};

fn left(world: &World) -> usize {
    world.server.events.iter().filter(|event| matches!(event, RoomEvent::ParticipantLeft { .. })).count()
}

#[test]
fn leaving_is_told_and_ends_the_media() {
    for seed in seeds(4) {
        let mut world = World::pair(ROUGH, seed);
        for client in [0, 1] {
            world.publish(client, Kind::Audio, &[]);
            world.publish(client, Kind::Video, &[]);
        }
        world.run(2 * SECOND);
        let request = proto::LeaveRequest {
            reason: proto::DisconnectReason::ClientInitiated as i32,
            ..Default::default()
        };
        world.ask(0, signal_request::Message::Leave(request));
        world.expect(5, "the other is told", |world| world.clients[1].people.len() == 1);
        assert_eq!(left(&world), 1, "SEED={seed}");
        world.clients[0].closed = true;
        world.run(SECOND);
        let frozen = world.received(1, 0);
        let bytes = world.clients[1].publisher.bytes_in;
        world.run(5 * SECOND);
        assert_eq!(world.received(1, 0), frozen, "SEED={seed}");
        // Keepalives and reports at most.
        let idle = world.clients[1].publisher.bytes_in - bytes;
        assert!(idle < 30_000, "SEED={seed}: {idle} bytes while alone");
    }
}

#[test]
fn who_vanishes_is_missed_after_a_while() {
    let mut world = World::pair(FINE, 1);
    world.publish(0, Kind::Audio, &[]);
    world.publish(1, Kind::Audio, &[]);
    world.run(2 * SECOND);
    world.vanish(0);
    world.run(2 * SECOND);
    // It may come back.
    assert_eq!(world.clients[1].people.len(), 2);
    world.expect(90, "the other is told", |world| world.clients[1].people.len() == 1);
    assert_eq!(left(&world), 1);
    assert!(world.clients[1].is_active());
}

#[test]
fn an_empty_room_closes_and_its_shard_rests() {
    let mut world = World::pair(FINE, 1);
    world.publish(0, Kind::Video, &[]);
    world.run(2 * SECOND);
    for client in [0, 1] {
        world.ask(client, signal_request::Message::Leave(proto::LeaveRequest::default()));
    }
    world.run(SECOND);
    assert!(!world.server.finished);
    world.expect(30, "the room is over", |world| world.server.finished);
    world.run(5 * SECOND);
    assert_eq!(world.server.shard.poll_timeout(), None, "nothing is left to do");
}

#[test]
fn nobody_is_told_of_a_room_after_being_put_out() {
    let mut world = World::pair(FINE, 1);
    let now = sfu_core::room::Now { instant: world.now, unix_ms: 1_700_000_100_000 };
    world.server.room.admin(sfu_core::room::Admin::Remove { identity: "ann".to_owned() }, now).unwrap();
    world.collect();
    world.run(2 * SECOND);
    let told = &world.clients[0].told;
    assert!(matches!(told.last(), Some(signal_response::Message::Leave(_))), "{:?}", told.last());
    assert_eq!(world.clients[1].people.len(), 1);
}
