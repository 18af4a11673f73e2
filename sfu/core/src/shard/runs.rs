//! Sealed datagrams on their way to one destination, laid out as runs of equal size so that the
//! kernel can split them (`UDP_SEGMENT`): video first, everything else behind it.
//!
//! Buffers are taken once, at the first packet; when they are full, packets are dropped.

use std::net::SocketAddr;

use crate::media::Transmit;

/// Bytes waiting for one destination between two flushes.
const VIDEO_BYTES: usize = 192 << 10;
const OTHER_BYTES: usize = 48 << 10;
/// `UDP_SEGMENT` takes 64 segments and a datagram's worth of bytes.
const MAX_SEGMENTS: usize = 64;
const MAX_RUN: usize = 65_000;
/// Most padding added to make a packet fit its run.
const MAX_PADDING: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lane {
    Video,
    /// Audio, retransmissions and RTCP.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    end: usize,
    segment: usize,
    count: usize,
    /// A shorter segment ends a run.
    open: bool,
}

#[derive(Default)]
struct Buffer {
    bytes: Box<[u8]>,
    used: usize,
    runs: Vec<Run>,
}

impl Buffer {
    /// Space behind what is used, taken from the system at the first call.
    fn space(&mut self, capacity: usize) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; capacity].into();
        }
        &mut self.bytes[self.used..]
    }

    fn commit(&mut self, length: usize) {
        let start = self.used;
        self.used += length;
        if let Some(run) = self.runs.last_mut()
            && run.takes(length)
        {
            run.end += length;
            run.count += 1;
            run.open = length == run.segment;
            return;
        }
        self.runs.push(Run { start, end: start + length, segment: length, count: 1, open: true });
    }

    fn clear(&mut self) {
        self.used = 0;
        self.runs.clear();
    }
}

impl Run {
    fn takes(&self, length: usize) -> bool {
        self.open
            && length <= self.segment
            && self.count < MAX_SEGMENTS
            && self.end - self.start + length <= MAX_RUN
    }
}

/// See the module documentation.
#[derive(Default)]
pub(super) struct Runs {
    video: Buffer,
    other: Buffer,
    /// The run being taken.
    at: Option<usize>,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.video.used == 0 && self.other.used == 0
    }

    /// Where the next packet of a lane goes; follow with [`Runs::commit`].
    pub(super) fn space(&mut self, lane: Lane) -> &mut [u8] {
        match lane {
            Lane::Video => self.video.space(VIDEO_BYTES),
            Lane::Other => self.other.space(OTHER_BYTES),
        }
    }

    pub(super) fn commit(&mut self, lane: Lane, length: usize) {
        match lane {
            Lane::Video => self.video.commit(length),
            Lane::Other => self.other.commit(length),
        }
    }

    /// RTP padding that lets a video packet of this sealed length join a run. The packets of a
    /// frame differ by a byte, ascending: the first of several gets one to be as long as the last.
    pub(super) fn padding(&self, length: usize, ends_frame: bool) -> usize {
        match self.video.runs.last() {
            Some(run) if run.takes(length) => {
                let missing = run.segment - length;
                if missing <= MAX_PADDING { missing } else { 0 }
            }
            _ => usize::from(!ends_frame),
        }
    }

    /// Moves on to the next run. False when all have been taken; the buffers are empty again then.
    pub(super) fn advance(&mut self) -> bool {
        match self.at {
            None => self.join(),
            Some(at) => self.at = Some(at + 1),
        }
        let at = *self.at.get_or_insert(0);
        let more = at < self.video.runs.len() + self.other.runs.len();
        if !more {
            self.clear();
        }
        more
    }

    /// The run that [`Runs::advance`] moved to.
    pub(super) fn current(&self, destination: SocketAddr) -> Option<Transmit<'_>> {
        let at = self.at?;
        let (buffer, run) = match self.video.runs.get(at) {
            Some(run) => (&self.video.bytes, run),
            None => (&self.other.bytes, self.other.runs.get(at - self.video.runs.len())?),
        };
        Some(Transmit {
            destination,
            payload: &buffer[run.start..run.end],
            segment_size: (run.count > 1).then_some(run.segment),
        })
    }

    pub(super) fn clear(&mut self) {
        self.video.clear();
        self.other.clear();
        self.at = None;
    }

    /// Lets the first small packet ride behind the last video run, saving a system call.
    fn join(&mut self) {
        let Some(first) = self.other.runs.first().filter(|run| run.count == 1).copied() else { return };
        let length = first.end - first.start;
        if !self.video.runs.last().is_some_and(|run| run.takes(length)) {
            return;
        }
        let Some(space) = self.video.bytes.get_mut(self.video.used..self.video.used + length) else { return };
        space.copy_from_slice(&self.other.bytes[first.start..first.end]);
        self.video.commit(length);
        self.other.runs.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(runs: &mut Runs, lane: Lane, length: usize, fill: u8) {
        runs.space(lane)[..length].fill(fill);
        runs.commit(lane, length);
    }

    fn drain(runs: &mut Runs) -> Vec<(usize, Option<usize>)> {
        let destination = "127.0.0.1:9".parse().unwrap();
        let mut all = Vec::new();
        while runs.advance() {
            let transmit = runs.current(destination).unwrap();
            all.push((transmit.payload.len(), transmit.segment_size));
        }
        all
    }

    #[test]
    fn a_frame_and_an_audio_packet_leave_as_one_run() {
        let mut runs = Runs::default();
        for length in [1138, 1138, 1139] {
            let padding = runs.padding(length, length == 1139);
            put(&mut runs, Lane::Video, length + padding, 1);
        }
        put(&mut runs, Lane::Other, 90, 2);
        assert_eq!(drain(&mut runs), [(3 * 1139 + 90, Some(1139))]);
        assert!(runs.is_empty());
        assert_eq!(drain(&mut runs), []);
    }

    #[test]
    fn a_lone_packet_is_not_padded() {
        let mut runs = Runs::default();
        assert_eq!(runs.padding(500, true), 0);
        put(&mut runs, Lane::Video, 500, 1);
        assert_eq!(drain(&mut runs), [(500, None)]);
    }

    #[test]
    fn longer_packets_open_a_new_run_and_shorter_ones_end_it() {
        let mut runs = Runs::default();
        for length in [100, 100, 50, 100, 200] {
            put(&mut runs, Lane::Other, length, 0);
        }
        assert_eq!(drain(&mut runs), [(250, Some(100)), (100, None), (200, None)]);
    }

    #[test]
    fn runs_keep_to_what_the_kernel_takes() {
        let mut runs = Runs::default();
        for _ in 0..130 {
            put(&mut runs, Lane::Video, 100, 0);
        }
        assert_eq!(drain(&mut runs), [(6400, Some(100)), (6400, Some(100)), (200, Some(100))]);
        for _ in 0..60 {
            put(&mut runs, Lane::Video, 1300, 0);
        }
        assert_eq!(drain(&mut runs), [(65_000, Some(1300)), (13_000, Some(1300))]);
    }
}
