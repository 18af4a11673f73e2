//! Every text the app shows, as one enum: a text that does not exist does not compile.

macro_rules! texts {
    ($($name:ident = $key:literal,)*) => {
        /// A text of the app; its words per language are in `app/i18n/*.json`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[expect(clippy::enum_variant_names, reason = "variants are named like the texts in the files")]
        pub(crate) enum Text {
            $($name,)*
        }

        impl Text {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The text's name in the language files.
            pub(crate) fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }
        }
    };
}

texts! {
    Language = "common.language",
    ThemeDark = "common.theme_dark",
    ThemeLight = "common.theme_light",
    Back = "common.back",
    Accept = "common.accept",
    Retry = "common.retry",
    Close = "common.close",
    Loading = "common.loading",
    Moderator = "common.moderator",

    HomeTitle = "home.title",
    HomeText = "home.text",

    JoinTitle = "join.title",
    JoinAbout = "join.about",
    JoinName = "join.name",
    JoinNameHint = "join.name_hint",
    JoinContinue = "join.continue",
    JoinPrivacy = "join.privacy",
    ClosedTitle = "join.closed_title",
    ClosedText = "join.closed_text",

    ShareTitle = "share.title",
    ShareText = "share.text",
    ShareCopy = "share.copy",
    ShareCopyLink = "share.copy_link",
    ShareCopied = "share.copied",
    ShareFailed = "share.failed",

    DeviceTitle = "device.title",
    DevicePreview = "device.preview",
    DeviceJoin = "device.join",
    DeviceKept = "device.kept",
    DeviceNumber = "device.number",
    DevicesMenu = "device.menu",
    Camera = "device.camera",
    CameraOn = "device.camera_on",
    CameraOff = "device.camera_off",
    CameraTurnOn = "device.camera_turn_on",
    CameraTurnOff = "device.camera_turn_off",
    CameraChoose = "device.camera_choose",
    CameraIsOff = "device.camera_is_off",
    CameraStarting = "device.camera_starting",
    CameraNone = "device.camera_none",
    CameraDenied = "device.camera_denied",
    CameraFailed = "device.camera_failed",
    Microphone = "device.microphone",
    MicrophoneOn = "device.microphone_on",
    MicrophoneOff = "device.microphone_off",
    MicrophoneTurnOn = "device.microphone_turn_on",
    MicrophoneTurnOff = "device.microphone_turn_off",
    MicrophoneChoose = "device.microphone_choose",
    MicrophoneIsOff = "device.microphone_is_off",
    MicrophoneNone = "device.microphone_none",
    MicrophoneDenied = "device.microphone_denied",
    MicrophoneFailed = "device.microphone_failed",

    MeetingJoining = "meeting.joining",
    MeetingStage = "meeting.stage",
    MeetingControls = "meeting.controls",
    MeetingYou = "meeting.you",
    MeetingAlone = "meeting.alone",
    MeetingAloneAgain = "meeting.alone_again",
    MeetingAloneShare = "meeting.alone_share",
    MeetingAloneWait = "meeting.alone_wait",
    MeetingLeave = "meeting.leave",
    MeetingLeaveOnly = "meeting.leave_only",
    MeetingEndForAll = "meeting.end_for_all",
    MeetingEndFailed = "meeting.end_failed",
    MeetingKickFailed = "meeting.kick_failed",
    MeetingReconnecting = "meeting.reconnecting",
    MeetingReconnected = "meeting.reconnected",
    MeetingJoined = "meeting.joined",
    MeetingLeft = "meeting.left",
    MeetingScreen = "meeting.screen",
    MeetingSilent = "meeting.silent",
    MeetingMore = "meeting.more",
    MeetingFloat = "meeting.float",
    SoundBlocked = "meeting.sound_blocked",
    SoundPlay = "meeting.sound_play",

    EndLeft = "end.left",
    EndLeftText = "end.left_text",
    EndLeftRejoin = "end.left_rejoin",
    EndKicked = "end.kicked",
    EndKickedText = "end.kicked_text",
    EndEnded = "end.ended",
    EndEndedText = "end.ended_text",
    EndEndedBySelfText = "end.ended_by_self_text",
    EndDisconnected = "end.disconnected",
    EndNetworkText = "end.network_text",
    EndServerText = "end.server_text",
    EndDuplicateText = "end.duplicate_text",
    EndUnknownText = "end.unknown_text",
    EndRejoin = "end.rejoin",

    ErrorLinkIncomplete = "error.link_incomplete",
    ErrorRoomSecretMissing = "error.room_secret_missing",
    ErrorRecordingSecretMissing = "error.recording_secret_missing",
    ErrorLinkBad = "error.link_bad",
    ErrorRoomSecretBad = "error.room_secret_bad",
    ErrorRecordingSecretBad = "error.recording_secret_bad",
    ErrorRoom = "error.room",
    ErrorRoomText = "error.room_text",
    ErrorClosed = "error.closed",
    ErrorClosedText = "error.closed_text",
    ErrorRecording = "error.recording",
    ErrorRecordingText = "error.recording_text",
    ErrorNoRecordings = "error.no_recordings",
    ErrorNoRecordingsText = "error.no_recordings_text",
    ErrorRecordingAccess = "error.recording_access",
    ErrorRecordingAccessText = "error.recording_access_text",
    ErrorRecordingAdminText = "error.recording_admin_text",
    ErrorInternal = "error.internal",
    ErrorInternalText = "error.internal_text",
}
