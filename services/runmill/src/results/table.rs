use futures::{Stream, StreamExt};
use runmill_export::words::{reason, references, verdict};
use runmill_proto::api::DetailedResult;

use crate::screen::{Column, FittedTable, one_line};

/// Number of results that are shown as a table if the user says no other.
pub const SHOWN: u32 = 50;

const COLUMNS: &[Column] = &[
    Column { title: "item", rank: 0, least: Some(24) },
    Column { title: "verdict", rank: 1, least: None },
    Column { title: "question", rank: 4, least: Some(14) },
    Column { title: "reference", rank: 3, least: Some(10) },
    Column { title: "answer", rank: 2, least: Some(14) },
    Column { title: "reason", rank: 5, least: Some(12) },
];

/// Returns a table of the first results, and true if there are more.
pub async fn table(
    mut results: impl Stream<Item = anyhow::Result<DetailedResult>> + Unpin,
    most: u32,
) -> anyhow::Result<(FittedTable, bool)> {
    let mut table = FittedTable::new(COLUMNS);
    for _ in 0..most {
        match results.next().await {
            Some(result) => table.add(cells(&result?)),
            None => return Ok((table, false)),
        }
    }
    Ok((table, results.next().await.is_some()))
}

fn cells(result: &DetailedResult) -> [String; COLUMNS.len()] {
    let record = &result.result;
    let item = match record.sample {
        0 => record.item_id.clone(),
        sample => format!("{}.{sample}", record.item_id),
    };
    let text = |text: Option<&str>| one_line(text.unwrap_or_default());
    [
        one_line(&item),
        verdict(result),
        text(result.question.as_deref()),
        one_line(&references(result)),
        text(record.response.as_deref()),
        one_line(&reason(result)),
    ]
}
