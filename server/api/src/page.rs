//! The envelope of lists (contract 1.2).

use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    pub is_truncated: bool,
    /// Opaque; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// What was really applied, after clamping.
    pub max_items: u32,
}

/// Answer of `GET /api/v1/rooms` without `fields`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RoomList {
    pub rooms: Vec<crate::MeetRoom>,
    pub pagination: Pagination,
}
