//! `GET /internal-api/v1/rooms/{roomId}/roles/{secret}`: the role a secret stands for (contract
//! 4.5). Anonymous. Errors: 400 unknown secret, 404, 422.

use axum::Json;
use axum::extract::State;
use meet_api::RoleWithPermissions;
use meet_domain::permissions;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::internal::access::room_by_secret;
use crate::http::path::PathText;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
) -> Result<Json<RoleWithPermissions>, ApiError> {
    let id = path.room_id()?;
    let (room, role) = room_by_secret(&app, &id, path.text("secret")).await?;
    Ok(Json(permissions::of(role, &room.id)))
}
