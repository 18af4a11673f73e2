//! The checks before a signalling socket opens.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::{Answer, World, id, signed};

const LATER: u64 = u64::MAX / 4;

fn joining(room: &str) -> Value {
    json!({ "iss": "devkey", "sub": "alice", "exp": LATER, "video": { "roomJoin": true, "room": room } })
}

async fn get(world: &World, path: &str, bearer: Option<&str>) -> Answer {
    let mut request = Request::get(path).header("origin", "https://host.example");
    if let Some(bearer) = bearer {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    let response = world.livekit.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    Answer::of(response).await
}

#[tokio::test]
async fn livekits_port_says_that_it_lives() {
    let world = World::new().await;
    let answer = get(&world, "/", None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "OK"));
    let head = Request::head("/").body(Body::empty()).unwrap();
    assert_eq!(world.livekit.clone().oneshot(head).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_good_token_validates_from_header_or_query() {
    let world = World::new().await;
    let token = signed(&joining("any-room"));
    for (path, bearer) in [
        (format!("/rtc/validate?access_token={token}"), None),
        (format!("//rtc/validate?access_token={token}"), None),
        ("/rtc/validate".to_owned(), Some(token.as_str())),
        // The header wins.
        ("/rtc/validate?access_token=garbage".to_owned(), Some(token.as_str())),
    ] {
        let answer = get(&world, &path, bearer).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "success"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let answer = get(&world, &format!("/rtc/validate?access_token={token}"), Some("garbage")).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn the_single_form_needs_its_join_request() {
    let world = World::new().await;
    let token = signed(&joining("any-room"));
    let request = sfu_protocol::join_request::encode(&sfu_protocol::Connect::new(sfu_protocol::Mode::Single));
    let request: String = form_urlencoded::byte_serialize(request.as_bytes()).collect();
    let answer = get(&world, &format!("/rtc/v1/validate?join_request={request}"), Some(&token)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "success"));
    for path in ["/rtc/v1/validate", "/rtc/v1/validate?join_request=garbage!"] {
        assert_eq!(get(&world, path, Some(&token)).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_in_plain_text() {
    let world = World::new().await;
    let with = |change: fn(&mut Value)| {
        let mut claims = joining("a");
        change(&mut claims);
        signed(&claims)
    };
    for (token, status, text) in [
        (with(|claims| claims["video"]["roomJoin"] = false.into()), 401, "permissions denied"),
        (with(|claims| claims["iss"] = "other".into()), 401, "invalid API key: other"),
        (with(|claims| claims["exp"] = 1000.into()), 401, "invalid token: ExpiredSignature"),
        (with(|claims| drop(claims.as_object_mut().unwrap().remove("exp"))), 401, "invalid token: "),
        (with(|claims| claims["tokenKind"] = "access".into()), 401, "invalid token: "),
        (with(|claims| claims["video"]["room"] = "".into()), 400, "no room name"),
        (with(|claims| claims["sub"] = "".into()), 400, "identity cannot be empty"),
        (
            with(|claims| claims["sub"] = "x".repeat(257).into()),
            400,
            "room name or identity exceeds 256 bytes",
        ),
    ] {
        let answer = get(&world, "/rtc/validate", Some(&token)).await;
        assert_eq!(answer.status, status, "{text}");
        assert!(answer.text.starts_with(text), "{} is not {text}", answer.text);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let answer = get(&world, "/rtc/validate", None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (401, "no token provided"));
}

#[tokio::test]
async fn what_is_no_websocket_is_not_found() {
    let world = World::new().await;
    let token = signed(&joining("a"));
    for path in ["/rtc", "/rtc/v1"] {
        let answer = get(&world, path, Some(&token)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn a_participants_token_is_good_while_its_room_is_there() {
    let world = World::new().await;
    let room = world.room("a").await;
    let token = world.token(&room, "speaker", Some("Alice")).await;
    let reading = world.token(&room, "speaker", None).await;
    assert_eq!(get(&world, "/rtc/validate", Some(&token)).await.status, 200);
    assert_eq!(get(&world, "/rtc/validate", Some(&reading)).await.status, 401, "it does not join");
    world.call("DELETE", &format!("/api/v1/rooms/{}", id(&room)), None).await;
    let answer = get(&world, "/rtc/validate", Some(&token)).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (404, "requested room does not exist"));
}

#[tokio::test]
async fn livekits_routes_are_also_on_the_web_port() {
    let world = World::new().await;
    let token = signed(&joining("a"));
    let answer = world.call_as(&[], "GET", &format!("/rtc/validate?access_token={token}"), None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "success"));
}

#[tokio::test]
async fn a_preflight_allows_the_authorization_header() {
    let world = World::new().await;
    let headers = [
        ("origin", "https://host.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    let answer = world.call_as(&headers, "OPTIONS", "/rtc/validate", None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-headers"), "authorization");
    assert_eq!(answer.header("access-control-max-age"), "86400");
}
