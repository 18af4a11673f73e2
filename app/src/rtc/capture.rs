//! One captured source (the camera or the microphone): its state, its device, its track.
//!
//! Invariant: at most one track is live, and none while the source is off: the device's light is
//! out whenever the source is muted.

use gloo::events::EventListener;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{MediaStreamTrack, MediaStreamTrackState};

use super::choice;
use super::devices::{self, CaptureError, DeviceInfo, DeviceKind};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceState {
    Off,
    Starting,
    On,
    NoDevice,
    Denied,
    /// In use elsewhere, or broken.
    Failed,
}

impl From<CaptureError> for SourceState {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::NoDevice => SourceState::NoDevice,
            CaptureError::Denied => SourceState::Denied,
            CaptureError::Failed => SourceState::Failed,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Capture {
    kind: DeviceKind,
    pub(super) state: RwSignal<SourceState>,
    pub(super) track: RwSignal<Option<MediaStreamTrack>, LocalStorage>,
    pub(super) devices: RwSignal<Vec<DeviceInfo>>,
    /// What the user chose, or what is in use.
    pub(super) selected: RwSignal<Option<String>>,
    /// Counts the wishes: what an older one brings is dropped.
    wish: StoredValue<u64>,
    ended: StoredValue<Option<EventListener>, LocalStorage>,
}

impl Capture {
    pub(super) fn new(kind: DeviceKind) -> Capture {
        let capture = Capture {
            kind,
            state: RwSignal::new(SourceState::Off),
            track: RwSignal::new_local(None),
            devices: RwSignal::new(Vec::new()),
            selected: RwSignal::new(choice::remembered(kind)),
            wish: StoredValue::new(0),
            ended: StoredValue::new_local(None),
        };
        on_cleanup(move || capture.release());
        capture
    }

    pub(super) fn set(self, on: bool) {
        let state = self.state.get_untracked();
        match (on, state) {
            (true, SourceState::On | SourceState::Starting) | (false, SourceState::Off) => {}
            (true, _) => self.open(),
            (false, _) => {
                self.release();
                self.state.set(SourceState::Off);
            }
        }
    }

    pub(super) fn select(self, id: &str) {
        choice::remember(self.kind, id);
        self.selected.set(Some(id.to_owned()));
        match self.state.get_untracked() {
            SourceState::Off => {}
            // A choice made after a failure is a new try.
            _ => self.open(),
        }
    }

    /// Announces a wish; its number goes to [`Capture::fulfil`].
    pub(super) fn begin(self) -> u64 {
        self.wish.update_value(|wish| *wish += 1);
        if self.state.get_untracked() != SourceState::On {
            self.state.set(SourceState::Starting);
        }
        self.wish.get_value()
    }

    pub(super) fn open(self) {
        let wish = self.begin();
        let id = self.selected.get_untracked();
        spawn_local(async move {
            let result = devices::open(self.kind, id.as_deref()).await;
            self.fulfil(wish, result);
        });
    }

    /// Takes what a wish brought, unless it is out of date.
    pub(super) fn fulfil(self, wish: u64, result: Result<MediaStreamTrack, CaptureError>) {
        if self.wish.try_get_value() != Some(wish) {
            // Muted meanwhile, another device chosen, or the owner is gone.
            if let Ok(track) = result {
                track.stop();
            }
            return;
        }
        match result {
            Ok(track) => {
                let before = self.track.get_untracked();
                self.watch(&track);
                if let Some(id) = super::object::field(&track.get_settings(), "deviceId").as_string() {
                    self.selected.set(Some(id));
                }
                self.track.set(Some(track));
                self.state.set(SourceState::On);
                if let Some(before) = before {
                    before.stop();
                }
            }
            Err(error) => {
                self.drop_track();
                self.state.set(error.into());
            }
        }
    }

    /// The device was unplugged or taken away: another may do.
    fn watch(self, track: &MediaStreamTrack) {
        let listener = EventListener::new(track, "ended", move |_| {
            if self.state.try_get_untracked() == Some(SourceState::On) {
                self.open();
            }
        });
        self.ended.set_value(Some(listener));
    }

    /// A device that was missing has come.
    pub(super) fn devices_changed(self) {
        if self.state.get_untracked() == SourceState::NoDevice && !self.devices.get_untracked().is_empty() {
            self.open();
        }
        let dead = self.track.with_untracked(|track| {
            track.as_ref().is_some_and(|track| track.ready_state() == MediaStreamTrackState::Ended)
        });
        if dead && self.state.get_untracked() == SourceState::On {
            self.open();
        }
    }

    fn drop_track(self) {
        self.ended.try_set_value(None);
        if let Some(track) = self.track.try_get_untracked().flatten() {
            track.stop();
            self.track.set(None);
        }
    }

    /// Stops the track and forgets what is on its way.
    fn release(self) {
        self.wish.try_update_value(|wish| *wish += 1);
        self.drop_track();
    }
}
