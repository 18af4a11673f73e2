//! Two meet: what one publishes arrives at the other, byte for byte.

use sfu_core::media::Kind;
use sfu_core::room::RoomEvent;
use sfu_protocol::Mode;

use crate::network::{FINE, ROUGH};
use crate::session::Dialect;
use crate::world::World;
use crate::{SECOND, seeds};

#[test]
fn audio_and_video_arrive_as_they_were_sent() {
    let mut world = World::pair(FINE, 1);
    for client in [0, 1] {
        world.publish(client, Kind::Audio, &[]);
        world.publish(client, Kind::Video, &[]);
    }
    world.run(10 * SECOND);
    for (from, to) in [(0, 1), (1, 0)] {
        for source in &world.clients[from].sources {
            let sid = source.sid.as_deref().unwrap();
            let sink = world.clients[to].sink(sid).expect("subscribed");
            assert!(sink.got.len() > 150, "{:?}: {}", source.kind, sink.got.len());
            assert!(sink.labels().all(|label| source.sent.contains(&label)));
            assert!(sink.holes(world.now, SECOND).is_empty());
            sink.check_timestamps();
            assert!(sink.sender_reports > 3, "{}", sink.sender_reports);
        }
    }
    for client in &world.clients {
        assert_eq!(client.publisher.rejected, 0);
        assert!(client.publisher.twcc > 50, "{}", client.publisher.twcc);
        // Each sees the other speak.
        assert!(client.speakers.values().any(|level| *level > 0.0));
        assert_eq!(client.people.len(), 2, "both are listed, each also to itself");
    }
}

#[test]
fn a_whole_key_frame_comes_soon() {
    for seed in seeds(5) {
        let mut world = World::pair(ROUGH, seed);
        let source = world.publish(0, Kind::Video, &[]);
        world.run(3 * SECOND);
        let sid = world.sid(0, source);
        let sink = world.clients[1].sink(&sid).expect("subscribed");
        let begin = sink.labels().map(|label| label.frame).min().unwrap();
        let key = sink.complete_frames().into_iter().find(|frame| frame.2);
        let key = key.unwrap_or_else(|| panic!("SEED={seed}: no whole key frame")).0;
        assert!(key - begin < 30, "SEED={seed}: key frame {} frames late", key - begin);
    }
}

#[test]
fn a_third_who_comes_late_gets_everything() {
    let mut world = World::pair(FINE, 2);
    for client in [0, 1] {
        world.publish(client, Kind::Audio, &[]);
        world.publish(client, Kind::Video, &[]);
    }
    world.run(2 * SECOND);
    let late = world.join("cat", Mode::Single, Dialect::Chromium);
    world.publish(late, Kind::Audio, &[]);
    world.publish(late, Kind::Video, &[]);
    world.run(5 * SECOND);
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            for (sid, count) in world.received(to, from) {
                assert!(count > 50, "{from} to {to}, {sid}: {count}");
            }
        }
    }
}

#[test]
fn more_tracks_than_sections_make_the_client_offer_more() {
    let mut world = World::new(FINE, 3);
    let people = ["ann", "ben", "cat", "dan", "eve", "fay"];
    for identity in people {
        world.join(identity, Mode::Single, Dialect::Chromium);
    }
    world.expect(20, "all are connected", |world| world.clients.iter().all(|client| client.is_active()));
    for client in 0..people.len() {
        world.publish(client, Kind::Audio, &[]);
        world.publish(client, Kind::Video, &[]);
    }
    world.run(8 * SECOND);
    for from in 0..people.len() {
        for to in (0..people.len()).filter(|to| *to != from) {
            for (sid, count) in world.received(to, from) {
                assert!(count > 50, "{from} to {to}, {sid}: {count}");
            }
        }
    }
}

#[test]
fn the_room_tells_who_joined_and_what_was_published() {
    let mut world = World::pair(FINE, 1);
    world.publish(0, Kind::Audio, &[]);
    world.run(2 * SECOND);
    let joined = |event: &&RoomEvent| matches!(event, RoomEvent::ParticipantJoined { .. });
    let published = |event: &&RoomEvent| matches!(event, RoomEvent::TrackPublished { .. });
    assert_eq!(world.server.events.iter().filter(joined).count(), 2);
    assert_eq!(world.server.events.iter().filter(published).count(), 1);
}
