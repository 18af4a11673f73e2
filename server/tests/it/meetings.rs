use serde_json::json;

use crate::world::{API_KEY, World, as_participant, error, eventually, id};

const FORBIDDEN: &str = "Insufficient permissions to access this resource";

#[tokio::test]
async fn a_moderator_ends_the_meeting_for_everybody() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/internal-api/v1/meetings/{}", id(&room));
    let token = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let ended = json!({ "message": format!("Meeting in room '{}' ended successfully", id(&room)) });

    let _guest = world.enter(&room).await;
    world.call_as(&as_participant(&token, "moderator"), "DELETE", &path, None).await.assert(200, &ended);
    world.wait_for_status(id(&room), "open").await;
    assert!(world.sfu.participants(id(&room)).await.is_none());
    world.call_as(&as_participant(&token, "moderator"), "DELETE", &path, None).await.assert(200, &ended);
}

#[tokio::test]
async fn a_moderator_kicks_a_participant() {
    let world = World::new().await;
    let room = world.room("a").await;
    let path = format!("/internal-api/v1/meetings/{}/participants", id(&room));
    let token = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let moderator = as_participant(&token, "moderator");
    let nobody = |name: &str| {
        error("Participant Error", &format!("Participant '{name}' not found in room '{}'", id(&room)))
    };

    world.call_as(&moderator, "DELETE", &format!("{path}/guest"), None).await.assert(404, &nobody("guest"));
    let _guest = world.enter(&room).await;
    world.call_as(&moderator, "DELETE", &format!("{path}/An%20na"), None).await.assert(404, &nobody("An na"));
    let kicked = format!("Participant 'guest' kicked successfully from room '{}'", id(&room));
    world
        .call_as(&moderator, "DELETE", &format!("{path}/guest"), None)
        .await
        .assert(200, &json!({ "message": kicked }));
    eventually(async || world.sfu.participants(id(&room)).await.unwrap_or_default().is_empty()).await;
}

#[tokio::test]
async fn nobody_else_ends_meetings_or_kicks() {
    let world = World::new().await;
    let (room, other) = (world.room("a").await, world.room("b").await);
    let _guest = world.enter(&room).await;
    let speaker = format!("Bearer {}", world.token(&room, "speaker", None).await);
    let foreign = format!("Bearer {}", world.token(&other, "moderator", None).await);
    let base = format!("/internal-api/v1/meetings/{}", id(&room));
    for path in [base.clone(), format!("{base}/participants/guest")] {
        let delete = async |headers: &[(&str, &str)]| world.call_as(headers, "DELETE", &path, None).await;
        let forbidden = error("Authorization Error", FORBIDDEN);
        delete(&as_participant(&speaker, "speaker")).await.assert(403, &forbidden);
        delete(&as_participant(&speaker, "moderator")).await.assert(403, &forbidden);
        delete(&as_participant(&foreign, "moderator")).await.assert(403, &forbidden);
        assert_eq!(delete(&[]).await.status, 401);
        assert_eq!(delete(&[("x-api-key", API_KEY)]).await.status, 401);
        assert_eq!(delete(&as_participant("Bearer nonsense", "moderator")).await.status, 401);
        assert_eq!(delete(&[("x-participant-token", &foreign)]).await.status, 400);
    }
    assert_eq!(world.sfu.participants(id(&room)).await.map(|all| all.len()), Some(1));
}

#[tokio::test]
async fn a_deleted_room_has_no_meeting_to_end() {
    let world = World::new().await;
    let room = world.room("a").await;
    let token = format!("Bearer {}", world.token(&room, "moderator", None).await);
    assert_eq!(world.call("DELETE", &format!("/api/v1/rooms/{}", id(&room)), None).await.status, 200);
    let missing = error("Room Error", &format!("Room '{}' does not exist", id(&room)));
    let path = format!("/internal-api/v1/meetings/{}", id(&room));
    for path in [path.clone(), format!("{path}/participants/guest")] {
        world
            .call_as(&as_participant(&token, "moderator"), "DELETE", &path, None)
            .await
            .assert(404, &missing);
    }
}
