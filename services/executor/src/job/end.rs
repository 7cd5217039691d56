use std::{fmt::Display, time::Duration};

use jiff::{SignedDuration, Timestamp};
use runmill_broker::Envelope;
use runmill_llm::{ChatResponse, Invoked, ModelError, Unanswered};
use runmill_proto::{
    ErrorKind, Item, Outcome, PauseCause, Texts,
    message::{Call, Deferred, Invocation, Job, JobKey, ReusedAnswer},
};

use crate::{
    invocation,
    texts::{self, question},
};

/// Message about a job to the log-sinks.
pub(super) enum JobLog {
    Ended(Box<Invocation>),
    Deferred(Box<Deferred>),
}

/// Makes the log of a job, by the way in which it ended.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    pub job: &'a Job,
    pub now: Timestamp,
    pub item: Option<&'a Item>,
}

impl<'a> End<'a> {
    pub const fn new(job: &'a Job, now: Timestamp) -> Self {
        Self { job, now, item: None }
    }

    /// Adds the item of the job, once it could be read.
    pub const fn of_item(self, item: &'a Item) -> Self {
        Self { item: Some(item), ..self }
    }

    /// Returns the log of a job that failed before any request was made.
    pub fn failed(&self, kind: ErrorKind, reason: &dyn Display) -> JobLog {
        let failed = self.invocation(self.no_call(), Outcome::Failed);
        JobLog::ended(Invocation { error_kind: Some(kind), error: Some(reason.to_string()), ..failed })
    }

    /// Returns the log of a job whose run was canceled before any request was made.
    pub fn canceled(&self) -> JobLog {
        JobLog::ended(self.invocation(self.no_call(), Outcome::Canceled))
    }

    /// Returns the log of a job that has to be fed again after some time. No request was made, so it counts as no
    /// attempt.
    pub fn deferred(&self, after: Duration, reason: &dyn Display) -> JobLog {
        JobLog::deferred(self.deferral(self.no_call(), after, reason.to_string()))
    }

    /// Returns the log of a job for whose run no request can be made until someone corrects the cause. The run is
    /// paused, and resumes by itself after that time.
    pub fn stopped(&self, after: Duration, reason: &dyn Display) -> JobLog {
        let deferred = self.deferral(self.no_call(), after, reason.to_string());
        JobLog::deferred(Deferred { pause: true, ..deferred })
    }

    /// Returns the log of a call, without a score. Returns `None` if no request was made, so that another executor
    /// can take the job. A job that was already deferred `deferrals_max` times fails instead of being deferred again.
    pub fn invoked(&self, invoked: &Invoked, run_canceled: bool, deferrals_max: u32) -> Option<JobLog> {
        let call = self.call(invoked);
        let report = match &invoked.result {
            Ok(response) => JobLog::ended(self.answered(call, response)),
            Err(Unanswered::Failed(error)) => self.unanswered(call, error),
            Err(Unanswered::Deferred { error, .. }) if self.job.attempt >= deferrals_max => {
                self.unanswered(call, error)
            }
            Err(Unanswered::Deferred { after, error }) => {
                let unreachable = error.is_unsent();
                let after = if unreachable { self.unreached_wait(*after) } else { *after };
                let deferred = self.deferral(call, after, error.to_string());
                JobLog::deferred(Deferred { failures: invoked.failures, unreachable, ..deferred })
            }
            Err(Unanswered::LaneStopped { after, error }) => {
                let deferred = self.deferral(call, *after, error.to_string());
                let pause_cause = budget_cause(error);
                JobLog::deferred(Deferred {
                    failures: invoked.failures,
                    pause: true,
                    pause_cause,
                    ..deferred
                })
            }
            Err(Unanswered::Interrupted) if run_canceled => {
                JobLog::ended(self.invocation(call, Outcome::Canceled))
            }
            Err(Unanswered::Interrupted) if invoked.attempts.is_empty() => return None,
            Err(Unanswered::Interrupted) => {
                let reason = Deferred::WORKER_SHUTDOWN.to_owned();
                JobLog::deferred(self.deferral(call, Duration::ZERO, reason))
            }
        };
        Some(report)
    }

    /// Returns the log of a job with the answer of an earlier run, without a score. It has no call, and costs nothing.
    pub fn reused(&self, answer: &ReusedAnswer) -> JobLog {
        let call = Call { cost_nanousd: Some(0), ..self.no_call() };
        JobLog::ended(Invocation {
            response: Some(answer.response.clone()),
            reasoning: answer.reasoning.clone(),
            tool_calls: answer.tool_calls.clone(),
            logprobs: answer.logprobs.clone(),
            reused_from: Some(answer.run_id),
            ..self.invocation(call, answer.outcome)
        })
    }

    /// Returns the log of a job that ends because its run's budget is used up.
    pub fn budget_stopped(&self, invoked: &Invoked) -> JobLog {
        let error = invoked.result.as_ref().err().map(ToString::to_string);
        JobLog::ended(Invocation { error, ..self.invocation(self.call(invoked), Outcome::BudgetStopped) })
    }

    fn call(&self, invoked: &Invoked) -> Call {
        invoked.call(invocation::new_id(), self.job.provider_id, &self.job.model)
    }

    /// Returns the time for which a job is deferred whose provider cannot be reached. It grows each time that the job is
    /// fed, so that a server that is away for long costs few jobs.
    fn unreached_wait(&self, after: Duration) -> Duration {
        after.saturating_mul(self.job.attempt.saturating_add(1)).min(UNREACHED_WAIT_MAX)
    }

    fn unanswered(&self, call: Call, error: &ModelError) -> JobLog {
        JobLog::ended(Invocation {
            error_kind: Some(error.kind()),
            error: Some(error.to_string()),
            ..self.invocation(call, Outcome::Failed)
        })
    }

    fn answered(&self, call: Call, response: &ChatResponse) -> Invocation {
        let answered = invocation::with_answer(self.invocation(call, response.outcome()), response);
        // A client reads these in its answer; the results of other jobs need not have them.
        let is_request = self.item.is_some_and(|item| item.request.is_some());
        Invocation {
            finish: is_request.then_some(response.finish),
            answer_usage: response.usage.filter(|_| is_request),
            ..answered
        }
    }

    fn invocation(&self, call: Call, outcome: Outcome) -> Invocation {
        let Job { run_id, ordinal, sample, epoch, .. } = *self.job;
        let stored = self.job.config.texts;
        let item_id = self.item.map(|item| item.id.clone()).unwrap_or_default();
        let question = self.item.map(|item| question(&item.inputs.text, stored)).unwrap_or_default();
        let key = JobKey { run_id, ordinal, sample };
        Invocation { epoch, item_id, question, ..Invocation::new(key, call, outcome) }
    }

    fn deferral(&self, call: Call, after: Duration, reason: String) -> Deferred {
        let job = self.job;
        // The wait is bounded, because one that overflows the calendar would never end.
        let wait = SignedDuration::try_from(after).unwrap_or(WAIT_MAX).min(WAIT_MAX);
        Deferred {
            run_id: job.run_id,
            ordinal: job.ordinal,
            sample: job.sample,
            epoch: job.epoch,
            attempt: job.attempt,
            failures: job.failures,
            not_before: self.now.saturating_add(wait).unwrap_or(self.now),
            reason,
            pause: false,
            pause_cause: None,
            unreachable: false,
            call,
        }
    }

    fn no_call(&self) -> Call {
        Call::unsent(invocation::new_id(), self.job.provider_id, &self.job.model, self.now)
    }
}

/// Returns the cause of the pause, if a budget is used up.
const fn budget_cause(error: &ModelError) -> Option<PauseCause> {
    match error {
        ModelError::BudgetUsedUp { after: None, .. } => Some(PauseCause::Budget),
        ModelError::BudgetUsedUp { after: Some(_), .. } => Some(PauseCause::DayBudget),
        _ => None,
    }
}

/// Longest time for which a job is deferred whose provider cannot be reached.
const UNREACHED_WAIT_MAX: Duration = Duration::from_secs(30);

/// Longest wait that is granted to a provider.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(24);

impl JobLog {
    fn ended(invocation: Invocation) -> Self {
        Self::Ended(Box::new(invocation))
    }

    fn deferred(deferred: Deferred) -> Self {
        Self::Deferred(Box::new(deferred))
    }

    /// Returns the log with its texts as its run wants them to be stored.
    pub fn with_texts(self, stored: Texts) -> Self {
        match self {
            Self::Ended(invocation) => Self::ended(texts::store(*invocation, stored)),
            deferred @ Self::Deferred(_) => deferred,
        }
    }

    pub fn envelope(&self) -> Envelope {
        match self {
            Self::Ended(invocation) => Envelope::new(&**invocation),
            Self::Deferred(deferred) => Envelope::new(&**deferred),
        }
    }

    /// Returns the log of a failed job that keeps the call and its cost, and drops the answer. Returns `None` if there
    /// is nothing to drop.
    pub fn without_answer(self, reason: &dyn Display) -> Option<Self> {
        match self {
            Self::Ended(invocation) => invocation::without_answer(*invocation, reason).map(Self::ended),
            Self::Deferred(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use runmill_proto::{RunId, testing};
    use uuid::Uuid;

    use super::*;

    /// Returns the log of a call that was deferred for 5 s because of `error`, of a job that was fed `attempt` times
    /// before.
    fn deferral(attempt: u32, error: ModelError) -> Deferred {
        let key = JobKey { run_id: RunId::from_uuid(Uuid::nil()), ordinal: 0, sample: 0 };
        let job = Job { attempt, ..testing::job(key) };
        let invoked = Invoked {
            attempts: Vec::new(),
            usage: None,
            started_at: Timestamp::UNIX_EPOCH,
            latency: Duration::ZERO,
            ttft: None,
            failures: 0,
            streamed: false,
            result: Err(Unanswered::Deferred { after: Duration::from_secs(5), error }),
        };
        match End::new(&job, Timestamp::UNIX_EPOCH).invoked(&invoked, false, 1_000) {
            Some(JobLog::Deferred(deferred)) => *deferred,
            _ => panic!("the job is not deferred"),
        }
    }

    #[test]
    fn a_job_whose_provider_cannot_be_reached_waits_longer_each_time() {
        let gone = || ModelError::Unreachable { message: "connection refused".into() };
        let waits = [0, 1, 2, 9, 999].map(|attempt| {
            let deferred = deferral(attempt, gone());
            assert!(deferred.unreachable && !deferred.pause);
            deferred.not_before.as_second()
        });
        assert_eq!(waits, [5, 10, 15, 30, 30]);

        let busy = ModelError::Overloaded { message: "busy".into(), after: None };
        let deferred = deferral(9, busy);
        assert_eq!((deferred.unreachable, deferred.not_before.as_second()), (false, 5));
    }
}
