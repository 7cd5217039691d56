//! Price tables as text.

mod litellm;
mod native;

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::{Price, PriceTableError};

/// Reads a table of either format, told apart by its shape. By model, as the table names it.
pub(crate) fn read(text: &str) -> Result<HashMap<String, Price>, PriceTableError> {
    let table: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| PriceTableError::Json(error.to_string()))?;
    match table.get("models") {
        Some(models) => native::read(&table, models),
        None => litellm::read(&table),
    }
}
