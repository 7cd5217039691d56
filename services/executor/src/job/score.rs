use runmill_proto::{Item, Score, message::Job};

use super::{Pipeline, end::JobLog, judge};

impl Pipeline {
    /// Scores an answer by the item's own scorer, or else by the run's. A job that ended without an answer has no score.
    pub(super) async fn score(&self, log: JobLog, job: &Job, item: &Item) -> JobLog {
        match log {
            JobLog::Ended(mut invocation) => {
                if let Some(answer) = &invocation.response {
                    invocation.score = self.score_answer(job, item, answer).await;
                }
                JobLog::Ended(invocation)
            }
            deferred @ JobLog::Deferred(_) => deferred,
        }
    }

    async fn score_answer(&self, job: &Job, item: &Item, answer: &str) -> Option<Score> {
        if let Some(judge) = judge::judge(job) {
            return Some(judge::score(job, judge, answer));
        }
        let scoring = job.config.scoring.as_ref();
        if runmill_scoring::runs_program(item, scoring) {
            return Some(self.programs.score(item, answer).await);
        }
        runmill_scoring::score(item, scoring, answer)
    }
}
