use super::script::*;
use crate::client::*;
use crate::proto::leave_request::Action;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, DisconnectReason};

#[test]
fn the_first_offer_travels_in_the_join_request() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    let connect = script.opening().connect();
    assert_eq!(script.opening().path, "/rtc/v1");
    assert_eq!(script.opening().token, "token");
    let offer = connect.publisher_offer.unwrap();
    assert_eq!((offer.r#type.as_str(), offer.sdp.as_str(), offer.id), ("offer", "offer 1", 1));
    assert!(connect.auto_subscribe && connect.adaptive_stream);
    assert_eq!(connect.reconnect, None);
    let peer = script.peer();
    assert_eq!((script.peers[&peer].audios, script.peers[&peer].videos), (3, 3));
    // Not yet the local description: the ICE servers are still unknown.
    assert!(script.peers[&peer].held);

    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    assert!(!script.peers[&peer].held);
    assert_eq!(script.peers[&peer].ice_servers[0].urls, ["stun:1.2.3.4:3478"]);
    script.answer(1);
    assert!(!script.events().contains(&Event::Connected));
    script.state(PeerState::Connected);
    assert_eq!(script.events(), [Event::Connected]);
    assert!(script.requests().is_empty(), "one negotiation is enough");
}

#[test]
fn without_an_offer_inside_it_follows_the_join() {
    let mut script = Script::new(Config { offer_in_join: false, ..config() });
    script.set_local(Source::Camera, Some("cam"));
    script.input(Input::Start);
    assert!(script.peers.is_empty());
    let connect = script.opening().connect();
    assert!(connect.publisher_offer.is_none() && connect.add_tracks.is_empty());
    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    let requests = script.requests();
    assert!(matches!(&requests[0], Request::AddTrack(add) if add.cid == "cam"));
    assert!(matches!(&requests[1], Request::Offer(offer) if offer.id == 1));
    assert_eq!(requests.len(), 2);
    script.answer(1);
    script.state(PeerState::Connected);
    assert!(script.events().contains(&Event::Connected));
}

#[test]
fn a_server_without_v1_is_joined_over_two_connections() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.refuse(Some(404), "");
    assert_eq!(script.opening().path, "/rtc");
    assert!(script.opening().connect().auto_subscribe);
    assert_eq!(script.session.mode(), crate::Mode::Dual);
    assert!(script.peers.is_empty(), "the single connection is closed");
}

#[test]
fn a_missing_room_is_no_missing_path() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.refuse(Some(404), "requested room does not exist");
    assert_eq!(script.events(), [Event::Ended(EndReason::NoRoom)]);
    assert_eq!(script.openings().len(), 1);
}

#[test]
fn a_refused_token_ends_it_at_once() {
    for status in [401, 403] {
        let mut script = Script::new(config());
        script.input(Input::Start);
        script.refuse(Some(status), "no");
        assert_eq!(script.events(), [Event::Ended(EndReason::Refused)]);
        assert_eq!(script.session.poll_timeout(), None);
    }
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.refuse(Some(400), "no identity");
    assert_eq!(script.events(), [Event::Ended(EndReason::Rejected { status: 400 })]);
}

#[test]
fn a_first_join_is_tried_three_times() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.refuse(None, "");
    script.wait(300);
    script.refuse(None, "");
    script.wait(2200);
    assert!(script.events().is_empty());
    script.refuse(None, "");
    assert_eq!(script.events(), [Event::Ended(EndReason::Network)]);
    assert_eq!(script.openings().len(), 3);
    assert!(script.peers.is_empty());
}

#[test]
fn a_full_server_is_asked_again_and_then_named() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    for _ in 0..2 {
        script.refuse(Some(503), "");
        script.wait(2200);
    }
    script.refuse(Some(503), "");
    assert_eq!(script.events(), [Event::Ended(EndReason::Rejected { status: 503 })]);
}

#[test]
fn each_step_of_joining_has_a_time_limit() {
    // The browser makes no offer.
    let mut script = Script::new(config());
    script.browser_hangs = true;
    script.input(Input::Start);
    script.browser_hangs = false;
    script.wait(10_000);
    script.wait(300);
    // The socket does not open.
    assert_eq!(script.openings().len(), 1);
    script.wait(15_000);
    assert!(script.socket_closed);
    script.wait(2_200);
    assert_eq!(script.openings().len(), 2);
    // Nothing is said.
    script.open();
    script.wait(5_000);
    assert_eq!(script.events(), [Event::Ended(EndReason::Network)]);
}

#[test]
fn media_that_does_not_connect_is_tried_anew() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    script.answer(1);
    let peer = script.peer();
    script.state(PeerState::Failed);
    script.advance(15_000);
    script.advance(300);
    assert_ne!(script.peer(), peer);
    assert_eq!(script.openings().len(), 2);
    assert_eq!(script.opening().connect().reconnect, None, "a session that never stood is not resumed");
}

#[test]
fn an_answer_must_carry_the_id_of_the_offer() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    script.answer(7);
    assert!(!script.take().iter().any(|output| matches!(output, Output::TakeAnswer { .. })));
    // Servers for old clients do not echo it.
    script.answer(0);
    assert!(script.take().iter().any(|output| matches!(output, Output::TakeAnswer { .. })));
    script.answer(1);
    assert!(
        !script.take().iter().any(|output| matches!(output, Output::TakeAnswer { .. })),
        "answered already"
    );
}

#[test]
fn candidates_wait_for_the_remote_description() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    let trickle = |candidate: &str| {
        Response::Trickle(proto::TrickleRequest { candidate_init: candidate.into(), ..Default::default() })
    };
    script.serve(trickle("one"));
    script.serve(trickle(""));
    let added = |outputs: Vec<Output>| -> Vec<String> {
        let added = outputs.into_iter().filter_map(|output| match output {
            Output::AddCandidate { candidate, .. } => Some(candidate),
            _ => None,
        });
        added.collect()
    };
    assert!(added(script.take()).is_empty());
    script.answer(1);
    script.serve(trickle("two"));
    assert_eq!(added(script.take()), ["one", "two"]);

    script.input(Input::LocalCandidate { peer: script.peer(), candidate: Some("mine".into()) });
    script.input(Input::LocalCandidate { peer: script.peer(), candidate: None });
    let requests = script.requests();
    assert!(matches!(&requests[..], [Request::Trickle(trickle)]
        if trickle.candidate_init == "mine" && trickle.target == proto::SignalTarget::Publisher as i32));
}

#[test]
fn the_server_says_why_it_ends() {
    for (reason, end) in [
        (DisconnectReason::DuplicateIdentity, EndReason::DuplicateIdentity),
        (DisconnectReason::ParticipantRemoved, EndReason::Removed),
        (DisconnectReason::RoomDeleted, EndReason::RoomDeleted),
        (DisconnectReason::RoomClosed, EndReason::RoomClosed),
        (DisconnectReason::ServerShutdown, EndReason::ServerShutdown),
        (DisconnectReason::SipTrunkFailure, EndReason::Other(13)),
    ] {
        let mut script = Script::joined(config());
        script.serve(leave(reason, Action::Disconnect));
        assert_eq!(script.events().last(), Some(&Event::Ended(end)));
        assert!(script.peers.is_empty() && script.socket_closed);
        script.take();
        script.advance(60_000);
        script.input(Input::Online);
        assert!(script.take().is_empty() && script.events().is_empty() && script.openings().len() == 1);
    }
}

#[test]
fn leaving_tells_the_server_first() {
    let mut script = Script::joined(config());
    script.input(Input::Leave);
    assert!(matches!(&script.requests()[..], [Request::Leave(leave)]
        if leave.reason == DisconnectReason::ClientInitiated as i32));
    assert!(script.socket_closed && script.peers.is_empty());
    assert_eq!(script.events().last(), Some(&Event::Ended(EndReason::Left)));
    let value = proto::data_packet::Value::User(proto::UserPacket::default());
    let sent = script.session.send_data(script.now, Channel::Reliable, value, Vec::new());
    assert_eq!(sent, Err(SendDataError::NotJoined));

    let mut script = Script::new(config());
    script.input(Input::Start);
    script.input(Input::Leave);
    assert!(script.requests().is_empty(), "nothing to leave yet");
    assert_eq!(script.events(), [Event::Ended(EndReason::Left)]);
}

#[test]
fn a_session_starts_once_and_ignores_sockets_and_peers_it_does_not_know() {
    let mut script = Script::joined(config());
    script.input(Input::Start);
    script.input(Input::SocketClosed { socket: SocketId(99) });
    script.input(Input::PeerBroken { peer: PeerId(99) });
    script.input(Input::OfferMade { peer: PeerId(99), sdp: "x".into() });
    script.input(Input::AnswerTaken { peer: PeerId(99) });
    script.input(Input::OfferMade { peer: script.peer(), sdp: "unasked".into() });
    script.input(Input::AnswerTaken { peer: script.peer() });
    assert_eq!(script.openings().len(), 1);
    assert!(script.requests().is_empty());
}

#[test]
fn both_pings_are_sent_and_silence_loses_the_socket() {
    let mut script = Script::joined(config());
    script.wait(5_000);
    let requests = script.requests();
    assert!(matches!(&requests[..], [Request::Ping(sent), Request::PingReq(ping)]
        if *sent == script.now as i64 && ping.timestamp == *sent));
    let pong = proto::Pong { last_ping_timestamp: script.now as i64, timestamp: 0 };
    script.advance(80);
    script.serve(Response::PongResp(pong));
    script.wait(5_000);
    assert!(matches!(&script.requests()[1], Request::PingReq(ping) if ping.rtt == 80));
    // Silence counts from the last message.
    script.serve(Response::Pong(0));
    script.advance(14_999);
    assert_eq!(script.openings().len(), 1);
    script.advance(1);
    assert_eq!(script.openings().len(), 2);
    assert!(script.events().contains(&Event::Reconnecting));
}

#[test]
fn a_zero_ping_interval_means_the_usual_one() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.open();
    let join = proto::JoinResponse { ping_interval: 0, ping_timeout: 0, ..join("PA_me", Vec::new()) };
    script.serve(Response::Join(join));
    script.answer(1);
    script.state(PeerState::Connected);
    script.advance(4_999);
    assert!(script.requests().is_empty());
    script.advance(1);
    assert_eq!(script.requests().len(), 2);
}
