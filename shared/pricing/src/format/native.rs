//! Runmill's own format: dollars per million tokens, as people quote prices.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    FieldFault, Price, PriceTableError,
    fields::{Fields, Tokens},
    name::is_day,
    price::Tier,
    rates::Quote,
};

const TABLE: [&str; 3] = ["source", "date", "models"];
pub(super) const PRICES: [&str; 5] = ["input", "cached_input", "cache_write", "output", "reasoning"];
pub(super) const LIMITS: [&str; 3] = ["tiers", "context_window", "max_output"];

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
    fields.only(&[PRICES.as_slice(), &LIMITS].concat())?;
    let base = quote(&fields)?;
    for (field, rate) in [("input", base.input), ("output", base.output)] {
        rate.ok_or_else(|| fields.fault(field, FieldFault::Missing))?;
    }
    Ok(Price {
        rates: base.rates().expect("input and output are there"),
        tiers: tiers(&fields, base)?,
        context_window: fields.count("context_window")?,
        max_output: fields.count("max_output")?,
        source: source.clone(),
    })
}

fn tiers(fields: &Fields, base: Quote) -> Result<Vec<Tier>, PriceTableError> {
    let mut tiers: Vec<Tier> = Vec::new();
    for tier in fields.list("tiers")? {
        tier.only(&[PRICES.as_slice(), &["above"]].concat())?;
        let above = tier.count("above")?.ok_or_else(|| tier.fault("above", FieldFault::Missing))?;
        if tiers.last().is_some_and(|last| above <= last.above) {
            return Err(tier.fault("above", FieldFault::NotAscending));
        }
        let rates = quote(&tier)?.over(base).rates().expect("the base has input and output");
        tiers.push(Tier { above, rates });
    }
    Ok(tiers)
}

fn quote(fields: &Fields) -> Result<Quote, PriceTableError> {
    let rate = |field| fields.rate(field, Tokens::Million);
    Ok(Quote {
        input: rate("input")?,
        cached_input: rate("cached_input")?,
        cache_write: rate("cache_write")?,
        output: rate("output")?,
        reasoning: rate("reasoning")?,
    })
}

#[cfg(test)]
mod tests {
    use runmill_proto::Usage;

    use crate::format::read;

    #[test]
    fn what_is_left_out_is_as_what_it_belongs_to() {
        let text = r#"{"source": "a contract", "date": "2026-01-31", "models": {"m": {
            "input": 1, "cached_input": 0.5, "output": 4, "context_window": 1000000, "max_output": 65536,
            "tiers": [{"above": 100, "input": 2}]
        }}}"#;
        let price = &read(text).unwrap()["m"];

        let one = |usage: Usage| price.cost(&usage);
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
                "model `m`, field `cached`: is not known; known fields are input, cached_input, cache_write, output, \
                 reasoning, tiers, context_window, max_output",
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
