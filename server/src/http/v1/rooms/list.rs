//! `GET /api/v1/rooms`: rooms in order of their ids, page by page (contract 1.2).
//!
//! Query: `maxItems`, `nextPageToken`, `fields`, `roomName` (prefix of the id). Errors: 401, 422.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meet_api::{MeetRoom, Pagination, Problem};
use meet_domain::list;
use serde::Serialize;

use crate::app::App;
use crate::http::auth;
use crate::http::base::Base;
use crate::http::error::{ApiError, While};
use crate::http::query::Query;
use crate::http::selection::Selected;

const TOKEN_PREFIX: &str = "rooms/";

#[derive(Serialize)]
struct Answer {
    rooms: Vec<Selected<MeetRoom>>,
    pagination: Pagination,
}

pub(super) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    base: Base,
    Query(query): Query,
) -> Result<impl IntoResponse, ApiError> {
    auth::administrator(&app, &headers, &query).await?;
    let query = list::rooms(&query).map_err(ApiError::Invalid)?;
    let after = query.next_page_token.as_deref().map(last_of_page).transpose()?;
    let page = app
        .store
        .rooms(query.id_prefix.as_deref(), after.as_deref(), query.max_items)
        .await
        .while_("listing rooms")?;
    let next_page_token =
        page.rooms.last().filter(|_| page.is_truncated).map(|room| page_token(room.id.as_str()));
    let rooms = page.rooms.iter().map(|room| Selected::new(room.view(&base.url), &query.fields));
    Ok(Json(Answer {
        rooms: rooms.collect::<Result<_, _>>()?,
        pagination: Pagination {
            is_truncated: page.is_truncated,
            next_page_token,
            max_items: query.max_items,
        },
    }))
}

/// Names the last room of a page; opaque to clients.
fn page_token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN_PREFIX}{last}"))
}

fn last_of_page(token: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(TOKEN_PREFIX).map(str::to_owned))
        .ok_or_else(|| ApiError::Invalid(vec![Problem::new("nextPageToken", "Invalid nextPageToken")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_tokens_are_read_back_and_others_refused() {
        assert_eq!(page_token("demo-123"), "cm9vbXMvZGVtby0xMjM");
        assert_eq!(last_of_page("cm9vbXMvZGVtby0xMjM").unwrap(), "demo-123");
        assert!(last_of_page("cm9v").is_err());
        assert!(last_of_page("%").is_err());
    }
}
