//! Tables `answers` and `answer_runs`.

use std::collections::HashMap;

use async_trait::async_trait;
use runmill_proto::{
    RunId,
    message::{JobKey, ReusedAnswer},
};
use tokio_postgres::Row;

use super::{
    PgStore,
    results::place,
    runs,
    session::Transaction,
    values::{Cell as _, integer, record},
};
use crate::{
    AnswerHashes, AnswerIndex, JobPlace, RequestHash, RunRow, StoreError, UnindexedRun,
    columns::{ColumnList, sql::Sql},
    tables::{answers, request_hash},
    time::micros,
};

static UNINDEXED: Sql = Sql::new(|| {
    format!(
        "\
SELECT /* answers.unindexed */ {},
    CASE WHEN ended_at = finished_at THEN after_ordinal END AS after_ordinal,
    CASE WHEN ended_at = finished_at THEN after_sample END AS after_sample
FROM runs
JOIN providers ON providers.id = runs.provider_id
LEFT JOIN answer_runs ON answer_runs.run_id = runs.id
WHERE runs.provider_id = $1
  AND runs.model = $2
  AND runs.tenant = $3
  AND runs.kind = 'evaluation'
  AND (answers_since IS NULL OR runs.created_at >= answers_since)
  AND finished_at IS NOT NULL
  AND (is_done AND ended_at = finished_at) IS NOT TRUE
ORDER BY runs.id
LIMIT $4",
        ColumnList::of::<RunRow>().select("runs")
    )
});

const PLACES: &str = "\
SELECT /* results.answer_places */ ordinal, sample
FROM results
WHERE run_id = $1
  AND (ordinal, sample) > ($2, $3) /* after */
  AND response IS NOT NULL
  AND outcome = ANY ($5)
ORDER BY ordinal, sample
LIMIT $4";

const INSERT: &str = "\
INSERT /* answers.insert */ INTO answers (run_id, ordinal, sample, hash)
SELECT $1, answer.*
FROM unnest($2::integer[], $3::integer[], $4::bytea[]) AS answer (ordinal, sample, hash)
ON CONFLICT DO NOTHING";

const NOTE: &str = "\
INSERT /* answer_runs.note */ INTO answer_runs (run_id, ended_at, after_ordinal, after_sample, is_done)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (run_id) DO UPDATE
SET ended_at = excluded.ended_at,
    after_ordinal = excluded.after_ordinal,
    after_sample = excluded.after_sample,
    is_done = excluded.is_done";

const FORGET_RUN: &str = "\
DELETE /* answer_runs.forget */ FROM answer_runs
WHERE run_id = $1";

// For each hash, the index is read from the newest run on until one has the answer.
const FIND: &str = "\
SELECT /* answers.find */ asked.hash, found.*
FROM unnest($1::bytea[]) AS asked (hash)
CROSS JOIN LATERAL (
    SELECT coalesce(results.reused_from, results.run_id) AS run_id,
        results.outcome, results.response, results.reasoning, results.tool_calls, results.logprobs
    FROM answers
    JOIN runs ON runs.id = answers.run_id
    JOIN providers ON providers.id = runs.provider_id
    JOIN results ON results.run_id = answers.run_id
        AND results.ordinal = answers.ordinal
        AND results.sample = answers.sample
    WHERE answers.hash = asked.hash
      AND answers.run_id <> $2
      AND runs.tenant = $3
      AND (answers_since IS NULL OR runs.created_at >= answers_since)
      AND results.outcome = ANY ($4)
      AND octet_length(results.response)
          + coalesce(octet_length(results.reasoning), 0)
          + coalesce(octet_length(results.tool_calls::text), 0)
          + coalesce(octet_length(results.logprobs::text), 0) <= $5 /* bytes_max */
    ORDER BY answers.run_id DESC, answers.ordinal
    LIMIT 1
) AS found";

#[async_trait]
impl AnswerIndex for PgStore {
    async fn unindexed_runs(&self, run: &RunRow, limit: u32) -> Result<Vec<UnindexedRun>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&UNINDEXED).await?;
        let of = &run.submission;
        let (provider, tenant, limit) = (of.provider_id.uuid(), of.tenant.as_str(), i64::from(limit));
        let rows = client.query(&statement, &[&provider, &of.model, &tenant, &limit]).await?;
        rows.iter().map(unindexed).collect()
    }

    async fn answer_places(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobPlace>, StoreError> {
        let (ordinal, sample) = place(after);
        let client = self.client().await?;
        let statement = client.prepare_cached(PLACES).await?;
        let limit = i64::from(limit);
        let rows = client.query(&statement, &[&id.uuid(), &ordinal, &sample, &limit, &answers()]).await?;
        rows.iter().map(|row| Ok((row.cell("ordinal")?, row.cell("sample")?))).collect()
    }

    async fn index_answers(&self, part: &AnswerHashes) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        runs::hold_ended(&tx, part.run_id, part.ended_at).await?;
        insert(&tx, part).await?;
        note(&tx, part).await?;
        Ok(tx.commit().await?)
    }

    async fn find_answers(
        &self,
        run: &RunRow,
        hashes: &[RequestHash],
    ) -> Result<HashMap<RequestHash, ReusedAnswer>, StoreError> {
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
        let tenant = run.submission.tenant.as_str();
        let bytes_max = integer(ReusedAnswer::BYTES_MAX);
        let client = self.client().await?;
        let statement = client.prepare_cached(FIND).await?;
        let rows =
            client.query(&statement, &[&hashes, &run.id.uuid(), &tenant, &answers(), &bytes_max]).await?;
        rows.iter().map(found).collect()
    }
}

async fn insert(tx: &Transaction<'_>, part: &AnswerHashes) -> Result<(), StoreError> {
    let ordinals: Vec<_> = part.hashes.iter().map(|((ordinal, _), _)| integer(*ordinal)).collect();
    let samples: Vec<_> = part.hashes.iter().map(|((_, sample), _)| integer(*sample)).collect();
    let hashes: Vec<&[u8]> = part.hashes.iter().map(|(_, hash)| &hash.0[..]).collect();
    let statement = tx.prepare_cached(INSERT).await?;
    tx.execute(&statement, &[&part.run_id.uuid(), &ordinals, &samples, &hashes]).await?;
    Ok(())
}

async fn note(tx: &Transaction<'_>, part: &AnswerHashes) -> Result<(), StoreError> {
    let (ordinal, sample) = part.after.map(|(ordinal, sample)| (integer(ordinal), integer(sample))).unzip();
    let statement = tx.prepare_cached(NOTE).await?;
    let (id, ended_at) = (part.run_id.uuid(), micros(part.ended_at));
    tx.execute(&statement, &[&id, &ended_at, &ordinal, &sample, &part.is_done]).await?;
    Ok(())
}

/// Forgets how far the answers of a run are in the index.
pub async fn forget_run(tx: &Transaction<'_>, id: RunId) -> Result<(), StoreError> {
    let statement = tx.prepare_cached(FORGET_RUN).await?;
    tx.execute(&statement, &[&id.uuid()]).await?;
    Ok(())
}

fn unindexed(row: &Row) -> Result<UnindexedRun, StoreError> {
    let after = Option::zip(row.cell("after_ordinal")?, row.cell("after_sample")?);
    Ok(UnindexedRun { run: record(row)?, after })
}

fn found(row: &Row) -> Result<(RequestHash, ReusedAnswer), StoreError> {
    let answer = ReusedAnswer {
        run_id: row.cell("run_id")?,
        outcome: row.cell("outcome")?,
        response: row.cell("response")?,
        reasoning: row.cell("reasoning")?,
        tool_calls: row.cell("tool_calls")?,
        logprobs: row.cell("logprobs")?,
    };
    Ok((request_hash(row.try_get("hash")?)?, answer))
}
