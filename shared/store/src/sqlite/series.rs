//! Table `run_series`.

use async_trait::async_trait;
use runmill_proto::RunId;
use rusqlite::{Connection, params};

use super::{
    SqliteStore,
    values::{Cell as _, all, blob, execute, time},
};
use crate::{SeriesPoint, SeriesReader, StoreError, port::series::POINTS_MAX};

// An interval may be there when the clock was set back: the later one is dropped.
const INSERT: &str = "\
-- run_series.insert
INSERT INTO run_series (run_id, at, point)
VALUES (?1, ?2, ?3)
ON CONFLICT DO NOTHING";

const ALL: &str = "\
-- run_series.all
SELECT point
FROM run_series
WHERE run_id = ?1
ORDER BY at
LIMIT ?2";

#[async_trait]
impl SeriesReader for SqliteStore {
    async fn series(&self, id: RunId) -> Result<Vec<SeriesPoint>, StoreError> {
        self.read(move |db| all(db, ALL, params![blob(id.uuid()), POINTS_MAX], |row| row.cell("point"))).await
    }
}

pub fn insert(db: &Connection, id: RunId, points: &[SeriesPoint]) -> Result<(), StoreError> {
    for point in points {
        execute(db, INSERT, params![blob(id.uuid()), time(point.from), point.to_json()])?;
    }
    Ok(())
}
