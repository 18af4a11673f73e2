//! Participant tokens (contract 4.6, 0.6).

use serde::{Deserialize, Serialize};

use crate::{MeetPermissions, ParticipantIdentity, Role, RoomId};

/// Body of `POST /internal-api/v1/participants/token` and `…/token/refresh`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    pub room_id: RoomId,
    pub secret: String,
    /// Without it the token only allows to read the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_identity: Option<ParticipantIdentity>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Token {
    pub token: String,
}

/// The `metadata` claim of a participant token, a JSON string there; the media server shows it to
/// everybody in the room.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberMetadata {
    /// Where to open the signalling socket, `ws://` or `wss://`.
    pub livekit_url: String,
    /// Every role this participant may act in.
    pub roles: Vec<MetadataRole>,
    pub selected_role: Role,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MetadataRole {
    pub role: Role,
    pub permissions: MeetPermissions,
}
