//! The server under test.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use jsonwebtoken::{EncodingKey, Header};
use meet_server::App;
use meet_server::config::Config;
use meet_server::store::Store;
use rust_embed::RustEmbed;
use serde_json::{Value, json};
use sfu::Sfu;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tower::ServiceExt;

pub(crate) const API_KEY: &str = "meet-api-key";

/// A small app in place of the real one.
#[derive(RustEmbed)]
#[folder = "tests/it/dist"]
pub(crate) struct TestDist;

pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) livekit: Router,
    pub(crate) sfu: Sfu,
    _data: TempDir,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(&[]).await
    }

    /// With variables of the environment.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> World {
        let data = tempfile::tempdir().unwrap();
        let config = Config::read(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
        .unwrap();
        let store = Store::open(data.path()).await.unwrap();
        store.take_initial_values(config.initial.api_key.as_ref().map(|key| key.reveal()), 1).await.unwrap();
        let (events, happened) = mpsc::channel(64);
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let sfu = Sfu::start(
            sfu::Config {
                udp_port: 0,
                shards: 1,
                bind: localhost,
                advertise: vec![localhost],
                node_id: "ND_test".to_owned(),
                region: String::new(),
                version: "1.13.5".to_owned(),
                ice_servers: Vec::new(),
            },
            events,
        )
        .await
        .unwrap();
        tokio::spawn(meet_server::lifecycle::follow(store.clone(), happened));
        let (app, _) = App::new(config, store, sfu.clone());
        World {
            router: meet_server::http::router::<TestDist>(app.clone()),
            livekit: meet_server::livekit::router(app),
            sfu,
            _data: data,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A call with the API key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("x-api-key", API_KEY);
        self.send(with_json(request, body)).await
    }

    /// A call with these headers only.
    pub(crate) async fn call_as(
        &self,
        headers: &[(&str, &str)],
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(with_json(request, body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// A room of that name, as the API answered it.
    pub(crate) async fn room(&self, name: &str) -> Value {
        let answer = self.call("POST", "/api/v1/rooms", Some(json!({ "roomName": name }))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }

    /// A token of the internal API for one of the room's links.
    pub(crate) async fn token(&self, room: &Value, role: &str, name: Option<&str>) -> String {
        let mut body = json!({ "roomId": room["roomId"], "secret": secret(room, role) });
        if let Some(name) = name {
            body["participantName"] = name.into();
        }
        let answer = self.call_as(&[], "POST", "/internal-api/v1/participants/token", Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// `guest` enters the room, so that a meeting runs while the session is held.
    pub(crate) async fn enter(&self, room: &Value) -> sfu::Session {
        let session = self.enter_media_room(id(room)).await;
        self.wait_for_status(id(room), "active_meeting").await;
        session
    }

    /// The same for any room of the media server.
    pub(crate) async fn enter_media_room(&self, name: &str) -> sfu::Session {
        let grant = sfu_protocol::VideoGrant { room_join: true, room: name.to_owned(), ..Default::default() };
        let claims = sfu_protocol::Claims {
            iss: "devkey".to_owned(),
            sub: "guest".to_owned(),
            exp: u64::MAX / 4,
            video: Some(grant),
            ..Default::default()
        };
        let options = sfu::RoomOptions {
            name: name.to_owned(),
            metadata: String::new(),
            empty_timeout: Duration::from_mins(5),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
        };
        let connect = sfu_protocol::Connect::new(sfu_protocol::Mode::Dual);
        self.sfu.join(options, claims, connect).await.unwrap()
    }

    pub(crate) async fn wait_for_status(&self, room_id: &str, status: &str) {
        eventually(async || self.get(&format!("/api/v1/rooms/{room_id}")).await.json()["status"] == status)
            .await;
    }
}

/// Asks again until the answer is yes.
pub(crate) async fn eventually(ask: impl AsyncFn() -> bool) {
    let asked = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asked).await.expect("did not happen in time");
}

pub(crate) fn id(room: &Value) -> &str {
    room["roomId"].as_str().unwrap()
}

/// The secret in one of the two links.
pub(crate) fn secret<'a>(room: &'a Value, role: &str) -> &'a str {
    room[format!("{role}Url")].as_str().unwrap().split_once("?secret=").unwrap().1
}

/// Headers of a participant.
pub(crate) fn as_participant<'a>(bearer: &'a str, role: &'a str) -> [(&'a str, &'a str); 2] {
    [("x-participant-token", bearer), ("x-participant-role", role)]
}

/// Signs claims with LiveKit's development key.
pub(crate) fn signed(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(b"secret")).unwrap()
}

/// The payload of a token, unverified.
pub(crate) fn payload(token: &str) -> Value {
    use base64::Engine;
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

pub(crate) fn error(error: &str, message: &str) -> Value {
    json!({ "error": error, "message": message })
}

pub(crate) fn invalid(problems: &[(&str, &str)]) -> Value {
    let details: Vec<Value> =
        problems.iter().map(|(field, message)| json!({ "field": field, "message": message })).collect();
    json!({ "error": "Unprocessable Entity", "message": "Invalid request", "details": details })
}

fn with_json(request: axum::http::request::Builder, body: Option<Value>) -> Request<Body> {
    // As the tutorials do, the header is sent even without a body.
    let request = request.header("content-type", "application/json");
    request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: axum::response::Response) -> Answer {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("no JSON: {} {:?}", self.status, self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, body: &Value) {
        assert_eq!((self.status.as_u16(), &self.json()), (status, body));
    }
}
