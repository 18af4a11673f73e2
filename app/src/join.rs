//! The join view: a name, and for moderators the link for others (contract ui.md 4).

use std::sync::Arc;

use leptos::{ev, html, prelude::*};

use crate::{
    embedded::embedded,
    i18n::{Text, use_i18n},
    room::{BackButton, Entry},
    share::ShareCard,
    ui::{AppBar, Glyph, Icon},
};

const LONGEST_NAME: u32 = 50;

#[component]
pub(crate) fn JoinView(
    entry: Arc<Entry>,
    /// Filled in at the start.
    name: String,
    /// While the place in the meeting is being taken.
    #[prop(into)]
    busy: Signal<bool>,
    #[prop(into)] on_join: Callback<String>,
) -> impl IntoView {
    let i18n = use_i18n();
    let moderates = entry.moderates();
    let closed = entry.closed();
    let share = (moderates && !closed).then(|| view! { <ShareCard url=entry.room.speaker_url.clone() /> });
    let badge = moderates.then(|| {
        view! {
            <span class="badge badge--role">
                <Icon glyph=Glyph::ShieldCheck />
                {i18n.of(Text::Moderator)}
            </span>
        }
    });
    let card = if closed {
        view! { <ClosedCard /> }.into_any()
    } else {
        view! { <NameForm name=name busy=busy on_join=on_join /> }.into_any()
    };
    view! {
        <div class="page page--join">
            <AppBar />
            <main class="page__main join">
                <p class="join__about">{i18n.of(Text::JoinAbout)}</p>
                <div class="join__heading">
                    <h1 class="join__title">{entry.room.room_name.clone()}</h1>
                    {badge}
                </div>
                <div class="join__cards">
                    {card}
                    {share}
                </div>
                <BackButton />
            </main>
        </div>
    }
}

#[component]
fn NameForm(name: String, busy: Signal<bool>, on_join: Callback<String>) -> impl IntoView {
    let i18n = use_i18n();
    let name = RwSignal::new(name);
    let input = NodeRef::<html::Input>::new();
    let empty = move || name.with(|name| name.trim().is_empty());
    Effect::new(move |_| {
        // In a frame the host page keeps the focus until the visitor comes to us.
        if let Some(input) = input.get().filter(|_| !embedded()) {
            // The field is one Tab away if the browser refuses.
            let _ = input.focus();
        }
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if !wanted.is_empty() && !busy.get_untracked() {
            on_join.run(wanted);
        }
    };
    view! {
        <form class="card join__card" on:submit=submit novalidate=true>
            <h2 class="join__card-title">{i18n.of(Text::JoinTitle)}</h2>
            <div class="field">
                <label class="field__label" for="participant-name-input">
                    {i18n.of(Text::JoinName)}
                </label>
                <input
                    id="participant-name-input"
                    class="field__input field__input--large"
                    type="text"
                    name="name"
                    autocomplete="name"
                    spellcheck="false"
                    maxlength=LONGEST_NAME
                    required=true
                    aria-describedby="participant-name-hint"
                    node_ref=input
                    prop:value=move || name.get()
                    on:input=move |event| name.set(event_target_value(&event))
                />
                <p class="field__hint" id="participant-name-hint">
                    {i18n.of(Text::JoinNameHint)}
                </p>
            </div>
            <button
                type="submit"
                id="participant-name-submit"
                class="button button--cta button--large button--wide"
                disabled=move || empty() || busy.get()
                aria-busy=move || if busy.get() { "true" } else { "false" }
            >
                <Show
                    when=move || busy.get()
                    fallback=move || {
                        view! {
                            {i18n.of(Text::JoinContinue)}
                            <span class="join__arrow">
                                <Icon glyph=Glyph::ArrowRight />
                            </span>
                        }
                    }
                >
                    <span class="spinner">
                        <Icon glyph=Glyph::LoaderCircle />
                    </span>
                    {i18n.of(Text::JoinContinue)}
                </Show>
            </button>
            <p class="join__privacy">
                <Icon glyph=Glyph::VideoOff />
                <span>{i18n.of(Text::JoinPrivacy)}</span>
            </p>
        </form>
    }
}

#[component]
fn ClosedCard() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <section class="card join__card join__card--closed room-closed-message">
            <span class="join__closed-mark">
                <Icon glyph=Glyph::DoorClosed />
            </span>
            <h2 class="join__card-title">{i18n.of(Text::ClosedTitle)}</h2>
            <p class="join__closed-text">{i18n.of(Text::ClosedText)}</p>
        </section>
    }
}
