//! Results of a run, as tables and as files.

mod archived;
mod file;
mod item;
mod table;

pub use archived::encoded;
pub use file::ResultsFile;
pub use item::table as item_table;
pub use table::{SHOWN, table};

use futures::{Stream, StreamExt};
use runmill_proto::api::{DetailedResult, ResultsQuery};
use tokio_util::{
    codec::{FramedRead, LinesCodec},
    io::StreamReader,
};

/// Longest line of a result: an answer, its reasoning and the question each have a bound at the server.
const LINE_MAX_BYTES: usize = 256 * 1024 * 1024;

/// Reads results from a body that has one on each line.
pub fn records(
    body: impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin,
) -> impl Stream<Item = anyhow::Result<DetailedResult>> + Unpin {
    let codec = LinesCodec::new_with_max_length(LINE_MAX_BYTES);
    FramedRead::new(StreamReader::new(body), codec).map(|line| Ok(serde_json::from_str(&line?)?))
}

/// Returns the query for all results with what was asked and what the calls used.
pub fn everything() -> ResultsQuery {
    ResultsQuery { details: Some("true".to_owned()), ..ResultsQuery::default() }
}
