//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01):
//! the log of arrivals on one transport and the message that reports them.
//!
//! Reports are contiguous: each starts where the last one ended, lost packets included.

use super::rtcp::Writer;

/// Packets that can wait for a report; at 50 ms that is 160 Mbit/s of full packets.
const CAPACITY: usize = 1024;
/// Packets in one message, so that it fits a datagram whatever the arrival pattern.
const MAX_REPORTED: usize = 400;
/// Microseconds of one tick of receive deltas and of the reference time.
const DELTA_US: i64 = 250;
const REFERENCE_US: i64 = 64_000;

const NOT_RECEIVED: u64 = u64::MAX;

/// Arrivals not yet reported.
#[derive(Debug)]
pub struct ArrivalLog {
    /// Microseconds by sequence modulo capacity, for sequences in `next..end`.
    arrivals: Box<[u64; CAPACITY]>,
    /// First sequence to report, extended; `None` before the first packet.
    next: Option<u64>,
    end: u64,
    report: u8,
}

impl Default for ArrivalLog {
    fn default() -> Self {
        Self { arrivals: Box::new([NOT_RECEIVED; CAPACITY]), next: None, end: 0, report: 0 }
    }
}

impl ArrivalLog {
    /// Notes that a packet arrived `at_us` microseconds after any fixed moment.
    pub fn record(&mut self, sequence: u16, at_us: u64) {
        let Some(next) = self.next else {
            let first = (1 << 16) + u64::from(sequence);
            self.next = Some(first);
            self.end = first + 1;
            self.arrivals[slot(first)] = at_us;
            return;
        };
        let newest = self.end - 1;
        let sequence = newest.saturating_add_signed(i64::from(sequence.wrapping_sub(newest as u16) as i16));
        if sequence < next {
            // Reported as lost already; the sender takes a later report of the same number.
            return;
        }
        if sequence >= self.end {
            if sequence - next >= CAPACITY as u64 {
                // Nobody collected reports: forget the oldest.
                self.next = Some(sequence + 1 - CAPACITY as u64);
            }
            let from = self.end.max(sequence.saturating_sub(CAPACITY as u64 - 1));
            for gap in from..sequence {
                self.arrivals[slot(gap)] = NOT_RECEIVED;
            }
            self.end = sequence + 1;
            self.arrivals[slot(sequence)] = at_us;
        } else if self.arrivals[slot(sequence)] == NOT_RECEIVED {
            self.arrivals[slot(sequence)] = at_us;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.next.is_none_or(|next| next >= self.end)
    }

    /// Writes one message and forgets what it reports. False when there is nothing to report or no
    /// room; call again until then.
    pub fn write(&mut self, writer: &mut Writer<'_>, sender: u32, media: u32) -> bool {
        let Some(mut next) = self.next else { return false };
        // A message must start with a received packet's time in reach; leading losses are fine, but
        // a message of losses only says nothing.
        let Some(first_arrival) =
            (next..self.end).map(|sequence| self.arrivals[slot(sequence)]).find(|&at| at != NOT_RECEIVED)
        else {
            self.next = Some(self.end);
            return false;
        };
        let reference = first_arrival as i64 / REFERENCE_US;
        let mut clock = reference * REFERENCE_US;

        let mut symbols = [0_u8; MAX_REPORTED];
        let mut deltas = [0_u8; MAX_REPORTED * 2];
        let (mut count, mut deltas_len) = (0, 0);
        let start = next;
        while next < self.end && count < MAX_REPORTED {
            let at = self.arrivals[slot(next)];
            if at != NOT_RECEIVED {
                let delta = (at as i64 - clock).div_euclid(DELTA_US);
                if let Ok(small) = u8::try_from(delta) {
                    symbols[count] = 1;
                    deltas[deltas_len] = small;
                    deltas_len += 1;
                } else if let Ok(large) = i16::try_from(delta) {
                    symbols[count] = 2;
                    deltas[deltas_len..deltas_len + 2].copy_from_slice(&large.to_be_bytes());
                    deltas_len += 2;
                } else {
                    // Too far from its predecessor: it opens the next message.
                    break;
                }
                clock += delta * DELTA_US;
            }
            count += 1;
            next += 1;
        }
        let mut chunks = [0_u8; MAX_REPORTED / 7 * 2 + 4];
        let chunks_len = pack(&symbols[..count], &mut chunks);
        let length = (16 + chunks_len + deltas_len).next_multiple_of(4);
        let report = self.report;
        let written = writer.transport_feedback(length, |body| {
            body[..4].copy_from_slice(&sender.to_be_bytes());
            body[4..8].copy_from_slice(&media.to_be_bytes());
            body[8..10].copy_from_slice(&(start as u16).to_be_bytes());
            body[10..12].copy_from_slice(&(count as u16).to_be_bytes());
            body[12..16].copy_from_slice(&((reference as u32) << 8 | u32::from(report)).to_be_bytes());
            body[16..16 + chunks_len].copy_from_slice(&chunks[..chunks_len]);
            body[16 + chunks_len..16 + chunks_len + deltas_len].copy_from_slice(&deltas[..deltas_len]);
            body[16 + chunks_len + deltas_len..].fill(0);
        });
        if written {
            self.next = Some(next);
            self.report = self.report.wrapping_add(1);
        }
        written
    }
}

/// Packs status symbols into run-length and two-bit vector chunks.
fn pack(symbols: &[u8], out: &mut [u8]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < symbols.len() {
        let rest = &symbols[at..];
        let run = rest.iter().take_while(|&&symbol| symbol == rest[0]).count();
        let (chunk, taken) = if run >= 7 || run == rest.len() {
            (u16::from(rest[0]) << 13 | run as u16, run)
        } else {
            let taken = rest.len().min(7);
            let vector = rest[..taken]
                .iter()
                .enumerate()
                .fold(0xc000_u16, |vector, (n, &symbol)| vector | u16::from(symbol) << (12 - 2 * n));
            (vector, taken)
        };
        out[length..length + 2].copy_from_slice(&chunk.to_be_bytes());
        length += 2;
        at += taken;
    }
    length
}

fn slot(sequence: u64) -> usize {
    sequence as usize % CAPACITY
}

#[cfg(test)]
mod tests {
    use super::super::rtcp::{Compound, Packet};
    use super::*;

    /// First sequence, count, and `(sequence, microseconds)` of the received packets.
    type Report = (u16, u16, Vec<(u16, u64)>);

    fn read(feedback: &[u8]) -> Report {
        let base = u16::from_be_bytes([feedback[8], feedback[9]]);
        let count = u16::from_be_bytes([feedback[10], feedback[11]]);
        let mut clock =
            i64::from(u32::from_be_bytes([0, feedback[12], feedback[13], feedback[14]])) * REFERENCE_US;
        let mut symbols = Vec::new();
        let mut at = 16;
        while symbols.len() < usize::from(count) {
            let chunk = u16::from_be_bytes([feedback[at], feedback[at + 1]]);
            at += 2;
            if chunk & 0x8000 == 0 {
                symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, usize::from(chunk & 0x1fff)));
            } else if chunk & 0x4000 != 0 {
                symbols.extend((0..7).map(|n| chunk >> (12 - 2 * n) & 3));
            } else {
                symbols.extend((0..14).map(|n| chunk >> (13 - n) & 1));
            }
        }
        let mut received = Vec::new();
        for (n, symbol) in symbols[..usize::from(count)].iter().enumerate() {
            let delta = match symbol {
                0 => continue,
                1 => {
                    at += 1;
                    i64::from(feedback[at - 1])
                }
                _ => {
                    at += 2;
                    i64::from(i16::from_be_bytes([feedback[at - 2], feedback[at - 1]]))
                }
            };
            clock += delta * DELTA_US;
            received.push((base.wrapping_add(n as u16), clock as u64));
        }
        (base, count, received)
    }

    fn reports(log: &mut ArrivalLog) -> Vec<Report> {
        let mut all = Vec::new();
        loop {
            let mut out = [0; 1200];
            let mut writer = Writer::new(&mut out);
            if !log.write(&mut writer, 1, 2) {
                return all;
            }
            let length = writer.len();
            let Some(Packet::Twcc { feedback }) = Compound::new(&out[..length]).next() else { panic!() };
            all.push(read(feedback));
        }
    }

    #[test]
    fn arrivals_are_reported_with_their_times_across_the_wrap() {
        let mut log = ArrivalLog::default();
        let sent: Vec<(u16, u64)> = (0..300_u64)
            .filter(|n| n % 7 != 3 && !(100..140).contains(n))
            .map(|n| (65_400_u16.wrapping_add(n as u16), 5_000_000 + n * 1000))
            .collect();
        for &(sequence, at) in &sent {
            log.record(sequence, at);
        }
        let received: Vec<_> = reports(&mut log).into_iter().flat_map(|(_, _, received)| received).collect();
        assert_eq!(received, sent);
        assert!(log.is_empty());
    }

    #[test]
    fn reports_are_contiguous_and_bounded() {
        let mut log = ArrivalLog::default();
        for n in 0..5000_u64 {
            log.record(n as u16, n * 100);
        }
        let all = reports(&mut log);
        let total: usize = all.iter().map(|(_, count, _)| usize::from(*count)).sum();
        assert_eq!(total, CAPACITY);
        for pair in all.windows(2) {
            assert_eq!(pair[0].0.wrapping_add(pair[0].1), pair[1].0);
        }
    }

    #[test]
    fn a_pause_longer_than_a_delta_can_say_splits_the_report() {
        let mut log = ArrivalLog::default();
        log.record(1, 0);
        log.record(2, 60_000_000);
        log.record(3, 60_100_000);
        let received: Vec<_> = reports(&mut log).into_iter().flat_map(|(_, _, received)| received).collect();
        assert_eq!(received, [(1, 0), (2, 60_000_000), (3, 60_100_000)]);
    }

    #[test]
    fn reordered_arrivals_have_negative_deltas() {
        let mut log = ArrivalLog::default();
        log.record(10, 1_000_000);
        log.record(12, 1_001_000);
        log.record(11, 1_002_000);
        assert_eq!(reports(&mut log)[0].2, [(10, 1_000_000), (11, 1_002_000), (12, 1_001_000)]);
    }
}
