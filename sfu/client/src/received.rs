//! Counters of media, shared between the tasks that move it and those who ask.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use sfu_protocol::client::Kind;

/// Packets and bytes of one direction.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    audio: AtomicU64,
    video: AtomicU64,
    bytes: AtomicU64,
    late: AtomicU64,
    missing: AtomicU64,
    streams: AtomicUsize,
}

/// What was counted of one direction so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    pub audio_packets: u64,
    pub video_packets: u64,
    /// Payload only.
    pub bytes: u64,
    /// Packets older than one that came before.
    pub late: u64,
    /// Sequence numbers that were skipped and have not come late.
    pub missing: u64,
}

/// Both directions of a client.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    pub sent: Counts,
    pub received: Counts,
}

impl Meter {
    pub(crate) fn count(&self, kind: Kind, bytes: usize) {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
        .fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// A stream has delivered its first packet.
    pub(crate) fn stream(&self) {
        self.streams.fetch_add(1, Relaxed);
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Relaxed)
    }

    pub(crate) fn order(&self, step: Step) {
        match step {
            Step::Next => {}
            Step::Gap(missing) => {
                self.missing.fetch_add(missing.into(), Relaxed);
            }
            Step::Late => {
                self.late.fetch_add(1, Relaxed);
            }
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let late = self.late.load(Relaxed);
        Counts {
            audio_packets: self.audio.load(Relaxed),
            video_packets: self.video.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            late,
            missing: self.missing.load(Relaxed).saturating_sub(late),
        }
    }
}

impl std::ops::Sub for Counts {
    type Output = Counts;

    fn sub(self, before: Counts) -> Counts {
        Counts {
            audio_packets: self.audio_packets - before.audio_packets,
            video_packets: self.video_packets - before.video_packets,
            bytes: self.bytes - before.bytes,
            late: self.late - before.late,
            missing: self.missing.saturating_sub(before.missing),
        }
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Counts>>(all: I) -> Counts {
        all.fold(Counts::default(), |one, other| Counts {
            audio_packets: one.audio_packets + other.audio_packets,
            video_packets: one.video_packets + other.video_packets,
            bytes: one.bytes + other.bytes,
            late: one.late + other.late,
            missing: one.missing + other.missing,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Next,
    Gap(u16),
    Late,
}

/// Order of one RTP stream.
#[derive(Debug, Default)]
pub(crate) struct Order {
    last: Option<(u32, u16)>,
}

impl Order {
    /// A new SSRC starts anew.
    pub(crate) fn next(&mut self, ssrc: u32, sequence: u16) -> Step {
        let Some((_, last)) = self.last.filter(|(known, _)| *known == ssrc) else {
            self.last = Some((ssrc, sequence));
            return Step::Next;
        };
        let ahead = sequence.wrapping_sub(last);
        if ahead == 0 || ahead > u16::MAX / 2 {
            return Step::Late;
        }
        self.last = Some((ssrc, sequence));
        if ahead == 1 { Step::Next } else { Step::Gap(ahead - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_late_packets_are_told_apart_across_the_roll_over() {
        let mut order = Order::default();
        assert_eq!(order.next(1, 65_534), Step::Next);
        assert_eq!(order.next(1, 65_535), Step::Next);
        assert_eq!(order.next(1, 0), Step::Next);
        assert_eq!(order.next(1, 3), Step::Gap(2));
        assert_eq!(order.next(1, 2), Step::Late);
        assert_eq!(order.next(1, 4), Step::Next);
        assert_eq!(order.next(2, 100), Step::Next);
    }

    #[test]
    fn a_late_packet_is_missing_no_more() {
        let meter = Meter::default();
        meter.order(Step::Gap(2));
        assert_eq!(meter.counts().missing, 2);
        meter.order(Step::Late);
        assert_eq!((meter.counts().missing, meter.counts().late), (1, 1));
    }
}
