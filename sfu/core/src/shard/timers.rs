//! What happens because time passes: reports, requests, and layers that fell silent.

use std::time::{Duration, Instant};

use super::feedback::MAX_RTCP;
use super::peer::{Egress, Peer};
use super::{IDLE_TICK, Shard, TICK};
use crate::forward::level;
use crate::forward::track::Track;
use crate::media::{Event, TrackId};
use crate::rtp::rtcp::{Block, MAX_BLOCKS, Writer};

/// Transport-wide feedback; browsers start their upper layers quickly with it.
const FEEDBACK_SPACING: Duration = Duration::from_millis(50);
const REPORT_SPACING: Duration = Duration::from_secs(1);
/// A subscriber that waits for a key frame is looked at this often.
pub(super) const KEY_CHECK: Duration = Duration::from_millis(200);
/// Transport feedback messages in one go.
const MAX_FEEDBACK: usize = 4;

impl Shard {
    /// To be called when the time of [`Shard::poll_timeout`] has come; harmless at any other.
    pub fn timeout(&mut self, now: Instant) {
        self.transport_timeouts(now);
        if self.speakers_due.is_some_and(|due| due <= now) {
            self.speakers(now);
        }
        if self.tick_due.is_some_and(|due| due <= now) {
            self.tick(now);
        }
    }

    /// Makes sure that timers run, soon if media flows.
    pub(super) fn wake(&mut self, now: Instant) {
        self.busy = true;
        let due = now + TICK;
        if self.tick_due.is_none_or(|at| at > due) {
            self.tick_due = Some(due);
        }
    }

    /// Puts a peer on the list of those with something to send.
    pub(super) fn list(&mut self, key: usize) {
        if let Some(peer) = self.peers.get_mut(key)
            && !peer.egress.listed
            && !peer.egress.runs.is_empty()
        {
            peer.egress.listed = true;
            self.ready.push(key);
        }
    }

    fn transport_timeouts(&mut self, now: Instant) {
        for at in 0..self.peers.capacity() {
            let Some(peer) =
                self.peers.get_mut(at).filter(|peer| peer.transport_due.is_some_and(|due| due <= now))
            else {
                continue;
            };
            peer.transport.handle_timeout(now);
            self.drain_transport(now, at);
            // A transport that asks for the past must not spin the thread.
            if let Some(due) = self.peers.get_mut(at).and_then(|peer| peer.transport_due.as_mut()) {
                *due = (*due).max(now + Duration::from_millis(1));
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        let mut busy = std::mem::take(&mut self.busy);
        for key in 0..self.tracks.capacity() {
            if self.tracks.contains(key) {
                self.rest_silent_layers(now, key);
                busy |= self.request_lost(now, key);
                if self.tracks.get(key).and_then(|track| track.key_check).is_some_and(|at| at <= now) {
                    self.check_keys(now, key);
                }
            }
        }
        for key in 0..self.peers.capacity() {
            if self.peers.get(key).is_some_and(|peer| peer.egress.is_open()) {
                busy |= self.transport_feedback(now, key);
                self.reports(now, key);
                self.list(key);
            }
        }
        self.busy = false;
        let any = self.peers.iter().any(|(_, peer)| peer.egress.is_open());
        self.tick_due = any.then_some(now + if busy { TICK } else { IDLE_TICK });
    }

    fn rest_silent_layers(&mut self, now: Instant, key: usize) {
        let Some(track) = self.tracks.get_mut(key) else { return };
        let patience = track.patience();
        let mut stopped = false;
        for (index, layer) in track.layers.iter_mut().enumerate() {
            if let Some(layer) = layer
                && layer.live
                && now.saturating_duration_since(layer.last_packet) > patience
            {
                layer.live = false;
                stopped = true;
                self.events.push_back(Event::LayerStopped { track: track.id, layer: index as u8 });
            }
        }
        if stopped {
            self.retarget(now, key);
        }
    }

    /// NACKs for what is missing; true while something is.
    fn request_lost(&mut self, now: Instant, key: usize) -> bool {
        let Some(track) = self.tracks.get_mut(key) else { return false };
        let Some(source) = track.source.as_ref().filter(|source| source.nack) else { return false };
        let Some(Peer { egress, ssrc, .. }) = self.peers.get_mut(source.peer) else { return false };
        let mut missing = false;
        for layer in track.layers.iter_mut().flatten() {
            if layer.losses.is_empty() {
                continue;
            }
            missing = true;
            self.lost.clear();
            layer.losses.due(now, &mut self.lost);
            if self.lost.is_empty() {
                continue;
            }
            let mut out = [0; MAX_RTCP];
            let mut writer = Writer::new(&mut out);
            writer.nack(*ssrc, layer.ssrc, &self.lost);
            let length = writer.len();
            if egress.rtcp(&out[..length]) {
                self.counters.nacks_out += self.lost.len() as u64;
            }
        }
        missing
    }

    fn transport_feedback(&mut self, now: Instant, key: usize) -> bool {
        let Some(peer) = self.peers.get_mut(key) else { return false };
        if peer.arrivals.is_empty() || peer.media_ssrc == 0 {
            return false;
        }
        if peer.feedback_due > now {
            return true;
        }
        peer.feedback_due = now + FEEDBACK_SPACING;
        for _ in 0..MAX_FEEDBACK {
            let mut out = [0; MAX_RTCP];
            let mut writer = Writer::new(&mut out);
            if !peer.arrivals.write(&mut writer, peer.ssrc, peer.media_ssrc) {
                break;
            }
            let length = writer.len();
            peer.egress.rtcp(&out[..length]);
        }
        true
    }

    /// Receiver reports about what the peer publishes, sender reports about what it is sent.
    fn reports(&mut self, now: Instant, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.report_due > now {
            return;
        }
        peer.report_due = now + REPORT_SPACING;
        let mut blocks = [Block::default(); MAX_BLOCKS];
        let mut count = 0;
        for &track in &peer.tracks {
            let Some(track) = self.tracks.get_mut(track) else { continue };
            for layer in track.layers.iter_mut().flatten().filter(|layer| layer.live) {
                let Some(block) = layer.block(now) else { continue };
                if count == MAX_BLOCKS {
                    receiver_report(&mut peer.egress, peer.ssrc, &blocks[..count]);
                    count = 0;
                }
                blocks[count] = block;
                count += 1;
            }
        }
        if count > 0 {
            receiver_report(&mut peer.egress, peer.ssrc, &blocks[..count]);
        }

        let mut out = [0; MAX_RTCP];
        let mut writer = Writer::new(&mut out);
        for (&ssrc, &send) in &peer.sends {
            // RTX streams lead to the same send.
            let Some(send) = self.sends.get_mut(send).filter(|send| send.params.ssrc == ssrc) else {
                continue;
            };
            let Some(track) = self.tracks.get(send.track) else { continue };
            let Some((ntp, rtp)) = send.sender_report(track, now) else { continue };
            let report = |writer: &mut Writer<'_>| {
                writer.room() >= 28 + 8 + 4 + 256
                    && writer.sender_report(ssrc, ntp, rtp, send.packets, send.octets)
                    && writer.cname(ssrc, &send.params.cname)
            };
            if !report(&mut writer) {
                let length = writer.len();
                peer.egress.rtcp(&out[..length]);
                writer = Writer::new(&mut out);
                report(&mut writer);
            }
        }
        if !writer.is_empty() {
            let length = writer.len();
            peer.egress.rtcp(&out[..length]);
        }
    }

    /// Ends the observation window of every audio track and tells the rooms who speaks.
    fn speakers(&mut self, now: Instant) {
        let mut rooms: std::collections::HashMap<u64, Vec<(TrackId, f32)>> = Default::default();
        let mut heard = false;
        for (_, track) in &mut self.tracks {
            let Track { source: Some(source), observer, id, muted: false, .. } = track else { continue };
            let level = observer.conclude();
            heard |= !observer.is_idle();
            if level > 0.0 {
                rooms.entry(source.room).or_default().push((*id, level));
            }
        }
        for room in self.speaking.iter().filter(|room| !rooms.contains_key(room)) {
            self.events.push_back(Event::Speakers { room: *room, levels: Vec::new() });
        }
        self.speaking.clear();
        for (room, levels) in rooms {
            self.speaking.insert(room);
            self.events.push_back(Event::Speakers { room, levels });
        }
        self.speakers_due = (heard || !self.speaking.is_empty()).then_some(now + level::INTERVAL);
    }
}

fn receiver_report(egress: &mut Egress, ssrc: u32, blocks: &[Block]) {
    let mut out = [0; MAX_RTCP];
    let mut writer = Writer::new(&mut out);
    writer.receiver_report(ssrc, blocks);
    let length = writer.len();
    egress.rtcp(&out[..length]);
}
