//! Camera and microphone as one idea with two values: their words, icons and calls.

use leptos::prelude::*;

use crate::{
    i18n::{I18n, Text},
    rtc::{LocalMedia, SourceState},
    ui::{Choice, Glyph},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Camera,
    Microphone,
}

impl Kind {
    pub(crate) fn state(self, media: LocalMedia) -> Signal<SourceState> {
        match self {
            Self::Camera => media.camera(),
            Self::Microphone => media.microphone(),
        }
    }

    pub(crate) fn set(self, media: LocalMedia, on: bool) {
        match self {
            Self::Camera => media.set_camera(on),
            Self::Microphone => media.set_microphone(on),
        }
    }

    /// Turns it off if it is on, else tries to turn it on: also after a refusal, which may have been lifted.
    pub(crate) fn toggle(self, media: LocalMedia) {
        match self.state(media).get_untracked() {
            SourceState::Starting => {}
            SourceState::On => self.set(media, false),
            SourceState::Off | SourceState::NoDevice | SourceState::Denied | SourceState::Failed => {
                self.set(media, true);
            }
        }
    }

    pub(crate) fn select(self, media: LocalMedia, id: &str) {
        match self {
            Self::Camera => media.select_camera(id),
            Self::Microphone => media.select_microphone(id),
        }
    }

    /// The devices to choose from; browsers keep labels back until they are allowed to tell.
    pub(crate) fn choices(self, media: LocalMedia, i18n: I18n) -> Signal<Vec<Choice>> {
        let devices = match self {
            Self::Camera => media.cameras(),
            Self::Microphone => media.microphones(),
        };
        Signal::derive(move || {
            let choice = |(at, device): (usize, crate::rtc::DeviceInfo)| Choice {
                label: if device.label.is_empty() { self.numbered(i18n, at + 1) } else { device.label },
                id: device.id,
            };
            devices.get().into_iter().enumerate().map(choice).collect()
        })
    }

    pub(crate) fn selected(self, media: LocalMedia) -> Signal<Option<String>> {
        match self {
            Self::Camera => media.selected_camera(),
            Self::Microphone => media.selected_microphone(),
        }
    }

    pub(crate) fn glyph(self, on: bool) -> Glyph {
        match (self, on) {
            (Self::Camera, true) => Glyph::Video,
            (Self::Camera, false) => Glyph::VideoOff,
            (Self::Microphone, true) => Glyph::Mic,
            (Self::Microphone, false) => Glyph::MicOff,
        }
    }

    pub(crate) fn name(self) -> Text {
        match self {
            Self::Camera => Text::Camera,
            Self::Microphone => Text::Microphone,
        }
    }

    pub(crate) fn choose(self) -> Text {
        match self {
            Self::Camera => Text::CameraChoose,
            Self::Microphone => Text::MicrophoneChoose,
        }
    }

    /// Name and state, for screen readers.
    pub(crate) fn label(self, on: bool) -> Text {
        match (self, on) {
            (Self::Camera, true) => Text::CameraOn,
            (Self::Camera, false) => Text::CameraOff,
            (Self::Microphone, true) => Text::MicrophoneOn,
            (Self::Microphone, false) => Text::MicrophoneOff,
        }
    }

    /// What the toggle would do.
    pub(crate) fn action(self, on: bool) -> Text {
        match (self, on) {
            (Self::Camera, true) => Text::CameraTurnOff,
            (Self::Camera, false) => Text::CameraTurnOn,
            (Self::Microphone, true) => Text::MicrophoneTurnOff,
            (Self::Microphone, false) => Text::MicrophoneTurnOn,
        }
    }

    /// Why there is no picture or sound.
    pub(crate) fn trouble(self, state: SourceState) -> Option<Text> {
        match (self, state) {
            (_, SourceState::Off | SourceState::Starting | SourceState::On) => None,
            (Self::Camera, SourceState::NoDevice) => Some(Text::CameraNone),
            (Self::Camera, SourceState::Denied) => Some(Text::CameraDenied),
            (Self::Camera, SourceState::Failed) => Some(Text::CameraFailed),
            (Self::Microphone, SourceState::NoDevice) => Some(Text::MicrophoneNone),
            (Self::Microphone, SourceState::Denied) => Some(Text::MicrophoneDenied),
            (Self::Microphone, SourceState::Failed) => Some(Text::MicrophoneFailed),
        }
    }

    /// Key of the shortcut with Ctrl or Cmd.
    pub(crate) fn key(self) -> char {
        match self {
            Self::Camera => 'E',
            Self::Microphone => 'D',
        }
    }

    /// The shortcut as this computer's keyboard is labelled.
    pub(crate) fn shortcut(self) -> String {
        let apple = window().navigator().platform().is_ok_and(|platform| platform.starts_with("Mac"));
        format!("{}{}", if apple { "⌘" } else { "Ctrl+" }, self.key())
    }

    fn numbered(self, i18n: I18n, number: usize) -> String {
        i18n.fill(Text::DeviceNumber, &[("kind", &i18n.get(self.name())), ("number", &number.to_string())])
    }
}
