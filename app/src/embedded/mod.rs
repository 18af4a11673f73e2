//! The app as a guest in another page (contract embedding.md 5, 6): tells the page that holds the frame
//! what happens, and does what it asks for. Silent where nothing holds the frame.
//!
//! Invariant: what carries data goes to the parent's origin only, and only the parent's own window is
//! obeyed, with that origin.

mod bridge;
mod message;
mod presence;
mod surroundings;

use std::rc::Rc;

use leptos::prelude::*;

use bridge::Bridge;
pub(crate) use message::Order;
use message::Told;
pub(crate) use presence::Presence;
pub(crate) use surroundings::{embedded, origin_of, parent};

/// The page around us; there may be none.
#[derive(Clone, Copy)]
pub(crate) struct Host(StoredValue<Option<Rc<Bridge>>, LocalStorage>);

impl Host {
    /// Says that the app has started.
    pub(crate) fn start() -> Self {
        Self(StoredValue::new_local(Bridge::open()))
    }

    /// The visitor is done with the app.
    pub(crate) fn closed(self) {
        self.tell(Told::closed());
    }

    /// Hands commands to the meeting, until the current reactive owner ends.
    pub(crate) fn obey(self, act: impl Fn(Order) + 'static) {
        if let Some(bridge) = self.bridge() {
            bridge.obey(Some(Rc::new(act)));
            on_cleanup(move || {
                if let Some(bridge) = self.bridge() {
                    bridge.obey(None);
                }
            });
        }
    }

    fn tell(self, told: Told) {
        if let Some(bridge) = self.bridge() {
            bridge.tell(told);
        }
    }

    fn bridge(self) -> Option<Rc<Bridge>> {
        self.0.try_get_value().flatten()
    }
}

pub(crate) fn use_host() -> Host {
    expect_context()
}
