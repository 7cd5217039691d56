use std::{
    collections::HashSet,
    io::{self, BufReader, Read, Write},
};

use csv::WriterBuilder;
use runmill_proto::api::DetailedResult;
use serde_json::Value;

use crate::{
    Encoder, ExportError,
    spool::Spool,
    words::{reason, references, verdict},
};

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
///
/// The first line names the fields of all items, which are known at the end. So the rows wait, and each gets empty cells for
/// the fields that were seen after it.
pub struct Csv<W> {
    to: W,
    /// Rows without their last line break, each behind the number of its bytes and of its fields.
    rows: Spool,
    /// Names of the items' fields, in the order in which they were seen.
    fields: Vec<String>,
    known: HashSet<String>,
}

impl<W> Csv<W> {
    pub fn new(to: W) -> io::Result<Self> {
        Ok(Self { to, rows: Spool::new()?, fields: Vec::new(), known: HashSet::new() })
    }

    fn learn(&mut self, result: &DetailedResult) -> Result<(), ExportError> {
        for name in result.meta.iter().filter_map(Value::as_object).flat_map(|fields| fields.keys()) {
            if !self.known.contains(name) {
                self.known.insert(name.clone());
                self.fields.push(name.clone());
            }
        }
        if self.fields.len() > FIELDS_MAX {
            return Err(ExportError::TooManyFields { most: FIELDS_MAX });
        }
        Ok(())
    }
}

impl<W: Write + Send> Encoder for Csv<W> {
    fn results(&mut self, results: &[DetailedResult]) -> Result<(), ExportError> {
        for result in results {
            self.learn(result)?;
            let meta = result.meta.as_ref();
            let field = |name: &String| meta.and_then(|meta| meta.get(name)).map(text).unwrap_or_default();
            let row = line(cells(result).into_iter().chain(self.fields.iter().map(field)))?;
            self.rows.write_all(&(row.len() as u64).to_le_bytes())?;
            self.rows.write_all(&(self.fields.len() as u64).to_le_bytes())?;
            self.rows.write_all(&row)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        // A field that has the name of another column is told apart.
        let own =
            |name: &String| if COLUMNS.contains(&&**name) { format!("meta.{name}") } else { name.clone() };
        let head = line(COLUMNS.map(str::to_owned).into_iter().chain(self.fields.iter().map(own)))?;
        self.to.write_all(&head)?;
        self.to.write_all(b"\n")?;
        let mut rows = BufReader::new(self.rows.into_reader()?);
        while let Some(length) = number(&mut rows)? {
            let fields = number(&mut rows)?.unwrap_or_default();
            io::copy(&mut Read::by_ref(&mut rows).take(length), &mut self.to)?;
            let missing = (self.fields.len() as u64).saturating_sub(fields);
            io::copy(&mut io::repeat(b',').take(missing), &mut self.to)?;
            self.to.write_all(b"\n")?;
        }
        Ok(self.to.flush()?)
    }
}

/// Reads a number before a row. `None` stands for the end.
fn number(rows: &mut impl Read) -> io::Result<Option<u64>> {
    let mut bytes = [0; 8];
    match rows.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u64::from_le_bytes(bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
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

/// Returns a row without a line break at its end.
fn line(cells: impl Iterator<Item = String>) -> Result<Vec<u8>, ExportError> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells)?;
    let mut row = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    row.pop();
    Ok(row)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{encoded, result, run};
    use runmill_proto::api::ExportFormat;

    #[test]
    fn each_field_of_the_items_is_a_column_also_of_rows_before_it() {
        let with = |item: &str, meta: Value| DetailedResult { meta: Some(meta), ..result(item, 0) };
        let rows = [
            with("a", json!({"topic": "x, \"y\"\nz"})),
            with("b", json!({"level": 2, "score": null})),
            with("c", json!([1])),
        ];
        let bytes = encoded(ExportFormat::Csv, &run(), &rows);
        let mut reader = csv::Reader::from_reader(&*bytes);
        let head: Vec<_> = reader.headers().unwrap().iter().skip(COLUMNS.len()).map(str::to_owned).collect();
        assert_eq!(head, ["topic", "level", "meta.score"]);
        let fields: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().skip(COLUMNS.len()).map(str::to_owned).collect())
            .collect();
        assert_eq!(fields, [["x, \"y\"\nz", "", ""], ["", "2", ""], ["", "", ""]]);
    }

    #[test]
    fn too_many_fields_are_an_error() {
        let many: serde_json::Map<_, _> =
            (0..=FIELDS_MAX).map(|number| (number.to_string(), Value::Null)).collect();
        let row = DetailedResult { meta: Some(many.into()), ..result("a", 0) };
        let mut csv = Csv::new(Vec::new()).unwrap();
        assert!(matches!(csv.results(&[row]), Err(ExportError::TooManyFields { .. })));
    }
}
