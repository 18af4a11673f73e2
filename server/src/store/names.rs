//! Names that participants hold in a room, each for one participant at a time (contract 4.6).

use std::collections::BTreeSet;

use meet_api::RoomId;
use meet_domain::participant::{folded, unique_name};

use super::{Store, StoreError};

/// A name is free again after this long, even if nobody reported that its holder left.
const LIFETIME_MS: i64 = 12 * 3_600_000;

impl Store {
    /// Reserves `wanted` or a numbered variant of it; `None` when the room is gone. Released by the
    /// identity, which is the name itself where `identity` is not given.
    pub(crate) async fn reserve_name(
        &self,
        room: &RoomId,
        wanted: &str,
        identity: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<String>, StoreError> {
        // Immediate: reading and writing must not be interleaved with another reservation.
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM rooms WHERE room_id = ?")
            .bind(room.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        if known.is_none() {
            return Ok(None);
        }
        sqlx::query("DELETE FROM participant_names WHERE room_id = ? AND expires_at <= ?")
            .bind(room.as_str())
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
        let taken: BTreeSet<String> =
            sqlx::query_scalar("SELECT folded_name FROM participant_names WHERE room_id = ?")
                .bind(room.as_str())
                .fetch_all(&mut *transaction)
                .await?
                .into_iter()
                .collect();
        let name = unique_name(wanted, &taken);
        sqlx::query(
            "INSERT INTO participant_names (room_id, folded_name, identity, expires_at) VALUES (?, ?, ?, ?)",
        )
        .bind(room.as_str())
        .bind(folded(&name))
        .bind(identity.unwrap_or(&name))
        .bind(now_ms + LIFETIME_MS)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Some(name))
    }

    /// Gives a participant who is in the meeting its name again: a session that was replaced has freed
    /// it. A name that somebody else took meanwhile stays theirs. Rooms that are not Meet's have no names.
    pub(crate) async fn keep_name(
        &self,
        room: &RoomId,
        name: &str,
        identity: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO participant_names (room_id, folded_name, identity, expires_at)
             SELECT room_id, ?, ?, ? FROM rooms WHERE room_id = ? ON CONFLICT DO NOTHING",
        )
        .bind(folded(name))
        .bind(identity)
        .bind(now_ms + LIFETIME_MS)
        .bind(room.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Frees the names that a participant held.
    pub(crate) async fn release_names(&self, room: &RoomId, identity: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM participant_names WHERE room_id = ? AND identity = ?")
            .bind(room.as_str())
            .bind(identity)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
