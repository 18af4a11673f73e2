//! The state machine of a room (contract 6.1, 6.2).
//!
//! A meeting starts when the media server opens the room and ends when it closes it.

use meet_api::{MeetingEndAction, RoomStatus};

/// What is left of a room when its meeting is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterMeeting {
    /// The pending action is done with.
    Keep(RoomStatus),
    Delete,
}

/// State of a room whose meeting starts. A closed room refuses tokens, so only somebody with the
/// keys of the media server can start one there: it is closed again afterwards.
pub fn started(status: RoomStatus, action: MeetingEndAction) -> (RoomStatus, MeetingEndAction) {
    let action = match (status, action) {
        (RoomStatus::Closed, MeetingEndAction::None) => MeetingEndAction::Close,
        (_, action) => action,
    };
    (RoomStatus::ActiveMeeting, action)
}

pub fn finished(action: MeetingEndAction) -> AfterMeeting {
    match action {
        MeetingEndAction::None => AfterMeeting::Keep(RoomStatus::Open),
        MeetingEndAction::Close => AfterMeeting::Keep(RoomStatus::Closed),
        MeetingEndAction::Delete => AfterMeeting::Delete,
    }
}

/// Whether somebody with a participant token may enter.
pub fn admits(status: RoomStatus) -> bool {
    status != RoomStatus::Closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_action_decides_what_is_left() {
        assert_eq!(finished(MeetingEndAction::None), AfterMeeting::Keep(RoomStatus::Open));
        assert_eq!(finished(MeetingEndAction::Close), AfterMeeting::Keep(RoomStatus::Closed));
        assert_eq!(finished(MeetingEndAction::Delete), AfterMeeting::Delete);
    }

    #[test]
    fn a_start_keeps_what_is_pending() {
        use MeetingEndAction::{Close, Delete, None};
        use RoomStatus::{ActiveMeeting, Closed, Open};
        assert_eq!(started(Open, None), (ActiveMeeting, None));
        assert_eq!(started(ActiveMeeting, Delete), (ActiveMeeting, Delete));
        assert_eq!(started(Closed, None), (ActiveMeeting, Close));
    }
}
