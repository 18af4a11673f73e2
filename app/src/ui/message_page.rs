//! A page with one thing to say: end, error and home view.

use leptos::{html, prelude::*};

use super::{AppBar, Glyph, Icon};

#[component]
pub(crate) fn MessagePage(
    glyph: Glyph,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] text: Signal<String>,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] title_class: &'static str,
    #[prop(optional)] title_id: &'static str,
    #[prop(optional)] text_class: &'static str,
    /// What can be done about it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            // Screen readers start here; a page out of focus keeps its place.
            let _ = heading.focus();
        }
    });
    view! {
        <div class=format!("page {class}")>
            <AppBar />
            <main class="page__main message">
                <div class="message__picture" aria-hidden="true">
                    <span class="message__back"></span>
                    <span class="message__front">
                        <Icon glyph=glyph />
                    </span>
                </div>
                <h1 node_ref=heading tabindex="-1" id=title_id class=format!("message__title {title_class}")>
                    {move || title.get()}
                </h1>
                <p class=format!("message__text {text_class}")>{move || text.get()}</p>
                {children.map(|children| view! { <div class="message__actions">{children()}</div> })}
            </main>
        </div>
    }
}
