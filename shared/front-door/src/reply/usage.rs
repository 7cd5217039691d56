use runmill_pricing::estimate_tokens;
use runmill_proto::{Usage, chat::ModelAnswer};
use serde_json::{Value, json};

use super::ReplyHead;

/// Returns what the provider counted, or an estimate: half a usage, and none, break clients.
pub(crate) fn of(head: &ReplyHead, answer: &ModelAnswer) -> Usage {
    answer.usage.unwrap_or_else(|| estimate(head, answer))
}

fn estimate(head: &ReplyHead, answer: &ModelAnswer) -> Usage {
    let reasoning = answer.reasoning.as_deref().map_or(0, estimate_tokens);
    let calls =
        answer.tool_calls.iter().map(|call| estimate_tokens(&call.name) + estimate_tokens(&call.arguments));
    let refusal = answer.refusal.as_deref().map_or(0, estimate_tokens);
    Usage {
        prompt_tokens: head.prompt_tokens,
        completion_tokens: estimate_tokens(&answer.text) + refusal + reasoning + calls.sum::<u64>(),
        reasoning_tokens: reasoning,
        ..Usage::default()
    }
}

/// Adds up the calls of all choices. Each was sent its own prompt, so the prompt counts once for each.
pub(crate) fn total(head: &ReplyHead, answers: &[ModelAnswer]) -> Usage {
    answers.iter().fold(Usage::default(), |mut sum, answer| {
        sum += of(head, answer);
        sum
    })
}

/// Returns the usage of a chat completion or a completion.
pub(crate) fn chat(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens(),
        "prompt_tokens_details": {
            "audio_tokens": usage.audio_input_tokens,
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {
            "accepted_prediction_tokens": 0,
            "audio_tokens": usage.audio_output_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "rejected_prediction_tokens": 0,
        },
    })
}

pub(crate) fn responses(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cache_write_tokens": usage.cache_write_tokens,
            "cached_tokens": usage.cached_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
        "total_tokens": usage.total_tokens(),
    })
}

/// Returns the usage of a message, whose input tokens exclude those of the cache.
pub(crate) fn messages(usage: &Usage) -> Value {
    let cached = usage.cached_tokens.saturating_add(usage.cache_write_tokens);
    json!({
        "input_tokens": usage.prompt_tokens.saturating_sub(cached),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {
            "ephemeral_1h_input_tokens": usage.long_cache_write_tokens,
            "ephemeral_5m_input_tokens": usage.cache_write_tokens.saturating_sub(usage.long_cache_write_tokens),
        },
        "output_tokens": usage.completion_tokens,
        "service_tier": "standard",
    })
}
