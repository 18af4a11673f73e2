//! From the device view to the end of the meeting: one set of local media, one session.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{Entry, visit};
use crate::{
    api::Ticket,
    device::DeviceView,
    end::Parting,
    meeting::MeetingView,
    rtc::{LocalMedia, SourceState, Wanted},
    session::{Session, SessionState},
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

    let navigate = use_navigate();
    Effect::new(move |_| {
        if let SessionState::Ended(reason) = session.state().get() {
            visit::forget_secret();
            let path = Parting::from(reason).path();
            navigate(&path, NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
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
            view! { <MeetingView entry=entry name=name media=media session=session /> }.into_any()
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
