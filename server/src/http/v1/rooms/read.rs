//! `GET /api/v1/rooms/{roomId}`: one room (contract 1.3). Query `fields`.
//!
//! Participants read their own room; speakers without the moderator's link. Errors: 400 no role
//! with a participant token, 401, 403 another room or role, 404, 422.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use meet_domain::list;

use crate::app::App;
use crate::http::auth::{self, Caller};
use crate::http::base::Base;
use crate::http::error::{ApiError, While};
use crate::http::path::PathText;
use crate::http::query::Query;
use crate::http::selection::Selected;

pub(super) async fn handle(
    State(app): State<App>,
    path: PathText,
    headers: HeaderMap,
    base: Base,
    Query(query): Query,
) -> Result<impl IntoResponse, ApiError> {
    let caller = auth::administrator_or_participant(&app, &headers, &query).await?;
    let id = path.room_id()?;
    let fields = list::fields(&query).map_err(ApiError::Invalid)?;
    if let Caller::Participant { room, .. } = &caller
        && *room != id
    {
        return Err(ApiError::Forbidden);
    }
    let room = app.store.room(&id).await.while_("reading room")?.ok_or(ApiError::NoRoom(id))?;
    let view = match caller {
        Caller::Administrator => room.view(&base.url),
        Caller::Participant { role, .. } => room.view_as(role, &base.url),
    };
    Ok(Json(Selected::new(view, &fields)?))
}
