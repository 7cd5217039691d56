//! Changes of a run that LightEval executes.

use std::collections::HashSet;

use jiff::Timestamp;
use runmill_proto::{
    InvocationId, Outcome, Remarks, RunStatus,
    api::LightevalOutcome,
    message::{Call, EvaluatedSample, Invocation, JobKey},
};
use uuid::Uuid;

use super::{LockedRun, event};
use crate::{DEATHS_MAX, RunRow, StoreError, dataset::ITEMS_MAX, time::micros};

/// Returns the results of consecutive samples, the first of which is at the position `first`.
///
/// The calls of a sample are not known: LightEval's calls are recorded as those of a client.
pub fn sample_results(
    row: &RunRow,
    first: u32,
    samples: &[EvaluatedSample],
    now: Timestamp,
) -> Vec<Invocation> {
    let result = |(ordinal, sample): (u32, &EvaluatedSample)| {
        let outcome = if sample.response.is_some() { Outcome::Succeeded } else { Outcome::Failed };
        Invocation {
            run_id: row.id,
            ordinal,
            sample: 0,
            epoch: row.cursor.epoch,
            item_id: sample.item_id.clone(),
            question: sample.question.clone(),
            call: no_call(row, now),
            outcome,
            error_kind: sample.error_kind,
            error: sample.error.clone(),
            response: sample.response.clone(),
            reasoning: None,
            tool_calls: Vec::new(),
            logprobs: None,
            finish: None,
            answer_usage: None,
            score: sample.score.clone().filter(|_| outcome.is_answer()),
            reused_from: None,
            client: None,
        }
    };
    (first..).zip(samples).map(result).collect()
}

fn no_call(row: &RunRow, now: Timestamp) -> Call {
    Call {
        id: InvocationId::from_uuid(Uuid::now_v7()),
        provider_id: row.submission.provider_id,
        model: row.submission.model.clone(),
        attempts: Vec::new(),
        usage: None,
        started_at: now,
        latency_ms: 0,
        ttft_ms: None,
        streamed: false,
        cost_nanousd: None,
        remarks: Remarks::default(),
    }
}

/// Returns the reason why a run fails over which executors died.
pub fn died_too_often() -> String {
    format!("{DEATHS_MAX} executors died while they ran LightEval for this run; their logs say why")
}

/// Checks that samples are among those that their message states. Whoever can publish to the queues can claim anything.
pub fn samples_fit(total: u32, first: u32, samples: &[EvaluatedSample]) -> Result<(), StoreError> {
    let end = u64::from(first) + samples.len() as u64;
    if end <= u64::from(total) && total <= ITEMS_MAX {
        return Ok(());
    }
    Err(StoreError::NoSuchJob(format!("samples up to {end}, and there are {total}")))
}

impl LockedRun {
    /// Records that an executor has claimed the run. Results of an earlier claim, which have been deleted, do not count.
    pub fn begin_evaluation(&mut self, now: Timestamp) {
        self.start(micros(now));
        if self.row.stats.settled() > 0 {
            self.row.stats.forget_results();
            self.set_total(0);
        }
    }

    /// Appends lines of LightEval's log to the run's events.
    pub fn record_lines(&mut self, lines: &[String]) {
        for line in lines {
            self.append(event::line(&self.row, line));
        }
    }

    /// Records samples, of which those in `settled` are new, of `total` samples that the run has.
    pub fn record_samples(
        &mut self,
        total: u32,
        results: &[Invocation],
        settled: &HashSet<JobKey>,
        now: Timestamp,
    ) {
        let now = micros(now);
        self.set_total(u64::from(total));
        for result in results.iter().filter(|result| settled.contains(&result.key())) {
            self.row.stats.settle(result, None);
            self.append(event::item(result));
        }
        let ended = self.end_if_done(now);
        self.append_progress(now, ended);
        if ended {
            self.append_status();
        }
    }

    /// Records LightEval's result. Ends the run, unless samples are still on their way.
    pub fn complete_evaluation(&mut self, outcome: &LightevalOutcome, now: Timestamp) {
        let now = micros(now);
        self.set_total(outcome.samples);
        self.row.lighteval = Some(outcome.clone());
        let ended = self.end_if_done(now);
        self.append_progress(now, ended);
        if ended {
            self.append_status();
        }
    }

    /// Ends the run, for which there is no evaluation.
    pub fn fail_evaluation(&mut self, reason: &str, now: Timestamp) {
        let now = micros(now);
        self.row.lighteval = Some(LightevalOutcome::failed(reason));
        self.end(RunStatus::Failed, now);
        self.append_progress(now, true);
        self.append_status();
    }

    /// Sets the number of the run's jobs, which only LightEval knows.
    fn set_total(&mut self, total: u64) {
        if self.row.total != total {
            self.row.total = total;
            self.configured();
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{ErrorKind, RunId, RunKind, Score};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn run() -> LockedRun {
        let mut row = crate::testing::run(RunId::from_uuid(Uuid::from_u128(1)), 0);
        row.submission.kind = RunKind::Lighteval;
        LockedRun::new(row)
    }

    fn sample(n: u32, response: Option<&str>) -> EvaluatedSample {
        EvaluatedSample {
            item_id: format!("t|0:{n}"),
            body: "{}".into(),
            question: "?".into(),
            response: response.map(str::to_owned),
            error_kind: response.is_none().then_some(ErrorKind::EmptyAnswer),
            error: None,
            score: Some(Score {
                scorer: "em".into(),
                version: 1,
                value: Some(1.0),
                extracted: None,
                detail: None,
            }),
        }
    }

    fn record(run: &mut LockedRun, total: u32, first: u32, samples: &[EvaluatedSample]) {
        let results = sample_results(&run.row, first, samples, NOW);
        let settled = results.iter().map(Invocation::key).collect();
        run.record_samples(total, &results, &settled, NOW);
    }

    fn outcome(samples: u64) -> LightevalOutcome {
        LightevalOutcome { samples, ..LightevalOutcome::default() }
    }

    #[test]
    fn a_run_ends_with_its_samples_and_its_metrics_in_any_order() {
        let (mut one, mut other) = (run(), run());
        for run in [&mut one, &mut other] {
            run.begin_evaluation(NOW);
        }
        record(&mut one, 2, 0, &[sample(0, Some("4"))]);
        record(&mut one, 2, 1, &[sample(1, None)]);
        assert_eq!(one.row.status, RunStatus::Running, "its metrics are still on their way");
        one.complete_evaluation(&outcome(2), NOW);
        other.complete_evaluation(&outcome(2), NOW);
        assert_eq!(other.row.status, RunStatus::Running, "its samples are still on their way");
        record(&mut other, 2, 0, &[sample(0, Some("4")), sample(1, None)]);

        for LockedRun { row, .. } in [one, other] {
            assert_eq!((row.status, row.total, row.cursor.fed), (RunStatus::Completed, 2, 2));
            let outcomes = (row.stats.outcome(Outcome::Succeeded), row.stats.outcome(Outcome::Failed));
            assert_eq!((outcomes, row.stats.scores.count()), ((1, 1), 1), "no answer has no score");
        }
    }

    #[test]
    fn a_new_claim_begins_without_the_samples_of_the_one_before() {
        let mut run = run();
        run.begin_evaluation(NOW);
        record(&mut run, 3, 0, &[sample(0, Some("4"))]);

        run.begin_evaluation(NOW);

        assert_eq!((run.row.total, run.row.stats.settled(), run.row.stats.scores.count()), (0, 0, 0));
        assert!(run.is_configured(), "the total is written");
    }

    #[test]
    fn a_failure_ends_the_run_without_a_score() {
        let mut run = run();
        run.fail_evaluation("none of the 2 samples has an answer", NOW);

        assert_eq!((run.row.status, run.row.finished_at), (RunStatus::Failed, Some(NOW)));
        assert_eq!(run.row.stats.scores.count(), 0);
        let reason = run.row.lighteval.unwrap().reason;
        assert_eq!(reason.as_deref(), Some("none of the 2 samples has an answer"));
    }
}
