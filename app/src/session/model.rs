//! What views read of a meeting.

use web_sys::MediaStream;

/// Why a meeting is over, as the end view words it (contract ui.md 9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndReason {
    /// The user left.
    Left,
    /// A moderator removed the user.
    Removed,
    /// The meeting was ended for all.
    RoomDeleted,
    Network,
    ServerShutdown,
    DuplicateIdentity,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionState {
    Idle,
    Connecting,
    Connected,
    /// Comes back by itself, or ends.
    Reconnecting,
    Ended(EndReason),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Participant {
    pub sid: String,
    pub identity: String,
    pub name: String,
    pub speaking: bool,
    /// From 0 to 1.
    pub level: f32,
    pub camera: Option<Track>,
    pub microphone: Option<Track>,
    pub screen: Option<Track>,
    pub screen_audio: Option<Track>,
    pub metadata: String,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Track {
    pub sid: String,
    pub muted: bool,
    /// One for each track; `None` until media is on its way.
    pub stream: Option<MediaStream>,
}
