//! Keys that work anywhere in the meeting: Ctrl or Cmd with D for the microphone, with E for the camera.

use leptos::{ev, prelude::*};

use crate::{device::Kind, rtc::LocalMedia};

/// Lives as long as the calling view.
pub(super) fn listen_for_shortcuts(media: LocalMedia, disabled: Memo<bool>) {
    let listener = window_event_listener(ev::keydown, move |event| {
        let Some(kind) = shortcut(&event) else { return };
        event.prevent_default();
        if !event.repeat() && !disabled.get_untracked() {
            kind.toggle(media);
        }
    });
    on_cleanup(move || listener.remove());
}

fn shortcut(event: &ev::KeyboardEvent) -> Option<Kind> {
    if !(event.ctrl_key() || event.meta_key()) || event.shift_key() || event.alt_key() {
        return None;
    }
    let key = event.key().to_uppercase();
    [Kind::Camera, Kind::Microphone].into_iter().find(|kind| key.chars().eq([kind.key()]))
}
