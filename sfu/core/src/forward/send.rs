//! One track being sent to one subscriber: which layer, and how its packets are rewritten so that
//! the subscriber sees one continuous stream (contract livekit.md 4.2).
//!
//! Invariant: sequence numbers leave without gaps other than those the publisher's own losses
//! make, and timestamps only grow from frame to frame.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::ranges::{Range, Ranges};
use super::ring::Facts;
use super::track::{MAX_LAYERS, Source, Track, carried};
use crate::media::{Codec, CodecParams, ExtensionIds, Kind, Selection, SendId, SendParams};
use crate::rtp::{extension, vp8};

/// A retransmission is repeated at most this often, and not sooner than the spacing.
const MAX_ANSWERS: u8 = 3;
const ANSWER_SPACING: Duration = Duration::from_millis(100);
const ANSWERS_KEPT: usize = 64;
/// After a pause, mapped time that lags this far behind the wall clock is not used.
const MAX_LAG_MS: i64 = 200;
const SENDER_REPORTS_KEPT: usize = 4;

/// Longest header we write: fixed part, mid and carried extensions.
pub const MAX_HEADER: usize = 12 + 4 + 17 + 300;

/// How packets of one of the publisher's codecs leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Output {
    pub pt: u8,
    pub rtx_pt: Option<u8>,
    /// Only the newest block of RED is sent, as plain Opus.
    pub strip_red: bool,
}

pub struct Send {
    pub id: SendId,
    /// Keys of the track and of the subscribing peer.
    pub track: usize,
    pub peer: usize,
    pub params: SendParams,
    /// By index of the publisher's codecs.
    outputs: Vec<Option<Output>>,
    clock_rate: u32,
    pub selection: Selection,
    /// The layer that should be sent, given what is live.
    pub target: Option<u8>,
    /// The layer that is being sent; `None` until locked.
    pub current: Option<u8>,
    ranges: Ranges,
    /// Newest number sent, extended; the next stream starts above it.
    newest: u64,
    next_rtx: u64,
    last: Option<Last>,
    /// First number sent without mid. Until the subscriber's first report it may know the stream by
    /// its mid only.
    introduced: Option<u64>,
    /// First number sent with the present parameters.
    negotiated_from: u64,
    /// The subscriber lost a reference and waits for a key frame.
    pub key_wanted: bool,
    pub packets: u32,
    pub octets: u32,
    sender_reports: [Option<(u32, Instant)>; SENDER_REPORTS_KEPT],
    pub round_trip: Option<Duration>,
    answers: Vec<Answer>,
    pub forwarded: bool,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    timestamp: u32,
    at: Instant,
    vp8: Option<vp8::Descriptor>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    sequence: u64,
    at: Instant,
    count: u8,
}

/// Numbers of a packet on its way to one subscriber.
#[derive(Clone, Copy, Debug)]
pub struct Rewritten {
    /// Extended: roll-over counter and sequence number.
    pub sequence: u64,
    pub timestamp: u32,
    pub vp8: vp8::Offsets,
    pub output: Output,
}

impl Send {
    /// `starts` are the first numbers of the stream and of its RTX stream, extended.
    pub fn new(id: SendId, track: usize, peer: usize, params: SendParams, starts: [u64; 2]) -> Self {
        let selection = match params.kind {
            Kind::Audio => Selection::UpTo(0),
            Kind::Video => Selection::Paused,
        };
        Self {
            id,
            track,
            peer,
            params,
            outputs: Vec::new(),
            clock_rate: 90_000,
            selection,
            target: None,
            current: None,
            ranges: Ranges::default(),
            newest: starts[0],
            next_rtx: starts[1],
            last: None,
            introduced: None,
            negotiated_from: 0,
            key_wanted: false,
            packets: 0,
            octets: 0,
            sender_reports: [None; SENDER_REPORTS_KEPT],
            round_trip: None,
            answers: Vec::with_capacity(ANSWERS_KEPT),
            forwarded: false,
        }
    }

    /// Takes new parameters. A stream whose SSRC changes goes on under the new one; `ended` keeps
    /// where the old one was.
    pub fn renew(&mut self, params: SendParams, ended: &mut HashMap<u32, u64>) {
        if params.ssrc != self.params.ssrc || params.rtx_ssrc != self.params.rtx_ssrc {
            self.end(ended);
            self.introduced = None;
            self.newest = self.newest.max(ended.get(&params.ssrc).copied().unwrap_or_default());
            let rtx = params.rtx_ssrc.and_then(|ssrc| ended.get(&ssrc).copied());
            self.next_rtx = self.next_rtx.max(rtx.unwrap_or_default());
            for layer in 0..MAX_LAYERS as u8 {
                self.forget(layer);
            }
        }
        self.negotiated_from = self.newest + 1;
        self.params = params;
    }

    /// Notes where the numbers of this send's streams ended.
    pub fn end(&self, ended: &mut HashMap<u32, u64>) {
        ended.insert(self.params.ssrc, self.newest);
        if let Some(rtx) = self.params.rtx_ssrc {
            ended.insert(rtx, self.next_rtx);
        }
    }

    /// Matches the publisher's codecs with the subscriber's.
    pub fn negotiate(&mut self, source: &Source) {
        let codecs = &source.section.codecs;
        self.negotiated_from = self.newest + 1;
        self.outputs = codecs.iter().map(|theirs| output(theirs, &self.params.codecs)).collect();
        if let Some(first) = codecs.first() {
            self.clock_rate = first.clock_rate.max(1);
        }
    }

    /// Follows a change of selection, mute or living layers. True when a key frame is needed.
    pub fn retarget(&mut self, track: &Track) -> bool {
        self.target = match self.selection {
            Selection::UpTo(limit) if !track.muted => track.best_layer(limit),
            _ => None,
        };
        if self.selection == Selection::Paused || track.muted {
            self.current = None;
        }
        self.waits_for_key()
    }

    /// A layer's numbers start over (another SSRC, or no publisher): the next stream is stitched on.
    pub fn forget(&mut self, layer: u8) {
        self.ranges.forget(layer);
        if self.current == Some(layer) {
            self.current = None;
        }
    }

    pub fn waits_for_key(&self) -> bool {
        self.params.kind == Kind::Video
            && self.target.is_some()
            && (self.target != self.current || self.key_wanted)
    }

    /// Numbers for a packet of `layer` that just arrived, or `None` when it is not for this
    /// subscriber. Locks to the layer or switches to it when the packet allows.
    pub fn accept(&mut self, track: &Track, layer: u8, facts: &Facts, now: Instant) -> Option<Rewritten> {
        let output = (*self.outputs.get(usize::from(facts.codec))?)?;
        if self.current != Some(layer) {
            if !facts.key_start || !self.may_switch(layer) {
                return None;
            }
            self.lock(track, layer, facts, now);
        }
        let (sequence, range) = self.ranges.map(layer, facts.sequence)?;
        let timestamp = facts.timestamp.wrapping_add(range.timestamp);
        if sequence > self.newest {
            self.newest = sequence;
            self.last = Some(Last { timestamp, at: now, vp8: facts.vp8 });
            self.shift_last(range.vp8);
        }
        if facts.key_start {
            self.key_wanted = false;
        }
        Some(Rewritten { sequence, timestamp, vp8: range.vp8, output })
    }

    /// Takes a packet of the current layer that will never be forwarded (padding) out of the
    /// numbering.
    pub fn skip(&mut self, layer: u8, sequence: u64) {
        if self.current != Some(layer) {
            return;
        }
        let Some((out, range)) = self.ranges.map(layer, sequence) else { return };
        if out == self.newest + 1 {
            self.ranges.start(Range { source: sequence + 1, out, ..range });
        }
    }

    fn may_switch(&self, layer: u8) -> bool {
        match (self.target, self.current) {
            (Some(target), _) if target == layer => true,
            // Anything up to the target is better than nothing.
            (Some(target), None) => layer < target,
            _ => false,
        }
    }

    fn lock(&mut self, track: &Track, layer: u8, facts: &Facts, now: Instant) {
        let timestamp = match self.last {
            None => 0,
            Some(last) => {
                self.continued_timestamp(track, layer, facts, last, now).wrapping_sub(facts.timestamp)
            }
        };
        let vp8 = match (self.last.and_then(|last| last.vp8), facts.vp8) {
            (Some(last), Some(next)) => continue_vp8(&last, &next),
            _ => vp8::Offsets::default(),
        };
        self.ranges.start(Range { layer, source: facts.sequence, out: self.newest + 1, timestamp, vp8 });
        self.current = Some(layer);
        self.answers.clear();
    }

    /// The timestamp to send next, after `last`, for a packet of `layer`: through the sender
    /// reports of both layers, else by the wall clock, and always after the last one.
    fn continued_timestamp(&self, track: &Track, layer: u8, facts: &Facts, last: Last, now: Instant) -> u32 {
        let rate = i64::from(self.clock_rate);
        let elapsed = now.saturating_duration_since(last.at).as_millis() as i64;
        let by_clock = last.timestamp.wrapping_add((elapsed * rate / 1000) as u32);
        let by_report = self.ranges.last().and_then(|range| {
            if range.layer == layer {
                return Some(facts.timestamp.wrapping_add(range.timestamp));
            }
            let new = track.layers.get(usize::from(layer))?.as_ref()?;
            let old = track.layers.get(usize::from(range.layer))?.as_ref()?;
            Some(old.timestamp_at(new.ntp_of(facts.timestamp)?)?.wrapping_add(range.timestamp))
        });
        let distance = |timestamp: u32, from: u32| i64::from(timestamp.wrapping_sub(from) as i32);
        let chosen = match by_report {
            Some(timestamp) if distance(by_clock, timestamp).abs() <= rate * MAX_LAG_MS / 1000 => timestamp,
            // The publisher's clock ran on while it sent nothing: any advance is plausible then.
            Some(timestamp) if elapsed > 2 * MAX_LAG_MS && distance(timestamp, by_clock) > 0 => timestamp,
            _ => by_clock,
        };
        if distance(chosen, last.timestamp) < 1 { last.timestamp.wrapping_add(1) } else { chosen }
    }

    /// Keeps the last descriptor in the subscriber's numbers.
    fn shift_last(&mut self, offsets: vp8::Offsets) {
        if let Some(descriptor) = self.last.as_mut().and_then(|last| last.vp8.as_mut()) {
            if let Some(id) = descriptor.picture_id.as_mut() {
                id.value = id.value.wrapping_add(offsets.picture_id);
            }
            descriptor.tl0_picture_index =
                descriptor.tl0_picture_index.map(|index| index.wrapping_add(offsets.tl0_picture_index));
            descriptor.key_index = descriptor.key_index.map(|index| index.wrapping_add(offsets.key_index));
        }
    }

    /// Writes header and extensions; answers their length. `out` has at least [`MAX_HEADER`] bytes.
    pub fn write_header(
        &self,
        out: &mut [u8; MAX_HEADER],
        rewritten: &Rewritten,
        facts: &Facts,
        carried_bytes: &[u8],
        stamps: Stamps,
    ) -> usize {
        out[1] = rewritten.output.pt | u8::from(facts.marker) << 7;
        out[2..4].copy_from_slice(&(rewritten.sequence as u16).to_be_bytes());
        out[4..8].copy_from_slice(&rewritten.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.params.ssrc.to_be_bytes());
        let introduce = self.introduced.is_none_or(|first| rewritten.sequence < first);
        let block = self.write_extensions(&mut out[12..], introduce, carried_bytes, stamps);
        out[0] = 0x80 | u8::from(block > 0) << 4;
        12 + block
    }

    fn write_extensions(
        &self,
        out: &mut [u8],
        introduce: bool,
        carried_bytes: &[u8],
        stamps: Stamps,
    ) -> usize {
        let ids = &self.params.extensions;
        if !introduce && carried_bytes.is_empty() && ids.abs_send_time == 0 && ids.transport_cc == 0 {
            return 0;
        }
        let mut writer = extension::Writer::new(out, needs_two_bytes(ids, carried_bytes));
        if introduce {
            writer.element(ids.mid, self.params.mid.as_bytes());
        }
        writer.element(ids.abs_send_time, &stamps.send_time.to_be_bytes()[1..]);
        writer.element(ids.transport_cc, &stamps.transport_sequence.to_be_bytes());
        for (kind, data) in carried(carried_bytes) {
            writer.element(kind.id(ids), data);
        }
        writer.finish()
    }

    /// Header of a retransmission of a packet over the RTX stream (RFC 4588), original sequence
    /// number included; takes the next number. `None` when RTX is not negotiated.
    pub fn write_rtx_header(
        &mut self,
        out: &mut [u8; MAX_HEADER],
        rewritten: &Rewritten,
        facts: &Facts,
        carried_bytes: &[u8],
        stamps: Stamps,
    ) -> Option<(usize, u64)> {
        let (pt, ssrc) = (rewritten.output.rtx_pt?, self.params.rtx_ssrc?);
        let length = self.write_header(out, rewritten, facts, carried_bytes, stamps);
        let index = self.next_rtx;
        self.next_rtx += 1;
        out[1] = pt | u8::from(facts.marker) << 7;
        out[2..4].copy_from_slice(&(index as u16).to_be_bytes());
        out[8..12].copy_from_slice(&ssrc.to_be_bytes());
        Some((length, index))
    }

    pub fn repeats_on_rtx(&self, rewritten: &Rewritten) -> bool {
        rewritten.output.rtx_pt.is_some() && self.params.rtx_ssrc.is_some()
    }

    /// Whether a packet can be built again byte for byte. Sealing anything else under the same
    /// number would use a nonce twice.
    pub fn repeats_exactly(&self, sequence: u64) -> bool {
        sequence >= self.negotiated_from
            && self.params.extensions.abs_send_time == 0
            && self.params.extensions.transport_cc == 0
    }

    /// Which packet the subscriber misses, if it may be answered now: the publisher's number, the
    /// number it was sent with (extended), and how it was rewritten.
    pub fn answer(&mut self, sequence: u16, now: Instant) -> Option<(u64, u64, Range)> {
        if self.key_wanted || self.selection == Selection::Paused {
            return None;
        }
        let delta = sequence.wrapping_sub(self.newest as u16) as i16;
        let sequence =
            self.newest.checked_add_signed(i64::from(delta)).filter(|&sequence| sequence <= self.newest)?;
        let (source, range) = self.ranges.unmap(sequence)?;
        match self.answers.iter_mut().find(|answer| answer.sequence == sequence) {
            Some(answer) => {
                if answer.count >= MAX_ANSWERS || now.saturating_duration_since(answer.at) < ANSWER_SPACING {
                    return None;
                }
                answer.count += 1;
                answer.at = now;
            }
            None => {
                if self.answers.len() == ANSWERS_KEPT {
                    self.answers.remove(0);
                }
                self.answers.push(Answer { sequence, at: now, count: 1 });
            }
        }
        Some((source, sequence, range))
    }

    pub fn output(&self, codec: u8) -> Option<Output> {
        *self.outputs.get(usize::from(codec))?
    }

    /// Adds a sent packet to what sender reports tell.
    pub fn count(&mut self, octets: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets as u32);
    }

    /// NTP and RTP time of a sender report sent now: the publisher's clock, so that tracks of one
    /// publisher stay in step. `None` until something was sent and the publisher told its clock.
    pub fn sender_report(&mut self, track: &Track, now: Instant) -> Option<(u64, u32)> {
        let range = self.ranges.last().filter(|_| self.forwarded && self.current.is_some())?;
        let layer = track.layers.get(usize::from(range.layer))?.as_ref()?;
        let report = layer.report?;
        let elapsed = now.saturating_duration_since(report.at);
        let ntp = report.ntp.wrapping_add(((elapsed.as_nanos() << 32) / 1_000_000_000) as u64);
        let ticks = (elapsed.as_micros() * u128::from(self.clock_rate) / 1_000_000) as u32;
        let rtp = report.rtp.wrapping_add(ticks).wrapping_add(range.timestamp);
        self.sender_reports.rotate_right(1);
        self.sender_reports[0] = Some(((ntp >> 16) as u32, now));
        Some((ntp, rtp))
    }

    /// Takes the round trip time from a receiver report.
    pub fn reported(&mut self, last_sender_report: u32, delay: u32, now: Instant) {
        self.introduced.get_or_insert(self.newest + 1);
        let sent = self.sender_reports.iter().flatten().find(|(id, _)| *id == last_sender_report);
        if let Some((_, at)) = sent {
            let delay = Duration::from_secs_f64(f64::from(delay) / 65_536.0);
            self.round_trip = now.saturating_duration_since(*at).checked_sub(delay);
        }
    }
}

/// Per-packet values of the send-side extensions.
#[derive(Clone, Copy, Default, Debug)]
pub struct Stamps {
    /// 24 bits, 6.18 fixed-point seconds.
    pub send_time: u32,
    pub transport_sequence: u16,
}

fn needs_two_bytes(ids: &ExtensionIds, carried_bytes: &[u8]) -> bool {
    let high = |id: u8| id > 14;
    high(ids.mid)
        || high(ids.abs_send_time)
        || high(ids.transport_cc)
        || carried(carried_bytes).any(|(kind, data)| high(kind.id(ids)) || data.len() > 16)
}

/// Offsets that put `next` right after `last`.
fn continue_vp8(last: &vp8::Descriptor, next: &vp8::Descriptor) -> vp8::Offsets {
    vp8::Offsets {
        picture_id: match (last.picture_id, next.picture_id) {
            (Some(last), Some(next)) => last.value.wrapping_add(1).wrapping_sub(next.value),
            _ => 0,
        },
        tl0_picture_index: match (last.tl0_picture_index, next.tl0_picture_index) {
            (Some(last), Some(next)) => last.wrapping_add(1).wrapping_sub(next),
            _ => 0,
        },
        key_index: match (last.key_index, next.key_index) {
            (Some(last), Some(next)) => last.wrapping_add(1).wrapping_sub(next),
            _ => 0,
        },
    }
}

/// The subscriber's payload type for a codec of the publisher.
fn output(theirs: &CodecParams, ours: &[CodecParams]) -> Option<Output> {
    let found =
        |strip_red| move |params: &CodecParams| Output { pt: params.pt, rtx_pt: params.rtx_pt, strip_red };
    let same = || ours.iter().filter(|params| params.codec == theirs.codec);
    if let Some(exact) = same().find(|params| profile(params) == profile(theirs)) {
        return Some(found(false)(exact));
    }
    match theirs.codec {
        // A decoder of one packetisation takes another level or profile better than nothing.
        Codec::H264 => same().find(|params| packetization(params) == packetization(theirs)).map(found(false)),
        Codec::H265 | Codec::Av1 => same().next().map(found(false)),
        Codec::Red => ours.iter().find(|params| params.codec == Codec::Opus).map(found(true)),
        _ => None,
    }
}

fn parameter<'a>(params: &'a CodecParams, name: &str) -> Option<&'a str> {
    params
        .fmtp
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn packetization(params: &CodecParams) -> &str {
    parameter(params, "packetization-mode").unwrap_or("0")
}

/// What must agree for one codec to be the same as another.
fn profile(params: &CodecParams) -> (String, &str) {
    match params.codec {
        Codec::H264 => {
            // Profile and constraints; the level may differ.
            let id = parameter(params, "profile-level-id").unwrap_or("42e01f");
            (id.get(..4).unwrap_or(id).to_ascii_lowercase(), packetization(params))
        }
        Codec::Vp9 => (parameter(params, "profile-id").unwrap_or("0").to_owned(), ""),
        Codec::Av1 => (parameter(params, "profile").unwrap_or("0").to_owned(), ""),
        _ => (String::new(), ""),
    }
}
