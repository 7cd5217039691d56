use runmill_proto::{Item, message::Job};

use super::end::JobLog;

/// Scores an answer by the item's own scorer, or else by the run's. A job that ended without an answer has no score.
pub(super) fn score(log: JobLog, job: &Job, item: &Item) -> JobLog {
    match log {
        JobLog::Ended(mut invocation) => {
            let answer = invocation.response.as_deref();
            invocation.score =
                answer.and_then(|text| runmill_scoring::score(item, job.config.scoring.as_ref(), text));
            JobLog::Ended(invocation)
        }
        deferred @ JobLog::Deferred(_) => deferred,
    }
}
