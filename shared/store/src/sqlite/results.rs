//! Table `results`.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::{
    ErrorKind, InvocationId, RunId,
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
    JobScore, JudgedRow, ResultFilter, ResultReader, SLOWEST_MAX, ScoreFields, StoreError, StoredAnswer,
    columns::{
        Dialect, inserted,
        sql::{self, Sql, select},
    },
    ledger::ItemKey,
    tables::{NewResult, answers},
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

static PAGE: Sql = Sql::new(|| page("results.page", "", "ordinal, sample"));

static NEWEST: Sql = Sql::new(|| page("results.newest", "", "settled_at DESC, ordinal, sample"));

static LOWEST: Sql = Sql::new(|| {
    let value = "json_extract(score, '$.value')";
    page("results.lowest", &format!("\n  AND {value} IS NOT NULL"), &format!("{value}, ordinal, sample"))
});

static SLOWEST: Sql = Sql::new(|| {
    let slowest = format!(
        "\
  AND (ordinal, sample, invocation_id) IN (
      SELECT ordinal, sample, id
      FROM invocations
      WHERE run_id = ?1
      ORDER BY latency_ms DESC
      LIMIT {SLOWEST_MAX}
  )"
    );
    let latency = "(SELECT latency_ms FROM invocations WHERE run_id = ?1 AND id = invocation_id)";
    page("results.slowest", &format!("\n{slowest}"), &format!("{latency} DESC, ordinal, sample"))
});

/// Returns the statement for results in an order, to which a further condition belongs.
fn page(name: &'static str, further: &str, order: &str) -> String {
    let rest = format!(
        "\
WHERE run_id = ?1
  AND (ordinal, sample) > (?2, ?3) /* after */
  AND (?5 = '[]' OR outcome IN (SELECT value FROM json_each(?5)))
  AND (?6 = '[]' OR error_kind IN (SELECT value FROM json_each(?6)))
  AND (?7 IS NULL OR item_id = ?7)
  AND (?8 IS NULL OR ?8 = CASE
        WHEN score IS NULL OR json_type(score) <> 'object' THEN NULL
        WHEN json_extract(score, '$.value') IS NULL THEN 'unscored'
        WHEN json_extract(score, '$.value') < 1 THEN 'wrong'
        ELSE 'right'
    END)
  AND (?9 IS NULL OR response LIKE ?9 ESCAPE '\\' OR error LIKE ?9 ESCAPE '\\' OR item_id LIKE ?9 ESCAPE '\\')
  AND ordinal < ?10 /* before */{further}
ORDER BY {order}
LIMIT ?4"
    );
    select::<ResultRecord>(name, "results", &rest)
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
        let statement = match filter.order {
            None => &PAGE,
            Some(ResultOrder::Slowest) => &SLOWEST,
            Some(ResultOrder::Newest) => &NEWEST,
            Some(ResultOrder::Lowest) => &LOWEST,
        };
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
