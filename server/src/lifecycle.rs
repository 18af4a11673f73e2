//! The single consumer of [`RoomEvent`]: turns what happens on the media server into state of
//! Meet's rooms (contract 6.1). Rooms that are not Meet's are none of its business.

use meet_api::RoomId;
use sfu::RoomEvent;
use tokio::sync::mpsc;

use crate::app::App;
use crate::clock::now_ms;
use crate::store::{Store, StoreError};

/// Brings rooms that were in a meeting when the last process ended to the state after it.
pub(crate) async fn recover(store: &Store) -> Result<(), StoreError> {
    for room in store.rooms_in_meeting().await? {
        tracing::info!(%room, "the last process ended during this meeting");
        store.meeting_finished(&room).await?;
    }
    Ok(())
}

/// Runs until the media server is gone.
pub async fn follow(store: Store, mut events: mpsc::Receiver<RoomEvent>) {
    while let Some(event) = events.recv().await {
        if let Err(error) = apply(&store, &event).await {
            tracing::error!(%error, ?event, "cannot record what happened in a room");
        }
    }
}

async fn apply(store: &Store, event: &RoomEvent) -> Result<(), StoreError> {
    match event {
        RoomEvent::Started { room } => {
            tracing::info!(room = room.name, "meeting started");
            store.meeting_started(&RoomId::from(room.name.as_str())).await
        }
        RoomEvent::Finished { room } => {
            tracing::info!(room = room.name, "meeting ended");
            store.meeting_finished(&RoomId::from(room.name.as_str())).await
        }
        RoomEvent::ParticipantLeft { room, participant, .. }
        | RoomEvent::ParticipantAborted { room, participant, .. } => {
            store.release_names(&RoomId::from(room.name.as_str()), &participant.identity).await
        }
        RoomEvent::ParticipantJoined { room, participant } => {
            let room = RoomId::from(room.name.as_str());
            store.keep_name(&room, &participant.name, &participant.identity, now_ms()).await
        }
        RoomEvent::TrackPublished { .. } | RoomEvent::TrackUnpublished { .. } => Ok(()),
    }
}

/// Ends the meeting of a room. What becomes of the room is decided when the media server reports
/// the end; if it knows no such room, the end has been missed and is recorded here.
pub(crate) async fn end_meeting(app: &App, room: &RoomId) -> Result<(), StoreError> {
    if app.sfu.admin(room.as_str(), sfu::Admin::Delete).await.is_none() {
        app.store.meeting_finished(room).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use meet_domain::Room;
    use meet_domain::room::{self, RoomChance};
    use sfu::Reason;
    use sfu_protocol::proto;

    use super::*;

    #[tokio::test]
    async fn a_session_that_replaced_another_keeps_its_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path()).await.expect("a database");
        let options = room::options(&serde_json::json!({}), now_ms()).expect("defaults are valid");
        let chance = RoomChance { id: 1, moderator_secret: 2, speaker_secret: 3 };
        let room = Room::new(options, now_ms(), chance);
        store.insert_room(&room).await.expect("a new room");
        let reserve = async || store.reserve_name(&room.id, "Ben", None, now_ms()).await.expect("a query");
        assert_eq!(reserve().await.as_deref(), Some("Ben"));

        let media_room = || proto::Room { name: room.id.to_string(), ..Default::default() };
        let participant =
            || proto::ParticipantInfo { identity: "Ben".into(), name: "Ben".into(), ..Default::default() };
        let left = RoomEvent::ParticipantLeft {
            room: media_room(),
            participant: participant(),
            reason: Reason::DuplicateIdentity,
        };
        let joined = RoomEvent::ParticipantJoined { room: media_room(), participant: participant() };
        apply(&store, &left).await.expect("left");
        apply(&store, &joined).await.expect("joined");
        assert_eq!(reserve().await.as_deref(), Some("Ben_1"));
        apply(&store, &left).await.expect("left");
        assert_eq!(reserve().await.as_deref(), Some("Ben"));
    }
}
