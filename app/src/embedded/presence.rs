//! What the parent hears of one participant: `joined` once, then `left` once (contract
//! embedding.md 5).

use leptos::prelude::*;

use super::{Host, message::Told};
use crate::end::Parting;

#[derive(Clone, Copy)]
pub(crate) struct Presence {
    host: Host,
    place: StoredValue<Place>,
}

struct Place {
    room_id: String,
    identity: String,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    Inside,
    After,
}

impl Presence {
    /// Also reports the end of the page and of the current reactive owner, each as leaving.
    pub(crate) fn new(host: Host, room_id: String, identity: String) -> Self {
        let place = StoredValue::new(Place { room_id, identity, stage: Stage::Before });
        let presence = Self { host, place };
        let gone = window_event_listener_untyped("pagehide", move |_| presence.abandon());
        on_cleanup(move || {
            gone.remove();
            presence.abandon();
        });
        presence
    }

    pub(crate) fn joined(self) {
        self.step(Stage::Inside, |place| match place.stage {
            Stage::Before => Some(Told::joined(place.room_id.clone(), place.identity.clone())),
            Stage::Inside | Stage::After => None,
        });
    }

    /// Also when the meeting could not be entered.
    pub(crate) fn left(self, parting: Parting) {
        self.step(Stage::After, |place| match place.stage {
            Stage::Before | Stage::Inside => {
                Some(Told::left(place.room_id.clone(), place.identity.clone(), parting.name()))
            }
            Stage::After => None,
        });
    }

    fn abandon(self) {
        if self.place.try_with_value(|place| place.stage) == Some(Stage::Inside) {
            self.left(Parting::VoluntaryLeave);
        }
    }

    fn step(self, next: Stage, tell: impl FnOnce(&Place) -> Option<Told>) {
        let told = self.place.try_update_value(|place| {
            let told = tell(place);
            if told.is_some() {
                place.stage = next;
            }
            told
        });
        if let Some(told) = told.flatten() {
            self.host.tell(told);
        }
    }
}
