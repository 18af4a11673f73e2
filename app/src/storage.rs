//! Small values kept in the browser. Third-party storage may be blocked in a frame: then they live as
//! long as the page (contract embedding.md 6.4).

use std::{cell::RefCell, collections::HashMap};

use leptos::prelude::window;

thread_local! {
    static MEMORY: RefCell<HashMap<(Kind, String), String>> = RefCell::default();
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// For this browser.
    Local,
    /// For this tab.
    Session,
}

/// A value kept for this browser.
pub(crate) fn local(key: &str) -> Option<String> {
    read(Kind::Local, key)
}

pub(crate) fn set_local(key: &str, value: &str) {
    write(Kind::Local, key, value);
}

/// A value kept for this tab.
pub(crate) fn session(key: &str) -> Option<String> {
    read(Kind::Session, key)
}

pub(crate) fn set_session(key: &str, value: &str) {
    write(Kind::Session, key, value);
}

pub(crate) fn remove_session(key: &str) {
    MEMORY.with_borrow_mut(|memory| memory.remove(&(Kind::Session, key.to_owned())));
    if let Some(area) = area(Kind::Session) {
        // A refusal leaves nothing behind: writes were refused as well.
        let _ = area.remove_item(key);
    }
}

/// The key of a value kept for one room: frames of one page share a tab's storage.
pub(crate) fn of_room(key: &str, room_id: &str) -> String {
    format!("{key}:{room_id}")
}

fn area(kind: Kind) -> Option<web_sys::Storage> {
    match kind {
        Kind::Local => window().local_storage(),
        Kind::Session => window().session_storage(),
    }
    .ok()
    .flatten()
}

fn read(kind: Kind, key: &str) -> Option<String> {
    // What could not be stored is newer than what is.
    MEMORY
        .with_borrow(|memory| memory.get(&(kind, key.to_owned())).cloned())
        .or_else(|| area(kind).and_then(|area| area.get_item(key).ok().flatten()))
}

fn write(kind: Kind, key: &str, value: &str) {
    let kept = area(kind).is_some_and(|area| area.set_item(key, value).is_ok());
    MEMORY.with_borrow_mut(|memory| {
        let key = (kind, key.to_owned());
        if kept { memory.remove(&key) } else { memory.insert(key, value.to_owned()) }
    });
}
