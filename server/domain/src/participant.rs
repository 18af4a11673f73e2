//! Names of participants and requests for tokens (contract 4.6).

use std::collections::BTreeSet;

use meet_api::{ParticipantIdentity, Problem, RoomId};
use serde_json::Value;

use crate::input::{Field, Problems};
use crate::name;

/// The form in which names are compared.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// `name`, or `name_1`, `name_2`, … with the smallest number that is free. `taken` holds folded names.
pub fn unique_name(name: &str, taken: &BTreeSet<String>) -> String {
    if !taken.contains(&folded(name)) {
        return name.to_owned();
    }
    // One more candidate than there are names: the search always ends.
    (1..=taken.len() + 1)
        .map(|number| format!("{name}_{number}"))
        .find(|candidate| !taken.contains(&folded(candidate)))
        .unwrap_or_else(|| name.to_owned())
}

/// A checked request for a participant token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenOptions {
    pub room_id: RoomId,
    pub secret: String,
    pub participant_name: Option<String>,
    pub participant_identity: Option<ParticipantIdentity>,
}

/// Checks the body of the participant token routes. An empty name or identity counts as none.
pub fn token_options(body: &Value) -> Result<TokenOptions, Vec<Problem>> {
    let mut problems = Problems::new();
    let options = Field::root(body).object(&mut problems).and_then(|body| {
        let id_field = body.field("roomId");
        let room_id = id_field
            .string(&mut problems)
            .and_then(|raw| name::room_id(raw, &id_field.path).map_err(|found| problems.extend(found)).ok());
        let secret = body.field("secret").string(&mut problems);
        if secret == Some("") {
            problems.push("secret", "Secret is required");
        }
        let mut text = |key: &str| {
            let field = body.optional(key)?;
            let text = field.string(&mut problems)?;
            if text.encode_utf16().count() > MAX_LENGTH {
                problems.push(&field.path, format!("{key} cannot exceed {MAX_LENGTH} characters"));
            }
            (!text.is_empty()).then(|| text.to_owned())
        };
        let participant_name = text("participantName");
        let participant_identity = text("participantIdentity").map(ParticipantIdentity::from);
        Some(TokenOptions {
            room_id: room_id?,
            secret: secret?.to_owned(),
            participant_name,
            participant_identity,
        })
    });
    problems.finish(options)
}

/// Longest name or identity; the media server's limit (livekit.md 1.1), less room for a number.
const MAX_LENGTH: usize = 240;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn taken(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| folded(name)).collect()
    }

    #[test]
    fn names_take_the_smallest_free_number() {
        for (name, others, unique) in [
            ("Alice", &[][..], "Alice"),
            ("alice", &["Alice"][..], "alice_1"),
            ("Alice", &["ALICE", "alice_1", "Alice_3"][..], "Alice_2"),
            ("Alice_1", &["Alice_1"][..], "Alice_1_1"),
        ] {
            assert_eq!(unique_name(name, &taken(others)), unique);
        }
    }

    proptest! {
        #[test]
        fn a_unique_name_is_not_taken(name in "[ab]{1,2}(_[0-9])?", others in proptest::collection::vec("[aAbB]{1,2}(_[0-9])?", 0..40)) {
            let taken: BTreeSet<String> = others.iter().map(|other| folded(other)).collect();
            prop_assert!(!taken.contains(&folded(&unique_name(&name, &taken))));
        }
    }

    #[test]
    fn token_requests_are_checked_as_a_whole() {
        assert_eq!(
            token_options(&json!({})),
            Err(vec![Problem::new("roomId", "Required"), Problem::new("secret", "Required")])
        );
        assert_eq!(
            token_options(&json!({ "roomId": "..", "secret": "", "participantName": 1 })),
            Err(vec![
                Problem::new("roomId", "roomId cannot be empty after sanitization"),
                Problem::new("secret", "Secret is required"),
                Problem::new("participantName", "Expected string, received number"),
            ])
        );
        let long = json!({ "roomId": "a", "secret": "b", "participantIdentity": "x".repeat(241) });
        assert_eq!(
            token_options(&long),
            Err(vec![Problem::new(
                "participantIdentity",
                "participantIdentity cannot exceed 240 characters"
            )])
        );
        let options =
            token_options(&json!({ "roomId": " my room", "secret": "s", "participantName": "" })).unwrap();
        assert_eq!(options.room_id.as_str(), "myroom");
        assert_eq!(options.participant_name, None);
    }
}
