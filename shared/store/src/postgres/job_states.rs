use async_trait::async_trait;
use runmill_proto::message::JobKey;

use super::{PgStore, deferred::KeyColumns, values::Cell as _};
use crate::{JobState, JobStates, StoreError};

const JOB_STATES: &str = "\
SELECT /* results.job_states */ results.run_id IS NOT NULL AS has_result, deferred.attempt AS deferred_attempt
FROM unnest($1::uuid[], $2::integer[], $3::integer[])
    WITH ORDINALITY AS job (run_id, ordinal, sample, place)
LEFT JOIN results USING (run_id, ordinal, sample)
LEFT JOIN deferred USING (run_id, ordinal, sample)
ORDER BY job.place";

#[async_trait]
impl JobStates for PgStore {
    async fn job_states(&self, jobs: &[JobKey]) -> Result<Vec<JobState>, StoreError> {
        let client = self.client().await?;
        let statement = client.prepare_cached(JOB_STATES).await?;
        let keys = KeyColumns::new(jobs.iter().copied());
        let rows = client.query(&statement, &[&keys.run_id, &keys.ordinal, &keys.sample]).await?;
        jobs.iter()
            .zip(&rows)
            .map(|(key, row)| {
                Ok(JobState {
                    key: *key,
                    has_result: row.cell("has_result")?,
                    deferred_attempt: row.cell("deferred_attempt")?,
                })
            })
            .collect()
    }
}
