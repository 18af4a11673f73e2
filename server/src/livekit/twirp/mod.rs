//! LiveKit's server API over Twirp: `POST /twirp/livekit.<Service>/<Method>` (contract livekit.md
//! 6.1). Bodies are proto JSON or protobuf, the answer has the form of the question.

mod error;
mod format;
mod room_service;
mod shape;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::any;
use tokio::time::timeout;

use super::access::bearer;
use crate::app::App;
use crate::tokens::Expiry;
use error::{Code, TwirpError};
use format::{Call, Format};

const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Services of LiveKit that this server does not offer; anything else is no route at all.
const OTHER_SERVICES: &[&str] =
    &["livekit.Egress", "livekit.Ingress", "livekit.SIP", "livekit.AgentDispatchService"];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/twirp/{service}/{method}", any(handle))
}

async fn handle(
    State(app): State<App>,
    Path((service, method)): Path<(String, String)>,
    request: Request,
) -> Result<Response, TwirpError> {
    if request.method() != axum::http::Method::POST {
        return Err(TwirpError::new(Code::BadRoute, "only POST is allowed"));
    }
    let format = Format::of(request.headers())?;
    let (parts, body) = request.into_parts();
    // Before the body is read: only those who may call may make us hold one.
    let token = bearer(&parts.headers).ok_or_else(TwirpError::denied)?;
    let token = app
        .keys
        .verify(token, Expiry::Checked)
        .map_err(|error| TwirpError::new(Code::Unauthenticated, error.to_string()))?;
    let grant = token.claims.video.unwrap_or_default();
    let call = Call { format, body: read(body).await?, grant };
    match service.as_str() {
        "livekit.RoomService" => room_service::dispatch(&app, &method, call).await,
        other if OTHER_SERVICES.contains(&other) => Err(TwirpError::unimplemented(&method)),
        other => Err(TwirpError::new(Code::BadRoute, format!("no service {other}"))),
    }
}

async fn read(body: Body) -> Result<bytes::Bytes, TwirpError> {
    match timeout(PATIENCE, axum::body::to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(TwirpError::new(Code::TooLarge, "body too large")),
        Err(_) => Err(TwirpError::new(Code::DeadlineExceeded, "body did not arrive in time")),
    }
}
