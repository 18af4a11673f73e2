//! `DELETE /api/v1/rooms?roomIds=`: deletes several rooms (contract 1.4.4).
//!
//! 200 when all went well (scheduled ones count), else 400 with what failed. Errors: 401, 422.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use meet_api::{BulkDeletion, BulkFailure, BulkSuccess};
use meet_domain::deletion;

use super::delete::delete;
use crate::app::App;
use crate::http::auth;
use crate::http::base::Base;
use crate::http::error::ApiError;
use crate::http::query::Query;

pub(super) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    base: Base,
    Query(query): Query,
) -> Result<impl IntoResponse, ApiError> {
    auth::administrator(&app, &headers, &query).await?;
    let (ids, policy) = deletion::bulk(&query).map_err(ApiError::Invalid)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for room_id in ids {
        match delete(&app, &room_id, policy).await {
            Ok((decision, room)) => successful.push(BulkSuccess {
                success_code: decision.code,
                message: decision.code.message(&room_id),
                room: room.map(|room| room.view(&base.url)),
                room_id,
            }),
            Err(error) => {
                error.log();
                let (_, body) = error.describe();
                failed.push(BulkFailure { room_id, error: body.error, message: body.message });
            }
        }
    }
    let (status, message) = if failed.is_empty() {
        (StatusCode::OK, "All rooms successfully processed for deletion".to_owned())
    } else {
        (StatusCode::BAD_REQUEST, format!("{} room(s) failed to process while deleting", failed.len()))
    };
    Ok((status, Json(BulkDeletion { message, successful, failed })))
}
