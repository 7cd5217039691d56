//! Tests of costs that depend on more than numbers of tokens, in both formats.

use jiff::Timestamp;
use runmill_pricing::{Hours, Place, PriceTable, Seller, ServiceTier, Terms};
use runmill_proto::{Usage, api::ProviderKind::Custom};

/// Entries in both formats with the same prices. A dollar per million tokens is 1,000 nanodollars per token.
const NATIVE: &str = r#"{"models": {"m": {
    "input": 1, "cached_input": 0.1, "cache_write": 1.25, "long_cache_write": 2, "audio_input": 8,
    "cached_audio_input": 4, "image_input": 3, "output": 5, "reasoning": 6, "audio_output": 20, "image_output": 30,
    "request": 0.001, "search": 0.01,
    "tiers": [{"above": 1000, "input": 2, "audio_input": 9}],
    "service_tiers": {"flex": {"input": 0.5, "tiers": [{"above": 1000, "input": 1, "audio_input": 9}]},
        "priority": {"input": 1.75, "output": 10, "reasoning": 10, "tiers": [{"above": 1000, "input": 2, "audio_input": 9}]}},
    "off_peak": {"hours_utc": "16:30-00:30", "windows": [{"hours_utc": ["04:00-06:00"], "weekdays": ["sat", 7]}],
        "input": 0.25, "output": 1},
    "uplift": {"eu": 1.1, "us": 1.2, "fedramp": 1.3, "regional": 1.4, "fast": 2}
}}}"#;

const LITELLM: &str = r#"{"m": {
    "input_cost_per_token": 1e-6, "cache_read_input_token_cost": 1e-7, "cache_creation_input_token_cost": 1.25e-6,
    "cache_creation_input_token_cost_above_1hr": 2e-6, "input_cost_per_audio_token": 8e-6,
    "cache_read_input_audio_token_cost": 4e-6, "input_cost_per_image_token": 3e-6, "output_cost_per_token": 5e-6,
    "output_cost_per_reasoning_token": 6e-6, "output_cost_per_audio_token": 2e-5, "output_cost_per_image_token": 3e-5,
    "input_cost_per_request": 0.001,
    "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.01},
    "input_cost_per_token_above_1k_tokens": 2e-6, "input_cost_per_audio_token_above_1000_tokens": 9e-6,
    "input_cost_per_token_flex": 5e-7, "input_cost_per_token_above_1k_tokens_flex": 1e-6,
    "input_cost_per_token_priority": 1.75e-6, "output_cost_per_token_priority": 1e-5,
    "off_peak_pricing": {"hours_utc": "16:30-00:30", "windows": [{"hours_utc": ["04:00-06:00"], "weekdays": ["sat", 7]}],
        "input_cost_per_token": 2.5e-7, "output_cost_per_token": 1e-6},
    "regional_processing_uplift_multiplier_eu": 1.1, "fedramp_uplift_multiplier": 1.3,
    "regional_endpoint_uplift_multiplier": 1.4, "provider_specific_entry": {"us": 1.2, "fast": 2}
}}"#;

/// Cost of each request in nanodollars.
const REQUEST: i64 = 1_000_000;

fn cost(table: &str, usage: Usage, terms: Terms) -> Result<i64, String> {
    let table = PriceTable::load(table).expect("the table is valid");
    let price = table.price(Seller::from(Custom), "m").expect("the table has the model");
    price.cost(&usage, terms).map_err(|unpriced| unpriced.to_string())
}

fn usage(prompt_tokens: u64, completion_tokens: u64) -> Usage {
    Usage { prompt_tokens, completion_tokens, ..Usage::default() }
}

fn service(service: ServiceTier) -> Terms {
    Terms { service, ..Terms::default() }
}

fn place(place: Place) -> Terms {
    Terms { place, ..Terms::default() }
}

fn at(time: &str) -> Terms {
    Terms { hours: Hours::At(time.parse::<Timestamp>().expect("the time is valid")), ..Terms::default() }
}

#[test]
fn every_part_and_every_term_has_its_price() {
    let standard = Terms::default();
    let rows: [(&str, Usage, Terms, i64); 24] = [
        ("a request", usage(0, 0), standard, 0),
        ("at a threshold", usage(1_000, 1), standard, 1_000_000 + 5_000),
        ("above it", usage(1_001, 1), standard, 2_002_000 + 5_000),
        (
            "long cache writes",
            Usage { cache_write_tokens: 10, long_cache_write_tokens: 4, ..usage(11, 0) },
            standard,
            1_000 + 6 * 1_250 + 4 * 2_000,
        ),
        (
            "media of the prompt",
            Usage { audio_input_tokens: 3, image_input_tokens: 2, ..usage(10, 0) },
            standard,
            5_000 + 3 * 8_000 + 2 * 3_000,
        ),
        (
            "cached audio",
            Usage { audio_input_tokens: 3, cached_tokens: 4, cached_audio_tokens: 2, ..usage(10, 0) },
            standard,
            5_000 + 2 * 100 + 2 * 4_000 + 8_000,
        ),
        (
            "media of the answer",
            Usage { audio_output_tokens: 3, image_output_tokens: 2, reasoning_tokens: 1, ..usage(0, 10) },
            standard,
            4 * 5_000 + 3 * 20_000 + 2 * 30_000 + 6_000,
        ),
        (
            "audio above a threshold",
            Usage { audio_input_tokens: 1, ..usage(1_001, 0) },
            standard,
            2_000_000 + 9_000,
        ),
        ("searches", Usage { web_searches: 3, ..usage(0, 0) }, standard, 30_000_000),
        ("flex", usage(10, 1), service(ServiceTier::Flex), 5_000 + 5_000),
        ("flex above a threshold", usage(1_001, 0), service(ServiceTier::Flex), 1_001_000),
        (
            "priority",
            Usage { reasoning_tokens: 1, ..usage(10, 2) },
            service(ServiceTier::Priority),
            17_500 + 20_000,
        ),
        ("priority above a threshold", usage(1_001, 0), service(ServiceTier::Priority), 2_002_000),
        ("a tier without a price", usage(10, 1), service(ServiceTier::Balanced), 15_000),
        ("half for batches", usage(10, 1), service(ServiceTier::Batch), 7_500),
        ("in the EU", usage(10, 1), place(Place::Eu), 16_500),
        ("in the US", usage(10, 1), place(Place::Us), 18_000),
        ("for authorities", usage(10, 1), place(Place::FedRamp), 19_500),
        ("in a region", usage(10, 1), place(Place::Regional), 21_000),
        ("fast", usage(10, 1), Terms { fast: true, ..standard }, 30_000),
        // 2026-11-27 is a Friday. Off-peak prices replace those of long prompts.
        ("before the hours", usage(10, 1), at("2026-11-27T16:29:59Z"), 15_000),
        ("at their begin", usage(1_001, 1), at("2026-11-27T16:30:00Z"), 250_250 + 1_000),
        ("at their end", usage(10, 1), at("2026-11-28T00:30:00Z"), 15_000),
        ("on a weekend", usage(10, 1), at("2026-11-28T05:59:59Z"), 2_500 + 1_000),
    ];
    for table in [NATIVE, LITELLM] {
        for (name, usage, terms, want) in rows {
            assert_eq!(cost(table, usage, terms), Ok(want + REQUEST), "{name}");
        }
        assert_eq!(
            cost(table, usage(10, 1), at("2026-11-27T05:00:00Z")),
            Ok(15_000 + REQUEST),
            "on a weekday"
        );
    }
}

#[test]
fn a_part_without_a_price_is_named() {
    let table = r#"{"models": {"m": {"input": 1, "cache_write": 1.25, "output": 5}}}"#;
    let rows = [
        (Usage { audio_input_tokens: 1, ..usage(1, 0) }, "audio tokens of the prompt"),
        (Usage { audio_output_tokens: 1, ..usage(0, 1) }, "audio tokens of the answer"),
        (Usage { image_output_tokens: 1, ..usage(0, 1) }, "image tokens of the answer"),
        (
            Usage { cache_write_tokens: 1, long_cache_write_tokens: 1, ..usage(1, 0) },
            "tokens written to a cache for an hour or longer",
        ),
        (Usage { web_searches: 1, ..usage(1, 1) }, "web searches"),
    ];
    for (usage, part) in rows {
        let want = format!("the price table has no price for {part}");
        assert_eq!(cost(table, usage, Terms::default()), Err(want));
    }
    let image = Usage { image_input_tokens: 1, ..usage(1, 0) };
    assert_eq!(cost(table, image, Terms::default()), Ok(1_000));
}

#[test]
fn vendors_of_litellms_table_have_rules_of_their_own() {
    let entry = |vendor: &str, fields: &str| {
        format!(
            r#"{{"m": {{"litellm_provider": "{vendor}", "input_cost_per_token": 1e-6, "output_cost_per_token": 0 {fields}}}}}"#
        )
    };
    let cost = |vendor: &str, fields: &str, usage: Usage, terms: Terms| {
        let table = PriceTable::load(&entry(vendor, fields)).unwrap();
        let name = format!("{vendor}/m");
        table.price(Seller::from(Custom), &name).unwrap().cost(&usage, terms).unwrap()
    };
    let (standard, above) = (Terms::default(), r#", "input_cost_per_token_above_1k_tokens": 3e-6"#);
    assert_eq!(cost("xai", above, usage(999, 0), standard), 999_000);
    assert_eq!(cost("xai", above, usage(1_000, 0), standard), 3_000_000);
    assert_eq!(cost("openai", above, usage(1_000, 0), standard), 1_000_000);

    let cached = Usage { cached_tokens: 10, ..usage(10, 0) };
    assert_eq!(cost("fireworks_ai", "", cached, standard), 5_000);
    assert_eq!(cost("groq", "", cached, standard), 10_000);

    let batches = r#", "input_cost_per_token_batches": 4e-7, "cache_read_input_token_cost": 2e-7"#;
    assert_eq!(cost("openai", batches, usage(10, 0), service(ServiceTier::Batch)), 4_000);
    assert_eq!(cost("openai", batches, cached, service(ServiceTier::Batch)), 1_000);
    assert_eq!(cost("openai", above, usage(1_001, 0), service(ServiceTier::Batch)), 1_501_500);

    // A tier may have only a price of answers.
    let output = r#", "output_cost_per_token_above_1k_tokens": 3e-6"#;
    assert_eq!(cost("openai", output, usage(1_001, 1), standard), 1_001_000 + 3_000);

    // Weekdays may be those of another place: Friday, 20:00 UTC is a Saturday in Shanghai.
    let hours = r#", "off_peak_pricing": {"weekday_timezone": "Asia/Shanghai", "input_cost_per_token": 0,
        "windows": [{"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}"#;
    assert_eq!(cost("tencent", hours, usage(1, 0), at("2026-11-27T20:00:00Z")), 0);
    assert_eq!(cost("tencent", hours, usage(1, 0), at("2026-11-27T15:00:00Z")), 1_000);
}

#[test]
fn a_search_whose_price_depends_on_its_size_has_none() {
    let table = r#"{"m": {"input_cost_per_token": 0, "output_cost_per_token": 0, "search_context_cost_per_query":
        {"search_context_size_low": 0.01, "search_context_size_high": 0.02}}}"#;
    let searched = Usage { web_searches: 1, ..usage(1, 1) };
    assert!(cost(table, searched, Terms::default()).is_err());
}

#[test]
fn names_of_tiers_are_those_of_answers() {
    let table = [
        ("flex", ServiceTier::Flex),
        ("ON_DEMAND_FLEX", ServiceTier::Flex),
        ("priority", ServiceTier::Priority),
        ("fast", ServiceTier::Priority),
        ("batch", ServiceTier::Batch),
        ("default", ServiceTier::Standard),
        ("on_demand", ServiceTier::Standard),
        ("", ServiceTier::Standard),
    ];
    for (name, want) in table {
        assert_eq!(ServiceTier::named(name), want, "{name}");
    }
}

#[test]
fn a_fault_of_a_term_names_its_field() {
    let native = |fields: &str| format!(r#"{{"models": {{"m": {{"input": 1, "output": 1, {fields}}}}}}}"#);
    let table = [
        (native(r#""off_peak": {"input": 1}"#), "off_peak/hours_utc`: is missing"),
        (native(r#""off_peak": {"hours_utc": "25:00-01:00"}"#), "off_peak/hours_utc`: must be hours of UTC, as 16:30-00:30"),
        (
            native(r#""off_peak": {"windows": [{"hours_utc": "01:00-02:00", "weekdays": [8]}]}"#),
            "off_peak/windows/0/weekdays`: must be a list of days of the week",
        ),
        (
            native(r#""off_peak": {"hours_utc": "01:00-02:00", "weekday_timezone": "Mars"}"#),
            "off_peak/weekday_timezone`: must be one of UTC, Asia/Shanghai",
        ),
        (native(r#""service_tiers": {"slow": {}}"#), "service_tiers/slow`: is not known; known fields are flex"),
        (native(r#""service_tiers": {"flex": {"request": 1}}"#), "service_tiers/flex/request`: is not known"),
        (native(r#""uplift": {"eu": 101}"#), "uplift/eu`: must be a number from 0 to 100"),
        (
            r#"{"m": {"tiered_pricing": [{"range": [5, 9], "input_cost_per_token": 0, "output_cost_per_token": 0}]}}"#
                .to_owned(),
            "tiered_pricing`: must begin with a range from 0",
        ),
    ];
    for (text, want) in table {
        let error = PriceTable::load(&text).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
