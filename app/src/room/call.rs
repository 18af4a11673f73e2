//! From the device view to the end of the meeting: one set of local media, one session.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{Entry, Moderation, visit};
use crate::{
    api::Ticket,
    device::DeviceView,
    embedded::{Order, Presence, use_host},
    end::Parting,
    meeting::MeetingView,
    rtc::{LocalMedia, SourceState, Wanted},
    session::{EndReason, Session, SessionState},
    storage,
};

const CAMERA_WANTED: &str = "ovComponents-cameraEnabled";
const MICROPHONE_WANTED: &str = "ovComponents-microphoneEnabled";

#[component]
pub(super) fn Call(entry: Arc<Entry>, ticket: Ticket) -> impl IntoView {
    let media =
        LocalMedia::new(Wanted { camera: wanted(CAMERA_WANTED), microphone: wanted(MICROPHONE_WANTED) });
    let session = Session::new(media);
    let in_meeting = RwSignal::new(false);

    remember(media.camera(), CAMERA_WANTED);
    remember(media.microphone(), MICROPHONE_WANTED);

    let room_id = entry.room.room_id.to_string();
    let moderation = Moderation::of(&entry, &ticket);
    let presence = Presence::new(use_host(), room_id.clone(), ticket.identity.clone());
    use_host().obey(move |order| {
        let inside = matches!(
            session.state().try_get_untracked(),
            Some(SessionState::Connected | SessionState::Reconnecting)
        );
        match (order, moderation) {
            (Order::LeaveRoom, _) if inside => session.leave(),
            (Order::EndMeeting, Some(moderation)) if inside => moderation.end_meeting(),
            (Order::KickParticipant { identity }, Some(moderation)) if inside => moderation.kick(identity),
            (order, _) => leptos::logging::warn!("nothing to do for {order:?}"),
        }
    });

    let navigate = use_navigate();
    Effect::new(move |_| match session.state().get() {
        SessionState::Connected => presence.joined(),
        SessionState::Ended(reason) => {
            let by_self = reason == EndReason::RoomDeleted && moderation.is_some_and(Moderation::is_ending);
            let parting = if by_self { Parting::MeetingEndedBySelf } else { Parting::from(reason) };
            presence.left(parting);
            visit::forget_secret(&room_id);
            let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
            navigate(&parting.path(), options);
        }
        SessionState::Idle | SessionState::Connecting | SessionState::Reconnecting => {}
    });

    let join = {
        let ticket = ticket.clone();
        move |()| {
            session.connect(&ticket.server_url, &ticket.token);
            in_meeting.set(true);
        }
    };
    move || {
        let (entry, name) = (entry.clone(), ticket.name.clone());
        if in_meeting.get() {
            view! { <MeetingView entry=entry name=name media=media session=session moderation=moderation /> }
                .into_any()
        } else {
            view! { <DeviceView entry=entry name=name media=media on_join=join.clone() /> }.into_any()
        }
    }
}

fn wanted(key: &str) -> bool {
    storage::session(key).is_none_or(|wanted| wanted != "false")
}

/// Keeps the choice, not the troubles: a missing camera is asked for again next time.
fn remember(state: Signal<SourceState>, key: &'static str) {
    Effect::new(move |_| match state.get() {
        SourceState::On => storage::set_session(key, "true"),
        SourceState::Off => storage::set_session(key, "false"),
        SourceState::Starting | SourceState::NoDevice | SourceState::Denied | SourceState::Failed => {}
    });
}
