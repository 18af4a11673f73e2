//! Rooms.

mod create;
mod delete;
mod delete_many;
mod list;
mod read;

use axum::Router;
use axum::routing::get;

use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list::handle).post(create::handle).delete(delete_many::handle))
        .route("/{roomId}", get(read::handle).delete(delete::handle))
}
