//! One peer connection on the `webrtc` crate, run by the outputs of the session.
//!
//! Invariant: operations run one after the other in the order they were given. Dropping a [`Peer`]
//! ends its tasks and closes the connection.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context as _, bail};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RtpCodecKind,
};
use sfu_protocol::client::{Channel, Input, Kind, Output, PeerId, PeerState, Source};
use sfu_protocol::proto::IceServer;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP};
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfiguration,
    RTCConfigurationBuilder, RTCIceCandidateInit, RTCIceServer, RTCIceTransportPolicy,
    RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription, Registry,
    register_default_interceptors,
};
use webrtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit, RtpSender};
use webrtc::runtime::TokioRuntime;

use crate::client::Notice;
use crate::received::{Meter, Order};
use crate::synthetic::{Generator, OPUS_TYPE, VP8_TYPE};

/// Operations on their way; more mean that the connection is stuck.
const QUEUE: usize = 1024;

/// What the tasks of a connection share.
#[derive(Clone)]
pub(crate) struct Wiring {
    pub(crate) notices: mpsc::Sender<Notice>,
    pub(crate) sent: Arc<Meter>,
    pub(crate) received: Arc<Meter>,
}

pub(crate) struct Peer {
    operations: mpsc::Sender<Operation>,
    task: AbortHandle,
}

struct Operation {
    output: Output,
    /// For operations on senders: the id of what they shall send, if anything.
    track: Option<String>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    pub(crate) fn open(id: PeerId, ice_servers: Vec<IceServer>, relay_only: bool, wiring: Wiring) -> Peer {
        let (operations, queue) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            // The crate's futures are large.
            let run = Box::pin(Worker::run(id, &ice_servers, relay_only, wiring.clone(), queue));
            if let Err(error) = run.await {
                tracing::warn!("peer connection: {error:#}");
                let _ = wiring.notices.send(Notice::Input(Input::PeerBroken { peer: id })).await;
            }
        });
        Peer { operations, task: task.abort_handle() }
    }

    pub(crate) fn run(&self, output: Output, track: Option<String>) {
        if self.operations.try_send(Operation { output, track }).is_err() {
            tracing::warn!("a peer connection is stuck");
        }
    }
}

struct Sending {
    active: Arc<AtomicBool>,
    sender: Arc<dyn RtpSender>,
    generator: AbortHandle,
}

struct Worker {
    id: PeerId,
    connection: Arc<dyn PeerConnection>,
    wiring: Wiring,
    held: Option<RTCSessionDescription>,
    senders: HashMap<Source, Sending>,
    channels: HashMap<Channel, Arc<dyn DataChannel>>,
    /// Ends with the worker.
    tasks: JoinSet<()>,
}

impl Worker {
    async fn run(
        id: PeerId,
        ice_servers: &[IceServer],
        relay_only: bool,
        wiring: Wiring,
        mut queue: mpsc::Receiver<Operation>,
    ) -> anyhow::Result<()> {
        let mut media = MediaEngine::default();
        media.register_codec(codec(Kind::Audio), RtpCodecKind::Audio)?;
        media.register_codec(codec(Kind::Video), RtpCodecKind::Video)?;
        let registry = register_default_interceptors(Registry::new(), &mut media)?;
        let (arrivals, mut arrived) = mpsc::channel(QUEUE);
        let handler = Handler { id, notices: wiring.notices.clone(), arrivals };
        let building = PeerConnectionBuilder::<&str>::new()
            .with_configuration(configuration(ice_servers, relay_only))
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .with_runtime(Arc::new(TokioRuntime))
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec!["0.0.0.0:0"])
            .build();
        let connection = Box::pin(building).await?;
        let mut worker = Worker {
            id,
            connection: Arc::new(connection),
            wiring,
            held: None,
            senders: HashMap::new(),
            channels: HashMap::new(),
            tasks: JoinSet::new(),
        };
        loop {
            tokio::select! {
                operation = queue.recv() => match operation {
                    Some(operation) => worker.perform(operation).await?,
                    None => break,
                },
                Some(arrival) = arrived.recv() => worker.adopt(arrival),
            }
        }
        Ok(worker.connection.close().await?)
    }

    async fn report(&self, input: Input) {
        let _ = self.wiring.notices.send(Notice::Input(input)).await;
    }

    async fn perform(&mut self, Operation { output, track }: Operation) -> anyhow::Result<()> {
        let connection = Arc::clone(&self.connection);
        let peer = self.id;
        match output {
            Output::SetIceServers { ice_servers, relay_only, .. } => {
                connection.set_configuration(configuration(&ice_servers, relay_only)).await?;
            }
            Output::OpenChannels { .. } => {
                for channel in [Channel::Reliable, Channel::Lossy] {
                    let init = RTCDataChannelInit {
                        ordered: channel == Channel::Reliable,
                        max_retransmits: (channel == Channel::Lossy).then_some(0),
                        ..RTCDataChannelInit::default()
                    };
                    let opened = connection.create_data_channel(channel.label(), Some(init)).await?;
                    self.adopt(Arrival::Channel(channel, opened));
                }
            }
            Output::AddReceivers { audios, videos, .. } => {
                for (kind, count) in [(RtpCodecKind::Audio, audios), (RtpCodecKind::Video, videos)] {
                    for _ in 0..count {
                        let init = transceiver(RTCRtpTransceiverDirection::Recvonly);
                        connection.add_transceiver_from_kind(kind, Some(init)).await?;
                    }
                }
            }
            Output::AddSender { source, .. } => {
                let cid = track.context("a sender without a track")?;
                self.add_sender(source, cid).await?;
            }
            Output::SwapTrack { source, .. } => {
                if let Some(sending) = self.senders.get(&source) {
                    sending.active.store(track.is_some(), Relaxed);
                }
            }
            Output::RemoveSender { source, .. } => {
                if let Some(sending) = self.senders.remove(&source) {
                    sending.generator.abort();
                    connection.remove_track(&sending.sender).await?;
                }
            }
            Output::MakeOffer { restart, hold, .. } => {
                let options = RTCOfferOptions { ice_restart: restart };
                let offer = connection.create_offer(Some(options)).await?;
                let sdp = offer.sdp.clone();
                if hold {
                    self.held = Some(offer);
                } else {
                    connection.set_local_description(offer).await?;
                }
                self.report(Input::OfferMade { peer, sdp }).await;
            }
            Output::ApplyOffer { .. } => {
                if let Some(offer) = self.held.take() {
                    connection.set_local_description(offer).await?;
                }
            }
            Output::TakeOffer { sdp, .. } => {
                connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
                let answer = connection.create_answer(None).await?;
                let sdp = answer.sdp.clone();
                connection.set_local_description(answer).await?;
                self.report(Input::AnswerMade { peer, sdp }).await;
            }
            Output::TakeAnswer { sdp, .. } => {
                connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
                self.report(Input::AnswerTaken { peer }).await;
            }
            Output::AddCandidate { candidate, .. } => {
                let init: RTCIceCandidateInit = serde_json::from_str(&candidate).context("candidate")?;
                if let Err(error) = connection.add_ice_candidate(init).await {
                    tracing::debug!(%error, candidate, "candidate");
                }
            }
            Output::SendData { channel, payload, .. } => {
                if let Some(open) = self.channels.get(&channel) {
                    open.send(payload.as_slice().into()).await?;
                }
            }
            // One layer only.
            Output::SetLayers { .. } => {}
            other => bail!("not for a peer connection: {other:?}"),
        }
        Ok(())
    }

    async fn add_sender(&mut self, source: Source, cid: String) -> anyhow::Result<()> {
        let kind = source.kind();
        let ssrc = rand::random();
        let track = MediaStreamTrack::new(
            "synthetic".to_owned(),
            cid,
            format!("{source:?}"),
            codec_kind(kind),
            vec![RTCRtpEncodingParameters {
                rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
                codec: codec(kind).rtp_codec,
                ..Default::default()
            }],
        );
        let track: Arc<dyn TrackLocal> = Arc::new(TrackLocalStaticRTP::new(track));
        let sender = self.connection.add_track(Arc::clone(&track)).await?;
        let active = Arc::new(AtomicBool::new(true));
        let generator =
            self.tasks.spawn(generate(kind, ssrc, track, Arc::clone(&active), Arc::clone(&self.wiring.sent)));
        self.senders.insert(source, Sending { active, sender, generator });
        Ok(())
    }

    fn adopt(&mut self, arrival: Arrival) {
        let notices = self.wiring.notices.clone();
        let peer = self.id;
        match arrival {
            Arrival::Track(track) => {
                self.tasks.spawn(count(track, Arc::clone(&self.wiring.received)));
            }
            Arrival::Channel(channel, opened) => {
                self.channels.insert(channel, Arc::clone(&opened));
                self.tasks.spawn(async move {
                    while let Some(event) = opened.poll().await {
                        let input = match event {
                            DataChannelEvent::OnOpen => Input::ChannelOpen { peer, channel },
                            DataChannelEvent::OnMessage(message) => {
                                Input::Data { peer, channel, payload: message.data.to_vec() }
                            }
                            _ => continue,
                        };
                        if notices.send(Notice::Input(input)).await.is_err() {
                            break;
                        }
                    }
                });
            }
        }
    }
}

async fn generate(
    kind: Kind,
    ssrc: u32,
    track: Arc<dyn TrackLocal>,
    active: Arc<AtomicBool>,
    sent: Arc<Meter>,
) {
    let mut generator = Generator::new(kind, ssrc);
    let mut ticks = interval(generator.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        if !active.load(Relaxed) {
            continue;
        }
        for packet in generator.frame() {
            let bytes = packet.payload.len();
            // Refused until it is negotiated.
            if track.write_rtp(packet).await.is_ok() {
                sent.count(kind, bytes);
            }
        }
    }
}

async fn count(track: Arc<dyn TrackRemote>, received: Arc<Meter>) {
    let kind = if track.kind().await == RtpCodecKind::Audio { Kind::Audio } else { Kind::Video };
    let mut order = Order::default();
    let mut silent = true;
    while let Some(event) = track.poll().await {
        if let TrackRemoteEvent::OnRtpPacket(packet) = event {
            if std::mem::take(&mut silent) {
                received.stream();
            }
            received.count(kind, packet.payload.len());
            received.order(order.next(packet.header.ssrc, packet.header.sequence_number));
        }
    }
}

enum Arrival {
    Track(Arc<dyn TrackRemote>),
    Channel(Channel, Arc<dyn DataChannel>),
}

struct Handler {
    id: PeerId,
    notices: mpsc::Sender<Notice>,
    arrivals: mpsc::Sender<Arrival>,
}

impl Handler {
    async fn report(&self, input: Input) {
        let _ = self.notices.send(Notice::Input(input)).await;
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let candidate = event.candidate.to_json().ok().and_then(|init| serde_json::to_string(&init).ok());
        self.report(Input::LocalCandidate { peer: self.id, candidate }).await;
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let state = match state {
            RTCPeerConnectionState::Connected => PeerState::Connected,
            RTCPeerConnectionState::Disconnected => PeerState::Disconnected,
            RTCPeerConnectionState::Failed => PeerState::Failed,
            _ => PeerState::Connecting,
        };
        self.report(Input::PeerState { peer: self.id, state }).await;
    }

    async fn on_data_channel(&self, opened: Arc<dyn DataChannel>) {
        if let Some(channel) = opened.label().await.ok().and_then(|label| Channel::from_label(&label)) {
            let _ = self.arrivals.send(Arrival::Channel(channel, opened)).await;
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let _ = self.arrivals.send(Arrival::Track(track)).await;
    }
}

fn transceiver(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit { direction, streams: Vec::new(), send_encodings: Vec::new() }
}

fn codec_kind(kind: Kind) -> RtpCodecKind {
    match kind {
        Kind::Audio => RtpCodecKind::Audio,
        Kind::Video => RtpCodecKind::Video,
    }
}

fn codec(kind: Kind) -> RTCRtpCodecParameters {
    let feedback =
        |typ: &str, parameter: &str| RTCPFeedback { typ: typ.to_owned(), parameter: parameter.to_owned() };
    let (rtp_codec, payload_type) = match kind {
        Kind::Audio => (
            RTCRtpCodec {
                mime_type: MIME_TYPE_OPUS.to_owned(),
                clock_rate: 48_000,
                channels: 2,
                sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
                rtcp_feedback: Vec::new(),
            },
            OPUS_TYPE,
        ),
        Kind::Video => (
            RTCRtpCodec {
                mime_type: MIME_TYPE_VP8.to_owned(),
                clock_rate: 90_000,
                channels: 0,
                sdp_fmtp_line: String::new(),
                rtcp_feedback: vec![
                    feedback("nack", ""),
                    feedback("nack", "pli"),
                    feedback("transport-cc", ""),
                ],
            },
            VP8_TYPE,
        ),
    };
    RTCRtpCodecParameters { rtp_codec, payload_type }
}

fn configuration(servers: &[IceServer], relay_only: bool) -> RTCConfiguration {
    let servers = servers.iter().map(|server| RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    });
    let policy = if relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    RTCConfigurationBuilder::new()
        .with_ice_servers(servers.collect())
        .with_ice_transport_policy(policy)
        .build()
}
