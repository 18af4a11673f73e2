//! Rooms and their settings (contract 3.1, 3.2, 1.3).

use serde::{Deserialize, Serialize};

use crate::{RoomId, WithMeeting, WithRecordings};

/// A room as the public API shows it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeetRoom {
    pub room_id: RoomId,
    pub room_name: String,
    /// Milliseconds since the Unix epoch.
    pub creation_date: i64,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_deletion_date: Option<i64>,
    pub auto_deletion_policy: AutoDeletionPolicy,
    pub config: RoomConfig,
    /// Absent for speakers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderator_url: Option<String>,
    pub speaker_url: String,
    pub status: RoomStatus,
    pub meeting_end_action: MeetingEndAction,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomStatus {
    Open,
    ActiveMeeting,
    Closed,
}

/// What happens to the room when its current meeting ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeetingEndAction {
    None,
    Close,
    Delete,
}

/// How a room past its date is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoDeletionPolicy {
    pub with_meeting: WithMeeting,
    pub with_recordings: WithRecordings,
}

impl Default for AutoDeletionPolicy {
    fn default() -> Self {
        Self { with_meeting: WithMeeting::WhenMeetingEnds, with_recordings: WithRecordings::Close }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomConfig {
    pub recording: RecordingConfig,
    pub chat: Feature,
    pub virtual_background: Feature,
}

/// A feature that is on or off; on by default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Feature {
    pub enabled: bool,
}

impl Default for Feature {
    fn default() -> Self {
        Self { enabled: true }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingConfig {
    pub enabled: bool,
    /// Present when enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_access_to: Option<RecordingAccess>,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { enabled: true, allow_access_to: Some(RecordingAccess::AdminModeratorSpeaker) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingAccess {
    Admin,
    AdminModerator,
    AdminModeratorSpeaker,
}

/// Body of `POST /api/v1/rooms`, as a client writes it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRoom {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_name: Option<String>,
    /// Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_deletion_date: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_deletion_policy: Option<AutoDeletionPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<RoomConfig>,
}
