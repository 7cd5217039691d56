//! Tables `answers` and `answer_runs`.

use std::collections::HashMap;

use async_trait::async_trait;
use runmill_proto::{
    RunId,
    message::{JobKey, ReusedAnswer},
};
use rusqlite::{Connection, Row, params};
use serde_json::json;

use super::{
    SqliteStore,
    results::place,
    runs,
    values::{Cell as _, all, blob, execute, first, record, time},
};
use crate::{
    AnswerHashes, AnswerIndex, JobPlace, RequestHash, RunRow, StoreError, UnindexedRun,
    columns::{ColumnList, sql::Sql},
    tables::answers,
};

static UNINDEXED: Sql = Sql::new(|| {
    format!(
        "\
-- answers.unindexed
SELECT {},
       CASE WHEN ended_at = finished_at THEN after_ordinal END AS after_ordinal,
       CASE WHEN ended_at = finished_at THEN after_sample END AS after_sample
FROM runs
JOIN providers ON providers.id = runs.provider_id
LEFT JOIN answer_runs ON answer_runs.run_id = runs.id
WHERE runs.provider_id = ?1
  AND runs.model = ?2
  AND runs.tenant = ?3
  AND runs.kind = 'evaluation'
  AND (answers_since IS NULL OR runs.created_at >= answers_since)
  AND finished_at IS NOT NULL
  AND (is_done AND ended_at = finished_at) IS NOT TRUE
ORDER BY runs.id
LIMIT ?4",
        ColumnList::of::<RunRow>().select("runs")
    )
});

const PLACES: &str = "\
-- results.answer_places
SELECT ordinal, sample
FROM results
WHERE run_id = ?1
  AND (ordinal, sample) > (?2, ?3) /* after */
  AND response IS NOT NULL
  AND outcome IN (SELECT value FROM json_each(?5)) /* answers */
ORDER BY ordinal, sample
LIMIT ?4";

const INSERT: &str = "\
-- answers.insert
INSERT INTO answers (run_id, ordinal, sample, hash)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT DO NOTHING";

const NOTE: &str = "\
-- answer_runs.note
INSERT INTO answer_runs (run_id, ended_at, after_ordinal, after_sample, is_done)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run_id) DO UPDATE
SET ended_at = excluded.ended_at,
    after_ordinal = excluded.after_ordinal,
    after_sample = excluded.after_sample,
    is_done = excluded.is_done";

const FORGET_RUN: &str = "\
-- answer_runs.forget
DELETE FROM answer_runs
WHERE run_id = ?1";

// The index is read from the newest run on until one has the answer.
const FIND: &str = "\
-- answers.find
SELECT coalesce(results.reused_from, results.run_id) AS run_id,
       results.outcome,
       results.response,
       results.reasoning,
       results.tool_calls,
       results.logprobs
FROM answers
JOIN runs ON runs.id = answers.run_id
JOIN providers ON providers.id = runs.provider_id
JOIN results ON results.run_id = answers.run_id
    AND results.ordinal = answers.ordinal
    AND results.sample = answers.sample
WHERE answers.hash = ?1
  AND answers.run_id <> ?2
  AND runs.tenant = ?3
  AND (answers_since IS NULL OR runs.created_at >= answers_since)
  AND results.outcome IN (SELECT value FROM json_each(?4)) /* answers */
  AND length(CAST(results.response AS BLOB))
      + coalesce(length(CAST(results.reasoning AS BLOB)), 0)
      + coalesce(length(CAST(results.tool_calls AS BLOB)), 0)
      + coalesce(length(CAST(results.logprobs AS BLOB)), 0) <= ?5 /* bytes_max */
ORDER BY answers.run_id DESC, answers.ordinal
LIMIT 1";

#[async_trait]
impl AnswerIndex for SqliteStore {
    async fn unindexed_runs(&self, run: &RunRow, limit: u32) -> Result<Vec<UnindexedRun>, StoreError> {
        let of = &run.submission;
        let (provider, model, tenant) =
            (blob(of.provider_id.uuid()), of.model.clone(), of.tenant.to_string());
        self.read(move |db| all(db, &UNINDEXED, params![provider, model, tenant, limit], unindexed)).await
    }

    async fn answer_places(
        &self,
        id: RunId,
        after: Option<JobKey>,
        limit: u32,
    ) -> Result<Vec<JobPlace>, StoreError> {
        let (ordinal, sample) = place(after);
        let outcomes = json!(answers()).to_string();
        self.read(move |db| {
            all(db, PLACES, params![blob(id.uuid()), ordinal, sample, limit, outcomes], |row| {
                Ok((row.cell("ordinal")?, row.cell("sample")?))
            })
        })
        .await
    }

    async fn index_answers(&self, part: &AnswerHashes) -> Result<(), StoreError> {
        let part = part.clone();
        self.write(move |tx| {
            runs::require_ended_at(tx, part.run_id, part.ended_at)?;
            add(tx, &part)
        })
        .await
    }

    async fn find_answers(
        &self,
        run: &RunRow,
        hashes: &[RequestHash],
    ) -> Result<HashMap<RequestHash, ReusedAnswer>, StoreError> {
        let (id, tenant, hashes) = (run.id, run.submission.tenant.to_string(), hashes.to_vec());
        let outcomes = json!(answers()).to_string();
        self.read(move |db| {
            let mut answers = HashMap::new();
            for hash in hashes {
                let asked = params![hash.0, blob(id.uuid()), tenant, outcomes, ReusedAnswer::BYTES_MAX];
                answers.extend(first(db, FIND, asked, found)?.map(|answer| (hash, answer)));
            }
            Ok(answers)
        })
        .await
    }
}

fn add(db: &Connection, part: &AnswerHashes) -> Result<(), StoreError> {
    let id = blob(part.run_id.uuid());
    for ((ordinal, sample), hash) in &part.hashes {
        execute(db, INSERT, params![id, ordinal, sample, hash.0])?;
    }
    let (ordinal, sample) = part.after.unzip();
    execute(db, NOTE, params![id, time(part.ended_at), ordinal, sample, part.is_done])?;
    Ok(())
}

/// Forgets how far the answers of a run are in the index.
pub fn forget_run(db: &Connection, id: RunId) -> Result<(), StoreError> {
    execute(db, FORGET_RUN, [blob(id.uuid())])?;
    Ok(())
}

fn unindexed(row: &Row<'_>) -> Result<UnindexedRun, StoreError> {
    let after = Option::zip(row.cell("after_ordinal")?, row.cell("after_sample")?);
    Ok(UnindexedRun { run: record(row)?, after })
}

fn found(row: &Row<'_>) -> Result<ReusedAnswer, StoreError> {
    Ok(ReusedAnswer {
        run_id: row.cell("run_id")?,
        outcome: row.cell("outcome")?,
        response: row.cell("response")?,
        reasoning: row.cell("reasoning")?,
        tool_calls: row.cell("tool_calls")?,
        logprobs: row.cell("logprobs")?,
    })
}
