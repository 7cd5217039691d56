use std::collections::HashSet;

use anyhow::ensure;
use csv::WriterBuilder;
use runmill_proto::api::DetailedResult;
use serde_json::Value;

use super::{layout::Layout, reason, references, verdict};

/// Columns that every file has, before those of the items' fields.
const COLUMNS: [&str; 21] = [
    "item_id",
    "sample",
    "outcome",
    "verdict",
    "score",
    "scorer",
    "question",
    "prompt",
    "reference",
    "answer",
    "extracted",
    "reason",
    "error_kind",
    "model",
    "attempts",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "latency_ms",
    "started_at",
    "reused_from",
];

/// Largest number of fields of items. A data set whose fields are values has another for each item.
const FIELDS_MAX: usize = 2_000;

/// Results as comma-separated values (RFC 4180).
#[derive(Default)]
pub struct Csv {
    /// Names of the items' fields, in the order in which they were seen.
    fields: Vec<String>,
    known: HashSet<String>,
}

impl Layout for Csv {
    fn learn(&mut self, result: &DetailedResult) -> anyhow::Result<()> {
        for name in result.meta.iter().filter_map(Value::as_object).flat_map(|fields| fields.keys()) {
            if self.known.insert(name.clone()) {
                self.fields.push(name.clone());
            }
        }
        ensure!(
            self.fields.len() <= FIELDS_MAX,
            "the items have more than {FIELDS_MAX} different fields, which are too many columns: write .jsonl"
        );
        Ok(())
    }

    fn begin(&mut self) -> anyhow::Result<Vec<u8>> {
        // A field that has the name of another column is told apart.
        let own =
            |name: &String| if COLUMNS.contains(&&**name) { format!("meta.{name}") } else { name.clone() };
        line(COLUMNS.map(str::to_owned).into_iter().chain(self.fields.iter().map(own)))
    }

    fn write(&mut self, result: &DetailedResult) -> anyhow::Result<Vec<u8>> {
        let meta = result.meta.as_ref();
        let field = |name: &String| meta.and_then(|meta| meta.get(name)).map(text).unwrap_or_default();
        line(cells(result).into_iter().chain(self.fields.iter().map(field)))
    }

    fn end(&mut self) -> anyhow::Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

fn cells(result: &DetailedResult) -> [String; COLUMNS.len()] {
    let (record, call) = (&result.result, result.call.as_ref());
    let score = record.score.as_ref();
    let usage = call.and_then(|call| call.usage);
    let prompt: Vec<_> =
        result.prompt.iter().map(|turn| format!("{}: {}", turn.role.as_str(), turn.content)).collect();
    [
        record.item_id.clone(),
        record.sample.to_string(),
        record.outcome.to_string(),
        verdict(result),
        score.and_then(|score| score.value).map(|value| value.to_string()).unwrap_or_default(),
        score.map(|score| score.scorer.clone()).unwrap_or_default(),
        result.question.clone().unwrap_or_default(),
        prompt.join("\n\n"),
        references(result),
        record.response.clone().unwrap_or_default(),
        score.and_then(|score| score.extracted.clone()).unwrap_or_default(),
        reason(result),
        record.error_kind.map(|kind| kind.to_string()).unwrap_or_default(),
        call.map(|call| call.model.clone()).unwrap_or_default(),
        call.map(|call| call.attempts.to_string()).unwrap_or_default(),
        usage.map(|usage| usage.prompt_tokens.to_string()).unwrap_or_default(),
        usage.map(|usage| usage.completion_tokens.to_string()).unwrap_or_default(),
        call.and_then(|call| call.cost_usd).map(|cost| cost.to_string()).unwrap_or_default(),
        call.map(|call| call.latency_ms.to_string()).unwrap_or_default(),
        call.map(|call| call.started_at.to_string()).unwrap_or_default(),
        record.reused_from.map(|run| run.to_string()).unwrap_or_default(),
    ]
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn line(cells: impl Iterator<Item = String>) -> anyhow::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    Ok(writer.into_inner()?)
}
