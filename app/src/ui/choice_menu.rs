//! A [`MenuButton`] of which one entry is chosen (menuitemradio).

use leptos::prelude::*;

use super::{Glyph, Icon, MenuButton, Placement};

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    pub id: String,
    pub label: String,
}

#[component]
pub(crate) fn ChoiceMenu(
    /// Of the button.
    id: &'static str,
    #[prop(optional)] class: &'static str,
    /// The button's accessible name.
    #[prop(into)]
    label: Signal<String>,
    #[prop(into)] choices: Signal<Vec<Choice>>,
    #[prop(into)] selected: Signal<Option<String>>,
    #[prop(into)] on_pick: Callback<String>,
    #[prop(optional, into)] disabled: Signal<bool>,
    placement: Placement,
    /// What the button shows.
    children: Children,
) -> impl IntoView {
    let entries = move || {
        let all = move || {
            choices
                .get()
                .into_iter()
                .map(|choice| {
                    let Choice { id, label } = choice;
                    let chosen = {
                        let id = id.clone();
                        move || selected.with(|selected| selected.as_ref() == Some(&id))
                    };
                    let checked = {
                        let chosen = chosen.clone();
                        move || if chosen() { "true" } else { "false" }
                    };
                    let dom_id = format!("option-{label}");
                    view! {
                        <button
                            type="button"
                            role="menuitemradio"
                            class="menu__item"
                            id=dom_id
                            tabindex="-1"
                            aria-checked=checked
                            on:click=move |_| on_pick.run(id.clone())
                        >
                            <span class="menu__label">{label}</span>
                            <Show when=chosen>
                                <Icon glyph=Glyph::Check />
                            </Show>
                        </button>
                    }
                })
                .collect_view()
        };
        view! { {all} }
    };
    view! {
        <MenuButton id=id class=class label=label disabled=disabled placement=placement entries=entries>
            {children()}
        </MenuButton>
    }
}
