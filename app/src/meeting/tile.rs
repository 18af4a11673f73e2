//! A tile: somebody's picture or initials, with their name (design language "Tile").

use leptos::prelude::*;
use web_sys::MediaStream;

use super::{
    layout::Place,
    people::{Remote, Source},
};
use crate::{
    i18n::{Text, use_i18n},
    media::Video,
    session::Session,
    ui::{Avatar, Glyph, Icon},
};

/// Somebody else's camera, or their screen.
#[component]
pub(super) fn RemoteTile(
    session: Session,
    sid: String,
    source: Source,
    /// `None` while there is no room for it.
    #[prop(into)]
    place: Signal<Option<Place>>,
    /// Level bars are shown when there are only two people.
    #[prop(into)]
    bars: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let remote = Remote::new(session, sid.clone());
    let name = remote.name();
    let label = Memo::new(move |_| match source {
        Source::Screen => i18n.fill(Text::MeetingScreen, &[("name", &name.get())]),
        _ => name.get(),
    });
    let screen = source == Source::Screen;
    let silent = remote.silent();
    let silent = Memo::new(move |_| !screen && silent.get());
    let speaking = remote.speaking();
    let speaking = Memo::new(move |_| !screen && speaking.get() && !silent.get());
    let track_sid = remote.track_sid(source);
    ask_for_size(session, track_sid, place);

    let dom_id = move || {
        let source = if screen { "screen_share" } else { "camera" };
        format!("stream-{source}-{}", track_sid.get().unwrap_or_else(|| sid.clone()))
    };
    view! {
        <div class="tile OV_root remote-participant" class:speaking=speaking style=move || style(place.get())>
            <div
                class="OV_stream remote tile__body"
                class:camera-source=!screen
                class:screen-source=screen
                class:OV_screen=screen
                class:speaking=speaking
                id=dom_id
            >
                <Picture stream=remote.picture(source) name=name screen=screen />
                <Chip name=label silent=silent speaking=Memo::new(move |_| speaking.get() && bars.get()) />
            </div>
        </div>
    }
}

/// Where a tile stands.
pub(super) fn style(place: Option<Place>) -> String {
    match place {
        Some(Place { x, y, width, height }) => {
            format!("transform: translate({x:.1}px, {y:.1}px); width: {width:.1}px; height: {height:.1}px")
        }
        None => "display: none".to_owned(),
    }
}

/// The stream, or initials while there is none.
#[component]
pub(super) fn Picture(
    #[prop(into)] stream: Signal<Option<MediaStream>, LocalStorage>,
    #[prop(into)] name: Signal<String>,
    #[prop(optional)] screen: bool,
    #[prop(optional)] mirrored: bool,
) -> impl IntoView {
    let shown = Memo::new(move |_| stream.with(Option::is_some));
    let class = if screen {
        "OV_video-element OV_media-element screen-type video--whole"
    } else {
        "OV_video-element OV_media-element camera-type"
    };
    view! {
        <Show
            when=move || shown.get()
            fallback=move || {
                view! {
                    <div class="tile__empty participant-avatar">
                        <Avatar name=name />
                    </div>
                }
            }
        >
            <Video stream=stream class=class mirrored=mirrored />
        </Show>
    }
}

/// The name, the silenced microphone before it, and bars while speaking.
#[component]
pub(super) fn Chip(
    #[prop(into)] name: Signal<String>,
    #[prop(into)] silent: Signal<bool>,
    #[prop(into)] speaking: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="chip participant-name-container">
            <Show when=move || silent.get()>
                <span class="chip__silent status-mic">
                    <Icon glyph=Glyph::MicOff />
                </span>
            </Show>
            <Show when=move || speaking.get() && !silent.get()>
                <span class="bars" aria-hidden="true">
                    <span></span>
                    <span></span>
                    <span></span>
                </span>
            </Show>
            <span class="chip__name participant-name">{move || name.get()}</span>
            <Show when=move || silent.get()>
                <span class="visually-hidden">", " {i18n.of(Text::MeetingSilent)}</span>
            </Show>
        </div>
    }
}

/// Tells the server how large the picture is shown, so that it sends no more than that.
fn ask_for_size(session: Session, track_sid: Memo<Option<String>>, place: Signal<Option<Place>>) {
    let wanted = Memo::new(move |_| {
        let scale = window().device_pixel_ratio();
        place.get().map(|place| ((place.width * scale).round() as u32, (place.height * scale).round() as u32))
    });
    Effect::new(move |_| {
        if let Some(sid) = track_sid.get() {
            let size = wanted.get().filter(|(width, height)| *width > 0 && *height > 0);
            let (width, height) = size.unwrap_or_default();
            session.set_tile(&sid, size.is_some(), width, height);
        }
    });
}
