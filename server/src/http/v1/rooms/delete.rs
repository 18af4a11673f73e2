//! `DELETE /api/v1/rooms/{roomId}`: deletes a room by the table of contract 1.4.2.
//!
//! Query: `withMeeting`, `withRecordings`, both `fail` by default. 200, or 202 when it waits for the
//! end of the meeting. Errors: 401, 404, 409 with the code in `error`, 422.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use meet_api::{RoomDeletion, RoomId, RoomStatus};
use meet_domain::Room;
use meet_domain::deletion::{self, Decision, Policy, Step};

use crate::app::App;
use crate::http::auth;
use crate::http::base::Base;
use crate::http::error::{ApiError, While};
use crate::http::path::PathText;
use crate::http::query::Query;
use crate::lifecycle;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
    headers: HeaderMap,
    base: Base,
    Query(query): Query,
) -> Result<impl IntoResponse, ApiError> {
    auth::administrator(&app, &headers, &query).await?;
    let id = path.room_id()?;
    let policy = deletion::policy(&query).map_err(ApiError::Invalid)?;
    let (decision, room) = delete(&app, &id, policy).await?;
    let status = if decision.is_scheduled() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let body = RoomDeletion {
        success_code: decision.code,
        message: decision.code.message(&id),
        room: room.map(|room| room.view(&base.url)),
    };
    Ok((status, Json(body)))
}

const OPERATION: &str = "deleting room";

/// Deletes one room; answers what was decided and the room, if it survives for now.
pub(super) async fn delete(
    app: &App,
    id: &RoomId,
    policy: Policy,
) -> Result<(Decision, Option<Room>), ApiError> {
    // A meeting may start or end between decision and deed: then the deed finds nothing to do and
    // the decision is made again.
    loop {
        let room = app.store.room(id).await.while_(OPERATION)?.ok_or_else(|| ApiError::NoRoom(id.clone()))?;
        let has_meeting = room.status == RoomStatus::ActiveMeeting;
        // Nothing can be recorded yet.
        let has_recordings = false;
        let decision = deletion::decide(has_meeting, has_recordings, policy)
            .map_err(|refusal| ApiError::DeletionRefused { room: id.clone(), refusal })?;
        let survivor = match decision.step {
            Step::Remove => app.store.delete_idle_room(id).await.while_(OPERATION)?.then_some(room),
            Step::Close => app.store.close_room(id).await.while_(OPERATION)?,
            Step::EndMeeting(action) | Step::Schedule(action) => {
                app.store.set_end_action(id, action).await.while_(OPERATION)?
            }
        };
        let Some(survivor) = survivor else { continue };
        if matches!(decision.step, Step::EndMeeting(_)) {
            lifecycle::end_meeting(app, id).await.while_(OPERATION)?;
        }
        tracing::info!(room = %id, code = decision.code.code(), "deletion");
        return Ok((decision, decision.shows_room().then_some(survivor)));
    }
}
