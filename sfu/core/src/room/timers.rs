//! Everything that happens because time passed (contract livekit.md 5.4).

use std::time::{Duration, Instant};

use sfu_protocol::Mode;
use sfu_protocol::proto::{DisconnectReason, leave_request};

use super::Room;
use super::participant::Key;

/// From joining to connected media.
pub(super) const ACTIVE_PATIENCE: Duration = Duration::from_mins(1);
/// How long a participant without socket and media may take to come back.
pub(super) const GONE_PATIENCE: Duration = Duration::from_secs(15);
/// The same after its ICE failed.
pub(super) const FAILED_PATIENCE: Duration = Duration::from_secs(5);
pub(super) const REFRESH_INTERVAL: Duration = Duration::from_mins(5);
const QUALITY_INTERVAL: Duration = Duration::from_secs(5);

impl Room {
    /// When [`super::Input::Timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.finished {
            return None;
        }
        let participants = self.participants.values().flat_map(|one| {
            let subscriber = one.subscriber.as_ref().and_then(|peer| peer.agenda.next());
            [Some(one.deadlines.next()), one.publisher.agenda.next(), subscriber].into_iter().flatten()
        });
        let quality = (!self.participants.is_empty()).then_some(self.quality_at);
        participants
            .chain([self.batch_due, self.info_due, self.closes_at(), quality].into_iter().flatten())
            .min()
    }

    fn closes_at(&self) -> Option<Instant> {
        let timeout = if self.came { self.options.departure_timeout } else { self.options.empty_timeout };
        self.empty_since.map(|since| since + timeout)
    }

    pub(super) fn timeout(&mut self) {
        let now = self.now.instant;
        if self.closes_at().is_some_and(|at| at <= now) {
            return self.close(DisconnectReason::RoomClosed);
        }
        for key in self.keys() {
            self.participant_timeout(key);
        }
        if self.batch_due.is_some_and(|due| due <= now) {
            self.flush_batch();
        }
        if self.info_due.is_some_and(|due| due <= now) {
            self.info_due = None;
            self.tell_room();
        }
        if self.quality_at <= now {
            self.quality_at = now + QUALITY_INTERVAL;
            for key in self.keys() {
                self.tell_quality(key);
                self.expire_wishes(key);
            }
        }
    }

    fn participant_timeout(&mut self, key: Key) {
        let now = self.now.instant;
        let Some(participant) = self.participants.get(&key) else { return };
        if participant.deadlines.active_by.is_some_and(|by| by <= now) {
            return self.remove(key, DisconnectReason::JoinFailure, Some(leave_request::Action::Disconnect));
        }
        if let Some((by, reason)) = participant.deadlines.gone_by
            && by <= now
        {
            return self.remove(key, reason, Some(leave_request::Action::Disconnect));
        }
        if participant.deadlines.refresh_at <= now {
            self.refresh_token(key);
        }
        self.negotiation_timeout(key);
    }

    fn negotiation_timeout(&mut self, key: Key) {
        let now = self.now.instant;
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let mode = participant.mode;
        let agenda = &mut participant.downlink_mut().agenda;
        let (due, expired) = (agenda.take_due(now), agenda.expired(now));
        match (mode, expired) {
            (Mode::Dual, Some(_)) => {
                self.remove(key, DisconnectReason::StateMismatch, Some(leave_request::Action::Reconnect));
            }
            (Mode::Single, Some(waiting)) => self.require_sections(key, waiting.tries + 1),
            (Mode::Dual, None) if due => self.offer(key),
            (Mode::Single, None) if due => self.require_sections(key, 0),
            _ => {}
        }
    }
}
