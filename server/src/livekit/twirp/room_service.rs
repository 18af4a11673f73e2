//! `livekit.RoomService`: its core; other methods answer `unimplemented`.

use std::time::Duration;

use axum::response::Response;
use sfu::{Admin, RoomOptions};
use sfu_protocol::{VideoGrant, proto};

use super::error::{Code, TwirpError};
use super::format::Call;
use super::shape;
use crate::app::App;

type Answer<T> = Result<T, TwirpError>;

pub(super) async fn dispatch(app: &App, method: &str, call: Call) -> Answer<Response> {
    let grant = &call.grant;
    match method {
        "CreateRoom" => call.answer(&create_room(app, grant, call.question()?).await?, &shape::ROOM),
        "ListRooms" => call.answer(&list_rooms(app, grant, call.question()?).await?, &shape::ROOMS),
        "DeleteRoom" => call.answer(&delete_room(app, grant, call.question()?).await?, &shape::EMPTY),
        "ListParticipants" => {
            call.answer(&list_participants(app, grant, call.question()?).await?, &shape::PARTICIPANTS)
        }
        "GetParticipant" => {
            call.answer(&participant(app, grant, call.question()?).await?, &shape::PARTICIPANT)
        }
        "RemoveParticipant" => {
            call.answer(&remove_participant(app, grant, call.question()?).await?, &shape::EMPTY)
        }
        "MutePublishedTrack" => {
            call.answer(&mute_track(app, grant, call.question()?).await?, &shape::MUTED_TRACK)
        }
        "UpdateParticipant" => {
            call.answer(&update_participant(app, grant, call.question()?).await?, &shape::PARTICIPANT)
        }
        "SendData" => call.answer(&send_data(app, grant, call.question()?).await?, &shape::EMPTY),
        "UpdateRoomMetadata" => {
            call.answer(&update_metadata(app, grant, call.question()?).await?, &shape::ROOM)
        }
        other => Err(TwirpError::unimplemented(other)),
    }
}

/// `roomAdmin` counts only for the room that the token names.
fn administers(grant: &VideoGrant, room: &str) -> Answer<()> {
    if grant.room_admin && !room.is_empty() && grant.room == room {
        Ok(())
    } else {
        Err(TwirpError::denied())
    }
}

fn has(grant: bool) -> Answer<()> {
    if grant { Ok(()) } else { Err(TwirpError::denied()) }
}

async fn create_room(
    app: &App,
    grant: &VideoGrant,
    question: proto::CreateRoomRequest,
) -> Answer<proto::Room> {
    has(grant.room_create)?;
    if question.name.is_empty() {
        return Err(TwirpError::new(Code::InvalidArgument, "no room name"));
    }
    let or_default =
        |seconds: u32, default| if seconds == 0 { default } else { Duration::from_secs(seconds.into()) };
    let defaults = app.room_options(&question.name);
    let room = app
        .sfu
        .create_room(RoomOptions {
            metadata: question.metadata.clone(),
            empty_timeout: or_default(question.empty_timeout, defaults.empty_timeout),
            departure_timeout: or_default(question.departure_timeout, defaults.departure_timeout),
            max_participants: question.max_participants,
            ..defaults
        })
        .await?;
    // The room was there already: of its settings only this one can change.
    if !question.metadata.is_empty() && room.metadata != question.metadata {
        administer(app, &question.name, Admin::UpdateMetadata { metadata: question.metadata }).await?;
        return room_by_name(app, &question.name).await;
    }
    Ok(room)
}

async fn list_rooms(
    app: &App,
    grant: &VideoGrant,
    question: proto::ListRoomsRequest,
) -> Answer<proto::ListRoomsResponse> {
    has(grant.room_list)?;
    let mut rooms = app.sfu.rooms().await;
    if !question.names.is_empty() {
        rooms.retain(|room| question.names.contains(&room.name));
    }
    Ok(proto::ListRoomsResponse { rooms })
}

async fn delete_room(
    app: &App,
    grant: &VideoGrant,
    question: proto::DeleteRoomRequest,
) -> Answer<proto::DeleteRoomResponse> {
    has(grant.room_create)?;
    administer(app, &question.room, Admin::Delete).await?;
    Ok(proto::DeleteRoomResponse {})
}

async fn list_participants(
    app: &App,
    grant: &VideoGrant,
    question: proto::ListParticipantsRequest,
) -> Answer<proto::ListParticipantsResponse> {
    administers(grant, &question.room)?;
    let participants = app.sfu.participants(&question.room).await.ok_or_else(TwirpError::no_room)?;
    Ok(proto::ListParticipantsResponse { participants })
}

async fn participant(
    app: &App,
    grant: &VideoGrant,
    question: proto::RoomParticipantIdentity,
) -> Answer<proto::ParticipantInfo> {
    administers(grant, &question.room)?;
    participant_by_identity(app, &question.room, &question.identity).await
}

async fn remove_participant(
    app: &App,
    grant: &VideoGrant,
    question: proto::RoomParticipantIdentity,
) -> Answer<proto::RemoveParticipantResponse> {
    administers(grant, &question.room)?;
    administer(app, &question.room, Admin::Remove { identity: question.identity }).await?;
    Ok(proto::RemoveParticipantResponse {})
}

async fn mute_track(
    app: &App,
    grant: &VideoGrant,
    question: proto::MuteRoomTrackRequest,
) -> Answer<proto::MuteRoomTrackResponse> {
    administers(grant, &question.room)?;
    let proto::MuteRoomTrackRequest { room, identity, track_sid, muted } = question;
    let command = Admin::MuteTrack { identity: identity.clone(), track_sid: track_sid.clone(), muted };
    administer(app, &room, command).await?;
    let participant = participant_by_identity(app, &room, &identity).await?;
    Ok(proto::MuteRoomTrackResponse {
        track: participant.tracks.into_iter().find(|track| track.sid == track_sid),
    })
}

async fn update_participant(
    app: &App,
    grant: &VideoGrant,
    question: proto::UpdateParticipantRequest,
) -> Answer<proto::ParticipantInfo> {
    administers(grant, &question.room)?;
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    let command = Admin::UpdateParticipant {
        identity: question.identity.clone(),
        name: filled(question.name),
        metadata: filled(question.metadata),
        attributes: question.attributes,
        permission: question.permission,
    };
    administer(app, &question.room, command).await?;
    participant_by_identity(app, &question.room, &question.identity).await
}

async fn send_data(
    app: &App,
    grant: &VideoGrant,
    question: proto::SendDataRequest,
) -> Answer<proto::SendDataResponse> {
    administers(grant, &question.room)?;
    let reliable = question.kind == i32::from(proto::data_packet::Kind::Reliable);
    let mut destination_identities = question.destination_identities;
    #[expect(deprecated, reason = "old SDKs address participants by sid")]
    let sids = question.destination_sids;
    if !sids.is_empty() {
        let participants = app.sfu.participants(&question.room).await.ok_or_else(TwirpError::no_room)?;
        destination_identities.extend(
            participants
                .into_iter()
                .filter(|one| sids.contains(&one.sid))
                .map(|participant| participant.identity),
        );
        // An empty list would mean everybody.
        if destination_identities.is_empty() {
            return Ok(proto::SendDataResponse {});
        }
    }
    let command = Admin::SendData {
        topic: question.topic,
        payload: question.data.into(),
        reliable,
        destination_identities,
    };
    administer(app, &question.room, command).await?;
    Ok(proto::SendDataResponse {})
}

async fn update_metadata(
    app: &App,
    grant: &VideoGrant,
    question: proto::UpdateRoomMetadataRequest,
) -> Answer<proto::Room> {
    administers(grant, &question.room)?;
    administer(app, &question.room, Admin::UpdateMetadata { metadata: question.metadata }).await?;
    room_by_name(app, &question.room).await
}

async fn administer(app: &App, room: &str, command: Admin) -> Answer<()> {
    Ok(app.sfu.admin(room, command).await.ok_or_else(TwirpError::no_room)??)
}

async fn room_by_name(app: &App, name: &str) -> Answer<proto::Room> {
    app.sfu.rooms().await.into_iter().find(|room| room.name == name).ok_or_else(TwirpError::no_room)
}

async fn participant_by_identity(app: &App, room: &str, identity: &str) -> Answer<proto::ParticipantInfo> {
    let participants = app.sfu.participants(room).await.ok_or_else(TwirpError::no_room)?;
    participants.into_iter().find(|one| one.identity == identity).ok_or_else(TwirpError::no_participant)
}
