//! The wire to the parent window. Events wait until its origin is known.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use gloo::events::EventListener;
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, Window};

use super::{
    Order,
    message::{Heard, Meaning, Told},
    surroundings::{self, Parent},
};

/// Events kept for a parent that has not shown itself; then the oldest ones go.
const LONGEST_QUEUE: usize = 32;

/// Carries out an order.
type Act = Rc<dyn Fn(Order)>;

pub(super) struct Bridge {
    window: Window,
    parent: RefCell<Parent>,
    waiting: RefCell<VecDeque<Told>>,
    act: RefCell<Option<Act>>,
    /// Whether `closed` was the last thing said.
    closed: Cell<bool>,
    _listener: EventListener,
}

impl Bridge {
    /// `None` when nothing holds the frame.
    pub(super) fn open() -> Option<Rc<Self>> {
        if !surroundings::embedded() {
            return None;
        }
        let parent_window = window().parent().ok().flatten()?;
        let parent = surroundings::parent();
        if parent == Parent::Nameless {
            leptos::logging::warn!("the page around has no web origin: it gets no events and no obedience");
        }
        let bridge = Rc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let listener = EventListener::new(&window(), "message", move |event| {
                if let (Some(bridge), Some(event)) = (this.upgrade(), event.dyn_ref::<MessageEvent>()) {
                    bridge.hear(event);
                }
            });
            Self {
                window: parent_window,
                parent: RefCell::new(parent),
                waiting: RefCell::default(),
                act: RefCell::default(),
                closed: Cell::new(false),
                _listener: listener,
            }
        });
        // Carries nothing, so everybody may see it.
        bridge.post(&Told::ready(), "*");
        Some(bridge)
    }

    pub(super) fn obey(&self, act: Option<Act>) {
        *self.act.borrow_mut() = act;
    }

    /// Posts, or keeps for later. The app is closed once, until somebody comes back.
    pub(super) fn tell(&self, told: Told) {
        let closes = told.is_closed();
        if self.closed.replace(closes) && closes {
            return;
        }
        match &*self.parent.borrow() {
            Parent::Known(origin) => self.post(&told, origin),
            Parent::Unknown => {
                let mut waiting = self.waiting.borrow_mut();
                if waiting.len() == LONGEST_QUEUE {
                    waiting.pop_front();
                }
                waiting.push_back(told);
            }
            Parent::Nameless => {}
        }
    }

    fn post(&self, told: &Told, origin: &str) {
        let posted = told.to_js().map(|message| self.window.post_message(&message, origin));
        if !matches!(posted, Some(Ok(()))) {
            leptos::logging::warn!("an event did not reach the page around");
        }
    }

    fn hear(&self, event: &MessageEvent) {
        if event.source().map(JsValue::from).as_ref() != Some(self.window.as_ref()) {
            return;
        }
        let Some(heard) = Heard::of_js(event.data()) else { return };
        let origin = event.origin();
        let meaning = heard.meaning();
        let is_imposture = matches!(&meaning, Meaning::Initialize { domain } if *domain != origin);
        if is_imposture || !self.recognises(&origin) {
            return;
        }
        match meaning {
            Meaning::Initialize { .. } => {}
            Meaning::Order(order) => {
                // What it does may end the listener.
                let act = self.act.borrow().clone();
                if let Some(act) = act {
                    act(order);
                }
            }
            Meaning::Unknown(command) => {
                leptos::logging::warn!("unknown command of the page around: {command}");
            }
        }
    }

    /// Whether this is the parent's origin; the first one heard is, where nothing else tells.
    fn recognises(&self, origin: &str) -> bool {
        let found = match &*self.parent.borrow() {
            Parent::Known(known) => return known == origin,
            Parent::Nameless => return false,
            Parent::Unknown => surroundings::origin_of(origin).map(str::to_owned),
        };
        let Some(found) = found else { return false };
        *self.parent.borrow_mut() = Parent::Known(found.clone());
        for told in self.waiting.take() {
            self.post(&told, &found);
        }
        true
    }
}
