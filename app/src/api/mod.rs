//! The HTTP calls of the app (contract rest-api.md 1.3, 4.6), typed. Holds no state: who asks
//! brings the secret or token.

mod error;
mod request;
mod token;

pub(crate) use error::ApiError;
pub(crate) use token::Ticket;

use meet_api::{MeetRoom, Role, Token, TokenRequest};

use request::{encode, fetch, post, remove};

/// A participant token: with a name it lets in, without it only reads the room.
pub(crate) async fn participant_token(
    room_id: &str,
    secret: &str,
    name: Option<&str>,
) -> Result<String, ApiError> {
    let body = TokenRequest {
        room_id: room_id.into(),
        secret: secret.to_owned(),
        participant_name: name.map(str::to_owned),
        participant_identity: None,
    };
    let answer: Token = post("/internal-api/v1/participants/token", &body).await?;
    Ok(answer.token)
}

/// The room as the holder of a participant token sees it.
pub(crate) async fn room(room_id: &str, token: &str, role: Role) -> Result<MeetRoom, ApiError> {
    let url = format!("/api/v1/rooms/{}", encode(room_id));
    fetch(&url, &credentials(token, role)).await
}

/// Ends the meeting for everybody; for moderators.
pub(crate) async fn end_meeting(room_id: &str, token: &str) -> Result<(), ApiError> {
    let url = format!("/internal-api/v1/meetings/{}", encode(room_id));
    remove(&url, &credentials(token, Role::Moderator)).await
}

/// Removes a participant from the meeting; for moderators.
pub(crate) async fn kick(room_id: &str, identity: &str, token: &str) -> Result<(), ApiError> {
    let url = format!("/internal-api/v1/meetings/{}/participants/{}", encode(room_id), encode(identity));
    remove(&url, &credentials(token, Role::Moderator)).await
}

/// Headers of a participant.
fn credentials(token: &str, role: Role) -> [(&'static str, String); 2] {
    let role = match role {
        Role::Moderator => "moderator",
        Role::Speaker => "speaker",
    };
    [("X-Participant-Token", format!("Bearer {token}")), ("X-Participant-Role", role.to_owned())]
}
