//! Tells screen readers who joined and left, and that the connection is back.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::{
    i18n::{Text, use_i18n},
    session::{Session, SessionState},
    ui::use_notices,
};

/// Lives as long as the calling view.
pub(super) fn announce_people(session: Session) {
    let i18n = use_i18n();
    let notices = use_notices();
    let remotes = session.remotes();
    let people = Memo::new(move |_| {
        let name =
            |participant: &crate::session::Participant| (participant.sid.clone(), participant.name.clone());
        remotes.with(|remotes| remotes.iter().map(name).collect::<BTreeMap<_, _>>())
    });
    let state = session.state();
    // Who was there before us is not news.
    Effect::new(move |known: Option<Option<BTreeMap<String, String>>>| {
        let now = people.get();
        if state.get() != SessionState::Connected {
            return known.flatten();
        }
        if let Some(known) = known.flatten() {
            let joined = now.iter().filter(|(sid, _)| !known.contains_key(*sid));
            let left = known.iter().filter(|(sid, _)| !now.contains_key(*sid));
            let joined = joined.map(|(_, name)| i18n.fill(Text::MeetingJoined, &[("name", name)]));
            let left = left.map(|(_, name)| i18n.fill(Text::MeetingLeft, &[("name", name)]));
            let news: Vec<String> = joined.chain(left).collect();
            if !news.is_empty() {
                notices.announce(news.join(", "));
            }
        }
        Some(now)
    });
    Effect::new(move |before: Option<SessionState>| {
        let now = state.get();
        if before == Some(SessionState::Reconnecting) && now == SessionState::Connected {
            notices.done(untrack(|| i18n.get(Text::MeetingReconnected)));
        }
        now
    });
}
