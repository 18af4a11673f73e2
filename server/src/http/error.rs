//! Failed answers: the one place where an error becomes a status and a body (contract 0.5).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use meet_api::{DeletionRefusal, ErrorBody, ParticipantIdentity, Problem, RoomId};

use crate::store::StoreError;
use crate::tokens::TokenError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("malformed body")]
    MalformedBody,
    #[error("body too large")]
    BodyTooLarge,
    #[error("{} problem(s) in the request", .0.len())]
    Invalid(Vec<Problem>),
    #[error("no such path")]
    PathNotFound,
    #[error("no accepted credential")]
    Unauthorized,
    #[error("invalid token")]
    InvalidToken,
    #[error("invalid API key")]
    InvalidApiKey,
    #[error("no API key exists")]
    NoApiKeys,
    #[error("insufficient permissions")]
    Forbidden,
    #[error("room {0} does not exist")]
    NoRoom(RoomId),
    #[error("room {0} is closed")]
    RoomClosed(RoomId),
    #[error("unknown secret for room {room}")]
    UnknownSecret { room: RoomId, secret: String },
    #[error("room {room} cannot be deleted: {refusal:?}")]
    DeletionRefused { room: RoomId, refusal: DeletionRefusal },
    #[error("no participant token")]
    NoParticipantToken,
    #[error("invalid participant token")]
    InvalidParticipantToken,
    #[error("no participant role")]
    NoParticipantRole,
    #[error("no participant identity")]
    NoParticipantIdentity,
    #[error("no participant {identity} in room {room}")]
    NoParticipant { identity: ParticipantIdentity, room: RoomId },
    #[error("while {operation}: {cause}")]
    Internal { operation: &'static str, cause: InternalCause },
}

/// What went wrong on our side; never shown outside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InternalCause {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Says what was being done when something failed on our side.
pub(crate) trait While<T> {
    fn while_(self, operation: &'static str) -> Result<T, ApiError>;
}

impl<T, E: Into<InternalCause>> While<T> for Result<T, E> {
    fn while_(self, operation: &'static str) -> Result<T, ApiError> {
        self.map_err(|cause| ApiError::Internal { operation, cause: cause.into() })
    }
}

impl ApiError {
    /// Status and body; also what a bulk operation reports for one of its items.
    pub(crate) fn describe(&self) -> (StatusCode, ErrorBody) {
        let (status, error, message): (_, _, String) = match self {
            Self::MalformedBody => (StatusCode::BAD_REQUEST, "Bad Request", "Malformed body".into()),
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large", "Body exceeds 100 kB".into())
            }
            Self::Invalid(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Entity", "Invalid request".into())
            }
            Self::PathNotFound => {
                (StatusCode::NOT_FOUND, "Path Not Found", "API path not implemented".into())
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, AUTHENTICATION, "Unauthorized".into()),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, AUTHENTICATION, "Invalid token".into()),
            Self::InvalidApiKey => (StatusCode::UNAUTHORIZED, AUTHENTICATION, "Invalid API key".into()),
            Self::NoApiKeys => (
                StatusCode::UNAUTHORIZED,
                AUTHENTICATION,
                "There are no API keys configured yet. Please, create one to access the API".into(),
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Authorization Error",
                "Insufficient permissions to access this resource".into(),
            ),
            Self::NoRoom(room) => (StatusCode::NOT_FOUND, ROOM, format!("Room '{room}' does not exist")),
            Self::RoomClosed(room) => {
                (StatusCode::CONFLICT, ROOM, format!("Room '{room}' is closed and cannot be joined"))
            }
            Self::UnknownSecret { room, secret } => (
                StatusCode::BAD_REQUEST,
                ROOM,
                format!("Secret '{secret}' is not recognized for room '{room}'"),
            ),
            Self::DeletionRefused { room, refusal } => {
                (StatusCode::CONFLICT, refusal.code(), refusal.message(room))
            }
            Self::NoParticipantToken => {
                (StatusCode::BAD_REQUEST, PARTICIPANT, "No participant token provided".into())
            }
            Self::InvalidParticipantToken => {
                (StatusCode::BAD_REQUEST, PARTICIPANT, "Invalid participant token".into())
            }
            Self::NoParticipantRole => {
                (StatusCode::BAD_REQUEST, PARTICIPANT, "No valid participant role provided".into())
            }
            Self::NoParticipantIdentity => {
                (StatusCode::BAD_REQUEST, PARTICIPANT, "No participant identity provided".into())
            }
            Self::NoParticipant { identity, room } => (
                StatusCode::NOT_FOUND,
                PARTICIPANT,
                format!("Participant '{identity}' not found in room '{room}'"),
            ),
            Self::Internal { operation, .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                format!("Unexpected error while {operation}"),
            ),
        };
        let details = if let Self::Invalid(problems) = self { problems.clone() } else { Vec::new() };
        (status, ErrorBody { error: error.to_owned(), message, details })
    }

    /// Writes down what must not be shown.
    pub(crate) fn log(&self) {
        if let Self::Internal { operation, cause } = self {
            tracing::error!(%cause, "error while {operation}");
        }
    }
}

const AUTHENTICATION: &str = "Authentication Error";
const ROOM: &str = "Room Error";
const PARTICIPANT: &str = "Participant Error";

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let (status, body) = self.describe();
        (status, Json(body)).into_response()
    }
}
