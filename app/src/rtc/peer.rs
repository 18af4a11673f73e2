//! One peer connection, run by the outputs of the session's state machine.
//!
//! Invariant: operations run one after the other in the order they were given. Dropping a [`Peer`]
//! closes the connection, and nothing is reported any more.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use gloo::events::EventListener;
use leptos::task::spawn_local;
use sfu_protocol::client::{Channel, Encoding, Input, Output, PeerId, PeerState, Source};
use sfu_protocol::proto::IceServer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MediaStreamTrack, MessageEvent, RtcConfiguration, RtcDataChannel, RtcDataChannelEvent,
    RtcDataChannelInit, RtcDataChannelState, RtcDataChannelType, RtcIceCandidateInit, RtcOfferOptions,
    RtcPeerConnection, RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcRtpTransceiver,
    RtcRtpTransceiverDirection, RtcRtpTransceiverInit, RtcSdpType, RtcSessionDescriptionInit,
};

use super::object::{field, object, set};

type Report = Rc<dyn Fn(Input)>;

pub(crate) struct Peer(Rc<Inner>);

struct Inner {
    id: PeerId,
    connection: RtcPeerConnection,
    report: Report,
    queue: RefCell<VecDeque<(Output, Option<MediaStreamTrack>)>>,
    running: Cell<bool>,
    closed: Cell<bool>,
    /// The offer that travels in the join request, until it is applied.
    held: RefCell<Option<RtcSessionDescriptionInit>>,
    senders: RefCell<BTreeMap<Source, RtcRtpTransceiver>>,
    channels: RefCell<Vec<(Channel, RtcDataChannel)>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let inner = &self.0;
        inner.closed.set(true);
        inner.listeners.borrow_mut().clear();
        inner.queue.borrow_mut().clear();
        inner.connection.close();
    }
}

impl Peer {
    pub(crate) fn open(
        id: PeerId,
        ice_servers: &[IceServer],
        relay_only: bool,
        report: impl Fn(Input) + 'static,
    ) -> Result<Peer, JsValue> {
        let connection = RtcPeerConnection::new_with_configuration(&configuration(ice_servers, relay_only))?;
        let inner = Rc::new(Inner {
            id,
            connection,
            report: Rc::new(report),
            queue: RefCell::default(),
            running: Cell::new(false),
            closed: Cell::new(false),
            held: RefCell::default(),
            senders: RefCell::default(),
            channels: RefCell::default(),
            listeners: RefCell::default(),
        });
        inner.listen();
        Ok(Peer(inner))
    }

    /// Queues an operation; `track` is what a sender shall send.
    pub(crate) fn run(&self, operation: Output, track: Option<MediaStreamTrack>) {
        if let Output::SendData { channel, payload, .. } = &operation {
            self.0.send(*channel, payload);
            return;
        }
        self.0.queue.borrow_mut().push_back((operation, track));
        if !self.0.running.replace(true) {
            spawn_local(Rc::clone(&self.0).work());
        }
    }

    /// The track that arrives on a section.
    pub(crate) fn received(&self, mid: &str) -> Option<MediaStreamTrack> {
        let transceivers = self.0.connection.get_transceivers();
        let mut transceivers = transceivers.iter().map(JsCast::unchecked_into::<RtcRtpTransceiver>);
        transceivers
            .find(|transceiver| transceiver.mid().as_deref() == Some(mid))
            .map(|transceiver| transceiver.receiver().track())
    }
}

impl Inner {
    async fn work(self: Rc<Self>) {
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some((operation, track)) = next.filter(|_| !self.closed.get()) else { break };
            if let Err(error) = self.perform(operation, track).await
                && !self.closed.get()
            {
                leptos::logging::warn!("peer connection: {error:?}");
                self.report(Input::PeerBroken { peer: self.id });
            }
        }
        self.running.set(false);
    }

    fn report(&self, input: Input) {
        if !self.closed.get() {
            (self.report)(input);
        }
    }

    async fn perform(&self, operation: Output, track: Option<MediaStreamTrack>) -> Result<(), JsValue> {
        let connection = &self.connection;
        let peer = self.id;
        match operation {
            Output::SetIceServers { ice_servers, relay_only, .. } => {
                connection.set_configuration_with_configuration(&configuration(&ice_servers, relay_only))?;
            }
            Output::OpenChannels { .. } => self.open_channels(),
            Output::AddReceivers { audios, videos, .. } => {
                let init = RtcRtpTransceiverInit::new();
                init.set_direction(RtcRtpTransceiverDirection::Recvonly);
                for (kind, count) in [("audio", audios), ("video", videos)] {
                    for _ in 0..count {
                        connection.add_transceiver_with_str_and_init(kind, &init);
                    }
                }
            }
            Output::AddSender { source, encodings, .. } => {
                self.add_sender(source, &encodings, track.as_ref());
            }
            Output::SwapTrack { source, .. } => {
                let sender = self.senders.borrow().get(&source).map(RtcRtpTransceiver::sender);
                if let Some(sender) = sender {
                    JsFuture::from(sender.replace_track(track.as_ref())).await?;
                }
            }
            Output::RemoveSender { source, .. } => {
                if let Some(transceiver) = self.senders.borrow_mut().remove(&source) {
                    connection.remove_track(&transceiver.sender());
                }
            }
            Output::SetLayers { source, active, .. } => {
                let sender = self.senders.borrow().get(&source).map(RtcRtpTransceiver::sender);
                if let Some(sender) = sender {
                    let parameters = sender.get_parameters();
                    for (encoding, active) in
                        parameters.get_encodings().unwrap_or_default().iter().zip(active)
                    {
                        set(encoding.unchecked_ref(), "active", &active.into());
                    }
                    // A browser may refuse while it negotiates; then it sends more than is watched.
                    let _ = JsFuture::from(sender.set_parameters_with_parameters(&parameters)).await;
                }
            }
            Output::MakeOffer { restart, hold, .. } => {
                let options = RtcOfferOptions::new();
                options.set_ice_restart(restart);
                let offer = JsFuture::from(connection.create_offer_with_rtc_offer_options(&options)).await?;
                let sdp = field(&offer, "sdp").as_string().unwrap_or_default();
                let offer = description(RtcSdpType::Offer, &sdp);
                if hold {
                    self.held.replace(Some(offer));
                } else {
                    JsFuture::from(connection.set_local_description(&offer)).await?;
                }
                self.report(Input::OfferMade { peer, sdp });
            }
            Output::ApplyOffer { .. } => {
                let held = self.held.take();
                if let Some(offer) = held {
                    JsFuture::from(connection.set_local_description(&offer)).await?;
                }
            }
            Output::TakeOffer { sdp, .. } => {
                let offer = description(RtcSdpType::Offer, &sdp);
                JsFuture::from(connection.set_remote_description(&offer)).await?;
                let answer = JsFuture::from(connection.create_answer()).await?;
                let sdp = field(&answer, "sdp").as_string().unwrap_or_default();
                let answer = description(RtcSdpType::Answer, &sdp);
                JsFuture::from(connection.set_local_description(&answer)).await?;
                self.report(Input::AnswerMade { peer, sdp });
            }
            Output::TakeAnswer { sdp, .. } => {
                let answer = description(RtcSdpType::Answer, &sdp);
                JsFuture::from(connection.set_remote_description(&answer)).await?;
                self.report(Input::AnswerTaken { peer });
            }
            Output::AddCandidate { candidate, .. } => {
                // A candidate of a kind that the browser does not know is no reason to give up.
                if let Ok(init) = js_sys::JSON::parse(&candidate) {
                    let init: RtcIceCandidateInit = init.unchecked_into();
                    let added = connection.add_ice_candidate_with_opt_rtc_ice_candidate_init(Some(&init));
                    let _ = JsFuture::from(added).await;
                }
            }
            // Not for a peer connection.
            _ => {}
        }
        Ok(())
    }

    fn add_sender(&self, source: Source, encodings: &[Encoding], track: Option<&MediaStreamTrack>) {
        let init = RtcRtpTransceiverInit::new();
        init.set_direction(RtcRtpTransceiverDirection::Sendonly);
        if !encodings.is_empty() {
            let list: js_sys::Array = encodings.iter().map(encoding_parameters).collect();
            init.set_send_encodings(&list);
        }
        let transceiver = match (track, source) {
            (Some(track), _) => {
                self.connection.add_transceiver_with_media_stream_track_and_init(track, &init)
            }
            (None, Source::Camera | Source::Screen) => {
                self.connection.add_transceiver_with_str_and_init("video", &init)
            }
            (None, Source::Microphone | Source::ScreenAudio) => {
                self.connection.add_transceiver_with_str_and_init("audio", &init)
            }
        };
        self.senders.borrow_mut().insert(source, transceiver);
    }

    fn open_channels(&self) {
        for channel in [Channel::Reliable, Channel::Lossy] {
            let init = RtcDataChannelInit::new();
            init.set_ordered(channel == Channel::Reliable);
            if channel == Channel::Lossy {
                init.set_max_retransmits(0);
            }
            let opened = self.connection.create_data_channel_with_data_channel_dict(channel.label(), &init);
            self.adopt(channel, opened);
        }
    }

    fn adopt(&self, channel: Channel, opened: RtcDataChannel) {
        opened.set_binary_type(RtcDataChannelType::Arraybuffer);
        let (report, peer) = (Rc::clone(&self.report), self.id);
        let message = EventListener::new(&opened, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            if let Ok(buffer) = data.dyn_into::<js_sys::ArrayBuffer>() {
                report(Input::Data { peer, channel, payload: js_sys::Uint8Array::new(&buffer).to_vec() });
            }
        });
        let report = Rc::clone(&self.report);
        let open = EventListener::new(&opened, "open", move |_| report(Input::ChannelOpen { peer, channel }));
        self.listeners.borrow_mut().extend([message, open]);
        self.channels.borrow_mut().push((channel, opened));
    }

    fn send(&self, channel: Channel, payload: &[u8]) {
        let channels = self.channels.borrow();
        let open = channels
            .iter()
            .find(|(known, opened)| *known == channel && opened.ready_state() == RtcDataChannelState::Open);
        if let Some((_, opened)) = open
            && opened.send_with_u8_array(payload).is_err()
        {
            // The buffer is full. Reliable packets are replayed after the reconnection that such a
            // connection is bound for; lossy ones may be lost.
            leptos::logging::warn!("data channel {} is full", channel.label());
        }
    }

    fn listen(self: &Rc<Self>) {
        let (report, peer) = (Rc::clone(&self.report), self.id);
        let candidate = EventListener::new(&self.connection, "icecandidate", move |event| {
            let found = event.unchecked_ref::<RtcPeerConnectionIceEvent>().candidate();
            let candidate = found
                .filter(|candidate| !candidate.candidate().is_empty())
                .and_then(|candidate| js_sys::JSON::stringify(&candidate).ok())
                .map(String::from);
            report(Input::LocalCandidate { peer, candidate });
        });
        let report = Rc::clone(&self.report);
        let watched = self.connection.clone();
        let state = EventListener::new(&self.connection, "connectionstatechange", move |_| {
            let state = match watched.connection_state() {
                RtcPeerConnectionState::Connected => PeerState::Connected,
                RtcPeerConnectionState::Disconnected => PeerState::Disconnected,
                RtcPeerConnectionState::Failed => PeerState::Failed,
                _ => PeerState::Connecting,
            };
            report(Input::PeerState { peer, state });
        });
        let weak = Rc::downgrade(self);
        let channel = EventListener::new(&self.connection, "datachannel", move |event| {
            let opened = event.unchecked_ref::<RtcDataChannelEvent>().channel();
            if let (Some(inner), Some(channel)) = (weak.upgrade(), Channel::from_label(&opened.label())) {
                inner.adopt(channel, opened);
            }
        });
        self.listeners.borrow_mut().extend([candidate, state, channel]);
    }
}

fn configuration(servers: &[IceServer], relay_only: bool) -> RtcConfiguration {
    let list: js_sys::Array = servers
        .iter()
        .map(|server| {
            let urls: js_sys::Array = server.urls.iter().map(|url| JsValue::from_str(url)).collect();
            let entry = object([("urls", urls.into())]);
            if !server.username.is_empty() {
                set(&entry, "username", &server.username.as_str().into());
                set(&entry, "credential", &server.credential.as_str().into());
            }
            entry
        })
        .collect();
    let configuration = object([
        ("iceServers", list.into()),
        ("bundlePolicy", "max-bundle".into()),
        ("iceTransportPolicy", if relay_only { "relay" } else { "all" }.into()),
    ]);
    configuration.unchecked_into()
}

fn description(kind: RtcSdpType, sdp: &str) -> RtcSessionDescriptionInit {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(sdp);
    description
}

fn encoding_parameters(encoding: &Encoding) -> js_sys::Object {
    let parameters = object([
        ("active", true.into()),
        ("scaleResolutionDownBy", encoding.scale_down_by.into()),
        ("maxBitrate", encoding.max_bitrate.into()),
        ("maxFramerate", encoding.max_framerate.into()),
    ]);
    if let Some(rid) = encoding.rid {
        set(&parameters, "rid", &rid.into());
    }
    parameters
}
