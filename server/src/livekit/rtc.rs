//! `/rtc` and `/rtc/v1`: opens signalling sockets (contract livekit.md 1.1).
//!
//! The upgrade is accepted only when the SFU has produced its first message, so that whatever fails
//! before is an HTTP status.

use axum::Router;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sfu_protocol::Mode;
use sfu_protocol::codec::MAX_FRAME_BYTES;

use super::access::{Refusal, admit};
use super::socket;
use crate::app::App;

/// A room may end just when somebody joins it; the next attempt opens it anew.
const ATTEMPTS: usize = 3;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

pub(super) fn routes() -> Router<App> {
    let mut router = Router::new();
    for mode in [Mode::Dual, Mode::Single] {
        router = router
            .route(
                mode.path(),
                get(async move |app, upgrade, query, headers| open(mode, app, upgrade, query, headers).await),
            )
            .route(
                mode.validate_path(),
                get(async move |app, query, headers| validate(mode, app, query, headers).await),
            );
    }
    router
}

async fn validate(
    mode: Mode,
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<&'static str, Refusal> {
    admit(&app, mode, &headers, query.as_deref().unwrap_or_default()).await?;
    Ok("success")
}

async fn open(
    mode: Mode,
    State(app): State<App>,
    upgrade: Upgrade,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(upgrade) = upgrade else { return StatusCode::NOT_FOUND.into_response() };
    let admitted = match admit(&app, mode, &headers, query.as_deref().unwrap_or_default()).await {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal.into_response(),
    };
    let mut attempt = 1;
    let session = loop {
        let options = app.room_options(&admitted.room);
        match app.sfu.join(options, admitted.token.claims.clone(), admitted.connect.clone()).await {
            Ok(session) => break session,
            Err(sfu::JoinError::Unavailable) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Refusal::Join(error).into_response(),
        }
    };
    let kind = admitted.token.kind;
    upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .on_upgrade(async move |socket| socket::carry(app, kind, session, socket).await)
}
