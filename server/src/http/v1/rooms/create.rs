//! `POST /api/v1/rooms`: makes a room (contract 1.3). 201 with the room and its `Location`.
//!
//! Errors: 400 malformed body, 401, 422 with every problem of the body.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use meet_domain::Room;
use meet_domain::room::{self, RoomChance};
use rand::Rng;

use crate::app::App;
use crate::clock::now_ms;
use crate::http::auth;
use crate::http::base::Base;
use crate::http::body::Body;
use crate::http::error::{ApiError, While};
use crate::http::query::Query;

pub(super) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    base: Base,
    Query(query): Query,
    Body(body): Body,
) -> Result<impl IntoResponse, ApiError> {
    auth::administrator(&app, &headers, &query).await?;
    let now_ms = now_ms();
    let options = room::options(&body, now_ms).map_err(ApiError::Invalid)?;
    let room = Room::new(options, now_ms, chance());
    app.store.insert_room(&room).await.while_("creating room")?;
    tracing::info!(room = %room.id, "room created");
    let location = format!("{}/api/v1/rooms/{}", base.url, room.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(room.view(&base.url))))
}

/// From the operating system's seeded generator: secrets depend on it.
fn chance() -> RoomChance {
    let mut rng = rand::rng();
    RoomChance { id: rng.random(), moderator_secret: rng.random(), speaker_secret: rng.random() }
}
