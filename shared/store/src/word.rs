//! Enums of the API as the words that their JSON has.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::StoreError;

pub fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => unreachable!("a plain enum is a string in JSON, not {other:?}"),
    }
}

pub fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(word.to_owned()))
        .map_err(|error| StoreError::Broken(format!("`{word}`: {error}")))
}
