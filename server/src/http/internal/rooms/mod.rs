//! Roles of a room.

mod role;
mod roles;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{roomId}/roles", get(roles::handle))
        .route("/{roomId}/roles/{secret}", get(role::handle))
}
