//! Access tokens (contract livekit.md 1.5).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sfu_protocol::{Claims, VideoGrant};

/// A token that lets `identity` into `room` with all a participant may do.
pub fn sign(
    key: &str,
    secret: &str,
    room: &str,
    identity: &str,
    lifetime: Duration,
) -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = Claims {
        iss: key.to_owned(),
        sub: identity.to_owned(),
        name: identity.to_owned(),
        exp: (now + lifetime).as_secs(),
        video: Some(VideoGrant { room_join: true, room: room.to_owned(), ..VideoGrant::default() }),
        ..Claims::default()
    };
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
}
