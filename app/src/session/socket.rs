//! The signalling socket, and the question why one would not open.

use gloo::events::EventListener;
use sfu_protocol::client::{Input, SocketId};
use sfu_protocol::codec;
use sfu_protocol::proto::SignalRequest;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, MessageEvent, WebSocket};

/// Code of an ordinary end (RFC 6455 section 7.4.1).
const NORMAL_CLOSURE: u16 = 1000;

/// Dropping it closes the socket; nothing is reported any more.
pub(super) struct Socket {
    socket: WebSocket,
    _listeners: [EventListener; 3],
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What was sent before is still delivered.
        let _ = self.socket.close_with_code(NORMAL_CLOSURE);
    }
}

impl Socket {
    pub(super) fn open(
        id: SocketId,
        url: &str,
        report: impl Fn(Input) + Clone + 'static,
    ) -> Result<Socket, JsValue> {
        let socket = WebSocket::new(url)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = report.clone();
        let open = EventListener::new(&socket, "open", move |_| opened(Input::SocketOpened { socket: id }));
        let received = report.clone();
        let message = EventListener::new(&socket, "message", move |event| {
            let data = event.unchecked_ref::<MessageEvent>().data();
            let Ok(buffer) = data.dyn_into::<js_sys::ArrayBuffer>() else { return };
            match codec::decode_binary(&js_sys::Uint8Array::new(&buffer).to_vec()) {
                Ok(message) => received(Input::SocketMessage { socket: id, message: Box::new(message) }),
                Err(error) => leptos::logging::warn!("signalling: {error}"),
            }
        });
        let close = EventListener::new(&socket, "close", move |_| report(Input::SocketClosed { socket: id }));
        Ok(Socket { socket, _listeners: [open, message, close] })
    }

    pub(super) fn send(&self, message: &SignalRequest) {
        // A socket that is closing says so by its event.
        let _ = self.socket.send_with_u8_array(&codec::encode_binary(message));
    }
}

/// Status and body of the answer; no status when the server was not reached.
pub(super) async fn fetch(url: &str) -> (Option<u16>, String) {
    match gloo::net::http::Request::get(url).send().await {
        Ok(response) => (Some(response.status()), response.text().await.unwrap_or_default()),
        Err(_) => (None, String::new()),
    }
}

/// Where the server is.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Without scheme and trailing slash.
    authority: String,
    secure: bool,
}

impl Server {
    pub(super) fn new(url: &str) -> Server {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        Server { authority: rest.trim_end_matches('/').to_owned(), secure: matches!(scheme, "wss" | "https") }
    }

    pub(super) fn socket_url(&self, path: &str, query: &[(&str, String)], token: &str) -> String {
        self.url(if self.secure { "wss" } else { "ws" }, path, query, token)
    }

    pub(super) fn fetch_url(&self, path: &str, query: &[(&str, String)], token: &str) -> String {
        self.url(if self.secure { "https" } else { "http" }, path, query, token)
    }

    fn url(&self, scheme: &str, path: &str, query: &[(&str, String)], token: &str) -> String {
        let token = [("access_token", token)];
        let query = query.iter().map(|(key, value)| (*key, value.as_str())).chain(token);
        let query: Vec<_> = query.map(|(key, value)| format!("{key}={}", escape(value))).collect();
        format!("{scheme}://{}{path}?{}", self.authority, query.join("&"))
    }
}

/// Percent-encoding of all but unreserved characters (RFC 3986 section 2.3).
fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(byte as char);
        } else {
            write!(escaped, "%{byte:02X}").expect("a string takes any text");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_host_port_and_base() {
        let query = [("join_request", "a-b_c=".to_owned())];
        let url = |server: &str| Server::new(server).socket_url("/rtc/v1", &query, "t.o.k");
        assert_eq!(
            url("wss://meet.example"),
            "wss://meet.example/rtc/v1?join_request=a-b_c%3D&access_token=t.o.k"
        );
        assert!(url("http://localhost:7880/").starts_with("ws://localhost:7880/rtc/v1?"));
        assert!(url("https://h/livekit/").starts_with("wss://h/livekit/rtc/v1?"));
        assert!(
            Server::new("wss://h")
                .fetch_url("/rtc/validate", &[], "t")
                .starts_with("https://h/rtc/validate?")
        );
    }

    #[test]
    fn values_are_escaped() {
        assert_eq!(escape("a b&ü=1"), "a%20b%26%C3%BC%3D1");
    }
}
