//! ICE candidates, both ways (contract livekit.md 3.7).

use serde::Deserialize;
use sfu_protocol::proto::{self, SignalTarget, signal_response};

use super::Room;
use super::participant::Key;
use super::peer::Peer;
use crate::media::{Command, TransportId};
use crate::sdp;

/// Longest candidate line that makes sense.
const MAX_CANDIDATE_BYTES: usize = 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CandidateInit {
    #[serde(default)]
    candidate: String,
    username_fragment: Option<String>,
}

impl Room {
    pub(super) fn trickle(&mut self, key: Key, request: &proto::TrickleRequest) {
        let Some(participant) = self.participants.get_mut(&key) else { return };
        let peer: Option<&mut Peer> = if request.target == SignalTarget::Subscriber as i32 {
            participant.subscriber.as_mut()
        } else {
            Some(&mut participant.publisher)
        };
        let parsed = serde_json::from_str::<CandidateInit>(&request.candidate_init);
        let (Some(peer), Ok(init)) = (peer, parsed) else {
            self.counters.malformed += 1;
            return;
        };
        // Browsers end their candidates with an empty one.
        if init.candidate.is_empty() {
            return;
        }
        if init.candidate.len() > MAX_CANDIDATE_BYTES {
            self.counters.malformed += 1;
            return;
        }
        let ufrag = init.username_fragment.filter(|ufrag| !ufrag.is_empty());
        if peer.knows(ufrag.as_deref()) {
            let transport = peer.id;
            self.command(Command::RemoteCandidate { transport, candidate: init.candidate });
        } else if !peer.keep_early(ufrag, init.candidate) {
            self.counters.surplus_requests += 1;
        }
    }

    /// After a description of the client was applied: what came before it.
    pub(super) fn release_candidates(&mut self, key: Key, transport: TransportId) {
        let Some(peer) = self.participants.get_mut(&key).and_then(|one| one.peer_mut(transport)) else {
            return;
        };
        for candidate in peer.take_early() {
            self.command(Command::RemoteCandidate { transport, candidate });
        }
    }

    /// Trickles our candidates; they are in the description as well, for clients that read only one.
    pub(super) fn tell_candidates(&mut self, key: Key, target: SignalTarget, mid: &str) {
        let Some(participant) = self.participants.get(&key) else { return };
        let peer = match target {
            SignalTarget::Subscriber => participant.subscriber.as_ref(),
            SignalTarget::Publisher => Some(&participant.publisher),
        };
        let Some(ufrag) = peer.map(|peer| peer.local.ufrag.clone()) else { return };
        let addresses = self.environment.candidates.clone();
        for (index, address) in addresses.iter().enumerate() {
            let candidate_init = serde_json::json!({
                "candidate": sdp::candidate(index, *address),
                "sdpMid": mid,
                "sdpMLineIndex": 0,
                "usernameFragment": ufrag,
            });
            self.signal(
                key,
                signal_response::Message::Trickle(proto::TrickleRequest {
                    candidate_init: candidate_init.to_string(),
                    target: target as i32,
                    r#final: index + 1 == addresses.len(),
                }),
            );
        }
    }
}
