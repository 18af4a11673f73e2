//! What a client publishes and what it gets. Every payload says what it is, and its bytes follow
//! from that, so a receiver can tell whether it arrived unharmed.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use sfu_core::media::{ExtensionIds, Kind};
use sfu_core::rtp::Header;
use sfu_core::rtp::extension;
use sfu_core::rtp::sequence::Extender;
use sfu_core::srtp::Sealer;

const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const FRAME_INTERVAL: Duration = Duration::from_millis(50);
const HISTORY: usize = 1000;
const NACK_AFTER: Duration = Duration::from_millis(30);
const KEY_AGAIN: Duration = Duration::from_millis(300);
const NACK_AGAIN: Duration = Duration::from_millis(80);

/// Identity of one payload.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Label {
    pub(crate) source: u16,
    /// Frame number; for audio the packet's.
    pub(crate) frame: u32,
    pub(crate) layer: u8,
    pub(crate) key: bool,
    /// Place in the frame.
    pub(crate) index: u8,
    pub(crate) count: u8,
}

impl Label {
    const SIZE: usize = 10;

    fn bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..2].copy_from_slice(&self.source.to_be_bytes());
        bytes[2..6].copy_from_slice(&self.frame.to_be_bytes());
        bytes[6..].copy_from_slice(&[self.layer, u8::from(self.key), self.index, self.count]);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Label> {
        let bytes: &[u8; Self::SIZE] = bytes.first_chunk()?;
        Some(Label {
            source: u16::from_be_bytes([bytes[0], bytes[1]]),
            frame: u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]),
            layer: bytes[6],
            key: bytes[7] == 1,
            index: bytes[8],
            count: bytes[9],
        })
    }

    /// The label, followed by bytes that follow from it.
    fn content(self) -> Vec<u8> {
        let mut state = self.bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |state, byte| {
            (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let length = match self.count {
            0 => 30 + state % 60,
            _ => 100 + state % 1000,
        };
        let mut content = self.bytes().to_vec();
        for _ in 0..length {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            content.push((state >> 56) as u8);
        }
        content
    }

    /// Reads a payload and verifies every byte of it.
    pub(crate) fn verify(kind: Kind, payload: &[u8]) -> Label {
        let start = match kind {
            Kind::Audio => 0,
            // The descriptor that `Layer::packet` writes keeps its length, and a byte of VP8.
            Kind::Video => VP8_HEAD,
        };
        let content = payload.get(start..).expect("payload holds a descriptor");
        let label = Label::parse(content).expect("payload holds a label");
        assert_eq!(content, label.content(), "payload of {label:?} was harmed");
        if kind == Kind::Video {
            assert_eq!(payload[start - 1] & 1 == 0, label.key, "key frame bit of {label:?}");
        }
        label
    }
}

const VP8_HEAD: usize = 7;

/// A published track.
pub(crate) struct Source {
    pub(crate) number: u16,
    pub(crate) kind: Kind,
    pub(crate) cid: String,
    pub(crate) mid: String,
    /// As the server told.
    pub(crate) sid: Option<String>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) pt: u8,
    pub(crate) rtx_pt: u8,
    pub(crate) extensions: ExtensionIds,
    pub(crate) muted: bool,
    pub(crate) started: bool,
    next: Option<Instant>,
    frame: u32,
    /// Times somebody asked for a key frame.
    pub(crate) key_requests: usize,
    pub(crate) resent: usize,
    pub(crate) sent: BTreeSet<Label>,
}

/// One simulcast layer, or the only stream.
pub(crate) struct Layer {
    pub(crate) rid: Option<&'static str>,
    pub(crate) ssrc: u32,
    pub(crate) rtx_ssrc: u32,
    sequence: u64,
    rtx_sequence: u64,
    timestamp: u32,
    wants_key: bool,
    history: VecDeque<(u16, bool, u32, Vec<u8>)>,
    packets: u32,
    octets: u32,
}

/// Counter of the transport-wide extension.
pub(crate) type TransportSequence = u16;

impl Source {
    pub(crate) fn new(number: u16, kind: Kind, cid: String, rids: &[&'static str], start: u64) -> Source {
        let names: Vec<Option<&'static str>> = match rids {
            [] => vec![None],
            rids => rids.iter().map(|rid| Some(*rid)).collect(),
        };
        let layers = names.into_iter().enumerate().map(|(index, rid)| {
            let ssrc = 0x1000_0000 + u32::from(number) * 0x1000 + index as u32 * 2;
            Layer {
                rid,
                ssrc,
                rtx_ssrc: ssrc + 1,
                // Near the end, so that it rolls over.
                sequence: start % 0x8000 + 0x7f00,
                rtx_sequence: 100,
                timestamp: (start as u32).wrapping_mul(77_777),
                wants_key: true,
                history: VecDeque::new(),
                packets: 0,
                octets: 0,
            }
        });
        Source {
            number,
            kind,
            cid,
            mid: String::new(),
            sid: None,
            layers: layers.collect(),
            pt: 0,
            rtx_pt: 0,
            extensions: ExtensionIds::default(),
            muted: false,
            started: false,
            next: None,
            frame: 0,
            key_requests: 0,
            resent: 0,
            sent: BTreeSet::new(),
        }
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        self.next.filter(|_| self.started && !self.muted)
    }

    pub(crate) fn start(&mut self, now: Instant) {
        self.started = true;
        self.next.get_or_insert(now);
    }

    pub(crate) fn ask_for_key_frame(&mut self, ssrc: u32) {
        if let Some(layer) = self.layers.iter_mut().find(|layer| layer.ssrc == ssrc) {
            layer.wants_key = true;
            self.key_requests += 1;
        }
    }

    /// Sends what is due now.
    pub(crate) fn send(&mut self, now: Instant, out: &mut Outgoing<'_>) {
        let Some(due) = self.due().filter(|due| *due <= now) else { return };
        let interval = if self.kind == Kind::Audio { AUDIO_INTERVAL } else { FRAME_INTERVAL };
        // A pause is skipped, not caught up on.
        self.next = Some((due + interval).max(now));
        self.frame += 1;
        for index in 0..self.layers.len() {
            match self.kind {
                Kind::Audio => {
                    let label = self.label(0, false, 0, 0);
                    self.packet(index, label, true, now, out);
                }
                Kind::Video => {
                    let key = std::mem::take(&mut self.layers[index].wants_key);
                    // Higher layers have more packets.
                    let spread = self.frame.wrapping_add(index as u32) % (2 + 2 * index as u32);
                    let count = 1 + spread as u8 + 2 * u8::from(key);
                    for place in 0..count {
                        let label = self.label(index as u8, key, place, count);
                        self.packet(index, label, place + 1 == count, now, out);
                    }
                }
            }
            let step = if self.kind == Kind::Audio { 960 } else { 4500 };
            let layer = &mut self.layers[index];
            layer.timestamp = layer.timestamp.wrapping_add(step);
        }
    }

    fn label(&self, layer: u8, key: bool, index: u8, count: u8) -> Label {
        Label { source: self.number, frame: self.frame, layer, key, index, count }
    }

    fn packet(&mut self, index: usize, label: Label, marker: bool, _now: Instant, out: &mut Outgoing<'_>) {
        let mut payload = Vec::new();
        if self.kind == Kind::Video {
            let start = if label.index == 0 { 0x10 } else { 0 };
            let picture = (label.frame & 0x7fff) as u16 | 0x8000;
            payload.extend([0x80 | start, 0xe0]);
            payload.extend(picture.to_be_bytes());
            payload.extend([label.frame as u8, 0]);
            payload.push(u8::from(!label.key));
        }
        payload.extend(label.content());
        self.sent.insert(label);
        let layer = &mut self.layers[index];
        layer.sequence += 1;
        layer.packets += 1;
        layer.octets += payload.len() as u32;
        let sequence = layer.sequence as u16;
        layer.history.push_back((sequence, marker, layer.timestamp, payload.clone()));
        if layer.history.len() > HISTORY {
            layer.history.pop_front();
        }
        let head = Head {
            pt: self.pt,
            marker,
            sequence: layer.sequence,
            timestamp: layer.timestamp,
            ssrc: layer.ssrc,
        };
        let elements = elements(self.kind, self.extensions, &self.mid, layer.rid, false);
        out.rtp(head, self.extensions.transport_cc, &elements, &payload);
    }

    /// Answers a NACK on the retransmission stream.
    pub(crate) fn resend(&mut self, ssrc: u32, lost: u16, out: &mut Outgoing<'_>) {
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.ssrc == ssrc) else { return };
        let Some((sequence, marker, timestamp, payload)) =
            layer.history.iter().find(|(sequence, ..)| *sequence == lost).cloned()
        else {
            return;
        };
        if self.kind == Kind::Audio {
            return;
        }
        self.resent += 1;
        layer.rtx_sequence += 1;
        let head =
            Head { pt: self.rtx_pt, marker, sequence: layer.rtx_sequence, timestamp, ssrc: layer.rtx_ssrc };
        let payload = [&sequence.to_be_bytes()[..], &payload].concat();
        let elements = elements(self.kind, self.extensions, &self.mid, layer.rid, true);
        out.rtp(head, self.extensions.transport_cc, &elements, &payload);
    }

    /// SSRC, RTP time, packets and octets of each layer, for sender reports.
    pub(crate) fn reports(&self) -> Vec<(u32, u32, u32, u32)> {
        self.layers.iter().map(|layer| (layer.ssrc, layer.timestamp, layer.packets, layer.octets)).collect()
    }
}

fn elements(
    kind: Kind,
    ids: ExtensionIds,
    mid: &str,
    rid: Option<&'static str>,
    repaired: bool,
) -> Vec<(u8, Vec<u8>)> {
    let mut elements = vec![(ids.mid, mid.as_bytes().to_vec())];
    if let Some(rid) = rid {
        elements.push((if repaired { ids.repaired_rid } else { ids.rid }, rid.as_bytes().to_vec()));
    }
    if kind == Kind::Audio {
        // Loud voice.
        elements.push((ids.audio_level, vec![0x80 | 0x14]));
    }
    elements
}

#[derive(Clone, Copy)]
struct Head {
    pt: u8,
    marker: bool,
    sequence: u64,
    timestamp: u32,
    ssrc: u32,
}

/// Where packets of one transport go out.
pub(crate) struct Outgoing<'a> {
    pub(crate) sealer: &'a mut Sealer,
    pub(crate) counter: &'a mut TransportSequence,
    pub(crate) datagrams: &'a mut Vec<Vec<u8>>,
}

impl Outgoing<'_> {
    fn rtp(&mut self, head: Head, transport_cc: u8, elements: &[(u8, Vec<u8>)], payload: &[u8]) {
        let mut packet = vec![0; 1600];
        packet[0] = 0x90;
        packet[1] = head.pt | if head.marker { 0x80 } else { 0 };
        packet[2..4].copy_from_slice(&(head.sequence as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&head.timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&head.ssrc.to_be_bytes());
        let mut writer = extension::Writer::new(&mut packet[12..], false);
        for (id, data) in elements {
            writer.element(*id, data);
        }
        if transport_cc != 0 {
            *self.counter = self.counter.wrapping_add(1);
            writer.element(transport_cc, &self.counter.to_be_bytes());
        }
        let block = writer.finish();
        if block == 0 {
            packet[0] = 0x80;
        }
        let length = self
            .sealer
            .rtp(&mut packet, 12 + block, payload, 0, head.sequence)
            .expect("a packet of ours can be sealed");
        packet.truncate(length);
        self.datagrams.push(packet);
    }

    pub(crate) fn rtcp(&mut self, plain: &[u8]) {
        let mut packet = vec![0; plain.len() + 64];
        let length = self.sealer.rtcp(plain, &mut packet).expect("a report of ours can be sealed");
        packet.truncate(length);
        self.datagrams.push(packet);
    }
}

/// A subscribed track.
pub(crate) struct Sink {
    pub(crate) track_sid: String,
    pub(crate) kind: Kind,
    pub(crate) ssrc: u32,
    /// Payload types of media, then of retransmission, that were negotiated.
    pub(crate) pts: Vec<u8>,
    pub(crate) rtx_pts: Vec<u8>,
    extender: Extender,
    /// By extended sequence number.
    pub(crate) got: BTreeMap<u64, Arrival>,
    missing: HashMap<u64, Missing>,
    pub(crate) recovered: usize,
    pub(crate) sender_reports: usize,
    pub(crate) last: Option<Instant>,
    asked_for_key: Option<Instant>,
    /// Where the first whole key frame starts.
    opening: Option<u64>,
    /// What was newest when a key frame was asked for last: until that comes, nothing is repaired.
    given_up: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) label: Label,
    pub(crate) timestamp: u32,
    pub(crate) at: Instant,
}

struct Missing {
    since: Instant,
    asked: Option<Instant>,
    tries: u32,
}

impl Sink {
    pub(crate) fn new(track_sid: String, kind: Kind, ssrc: u32) -> Sink {
        Sink {
            track_sid,
            kind,
            ssrc,
            pts: Vec::new(),
            rtx_pts: Vec::new(),
            extender: Extender::default(),
            got: BTreeMap::new(),
            missing: HashMap::new(),
            recovered: 0,
            sender_reports: 0,
            last: None,
            asked_for_key: None,
            opening: None,
            given_up: 0,
        }
    }

    /// Takes a decrypted packet of one of our SSRCs.
    pub(crate) fn receive(&mut self, header: &Header, payload: &[u8], now: Instant) {
        if payload.is_empty() {
            return;
        }
        let (sequence, payload) = if header.ssrc == self.ssrc {
            assert!(self.pts.contains(&header.pt), "payload type {} was not negotiated", header.pt);
            (header.sequence, payload)
        } else {
            assert!(self.rtx_pts.contains(&header.pt), "retransmission type {}", header.pt);
            let (original, payload) = payload.split_first_chunk::<2>().expect("original sequence");
            self.recovered += 1;
            (u16::from_be_bytes(*original), payload)
        };
        self.last = Some(now);
        let label = Label::verify(self.kind, payload);
        let extended = self.extender.extend(sequence);
        if let Some(newest) = self.extender.newest() {
            for gap in newest + 1..extended {
                self.missing.insert(gap, Missing { since: now, asked: None, tries: 0 });
            }
        }
        self.extender.record(extended);
        self.missing.remove(&extended);
        let arrival = Arrival { label, timestamp: header.timestamp, at: now };
        let first = self.got.entry(extended).or_insert(arrival);
        assert_eq!(first.label, label, "one sequence number, two payloads");
        assert_eq!(first.timestamp, arrival.timestamp, "{label:?}");
        if self.kind == Kind::Video {
            assert_eq!(header.marker, label.index + 1 == label.count, "marker of {label:?}");
        }
    }

    /// Sequence numbers to ask for again.
    pub(crate) fn nacks(&mut self, now: Instant) -> Vec<u16> {
        if self.kind == Kind::Audio {
            return Vec::new();
        }
        let mut due: Vec<u64> = Vec::new();
        for (sequence, missing) in &mut self.missing {
            let waited = now >= missing.since + NACK_AFTER;
            if waited && missing.tries < 20 && missing.asked.is_none_or(|asked| now >= asked + NACK_AGAIN) {
                missing.asked = Some(now);
                missing.tries += 1;
                due.push(*sequence);
            }
        }
        due.sort_unstable();
        due.into_iter().map(|sequence| sequence as u16).collect()
    }

    /// Like a decoder that has no whole key frame to begin with: the start of the first one may be
    /// lost before we know of it.
    pub(crate) fn wants_key_frame(&mut self, now: Instant) -> bool {
        if self.opening.is_none() {
            self.opening = self.whole_key_frame(0);
        }
        let waits = self.kind == Kind::Video
            && !self.got.is_empty()
            && self.opening.is_none()
            && self.asked_for_key.is_none_or(|asked| now >= asked + KEY_AGAIN);
        if waits {
            self.asked_for_key = Some(now);
            self.given_up = self.extender.newest().unwrap_or_default();
        }
        waits
    }

    /// Where the first whole key frame behind a sequence number starts.
    fn whole_key_frame(&self, behind: u64) -> Option<u64> {
        let keys: Vec<(u32, u8)> = self
            .complete_frames()
            .into_iter()
            .filter(|frame| frame.2)
            .map(|frame| (frame.0, frame.1))
            .collect();
        let behind = self.got.range(behind + 1..);
        behind
            .filter(|(_, arrival)| arrival.label.index == 0)
            .find(|(_, arrival)| keys.contains(&(arrival.label.frame, arrival.label.layer)))
            .map(|(sequence, _)| *sequence)
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = Label> {
        self.got.values().map(|arrival| arrival.label)
    }

    /// Sequence numbers that never came, but for those lately seen to be missing.
    pub(crate) fn holes(&self, now: Instant, grace: Duration) -> Vec<u64> {
        let start = self.start();
        let mut holes: Vec<u64> = self
            .missing
            .iter()
            .filter(|(_, missing)| now >= missing.since + grace)
            .map(|(sequence, _)| *sequence)
            .filter(|sequence| start.is_none_or(|start| *sequence > start))
            .collect();
        holes.sort_unstable();
        holes
    }

    /// The key frame that was asked for last, or the first one when that was good enough.
    fn start(&self) -> Option<u64> {
        self.whole_key_frame(self.given_up).or(self.opening)
    }

    /// Number of the frame that everything after can be built on.
    pub(crate) fn first_frame(&self) -> u32 {
        let start = self.start().expect("a whole key frame");
        self.got[&start].label.frame
    }

    /// Frames of which every packet came: number, layer, whether it is a key frame.
    pub(crate) fn complete_frames(&self) -> Vec<(u32, u8, bool)> {
        let mut counts: BTreeMap<(u32, u8), (u8, u8, bool)> = BTreeMap::new();
        for label in self.labels() {
            let entry = counts.entry((label.frame, label.layer)).or_insert((0, label.count, label.key));
            entry.0 += 1;
        }
        counts
            .into_iter()
            .filter(|(_, (got, count, _))| got == count)
            .map(|((frame, layer), (_, _, key))| (frame, layer, key))
            .collect()
    }

    /// All packets of a frame carry one timestamp, a later frame a later one.
    pub(crate) fn check_timestamps(&self) {
        let mut last: Option<((u32, u8), u32)> = None;
        for arrival in self.got.values() {
            let frame = (arrival.label.frame, arrival.label.layer);
            let timestamp = arrival.timestamp;
            if let Some((frame_before, before)) = last {
                if frame == frame_before {
                    assert_eq!(timestamp, before, "frame {frame:?} has two timestamps");
                } else {
                    let step = timestamp.wrapping_sub(before) as i32;
                    assert!(step > 0, "time runs backwards at frame {frame:?}: {step}");
                }
            }
            last = Some((frame, timestamp));
        }
    }
}
