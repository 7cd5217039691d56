//! Table `evaluations`, and the transactions of runs that LightEval executes.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use runmill_proto::RunId;
use rusqlite::{Connection, params};

use super::{
    SqliteStore, datasets, results, run_writer, runs, tokens,
    values::{Cell as _, all, blob, execute, first, int, record, time},
};
use crate::{
    ClaimedEvaluation, CreatedRun, DEATHS_MAX, EvaluationClaims, Evaluations, NewEvaluation, RunRow,
    StoreError,
    columns::{ColumnList, Stored as _, sql::Sql},
    dataset::lighteval,
};

const INSERT: &str = "\
-- evaluations.insert
INSERT INTO evaluations (run_id, tasks, config, sealed, attempt, deaths, log_part)
VALUES (?1, ?2, ?3, ?4, 0, 0, 0)";

/// Condition of a row whose run goes on.
const GOES_ON: &str = "\
(
      SELECT runs.finished_at IS NULL AND runs.cancel_requested_at IS NULL
      FROM runs
      WHERE runs.id = evaluations.run_id
  )";

static FREE: Sql = Sql::new(|| {
    format!(
        "\
-- evaluations.free
SELECT run_id
FROM evaluations
WHERE (claimed_until IS NULL OR claimed_until <= ?1 /* now */)
  AND deaths + (executor IS NOT NULL) < ?2 /* deaths */
  AND {GOES_ON}
ORDER BY run_id
LIMIT 1"
    )
});

static CLAIM: Sql = Sql::new(|| {
    format!(
        "\
-- evaluations.claim
UPDATE evaluations
SET attempt = attempt + 1,
    deaths = deaths + (executor IS NOT NULL),
    executor = ?2,
    claimed_until = ?3,
    log_part = 0
WHERE run_id = ?1
RETURNING {}",
        ColumnList::of::<ClaimedEvaluation>().select("evaluations"),
    )
});

static RENEW: Sql = Sql::new(|| {
    format!(
        "\
-- evaluations.renew
UPDATE evaluations
SET claimed_until = ?3
WHERE run_id = ?1
  AND attempt = ?2
  AND claimed_until > ?4 /* now */
  AND {GOES_ON}"
    )
});

const RELEASE: &str = "\
-- evaluations.release
UPDATE evaluations
SET executor = NULL,
    claimed_until = NULL
WHERE run_id = ?1
  AND attempt = ?2";

const DEAD: &str = "\
-- evaluations.dead
SELECT run_id
FROM evaluations
WHERE claimed_until <= ?1 /* now */
  AND deaths + 1 >= ?2 /* deaths */
ORDER BY run_id";

const DELETE: &str = "\
-- evaluations.delete
DELETE FROM evaluations
WHERE run_id = ?1";

const FORGET: &str = "\
-- evaluations.forget
DELETE FROM evaluations
WHERE (
    SELECT runs.finished_at
    FROM runs
    WHERE runs.id = evaluations.run_id
) IS NOT NULL";

const ATTEMPT: &str = "\
-- evaluations.attempt
SELECT attempt
FROM evaluations
WHERE run_id = ?1";

const NOTE_LOG_PART: &str = "\
-- evaluations.note_log_part
UPDATE evaluations
SET log_part = ?2
WHERE run_id = ?1
  AND log_part < ?2";

#[async_trait]
impl Evaluations for SqliteStore {
    async fn create_evaluation(&self, row: &RunRow, new: &NewEvaluation) -> Result<CreatedRun, StoreError> {
        let (row, new) = (row.clone(), new.clone());
        self.write(move |tx| {
            if let Some(existing) = runs::by_key(tx, &row)? {
                return existing.answer_again(&row).map(CreatedRun::Existing);
            }
            let created = run_writer::create(tx, &row)?;
            let id = blob(row.id.uuid());
            execute(tx, INSERT, params![id, new.tasks.to_value(), new.config, new.sealed])?;
            tokens::insert(tx, &new.token)?;
            Ok(CreatedRun::New(created))
        })
        .await
    }

    async fn end_dead_evaluations(&self, now: Timestamp) -> Result<Vec<RunId>, StoreError> {
        self.write(move |tx| {
            let dead = all(tx, DEAD, params![time(now), DEATHS_MAX], |row| row.cell("run_id"))?;
            let mut ended = Vec::new();
            for id in dead {
                let mut run = runs::load(tx, id)?;
                if run.row.status.is_terminal() {
                    continue;
                }
                execute(tx, DELETE, [blob(id.uuid())])?;
                run.fail_evaluation(&crate::ledger::died_too_often(), now);
                runs::save(tx, &run)?;
                ended.push(id);
            }
            Ok(ended)
        })
        .await
    }

    async fn forget_evaluations(&self) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, FORGET, [])?;
            tokens::forget_of_ended(tx)
        })
        .await
    }
}

#[async_trait]
impl EvaluationClaims for SqliteStore {
    async fn claim_evaluation(
        &self,
        executor: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Result<Option<ClaimedEvaluation>, StoreError> {
        let (executor, until) = (executor.to_owned(), time(now).saturating_add(micros(lease)));
        self.write(move |tx| {
            let free = first(tx, &FREE, params![time(now), DEATHS_MAX], |row| row.cell("run_id"))?;
            let Some(id): Option<RunId> = free else { return Ok(None) };
            let claimed = first(tx, &CLAIM, params![blob(id.uuid()), executor, until], record)?;
            let mut run = runs::load(tx, id)?;
            if run.row.stats.settled() > 0 {
                results::delete_all(tx, id)?;
                datasets::reset(tx, lighteval(&run.row)?)?;
            }
            run.begin_evaluation(now);
            runs::save(tx, &run)?;
            Ok(claimed)
        })
        .await
    }

    async fn renew_evaluation(
        &self,
        run_id: RunId,
        attempt: u32,
        lease: Duration,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let until = time(now).saturating_add(micros(lease));
        self.write(move |tx| {
            Ok(execute(tx, &RENEW, params![blob(run_id.uuid()), attempt, until, time(now)])? == 1)
        })
        .await
    }

    async fn release_evaluation(&self, run_id: RunId, attempt: u32) -> Result<(), StoreError> {
        self.write(move |tx| {
            execute(tx, RELEASE, params![blob(run_id.uuid()), attempt])?;
            Ok(())
        })
        .await
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Returns true if the claim with this number is the last one of the run.
pub fn is_current(db: &Connection, id: RunId, attempt: u32) -> Result<bool, StoreError> {
    let found = first(db, ATTEMPT, [blob(id.uuid())], |row| row.cell::<u32>("attempt"))?;
    Ok(found == Some(attempt))
}

/// Notes that a part of the log is recorded. Returns false if it or a later one was noted before.
pub fn note_log_part(db: &Connection, id: RunId, number: u64) -> Result<bool, StoreError> {
    Ok(execute(db, NOTE_LOG_PART, params![blob(id.uuid()), int(number)])? == 1)
}
