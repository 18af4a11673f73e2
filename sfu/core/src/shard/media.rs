//! The packet path: from a received RTP datagram to sealed ones for each subscriber.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Shard;
use super::peer::{Binding, Egress, MAX_SSRCS, Peer};
use super::runs::Lane;
use crate::forward::layer::Layer;
use crate::forward::level;
use crate::forward::ring::Facts;
use crate::forward::send::{MAX_HEADER, Rewritten, Send, Stamps};
use crate::forward::track::{MAX_CARRIED, MAX_LAYERS, PayloadUse, Track, carry, examine};
use crate::media::{Event, Kind};
use crate::rtp::Header;
use crate::srtp::SrtpError;

const LIFE_SPACING: Duration = Duration::from_millis(500);

/// A received packet, unwrapped if it was a retransmission.
struct Arrival<'a> {
    facts: Facts,
    carried: &'a [u8],
    payload: &'a mut [u8],
}

impl Shard {
    pub(super) fn rtp(&mut self, now: Instant, key: usize, source: SocketAddr, datagram: &mut [u8]) {
        let micros = self.micros(now);
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(header) = Header::parse(datagram) else {
            self.counters.malformed += 1;
            return;
        };
        let opened = match &mut peer.opener {
            Some(opener) => opener.rtp(datagram, header.len),
            None => Err(SrtpError::Forged),
        };
        let packet = match opened {
            Ok(length) => &mut datagram[..length],
            Err(error) => return self.refused(error),
        };
        self.sign_of_life(now, key, source);
        let Some(peer) = self.peers.get_mut(key) else { return };
        if peer.transport_cc != 0
            && let Some((_, &[high, low])) = header
                .elements(packet)
                .find(|(id, _)| *id == peer.transport_cc)
                .map(|(id, data)| (id, data.first_chunk::<2>().unwrap_or(&[0; 2])))
        {
            peer.arrivals.record(u16::from_be_bytes([high, low]), micros);
            self.wake(now);
        }
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(body) = header.payload(packet) else {
            self.counters.malformed += 1;
            return;
        };
        let binding = match peer.bindings.get(&header.ssrc) {
            Some(binding) => *binding,
            None => match bind(peer, key, &self.tracks, &header, packet) {
                Some(binding) => {
                    peer.bindings.insert(header.ssrc, binding);
                    binding
                }
                None => return,
            },
        };
        if !binding.rtx {
            peer.media_ssrc = header.ssrc;
        }

        let Some(track) = self.tracks.get_mut(binding.track) else { return };
        let Some(source) = &track.source else { return };
        let kind = source.section.kind;
        let Some(slot) = track.layers.get_mut(usize::from(binding.layer)) else { return };
        let mut facts = Facts { timestamp: header.timestamp, marker: header.marker, ..Facts::default() };
        let (codec, payload_at) = match (source.payload_use(header.pt), binding.rtx) {
            (Some(PayloadUse::Media(codec)), false) => (codec, body.start),
            (Some(PayloadUse::Rtx(codec)), true) => (codec, body.start + 2),
            _ => return,
        };
        let Some(params) = source.codec(codec) else { return };
        facts.codec = codec;

        if binding.rtx {
            // Retransmissions without content are probes: they count for nothing.
            let (Some(layer), true) = (slot.as_mut(), payload_at < body.end) else { return };
            layer.rtx_ssrc = Some(header.ssrc);
            let original = u16::from_be_bytes([packet[body.start], packet[body.start + 1]]);
            facts.sequence = layer.extend(original);
        } else {
            if slot.as_ref().is_none_or(|layer| layer.ssrc != header.ssrc) {
                let rate = params.clock_rate.max(1);
                if slot.replace(Layer::new(kind, header.ssrc, rate, now)).is_some() {
                    for &send in &track.sends {
                        if let Some(send) = self.sends.get_mut(send) {
                            send.forget(binding.layer);
                        }
                    }
                }
            }
            let Some(layer) = slot.as_mut() else { return };
            facts.sequence = layer.extend(header.sequence);
            let ticks = u128::from(micros) * u128::from(layer.clock_rate) / 1_000_000;
            layer.count(facts.sequence, header.timestamp, ticks as u32);
        }
        let Some(layer) = slot.as_mut() else { return };
        if !layer.wants(facts.sequence) {
            return;
        }
        layer.arrived(facts.sequence, now);
        let missing = !layer.losses.is_empty();
        if payload_at == body.end {
            for &send in &track.sends {
                if let Some(send) = self.sends.get_mut(send) {
                    send.skip(binding.layer, facts.sequence);
                }
            }
            return;
        }
        let started = !binding.rtx && !std::mem::replace(&mut layer.live, true);
        if !binding.rtx {
            layer.last_packet = now;
        }

        let ids = &source.section.extensions;
        let mut carried = [0; MAX_CARRIED];
        let carried_len = carry(&header, packet, ids, &mut carried);
        examine(params.codec, &packet[payload_at..body.end], &mut facts);
        if kind == Kind::Audio && ids.audio_level != 0 && !track.muted {
            let level = header.elements(packet).find(|(id, _)| *id == ids.audio_level);
            if let Some((_, &[level, ..])) = level {
                track.observer.observe(level, header.timestamp, params.clock_rate);
                self.speakers_due.get_or_insert(now + level::INTERVAL);
            }
        }
        if started {
            self.events.push_back(Event::LayerStarted {
                track: track.id,
                layer: binding.layer,
                codec: params.codec,
                ssrc: header.ssrc,
            });
        }
        if track.muted {
            return;
        }
        let layer = slot.as_mut().expect("made above");
        if !layer.ring.push(facts, &carried[..carried_len], &packet[payload_at..body.end]) {
            return;
        }
        if started {
            self.retarget(now, binding.track);
        }
        if missing {
            self.wake(now);
        }
        let payload = &mut packet[payload_at..body.end];
        self.forward(now, binding, Arrival { facts, carried: &carried[..carried_len], payload });
    }

    /// Sends a packet to whoever should get it.
    fn forward(&mut self, now: Instant, binding: Binding, arrival: Arrival<'_>) {
        let send_time = self.send_time(now);
        let Shard { tracks, sends, peers, events, ready, counters, .. } = self;
        let Some(track) = tracks.get(binding.track) else { return };
        let Arrival { facts, carried, payload } = arrival;
        for &key in &track.sends {
            let Some(send) = sends.get_mut(key) else { continue };
            let Some(Peer { egress, .. }) = peers.get_mut(send.peer) else { continue };
            if !egress.is_open() {
                continue;
            }
            let Some(rewritten) = send.accept(track, binding.layer, &facts, now) else { continue };
            let stamps = Stamps { send_time, transport_sequence: egress.transport_sequence };
            if seal(send, egress, &rewritten, &facts, carried, payload, stamps) {
                if !egress.listed {
                    egress.listed = true;
                    ready.push(send.peer);
                }
                if !send.forwarded {
                    send.forwarded = true;
                    events.push_back(Event::FirstForwarded { send: send.id });
                }
            } else {
                counters.dropped += 1;
            }
        }
    }

    /// Authenticated media says that the peer is there; the transport need not hear it each time.
    pub(super) fn sign_of_life(&mut self, now: Instant, key: usize, source: SocketAddr) {
        let Some(peer) = self.peers.get_mut(key).filter(|peer| peer.life_due <= now) else { return };
        peer.life_due = now + LIFE_SPACING;
        self.with_transport(now, key, |transport| transport.saw_media(source, now));
    }

    pub(super) fn refused(&mut self, error: SrtpError) {
        match error {
            SrtpError::Short => self.counters.malformed += 1,
            _ => self.counters.rejected += 1,
        }
    }

    /// Microseconds since the shard's epoch.
    pub(super) fn micros(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.config.epoch.0).as_micros() as u64
    }

    /// Absolute send time: seconds modulo 64 with 18 fractional bits.
    pub(super) fn send_time(&self, now: Instant) -> u32 {
        ((u128::from(self.micros(now)) << 18) / 1_000_000) as u32 & 0x00ff_ffff
    }
}

/// Rewrites and seals one packet for one subscriber; false when there is no room.
fn seal(
    send: &mut Send,
    egress: &mut Egress,
    rewritten: &Rewritten,
    facts: &Facts,
    carried: &[u8],
    payload: &mut [u8],
    stamps: Stamps,
) -> bool {
    let Some(sealer) = &egress.sealer else { return false };
    let lane = match send.params.kind {
        Kind::Video => Lane::Video,
        Kind::Audio => Lane::Other,
    };
    if let Some(descriptor) = facts.vp8 {
        descriptor.rewrite(payload, rewritten.vp8);
    }
    let payload = match (rewritten.output.strip_red, usize::from(facts.red_primary)) {
        (false, _) => &*payload,
        (true, 0) => return false,
        (true, start) => &payload[start.min(payload.len())..],
    };
    let Some(out) = egress.runs.space(lane).first_chunk_mut::<MAX_HEADER>() else { return false };
    let header_len = send.write_header(out, rewritten, facts, carried, stamps);
    // A packet that may have to be repeated under the same number must be the same then.
    let padding = match lane {
        Lane::Video if send.repeats_on_rtx(rewritten) => {
            let length = header_len + payload.len() + sealer.profile().rtp_overhead();
            egress.runs.padding(length, facts.marker)
        }
        _ => 0,
    };
    let out = egress.runs.space(lane);
    out[0] |= u8::from(padding > 0) << 5;
    let Ok(length) = sealer.rtp(out, header_len, payload, padding, rewritten.sequence) else { return false };
    egress.runs.commit(lane, length);
    if send.params.extensions.transport_cc != 0 {
        egress.transport_sequence = egress.transport_sequence.wrapping_add(1);
    }
    send.count(payload.len());
    true
}

/// Finds out what an unknown SSRC carries: by its mid and rid, else by a payload type that only one
/// track has (RFC 8843 section 9.2, RFC 8852).
fn bind(
    peer: &mut Peer,
    key: usize,
    tracks: &slab::Slab<Track>,
    header: &Header,
    packet: &[u8],
) -> Option<Binding> {
    if peer.bindings.len() >= MAX_SSRCS {
        return None;
    }
    let element = |wanted: u8| {
        header.elements(packet).find(|(id, _)| wanted != 0 && *id == wanted).map(|(_, data)| data)
    };
    let mut by_type = None;
    for &track in &peer.tracks {
        let Some(source) = tracks.get(track).and_then(|track| track.source.as_ref()) else { continue };
        if source.peer != key {
            continue;
        }
        let Some(payload_use) = source.payload_use(header.pt) else { continue };
        let rtx = matches!(payload_use, PayloadUse::Rtx(_));
        let section = &source.section;
        match element(section.extensions.mid) {
            Some(mid) if mid != section.mid.as_bytes() => continue,
            Some(_) => {}
            None => {
                let free = section.rids.is_empty()
                    && !peer.bindings.values().any(|binding| binding.track == track && binding.rtx == rtx);
                let candidate = free.then_some(Binding { track, layer: 0, rtx });
                by_type = match by_type {
                    None => Some(candidate),
                    // Two tracks share the type: nothing can be told.
                    Some(_) => Some(None),
                };
                continue;
            }
        }
        let layer = if section.rids.is_empty() {
            0
        } else {
            let rid =
                if rtx { element(section.extensions.repaired_rid) } else { element(section.extensions.rid) }?;
            section.rids.iter().take(MAX_LAYERS).position(|known| known.as_bytes() == rid)?
        };
        let binding = Binding { track, layer: layer as u8, rtx };
        // The layer moved to this SSRC: the old one means nothing any more.
        peer.bindings.retain(|_, known| *known != binding);
        return Some(binding);
    }
    by_type.flatten()
}
