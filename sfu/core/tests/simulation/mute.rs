//! A muted track is not forwarded, whatever its publisher goes on sending.

use sfu_core::media::Kind;

use crate::network::{FINE, ROUGH};
use crate::world::World;
use crate::{SECOND, millis, seeds};

#[test]
fn muting_stops_and_unmuting_resumes() {
    for seed in seeds(5) {
        let mut world = World::pair(if seed % 2 == 0 { FINE } else { ROUGH }, seed);
        let sources = [world.publish(0, Kind::Audio, &[]), world.publish(0, Kind::Video, &[])];
        world.run(3 * SECOND);
        for source in sources {
            world.clients[0].mute(source, true);
            // The publisher does not keep its word.
            world.clients[0].sources[source].muted = false;
        }
        world.collect();
        world.run(millis(500));
        let before = world.received(1, 0);
        assert!(before.values().all(|count| *count > 20), "SEED={seed}: {before:?}");
        world.run(3 * SECOND);
        assert_eq!(world.received(1, 0), before, "SEED={seed}");
        let told = world.clients[1].people.values().find(|person| person.identity == "ann").unwrap();
        assert!(told.tracks.iter().all(|track| track.muted));

        for source in sources {
            world.clients[0].mute(source, false);
        }
        world.collect();
        world.run(3 * SECOND);
        for (sid, count) in world.received(1, 0) {
            assert!(count > before[&sid] + 20, "SEED={seed}: {count} after {}", before[&sid]);
        }
        let sid = world.sid(0, sources[1]);
        let sink = world.clients[1].sink(&sid).unwrap();
        sink.check_timestamps();
        // What was lost to the pause cannot be decoded on: a key frame opens the rest.
        let silent = sink.got.values().zip(sink.got.values().skip(1));
        let resumed = silent.rev().find(|(one, next)| next.label.frame > one.label.frame + 40);
        assert!(resumed.is_some_and(|(_, next)| next.label.key), "SEED={seed}: {resumed:?}");
    }
}

#[test]
fn a_muted_speaker_falls_silent_for_the_others() {
    let mut world = World::pair(FINE, 1);
    let source = world.publish(0, Kind::Audio, &[]);
    world.run(3 * SECOND);
    let ann = world.clients[0].sid.clone();
    assert!(world.clients[1].speakers[&ann] > 0.0);
    world.clients[0].mute(source, true);
    world.collect();
    world.run(3 * SECOND);
    assert!(world.clients[1].speakers[&ann].abs() < f32::EPSILON);
}
