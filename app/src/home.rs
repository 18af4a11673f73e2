//! What is shown without a room link.

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    ui::{Glyph, MessagePage},
};

#[component]
pub(crate) fn HomePage() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <MessagePage
            glyph=Glyph::Link
            title=Signal::derive(i18n.of(Text::HomeTitle))
            text=Signal::derive(i18n.of(Text::HomeText))
        />
    }
}
