//! What can go wrong with a call.

use thiserror::Error;

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum ApiError {
    #[error("the server cannot be reached")]
    Unreachable,
    /// The server refused; `message` is its own, for logs only.
    #[error("refused with status {status}: {message}")]
    Refused { status: u16, message: String },
    #[error("the answer cannot be read")]
    Unreadable,
}

impl ApiError {
    /// Status of a refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable | Self::Unreadable => None,
        }
    }
}
