//! Answers reduced to the properties a caller asked for (contract 1.2).

use meet_domain::list::Fields;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::error::{ApiError, While};

/// An object, whole or in part.
pub(crate) enum Selected<T> {
    Whole(T),
    Part(Vec<(String, Value)>),
}

impl<T: Serialize> Selected<T> {
    pub(crate) fn new(object: T, fields: &Fields) -> Result<Selected<T>, ApiError> {
        if fields.is_all() {
            return Ok(Selected::Whole(object));
        }
        match serde_json::to_value(object).while_("selecting fields")? {
            Value::Object(members) => Ok(Selected::Part(fields.pick(members))),
            _ => Ok(Selected::Part(Vec::new())),
        }
    }
}

impl<T: Serialize> Serialize for Selected<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Selected::Whole(object) => object.serialize(serializer),
            Selected::Part(members) => {
                serializer.collect_map(members.iter().map(|(name, value)| (name, value)))
            }
        }
    }
}
