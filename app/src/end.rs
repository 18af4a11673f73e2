//! The end view (contract ui.md 9).

use leptos::prelude::*;
use leptos_router::{components::A, hooks::use_query_map};

use crate::{
    i18n::{I18n, Text, use_i18n},
    room::{BackButton, LastRoom, RoomLink},
    session::EndReason,
    ui::{Glyph, Icon, MessagePage},
};

/// How a meeting ended for this participant, in the words of the address and of the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parting {
    VoluntaryLeave,
    ParticipantKicked,
    MeetingEnded,
    MeetingEndedBySelf,
    NetworkDisconnect,
    ServerShutdown,
    DuplicateIdentity,
    Unknown,
}

impl Parting {
    const ALL: [Self; 8] = [
        Self::VoluntaryLeave,
        Self::ParticipantKicked,
        Self::MeetingEnded,
        Self::MeetingEndedBySelf,
        Self::NetworkDisconnect,
        Self::ServerShutdown,
        Self::DuplicateIdentity,
        Self::Unknown,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::VoluntaryLeave => "voluntary_leave",
            Self::ParticipantKicked => "participant_kicked",
            Self::MeetingEnded => "meeting_ended",
            Self::MeetingEndedBySelf => "meeting_ended_by_self",
            Self::NetworkDisconnect => "network_disconnect",
            Self::ServerShutdown => "server_shutdown",
            Self::DuplicateIdentity => "duplicate_identity",
            Self::Unknown => "unknown",
        }
    }

    /// Nothing given means left by oneself; anything unrecognised is unknown.
    fn from_name(name: Option<&str>) -> Self {
        match name {
            None => Self::VoluntaryLeave,
            Some(name) => {
                Self::ALL.into_iter().find(|parting| parting.name() == name).unwrap_or(Self::Unknown)
            }
        }
    }

    /// Path of the end view.
    pub(crate) fn path(self) -> String {
        format!("/disconnected?reason={}", self.name())
    }

    /// Whether coming back is an offer to make.
    fn may_return(self) -> bool {
        !matches!(self, Self::ParticipantKicked | Self::MeetingEnded | Self::MeetingEndedBySelf)
    }

    fn title(self) -> Text {
        match self {
            Self::VoluntaryLeave => Text::EndLeft,
            Self::ParticipantKicked => Text::EndKicked,
            Self::MeetingEnded | Self::MeetingEndedBySelf => Text::EndEnded,
            _ => Text::EndDisconnected,
        }
    }

    fn text(self, i18n: I18n, room: Option<&RoomLink>) -> String {
        match self {
            Self::VoluntaryLeave => match room.map(|room| room.room_name.as_str()) {
                Some(name) if !name.is_empty() => i18n.fill(Text::EndLeftRejoin, &[("room", name)]),
                _ => i18n.get(Text::EndLeftText),
            },
            Self::ParticipantKicked => i18n.get(Text::EndKickedText),
            Self::MeetingEnded => i18n.get(Text::EndEndedText),
            Self::MeetingEndedBySelf => i18n.get(Text::EndEndedBySelfText),
            Self::NetworkDisconnect => i18n.get(Text::EndNetworkText),
            Self::ServerShutdown => i18n.get(Text::EndServerText),
            Self::DuplicateIdentity => i18n.get(Text::EndDuplicateText),
            Self::Unknown => i18n.get(Text::EndUnknownText),
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::VoluntaryLeave | Self::MeetingEnded | Self::MeetingEndedBySelf => Glyph::ArrowRight,
            Self::ParticipantKicked => Glyph::DoorClosed,
            Self::DuplicateIdentity => Glyph::Copy,
            Self::NetworkDisconnect | Self::ServerShutdown | Self::Unknown => Glyph::WifiOff,
        }
    }
}

impl From<EndReason> for Parting {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Left => Self::VoluntaryLeave,
            EndReason::Removed => Self::ParticipantKicked,
            EndReason::RoomDeleted => Self::MeetingEnded,
            EndReason::Network => Self::NetworkDisconnect,
            EndReason::ServerShutdown => Self::ServerShutdown,
            EndReason::DuplicateIdentity => Self::DuplicateIdentity,
            EndReason::Unknown => Self::Unknown,
        }
    }
}

#[component]
pub(crate) fn EndPage() -> impl IntoView {
    let i18n = use_i18n();
    let query = use_query_map();
    let last_room = expect_context::<LastRoom>();
    let parting = Memo::new(move |_| query.with(|query| Parting::from_name(query.get_str("reason"))));
    let room = Memo::new(move |_| last_room.link().filter(|_| parting.get().may_return()));
    let rejoin = move || {
        room.get().map(|room| {
            view! {
                <A href=room.path() attr:class="button button--cta button--large">
                    <Icon glyph=Glyph::RotateCcw />
                    {i18n.of(Text::EndRejoin)}
                </A>
            }
        })
    };
    move || {
        let parting = parting.get();
        view! {
            <ov-end-meeting class="view">
                <MessagePage
                    glyph=parting.glyph()
                    title=Signal::derive(i18n.of(parting.title()))
                    text=Signal::derive(move || room.with(|room| parting.text(i18n, room.as_ref())))
                    class="disconnected-container"
                    title_id="disconnect-title"
                    text_class="disconnect-subtitle"
                >
                    {rejoin}
                    <BackButton text=Text::Accept />
                </MessagePage>
            </ov-end-meeting>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Parting;

    #[test]
    fn every_parting_is_read_back_from_its_path() {
        for parting in Parting::ALL {
            let path = parting.path();
            assert_eq!(Parting::from_name(path.strip_prefix("/disconnected?reason=")), parting);
        }
    }

    #[test]
    fn nothing_given_means_left_and_nonsense_is_unknown() {
        assert_eq!(Parting::from_name(None), Parting::VoluntaryLeave);
        assert_eq!(Parting::from_name(Some("sucked_out")), Parting::Unknown);
    }
}
