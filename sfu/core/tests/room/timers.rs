use std::time::Duration;

use sfu_core::room::{Input, RoomEvent, RoomOptions};
use sfu_protocol::proto::{DisconnectReason, leave_request::Action};
use sfu_protocol::{Connect, Mode};

use crate::world::*;

fn finished(world: &World) -> bool {
    world.events.iter().any(|event| matches!(event, RoomEvent::Finished { .. })) && world.finished
}

#[test]
fn room_nobody_came_to_closes() {
    let mut world = World::new();
    assert!(matches!(world.events[0], RoomEvent::Started { .. }));
    world.pass(Duration::from_secs(299));
    assert!(!world.finished);
    world.pass(Duration::from_secs(2));
    assert!(finished(&world));
    assert_eq!(world.room.poll_timeout(), None);
}

#[test]
fn room_closes_after_the_last_one_left() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.pass(Duration::from_secs(1000));
    assert!(!world.finished, "somebody is here");
    world.ask(anna, Ask::Leave(Default::default()));
    world.pass(Duration::from_secs(19));
    let (ben, _) = world.seated("ben");
    world.pass(Duration::from_secs(100));
    assert!(!world.finished, "somebody came in time");
    world.ask(ben, Ask::Leave(Default::default()));
    world.pass(Duration::from_secs(21));
    assert!(finished(&world));
}

#[test]
fn agents_do_not_keep_a_room_open() {
    let mut world = World::with(RoomOptions { departure_timeout: Duration::from_secs(5), ..options() });
    let mut agent = claims("agent");
    agent.kind = "agent".into();
    let connect = Connect { publisher_offer: Some(Client::new().offer(1)), ..connect(Mode::Single) };
    let agent = world.join(agent, connect);
    world.connect_media();
    let (anna, _) = world.seated("anna");
    world.ask(anna, Ask::Leave(Default::default()));
    world.pass(Duration::from_secs(6));
    assert!(finished(&world));
    assert_eq!(leave_of(&world.told(agent)).reason, DisconnectReason::RoomClosed as i32);
}

#[test]
fn participant_that_never_connects_is_removed_after_a_minute() {
    let mut world = World::new();
    let client = Client::new();
    let connect = Connect { publisher_offer: Some(client.offer(1)), ..connect(Mode::Single) };
    let anna = world.join(claims("anna"), connect);
    world.pass(Duration::from_secs(59));
    assert!(!world.closed.contains(&anna));
    world.pass(Duration::from_secs(2));
    let leave = leave_of(&world.told(anna));
    assert_eq!(
        (leave.reason, leave.action),
        (DisconnectReason::JoinFailure as i32, Action::Disconnect as i32)
    );
    assert!(world.events.iter().any(|event| matches!(event, RoomEvent::ParticipantAborted { .. })));
}

#[test]
fn token_is_refreshed_every_five_minutes() {
    let mut world = World::new();
    world.seated("anna");
    world.tokens.clear();
    world.pass(Duration::from_secs(601));
    assert_eq!(world.tokens.len(), 2);
    assert_eq!(world.tokens[0].1.sub, "anna");
}

#[test]
fn late_join_of_a_finished_room_is_closed() {
    let mut world = World::new();
    world.pass(Duration::from_secs(301));
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    assert!(world.closed.contains(&anna) && world.told(anna).is_empty());
    world.input(Input::Closed { connection: anna });
}
