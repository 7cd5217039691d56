//! Names of the fields with prices of tokens, such as `input_cost_per_token_above_200k_tokens_flex`.

use std::collections::BTreeSet;

use crate::{
    PriceTableError,
    fields::{Fields, Tokens},
    part::Part,
    rates::Rates,
};

pub(super) const RANGES: &str = "tiered_pricing";
pub(super) const INPUT: &str = "input_cost_per_token";
pub(super) const OUTPUT: &str = "output_cost_per_token";
pub(super) const REASONING: &str = "output_cost_per_reasoning_token";

/// Names of the prices in the order of [`Part::ALL`]. The first name that a model has is used.
const NAMES: [&[&str]; Part::ALL.len()] = [
    &[INPUT],
    &["cache_read_input_token_cost"],
    &["cache_creation_input_token_cost"],
    // No model has both lifetimes.
    &["cache_creation_input_token_cost_above_1hr", "cache_creation_input_token_cost_above_12hr"],
    &["input_cost_per_audio_token"],
    &["cache_read_input_audio_token_cost"],
    &["input_cost_per_image_token"],
    &[OUTPUT],
    &[REASONING],
    &["output_cost_per_audio_token"],
    &["output_cost_per_image_token"],
];

/// Reads the prices in the fields whose names end with `ending`.
pub(super) fn rates(fields: &Fields, ending: &str) -> Result<Rates, PriceTableError> {
    Rates::read(|part| {
        for name in NAMES[part as usize] {
            let rate = fields.rate(&format!("{name}{ending}"), Tokens::One)?;
            if rate.is_some() {
                return Ok(rate);
            }
        }
        Ok(None)
    })
}

/// Returns the numbers of tokens above which some price changes, with the endings of the fields of these prices. `suffix` is
/// that of a tier of service, or empty.
pub(super) fn thresholds(fields: &Fields, suffix: &str) -> BTreeSet<(u64, String)> {
    let thresholds = fields.names().filter_map(|name| {
        let name = name.strip_suffix(suffix).unwrap_or(name);
        let ending = NAMES.iter().flat_map(|names| *names).find_map(|price| name.strip_prefix(price))?;
        Some((tokens(ending)?, ending.to_owned()))
    });
    thresholds.collect()
}

/// Returns the number of tokens in `_above_200k_tokens` or `_above_500_tokens`.
fn tokens(ending: &str) -> Option<u64> {
    let number = ending.strip_prefix("_above_")?.strip_suffix("_tokens")?;
    let (number, factor) = number.strip_suffix('k').map_or((number, 1), |number| (number, 1_000));
    // The number is bounded, so that a thousand times it does not overflow.
    number.parse().ok().filter(|number: &u64| *number < 1_000_000_000).map(|number| number * factor)
}
