//! Tests with entries of every form in LiteLLM's table, copied from `model_prices_and_context_window_backup.json` of
//! the Python package litellm 1.110.2. Most of the fields that do not concern prices are left out.

use runmill_pricing::{PriceTable, Seller, Terms};
use runmill_proto::{
    Usage,
    api::ProviderKind::{self, Anthropic, Custom, Google, Openai},
};

fn table() -> PriceTable {
    PriceTable::load(include_str!("data/litellm.json")).expect("it is a part of the real table")
}

fn usage(prompt: u64, cached: u64, written: u64, completion: u64, reasoning: u64) -> Usage {
    Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        cached_tokens: cached,
        cache_write_tokens: written,
        reasoning_tokens: reasoning,
        ..Usage::default()
    }
}

#[test]
fn every_shape_of_price_is_read() {
    let rows: [(ProviderKind, &str, Usage, i64); 18] = [
        // The costs are in nanodollars.
        (Openai, "gpt-4o-mini", usage(1_000, 0, 0, 1_000, 0), 150_000 + 600_000),
        (Openai, "gpt-4o-mini", usage(1_000, 1_000, 0, 0, 0), 75_000),
        (Openai, "gpt-4o-2024-05-13", usage(1, 1, 0, 1, 0), 5_000 + 15_000),
        (Openai, "ft:gpt-4o-2024-08-06:me::1", usage(1, 0, 0, 0, 0), 3_750),
        // Each kind of token has a tier of its own. Prices of batches, flex and priority are ignored.
        (Openai, "gpt-6-sol", usage(3, 1, 1, 1, 0), 2_000 + 200 + 2_500 + 10_000),
        (Openai, "gpt-6-sol", usage(272_000, 272_000, 0, 0, 0), 272_000 * 200),
        (Openai, "gpt-6-sol", usage(272_001, 1, 272_000, 1, 0), 400 + 272_000 * 5_000 + 15_000),
        (Openai, "gpt-3.5-turbo-instruct", usage(1, 0, 0, 1, 0), 1_500 + 2_000),
        (Openai, "o3-pro", usage(1, 0, 0, 1, 1), 20_000 + 80_000),
        (Anthropic, "claude-haiku-4-5-20251001", usage(3, 1, 1, 1, 0), 1_000 + 100 + 1_250 + 5_000),
        (Anthropic, "claude-haiku-5-5", usage(100_001, 0, 0, 0, 0), 100_001 * 500),
        (Google, "gemini-2.5-pro", usage(200_001, 0, 0, 1, 0), 200_001 * 2_500 + 15_000),
        // The model is free: its prices are 0.
        (Google, "gemini-exp-1114", usage(1_000_000, 0, 0, 1, 0), 0),
        // The model has only ranges, each with all of its prices.
        (Custom, "dashscope/qwen-flash", usage(256_000, 0, 0, 1, 0), 256_000 * 50 + 400),
        (Custom, "dashscope/qwen-flash", usage(256_001, 0, 0, 1, 0), 256_001 * 250 + 2_000),
        (
            Custom,
            "dashscope/qwen-plus-2025-07-28",
            usage(256_001, 0, 0, 2, 1),
            256_001 * 1_200 + 3_600 + 12_000,
        ),
        (Custom, "dashscope/qwen-turbo", usage(0, 0, 0, 2, 1), 200 + 500),
        // The entry is an alias of another.
        (Custom, "bedrock/claude-opus-latest", usage(1, 0, 0, 1, 0), 4_000 + 20_000),
    ];
    for (kind, model, usage, want) in rows {
        let price = table().price(kind, model).cloned().unwrap_or_else(|| panic!("{model} has no price"));
        assert_eq!(price.cost(&usage, Terms::default()), Ok(want), "{model} {usage:?}");
    }
}

#[test]
fn what_is_not_asked_for_text_has_no_price() {
    for model in [
        "sample_spec",
        "openai/container",
        "text-embedding-3-small",
        "whisper-1",
        "openai/sora-2",
        "omni-moderation-latest",
    ] {
        assert_eq!(table().price(Openai, model), None, "{model}");
    }
}

#[test]
fn a_bare_name_belongs_to_the_vendor_that_its_entry_states() {
    let deepseek = Seller::at(Custom, "https://api.deepseek.com");
    // There is one entry with the prefix and one without, and only the former has a price of cache writes.
    let write = usage(1, 0, 1, 0, 0);
    assert_eq!(
        table().price(deepseek, "deepseek-chat").map(|price| price.cost(&write, Terms::default())),
        Some(Ok(0))
    );
    assert!(table().price(Custom, "deepseek/deepseek-chat").is_some());
    assert!(table().price(Custom, "openai/gpt-4o-mini").is_some());
    for model in ["deepseek-chat", "gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-pro"] {
        assert_eq!(table().price(Custom, model), None, "{model}");
    }
}

#[test]
fn limits_are_read() {
    let table = table();
    let price = table.price(Openai, "gpt-4o-mini").unwrap();
    assert_eq!((price.context_window(), price.max_output()), (Some(128_000), Some(16_384)));
    assert_eq!(price.source(), "a table in LiteLLM's format");
}

#[test]
fn a_fault_names_the_model_and_the_field() {
    let table = [
        (
            r#"{"m": {"input_cost_per_token": "1e-6", "output_cost_per_token": 1e-6}}"#,
            "model `m`, field `input_cost_per_token`: must be a number from 0 to 0.01 (US dollars per token)",
        ),
        (
            r#"{"m": {"input_cost_per_token": 2.5, "output_cost_per_token": 10}}"#,
            "model `m`, field `input_cost_per_token`: must be a number from 0 to 0.01 (US dollars per token)",
        ),
        (
            r#"{"m": {"input_cost_per_token": 0, "input_cost_per_token_above_9k_tokens": -1}}"#,
            "model `m`, field `input_cost_per_token_above_9k_tokens`: must be a number from 0 to 0.01 (US dollars per token)",
        ),
        (
            r#"{"m": {"input_cost_per_token": 0, "tiered_pricing": [{"range": 3}]}}"#,
            "model `m`, field `tiered_pricing/0/range`: must be a list whose first entry \
             must be a whole number from 0 to 1000000000000 (tokens)",
        ),
        (
            r#"{"m": {"input_cost_per_token": 0, "output_cost_per_token": 0, "max_output_tokens": "many"}}"#,
            "model `m`, field `max_output_tokens`: must be a whole number from 0 to 1000000000000 (tokens)",
        ),
        (r#"{"m": {"input_cost_per_token": 0}, "n": 3}"#, "model `n`: must be an object"),
        (
            r#"{"prices": {"gpt-4o": {"input": 1}}}"#,
            "neither a price table, which has `models`, nor LiteLLM's, whose entries have `input_cost_per_token` and \
             `output_cost_per_token`",
        ),
        ("input = 1", "not JSON: expected value at line 1 column 1"),
    ];
    for (text, want) in table {
        assert_eq!(PriceTable::load(text).unwrap_err().to_string(), want);
    }
}
