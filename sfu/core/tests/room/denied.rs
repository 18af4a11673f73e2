//! The user who is denied.

use std::time::Duration;

use sfu_core::media::{Channel, Command, Event};
use sfu_core::room::Admin;
use sfu_protocol::proto::{self, request_response::Reason};
use sfu_protocol::{Claims, Connect, Mode};

use crate::world::*;

fn seated(world: &mut World, claims: Claims) -> sfu_core::room::ConnectionId {
    let connect = Connect { publisher_offer: Some(Client::new().offer(1)), ..connect(Mode::Single) };
    let connection = world.join(claims, connect);
    world.connect_media();
    connection
}

fn refusals(told: &[Tell]) -> Vec<i32> {
    told.iter()
        .filter_map(
            |tell| if let Tell::RequestResponse(response) = tell { Some(response.reason) } else { None },
        )
        .collect()
}

#[test]
fn track_is_not_announced_and_its_section_not_received_without_can_publish() {
    let mut world = World::new();
    let anna = seated(&mut world, grant("anna", |grant| grant.can_publish = Some(false)));
    let Tell::Join(join) = &world.told(anna)[0] else { panic!("join must come first") };
    assert!(!join.participant.as_ref().unwrap().permission.as_ref().unwrap().can_publish);
    assert!(!join.fast_publish);
    world.ask(anna, Ask::AddTrack(add_track("cam", "video")));
    assert_eq!(refusals(&world.told(anna)), [Reason::NotAllowed as i32]);
    let mut client = Client::new();
    let mid = client.add("video", "sendonly", "cam");
    world.ask(anna, Ask::Offer(client.offer(2)));
    let answer = sfu_core::sdp::parse(&world.take_answer(anna).sdp).unwrap();
    assert!(!answer.section(&mid).unwrap().direction.receives());
    assert!(world.received().is_empty());
}

#[test]
fn only_granted_sources_may_be_published() {
    let mut world = World::new();
    let anna =
        seated(&mut world, grant("anna", |grant| grant.can_publish_sources = vec!["microphone".into()]));
    world.told(anna);
    world.ask(anna, Ask::AddTrack(add_track("cam", "video")));
    assert_eq!(refusals(&world.told(anna)), [Reason::NotAllowed as i32]);
    world.ask(anna, Ask::AddTrack(add_track("mic", "audio")));
    assert!(world.told(anna).iter().any(|tell| is_signal(tell, "track_published")));
}

#[test]
fn announcement_of_unreasonable_size_is_refused() {
    let mut world = World::new();
    let anna = seated(&mut world, claims("anna"));
    world.told(anna);
    let request = proto::AddTrackRequest { name: "x".repeat(10_000), ..add_track("cam", "video") };
    world.ask(anna, Ask::AddTrack(request));
    assert_eq!(refusals(&world.told(anna)), [Reason::LimitExceeded as i32]);
    for index in 0..30 {
        world.ask(anna, Ask::AddTrack(add_track(&format!("cam-{index}"), "video")));
    }
    let refused = refusals(&world.told(anna));
    assert_eq!(refused, vec![Reason::LimitExceeded as i32; 10], "twenty may be pending");
}

#[test]
fn unknown_granted_source_grants_nothing() {
    let mut world = World::new();
    let anna = seated(&mut world, grant("anna", |grant| grant.can_publish_sources = vec!["hologram".into()]));
    world.told(anna);
    world.ask(anna, Ask::AddTrack(add_track("mic", "audio")));
    assert_eq!(refusals(&world.told(anna)), [Reason::NotAllowed as i32]);
}

#[test]
fn nothing_is_sent_to_who_may_not_subscribe() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let ben = seated(&mut world, grant("ben", |grant| grant.can_subscribe = Some(false)));
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    let wish = proto::UpdateSubscription { track_sids: vec![sid], subscribe: true, ..Default::default() };
    world.ask(ben, Ask::Subscription(wish));
    world.ask(ben, Ask::Offer(Client::new().offer(2)));
    world.pass(Duration::from_secs(5));
    assert!(world.sent().is_empty());
}

#[test]
fn dual_participant_without_can_subscribe_has_only_a_publisher_connection() {
    let mut world = World::new();
    let anna = world.join(grant("anna", |grant| grant.can_subscribe = Some(false)), connect(Mode::Dual));
    let told = world.told(anna);
    let Tell::Join(join) = &told[0] else { panic!("join must come first") };
    assert!(!join.subscriber_primary);
    assert!(!told.iter().any(|tell| is_signal(tell, "offer")));
    world.ask(anna, Ask::Offer(Client::empty().offer(1)));
    world.connect_media();
    assert_eq!(world.room.participants()[0].state, proto::participant_info::State::Active as i32);
}

#[test]
fn data_of_who_may_not_send_it_is_dropped() {
    let mut world = World::new();
    seated(&mut world, grant("anna", |grant| grant.can_publish_data = Some(false)));
    let transport = world.last_transport();
    world.seated("ben");
    let payload = crate::data::user_packet(b"psst", &[]);
    world.media(Event::Data { transport, channel: Channel::Reliable, payload });
    assert!(!world.commands.iter().any(|command| matches!(command, Command::Data { .. })));
    assert_eq!(world.room.counters().refused_data, 1);
}

#[test]
fn own_metadata_needs_its_grant() {
    let mut world = World::new();
    let request =
        proto::UpdateParticipantMetadata { name: "Queen".into(), request_id: 9, ..Default::default() };
    let anna = seated(&mut world, claims("anna"));
    world.told(anna);
    world.ask(anna, Ask::UpdateMetadata(request.clone()));
    assert_eq!(refusals(&world.told(anna)), [Reason::NotAllowed as i32]);
    assert_eq!(world.room.participants()[0].name, "ANNA");

    let ben = seated(&mut world, grant("ben", |grant| grant.can_update_own_metadata = Some(true)));
    world.told(ben);
    world.ask(ben, Ask::UpdateMetadata(request));
    assert_eq!(refusals(&world.told(ben)), [Reason::Ok as i32]);
    assert_eq!(world.room.participants()[1].name, "Queen");
}

#[test]
fn opening_metadata_without_its_grant_is_ignored() {
    let mut world = World::new();
    let connect = Connect { metadata: "crown".into(), ..connect(Mode::Dual) };
    world.join(claims("anna"), connect);
    assert_eq!(world.room.participants()[0].metadata, "");
}

#[test]
fn revoked_permission_ends_tracks_and_shows_in_the_token() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    world.told(anna);
    world.tokens.clear();
    let permission = proto::ParticipantPermission { can_subscribe: true, ..Default::default() };
    world
        .admin(Admin::UpdateParticipant {
            identity: "anna".into(),
            name: None,
            metadata: None,
            attributes: Default::default(),
            permission: Some(permission),
        })
        .unwrap();
    assert!(world.received().is_empty());
    let told = world.told(anna);
    assert!(told.iter().any(|tell| matches!(tell, Tell::TrackUnpublished(gone) if gone.track_sid == sid)));
    assert!(!updates(&told).pop().unwrap().permission.unwrap().can_publish);
    let (_, claims) = one(std::mem::take(&mut world.tokens));
    assert!(!claims.video.unwrap().may_publish());
    // The section still sends: it is not received again.
    world.ask(anna, Ask::Offer(client.offer(7)));
    assert!(world.received().is_empty());
}

#[test]
fn publisher_keeps_its_tracks_from_those_it_does_not_list() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (ben, _) = world.seated("ben");
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    world.ask(ben, Ask::Offer(Client::new().offer(2)));
    assert_eq!(world.sent().len(), 1);
    world.told(ben);
    world.ask(anna, Ask::SubscriptionPermission(proto::SubscriptionPermission::default()));
    assert!(world.sent().is_empty());
    let allowed = |told: Vec<Tell>| -> Vec<bool> {
        told.into_iter()
            .filter_map(|tell| match tell {
                Tell::SubscriptionPermissionUpdate(update) => Some(update.allowed),
                _ => None,
            })
            .collect()
    };
    assert_eq!(allowed(world.told(ben)), [false]);
    let entry = proto::TrackPermission {
        participant_identity: "ben".into(),
        track_sids: vec![sid],
        ..Default::default()
    };
    let list = proto::SubscriptionPermission { all_participants: false, track_permissions: vec![entry] };
    world.ask(anna, Ask::SubscriptionPermission(list));
    assert_eq!(allowed(world.told(ben)), [true]);
    world.ask(ben, Ask::Offer(Client::new().offer(3)));
    world.ask(ben, Ask::Offer(Client::new().offer(4)));
    assert_eq!(world.sent().len(), 1);
}
