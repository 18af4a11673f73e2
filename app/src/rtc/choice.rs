//! The chosen devices, remembered under the keys of contract ui.md 2.

use super::devices::DeviceKind;
use crate::storage;

fn key(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Camera => "ovComponents-videoDevice",
        DeviceKind::Microphone => "ovComponents-audioDevice",
    }
}

pub(super) fn remembered(kind: DeviceKind) -> Option<String> {
    storage::local(key(kind)).filter(|id| !id.is_empty())
}

pub(super) fn remember(kind: DeviceKind, id: &str) {
    storage::set_local(key(kind), id);
}
