//! `POST /internal-api/v1/participants/token/refresh`: a new token for the bearer of an old one,
//! with the role of the given secret added to those it had (contract 4.6).
//!
//! The old one may be past its time, but it must be ours, for this room and for this participant.
//! Errors: 400 unknown secret, token or identity missing or invalid, 404 room or participant, 422.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use meet_api::{ParticipantIdentity, RoomId, Token};
use meet_domain::participant;

use crate::app::App;
use crate::clock::now_s;
use crate::http::auth;
use crate::http::base::Base;
use crate::http::body::Body;
use crate::http::error::{ApiError, While};
use crate::http::internal::access::room_by_secret;
use crate::tokens::{Expiry, Participant, ParticipantGrant};

pub(super) async fn handle(
    State(app): State<App>,
    base: Base,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Json<Token>, ApiError> {
    let options = participant::token_options(&body).map_err(ApiError::Invalid)?;
    let (room, role) = room_by_secret(&app, &options.room_id, &options.secret).await?;

    let previous = auth::participant_token(&headers).ok_or(ApiError::NoParticipantToken)?;
    let previous = app
        .keys
        .verify_participant(previous, Expiry::Ignored)
        .ok()
        .filter(|previous| previous.room == room.id)
        .ok_or(ApiError::InvalidParticipantToken)?;

    let participant = match options.participant_name {
        None => None,
        Some(name) => {
            let identity = options.participant_identity.ok_or(ApiError::NoParticipantIdentity)?;
            if !previous.identity.is_empty() && previous.identity != identity.as_str() {
                return Err(ApiError::InvalidParticipantToken);
            }
            if !is_connected(&app, &room.id, &identity).await {
                return Err(ApiError::NoParticipant { identity, room: room.id });
            }
            Some(Participant { identity, name })
        }
    };
    let mut roles = previous.roles;
    if !roles.contains(&role) {
        roles.push(role);
    }
    let grant = ParticipantGrant {
        room: room.id,
        roles,
        selected_role: role,
        livekit_url: base.livekit_url,
        participant,
    };
    let token = app.keys.participant_token(&grant, now_s()).while_("refreshing participant token")?;
    Ok(Json(Token { token }))
}

async fn is_connected(app: &App, room: &RoomId, identity: &ParticipantIdentity) -> bool {
    let participants = app.sfu.participants(room.as_str()).await.unwrap_or_default();
    participants.iter().any(|participant| participant.identity == identity.as_str())
}
