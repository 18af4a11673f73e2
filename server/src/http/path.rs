//! Ids in paths.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use meet_api::RoomId;
use meet_domain::name;

use super::error::ApiError;

/// The percent-decoded parameters of a path, unchecked: credentials are looked at first.
pub(crate) struct PathText(Vec<(String, String)>);

impl<S: Sync + Send> FromRequestParts<S> for PathText {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        // What is no UTF-8 behind the percent signs names nothing.
        let parameters = RawPathParams::from_request_parts(parts, state).await;
        let parameters =
            parameters.map(|all| all.iter().map(|(name, text)| (name.into(), text.into())).collect());
        Ok(PathText(parameters.unwrap_or_default()))
    }
}

impl PathText {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text)
    }

    pub(crate) fn room_id(&self) -> Result<RoomId, ApiError> {
        name::room_id(self.text("roomId"), "roomId").map_err(ApiError::Invalid)
    }
}
