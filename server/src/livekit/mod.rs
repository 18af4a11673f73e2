//! LiveKit's HTTP surface in front of the SFU (contract livekit.md 1 and 6).

use axum::Router;
use axum::routing::get;

use crate::app::App;
use crate::http::normalised;

/// Everything on LiveKit's own port.
pub fn router(app: App) -> Router {
    // `/` tells that we live; browsers send HEAD to probe the network.
    normalised(routes(app).route("/", get(async || "OK")))
}

/// What is also on the web port.
pub(crate) fn routes(_app: App) -> Router {
    Router::new()
}
