//! The bar over every view but the meeting: the product's name, language and theme.

use leptos::prelude::*;

use super::{Choice, ChoiceMenu, Glyph, Icon, Placement, theme::ThemeToggle};
use crate::i18n::{Locale, Text, use_i18n};

/// The product's mark: two tiles, one in front.
#[component]
fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 26 22" aria-hidden="true" focusable="false">
            <rect class="logo__back" width="18" height="14" rx="4.5" />
            <rect class="logo__front" x="9.2" y="8" width="15.6" height="12.4" rx="4.5" />
        </svg>
    }
}

#[component]
pub(crate) fn AppBar() -> impl IntoView {
    view! {
        <header class="app-bar">
            <span class="app-bar__brand">
                <Logo />
                <span class="app-bar__name">"OpenVidu Meet"</span>
            </span>
            <span class="app-bar__tools">
                <LanguageMenu />
                <ThemeToggle />
            </span>
        </header>
    }
}

#[component]
fn LanguageMenu() -> impl IntoView {
    let i18n = use_i18n();
    let choices =
        Locale::ALL.map(|locale| Choice { id: locale.code().to_owned(), label: locale.name().to_owned() });
    let choices = Signal::stored(choices.to_vec());
    let selected = Signal::derive(move || Some(i18n.locale().code().to_owned()));
    let pick = move |code: String| {
        if let Some(locale) = Locale::from_tag(&code) {
            leptos::task::spawn_local(i18n.switch(locale));
        }
    };
    let label = Signal::derive(move || format!("{}: {}", i18n.get(Text::Language), i18n.locale().name()));
    view! {
        <ov-lang-selector>
            <ChoiceMenu
                id="lang-btn"
                class="language"
                label=label
                choices=choices
                selected=selected
                on_pick=pick
                placement=Placement::Below
            >
                <Icon glyph=Glyph::Globe />
                <span class="language__name">{move || i18n.locale().name()}</span>
            </ChoiceMenu>
        </ov-lang-selector>
    }
}
