//! The text formats of price tables.

mod hours;
mod litellm;
mod native;
#[cfg(test)]
mod ranges;

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{Price, PriceTableError};

/// Reads a table of either format, which is recognised by its structure. Returns prices by the model's name in the
/// table.
pub(crate) fn read(text: &str) -> Result<HashMap<String, Price>, PriceTableError> {
    let table: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| PriceTableError::Json(error.to_string()))?;
    match table.get("models") {
        Some(models) => native::read(&table, models),
        None => litellm::read(&table),
    }
}
