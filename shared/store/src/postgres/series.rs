//! Table `run_series`.

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use uuid::Uuid;

use super::{PgStore, session::Transaction, values::Cell as _};
use crate::{SeriesPoint, SeriesReader, StoreError, ledger::LockedRun, port::series::POINTS_MAX};

// An interval may be there when the clock was set back: the later one is dropped.
const INSERT: &str = "\
INSERT /* run_series.insert */ INTO run_series (run_id, at, point)
SELECT *
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[])
ON CONFLICT DO NOTHING";

const ALL: &str = "\
SELECT /* run_series.all */ point
FROM run_series
WHERE run_id = $1
ORDER BY at
LIMIT $2";

#[async_trait]
impl SeriesReader for PgStore {
    async fn series(&self, id: RunId) -> Result<Vec<SeriesPoint>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(ALL).await?;
        let rows = client.query(&statement, &[&id.uuid(), &i64::from(POINTS_MAX)]).await?;
        rows.iter().map(|row| row.cell("point")).collect()
    }
}

/// Inserts the intervals of locked runs that have ended.
pub async fn insert(
    tx: &Transaction<'_>,
    runs: impl IntoIterator<Item = &LockedRun>,
) -> Result<(), StoreError> {
    let points = runs.into_iter().flat_map(|run| run.series().iter().map(|point| (run.row.id, point)));
    let (mut ids, mut times, mut texts): (Vec<Uuid>, Vec<Timestamp>, Vec<String>) = Default::default();
    for (id, point) in points {
        ids.push(id.uuid());
        times.push(point.from);
        texts.push(point.to_json());
    }
    if ids.is_empty() {
        return Ok(());
    }
    let statement = tx.prepare_cached(INSERT).await?;
    tx.execute(&statement, &[&ids, &times, &texts]).await?;
    Ok(())
}
