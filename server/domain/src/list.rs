//! Paging and selection of fields in lists (contract 1.2).

use meet_api::Problem;
use serde_json::{Map, Value};

use crate::input::{Field, Object, Problems};
use crate::name;

const DEFAULT_ITEMS: u32 = 10;
const MAX_ITEMS: u32 = 100;

/// A checked query of `GET /api/v1/rooms`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomQuery {
    pub max_items: u32,
    /// Opaque; whoever makes tokens reads them.
    pub next_page_token: Option<String>,
    pub fields: Fields,
    /// Only rooms whose id starts with this.
    pub id_prefix: Option<String>,
}

/// Which top-level properties an answer shall have; empty means all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields(Vec<String>);

impl Fields {
    fn parse(text: &str) -> Fields {
        Fields(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether whole objects were asked for.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The named properties that exist, in the order asked for.
    pub fn pick(&self, mut members: Map<String, Value>) -> Vec<(String, Value)> {
        self.0.iter().filter_map(|name| members.remove_entry(name)).collect()
    }
}

/// Checks the query of `GET /api/v1/rooms`.
pub fn rooms(query: &Value) -> Result<RoomQuery, Vec<Problem>> {
    let mut problems = Problems::new();
    let query = Field::root(query).object(&mut problems).map(|query| RoomQuery {
        max_items: max_items(&query, &mut problems),
        next_page_token: text(&query, "nextPageToken", &mut problems)
            .filter(|token| !token.is_empty() && *token != "undefined")
            .map(str::to_owned),
        id_prefix: text(&query, "roomName", &mut problems)
            .map(name::sanitize_id)
            .filter(|prefix| !prefix.is_empty()),
        fields: read_fields(&query, &mut problems),
    });
    problems.finish(query)
}

/// Checks the query of a single object: only `fields`.
pub fn fields(query: &Value) -> Result<Fields, Vec<Problem>> {
    let mut problems = Problems::new();
    let fields = Field::root(query).object(&mut problems).map(|query| read_fields(&query, &mut problems));
    problems.finish(fields)
}

fn read_fields(query: &Object<'_>, problems: &mut Problems) -> Fields {
    text(query, "fields", problems).map(Fields::parse).unwrap_or_default()
}

fn text<'a>(query: &Object<'a>, key: &str, problems: &mut Problems) -> Option<&'a str> {
    query.optional(key)?.string(problems)
}

fn max_items(query: &Object<'_>, problems: &mut Problems) -> u32 {
    let Some(field) = query.optional("maxItems") else { return DEFAULT_ITEMS };
    let Some(number) = field.value.and_then(coerced_number) else {
        problems.push(&field.path, "Expected number, received nan");
        return DEFAULT_ITEMS;
    };
    if number <= 0.0 {
        problems.push(&field.path, "maxItems must be a positive number");
    }
    // A fraction below one is positive and still asks for something.
    (number.floor().clamp(1.0, f64::from(MAX_ITEMS))) as u32
}

/// A number in text form as JavaScript's `Number` reads it, decimal only; empty text is 0.
fn coerced_number(value: &Value) -> Option<f64> {
    let text = value.as_str()?.trim();
    match text {
        "" => Some(0.0),
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.chars().any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn items(text: &str) -> Result<u32, String> {
        rooms(&json!({ "maxItems": text }))
            .map(|query| query.max_items)
            .map_err(|problems| format!("{}: {}", problems[0].field, problems[0].message))
    }

    #[test]
    fn the_number_of_items_is_clamped_not_refused() {
        assert_eq!(rooms(&json!({})).unwrap().max_items, 10);
        for (text, number) in
            [("1", 1), ("10.9", 10), ("100", 100), ("101", 100), ("1e9", 100), ("Infinity", 100)]
        {
            assert_eq!(items(text), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_positive_number_is_refused() {
        for text in ["0", "-1", ""] {
            assert_eq!(items(text), Err("maxItems: maxItems must be a positive number".to_owned()), "{text}");
        }
        for text in ["abc", "nan", "inf", "1x"] {
            assert_eq!(items(text), Err("maxItems: Expected number, received nan".to_owned()), "{text}");
        }
    }

    #[test]
    fn fields_must_be_text() {
        for (value, received) in [(json!(["a", "b"]), "array"), (json!({ "invalid": "data" }), "object")] {
            let problem = Problem::new("fields", format!("Expected string, received {received}"));
            assert_eq!(rooms(&json!({ "fields": value })), Err(vec![problem]));
        }
    }

    #[test]
    fn fields_pick_what_exists_in_their_order() {
        let object = json!({ "a": 1, "b": 2, "c": 3 });
        let names = |text: &str| -> Vec<String> {
            let picked = Fields::parse(text).pick(object.as_object().unwrap().clone());
            picked.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(" c , a,zzz,a"), ["c", "a"]);
        assert!(names("zzz").is_empty());
        assert!(Fields::parse(" , ").is_all());
    }

    #[test]
    fn a_filter_is_compared_with_ids() {
        assert_eq!(rooms(&json!({ "roomName": "My Room" })).unwrap().id_prefix, Some("MyRoom".to_owned()));
        assert_eq!(rooms(&json!({ "roomName": "##" })).unwrap().id_prefix, None);
        assert_eq!(rooms(&json!({ "nextPageToken": "undefined" })).unwrap().next_page_token, None);
    }
}
