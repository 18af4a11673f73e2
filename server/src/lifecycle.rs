//! The single consumer of [`RoomEvent`]: turns what happens on the media server into state of
//! Meet's rooms (contract 6.1). Rooms that are not Meet's are none of its business.

use meet_api::RoomId;
use sfu::RoomEvent;
use tokio::sync::mpsc;

use crate::app::App;
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
        RoomEvent::ParticipantJoined { .. }
        | RoomEvent::TrackPublished { .. }
        | RoomEvent::TrackUnpublished { .. } => Ok(()),
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
