//! The meeting as the views see it.

mod model;

pub use model::{EndReason, Participant, SessionState, Track};
