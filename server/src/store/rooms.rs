//! Rooms. Enums are stored as the words of the API, the config as its JSON.

use meet_api::{AutoDeletionPolicy, MeetingEndAction, RoomId, RoomSecret, RoomStatus};
use meet_domain::Room;
use meet_domain::meeting::{self, AfterMeeting};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Store, StoreError};

/// Some rooms in order of their ids, and whether there are more behind them.
pub(crate) struct Page {
    pub(crate) rooms: Vec<Room>,
    pub(crate) is_truncated: bool,
}

impl Store {
    pub(crate) async fn insert_room(&self, room: &Room) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO rooms (room_id, room_name, creation_date, auto_deletion_date, with_meeting, with_recordings, \
             config, moderator_secret, speaker_secret, status, meeting_end_action) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(room.id.as_str())
        .bind(&room.name)
        .bind(room.creation_date_ms)
        .bind(room.auto_deletion_date_ms)
        .bind(word(room.auto_deletion_policy.with_meeting))
        .bind(word(room.auto_deletion_policy.with_recordings))
        .bind(serde_json::to_string(&room.config).map_err(unreadable)?)
        .bind(room.moderator_secret.reveal())
        .bind(room.speaker_secret.reveal())
        .bind(word(room.status))
        .bind(word(room.meeting_end_action))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(crate) async fn room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        room(&mut connection, id).await
    }

    /// Rooms whose id starts with `prefix` and comes after `after`, at most `limit`.
    pub(crate) async fn rooms(
        &self,
        prefix: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM rooms WHERE room_id > ?1 AND substr(room_id, 1, length(?2)) = ?2 \
             ORDER BY room_id LIMIT ?3",
        )
        .bind(after.unwrap_or_default())
        .bind(prefix.unwrap_or_default())
        .bind(i64::from(limit) + 1)
        .fetch_all(&self.pool)
        .await?;
        let is_truncated = rows.len() > limit as usize;
        let rooms = rows.iter().take(limit as usize).map(read).collect::<Result<_, _>>()?;
        Ok(Page { rooms, is_truncated })
    }

    /// False when there is no such room or it has a meeting.
    pub(crate) async fn delete_idle_room(&self, id: &RoomId) -> Result<bool, StoreError> {
        let result = sqlx::query("DELETE FROM rooms WHERE room_id = ? AND status <> ?")
            .bind(id.as_str())
            .bind(word(RoomStatus::ActiveMeeting))
            .execute(&self.pool)
            .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Sets what happens when the running meeting ends. `None` when no meeting is running.
    pub(crate) async fn set_end_action(
        &self,
        id: &RoomId,
        action: MeetingEndAction,
    ) -> Result<Option<Room>, StoreError> {
        let row = sqlx::query(
            "UPDATE rooms SET meeting_end_action = ? WHERE room_id = ? AND status = ? RETURNING *",
        )
        .bind(word(action))
        .bind(id.as_str())
        .bind(word(RoomStatus::ActiveMeeting))
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Sets the status of a room without a meeting. `None` when there is no such room or it has one.
    pub(crate) async fn close_room(&self, id: &RoomId) -> Result<Option<Room>, StoreError> {
        let row = sqlx::query("UPDATE rooms SET status = ? WHERE room_id = ? AND status <> ? RETURNING *")
            .bind(word(RoomStatus::Closed))
            .bind(id.as_str())
            .bind(word(RoomStatus::ActiveMeeting))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Records that a meeting runs; nothing happens for a room that is not ours.
    pub(crate) async fn meeting_started(&self, id: &RoomId) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(found) = room(&mut transaction, id).await? {
            let (status, action) = meeting::started(found.status, found.meeting_end_action);
            set_state(&mut transaction, id, status, action).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Applies the pending action and frees all names; nothing happens for a room that is not ours.
    pub(crate) async fn meeting_finished(&self, id: &RoomId) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let Some(found) = room(&mut transaction, id).await? else { return Ok(()) };
        match meeting::finished(found.meeting_end_action) {
            AfterMeeting::Keep(status) => {
                set_state(&mut transaction, id, status, MeetingEndAction::None).await?;
                sqlx::query("DELETE FROM participant_names WHERE room_id = ?")
                    .bind(id.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
            AfterMeeting::Delete => {
                sqlx::query("DELETE FROM rooms WHERE room_id = ?")
                    .bind(id.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Ids of the rooms that are marked as having a meeting.
    pub(crate) async fn rooms_in_meeting(&self) -> Result<Vec<RoomId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar("SELECT room_id FROM rooms WHERE status = ?")
            .bind(word(RoomStatus::ActiveMeeting))
            .fetch_all(&self.pool)
            .await?;
        Ok(ids.into_iter().map(RoomId::from).collect())
    }
}

async fn room(connection: &mut SqliteConnection, id: &RoomId) -> Result<Option<Room>, StoreError> {
    let row = sqlx::query("SELECT * FROM rooms WHERE room_id = ?")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

async fn set_state(
    connection: &mut SqliteConnection,
    id: &RoomId,
    status: RoomStatus,
    action: MeetingEndAction,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE rooms SET status = ?, meeting_end_action = ? WHERE room_id = ?")
        .bind(word(status))
        .bind(word(action))
        .bind(id.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Room, StoreError> {
    Ok(Room {
        id: RoomId::from(row.try_get::<String, _>("room_id")?),
        name: row.try_get("room_name")?,
        creation_date_ms: row.try_get("creation_date")?,
        auto_deletion_date_ms: row.try_get("auto_deletion_date")?,
        auto_deletion_policy: AutoDeletionPolicy {
            with_meeting: parse_word(row.try_get("with_meeting")?)?,
            with_recordings: parse_word(row.try_get("with_recordings")?)?,
        },
        config: serde_json::from_str(row.try_get("config")?).map_err(unreadable)?,
        moderator_secret: RoomSecret::from(row.try_get::<String, _>("moderator_secret")?),
        speaker_secret: RoomSecret::from(row.try_get::<String, _>("speaker_secret")?),
        status: parse_word(row.try_get("status")?)?,
        meeting_end_action: parse_word(row.try_get("meeting_end_action")?)?,
    })
}

/// The word by which the API names a member of an enum.
fn word<T: Serialize>(member: T) -> String {
    match serde_json::to_value(member) {
        Ok(serde_json::Value::String(word)) => word,
        other => unreachable!("enums of the API serialize as words, not {other:?}"),
    }
}

fn parse_word<T: DeserializeOwned>(word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> StoreError {
    StoreError::Row { table: "rooms", reason: error.to_string() }
}
