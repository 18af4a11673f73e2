//! Which camera or microphone: a field that opens a menu.

use leptos::prelude::*;

use super::{Kind, level::LevelMeter};
use crate::{
    i18n::use_i18n,
    rtc::{LocalMedia, SourceState},
    ui::{ChoiceMenu, Glyph, Icon, Placement},
};

#[component]
pub(super) fn DeviceField(kind: Kind, media: LocalMedia) -> impl IntoView {
    let i18n = use_i18n();
    let choices = kind.choices(media, i18n);
    let selected = kind.selected(media);
    let state = kind.state(media);
    let current = Memo::new(move |_| {
        choices.with(|choices| {
            let chosen =
                selected.with(|id| choices.iter().find(|choice| Some(&choice.id) == id.as_ref()).cloned());
            chosen.or_else(|| choices.first().cloned()).map(|choice| choice.label)
        })
    });
    let text = move || match (state.get(), current.get()) {
        (SourceState::NoDevice, _) | (_, None) => "–".to_owned(),
        (_, Some(label)) => label,
    };
    let nothing = Signal::derive(move || choices.with(Vec::is_empty));
    let label = Signal::derive(move || match current.get() {
        Some(device) => format!("{}: {device}", i18n.get(kind.choose())),
        None => i18n.get(kind.choose()),
    });
    let (id, meter) = match kind {
        Kind::Camera => ("video-dropdown", None),
        Kind::Microphone => ("audio-dropdown", Some(view! { <LevelMeter media=media /> })),
    };
    let menu = view! {
        <ChoiceMenu
            id=id
            class="device-field"
            label=label
            choices=choices
            selected=selected
            on_pick=move |id: String| kind.select(media, &id)
            disabled=nothing
            placement=Placement::Below
        >
            <span class="device-field__words">
                <span class="device-field__kind">{i18n.of(kind.name())}</span>
                <span class="device-field__name">{text}</span>
            </span>
            {meter}
            <Icon glyph=Glyph::ChevronDown />
        </ChoiceMenu>
    };
    match kind {
        Kind::Camera => {
            view! { <ov-video-devices-select class="device__field device__field--camera">{menu}</ov-video-devices-select> }
                .into_any()
        }
        Kind::Microphone => {
            view! {
                <ov-audio-devices-select class="device__field device__field--microphone">{menu}</ov-audio-devices-select>
            }
            .into_any()
        }
    }
}
