//! The format of LiteLLM's `model_prices_and_context_window.json`: dollars per token, with a field for each kind of token
//! and tier.
//!
//! Only models that generate text are read: those with the modes `chat`, `completion` and `responses`, or without a mode.
//! Prices of batches, service tiers, off-peak hours, regions, audio, images and searches are ignored.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    FieldFault, Price, PriceTableError,
    fields::{Fields, Tokens},
    price::Tier,
    rates::Quote,
};

const SOURCE: &str = "a table in LiteLLM's format";
const INPUT: &str = "input_cost_per_token";
const RANGES: &str = "tiered_pricing";
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
    let stated = quote(fields, "")?;
    let mut tiers = tiers(fields, stated)?;
    let rates = match stated.rates() {
        Some(rates) => rates,
        // If there are only ranges, the first of them has the base prices.
        None if tiers.first().is_some_and(|tier| tier.above == 0) => tiers.remove(0).rates,
        None => return Ok(None),
    };
    Ok(Some(Price {
        rates,
        tiers,
        context_window: fields.count("max_input_tokens")?,
        max_output: fields.count("max_output_tokens")?,
        source: source.clone(),
    }))
}

/// Reads the prices for long prompts, from fields such as `input_cost_per_token_above_200k_tokens` or from a list of ranges,
/// each with all of its prices.
fn tiers(fields: &Fields, base: Quote) -> Result<Vec<Tier>, PriceTableError> {
    let mut tiers = Vec::new();
    for thousands in fields.names().filter_map(thousands).collect::<BTreeSet<_>>() {
        let quote = quote(fields, &format!("_above_{thousands}k_tokens"))?;
        tiers.extend(quote.over(base).rates().map(|rates| Tier { above: thousands * 1_000, rates }));
    }
    for range in fields.list(RANGES)? {
        let above = range.first("range")?.ok_or_else(|| range.fault("range", FieldFault::Missing))?;
        let quote = quote(&range, "")?;
        let quote = Quote { output: quote.output.or(base.output), ..quote };
        tiers.extend(quote.rates().map(|rates| Tier { above, rates }));
    }
    tiers.sort_by_key(|tier| tier.above);
    tiers.dedup_by_key(|tier| tier.above);
    Ok(tiers)
}

/// Returns the `N` of `input_cost_per_token_above_Nk_tokens`.
fn thousands(field: &str) -> Option<u64> {
    let above = field.strip_prefix(INPUT)?.strip_prefix("_above_")?;
    // The number is bounded, so that a thousand times it does not overflow.
    above.strip_suffix("k_tokens")?.parse().ok().filter(|thousands| *thousands < 1_000_000_000)
}

fn quote(fields: &Fields, tier: &str) -> Result<Quote, PriceTableError> {
    let rate = |field: &str| fields.rate(&format!("{field}{tier}"), Tokens::One);
    Ok(Quote {
        input: rate(INPUT)?,
        cached_input: rate("cache_read_input_token_cost")?,
        cache_write: rate("cache_creation_input_token_cost")?,
        output: rate("output_cost_per_token")?,
        reasoning: rate("output_cost_per_reasoning_token")?,
    })
}
