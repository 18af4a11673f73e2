//! How loud the microphone hears: eight bars.

use leptos::prelude::*;

use crate::rtc::LocalMedia;

const BARS: u8 = 8;

/// Decoration beside the microphone's name: its state is said by the toggle.
#[component]
pub(super) fn LevelMeter(media: LocalMedia) -> impl IntoView {
    let level = media.level();
    let lit = Memo::new(move |_| (level.get().clamp(0.0, 1.0) * f32::from(BARS)).round() as u8);
    let bars = (0..BARS)
        .map(|bar| {
            let height = 6 + bar * 3 / 2;
            view! {
                <span class="level__bar" class:level__bar--lit=move || bar < lit.get() style=format!("height: {height}px")></span>
            }
        })
        .collect_view();
    view! {
        <span class="level" aria-hidden="true">
            {bars}
        </span>
    }
}
