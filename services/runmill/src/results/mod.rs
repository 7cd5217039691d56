//! Results of a run, as tables and as files.

mod csv;
mod file;
mod format;
mod item;
mod junit;
mod layout;
mod spool;
mod table;

pub use file::{ResultsFile, body};
pub use format::FileFormat;
pub use item::table as item_table;
pub use table::{SHOWN, table};

use futures::{Stream, StreamExt, TryStreamExt};
use runmill_proto::api::{DetailedResult, ResultsQuery, ScoreClass};
use tokio_util::{
    codec::{FramedRead, LinesCodec, LinesCodecError},
    io::StreamReader,
};

/// Longest line of a result: an answer, its reasoning and the question each have a bound at the server.
const LINE_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Reads results from a body that has one on each line.
pub fn records(
    body: impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin,
) -> impl Stream<Item = anyhow::Result<DetailedResult>> + Unpin {
    lines(body).map(|line| Ok(serde_json::from_str(&line?)?))
}

fn lines(
    body: impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin,
) -> impl Stream<Item = Result<String, LinesCodecError>> + Unpin {
    let codec = LinesCodec::new_with_max_length(LINE_MAX_BYTES);
    FramedRead::new(StreamReader::new(body), codec).into_stream()
}

/// Returns the query for all results with what was asked and what the calls used.
pub fn everything() -> ResultsQuery {
    ResultsQuery { details: Some("true".to_owned()), ..ResultsQuery::default() }
}

/// Says what became of a result, in a word.
fn verdict(result: &DetailedResult) -> String {
    let record = &result.result;
    match (&record.score, record.error_kind) {
        (Some(score), _) => ScoreClass::of(score.value).to_string(),
        (None, Some(kind)) => kind.to_string(),
        (None, None) => record.outcome.to_string(),
    }
}

/// Says why a result is as it is, or is empty.
fn reason(result: &DetailedResult) -> String {
    let record = &result.result;
    let detail = record.score.as_ref().and_then(|score| score.detail.clone());
    record.error.clone().or(detail).unwrap_or_default()
}

fn references(result: &DetailedResult) -> String {
    result.references.join(" | ")
}
