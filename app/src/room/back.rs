//! The way back to where the visitor came from (contract ui.md 4, 9, 10).

use leptos::prelude::*;

use super::redirect;
use crate::{
    embedded::{embedded, use_host},
    i18n::{Text, use_i18n},
};

/// In a frame it closes the app, then goes on to the redirect target, if there is one. Absent where no
/// way back is known.
#[component]
pub(crate) fn BackButton(#[prop(default = Text::Back)] text: Text) -> impl IntoView {
    let i18n = use_i18n();
    let host = use_host();
    let target = redirect::remembered();
    (embedded() || target.is_some()).then(|| {
        let leave = move |_| {
            host.closed();
            if let Some(url) = &target {
                redirect::follow(url);
            }
        };
        view! {
            <button
                type="button"
                id="back-btn"
                class="button button--outline button--large quick-action-button"
                on:click=leave
            >
                {i18n.of(text)}
            </button>
        }
    })
}
