//! Credentials of the REST API (contract 0.6). Order: API key, access token, participant token; the
//! first that is present decides.

use axum::http::HeaderMap;
use meet_api::{Role, RoomId};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::error::{ApiError, While};
use crate::app::App;
use crate::tokens::Expiry;

const API_KEY: &str = "x-api-key";
const PARTICIPANT_TOKEN: &str = "x-participant-token";
const PARTICIPANT_ROLE: &str = "x-participant-role";

/// Who calls.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Caller {
    Administrator,
    Participant { room: RoomId, role: Role },
}

/// For routes that only an administrator may use.
pub(crate) async fn administrator(app: &App, headers: &HeaderMap, query: &Value) -> Result<(), ApiError> {
    if api_key(app, headers).await? {
        return Ok(());
    }
    access_token(headers, query)?;
    Err(ApiError::Unauthorized)
}

/// For routes that participants may use too.
pub(crate) async fn administrator_or_participant(
    app: &App,
    headers: &HeaderMap,
    query: &Value,
) -> Result<Caller, ApiError> {
    if api_key(app, headers).await? {
        return Ok(Caller::Administrator);
    }
    access_token(headers, query)?;
    participant(app, headers)
}

/// For routes that only a moderator of this room may use: an administrator is no participant.
pub(crate) fn moderator(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<(), ApiError> {
    match participant(app, headers)? {
        Caller::Participant { room: own, role: Role::Moderator } if own == *room => Ok(()),
        Caller::Participant { .. } | Caller::Administrator => Err(ApiError::Forbidden),
    }
}

/// True for the right key, false without any.
async fn api_key(app: &App, headers: &HeaderMap) -> Result<bool, ApiError> {
    let Some(given) = headers.get(API_KEY).filter(|value| !value.is_empty()) else { return Ok(false) };
    let Some(key) = app.store.api_key().await.while_("checking the API key")? else {
        return Err(ApiError::NoApiKeys);
    };
    if bool::from(given.as_bytes().ct_eq(key.as_bytes())) { Ok(true) } else { Err(ApiError::InvalidApiKey) }
}

/// Nobody can log in yet, so whatever claims to be an access token is not one.
fn access_token(headers: &HeaderMap, query: &Value) -> Result<(), ApiError> {
    let in_query = query.get("accessToken").and_then(Value::as_str).is_some_and(|token| !token.is_empty());
    if in_query || bearer(headers, "authorization").is_some() { Err(ApiError::InvalidToken) } else { Ok(()) }
}

fn participant(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let token = participant_token(headers).ok_or(ApiError::Unauthorized)?;
    let token = app.keys.verify_participant(token, Expiry::Checked).map_err(|error| {
        tracing::debug!(%error, "participant token refused");
        ApiError::InvalidToken
    })?;
    let role = headers
        .get(PARTICIPANT_ROLE)
        .and_then(|value| value.to_str().ok())
        .and_then(Role::from_name)
        .ok_or(ApiError::NoParticipantRole)?;
    if !token.roles.contains(&role) {
        return Err(ApiError::Forbidden);
    }
    Ok(Caller::Participant { room: token.room, role })
}

/// The token as it was sent, unverified.
pub(crate) fn participant_token(headers: &HeaderMap) -> Option<&str> {
    bearer(headers, PARTICIPANT_TOKEN)
}

/// A header without the exact prefix `Bearer ` counts as absent.
fn bearer<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.strip_prefix("Bearer ")
}
