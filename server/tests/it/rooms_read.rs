use serde_json::json;

use crate::world::{World, as_participant, error, id, invalid, payload, secret, signed};

#[tokio::test]
async fn a_room_is_read_by_its_id_which_is_repaired() {
    let world = World::new().await;
    let room = world.room("My Room").await;
    assert_eq!(world.get(&format!("/api/v1/rooms/{}", id(&room))).await.json(), room);
    assert_eq!(world.get(&format!("/api/v1/rooms/%20!{}%20", id(&room))).await.json(), room);
    assert_eq!(world.get(&format!("/api/v1/rooms/{}/", id(&room))).await.json(), room);
}

#[tokio::test]
async fn fields_select_properties() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/api/v1/rooms/{}?fields", id(&room));
    let answer = world.get(&format!("{path}=status,roomId,nothing")).await;
    assert_eq!(answer.text, format!("{{\"status\":\"open\",\"roomId\":\"{}\"}}", id(&room)));
    assert_eq!(world.get(&format!("{path}=nothing")).await.json(), json!({}));
    assert_eq!(world.get(&format!("{path}=")).await.json(), room);
    let answer = world.get(&format!("{path}[invalid]=data")).await;
    answer.assert(422, &invalid(&[("fields", "Expected string, received object")]));
}

#[tokio::test]
async fn what_is_not_there_or_no_id_is_said() {
    let world = World::new().await;
    let answer = world.get("/api/v1/rooms/demo").await;
    answer.assert(404, &error("Room Error", "Room 'demo' does not exist"));
    let answer = world.get("/api/v1/rooms/!!-*!@$%25").await;
    answer.assert(422, &invalid(&[("roomId", "roomId cannot be empty after sanitization")]));
    let answer = world.get(&format!("/api/v1/rooms/{}", "a".repeat(101))).await;
    answer.assert(422, &invalid(&[("roomId", "roomId cannot exceed 100 characters")]));
}

#[tokio::test]
async fn a_moderator_sees_both_links_and_a_speaker_only_his() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/api/v1/rooms/{}", id(&room));

    let moderator = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let answer = world.call_as(&as_participant(&moderator, "moderator"), "GET", &path, None).await;
    answer.assert(200, &room);

    let speaker = format!("Bearer {}", world.token(&room, "speaker", Some("Eve")).await);
    let answer = world.call_as(&as_participant(&speaker, "speaker"), "GET", &path, None).await;
    let mut seen = room.clone();
    seen.as_object_mut().unwrap().remove("moderatorUrl");
    answer.assert(200, &seen);

    let path = format!("{path}?fields=moderatorUrl,speakerUrl");
    let answer = world.call_as(&as_participant(&speaker, "speaker"), "GET", &path, None).await;
    answer.assert(200, &json!({ "speakerUrl": room["speakerUrl"] }));
}

#[tokio::test]
async fn a_participant_reads_only_the_room_and_role_of_his_token() {
    let world = World::new().await;
    let (room, other) = (world.room("a").await, world.room("b").await);
    let speaker = format!("Bearer {}", world.token(&room, "speaker", None).await);
    let (path, other_path) =
        (format!("/api/v1/rooms/{}", id(&room)), format!("/api/v1/rooms/{}", id(&other)));
    let forbidden = error("Authorization Error", "Insufficient permissions to access this resource");

    let answer = world.call_as(&as_participant(&speaker, "speaker"), "GET", &other_path, None).await;
    answer.assert(403, &forbidden);
    let answer = world.call_as(&as_participant(&speaker, "moderator"), "GET", &path, None).await;
    answer.assert(403, &forbidden);
    for headers in [vec![], vec![("x-participant-role", "owner")]] {
        let headers = [vec![("x-participant-token", speaker.as_str())], headers].concat();
        let answer = world.call_as(&headers, "GET", &path, None).await;
        answer.assert(400, &error("Participant Error", "No valid participant role provided"));
    }
    // Without the exact prefix the header counts as absent.
    let lower = speaker.replacen("Bearer", "bearer", 1);
    let answer = world.call_as(&as_participant(&lower, "speaker"), "GET", &path, None).await;
    answer.assert(401, &error("Authentication Error", "Unauthorized"));
}

#[tokio::test]
async fn a_token_of_another_kind_or_past_its_time_is_refused() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/api/v1/rooms/{}", id(&room));
    let mut ours = payload(&world.token(&room, "moderator", Some("Eve")).await);
    let refused = error("Authentication Error", "Invalid token");

    let check = async |claims: &serde_json::Value| {
        let bearer = format!("Bearer {}", signed(claims));
        world.call_as(&as_participant(&bearer, "moderator"), "GET", &path, None).await
    };
    assert_eq!(check(&ours).await.status, 200);
    // What a backend makes for the media server, with all that a participant's token says.
    let kind = ours.as_object_mut().unwrap().remove("tokenKind").unwrap();
    check(&ours).await.assert(401, &refused);
    ours["tokenKind"] = "refresh".into();
    check(&ours).await.assert(401, &refused);
    ours["tokenKind"] = kind;
    ours["exp"] = 1000.into();
    check(&ours).await.assert(401, &refused);

    // A wrong API key is answered at once, a good token behind it is not tried.
    let bearer = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let headers = [as_participant(&bearer, "moderator").as_slice(), &[("x-api-key", "wrong")]].concat();
    let answer = world.call_as(&headers, "GET", &path, None).await;
    answer.assert(401, &error("Authentication Error", "Invalid API key"));
    assert_ne!(secret(&room, "moderator"), secret(&room, "speaker"));
}
