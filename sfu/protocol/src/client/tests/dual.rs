use super::script::*;
use crate::Mode;
use crate::client::*;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, SignalTarget};

const OFFER: &str = "v=0\r\nm=video 9 X 96\r\na=mid:0\r\na=sendonly\r\na=msid:PA_bob|TR_V TR_V\r\n";

fn dual() -> Script {
    let mut script = Script::new(Config { mode: Mode::Dual, ..config() });
    script.input(Input::Start);
    script.open();
    let answer = join("PA_me", vec![participant("PA_bob", &["TR_V"])]);
    script.serve(Response::Join(proto::JoinResponse { subscriber_primary: true, ..answer }));
    script
}

/// In the order they are opened.
fn peers(script: &Script) -> (PeerId, PeerId) {
    let ids: Vec<_> = script.peers.keys().copied().collect();
    let [subscriber, publisher] = ids[..] else { panic!("{ids:?}") };
    (subscriber, publisher)
}

fn connected(script: &mut Script, peer: PeerId) {
    script.input(Input::PeerState { peer, state: PeerState::Connected });
}

#[test]
fn the_server_offers_what_it_sends_and_we_offer_what_we_send() {
    let mut script = dual();
    let (subscriber, publisher) = peers(&script);
    assert_eq!(script.peers[&subscriber].ice_servers.len(), 1);
    assert_eq!(script.peers[&publisher].audios, 0, "the publisher receives nothing");
    assert!(matches!(&script.requests()[..], [Request::Offer(offer)] if offer.id == 1));

    script.serve(Response::Offer(description("offer", OFFER, 77)));
    let requests = script.requests();
    assert!(
        matches!(&requests[..], [Request::Answer(answer)] if answer.id == 77 && answer.sdp.starts_with("answer to"))
    );
    assert!(script.events().contains(&Event::TrackStarted {
        peer: subscriber,
        mid: "0".into(),
        kind: Kind::Video,
        participant_sid: "PA_bob".into(),
        track_sid: "TR_V".into()
    }));
    script.answer(1);
    connected(&mut script, subscriber);
    assert!(script.events().is_empty(), "the publisher is being negotiated");
    connected(&mut script, publisher);
    assert_eq!(script.events(), [Event::Connected]);
}

#[test]
fn candidates_go_to_the_connection_they_are_for() {
    let mut script = dual();
    let (subscriber, publisher) = peers(&script);
    script.serve(Response::Offer(description("offer", OFFER, 77)));
    script.answer(1);
    script.take();
    script.requests();
    for (target, peer) in [(SignalTarget::Subscriber, subscriber), (SignalTarget::Publisher, publisher)] {
        script.serve(Response::Trickle(proto::TrickleRequest {
            candidate_init: "c".into(),
            target: target as i32,
            ..Default::default()
        }));
        assert_eq!(script.take(), [Output::AddCandidate { peer, candidate: "c".into() }]);
        script.input(Input::LocalCandidate { peer, candidate: Some("l".into()) });
        assert!(
            matches!(&script.requests()[..], [Request::Trickle(trickle)] if trickle.target == target as i32)
        );
    }
}

#[test]
fn a_listener_needs_no_publisher() {
    let mut script = Script::new(Config { mode: Mode::Dual, ..config() });
    script.input(Input::Start);
    script.open();
    let mut answer = proto::JoinResponse { subscriber_primary: true, ..join("PA_me", Vec::new()) };
    answer.participant.as_mut().unwrap().permission = Some(proto::ParticipantPermission::default());
    script.serve(Response::Join(answer));
    assert!(script.requests().is_empty());
    let (subscriber, _) = peers(&script);
    script.serve(Response::Offer(description("offer", OFFER, 5)));
    connected(&mut script, subscriber);
    assert_eq!(script.events().last(), Some(&Event::Connected));
    // A resume then restarts only what is used.
    script.requests();
    script.close();
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    assert!(matches!(&script.requests()[..], [Request::SyncState(_)]));
    assert_eq!(script.events().last(), Some(&Event::Reconnected));
}

#[test]
fn an_answer_to_an_offer_of_the_lost_socket_is_not_sent() {
    let mut script = dual();
    let (subscriber, publisher) = peers(&script);
    script.answer(1);
    connected(&mut script, subscriber);
    connected(&mut script, publisher);
    script.browser_hangs = true;
    script.serve(Response::Offer(description("offer", "old", 77)));
    script.browser_hangs = false;
    script.close();
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    script.browser_hangs = true;
    script.serve(Response::Offer(description("offer", "new", 78)));
    script.requests();
    for _ in 0..2 {
        script.input(Input::AnswerMade { peer: subscriber, sdp: "answer".into() });
    }
    assert!(matches!(&script.requests()[..], [Request::Answer(answer)] if answer.id == 78));
}

#[test]
fn a_lost_subscriber_is_resumed_with_its_reason() {
    let mut script = dual();
    let (subscriber, publisher) = peers(&script);
    script.answer(1);
    connected(&mut script, subscriber);
    connected(&mut script, publisher);
    script.input(Input::PeerState { peer: subscriber, state: PeerState::Failed });
    assert_eq!(script.opening().path, "/rtc");
    let resume = script.opening().connect().reconnect.unwrap();
    assert_eq!(resume.reason, proto::ReconnectReason::RrSubscriberFailed as i32);
    script.requests();
    script.open();
    script.serve(Response::Reconnect(proto::ReconnectResponse::default()));
    let id = script.last_offer();
    script.answer(id);
    // The publisher is back, the subscriber is not.
    assert!(!script.events().contains(&Event::Reconnected));
    script.serve(Response::Offer(description("offer", OFFER, 78)));
    connected(&mut script, subscriber);
    assert_eq!(script.events().last(), Some(&Event::Reconnected));
}
