//! The button that turns a camera or microphone on and off.

use leptos::prelude::*;

use super::Kind;
use crate::{
    i18n::use_i18n,
    rtc::{LocalMedia, SourceState},
    ui::{Glyph, Icon},
};

/// `data-state` is `on`, `off` or `busy`.
#[component]
pub(crate) fn DeviceToggle(
    kind: Kind,
    media: LocalMedia,
    id: &'static str,
    #[prop(optional)] class: &'static str,
    #[prop(optional, into)] disabled: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let state = kind.state(media);
    let on = move || state.get() == SourceState::On;
    let starting = move || state.get() == SourceState::Starting;
    // Not `disabled`: the focus stays where it is while a device starts or the network is gone.
    let idle = move || disabled.get() || starting();
    let glyph = Signal::derive(move || if starting() { Glyph::LoaderCircle } else { kind.glyph(on()) });
    let icon_id = move || match (kind, on()) {
        (Kind::Camera, true) => "videocam",
        (Kind::Camera, false) => "videocam_off",
        (Kind::Microphone, true) => "mic",
        (Kind::Microphone, false) => "mic_off",
    };
    let title = move || match kind.trouble(state.get()) {
        Some(trouble) => i18n.get(trouble),
        None => format!("{} ({})", i18n.get(kind.action(on())), kind.shortcut()),
    };
    view! {
        <button
            type="button"
            id=id
            class=format!("control {class}")
            data-state=move || if starting() { "busy" } else if on() { "on" } else { "off" }
            aria-pressed=move || if on() { "true" } else { "false" }
            aria-label=move || i18n.get(kind.label(on()))
            aria-keyshortcuts=format!("Control+{0} Meta+{0}", kind.key())
            title=title
            aria-disabled=move || if idle() { "true" } else { "false" }
            on:click=move |_| {
                if !idle() {
                    kind.toggle(media);
                }
            }
        >
            <span id=icon_id class:spinner=starting>
                <Icon glyph=glyph />
            </span>
        </button>
    }
}
