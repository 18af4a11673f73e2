//! Simulcast: one layer at a time is forwarded, the one the subscriber asked for.

use sfu_core::media::Kind;
use sfu_protocol::proto::{self, signal_request};

use crate::media::Arrival;
use crate::network::{FINE, ROUGH};
use crate::world::World;
use crate::{SECOND, millis, seeds};

fn choose(world: &mut World, sid: &str, quality: proto::VideoQuality, disabled: bool) {
    let setting = proto::UpdateTrackSettings {
        track_sids: vec![sid.to_owned()],
        quality: quality as i32,
        disabled,
        ..Default::default()
    };
    world.ask(1, signal_request::Message::TrackSetting(setting));
}

/// Layers of what arrives within two seconds, after one second of grace.
fn layers(world: &mut World, sid: &str) -> Vec<u8> {
    world.run(2 * SECOND);
    let since = world.now;
    world.run(2 * SECOND);
    let sink = world.clients[1].sink(sid).expect("subscribed");
    let mut layers: Vec<u8> =
        sink.got.values().filter(|arrival| arrival.at >= since).map(|arrival| arrival.label.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    layers
}

#[test]
fn the_wanted_layer_is_forwarded() {
    for seed in seeds(4) {
        let mut world = World::pair(if seed == 0 { FINE } else { ROUGH }, seed);
        let source = world.publish(0, Kind::Video, &["q", "h", "f"]);
        let sid = world.sid(0, source);
        assert_eq!(layers(&mut world, &sid), [2], "SEED={seed}: the best by default");
        choose(&mut world, &sid, proto::VideoQuality::Low, false);
        assert_eq!(layers(&mut world, &sid), [0], "SEED={seed}");
        choose(&mut world, &sid, proto::VideoQuality::Medium, false);
        assert_eq!(layers(&mut world, &sid), [1], "SEED={seed}");
        let paused = world.now;
        choose(&mut world, &sid, proto::VideoQuality::High, true);
        assert!(layers(&mut world, &sid).is_empty(), "SEED={seed}");
        choose(&mut world, &sid, proto::VideoQuality::High, false);
        assert_eq!(layers(&mut world, &sid), [2], "SEED={seed}");

        let sink = world.clients[1].sink(&sid).unwrap();
        sink.check_timestamps();
        // Each switch happens at a key frame.
        for (one, next) in sink.got.values().zip(sink.got.values().skip(1)) {
            assert!(
                one.label.layer == next.label.layer || next.label.key,
                "SEED={seed}: {:?} after {:?}",
                next.label,
                one.label
            );
        }
        // What was on its way when it was paused is not repaired: nobody watches.
        let before = |hole: u64| sink.got.range(..hole).next_back().map(|(_, arrival)| *arrival);
        let holes: Vec<Arrival> = sink.holes(world.now, 2 * SECOND).into_iter().filter_map(before).collect();
        let unrepaired = holes
            .iter()
            .filter(|arrival| arrival.at + millis(500) < paused || arrival.at >= paused + millis(200));
        assert!(unrepaired.count() <= 1, "SEED={seed}: after {holes:?}");
    }
}

#[test]
fn two_layers_are_the_lower_two_names() {
    let mut world = World::pair(FINE, 1);
    let source = world.publish(0, Kind::Video, &["q", "h"]);
    let sid = world.sid(0, source);
    assert_eq!(layers(&mut world, &sid), [1]);
    choose(&mut world, &sid, proto::VideoQuality::Low, false);
    assert_eq!(layers(&mut world, &sid), [0]);
}
