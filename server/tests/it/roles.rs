use serde_json::json;

use crate::world::{World, error, id, secret};

#[tokio::test]
async fn both_roles_are_listed_moderator_first() {
    let world = World::new().await;
    let room = world.room("a").await;
    let answer =
        world.call_as(&[], "GET", &format!("/internal-api/v1/rooms/{}/roles", id(&room)), None).await;
    let livekit = json!({
        "roomJoin": true, "room": id(&room), "canPublish": true, "canSubscribe": true,
        "canPublishData": true, "canUpdateOwnMetadata": true,
    });
    let openvidu =
        |records: bool| json!({ "canRecord": records, "canChat": true, "canChangeVirtualBackground": true });
    answer.assert(
        200,
        &json!([
            { "role": "moderator", "permissions": { "livekit": livekit, "openvidu": openvidu(true) } },
            { "role": "speaker", "permissions": { "livekit": livekit, "openvidu": openvidu(false) } },
        ]),
    );
}

#[tokio::test]
async fn a_secret_tells_its_role() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/internal-api/v1/rooms/{}/roles", id(&room));
    for role in ["moderator", "speaker"] {
        let answer = world.call_as(&[], "GET", &format!("{path}/{}", secret(&room, role)), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["role"]), (200, &json!(role)));
    }
    let message = format!("Secret 'no' is not recognized for room '{}'", id(&room));
    world.call_as(&[], "GET", &format!("{path}/no"), None).await.assert(400, &error("Room Error", &message));
    let missing = error("Room Error", "Room 'zzz' does not exist");
    for path in ["/internal-api/v1/rooms/zzz/roles", "/internal-api/v1/rooms/zzz/roles/no"] {
        world.call_as(&[], "GET", path, None).await.assert(404, &missing);
    }
}
