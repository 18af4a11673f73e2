//! The sound of the others: one audio element a track. Where the browser holds sound back until the
//! user acts, a button asks for it.

use leptos::prelude::*;

use super::people::{Remote, Source};
use crate::{
    i18n::{Text, use_i18n},
    media::RemoteAudio,
    session::Session,
    ui::{Glyph, Icon},
};

#[component]
pub(super) fn Sound(session: Session) -> impl IntoView {
    let i18n = use_i18n();
    let held = RwSignal::new(false);
    let again = ArcTrigger::new();
    let remotes = session.remotes();
    // One entry a track: a track that is published anew gets an element of its own.
    let tracks = Memo::new(move |_| {
        let mut tracks = Vec::new();
        remotes.with(|remotes| {
            for participant in remotes {
                for source in [Source::Microphone, Source::ScreenAudio] {
                    if let Some(track) = source.track(participant) {
                        tracks.push((
                            participant.sid.clone(),
                            participant.identity.clone(),
                            source,
                            track.sid.clone(),
                        ));
                    }
                }
            }
        });
        tracks
    });
    let element = {
        let again = again.clone();
        move |(sid, identity, source, _): (String, String, Source, String)| {
            let stream = Remote::new(session, sid).sound(source);
            view! { <RemoteAudio participant=identity stream=stream held=held again=again.clone() /> }
        }
    };
    let ask = move || {
        held.get().then(|| {
            let again = again.clone();
            let play = move |_| {
                held.set(false);
                again.notify();
            };
            view! {
                <div class="notice notice--lasting" role="alert">
                    <Icon glyph=Glyph::Volume2 />
                    <span>{i18n.of(Text::SoundBlocked)}</span>
                    <button type="button" class="notice__close" on:click=play>
                        {i18n.of(Text::SoundPlay)}
                    </button>
                </div>
            }
        })
    };
    view! {
        <For each=move || tracks.get() key=|track| (track.0.clone(), track.3.clone()) children=element />
        {ask}
    }
}
