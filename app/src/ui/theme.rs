//! Light or dark (contract ui.md 2). `public/theme.js` applies the choice before the first paint.

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    storage,
    ui::{Glyph, Icon},
};

const REMEMBERED: &str = "ovMeet-theme";

/// The theme in use.
#[derive(Clone, Copy)]
pub(crate) struct ThemeChoice {
    dark: RwSignal<bool>,
}

impl ThemeChoice {
    /// Takes over what the page already shows.
    pub(crate) fn start() -> Self {
        let dark = document()
            .document_element()
            .and_then(|root| root.get_attribute("data-theme"))
            .is_some_and(|theme| theme == "dark");
        Self { dark: RwSignal::new(dark) }
    }

    /// Changes to the other theme and remembers it.
    pub(crate) fn toggle(self) {
        let dark = !self.dark.get_untracked();
        let name = if dark { "dark" } else { "light" };
        if let Some(root) = document().document_element() {
            // Without the attribute the page keeps its colours; nothing else depends on it.
            let _ = root.set_attribute("data-theme", name);
        }
        storage::set_local(REMEMBERED, name);
        self.dark.set(dark);
    }
}

fn use_theme() -> ThemeChoice {
    expect_context()
}

/// Switches between the themes.
#[component]
pub(super) fn ThemeToggle() -> impl IntoView {
    let i18n = use_i18n();
    let theme = use_theme();
    let label = move || i18n.get(if theme.dark.get() { Text::ThemeLight } else { Text::ThemeDark });
    let glyph = Signal::derive(move || if theme.dark.get() { Glyph::Sun } else { Glyph::Moon });
    view! {
        <button
            type="button"
            id="theme-toggle-btn"
            class="icon-button"
            aria-label=label
            title=label
            on:click=move |_| theme.toggle()
        >
            <Icon glyph=glyph />
        </button>
    }
}
