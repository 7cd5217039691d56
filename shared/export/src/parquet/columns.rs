use std::{borrow::Cow, fmt::Write as _, io::Write};

use jiff::Timestamp;
use parquet::{
    errors::ParquetError,
    file::writer::{SerializedColumnWriter, SerializedRowGroupWriter},
};
use runmill_proto::{
    Turn, Usage,
    api::{CallSummary, DetailedResult, Run},
};
use serde::Serialize;

use super::cells::{Numbers, Texts};
use crate::words::verdict;

/// A column of the table.
pub struct Column {
    pub name: &'static str,
    value: Value,
    /// True if few different values repeat, so that a dictionary pays.
    pub is_repeating: bool,
}

/// Type of a column, and its value in a row.
#[derive(Clone, Copy)]
enum Value {
    Text(for<'a> fn(&'a DetailedResult) -> Option<Cow<'a, str>>),
    /// A value of any shape, as JSON.
    Json(fn(&DetailedResult, &mut Vec<u8>) -> bool),
    Int(fn(&DetailedResult) -> Option<u64>),
    Double(fn(&DetailedResult) -> Option<f64>),
    Time(fn(&DetailedResult) -> Option<Timestamp>),
    List(fn(&DetailedResult) -> &[String]),
    Turns(fn(&DetailedResult) -> &[Turn]),
    /// Id of the run.
    Run,
}

const fn column(name: &'static str, value: Value) -> Column {
    Column { name, value, is_repeating: false }
}

const fn repeating(name: &'static str, value: Value) -> Column {
    Column { name, value, is_repeating: true }
}

use Value::{Double, Int, Json, List, Text, Time, Turns};

pub const COLUMNS: &[Column] = &[
    repeating("run_id", Value::Run),
    column("item_id", Text(|row| text(Some(&row.result.item_id)))),
    column("ordinal", Int(|row| Some(row.result.ordinal.into()))),
    repeating("sample", Int(|row| Some(row.result.sample.into()))),
    repeating("outcome", Text(|row| text(Some(row.result.outcome.as_str())))),
    repeating("verdict", Text(|row| Some(verdict(row).into()))),
    repeating("score", Double(|row| row.result.score.as_ref()?.value)),
    repeating("scorer", Text(|row| text(Some(&row.result.score.as_ref()?.scorer)))),
    column("extracted", Text(|row| text(row.result.score.as_ref()?.extracted.as_deref()))),
    column("score_detail", Text(|row| text(row.result.score.as_ref()?.detail.as_deref()))),
    repeating("error_kind", Text(|row| text(Some(row.result.error_kind?.as_str())))),
    column("error", Text(|row| text(row.result.error.as_deref()))),
    column("question", Text(|row| text(row.question.as_deref()))),
    column("prompt", Turns(|row| &row.prompt)),
    repeating("images", Int(|row| Some(row.images))),
    column("choices", List(|row| &row.choices)),
    column("references", List(|row| &row.references)),
    column("response", Text(|row| text(row.result.response.as_deref()))),
    column("reasoning", Text(|row| text(row.result.reasoning.as_deref()))),
    column(
        "tool_calls",
        Json(|row, to| json(Some(&row.result.tool_calls).filter(|calls| !calls.is_empty()), to)),
    ),
    column("logprobs", Json(|row, to| json(row.result.logprobs.as_ref(), to))),
    column("meta", Json(|row, to| json(row.meta.as_ref(), to))),
    column("verdicts", Json(|row, to| json(Some(&row.verdicts).filter(|verdicts| !verdicts.is_empty()), to))),
    repeating("provider_id", Text(|row| Some(row.call.as_ref()?.provider_id.to_string().into()))),
    repeating("model", Text(|row| text(Some(&row.call.as_ref()?.model)))),
    repeating("attempts", Int(|row| Some(row.call.as_ref()?.attempts))),
    column("prompt_tokens", Int(|row| Some(usage(row)?.prompt_tokens))),
    column("completion_tokens", Int(|row| Some(usage(row)?.completion_tokens))),
    column("cached_tokens", Int(|row| Some(usage(row)?.cached_tokens))),
    column("reasoning_tokens", Int(|row| Some(usage(row)?.reasoning_tokens))),
    column("cost_usd", Double(|row| row.call.as_ref()?.cost_usd)),
    column("latency_ms", Double(|row| milliseconds(Some(row.call.as_ref()?.latency_ms)))),
    column("ttft_ms", Double(|row| milliseconds(row.call.as_ref()?.ttft_ms))),
    column("started_at", Time(|row| row.call.as_ref().map(|call: &CallSummary| call.started_at))),
    column("settled_at", Time(|row| Some(row.result.settled_at))),
    column("invocation_id", Text(|row| Some(row.result.invocation_id.to_string().into()))),
    repeating("reused_from", Text(|row| Some(row.result.reused_from?.to_string().into()))),
];

fn text(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::from)
}

fn usage(row: &DetailedResult) -> Option<Usage> {
    row.call.as_ref()?.usage
}

/// Appends a value as JSON. Returns false if there is none.
fn json(value: Option<&impl Serialize>, to: &mut Vec<u8>) -> bool {
    value.is_some_and(|value| serde_json::to_writer(to.by_ref(), value).is_ok())
}

#[expect(clippy::cast_precision_loss, reason = "no call takes 2^53 ms")]
fn milliseconds(value: Option<u64>) -> Option<f64> {
    value.map(|value| value as f64)
}

/// Returns the schema in Parquet's language.
pub fn schema() -> String {
    let mut text = "message results {\n".to_owned();
    for Column { name, value, .. } in COLUMNS {
        let line = match value {
            Text(_) | Json(_) | Value::Run => format!("optional binary {name} (STRING);"),
            Int(_) => format!("optional int64 {name};"),
            Double(_) => format!("optional double {name};"),
            Time(_) => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
            List(_) => {
                format!(
                    "required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}"
                )
            }
            Turns(_) => format!(
                "required group {name} (LIST) {{ repeated group list {{ required group element {{ \
                 required binary role (STRING); required binary content (STRING); }} }} }}"
            ),
        };
        let _ = writeln!(text, "{line}");
    }
    text + "}"
}

/// Values of one column of a row group.
enum Cells {
    Texts(Texts),
    Ints(Numbers<i64>),
    Doubles(Numbers<f64>),
    /// Roles and contents of messages: two columns of the file.
    Turns(Texts, Texts),
}

/// The rows of one row group.
pub struct Table {
    run_id: String,
    cells: Vec<Cells>,
    rows: usize,
}

impl Table {
    pub fn new(run: &Run) -> Self {
        let cells = COLUMNS.iter().map(|column| match column.value {
            Text(_) | Json(_) | List(_) | Value::Run => Cells::Texts(Texts::default()),
            Int(_) | Time(_) => Cells::Ints(Numbers::default()),
            Double(_) => Cells::Doubles(Numbers::default()),
            Turns(_) => Cells::Turns(Texts::default(), Texts::default()),
        });
        Self { run_id: run.id.to_string(), cells: cells.collect(), rows: 0 }
    }

    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of bytes of the texts.
    pub fn bytes(&self) -> usize {
        let bytes = |cells: &Cells| match cells {
            Cells::Texts(texts) => texts.len(),
            Cells::Turns(roles, contents) => roles.len() + contents.len(),
            Cells::Ints(_) | Cells::Doubles(_) => 0,
        };
        self.cells.iter().map(bytes).sum()
    }

    pub fn push(&mut self, row: &DetailedResult) {
        self.rows += 1;
        for (column, cells) in COLUMNS.iter().zip(&mut self.cells) {
            match (column.value, cells) {
                (Text(of), Cells::Texts(texts)) => texts.push(of(row).as_deref()),
                (Json(of), Cells::Texts(texts)) => texts.push_written(|to| of(row, to)),
                (List(of), Cells::Texts(texts)) => texts.push_list(of(row).iter().map(String::as_str)),
                (Value::Run, Cells::Texts(texts)) => texts.push(Some(&self.run_id)),
                (Int(of), Cells::Ints(numbers)) => {
                    numbers.push(of(row).map(|number| i64::try_from(number).unwrap_or(i64::MAX)));
                }
                (Time(of), Cells::Ints(numbers)) => numbers.push(of(row).map(Timestamp::as_microsecond)),
                (Double(of), Cells::Doubles(numbers)) => numbers.push(of(row)),
                (Turns(of), Cells::Turns(roles, contents)) => {
                    roles.push_list(of(row).iter().map(|turn| turn.role.as_str()));
                    contents.push_list(of(row).iter().map(|turn| turn.content.as_str()));
                }
                _ => unreachable!("the cells were made for the columns"),
            }
        }
    }

    /// Writes the rows, and begins the next row group.
    pub fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        for cells in &mut self.cells {
            match cells {
                Cells::Texts(texts) => next(group, |column| texts.write(column))?,
                Cells::Ints(numbers) => next(group, |column| numbers.write(column))?,
                Cells::Doubles(numbers) => next(group, |column| numbers.write(column))?,
                Cells::Turns(roles, contents) => {
                    next(group, |column| roles.write(column))?;
                    next(group, |column| contents.write(column))?;
                }
            }
        }
        self.rows = 0;
        Ok(())
    }
}

fn next<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    write: impl FnOnce(&mut SerializedColumnWriter<'_>) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let mut column = column.ok_or_else(|| ParquetError::General("a column is missing".to_owned()))?;
    write(&mut column)?;
    column.close()
}
