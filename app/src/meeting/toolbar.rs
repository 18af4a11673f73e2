//! The toolbar (contract ui.md 6.2): room name, devices, leave. While reconnecting only Leave works.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::leave::LeaveButton;
use crate::{
    device::{DeviceToggle, Kind},
    i18n::{Text, use_i18n},
    room::Moderation,
    rtc::LocalMedia,
    session::Session,
    ui::{ChoiceMenu, Glyph, Icon, Placement},
};

#[component]
pub(super) fn Toolbar(
    room_name: String,
    media: LocalMedia,
    session: Session,
    moderation: Option<Moderation>,
    /// While reconnecting.
    #[prop(into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            // Screen readers start here; a page out of focus keeps its place.
            let _ = heading.focus();
        }
    });
    let title = room_name.clone();
    view! {
        <ov-toolbar>
            <div class="toolbar" id="toolbar">
                <div class="toolbar__info" id="info-container">
                    <h1 class="toolbar__room" id="session-name" node_ref=heading tabindex="-1" title=title>
                        <span id="meeting-name">{room_name}</span>
                    </h1>
                </div>
                <div
                    class="toolbar__media"
                    id="media-buttons-container"
                    role="toolbar"
                    aria-label=i18n.of(Text::MeetingControls)
                    on:keydown=move_focus
                >
                    <SplitControl kind=Kind::Camera media=media disabled=disabled />
                    <SplitControl kind=Kind::Microphone media=media disabled=disabled />
                    <LeaveButton session=session moderation=moderation />
                </div>
                <div class="toolbar__panels" id="menu-buttons-container"></div>
            </div>
        </ov-toolbar>
    }
}

/// A toggle and the menu of its devices.
#[component]
fn SplitControl(kind: Kind, media: LocalMedia, disabled: Signal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let choices = kind.choices(media, i18n);
    let (toggle_id, menu_id) = match kind {
        Kind::Camera => ("camera-btn", "camera-menu-btn"),
        Kind::Microphone => ("mic-btn", "mic-menu-btn"),
    };
    let state = kind.state(media);
    let off = move || state.get() != crate::rtc::SourceState::On;
    let no_choice = Signal::derive(move || disabled.get() || choices.with(Vec::is_empty));
    view! {
        <div class="split" class:split--off=off>
            <DeviceToggle kind=kind media=media id=toggle_id disabled=disabled />
            <ChoiceMenu
                id=menu_id
                class="split__menu"
                label=Signal::derive(i18n.of(kind.choose()))
                choices=choices
                selected=kind.selected(media)
                on_pick=move |id: String| kind.select(media, &id)
                disabled=no_choice
                placement=Placement::Above
            >
                <Icon glyph=Glyph::ChevronUp />
            </ChoiceMenu>
        </div>
    }
}

/// Arrow keys walk the toolbar's buttons; an open menu keeps its own arrows.
fn move_focus(event: ev::KeyboardEvent) {
    let step = match event.key().as_str() {
        "ArrowRight" => 1,
        "ArrowLeft" => -1,
        _ => return,
    };
    let bar = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let Some(found) = bar.and_then(|bar| bar.query_selector_all("button:not([role])").ok()) else {
        return;
    };
    let buttons: Vec<HtmlElement> =
        (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect();
    let active = document().active_element();
    let Some(at) = buttons.iter().position(|button| active.as_ref() == Some(button.as_ref())) else { return };
    let next = (at as isize + step).rem_euclid(buttons.len() as isize) as usize;
    event.prevent_default();
    // A button that went away in the meantime needs no focus.
    let _ = buttons[next].focus();
}
