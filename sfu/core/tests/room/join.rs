use std::time::Duration;

use sfu_core::room::*;
use sfu_protocol::proto::{self, participant_info::State};
use sfu_protocol::{Connect, Mode};

use crate::world::*;

#[test]
fn join_response_is_first_and_complete() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    let told = world.told(anna);
    let Tell::Join(join) = &told[0] else { panic!("join must come first") };
    let room = join.room.as_ref().unwrap();
    assert!(room.sid.starts_with("RM_"));
    assert_eq!(room.name, "hall");
    let own = join.participant.as_ref().unwrap();
    assert!(own.sid.starts_with("PA_"));
    assert_eq!((own.identity.as_str(), own.name.as_str()), ("anna", "ANNA"));
    assert_eq!(own.state, State::Joined as i32);
    assert_eq!(own.client_protocol, 1);
    let permission = own.permission.as_ref().expect("clients refuse to publish without");
    assert!(permission.can_publish && permission.can_subscribe && permission.can_publish_data);
    let server = join.server_info.as_ref().unwrap();
    assert_eq!((server.protocol, server.agent_protocol), (17, 1));
    assert_eq!((join.ping_interval, join.ping_timeout), (5, 15));
    assert!(join.subscriber_primary && join.fast_publish);
    assert!(!join.sif_trailer.is_empty());
    let mimes: Vec<&str> = join.enabled_publish_codecs.iter().map(|codec| codec.mime.as_str()).collect();
    assert_eq!(mimes, ["video/VP8", "video/H264", "video/VP9", "video/AV1", "audio/opus"]);
    assert_eq!(world.tokens.len(), 1, "a refreshed token follows at once");
}

#[test]
fn single_mode_join_answers_the_offer_it_came_with() {
    let mut world = World::new();
    let mut client = Client::new();
    client.add("audio", "sendonly", "mic-1");
    let connect = Connect {
        add_tracks: vec![add_track("mic-1", "audio")],
        publisher_offer: Some(client.offer(0)),
        ..connect(Mode::Single)
    };
    let anna = world.join(claims("anna"), connect);
    let told = world.told(anna);
    let Tell::Join(join) = &told[0] else { panic!("join must come first") };
    assert!(!join.subscriber_primary);
    assert!(is_signal(&told[1], "track_published"));
    let Tell::Answer(answer) = &told[2] else { panic!("then the answer, got {:?}", told[2]) };
    assert_eq!(answer.id, 0, "ids are echoed, also zero");
    assert!(answer.sdp.contains("m=application 9"));
    assert_eq!(world.received().len(), 1, "announced and offered together: it is received");
    assert!(!told.iter().any(|tell| is_signal(tell, "offer")), "the server never offers in the single mode");
}

#[test]
fn others_learn_of_a_participant_when_its_media_is_connected() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.pass(Duration::from_secs(1));
    world.told(anna);
    let client = Client::new();
    let publisher_offer = Some(client.offer(1));
    let ben = world.join(claims("ben"), Connect { publisher_offer, ..connect(Mode::Single) });
    world.pass(Duration::from_secs(2));
    assert!(updates(&world.told(anna)).is_empty());
    world.connect_media();
    let own = updates(&world.told(ben));
    assert_eq!(own.len(), 1, "its own update comes at once");
    assert_eq!(own[0].state, State::Active as i32);
    world.pass(Duration::from_secs(3));
    let seen = updates(&world.told(anna));
    assert_eq!(seen.iter().map(|info| info.identity.as_str()).collect::<Vec<_>>(), ["ben"]);
    let joined =
        world.events.iter().filter(|event| matches!(event, RoomEvent::ParticipantJoined { .. })).count();
    assert_eq!(joined, 2);
}

#[test]
fn newcomer_sees_who_is_there_with_tracks() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    let ben = world.join(claims("ben"), connect(Mode::Dual));
    let told = world.told(ben);
    let Tell::Join(join) = &told[0] else { panic!("join must come first") };
    let other = one(join.other_participants.clone());
    assert_eq!(other.identity, "anna");
    assert_eq!(one(other.tracks).sid, sid);
}

#[test]
fn newcomer_of_the_same_identity_wins() {
    let mut world = World::new();
    let (witness, _) = world.seated("ben");
    let (first, _) = world.seated("anna");
    world.pass(Duration::from_secs(4));
    world.told(witness);
    let (second, _) = world.seated("anna");
    let leave = leave_of(&world.told(first));
    assert_eq!(leave.reason, proto::DisconnectReason::DuplicateIdentity as i32);
    assert_eq!(leave.action, proto::leave_request::Action::Disconnect as i32);
    assert!(world.closed.contains(&first) && !world.closed.contains(&second));
    world.pass(Duration::from_secs(4));
    let seen = updates(&world.told(witness));
    assert!(seen.iter().all(|info| info.state != State::Disconnected as i32), "modern clients compare sids");
    assert_eq!(one(seen).identity, "anna");
}

#[test]
fn full_room_is_full_for_others_only() {
    let mut world = World::with(RoomOptions { max_participants: 1, ..options() });
    assert!(!world.room.is_full(&claims("anna")));
    world.join(claims("anna"), connect(Mode::Dual));
    assert!(world.room.is_full(&claims("ben")));
    assert!(!world.room.is_full(&claims("anna")), "it would replace itself");
    assert!(!world.room.is_full(&grant("recorder", |grant| grant.hidden = true)));
}

#[test]
fn hidden_participant_is_not_announced_and_not_counted() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    world.join(
        grant("ghost", |grant| grant.hidden = true),
        Connect { publisher_offer: Some(Client::new().offer(1)), ..connect(Mode::Single) },
    );
    world.connect_media();
    world.pass(Duration::from_secs(10));
    assert!(updates(&world.told(anna)).is_empty());
    assert_eq!(world.room.info().num_participants, 1);
    let ben = world.join(claims("ben"), connect(Mode::Dual));
    let Tell::Join(join) = &world.told(ben)[0] else { panic!("join must come first") };
    assert_eq!(join.other_participants.len(), 1);
}

#[test]
fn leaving_is_announced_and_ends_the_socket() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let (ben, mut client) = world.seated("ben");
    world.publish(ben, &mut client, "cam", "video");
    world.told(anna);
    world.ask(ben, Ask::Leave(proto::LeaveRequest::default()));
    assert!(world.closed.contains(&ben));
    let gone = updates(&world.told(anna)).pop().unwrap();
    assert_eq!((gone.identity.as_str(), gone.state), ("ben", State::Disconnected as i32));
    assert_eq!(gone.disconnect_reason, proto::DisconnectReason::ClientInitiated as i32);
    assert!(world.received().is_empty() && world.sent().is_empty());
    let left = world.events.iter().find_map(|event| match event {
        RoomEvent::ParticipantLeft { participant, reason, .. } => {
            Some((participant.identity.clone(), *reason))
        }
        _ => None,
    });
    assert_eq!(left, Some(("ben".into(), Reason::ClientInitiated)));
}

#[test]
fn unknown_requests_are_ignored_and_pings_answered() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    world.input(Input::Signal { connection: anna, request: Box::default() });
    assert!(world.told(anna).is_empty());
    world.ask(anna, Ask::Ping(5));
    world.ask(anna, Ask::PingReq(proto::Ping { timestamp: 77, rtt: 1 }));
    let told = world.told(anna);
    assert!(matches!(told[0], Tell::Pong(ms) if ms == world.now.unix_ms as i64));
    assert!(matches!(&told[1], Tell::PongResp(pong) if pong.last_ping_timestamp == 77));
}

#[test]
fn flooding_client_is_disconnected() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    for _ in 0..2000 {
        if world.closed.contains(&anna) {
            break;
        }
        world.ask(anna, Ask::Ping(1));
    }
    assert!(world.closed.contains(&anna));
    assert_eq!(world.room.counters().flooding_clients, 1);
}
