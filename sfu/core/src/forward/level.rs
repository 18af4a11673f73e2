//! Speech detection from the ssrc-audio-level extension (RFC 6464; contract livekit.md 4.6).

use std::time::Duration;

/// Length of an observation window.
pub const INTERVAL: Duration = Duration::from_millis(400);
/// Levels up to this many -dBov are speech.
const ACTIVE: u8 = 35;
/// Share of the window that must be speech.
const ACTIVE_SHARE: f32 = 0.4;
/// Windows over which the level is smoothed: an exponential mean with weight `2 / (n + 1)`.
const SMOOTHED: f32 = 2.0;
/// A smoothed level under this is silence.
const FLOOR: f32 = 0.01;
/// Longest time that one packet can stand for.
const MAX_PACKET: Duration = Duration::from_millis(120);

/// Observation of one audio track.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    active: Duration,
    loudest: Option<u8>,
    smoothed: f32,
    last_timestamp: Option<u32>,
    observed: bool,
    idle: bool,
}

impl Observer {
    /// `level` is in -dBov: 0 is loudest, 127 silent.
    pub fn observe(&mut self, level: u8, timestamp: u32, clock_rate: u32) {
        self.observed = true;
        let ticks = self.last_timestamp.map_or(0, |last| timestamp.wrapping_sub(last));
        self.last_timestamp = Some(timestamp);
        let length = Duration::from_secs_f64(f64::from(ticks) / f64::from(clock_rate.max(1)));
        let level = level & 0x7f;
        if level <= ACTIVE && length <= MAX_PACKET {
            self.active += length;
            self.loudest = Some(self.loudest.map_or(level, |loudest| loudest.min(level)));
        }
    }

    /// Ends the window: the linear level (0 to 1), 0 for silence.
    pub fn conclude(&mut self) -> f32 {
        let share = (self.active.as_secs_f32() / INTERVAL.as_secs_f32()).min(1.0);
        let level = match self.loudest {
            Some(loudest) if share >= ACTIVE_SHARE => {
                // A window that is not all speech counts as that much quieter.
                10_f32.powf((share.log10() * 20.0 - f32::from(loudest)) / 20.0)
            }
            _ => 0.0,
        };
        self.idle = !std::mem::take(&mut self.observed);
        self.active = Duration::ZERO;
        self.loudest = None;
        self.smoothed += (level - self.smoothed) * (2.0 / (SMOOTHED + 1.0));
        if self.smoothed < FLOOR {
            self.smoothed = 0.0;
        }
        self.smoothed
    }

    /// True when nothing was observed since the last window and nothing rings on.
    pub fn is_idle(&self) -> bool {
        self.idle && self.smoothed == 0.0
    }

    /// Forgets everything, as when the track is muted.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(observer: &mut Observer, from: u32, levels: impl Fn(u32) -> u8) -> f32 {
        for n in 0..20 {
            observer.observe(levels(n), (from + n) * 960, 48_000);
        }
        observer.conclude()
    }

    #[test]
    fn steady_speech_is_heard_and_silence_ends_it() {
        let mut observer = Observer::default();
        let first = window(&mut observer, 0, |_| 20);
        let second = window(&mut observer, 20, |_| 20);
        assert!(first > 0.05 && second > first && second <= 0.1, "{first} {second}");
        let silent: Vec<f32> = (2..12).map(|n| window(&mut observer, n * 20, |_| 127)).collect();
        assert!(silent.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!(*silent.last().unwrap() <= 0.0);
    }

    #[test]
    fn short_noises_and_quiet_ones_are_no_speech() {
        let mut observer = Observer::default();
        assert!(window(&mut observer, 0, |n| if n < 6 { 10 } else { 90 }) <= 0.0);
        assert!(window(&mut observer, 20, |_| 36) <= 0.0);
    }
}
