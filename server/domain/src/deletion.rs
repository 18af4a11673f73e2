//! When and how a room may be deleted (contract 1.4).

use meet_api::{
    DeletionCode, DeletionRefusal, MeetingEndAction, Problem, RoomId, WithMeeting, WithRecordings,
};
use serde_json::Value;

use crate::input::{Field, Object, Problems};
use crate::name;
use crate::room::{WITH_MEETING, WITH_RECORDINGS};

/// How the caller wants meetings and recordings to be treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    pub with_meeting: WithMeeting,
    pub with_recordings: WithRecordings,
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Remove the room, with its recordings if it has any, at once.
    Remove,
    /// Keep the room, closed.
    Close,
    /// Set the end action and end the meeting now.
    EndMeeting(MeetingEndAction),
    /// Set the end action and let the meeting go on.
    Schedule(MeetingEndAction),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    pub step: Step,
    pub code: DeletionCode,
}

impl Decision {
    /// Answered with 202 instead of 200.
    pub fn is_scheduled(self) -> bool {
        matches!(self.step, Step::Schedule(_))
    }

    /// Whether the answer carries the room.
    pub fn shows_room(self) -> bool {
        match self.step {
            Step::Remove | Step::EndMeeting(MeetingEndAction::Delete) => false,
            Step::Close | Step::Schedule(_) | Step::EndMeeting(_) => true,
        }
    }
}

/// The table of 1.4.2.
pub fn decide(meeting: bool, recordings: bool, policy: Policy) -> Result<Decision, DeletionRefusal> {
    use DeletionCode as Code;
    use DeletionRefusal as No;
    use MeetingEndAction::{Close, Delete};
    use Step::{EndMeeting, Remove, Schedule};
    use WithMeeting as M;
    use WithRecordings as R;

    let (step, code) = match (meeting, recordings, policy.with_meeting, policy.with_recordings) {
        (false, false, _, _) => (Remove, Code::RoomDeleted),
        (true, false, M::Force, _) => (EndMeeting(Delete), Code::MeetingRoomDeleted),
        (true, false, M::WhenMeetingEnds, _) => (Schedule(Delete), Code::MeetingRoomScheduled),
        (true, false, M::Fail, _) => return Err(No::HasMeeting),
        (false, true, _, R::Force) => (Remove, Code::RoomAndRecordingsDeleted),
        (false, true, _, R::Close) => (Step::Close, Code::RoomClosed),
        (false, true, _, R::Fail) => return Err(No::HasRecordings),
        (true, true, M::Force, R::Force) => (EndMeeting(Delete), Code::MeetingRoomAndRecordingsDeleted),
        (true, true, M::Force, R::Close) => (EndMeeting(Close), Code::MeetingRoomClosed),
        (true, true, M::Force, R::Fail) => return Err(No::MeetingRoomHasRecordings),
        (true, true, M::WhenMeetingEnds, R::Force) => {
            (Schedule(Delete), Code::MeetingRoomAndRecordingsScheduled)
        }
        (true, true, M::WhenMeetingEnds, R::Close) => (Schedule(Close), Code::MeetingRoomScheduledToClose),
        (true, true, M::WhenMeetingEnds, R::Fail) => return Err(No::CannotSchedule),
        (true, true, M::Fail, _) => return Err(No::RecordedRoomHasMeeting),
    };
    Ok(Decision { step, code })
}

/// Checks the query of `DELETE /api/v1/rooms/{roomId}`; whatever is absent means `fail`.
pub fn policy(query: &Value) -> Result<Policy, Vec<Problem>> {
    let mut problems = Problems::new();
    let policy =
        Field::root(query).object(&mut problems).and_then(|query| read_policy(&query, &mut problems));
    problems.finish(policy)
}

/// Checks the query of `DELETE /api/v1/rooms`: repaired ids without repetition, and the policy.
pub fn bulk(query: &Value) -> Result<(Vec<RoomId>, Policy), Vec<Problem>> {
    let mut problems = Problems::new();
    let bulk = Field::root(query).object(&mut problems).and_then(|query| {
        let ids = room_ids(&query.field("roomIds"), &mut problems);
        let policy = read_policy(&query, &mut problems);
        Some((ids?, policy?))
    });
    problems.finish(bulk)
}

fn read_policy(query: &Object<'_>, problems: &mut Problems) -> Option<Policy> {
    let with_meeting = match query.optional("withMeeting") {
        Some(field) => field.one_of(WITH_MEETING, problems),
        None => Some(WithMeeting::Fail),
    };
    let with_recordings = match query.optional("withRecordings") {
        Some(field) => field.one_of(WITH_RECORDINGS, problems),
        None => Some(WithRecordings::Fail),
    };
    Some(Policy { with_meeting: with_meeting?, with_recordings: with_recordings? })
}

/// Comma-separated text or a repeated parameter; what sanitises to nothing is dropped.
fn room_ids(field: &Field<'_>, problems: &mut Problems) -> Option<Vec<RoomId>> {
    let raw: Vec<&str> = match field.value {
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).flat_map(|item| item.split(',')).collect()
        }
        _ => field.string(problems)?.split(',').collect(),
    };
    let mut ids: Vec<RoomId> = Vec::new();
    for id in raw.into_iter().map(name::sanitize_id) {
        if !id.is_empty() && ids.iter().all(|known| known.as_str() != id) {
            ids.push(RoomId::from(id));
        }
    }
    if ids.is_empty() {
        problems.push(&field.path, "At least one valid roomId is required after sanitization");
        return None;
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MEETING: [WithMeeting; 3] = [WithMeeting::Force, WithMeeting::WhenMeetingEnds, WithMeeting::Fail];
    const RECORDINGS: [WithRecordings; 3] =
        [WithRecordings::Force, WithRecordings::Close, WithRecordings::Fail];

    /// Every row of 1.4.2, `-` standing for every value.
    const TABLE: &[(bool, bool, &str, &str, u16, &str, bool)] = &[
        (false, false, "-", "-", 200, "room_deleted", false),
        (true, false, "force", "-", 200, "room_with_active_meeting_deleted", false),
        (
            true,
            false,
            "when_meeting_ends",
            "-",
            202,
            "room_with_active_meeting_scheduled_to_be_deleted",
            true,
        ),
        (true, false, "fail", "-", 409, "room_has_active_meeting", false),
        (false, true, "-", "force", 200, "room_and_recordings_deleted", false),
        (false, true, "-", "close", 200, "room_closed", true),
        (false, true, "-", "fail", 409, "room_has_recordings", false),
        (true, true, "force", "force", 200, "room_with_active_meeting_and_recordings_deleted", false),
        (true, true, "force", "close", 200, "room_with_active_meeting_closed", true),
        (true, true, "force", "fail", 409, "room_with_active_meeting_has_recordings", false),
        (
            true,
            true,
            "when_meeting_ends",
            "force",
            202,
            "room_with_active_meeting_and_recordings_scheduled_to_be_deleted",
            true,
        ),
        (
            true,
            true,
            "when_meeting_ends",
            "close",
            202,
            "room_with_active_meeting_scheduled_to_be_closed",
            true,
        ),
        (
            true,
            true,
            "when_meeting_ends",
            "fail",
            409,
            "room_with_active_meeting_has_recordings_cannot_schedule_deletion",
            false,
        ),
        (true, true, "fail", "-", 409, "room_with_recordings_has_active_meeting", false),
    ];

    #[test]
    fn every_combination_follows_the_table() {
        let mut rows_met = 0;
        for meeting in [false, true] {
            for recordings in [false, true] {
                for with_meeting in MEETING {
                    for with_recordings in RECORDINGS {
                        let policy = Policy { with_meeting, with_recordings };
                        let (m, r) = (json!(with_meeting), json!(with_recordings));
                        let row = TABLE
                            .iter()
                            .find(|row| {
                                row.0 == meeting
                                    && row.1 == recordings
                                    && (row.2 == "-" || m == row.2)
                                    && (row.3 == "-" || r == row.3)
                            })
                            .unwrap();
                        let (status, code, room) = match decide(meeting, recordings, policy) {
                            Ok(decision) => {
                                let status = if decision.is_scheduled() { 202 } else { 200 };
                                (status, decision.code.code(), decision.shows_room())
                            }
                            Err(refusal) => (409, refusal.code(), false),
                        };
                        assert_eq!((status, code, room), (row.4, row.5, row.6), "{policy:?}");
                        rows_met += 1;
                    }
                }
            }
        }
        assert_eq!(rows_met, 36);
    }

    #[test]
    fn absent_policies_mean_fail() {
        let fail = Policy { with_meeting: WithMeeting::Fail, with_recordings: WithRecordings::Fail };
        assert_eq!(policy(&json!({})), Ok(fail));
        assert_eq!(
            policy(&json!({ "withMeeting": "now", "withRecordings": ["force"] })),
            Err(vec![
                Problem::new(
                    "withMeeting",
                    "Invalid enum value. Expected 'force' | 'when_meeting_ends' | 'fail', received 'now'"
                ),
                Problem::new("withRecordings", "Expected 'force' | 'close' | 'fail', received array"),
            ])
        );
    }

    #[test]
    fn bulk_ids_are_repaired_and_told_apart() {
        let (ids, _) = bulk(&json!({ "roomIds": " a-1, !!,b -2,a-1,," })).unwrap();
        assert_eq!(ids, [RoomId::from("a-1"), RoomId::from("b-2")]);
        let (ids, _) = bulk(&json!({ "roomIds": ["a", "b,c"] })).unwrap();
        assert_eq!(ids.len(), 3);
        let nothing = "At least one valid roomId is required after sanitization";
        assert_eq!(bulk(&json!({ "roomIds": ",," })), Err(vec![Problem::new("roomIds", nothing)]));
        assert_eq!(bulk(&json!({ "roomIds": "" })), Err(vec![Problem::new("roomIds", nothing)]));
        assert_eq!(bulk(&json!({})), Err(vec![Problem::new("roomIds", "Required")]));
    }
}
