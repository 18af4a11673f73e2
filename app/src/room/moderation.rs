//! What a moderator does to the meeting (contract rest-api.md 4.7).

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::Entry;
use crate::{
    api::{self, ApiError, Ticket},
    i18n::{I18n, Text, use_i18n},
    ui::{Notices, use_notices},
};

/// Held by moderators only; the server checks it again.
#[derive(Clone, Copy)]
pub(crate) struct Moderation {
    place: StoredValue<(Arc<Entry>, String)>,
    /// Whether the end of the meeting is our own doing.
    ending: StoredValue<bool>,
    notices: Notices,
    i18n: I18n,
}

impl Moderation {
    pub(super) fn of(entry: &Arc<Entry>, ticket: &Ticket) -> Option<Self> {
        entry.moderates().then(|| Self {
            place: StoredValue::new((entry.clone(), ticket.token.clone())),
            ending: StoredValue::new(false),
            notices: use_notices(),
            i18n: use_i18n(),
        })
    }

    /// Ends the meeting for everybody.
    pub(crate) fn end_meeting(self) {
        if self.ending.try_get_value() != Some(false) {
            return;
        }
        self.ending.set_value(true);
        self.act(Text::MeetingEndFailed, async |room, token| api::end_meeting(&room, &token).await);
    }

    pub(crate) fn kick(self, identity: String) {
        self.act(Text::MeetingKickFailed, async move |room, token| api::kick(&room, &identity, &token).await);
    }

    pub(crate) fn is_ending(self) -> bool {
        self.ending.try_get_value().unwrap_or_default()
    }

    /// With the token of joining, and when that is too old with a new one.
    fn act(self, failure: Text, call: impl AsyncFn(String, String) -> Result<(), ApiError> + 'static) {
        let Some((entry, token)) = self.place.try_get_value() else { return };
        spawn_local(async move {
            let room = entry.room.room_id.to_string();
            let mut done = call(room.clone(), token).await;
            if done.as_ref().is_err_and(|error| error.status() == Some(401)) {
                done = match api::participant_token(&room, &entry.secret, None).await {
                    Ok(token) => call(room, token).await,
                    Err(error) => Err(error),
                };
            }
            if let Err(error) = done {
                leptos::logging::warn!("{error}");
                if failure == Text::MeetingEndFailed {
                    let _ = self.ending.try_update_value(|ending| *ending = false);
                }
                self.notices.failed(self.i18n.get(failure));
            }
        });
    }
}
