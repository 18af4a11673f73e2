//! The own picture: a tile among the others, or floating in a corner that the user chooses by
//! dragging or with the arrow keys.

use leptos::{ev, html, prelude::*};

use super::{
    layout::{Corner, Place, Size, nearest_corner},
    tile::{Chip, Picture, style},
};
use crate::{
    i18n::{Text, use_i18n},
    rtc::{LocalMedia, SourceState},
    session::Session,
};

/// How far a pointer moves before it drags, in CSS pixels.
const DRAG_THRESHOLD: f64 = 4.0;

/// A drag of the floating tile.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Drag {
    from: (f64, f64),
    by: (f64, f64),
}

#[component]
pub(super) fn OwnTile(
    /// Of the own participant.
    name: String,
    media: LocalMedia,
    session: Session,
    #[prop(into)] place: Signal<Option<Place>>,
    #[prop(into)] floating: Signal<bool>,
    #[prop(into)] stage: Signal<Size>,
    /// Where it floats.
    #[prop(into)]
    corner: Signal<Corner>,
    #[prop(into)] on_corner: Callback<Corner>,
) -> impl IntoView {
    let i18n = use_i18n();
    let element = NodeRef::<html::Div>::new();
    let drag = RwSignal::new(None::<Drag>);
    let microphone = media.microphone();
    let silent = Memo::new(move |_| microphone.get() != SourceState::On);
    let local = session.local();
    let speaking = Memo::new(move |_| {
        !silent.get() && local.with(|local| local.as_ref().is_some_and(|local| local.speaking))
    });
    let moved = move || {
        let place = place.get();
        match drag.get() {
            Some(Drag { by: (x, y), .. }) if floating.get() => {
                place.map(|place| Place { x: place.x + x, y: place.y + y, ..place })
            }
            _ => place,
        }
    };

    let on_down = move |event: ev::PointerEvent| {
        if !floating.get_untracked() || event.button() != 0 {
            return;
        }
        if let Some(element) = element.get_untracked() {
            // Without capture the drag ends at the tile's edge: clumsy, not wrong.
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        let from = pointer(&event);
        drag.set(Some(Drag { from, by: (0.0, 0.0) }));
    };
    let on_move = move |event: ev::PointerEvent| {
        if let Some(Drag { from, by }) = drag.get_untracked() {
            let (x, y) = pointer(&event);
            let now = (x - from.0, y - from.1);
            if by != (0.0, 0.0) || now.0.hypot(now.1) > DRAG_THRESHOLD {
                drag.set(Some(Drag { from, by: now }));
            }
        }
    };
    let on_up = move |_: ev::PointerEvent| {
        let Some(Drag { by, .. }) = drag.get_untracked() else { return };
        if let Some(place) = place.get_untracked().filter(|_| by != (0.0, 0.0)) {
            let (x, y) = (place.x + by.0 + place.width / 2.0, place.y + by.1 + place.height / 2.0);
            on_corner.run(nearest_corner(stage.get_untracked(), x, y));
        }
        drag.set(None);
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if !floating.get_untracked() {
            return;
        }
        let Corner { right, bottom } = corner.get_untracked();
        on_corner.run(match event.key().as_str() {
            "ArrowLeft" => Corner { right: false, bottom },
            "ArrowRight" => Corner { right: true, bottom },
            "ArrowUp" => Corner { right, bottom: false },
            "ArrowDown" => Corner { right, bottom: true },
            _ => return,
        });
        event.prevent_default();
    };
    view! {
        <div
            class="tile OV_root OV_publisher local_participant"
            class:tile--floating=floating
            class:OV_floating=floating
            class:tile--dragged=move || drag.get().is_some()
            class:speaking=speaking
            style=move || style(moved())
            node_ref=element
            role="group"
            tabindex=move || if floating.get() { "0" } else { "-1" }
            aria-label=move || i18n.get(if floating.get() { Text::MeetingFloat } else { Text::MeetingYou })
            on:pointerdown=on_down
            on:pointermove=on_move
            on:pointerup=on_up
            on:pointercancel=move |_| drag.set(None)
            on:keydown=on_key
        >
            <div class="OV_stream local camera-source tile__body" class:speaking=speaking id="local-element-camera">
                <Picture stream=media.preview() name=Signal::stored(name) mirrored=true />
                <Chip name=Signal::derive(i18n.of(Text::MeetingYou)) silent=silent speaking=false />
            </div>
        </div>
    }
}

/// Where the pointer is. Browsers give fractions; web-sys knows them with its unstable interfaces only.
fn pointer(event: &ev::PointerEvent) -> (f64, f64) {
    fn pixels(value: impl Into<f64>) -> f64 {
        value.into()
    }
    (pixels(event.client_x()), pixels(event.client_y()))
}
