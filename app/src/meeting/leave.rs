//! The way out (contract ui.md 6.2): speakers leave at once, moderators choose whether the others stay.

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    room::Moderation,
    session::Session,
    ui::{Glyph, Icon, MenuButton, Placement},
};

#[component]
pub(super) fn LeaveButton(session: Session, moderation: Option<Moderation>) -> impl IntoView {
    let i18n = use_i18n();
    let face = move || {
        view! {
            <Icon glyph=Glyph::LogOut />
            <span class="leave__word">{i18n.of(Text::MeetingLeave)}</span>
        }
    };
    let button = match moderation {
        Some(moderation) => {
            let entries = move || {
                view! {
                    <Item id="leave-option" glyph=Glyph::LogOut text=Text::MeetingLeaveOnly act=move || session.leave() />
                    <Item
                        id="end-meeting-option"
                        glyph=Glyph::DoorClosed
                        text=Text::MeetingEndForAll
                        act=move || moderation.end_meeting()
                    />
                }
            };
            view! {
                <MenuButton
                    id="leave-btn"
                    class="leave"
                    label=Signal::derive(i18n.of(Text::MeetingLeave))
                    placement=Placement::Above
                    entries=entries
                >
                    {face()}
                </MenuButton>
            }
            .into_any()
        }
        None => view! {
            <button
                type="button"
                class="leave"
                id="leave-btn"
                aria-label=i18n.of(Text::MeetingLeave)
                title=i18n.of(Text::MeetingLeave)
                on:click=move |_| session.leave()
            >
                {face()}
            </button>
        }
        .into_any(),
    };
    view! { <ov-meeting-toolbar-leave-button>{button}</ov-meeting-toolbar-leave-button> }
}

#[component]
fn Item(id: &'static str, glyph: Glyph, text: Text, act: impl Fn() + Send + 'static) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <button type="button" role="menuitem" class="menu__item menu__item--action" id=id tabindex="-1" on:click=move |_| act()>
            <Icon glyph=glyph />
            <span class="menu__label">{i18n.of(text)}</span>
        </button>
    }
}
