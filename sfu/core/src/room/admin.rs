//! Commands of administrators (contract livekit.md 6.1) and the end of a room.

use sfu_protocol::proto::{DisconnectReason, leave_request};

use super::participant::Key;
use super::signal::apply_metadata;
use super::{Admin, AdminError, Identity, Now, Output, Room, RoomEvent};

impl Room {
    pub fn admin(&mut self, command: Admin, now: Now) -> Result<(), AdminError> {
        self.now = now;
        match command {
            Admin::Delete => self.close(DisconnectReason::RoomDeleted),
            Admin::Shutdown => self.close(DisconnectReason::ServerShutdown),
            Admin::Remove { identity } => {
                let key = self.key_of(&identity)?;
                self.remove(
                    key,
                    DisconnectReason::ParticipantRemoved,
                    Some(leave_request::Action::Disconnect),
                );
            }
            Admin::MuteTrack { identity, track_sid, muted } => {
                let key = self.key_of(&identity)?;
                if !muted {
                    return Err(AdminError::RemoteUnmute);
                }
                if !self.mute(key, &track_sid, muted, true) {
                    return Err(AdminError::NoTrack);
                }
            }
            Admin::UpdateParticipant { identity, name, metadata, attributes, permission } => {
                let key = self.key_of(&identity)?;
                if let Some(participant) = self.participants.get_mut(&key) {
                    apply_metadata(
                        participant,
                        name.unwrap_or_default(),
                        metadata.unwrap_or_default(),
                        attributes,
                    );
                }
                if let Some(permission) = permission {
                    self.set_permission(key, permission);
                }
                self.changed(key);
            }
            Admin::UpdateMetadata { metadata } => {
                self.options.metadata = metadata;
                self.tell_room();
            }
            Admin::SendData { topic, payload, reliable, destination_identities } => {
                self.send_data(topic, &payload, reliable, destination_identities);
            }
        }
        Ok(())
    }

    fn key_of(&self, identity: &Identity) -> Result<Key, AdminError> {
        self.participants
            .values()
            .find(|participant| participant.identity == *identity)
            .map(|participant| participant.key)
            .ok_or(AdminError::NoParticipant)
    }

    /// Everybody out; nothing happens afterwards.
    pub(super) fn close(&mut self, reason: DisconnectReason) {
        if self.finished {
            return;
        }
        for key in self.keys() {
            self.remove(key, reason, Some(leave_request::Action::Disconnect));
        }
        self.finished = true;
        let room = self.info();
        self.event(RoomEvent::Finished { room });
        self.outputs.push_back(Output::Finished);
    }
}
