//! Room names, room ids and secrets (contract 1.1).
//!
//! Invariant: a room id never contains `--`; recording ids are split on it.

use meet_api::{Problem, RoomId, RoomSecret};

/// Longest id accepted from outside, in UTF-16 units, before it is repaired.
const MAX_ID_LENGTH: usize = 100;
const FALLBACK_PREFIX: &str = "room";
const SUFFIX_LENGTH: usize = 15;
const BASE36: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Repairs a room name: keeps ASCII letters, digits, `_`, `-` and single spaces.
pub fn sanitize_name(raw: &str) -> String {
    let mut name = String::with_capacity(raw.len());
    for c in raw.trim().chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        let kept = c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let repeated = matches!(c, ' ' | '-' | '_') && name.ends_with(c);
        if kept && !repeated {
            name.push(c);
        }
    }
    name.trim_matches([' ', '-', '_']).to_owned()
}

/// Repairs an id from outside: the name rule without any white space. Empty if nothing is left.
pub fn sanitize_id(raw: &str) -> String {
    let dense: String = raw.chars().filter(|c| !c.is_whitespace()).collect();
    sanitize_name(&dense)
}

/// Parses a room id of a request; `field` is where it stands there.
pub fn room_id(raw: &str, field: &str) -> Result<RoomId, Vec<Problem>> {
    if raw.is_empty() {
        return Err(vec![Problem::new(field, "roomId is required and cannot be empty")]);
    }
    let mut problems = Vec::new();
    if raw.encode_utf16().count() > MAX_ID_LENGTH {
        problems.push(Problem::new(field, "roomId cannot exceed 100 characters"));
    }
    let id = sanitize_id(raw);
    if problems.is_empty() && id.is_empty() {
        problems.push(Problem::new(field, "roomId cannot be empty after sanitization"));
    }
    if problems.is_empty() { Ok(RoomId::from(id)) } else { Err(problems) }
}

/// A new id for a room called `name` (sanitised), from 78 bits of `chance`.
pub fn new_room_id(name: &str, chance: u128) -> RoomId {
    let prefix = sanitize_id(name);
    let mut id = if prefix.is_empty() { FALLBACK_PREFIX.to_owned() } else { prefix };
    id.push('-');
    let mut rest = chance;
    for _ in 0..SUFFIX_LENGTH {
        id.push(BASE36[(rest % 36) as usize] as char);
        rest /= 36;
    }
    RoomId::from(id)
}

/// A new room secret: ten hexadecimal digits from 40 bits of `chance`.
pub fn new_secret(chance: u64) -> RoomSecret {
    RoomSecret::from(format!("{:010x}", chance & 0xff_ffff_ffff))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_repaired() {
        for (raw, name) in [
            ("   Test Room   ", "Test Room"),
            ("   .,-------}{¡$#<+My Room *123  ", "My Room 123"),
            (" =Example Room&/ ", "Example Room"),
            ("Reunión nº1", "Reunin n1"),
            ("a-_", "a"),
            ("a \t\n b", "a b"),
            ("a__b--c", "a_b-c"),
            ("a -$ b", "a - b"),
            ("###", ""),
            ("", ""),
        ] {
            assert_eq!(sanitize_name(raw), name, "{raw:?}");
        }
    }

    #[test]
    fn ids_are_repaired() {
        for (raw, id) in [(" !my-room ", "my-room"), ("My Room", "MyRoom"), ("a- -b", "a-b")] {
            assert_eq!(room_id(raw, "roomId"), Ok(RoomId::from(id)), "{raw:?}");
        }
    }

    #[test]
    fn ids_beyond_repair_are_refused() {
        let long = "a".repeat(101);
        for (raw, message) in [
            ("", "roomId is required and cannot be empty"),
            ("!!-*!@#$%^&*()_+{}|:\"<>?", "roomId cannot be empty after sanitization"),
            ("   ", "roomId cannot be empty after sanitization"),
            (long.as_str(), "roomId cannot exceed 100 characters"),
        ] {
            assert_eq!(room_id(raw, "roomId"), Err(vec![Problem::new("roomId", message)]), "{raw:?}");
        }
        assert!(room_id(&"a".repeat(100), "roomId").is_ok());
    }

    #[test]
    fn new_ids_carry_the_name_and_fall_back_without_one() {
        assert_eq!(new_room_id("My Room", 0).as_str(), "MyRoom-000000000000000");
        assert_eq!(new_room_id("", 35).as_str(), "room-z00000000000000");
        assert_eq!(new_secret(u64::MAX).reveal(), "ffffffffff");
        assert_eq!(new_secret(1).reveal(), "0000000001");
    }

    proptest! {
        #[test]
        fn sanitising_twice_changes_nothing(raw in "\\PC*") {
            let once = sanitize_name(&raw);
            prop_assert_eq!(sanitize_name(&once), once.clone());
            let id = sanitize_id(&raw);
            prop_assert_eq!(sanitize_id(&id), id.clone());
            prop_assert!(!id.contains("--"));
        }

        #[test]
        fn new_ids_can_be_addressed(raw in "[ -~]{0,60}", chance: u128) {
            let id = new_room_id(&sanitize_name(&raw), chance);
            prop_assert!(!id.as_str().contains("--"));
            prop_assert_eq!(room_id(id.as_str(), "roomId"), Ok(id));
        }
    }
}
