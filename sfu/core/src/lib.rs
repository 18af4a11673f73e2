//! The media core of the SFU, without a socket, a clock or a thread.
//!
//! Two state machines share this crate and talk only through [`media`]:
//!
//! - [`room::Room`] owns the control state of one room: participants, tracks, subscriptions, SDP.
//!   It runs on the room's task.
//! - [`shard::Shard`] owns transports and the packets that flow between them.
//!   It runs on the shard's thread.
//!
//! Both follow one rule: hand in what happened together with `now`, then drain the outputs until
//! there are none, and only then hand in the next thing.
//!
//! A room's transports all live on one shard, so forwarding never crosses threads
//! (`docs/decisions/2026-11-24-room-affinity.md`).

pub mod certificate;
pub mod forward;
#[doc(hidden)]
pub mod fuzz;
pub mod ids;
pub mod media;
pub mod room;
pub mod rtp;
pub mod sdp;
pub mod shard;
pub mod srtp;
pub mod transport;
