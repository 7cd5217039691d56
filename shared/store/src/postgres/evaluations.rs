//! Table `evaluations`, and the transactions of runs that LightEval executes.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;

use super::{
    PgStore, datasets, results, run_writer, runs,
    session::Transaction,
    tokens,
    values::{Cell as _, bigint, integer, record},
};
use crate::{
    ClaimedEvaluation, CreatedRun, DEATHS_MAX, EvaluationClaims, Evaluations, NewEvaluation, RunRow,
    StoreError,
    columns::{ColumnList, Stored as _, sql::Sql},
    dataset::lighteval,
};

const INSERT: &str = "\
INSERT /* evaluations.insert */ INTO evaluations (run_id, tasks, config, sealed, attempt, deaths, log_part)
VALUES ($1, $2, $3, $4, 0, 0, 0)";

/// Condition of a row that can be claimed. A claim that ran out is a death.
const IS_FREE: &str = "\
(claimed_until IS NULL OR claimed_until <= clock_timestamp())
  AND deaths + (executor IS NOT NULL)::integer < $1 /* deaths */";

/// Condition of a row whose run goes on. The run is found by its key, whatever the planner thinks of the tables.
const GOES_ON: &str = "\
(
      SELECT runs.finished_at IS NULL AND runs.cancel_requested_at IS NULL
      FROM runs
      WHERE runs.id = evaluations.run_id
  )";

static FREE: Sql = Sql::new(|| {
    format!(
        "\
SELECT /* evaluations.free */ run_id
FROM evaluations
WHERE {IS_FREE}
  AND {GOES_ON}
ORDER BY run_id
LIMIT 1"
    )
});

static CLAIM: Sql = Sql::new(|| {
    format!(
        "\
UPDATE /* evaluations.claim */ evaluations
SET attempt = attempt + 1,
    deaths = deaths + (executor IS NOT NULL)::integer,
    executor = $3,
    claimed_until = clock_timestamp() + make_interval(secs => $4),
    log_part = 0
WHERE run_id = $2
  AND {IS_FREE}
RETURNING {}",
        ColumnList::of::<ClaimedEvaluation>().select("evaluations"),
    )
});

static RENEW: Sql = Sql::new(|| {
    format!(
        "\
UPDATE /* evaluations.renew */ evaluations
SET claimed_until = clock_timestamp() + make_interval(secs => $3)
WHERE run_id = $1
  AND attempt = $2
  AND claimed_until > clock_timestamp()
  AND {GOES_ON}"
    )
});

const RELEASE: &str = "\
UPDATE /* evaluations.release */ evaluations
SET executor = NULL,
    claimed_until = NULL
WHERE run_id = $1
  AND attempt = $2
  AND claimed_until > clock_timestamp()";

const DEAD: &str = "\
SELECT /* evaluations.dead */ run_id
FROM evaluations
WHERE claimed_until <= clock_timestamp()
  AND deaths + 1 >= $1
ORDER BY run_id";

const DELETE_DEAD: &str = "\
DELETE /* evaluations.delete_dead */ FROM evaluations
WHERE run_id = $2
  AND claimed_until <= clock_timestamp()
  AND deaths + 1 >= $1";

const FORGET: &str = "\
DELETE /* evaluations.forget */ FROM evaluations
WHERE (
    SELECT runs.finished_at
    FROM runs
    WHERE runs.id = evaluations.run_id
) IS NOT NULL";

const ATTEMPT: &str = "\
SELECT /* evaluations.attempt */ attempt
FROM evaluations
WHERE run_id = $1";

const NOTE_LOG_PART: &str = "\
UPDATE /* evaluations.note_log_part */ evaluations
SET log_part = $2
WHERE run_id = $1
  AND log_part < $2";

#[async_trait]
impl Evaluations for PgStore {
    async fn create_evaluation(&self, row: &RunRow, new: &NewEvaluation) -> Result<CreatedRun, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        if let Some(existing) = runs::by_key(&tx, row).await? {
            return existing.answer_again(row).map(CreatedRun::Existing);
        }
        let Some(created) = run_writer::create(&tx, row).await? else {
            // Another request with the same key has committed earlier.
            let existing = runs::by_key(&tx, row).await?;
            let existing = existing.ok_or_else(|| StoreError::not_found("run", row.id))?;
            return existing.answer_again(row).map(CreatedRun::Existing);
        };
        let statement = tx.prepare_cached(INSERT).await?;
        let tasks = new.tasks.to_value();
        tx.execute(&statement, &[&row.id.uuid(), &tasks, &new.config, &new.sealed]).await?;
        tokens::insert(&tx, &new.token).await?;
        tx.commit().await?;
        Ok(CreatedRun::New(created))
    }

    async fn end_dead_evaluations(&self, now: Timestamp) -> Result<Vec<RunId>, StoreError> {
        let mut client = self.client().await?;
        let statement = client.prepare_cached(DEAD).await?;
        let rows = client.query(&statement, &[&integer(DEATHS_MAX)]).await?;
        let dead: Vec<RunId> = rows.iter().map(|row| row.cell("run_id")).collect::<Result<_, _>>()?;
        let mut ended = Vec::new();
        for id in dead {
            let tx = client.transaction().await?;
            if end_dead(&tx, id, now).await? {
                tx.commit().await?;
                ended.push(id);
            }
        }
        Ok(ended)
    }

    async fn forget_evaluations(&self) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(FORGET).await?;
        tx.execute(&statement, &[]).await?;
        tokens::forget_of_ended(&tx).await?;
        Ok(tx.commit().await?)
    }
}

#[async_trait]
impl EvaluationClaims for PgStore {
    async fn claim_evaluation(
        &self,
        executor: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<ClaimedEvaluation>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        let statement = tx.prepare_cached(&FREE).await?;
        let Some(free) = tx.query_opt(&statement, &[&integer(DEATHS_MAX)]).await? else { return Ok(None) };
        let id: RunId = free.cell("run_id")?;
        // The run's row is locked first, as the log-sinks do.
        let Some(mut run) = runs::lock_all(&tx, &[id]).await?.remove(&id) else { return Ok(None) };
        let statement = tx.prepare_cached(&CLAIM).await?;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&integer(DEATHS_MAX), &id.uuid(), &executor, &lease.as_secs_f64()];
        let claimed = tx.query_opt(&statement, &values).await?;
        let Some(claimed) = claimed.filter(|_| !run.row.status.is_terminal()) else { return Ok(None) };
        let claimed = record(&claimed)?;
        if run.row.stats.settled() > 0 {
            results::delete_all(&tx, id).await?;
            datasets::reset(&tx, lighteval(&run.row)?).await?;
        }
        run.begin_evaluation(now);
        runs::save(&tx, &run).await?;
        tx.commit().await?;
        Ok(Some(claimed))
    }

    async fn renew_evaluation(
        &self,
        run_id: RunId,
        attempt: u32,
        lease: Duration,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&RENEW).await?;
        let seconds = lease.as_secs_f64();
        let renewed = client.execute(&statement, &[&run_id.uuid(), &integer(attempt), &seconds]).await?;
        Ok(renewed == 1)
    }

    async fn release_evaluation(&self, run_id: RunId, attempt: u32) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(RELEASE).await?;
        client.execute(&statement, &[&run_id.uuid(), &integer(attempt)]).await?;
        Ok(())
    }
}

async fn end_dead(tx: &Transaction<'_>, id: RunId, now: Timestamp) -> Result<bool, StoreError> {
    let Some(mut run) = runs::lock_all(tx, &[id]).await?.remove(&id) else { return Ok(false) };
    if run.row.status.is_terminal() {
        return Ok(false);
    }
    let statement = tx.prepare_cached(DELETE_DEAD).await?;
    if tx.execute(&statement, &[&integer(DEATHS_MAX), &id.uuid()]).await? == 0 {
        return Ok(false);
    }
    run.fail_evaluation(&crate::ledger::died_too_often(), now);
    runs::save(tx, &run).await?;
    Ok(true)
}

/// Returns true if the claim with this number is the last one of the run, whose row is locked.
pub async fn is_current(tx: &Transaction<'_>, id: RunId, attempt: u32) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(ATTEMPT).await?;
    let found = tx.query_opt(&statement, &[&id.uuid()]).await?;
    Ok(found.map(|row| row.cell::<u32>("attempt")).transpose()? == Some(attempt))
}

/// Notes that a part of the log is recorded. Returns false if it or a later one was noted before.
pub async fn note_log_part(tx: &Transaction<'_>, id: RunId, number: u64) -> Result<bool, StoreError> {
    let statement = tx.prepare_cached(NOTE_LOG_PART).await?;
    Ok(tx.execute(&statement, &[&id.uuid(), &bigint(number)]).await? == 1)
}
