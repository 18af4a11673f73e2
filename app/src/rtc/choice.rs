//! The chosen devices, remembered under the keys of contract ui.md 2.

use leptos::prelude::window;

use super::devices::DeviceKind;

fn key(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Camera => "ovComponents-videoDevice",
        DeviceKind::Microphone => "ovComponents-audioDevice",
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

pub(super) fn remembered(kind: DeviceKind) -> Option<String> {
    storage()?.get_item(key(kind)).ok().flatten().filter(|id| !id.is_empty())
}

/// Where storage is blocked the choice lasts as long as the page.
pub(super) fn remember(kind: DeviceKind, id: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(key(kind), id);
    }
}
