//! What the bundled app calls, `/internal-api/v1`. API keys are not accepted here.

mod access;
mod meetings;
mod participants;
mod rooms;

use axum::Router;

use super::error::ApiError;
use crate::app::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .nest("/meetings", meetings::routes())
        .nest("/rooms", rooms::routes())
        .nest("/participants", participants::routes())
        .fallback(async || ApiError::PathNotFound)
}
