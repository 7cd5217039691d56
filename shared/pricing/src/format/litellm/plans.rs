use super::keys::{OUTPUT, RANGES, REASONING, rates, thresholds};
use crate::{
    FieldFault, PriceTableError, ServiceTier,
    fields::Fields,
    part::Part,
    price::{Plan, Tier},
    rates::Rates,
};

/// Vendor that charges the prices for long prompts from the threshold on, and not only above it.
const INCLUSIVE: &str = "xai";
/// Vendor that charges half the price of the prompt for cached tokens, if it quotes no other.
const HALF_IF_CACHED: &str = "fireworks_ai";
const BATCHES: &str = "_batches";

/// Reads the prices of the standard tier. Returns `None` if not all tokens have a price.
pub(super) fn standard(fields: &Fields) -> Result<Option<Plan>, PriceTableError> {
    let stated = with_cache_read(fields, rates(fields, "")?)?;
    let mut plan = Plan { rates: stated, tiers: tiers(fields, "", stated, |ending| rates(fields, ending))? };
    let mut ranges = ranges(fields, stated)?;
    if !ranges.is_empty() {
        if !stated.are_complete() {
            // If there are only ranges, the first of them has the base prices.
            if ranges[0].above > 0 {
                return Err(fields.fault(RANGES, FieldFault::NotFromZero));
            }
            plan.rates = ranges.remove(0).rates;
        }
        plan.tiers = ranges;
    }
    Ok(Some(plan).filter(|plan| plan.rates.are_complete()))
}

/// Reads the prices of the tiers of service. A price that a tier does not have is the standard one, or half of it for
/// batches. Ranges hold for all tiers of service.
pub(super) fn services(
    fields: &Fields,
    standard: &Plan,
) -> Result<Vec<(ServiceTier, Plan)>, PriceTableError> {
    if !fields.list(RANGES)?.is_empty() {
        return Ok(Vec::new());
    }
    let mut plans = Vec::new();
    for (service, names) in ServiceTier::NAMES {
        let suffix =
            if service == ServiceTier::Batch { BATCHES.to_owned() } else { format!("_{}", names[0]) };
        if !fields.names().any(|name| name.ends_with(&suffix)) {
            continue;
        }
        let own = |ending: &str| own(fields, ending, &suffix);
        let plan = if service == ServiceTier::Batch {
            batches(fields, standard, own)?
        } else {
            let base = own("")?.over(without_reasoning(fields, &suffix, standard.rates));
            let tier = |ending: &str| Ok(own(ending)?.over(rates(fields, ending)?));
            Plan { rates: base, tiers: tiers(fields, &suffix, base, tier)? }
        };
        plans.push((service, plan));
    }
    Ok(plans)
}

fn own(fields: &Fields, ending: &str, suffix: &str) -> Result<Rates, PriceTableError> {
    rates(fields, &format!("{ending}{suffix}"))
}

/// Returns the standard prices for a tier of service. If it has a price of answers, that is also the price of reasoning.
fn without_reasoning(fields: &Fields, suffix: &str, mut rates: Rates) -> Rates {
    let has = |name| fields.names().any(|field| field.strip_suffix(suffix) == Some(name));
    if has(OUTPUT) && !has(REASONING) {
        rates.set(Part::Reasoning, None);
    }
    rates
}

fn batches(
    fields: &Fields,
    standard: &Plan,
    own: impl Fn(&str) -> Result<Rates, PriceTableError>,
) -> Result<Plan, PriceTableError> {
    let base = own("")?;
    let over = |own: Rates, standard: Rates| {
        own.over(base).over(without_reasoning(fields, BATCHES, standard).halved())
    };
    let mut tiers = Vec::new();
    for (tokens, ending) in thresholds(fields, BATCHES) {
        let rates = over(own(&ending)?, *standard.rates(tokens + 1));
        add(&mut tiers, Tier { above: above(fields, tokens)?, rates });
    }
    Ok(Plan { rates: over(base, standard.rates), tiers })
}

/// Returns prices for long prompts. A price that a tier does not have is that of the tier below.
fn tiers(
    fields: &Fields,
    suffix: &str,
    base: Rates,
    read: impl Fn(&str) -> Result<Rates, PriceTableError>,
) -> Result<Vec<Tier>, PriceTableError> {
    let mut tiers = Vec::new();
    let mut below = base;
    for (tokens, ending) in thresholds(fields, suffix) {
        below = read(&ending)?.over(below);
        add(&mut tiers, Tier { above: above(fields, tokens)?, rates: below });
    }
    Ok(tiers)
}

/// Adds a tier, which replaces that of the same threshold: fields may write one threshold as `1k` and as `1000`.
fn add(tiers: &mut Vec<Tier>, tier: Tier) {
    tiers.pop_if(|last| last.above == tier.above);
    tiers.push(tier);
}

/// Returns the number of tokens above which the prices of a threshold hold.
fn above(fields: &Fields, threshold: u64) -> Result<u64, PriceTableError> {
    let is_inclusive = fields.text("litellm_provider")? == Some(INCLUSIVE);
    Ok(threshold.saturating_sub(u64::from(is_inclusive)))
}

fn with_cache_read(fields: &Fields, mut rates: Rates) -> Result<Rates, PriceTableError> {
    if fields.text("litellm_provider")? == Some(HALF_IF_CACHED) {
        let half = rates.get(Part::Input).map(crate::rates::Rate::half);
        rates.set(Part::CachedInput, rates.get(Part::CachedInput).or(half));
    }
    Ok(rates)
}

/// Reads the list of ranges, each with all of its prices, apart from those of the media.
fn ranges(fields: &Fields, base: Rates) -> Result<Vec<Tier>, PriceTableError> {
    let mut tiers = Vec::new();
    for range in fields.list(RANGES)? {
        let above = range.first("range")?.ok_or_else(|| range.fault("range", FieldFault::Missing))?;
        let stated = rates(&range, "")?;
        let mut others = base;
        for part in [Part::CachedInput, Part::CacheWrite, Part::LongCacheWrite] {
            others.set(part, None);
        }
        if stated.get(Part::Output).is_some() {
            others.set(Part::Reasoning, None);
        }
        let rates = stated.over(others);
        if stated.get(Part::Input).is_some() && rates.are_complete() {
            tiers.push(Tier { above, rates });
        }
    }
    tiers.sort_by_key(|tier| tier.above);
    tiers.dedup_by_key(|tier| tier.above);
    Ok(tiers)
}
