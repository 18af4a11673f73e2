//! Ids, objects and messages of OpenVidu Meet's HTTP API, shared by server and app.
//!
//! Everything here is wire format (contract rest-api.md): property names, their order and which of
//! them are omitted matter. Rules live in `meet-domain`. Compiles to WebAssembly.

pub mod deletion;
pub mod embedding;
pub mod error;
pub mod ids;
pub mod page;
pub mod participant;
pub mod role;
pub mod room;

pub use deletion::{
    BulkDeletion, BulkFailure, BulkSuccess, DeletionCode, DeletionRefusal, RoomDeletion, WithMeeting,
    WithRecordings,
};
pub use error::{ErrorBody, Problem};
pub use ids::{ParticipantIdentity, RoomId, RoomSecret};
pub use page::{Pagination, RoomList};
pub use participant::{MemberMetadata, MetadataRole, Token, TokenRequest};
pub use role::{LivekitPermissions, MeetPermissions, Role, RolePermissions, RoleWithPermissions};
pub use room::{
    AutoDeletionPolicy, CreateRoom, Feature, MeetRoom, MeetingEndAction, RecordingAccess, RecordingConfig,
    RoomConfig, RoomStatus,
};
