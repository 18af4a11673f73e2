//! Narrow views on one participant of a session, so that a change of one redraws only what it concerns.

use leptos::prelude::*;
use web_sys::MediaStream;

use crate::session::{Participant, Session, Track};

/// A remote participant by sid; empty after they left.
#[derive(Clone, Copy)]
pub(super) struct Remote {
    participant: Signal<Option<Participant>, LocalStorage>,
}

impl Remote {
    pub(super) fn new(session: Session, sid: String) -> Self {
        let remotes = session.remotes();
        let participant = Signal::derive_local(move || {
            remotes.with(|remotes| remotes.iter().find(|participant| participant.sid == sid).cloned())
        });
        Self { participant }
    }

    fn of<T>(self, part: impl Fn(&Participant) -> T + Send + Sync + 'static) -> Memo<Option<T>>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        Memo::new(move |_| self.participant.with(|participant| participant.as_ref().map(&part)))
    }

    pub(super) fn name(self) -> Memo<String> {
        let name = self.of(|participant| participant.name.clone());
        Memo::new(move |_| name.get().unwrap_or_default())
    }

    pub(super) fn speaking(self) -> Memo<bool> {
        let speaking = self.of(|participant| participant.speaking);
        Memo::new(move |_| speaking.get().unwrap_or_default())
    }

    /// Neither a microphone published nor sound from it.
    pub(super) fn silent(self) -> Memo<bool> {
        let sounding =
            self.of(|participant| participant.microphone.as_ref().is_some_and(|track| !track.muted));
        Memo::new(move |_| !sounding.get().unwrap_or_default())
    }

    /// The picture of a source that is not muted.
    pub(super) fn picture(self, source: Source) -> Signal<Option<MediaStream>, LocalStorage> {
        Signal::derive_local(move || {
            self.participant.with(|participant| {
                let track = source.track(participant.as_ref()?)?;
                if track.muted { None } else { track.stream.clone() }
            })
        })
    }

    pub(super) fn sound(self, source: Source) -> Signal<Option<MediaStream>, LocalStorage> {
        Signal::derive_local(move || {
            self.participant.with(|participant| source.track(participant.as_ref()?)?.stream.clone())
        })
    }

    /// Sid of the source's track, muted or not.
    pub(super) fn track_sid(self, source: Source) -> Memo<Option<String>> {
        let sid = self.of(move |participant| source.track(participant).map(|track| track.sid.clone()));
        Memo::new(move |_| sid.get().flatten())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Source {
    Camera,
    Screen,
    Microphone,
    ScreenAudio,
}

impl Source {
    pub(super) fn track(self, participant: &Participant) -> Option<&Track> {
        match self {
            Self::Camera => participant.camera.as_ref(),
            Self::Screen => participant.screen.as_ref(),
            Self::Microphone => participant.microphone.as_ref(),
            Self::ScreenAudio => participant.screen_audio.as_ref(),
        }
    }
}
