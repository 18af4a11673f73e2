//! Getting into a room: who may, and which error view says why not (contract ui.md 4, 10).

use meet_api::{MeetRoom, Role, RoomStatus};

use crate::{
    api::{self, ApiError, Ticket},
    error::ErrorReason,
};

/// A room that its visitor may see.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub room: MeetRoom,
    pub role: Role,
    pub(super) secret: String,
}

impl Entry {
    pub(crate) fn closed(&self) -> bool {
        self.room.status == RoomStatus::Closed
    }

    pub(crate) fn moderates(&self) -> bool {
        self.role == Role::Moderator
    }
}

/// Learns the role that the secret gives and reads the room.
pub(super) async fn enter(room_id: &str, secret: Option<&str>) -> Result<Entry, ErrorReason> {
    let secret = secret.ok_or(ErrorReason::MissingRoomSecret)?;
    let token = api::participant_token(room_id, secret, None).await.map_err(reason)?;
    let ticket = Ticket::read(token).map_err(|_| ErrorReason::Internal)?;
    let room = api::room(room_id, &ticket.token, ticket.role).await.map_err(reason)?;
    Ok(Entry { room, role: ticket.role, secret: secret.to_owned() })
}

/// Takes a place in the meeting under this name or one close to it.
pub(super) async fn take_ticket(entry: &Entry, name: &str) -> Result<Ticket, ErrorReason> {
    let token = api::participant_token(entry.room.room_id.as_str(), &entry.secret, Some(name))
        .await
        .map_err(reason)?;
    Ticket::read(token).map_err(|_| ErrorReason::Internal)
}

fn reason(error: ApiError) -> ErrorReason {
    match error.status() {
        Some(400) => ErrorReason::InvalidRoomSecret,
        Some(404 | 422) => ErrorReason::InvalidRoom,
        Some(409) => ErrorReason::ClosedRoom,
        _ => ErrorReason::Internal,
    }
}
