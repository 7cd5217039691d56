use runmill_proto::api::{CallSummary, DetailedResult};
use serde_json::Value;

use super::{reason, references, verdict};
use crate::screen::plain;

/// Width of the names before the values.
const NAME: usize = 12;

/// Returns all of one result as text.
pub fn text(result: &DetailedResult) -> String {
    let record = &result.result;
    let mut lines =
        vec![format!("{}, sample {}: {}", plain(&record.item_id), record.sample, verdict(result))];
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let value = plain(value).replace('\n', &format!("\n{:width$}", "", width = NAME + 2));
            lines.push(format!("  {:NAME$}{value}", plain(name)));
        }
    };
    for turn in &result.prompt {
        line(turn.role.as_str(), &turn.content);
    }
    if result.prompt.is_empty() {
        line("question", result.question.as_deref().unwrap_or_default());
    }
    if result.images > 0 {
        line("images", &result.images.to_string());
    }
    line("reference", &references(result));
    line("reasoning", record.reasoning.as_deref().unwrap_or_default());
    line("answer", record.response.as_deref().unwrap_or_default());
    for call in &record.tool_calls {
        line("tool call", &serde_json::to_string(call).unwrap_or_default());
    }
    if let Some(score) = &record.score {
        let value = score.value.map_or_else(|| "unscored".to_owned(), |value| value.to_string());
        line("score", &format!("{value} by {}", score.scorer));
        line("extracted", score.extracted.as_deref().unwrap_or_default());
    }
    line("reason", &reason(result));
    for (name, value) in result.meta.iter().filter_map(Value::as_object).flatten() {
        line(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    if let Some(call) = &result.call {
        line("model", &call.model);
        line("call", &call_words(call));
    }
    lines.join("\n")
}

fn call_words(call: &CallSummary) -> String {
    let requests =
        if call.attempts == 1 { "1 request".to_owned() } else { format!("{} requests", call.attempts) };
    let mut words = vec![requests, format!("{} ms", call.latency_ms)];
    words.extend(call.ttft_ms.map(|time| format!("first token after {time} ms")));
    words.extend(
        call.usage.map(|usage| format!("{} + {} tokens", usage.prompt_tokens, usage.completion_tokens)),
    );
    words.extend(call.cost_usd.map(|cost| format!("${cost:.6}")));
    words.join(", ")
}
