//! A room as it is kept, and how it comes to be (contract 1.3).

use meet_api::{
    AutoDeletionPolicy, Feature, MeetRoom, MeetingEndAction, Problem, RecordingAccess, RecordingConfig, Role,
    RoomConfig, RoomId, RoomSecret, RoomStatus, WithMeeting, WithRecordings,
};
use serde_json::Value;

use crate::input::{Field, Object, Problems};
use crate::name;

/// Shortest time between creation of a room and its deletion date.
const MIN_LEAD_MS: f64 = 3_600_000.0;
/// Longest name, in UTF-16 units, before it is repaired.
const MAX_NAME_LENGTH: usize = 50;
const DEFAULT_NAME: &str = "Room";

/// A room with its secrets.
#[derive(Clone, PartialEq, Debug)]
pub struct Room {
    pub id: RoomId,
    pub name: String,
    pub creation_date_ms: i64,
    pub auto_deletion_date_ms: Option<i64>,
    pub auto_deletion_policy: AutoDeletionPolicy,
    pub config: RoomConfig,
    pub moderator_secret: RoomSecret,
    pub speaker_secret: RoomSecret,
    pub status: RoomStatus,
    pub meeting_end_action: MeetingEndAction,
}

/// What the creator of a room asked for, checked and with defaults filled in.
#[derive(Clone, PartialEq, Debug)]
pub struct RoomOptions {
    pub name: String,
    pub auto_deletion_date_ms: Option<i64>,
    pub auto_deletion_policy: AutoDeletionPolicy,
    pub config: RoomConfig,
}

/// The randomness a new room needs.
#[derive(Clone, Copy, Debug)]
pub struct RoomChance {
    pub id: u128,
    pub moderator_secret: u64,
    pub speaker_secret: u64,
}

impl Room {
    pub fn new(options: RoomOptions, now_ms: i64, chance: RoomChance) -> Room {
        Room {
            id: name::new_room_id(&options.name, chance.id),
            name: options.name,
            creation_date_ms: now_ms,
            auto_deletion_date_ms: options.auto_deletion_date_ms,
            auto_deletion_policy: options.auto_deletion_policy,
            config: options.config,
            moderator_secret: name::new_secret(chance.moderator_secret),
            speaker_secret: name::new_secret(chance.speaker_secret),
            status: RoomStatus::Open,
            meeting_end_action: MeetingEndAction::None,
        }
    }

    /// Path and query of the link for a role; the base is prepended on every read (0.2).
    pub fn link(&self, role: Role) -> String {
        let secret = match role {
            Role::Moderator => &self.moderator_secret,
            Role::Speaker => &self.speaker_secret,
        };
        format!("/room/{}?secret={}", self.id, secret.reveal())
    }

    /// The room as the API shows it; `base` has no trailing slash.
    pub fn view(&self, base: &str) -> MeetRoom {
        MeetRoom {
            room_id: self.id.clone(),
            room_name: self.name.clone(),
            creation_date: self.creation_date_ms,
            auto_deletion_date: self.auto_deletion_date_ms,
            auto_deletion_policy: self.auto_deletion_policy,
            config: self.config.clone(),
            moderator_url: Some(format!("{base}{}", self.link(Role::Moderator))),
            speaker_url: format!("{base}{}", self.link(Role::Speaker)),
            status: self.status,
            meeting_end_action: self.meeting_end_action,
        }
    }

    /// The room as somebody in `role` may see it.
    pub fn view_as(&self, role: Role, base: &str) -> MeetRoom {
        let mut room = self.view(base);
        if role == Role::Speaker {
            room.moderator_url = None;
        }
        room
    }
}

/// Checks the body of `POST /api/v1/rooms`.
pub fn options(body: &Value, now_ms: i64) -> Result<RoomOptions, Vec<Problem>> {
    let mut problems = Problems::new();
    let options = Field::root(body).object(&mut problems).map(|body| RoomOptions {
        name: room_name(&body, &mut problems),
        auto_deletion_date_ms: auto_deletion_date(&body, now_ms, &mut problems),
        auto_deletion_policy: body
            .optional("autoDeletionPolicy")
            .and_then(|field| auto_deletion_policy(&field, &mut problems))
            .unwrap_or_default(),
        config: body.optional("config").and_then(|field| config(&field, &mut problems)).unwrap_or_default(),
    });
    problems.finish(options)
}

fn room_name(body: &Object<'_>, problems: &mut Problems) -> String {
    let Some(field) = body.optional("roomName") else { return DEFAULT_NAME.to_owned() };
    let Some(name) = field.string(problems) else { return String::new() };
    if name.encode_utf16().count() > MAX_NAME_LENGTH {
        problems.push(&field.path, "roomName cannot exceed 50 characters");
    }
    name::sanitize_name(name)
}

fn auto_deletion_date(body: &Object<'_>, now_ms: i64, problems: &mut Problems) -> Option<i64> {
    let field = body.optional("autoDeletionDate")?;
    let date = field.number(problems)?;
    if date <= 0.0 {
        problems.push(&field.path, "autoDeletionDate must be a positive integer");
    }
    if date < now_ms as f64 + MIN_LEAD_MS {
        problems.push(&field.path, "autoDeletionDate must be at least 1h in the future");
    }
    Some(date as i64)
}

fn auto_deletion_policy(field: &Field<'_>, problems: &mut Problems) -> Option<AutoDeletionPolicy> {
    let object = field.object(problems)?;
    let (meeting, recordings) = (object.field("withMeeting"), object.field("withRecordings"));
    let with_meeting = meeting.one_of(WITH_MEETING, problems);
    let with_recordings = recordings.one_of(WITH_RECORDINGS, problems);
    let policy = AutoDeletionPolicy { with_meeting: with_meeting?, with_recordings: with_recordings? };
    if policy.with_meeting == WithMeeting::Fail {
        problems.push(&meeting.path, "FAIL policy is not allowed for withMeeting auto-deletion policy");
    }
    if policy.with_recordings == WithRecordings::Fail {
        problems.push(&recordings.path, "FAIL policy is not allowed for withRecordings auto-deletion policy");
    }
    Some(policy)
}

/// Checks a whole room config; all three members are required.
pub fn config(field: &Field<'_>, problems: &mut Problems) -> Option<RoomConfig> {
    let object = field.object(problems)?;
    let recording = recording_config(&object.field("recording"), problems);
    let chat = feature(&object.field("chat"), problems);
    let virtual_background = feature(&object.field("virtualBackground"), problems);
    Some(RoomConfig { recording: recording?, chat: chat?, virtual_background: virtual_background? })
}

fn feature(field: &Field<'_>, problems: &mut Problems) -> Option<Feature> {
    let enabled = field.object(problems)?.field("enabled").boolean(problems)?;
    Some(Feature { enabled })
}

fn recording_config(field: &Field<'_>, problems: &mut Problems) -> Option<RecordingConfig> {
    let object = field.object(problems)?;
    let before = problems.len();
    let enabled = object.field("enabled").boolean(problems);
    let access = object.optional("allowAccessTo").and_then(|field| field.one_of(RECORDING_ACCESS, problems));
    if problems.len() == before && enabled == Some(true) && access.is_none() {
        let field = object.field("allowAccessTo");
        problems.push(&field.path, "allowAccessTo is required when recording is enabled");
    }
    Some(RecordingConfig { enabled: enabled?, allow_access_to: access })
}

pub(crate) const WITH_MEETING: &[(&str, WithMeeting)] = &[
    ("force", WithMeeting::Force),
    ("when_meeting_ends", WithMeeting::WhenMeetingEnds),
    ("fail", WithMeeting::Fail),
];

pub(crate) const WITH_RECORDINGS: &[(&str, WithRecordings)] =
    &[("force", WithRecordings::Force), ("close", WithRecordings::Close), ("fail", WithRecordings::Fail)];

const RECORDING_ACCESS: &[(&str, RecordingAccess)] = &[
    ("admin", RecordingAccess::Admin),
    ("admin_moderator", RecordingAccess::AdminModerator),
    ("admin_moderator_speaker", RecordingAccess::AdminModeratorSpeaker),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_767_225_600_000;

    #[test]
    fn an_empty_body_means_all_defaults() {
        let options = options(&json!({}), NOW).unwrap();
        assert_eq!(options.name, "Room");
        assert_eq!(options.auto_deletion_date_ms, None);
        assert_eq!(options.auto_deletion_policy, AutoDeletionPolicy::default());
        assert_eq!(
            serde_json::to_value(&options.config).unwrap(),
            json!({
                "recording": { "enabled": true, "allowAccessTo": "admin_moderator_speaker" },
                "chat": { "enabled": true },
                "virtualBackground": { "enabled": true },
            })
        );
    }

    #[test]
    fn a_full_body_is_taken_over_and_unknown_keys_are_dropped() {
        let body = json!({
            "roomName": "  Weekly *Sync ",
            "autoDeletionDate": NOW + 3_600_000,
            "autoDeletionPolicy": { "withMeeting": "force", "withRecordings": "close", "extra": 1 },
            "config": {
                "chat": { "enabled": false },
                "virtualBackground": { "enabled": false },
                "recording": { "enabled": false },
            },
            "maxParticipants": "many",
        });
        let options = options(&body, NOW).unwrap();
        assert_eq!(options.name, "Weekly Sync");
        assert_eq!(options.auto_deletion_date_ms, Some(NOW + 3_600_000));
        assert_eq!(options.auto_deletion_policy.with_meeting, WithMeeting::Force);
        assert!(!options.config.chat.enabled);
        assert_eq!(options.config.recording.allow_access_to, None);
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        let wide = json!({ "enabled": true });
        let past = "autoDeletionDate must be at least 1h in the future";
        let wrong_policy =
            "Invalid enum value. Expected 'force' | 'when_meeting_ends' | 'fail', received 'later'";
        let wrong_access = "Invalid enum value. Expected 'admin' | 'admin_moderator' | 'admin_moderator_speaker', received 'all'";
        let cases: Vec<(Value, Vec<(&str, &str)>)> = vec![
            (json!([]), vec![("", "Expected object, received array")]),
            (json!({ "roomName": 1 }), vec![("roomName", "Expected string, received number")]),
            (json!({ "roomName": true }), vec![("roomName", "Expected string, received boolean")]),
            (json!({ "roomName": null }), vec![("roomName", "Expected string, received null")]),
            (
                json!({ "roomName": "a".repeat(51) }),
                vec![("roomName", "roomName cannot exceed 50 characters")],
            ),
            (
                json!({ "autoDeletionDate": -1 }),
                vec![
                    ("autoDeletionDate", "autoDeletionDate must be a positive integer"),
                    ("autoDeletionDate", past),
                ],
            ),
            (json!({ "autoDeletionDate": NOW + 3_599_999 }), vec![("autoDeletionDate", past)]),
            (
                json!({ "autoDeletionDate": "soon" }),
                vec![("autoDeletionDate", "Expected number, received string")],
            ),
            (
                json!({ "autoDeletionDate": null }),
                vec![("autoDeletionDate", "Expected number, received null")],
            ),
            (
                json!({ "autoDeletionPolicy": "force" }),
                vec![("autoDeletionPolicy", "Expected object, received string")],
            ),
            (
                json!({ "autoDeletionPolicy": {} }),
                vec![
                    ("autoDeletionPolicy.withMeeting", "Required"),
                    ("autoDeletionPolicy.withRecordings", "Required"),
                ],
            ),
            (
                // A cross-field rule is not evaluated while a member is badly typed.
                json!({ "autoDeletionPolicy": { "withMeeting": "later", "withRecordings": "fail" } }),
                vec![("autoDeletionPolicy.withMeeting", wrong_policy)],
            ),
            (
                json!({ "autoDeletionPolicy": { "withMeeting": "fail", "withRecordings": "fail" } }),
                vec![
                    (
                        "autoDeletionPolicy.withMeeting",
                        "FAIL policy is not allowed for withMeeting auto-deletion policy",
                    ),
                    (
                        "autoDeletionPolicy.withRecordings",
                        "FAIL policy is not allowed for withRecordings auto-deletion policy",
                    ),
                ],
            ),
            (json!({ "config": "all" }), vec![("config", "Expected object, received string")]),
            (
                json!({ "config": {} }),
                vec![
                    ("config.recording", "Required"),
                    ("config.chat", "Required"),
                    ("config.virtualBackground", "Required"),
                ],
            ),
            (
                json!({ "config": { "recording": { "enabled": "yes" }, "chat": {}, "virtualBackground": true } }),
                vec![
                    ("config.recording.enabled", "Expected boolean, received string"),
                    ("config.chat.enabled", "Required"),
                    ("config.virtualBackground", "Expected object, received boolean"),
                ],
            ),
            (
                json!({ "config": { "recording": wide, "chat": wide, "virtualBackground": wide } }),
                vec![(
                    "config.recording.allowAccessTo",
                    "allowAccessTo is required when recording is enabled",
                )],
            ),
            (
                json!({ "config": {
                    "recording": { "enabled": true, "allowAccessTo": "all" },
                    "chat": wide,
                    "virtualBackground": wide,
                } }),
                vec![("config.recording.allowAccessTo", wrong_access)],
            ),
            (
                json!({ "roomName": 1, "autoDeletionDate": true, "config": 2 }),
                vec![
                    ("roomName", "Expected string, received number"),
                    ("autoDeletionDate", "Expected number, received boolean"),
                    ("config", "Expected object, received number"),
                ],
            ),
        ];
        for (body, expected) in cases {
            let expected: Vec<Problem> =
                expected.into_iter().map(|(field, text)| Problem::new(field, text)).collect();
            assert_eq!(options(&body, NOW).unwrap_err(), expected, "{body}");
        }
    }

    #[test]
    fn a_speaker_never_sees_the_moderator_link() {
        let chance = RoomChance { id: 7, moderator_secret: 1, speaker_secret: 2 };
        let room = Room::new(options(&json!({ "roomName": "My Room" }), NOW).unwrap(), NOW, chance);
        let base = "https://meet.example.org";
        let link = "https://meet.example.org/room/MyRoom-700000000000000?secret=";
        assert_eq!(room.view(base).moderator_url, Some(format!("{link}0000000001")));
        assert_eq!(room.view_as(Role::Moderator, base), room.view(base));
        let seen = room.view_as(Role::Speaker, base);
        assert_eq!(seen.moderator_url, None);
        assert_eq!(seen.speaker_url, format!("{link}0000000002"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            Just(Value::from("force")),
        ];
        let key = prop_oneof![
            Just("roomName".to_owned()),
            Just("autoDeletionDate".to_owned()),
            Just("autoDeletionPolicy".to_owned()),
            Just("withMeeting".to_owned()),
            Just("config".to_owned()),
            Just("recording".to_owned()),
            Just("enabled".to_owned()),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_body_gives_options_or_problems(body in any_json()) {
            match options(&body, NOW) {
                Ok(options) => prop_assert!(options.auto_deletion_date_ms.is_none_or(|date| date > NOW)),
                Err(problems) => prop_assert!(!problems.is_empty()),
            }
        }
    }
}
