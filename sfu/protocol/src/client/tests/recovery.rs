use super::script::*;
use crate::client::*;
use crate::proto::leave_request::Action;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, DisconnectReason, ReconnectReason};

fn with_camera() -> Script {
    let mut script = Script::joined(config());
    script.set_local(Source::Camera, Some("cam"));
    script.serve(published("cam", "TR_V"));
    script.answer(2);
    script.requests();
    script.events();
    script.take();
    script
}

fn reconnect(script: &Script) -> Option<crate::Reconnect> {
    script.opening().connect().reconnect
}

#[test]
fn a_lost_socket_is_resumed_with_the_same_connections() {
    let mut script = with_camera();
    let peer = script.peer();
    script.close();
    assert_eq!(script.events(), [Event::Reconnecting]);
    let resume = reconnect(&script).expect("a resume");
    assert_eq!(resume.participant_sid, "PA_me");
    assert_eq!(resume.reason, ReconnectReason::RrSignalDisconnected as i32);
    assert!(script.opening().connect().publisher_offer.is_none());

    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let requests = script.requests();
    let Request::SyncState(state) = &requests[0] else { panic!("{requests:?}") };
    assert_eq!(state.publish_tracks[0].cid, "cam");
    assert_eq!(state.publish_tracks[0].track.as_ref().unwrap().sid, "TR_V");
    assert!(matches!(&requests[1], Request::Offer(offer) if offer.sdp == "offer 3 restart" && offer.id == 3));
    assert_eq!(requests.len(), 2);
    // Still connected over the old pair, but not resumed before the restart is answered.
    assert!(script.events().is_empty());
    script.answer(3);
    assert_eq!(script.events(), [Event::Reconnected]);
    assert_eq!(script.peer(), peer);
}

#[test]
fn failed_media_is_resumed_with_a_reason() {
    let mut script = with_camera();
    script.state(PeerState::Failed);
    assert!(script.socket().0 > 1 && script.openings().len() == 2);
    assert_eq!(reconnect(&script).unwrap().reason, ReconnectReason::RrPublisherFailed as i32);
    script.settle_resume(0);
    assert_eq!(script.events(), [Event::Reconnecting, Event::Reconnected]);
}

#[test]
fn a_short_silence_is_bridged_and_a_longer_one_is_not() {
    let mut script = with_camera();
    script.state(PeerState::Disconnected);
    script.advance(1_999);
    script.state(PeerState::Connected);
    script.advance(2_000);
    assert!(script.events().is_empty());
    script.state(PeerState::Disconnected);
    script.advance(2_000);
    assert_eq!(script.events(), [Event::Reconnecting]);
    assert!(reconnect(&script).is_some());
}

#[test]
fn requests_made_meanwhile_reach_the_resumed_socket() {
    let mut script = with_camera();
    script.close();
    script.set_local(Source::Camera, None);
    script.set_local(Source::Microphone, Some("mic"));
    script.input(Input::Subscribe { track_sids: vec!["TR_x".into()], subscribe: false });
    assert!(script.requests().is_empty());
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let requests = script.requests();
    assert!(matches!(&requests[0], Request::SyncState(state)
        if state.subscription.as_ref().unwrap().track_sids == ["TR_x"]));
    assert!(requests.iter().any(|request| matches!(request, Request::Mute(mute) if mute.muted)));
    assert!(requests.iter().any(|request| matches!(request, Request::AddTrack(add) if add.cid == "mic")));
    assert!(requests.iter().any(|request| matches!(request, Request::Subscription(_))));
    let offers = requests.iter().filter(|request| matches!(request, Request::Offer(_))).count();
    assert_eq!(offers, 1, "the restart and the new sender share an offer");
}

#[test]
fn a_request_lost_with_the_socket_is_repeated() {
    let mut script = Script::joined(config());
    script.set_local(Source::Camera, Some("cam"));
    script.requests();
    script.close();
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let requests = script.requests();
    assert!(requests.iter().any(|request| matches!(request, Request::AddTrack(add) if add.cid == "cam")));
    assert!(matches!(requests.last(), Some(Request::Offer(offer)) if offer.sdp.contains("restart")));
}

#[test]
fn an_offer_made_for_the_lost_socket_is_made_again() {
    let mut script = with_camera();
    let peer = script.peer();
    script.browser_hangs = true;
    script.set_local(Source::Microphone, Some("mic"));
    script.close();
    script.browser_hangs = false;
    script.requests();
    // Only now the browser is done.
    script.input(Input::OfferMade { peer, sdp: "late".into() });
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let offers: Vec<_> = script
        .requests()
        .into_iter()
        .filter_map(|request| if let Request::Offer(offer) = request { Some(offer.sdp) } else { None })
        .collect();
    // The third is the one that was late.
    assert_eq!(offers, ["offer 4 restart"]);
}

#[test]
fn reliable_data_is_replayed_from_where_the_server_stopped() {
    let mut script = with_camera();
    let peer = script.peer();
    script.input(Input::ChannelOpen { peer, channel: Channel::Reliable });
    for text in ["a", "b", "c"] {
        script.send_data(text);
    }
    script.take();
    script.close();
    script.settle_resume(1);
    let replayed =
        script.take().into_iter().filter(|output| matches!(output, Output::SendData { .. })).count();
    assert_eq!(replayed, 2);
}

#[test]
fn a_participant_that_is_gone_joins_anew_and_publishes_again() {
    let mut script = with_camera();
    script.input(Input::Tile {
        track_sid: "TR_x".into(),
        settings: TileSettings { visible: true, width: 10, height: 10 },
    });
    let peer = script.peer();
    script.close();
    script.open();
    script.requests();
    script.serve(leave(DisconnectReason::StateMismatch, Action::Reconnect));
    script.wait(300);
    let connect = script.opening().connect();
    assert_eq!(connect.reconnect, None);
    assert_eq!(connect.add_tracks[0].cid, "cam");
    assert_ne!(script.peer(), peer);
    script.open();
    script.serve(Response::Join(join("PA_me2", Vec::new())));
    script.answer(1);
    script.state(PeerState::Connected);
    script.serve(published("cam", "TR_V2"));
    script.advance(100);
    let events = script.events();
    let position = |wanted: &Event| events.iter().position(|event| event == wanted).expect("the event");
    assert!(position(&Event::Reconnecting) < position(&Event::Reconnected));
    assert!(events.contains(&Event::Published { source: Source::Camera, track_sid: "TR_V2".into() }));
    assert!(
        matches!(&script.requests()[..], [Request::TrackSetting(settings)] if settings.track_sids == ["TR_x"])
    );
}

#[test]
fn a_muted_source_stays_unpublished_in_a_new_session_until_it_is_unmuted() {
    let mut script = with_camera();
    script.set_local(Source::Camera, None);
    script.serve(leave(DisconnectReason::UnknownReason, Action::Reconnect));
    assert!(script.opening().connect().add_tracks.is_empty());
    script.requests();
    script.open();
    script.serve(Response::Join(join("PA_me2", Vec::new())));
    script.answer(1);
    script.state(PeerState::Connected);
    script.set_local(Source::Camera, Some("cam2"));
    assert!(matches!(&script.requests()[0], Request::AddTrack(add) if add.cid == "cam2"));
}

#[test]
fn the_server_can_ask_for_a_resume() {
    let mut script = with_camera();
    script.serve(leave(DisconnectReason::ConnectionTimeout, Action::Resume));
    assert_eq!(script.events(), [Event::Reconnecting]);
    assert!(reconnect(&script).is_some());
}

#[test]
fn a_dead_network_is_tried_ten_times_and_comes_back_in_between() {
    let mut script = with_camera();
    script.close();
    for _ in 0..5 {
        script.refuse(None, "");
        script.wait(8_000);
        assert!(reconnect(&script).is_some(), "the participant is still there for all we know");
    }
    script.settle_resume(0);
    assert_eq!(script.events(), [Event::Reconnecting, Event::Reconnected]);
    // The count starts again.
    script.requests();
    script.close();
    let before = script.openings().len();
    for _ in 0..9 {
        script.refuse(None, "");
        script.wait(8_000);
    }
    script.refuse(None, "");
    assert_eq!(script.events(), [Event::Reconnecting, Event::Ended(EndReason::Network)]);
    assert_eq!(script.openings().len(), before + 9);
    assert!(script.peers.is_empty());
}

#[test]
fn word_of_the_network_ends_the_wait() {
    let mut script = with_camera();
    script.close();
    script.refuse(None, "");
    let sockets = script.openings().len();
    script.input(Input::Online);
    assert_eq!(script.openings().len(), sockets + 1);
    script.input(Input::Online);
    assert_eq!(script.openings().len(), sockets + 1, "an attempt is under way");
}

#[test]
fn a_resume_refused_by_http_becomes_a_new_session_but_a_refused_token_ends() {
    let mut script = with_camera();
    script.close();
    script.refuse(Some(400), "no such participant");
    script.wait(300);
    assert!(reconnect(&script).is_none());
    script.refuse(Some(401), "expired");
    assert_eq!(script.events().last(), Some(&Event::Ended(EndReason::Refused)));
}

#[test]
fn a_resume_without_media_becomes_a_new_session() {
    let mut script = with_camera();
    let peer = script.peer();
    script.state(PeerState::Failed);
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let id = script.last_offer();
    script.answer(id);
    script.advance(14_999);
    assert_eq!(script.peer(), peer);
    script.advance(1_000);
    assert_ne!(script.peer(), peer);
    assert!(reconnect(&script).is_none());
}

#[test]
fn a_socket_that_is_lost_while_resuming_is_resumed_again() {
    let mut script = with_camera();
    script.close();
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    script.close();
    script.wait(300);
    assert!(reconnect(&script).is_some());
    script.requests();
    script.settle_resume(0);
    assert_eq!(script.events(), [Event::Reconnecting, Event::Reconnected]);
}

#[test]
fn a_broken_connection_is_replaced() {
    let mut script = with_camera();
    let peer = script.peer();
    script.input(Input::PeerBroken { peer });
    assert_ne!(script.peer(), peer);
    assert!(reconnect(&script).is_none());
    script.requests();
    script.settle();
    assert_eq!(script.events().last(), Some(&Event::Reconnected));
}

#[test]
fn another_first_message_counts_as_a_resume() {
    let mut script = with_camera();
    script.close();
    script.open();
    script.serve(Response::RefreshToken("t2".into()));
    assert!(matches!(&script.requests()[0], Request::SyncState(_)));
    assert!(script.events().contains(&Event::Token("t2".into())));
}
