//! The web side: REST API, internal API, app. See `livekit` for the media server's routes.

pub(crate) mod assets;
mod auth;
mod base;
mod body;
mod cors;
mod error;
mod internal;
mod path;
mod query;
mod selection;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use rust_embed::RustEmbed;

use crate::app::App;
use error::ApiError;

/// Everything on the web port; `D` holds the files of the app.
pub fn router<D: RustEmbed + 'static>(app: App) -> Router {
    let livekit = crate::livekit::routes(app.clone());
    let assets = Arc::new(assets::Assets::<D>::new(app.config.signalling.url.clone()));
    let web = Router::new()
        .nest("/api/v1", v1::routes())
        .nest("/internal-api/v1", internal::routes())
        .route("/health", any(async || "OK"))
        .method_not_allowed_fallback(async || ApiError::PathNotFound)
        .fallback(async move |request: Request| fallback(&assets, request))
        .layer(middleware::from_fn(body::parse))
        .layer(middleware::from_fn_with_state(app.clone(), cors::allow))
        .with_state(app);
    normalised(livekit.fallback_service(web))
}

/// The app for whatever does not look like a call of an API, else the error of one (0.1).
fn fallback<D: RustEmbed>(assets: &assets::Assets<D>, request: Request) -> Response {
    let path = request.uri().path();
    let is_page = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_page && !path.contains("/api/") && !path.contains("/internal-api/") {
        assets.answer(path, request.headers())
    } else {
        ApiError::PathNotFound.into_response()
    }
}

/// Puts paths into the form that routes are written in, before they are matched: one leading slash
/// (livekit.md 1.1) and none at the end of API paths.
pub(crate) fn normalised(router: Router) -> Router {
    Router::new().fallback_service(router).layer(middleware::map_request(async |mut request: Request| {
        if let Some(uri) = normal(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    }))
}

fn normal(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    let rest = path.trim_start_matches('/');
    let is_api = rest.starts_with("api/") || rest.starts_with("internal-api/");
    let rest = if is_api { rest.trim_end_matches('/') } else { rest };
    if path.len() == rest.len() + 1 {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/{rest}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_into_one_form() {
        let normal = |text: &'static str| normal(&Uri::from_static(text)).map(|uri| uri.to_string());
        assert_eq!(normal("//rtc?a=1"), Some("/rtc?a=1".to_owned()));
        assert_eq!(normal("/api/v1/rooms/?a=/"), Some("/api/v1/rooms?a=/".to_owned()));
        assert_eq!(normal("/"), None);
        assert_eq!(normal("/room/a/"), None);
        assert_eq!(normal("/rtc/v1"), None);
    }
}
