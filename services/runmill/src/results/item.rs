use runmill_export::words::{reason, references, verdict};
use runmill_proto::api::{CallSummary, DetailedResult};
use serde_json::Value;

use crate::screen::Sheet;

/// Returns all of one result, wrapped at the width of the terminal.
pub fn table(result: &DetailedResult) -> Sheet {
    let record = &result.result;
    let mut sheet = Sheet::unframed();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            sheet.row(name, value);
        }
    };
    row("item", &format!("{}, sample {}: {}", record.item_id, record.sample, verdict(result)));
    for turn in &result.prompt {
        row(turn.role.as_str(), &turn.content);
    }
    if result.prompt.is_empty() {
        row("question", result.question.as_deref().unwrap_or_default());
    }
    if result.images > 0 {
        row("images", &result.images.to_string());
    }
    row("reference", &references(result));
    row("reasoning", record.reasoning.as_deref().unwrap_or_default());
    row("answer", record.response.as_deref().unwrap_or_default());
    for call in &record.tool_calls {
        row("tool call", &serde_json::to_string(call).unwrap_or_default());
    }
    if let Some(score) = &record.score {
        let value = score.value.map_or_else(|| "unscored".to_owned(), |value| value.to_string());
        row("score", &format!("{value} by {}", score.scorer));
        row("extracted", score.extracted.as_deref().unwrap_or_default());
    }
    row("reason", &reason(result));
    for (name, value) in result.meta.iter().filter_map(Value::as_object).flatten() {
        row(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    if let Some(run) = record.reused_from {
        row("reused from", &run.to_string());
    }
    if let Some(call) = &result.call {
        row("model", &call.model);
        row("call", &words(call));
    }
    sheet
}

fn words(call: &CallSummary) -> String {
    let requests = match call.attempts {
        1 => "1 request".to_owned(),
        number => format!("{number} requests"),
    };
    let mut words = vec![requests, format!("{} ms", call.latency_ms)];
    words.extend(call.ttft_ms.map(|time| format!("first token after {time} ms")));
    words.extend(
        call.usage.map(|usage| format!("{} + {} tokens", usage.prompt_tokens, usage.completion_tokens)),
    );
    words.extend(call.cost_usd.map(|cost| format!("${cost:.6}")));
    words.join(", ")
}
