//! LiveKit's wire protocol: messages, their encodings, token claims, and the client's side of a session.
//!
//! Compiles to WebAssembly; has no clock, no socket and no source of chance.

pub mod claims;
pub mod client;
pub mod codec;
pub mod connect;
pub mod join_request;

/// LiveKit's protobuf messages.
pub use livekit_protocol as proto;

pub use claims::{Claims, VideoGrant};
pub use connect::{Connect, Mode, Reconnect};
