//! Query strings with nested syntax (contract 1.2): `a=1&a=2` and `a[]=1` make arrays, `a[x]=1` an
//! object. The result is an object, so that queries are checked like bodies.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Map, Value};

/// More parameters than this are ignored.
const MAX_PARAMETERS: usize = 1000;

/// The parsed query of a request.
#[derive(Clone, Debug)]
pub(crate) struct Query(pub(crate) Value);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Query(parse(parts.uri.query().unwrap_or_default())))
    }
}

/// Never fails: what makes no sense is taken as plain text.
pub(crate) fn parse(text: &str) -> Value {
    let mut members = Map::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()).take(MAX_PARAMETERS) {
        let value = Value::String(value.into_owned());
        match key.split_once('[').and_then(|(name, rest)| Some((name, rest.strip_suffix(']')?))) {
            Some((name, "")) if !name.is_empty() => append(&mut members, name, value, true),
            Some((name, index)) if !name.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()) => {
                append(&mut members, name, value, true);
            }
            Some((name, member)) if !name.is_empty() => nest(&mut members, name, member, value),
            _ => append(&mut members, &key, value, false),
        }
    }
    Value::Object(members)
}

/// Adds a value; a second one of the same name makes an array.
fn append(members: &mut Map<String, Value>, name: &str, value: Value, array: bool) {
    match members.get_mut(name) {
        None if array => {
            members.insert(name.to_owned(), Value::Array(vec![value]));
        }
        None => {
            members.insert(name.to_owned(), value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(Value::Object(_)) => {}
        Some(single) => *single = Value::Array(vec![single.take(), value]),
    }
}

fn nest(members: &mut Map<String, Value>, name: &str, member: &str, value: Value) {
    let object = members.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(object) = object {
        object.insert(member.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn repeated_and_bracketed_names_nest() {
        for (text, value) in [
            ("", json!({})),
            ("a=1", json!({ "a": "1" })),
            ("a", json!({ "a": "" })),
            ("a=1&a=2&a=3", json!({ "a": ["1", "2", "3"] })),
            ("a[]=1", json!({ "a": ["1"] })),
            ("a[0]=1&a[1]=2", json!({ "a": ["1", "2"] })),
            ("a[x]=1&a[y]=2", json!({ "a": { "x": "1", "y": "2" } })),
            ("a%5Bx%5D=1", json!({ "a": { "x": "1" } })),
            ("[x]=1", json!({ "[x]": "1" })),
            ("a=b+c%20d", json!({ "a": "b c d" })),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
