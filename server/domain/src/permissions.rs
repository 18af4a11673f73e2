//! What a role may do (contract 4.5) and which role a secret stands for.

use meet_api::{LivekitPermissions, MeetPermissions, Role, RolePermissions, RoleWithPermissions, RoomId};

/// The rights of a role within the product; they do not depend on the room's config.
pub fn meet(role: Role) -> MeetPermissions {
    MeetPermissions {
        can_record: role == Role::Moderator,
        can_chat: true,
        can_change_virtual_background: true,
    }
}

/// The rights on the media server, the same for both roles.
pub fn livekit(room: &RoomId) -> LivekitPermissions {
    LivekitPermissions {
        room_join: true,
        room: room.clone(),
        can_publish: true,
        can_subscribe: true,
        can_publish_data: true,
        can_update_own_metadata: true,
    }
}

pub fn of(role: Role, room: &RoomId) -> RoleWithPermissions {
    RoleWithPermissions {
        role,
        permissions: RolePermissions { livekit: livekit(room), openvidu: meet(role) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_moderators_record() {
        assert!(meet(Role::Moderator).can_record);
        assert!(!meet(Role::Speaker).can_record);
        assert_eq!(of(Role::Speaker, &RoomId::from("a")).permissions.livekit.room.as_str(), "a");
    }
}
