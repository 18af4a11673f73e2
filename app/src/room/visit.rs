//! What a room link brings along (contract embedding.md 7): the secret is moved from the address to
//! the tab's storage, the name is remembered for this browser.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::redirect;
use crate::storage;

const SECRET: &str = "ovMeet-roomSecret";
const NAME: &str = "ovMeet-participantName";

/// A visitor of a room's page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Visit {
    pub room_id: String,
    /// Decides the role; `None` if neither the link nor the tab has one.
    pub secret: Option<String>,
    /// Given by the link or remembered; may be empty.
    pub name: String,
}

impl Visit {
    /// Reads the page's address and hides its secret.
    pub(crate) fn arrive(room_id: String) -> Self {
        let kept = storage::of_room(SECRET, &room_id);
        let query = window().location().search().unwrap_or_default();
        let Ok(query) = web_sys::UrlSearchParams::new_with_str(&query) else {
            return Self { room_id, secret: storage::session(&kept), name: String::new() };
        };
        let redirect_url = query.get("leave-redirect-url");
        let secret = query.get("secret").filter(|secret| !secret.is_empty());
        if secret.is_some() || redirect_url.is_some() {
            redirect::remember(&room_id, redirect_url.as_deref());
        } else {
            redirect::resume(&room_id);
        }
        if let Some(secret) = secret {
            storage::set_session(&kept, &secret);
            query.delete("secret");
            replace_query(&query);
        }
        let name = query.get("participant-name").filter(|name| !name.trim().is_empty());
        if let Some(name) = &name {
            storage::set_local(NAME, name);
        }
        let name = name.or_else(|| storage::local(NAME)).unwrap_or_default();
        Self { room_id, secret: storage::session(&kept), name }
    }
}

/// Remembers the name the server gave, in the browser and in the address.
pub(crate) fn keep_name(name: &str) {
    storage::set_local(NAME, name);
    let query = window().location().search().unwrap_or_default();
    if let Ok(query) = web_sys::UrlSearchParams::new_with_str(&query) {
        query.set("participant-name", name);
        replace_query(&query);
    }
}

/// The tab forgets the secret: coming back needs the link.
pub(crate) fn forget_secret(room_id: &str) {
    storage::remove_session(&storage::of_room(SECRET, room_id));
}

fn replace_query(query: &web_sys::UrlSearchParams) {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    let query = String::from(query.to_string());
    let fragment = location.hash().unwrap_or_default();
    let url =
        if query.is_empty() { format!("{path}{fragment}") } else { format!("{path}?{query}{fragment}") };
    if let Ok(history) = window().history() {
        let state = history.state().unwrap_or(JsValue::NULL);
        // A browser that refuses leaves the address as it is: nothing else depends on it.
        let _ = history.replace_state_with_url(&state, "", Some(&url));
    }
}
