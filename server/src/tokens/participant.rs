//! The token of a participant: opens the media room, and reads the Meet room it is for.

use meet_api::{LivekitPermissions, MemberMetadata, MetadataRole, ParticipantIdentity, Role, RoomId};
use meet_domain::permissions;
use serde::Serialize;

use super::{Expiry, Keys, TokenError, TokenKind};

const LIFETIME_S: u64 = 2 * 3600;

/// What a new token shall say.
#[derive(Clone, Debug)]
pub(crate) struct ParticipantGrant {
    pub(crate) room: RoomId,
    /// In the order in which they were acquired.
    pub(crate) roles: Vec<Role>,
    pub(crate) selected_role: Role,
    pub(crate) livekit_url: String,
    /// Without one the token only allows to read the room.
    pub(crate) participant: Option<Participant>,
}

#[derive(Clone, Debug)]
pub(crate) struct Participant {
    pub(crate) identity: ParticipantIdentity,
    pub(crate) name: String,
}

/// What a verified token says.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ParticipantToken {
    pub(crate) room: RoomId,
    /// Empty in a token that only allows to read the room.
    pub(crate) identity: String,
    pub(crate) roles: Vec<Role>,
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    nbf: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    metadata: String,
    video: LivekitPermissions,
    #[serde(rename = "tokenKind")]
    kind: TokenKind,
}

impl Keys {
    pub(crate) fn participant_token(
        &self,
        grant: &ParticipantGrant,
        now_s: u64,
    ) -> Result<String, TokenError> {
        let metadata = MemberMetadata {
            livekit_url: grant.livekit_url.clone(),
            roles: grant
                .roles
                .iter()
                .map(|role| MetadataRole { role: *role, permissions: permissions::meet(*role) })
                .collect(),
            selected_role: grant.selected_role,
        };
        self.sign(&Payload {
            iss: &self.api_key,
            sub: grant.participant.as_ref().map(|participant| participant.identity.as_str()),
            nbf: now_s,
            exp: now_s + LIFETIME_S,
            name: grant.participant.as_ref().map(|participant| participant.name.as_str()),
            metadata: serde_json::to_string(&metadata).map_err(|_| TokenError::Kind)?,
            video: LivekitPermissions {
                room_join: grant.participant.is_some(),
                ..permissions::livekit(&grant.room)
            },
            kind: TokenKind::Participant,
        })
    }

    /// Verifies a token of this kind.
    pub(crate) fn verify_participant(
        &self,
        token: &str,
        expiry: Expiry,
    ) -> Result<ParticipantToken, TokenError> {
        let verified = self.verify(token, expiry)?;
        if verified.kind != Some(TokenKind::Participant) {
            return Err(TokenError::Kind);
        }
        let metadata: MemberMetadata =
            serde_json::from_str(&verified.claims.metadata).map_err(|_| TokenError::Kind)?;
        let identity = verified.claims.identity().to_owned();
        let video = verified.claims.video.ok_or(TokenError::Kind)?;
        Ok(ParticipantToken {
            room: RoomId::from(video.room),
            identity,
            roles: metadata.roles.into_iter().map(|role| role.role).collect(),
        })
    }
}
