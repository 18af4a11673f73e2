//! The two roles of a meeting and what they may do (contract 4.5).

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Moderator,
    Speaker,
}

impl Role {
    /// As in the header `X-Participant-Role`.
    pub fn from_name(name: &str) -> Option<Role> {
        match name {
            "moderator" => Some(Role::Moderator),
            "speaker" => Some(Role::Speaker),
            _ => None,
        }
    }
}

/// Rights on the media server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LivekitPermissions {
    pub room_join: bool,
    pub room: crate::RoomId,
    pub can_publish: bool,
    pub can_subscribe: bool,
    pub can_publish_data: bool,
    pub can_update_own_metadata: bool,
}

/// Rights within the product.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeetPermissions {
    pub can_record: bool,
    pub can_chat: bool,
    pub can_change_virtual_background: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RolePermissions {
    pub livekit: LivekitPermissions,
    pub openvidu: MeetPermissions,
}

/// Answer of `GET /internal-api/v1/rooms/{roomId}/roles/{secret}`, element of `…/roles`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleWithPermissions {
    pub role: Role,
    pub permissions: RolePermissions,
}
