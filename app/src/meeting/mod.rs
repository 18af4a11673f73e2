//! The meeting view: stage and toolbar (contract ui.md 6).

mod announce;
mod layout;
mod leave;
mod own_tile;
mod people;
mod shortcuts;
mod sound;
mod stage;
mod tile;
mod toolbar;

use std::sync::Arc;

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    room::{Entry, Moderation},
    rtc::LocalMedia,
    session::{Session, SessionState},
    ui::{Glyph, Icon},
};
use announce::announce_people;
use shortcuts::listen_for_shortcuts;
use sound::Sound;
use stage::Stage;
use toolbar::Toolbar;

#[component]
pub(crate) fn MeetingView(
    entry: Arc<Entry>,
    /// Of the own participant.
    name: String,
    media: LocalMedia,
    session: Session,
    /// For moderators.
    moderation: Option<Moderation>,
) -> impl IntoView {
    let i18n = use_i18n();
    let state = session.state();
    let reconnecting = Memo::new(move |_| state.get() == SessionState::Reconnecting);
    let room_name = entry.room.room_name.clone();
    listen_for_shortcuts(media, reconnecting);
    announce_people(session);

    let notice = move || {
        reconnecting.get().then(|| {
            view! {
                <div class="notice notice--lasting" role="alert">
                    <span class="spinner">
                        <Icon glyph=Glyph::LoaderCircle />
                    </span>
                    <span>{i18n.of(Text::MeetingReconnecting)}</span>
                </div>
            }
        })
    };
    view! {
        <ov-session class="view">
            <ov-meeting-view class="view">
                <div
                    class="meeting"
                    class:meeting--reconnecting=move || reconnecting.get()
                    id="session-container"
                >
                    <Stage entry=entry name=name media=media session=session />
                    <div class="meeting__notice">
                        {notice}
                        <Sound session=session />
                    </div>
                    <Toolbar
                        room_name=room_name
                        media=media
                        session=session
                        moderation=moderation
                        disabled=reconnecting
                    />
                </div>
            </ov-meeting-view>
        </ov-session>
    }
}
