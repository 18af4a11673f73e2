//! Errors as Twirp writes them: JSON with a code, whatever the form of the question.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    InvalidArgument,
    Malformed,
    Unauthenticated,
    NotFound,
    BadRoute,
    DeadlineExceeded,
    FailedPrecondition,
    Unimplemented,
    Unavailable,
    /// Not Twirp's: the limit of the HTTP server.
    TooLarge,
}

impl Code {
    fn describe(self) -> (StatusCode, &'static str) {
        match self {
            Code::InvalidArgument => (StatusCode::BAD_REQUEST, "invalid_argument"),
            Code::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
            Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Code::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Code::BadRoute => (StatusCode::NOT_FOUND, "bad_route"),
            Code::DeadlineExceeded => (StatusCode::REQUEST_TIMEOUT, "deadline_exceeded"),
            Code::FailedPrecondition => (StatusCode::PRECONDITION_FAILED, "failed_precondition"),
            Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "unimplemented"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Code::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "resource_exhausted"),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TwirpError {
    code: Code,
    message: String,
}

impl TwirpError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A missing grant counts as a missing identity.
    pub(super) fn denied() -> Self {
        Self::new(Code::Unauthenticated, "permissions denied")
    }

    pub(super) fn unimplemented(method: &str) -> Self {
        Self::new(Code::Unimplemented, format!("{method} is not implemented"))
    }

    pub(super) fn no_room() -> Self {
        Self::new(Code::NotFound, "requested room does not exist")
    }

    pub(super) fn no_participant() -> Self {
        Self::new(Code::NotFound, "participant does not exist")
    }
}

impl From<sfu::JoinError> for TwirpError {
    fn from(error: sfu::JoinError) -> Self {
        Self::new(Code::Unavailable, error.to_string())
    }
}

impl From<sfu::AdminError> for TwirpError {
    fn from(error: sfu::AdminError) -> Self {
        let code = match error {
            sfu::AdminError::NoParticipant | sfu::AdminError::NoTrack => Code::NotFound,
            sfu::AdminError::RemoteUnmute => Code::FailedPrecondition,
        };
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for TwirpError {
    fn into_response(self) -> Response {
        let (status, code) = self.code.describe();
        (status, Json(json!({ "code": code, "msg": self.message }))).into_response()
    }
}
