//! Tokens of participants.

mod create_token;
mod refresh_token;

use axum::Router;
use axum::routing::post;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/token", post(create_token::handle))
        .route("/token/refresh", post(refresh_token::handle))
}
