//! Signalling over real sockets, and the end of the process.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use meet_server::config::Config;
use meet_server::serve;
use prost::Message as _;
use serde_json::{Value, json};
use sfu_protocol::proto::{self, SignalRequest, SignalResponse, signal_request, signal_response};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::world::{payload, signed};

const PATIENCE: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Process {
    web: u16,
    livekit: u16,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _data: TempDir,
}

impl Process {
    async fn start() -> Process {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().to_str().unwrap().to_owned();
        let config = Config::read(&|name| match name {
            "SERVER_PORT" | "LIVEKIT_PORT" | "LIVEKIT_UDP_PORT" => Some("0".to_owned()),
            "SERVER_BIND" | "LIVEKIT_NODE_IP" => Some("127.0.0.1".to_owned()),
            "MEET_DATA_DIR" => Some(dir.clone()),
            _ => None,
        })
        .unwrap();
        let server = serve::start(config).await.unwrap();
        let (web, livekit) = (server.web_port(), server.livekit_port());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Process { web, livekit, stop, task, _data: data }
    }

    async fn connect(&self, identity: &str) -> Socket {
        connect(self.livekit, &token("room-a", identity)).await.expect("refused")
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task).await.expect("did not stop").unwrap();
    }
}

fn token(room: &str, identity: &str) -> String {
    let grant = json!({ "roomJoin": true, "room": room });
    signed(&json!({ "iss": "devkey", "sub": identity, "exp": 4_102_444_800_u64, "video": grant }))
}

async fn connect(port: u16, token: &str) -> Result<Socket, Error> {
    let url = format!("ws://127.0.0.1:{port}//rtc?access_token={token}&auto_subscribe=1&protocol=16&sdk=js");
    connect_async(url).await.map(|(socket, _)| socket)
}

/// The next frame that is no ping.
async fn frame(socket: &mut Socket) -> Option<Message> {
    loop {
        match timeout(PATIENCE, socket.next()).await.expect("silence")?.unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            other => return Some(other),
        }
    }
}

/// Messages until one that `pick` takes.
async fn until<T>(socket: &mut Socket, pick: impl Fn(signal_response::Message) -> Option<T>) -> T {
    loop {
        if let Message::Binary(bytes) = frame(socket).await.expect("closed")
            && let Some(message) = SignalResponse::decode(bytes).unwrap().message
            && let Some(found) = pick(message)
        {
            return found;
        }
    }
}

async fn send(socket: &mut Socket, message: signal_request::Message) {
    let request = SignalRequest { message: Some(message) };
    socket.send(Message::Binary(request.encode_to_vec().into())).await.unwrap();
}

/// Reads to the end; the code of the close frame, if there was one.
async fn close_code(socket: &mut Socket) -> Option<u16> {
    while let Some(message) = frame(socket).await {
        if let Message::Close(close) = message {
            return close.map(|close| close.code.into());
        }
    }
    None
}

async fn pong(socket: &mut Socket) {
    send(socket, signal_request::Message::PingReq(proto::Ping { timestamp: 1, rtt: 0 })).await;
    until(socket, |message| match message {
        signal_response::Message::PongResp(pong) => Some(pong),
        _ => None,
    })
    .await;
}

#[tokio::test]
async fn a_socket_opens_with_the_join_and_a_fresh_token() {
    let process = Process::start().await;
    let mut socket = process.connect("alice").await;
    let Some(Message::Binary(bytes)) = frame(&mut socket).await else { panic!("no first message") };
    let Some(signal_response::Message::Join(join)) = SignalResponse::decode(bytes).unwrap().message else {
        panic!("the first message is no join")
    };
    assert_eq!(join.room.unwrap().name, "room-a");
    assert_eq!(join.participant.unwrap().identity, "alice");
    assert!(join.ping_interval > 0);
    let refreshed = until(&mut socket, |message| match message {
        signal_response::Message::RefreshToken(token) => Some(token),
        _ => None,
    })
    .await;
    assert_eq!(payload(&refreshed)["video"]["room"], "room-a");
    assert!(connect(process.livekit, &refreshed).await.is_ok(), "the fresh token is good");
    process.stop().await;
}

#[tokio::test]
async fn a_text_frame_switches_the_answers_to_json_and_back() {
    let process = Process::start().await;
    let mut socket = process.connect("alice").await;
    pong(&mut socket).await;
    let ping = json!({ "pingReq": { "timestamp": "7" } }).to_string();
    socket.send(Message::Text(ping.into())).await.unwrap();
    let answer = loop {
        if let Some(Message::Text(text)) = frame(&mut socket).await {
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer.get("pongResp").is_some() {
                break answer;
            }
        }
    };
    assert_eq!(answer["pongResp"]["lastPingTimestamp"], "7");
    pong(&mut socket).await;
    process.stop().await;
}

#[tokio::test]
async fn garbage_is_skipped_and_floods_end_only_their_own_socket() {
    let process = Process::start().await;
    let mut other = process.connect("bob").await;
    let mut socket = process.connect("alice").await;
    socket.send(Message::Binary(b"\xff\xff\xff garbage".to_vec().into())).await.unwrap();
    socket.send(Message::Binary(Vec::new().into())).await.unwrap();
    pong(&mut socket).await;
    // Larger than a signal message may be: the server hangs up, maybe while we are still sending.
    let _ = socket.send(Message::Binary(vec![0; 3 * 1024 * 1024].into())).await;
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(PATIENCE, ended).await.expect("an oversized message did not end the socket");
    pong(&mut other).await;
    process.stop().await;
}

#[tokio::test]
async fn leaving_closes_with_1000() {
    let process = Process::start().await;
    let mut socket = process.connect("alice").await;
    send(&mut socket, signal_request::Message::Leave(proto::LeaveRequest::default())).await;
    assert_eq!(close_code(&mut socket).await, Some(1000));
    process.stop().await;
}

#[tokio::test]
async fn a_refused_socket_is_an_http_status() {
    let process = Process::start().await;
    for (token, status) in [(String::new(), 401), (token("", "alice"), 400), (token("a", ""), 400)] {
        match connect(process.livekit, &token).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status),
            other => panic!("{other:?}"),
        }
    }
    process.stop().await;
}

#[tokio::test]
async fn sockets_open_on_the_web_port_too() {
    let process = Process::start().await;
    let mut socket = connect(process.web, &token("room-a", "alice")).await.expect("refused");
    pong(&mut socket).await;
    process.stop().await;
}

#[tokio::test]
async fn the_end_of_the_process_tells_participants_and_closes_with_1000() {
    let process = Process::start().await;
    let mut socket = process.connect("alice").await;
    pong(&mut socket).await;
    let end = tokio::spawn(process.stop());
    let leave = until(&mut socket, |message| match message {
        signal_response::Message::Leave(leave) => Some(leave),
        _ => None,
    })
    .await;
    assert_eq!(leave.reason(), proto::DisconnectReason::ServerShutdown);
    assert_eq!(close_code(&mut socket).await, Some(1000));
    end.await.unwrap();
}
