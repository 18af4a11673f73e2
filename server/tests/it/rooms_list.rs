use serde_json::{Value, json};

use crate::world::{World, error, invalid};

fn names(list: &Value) -> Vec<&str> {
    list["rooms"].as_array().unwrap().iter().map(|room| room["roomName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn no_rooms_make_an_empty_list() {
    let world = World::new().await;
    let empty = json!({ "rooms": [], "pagination": { "isTruncated": false, "maxItems": 10 } });
    world.get("/api/v1/rooms").await.assert(200, &empty);
}

#[tokio::test]
async fn pages_follow_each_other_in_order_of_ids() {
    let world = World::new().await;
    for name in ["c", "a", "B", "d", "e"] {
        world.room(name).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/rooms?maxItems=2".to_owned();
    loop {
        let page = world.get(&path).await.json();
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(token) = page["pagination"]["nextPageToken"].as_str() else {
            assert_eq!(page["pagination"]["isTruncated"], false);
            break;
        };
        assert_eq!(page["pagination"]["isTruncated"], true);
        assert_eq!(page["pagination"]["maxItems"], 2);
        path = format!("/api/v1/rooms?maxItems=2&nextPageToken={token}");
    }
    assert_eq!(seen, ["B", "a", "c", "d", "e"], "byte order");
}

#[tokio::test]
async fn a_name_filters_by_prefix_and_fields_apply_to_each_room() {
    let world = World::new().await;
    for name in ["demo one", "demo two", "other"] {
        world.room(name).await;
    }
    assert_eq!(names(&world.get("/api/v1/rooms?roomName=demo").await.json()), ["demo one", "demo two"]);
    assert_eq!(names(&world.get("/api/v1/rooms?roomName=demo%20t").await.json()), ["demo two"]);
    let list = world.get("/api/v1/rooms?roomName=oth&fields=roomName").await.json();
    assert_eq!(list["rooms"], json!([{ "roomName": "other" }]));
}

#[tokio::test]
async fn bad_queries_are_refused() {
    let world = World::new().await;
    for (query, field, message) in [
        ("maxItems=0", "maxItems", "maxItems must be a positive number"),
        ("maxItems=abc", "maxItems", "Expected number, received nan"),
        ("fields=a&fields=b", "fields", "Expected string, received array"),
        ("fields[invalid]=data", "fields", "Expected string, received object"),
        ("nextPageToken=%25", "nextPageToken", "Invalid nextPageToken"),
    ] {
        world.get(&format!("/api/v1/rooms?{query}")).await.assert(422, &invalid(&[(field, message)]));
    }
    assert_eq!(world.get("/api/v1/rooms?maxItems=1000.5").await.json()["pagination"]["maxItems"], 100);
}

#[tokio::test]
async fn participants_do_not_list_rooms() {
    let world = World::new().await;
    let room = world.room("a").await;
    let bearer = format!("Bearer {}", world.token(&room, "moderator", None).await);
    let headers = crate::world::as_participant(&bearer, "moderator");
    let answer = world.call_as(&headers, "GET", "/api/v1/rooms", None).await;
    answer.assert(401, &error("Authentication Error", "Unauthorized"));
}
