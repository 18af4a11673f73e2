//! Retransmission makes video whole again, on both ways.

use sfu_core::media::Kind;

use crate::network::{FINE, ROUGH, Weather};
use crate::world::World;
use crate::{SECOND, seeds};

#[test]
fn every_video_frame_arrives_in_rough_weather() {
    for seed in seeds(12) {
        let mut world = World::pair(ROUGH, seed);
        let source = world.publish(0, Kind::Video, &[]);
        world.run(12 * SECOND);
        let sid = world.sid(0, source);
        let sink = world.clients[1].sink(&sid).expect("subscribed");
        let frames: Vec<u32> = sink.complete_frames().iter().map(|frame| frame.0).collect();
        let sent = &world.clients[0].sources[source];
        // The last second may still be under way.
        let last = sent.sent.last().unwrap().frame - 20;
        let first = sink.first_frame();
        assert!(last > first + 100, "SEED={seed}: {first} to {last}");
        let absent: Vec<u32> = (first..=last).filter(|frame| !frames.contains(frame)).collect();
        // A packet is sent again three times at most, and all of these may be lost; without them a
        // tenth of the frames would be.
        assert!(absent.len() <= 1, "SEED={seed}: frames {absent:?} of {first} to {last} never came");
        assert!(sink.holes(world.now, SECOND).len() <= 1, "SEED={seed}");
        assert!(sent.resent > 5, "SEED={seed}: the way up was repaired {} times", sent.resent);
        assert!(sink.recovered > 5, "SEED={seed}: the way down {} times", sink.recovered);
        sink.check_timestamps();
    }
}

#[test]
fn audio_arrives_as_far_as_the_network_lets_it() {
    for seed in seeds(5) {
        let mut world = World::pair(Weather { loss: 0.1, ..FINE }, seed);
        let source = world.publish(0, Kind::Audio, &[]);
        world.run(10 * SECOND);
        let sid = world.sid(0, source);
        let got = world.clients[1].sink(&sid).expect("subscribed").got.len();
        let sent = world.clients[0].sources[source].sent.len();
        assert!(got * 100 > sent * 70, "SEED={seed}: {got} of {sent}");
    }
}
