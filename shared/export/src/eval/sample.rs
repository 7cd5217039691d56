use runmill_proto::{
    Outcome, ToolCall, TurnRole,
    api::{DetailedResult, Run},
    chat::Finish,
};
use serde_json::{Map, Value, json};

use super::header::{error, judge_name, usage};

/// A result as a sample of inspect.
pub struct Sample<'a> {
    result: &'a DetailedResult,
    model: &'a str,
    /// Fields that the sample and its summary have alike.
    common: Map<String, Value>,
}

impl<'a> Sample<'a> {
    pub fn of(result: &'a DetailedResult, run: &'a Run) -> Self {
        let model = result.call.as_ref().map_or(run.model.as_str(), |call| &call.model);
        Self { result, model, common: common(result, model) }
    }

    /// Returns the path of the sample in the log, by which inspect finds it.
    pub fn path(&self) -> String {
        let record = &self.result.result;
        format!("samples/{}_epoch_{}.json", record.item_id, record.sample + 1)
    }

    pub fn whole(&self) -> Value {
        let mut sample = self.common.clone();
        let messages = self.messages();
        sample.insert("messages".to_owned(), messages.into());
        sample.insert("output".to_owned(), self.output());
        if let Some(message) = failure(self.result) {
            sample.insert("error".to_owned(), error(&message));
        }
        if !self.result.choices.is_empty() {
            sample.insert("choices".to_owned(), json!(self.result.choices));
        }
        sample.into()
    }

    pub fn summary(&self) -> Value {
        let thin = |(name, value): (&String, &Value)| (name.clone(), thinned(value));
        let mut summary: Map<_, _> = self.common.iter().map(thin).collect();
        let messages = self.result.prompt.len().max(1) + usize::from(self.answer().is_some());
        let attempts = self.result.call.as_ref().map_or(0, |call| call.attempts);
        summary.insert("message_count".to_owned(), messages.into());
        summary.insert("retries".to_owned(), attempts.saturating_sub(1).into());
        summary.insert("completed".to_owned(), true.into());
        if let Some(message) = failure(self.result) {
            summary.insert("error".to_owned(), thinned(&message.into()));
        }
        summary.into()
    }

    /// Returns what was sent and what was answered.
    fn messages(&self) -> Vec<Value> {
        let mut messages: Vec<_> = self
            .result
            .prompt
            .iter()
            .map(|turn| {
                let mut message = json!({ "role": turn.role, "content": turn.content });
                if turn.role == TurnRole::Assistant {
                    message["source"] = "input".into();
                }
                message
            })
            .collect();
        if messages.is_empty() {
            messages.push(
                json!({ "role": "user", "content": self.result.question.as_deref().unwrap_or_default() }),
            );
        }
        messages.extend(self.answer());
        messages
    }

    fn answer(&self) -> Option<Value> {
        let record = &self.result.result;
        if !record.outcome.is_answer() {
            return None;
        }
        let text = record.response.as_deref().unwrap_or_default();
        let content = match &record.reasoning {
            None => text.into(),
            Some(reasoning) => {
                json!([{"type": "reasoning", "reasoning": reasoning}, {"type": "text", "text": text}])
            }
        };
        let mut message =
            json!({ "role": "assistant", "content": content, "source": "generate", "model": self.model });
        if !record.tool_calls.is_empty() {
            message["tool_calls"] = record.tool_calls.iter().map(tool_call).collect();
        }
        Some(message)
    }

    fn output(&self) -> Value {
        let stop_reason = stop_reason(self.result);
        let choice = |message| json!({ "message": message, "stop_reason": stop_reason });
        let choices: Vec<_> = self.answer().map(choice).into_iter().collect();
        let mut output = json!({ "model": self.model, "choices": choices });
        let Some(call) = &self.result.call else { return output };
        output["time"] = seconds(call.latency_ms).into();
        if let Some(used) = &call.usage {
            output["usage"] = usage(used);
        }
        output
    }
}

/// Largest number of characters of a text in a summary, as in inspect's own.
const SUMMARY_CHARS: usize = 1_024;

/// Returns the beginning of each text in a value, because all summaries are in one file.
fn thinned(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.char_indices().nth(SUMMARY_CHARS) {
            Some((end, _)) => format!("{}...", &text[..end]).into(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(thinned).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), thinned(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn common(result: &DetailedResult, model: &str) -> Map<String, Value> {
    let record = &result.result;
    let mut common = Map::new();
    let mut put = |name: &str, value: Value| common.insert(name.to_owned(), value);
    put("id", record.item_id.as_str().into());
    put("epoch", (record.sample + 1).into());
    put("uuid", record.invocation_id.to_string().into());
    put("input", result.question.as_deref().unwrap_or_default().into());
    put("target", target(&result.references));
    put("metadata", metadata(result));
    put("completed_at", record.settled_at.to_string().into());
    let scores = scores(result);
    // A score without a value is refused by inspect's reader.
    if !scores.is_empty() {
        put("scores", scores.into());
    }
    if let Some(call) = &result.call {
        put("started_at", call.started_at.to_string().into());
        put("total_time", seconds(call.latency_ms).into());
        put("working_time", seconds(call.latency_ms).into());
        put(
            "model_usage",
            call.usage.as_ref().map_or_else(|| json!({}), |used| json!({ model: usage(used) })),
        );
    }
    common
}

fn target(references: &[String]) -> Value {
    match references {
        [] => "".into(),
        [one] => one.as_str().into(),
        several => json!(several),
    }
}

/// Returns the item's other fields, and what inspect has no place for.
fn metadata(result: &DetailedResult) -> Value {
    let mut metadata = match &result.meta {
        None => Map::new(),
        Some(Value::Object(fields)) => fields.clone(),
        Some(other) => Map::from_iter([("meta".to_owned(), other.clone())]),
    };
    let (record, call) = (&result.result, result.call.as_ref());
    let ours = json!({
        "outcome": record.outcome,
        "error_kind": record.error_kind,
        "ordinal": record.ordinal,
        "attempts": call.map(|call| call.attempts),
        "cost_usd": call.and_then(|call| call.cost_usd),
        "ttft_ms": call.and_then(|call| call.ttft_ms),
        "images": result.images,
        "unscored": record.score.as_ref().filter(|score| score.value.is_none()).map(|score| &score.detail),
        "reused_from": record.reused_from,
    });
    metadata.insert("runmill".to_owned(), ours);
    metadata.into()
}

fn scores(result: &DetailedResult) -> Map<String, Value> {
    let mut scores = Map::new();
    if let Some(score) = &result.result.score
        && let Some(value) = score.value
    {
        let given = json!({ "value": value, "answer": score.extracted, "explanation": score.detail });
        scores.insert(score.scorer.clone(), given);
    }
    for verdict in &result.verdicts {
        if let Some(value) = verdict.value {
            let given = json!({ "value": value, "answer": verdict.verdict, "explanation": verdict.text });
            scores.insert(judge_name(verdict.judge), given);
        }
    }
    scores
}

/// Returns why there is no answer.
fn failure(result: &DetailedResult) -> Option<String> {
    let record = &result.result;
    let reason = match record.outcome {
        Outcome::Succeeded | Outcome::Refused | Outcome::Truncated => return None,
        Outcome::Failed => record.error_kind.map_or("failed", |kind| kind.as_str()),
        Outcome::Canceled | Outcome::BudgetStopped => record.outcome.as_str(),
    };
    Some(record.error.as_ref().map_or_else(|| reason.to_owned(), |error| format!("{reason}: {error}")))
}

fn stop_reason(result: &DetailedResult) -> &'static str {
    match (result.result.finish, result.result.outcome) {
        (Some(Finish::Other), _) => "unknown",
        (Some(Finish::Length), _) | (_, Outcome::Truncated) => "max_tokens",
        (Some(Finish::ContentFilter), _) | (_, Outcome::Refused) => "content_filter",
        (Some(Finish::ToolCalls), _) => "tool_calls",
        _ if !result.result.tool_calls.is_empty() => "tool_calls",
        _ => "stop",
    }
}

/// Returns a call of a tool. Arguments that are no object are kept as they are, as inspect keeps them.
fn tool_call(call: &ToolCall) -> Value {
    let arguments: Result<Map<String, Value>, _> = serde_json::from_str(&call.arguments);
    let mut written = json!({ "id": call.id, "function": call.name, "type": "function" });
    match arguments {
        Ok(arguments) => written["arguments"] = arguments.into(),
        Err(error) => {
            written["arguments"] = json!({ "raw": call.arguments });
            written["parse_error"] = error.to_string().into();
        }
    }
    written
}

#[expect(clippy::cast_precision_loss, reason = "no call takes 2^53 ms")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1_000.0
}
