use std::time::Duration;

use sfu_core::media::{Command, Event, Selection, SendId, TrackId};
use sfu_core::room::ConnectionId;
use sfu_protocol::proto::{self, VideoQuality};
use sfu_protocol::{Connect, Mode};

use crate::world::*;

struct Scene {
    world: World,
    anna: ConnectionId,
    ben: ConnectionId,
    track: TrackId,
    sid: String,
}

/// Anna publishes, Ben (who joins with `change`d wishes) has the track negotiated if he wants it.
fn scene(kind: &str, change: impl FnOnce(&mut Connect)) -> Scene {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let mut connect = Connect { publisher_offer: Some(Client::new().offer(1)), ..connect(Mode::Single) };
    change(&mut connect);
    let ben = world.join(claims("ben"), connect);
    world.connect_media();
    let (track, sid) = world.publish(anna, &mut client, "it", kind);
    world.ask(ben, Ask::Offer(Client::new().offer(2)));
    Scene { world, anna, ben, track, sid }
}

impl Scene {
    fn selection(&self) -> Option<Selection> {
        self.world.commands.iter().rev().find_map(|command| match command {
            Command::Select { selection, .. } => Some(*selection),
            _ => None,
        })
    }

    fn set(&mut self, change: impl FnOnce(&mut proto::UpdateTrackSettings)) {
        let mut settings =
            proto::UpdateTrackSettings { track_sids: vec![self.sid.clone()], ..Default::default() };
        change(&mut settings);
        self.world.ask(self.ben, Ask::TrackSetting(settings));
    }

    fn wish(&mut self, subscribe: bool) {
        let wish =
            proto::UpdateSubscription { track_sids: vec![self.sid.clone()], subscribe, ..Default::default() };
        self.world.ask(self.ben, Ask::Subscription(wish));
    }

    fn sends(&self) -> Vec<(SendId, TrackId)> {
        self.world.sent()
    }
}

#[test]
fn subscriber_may_unsubscribe_and_subscribe_again() {
    let mut scene = scene("video", |_| {});
    assert_eq!(scene.sends().len(), 1);
    scene.wish(false);
    assert!(scene.sends().is_empty());
    scene.wish(true);
    for id in [3, 4] {
        scene.world.ask(scene.ben, Ask::Offer(Client::new().offer(id)));
    }
    assert_eq!(scene.sends().len(), 1);
}

#[test]
fn without_auto_subscribe_only_wished_tracks_come() {
    let mut scene = scene("video", |connect| connect.auto_subscribe = false);
    assert!(scene.sends().is_empty());
    scene.wish(true);
    scene.world.ask(scene.ben, Ask::Offer(Client::new().offer(3)));
    assert_eq!(scene.sends().len(), 1);
}

#[test]
fn publisher_learns_of_its_first_subscriber() {
    let mut scene = scene("video", |_| {});
    let told = scene.world.told(scene.anna);
    assert!(told.iter().any(|tell| matches!(tell, Tell::TrackSubscribed(one) if one.track_sid == scene.sid)));
}

#[test]
fn disabled_track_is_paused_and_comes_back() {
    let mut scene = scene("video", |_| {});
    scene.set(|settings| settings.disabled = true);
    assert_eq!(scene.selection(), Some(Selection::Paused));
    scene.set(|settings| settings.quality = VideoQuality::High as i32);
    assert_eq!(scene.selection(), Some(Selection::UpTo(0)), "there is one layer");
}

#[test]
fn audio_flows_whatever_quality_is_asked_for() {
    let mut scene = scene("audio", |_| {});
    assert_eq!(scene.selection(), Some(Selection::UpTo(0)));
    scene.set(|settings| settings.disabled = true);
    assert_eq!(scene.selection(), Some(Selection::Paused));
}

#[test]
fn muted_track_is_not_forwarded_and_others_are_told() {
    let mut scene = scene("audio", |_| {});
    scene.world.told(scene.ben);
    scene.world.ask(scene.anna, Ask::Mute(proto::MuteTrackRequest { sid: scene.sid.clone(), muted: true }));
    let muted =
        |command: &Command| matches!(command, Command::Mute { track, muted: true } if *track == scene.track);
    assert!(scene.world.commands.iter().any(muted));
    let before = updates(&scene.world.told(scene.ben)).pop().expect("publishers' updates go out at once");
    assert!(before.tracks[0].muted);
    scene.world.ask(scene.anna, Ask::Mute(proto::MuteTrackRequest { sid: scene.sid.clone(), muted: false }));
    let after = updates(&scene.world.told(scene.ben)).pop().unwrap();
    assert!(!after.tracks[0].muted && after.version > before.version);
}

#[test]
fn nobody_mutes_the_track_of_another() {
    let mut scene = scene("audio", |_| {});
    scene.world.ask(scene.ben, Ask::Mute(proto::MuteTrackRequest { sid: scene.sid.clone(), muted: true }));
    assert!(!scene.world.commands.iter().any(|command| matches!(command, Command::Mute { .. })));
}

#[test]
fn wish_for_a_track_that_never_comes_is_answered_after_a_minute() {
    let mut scene = scene("video", |_| {});
    let wish = proto::UpdateSubscription {
        track_sids: vec!["TR_none".into()],
        subscribe: true,
        ..Default::default()
    };
    scene.world.ask(scene.ben, Ask::Subscription(wish));
    scene.world.told(scene.ben);
    scene.world.pass(Duration::from_secs(70));
    let told = scene.world.told(scene.ben);
    assert!(
        told.iter().any(|tell| matches!(tell, Tell::SubscriptionResponse(one) if one.track_sid == "TR_none"))
    );
}

#[test]
fn speakers_are_told_as_changes() {
    let mut scene = scene("audio", |_| {});
    let anna = scene.world.room.participants()[0].sid.clone();
    let track = scene.track;
    let mut speak = |levels: Vec<(TrackId, f32)>| {
        scene.world.told(scene.ben);
        scene.world.media(Event::Speakers { room: 1 << 32, levels });
        scene
            .world
            .told(scene.ben)
            .into_iter()
            .filter_map(
                |tell| if let Tell::SpeakersChanged(changed) = tell { Some(changed.speakers) } else { None },
            )
            .flatten()
            .map(|speaker| (speaker.sid, speaker.level, speaker.active))
            .collect::<Vec<_>>()
    };
    assert_eq!(speak(vec![(track, 0.45)]), [(anna.clone(), 0.5, true)]);
    assert!(speak(vec![(track, 0.5)]).is_empty(), "no news");
    assert_eq!(speak(vec![]), [(anna, 0.0, false)]);
    assert!(speak(vec![]).is_empty());
}

#[test]
fn quality_is_excellent_and_told_once() {
    let mut scene = scene("video", |_| {});
    scene.world.told(scene.ben);
    scene.world.pass(Duration::from_secs(11));
    let told: Vec<proto::ConnectionQualityInfo> = scene
        .world
        .told(scene.ben)
        .into_iter()
        .filter_map(
            |tell| if let Tell::ConnectionQuality(update) = tell { Some(update.updates) } else { None },
        )
        .flatten()
        .collect();
    let anna = &scene.world.room.participants()[0].sid;
    assert_eq!(told.iter().filter(|info| info.participant_sid == *anna).count(), 1);
    assert!(told.iter().all(|info| info.quality == proto::ConnectionQuality::Excellent as i32));
}
