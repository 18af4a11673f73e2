//! The signalling socket.

use std::collections::HashMap;

use anyhow::Context as _;
use futures_util::{SinkExt, StreamExt};
use sfu_protocol::client::{Input, SocketId};
use sfu_protocol::codec;
use sfu_protocol::proto::SignalRequest;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Error, http};

use crate::client::Notice;

/// Requests on their way to the socket. A client that fills this is stuck, and its socket lost.
const QUEUE: usize = 256;

/// Why sockets did not open: here the handshake tells what a browser has to ask for.
pub(crate) type Refusals = HashMap<SocketId, (u16, String)>;

/// Dropping it closes the socket.
pub(crate) struct Socket {
    requests: mpsc::Sender<SignalRequest>,
}

impl Socket {
    pub(crate) fn open(id: SocketId, url: String, token: String, notices: mpsc::Sender<Notice>) -> Socket {
        let (requests, outgoing) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            if let Err(error) = run(id, &url, &token, outgoing, &notices).await {
                tracing::debug!(%error, "signalling");
            }
            // Nobody listens any more once the session has ended.
            let _ = notices.send(Notice::Input(Input::SocketClosed { socket: id })).await;
        });
        Socket { requests }
    }

    pub(crate) fn send(&self, request: SignalRequest) {
        if self.requests.try_send(request).is_err() {
            tracing::warn!("signalling is stuck");
        }
    }
}

async fn run(
    id: SocketId,
    url: &str,
    token: &str,
    mut outgoing: mpsc::Receiver<SignalRequest>,
    notices: &mpsc::Sender<Notice>,
) -> anyhow::Result<()> {
    let mut request = url.into_client_request()?;
    let bearer = format!("Bearer {token}").parse().context("token")?;
    request.headers_mut().insert(http::header::AUTHORIZATION, bearer);
    let (mut socket, _) = match tokio_tungstenite::connect_async(request).await {
        Ok(connected) => connected,
        Err(Error::Http(response)) => {
            let body = String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned();
            let status = response.status().as_u16();
            notices.send(Notice::Refused { socket: id, status, body }).await?;
            anyhow::bail!("refused with status {status}");
        }
        Err(error) => return Err(error.into()),
    };
    notices.send(Notice::Input(Input::SocketOpened { socket: id })).await?;
    loop {
        tokio::select! {
            request = outgoing.recv() => match request {
                Some(request) => socket.send(Message::Binary(codec::encode_binary(&request).into())).await?,
                None => {
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    return Ok(socket.close(Some(frame)).await?);
                }
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let message = Box::new(codec::decode_binary(&bytes)?);
                    notices.send(Notice::Input(Input::SocketMessage { socket: id, message })).await?;
                }
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            },
        }
    }
}

/// Address of a signalling socket on a `ws://` or `http://` server.
pub(crate) fn socket_url(server: &str, path: &str, query: &[(&'static str, String)]) -> String {
    let authority = server.split_once("://").map_or(server, |(_, rest)| rest).trim_end_matches('/');
    let query: Vec<_> = query.iter().map(|(key, value)| format!("{key}={}", escape(value))).collect();
    format!("ws://{authority}{path}?{}", query.join("&"))
}

/// Percent-encoding of all but unreserved characters (RFC 3986 section 2.3).
fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            (byte as char).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_server() {
        let query = [("attributes", "a=b c".to_owned())];
        assert_eq!(socket_url("http://h:1/", "/rtc", &query), "ws://h:1/rtc?attributes=a%3Db%20c");
    }
}
