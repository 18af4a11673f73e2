//! The user's own camera and microphone, as the device view and the meeting share them.

use gloo::events::EventListener;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{MediaStream, MediaStreamTrack};

use super::capture::{Capture, SourceState};
use super::devices::{self, DeviceInfo, DeviceKind};
use super::level::LevelMeter;

/// What to switch on at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub camera: bool,
    pub microphone: bool,
}

/// Owns the local capture; everything stops with the reactive owner it was made in.
#[derive(Clone, Copy)]
pub struct LocalMedia {
    camera: Capture,
    microphone: Capture,
    preview: RwSignal<Option<MediaStream>, LocalStorage>,
    level: RwSignal<f32>,
}

impl LocalMedia {
    pub fn new(wanted: Wanted) -> LocalMedia {
        let media = LocalMedia {
            camera: Capture::new(DeviceKind::Camera),
            microphone: Capture::new(DeviceKind::Microphone),
            preview: RwSignal::new_local(None),
            level: RwSignal::new(0.0),
        };
        media.show_preview();
        media.measure_level();
        media.watch_devices();
        match (wanted.camera, wanted.microphone) {
            (true, true) => media.open_both(),
            (camera, microphone) => {
                media.set_camera(camera);
                media.set_microphone(microphone);
            }
        }
        media
    }

    pub fn camera(self) -> Signal<SourceState> {
        self.camera.state.into()
    }

    pub fn microphone(self) -> Signal<SourceState> {
        self.microphone.state.into()
    }

    pub fn set_camera(self, on: bool) {
        self.camera.set(on);
    }

    pub fn set_microphone(self, on: bool) {
        self.microphone.set(on);
    }

    pub fn cameras(self) -> Signal<Vec<DeviceInfo>> {
        self.camera.devices.into()
    }

    pub fn microphones(self) -> Signal<Vec<DeviceInfo>> {
        self.microphone.devices.into()
    }

    pub fn selected_camera(self) -> Signal<Option<String>> {
        self.camera.selected.into()
    }

    pub fn selected_microphone(self) -> Signal<Option<String>> {
        self.microphone.selected.into()
    }

    /// Remembers the choice, and switches over at once when the source is on.
    pub fn select_camera(self, id: &str) {
        self.camera.select(id);
    }

    pub fn select_microphone(self, id: &str) {
        self.microphone.select(id);
    }

    /// The camera alone, for the own tile.
    pub fn preview(self) -> Signal<Option<MediaStream>, LocalStorage> {
        self.preview.into()
    }

    /// Level of the microphone, from 0 to 1.
    pub fn level(self) -> Signal<f32> {
        self.level.into()
    }

    pub(crate) fn camera_track(self) -> Signal<Option<MediaStreamTrack>, LocalStorage> {
        self.camera.track.into()
    }

    pub(crate) fn microphone_track(self) -> Signal<Option<MediaStreamTrack>, LocalStorage> {
        self.microphone.track.into()
    }

    fn open_both(self) {
        let wishes = (self.camera.begin(), self.microphone.begin());
        let camera = self.camera.selected.get_untracked();
        let microphone = self.microphone.selected.get_untracked();
        spawn_local(async move {
            if let Some((video, audio)) = devices::open_both(camera.as_deref(), microphone.as_deref()).await {
                self.camera.fulfil(wishes.0, Ok(video));
                self.microphone.fulfil(wishes.1, Ok(audio));
            } else {
                // One question at a time: browsers show them on top of each other.
                let audio = devices::open(DeviceKind::Microphone, microphone.as_deref()).await;
                self.microphone.fulfil(wishes.1, audio);
                let video = devices::open(DeviceKind::Camera, camera.as_deref()).await;
                self.camera.fulfil(wishes.0, video);
            }
        });
    }

    fn show_preview(self) {
        Effect::new(move |_| {
            let stream = self.camera.track.get().and_then(|track| {
                let stream = MediaStream::new().ok()?;
                stream.add_track(&track);
                Some(stream)
            });
            self.preview.set(stream);
        });
    }

    fn measure_level(self) {
        // The effect's value is the running meter: the next run, and the owner's end, drop it.
        Effect::new(move |before: Option<Option<LevelMeter>>| {
            drop(before);
            self.level.set(0.0);
            let track = self.microphone.track.get()?;
            LevelMeter::new(&track, move |level| {
                let _ = self.level.try_set(level);
            })
        });
    }

    /// Keeps the lists up to date: at the start, when permissions reveal labels, on hot-plug.
    fn watch_devices(self) {
        let plugged = ArcTrigger::new();
        if let Some(devices) = devices::media_devices() {
            let plugged = plugged.clone();
            let listener = EventListener::new(&devices, "devicechange", move |_| plugged.notify());
            // Owned by the scope: dropping it removes the listener.
            StoredValue::new_local(listener);
        }
        Effect::new(move |_| {
            plugged.track();
            self.camera.track.track();
            self.microphone.track.track();
            spawn_local(async move {
                let (cameras, microphones) = devices::list().await;
                for (capture, found) in [(self.camera, cameras), (self.microphone, microphones)] {
                    let Some(known) = capture.devices.try_get_untracked() else { return };
                    if known != found {
                        capture.devices.set(found);
                    }
                    capture.devices_changed();
                }
            });
        });
    }
}
