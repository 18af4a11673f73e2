//! The error view (contract ui.md 10).

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_query_map};

use crate::{
    i18n::{Text, use_i18n},
    room::{BackButton, LastRoom},
    ui::{Glyph, MessagePage},
};

/// Why the visitor cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ErrorReason {
    MissingRoomSecret,
    InvalidRoomSecret,
    InvalidRoom,
    ClosedRoom,
    MissingRecordingSecret,
    InvalidRecordingSecret,
    InvalidRecording,
    NoRecordings,
    UnauthorizedRecordingAccess,
    RecordingsAdminOnly,
    /// Everything else.
    Internal,
}

impl ErrorReason {
    const ALL: [Self; 11] = [
        Self::MissingRoomSecret,
        Self::InvalidRoomSecret,
        Self::InvalidRoom,
        Self::ClosedRoom,
        Self::MissingRecordingSecret,
        Self::InvalidRecordingSecret,
        Self::InvalidRecording,
        Self::NoRecordings,
        Self::UnauthorizedRecordingAccess,
        Self::RecordingsAdminOnly,
        Self::Internal,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::MissingRoomSecret => "missing-room-secret",
            Self::InvalidRoomSecret => "invalid-room-secret",
            Self::InvalidRoom => "invalid-room",
            Self::ClosedRoom => "closed-room",
            Self::MissingRecordingSecret => "missing-recording-secret",
            Self::InvalidRecordingSecret => "invalid-recording-secret",
            Self::InvalidRecording => "invalid-recording",
            Self::NoRecordings => "no-recordings",
            Self::UnauthorizedRecordingAccess => "unauthorized-recording-access",
            Self::RecordingsAdminOnly => "recordings-admin-only-access",
            Self::Internal => "internal-error",
        }
    }

    fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.name() == name).unwrap_or(Self::Internal)
    }

    /// Path of the error view for this reason.
    pub(crate) fn path(self) -> String {
        format!("/error?reason={}", self.name())
    }

    fn texts(self) -> (Text, Text) {
        match self {
            Self::MissingRoomSecret => (Text::ErrorLinkIncomplete, Text::ErrorRoomSecretMissing),
            Self::InvalidRoomSecret => (Text::ErrorLinkBad, Text::ErrorRoomSecretBad),
            Self::InvalidRoom => (Text::ErrorRoom, Text::ErrorRoomText),
            Self::ClosedRoom => (Text::ErrorClosed, Text::ErrorClosedText),
            Self::MissingRecordingSecret => (Text::ErrorLinkIncomplete, Text::ErrorRecordingSecretMissing),
            Self::InvalidRecordingSecret => (Text::ErrorLinkBad, Text::ErrorRecordingSecretBad),
            Self::InvalidRecording => (Text::ErrorRecording, Text::ErrorRecordingText),
            Self::NoRecordings => (Text::ErrorNoRecordings, Text::ErrorNoRecordingsText),
            Self::UnauthorizedRecordingAccess => (Text::ErrorRecordingAccess, Text::ErrorRecordingAccessText),
            Self::RecordingsAdminOnly => (Text::ErrorRecordingAccess, Text::ErrorRecordingAdminText),
            Self::Internal => (Text::ErrorInternal, Text::ErrorInternalText),
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::ClosedRoom => Glyph::DoorClosed,
            Self::Internal => Glyph::TriangleAlert,
            _ => Glyph::Unlink,
        }
    }
}

#[component]
pub(crate) fn ErrorPage() -> impl IntoView {
    let i18n = use_i18n();
    let query = use_query_map();
    let last_room = expect_context::<LastRoom>();
    let reason = Memo::new(move |_| {
        query.with(|query| query.get_str("reason").map_or(ErrorReason::Internal, ErrorReason::from_name))
    });
    let retry = move || {
        let link = (reason.get() == ErrorReason::Internal).then(|| last_room.link()).flatten();
        link.map(|link| {
            view! {
                <A href=link.path() attr:class="button button--cta button--large">
                    {i18n.of(Text::Retry)}
                </A>
            }
        })
    };
    move || {
        let (title, text) = reason.get().texts();
        view! {
            <ov-error class="view">
                <MessagePage
                    glyph=reason.get().glyph()
                    title=Signal::derive(i18n.of(title))
                    text=Signal::derive(i18n.of(text))
                    class="error-page"
                    title_class="error-title"
                    text_class="error-message"
                >
                    {retry}
                    <BackButton text=Text::Accept />
                </MessagePage>
            </ov-error>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorReason;

    #[test]
    fn every_reason_is_read_back_from_its_path() {
        for reason in ErrorReason::ALL {
            assert_eq!(ErrorReason::from_name(reason.path().strip_prefix("/error?reason=").unwrap()), reason);
        }
    }

    #[test]
    fn an_unknown_reason_is_internal() {
        assert_eq!(ErrorReason::from_name("room-on-fire"), ErrorReason::Internal);
    }
}
