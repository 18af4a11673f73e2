//! The public REST API, `/api/v1`.

mod rooms;

use axum::Router;

use super::error::ApiError;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new().nest("/rooms", rooms::routes()).fallback(async || ApiError::PathNotFound)
}
