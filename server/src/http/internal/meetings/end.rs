//! `DELETE /internal-api/v1/meetings/{roomId}`: ends the meeting for everybody (contract 4.7). A
//! room without a meeting is a success as well. Errors: 400, 401, 403, 404, 422.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth;
use crate::http::error::{ApiError, While};
use crate::http::path::PathText;
use crate::lifecycle;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let id = path.room_id()?;
    auth::moderator(&app, &headers, &id)?;
    app.store.room(&id).await.while_("reading room")?.ok_or_else(|| ApiError::NoRoom(id.clone()))?;
    lifecycle::end_meeting(&app, &id).await.while_("ending meeting")?;
    Ok(Json(json!({ "message": format!("Meeting in room '{id}' ended successfully") })))
}
