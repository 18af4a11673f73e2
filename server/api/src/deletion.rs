//! Deletion of rooms: policies, codes, answers (contract 1.4).

use serde::{Deserialize, Serialize};

use crate::{MeetRoom, RoomId};

/// What to do with a running meeting.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithMeeting {
    Force,
    WhenMeetingEnds,
    Fail,
}

/// What to do with existing recordings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithRecordings {
    Force,
    Close,
    Fail,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $rest:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
        pub enum $name {
            $(#[serde(rename = $code)] $variant,)*
        }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)* }
            }

            /// The sentence that goes with the code.
            pub fn message(self, room: &RoomId) -> String {
                let rest = match self { $($name::$variant => $rest,)* };
                format!("Room '{room}' {rest}")
            }
        }
    };
}

codes! {
    /// How a deletion went.
    DeletionCode {
        RoomDeleted = "room_deleted", "deleted successfully";
        MeetingRoomDeleted = "room_with_active_meeting_deleted", "with active meeting deleted successfully";
        MeetingRoomScheduled = "room_with_active_meeting_scheduled_to_be_deleted",
            "with active meeting scheduled to be deleted when the meeting ends";
        RoomAndRecordingsDeleted = "room_and_recordings_deleted", "and its recordings deleted successfully";
        RoomClosed = "room_closed", "has been closed instead of deleted because it has recordings";
        MeetingRoomAndRecordingsDeleted = "room_with_active_meeting_and_recordings_deleted",
            "with active meeting and its recordings deleted successfully";
        MeetingRoomClosed = "room_with_active_meeting_closed",
            "with active meeting has been closed instead of deleted because it has recordings";
        MeetingRoomAndRecordingsScheduled = "room_with_active_meeting_and_recordings_scheduled_to_be_deleted",
            "with active meeting and its recordings scheduled to be deleted when the meeting ends";
        MeetingRoomScheduledToClose = "room_with_active_meeting_scheduled_to_be_closed",
            "with active meeting scheduled to be closed when the meeting ends because it has recordings";
    }
}

codes! {
    /// Why a deletion was refused; the code sits in `error` of the 409 answer.
    DeletionRefusal {
        HasMeeting = "room_has_active_meeting", "cannot be deleted because it has an active meeting.";
        HasRecordings = "room_has_recordings", "cannot be deleted because it has recordings.";
        MeetingRoomHasRecordings = "room_with_active_meeting_has_recordings",
            "with active meeting cannot be deleted because it has recordings.";
        CannotSchedule = "room_with_active_meeting_has_recordings_cannot_schedule_deletion",
            "with active meeting cannot be scheduled to be deleted because it has recordings.";
        RecordedRoomHasMeeting = "room_with_recordings_has_active_meeting",
            "with recordings cannot be deleted because it has an active meeting.";
    }
}

/// Answer of `DELETE /api/v1/rooms/{roomId}`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomDeletion {
    pub success_code: DeletionCode,
    pub message: String,
    /// Present when the room survives, at least for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<MeetRoom>,
}

/// Answer of `DELETE /api/v1/rooms`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct BulkDeletion {
    pub message: String,
    pub successful: Vec<BulkSuccess>,
    /// Absent when everything went well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<BulkFailure>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkSuccess {
    pub room_id: RoomId,
    pub success_code: DeletionCode,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<MeetRoom>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkFailure {
    pub room_id: RoomId,
    pub error: String,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_they_serialize() {
        for code in DeletionCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.code());
        }
        for code in DeletionRefusal::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.code());
        }
    }

    #[test]
    fn messages_name_the_room() {
        assert_eq!(
            DeletionRefusal::HasMeeting.message(&RoomId::from("a-1")),
            "Room 'a-1' cannot be deleted because it has an active meeting."
        );
    }
}
