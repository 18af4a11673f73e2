//! What is told about a track: filled in from its announcement, then from the negotiation, then from
//! its first packets (contract livekit.md 2.7).

use sfu_protocol::proto::{
    AddTrackRequest, AudioTrackFeature, SimulcastCodecInfo, TrackInfo, TrackSource, TrackType, VideoLayer,
    VideoQuality, video_layer,
};

use super::Room;
use crate::media::{Codec, Kind, ReceiveSection};

/// Entries of any list of a request.
pub(super) const MAX_ITEMS: usize = 32;

impl Room {
    /// What clients are told about a track before anything of it was sent.
    pub(super) fn track_info(&mut self, request: &AddTrackRequest, source: TrackSource) -> TrackInfo {
        let video = request.r#type == TrackType::Video as i32;
        let source_letter = match source {
            TrackSource::Camera => "C",
            TrackSource::Microphone => "M",
            TrackSource::ScreenShare => "S",
            TrackSource::ScreenShareAudio => "s",
            TrackSource::Unknown => "",
        };
        let sid = self.chance.sid(&format!("TR_{}{source_letter}", if video { "V" } else { "A" }));
        let stream = match source {
            _ if !request.stream.is_empty() => request.stream.clone(),
            TrackSource::Camera | TrackSource::Microphone => "camera".to_owned(),
            TrackSource::ScreenShare | TrackSource::ScreenShareAudio => "screen".to_owned(),
            TrackSource::Unknown => "unknown".to_owned(),
        };
        let mut audio_features = request.audio_features.clone();
        for (set, feature) in
            [(request.stereo, AudioTrackFeature::TfStereo), (request.disable_dtx, AudioTrackFeature::TfNoDtx)]
        {
            if set && !audio_features.contains(&(feature as i32)) {
                audio_features.push(feature as i32);
            }
        }
        let codecs = self.codec_infos(request, video);
        let simulcast = video
            && codecs.first().is_some_and(|codec| {
                codec.layers.len() > 1
                    && codec.video_layer_mode == video_layer::Mode::OneSpatialLayerPerStream as i32
            });
        TrackInfo {
            sid,
            r#type: request.r#type,
            name: request.name.clone(),
            muted: request.muted,
            width: request.width,
            height: request.height,
            simulcast,
            disable_dtx: request.disable_dtx,
            source: source as i32,
            layers: codecs.first().map(|codec| codec.layers.clone()).unwrap_or_default(),
            mime_type: codecs.first().map(|codec| codec.mime_type.clone()).unwrap_or_default(),
            codecs,
            stereo: request.stereo,
            disable_red: request.disable_red,
            encryption: request.encryption,
            stream,
            version: Some(self.timed_version()),
            audio_features,
            backup_codec_policy: request.backup_codec_policy,
            packet_trailer_features: request.packet_trailer_features.clone(),
            ..Default::default()
        }
    }

    fn codec_infos(&self, request: &AddTrackRequest, video: bool) -> Vec<SimulcastCodecInfo> {
        let kind = if video { Kind::Video } else { Kind::Audio };
        let enabled = |codec: &Codec| codec.kind() == kind && self.environment.codecs.contains(codec);
        let fallback = self.environment.codecs.iter().copied().find(|codec| codec.kind() == kind);
        let mut infos: Vec<SimulcastCodecInfo> = Vec::new();
        for wanted in &request.simulcast_codecs {
            let name = wanted.codec.rsplit('/').next().unwrap_or_default();
            let Some(codec) = Codec::from_name(name).filter(enabled).or(fallback) else { continue };
            // A codec that stands in for an unsupported one must not appear twice.
            if infos.iter().any(|info| info.mime_type == codec.mime()) {
                continue;
            }
            let layers = if wanted.layers.is_empty() { &request.layers } else { &wanted.layers };
            infos.push(SimulcastCodecInfo {
                mime_type: codec.mime().to_owned(),
                cid: wanted.cid.clone(),
                layers: sorted_layers(layers, request),
                video_layer_mode: layer_mode(codec, wanted.video_layer_mode) as i32,
                ..Default::default()
            });
        }
        if infos.is_empty() {
            infos.push(SimulcastCodecInfo {
                cid: request.cid.clone(),
                layers: if video { sorted_layers(&request.layers, request) } else { Vec::new() },
                video_layer_mode: video_layer::Mode::OneSpatialLayerPerStream as i32,
                ..Default::default()
            });
        }
        infos
    }
}

/// More than any honest client says about a track.
pub(super) fn is_excessive(request: &AddTrackRequest) -> bool {
    const TEXT: usize = 256;
    let too_long = |text: &String| text.len() > TEXT;
    let codecs = &request.simulcast_codecs;
    [&request.cid, &request.name, &request.stream].into_iter().any(too_long)
        || codecs
            .iter()
            .any(|codec| too_long(&codec.codec) || too_long(&codec.cid) || codec.layers.len() > MAX_ITEMS)
        || [codecs.len(), request.layers.len(), request.audio_features.len()]
            .into_iter()
            .any(|n| n > MAX_ITEMS)
        || request.packet_trailer_features.len() > MAX_ITEMS
        || request
            .layers
            .iter()
            .chain(codecs.iter().flat_map(|codec| &codec.layers))
            .any(|layer| too_long(&layer.rid))
}

fn sorted_layers(layers: &[VideoLayer], request: &AddTrackRequest) -> Vec<VideoLayer> {
    let mut layers = layers.to_vec();
    if layers.is_empty() && request.r#type == TrackType::Video as i32 {
        layers.push(VideoLayer {
            quality: VideoQuality::High as i32,
            width: request.width,
            height: request.height,
            ..Default::default()
        });
    }
    // A client may list what it likes; there are three qualities.
    layers.truncate(3);
    layers.sort_by_key(|layer| layer.quality);
    for (index, layer) in layers.iter_mut().enumerate() {
        layer.spatial_layer = index as i32;
    }
    layers
}

fn layer_mode(codec: Codec, wanted: i32) -> video_layer::Mode {
    match video_layer::Mode::try_from(wanted) {
        Ok(mode) if mode != video_layer::Mode::Unused => mode,
        _ if matches!(codec, Codec::Vp9 | Codec::Av1) => video_layer::Mode::MultipleSpatialLayersPerStream,
        _ => video_layer::Mode::OneSpatialLayerPerStream,
    }
}

/// Fills in what the negotiation says about a track.
pub(super) fn describe_section(info: &mut TrackInfo, section: &ReceiveSection, cid: &str, sdp_cid: &str) {
    info.mid.clone_from(&section.mid);
    let mime = section.codecs.first().map(|codec| codec.codec.mime()).unwrap_or_default();
    if info.mime_type.is_empty() {
        mime.clone_into(&mut info.mime_type);
    }
    if let Some(primary) = info.codecs.first_mut() {
        primary.mid.clone_from(&section.mid);
        if primary.mime_type.is_empty() {
            mime.clone_into(&mut primary.mime_type);
        }
        if sdp_cid != cid {
            sdp_cid.clone_into(&mut primary.sdp_cid);
        }
    }
}

/// True when that was news.
pub(super) fn describe_layer(layers: &mut [VideoLayer], spatial: i32, rid: &str, ssrc: u32) -> bool {
    let Some(layer) = layers.get_mut(spatial as usize) else { return false };
    if layer.ssrc == ssrc && layer.rid == rid {
        return false;
    }
    layer.ssrc = ssrc;
    layer.spatial_layer = spatial;
    rid.clone_into(&mut layer.rid);
    true
}
