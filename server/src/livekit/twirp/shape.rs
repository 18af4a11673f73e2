//! Proto JSON as LiveKit's server writes it: names in snake_case and every field present. The
//! serializer of `livekit-protocol` writes camelCase and leaves defaults out, so answers are
//! completed by these tables, one per message, fields in the order of their numbers.

use serde_json::{Map, Value};

/// What stands for a field that has its default value.
pub(super) enum Kind {
    Text,
    Number,
    /// 64-bit numbers are written as text.
    Long,
    Bool,
    Enum(&'static str),
    List,
    Map,
    /// `null` when absent.
    Object(&'static Shape),
    Objects(&'static Shape),
}

/// The fields of a message.
pub(super) struct Shape(pub(super) &'static [(&'static str, Kind)]);

impl Shape {
    /// The same message with all its fields.
    pub(super) fn complete(&self, value: Value) -> Value {
        let Value::Object(mut given) = value else { return value };
        let mut members = Map::new();
        for (name, kind) in self.0 {
            let value = given.remove(&camel(name));
            members.insert((*name).to_owned(), kind.complete(value));
        }
        Value::Object(members)
    }
}

impl Kind {
    fn complete(&self, value: Option<Value>) -> Value {
        match (self, value) {
            (Kind::Object(shape), Some(value)) => shape.complete(value),
            (Kind::Objects(shape), Some(Value::Array(items))) => {
                items.into_iter().map(|item| shape.complete(item)).collect()
            }
            (_, Some(value)) => value,
            (Kind::Text, None) => "".into(),
            (Kind::Number, None) => 0.into(),
            (Kind::Long, None) => "0".into(),
            (Kind::Bool, None) => false.into(),
            (Kind::Enum(name), None) => (*name).into(),
            (Kind::List | Kind::Objects(_), None) => Value::Array(Vec::new()),
            (Kind::Map, None) => Value::Object(Map::new()),
            (Kind::Object(_), None) => Value::Null,
        }
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

use Kind::{Bool, Enum, List, Long, Number, Object, Objects, Text};

pub(super) const EMPTY: Shape = Shape(&[]);
pub(super) const ROOMS: Shape = Shape(&[("rooms", Objects(&ROOM))]);
pub(super) const PARTICIPANTS: Shape = Shape(&[("participants", Objects(&PARTICIPANT))]);
pub(super) const MUTED_TRACK: Shape = Shape(&[("track", Object(&TRACK))]);

pub(super) const ROOM: Shape = Shape(&[
    ("sid", Text),
    ("name", Text),
    ("empty_timeout", Number),
    ("departure_timeout", Number),
    ("max_participants", Number),
    ("creation_time", Long),
    ("creation_time_ms", Long),
    ("turn_password", Text),
    ("enabled_codecs", Objects(&CODEC)),
    ("metadata", Text),
    ("num_participants", Number),
    ("num_publishers", Number),
    ("active_recording", Bool),
    ("version", Object(&VERSION)),
]);

pub(super) const PARTICIPANT: Shape = Shape(&[
    ("sid", Text),
    ("identity", Text),
    ("state", Enum("JOINING")),
    ("tracks", Objects(&TRACK)),
    ("metadata", Text),
    ("joined_at", Long),
    ("joined_at_ms", Long),
    ("name", Text),
    ("version", Number),
    ("permission", Object(&PERMISSION)),
    ("region", Text),
    ("is_publisher", Bool),
    ("kind", Enum("STANDARD")),
    ("attributes", Kind::Map),
    ("disconnect_reason", Enum("UNKNOWN_REASON")),
    ("kind_details", List),
    ("data_tracks", List),
    ("client_protocol", Number),
    ("capabilities", List),
]);

const PERMISSION: Shape = Shape(&[
    ("can_subscribe", Bool),
    ("can_publish", Bool),
    ("can_publish_data", Bool),
    ("can_publish_sources", List),
    ("hidden", Bool),
    ("recorder", Bool),
    ("can_update_metadata", Bool),
    ("agent", Bool),
    ("can_subscribe_metrics", Bool),
    ("can_manage_agent_session", Bool),
]);

const TRACK: Shape = Shape(&[
    ("sid", Text),
    ("type", Enum("AUDIO")),
    ("name", Text),
    ("muted", Bool),
    ("width", Number),
    ("height", Number),
    ("simulcast", Bool),
    ("disable_dtx", Bool),
    ("source", Enum("UNKNOWN")),
    ("layers", Objects(&LAYER)),
    ("mime_type", Text),
    ("mid", Text),
    ("codecs", Objects(&TRACK_CODEC)),
    ("stereo", Bool),
    ("disable_red", Bool),
    ("encryption", Enum("NONE")),
    ("stream", Text),
    ("version", Object(&VERSION)),
    ("audio_features", List),
    ("backup_codec_policy", Enum("PREFER_REGRESSION")),
    ("packet_trailer_features", List),
]);

const TRACK_CODEC: Shape = Shape(&[
    ("mime_type", Text),
    ("mid", Text),
    ("cid", Text),
    ("layers", Objects(&LAYER)),
    ("video_layer_mode", Enum("MODE_UNUSED")),
    ("sdp_cid", Text),
]);

const LAYER: Shape = Shape(&[
    ("quality", Enum("LOW")),
    ("width", Number),
    ("height", Number),
    ("bitrate", Number),
    ("ssrc", Number),
    ("spatial_layer", Number),
    ("rid", Text),
    ("repair_ssrc", Number),
]);

const CODEC: Shape = Shape(&[("mime", Text), ("fmtp_line", Text)]);
const VERSION: Shape = Shape(&[("unix_micro", Long), ("ticks", Number)]);

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sfu_protocol::proto;

    use super::*;

    #[test]
    fn every_field_is_there_in_snake_case() {
        let room = proto::Room {
            name: "a".to_owned(),
            creation_time: 7,
            enabled_codecs: vec![proto::Codec { mime: "video/VP8".to_owned(), ..Default::default() }],
            ..Default::default()
        };
        let room = ROOM.complete(serde_json::to_value(room).unwrap());
        assert_eq!(room["creation_time"], "7");
        assert_eq!(room["num_participants"], 0);
        assert_eq!(room["enabled_codecs"], json!([{ "mime": "video/VP8", "fmtp_line": "" }]));
        assert_eq!(room["version"], Value::Null);
    }

    #[test]
    fn nothing_that_was_set_gets_lost() {
        let participant = proto::ParticipantInfo {
            attributes: [("snake_key".to_owned(), "v".to_owned())].into(),
            permission: Some(proto::ParticipantPermission { can_publish: true, ..Default::default() }),
            tracks: vec![proto::TrackInfo {
                r#type: proto::TrackType::Video.into(),
                codecs: vec![proto::SimulcastCodecInfo {
                    layers: vec![proto::VideoLayer {
                        quality: proto::VideoQuality::High.into(),
                        ..Default::default()
                    }],
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let participant = PARTICIPANT.complete(serde_json::to_value(participant).unwrap());
        assert_eq!(participant["attributes"]["snake_key"], "v");
        assert_eq!(participant["permission"]["can_publish"], true);
        assert_eq!(participant["tracks"][0]["type"], "VIDEO");
        assert_eq!(participant["tracks"][0]["codecs"][0]["layers"][0]["quality"], "HIGH");
        assert_eq!(participant["tracks"][0]["source"], "UNKNOWN");
    }

    #[test]
    fn defaults_of_enums_are_their_zeros() {
        assert_eq!(proto::TrackSource::try_from(0).unwrap().as_str_name(), "UNKNOWN");
        assert_eq!(proto::BackupCodecPolicy::try_from(0).unwrap().as_str_name(), "PREFER_REGRESSION");
        assert_eq!(proto::video_layer::Mode::try_from(0).unwrap().as_str_name(), "MODE_UNUSED");
        assert_eq!(proto::participant_info::State::try_from(0).unwrap().as_str_name(), "JOINING");
        assert_eq!(proto::DisconnectReason::try_from(0).unwrap().as_str_name(), "UNKNOWN_REASON");
        assert_eq!(proto::encryption::Type::try_from(0).unwrap().as_str_name(), "NONE");
    }
}
