//! `GET /internal-api/v1/rooms/{roomId}/roles`: both roles with their permissions, moderator first
//! (contract 4.5). Anonymous. Errors: 404, 422.

use axum::Json;
use axum::extract::State;
use meet_api::{Role, RoleWithPermissions};
use meet_domain::permissions;

use crate::app::App;
use crate::http::error::{ApiError, While};
use crate::http::path::PathText;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
) -> Result<Json<[RoleWithPermissions; 2]>, ApiError> {
    let id = path.room_id()?;
    let room = app.store.room(&id).await.while_("reading room")?.ok_or(ApiError::NoRoom(id))?;
    Ok(Json([Role::Moderator, Role::Speaker].map(|role| permissions::of(role, &room.id))))
}
