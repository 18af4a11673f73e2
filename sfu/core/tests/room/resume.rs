use std::time::Duration;

use sfu_core::media::{Command, Event, FailReason};
use sfu_core::room::{Input, RoomEvent};
use sfu_protocol::Mode;
use sfu_protocol::proto::{self, DisconnectReason, leave_request::Action, participant_info::State};

use crate::world::*;

#[test]
fn socket_comes_back_while_the_media_lives() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let (ben, mut ben_client) = world.seated("ben");
    let (_, sid) = world.publish(ben, &mut ben_client, "cam", "video");
    let own = world.room.participants()[0].sid.clone();
    world.input(Input::Closed { connection: anna });
    world.pass(Duration::from_secs(30));
    assert_eq!(world.room.participants().len(), 2, "media is up: it stays");
    let again = world.resume("anna", &own, Mode::Single);
    let told = world.told(again);
    let Tell::Reconnect(reconnect) = &told[0] else { panic!("reconnect must come first, got {:?}", told[0]) };
    assert_eq!(reconnect.server_info.as_ref().unwrap().protocol, 17);
    let known = updates(&told);
    assert_eq!(known.iter().map(|info| info.identity.as_str()).collect::<Vec<_>>(), ["anna", "ben"]);
    assert_eq!(known[1].tracks[0].sid, sid);
    assert!(told.iter().any(|tell| is_signal(tell, "room_update")));
}

#[test]
fn departures_in_the_meantime_come_before_the_update() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let (ben, _) = world.seated("ben");
    let own = world.room.participants()[0].sid.clone();
    world.input(Input::Closed { connection: anna });
    world.pass(Duration::from_secs(1));
    world.ask(ben, Ask::Leave(proto::LeaveRequest::default()));
    let again = world.resume("anna", &own, Mode::Single);
    let known = updates(&world.told(again));
    assert_eq!((known[0].identity.as_str(), known[0].state), ("ben", State::Disconnected as i32));
    assert_eq!(known[1].identity, "anna");
}

#[test]
fn unknown_session_is_told_to_join_anew() {
    let mut world = World::new();
    world.seated("anna");
    for (identity, sid) in [("nobody", ""), ("anna", "PA_other")] {
        let connection = world.resume(identity, sid, Mode::Single);
        let leave = leave_of(&world.told(connection));
        assert_eq!(leave.reason, DisconnectReason::StateMismatch as i32);
        assert_eq!(leave.action, Action::Reconnect as i32);
        assert!(world.closed.contains(&connection));
    }
    assert_eq!(world.room.participants().len(), 1);
}

#[test]
fn old_socket_is_closed_when_a_new_one_resumes() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let again = world.resume("anna", "", Mode::Single);
    assert!(world.closed.contains(&anna));
    world.input(Input::Closed { connection: anna });
    world.told(again);
    world.ask(again, Ask::Ping(1));
    assert_eq!(world.told(again).len(), 1, "the late end of the old socket changes nothing");
}

#[test]
fn client_restarts_ice_with_new_credentials_on_both_sides() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let before = world.take_answer(anna).sdp;
    client.ufrag = "efgh".into();
    world.ask(anna, Ask::Offer(client.offer(2)));
    let after = world.take_answer(anna).sdp;
    let ufrag = |sdp: &str| sfu_core::sdp::parse(sdp).unwrap().ice.ufrag;
    assert_ne!(ufrag(&before), ufrag(&after));
    let (local, remote) = one(world.commands.iter().filter_map(|command| match command {
        Command::RestartIce { local, remote, .. } => Some((local.ufrag.clone(), remote.ufrag.clone())),
        _ => None,
    }));
    assert_eq!((local, remote), (ufrag(&after), "efgh".to_owned()));
    // The next offer with the same credentials restarts nothing.
    world.ask(anna, Ask::Offer(client.offer(3)));
    assert_eq!(ufrag(&world.take_answer(anna).sdp), ufrag(&after));
}

#[test]
fn dual_subscriber_is_offered_a_restart_on_resume() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    let first = world.take_offer(anna);
    world.ask(anna, Ask::Answer(Client::empty().answer(&first)));
    world.connect_media();
    let again = world.resume("anna", "", Mode::Dual);
    let offer = world.take_offer(again);
    let ufrag = |sdp: &str| sfu_core::sdp::parse(sdp).unwrap().ice.ufrag;
    assert_ne!(ufrag(&first.sdp), ufrag(&offer.sdp));
    let client = Client { ufrag: "efgh".into(), ..Client::empty() };
    world.ask(again, Ask::Answer(client.answer(&offer)));
    let restarted = world.commands.iter().any(|command| {
        matches!(command, Command::RestartIce { local, remote, .. } if local.ufrag == ufrag(&offer.sdp) && remote.ufrag == "efgh")
    });
    assert!(restarted);
}

#[test]
fn unknown_published_track_in_the_sync_state_means_join_anew() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    let again = world.resume("anna", "", Mode::Single);
    world.told(again);
    let state = |sid: &str| {
        let track = Some(proto::TrackInfo { sid: sid.into(), ..Default::default() });
        let publish_tracks = vec![proto::TrackPublishedResponse { cid: "cam".into(), track }];
        Ask::SyncState(proto::SyncState { publish_tracks, ..Default::default() })
    };
    world.ask(again, state(&sid));
    assert!(!world.closed.contains(&again));
    world.ask(again, state("TR_VCunknown"));
    assert_eq!(leave_of(&world.told(again)).action, Action::Reconnect as i32);
}

#[test]
fn failed_ice_asks_for_a_resume_and_drops_who_does_not_come() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    let transport = world.last_transport();
    world.media(Event::Failed { transport, reason: FailReason::Ice });
    let leave = leave_of(&world.told(anna));
    assert_eq!(
        (leave.action, leave.reason),
        (Action::Resume as i32, DisconnectReason::ConnectionTimeout as i32)
    );
    assert!(world.closed.contains(&anna));
    world.pass(Duration::from_secs(4));
    let again = world.resume("anna", "", Mode::Single);
    world.pass(Duration::from_secs(10));
    assert!(!world.closed.contains(&again), "it came back in time");
    world.media(Event::Failed { transport, reason: FailReason::Ice });
    world.pass(Duration::from_secs(6));
    assert!(world.room.participants().is_empty());
    let reason = world.events.iter().find_map(|event| match event {
        RoomEvent::ParticipantLeft { reason, .. } => Some(*reason),
        _ => None,
    });
    assert_eq!(reason, Some(DisconnectReason::ConnectionTimeout));
}

#[test]
fn failed_dtls_asks_for_a_new_session() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    let transport = world.last_transport();
    world.media(Event::Failed { transport, reason: FailReason::Dtls });
    assert_eq!(leave_of(&world.told(anna)).action, Action::Reconnect as i32);
    assert!(world.room.participants().is_empty());
}

#[test]
fn socket_lost_before_media_ends_the_session() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    world.input(Input::Closed { connection: anna });
    assert!(world.room.participants().is_empty());
    assert!(world.events.iter().any(|event| matches!(
        event,
        RoomEvent::ParticipantAborted { reason: DisconnectReason::SignalClose, .. }
    )));
}

#[test]
fn participant_without_socket_and_media_is_dropped_after_a_grace() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let transport = world.last_transport();
    world.input(Input::Closed { connection: anna });
    world.media(Event::Disconnected { transport });
    world.pass(Duration::from_secs(10));
    assert_eq!(world.room.participants().len(), 1);
    world.media(Event::Connected { transport });
    world.pass(Duration::from_secs(30));
    assert_eq!(world.room.participants().len(), 1, "the network came back");
    world.media(Event::Disconnected { transport });
    world.pass(Duration::from_secs(16));
    assert!(world.room.participants().is_empty());
}
