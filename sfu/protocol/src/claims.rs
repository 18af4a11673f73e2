//! Claims of a LiveKit access token (contract livekit.md 1.5). Signing and verification belong to
//! the server: only it has the secrets.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::proto::participant_info::Kind;

/// Payload of an access token. Claims that nobody here reads (`sip`, `agent`, `roomConfig`,
/// `roomPreset`, ...) are tolerated.
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
    #[serde(skip_serializing_if = "HashMap::is_empty", deserialize_with = "null_is_default")]
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
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_default")]
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

/// Some SDKs write an absent collection as `null`.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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

    pub fn may_subscribe_metrics(&self) -> bool {
        self.can_subscribe_metrics.unwrap_or(false)
    }
}

impl Claims {
    /// `sub`, or `jti` where that is empty.
    pub fn identity(&self) -> &str {
        if self.sub.is_empty() { self.jti.as_deref().unwrap_or_default() } else { &self.sub }
    }

    /// An unknown kind counts as a standard participant.
    pub fn participant_kind(&self) -> Kind {
        Kind::from_str_name(&self.kind.to_ascii_uppercase()).unwrap_or(Kind::Standard)
    }

    /// Not counted as participants, and cannot keep a room open (contract 1.5).
    pub fn is_dependent(&self) -> bool {
        matches!(self.participant_kind(), Kind::Egress | Kind::Agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Claims {
        serde_json::from_str(json).unwrap()
    }

    /// Payload as the Node SDK writes it.
    const NODE: &str = r#"{"metadata":"{\"role\":\"moderator\"}","name":"Alice","attributes":{"seat":"1"},
        "video":{"roomJoin":true,"room":"r","canPublish":true,"canPublishSources":["camera","microphone"]},
        "roomConfig":{"name":"r","emptyTimeout":60,"agents":[{"agentName":"a"}]},"roomPreset":"p",
        "sip":{"admin":true},"iss":"devkey","exp":1795561600,"nbf":0,"sub":"alice"}"#;

    #[test]
    fn a_token_of_an_sdk_is_read() {
        let claims = parse(NODE);
        assert_eq!(claims.identity(), "alice");
        assert_eq!(claims.name, "Alice");
        assert_eq!(claims.exp, 1_795_561_600);
        assert_eq!(claims.attributes["seat"], "1");
        let video = claims.video.unwrap();
        assert!(video.room_join && !video.room_admin);
        assert_eq!(video.can_publish_sources, ["camera", "microphone"]);
    }

    #[test]
    fn absent_grants_have_livekits_defaults() {
        let video = parse(r#"{"video":{"roomJoin":true}}"#).video.unwrap();
        assert!(video.may_publish() && video.may_subscribe() && video.may_publish_data());
        assert!(!video.may_update_own_metadata() && !video.may_subscribe_metrics());
        let video = parse(r#"{"video":{"canPublish":false}}"#).video.unwrap();
        assert!(!video.may_publish_data(), "data follows publishing");
    }

    #[test]
    fn jti_stands_in_for_an_empty_subject() {
        assert_eq!(parse(r#"{"jti":"bob"}"#).identity(), "bob");
        assert_eq!(parse(r#"{"sub":"alice","jti":"bob"}"#).identity(), "alice");
        assert_eq!(parse("{}").identity(), "");
    }

    #[test]
    fn null_collections_are_empty() {
        let claims = parse(r#"{"attributes":null,"video":{"canPublishSources":null}}"#);
        assert!(claims.attributes.is_empty());
        assert!(claims.video.unwrap().can_publish_sources.is_empty());
    }

    #[test]
    fn kinds_are_known_by_their_lower_case_names() {
        for (text, kind, dependent) in [
            ("", Kind::Standard, false),
            ("standard", Kind::Standard, false),
            ("ingress", Kind::Ingress, false),
            ("egress", Kind::Egress, true),
            ("sip", Kind::Sip, false),
            ("agent", Kind::Agent, true),
            ("connector", Kind::Connector, false),
            ("robot", Kind::Standard, false),
        ] {
            let claims = Claims { kind: text.into(), ..Claims::default() };
            assert_eq!(claims.participant_kind(), kind, "{text}");
            assert_eq!(claims.is_dependent(), dependent, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let claims = parse(NODE);
        let json = serde_json::to_string(&claims).unwrap();
        assert_eq!(parse(&json), claims);
        assert!(!json.contains("canSubscribe"), "absent grants stay absent: {json}");
    }
}
