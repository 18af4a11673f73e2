use serde_json::json;

use crate::world::{World, as_participant, error, eventually, id, invalid};

async fn is_gone(world: &World, room_id: &str) -> bool {
    world.get(&format!("/api/v1/rooms/{room_id}")).await.status == 404
}

#[tokio::test]
async fn an_idle_room_is_deleted_at_once() {
    let world = World::new().await;
    let room = world.room("a").await;
    let room_id = id(&room);
    let path = format!("/api/v1/rooms/{room_id}");
    let message = format!("Room '{room_id}' deleted successfully");
    world
        .call("DELETE", &path, None)
        .await
        .assert(200, &json!({ "successCode": "room_deleted", "message": message }));
    assert!(is_gone(&world, room_id).await);
    let missing = error("Room Error", &format!("Room '{room_id}' does not exist"));
    world.call("DELETE", &path, None).await.assert(404, &missing);
}

#[tokio::test]
async fn a_running_meeting_refuses_deletion_by_default() {
    let world = World::new().await;
    let room = world.room("a").await;
    let _session = world.enter(&room).await;
    let message = format!("Room '{}' cannot be deleted because it has an active meeting.", id(&room));
    for query in ["", "?withMeeting=fail&withRecordings=force"] {
        let answer = world.call("DELETE", &format!("/api/v1/rooms/{}{query}", id(&room)), None).await;
        answer.assert(409, &error("room_has_active_meeting", &message));
    }
}

#[tokio::test]
async fn a_forced_deletion_ends_the_meeting() {
    let world = World::new().await;
    let room = world.room("a").await;
    let mut session = world.enter(&room).await;
    let answer = world.call("DELETE", &format!("/api/v1/rooms/{}?withMeeting=force", id(&room)), None).await;
    let message = format!("Room '{}' with active meeting deleted successfully", id(&room));
    answer.assert(200, &json!({ "successCode": "room_with_active_meeting_deleted", "message": message }));
    // The participant is told, then the socket ends.
    let mut was_told = false;
    while let Some(message) = session.responses.recv().await {
        if let sfu::SessionMessage::Signal(response) = message {
            was_told |=
                matches!(response.message, Some(sfu_protocol::proto::signal_response::Message::Leave(_)));
        }
    }
    assert!(was_told);
    eventually(async || is_gone(&world, id(&room)).await).await;
}

#[tokio::test]
async fn a_scheduled_deletion_waits_for_the_end_of_the_meeting() {
    let world = World::new().await;
    let mut room = world.room("a").await;
    let _session = world.enter(&room).await;
    let path = format!("/api/v1/rooms/{}?withMeeting=when_meeting_ends", id(&room));
    let answer = world.call("DELETE", &path, None).await;
    let room_id = id(&room).to_owned();
    room["status"] = "active_meeting".into();
    room["meetingEndAction"] = "delete".into();
    answer.assert(
        202,
        &json!({
            "successCode": "room_with_active_meeting_scheduled_to_be_deleted",
            "message": format!("Room '{room_id}' with active meeting scheduled to be deleted when the meeting ends"),
            "room": room,
        }),
    );
    assert_eq!(world.get(&format!("/api/v1/rooms/{room_id}")).await.json()["meetingEndAction"], "delete");
    world.sfu.admin(&room_id, sfu::Admin::Delete).await.unwrap().unwrap();
    eventually(async || is_gone(&world, &room_id).await).await;
}

#[tokio::test]
async fn a_meeting_that_ends_leaves_the_room_open() {
    let world = World::new().await;
    let room = world.room("a").await;
    let _session = world.enter(&room).await;
    world.sfu.admin(id(&room), sfu::Admin::Delete).await.unwrap().unwrap();
    world.wait_for_status(id(&room), "open").await;
}

#[tokio::test]
async fn bad_policies_and_callers_are_refused() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/api/v1/rooms/{}", id(&room));
    let answer = world.call("DELETE", &format!("{path}?withMeeting=now&withRecordings=x"), None).await;
    answer.assert(
        422,
        &invalid(&[
            (
                "withMeeting",
                "Invalid enum value. Expected 'force' | 'when_meeting_ends' | 'fail', received 'now'",
            ),
            ("withRecordings", "Invalid enum value. Expected 'force' | 'close' | 'fail', received 'x'"),
        ]),
    );
    let bearer = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let unauthorized = error("Authentication Error", "Unauthorized");
    for headers in [&[][..], &as_participant(&bearer, "moderator")] {
        world.call_as(headers, "DELETE", &path, None).await.assert(401, &unauthorized);
    }
    assert!(!is_gone(&world, id(&room)).await);
}

#[tokio::test]
async fn many_rooms_are_deleted_and_failures_reported() {
    let world = World::new().await;
    let (idle, busy) = (world.room("a").await, world.room("b").await);
    let _session = world.enter(&busy).await;
    let path = format!("/api/v1/rooms?roomIds={},%20!{},{},zzz,!!", id(&idle), id(&idle), id(&busy));
    let answer = world.call("DELETE", &path, None).await;
    answer.assert(
        400,
        &json!({
            "message": "2 room(s) failed to process while deleting",
            "successful": [{
                "roomId": id(&idle),
                "successCode": "room_deleted",
                "message": format!("Room '{}' deleted successfully", id(&idle)),
            }],
            "failed": [
                {
                    "roomId": id(&busy),
                    "error": "room_has_active_meeting",
                    "message": format!("Room '{}' cannot be deleted because it has an active meeting.", id(&busy)),
                },
                { "roomId": "zzz", "error": "Room Error", "message": "Room 'zzz' does not exist" },
            ],
        }),
    );
    let scheduled = format!("/api/v1/rooms?roomIds={}&withMeeting=when_meeting_ends", id(&busy));
    let answer = world.call("DELETE", &scheduled, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["message"], "All rooms successfully processed for deletion");
    assert_eq!(answer.json()["successful"][0]["room"]["meetingEndAction"], "delete");
    assert!(answer.json().get("failed").is_none());
}

#[tokio::test]
async fn deleting_nothing_is_refused() {
    let world = World::new().await;
    let nothing = "At least one valid roomId is required after sanitization";
    for (query, message) in [("", "Required"), ("?roomIds=", nothing), ("?roomIds=,,!", nothing)] {
        let answer = world.call("DELETE", &format!("/api/v1/rooms{query}"), None).await;
        answer.assert(422, &invalid(&[("roomIds", message)]));
    }
    let answer = world.call_as(&[], "DELETE", "/api/v1/rooms?roomIds=a", None).await;
    answer.assert(401, &error("Authentication Error", "Unauthorized"));
}
