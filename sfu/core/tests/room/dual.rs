use std::time::Duration;

use sfu_core::media::{ChannelSetup, Codec, Command, Event, Kind};
use sfu_core::sdp::{self, Direction};
use sfu_protocol::Mode;
use sfu_protocol::proto::{self, participant_info::State};

use crate::world::*;
use sfu_core::room::ConnectionId;

fn seated_dual(world: &mut World, identity: &str) -> ConnectionId {
    let connection = world.join(claims(identity), connect(Mode::Dual));
    let offer = world.take_offer(connection);
    world.ask(connection, Ask::Answer(Client::empty().answer(&offer)));
    world.connect_media();
    connection
}

#[test]
fn server_offers_data_channels_at_once() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    let setups: Vec<(bool, ChannelSetup)> = world
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Open { controlling, channels, room, .. } => {
                assert_eq!(*room, 1 << 32);
                Some((*controlling, *channels))
            }
            _ => None,
        })
        .collect();
    assert_eq!(setups, [(false, ChannelSetup::Peer), (true, ChannelSetup::Local)]);
    let told = world.told(anna);
    let offer = told.iter().position(|tell| is_signal(tell, "offer")).unwrap();
    let Tell::Offer(first) = &told[offer] else { unreachable!() };
    assert!((1..=256).contains(&first.id));
    let description = sdp::parse(&first.sdp).unwrap();
    assert_eq!(description.sections.len(), 1);
    assert!(description.sctp.is_some());
    let trickled: Vec<(i32, bool, String)> = told[offer..]
        .iter()
        .filter_map(|tell| match tell {
            Tell::Trickle(trickle) => Some((trickle.target, trickle.r#final, trickle.candidate_init.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(
        trickled.iter().map(|(target, last, _)| (*target, *last)).collect::<Vec<_>>(),
        [(1, false), (1, true)]
    );
    let json = &trickled[0].2;
    assert!(
        json.contains("\"candidate\":\"candidate:")
            && json.contains("\"sdpMid\":\"0\"")
            && json.contains("\"sdpMLineIndex\":0")
    );
}

#[test]
fn participant_is_active_when_the_subscriber_connection_is_up() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    let offer = world.take_offer(anna);
    world.ask(anna, Ask::Offer(Client::empty().offer(1)));
    world.connect_media();
    assert_eq!(
        world.room.participants()[0].state,
        State::Joined as i32,
        "the publisher connection does not count"
    );
    world.ask(anna, Ask::Answer(Client::empty().answer(&offer)));
    world.connect_media();
    assert_eq!(world.room.participants()[0].state, State::Active as i32);
}

#[test]
fn track_is_offered_and_flows_after_the_answer() {
    let mut world = World::new();
    let ben = seated_dual(&mut world, "ben");
    let (anna, mut anna_client) = world.seated("anna");
    let (track, sid) = world.publish(anna, &mut anna_client, "cam", "video");
    world.told(ben);
    world.pass(Duration::from_millis(200));
    let offer = world.take_offer(ben);
    let section = sdp::parse(&offer.sdp).unwrap().sections[1].clone();
    assert!(section.is(Kind::Video) && section.direction == Direction::SendOnly);
    assert_eq!(section.msid.unwrap().1, sid);
    assert_eq!(offer.mid_to_track_id.get(&section.mid), Some(&sid));
    assert!(world.sent().is_empty(), "nothing before the answer");
    // Rust clients answer with id 0.
    let answer = proto::SessionDescription { id: 0, ..Client::empty().answer(&offer) };
    world.ask(ben, Ask::Answer(answer));
    assert_eq!(one(world.sent()).1, track);
}

#[test]
fn one_offer_is_outstanding_and_ids_rise() {
    let mut world = World::new();
    let ben = seated_dual(&mut world, "ben");
    let (anna, mut client) = world.seated("anna");
    world.publish(anna, &mut client, "cam", "video");
    world.pass(Duration::from_millis(200));
    let first = world.take_offer(ben);
    world.publish(anna, &mut client, "mic", "audio");
    world.pass(Duration::from_secs(1));
    assert!(!world.told(ben).iter().any(|tell| is_signal(tell, "offer")));
    let stale = proto::SessionDescription { id: first.id + 7, ..Client::empty().answer(&first) };
    world.ask(ben, Ask::Answer(stale));
    assert!(world.sent().is_empty(), "an answer to no offer of ours is ignored");
    world.ask(ben, Ask::Answer(Client::empty().answer(&first)));
    world.pass(Duration::from_millis(200));
    let second = world.take_offer(ben);
    assert_eq!(second.id, first.id + 1);
    assert_eq!(second.mid_to_track_id.len(), 2);
}

#[test]
fn unanswered_offer_ends_in_a_full_reconnect() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    world.pass(Duration::from_secs(14));
    assert!(!world.closed.contains(&anna));
    world.pass(Duration::from_secs(2));
    let leave = leave_of(&world.told(anna));
    assert_eq!(leave.action, proto::leave_request::Action::Reconnect as i32);
    assert!(leave.can_reconnect);
}

#[test]
fn section_of_a_gone_track_is_reused_after_it_was_inactive() {
    let mut world = World::new();
    let ben = seated_dual(&mut world, "ben");
    let (anna, mut client) = world.seated("anna");
    world.publish(anna, &mut client, "one", "video");
    world.pass(Duration::from_millis(200));
    let offer = world.take_offer(ben);
    world.ask(ben, Ask::Answer(Client::empty().answer(&offer)));
    client.sections.last_mut().unwrap().2 = "inactive".into();
    world.ask(anna, Ask::Offer(client.offer(3)));
    world.pass(Duration::from_millis(200));
    let offer = world.take_offer(ben);
    assert!(offer.mid_to_track_id.is_empty());
    assert_eq!(sdp::parse(&offer.sdp).unwrap().sections[1].direction, Direction::Inactive);
    world.ask(ben, Ask::Answer(Client::empty().answer(&offer)));
    world.publish(anna, &mut client, "two", "video");
    world.pass(Duration::from_millis(200));
    let offer = world.take_offer(ben);
    assert_eq!(sdp::parse(&offer.sdp).unwrap().sections.len(), 2, "no new section");
    assert_eq!(offer.mid_to_track_id.len(), 1);
}

#[test]
fn publishing_in_dual_mode_is_answered_on_the_publisher_connection() {
    let mut world = World::new();
    let anna = seated_dual(&mut world, "anna");
    let mut client = Client::empty();
    // A client that fell back from the single mode still has its receiving sections.
    client.add("audio", "recvonly", "");
    let (track, _) = world.publish(anna, &mut client, "mic", "audio");
    assert_eq!(world.received(), [track]);
    world.start_track(track, Codec::Opus);
    let told = world.told(anna);
    assert!(!told.iter().any(|tell| matches!(tell, Tell::MediaSectionsRequirement(_))));
}

#[test]
fn early_candidates_wait_for_their_description() {
    let mut world = World::new();
    let anna = world.join(claims("anna"), connect(Mode::Dual));
    let trickle = |candidate: &str| {
        Ask::Trickle(proto::TrickleRequest {
            candidate_init: format!("{{\"candidate\":\"{candidate}\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}}"),
            target: proto::SignalTarget::Publisher as i32,
            r#final: false,
        })
    };
    let given = |world: &World| -> Vec<String> {
        world
            .commands
            .iter()
            .filter_map(|command| match command {
                Command::RemoteCandidate { candidate, .. } => Some(candidate.clone()),
                _ => None,
            })
            .collect()
    };
    world.ask(anna, trickle("candidate:1 1 udp 1 192.0.2.9 9 typ host"));
    assert!(given(&world).is_empty());
    world.ask(anna, Ask::Offer(Client::empty().offer(1)));
    assert_eq!(given(&world).len(), 1);
    world.ask(anna, trickle("candidate:2 1 udp 1 192.0.2.9 10 typ host"));
    assert_eq!(given(&world).len(), 2);
    world
        .ask(anna, Ask::Trickle(proto::TrickleRequest { candidate_init: "{{".into(), ..Default::default() }));
    assert_eq!(world.room.counters().malformed, 1);
}

#[test]
fn media_of_an_unknown_transport_changes_nothing() {
    let mut world = World::new();
    let transport = sfu_core::media::TransportId(99);
    world.media(Event::Connected { transport });
    world.media(Event::Disconnected { transport });
    assert!(world.room.participants().is_empty());
}
