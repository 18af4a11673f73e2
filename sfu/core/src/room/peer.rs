//! The room's view of one peer connection: credentials, m-sections and the timing of negotiations
//! (contract livekit.md 3.1, 3.7).
//!
//! Invariant: at most one negotiation that we asked for is outstanding, and a section that carried
//! a track is negotiated inactive once before it carries another (browsers announce a track only
//! when a section starts to receive).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ids::Chance;
use crate::media::{Command, DtlsRole, IceCredentials, Kind, ReceiveSection, TrackId, TransportId};
use crate::sdp::Description;

/// Trickled candidates kept until the description they belong to is there; more are dropped.
const MAX_CANDIDATES: usize = 64;
const FIRST_DELAY: Duration = Duration::from_millis(10);
const BURST_DELAY: Duration = Duration::from_millis(150);

pub(super) struct Peer {
    pub(super) id: TransportId,
    pub(super) local: IceCredentials,
    /// `None` until the first description of the client.
    pub(super) remote: Option<IceCredentials>,
    /// Ours in the DTLS handshake, once the first exchange settled it.
    pub(super) role: Option<DtlsRole>,
    /// Our credentials are new and the client's are not yet.
    pub(super) restarting: bool,
    /// `sess-id` and `sess-version` of our descriptions.
    pub(super) session: u64,
    session_version: u64,
    pub(super) connected: bool,
    /// Has been connected at least once.
    pub(super) was_connected: bool,
    /// Early candidates with their user fragment, if they name one.
    early: VecDeque<(Option<String>, String)>,
    /// Sections that can carry a track towards the client, in SDP order.
    pub(super) slots: Vec<Slot>,
    /// Sections on which the client sends something it has not announced yet.
    pub(super) unmatched: Vec<Unmatched>,
    pub(super) agenda: Agenda,
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) mid: String,
    pub(super) kind: Kind,
    pub(super) use_: SlotUse,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotUse {
    /// Negotiated inactive, or new.
    Free,
    Taken(TrackId),
    /// Still negotiated with a track that is no longer sent.
    Stale,
    /// Offered inactive, not answered yet.
    Retiring,
    /// The client will not receive here.
    Closed,
}

#[derive(Clone, Debug)]
pub(super) struct Unmatched {
    /// Track id of the section's `a=msid`, empty if it has none.
    pub(super) cid: String,
    pub(super) section: ReceiveSection,
}

impl Peer {
    pub(super) fn new(id: TransportId, chance: &mut Chance) -> Self {
        Self {
            id,
            local: chance.ice_credentials(),
            remote: None,
            role: None,
            restarting: false,
            session: chance.u64() >> 2,
            session_version: 0,
            connected: false,
            was_connected: false,
            early: VecDeque::new(),
            slots: Vec::new(),
            unmatched: Vec::new(),
            agenda: Agenda::new(1 + chance.u32() % 256),
        }
    }

    /// Applies the transport part of a description of the client: the first one connects, one with
    /// new credentials restarts ICE. Afterwards `local` is what our next description must carry.
    pub(super) fn apply_remote(&mut self, description: &Description, chance: &mut Chance) -> Option<Command> {
        let role = *self.role.get_or_insert_with(|| description.setup.our_role());
        let transport = self.id;
        let before = self.remote.replace(description.ice.clone());
        match before {
            None => {
                self.restarting = false;
                Some(Command::Connect { transport, remote: description.remote_transport(role) })
            }
            Some(before) if before == description.ice && !self.restarting => None,
            Some(_) => {
                if !std::mem::take(&mut self.restarting) {
                    self.local = chance.ice_credentials();
                }
                let (local, remote) = (self.local.clone(), description.ice.clone());
                Some(Command::RestartIce { transport, local, remote })
            }
        }
    }

    /// New credentials of ours for an offer that restarts ICE.
    pub(super) fn restart(&mut self, chance: &mut Chance) {
        if self.remote.is_some() {
            self.local = chance.ice_credentials();
            self.restarting = true;
        }
    }

    /// `sess-version` of the next description.
    pub(super) fn next_version(&mut self) -> u64 {
        self.session_version += 1;
        self.session_version
    }

    /// Keeps a candidate that came before its description. False when there are too many.
    pub(super) fn keep_early(&mut self, ufrag: Option<String>, candidate: String) -> bool {
        if self.early.len() >= MAX_CANDIDATES {
            return false;
        }
        self.early.push_back((ufrag, candidate));
        true
    }

    /// Whether the description that a candidate belongs to has been applied.
    pub(super) fn knows(&self, ufrag: Option<&str>) -> bool {
        self.remote.as_ref().is_some_and(|remote| ufrag.is_none_or(|ufrag| ufrag == remote.ufrag))
    }

    /// Early candidates that belong to the current description.
    pub(super) fn take_early(&mut self) -> Vec<String> {
        let Some(remote) = &self.remote else { return Vec::new() };
        std::mem::take(&mut self.early)
            .into_iter()
            .filter(|(ufrag, _)| ufrag.as_ref().is_none_or(|ufrag| *ufrag == remote.ufrag))
            .map(|(_, candidate)| candidate)
            .collect()
    }

    pub(super) fn slot_of(&self, track: TrackId) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.use_ == SlotUse::Taken(track))
    }

    /// Puts a track into a free section of its kind.
    pub(super) fn take_slot(&mut self, kind: Kind, track: TrackId) -> Option<String> {
        let slot = self.slots.iter_mut().find(|slot| slot.kind == kind && slot.use_ == SlotUse::Free)?;
        slot.use_ = SlotUse::Taken(track);
        Some(slot.mid.clone())
    }

    /// Marks the section of a track that is no longer sent. True when there was one.
    pub(super) fn free_slot(&mut self, track: TrackId) -> bool {
        let slot = self.slots.iter_mut().find(|slot| slot.use_ == SlotUse::Taken(track));
        slot.map(|slot| slot.use_ = SlotUse::Stale).is_some()
    }
}

/// When to ask for the next negotiation.
#[derive(Debug)]
pub(super) struct Agenda {
    /// Id of the next offer of ours.
    next_id: u32,
    due: Option<Instant>,
    last: Option<Instant>,
    pub(super) waiting: Option<Waiting>,
    /// Something changed while waiting.
    again: bool,
}

/// A negotiation that the client has not completed yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) id: u32,
    pub(super) until: Instant,
    /// How often it was asked for in vain before.
    pub(super) tries: u32,
}

impl Agenda {
    fn new(first_id: u32) -> Self {
        Self { next_id: first_id, due: None, last: None, waiting: None, again: false }
    }

    /// Something has to be negotiated.
    pub(super) fn ask(&mut self, now: Instant) {
        if self.waiting.is_some() {
            self.again = true;
        } else if self.due.is_none() {
            let burst = self.last.is_some_and(|last| now.saturating_duration_since(last) < BURST_DELAY);
            self.due = Some(now + if burst { BURST_DELAY } else { FIRST_DELAY });
        }
    }

    /// True once when it is time to negotiate.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
        }
        due
    }

    /// The request went out; its id.
    pub(super) fn sent(&mut self, now: Instant, patience: Duration, tries: u32) -> u32 {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.last = Some(now);
        self.again = false;
        self.due = None;
        self.waiting = Some(Waiting { id, until: now + patience, tries });
        id
    }

    /// The client completed the outstanding request.
    pub(super) fn done(&mut self, now: Instant) {
        self.waiting = None;
        if std::mem::take(&mut self.again) {
            self.ask(now);
        }
    }

    pub(super) fn clear(&mut self) {
        self.due = None;
        self.waiting = None;
        self.again = false;
    }

    pub(super) fn next(&self) -> Option<Instant> {
        let until = self.waiting.map(|waiting| waiting.until);
        [self.due, until].into_iter().flatten().min()
    }

    pub(super) fn expired(&self, now: Instant) -> Option<Waiting> {
        self.waiting.filter(|waiting| waiting.until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_request_waits_briefly_and_a_burst_longer() {
        let now = Instant::now();
        let mut agenda = Agenda::new(7);
        agenda.ask(now);
        assert_eq!(agenda.next(), Some(now + FIRST_DELAY));
        assert!(!agenda.take_due(now));
        let now = now + FIRST_DELAY;
        assert!(agenda.take_due(now));
        assert_eq!(agenda.sent(now, Duration::from_secs(15), 0), 7);
        agenda.ask(now);
        assert_eq!(agenda.next(), Some(now + Duration::from_secs(15)), "one outstanding offer at a time");
        agenda.done(now);
        assert_eq!(agenda.next(), Some(now + BURST_DELAY));
        assert_eq!(agenda.sent(now, Duration::from_secs(15), 0), 8, "ids rise");
    }

    #[test]
    fn slot_is_not_reused_before_it_was_inactive() {
        let mut peer = Peer::new(TransportId(1), &mut Chance::new([1; 32]));
        peer.slots.push(Slot { mid: "0".into(), kind: Kind::Audio, use_: SlotUse::Free });
        assert_eq!(peer.take_slot(Kind::Video, TrackId(1)), None);
        assert_eq!(peer.take_slot(Kind::Audio, TrackId(1)).as_deref(), Some("0"));
        assert!(peer.free_slot(TrackId(1)));
        assert_eq!(peer.take_slot(Kind::Audio, TrackId(2)), None);
    }

    #[test]
    fn early_candidates_are_bounded_and_filtered_by_user_fragment() {
        let mut peer = Peer::new(TransportId(1), &mut Chance::new([1; 32]));
        for index in 0..MAX_CANDIDATES {
            assert!(peer.keep_early((index % 2 == 1).then(|| "old".to_owned()), format!("{index}")));
        }
        assert!(!peer.keep_early(None, "one too many".into()));
        assert!(peer.take_early().is_empty(), "nothing is known yet");
        peer.remote = Some(IceCredentials { ufrag: "new".into(), pwd: String::new() });
        assert_eq!(peer.take_early().len(), MAX_CANDIDATES / 2);
    }
}
