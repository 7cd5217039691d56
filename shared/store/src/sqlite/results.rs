//! Table `results`.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    DatasetId, ErrorKind, InvocationId, RunId,
    api::{InvocationRecord, ResultOrder, ResultRecord, ScoreClass},
    message::{Invocation, JobKey},
};
use runmill_scoring::Cluster;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde_json::json;

use super::{
    SqliteStore,
    deferred::key,
    invocations,
    values::{Cell as _, all, blob, execute, record},
};
use crate::{
    DetailedRow, JobScore, JudgedRow, ResultFilter, ResultReader, SLOWEST_MAX, ScoreFields, StoreError,
    StoredAnswer,
    columns::{
        Cells, Dialect, inserted,
        sql::{self, Sql, select},
    },
    ledger::ItemKey,
    tables::{NewResult, answers, detailed_columns, detailed_row},
};

static INSERT: Sql = Sql::new(|| {
    let (name, rest) = ("results.insert", "ON CONFLICT DO NOTHING");
    sql::insert::<ResultRecord>(Dialect::Sqlite, name, "results", rest)
});

const CLUSTER: &str = "\
-- results.cluster
SELECT count(json_extract(score, '$.value')) AS scored,
       count(*) - count(json_extract(score, '$.value')) AS unscored,
       coalesce(sum(json_extract(score, '$.value')), 0.0) AS sum
FROM results
WHERE run_id = ?1
  AND ordinal = ?2
  AND outcome IN (SELECT value FROM json_each(?3)) /* answers */
  AND json_type(score) = 'object'";

const ANSWERS: &str = "\
-- results.answers
SELECT ordinal, sample, response
FROM results
WHERE run_id = ?1
  AND (ordinal, sample) > (?2, ?3) /* after */
  AND response IS NOT NULL
  AND outcome IN (SELECT value FROM json_each(?5)) /* answers */
ORDER BY ordinal, sample
LIMIT ?4";

const JUDGED: &str = "\
-- results.judged
SELECT ordinal,
       CASE WHEN outcome IN (SELECT value FROM json_each(?5)) /* answers */ THEN response END AS response,
       json_extract(score, '$.extracted') AS extracted
FROM results
WHERE run_id = ?1
  AND ordinal BETWEEN ?3 AND ?4
  AND sample = ?2
ORDER BY ordinal";

const SCORES: &str = "\
-- results.scores
SELECT results.ordinal,
       results.sample,
       results.item_id,
       json_extract(score, '$.value') AS value,
       CASE WHEN ?5 IS NULL THEN NULL ELSE CAST(json_extract(body, ?5) AS TEXT) END AS group_value,
       CASE WHEN ?6 IS NULL THEN NULL ELSE CAST(json_extract(body, ?6) AS TEXT) END AS cluster
FROM results
JOIN runs ON runs.id = results.run_id
LEFT JOIN dataset_items ON dataset_items.dataset_id = runs.dataset_id
    AND dataset_items.ordinal = results.ordinal
WHERE results.run_id = ?1
  AND (results.ordinal, results.sample) > (?2, ?3) /* after */
  AND json_type(score) = 'object'
ORDER BY results.ordinal, results.sample
LIMIT ?4";

const DELETE_FAILED: &str = "\
-- results.delete_failed
DELETE FROM results
WHERE run_id = ?1
  AND outcome = 'failed'
  AND (?2 = '[]' OR error_kind IN (SELECT value FROM json_each(?2))) /* kinds */
RETURNING run_id, ordinal, sample";

const DELETE_ALL: &str = "\
-- results.delete_all
DELETE FROM results
WHERE run_id = ?1";

static PAGES: [Sql; 4] = [
    Sql::new(|| plain("results.page", None)),
    Sql::new(|| plain("results.slowest", Some(ResultOrder::Slowest))),
    Sql::new(|| plain("results.newest", Some(ResultOrder::Newest))),
    Sql::new(|| plain("results.lowest", Some(ResultOrder::Lowest))),
];

static DETAILED: [Sql; 4] = [
    Sql::new(|| detailed("results.detailed", None)),
    Sql::new(|| detailed("results.detailed_slowest", Some(ResultOrder::Slowest))),
    Sql::new(|| detailed("results.detailed_newest", Some(ResultOrder::Newest))),
    Sql::new(|| detailed("results.detailed_lowest", Some(ResultOrder::Lowest))),
];

/// Returns the statement of an order.
const fn statement(of: &[Sql; 4], order: Option<ResultOrder>) -> &Sql {
    match order {
        None => &of[0],
        Some(ResultOrder::Slowest) => &of[1],
        Some(ResultOrder::Newest) => &of[2],
        Some(ResultOrder::Lowest) => &of[3],
    }
}

fn plain(name: &'static str, order: Option<ResultOrder>) -> String {
    select::<ResultRecord>(name, "results", &filtered(order))
}

fn detailed(name: &'static str, order: Option<ResultOrder>) -> String {
    format!(
        "\
-- {name}
SELECT {}
FROM results
LEFT JOIN invocations ON invocations.run_id = results.run_id
    AND invocations.id = results.invocation_id
LEFT JOIN dataset_items ON dataset_items.dataset_id = ?11
    AND dataset_items.ordinal = results.ordinal
{}",
        detailed_columns(),
        filtered(order)
    )
}

/// Returns the conditions, the order and the bound of a page of the results that a filter lets through.
fn filtered(order: Option<ResultOrder>) -> String {
    let (further, order) = match order {
        None => (String::new(), ""),
        Some(ResultOrder::Slowest) => (
            format!(
                "
  AND (results.ordinal, results.sample, results.invocation_id) IN (
      SELECT ordinal, sample, id
      FROM invocations
      WHERE run_id = ?1
      ORDER BY latency_ms DESC
      LIMIT {SLOWEST_MAX}
  )"
            ),
            "(SELECT latency_ms FROM invocations WHERE run_id = ?1 AND id = results.invocation_id) DESC, ",
        ),
        Some(ResultOrder::Newest) => (String::new(), "settled_at DESC, "),
        Some(ResultOrder::Lowest) => (
            "\n  AND json_extract(results.score, '$.value') IS NOT NULL".to_owned(),
            "json_extract(results.score, '$.value'), ",
        ),
    };
    format!(
        "\
WHERE results.run_id = ?1
  AND (results.ordinal, results.sample) > (?2, ?3) /* after */
  AND results.ordinal < ?10 /* before */
  AND (?5 = '[]' OR results.outcome IN (SELECT value FROM json_each(?5)))
  AND (?6 = '[]' OR results.error_kind IN (SELECT value FROM json_each(?6)))
  AND (?7 IS NULL OR results.item_id = ?7)
  AND (?8 IS NULL OR ?8 = CASE
        WHEN score IS NULL OR json_type(score) <> 'object' THEN NULL
        WHEN json_extract(score, '$.value') IS NULL THEN 'unscored'
        WHEN json_extract(score, '$.value') < 1 THEN 'wrong'
        ELSE 'right'
    END)
  AND (
      ?9 IS NULL
      OR results.response LIKE ?9 ESCAPE '\\'
      OR results.error LIKE ?9 ESCAPE '\\'
      OR results.item_id LIKE ?9 ESCAPE '\\'
  ){further}
ORDER BY {order}results.ordinal, results.sample
LIMIT ?4"
    )
}

#[async_trait]
impl ResultReader for SqliteStore {
    async fn results(
        &self,
        id: RunId,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        let (ordinal, sample) = place(after);
        let (outcomes, kinds) =
            (json!(filter.outcome_names()).to_string(), json!(filter.kind_names()).to_string());
        let (item_id, score) = (filter.item_id.clone(), filter.score.map(ScoreClass::as_str));
        let (text, before) = (filter.pattern(), filter.before.map_or(i64::MAX, i64::from));
        let statement = statement(&PAGES, filter.order);
        self.read(move |db| {
            let id = blob(id.uuid());
            let params = params![id, ordinal, sample, limit, outcomes, kinds, item_id, score, text, before];
            all(db, statement, params, record)
        })
        .await
    }

    async fn scores(
        &self,
        id: RunId,
        fields: &ScoreFields,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobScore>, StoreError> {
        let (ordinal, sample) = place(after);
        let [group, cluster] = [&fields.group, &fields.cluster].map(|field| field.as_deref().map(path));
        self.read(move |db| {
            all(db, SCORES, params![blob(id.uuid()), ordinal, sample, limit, group, cluster], score)
        })
        .await
    }

    async fn answers(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<StoredAnswer>, StoreError> {
        let (ordinal, sample) = place(after);
        let outcomes = json!(answers()).to_string();
        self.read(move |db| {
            all(db, ANSWERS, params![blob(id.uuid()), ordinal, sample, limit, outcomes], |row| {
                let (ordinal, sample) = (row.cell("ordinal")?, row.cell("sample")?);
                Ok(StoredAnswer { ordinal, sample, response: row.cell("response")? })
            })
        })
        .await
    }

    async fn judged(
        &self,
        id: RunId,
        sample: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<JudgedRow>, StoreError> {
        let outcomes = json!(answers()).to_string();
        let last = i64::from(first) + i64::from(count) - 1;
        self.read(move |db| {
            all(db, JUDGED, params![blob(id.uuid()), sample, first, last, outcomes], |row| {
                Ok(JudgedRow {
                    ordinal: row.cell("ordinal")?,
                    response: row.cell("response")?,
                    extracted: row.cell("extracted")?,
                })
            })
        })
        .await
    }

    async fn detailed_results(
        &self,
        id: RunId,
        items_of: Option<DatasetId>,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<DetailedRow>, StoreError> {
        let (ordinal, sample) = place(after);
        let (outcomes, kinds) =
            (json!(filter.outcome_names()).to_string(), json!(filter.kind_names()).to_string());
        let (item_id, score) = (filter.item_id.clone(), filter.score.map(ScoreClass::as_str));
        let (text, before) = (filter.pattern(), filter.before.map_or(i64::MAX, i64::from));
        let statement = statement(&DETAILED, filter.order);
        self.read(move |db| {
            let (id, dataset) = (blob(id.uuid()), items_of.map(|id| blob(id.uuid())));
            let asked =
                params![id, ordinal, sample, limit, outcomes, kinds, item_id, score, text, before, dataset];
            let mut statement = db.prepare_cached(statement)?;
            let mut rows = statement.query(asked)?;
            let (mut page, mut bytes) = (Vec::new(), 0);
            while bytes < DetailedRow::PAGE_BYTES
                && let Some(row) = rows.next()?
            {
                let row = detailed_row(&mut Cells::new(row))?;
                bytes += row.bytes();
                page.push(row);
            }
            Ok(page)
        })
        .await
    }

    async fn invocations_of(
        &self,
        id: RunId,
        ids: &[InvocationId],
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |db| invocations::of(db, id, &ids)).await
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        self.read(move |db| invocations::page(db, id, after, limit)).await
    }
}

/// Returns the place of a job in its run, or one before the first.
pub fn place(after: Option<JobKey>) -> (i64, i64) {
    after.map_or((-1, -1), |key| (i64::from(key.ordinal), i64::from(key.sample)))
}

/// Returns the JSON path of a field of an item's `meta`.
fn path(field: &str) -> String {
    format!("$.meta.\"{field}\"")
}

fn score(row: &Row<'_>) -> Result<JobScore, StoreError> {
    Ok(JobScore {
        ordinal: row.cell("ordinal")?,
        sample: row.cell("sample")?,
        item_id: row.cell("item_id")?,
        value: row.get("value")?,
        group: row.cell("group_value")?,
        cluster: row.cell("cluster")?,
    })
}

/// Inserts the results of jobs that have none. Returns their jobs.
pub fn insert(
    db: &Connection,
    invocations: &[&Invocation],
    settled_at: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    let mut inserted_jobs = Vec::with_capacity(invocations.len());
    for invocation in invocations {
        let row = NewResult { invocation, settled_at };
        if execute(db, &INSERT, params_from_iter(inserted::<ResultRecord>(&row)))? == 1 {
            inserted_jobs.push(invocation.key());
        }
    }
    Ok(inserted_jobs)
}

/// Returns the results that items have.
pub fn clusters(db: &Connection, items: &[ItemKey]) -> Result<HashMap<ItemKey, Cluster>, StoreError> {
    let mut clusters = HashMap::new();
    for (run, ordinal) in items {
        let found =
            all(db, CLUSTER, params![blob(run.uuid()), ordinal, json!(answers()).to_string()], |row| {
                let [scored, unscored] = [row.cell("scored")?, row.cell("unscored")?];
                Ok(Cluster { scored, unscored, sum: row.get("sum")? })
            })?;
        clusters.extend(found.into_iter().map(|cluster| ((*run, *ordinal), cluster)));
    }
    Ok(clusters)
}

/// Deletes the results of jobs that failed with one of `kinds`, or of all failed jobs if it is empty. Returns the jobs.
pub fn delete_failed(
    db: &Connection,
    id: RunId,
    kinds: &BTreeSet<ErrorKind>,
) -> Result<Vec<JobKey>, StoreError> {
    all(db, DELETE_FAILED, params![blob(id.uuid()), json!(kinds).to_string()], key)
}

/// Deletes all results of a run.
pub fn delete_all(db: &Connection, id: RunId) -> Result<(), StoreError> {
    execute(db, DELETE_ALL, [blob(id.uuid())])?;
    Ok(())
}
