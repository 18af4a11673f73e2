//! What moderators do to a running meeting.

mod end;
mod kick;

use axum::Router;
use axum::routing::delete;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{roomId}", delete(end::handle))
        .route("/{roomId}/participants/{identity}", delete(kick::handle))
}
