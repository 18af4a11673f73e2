//! Layers of a published video (contract livekit.md 3.6).

use super::api::{Encoding, LocalTrack, Source};
use crate::proto::{VideoLayer, VideoQuality};

/// Smaller side in pixels, bits and frames a second of a camera picture.
const CAMERA: [(u32, u32, u32); 6] = [
    (180, 150_000, 20),
    (270, 300_000, 25),
    (360, 500_000, 30),
    (540, 900_000, 30),
    (720, 1_700_000, 30),
    (1080, 3_000_000, 30),
];

/// The same of a screen, whose text wants sharpness rather than frames.
const SCREEN: [(u32, u32, u32); 3] = [(360, 300_000, 5), (720, 1_500_000, 15), (1080, 2_500_000, 15)];

const RIDS: [&str; 3] = ["q", "h", "f"];
const QUALITIES: [VideoQuality; 3] = [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High];

/// One layer: what to ask of the browser and what to announce to the server.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Layer {
    pub(super) encoding: Encoding,
    pub(super) announced: VideoLayer,
}

/// Lowest layer first; empty for audio.
pub(super) fn layers(source: Source, track: &LocalTrack, screen_simulcast: bool) -> Vec<Layer> {
    let longer = track.width.max(track.height);
    let (presets, count): (&[_], usize) = match source {
        Source::Microphone | Source::ScreenAudio => return Vec::new(),
        Source::Screen if screen_simulcast => (&SCREEN, 2),
        Source::Screen => (&SCREEN, 1),
        Source::Camera if longer >= 960 => (&CAMERA, 3),
        Source::Camera if longer >= 480 => (&CAMERA, 2),
        Source::Camera => (&CAMERA, 1),
    };
    (0..count)
        .map(|index| {
            let divisor = 1 << (count - 1 - index);
            let (width, height) = (track.width / divisor, track.height / divisor);
            let (max_bitrate, max_framerate) = preset(presets, width.min(height));
            let rid = (count > 1).then_some(RIDS[index]);
            Layer {
                encoding: Encoding { rid, scale_down_by: f64::from(divisor), max_bitrate, max_framerate },
                announced: VideoLayer {
                    // A single layer counts as the best there is.
                    quality: if count == 1 { VideoQuality::High } else { QUALITIES[index] } as i32,
                    width,
                    height,
                    bitrate: max_bitrate,
                    spatial_layer: index as i32,
                    rid: rid.unwrap_or_default().to_owned(),
                    ..VideoLayer::default()
                },
            }
        })
        .collect()
}

/// The preset nearest to that size.
fn preset(presets: &[(u32, u32, u32)], size: u32) -> (u32, u32) {
    let nearest = presets.iter().min_by_key(|(side, ..)| side.abs_diff(size));
    nearest.map_or((1_000_000, 30), |(_, bitrate, framerate)| (*bitrate, *framerate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: Source, width: u32, height: u32) -> Vec<Layer> {
        layers(source, &LocalTrack { cid: "c".into(), width, height, stereo: false }, true)
    }

    fn rids(layers: &[Layer]) -> Vec<Option<&'static str>> {
        layers.iter().map(|layer| layer.encoding.rid).collect()
    }

    #[test]
    fn a_720p_camera_has_three_layers() {
        let layers = of(Source::Camera, 1280, 720);
        assert_eq!(rids(&layers), [Some("q"), Some("h"), Some("f")]);
        let bitrates: Vec<_> = layers.iter().map(|layer| layer.encoding.max_bitrate).collect();
        assert_eq!(bitrates, [150_000, 500_000, 1_700_000]);
        assert_eq!((layers[0].announced.width, layers[0].announced.height), (320, 180));
        assert!((layers[0].encoding.scale_down_by - 4.0).abs() < f64::EPSILON);
        assert_eq!(layers[2].announced.quality, VideoQuality::High as i32);
    }

    #[test]
    fn the_size_decides_the_number_of_layers_also_upright() {
        assert_eq!(rids(&of(Source::Camera, 540, 960)), [Some("q"), Some("h"), Some("f")]);
        assert_eq!(rids(&of(Source::Camera, 640, 480)), [Some("q"), Some("h")]);
        assert_eq!(rids(&of(Source::Camera, 320, 240)), [None]);
        assert_eq!(of(Source::Camera, 320, 240)[0].announced.quality, VideoQuality::High as i32);
    }

    #[test]
    fn a_screen_has_two_layers_where_the_browser_can() {
        assert_eq!(rids(&of(Source::Screen, 1920, 1080)), [Some("q"), Some("h")]);
        let track = LocalTrack { cid: "c".into(), width: 1920, height: 1080, stereo: false };
        assert_eq!(rids(&layers(Source::Screen, &track, false)), [None]);
    }

    #[test]
    fn sound_has_no_layers() {
        assert!(of(Source::Microphone, 0, 0).is_empty());
    }
}
