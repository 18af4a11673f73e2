//! The body of every failed answer (contract 0.4).

use serde::{Deserialize, Serialize};

/// One thing that is wrong with a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// Dotted path, array positions as numbers: `appearance.themes.0.name`. Empty for the whole body.
    pub field: String,
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The kind, for example `Room Error`; a code for refused deletions.
    pub error: String,
    pub message: String,
    /// Only with status 422.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Problem>,
}
