//! Rooms behind the public interface, with real sockets and threads but no media.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use sfu::{Admin, Config, JoinError, RoomEvent, RoomOptions, Session, SessionMessage, Sfu};
use sfu_protocol::proto::{self, DisconnectReason, leave_request, signal_request, signal_response::Message};
use sfu_protocol::{Claims, Connect, Mode, Reconnect, VideoGrant};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

async fn start() -> (Sfu, mpsc::Receiver<RoomEvent>) {
    let (events, receiver) = mpsc::channel(64);
    let config = Config {
        udp_port: 0,
        shards: 2,
        bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
        advertise: Vec::new(),
        node_id: "ND_test".into(),
        region: String::new(),
        version: "1.9.0".into(),
        ice_servers: Vec::new(),
    };
    (Sfu::start(config, events).await.expect("loopback has free ports"), receiver)
}

fn options(name: &str) -> RoomOptions {
    RoomOptions {
        name: name.into(),
        metadata: String::new(),
        empty_timeout: Duration::from_mins(5),
        departure_timeout: Duration::from_secs(20),
        max_participants: 0,
    }
}

fn claims(identity: &str) -> Claims {
    let video = VideoGrant { room_join: true, ..Default::default() };
    Claims { sub: identity.into(), video: Some(video), ..Default::default() }
}

fn connect() -> Connect {
    Connect {
        mode: Mode::Dual,
        auto_subscribe: true,
        adaptive_stream: false,
        disable_ice_lite: false,
        reconnect: None,
        client: proto::ClientInfo { protocol: 16, ..Default::default() },
        metadata: String::new(),
        attributes: HashMap::new(),
        add_tracks: Vec::new(),
        publisher_offer: None,
        sync_state: None,
    }
}

fn message(message: SessionMessage) -> Option<Message> {
    match message {
        SessionMessage::Signal(response) => response.message,
        SessionMessage::RefreshToken(_) => None,
    }
}

/// Reads until something is what is looked for; `None` when the session ends before.
async fn find<T>(session: &mut Session, mut want: impl FnMut(Message) -> Option<T>) -> Option<T> {
    let search = async {
        while let Some(next) = session.responses.recv().await {
            if let Some(found) = message(next).and_then(&mut want) {
                return Some(found);
            }
        }
        None
    };
    timeout(PATIENCE, search).await.expect("an answer or the end in time")
}

#[tokio::test]
async fn first_message_is_ready_when_join_returns() {
    let (sfu, mut events) = start().await;
    let session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    let Some(Message::Join(join)) = message(session.first) else { panic!("join must come first") };
    assert_eq!(join.participant.unwrap().identity, "anna");
    assert!(matches!(events.recv().await, Some(RoomEvent::Started { room }) if room.name == "hall"));
    assert_eq!(sfu.rooms().await.len(), 1);
    assert_eq!(sfu.participants("hall").await.unwrap().len(), 1);
    assert!(sfu.participants("cellar").await.is_none());
    sfu.shutdown().await;
}

#[tokio::test]
async fn requests_are_answered_in_the_session() {
    let (sfu, _events) = start().await;
    let mut session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    let ping = signal_request::Message::PingReq(proto::Ping { timestamp: 42, rtt: 0 });
    session.requests.send(proto::SignalRequest { message: Some(ping) }).await.unwrap();
    let pong =
        find(&mut session, |message| if let Message::PongResp(pong) = message { Some(pong) } else { None })
            .await;
    assert_eq!(pong.unwrap().last_ping_timestamp, 42);
    sfu.shutdown().await;
}

#[tokio::test]
async fn dropped_session_leaves_the_room() {
    let (sfu, mut events) = start().await;
    let session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    drop(session);
    let gone = async {
        loop {
            if let Some(RoomEvent::ParticipantAborted { reason, .. }) = events.recv().await {
                return reason;
            }
        }
    };
    let reason = timeout(PATIENCE, gone).await.expect("the room notices");
    assert_eq!(reason, DisconnectReason::SignalClose);
    assert!(sfu.participants("hall").await.unwrap().is_empty());
    sfu.shutdown().await;
}

#[tokio::test]
async fn resume_where_nothing_is_means_join_anew() {
    let (sfu, _events) = start().await;
    let reconnect = Some(Reconnect { participant_sid: "PA_gone".into(), reason: 1 });
    let connect = Connect { reconnect, ..connect() };
    let mut session = sfu.join(options("hall"), claims("anna"), connect.clone()).await.unwrap();
    let leave = |first| {
        if let Some(Message::Leave(leave)) = message(first) { leave } else { panic!("leave comes first") }
    };
    assert!(session.responses.recv().await.is_none());
    let first = leave(session.first);
    assert_eq!(first.action, leave_request::Action::Reconnect as i32);
    assert_eq!(first.reason, DisconnectReason::StateMismatch as i32);
    assert!(sfu.rooms().await.is_empty(), "no room is made for it");

    sfu.create_room(options("hall")).await.unwrap();
    let mut session = sfu.join(options("hall"), claims("anna"), connect).await.unwrap();
    assert!(session.responses.recv().await.is_none());
    assert_eq!(leave(session.first).reason, DisconnectReason::StateMismatch as i32);
    sfu.shutdown().await;
}

#[tokio::test]
async fn full_room_refuses() {
    let (sfu, _events) = start().await;
    let small = RoomOptions { max_participants: 1, ..options("hall") };
    let _anna = sfu.join(small.clone(), claims("anna"), connect()).await.unwrap();
    assert!(matches!(sfu.join(small, claims("ben"), connect()).await, Err(JoinError::Full)));
    sfu.shutdown().await;
}

#[tokio::test]
async fn deleted_room_tells_its_clients_and_can_be_made_anew() {
    let (sfu, mut events) = start().await;
    let mut session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    let Some(Message::Join(join)) = message(std::mem::replace(&mut session.first, end())) else {
        panic!("join")
    };
    let first_sid = join.room.unwrap().sid;
    assert_eq!(sfu.admin("hall", Admin::Delete).await, Some(Ok(())));
    let leave =
        find(&mut session, |message| if let Message::Leave(leave) = message { Some(leave) } else { None })
            .await;
    assert_eq!(leave.unwrap().reason, DisconnectReason::RoomDeleted as i32);
    assert!(session.responses.recv().await.is_none());
    let finished = async { while !matches!(events.recv().await, Some(RoomEvent::Finished { .. }) | None) {} };
    timeout(PATIENCE, finished).await.expect("the end is reported");
    let again = sfu.create_room(options("hall")).await.unwrap();
    assert_ne!(again.sid, first_sid);
    sfu.shutdown().await;
}

fn end() -> SessionMessage {
    SessionMessage::Signal(Box::default())
}

#[tokio::test]
async fn shutdown_tells_everybody_and_refuses_newcomers() {
    let (sfu, _events) = start().await;
    let mut session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    timeout(PATIENCE, sfu.shutdown()).await.expect("it ends");
    let leave =
        find(&mut session, |message| if let Message::Leave(leave) = message { Some(leave) } else { None })
            .await;
    assert_eq!(leave.unwrap().reason, DisconnectReason::ServerShutdown as i32);
    assert!(matches!(
        sfu.join(options("hall"), claims("ben"), connect()).await,
        Err(JoinError::ShuttingDown)
    ));
    assert_eq!(sfu.counters().rooms, 0);
}

#[tokio::test]
async fn client_that_does_not_read_is_cut_off() {
    let (sfu, _events) = start().await;
    let session = sfu.join(options("hall"), claims("anna"), connect()).await.unwrap();
    let _witness = sfu.join(options("hall"), claims("ben"), connect()).await.unwrap();
    for round in 0..2000 {
        let metadata = round.to_string();
        assert_eq!(sfu.admin("hall", Admin::UpdateMetadata { metadata }).await, Some(Ok(())));
        if sfu.counters().slow_clients > 0 {
            break;
        }
    }
    assert!(sfu.counters().slow_clients > 0);
    assert!(session.responses.len() <= 1024);
    sfu.shutdown().await;
}
