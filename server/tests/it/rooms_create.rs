use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::{API_KEY, World, error, id, invalid};

#[tokio::test]
async fn a_room_is_made_with_all_defaults_from_nothing() {
    let world = World::new().await;
    let request =
        Request::post("/api/v1/rooms").header("x-api-key", API_KEY).header("host", "meet.example.org");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let room = answer.json();
    assert_eq!(room["roomName"], "Room");
    assert!(id(&room).starts_with("Room-") && id(&room).len() == 20, "{room}");
    assert_eq!(answer.header("location"), format!("http://meet.example.org/api/v1/rooms/{}", id(&room)));
    for role in ["moderator", "speaker"] {
        let link = room[format!("{role}Url")].as_str().unwrap();
        let prefix = format!("http://meet.example.org/room/{}?secret=", id(&room));
        assert!(link.starts_with(&prefix) && link.len() == prefix.len() + 10, "{link}");
    }
    assert_ne!(room["moderatorUrl"], room["speakerUrl"]);
    assert_eq!(room["status"], "open");
    assert_eq!(room["meetingEndAction"], "none");
    assert!(room.get("autoDeletionDate").is_none(), "absent values are left out");
    assert_eq!(
        room["config"],
        json!({
            "recording": { "enabled": true, "allowAccessTo": "admin_moderator_speaker" },
            "chat": { "enabled": true },
            "virtualBackground": { "enabled": true },
        })
    );
    assert_eq!(
        room["autoDeletionPolicy"],
        json!({ "withMeeting": "when_meeting_ends", "withRecordings": "close" })
    );
}

#[tokio::test]
async fn a_full_request_comes_back_as_it_was() {
    let world = World::with(&[("MEET_BASE_URL", "https://meet.example.org/")]).await;
    let body = json!({
        "roomName": " Weekly Sync ",
        "autoDeletionDate": 4_102_444_800_000_i64,
        "autoDeletionPolicy": { "withMeeting": "force", "withRecordings": "force" },
        "config": {
            "recording": { "enabled": false },
            "chat": { "enabled": false },
            "virtualBackground": { "enabled": true },
        },
    });
    let answer = world.call("POST", "/api/v1/rooms", Some(body.clone())).await;
    let room = answer.json();
    assert_eq!(answer.status, 201);
    assert_eq!(room["roomName"], "Weekly Sync");
    assert!(id(&room).starts_with("WeeklySync-"));
    for key in ["autoDeletionDate", "autoDeletionPolicy", "config"] {
        assert_eq!(room[key], body[key], "{key}");
    }
    assert!(room["speakerUrl"].as_str().unwrap().starts_with("https://meet.example.org/room/"));
    assert_eq!(world.get(&format!("/api/v1/rooms/{}", id(&room))).await.json(), room);
}

#[tokio::test]
async fn every_problem_of_a_body_is_reported() {
    let world = World::new().await;
    let body = json!({ "roomName": 5, "config": { "chat": {} } });
    let answer = world.call("POST", "/api/v1/rooms", Some(body)).await;
    answer.assert(
        422,
        &invalid(&[
            ("roomName", "Expected string, received number"),
            ("config.recording", "Required"),
            ("config.chat.enabled", "Required"),
            ("config.virtualBackground", "Required"),
        ]),
    );
    let answer = world.call("POST", "/api/v1/rooms", Some(json!([]))).await;
    answer.assert(422, &invalid(&[("", "Expected object, received array")]));
}

#[tokio::test]
async fn only_the_api_key_makes_rooms() {
    let world = World::new().await;
    let room = world.room("a").await;
    let token = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let refused = |message| error("Authentication Error", message);
    for (headers, message) in [
        (vec![], "Unauthorized"),
        (vec![("x-api-key", "wrong")], "Invalid API key"),
        (vec![("x-api-key", "")], "Unauthorized"),
        (vec![("x-participant-token", token.as_str()), ("x-participant-role", "moderator")], "Unauthorized"),
        // A token of another kind is no access token.
        (vec![("authorization", token.as_str())], "Invalid token"),
        (vec![("authorization", "Basic abc")], "Unauthorized"),
    ] {
        let answer = world.call_as(&headers, "POST", "/api/v1/rooms", Some(json!({}))).await;
        answer.assert(401, &refused(message));
    }
    let count = world.get("/api/v1/rooms").await.json()["rooms"].as_array().unwrap().len();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn without_any_api_key_the_answer_says_so() {
    let world = World::with(&[("MEET_INITIAL_API_KEY", "")]).await;
    let answer = world.call("POST", "/api/v1/rooms", None).await;
    let message = "There are no API keys configured yet. Please, create one to access the API";
    answer.assert(401, &error("Authentication Error", message));
}

#[tokio::test]
async fn a_form_is_read_like_json() {
    let world = World::new().await;
    let request = Request::post("/api/v1/rooms")
        .header("x-api-key", API_KEY)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("roomName=My+Room"))
        .unwrap();
    let answer = world.send(request).await;
    assert_eq!(answer.json()["roomName"], "My Room");
}

#[tokio::test]
async fn a_foreign_content_type_counts_as_no_body() {
    let world = World::new().await;
    let request = Request::post("/api/v1/rooms")
        .header("x-api-key", API_KEY)
        .header("content-type", "text/plain")
        .body(Body::from("{\"roomName\":\"My Room\"}"))
        .unwrap();
    assert_eq!(world.send(request).await.json()["roomName"], "Room");
}
