use bytes::Bytes;
use prost::Message;
use sfu_core::media::Command;
use sfu_core::room::{Admin, AdminError};
use sfu_protocol::proto::{self, DisconnectReason, leave_request::Action};

use crate::world::*;

#[test]
fn removed_participant_is_told_why() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.admin(Admin::Remove { identity: "anna".into() }).unwrap();
    let leave = leave_of(&world.told(anna));
    assert_eq!(
        (leave.reason, leave.action),
        (DisconnectReason::ParticipantRemoved as i32, Action::Disconnect as i32)
    );
    assert_eq!(world.admin(Admin::Remove { identity: "anna".into() }), Err(AdminError::NoParticipant));
}

#[test]
fn administrator_mutes_but_does_not_unmute() {
    let mut world = World::new();
    let (anna, mut client) = world.seated("anna");
    let (_, sid) = world.publish(anna, &mut client, "mic", "audio");
    let mute = |muted, track_sid: &str| Admin::MuteTrack {
        identity: "anna".into(),
        track_sid: track_sid.into(),
        muted,
    };
    world.told(anna);
    world.admin(mute(true, &sid)).unwrap();
    assert!(world.told(anna).iter().any(|tell| matches!(tell, Tell::Mute(mute) if mute.muted)));
    assert!(world.commands.iter().any(|command| matches!(command, Command::Mute { muted: true, .. })));
    assert_eq!(world.admin(mute(false, &sid)), Err(AdminError::RemoteUnmute));
    assert_eq!(world.admin(mute(true, "TR_none")), Err(AdminError::NoTrack));
}

#[test]
fn metadata_of_the_room_is_told_to_all() {
    let mut world = World::new();
    let (anna, _) = world.seated("anna");
    world.told(anna);
    world.admin(Admin::UpdateMetadata { metadata: "topic".into() }).unwrap();
    let room = one(world.told(anna).into_iter().filter_map(|tell| match tell {
        Tell::RoomUpdate(update) => update.room,
        _ => None,
    }));
    assert_eq!(room.metadata, "topic");
}

#[test]
fn server_data_reaches_its_destinations() {
    let mut world = World::new();
    world.seated("anna");
    world.seated("ben");
    let to = world.last_transport();
    world
        .admin(Admin::SendData {
            topic: Some("t".into()),
            payload: Bytes::from_static(b"hi"),
            reliable: true,
            destination_identities: vec!["ben".into()],
        })
        .unwrap();
    let (transport, payload) = one(world.commands.iter().filter_map(|command| match command {
        Command::Data { transport, payload, .. } => Some((*transport, payload.clone())),
        _ => None,
    }));
    assert_eq!(transport, to);
    let packet = proto::DataPacket::decode(payload).unwrap();
    assert!(matches!(packet.value, Some(proto::data_packet::Value::User(user)) if user.payload == b"hi"));
}

#[test]
fn deletion_and_shutdown_tell_everybody_and_finish() {
    for (command, reason) in
        [(Admin::Delete, DisconnectReason::RoomDeleted), (Admin::Shutdown, DisconnectReason::ServerShutdown)]
    {
        let mut world = World::new();
        let (anna, _) = world.seated("anna");
        world.admin(command).unwrap();
        let leave = leave_of(&world.told(anna));
        assert_eq!((leave.reason, leave.action), (reason as i32, Action::Disconnect as i32));
        assert!(world.finished && world.closed.contains(&anna));
        let closed = |command: &Command| matches!(command, Command::Close { .. });
        assert_eq!(world.commands.iter().filter(|command| closed(command)).count(), 1);
    }
}
