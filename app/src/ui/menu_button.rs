//! A button that opens a menu (WAI-ARIA menu button). The menu exists only while open and closes on a
//! choice, Escape, Tab or a click elsewhere; arrow keys walk its entries.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Where the menu opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Placement {
    Below,
    Above,
}

#[component]
pub(crate) fn MenuButton(
    /// Of the button.
    id: &'static str,
    #[prop(optional)] class: &'static str,
    /// The button's accessible name.
    #[prop(into)]
    label: Signal<String>,
    #[prop(optional, into)] disabled: Signal<bool>,
    placement: Placement,
    /// Buttons with a menu item's role; made each time the menu opens.
    #[prop(into)]
    entries: ViewFn,
    /// What the button shows.
    children: Children,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();

    let close = move |refocus: bool| {
        open.set(false);
        if refocus && let Some(button) = button.get_untracked() {
            // A menu that cannot hand focus back is closed all the same.
            let _ = button.focus();
        }
    };
    let outside = window_event_listener(ev::click, move |event| {
        let inside = root.get_untracked().is_some_and(|root| {
            event
                .target()
                .and_then(|target| target.dyn_into::<web_sys::Node>().ok())
                .is_some_and(|target| root.contains(Some(&target)))
        });
        if !inside && open.get_untracked() {
            open.set(false);
        }
    });
    on_cleanup(move || outside.remove());

    Effect::new(move |_| {
        if disabled.get() {
            open.set(false);
        }
    });
    Effect::new(move |_| {
        if open.get() {
            request_animation_frame(move || {
                let items = items(root);
                let chosen = items
                    .iter()
                    .position(|item| item.get_attribute("aria-checked").as_deref() == Some("true"));
                focus(&items, chosen.unwrap_or(0));
            });
        }
    });

    let on_key = move |event: ev::KeyboardEvent| {
        let items = items(root);
        let at =
            items.iter().position(|item| Some(item.unchecked_ref()) == document().active_element().as_ref());
        let last = items.len().saturating_sub(1);
        match event.key().as_str() {
            "Escape" => {
                event.stop_propagation();
                close(true);
            }
            "Tab" => close(false),
            "ArrowDown" => focus(&items, at.map_or(0, |at| if at == last { 0 } else { at + 1 })),
            "ArrowUp" => focus(&items, at.map_or(last, |at| if at == 0 { last } else { at - 1 })),
            "Home" => focus(&items, 0),
            "End" => focus(&items, last),
            _ => return,
        }
        if event.key() != "Tab" {
            event.prevent_default();
        }
    };
    let open_by_key = move |event: ev::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowDown" | "ArrowUp") && !disabled.get_untracked() {
            event.prevent_default();
            open.set(true);
        }
    };
    // An entry has acted by the time its click arrives here.
    let on_click = move |event: ev::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if target.is_some_and(|target| target.closest(ITEM).is_ok_and(|item| item.is_some())) {
            close(true);
        }
    };

    let menu = move || {
        open.get().then(|| {
            let label = move || label.get();
            view! {
                <div class="menu" role="menu" aria-label=label on:keydown=on_key on:click=on_click>
                    {entries.run()}
                </div>
            }
        })
    };

    view! {
        <div class="choice-menu" class:choice-menu--above=placement == Placement::Above node_ref=root>
            <button
                type="button"
                id=id
                class=format!("choice-menu__button {class}")
                node_ref=button
                aria-haspopup="menu"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=move || label.get()
                title=move || label.get()
                aria-disabled=move || if disabled.get() { "true" } else { "false" }
                on:click=move |_| open.update(|open| *open = !*open && !disabled.get_untracked())
                on:keydown=open_by_key
            >
                {children()}
            </button>
            {menu}
        </div>
    }
}

const ITEM: &str = "[role^=menuitem]";

fn items(root: NodeRef<html::Div>) -> Vec<HtmlElement> {
    let Some(found) = root.get_untracked().and_then(|root| root.query_selector_all(ITEM).ok()) else {
        return Vec::new();
    };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}

fn focus(items: &[HtmlElement], at: usize) {
    if let Some(item) = items.get(at) {
        // An entry that went away in the meantime needs no focus.
        let _ = item.focus();
    }
}
