//! One published track: its layers, what its payload types mean, and who it is sent to.

use std::time::{Duration, Instant};

use super::layer::Layer;
use super::level::Observer;
use super::ring::Facts;
use crate::media::{Codec, CodecParams, ExtensionIds, ReceiveSection, TrackId};
use crate::rtp::{Header, codec, vp8};

/// A simulcast layer that is silent for this long is gone; a lone one may rest longer (a static
/// screen, discontinuous audio).
const LAYER_SILENCE: Duration = Duration::from_millis(1500);
const LONE_SILENCE: Duration = Duration::from_secs(5);

/// Layers beyond this are not received.
pub const MAX_LAYERS: usize = 4;

/// Room for the extension elements carried along with a packet.
pub const MAX_CARRIED: usize = 255;

/// What a payload type of the publisher means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayloadUse {
    /// Index into the section's codecs.
    Media(u8),
    /// Retransmission of that codec.
    Rtx(u8),
}

/// Known by its id before the publisher's section arrives: subscribers and mute may come first.
pub struct Track {
    pub id: TrackId,
    /// Key of the publishing peer and what to receive.
    pub source: Option<Source>,
    pub layers: [Option<Layer>; MAX_LAYERS],
    /// Keys of the sends of this track.
    pub sends: Vec<usize>,
    pub muted: bool,
    pub observer: Observer,
    /// When to see whether some subscriber still waits for a key frame.
    pub key_check: Option<Instant>,
}

pub struct Source {
    pub peer: usize,
    pub room: u64,
    pub section: ReceiveSection,
    payload_types: [Option<PayloadUse>; 128],
    pub nack: bool,
}

impl Source {
    pub fn new(peer: usize, room: u64, section: ReceiveSection) -> Self {
        let mut payload_types = [None; 128];
        for (index, params) in section.codecs.iter().enumerate().take(255) {
            if let Some(entry) = payload_types.get_mut(usize::from(params.pt)) {
                *entry = Some(PayloadUse::Media(index as u8));
            }
            if let Some(entry) = params.rtx_pt.and_then(|pt| payload_types.get_mut(usize::from(pt))) {
                *entry = Some(PayloadUse::Rtx(index as u8));
            }
        }
        let nack = section.codecs.iter().any(|params| params.feedback.iter().any(|value| value == "nack"));
        Self { peer, room, section, payload_types, nack }
    }

    pub fn payload_use(&self, pt: u8) -> Option<PayloadUse> {
        self.payload_types[usize::from(pt & 0x7f)]
    }

    pub fn codec(&self, index: u8) -> Option<&CodecParams> {
        self.section.codecs.get(usize::from(index))
    }
}

impl Track {
    pub fn new(id: TrackId) -> Self {
        Self {
            id,
            source: None,
            layers: [const { None }; MAX_LAYERS],
            sends: Vec::new(),
            muted: false,
            observer: Observer::default(),
            key_check: None,
        }
    }

    /// The highest live layer up to `limit`.
    pub fn best_layer(&self, limit: u8) -> Option<u8> {
        let layers = self.layers.iter().take(usize::from(limit) + 1);
        layers
            .enumerate()
            .rev()
            .find(|(_, layer)| layer.as_ref().is_some_and(|layer| layer.live))
            .map(|(n, _)| n as u8)
    }

    /// How long a layer may be silent before it counts as gone.
    pub fn patience(&self) -> Duration {
        if self.layers.iter().flatten().count() > 1 { LAYER_SILENCE } else { LONE_SILENCE }
    }
}

/// Reads the facts that forwarding needs off a payload.
pub fn examine(codec: Codec, payload: &[u8], facts: &mut Facts) {
    match codec {
        Codec::Vp8 => {
            facts.vp8 = vp8::Descriptor::parse(payload);
            facts.key_start = facts.vp8.is_some_and(|descriptor| descriptor.key_frame_start);
        }
        Codec::Red => {
            facts.key_start = true;
            facts.red_primary = codec::red_primary(payload).map_or(0, |(_, range)| range.start as u16);
        }
        _ => facts.key_start = codec::starts_key_frame(codec, payload),
    }
}

/// An extension that travels from publisher to subscriber unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Carried {
    AbsCaptureTime,
    DependencyDescriptor,
    PlayoutDelay,
    VideoOrientation,
    AudioLevel,
}

impl Carried {
    const ALL: [Carried; 5] = [
        Carried::AbsCaptureTime,
        Carried::DependencyDescriptor,
        Carried::PlayoutDelay,
        Carried::VideoOrientation,
        Carried::AudioLevel,
    ];

    /// Its id in a section, 0 when not negotiated.
    pub fn id(self, ids: &ExtensionIds) -> u8 {
        match self {
            Carried::AbsCaptureTime => ids.abs_capture_time,
            Carried::DependencyDescriptor => ids.dependency_descriptor,
            Carried::PlayoutDelay => ids.playout_delay,
            Carried::VideoOrientation => ids.video_orientation,
            Carried::AudioLevel => ids.audio_level,
        }
    }
}

/// Writes the elements worth forwarding as (kind, length, data); answers the length of it all.
pub fn carry(header: &Header, packet: &[u8], ids: &ExtensionIds, out: &mut [u8; MAX_CARRIED]) -> usize {
    let mut at = 0;
    for (id, data) in header.elements(packet) {
        let Some(kind) = Carried::ALL.into_iter().find(|kind| id != 0 && kind.id(ids) == id) else {
            continue;
        };
        let Some(space) = out.get_mut(at..at + 2 + data.len()) else { continue };
        space[0] = kind as u8;
        space[1] = data.len() as u8;
        space[2..].copy_from_slice(data);
        at += 2 + data.len();
    }
    at
}

/// The elements written by [`carry`].
pub fn carried(mut bytes: &[u8]) -> impl Iterator<Item = (Carried, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind, length], rest) = bytes.split_first_chunk()?;
        let (data, rest) = rest.split_at_checked(usize::from(length))?;
        bytes = rest;
        Some((*Carried::ALL.get(usize::from(kind))?, data))
    })
}
