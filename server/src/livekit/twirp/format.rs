//! The two forms of a body. JSON is read in camelCase and in snake_case, and written as LiveKit's
//! server writes it (see `shape`).

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sfu_protocol::VideoGrant;

use super::error::{Code, TwirpError};
use super::shape::Shape;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/protobuf");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Json,
    Protobuf,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap) -> Result<Format, TwirpError> {
        let value =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match value.split(';').next().unwrap_or_default().trim() {
            "application/json" => Ok(Format::Json),
            "application/protobuf" => Ok(Format::Protobuf),
            other => Err(TwirpError::new(Code::BadRoute, format!("unexpected Content-Type: \"{other}\""))),
        }
    }
}

/// A call whose method is not yet decided.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) format: Format,
    pub(super) body: Bytes,
    /// Of the verified token; all false where it has none.
    pub(super) grant: VideoGrant,
}

impl Call {
    pub(super) fn question<T>(&self) -> Result<T, TwirpError>
    where
        T: prost::Message + Default + DeserializeOwned,
    {
        match self.format {
            Format::Protobuf => T::decode(self.body.clone())
                .map_err(|_| TwirpError::new(Code::Malformed, "the protobuf request could not be decoded")),
            Format::Json => serde_json::from_slice(&self.body)
                .map_err(|_| TwirpError::new(Code::Malformed, "the json request could not be decoded")),
        }
    }

    pub(super) fn answer<T>(&self, answer: &T, shape: &Shape) -> Result<Response, TwirpError>
    where
        T: prost::Message + Serialize,
    {
        match self.format {
            Format::Protobuf => {
                Ok(([(header::CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response())
            }
            Format::Json => {
                let value = serde_json::to_value(answer)
                    .map_err(|_| TwirpError::new(Code::Unavailable, "the answer could not be encoded"))?;
                Ok(Json(shape.complete(value)).into_response())
            }
        }
    }
}
