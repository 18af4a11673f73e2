//! Claims of a LiveKit access token (contract livekit.md 1.5). Signing and verification belong to
//! the server: only it has the secrets.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Payload of an access token.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Claims {
    /// API key that signed the token.
    pub iss: String,
    /// Participant identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sub: String,
    /// Stands in for `sub` when that is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Unix seconds; required.
    pub exp: u64,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub attributes: HashMap<String, String>,
    /// `standard`, `ingress`, `egress`, `sip`, `agent`, `connector` or `bridge`; empty means standard.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoGrant>,
    /// Base64 digest of a webhook body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The `video` grant. `None` means the claim is absent; see the accessors for the defaults.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoGrant {
    #[serde(skip_serializing_if = "is_false")]
    pub room_create: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub room_list: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub room_record: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub room_admin: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub room_join: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// `camera`, `microphone`, `screen_share`, `screen_share_audio`; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe_metrics: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    pub ingress_admin: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub recorder: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub agent: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_room: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl VideoGrant {
    pub fn may_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    pub fn may_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    pub fn may_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or(self.may_publish())
    }

    pub fn may_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }
}

impl Claims {
    /// `sub`, or `jti` where that is empty.
    pub fn identity(&self) -> &str {
        if self.sub.is_empty() { self.jti.as_deref().unwrap_or_default() } else { &self.sub }
    }
}
