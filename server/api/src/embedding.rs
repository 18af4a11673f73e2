//! What host pages and the framed app say to each other (contract embedding.md 3 to 6).

/// The `allow` list of the frame: what a hand-written iframe needs as well.
pub const FRAME_PERMISSIONS: &str =
    "camera; microphone; display-capture; fullscreen; autoplay; compute-pressure;";

/// An attribute of `<openvidu-meet>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Attribute {
    RoomUrl,
    RecordingUrl,
    ParticipantName,
    LeaveRedirectUrl,
    ShowOnlyRecordings,
}

impl Attribute {
    pub const ALL: [Attribute; 5] = [
        Attribute::RoomUrl,
        Attribute::RecordingUrl,
        Attribute::ParticipantName,
        Attribute::LeaveRedirectUrl,
        Attribute::ShowOnlyRecordings,
    ];

    /// Attribute and query parameter name.
    pub fn name(self) -> &'static str {
        match self {
            Attribute::RoomUrl => "room-url",
            Attribute::RecordingUrl => "recording-url",
            Attribute::ParticipantName => "participant-name",
            Attribute::LeaveRedirectUrl => "leave-redirect-url",
            Attribute::ShowOnlyRecordings => "show-only-recordings",
        }
    }

    /// Name of the JavaScript property that reflects it.
    pub fn property(self) -> &'static str {
        match self {
            Attribute::RoomUrl => "roomUrl",
            Attribute::RecordingUrl => "recordingUrl",
            Attribute::ParticipantName => "participantName",
            Attribute::LeaveRedirectUrl => "leaveRedirectUrl",
            Attribute::ShowOnlyRecordings => "showOnlyRecordings",
        }
    }
}

/// What the app tells its parent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    Ready,
    Joined,
    Left,
    Closed,
}

impl Event {
    pub const ALL: [Event; 4] = [Event::Ready, Event::Joined, Event::Left, Event::Closed];

    /// The `event` member on the wire and the DOM event's name.
    pub fn name(self) -> &'static str {
        match self {
            Event::Ready => "ready",
            Event::Joined => "joined",
            Event::Left => "left",
            Event::Closed => "closed",
        }
    }

    /// Name in newer OpenVidu Meet.
    pub fn newer_name(self) -> Option<&'static str> {
        match self {
            Event::Ready => None,
            Event::Joined => Some("meetingJoined"),
            Event::Left => Some("meetingLeft"),
            Event::Closed => Some("meetingClosed"),
        }
    }
}

/// What the parent tells the app.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    EndMeeting,
    LeaveRoom,
    KickParticipant,
}

impl Command {
    pub const ALL: [Command; 3] = [Command::EndMeeting, Command::LeaveRoom, Command::KickParticipant];

    /// The `command` member on the wire and the element's method.
    pub fn name(self) -> &'static str {
        match self {
            Command::EndMeeting => "endMeeting",
            Command::LeaveRoom => "leaveRoom",
            Command::KickParticipant => "kickParticipant",
        }
    }

    /// Name in newer OpenVidu Meet.
    pub fn newer_name(self) -> &'static str {
        match self {
            Command::EndMeeting => "meetingEnd",
            Command::LeaveRoom => "meetingLeave",
            Command::KickParticipant => "participantKick",
        }
    }

    /// Either spelling.
    pub fn from_name(name: &str) -> Option<Command> {
        Command::ALL.into_iter().find(|command| command.name() == name || command.newer_name() == name)
    }
}
