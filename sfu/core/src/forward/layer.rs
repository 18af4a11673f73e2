//! Reception of one layer of a published track: one SSRC with its retransmission stream.

use std::time::{Duration, Instant};

use super::loss::Losses;
use super::ring::PacketRing;
use crate::media::Kind;
use crate::rtp::rtcp::Block;
use crate::rtp::sequence::Extender;

/// Least time between two key frame requests for the lowest layer, and for the others.
const KEY_REQUEST_SPACING: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The publisher's clock: an NTP time, the same moment in RTP time, and when we learned it.
#[derive(Clone, Copy, Debug)]
pub struct ClockReport {
    pub ntp: u64,
    pub rtp: u32,
    pub at: Instant,
}

/// See the module documentation. Reset when the layer gets another SSRC.
pub struct Layer {
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    pub clock_rate: u32,
    pub ring: PacketRing,
    pub losses: Losses,
    pub report: Option<ClockReport>,
    /// False while the layer is silent.
    pub live: bool,
    pub last_packet: Instant,
    /// Extended number of the newest stored packet.
    sequences: Extender,
    statistics: Statistics,
    key_requested: Option<Instant>,
}

#[derive(Debug, Default)]
struct Statistics {
    first: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    /// In sixteenths of a clock tick (RFC 3550 appendix A.8).
    jitter: u32,
    transit: Option<u32>,
}

impl Layer {
    pub fn new(kind: Kind, ssrc: u32, clock_rate: u32, now: Instant) -> Self {
        Self {
            ssrc,
            rtx_ssrc: None,
            clock_rate,
            ring: PacketRing::new(kind),
            losses: Losses::default(),
            report: None,
            live: false,
            last_packet: now,
            sequences: Extender::default(),
            statistics: Statistics::default(),
            key_requested: None,
        }
    }

    pub fn extend(&self, sequence: u16) -> u64 {
        self.sequences.extend(sequence)
    }

    /// True when a packet is new and not too old to be of use. Subscribers rely on it: no number is
    /// ever sealed twice for different bytes.
    pub fn wants(&self, sequence: u64) -> bool {
        let newest = self.sequences.newest().unwrap_or(sequence);
        sequence + self.ring.depth() > newest && !self.ring.saw(sequence)
    }

    /// Counts a packet of the layer's own SSRC; `arrival` is in ticks of the layer's clock.
    pub fn count(&mut self, sequence: u64, timestamp: u32, arrival: u32) {
        let statistics = &mut self.statistics;
        if self.sequences.newest().is_none() {
            statistics.first = sequence;
        }
        statistics.received += 1;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = statistics.transit {
            let distance = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A jump of the publisher's clock is no jitter.
            if distance < self.clock_rate * 4 {
                statistics.jitter = statistics.jitter + distance - ((statistics.jitter + 8) >> 4);
            }
        }
        statistics.transit = Some(transit);
    }

    /// Notes that a packet, original or retransmitted, is here.
    pub fn arrived(&mut self, sequence: u64, now: Instant) {
        self.sequences.record(sequence);
        self.losses.arrived(sequence, now);
    }

    /// The report block for the publisher; `None` before the first packet.
    pub fn block(&mut self, now: Instant) -> Option<Block> {
        let newest = self.sequences.newest()?;
        let statistics = &mut self.statistics;
        let expected = (newest + 1).saturating_sub(statistics.first);
        let expected_now = expected - statistics.expected_before.min(expected);
        let received_now = statistics.received - statistics.received_before;
        statistics.expected_before = expected;
        statistics.received_before = statistics.received;
        let lost_now = expected_now.saturating_sub(received_now);
        let lost = expected as i64 - statistics.received as i64;
        let (last_sender_report, delay) = self.report.map_or((0, 0), |report| {
            let delay = now.saturating_duration_since(report.at);
            ((report.ntp >> 16) as u32, (delay.as_secs_f64() * 65_536.0) as u32)
        });
        Some(Block {
            ssrc: self.ssrc,
            fraction_lost: (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8,
            lost: lost.clamp(-0x0080_0000, 0x007f_ffff) as i32,
            // The extender starts one cycle high.
            highest_sequence: (newest - (1 << 16)) as u32,
            jitter: statistics.jitter >> 4,
            last_sender_report,
            delay,
        })
    }

    /// True, at most once per spacing, when a key frame may be asked for now.
    pub fn may_request_key(&mut self, index: usize, now: Instant) -> bool {
        let spacing = KEY_REQUEST_SPACING[index.min(1)];
        let may = self.key_requested.is_none_or(|at| now.saturating_duration_since(at) >= spacing);
        if may {
            self.key_requested = Some(now);
        }
        may
    }

    /// NTP time, in seconds with 32 fractional bits, of an RTP timestamp; needs a sender report.
    pub fn ntp_of(&self, timestamp: u32) -> Option<u64> {
        let report = self.report?;
        let ticks = i64::from(timestamp.wrapping_sub(report.rtp) as i32);
        Some(
            report.ntp.wrapping_add_signed(
                (i128::from(ticks) << 32).checked_div(i128::from(self.clock_rate))? as i64,
            ),
        )
    }

    /// RTP timestamp at an NTP time; needs a sender report.
    pub fn timestamp_at(&self, ntp: u64) -> Option<u32> {
        let report = self.report?;
        let distance = i128::from(ntp.wrapping_sub(report.ntp) as i64);
        // To the nearest tick, so that a way there and back changes nothing.
        Some(report.rtp.wrapping_add(((distance * i128::from(self.clock_rate) + (1 << 31)) >> 32) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_block_counts_losses() {
        let now = Instant::now();
        let mut layer = Layer::new(Kind::Video, 5, 90_000, now);
        for n in (0..100_u16).filter(|n| n % 4 != 1) {
            let sequence = layer.extend(65_500_u16.wrapping_add(n));
            layer.count(sequence, 0, 0);
            layer.arrived(sequence, now);
        }
        let block = layer.block(now).unwrap();
        assert_eq!(block.lost, 25);
        assert_eq!(block.fraction_lost, 64);
        assert_eq!(block.highest_sequence, 65_599);
        assert_eq!(layer.block(now).unwrap().fraction_lost, 0);
    }

    #[test]
    fn ntp_and_rtp_times_convert_both_ways() {
        let now = Instant::now();
        let mut layer = Layer::new(Kind::Video, 5, 90_000, now);
        layer.report = Some(ClockReport { ntp: 100 << 32, rtp: u32::MAX - 10, at: now });
        let later = (u32::MAX - 10).wrapping_add(45_000);
        assert_eq!(layer.ntp_of(later), Some((100 << 32) + (1 << 31)));
        assert_eq!(layer.timestamp_at((100 << 32) + (1 << 31)), Some(later));
        assert_eq!(layer.timestamp_at(99 << 32), Some((u32::MAX - 10).wrapping_sub(90_000)));
    }

    #[test]
    fn key_requests_are_throttled() {
        let now = Instant::now();
        let mut layer = Layer::new(Kind::Video, 5, 90_000, now);
        assert!(layer.may_request_key(0, now));
        assert!(!layer.may_request_key(0, now + Duration::from_millis(499)));
        assert!(layer.may_request_key(0, now + Duration::from_millis(500)));
        assert!(!layer.may_request_key(2, now + Duration::from_millis(1400)));
    }
}
