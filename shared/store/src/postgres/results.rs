//! Table `results`.

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
};

use async_trait::async_trait;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use runmill_proto::{
    DatasetId, ErrorKind, InvocationId, RunId,
    api::{InvocationRecord, ResultOrder, ResultRecord, ScoreClass},
    message::{Invocation, JobKey},
};

use runmill_scoring::Cluster;
use tokio_postgres::{Row, types::ToSql};

use super::{
    PgStore,
    deferred::key,
    invocations,
    session::Transaction,
    values::{Cell as _, arrays, integer, parameters, record},
};
use crate::{
    DetailedRow, JobScore, JudgedRow, ResultFilter, ResultReader, SLOWEST_MAX, ScoreFields, StoreError,
    StoredAnswer,
    columns::{
        Cells,
        sql::{Sql, insert_arrays, select},
    },
    ledger::ItemKey,
    tables::{NewResult, answers, detailed_columns, detailed_row},
    time::micros,
};

static INSERT: Sql = Sql::new(|| {
    let rest = "ON CONFLICT DO NOTHING\nRETURNING run_id, ordinal, sample";
    insert_arrays::<ResultRecord>("results.insert", "results", rest)
});

const CLUSTERS: &str = "\
SELECT /* results.clusters */ run_id, ordinal,
    count(score ->> 'value') AS scored,
    count(*) - count(score ->> 'value') AS unscored,
    coalesce(sum((score ->> 'value')::float8), 0) AS sum
FROM unnest($1::uuid[], $2::integer[]) AS item (run_id, ordinal)
JOIN results USING (run_id, ordinal)
WHERE outcome = ANY ($3)
  AND json_typeof(score) = 'object'
GROUP BY run_id, ordinal";

const ANSWERS: &str = "\
SELECT /* results.answers */ ordinal, sample, response
FROM results
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
  AND response IS NOT NULL
  AND outcome = ANY ($5)
ORDER BY ordinal, sample
LIMIT $4";

const JUDGED: &str = "\
SELECT /* results.judged */ ordinal, score ->> 'extracted' AS extracted,
    CASE WHEN outcome = ANY ($5) THEN response END AS response
FROM results
WHERE run_id = $1
  AND ordinal BETWEEN $3 AND $4
  AND sample = $2
ORDER BY ordinal";

const SCORES: &str = "\
SELECT /* results.scores */ ordinal, sample, item_id,
    (score ->> 'value')::float8 AS value,
    NULL::text AS group_value,
    NULL::text AS cluster
FROM results
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
  AND json_typeof(score) = 'object'
ORDER BY ordinal, sample
LIMIT $4";

const SCORES_BY_FIELD: &str = "\
SELECT /* results.scores_by_field */ results.ordinal, results.sample, results.item_id,
    (score ->> 'value')::float8 AS value,
    body::json -> 'meta' ->> $5 AS group_value,
    body::json -> 'meta' ->> $6 AS cluster
FROM results
JOIN runs ON runs.id = results.run_id
LEFT JOIN dataset_items ON dataset_items.dataset_id = runs.dataset_id
    AND dataset_items.ordinal = results.ordinal
WHERE results.run_id = $1
  AND (results.ordinal, results.sample) > ($2, $3) /* after */
  AND json_typeof(score) = 'object'
ORDER BY results.ordinal, results.sample
LIMIT $4";

const DELETE_FAILED: &str = "\
DELETE /* results.delete_failed */ FROM results
WHERE run_id = $1
  AND outcome = 'failed'
  AND (cardinality($2::text[]) = 0 OR error_kind = ANY ($2)) /* kinds */
RETURNING run_id, ordinal, sample";

const DELETE_ALL: &str = "\
DELETE /* results.delete_all */ FROM results
WHERE run_id = $1";

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

/// Each row looks its call and its item up, whatever the planner thinks of the size of the page.
fn detailed(name: &'static str, order: Option<ResultOrder>) -> String {
    format!(
        "\
SELECT /* {name} */ {}
FROM (
    SELECT *
    FROM results
    {}
) AS results
LEFT JOIN LATERAL (
    SELECT *
    FROM invocations
    WHERE invocations.run_id = $1
      AND invocations.id = results.invocation_id
    LIMIT 1
) AS invocations ON true
LEFT JOIN LATERAL (
    SELECT body
    FROM dataset_items
    WHERE dataset_items.dataset_id = $11
      AND dataset_items.ordinal = results.ordinal
    LIMIT 1
) AS dataset_items ON true
ORDER BY {}results.ordinal, results.sample",
        detailed_columns(),
        filtered(order),
        match order {
            None => "",
            Some(ResultOrder::Slowest) => "latency_ms DESC, ",
            Some(ResultOrder::Newest) => "settled_at DESC, ",
            Some(ResultOrder::Lowest) => "(results.score ->> 'value')::float8, ",
        }
    )
}

/// Returns the conditions, the order and the bound of a page of the results that a filter lets through.
fn filtered(order: Option<ResultOrder>) -> String {
    let (further, order) = match order {
        None => (String::new(), ""),
        Some(ResultOrder::Slowest) => (
            format!(
                "
  AND (ordinal, sample, invocation_id) IN (
      SELECT ordinal, sample, id
      FROM invocations
      WHERE run_id = $1
      ORDER BY latency_ms DESC
      LIMIT {SLOWEST_MAX}
  )"
            ),
            "(SELECT latency_ms FROM invocations WHERE run_id = $1 AND id = invocation_id) DESC, ",
        ),
        Some(ResultOrder::Newest) => (String::new(), "settled_at DESC, "),
        Some(ResultOrder::Lowest) => (
            "\n  AND json_typeof(score) = 'object'\n  AND score ->> 'value' IS NOT NULL".to_owned(),
            "(score ->> 'value')::float8, ",
        ),
    };
    format!(
        "\
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
  AND ordinal < $10::bigint /* before */
  AND (cardinality($5::text[]) = 0 OR outcome = ANY ($5))
  AND (cardinality($6::text[]) = 0 OR error_kind = ANY ($6))
  AND ($7::text IS NULL OR item_id = $7)
  AND ($8::text IS NULL OR $8 = CASE
        WHEN json_typeof(score) IS DISTINCT FROM 'object' THEN NULL
        WHEN score ->> 'value' IS NULL THEN 'unscored'
        WHEN (score ->> 'value')::float8 < 1 THEN 'wrong'
        ELSE 'right'
    END)
  AND ($9::text IS NULL OR response ILIKE $9 OR error ILIKE $9 OR item_id ILIKE $9){further}
ORDER BY {order}ordinal, sample
LIMIT $4"
    )
}

#[async_trait]
impl ResultReader for PgStore {
    async fn results(
        &self,
        id: RunId,
        filter: &ResultFilter,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<ResultRecord>, StoreError> {
        let (ordinal, sample) = place(after);
        let (id, limit) = (id.uuid(), i64::from(limit));
        let (outcomes, kinds) = (filter.outcome_names(), filter.kind_names());
        let score = filter.score.map(ScoreClass::as_str);
        let (text, before) = (filter.pattern(), filter.before.map_or(i64::MAX, i64::from));
        let client = self.client().await?;
        let statement = client.prepare_cached(statement(&PAGES, filter.order)).await?;
        let parameters: [&(dyn ToSql + Sync); 10] =
            [&id, &ordinal, &sample, &limit, &outcomes, &kinds, &filter.item_id, &score, &text, &before];
        client.query(&statement, &parameters).await?.iter().map(record).collect()
    }

    async fn scores(
        &self,
        id: RunId,
        fields: &ScoreFields,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobScore>, StoreError> {
        let (ordinal, sample) = place(after);
        let client = self.client().await?;
        let (id, limit) = (id.uuid(), i64::from(limit));
        let rows = if *fields == ScoreFields::default() {
            let statement = client.prepare_cached(SCORES).await?;
            client.query(&statement, &[&id, &ordinal, &sample, &limit]).await?
        } else {
            let statement = client.prepare_cached(SCORES_BY_FIELD).await?;
            let ScoreFields { group, cluster } = fields;
            client.query(&statement, &[&id, &ordinal, &sample, &limit, group, cluster]).await?
        };
        rows.iter().map(score).collect()
    }

    async fn answers(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<StoredAnswer>, StoreError> {
        let (ordinal, sample) = place(after);
        let client = self.client().await?;
        let statement = client.prepare_cached(ANSWERS).await?;
        let limit = i64::from(limit);
        let rows = client.query(&statement, &[&id.uuid(), &ordinal, &sample, &limit, &answers()]).await?;
        let answer = |row: &Row| {
            let (ordinal, sample) = (row.cell("ordinal")?, row.cell("sample")?);
            Ok(StoredAnswer { ordinal, sample, response: row.cell("response")? })
        };
        rows.iter().map(answer).collect()
    }

    async fn judged(
        &self,
        id: RunId,
        sample: u32,
        first: u32,
        count: u32,
    ) -> Result<Vec<JudgedRow>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(JUDGED).await?;
        let last = integer(first.saturating_add(count)) - 1;
        let place = (integer(sample), integer(first));
        let rows = client.query(&statement, &[&id.uuid(), &place.0, &place.1, &last, &answers()]).await?;
        rows.iter().map(judged).collect()
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
        let (id, limit, dataset) = (id.uuid(), i64::from(limit), items_of.map(DatasetId::uuid));
        let (outcomes, kinds) = (filter.outcome_names(), filter.kind_names());
        let score = filter.score.map(ScoreClass::as_str);
        let (text, before) = (filter.pattern(), filter.before.map_or(i64::MAX, i64::from));
        let client = self.client().await?;
        let statement = client.prepare_cached(statement(&DETAILED, filter.order)).await?;
        let item = &filter.item_id;
        let parameters: [&(dyn ToSql + Sync); 11] =
            [&id, &ordinal, &sample, &limit, &outcomes, &kinds, item, &score, &text, &before, &dataset];
        let mut rows = pin!(client.stream(&statement, &parameters).await?);
        let (mut page, mut bytes) = (Vec::new(), 0);
        while bytes < DetailedRow::PAGE_BYTES
            && let Some(row) = rows.try_next().await?
        {
            let row = detailed_row(&mut Cells::new(&row))?;
            bytes += row.bytes();
            page.push(row);
        }
        Ok(page)
    }

    async fn invocations_of(
        &self,
        id: RunId,
        ids: &[InvocationId],
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        invocations::of(self, id, ids).await
    }

    async fn invocations(
        &self,
        id: RunId,
        after: Option<InvocationId>,
        limit: u32,
    ) -> Result<Vec<InvocationRecord>, StoreError> {
        invocations::page(self, id, after, limit).await
    }
}

/// Returns the place of a job in its run, or one before the first.
pub fn place(after: Option<JobKey>) -> (i32, i32) {
    after.map_or((-1, -1), |key| (integer(key.ordinal), integer(key.sample)))
}

fn judged(row: &Row) -> Result<JudgedRow, StoreError> {
    Ok(JudgedRow {
        ordinal: row.cell("ordinal")?,
        response: row.cell("response")?,
        extracted: row.cell("extracted")?,
    })
}

fn score(row: &Row) -> Result<JobScore, StoreError> {
    Ok(JobScore {
        ordinal: row.cell("ordinal")?,
        sample: row.cell("sample")?,
        item_id: row.cell("item_id")?,
        value: row.try_get("value")?,
        group: row.cell("group_value")?,
        cluster: row.cell("cluster")?,
    })
}

/// Inserts the results of jobs that have none. Returns their jobs.
pub async fn insert(
    tx: &Transaction<'_>,
    invocations: &[&Invocation],
    now: Timestamp,
) -> Result<Vec<JobKey>, StoreError> {
    if invocations.is_empty() {
        return Ok(Vec::new());
    }
    let settled_at = micros(now);
    let rows: Vec<_> = invocations.iter().map(|invocation| NewResult { invocation, settled_at }).collect();
    let columns = arrays::<ResultRecord, _>(&rows);
    let statement = tx.prepare_cached(&INSERT).await?;
    tx.query(&statement, &parameters(&columns)).await?.iter().map(key).collect()
}

/// Returns the results that items have.
pub async fn clusters(
    tx: &Transaction<'_>,
    items: &[ItemKey],
) -> Result<HashMap<ItemKey, Cluster>, StoreError> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let (runs, ordinals): (Vec<_>, Vec<_>) =
        items.iter().map(|(run, ordinal)| (run.uuid(), integer(*ordinal))).unzip();
    let statement = tx.prepare_cached(CLUSTERS).await?;
    let rows = tx.query(&statement, &[&runs, &ordinals, &answers()]).await?;
    let cluster = |row: &Row| {
        let item = (row.cell("run_id")?, row.cell("ordinal")?);
        let [scored, unscored] = [row.cell("scored")?, row.cell("unscored")?];
        Ok((item, Cluster { scored, unscored, sum: row.try_get("sum")? }))
    };
    rows.iter().map(cluster).collect()
}

/// Deletes the results of jobs that failed with one of `kinds`, or of all failed jobs if it is empty. Returns the jobs.
pub async fn delete_failed(
    tx: &Transaction<'_>,
    id: RunId,
    kinds: &BTreeSet<ErrorKind>,
) -> Result<Vec<JobKey>, StoreError> {
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    let statement = tx.prepare_cached(DELETE_FAILED).await?;
    tx.query(&statement, &[&id.uuid(), &kinds]).await?.iter().map(key).collect()
}

/// Deletes all results of a run.
pub async fn delete_all(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(DELETE_ALL).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}
