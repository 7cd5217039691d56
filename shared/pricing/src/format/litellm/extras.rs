use super::super::hours;
use crate::{PriceTableError, fields::Fields, off_peak::OffPeak, rates::Rate, uplift::Uplift};

use super::keys::rates;

const SEARCH: &str = "search_context_cost_per_query";
const SIZES: [&str; 3] =
    ["search_context_size_low", "search_context_size_medium", "search_context_size_high"];

pub(super) fn off_peak(fields: &Fields) -> Result<Option<OffPeak>, PriceTableError> {
    let Some(fields) = fields.object("off_peak_pricing")? else { return Ok(None) };
    hours::read(&fields, rates(&fields, "")?).map(Some)
}

/// Reads the factors for places. A vendor of its own may name a place and the fast mode in `provider_specific_entry`.
pub(super) fn uplift(fields: &Fields) -> Result<Uplift, PriceTableError> {
    let mut uplift = Uplift {
        eu: fields.factor("regional_processing_uplift_multiplier_eu")?,
        us: fields.factor("regional_processing_uplift_multiplier_us")?,
        fedramp: fields.factor("fedramp_uplift_multiplier")?,
        regional: fields.factor("regional_endpoint_uplift_multiplier")?,
        ..Uplift::default()
    };
    if let Some(fields) = fields.object("provider_specific_entry")? {
        uplift.fast = fields.factor("fast")?;
        if fields.names().any(|name| name == "us") {
            uplift.us = fields.factor("us")?;
        }
    }
    Ok(uplift)
}

/// Reads the price of a web search. It is unknown if it depends on how much of the web the search reads, because no
/// answer tells that.
pub(super) fn search(fields: &Fields) -> Result<Option<Rate>, PriceTableError> {
    let Some(fields) = fields.object(SEARCH)? else { return Ok(None) };
    let mut prices = Vec::new();
    for size in SIZES {
        prices.extend(fields.each(size)?);
    }
    prices.dedup();
    Ok(prices.first().copied().filter(|_| prices.len() == 1))
}
