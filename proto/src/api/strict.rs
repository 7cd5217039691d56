//! Deserializers that refuse an object with an unknown field, which is probably misspelt.
//!
//! Used only for requests of users: an object in the store may come from a newer release, which knows more fields.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

pub fn strict<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Serialize + DeserializeOwned,
{
    known(Map::deserialize(deserializer)?)
}

pub fn strict_option<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Serialize + DeserializeOwned,
{
    Option::<Map<String, Value>>::deserialize(deserializer)?.map(known).transpose()
}

/// Reads an object. Returns an error if it has a field that the serialized default, which has every field, does not
/// have.
pub fn known<T, E>(object: Map<String, Value>) -> Result<T, E>
where
    T: Default + Serialize + DeserializeOwned,
    E: Error,
{
    let Ok(Value::Object(default)) = serde_json::to_value(T::default()) else {
        unreachable!("it is read from an object");
    };
    if let Some(unknown) = object.keys().find(|name| !default.contains_key(*name)) {
        let names: Vec<_> = default.keys().map(|name| format!("`{name}`")).collect();
        return Err(E::custom(format!("unknown field `{unknown}`, expected one of {}", names.join(", "))));
    }
    T::deserialize(Value::Object(object)).map_err(E::custom)
}
