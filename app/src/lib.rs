//! The web app: what a browser shows of OpenVidu Meet (contract ui.md, embedding.md). Views render
//! signals and call closures; HTTP is `api`'s, media and signalling are `rtc`'s and `session`'s.

#![expect(unreachable_pub, reason = "the component macro writes `pub` for its own types")]

mod api;
mod device;
mod embedded;
mod end;
mod error;
mod home;
mod i18n;
mod join;
mod media;
mod meeting;
mod room;
pub mod rtc;
pub mod session;
mod share;
mod storage;
mod ui;

use leptos::prelude::*;
use leptos_router::{
    components::{Route, Router, Routes},
    path,
};

use embedded::Host;
use end::EndPage;
use error::ErrorPage;
use home::HomePage;
use i18n::I18n;
use room::{LastRoom, RoomPage};
use ui::{Notices, NoticesView, ThemeChoice};

/// Shows the app once its texts are there.
pub fn start() {
    console_error_panic_hook::set_once();
    // Leptos brings its own executor up with the first mount.
    wasm_bindgen_futures::spawn_local(async {
        let i18n = I18n::start().await;
        mount_to_body(move || view! { <App i18n=i18n /> });
    });
}

#[component]
fn App(i18n: I18n) -> impl IntoView {
    provide_context(i18n);
    provide_context(Host::start());
    provide_context(ThemeChoice::start());
    provide_context(Notices::new());
    provide_context(LastRoom::new());
    view! {
        <Router>
            <Routes fallback=HomePage>
                <Route path=path!("/room/:id") view=RoomPage />
                <Route path=path!("/disconnected") view=EndPage />
                <Route path=path!("/error") view=ErrorPage />
            </Routes>
        </Router>
        <NoticesView />
    }
}
