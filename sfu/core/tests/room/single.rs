use std::time::Duration;

use sfu_core::media::{Codec, Command, Selection};
use sfu_core::sdp;
use sfu_protocol::proto;
use sfu_protocol::{Connect, Mode};

use crate::world::*;

#[test]
fn track_flows_into_a_free_section_after_the_clients_own_offer() {
    let mut world = World::new();
    let (anna, mut anna_client) = world.seated("anna");
    let (ben, ben_client) = world.seated("ben");
    let (track, sid) = world.publish(anna, &mut anna_client, "cam", "video");
    world.pass(Duration::from_millis(10));
    let told = world.told(ben);
    let update = told.iter().position(|tell| is_signal(tell, "update")).expect("update");
    let required =
        told.iter().position(|tell| matches!(tell, Tell::MediaSectionsRequirement(_))).expect("request");
    assert!(update < required, "the update precedes the negotiation");
    let Tell::MediaSectionsRequirement(need) = &told[required] else { unreachable!() };
    assert_eq!((need.num_audios, need.num_videos), (0, 0), "three sections are free");

    world.ask(ben, Ask::Offer(ben_client.offer(2)));
    let answer = world.take_answer(ben);
    assert_eq!(answer.id, 2);
    assert_eq!(answer.mid_to_track_id.get("3"), Some(&sid), "the first video section");
    let anna_sid = world.room.participants()[0].sid.clone();
    assert!(answer.sdp.contains(&format!("a=msid:{anna_sid}|{sid} {sid}\r\n")));
    let (send, sent) = one(world.sent());
    assert_eq!(sent, track);
    let params = world.commands.iter().find_map(|command| match command {
        Command::Send { params, .. } => Some(params.clone()),
        _ => None,
    });
    let params = params.unwrap();
    assert_eq!((params.mid.as_str(), params.cname == anna_sid), ("3", true));
    assert_eq!((params.codecs[0].pt, params.codecs[0].rtx_pt), (120, Some(121)), "the client's numbers rule");
    let selected = |command: &Command| matches!(command, Command::Select { send: one, selection: Selection::UpTo(0) } if *one == send);
    assert!(world.commands.iter().any(selected));
}

#[test]
fn client_is_asked_for_as_many_sections_as_it_lacks() {
    let mut world = World::new();
    let (anna, mut anna_client) = world.seated("anna");
    let ben = world.join(
        claims("ben"),
        Connect { publisher_offer: Some(Client::empty().offer(1)), ..connect(Mode::Single) },
    );
    world.connect_media();
    world.publish(anna, &mut anna_client, "mic", "audio");
    world.publish(anna, &mut anna_client, "cam", "video");
    world.told(ben);
    world.pass(Duration::from_millis(200));
    let need = one(world.told(ben).into_iter().filter_map(|tell| match tell {
        Tell::MediaSectionsRequirement(need) => Some(need),
        _ => None,
    }));
    assert_eq!((need.num_audios, need.num_videos), (1, 1));
    let mut client = Client::empty();
    client.add("audio", "recvonly", "");
    client.add("video", "recvonly", "");
    world.ask(ben, Ask::Offer(client.offer(2)));
    assert_eq!(world.take_answer(ben).mid_to_track_id.len(), 2);
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn client_that_does_not_offer_is_asked_again_and_then_left_alone() {
    let mut world = World::new();
    let (anna, mut anna_client) = world.seated("anna");
    let (ben, _) = world.seated("ben");
    world.publish(anna, &mut anna_client, "cam", "video");
    world.told(ben);
    world.pass(Duration::from_mins(2));
    let needs: Vec<u32> = world
        .told(ben)
        .into_iter()
        .filter_map(|tell| {
            if let Tell::MediaSectionsRequirement(need) = tell { Some(need.num_videos) } else { None }
        })
        .collect();
    assert_eq!(needs, [0, 1, 1, 1]);
}

#[test]
fn tracks_that_are_there_come_with_the_first_answer() {
    let mut world = World::new();
    let (anna, mut anna_client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut anna_client, "cam", "video");
    let (ben, _) = world.seated("ben");
    let answer = world.take_answer(ben);
    assert_eq!(answer.mid_to_track_id.into_values().collect::<Vec<_>>(), [sid]);
}

#[test]
fn section_is_inactive_once_between_two_tracks() {
    let mut world = World::new();
    let (anna, mut anna_client) = world.seated("anna");
    let (ben, mut ben_client) = world.seated("ben");
    ben_client.sections.truncate(1);
    ben_client.sections[0].1 = "video".into();
    world.told(ben);
    world.publish(anna, &mut anna_client, "one", "video");
    world.ask(ben, Ask::Offer(ben_client.offer(2)));
    assert_eq!(world.take_answer(ben).mid_to_track_id.len(), 1);
    // The first goes, a second comes.
    anna_client.sections.last_mut().unwrap().2 = "inactive".into();
    world.publish(anna, &mut anna_client, "two", "video");
    world.ask(ben, Ask::Offer(ben_client.offer(3)));
    let answer = world.take_answer(ben);
    assert!(answer.mid_to_track_id.is_empty());
    assert!(answer.sdp.contains("a=inactive"));
    world.ask(ben, Ask::Offer(ben_client.offer(4)));
    assert_eq!(world.take_answer(ben).mid_to_track_id.len(), 1);
}

#[test]
fn answer_does_not_depend_on_whether_the_announcement_or_the_offer_comes_first() {
    for announce_first in [true, false] {
        let mut world = World::new();
        let (anna, mut client) = world.seated("anna");
        world.told(anna);
        client.add("video", "sendonly", "cam");
        let messages = [Ask::AddTrack(add_track("cam", "video")), Ask::Offer(client.offer(5))];
        let [add, offer] = messages;
        for message in if announce_first { [add, offer] } else { [offer, add] } {
            world.ask(anna, message);
        }
        let answer = world.take_answer(anna);
        assert_eq!(answer.id, 5);
        let section = sdp::parse(&answer.sdp).unwrap().section("6").cloned().unwrap();
        assert!(section.direction.receives() && !section.direction.sends());
        assert_eq!(world.received().len(), 1, "announce_first: {announce_first}");
    }
}

#[test]
fn section_with_a_foreign_track_id_takes_the_pending_track_of_its_kind() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    world.ask(anna, Ask::AddTrack(add_track("mic", "audio")));
    world.ask(anna, Ask::AddTrack(add_track("cam", "video")));
    client.add("video", "sendonly", "{firefox-made-this}");
    world.ask(anna, Ask::Offer(client.offer(2)));
    let track = one(world.received());
    world.start_track(track, Codec::Vp8);
    let info = one(world.room.participants()).tracks[0].clone();
    assert_eq!(info.r#type, proto::TrackType::Video as i32);
    assert_eq!(info.codecs[0].sdp_cid, "{firefox-made-this}");
}

#[test]
fn removed_track_is_unpublished_and_its_queued_successor_announced() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    world.publish(anna, &mut client, "cam", "video");
    world.ask(anna, Ask::AddTrack(add_track("cam", "video")));
    assert!(world.told(anna).iter().any(|tell| matches!(
        tell,
        Tell::RequestResponse(response) if response.reason == proto::request_response::Reason::Queued as i32
    )));
    client.sections.last_mut().unwrap().2 = "inactive".into();
    world.ask(anna, Ask::Offer(client.offer(3)));
    assert!(world.received().is_empty());
    assert!(world.told(anna).iter().any(|tell| is_signal(tell, "track_published")));
}

#[test]
fn track_info_is_filled_from_announcement_negotiation_and_media() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut client, "cam", "video");
    let info = one(one(world.room.participants()).tracks);
    assert!(sid.starts_with("TR_VC") && info.sid == sid);
    assert_eq!(
        (info.mime_type.as_str(), info.mid.as_str(), info.stream.as_str()),
        ("video/VP8", "6", "camera")
    );
    assert_eq!((info.width, info.height, info.simulcast), (1280, 720, false));
    assert_eq!(info.layers[0].ssrc, 4711);
    assert_eq!(info.codecs[0].mime_type, "video/VP8");
    assert!(info.version.is_some());
}

#[test]
fn extensions_of_both_directions_are_taken_in_every_section() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    let answer = sdp::parse(&world.take_answer(anna).sdp).unwrap();
    assert_eq!(answer.section("0").unwrap().extensions.audio_level, 1);
    assert_eq!(answer.section("3").unwrap().extensions.rid, 10);
}

#[test]
fn malformed_offer_ends_the_session_with_a_reason() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    let offer = proto::SessionDescription { sdp: "v=0\r\nm=nonsense".into(), ..Default::default() };
    world.ask(anna, Ask::Offer(offer));
    assert_eq!(leave_of(&world.told(anna)).reason, proto::DisconnectReason::MediaFailure as i32);
    assert_eq!(world.room.counters().malformed, 1);
}
