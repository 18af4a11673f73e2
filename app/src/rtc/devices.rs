//! Cameras and microphones of this machine.

use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaDeviceInfo, MediaDevices, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use super::object::{error_name, object};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DeviceKind {
    Camera,
    Microphone,
}

/// One device to choose from. Browsers keep labels back until capture was allowed once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceInfo {
    pub id: String,
    pub label: String,
}

/// Why a device gives nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CaptureError {
    /// There is none, or not the wanted one.
    NoDevice,
    /// By the user, the system or the page's policy.
    Denied,
    /// In use elsewhere, or broken.
    Failed,
}

impl CaptureError {
    fn from_js(error: &JsValue) -> CaptureError {
        match error_name(error).as_str() {
            "NotFoundError" | "OverconstrainedError" | "DevicesNotFoundError" => CaptureError::NoDevice,
            "NotAllowedError" | "SecurityError" | "PermissionDeniedError" => CaptureError::Denied,
            _ => CaptureError::Failed,
        }
    }
}

/// Missing on pages that are neither https nor localhost.
pub(super) fn media_devices() -> Option<MediaDevices> {
    window().navigator().media_devices().ok().filter(|devices| !devices.is_undefined())
}

/// Cameras and microphones; empty where the browser does not tell.
pub(super) async fn list() -> (Vec<DeviceInfo>, Vec<DeviceInfo>) {
    let mut cameras = Vec::new();
    let mut microphones = Vec::new();
    let Some(Ok(promise)) = media_devices().map(|devices| devices.enumerate_devices()) else {
        return (cameras, microphones);
    };
    let Ok(found) = JsFuture::from(promise).await else { return (cameras, microphones) };
    for device in js_sys::Array::from(&found).iter() {
        let device: MediaDeviceInfo = device.unchecked_into();
        let info = DeviceInfo { id: device.device_id(), label: device.label() };
        // Before the permission there is one entry without id for each kind that exists.
        match device.kind() {
            web_sys::MediaDeviceKind::Videoinput => cameras.push(info),
            web_sys::MediaDeviceKind::Audioinput => microphones.push(info),
            _ => {}
        }
    }
    (cameras, microphones)
}

fn constraints(kind: DeviceKind, id: Option<&str>) -> JsValue {
    let wish = match kind {
        DeviceKind::Camera => object([
            ("width", object([("ideal", 1280.into())]).into()),
            ("height", object([("ideal", 720.into())]).into()),
            ("frameRate", object([("ideal", 30.into())]).into()),
        ]),
        DeviceKind::Microphone => object([
            ("echoCancellation", true.into()),
            ("noiseSuppression", true.into()),
            ("autoGainControl", true.into()),
        ]),
    };
    if let Some(id) = id {
        super::object::set(&wish, "deviceId", &object([("exact", id.into())]).into());
    }
    wish.into()
}

async fn user_media(
    camera: Option<JsValue>,
    microphone: Option<JsValue>,
) -> Result<MediaStream, CaptureError> {
    let devices = media_devices().ok_or(CaptureError::Denied)?;
    let constraints = MediaStreamConstraints::new();
    if let Some(camera) = camera {
        constraints.set_video(&camera);
    }
    if let Some(microphone) = microphone {
        constraints.set_audio(&microphone);
    }
    let promise = devices
        .get_user_media_with_constraints(&constraints)
        .map_err(|error| CaptureError::from_js(&error))?;
    let stream = JsFuture::from(promise).await.map_err(|error| CaptureError::from_js(&error))?;
    Ok(stream.unchecked_into())
}

fn first(tracks: &js_sys::Array) -> Option<MediaStreamTrack> {
    tracks.iter().next().map(JsCast::unchecked_into)
}

/// Opens a device; when the remembered one is gone, any other of its kind.
pub(super) async fn open(kind: DeviceKind, id: Option<&str>) -> Result<MediaStreamTrack, CaptureError> {
    let ask = async |id: Option<&str>| {
        let wish = Some(constraints(kind, id));
        match kind {
            DeviceKind::Camera => first(&user_media(wish, None).await?.get_video_tracks()),
            DeviceKind::Microphone => first(&user_media(None, wish).await?.get_audio_tracks()),
        }
        .ok_or(CaptureError::NoDevice)
    };
    match ask(id).await {
        Err(CaptureError::NoDevice) if id.is_some() => ask(None).await,
        result => result,
    }
}

/// Opens both with one question to the user. Any failure leaves it to [`open`] to find out which
/// of the two is missing.
pub(super) async fn open_both(
    camera: Option<&str>,
    microphone: Option<&str>,
) -> Option<(MediaStreamTrack, MediaStreamTrack)> {
    let camera = constraints(DeviceKind::Camera, camera);
    let microphone = constraints(DeviceKind::Microphone, microphone);
    let stream = user_media(Some(camera), Some(microphone)).await.ok()?;
    Some((first(&stream.get_video_tracks())?, first(&stream.get_audio_tracks())?))
}
