//! What a client asks for when it opens the signalling socket, in either of the two forms: query
//! parameters on `/rtc` (contract livekit.md 1.2) or a `join_request` on `/rtc/v1` (1.3).

use std::collections::HashMap;

use crate::proto;

/// Number of peer connections a client uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// `/rtc`: one to publish, one to subscribe.
    Dual,
    /// `/rtc/v1`: one for both; the client makes all offers.
    Single,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Reconnect {
    /// Sid of the participant to resume.
    pub participant_sid: String,
    pub reason: i32,
}

/// The opening request of a client, decoded.
#[derive(Clone, PartialEq, Debug)]
pub struct Connect {
    pub mode: Mode,
    pub auto_subscribe: bool,
    pub adaptive_stream: bool,
    pub disable_ice_lite: bool,
    pub reconnect: Option<Reconnect>,
    pub client: proto::ClientInfo,
    /// Only honoured with the `canUpdateOwnMetadata` grant.
    pub metadata: String,
    pub attributes: HashMap<String, String>,
    /// Processed after the join response and before the offer (single connection only).
    pub add_tracks: Vec<proto::AddTrackRequest>,
    pub publisher_offer: Option<proto::SessionDescription>,
    pub sync_state: Option<proto::SyncState>,
}
