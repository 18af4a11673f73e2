//! Checks values that came from outside and words what is wrong with them (contract 0.4).
//!
//! A check that fails leaves a [`Problem`] behind and returns `None`; so all problems of a request
//! are reported together. Take results only when [`Problems::finish`] says that there were none.

use meet_api::Problem;
use serde_json::{Map, Value};

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem::new(field, message));
    }

    pub fn extend(&mut self, problems: Vec<Problem>) {
        self.0.extend(problems);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` when nothing was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }

    fn wrong_type(&mut self, field: &str, expected: &str, received: &Value) {
        self.push(field, format!("Expected {expected}, received {}", type_name(received)));
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// One value at a dotted path; `None` where the key is missing.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    pub path: String,
    pub value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value: Some(value) }
    }

    /// Member of an object that was checked before.
    pub fn of(object: &Object<'a>, key: &str) -> Self {
        let path = if object.path.is_empty() { key.to_owned() } else { format!("{}.{key}", object.path) };
        Self { path, value: object.members.get(key) }
    }

    /// Turns absence into a problem.
    fn required(&self, problems: &mut Problems) -> Option<&'a Value> {
        if self.value.is_none() {
            problems.push(&self.path, "Required");
        }
        self.value
    }

    pub fn object(&self, problems: &mut Problems) -> Option<Object<'a>> {
        match self.required(problems)? {
            Value::Object(members) => Some(Object { path: self.path.clone(), members }),
            other => {
                problems.wrong_type(&self.path, "object", other);
                None
            }
        }
    }

    pub fn string(&self, problems: &mut Problems) -> Option<&'a str> {
        match self.required(problems)? {
            Value::String(text) => Some(text),
            other => {
                problems.wrong_type(&self.path, "string", other);
                None
            }
        }
    }

    pub fn boolean(&self, problems: &mut Problems) -> Option<bool> {
        match self.required(problems)? {
            Value::Bool(value) => Some(*value),
            other => {
                problems.wrong_type(&self.path, "boolean", other);
                None
            }
        }
    }

    pub fn number(&self, problems: &mut Problems) -> Option<f64> {
        match self.required(problems)? {
            Value::Number(number) => number.as_f64(),
            other => {
                problems.wrong_type(&self.path, "number", other);
                None
            }
        }
    }

    /// One of `members`, in the order in which the message lists them.
    pub fn one_of<T: Copy>(&self, members: &[(&str, T)], problems: &mut Problems) -> Option<T> {
        let expected = || {
            let names: Vec<String> = members.iter().map(|(name, _)| format!("'{name}'")).collect();
            names.join(" | ")
        };
        match self.required(problems)? {
            Value::String(text) => {
                let found = members.iter().find(|(name, _)| name == text).map(|(_, member)| *member);
                if found.is_none() {
                    let message = format!("Invalid enum value. Expected {}, received '{text}'", expected());
                    problems.push(&self.path, message);
                }
                found
            }
            other => {
                problems.wrong_type(&self.path, &expected(), other);
                None
            }
        }
    }
}

/// An object at a dotted path.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    pub path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    pub fn field(&self, key: &str) -> Field<'a> {
        Field::of(self, key)
    }

    /// The member if the key is there. `null` counts as there: it is not accepted for absent values.
    pub fn optional(&self, key: &str) -> Option<Field<'a>> {
        let field = self.field(key);
        field.value.is_some().then_some(field)
    }
}
