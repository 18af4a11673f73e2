//! The meeting as the views see it: drives the session's state machine
//! ([`sfu_protocol::client`]) with a socket, peer connections and a timer, and turns its events
//! into signals.
//!
//! Invariant: everything (socket, connections, timer, listeners) ends with the reactive owner that
//! the [`Session`] was made in, or with [`Session::leave`], whichever comes first.

mod driver;
mod model;
mod platform;
mod socket;
mod stage;

use std::rc::Rc;

use leptos::prelude::*;
use sfu_protocol::client::{
    self, Channel, DataMessage, Input, LocalTrack, SendDataError, Source, TileSettings,
};
use sfu_protocol::proto::{UserPacket, data_packet};
use web_sys::MediaStreamTrack;

use self::driver::Driver;
pub use self::model::{EndReason, Participant, SessionState, Track};
use self::stage::Stage;
use crate::rtc::LocalMedia;

/// One meeting. Made in a reactive owner, it publishes that owner's [`LocalMedia`].
#[derive(Clone, Copy)]
pub struct Session {
    media: LocalMedia,
    stage: Stage,
    driver: StoredValue<Option<Rc<Driver>>, LocalStorage>,
}

impl Session {
    pub fn new(media: LocalMedia) -> Session {
        let session = Session { media, stage: Stage::new(), driver: StoredValue::new_local(None) };
        session.publish(Source::Microphone, media.microphone_track());
        session.publish(Source::Camera, media.camera_track());
        on_cleanup(move || session.end());
        session
    }

    /// Joins with a LiveKit token. `server_url` may be `ws(s)` or `http(s)`. A session connects once.
    pub fn connect(self, server_url: &str, token: &str) {
        if self.driver.with_value(Option::is_some) {
            return;
        }
        self.stage.state.set(SessionState::Connecting);
        let driver = Driver::new(server_url, token, self.stage, self.media);
        self.driver.set_value(Some(Rc::clone(&driver)));
        driver.set_track(Source::Microphone, self.media.microphone_track().get_untracked());
        driver.set_track(Source::Camera, self.media.camera_track().get_untracked());
        driver.feed(Input::Start);
    }

    pub fn leave(self) {
        self.feed(Input::Leave);
    }

    pub fn state(self) -> Signal<SessionState> {
        self.stage.state.into()
    }

    /// The others, in order of joining.
    pub fn remotes(self) -> Signal<Vec<Participant>, LocalStorage> {
        self.stage.remotes.into()
    }

    /// Oneself as the server sees one. Its tracks have no streams: see [`LocalMedia::preview`].
    pub fn local(self) -> Signal<Option<Participant>, LocalStorage> {
        self.stage.local.into()
    }

    /// Says how a track is shown, in device pixels; the server sends no more than that. May be
    /// called at any rate.
    pub fn set_tile(self, track_sid: &str, visible: bool, width: u32, height: u32) {
        self.feed(Input::Tile {
            track_sid: track_sid.to_owned(),
            settings: TileSettings { visible, width, height },
        });
    }

    /// Sends to everybody.
    pub fn send_data(self, topic: &str, payload: Vec<u8>, reliable: bool) -> Result<(), SendDataError> {
        let channel = if reliable { Channel::Reliable } else { Channel::Lossy };
        let value = data_packet::Value::User(UserPacket {
            payload,
            topic: Some(topic.to_owned()),
            ..UserPacket::default()
        });
        let driver = self.driver.try_get_value().flatten().ok_or(SendDataError::NotJoined)?;
        driver.send_data(channel, value)
    }

    /// Calls back for each message, until the current reactive owner ends.
    pub fn on_data(self, callback: impl Fn(&DataMessage) + 'static) {
        let id = self.stage.add_listener(Rc::new(callback));
        on_cleanup(move || self.stage.remove_listener(id));
    }

    fn feed(self, input: Input) {
        if let Some(driver) = self.driver.try_get_value().flatten() {
            driver.feed(input);
        }
    }

    /// Follows a captured track for as long as the owner lives.
    fn publish(self, source: Source, track: Signal<Option<MediaStreamTrack>, LocalStorage>) {
        Effect::new(move |_| {
            let track = track.get();
            if let Some(driver) = self.driver.try_get_value().flatten() {
                driver.set_track(source, track);
            }
        });
    }

    fn end(self) {
        self.feed(Input::Leave);
        if let Some(driver) = self.driver.try_update_value(Option::take).flatten() {
            driver.close();
        }
    }
}

fn local_track(track: &MediaStreamTrack) -> LocalTrack {
    let settings = track.get_settings();
    let size = |name| crate::rtc::field(&settings, name).as_f64().unwrap_or_default() as u32;
    LocalTrack { cid: track.id(), width: size("width"), height: size("height"), stereo: false }
}

impl From<client::EndReason> for EndReason {
    fn from(reason: client::EndReason) -> EndReason {
        match reason {
            client::EndReason::Left => EndReason::Left,
            client::EndReason::DuplicateIdentity => EndReason::DuplicateIdentity,
            client::EndReason::Removed => EndReason::Removed,
            client::EndReason::RoomDeleted | client::EndReason::RoomClosed => EndReason::RoomDeleted,
            client::EndReason::ServerShutdown => EndReason::ServerShutdown,
            client::EndReason::Network => EndReason::Network,
            client::EndReason::Refused
            | client::EndReason::NoRoom
            | client::EndReason::Rejected { .. }
            | client::EndReason::Other(_) => EndReason::Unknown,
        }
    }
}
