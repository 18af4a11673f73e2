//! The messages between frame and parent (contract embedding.md 6.1, 6.2).

use meet_api::embedding::{Command, Event};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

/// What the parent hears.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Told {
    event: &'static str,
    payload: Payload,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    participant_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Told {
    pub(super) fn ready() -> Self {
        Self { event: Event::Ready.name(), payload: Payload::default() }
    }

    pub(super) fn joined(room_id: String, identity: String) -> Self {
        Self { event: Event::Joined.name(), payload: Payload::of(room_id, identity, None) }
    }

    pub(super) fn left(room_id: String, identity: String, reason: &'static str) -> Self {
        Self { event: Event::Left.name(), payload: Payload::of(room_id, identity, Some(reason)) }
    }

    pub(super) fn closed() -> Self {
        Self { event: Event::Closed.name(), payload: Payload::default() }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.event == Event::Closed.name()
    }

    pub(super) fn to_js(&self) -> Option<JsValue> {
        serde_wasm_bindgen::to_value(self).ok()
    }
}

impl Payload {
    fn of(room_id: String, identity: String, reason: Option<&'static str>) -> Self {
        Self { room_id: Some(room_id), participant_identity: Some(identity), reason }
    }
}

/// What the parent asks for in the meeting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    EndMeeting,
    LeaveRoom,
    KickParticipant { identity: String },
}

/// A well-formed message of the parent.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Heard {
    command: String,
    #[serde(default)]
    payload: Option<Details>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    participant_identity: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// The handshake of 3.4.1: who the parent says to be.
    Initialize {
        domain: String,
    },
    Order(Order),
    /// Named for the log.
    Unknown(String),
}

impl Heard {
    /// `None` for anything but an object with a text as `command`.
    pub(super) fn of_js(data: JsValue) -> Option<Self> {
        serde_wasm_bindgen::from_value(data).ok()
    }

    pub(super) fn meaning(self) -> Meaning {
        let details = self.payload.unwrap_or_default();
        match Command::from_name(&self.command) {
            Some(Command::EndMeeting) => Meaning::Order(Order::EndMeeting),
            Some(Command::LeaveRoom) => Meaning::Order(Order::LeaveRoom),
            Some(Command::KickParticipant) => {
                match details.participant_identity.filter(|identity| !identity.is_empty()) {
                    Some(identity) => Meaning::Order(Order::KickParticipant { identity }),
                    None => Meaning::Unknown(format!("{} of nobody", self.command)),
                }
            }
            None if self.command == "initialize" => {
                Meaning::Initialize { domain: details.domain.unwrap_or_default() }
            }
            None => Meaning::Unknown(self.command),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn meaning(message: Value) -> Option<Meaning> {
        serde_json::from_value::<Heard>(message).ok().map(Heard::meaning)
    }

    #[test]
    fn events_look_as_the_contract_writes_them() {
        let told = |told: Told| serde_json::to_value(told).unwrap();
        assert_eq!(told(Told::ready()), json!({ "event": "ready", "payload": {} }));
        assert_eq!(told(Told::closed()), json!({ "event": "closed", "payload": {} }));
        assert_eq!(
            told(Told::left("room-1".into(), "Alice".into(), "voluntary_leave")),
            json!({
                "event": "left",
                "payload": { "roomId": "room-1", "participantIdentity": "Alice", "reason": "voluntary_leave" },
            })
        );
    }

    #[test]
    fn commands_are_known_by_both_names() {
        for name in ["kickParticipant", "participantKick"] {
            let message = json!({ "command": name, "payload": { "participantIdentity": "Alice", "x": 1 } });
            let order = Order::KickParticipant { identity: "Alice".into() };
            assert_eq!(meaning(message), Some(Meaning::Order(order)));
        }
        for name in ["leaveRoom", "meetingLeave"] {
            assert_eq!(meaning(json!({ "command": name })), Some(Meaning::Order(Order::LeaveRoom)));
        }
        assert_eq!(
            meaning(json!({ "command": "endMeeting", "payload": null })),
            Some(Meaning::Order(Order::EndMeeting))
        );
    }

    #[test]
    fn what_is_no_command_means_nothing() {
        for message in [json!(null), json!("leaveRoom"), json!({ "command": 7 }), json!({})] {
            assert_eq!(meaning(message), None);
        }
        assert!(matches!(meaning(json!({ "command": "kickParticipant" })), Some(Meaning::Unknown(_))));
        assert!(matches!(meaning(json!({ "command": "dance" })), Some(Meaning::Unknown(_))));
    }
}
