//! Who may open a signalling socket (contract livekit.md 1.1, 1.5). Refusals are plain text.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use meet_api::RoomId;
use meet_domain::meeting;
use sfu_protocol::connect::ConnectError;
use sfu_protocol::{Connect, Mode};

use crate::app::App;
use crate::tokens::{Expiry, TokenKind, Verified};

/// Longest room name and identity.
const MAX_NAME_BYTES: usize = 256;

/// A request that may go on.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) room: String,
    pub(super) token: Verified,
    pub(super) connect: Connect,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("no token provided")]
    NoToken,
    #[error(transparent)]
    Token(#[from] crate::tokens::TokenError),
    #[error("permissions denied")]
    NoGrant,
    #[error("no room name")]
    NoRoomName,
    #[error("identity cannot be empty")]
    NoIdentity,
    #[error("room name or identity exceeds {MAX_NAME_BYTES} bytes")]
    TooLong,
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Clients look for this text to tell it from an unknown path.
    #[error("requested room does not exist")]
    NoRoom,
    #[error(transparent)]
    Join(#[from] sfu::JoinError),
    #[error("internal error")]
    Store(#[source] crate::store::StoreError),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoToken | Self::Token(_) | Self::NoGrant | Self::Connect(ConnectError::OwnMetadata) => {
                StatusCode::UNAUTHORIZED
            }
            Self::NoRoomName | Self::NoIdentity | Self::TooLong | Self::Connect(_) => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::NOT_FOUND,
            Self::Join(sfu::JoinError::Full) => StatusCode::TOO_MANY_REQUESTS,
            Self::Join(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match &self {
            Self::Store(error) => tracing::error!(%error, "cannot check the room of a participant"),
            refusal => tracing::debug!(%refusal, "signalling refused"),
        }
        (self.status(), self.to_string()).into_response()
    }
}

/// All checks of `/rtc` and its validation.
pub(super) async fn admit(
    app: &App,
    mode: Mode,
    headers: &HeaderMap,
    query: &str,
) -> Result<Admitted, Refusal> {
    let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let in_query =
        parameters.iter().find(|(name, _)| name == "access_token").map(|(_, value)| value.as_ref());
    let token = bearer(headers).or(in_query).filter(|token| !token.is_empty()).ok_or(Refusal::NoToken)?;
    let token = app.keys.verify(token, Expiry::Checked)?;

    let grant = token.claims.video.as_ref().filter(|grant| grant.room_join).ok_or(Refusal::NoGrant)?;
    let room = grant.room.clone();
    let identity = token.claims.identity();
    if room.is_empty() {
        return Err(Refusal::NoRoomName);
    }
    if identity.is_empty() {
        return Err(Refusal::NoIdentity);
    }
    if room.len() > MAX_NAME_BYTES || identity.len() > MAX_NAME_BYTES {
        return Err(Refusal::TooLong);
    }
    let connect = Connect::from_query(mode, parameters)?;
    connect.check(&token.claims)?;
    if token.kind == Some(TokenKind::Participant) {
        check_meet_room(app, &room).await?;
    }
    Ok(Admitted { room, token, connect })
}

/// Clients write the scheme in different cases.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A token outlives its room's deletion or closing; the room decides.
async fn check_meet_room(app: &App, room: &str) -> Result<(), Refusal> {
    let room = app.store.room(&RoomId::from(room)).await.map_err(Refusal::Store)?;
    if room.is_some_and(|room| meeting::admits(room.status)) { Ok(()) } else { Err(Refusal::NoRoom) }
}
