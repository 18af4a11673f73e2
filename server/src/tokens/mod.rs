//! JSON Web Tokens: HS256 with the media server's secret (contract 0.6, livekit.md 1.5).
//!
//! Invariant: a token of one kind never passes as another. Ours carry their kind in the claim
//! `tokenKind`; a token without it is one that some backend made for the media server.

mod participant;

pub(crate) use participant::{Participant, ParticipantGrant};

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sfu_protocol::Claims;

use crate::config::Signalling;

const LEEWAY_S: u64 = 60;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenKind {
    Participant,
}

/// A verified token.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Verified {
    #[serde(flatten)]
    pub(crate) claims: Claims,
    /// `None` for tokens made by others.
    #[serde(rename = "tokenKind", default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<TokenKind>,
}

/// Whether a token past its time is still good, as for renewing it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expiry {
    Checked,
    Ignored,
}

#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("invalid token: {0}")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error("invalid API key: {0}")]
    UnknownKey(String),
    #[error("invalid token: wrong kind")]
    Kind,
}

/// The key that signs and verifies all tokens.
#[derive(Clone)]
pub(crate) struct Keys {
    api_key: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}

impl Keys {
    pub(crate) fn new(config: &Signalling) -> Keys {
        let secret = config.api_secret.reveal().as_bytes();
        Keys {
            api_key: config.api_key.clone(),
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
        }
    }

    fn sign<T: Serialize>(&self, payload: &T) -> Result<String, TokenError> {
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), payload, &self.encoding)?)
    }

    /// Signs claims as they are, for `refresh_token`.
    pub(crate) fn sign_again(&self, token: &Verified) -> Result<String, TokenError> {
        self.sign(token)
    }

    /// Checks signature, issuer, `exp` (which must be there) and `nbf`.
    pub(crate) fn verify(&self, token: &str, expiry: Expiry) -> Result<Verified, TokenError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.validate_exp = expiry == Expiry::Checked;
        validation.validate_aud = false;
        let verified = jsonwebtoken::decode::<Verified>(token, &self.decoding, &validation)?.claims;
        if verified.claims.iss != self.api_key {
            return Err(TokenError::UnknownKey(verified.claims.iss));
        }
        Ok(verified)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::now_s;

    fn keys() -> Keys {
        Keys::new(&Signalling {
            port: 0,
            url: None,
            api_key: "devkey".to_owned(),
            api_secret: "secret".to_owned().into(),
            empty_timeout: std::time::Duration::ZERO,
            departure_timeout: std::time::Duration::ZERO,
        })
    }

    fn verify(payload: &Value) -> Result<Verified, TokenError> {
        let token = keys().sign(payload).unwrap();
        keys().verify(&token, Expiry::Checked)
    }

    #[test]
    fn a_token_of_livekits_sdks_is_accepted() {
        let token = verify(&json!({
            "iss": "devkey", "sub": "alice", "nbf": now_s(), "exp": now_s() + 600, "name": "Alice", "aud": "x",
            "video": { "roomJoin": true, "room": "a", "canPublish": false },
        }))
        .unwrap();
        assert_eq!(token.kind, None);
        assert_eq!(token.claims.identity(), "alice");
        assert!(!token.claims.video.unwrap().may_publish());
    }

    #[test]
    fn a_token_without_expiry_or_past_it_is_refused() {
        assert!(verify(&json!({ "iss": "devkey" })).is_err());
        assert!(verify(&json!({ "iss": "devkey", "exp": now_s() - 61 })).is_err());
        assert!(verify(&json!({ "iss": "devkey", "exp": now_s() - 30 })).is_ok(), "within the leeway");
        assert!(verify(&json!({ "iss": "devkey", "exp": now_s() + 600, "nbf": now_s() + 100 })).is_err());
    }

    #[test]
    fn a_token_of_another_key_algorithm_or_kind_is_refused() {
        let payload = json!({ "iss": "devkey", "exp": now_s() + 600 });
        assert!(matches!(
            verify(&json!({ "iss": "other", "exp": now_s() + 600 })),
            Err(TokenError::UnknownKey(key)) if key == "other"
        ));
        assert!(verify(&json!({ "iss": "devkey", "exp": now_s() + 600, "tokenKind": "refresh" })).is_err());
        let key = EncodingKey::from_secret(b"secret");
        let hs512 = jsonwebtoken::encode(&Header::new(Algorithm::HS512), &payload, &key).unwrap();
        assert!(keys().verify(&hs512, Expiry::Checked).is_err());
        let foreign = EncodingKey::from_secret(b"guess");
        let forged = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &payload, &foreign).unwrap();
        assert!(keys().verify(&forged, Expiry::Checked).is_err());
        // {"alg":"none"} and no signature.
        let body = keys().sign(&payload).unwrap();
        let body = body.split('.').nth(1).unwrap();
        assert!(keys().verify(&format!("eyJhbGciOiJub25lIn0.{body}."), Expiry::Checked).is_err());
    }

    #[test]
    fn expiry_may_be_ignored_but_not_the_signature() {
        let old = keys().sign(&json!({ "iss": "devkey", "exp": 1000 })).unwrap();
        assert!(keys().verify(&old, Expiry::Ignored).is_ok());
        assert!(keys().verify(&old[..old.len() - 2], Expiry::Ignored).is_err());
    }
}
