//! One signalling socket: frames in, frames out, until either side ends it.
//!
//! Bounds: a client that sends nothing (not even pongs) or takes nothing for too long is dropped;
//! so is one whose room does not take its requests. What is no signal message is skipped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use sfu::{Session, SessionMessage};
use sfu_protocol::codec::{self, Encoding, Frame, Payload};
use sfu_protocol::{Claims, proto};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::app::App;
use crate::clock::now_s;
use crate::tokens::{TokenKind, Verified};

const PING_EVERY: Duration = Duration::from_secs(10);
/// Longest silence of a client, pongs included.
const SILENCE: Duration = Duration::from_secs(35);
/// Longest time for one frame to leave, or for one request to be taken.
const STUCK: Duration = Duration::from_secs(10);
/// How long the other side may take to answer our close frame.
const GOODBYE: Duration = Duration::from_secs(2);
/// A refreshed token is good for at least this long.
const MIN_TOKEN_S: u64 = 600;

/// Why a socket ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// The room said everything it had to say.
    Finished,
    /// The client closed it, or the connection broke.
    Gone,
    /// The client, or its room, took too long.
    Stuck,
}

/// Carries a session until it ends; dropping the session tells the room.
pub(super) async fn carry(app: App, kind: Option<TokenKind>, mut session: Session, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let is_text = AtomicBool::new(false);
    let Session { first, requests, responses, .. } = &mut session;
    let mut writer = Writer { app: &app, kind, is_text: &is_text, sink: &mut sink };
    let end = tokio::select! {
        end = writer.run(first, responses) => end,
        end = read(&mut stream, requests, &is_text) => end,
    };
    tracing::debug!(?end, "signalling socket ended");
    if end == End::Finished {
        let frame = CloseFrame { code: close_code::NORMAL, reason: "".into() };
        let goodbye = async {
            if sink.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = stream.next().await {}
            }
        };
        // Whoever does not answer is gone all the same.
        let _ = timeout(GOODBYE, goodbye).await;
    }
}

struct Writer<'a> {
    app: &'a App,
    kind: Option<TokenKind>,
    is_text: &'a AtomicBool,
    sink: &'a mut SplitSink<WebSocket, Message>,
}

impl Writer<'_> {
    async fn run(&mut self, first: &SessionMessage, responses: &mut mpsc::Receiver<SessionMessage>) -> End {
        if let Err(end) = self.write(first).await {
            return end;
        }
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let result = tokio::select! {
                message = responses.recv() => match message {
                    Some(message) => self.write(&message).await,
                    None => Err(End::Finished),
                },
                _ = pings.tick() => self.send(Message::Ping(Bytes::new())).await,
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    async fn write(&mut self, message: &SessionMessage) -> Result<(), End> {
        let refreshed;
        let response = match message {
            SessionMessage::Signal(response) => response.as_ref(),
            SessionMessage::RefreshToken(claims) => match self.refreshed(claims) {
                Some(response) => {
                    refreshed = response;
                    &refreshed
                }
                None => return Ok(()),
            },
        };
        let encoding = if self.is_text.load(Ordering::Relaxed) { Encoding::Json } else { Encoding::Binary };
        match codec::encode_response(response, encoding) {
            Ok(Payload::Binary(bytes)) => self.send(Message::Binary(bytes.into())).await,
            Ok(Payload::Text(text)) => self.send(Message::Text(text.into())).await,
            Err(error) => {
                tracing::error!(%error, "cannot encode a signal message");
                Ok(())
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(STUCK, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Stuck),
        }
    }

    /// A token with these claims that is good for a while, never for less than the old one.
    fn refreshed(&self, claims: &Claims) -> Option<proto::SignalResponse> {
        let mut claims = claims.clone();
        claims.exp = claims.exp.max(now_s() + MIN_TOKEN_S);
        match self.app.keys.sign_again(&Verified { claims, kind: self.kind }) {
            Ok(token) => Some(proto::SignalResponse {
                message: Some(proto::signal_response::Message::RefreshToken(token)),
            }),
            Err(error) => {
                tracing::error!(%error, "cannot sign a refreshed token");
                None
            }
        }
    }
}

async fn read(
    stream: &mut SplitStream<WebSocket>,
    requests: &mpsc::Sender<proto::SignalRequest>,
    is_text: &AtomicBool,
) -> End {
    loop {
        let message = match timeout(SILENCE, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, "signalling socket broke");
                return End::Gone;
            }
            Ok(None) => return End::Gone,
            Err(_) => return End::Stuck,
        };
        let frame = match &message {
            Message::Binary(bytes) => Frame::Binary(bytes),
            Message::Text(text) => Frame::Text(text),
            Message::Close(_) => return End::Gone,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        is_text.store(frame.encoding() == Encoding::Json, Ordering::Relaxed);
        match codec::decode_request(frame) {
            Ok(request) => match timeout(STUCK, requests.send(request)).await {
                Ok(Ok(())) => {}
                // The room is over: what it still has to say comes through the other channel.
                Ok(Err(_)) => std::future::pending().await,
                Err(_) => return End::Stuck,
            },
            Err(error) => tracing::debug!(%error, "not a signal message"),
        }
    }
}
