//! The device view: how do I look and sound (contract ui.md 5). Joining is possible without any device.

mod field;
mod kind;
mod level;
mod toggle;

use std::sync::Arc;

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

use crate::{
    i18n::{Text, use_i18n},
    media::Video,
    room::Entry,
    rtc::{LocalMedia, SourceState},
    ui::{AppBar, Avatar, Glyph, Icon},
};
use field::DeviceField;
pub(crate) use kind::Kind;
pub(crate) use toggle::DeviceToggle;

#[component]
pub(crate) fn DeviceView(
    entry: Arc<Entry>,
    /// Of the participant.
    name: String,
    media: LocalMedia,
    #[prop(into)] on_join: Callback<()>,
) -> impl IntoView {
    let i18n = use_i18n();
    let sheet = RwSignal::new(false);
    let controls = NodeRef::<html::Div>::new();
    close_outside(controls, sheet);
    let heading = NodeRef::<html::H1>::new();
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            // Screen readers start here; a page out of focus keeps its place.
            let _ = heading.focus();
        }
    });
    view! {
        <ov-pre-join class="view">
            <ov-meeting-media-setup class="view">
                <div class="page page--device" id="prejoin-container">
                    <AppBar />
                    <main class="page__main device">
                        <Preview name=name media=media />
                        <div class="device__panel">
                            <div class="device__words">
                                <p class="device__room">{entry.room.room_name.clone()}</p>
                                <h1 class="device__title" node_ref=heading tabindex="-1">
                                    {i18n.of(Text::DeviceTitle)}
                                </h1>
                            </div>
                            <div class="device__controls" node_ref=controls>
                                <DeviceToggle
                                    kind=Kind::Camera
                                    media=media
                                    id="camera-button"
                                    class="device__camera"
                                />
                                <DeviceToggle
                                    kind=Kind::Microphone
                                    media=media
                                    id="microphone-button"
                                    class="device__microphone"
                                />
                                <button
                                    type="button"
                                    class="control device__menu"
                                    aria-label=i18n.of(Text::DevicesMenu)
                                    title=i18n.of(Text::DevicesMenu)
                                    aria-expanded=move || if sheet.get() { "true" } else { "false" }
                                    aria-controls="device-fields"
                                    on:click=move |_| sheet.update(|open| *open = !*open)
                                >
                                    <Icon glyph=Glyph::Settings2 />
                                </button>
                                <div class="device__fields" id="device-fields" class:device__fields--open=sheet>
                                    <DeviceField kind=Kind::Camera media=media />
                                    <DeviceField kind=Kind::Microphone media=media />
                                </div>
                            </div>
                            <Silence media=media />
                            <Troubles media=media />
                            <div class="device__join">
                                <button
                                    type="button"
                                    id="join-button"
                                    class="button button--cta button--large button--wide"
                                    on:click=move |_| on_join.run(())
                                >
                                    {i18n.of(Text::DeviceJoin)}
                                </button>
                            </div>
                            <p class="device__kept">
                                <Icon glyph=Glyph::Check />
                                <span>{i18n.of(Text::DeviceKept)}</span>
                            </p>
                        </div>
                    </main>
                </div>
            </ov-meeting-media-setup>
        </ov-pre-join>
    }
}

/// On a phone the device fields are a sheet: a click elsewhere or Escape closes it.
fn close_outside(controls: NodeRef<html::Div>, sheet: RwSignal<bool>) {
    let click = window_event_listener(ev::click, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let inside = controls.get_untracked().is_some_and(|controls| controls.contains(target.as_ref()));
        if !inside && sheet.get_untracked() {
            sheet.set(false);
        }
    });
    let key = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && sheet.get_untracked() {
            sheet.set(false);
        }
    });
    on_cleanup(move || {
        click.remove();
        key.remove();
    });
}

/// The own picture, mirrored, or who I am while there is none.
#[component]
fn Preview(name: String, media: LocalMedia) -> impl IntoView {
    let i18n = use_i18n();
    let stream = media.preview();
    let state = media.camera();
    let shown = Memo::new(move |_| stream.with(Option::is_some));
    let status = move || match state.get() {
        SourceState::Starting => Some(i18n.get(Text::CameraStarting)),
        SourceState::On => None,
        _ => Some(i18n.get(Text::CameraIsOff)),
    };
    let chip = name.clone();
    view! {
        <div class="preview" role="img" aria-label=i18n.of(Text::DevicePreview)>
            <Show
                when=move || shown.get()
                fallback=move || {
                    view! {
                        <div class="preview__empty">
                            <Avatar name=Signal::stored(name.clone()) />
                            <p class="preview__status">{status}</p>
                        </div>
                    }
                }
            >
                <Video stream=stream mirrored=true />
            </Show>
            <span class="chip preview__name">{chip}</span>
        </div>
    }
}

/// On a phone, where the fields are away: which device is off.
#[component]
fn Silence(media: LocalMedia) -> impl IntoView {
    let i18n = use_i18n();
    let off = move || {
        let texts = [(Kind::Camera, Text::CameraIsOff), (Kind::Microphone, Text::MicrophoneIsOff)];
        let off = texts.into_iter().filter(|(kind, _)| kind.state(media).get() == SourceState::Off);
        off.map(|(_, text)| i18n.get(text)).collect::<Vec<_>>().join(" · ")
    };
    view! { <p class="device__silence">{off}</p> }
}

/// What keeps a device from working, said once.
#[component]
fn Troubles(media: LocalMedia) -> impl IntoView {
    let i18n = use_i18n();
    let trouble = move |kind: Kind, id: &'static str| {
        kind.trouble(kind.state(media).get()).map(|text| {
            view! {
                <p class="device__trouble" id=id>
                    <Icon glyph=Glyph::CircleAlert />
                    <span>{i18n.of(text)}</span>
                </p>
            }
        })
    };
    view! {
        <div class="device__troubles" role="status">
            {move || trouble(Kind::Camera, "no-video-device-message")}
            {move || trouble(Kind::Microphone, "no-audio-device-message")}
        </div>
    }
}
