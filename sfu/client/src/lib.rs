//! A LiveKit client without a browser: joins, sends synthetic sound and pictures, and counts what
//! arrives. Load generator and conformance probe.
//!
//! The session is that of [`sfu_protocol::client`], the media stack is the `webrtc` crate: neither
//! shares code with the media server, so what they understand of each other is the protocol.

mod client;
mod peer;
mod received;
mod signal;
mod synthetic;
pub mod token;

pub use client::{Client, Options};
pub use received::{Counts, Totals};
