//! The page of a room: join, device and meeting view, one after another under one address
//! (contract ui.md 1, 4 to 6). Owns the visit from the link to the last disconnection.

mod back;
mod call;
mod entry;
mod moderation;
mod redirect;
mod visit;

use std::sync::Arc;

use leptos::prelude::*;
use leptos::reactive::spawn_local_scoped_with_cancellation;
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};

use crate::{
    api::Ticket,
    error::ErrorReason,
    i18n::{Text, use_i18n},
    join::JoinView,
    ui::AppBar,
};
pub(crate) use back::BackButton;
use call::Call;
pub(crate) use entry::Entry;
pub(crate) use moderation::Moderation;
use visit::Visit;

/// Title of the page outside of a room.
const PRODUCT: &str = "OpenVidu Meet";

/// The room last visited in this page: for coming back.
#[derive(Clone, Copy)]
pub(crate) struct LastRoom(RwSignal<Option<RoomLink>>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RoomLink {
    pub room_id: String,
    pub secret: String,
    /// Empty before the room was read.
    pub room_name: String,
}

impl LastRoom {
    pub(crate) fn new() -> Self {
        Self(RwSignal::new(None))
    }

    pub(crate) fn link(self) -> Option<RoomLink> {
        self.0.get()
    }
}

impl RoomLink {
    /// Path and query that lead back into the room.
    pub(crate) fn path(&self) -> String {
        let encode = |text: &str| String::from(js_sys::encode_uri_component(text));
        let path = format!("/room/{}?secret={}", encode(&self.room_id), encode(&self.secret));
        // Coming back must not forget where to go in the end.
        match redirect::remembered() {
            Some(url) => format!("{path}&leave-redirect-url={}", encode(&url)),
            None => path,
        }
    }
}

#[derive(Clone)]
enum Phase {
    Loading,
    Join(Arc<Entry>),
    /// Device view, then the meeting.
    Call(Arc<Entry>, Ticket),
}

#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let room_id = Memo::new(move |_| params.with(|params| params.get("id").unwrap_or_default()));
    move || view! { <VisitView room_id=room_id.get() /> }
}

#[component]
fn VisitView(room_id: String) -> impl IntoView {
    let visit = Visit::arrive(room_id);
    let last_room = expect_context::<LastRoom>();
    let phase = RwSignal::new(Phase::Loading);
    let fail = {
        let navigate = use_navigate();
        move |reason: ErrorReason| {
            navigate(&reason.path(), NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    };

    on_cleanup(|| document().set_title(PRODUCT));
    last_room.0.set(visit.secret.clone().map(|secret| RoomLink {
        room_id: visit.room_id.clone(),
        secret,
        room_name: String::new(),
    }));
    let load = {
        let (visit, fail) = (visit.clone(), fail.clone());
        async move {
            match entry::enter(&visit.room_id, visit.secret.as_deref()).await {
                Ok(entry) => {
                    last_room.0.update(|link| {
                        if let Some(link) = link {
                            link.room_name.clone_from(&entry.room.room_name);
                        }
                    });
                    document().set_title(&format!("{} · {PRODUCT}", entry.room.room_name));
                    phase.set(Phase::Join(Arc::new(entry)));
                }
                Err(reason) => fail(reason),
            }
        }
    };
    spawn_local_scoped_with_cancellation(load);

    let busy = RwSignal::new(false);
    let join = move |entry: Arc<Entry>, name: String| {
        busy.set(true);
        let fail = fail.clone();
        spawn_local_scoped_with_cancellation(async move {
            match entry::take_ticket(&entry, &name).await {
                Ok(ticket) => {
                    visit::keep_name(&ticket.name);
                    phase.set(Phase::Call(entry, ticket));
                }
                Err(reason) => fail(reason),
            }
            busy.set(false);
        });
    };

    let view = move || match phase.get() {
        Phase::Loading => view! { <LoadingView /> }.into_any(),
        Phase::Join(entry) => {
            let join = join.clone();
            let on_join = {
                let entry = entry.clone();
                move |name: String| join(entry.clone(), name)
            };
            view! { <JoinView entry=entry name=visit.name.clone() busy=busy on_join=on_join /> }.into_any()
        }
        Phase::Call(entry, ticket) => view! { <Call entry=entry ticket=ticket /> }.into_any(),
    };
    view! { <ov-meeting class="view">{view}</ov-meeting> }
}

/// The join view's shape while the room is read; visible after 200 ms only.
#[component]
fn LoadingView() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="page">
            <AppBar />
            <main class="page__main join" aria-busy="true">
                <p class="visually-hidden" role="status">{i18n.of(Text::Loading)}</p>
                <div class="skeleton skeleton--title"></div>
                <div class="join__cards">
                    <div class="card join__card skeleton skeleton--card"></div>
                </div>
            </main>
        </div>
    }
}
