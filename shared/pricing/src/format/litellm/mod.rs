//! The format of LiteLLM's `model_prices_and_context_window.json`: dollars per token, with a field for each kind of token
//! and tier.
//!
//! Only models that generate text are read: those with the modes `chat`, `completion` and `responses`, or without a mode.
//! Prices of seconds, characters, images and videos, of files and of maps are ignored.

mod extras;
mod keys;
mod plans;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use self::keys::{INPUT, RANGES};
use crate::{Price, PriceTableError, fields::Fields, rates::Rate};

const SOURCE: &str = "a table in LiteLLM's format";
/// Name of an entry that describes the format and is no model.
const SAMPLE: &str = "sample_spec";

pub(super) fn read(table: &Map<String, Value>) -> Result<HashMap<String, Price>, PriceTableError> {
    if !table.values().any(|entry| entry.get(INPUT).or(entry.get(RANGES)).is_some()) {
        return Err(PriceTableError::Shape);
    }
    let source = Arc::from(SOURCE);
    let mut prices = HashMap::new();
    for (key, value) in table.iter().filter(|(key, _)| *key != SAMPLE) {
        let fields = Fields::of_model(key, value)?;
        let Some(price) = price(&fields, &source)? else { continue };
        let name = name(key, fields.text("litellm_provider")?);
        // The table may have a model both with and without its prefix. The entry with the prefix is used, because it
        // has more fields.
        if name == *key {
            prices.insert(name, price);
        } else {
            prices.entry(name).or_insert(price);
        }
    }
    add_aliases(table, &mut prices)?;
    Ok(prices)
}

/// Returns the name of an entry with a prefix: a bare name gets the prefix of the vendor that the entry states.
fn name(key: &str, vendor: Option<&str>) -> String {
    let prefix = match vendor {
        None => return key.to_owned(),
        Some(vendor) if vendor.starts_with("vertex_ai") => "vertex_ai",
        Some("azure_text") => "azure",
        Some("bedrock_converse") => "bedrock",
        Some("cohere_chat") => "cohere",
        Some("text-completion-openai") => "openai",
        Some(vendor) => vendor,
    };
    match key.strip_prefix(prefix) {
        Some(rest) if rest.starts_with('/') => key.to_owned(),
        _ => format!("{prefix}/{key}"),
    }
}

fn add_aliases(
    table: &Map<String, Value>,
    prices: &mut HashMap<String, Price>,
) -> Result<(), PriceTableError> {
    for (key, value) in table {
        let Some(target) = Fields::of_model(key, value)?.text("alias_of")? else { continue };
        let vendor =
            table.get(target).and_then(|entry| entry.get("litellm_provider")).and_then(Value::as_str);
        // An alias of a model without a price per token has no price, either.
        if let Some(price) = prices.get(&name(target, vendor)).cloned() {
            prices.entry(key.clone()).or_insert(price);
        }
    }
    Ok(())
}

fn price(fields: &Fields, source: &Arc<str>) -> Result<Option<Price>, PriceTableError> {
    if !matches!(fields.text("mode")?, None | Some("chat" | "completion" | "responses")) {
        return Ok(None);
    }
    let Some(standard) = plans::standard(fields)? else { return Ok(None) };
    Ok(Some(Price {
        services: plans::services(fields, &standard)?,
        standard,
        off_peak: extras::off_peak(fields)?,
        uplift: extras::uplift(fields)?,
        request: fields.each("input_cost_per_request")?.unwrap_or(Rate(0)),
        search: extras::search(fields)?,
        context_window: fields.count("max_input_tokens")?,
        max_output: fields.count("max_output_tokens")?,
        source: source.clone(),
    }))
}
