//! One participant: who it is, what it may do and what it is connected with.
//!
//! Permissions come from the token (contract livekit.md 1.5) and may be replaced by an
//! administrator; everything that asks "may it" asks this file.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Instant;

use sfu_protocol::proto::participant_info::{Kind, State};
use sfu_protocol::proto::{ParticipantPermission, TrackSource};
use sfu_protocol::{Claims, Mode, VideoGrant, proto};

use super::peer::Peer;
use super::publish::PendingTrack;
use super::subscribe::{Sending, Settings};
use super::{ConnectionId, Reason};
use crate::media::{TrackId, TransportId};

/// A participant within its room; rises with every join.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Key(pub(super) u64);

pub(super) struct Participant {
    pub(super) key: Key,
    pub(super) sid: String,
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) metadata: String,
    pub(super) attributes: HashMap<String, String>,
    pub(super) permission: ParticipantPermission,
    pub(super) kind: Kind,
    pub(super) claims: Claims,
    pub(super) client: proto::ClientInfo,
    pub(super) mode: Mode,
    pub(super) auto_subscribe: bool,
    pub(super) adaptive_stream: bool,
    pub(super) state: State,
    pub(super) joined_at_ms: u64,
    /// Rises with every change of what others see.
    pub(super) version: u32,
    /// Others have been told about it.
    pub(super) announced: bool,
    /// Has published at least once: its updates are not batched.
    pub(super) is_publisher: bool,
    /// `None` while the socket is gone and the media lives on.
    pub(super) connection: Option<ConnectionId>,
    /// The publisher connection of the dual mode, the only one of the single mode.
    pub(super) publisher: Peer,
    /// Dual mode only, made when it may subscribe.
    pub(super) subscriber: Option<Peer>,
    pub(super) pending: VecDeque<PendingTrack>,
    /// What it gets or is about to get.
    pub(super) sendings: BTreeMap<TrackId, Sending>,
    /// Explicit wishes by track sid, over `auto_subscribe`; kept for tracks that are not there yet.
    pub(super) wishes: HashMap<String, Wish>,
    pub(super) settings: HashMap<TrackId, Settings>,
    /// Who may subscribe to its tracks; `None` means everybody.
    pub(super) access: Option<Vec<proto::TrackPermission>>,
    /// Sequence of the last reliable packet taken from it.
    pub(super) last_reliable: u32,
    /// Sids whose connection quality it has been told.
    pub(super) quality_told: HashSet<String>,
    pub(super) deadlines: Deadlines,
    pub(super) budget: Budget,
    /// When its last request came.
    pub(super) heard_at: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) subscribe: bool,
    /// When to report a track that never came.
    pub(super) until: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Must be ACTIVE by then.
    pub(super) active_by: Option<Instant>,
    /// Is dropped then, unless it comes back.
    pub(super) gone_by: Option<(Instant, Reason)>,
    pub(super) refresh_at: Instant,
}

impl Deadlines {
    pub(super) fn next(&self) -> Instant {
        let gone = self.gone_by.map(|(at, _)| at);
        [self.active_by, gone].into_iter().flatten().fold(self.refresh_at, Instant::min)
    }
}

/// Token bucket of the requests of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    left: f64,
    at: Instant,
}

impl Budget {
    const BURST: f64 = 1000.0;
    const PER_SECOND: f64 = 100.0;

    pub(super) fn new(now: Instant) -> Self {
        Self { left: Self::BURST, at: now }
    }

    /// False when the client asks for more than any honest one does.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * Self::PER_SECOND;
        self.left = (self.left + earned).min(Self::BURST);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

impl Participant {
    /// Never announced, never counted.
    pub(super) fn is_hidden(&self) -> bool {
        self.permission.hidden
    }

    /// Does not count as present and cannot keep a room open.
    pub(super) fn is_dependent(&self) -> bool {
        matches!(self.kind, Kind::Egress | Kind::Agent)
    }

    pub(super) fn is_recorder(&self) -> bool {
        self.permission.recorder || self.kind == Kind::Egress
    }

    pub(super) fn is_firefox(&self) -> bool {
        self.client.browser.eq_ignore_ascii_case("firefox")
    }

    /// The connection that decides about ACTIVE: the subscriber one if there is one.
    pub(super) fn primary(&self) -> &Peer {
        self.subscriber.as_ref().unwrap_or(&self.publisher)
    }

    /// The connection that carries tracks and data towards the client.
    pub(super) fn downlink(&self) -> &Peer {
        self.primary()
    }

    pub(super) fn downlink_mut(&mut self) -> &mut Peer {
        self.subscriber.as_mut().unwrap_or(&mut self.publisher)
    }

    pub(super) fn peer_mut(&mut self, transport: TransportId) -> Option<&mut Peer> {
        if self.publisher.id == transport {
            return Some(&mut self.publisher);
        }
        self.subscriber.as_mut().filter(|peer| peer.id == transport)
    }

    pub(super) fn transports(&self) -> impl Iterator<Item = TransportId> + use<> {
        [Some(self.publisher.id), self.subscriber.as_ref().map(|peer| peer.id)].into_iter().flatten()
    }

    pub(super) fn may_publish(&self, source: TrackSource) -> bool {
        let sources = &self.permission.can_publish_sources;
        self.permission.can_publish && (sources.is_empty() || sources.contains(&(source as i32)))
    }

    /// Whether `subscriber` passes the access list of this publisher for a track.
    pub(super) fn admits(&self, subscriber: &Participant, track_sid: &str) -> bool {
        admits(self.access.as_deref(), subscriber, track_sid)
    }
}

/// Whether an access list (`None`: everybody) lets a subscriber have a track. Identity beats sid.
pub(super) fn admits(
    access: Option<&[proto::TrackPermission]>,
    subscriber: &Participant,
    track_sid: &str,
) -> bool {
    let Some(list) = access else { return true };
    let by_identity = list.iter().find(|entry| {
        !entry.participant_identity.is_empty() && entry.participant_identity == subscriber.identity
    });
    let by_sid = || {
        list.iter()
            .find(|entry| entry.participant_identity.is_empty() && entry.participant_sid == subscriber.sid)
    };
    by_identity
        .or_else(by_sid)
        .is_some_and(|entry| entry.all_tracks || entry.track_sids.iter().any(|sid| sid == track_sid))
}

/// The permission of a grant, in the form clients are told.
pub(super) fn permission_of(grant: &VideoGrant) -> ParticipantPermission {
    let names = &grant.can_publish_sources;
    let sources: Vec<i32> = SOURCES
        .iter()
        .filter(|(name, _)| names.iter().any(|granted| granted == name))
        .map(|(_, source)| *source as i32)
        .collect();
    // An empty list means all sources: a list of unknown names must not become one.
    let can_publish = grant.may_publish() && (names.is_empty() || !sources.is_empty());
    ParticipantPermission {
        can_subscribe: grant.may_subscribe(),
        can_publish,
        can_publish_data: grant.may_publish_data(),
        can_publish_sources: sources,
        hidden: grant.hidden,
        recorder: grant.recorder,
        can_update_metadata: grant.may_update_own_metadata(),
        agent: grant.agent,
        can_subscribe_metrics: grant.can_subscribe_metrics.unwrap_or(false),
        ..Default::default()
    }
}

/// Writes a permission back into a grant, for the refreshed token.
pub(super) fn apply_permission(grant: &mut VideoGrant, permission: &ParticipantPermission) {
    grant.can_subscribe = Some(permission.can_subscribe);
    grant.can_publish = Some(permission.can_publish);
    grant.can_publish_data = Some(permission.can_publish_data);
    grant.can_publish_sources = SOURCES
        .iter()
        .filter(|(_, source)| permission.can_publish_sources.contains(&(*source as i32)))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    grant.can_update_own_metadata = Some(permission.can_update_metadata);
    grant.can_subscribe_metrics = Some(permission.can_subscribe_metrics);
    grant.hidden = permission.hidden;
    grant.recorder = permission.recorder;
    grant.agent = permission.agent;
}

const SOURCES: [(&str, TrackSource); 4] = [
    ("camera", TrackSource::Camera),
    ("microphone", TrackSource::Microphone),
    ("screen_share", TrackSource::ScreenShare),
    ("screen_share_audio", TrackSource::ScreenShareAudio),
];

pub(super) fn kind_of(name: &str) -> Kind {
    match name {
        "ingress" => Kind::Ingress,
        "egress" => Kind::Egress,
        "sip" => Kind::Sip,
        "agent" => Kind::Agent,
        "connector" => Kind::Connector,
        "bridge" => Kind::Bridge,
        _ => Kind::Standard,
    }
}
