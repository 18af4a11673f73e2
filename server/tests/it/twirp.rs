use axum::body::Body;
use axum::http::Request;
use prost::Message;
use serde_json::{Value, json};
use sfu_protocol::proto;
use tower::ServiceExt;

use crate::world::{Answer, World, signed};

const LATER: u64 = u64::MAX / 4;

fn token(grant: Value) -> String {
    signed(&json!({ "iss": "devkey", "sub": "backend", "exp": LATER, "video": grant }))
}

fn all() -> String {
    token(json!({ "roomCreate": true, "roomList": true, "roomAdmin": true, "room": "a" }))
}

async fn post(
    world: &World,
    token: &str,
    method: &str,
    content_type: &str,
    body: Vec<u8>,
) -> axum::response::Response {
    let request = Request::post(format!("/twirp/livekit.{method}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", content_type)
        .body(Body::from(body))
        .unwrap();
    world.livekit.clone().oneshot(request).await.unwrap()
}

async fn call(world: &World, token: &str, method: &str, body: Value) -> Answer {
    let method = format!("RoomService/{method}");
    Answer::of(post(world, token, &method, "application/json;charset=UTF-8", body.to_string().into()).await)
        .await
}

fn failure(code: &str, message: &str) -> Value {
    json!({ "code": code, "msg": message })
}

#[tokio::test]
async fn rooms_are_made_listed_and_deleted() {
    let world = World::new().await;
    let room =
        call(&world, &all(), "CreateRoom", json!({ "name": "a", "emptyTimeout": 60, "max_participants": 3 }))
            .await;
    assert_eq!(room.status, 200, "{}", room.text);
    let room = room.json();
    assert!(room["sid"].as_str().unwrap().starts_with("RM_"));
    assert_eq!((&room["empty_timeout"], &room["max_participants"]), (&json!(60), &json!(3)));
    assert!(room["creation_time"].is_string(), "64-bit numbers are text");

    let again = call(&world, &all(), "CreateRoom", json!({ "name": "a", "metadata": "new" })).await.json();
    assert_eq!((&again["sid"], &again["metadata"]), (&room["sid"], &json!("new")));

    let list = call(&world, &all(), "ListRooms", json!({})).await.json();
    assert_eq!(list["rooms"].as_array().unwrap().len(), 1);
    let none = call(&world, &all(), "ListRooms", json!({ "names": ["b"] })).await;
    none.assert(200, &json!({ "rooms": [] }));

    call(&world, &all(), "DeleteRoom", json!({ "room": "a" })).await.assert(200, &json!({}));
    let gone = failure("not_found", "requested room does not exist");
    call(&world, &all(), "DeleteRoom", json!({ "room": "b" })).await.assert(404, &gone);
}

#[tokio::test]
async fn protobuf_is_answered_in_protobuf() {
    let world = World::new().await;
    let question = proto::CreateRoomRequest { name: "a".to_owned(), ..Default::default() }.encode_to_vec();
    let response = post(&world, &all(), "RoomService/CreateRoom", "application/protobuf", question).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/protobuf");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(proto::Room::decode(bytes).unwrap().name, "a");
}

#[tokio::test]
async fn participants_are_read_changed_and_removed() {
    let world = World::new().await;
    let mut session = world.enter_media_room("a").await;
    let info =
        call(&world, &all(), "GetParticipant", json!({ "room": "a", "identity": "guest" })).await.json();
    assert_eq!((&info["identity"], &info["metadata"]), (&json!("guest"), &json!("")));
    let list = call(&world, &all(), "ListParticipants", json!({ "room": "a" })).await.json();
    assert_eq!(list["participants"][0]["sid"], info["sid"]);

    let change = json!({ "room": "a", "identity": "guest", "metadata": "m", "attributes": { "k": "v" } });
    let changed = call(&world, &all(), "UpdateParticipant", change).await.json();
    assert_eq!((&changed["metadata"], &changed["attributes"]), (&json!("m"), &json!({ "k": "v" })));

    let room =
        call(&world, &all(), "UpdateRoomMetadata", json!({ "room": "a", "metadata": "r" })).await.json();
    assert_eq!(room["metadata"], "r");

    let nobody = failure("not_found", "participant does not exist");
    let absent = json!({ "room": "a", "identity": "nobody" });
    call(&world, &all(), "GetParticipant", absent.clone()).await.assert(404, &nobody);
    call(&world, &all(), "RemoveParticipant", absent).await.assert(404, &nobody);
    let track = json!({ "room": "a", "identity": "guest", "track_sid": "TR_x", "muted": true });
    call(&world, &all(), "MutePublishedTrack", track)
        .await
        .assert(404, &failure("not_found", "track is not found"));

    let removal = json!({ "room": "a", "identity": "guest" });
    call(&world, &all(), "RemoveParticipant", removal).await.assert(200, &json!({}));
    while session.responses.recv().await.is_some() {}
}

#[tokio::test]
async fn without_the_grant_every_method_is_refused() {
    let world = World::new().await;
    let denied = failure("unauthenticated", "permissions denied");
    let of_other_room = token(json!({ "roomAdmin": true, "room": "b" }));
    let joining = token(json!({ "roomJoin": true, "room": "a" }));
    for token in [&of_other_room, &joining] {
        for (method, body) in [
            ("CreateRoom", json!({ "name": "a" })),
            ("ListRooms", json!({})),
            ("DeleteRoom", json!({ "room": "a" })),
            ("ListParticipants", json!({ "room": "a" })),
            ("GetParticipant", json!({ "room": "a", "identity": "x" })),
            ("RemoveParticipant", json!({ "room": "a", "identity": "x" })),
            ("MutePublishedTrack", json!({ "room": "a", "identity": "x" })),
            ("UpdateParticipant", json!({ "room": "a", "identity": "x" })),
            ("SendData", json!({ "room": "a" })),
            ("UpdateRoomMetadata", json!({ "room": "a" })),
        ] {
            let answer = call(&world, token, method, body).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (401, denied.clone()), "{method}");
        }
    }
    let request =
        Request::post("/twirp/livekit.RoomService/ListRooms").header("content-type", "application/json");
    let response = world.livekit.clone().oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    Answer::of(response).await.assert(401, &denied);
    assert_eq!(call(&world, "garbage", "ListRooms", json!({})).await.json()["code"], "unauthenticated");
}

#[tokio::test]
async fn a_moderators_token_does_not_administer() {
    let world = World::new().await;
    let room = world.room("a").await;
    let token = world.token(&room, "moderator", Some("Eve")).await;
    let answer = call(&world, &token, "DeleteRoom", json!({ "room": room["roomId"] })).await;
    answer.assert(401, &failure("unauthenticated", "permissions denied"));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_twirps_words() {
    let world = World::new().await;
    let answer = call(&world, &all(), "PerformRpc", json!({})).await;
    answer.assert(501, &failure("unimplemented", "PerformRpc is not implemented"));
    for (path, content_type, status, code) in [
        ("Egress/StartEgress", "application/json", 501, "unimplemented"),
        ("Nothing/Do", "application/json", 404, "bad_route"),
        ("RoomService/ListRooms", "text/plain", 404, "bad_route"),
        ("RoomService/CreateRoom", "application/json", 400, "malformed"),
        ("RoomService/CreateRoom", "application/protobuf", 400, "malformed"),
    ] {
        let answer = Answer::of(post(&world, &all(), path, content_type, b"\xff{".to_vec()).await).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &json!(code)), "{path}");
    }
    let answer = call(&world, &all(), "CreateRoom", json!({})).await;
    answer.assert(400, &failure("invalid_argument", "no room name"));
}
