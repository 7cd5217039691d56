use async_trait::async_trait;
use runmill_proto::message::JobKey;
use rusqlite::params;

use super::{
    SqliteStore,
    values::{Cell as _, all, blob},
};
use crate::{JobState, JobStates, StoreError};

const JOB_STATE: &str = "\
-- results.job_state
SELECT EXISTS (
           SELECT 1
           FROM results
           WHERE run_id = ?1
             AND ordinal = ?2
             AND sample = ?3
       ) AS has_result,
       (
           SELECT attempt
           FROM deferred
           WHERE run_id = ?1
             AND ordinal = ?2
             AND sample = ?3
       ) AS deferred_attempt";

#[async_trait]
impl JobStates for SqliteStore {
    async fn job_states(&self, jobs: &[JobKey]) -> Result<Vec<JobState>, StoreError> {
        let jobs = jobs.to_vec();
        self.read(move |db| {
            let mut states = Vec::with_capacity(jobs.len());
            for key in jobs {
                let params = params![blob(key.run_id.uuid()), key.ordinal, key.sample];
                states.extend(all(db, JOB_STATE, params, |row| {
                    Ok(JobState {
                        key,
                        has_result: row.cell("has_result")?,
                        deferred_attempt: row.cell("deferred_attempt")?,
                    })
                })?);
            }
            Ok(states)
        })
        .await
    }
}
