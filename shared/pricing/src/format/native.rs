//! Runmill's own format: dollars per million tokens, as people quote prices.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use super::hours;
use crate::{
    FieldFault, Price, PriceTableError, ServiceTier,
    fields::{Fields, Tokens},
    name::is_day,
    off_peak::OffPeak,
    part::Part,
    price::{Plan, Tier},
    rates::{Rate, Rates},
    uplift::Uplift,
};

const TABLE: [&str; 3] = ["source", "date", "models"];
/// Names of the prices of tokens, in the order of [`Part::ALL`].
pub(super) const PRICES: [&str; Part::ALL.len()] = [
    "input",
    "cached_input",
    "cache_write",
    "long_cache_write",
    "audio_input",
    "cached_audio_input",
    "image_input",
    "output",
    "reasoning",
    "audio_output",
    "image_output",
];
pub(super) const CHARGES: [&str; 2] = ["request", "search"];
pub(super) const LIMITS: [&str; 3] = ["tiers", "context_window", "max_output"];
const TERMS: [&str; 3] = ["service_tiers", "off_peak", "uplift"];
pub(super) const UPLIFTS: [&str; 5] = ["eu", "us", "fedramp", "regional", "fast"];

pub(super) fn read(
    table: &Map<String, Value>,
    models: &Value,
) -> Result<HashMap<String, Price>, PriceTableError> {
    let fields = Fields::of_table(table);
    fields.only(&TABLE)?;
    let source = source(&fields)?;
    let models = models.as_object().ok_or_else(|| fields.fault("models", FieldFault::NotAnObject))?;
    let read = |(model, value)| Ok((String::clone(model), price(model, value, &source)?));
    models.iter().map(read).collect()
}

/// Returns the name and the date of the table, in words.
fn source(fields: &Fields) -> Result<Arc<str>, PriceTableError> {
    let source = fields.text("source")?.unwrap_or("a table that names no source");
    let Some(date) = fields.text("date")? else { return Ok(source.into()) };
    let mut parts = date.splitn(3, '-').map(str::as_bytes);
    let parts = (parts.next(), parts.next(), parts.next());
    let (Some(year @ [_, _, _, _]), Some(month @ [_, _]), Some(day @ [_, _])) = parts else {
        return Err(fields.fault("date", FieldFault::NotADay));
    };
    if !is_day(year, month, day) {
        return Err(fields.fault("date", FieldFault::NotADay));
    }
    Ok(format!("{source}, {date}").into())
}

fn price(model: &str, value: &Value, source: &Arc<str>) -> Result<Price, PriceTableError> {
    let fields = Fields::of_model(model, value)?;
    fields.only(&[PRICES.as_slice(), &CHARGES, &LIMITS, &TERMS].concat())?;
    let rates = rates(&fields)?;
    for (field, part) in [("input", Part::Input), ("output", Part::Output)] {
        rates.get(part).ok_or_else(|| fields.fault(field, FieldFault::Missing))?;
    }
    let standard = plan(&fields, rates)?;
    Ok(Price {
        services: services(&fields, &standard)?,
        standard,
        off_peak: off_peak(&fields)?,
        uplift: uplift(&fields)?,
        request: fields.each("request")?.unwrap_or(Rate(0)),
        search: fields.each("search")?,
        context_window: fields.count("context_window")?,
        max_output: fields.count("max_output")?,
        source: source.clone(),
    })
}

fn plan(fields: &Fields, rates: Rates) -> Result<Plan, PriceTableError> {
    let mut tiers: Vec<Tier> = Vec::new();
    for tier in fields.list("tiers")? {
        tier.only(&[PRICES.as_slice(), &["above"]].concat())?;
        let above = tier.count("above")?.ok_or_else(|| tier.fault("above", FieldFault::Missing))?;
        if tiers.last().is_some_and(|last| above <= last.above) {
            return Err(tier.fault("above", FieldFault::NotAscending));
        }
        tiers.push(Tier { above, rates: self::rates(&tier)?.over(rates) });
    }
    Ok(Plan { rates, tiers })
}

/// Reads the prices of tiers of service. A tier that has no prices for long prompts has the same for all.
fn services(fields: &Fields, standard: &Plan) -> Result<Vec<(ServiceTier, Plan)>, PriceTableError> {
    let Some(services) = fields.object("service_tiers")? else { return Ok(Vec::new()) };
    let known = ServiceTier::NAMES.map(|(_, names)| names[0]);
    services.only(&known)?;
    let mut plans = Vec::new();
    for (service, names) in ServiceTier::NAMES {
        let Some(fields) = services.object(names[0])? else { continue };
        fields.only(&[PRICES.as_slice(), &["tiers"]].concat())?;
        plans.push((service, plan(&fields, rates(&fields)?.over(standard.rates))?));
    }
    Ok(plans)
}

fn off_peak(fields: &Fields) -> Result<Option<OffPeak>, PriceTableError> {
    let Some(fields) = fields.object("off_peak")? else { return Ok(None) };
    fields.only(&[PRICES.as_slice(), &hours::FIELDS].concat())?;
    hours::read(&fields, rates(&fields)?).map(Some)
}

fn uplift(fields: &Fields) -> Result<Uplift, PriceTableError> {
    let Some(fields) = fields.object("uplift")? else { return Ok(Uplift::default()) };
    fields.only(&UPLIFTS)?;
    Ok(Uplift {
        eu: fields.factor("eu")?,
        us: fields.factor("us")?,
        fedramp: fields.factor("fedramp")?,
        regional: fields.factor("regional")?,
        fast: fields.factor("fast")?,
    })
}

fn rates(fields: &Fields) -> Result<Rates, PriceTableError> {
    Rates::read(|part| fields.rate(PRICES[part as usize], Tokens::Million))
}

#[cfg(test)]
mod tests {
    use runmill_proto::Usage;

    use crate::{Terms, format::read};

    #[test]
    fn what_is_left_out_is_as_what_it_belongs_to() {
        let text = r#"{"source": "a contract", "date": "2026-01-31", "models": {"m": {
            "input": 1, "cached_input": 0.5, "output": 4, "context_window": 1000000, "max_output": 65536,
            "tiers": [{"above": 100, "input": 2}]
        }}}"#;
        let price = &read(text).unwrap()["m"];

        let one = |usage: Usage| price.cost(&usage, Terms::default()).unwrap();
        let prompt = |prompt_tokens| Usage { prompt_tokens, ..Usage::default() };
        assert_eq!(one(prompt(100)), 100_000);
        assert_eq!(one(Usage { cached_tokens: 100, ..prompt(100) }), 50_000);
        assert_eq!(one(Usage { cache_write_tokens: 100, ..prompt(100) }), 100_000);
        assert_eq!(one(Usage { completion_tokens: 1, reasoning_tokens: 1, ..prompt(0) }), 4_000);
        assert_eq!(
            one(Usage { cached_tokens: 1, completion_tokens: 1, ..prompt(101) }),
            200_000 + 500 + 4_000
        );
        assert_eq!((price.context_window(), price.max_output()), (Some(1_000_000), Some(65_536)));
        assert_eq!(price.source(), "a contract, 2026-01-31");
    }

    #[test]
    fn a_fault_names_the_model_and_the_field() {
        let table = [
            (r#""m": {"output": 1}"#, "model `m`, field `input`: is missing"),
            (r#""m": {"input": 1}"#, "model `m`, field `output`: is missing"),
            (
                r#""m": {"input": "1", "output": 1}"#,
                "model `m`, field `input`: must be a number from 0 to 10000 (US dollars per million tokens)",
            ),
            (
                r#""m": {"input": -1, "output": 1}"#,
                "model `m`, field `input`: must be a number from 0 to 10000 (US dollars per million tokens)",
            ),
            (
                r#""m": {"input": 1, "output": 1, "cached": 1}"#,
                "model `m`, field `cached`: is not known; known fields are input, cached_input, cache_write, \
                 long_cache_write, audio_input, cached_audio_input, image_input, output, reasoning, audio_output, \
                 image_output, request, search, tiers, context_window, max_output, service_tiers, off_peak, uplift",
            ),
            (
                r#""m": {"input": 1, "output": 1, "max_output": 0.5}"#,
                "model `m`, field `max_output`: must be a whole number from 0 to 1000000000000 (tokens)",
            ),
            (
                r#""m": {"input": 1, "output": 1, "tiers": [{"input": 1}]}"#,
                "model `m`, field `tiers/0/above`: is missing",
            ),
            (
                r#""m": {"input": 1, "output": 1, "tiers": [{"above": 2}, {"above": 2}]}"#,
                "model `m`, field `tiers/1/above`: must be more than that of the previous tier",
            ),
            (
                r#""m": {"input": 1, "output": 1, "tiers": [3]}"#,
                "model `m`, field `tiers/0`: must be an object",
            ),
            (r#""m": 3"#, "model `m`: must be an object"),
        ];
        for (models, want) in table {
            let error = read(&format!(r#"{{"models": {{{models}}}}}"#)).unwrap_err();
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn a_fault_of_the_table_itself_names_the_field() {
        let table = [
            (r#"{"models": 3}"#, "field `models`: must be an object"),
            (r#"{"models": {}, "date": "today"}"#, "field `date`: must be a day, as 2026-01-31"),
            (r#"{"models": {}, "date": "2026-13-31"}"#, "field `date`: must be a day, as 2026-01-31"),
            (
                r#"{"models": {}, "when": 1}"#,
                "field `when`: is not known; known fields are source, date, models",
            ),
            ("[]", "not JSON: invalid type: sequence, expected a map at line 1 column 0"),
        ];
        for (text, want) in table {
            assert_eq!(read(text).unwrap_err().to_string(), want);
        }
    }
}
