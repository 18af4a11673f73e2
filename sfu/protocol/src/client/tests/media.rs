use std::collections::HashMap;

use super::script::*;
use crate::client::*;
use crate::proto::signal_response::Message as Response;
use crate::proto::{self, SpeakerInfo, StreamState};

const ANSWER: &str = "v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendonly\r\nm=video 9 X 96\r\na=mid:3\r\na=sendonly\r\n\
    m=application 9 X webrtc-datachannel\r\na=mid:6\r\n";

fn answer(id: u32, map: &[(&str, &str)]) -> Response {
    let mid_to_track_id: HashMap<_, _> =
        map.iter().map(|(mid, sid)| ((*mid).into(), (*sid).into())).collect();
    Response::Answer(proto::SessionDescription { mid_to_track_id, ..description("answer", ANSWER, id) })
}

fn update(participants: Vec<proto::ParticipantInfo>) -> Response {
    Response::Update(proto::ParticipantUpdate { participants })
}

fn started(events: &[Event]) -> Vec<(&str, &str, &str)> {
    let started = events.iter().filter_map(|event| match event {
        Event::TrackStarted { mid, participant_sid, track_sid, .. } => {
            Some((mid.as_str(), participant_sid.as_str(), track_sid.as_str()))
        }
        _ => None,
    });
    started.collect()
}

#[test]
fn tracks_are_found_by_the_map_of_the_answer() {
    let mut script = Script::new(config());
    script.input(Input::Start);
    script.open();
    script.serve(Response::Join(join("PA_me", vec![participant("PA_bob", &["TR_A", "TR_V"])])));
    script.serve(answer(1, &[("0", "TR_A"), ("3", "TR_V")]));
    let events = script.events();
    assert_eq!(started(&events), [("0", "PA_bob", "TR_A"), ("3", "PA_bob", "TR_V")]);
    assert!(events.contains(&Event::ParticipantJoined(Box::new(participant("PA_bob", &["TR_A", "TR_V"])))));
}

#[test]
fn sections_are_added_as_the_server_needs_them() {
    let mut script = Script::joined(config());
    let need = |audios, videos| {
        Response::MediaSectionsRequirement(proto::MediaSectionsRequirement {
            num_audios: audios,
            num_videos: videos,
        })
    };
    script.serve(need(1, 2));
    let peer = script.peer();
    assert_eq!((script.peers[&peer].audios, script.peers[&peer].videos), (4, 5));
    assert_eq!(script.last_offer(), 2);
    // One offer at a time: what is needed meanwhile goes into the next.
    script.serve(need(1, 0));
    script.serve(need(1, 0));
    assert_eq!(script.last_offer(), 2);
    script.serve(answer(2, &[]));
    assert_eq!(script.last_offer(), 3);
    script.serve(answer(3, &[]));
    assert_eq!(script.requests().len(), 2);
    assert_eq!(script.peers[&peer].audios, 6);
    script.serve(need(0, 0));
    assert!(script.requests().is_empty());
    script.serve(need(u32::MAX, u32::MAX));
    assert!(script.peers[&peer].audios < 1000);
}

#[test]
fn a_track_whose_publisher_comes_later_starts_then_and_stops_with_them() {
    let mut script = Script::joined(config());
    script.serve(Response::MediaSectionsRequirement(proto::MediaSectionsRequirement {
        num_audios: 0,
        num_videos: 1,
    }));
    script.events();
    script.serve(answer(2, &[("3", "TR_V")]));
    assert!(script.events().is_empty());
    script.serve(update(vec![participant("PA_bob", &["TR_V"])]));
    assert_eq!(started(&script.events()), [("3", "PA_bob", "TR_V")]);
    let gone = proto::ParticipantInfo {
        state: proto::participant_info::State::Disconnected as i32,
        ..participant("PA_bob", &[])
    };
    script.serve(update(vec![gone]));
    assert_eq!(
        script.events(),
        [Event::TrackStopped { track_sid: "TR_V".into() }, Event::ParticipantLeft { sid: "PA_bob".into() }]
    );
}

#[test]
fn an_unanswered_offer_leads_to_new_connections() {
    let mut script = Script::joined(config());
    let peer = script.peer();
    script.serve(Response::MediaSectionsRequirement(proto::MediaSectionsRequirement {
        num_audios: 1,
        num_videos: 0,
    }));
    for _ in 0..3 {
        script.advance(4_900);
        script.serve(Response::Pong(0));
    }
    assert_eq!(script.peer(), peer);
    script.advance(400);
    assert_ne!(script.peer(), peer);
    assert!(script.events().contains(&Event::Reconnecting));
}

#[test]
fn speakers_quality_pauses_rooms_and_tokens_are_passed_on() {
    let mut script = Script::joined(config());
    script.events();
    let speaker = SpeakerInfo { sid: "PA_bob".into(), level: 0.5, active: true };
    script.serve(Response::SpeakersChanged(proto::SpeakersChanged { speakers: vec![speaker.clone()] }));
    let quality = proto::ConnectionQualityInfo { participant_sid: "PA_me".into(), quality: 2, score: 4.5 };
    script.serve(Response::ConnectionQuality(proto::ConnectionQualityUpdate {
        updates: vec![quality.clone()],
    }));
    let state = proto::StreamStateInfo {
        track_sid: "TR_V".into(),
        state: StreamState::Paused as i32,
        ..Default::default()
    };
    script.serve(Response::StreamStateUpdate(proto::StreamStateUpdate { stream_states: vec![state] }));
    let room = proto::Room { metadata: "new".into(), ..Default::default() };
    script.serve(Response::RoomUpdate(proto::RoomUpdate { room: Some(room.clone()) }));
    script.serve(Response::RefreshToken("fresh".into()));
    assert_eq!(
        script.events(),
        [
            Event::Speakers(vec![speaker]),
            Event::Quality(vec![quality]),
            Event::TrackPaused { track_sid: "TR_V".into(), paused: true },
            Event::Room(Box::new(room)),
            Event::Token("fresh".into()),
        ]
    );
    script.close();
    assert_eq!(script.opening().token, "fresh");
}

#[test]
fn tiles_and_subscriptions_reach_the_server() {
    let mut script = Script::joined(config());
    let tile = |width| Input::Tile {
        track_sid: "TR_V".into(),
        settings: TileSettings { visible: true, width, height: width },
    };
    script.input(tile(100));
    script.input(tile(200));
    script.input(tile(300));
    script.wait(100);
    let widths: Vec<_> = script
        .requests()
        .into_iter()
        .map(|request| match request {
            Request::TrackSetting(settings) => settings.width,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(widths, [100, 300]);
    script.input(Input::Subscribe { track_sids: vec!["TR_V".into()], subscribe: false });
    assert!(matches!(&script.requests()[..], [Request::Subscription(update)] if !update.subscribe));
}

#[test]
fn data_waits_for_its_channel_and_arrives_once() {
    let mut script = Script::joined(config());
    script.take();
    script.send_data("hello");
    assert!(script.take().is_empty());
    let peer = script.peer();
    script.input(Input::ChannelOpen { peer, channel: Channel::Reliable });
    assert!(matches!(&script.take()[..], [Output::SendData { channel: Channel::Reliable, .. }]));

    let packet = proto::DataPacket {
        participant_identity: "bob".into(),
        participant_sid: "PA_bob".into(),
        sequence: 1,
        value: Some(proto::data_packet::Value::User(proto::UserPacket::default())),
        ..Default::default()
    };
    let payload = prost::Message::encode_to_vec(&packet);
    script.events();
    for _ in 0..2 {
        script.input(Input::Data { peer, channel: Channel::Reliable, payload: payload.clone() });
    }
    script.input(Input::Data { peer: PeerId(99), channel: Channel::Lossy, payload });
    assert!(matches!(&script.events()[..], [Event::Data(message)] if message.participant_identity == "bob"));
}
