//! Where the app goes when it is closed (contract embedding.md 8). Only http and https targets are
//! kept, and they are followed after a click only.

use std::cell::RefCell;

use leptos::prelude::window;

use crate::{
    embedded::{embedded, origin_of, parent},
    storage,
};

const REMEMBERED: &str = "ovMeet-redirectUrl";

/// What surrounds the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Surroundings {
    /// Whether the app is in a frame of another page.
    pub embedded: bool,
    /// Origin of the app itself.
    pub origin: String,
    /// Origin of the page that holds the frame, where the browser tells.
    pub host_origin: Option<String>,
    /// Address the visitor came from; empty if unknown.
    pub referrer: String,
}

impl Surroundings {
    pub(crate) fn of_page() -> Self {
        let window = window();
        Self {
            embedded: embedded(),
            origin: window.location().origin().unwrap_or_default(),
            host_origin: parent().origin(),
            referrer: window.document().map(|document| document.referrer()).unwrap_or_default(),
        }
    }

    /// The redirect target of a room link, given its `leave-redirect-url`.
    fn target(&self, given: Option<&str>) -> Option<String> {
        match given.map(str::trim) {
            Some(url) if is_web(url) => Some(url.to_owned()),
            Some(path) if path.starts_with('/') && self.embedded => {
                self.host_origin.as_ref().map(|origin| format!("{origin}{path}"))
            }
            Some(text) if !text.is_empty() => None,
            _ if self.embedded => None,
            _ => origin_of(&self.referrer)
                .filter(|origin| *origin != self.origin)
                .map(|_| self.referrer.clone()),
        }
    }
}

/// The target of this page: several frames of one page share the tab's storage.
enum Own {
    /// No room was visited since the page was loaded.
    Unread,
    Read(Option<String>),
}

thread_local! {
    static OWN: RefCell<Own> = const { RefCell::new(Own::Unread) };
}

/// Remembers where to go after this room link; forgets the target of an earlier one.
pub(crate) fn remember(room_id: &str, given: Option<&str>) {
    let target = Surroundings::of_page().target(given);
    for key in [storage::of_room(REMEMBERED, room_id), REMEMBERED.to_owned()] {
        match &target {
            Some(url) => storage::set_session(&key, url),
            None => storage::remove_session(&key),
        }
    }
    OWN.set(Own::Read(target));
}

/// Takes up again what was remembered before the page of this room was reloaded.
pub(crate) fn resume(room_id: &str) {
    OWN.set(Own::Read(storage::session(&storage::of_room(REMEMBERED, room_id))));
}

/// The remembered target.
pub(crate) fn remembered() -> Option<String> {
    let target = OWN.with_borrow(|own| match own {
        Own::Unread => storage::session(REMEMBERED),
        Own::Read(target) => target.clone(),
    });
    target.filter(|url| is_web(url))
}

/// Goes there: the whole page where the browser allows it, else the frame.
pub(crate) fn follow(url: &str) {
    if !is_web(url) {
        return;
    }
    let window = window();
    let top = if embedded() { window.top().ok().flatten() } else { None };
    let gone = top.is_some_and(|top| top.location().set_href(url).is_ok());
    if !gone {
        // A refusal here leaves the visitor on this view, which is still right.
        let _ = window.location().set_href(url);
    }
}

fn is_web(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, origin_of};

    fn standalone(referrer: &str) -> Surroundings {
        Surroundings {
            embedded: false,
            origin: "https://meet.example".to_owned(),
            host_origin: origin_of(referrer).map(str::to_owned),
            referrer: referrer.to_owned(),
        }
    }

    fn framed(referrer: &str) -> Surroundings {
        Surroundings { embedded: true, ..standalone(referrer) }
    }

    #[test]
    fn absolute_addresses_are_kept() {
        let url = Some("https://host.example/bye?x=1");
        assert_eq!(standalone("").target(url).as_deref(), url);
        assert_eq!(framed("").target(url).as_deref(), url);
    }

    #[test]
    fn a_path_is_resolved_against_the_host_page_only() {
        assert_eq!(
            framed("https://host.example/a/b?c").target(Some("/home")).as_deref(),
            Some("https://host.example/home")
        );
        assert_eq!(framed("").target(Some("/home")), None);
        assert_eq!(standalone("https://host.example/a").target(Some("/home")), None);
    }

    #[test]
    fn scripts_and_other_texts_are_dropped() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "home",
            "ftp://host",
            " JavaScript:x",
            "//host.example",
        ] {
            assert_eq!(standalone("https://host.example/").target(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn without_one_the_foreign_referrer_is_the_target() {
        assert_eq!(
            standalone("https://host.example/a").target(None).as_deref(),
            Some("https://host.example/a")
        );
        assert_eq!(standalone("https://meet.example/rooms").target(None), None);
        assert_eq!(framed("https://host.example/a").target(None), None);
        assert_eq!(standalone("").target(None), None);
    }
}
