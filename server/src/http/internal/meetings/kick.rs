//! `DELETE /internal-api/v1/meetings/{roomId}/participants/{identity}`: removes a participant
//! (contract 4.7). Errors: 400, 401, 403, 404 room or participant, 422.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use meet_api::ParticipantIdentity;
use serde_json::{Value, json};
use sfu::Admin;

use crate::app::App;
use crate::http::auth;
use crate::http::error::{ApiError, While};
use crate::http::path::PathText;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let id = path.room_id()?;
    auth::moderator(&app, &headers, &id)?;
    app.store.room(&id).await.while_("reading room")?.ok_or_else(|| ApiError::NoRoom(id.clone()))?;
    let identity = ParticipantIdentity::from(path.text("identity"));
    let command = Admin::Remove { identity: identity.as_str().to_owned() };
    match app.sfu.admin(id.as_str(), command).await {
        Some(Ok(())) => {
            let message = format!("Participant '{identity}' kicked successfully from room '{id}'");
            Ok(Json(json!({ "message": message })))
        }
        Some(Err(_)) | None => Err(ApiError::NoParticipant { identity, room: id }),
    }
}
