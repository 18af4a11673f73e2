use super::script::*;
use crate::client::*;
use crate::proto::request_response::{Reason, Request as Refused};
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, SubscribedCodec, SubscribedQuality, VideoQuality};

/// Joined with a published camera `cam`, track `TR_V`.
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

#[test]
fn what_is_captured_before_the_start_travels_in_the_join_request() {
    let mut script = Script::new(config());
    script.set_local(Source::Camera, Some("cam"));
    script.set_local(Source::Microphone, Some("mic"));
    script.input(Input::Start);
    let connect = script.opening().connect();
    let cids: Vec<_> = connect.add_tracks.iter().map(|add| (add.cid.as_str(), add.source)).collect();
    assert_eq!(cids, [("mic", 2), ("cam", 1)]);
    let layers = &connect.add_tracks[1].layers;
    assert_eq!(layers.iter().map(|layer| layer.rid.as_str()).collect::<Vec<_>>(), ["q", "h", "f"]);
    assert_eq!(connect.add_tracks[1].simulcast_codecs[0].codec, "vp8");
    assert_eq!((connect.add_tracks[1].width, connect.add_tracks[1].height), (1280, 720));
    assert_eq!(script.peers[&script.peer()].senders, [Source::Microphone, Source::Camera]);

    script.settle();
    script.serve(published("cam", "TR_V"));
    script.serve(published("mic", "TR_A"));
    let events = script.events();
    assert!(events.contains(&Event::Published { source: Source::Camera, track_sid: "TR_V".into() }));
    assert!(events.contains(&Event::Published { source: Source::Microphone, track_sid: "TR_A".into() }));
    assert!(script.requests().is_empty(), "neither a second request nor a second offer");
}

#[test]
fn a_later_capture_is_requested_and_offered() {
    let mut script = Script::joined(config());
    script.set_local(Source::Camera, Some("cam"));
    let requests = script.requests();
    assert!(matches!(&requests[..], [Request::AddTrack(add), Request::Offer(offer)]
        if add.cid == "cam" && offer.id == 2));
    // The answer does not depend on which arrives first.
    script.answer(2);
    script.serve(published("cam", "TR_V"));
    assert_eq!(
        script.events().last(),
        Some(&Event::Published { source: Source::Camera, track_sid: "TR_V".into() })
    );
}

#[test]
fn what_is_captured_while_joining_follows() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.set_local(Source::Camera, Some("cam"));
    assert!(script.opening().connect().add_tracks.is_empty());
    script.open();
    script.serve(Response::Join(join("PA_me", Vec::new())));
    assert!(matches!(&script.requests()[..], [Request::AddTrack(_)]), "the first offer is not yet answered");
    script.answer(1);
    assert!(matches!(&script.requests()[..], [Request::Offer(offer)] if offer.id == 2));
}

#[test]
fn muting_keeps_the_track_and_unmuting_takes_a_new_capture() {
    let mut script = with_camera();
    let peer = script.peer();
    script.set_local(Source::Camera, None);
    assert_eq!(script.take(), [Output::SwapTrack { peer, source: Source::Camera }]);
    assert!(matches!(&script.requests()[..], [Request::Mute(mute)] if mute.sid == "TR_V" && mute.muted));
    script.set_local(Source::Camera, Some("cam2"));
    assert_eq!(script.take(), [Output::SwapTrack { peer, source: Source::Camera }]);
    assert!(matches!(&script.requests()[..], [Request::Mute(mute)] if mute.sid == "TR_V" && !mute.muted));
    // Another device: no change for the server.
    script.set_local(Source::Camera, Some("cam3"));
    assert_eq!(script.take().len(), 1);
    assert!(script.requests().is_empty());
    script.set_local(Source::Camera, Some("cam3"));
    assert!(script.take().is_empty());
}

#[test]
fn muting_before_the_server_has_answered_is_not_forgotten() {
    let mut script = Script::joined(config());
    script.set_local(Source::Microphone, Some("mic"));
    script.set_local(Source::Microphone, None);
    script.requests();
    script.serve(published("mic", "TR_A"));
    assert!(matches!(&script.requests()[..], [Request::Mute(mute)] if mute.sid == "TR_A" && mute.muted));
}

#[test]
fn a_source_that_was_never_captured_is_not_published() {
    let mut script = Script::joined(config());
    script.set_local(Source::Camera, None);
    assert!(script.requests().is_empty());
}

#[test]
fn a_moderator_mutes_but_does_not_unmute() {
    let mut script = with_camera();
    let mute = |muted| Response::Mute(proto::MuteTrackRequest { sid: "TR_V".into(), muted });
    script.serve(mute(true));
    assert_eq!(script.events(), [Event::Muted { source: Source::Camera }]);
    assert!(matches!(&script.take()[..], [Output::SwapTrack { .. }]));
    script.set_local(Source::Camera, None);
    assert!(script.requests().is_empty(), "the server knows");
    script.serve(mute(false));
    assert!(script.events().is_empty());
    script.set_local(Source::Camera, Some("cam2"));
    assert!(matches!(&script.requests()[..], [Request::Mute(mute)] if !mute.muted));
}

#[test]
fn unpublishing_removes_the_sender_and_publishing_again_is_a_new_track() {
    let mut script = with_camera();
    script.input(Input::Unpublish { source: Source::Camera });
    assert!(script.peers[&script.peer()].senders.is_empty());
    assert!(matches!(&script.requests()[..], [Request::Offer(_)]));
    script.answer(3);
    script.set_local(Source::Camera, Some("cam2"));
    assert!(
        matches!(&script.requests()[..], [Request::AddTrack(add), Request::Offer(_)] if add.cid == "cam2")
    );
}

#[test]
fn who_may_not_publish_is_told_and_publishes_once_allowed() {
    let mut script = Script::new(config());
    script.set_local(Source::Camera, Some("cam"));
    script.input(Input::Start);
    script.open();
    let mut answer = join("PA_me", Vec::new());
    let mut me = answer.participant.clone().unwrap();
    me.permission.as_mut().unwrap().can_publish = false;
    answer.participant = Some(me.clone());
    script.serve(Response::Join(answer));
    script.answer(1);
    script.state(PeerState::Connected);
    assert!(script.events().contains(&Event::Unpublished { source: Source::Camera }));
    assert!(script.peers[&script.peer()].senders.is_empty());
    script.answer(2);
    script.requests();
    script.set_local(Source::Microphone, Some("mic"));
    assert_eq!(script.events(), [Event::Unpublished { source: Source::Microphone }]);
    assert!(script.requests().is_empty());

    me.permission.as_mut().unwrap().can_publish = true;
    me.version += 1;
    script.serve(Response::Update(proto::ParticipantUpdate { participants: vec![me] }));
    let cids: Vec<_> = script
        .requests()
        .into_iter()
        .filter_map(|request| if let Request::AddTrack(add) = request { Some(add.cid) } else { None })
        .collect();
    assert_eq!(cids, ["mic", "cam"]);
}

#[test]
fn a_refused_track_is_withdrawn_until_it_is_captured_anew() {
    let refuse = |reason: Reason| {
        let add = proto::AddTrackRequest { cid: "cam".into(), ..Default::default() };
        Response::RequestResponse(proto::RequestResponse {
            reason: reason as i32,
            request: Some(Refused::AddTrack(add)),
            ..Default::default()
        })
    };
    let mut script = Script::joined(config());
    script.events();
    script.set_local(Source::Camera, Some("cam"));
    script.serve(refuse(Reason::Queued));
    assert!(script.events().is_empty());
    script.serve(refuse(Reason::NotAllowed));
    assert_eq!(script.events(), [Event::Unpublished { source: Source::Camera }]);
    assert!(script.peers[&script.peer()].senders.is_empty());
    script.answer(2);
    script.answer(3);
    script.requests();
    script.set_local(Source::Camera, Some("cam2"));
    assert!(matches!(&script.requests()[0], Request::AddTrack(add) if add.cid == "cam2"));
}

#[test]
fn a_request_without_answer_counts_as_refused() {
    let mut script = Script::joined(config());
    script.set_local(Source::Camera, Some("cam"));
    script.answer(2);
    script.events();
    script.advance(9_999);
    script.serve(Response::Pong(0));
    assert!(script.events().is_empty());
    script.advance(1);
    assert_eq!(script.events(), [Event::Unpublished { source: Source::Camera }]);
}

#[test]
fn a_track_taken_away_by_the_server_is_gone() {
    let mut script = with_camera();
    script.serve(Response::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid: "TR_V".into() }));
    assert_eq!(script.events(), [Event::Unpublished { source: Source::Camera }]);
    assert!(script.peers[&script.peer()].senders.is_empty());
    script.set_local(Source::Camera, None);
    script.answer(3);
    script.requests();
    script.set_local(Source::Camera, Some("cam2"));
    assert!(matches!(&script.requests()[0], Request::AddTrack(_)));
}

#[test]
fn layers_that_nobody_watches_are_switched_off() {
    let mut script = with_camera();
    let update = |codec: &str, enabled: [bool; 3]| {
        let all = [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High];
        let qualities = all.into_iter().zip(enabled);
        Response::SubscribedQualityUpdate(proto::SubscribedQualityUpdate {
            track_sid: "TR_V".into(),
            subscribed_codecs: vec![SubscribedCodec {
                codec: codec.into(),
                qualities: qualities
                    .map(|(quality, enabled)| SubscribedQuality { quality: quality as i32, enabled })
                    .collect(),
            }],
            ..Default::default()
        })
    };
    script.serve(update("vp8", [true, false, false]));
    let peer = script.peer();
    let active = vec![true, false, false];
    assert_eq!(script.take(), [Output::SetLayers { peer, source: Source::Camera, active }]);
    script.serve(update("av1", [true, true, true]));
    assert!(script.take().is_empty());

    // Two layers: the upper one serves all above it.
    let mut script = Script::joined(config());
    let track = LocalTrack { cid: "cam".into(), width: 640, height: 480, stereo: false };
    script.input(Input::SetLocal { source: Source::Camera, track: Some(track) });
    script.serve(published("cam", "TR_V"));
    script.take();
    script.serve(update("vp8", [false, false, true]));
    assert!(matches!(&script.take()[..], [Output::SetLayers { active, .. }] if *active == [false, true]));
}
