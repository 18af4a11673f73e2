//! The way back to where the visitor came from (contract ui.md 4, 9, 10).

use leptos::prelude::*;

use super::redirect;
use crate::i18n::{Text, use_i18n};

/// Absent where no way back is known.
#[component]
pub(crate) fn BackButton() -> impl IntoView {
    let i18n = use_i18n();
    redirect::remembered().map(|url| {
        view! {
            <button
                type="button"
                id="back-btn"
                class="button button--outline button--large quick-action-button"
                on:click=move |_| redirect::follow(&url)
            >
                {i18n.of(Text::Back)}
            </button>
        }
    })
}
