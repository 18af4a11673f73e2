//! Which role a secret stands for in which room.

use meet_api::{Role, RoomId};
use meet_domain::Room;
use subtle::ConstantTimeEq;

use crate::app::App;
use crate::http::error::{ApiError, While};

/// The room, and the role of `secret` in it.
pub(super) async fn room_by_secret(app: &App, id: &RoomId, secret: &str) -> Result<(Room, Role), ApiError> {
    let room =
        app.store.room(id).await.while_("reading room")?.ok_or_else(|| ApiError::NoRoom(id.clone()))?;
    let matches = |known: &str| bool::from(known.as_bytes().ct_eq(secret.as_bytes()));
    if matches(room.moderator_secret.reveal()) {
        Ok((room, Role::Moderator))
    } else if matches(room.speaker_secret.reveal()) {
        Ok((room, Role::Speaker))
    } else {
        Err(ApiError::UnknownSecret { room: id.clone(), secret: secret.to_owned() })
    }
}
