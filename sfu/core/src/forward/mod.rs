//! What lies between receiving a decrypted packet and sealing it for a subscriber: reception state
//! of a published track, state of a track being sent, and the plaintext packets both share
//! (contract livekit.md 4.1, 4.2).
//!
//! Nothing here knows addresses or keys; the shard connects the two ends.

pub mod layer;
pub mod level;
pub mod loss;
pub mod ranges;
pub mod ring;
pub mod send;
pub mod track;
