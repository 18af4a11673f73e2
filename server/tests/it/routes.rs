use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use crate::world::{API_KEY, World, error};

fn not_found() -> Value {
    error("Path Not Found", "API path not implemented")
}

#[tokio::test]
async fn health_is_plain_text_for_any_method() {
    let world = World::new().await;
    for method in ["GET", "POST"] {
        let answer = world.call_as(&[], method, "/health", None).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "OK"));
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_not_found() {
    let world = World::new().await;
    for (method, path) in [
        ("POST", "/api/v1"),
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v2/rooms"),
        ("PUT", "/api/v1/rooms"),
        ("PATCH", "/api/v1/rooms/a"),
        ("GET", "/api/v1/rooms/a/b"),
        ("GET", "/internal-api/v1/nothing"),
        ("GET", "/internal-api/v1/participants/token"),
        ("POST", "/nothing"),
        ("DELETE", "/"),
    ] {
        let answer = world.call(method, path, None).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, not_found()), "{method} {path}");
    }
}

#[tokio::test]
async fn a_malformed_body_is_refused_before_anything_else() {
    let world = World::new().await;
    for (path, text) in [
        ("/api/v1/rooms", "{"),
        ("/api/v1/rooms", "\"scalar\""),
        ("/api/v1/nothing", "{a:1}"),
        ("/nothing", "]"),
    ] {
        // No credentials: authentication comes later.
        let request = Request::post(path).header("content-type", "application/json; charset=utf-8");
        let answer = world.send(request.body(Body::from(text)).unwrap()).await;
        answer.assert(400, &error("Bad Request", "Malformed body"));
    }
}

#[tokio::test]
async fn a_body_of_more_than_100_kb_is_refused() {
    let world = World::new().await;
    let send = async |size: usize| {
        let body = format!("{{\"x\":\"{}\"}}", "a".repeat(size));
        let request = Request::post("/api/v1/rooms").header("x-api-key", API_KEY);
        world.send(request.header("content-type", "application/json").body(Body::from(body)).unwrap()).await
    };
    assert_eq!(send(100 * 1024 - 8).await.status, 201);
    let answer = send(100 * 1024).await;
    answer.assert(413, &error("Payload Too Large", "Body exceeds 100 kB"));
}

#[tokio::test]
async fn any_site_may_call_by_default() {
    let world = World::new().await;
    let headers = [
        ("origin", "https://host.example"),
        ("access-control-request-method", "DELETE"),
        ("access-control-request-headers", "x-api-key"),
    ];
    let answer = world.call_as(&headers, "OPTIONS", "/api/v1/rooms", None).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-headers"), "x-api-key");
    assert!(answer.header("access-control-allow-methods").contains("DELETE"));
    let answer = world.call_as(&[("origin", "https://host.example")], "GET", "/api/v1/rooms", None).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("access-control-allow-origin"), "*", "errors can be read too");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn one_origin_can_be_configured_or_none() {
    let world = World::with(&[("SERVER_CORS_ORIGIN", "https://host.example")]).await;
    let answer = world.get("/api/v1/rooms").await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://host.example");
    assert_eq!(answer.header("vary"), "origin");
    let world = World::with(&[("SERVER_CORS_ORIGIN", "")]).await;
    assert_eq!(world.get("/api/v1/rooms").await.header("access-control-allow-origin"), "");
}
