//! The link that brings others in as speakers (contract ui.md 4, 6.3).

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    ui::{Glyph, Icon, copy_text, use_notices},
};

/// Beside the join card.
#[component]
pub(crate) fn ShareCard(url: String) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <ov-share-meeting-link>
            <ov-share-room-access-link>
                <section class="card share" aria-labelledby="share-title">
                    <div class="share__words">
                        <h2 class="share__title" id="share-title">
                            {i18n.of(Text::ShareTitle)}
                        </h2>
                        <p class="share__text">{i18n.of(Text::ShareText)}</p>
                    </div>
                    <div class="link-box">
                        <LinkText url=url.clone() />
                        <CopyButton url=url text=Text::ShareCopy class="button button--outline" />
                    </div>
                </section>
            </ov-share-room-access-link>
        </ov-share-meeting-link>
    }
}

/// On the stage while a moderator is alone.
#[component]
pub(crate) fn ShareStage(url: String) -> impl IntoView {
    view! {
        <ov-share-meeting-link class="main-share-meeting-link">
            <ov-share-room-access-link class="main-share-room-access-link">
                <div class="card link-box link-box--stage">
                    <LinkText url=url.clone() />
                    <CopyButton url=url text=Text::ShareCopyLink class="button button--cta" />
                </div>
            </ov-share-room-access-link>
        </ov-share-meeting-link>
    }
}

/// The link without what everybody knows of a link.
#[component]
fn LinkText(url: String) -> impl IntoView {
    let shown = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).to_owned();
    view! {
        <span class="link-box__text meeting-url-text" title=url>
            {shown}
        </span>
    }
}

#[component]
fn CopyButton(url: String, text: Text, class: &'static str) -> impl IntoView {
    let i18n = use_i18n();
    let notices = use_notices();
    let copy = move |_| {
        let url = url.clone();
        leptos::task::spawn_local(async move {
            if copy_text(&url).await {
                notices.done(i18n.get(Text::ShareCopied));
            } else {
                notices.failed(i18n.get(Text::ShareFailed));
            }
        });
    };
    view! {
        <button type="button" class=format!("{class} copy-url-btn") on:click=copy>
            <Icon glyph=Glyph::Copy />
            {i18n.of(text)}
        </button>
    }
}
