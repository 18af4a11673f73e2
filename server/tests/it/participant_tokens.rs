use serde_json::{Value, json};

use crate::world::{World, error, eventually, id, invalid, payload, secret, signed};

const PATH: &str = "/internal-api/v1/participants/token";
const REFRESH: &str = "/internal-api/v1/participants/token/refresh";

fn metadata(token: &Value) -> Value {
    serde_json::from_str(token["metadata"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_with_a_name_opens_the_media_room() {
    let world = World::new().await;
    let room = world.room("a").await;
    let token = payload(&world.token(&room, "moderator", Some("Alice")).await);
    assert_eq!(token["iss"], "devkey");
    assert_eq!((&token["sub"], &token["name"]), (&json!("Alice"), &json!("Alice")));
    assert_eq!(token["exp"].as_u64().unwrap() - token["nbf"].as_u64().unwrap(), 7200);
    assert_eq!(
        token["video"],
        json!({
            "roomJoin": true, "room": id(&room), "canPublish": true, "canSubscribe": true,
            "canPublishData": true, "canUpdateOwnMetadata": true,
        })
    );
    assert_eq!(
        metadata(&token),
        json!({
            "livekitUrl": "ws://localhost:9080",
            "roles": [{
                "role": "moderator",
                "permissions": { "canRecord": true, "canChat": true, "canChangeVirtualBackground": true },
            }],
            "selectedRole": "moderator",
        })
    );
}

#[tokio::test]
async fn a_token_without_a_name_does_not_join() {
    let world = World::with(&[("LIVEKIT_URL", "wss://live.example.org")]).await;
    let room = world.room("a").await;
    let token = payload(&world.token(&room, "speaker", None).await);
    assert_eq!(token["video"]["roomJoin"], false);
    assert!(token.get("sub").is_none());
    assert_eq!(metadata(&token)["selectedRole"], "speaker");
    assert_eq!(metadata(&token)["livekitUrl"], "wss://live.example.org");
    assert_eq!(world.get(&format!("/api/v1/rooms/{}", id(&room))).await.json()["status"], "open");
}

#[tokio::test]
async fn equal_names_are_told_apart_per_room() {
    let world = World::new().await;
    let (room, other) = (world.room("a").await, world.room("b").await);
    let mut names = Vec::new();
    for name in ["Alice", "alice", "ALICE"] {
        names.push(payload(&world.token(&room, "speaker", Some(name)).await)["sub"].clone());
    }
    assert_eq!(names, ["Alice", "alice_1", "ALICE_2"]);
    assert_eq!(payload(&world.token(&other, "speaker", Some("Alice")).await)["sub"], "Alice");
}

#[tokio::test]
async fn twenty_equal_names_at_once_are_all_different() {
    let world = World::new().await;
    let room = world.room("a").await;
    let tokens = (0..20).map(|_| world.token(&room, "speaker", Some("Guest")));
    let mut names: Vec<String> = futures_util::future::join_all(tokens)
        .await
        .iter()
        .map(|token| payload(token)["sub"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 20, "{names:?}");
}

#[tokio::test]
async fn a_name_is_free_again_when_its_meeting_is_over() {
    let world = World::new().await;
    let room = world.room("a").await;
    world.token(&room, "speaker", Some("Alice")).await;
    let _session = world.enter(&room).await;
    world.sfu.admin(id(&room), sfu::Admin::Delete).await.unwrap().unwrap();
    world.wait_for_status(id(&room), "open").await;
    assert_eq!(payload(&world.token(&room, "speaker", Some("Alice")).await)["sub"], "Alice");
}

#[tokio::test]
async fn an_identity_of_the_callers_own_is_kept() {
    let world = World::new().await;
    let room = world.room("a").await;
    let body = json!({
        "roomId": id(&room), "secret": secret(&room, "speaker"),
        "participantName": "Alice", "participantIdentity": "user-7",
    });
    let answer = world.call_as(&[], "POST", PATH, Some(body)).await;
    let token = payload(answer.json()["token"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["name"]), (&json!("user-7"), &json!("Alice")));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_order() {
    let world = World::new().await;
    let room = world.room("a").await;
    let post = async |body: Value| world.call_as(&[], "POST", PATH, Some(body)).await;
    post(json!({})).await.assert(422, &invalid(&[("roomId", "Required"), ("secret", "Required")]));
    let empty = json!({ "roomId": "zzz", "secret": "" });
    post(empty).await.assert(422, &invalid(&[("secret", "Secret is required")]));
    let unknown = json!({ "roomId": "zzz", "secret": "x" });
    post(unknown).await.assert(404, &error("Room Error", "Room 'zzz' does not exist"));
    let message = format!("Secret 'x' is not recognized for room '{}'", id(&room));
    post(json!({ "roomId": id(&room), "secret": "x" })).await.assert(400, &error("Room Error", &message));
}

#[tokio::test]
async fn the_api_key_is_no_way_into_a_room() {
    let world = World::new().await;
    let room = world.room("a").await;
    let answer = world.call("POST", PATH, Some(json!({ "roomId": id(&room), "secret": "guess" }))).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_refreshed_token_gains_the_role_of_the_secret() {
    let world = World::new().await;
    let room = world.room("a").await;
    let old = world.token(&room, "speaker", None).await;
    let body = json!({ "roomId": id(&room), "secret": secret(&room, "moderator") });
    let bearer = format!("Bearer {old}");
    let answer = world.call_as(&[("x-participant-token", &bearer)], "POST", REFRESH, Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = payload(answer.json()["token"].as_str().unwrap());
    let roles: Vec<Value> =
        metadata(&token)["roles"].as_array().unwrap().iter().map(|role| role["role"].clone()).collect();
    assert_eq!(roles, ["speaker", "moderator"]);
    assert_eq!(metadata(&token)["selectedRole"], "moderator");
}

#[tokio::test]
async fn a_connected_participant_refreshes_an_expired_token() {
    let world = World::new().await;
    let room = world.room("a").await;
    let mut old = payload(&world.token(&room, "speaker", Some("guest")).await);
    let _session = world.enter(&room).await;
    eventually(async || !world.sfu.participants(id(&room)).await.unwrap_or_default().is_empty()).await;
    old["exp"] = 1000.into();
    let bearer = format!("Bearer {}", signed(&old));
    let body = json!({
        "roomId": id(&room), "secret": secret(&room, "speaker"),
        "participantName": "guest", "participantIdentity": "guest",
    });
    let answer = world.call_as(&[("x-participant-token", &bearer)], "POST", REFRESH, Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let token = payload(answer.json()["token"].as_str().unwrap());
    assert_eq!(token["video"]["roomJoin"], true);
    assert_eq!(token["sub"], "guest");
}

#[tokio::test]
async fn refreshing_needs_a_token_of_this_room_and_participant() {
    let world = World::new().await;
    let (room, other) = (world.room("a").await, world.room("b").await);
    let own = format!("Bearer {}", world.token(&room, "speaker", Some("Alice")).await);
    let foreign = format!("Bearer {}", world.token(&other, "moderator", None).await);
    let body = |extra: Value| {
        let mut body = json!({ "roomId": id(&room), "secret": secret(&room, "speaker") });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    let failure = |message: &str| error("Participant Error", message);
    let named = json!({ "participantName": "Alice" });
    let absent = json!({ "participantName": "Alice", "participantIdentity": "Alice" });
    let stolen = json!({ "participantName": "Bob", "participantIdentity": "Bob" });
    let missing = format!("Participant 'Alice' not found in room '{}'", id(&room));
    for (bearer, extra, status, message) in [
        ("", json!({}), 400, "No participant token provided"),
        ("Bearer garbage", json!({}), 400, "Invalid participant token"),
        (foreign.as_str(), json!({}), 400, "Invalid participant token"),
        (own.as_str(), named, 400, "No participant identity provided"),
        (own.as_str(), stolen, 400, "Invalid participant token"),
        (own.as_str(), absent, 404, missing.as_str()),
    ] {
        let answer =
            world.call_as(&[("x-participant-token", bearer)], "POST", REFRESH, Some(body(extra))).await;
        answer.assert(status, &failure(message));
    }
}
