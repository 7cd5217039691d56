//! Tests every number of a price table with values below, at and above its range.

use std::{fs, path::Path};

use runmill_proto::Numeric;

use super::{
    native::{CHARGES, LIMITS, PRICES, UPLIFTS},
    read,
};
use crate::{
    fields::TOKENS,
    rates::{EACH, PER_MILLION, PER_TOKEN},
    uplift::FACTORS,
};

const NO_NUMBERS: [&str; 5] = ["\"1\"", "true", "{}", "-1", "1e300"];

/// Checks a field of the model in `table`, in which `@` stands for the field's value.
fn check<T: Numeric>(table: &str, range: runmill_proto::Range<T>, ends: [&str; 2], above: &str) {
    for value in ends {
        read(&table.replace('@', value)).unwrap_or_else(|error| panic!("{table} {value}: {error}"));
    }
    for value in NO_NUMBERS.into_iter().chain([above]) {
        let error = read(&table.replace('@', value)).unwrap_err().to_string();
        assert!(error.contains(&range.to_string()), "{table} {value}: {error}");
    }
    // The JSON reader refuses a number that no type can hold.
    assert!(read(&table.replace('@', "1e400")).unwrap_err().to_string().contains("number out of range"));
}

fn check_price(table: &str) {
    check(table, PER_MILLION, ["0", "10000"], "10000.001");
}

fn check_tokens(table: &str) {
    check(table, TOKENS, ["0", "1000000000000"], "1000000000001");
    let error = read(&table.replace('@', "0.5")).unwrap_err().to_string();
    assert!(error.contains(&TOKENS.to_string()), "{error}");
}

#[test]
fn every_number_of_our_format_has_a_range() {
    let model = |fields: String| format!(r#"{{"models": {{"m": {{"input": 1, "output": 1, {fields}}}}}}}"#);
    let tier = |fields: String| model(format!(r#""tiers": [{{{fields}}}]"#));
    for field in PRICES {
        // If a name occurs twice, its last value counts.
        check_price(&model(format!(r#""{field}": @"#)));
        check_price(&tier(format!(r#""above": 1, "{field}": @"#)));
        check_price(&model(format!(r#""service_tiers": {{"flex": {{"{field}": @}}}}"#)));
        check_price(&model(format!(r#""off_peak": {{"hours_utc": "10:00-11:00", "{field}": @}}"#)));
    }
    for field in CHARGES {
        check(&model(format!(r#""{field}": @"#)), EACH, ["0", "100"], "100.001");
    }
    for field in UPLIFTS {
        check(&model(format!(r#""uplift": {{"{field}": @}}"#)), FACTORS, ["0", "100"], "100.001");
    }
    check_tokens(&tier(r#""above": @"#.to_owned()));
    for field in LIMITS.into_iter().filter(|field| *field != "tiers") {
        check_tokens(&model(format!(r#""{field}": @"#)));
    }
}

#[test]
fn every_number_of_litellms_format_has_a_range() {
    let prices = [
        "input_cost_per_token",
        "cache_read_input_token_cost",
        "cache_creation_input_token_cost",
        "cache_creation_input_token_cost_above_1hr",
        "cache_creation_input_token_cost_above_12hr",
        "input_cost_per_audio_token",
        "cache_read_input_audio_token_cost",
        "input_cost_per_image_token",
        "output_cost_per_token",
        "output_cost_per_reasoning_token",
        "output_cost_per_audio_token",
        "output_cost_per_image_token",
    ];
    let model = |fields: String| {
        format!(r#"{{"m": {{"input_cost_per_token": 0, "output_cost_per_token": 0, {fields}}}}}"#)
    };
    let tier = |fields: String| model(format!(r#""tiered_pricing": [{{{fields}}}]"#));
    for field in prices {
        let above = format!(r#""input_cost_per_token_above_9k_tokens": 0, "{field}_above_9k_tokens": @"#);
        for table in [
            model(format!(r#""{field}": @"#)),
            model(above),
            model(format!(r#""{field}_flex": @"#)),
            model(format!(r#""{field}_batches": @"#)),
            model(format!(r#""off_peak_pricing": {{"hours_utc": "10:00-11:00", "{field}": @}}"#)),
            tier(format!(r#""range": [0, 9], "input_cost_per_token": 0, "{field}": @"#)),
        ] {
            check(&table, PER_TOKEN, ["0", "0.01"], "0.010001");
        }
    }
    check_tokens(&tier(r#""range": [@, 9], "input_cost_per_token": 0"#.to_owned()));
    for field in [
        r#""input_cost_per_request": @"#,
        r#""search_context_cost_per_query": {"search_context_size_low": @}"#,
    ] {
        check(&model(field.to_owned()), EACH, ["0", "100"], "100.001");
    }
    for field in [
        "regional_processing_uplift_multiplier_eu",
        "regional_processing_uplift_multiplier_us",
        "fedramp_uplift_multiplier",
        "regional_endpoint_uplift_multiplier",
    ] {
        check(&model(format!(r#""{field}": @"#)), FACTORS, ["0", "100"], "100.001");
    }
    for field in ["max_input_tokens", "max_output_tokens"] {
        check_tokens(&model(format!(r#""{field}": @"#)));
    }
}

#[test]
fn the_ranges_are_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/prices.md");
    let page = fs::read_to_string(path).unwrap().replace('\n', " ");
    for range in [
        PER_MILLION.to_string(),
        PER_TOKEN.to_string(),
        EACH.to_string(),
        FACTORS.to_string(),
        TOKENS.to_string(),
    ] {
        let (_, range) = range.split_once(" from ").unwrap();
        assert!(page.contains(&format!("from {range}")), "{range}");
    }
}
