//! Elements that play what `rtc` and `session` deliver. They own nothing: the stream's owner stops it.

use leptos::{html, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::MediaStream;

/// A picture without sound.
#[component]
pub(crate) fn Video(
    #[prop(into)] stream: Signal<Option<MediaStream>, LocalStorage>,
    #[prop(optional, into)] mirrored: Signal<bool>,
    #[prop(optional)] class: &'static str,
) -> impl IntoView {
    let element = NodeRef::<html::Video>::new();
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let stream = stream.get();
        element.set_muted(true);
        if element.src_object() != stream {
            element.set_src_object(stream.as_ref());
        }
    });
    view! {
        <video
            node_ref=element
            class=format!("video {class}")
            class:video--mirrored=move || mirrored.get()
            autoplay=true
            playsinline=true
            muted=true
            disablepictureinpicture=true
        ></video>
    }
}

/// The sound of a remote track; `held` becomes true while the browser refuses to play it without a gesture.
#[component]
pub(crate) fn RemoteAudio(
    #[prop(into)] participant: String,
    #[prop(into)] stream: Signal<Option<MediaStream>, LocalStorage>,
    held: RwSignal<bool>,
    /// Notified when the user asks for the sound.
    again: ArcTrigger,
) -> impl IntoView {
    let element = NodeRef::<html::Audio>::new();
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        again.track();
        let stream = stream.get();
        if element.src_object() != stream {
            element.set_src_object(stream.as_ref());
        }
        if stream.is_none() {
            return;
        }
        leptos::task::spawn_local(async move {
            let Ok(playing) = element.play() else { return };
            if let Err(refusal) = JsFuture::from(playing).await {
                let name =
                    js_sys::Reflect::get(&refusal, &"name".into()).ok().and_then(|name| name.as_string());
                if name.as_deref() == Some("NotAllowedError") {
                    // The meeting may be over by now: then nobody needs to know.
                    let _ = held.try_set(true);
                }
            }
        });
    });
    view! { <audio node_ref=element class="OV_audio-element" data-participant=participant autoplay=true></audio> }
}
