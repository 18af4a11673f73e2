//! LiveKit's HTTP surface in front of the SFU (contract livekit.md 1 and 6).
//!
//! Any room is opened by whoever comes first with a valid token, as LiveKit does; our own
//! participants' tokens are good only for rooms of Meet that admit them.

mod access;
mod rtc;
mod socket;
mod twirp;

use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::routing::get;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::app::App;
use crate::http::normalised;

const PREFLIGHT_LIFETIME: Duration = Duration::from_hours(24);

/// Everything on LiveKit's own port.
pub fn router(app: App) -> Router {
    // `/` tells that we live; browsers send HEAD to probe the network.
    normalised(routes(app).route("/", get(async || "OK").layer(cors())))
}

/// What is also on the web port.
pub(crate) fn routes(app: App) -> Router {
    Router::new().merge(rtc::routes()).merge(twirp::routes()).layer(cors()).with_state(app)
}

/// Any origin; credentials are in the token only.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::OPTIONS,
            Method::HEAD,
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers(AllowHeaders::mirror_request())
        .max_age(PREFLIGHT_LIFETIME)
}
