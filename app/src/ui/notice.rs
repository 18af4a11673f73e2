//! Short notices, one at a time (contract ui.md 2, design language "Toast"), and the polite live
//! region for what happens without a notice.

use std::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use crate::{
    i18n::{Text, use_i18n},
    ui::{Glyph, Icon},
};

const SHOWN: Duration = Duration::from_secs(3);

#[derive(Clone, PartialEq, Debug)]
struct Notice {
    text: String,
    failed: bool,
}

/// Shows notices and speaks announcements.
#[derive(Clone, Copy)]
pub(crate) struct Notices {
    shown: RwSignal<Option<Notice>>,
    timer: StoredValue<Option<TimeoutHandle>>,
    spoken: RwSignal<String>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self {
            shown: RwSignal::new(None),
            timer: StoredValue::new(None),
            spoken: RwSignal::new(String::new()),
        }
    }

    /// Something was done.
    pub(crate) fn done(self, text: String) {
        self.show(Notice { text, failed: false });
    }

    /// Something failed.
    pub(crate) fn failed(self, text: String) {
        self.show(Notice { text, failed: true });
    }

    /// Told to screen readers only.
    pub(crate) fn announce(self, text: String) {
        self.spoken.set(text);
    }

    fn show(self, notice: Notice) {
        self.shown.set(Some(notice));
        self.resume();
    }

    fn pause(self) {
        self.timer.update_value(|timer| {
            if let Some(timer) = timer.take() {
                timer.clear();
            }
        });
    }

    fn resume(self) {
        self.pause();
        self.timer.set_value(set_timeout_with_handle(move || self.shown.set(None), SHOWN).ok());
    }
}

pub(crate) fn use_notices() -> Notices {
    expect_context()
}

/// The place where notices appear: once in the page.
#[component]
pub(crate) fn NoticesView() -> impl IntoView {
    let i18n = use_i18n();
    let notices = use_notices();
    let shown = move || {
        notices.shown.get().map(|notice| {
            let (role, glyph) =
                if notice.failed { ("alert", Glyph::CircleAlert) } else { ("status", Glyph::CircleCheck) };
            view! {
                <div
                    class="notice custom-snackbar"
                    role=role
                    on:pointerenter=move |_| notices.pause()
                    on:pointerleave=move |_| notices.resume()
                    on:focusin=move |_| notices.pause()
                    on:focusout=move |_| notices.resume()
                >
                    <Icon glyph=glyph />
                    <span>{notice.text}</span>
                    <button type="button" class="notice__close" on:click=move |_| notices.shown.set(None)>
                        {i18n.of(Text::Close)}
                    </button>
                </div>
            }
        })
    };
    view! {
        <div class="notices">{shown}</div>
        <div class="visually-hidden" aria-live="polite">{move || notices.spoken.get()}</div>
    }
}
