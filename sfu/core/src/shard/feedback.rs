//! RTCP both ways: reports, losses and key frame requests.

use std::net::SocketAddr;
use std::time::Instant;

use super::Shard;
use super::peer::Peer;
use super::runs::Lane;
use crate::forward::layer::ClockReport;
use crate::forward::send::{MAX_HEADER, Rewritten, Stamps};
use crate::media::Event;
use crate::rtp::rtcp::{Compound, Packet, Writer};

/// Largest compound packet we send.
pub(super) const MAX_RTCP: usize = 1200;
/// Largest payload that is repeated.
const MAX_REPEATED: usize = 2048;
/// Sequence numbers of one NACK message that are looked at.
const MAX_NACKED: usize = 512;

impl Shard {
    pub(super) fn rtcp(&mut self, now: Instant, key: usize, source: SocketAddr, datagram: &mut [u8]) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let opened = match &mut peer.opener {
            Some(opener) => opener.rtcp(datagram),
            None => Err(crate::srtp::SrtpError::Forged),
        };
        let packet = match opened {
            Ok(length) => &datagram[..length],
            Err(error) => return self.refused(error),
        };
        self.sign_of_life(now, key, source);
        for packet in Compound::new(packet) {
            match packet {
                Packet::SenderReport { ssrc, ntp, rtp, blocks } => {
                    self.publisher_clock(key, ssrc, ClockReport { ntp, rtp, at: now });
                    self.receiver_report(now, key, blocks);
                }
                Packet::ReceiverReport { blocks } => self.receiver_report(now, key, blocks),
                Packet::Nack { media, lost } => {
                    for sequence in lost.take(MAX_NACKED) {
                        self.counters.nacks_in += 1;
                        self.repeat(now, key, media, sequence);
                    }
                }
                Packet::Pli { media } => self.key_request(now, key, media),
                Packet::Fir { sources } => {
                    for media in sources {
                        self.key_request(now, key, media);
                    }
                }
                Packet::Remb { bitrate } => {
                    if let Some(peer) = self.peers.get_mut(key) {
                        peer.estimate = Some(bitrate);
                    }
                }
                Packet::Bye { sources } => {
                    for ssrc in sources {
                        self.source_left(now, key, ssrc);
                    }
                }
                Packet::Twcc { .. } => {}
            }
        }
    }

    fn publisher_clock(&mut self, key: usize, ssrc: u32, report: ClockReport) {
        let binding =
            self.peers.get(key).and_then(|peer| peer.bindings.get(&ssrc)).filter(|binding| !binding.rtx);
        let Some(binding) = binding else { return };
        let layer = self
            .tracks
            .get_mut(binding.track)
            .and_then(|track| track.layers.get_mut(usize::from(binding.layer))?.as_mut());
        if let Some(layer) = layer {
            layer.report = Some(report);
        }
    }

    fn receiver_report(&mut self, now: Instant, key: usize, blocks: crate::rtp::rtcp::Blocks<'_>) {
        let Some(peer) = self.peers.get(key) else { return };
        for block in blocks {
            let send = peer.sends.get(&block.ssrc).and_then(|send| self.sends.get_mut(*send));
            if let Some(send) = send.filter(|send| send.params.ssrc == block.ssrc) {
                send.reported(block.last_sender_report, block.delay, now);
            }
        }
    }

    fn source_left(&mut self, now: Instant, key: usize, ssrc: u32) {
        // The binding stays: browsers resume a stream under its old SSRC.
        let binding = self.peers.get(key).and_then(|peer| peer.bindings.get(&ssrc)).copied();
        let Some(binding) = binding.filter(|binding| !binding.rtx) else { return };
        let Some(track) = self.tracks.get_mut(binding.track) else { return };
        let layer = track.layers.get_mut(usize::from(binding.layer)).and_then(Option::as_mut);
        if let Some(layer) = layer.filter(|layer| layer.live) {
            layer.live = false;
            self.events.push_back(Event::LayerStopped { track: track.id, layer: binding.layer });
            self.retarget(now, binding.track);
        }
    }

    /// A subscriber cannot decode any more.
    fn key_request(&mut self, now: Instant, key: usize, media: u32) {
        self.counters.plis_in += 1;
        let Some(&send) = self.peers.get(key).and_then(|peer| peer.sends.get(&media)) else { return };
        let Some(send) = self.sends.get_mut(send) else { return };
        send.key_wanted = true;
        let track = send.track;
        self.check_keys(now, track);
    }

    /// Answers a NACK: over RTX when negotiated, else by the very same packet once more.
    fn repeat(&mut self, now: Instant, key: usize, media: u32, sequence: u16) {
        let send_time = self.send_time(now);
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(&send) = peer.sends.get(&media) else { return };
        let Some(send) = self.sends.get_mut(send).filter(|send| send.params.ssrc == media) else { return };
        let Some((source, sequence, range)) = send.answer(sequence, now) else { return };
        let Some(track) = self.tracks.get_mut(send.track).filter(|track| !track.muted) else { return };
        let layer = track.layers.get_mut(usize::from(range.layer)).and_then(Option::as_mut);
        let Some(stored) = layer.and_then(|layer| layer.ring.lookup(source)) else { return };
        let Some(output) = send.output(stored.facts.codec) else { return };
        let rewritten = Rewritten {
            sequence,
            timestamp: stored.facts.timestamp.wrapping_add(range.timestamp),
            vp8: range.vp8,
            output,
        };
        if let Some(descriptor) = stored.facts.vp8 {
            descriptor.rewrite(stored.payload, range.vp8);
        }
        let payload = match (output.strip_red, usize::from(stored.facts.red_primary)) {
            (false, _) => &*stored.payload,
            (true, 0) => return,
            (true, start) => stored.payload.get(start..).unwrap_or_default(),
        };
        let egress = &mut peer.egress;
        let (Some(sealer), Some(_)) = (&egress.sealer, egress.destination) else { return };
        let stamps = Stamps { send_time, transport_sequence: egress.transport_sequence };
        let Some(out) = egress.runs.space(Lane::Other).first_chunk_mut::<MAX_HEADER>() else {
            self.counters.dropped += 1;
            return;
        };
        let sealed = if send.repeats_on_rtx(&rewritten) {
            let written = send.write_rtx_header(out, &rewritten, &stored.facts, stored.extensions, stamps);
            let Some((header_len, index)) = written else { return };
            let mut wrapped = [0; MAX_REPEATED];
            let Some(space) = wrapped.get_mut(..2 + payload.len()) else { return };
            space[..2].copy_from_slice(&(sequence as u16).to_be_bytes());
            space[2..].copy_from_slice(payload);
            sealer.rtp(egress.runs.space(Lane::Other), header_len, space, 0, index)
        } else if send.repeats_exactly(sequence) {
            let header_len = send.write_header(out, &rewritten, &stored.facts, stored.extensions, stamps);
            sealer.rtp(egress.runs.space(Lane::Other), header_len, payload, 0, sequence)
        } else {
            return;
        };
        match sealed {
            Ok(length) => {
                egress.runs.commit(Lane::Other, length);
                if send.params.extensions.transport_cc != 0 {
                    egress.transport_sequence = egress.transport_sequence.wrapping_add(1);
                }
                self.counters.retransmitted += 1;
                self.list(key);
            }
            Err(_) => self.counters.dropped += 1,
        }
    }

    /// Asks the publisher for the key frames that subscribers wait for, as often as is decent, and
    /// sees to it that the question is raised again until all are served.
    pub(super) fn check_keys(&mut self, now: Instant, key: usize) {
        let Some(track) = self.tracks.get_mut(key) else { return };
        let mut wanted = [false; crate::forward::track::MAX_LAYERS];
        for send in track.sends.iter().filter_map(|send| self.sends.get(*send)) {
            let open = self.peers.get(send.peer).is_some_and(|peer| peer.egress.is_open());
            if open
                && send.waits_for_key()
                && let Some(slot) = send.target.and_then(|target| wanted.get_mut(usize::from(target)))
            {
                *slot = true;
            }
        }
        track.key_check = wanted.contains(&true).then_some(now + super::timers::KEY_CHECK);
        let Some(source) = &track.source else { return };
        let Some(Peer { egress, ssrc, .. }) = self.peers.get_mut(source.peer) else { return };
        let mut out = [0; 64];
        let mut writer = Writer::new(&mut out);
        let mut asked = 0;
        for (index, layer) in track.layers.iter_mut().enumerate() {
            if let Some(layer) = layer.as_mut().filter(|_| wanted[index] && egress.is_open())
                && layer.may_request_key(index, now)
                && writer.pli(*ssrc, layer.ssrc)
            {
                asked += 1;
            }
        }
        let length = writer.len();
        if asked > 0 && egress.rtcp(&out[..length]) {
            self.counters.plis_out += asked;
            let peer = source.peer;
            self.list(peer);
        }
        if wanted.contains(&true) {
            self.wake(now);
        }
    }
}
