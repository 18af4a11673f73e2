//! How loud a track is.

use std::rc::Rc;

use gloo::timers::callback::Interval;
use web_sys::{AnalyserNode, AudioContext, MediaStream, MediaStreamAudioSourceNode, MediaStreamTrack};

const INTERVAL_MS: u32 = 60;
const SAMPLES: u32 = 512;
/// In intervals.
const RESUME_EVERY: u32 = 32;

/// Reports the level of a track, from 0 to 1, until it is dropped.
pub(super) struct LevelMeter {
    _interval: Interval,
    _graph: Rc<Graph>,
}

struct Graph {
    context: AudioContext,
    source: MediaStreamAudioSourceNode,
    analyser: AnalyserNode,
}

impl Drop for Graph {
    fn drop(&mut self) {
        let _ = self.source.disconnect();
        // A context that cannot be closed is closed already.
        let _ = self.context.close();
    }
}

impl LevelMeter {
    /// `None` where the browser has no audio context to spare.
    pub(super) fn new(track: &MediaStreamTrack, mut report: impl FnMut(f32) + 'static) -> Option<LevelMeter> {
        let context = AudioContext::new().ok()?;
        let stream = MediaStream::new().ok()?;
        stream.add_track(track);
        let source = context.create_media_stream_source(&stream).ok()?;
        let analyser = context.create_analyser().ok()?;
        analyser.set_fft_size(SAMPLES);
        source.connect_with_audio_node(&analyser).ok()?;
        let graph = Rc::new(Graph { context, source, analyser });
        let measured = Rc::clone(&graph);
        let mut samples = vec![0.0_f32; SAMPLES as usize];
        let mut smooth = 0.0_f32;
        let mut ticks = 0_u32;
        let interval = Interval::new(INTERVAL_MS, move || {
            // Browsers suspend a context that was made before the user touched the page. Each
            // request waits until they allow it, so there should not be too many.
            if ticks.is_multiple_of(RESUME_EVERY)
                && measured.context.state() == web_sys::AudioContextState::Suspended
            {
                let _ = measured.context.resume();
            }
            ticks = ticks.wrapping_add(1);
            measured.analyser.get_float_time_domain_data(&mut samples);
            smooth = smoothed(smooth, loudness(&samples));
            report(smooth);
        });
        Some(LevelMeter { _interval: interval, _graph: graph })
    }
}

/// Root mean square on a scale of decibels: 0 at -60 dB and below, 1 at -10 dB and above, which
/// is how loud speech near a microphone gets.
fn loudness(samples: &[f32]) -> f32 {
    let energy: f32 = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    let decibels = 10.0 * energy.max(1e-12).log10();
    ((decibels + 60.0) / 50.0).clamp(0.0, 1.0)
}

/// Rises at once, falls slowly.
fn smoothed(before: f32, now: f32) -> f32 {
    if now > before { now } else { before * 0.8 + now * 0.2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_zero_and_loud_speech_is_one() {
        assert!(loudness(&[0.0; 512]).abs() < f32::EPSILON);
        assert!((loudness(&[0.5; 512]) - 1.0).abs() < f32::EPSILON);
        let quiet = loudness(&[0.01; 512]);
        assert!(quiet > 0.3 && quiet < 0.5, "-40 dB is {quiet}");
    }

    #[test]
    fn a_meter_rises_at_once_and_falls_slowly() {
        assert!((smoothed(0.1, 0.9) - 0.9).abs() < f32::EPSILON);
        let falling = smoothed(0.9, 0.0);
        assert!(falling > 0.5 && falling < 0.9);
    }
}
