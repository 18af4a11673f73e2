//! `POST /internal-api/v1/participants/token`: a token for the bearer of a room secret (contract
//! 4.6). With a name it opens the meeting, without one it only reads the room.
//!
//! The meeting starts when its first participant enters, not here (contract 6.2), and any number of
//! equal names is told apart, where 3.4.1 gives up after twenty. Errors: 400 unknown secret, 404,
//! 409 closed, 422.

use axum::Json;
use axum::extract::State;
use meet_api::{ParticipantIdentity, Token};
use meet_domain::{meeting, participant};

use crate::app::App;
use crate::clock::{now_ms, now_s};
use crate::http::base::Base;
use crate::http::body::Body;
use crate::http::error::{ApiError, While};
use crate::http::internal::access::room_by_secret;
use crate::tokens::{Participant, ParticipantGrant};

pub(super) async fn handle(
    State(app): State<App>,
    base: Base,
    Body(body): Body,
) -> Result<Json<Token>, ApiError> {
    let options = participant::token_options(&body).map_err(ApiError::Invalid)?;
    let (room, role) = room_by_secret(&app, &options.room_id, &options.secret).await?;
    let participant = match options.participant_name {
        None => None,
        Some(wanted) => {
            if !meeting::admits(room.status) {
                return Err(ApiError::RoomClosed(room.id));
            }
            let identity = options.participant_identity;
            let name = app
                .store
                .reserve_name(&room.id, &wanted, identity.as_ref().map(ParticipantIdentity::as_str), now_ms())
                .await
                .while_("reserving participant name")?
                .ok_or_else(|| ApiError::NoRoom(room.id.clone()))?;
            let identity = identity.unwrap_or_else(|| ParticipantIdentity::from(name.as_str()));
            Some(Participant { identity, name })
        }
    };
    let grant = ParticipantGrant {
        room: room.id,
        roles: vec![role],
        selected_role: role,
        livekit_url: base.livekit_url,
        participant,
    };
    let token = app.keys.participant_token(&grant, now_s()).while_("generating participant token")?;
    Ok(Json(Token { token }))
}
