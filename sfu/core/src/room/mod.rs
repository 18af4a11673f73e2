//! The control state of one room: participants, tracks, subscriptions and SDP.
//! See `api.rs` for what goes in and comes out.

pub mod api;

pub use api::*;
