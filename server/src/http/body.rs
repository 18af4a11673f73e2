//! Request bodies (contract 0.3): read and parsed for every route before anything else looks at the
//! request, so that a malformed one is refused before authentication and even on unknown paths.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::error::ApiError;
use super::query;

const MAX_BYTES: usize = 100 * 1024;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The parsed body: an object or an array; an empty object when there was none.
#[derive(Clone, Debug)]
pub(crate) struct Body(pub(crate) Value);

impl<S: Sync> FromRequestParts<S> for Body {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.remove().unwrap_or_else(empty))
    }
}

fn empty() -> Body {
    Body(Value::Object(Map::new()))
}

/// Middleware that parses the body and hands it on as an extension.
pub(crate) async fn parse(request: Request, next: Next) -> Response {
    let Some(format) = Format::of(request.headers()) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return ApiError::BodyTooLarge.into_response();
    }
    let bytes = match timeout(PATIENCE, axum::body::to_bytes(body, MAX_BYTES)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return ApiError::BodyTooLarge.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    match format.parse(&bytes) {
        Ok(body) => {
            parts.extensions.insert(body);
            next.run(Request::from_parts(parts, axum::body::Body::empty())).await
        }
        Err(error) => error.into_response(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Json,
    Form,
}

impl Format {
    /// `None` for other content types: their bodies are not looked at.
    fn of(headers: &HeaderMap) -> Option<Format> {
        let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next()?.trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Some(Format::Json)
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Some(Format::Form)
        } else {
            None
        }
    }

    fn parse(self, bytes: &[u8]) -> Result<Body, ApiError> {
        if bytes.is_empty() {
            return Ok(empty());
        }
        match self {
            Format::Form => Ok(Body(query::parse(&String::from_utf8_lossy(bytes)))),
            Format::Json => match serde_json::from_slice(bytes) {
                Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Body(value)),
                _ => Err(ApiError::MalformedBody),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_objects_and_arrays_are_bodies() {
        let parse = |text: &str| Format::Json.parse(text.as_bytes()).map(|body| body.0).ok();
        assert_eq!(parse(""), Some(json!({})));
        assert_eq!(parse(" {\"a\":1} "), Some(json!({ "a": 1 })));
        assert_eq!(parse("[]"), Some(json!([])));
        for text in ["1", "\"a\"", "null", "{", "{'a':1}", " "] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
